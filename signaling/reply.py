"""A reply in flight: what it answers, how far it is, and its latency record."""

import asyncio
import time
from dataclasses import dataclass, field

from cognition.rag.context import Account
from signaling.spoken import Span

__all__ = ["Cause", "Reply"]


@dataclass(frozen=True, slots=True)
class Cause:
    """What a reply answers, and when that became known (`time.monotonic_ns`)."""

    turn: str
    to: str
    """Participant id."""
    base_ns: int
    """End of the person's speech, or arrival of the written line."""
    paused_ns: int | None = None
    words_ns: int | None = None
    written: bool = False


@dataclass(slots=True)
class Reply:
    """One reply, from its proposal to its last sample."""

    utterance: str
    cause: Cause | None
    to: frozenset[str] | None = None
    """Who alone hears it, the persona too; None for all."""
    bid: str = ""
    """Id of its bid for the floor; the utterance's unless it is given another."""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    """All its words are known, or there will be no more."""
    spans: list[Span] = field(default_factory=list)
    composed: list[str] = field(default_factory=list)
    answers: tuple[str, str] | None = None
    """See `Said.answers`."""
    accounts: tuple[Account, ...] = ()
    """Of what was remembered for it."""
    marks: dict[str, int] = field(default_factory=dict)
    """Instants of the stages of the latency record, `time.monotonic_ns`."""
    outdated: bool = False
    """Composed for others than are there now: made anew, it is no further attempt."""
    silenced: bool = False
    """No more of it is to be heard: withdrawn, interrupted, or nobody listens."""
    held: bool = False
    """Media holds the voice: what is left may go on, or not."""
    shown: str = ""
    """The caption as last sent."""
    reported: bool = False
    """Whether its latency record was published."""
    posted: bool = False
    """Whether its text was written into the chat, for a reply to a written line."""
    task: "asyncio.Task[None] | None" = None
    heard: bool = False
    """Whether any of it was, and is remembered."""
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Once it was interrupted: what was heard of it is known."""

    def __post_init__(self) -> None:
        self.bid = self.bid or self.utterance

    @property
    def sounding(self) -> bool:
        """Whether any of it went into the voice ring."""
        return bool(self.spans)

    @property
    def listeners(self) -> list[str] | None:
        """The same for the room; None for all."""
        return None if self.to is None else sorted(self.to)

    @property
    def written(self) -> bool:
        """Whether it answers a written line, and is therefore written too."""
        return self.cause is not None and self.cause.written

    def mark(self, stage: str, instant_ns: int | None = None) -> None:
        """Notes when a stage was first reached."""
        self.marks.setdefault(stage, time.monotonic_ns() if instant_ns is None else instant_ns)

    def latency(self, persona: str) -> dict[str, object]:
        """The latency record of docs/protocol.md, in milliseconds after the cause; empty without a cause."""
        if self.cause is None:
            return {}
        base = self.cause.base_ns
        stages = ("paused", "decided", "words", "firstToken", "firstClause", "firstSound", "onWire")
        record: dict[str, object] = {
            "turn": self.cause.turn,
            "persona": persona,
            "to": self.cause.to,
            "speechEnd": 0,
        }
        for stage in stages:
            instant = self.marks.get(stage)
            record[stage] = None if instant is None else round((instant - base) / 1e6, 1)
        return record
