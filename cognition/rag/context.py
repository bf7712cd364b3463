"""What was composed, and the account of it: what went in, from where, at what cost, and what did not."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cognition.rag.source import Part

__all__ = ["Account", "Accounts", "Context", "LeftOut", "Load", "Used", "Why"]

State = Literal["loaded", "late", "failed"]
Why = Literal["no room", "said already", "scores too little", "nothing left of it"]
"""`nothing left of it`: only orders to the persona, or characters that cannot be shown."""

KEPT = 256
"""Accounts that are kept."""
LEFT_OUT_SHOWN = 32
"""Pieces left out that an account names; all are counted."""


@dataclass(frozen=True, slots=True)
class Load:
    """How the loading of one source went.

    Attributes:
        source: its name.
        state: `late`: it had no time left and was left out; `failed`: it raised.
        milliseconds: until it was done or given up.
        pieces: how many it gave.
        tokens: how many of these went in.
        reason: what it raised.
    """

    source: str
    state: State
    milliseconds: float
    pieces: int = 0
    tokens: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Used:
    """A piece that went in; `text` is what the model reads of it."""

    source: str
    id: str
    part: Part
    tokens: int
    score: float
    text: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A piece that did not go in, and why."""

    source: str
    id: str
    score: float
    why: Why


@dataclass(frozen=True, slots=True)
class Account:
    """How a context came about. All it shows is known to its listeners, and may be shown to them alone.

    Attributes:
        persona: identity of who answers.
        room: where.
        at: when it was wanted.
        words: what was being said.
        listeners: identities of the people who heard the answer.
        budget: tokens there were.
        tokens: tokens it has, by part.
        deadline: seconds it had.
        milliseconds: it took.
        loads: by source, in the engine's order; those that were not asked are not among them.
        used: in the order of the text.
        left_out: at most `LEFT_OUT_SHOWN` of those that did not go in.
        counts: how many were left out, by why.
    """

    persona: str
    room: str
    at: datetime
    words: str
    listeners: frozenset[str]
    budget: int
    tokens: dict[Part, int]
    deadline: float
    milliseconds: float
    loads: tuple[Load, ...] = ()
    used: tuple[Used, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """One object, as docs/architecture.md lists it."""
        return {
            "persona": self.persona,
            "room": self.room,
            "at": self.at.isoformat(),
            "words": self.words,
            "budget": self.budget,
            "tokens": dict(self.tokens),
            "deadline_ms": round(1000 * self.deadline, 1),
            "ms": round(self.milliseconds, 2),
            "sources": [
                {
                    "source": one.source,
                    "state": one.state,
                    "ms": round(one.milliseconds, 2),
                    "pieces": one.pieces,
                    "tokens": one.tokens,
                    **({"reason": one.reason} if one.reason else {}),
                }
                for one in self.loads
            ],
            "used": [
                {
                    "source": one.source,
                    "id": one.id,
                    "part": one.part,
                    "tokens": one.tokens,
                    "score": round(one.score, 4),
                    "text": one.text,
                    "origin": one.origin,
                }
                for one in self.used
            ],
            "left_out": [
                {"source": one.source, "id": one.id, "score": round(one.score, 4), "why": one.why}
                for one in self.left_out
            ],
            "counts": dict(self.counts),
        }


@dataclass(frozen=True, slots=True)
class Context:
    """Text for a prompt, each part empty where there is nothing to say; lines with a line break between them."""

    stable: str
    fresh: str
    account: Account


class Accounts:
    """The accounts of the latest replies, by the reply's id.

    Args:
        most: how many; one more takes the place of the oldest.
    """

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[Account, ...]] = OrderedDict()

    def keep(self, reply: str, accounts: Iterable[Account]) -> None:
        """Of what a reply was made with: what stood early in its prompt, and what was recalled for it."""
        self._kept[reply] = tuple(accounts)
        self._kept.move_to_end(reply)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def of(self, reply: str, viewer: str) -> tuple[Account, ...] | None:
        """For who heard the reply; None for others, and where there is none.

        Args:
            reply: its id.
            viewer: identity of who asks.
        """
        kept = self._kept.get(reply)
        if kept is None or not all(viewer in one.listeners for one in kept):
            return None
        return kept

    def clear(self) -> None:
        """Forgets all: somebody wants to be forgotten, and whom they are about nobody can tell of each."""
        self._kept.clear()
