"""Keeps what is lived, in order; nobody waits for it, and a disk that is full holds nobody up."""

import asyncio
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import assert_never

from cognition.conversation.floor import Attendee
from cognition.events import Arrived, Declined, Event, Feedback, Heard, Left, Read, Said
from cognition.store import timeline
from cognition.store.errors import StoreClosed, StoreError
from cognition.store.store import Storage
from cognition.store.timeline import Participant, Place

__all__ = ["Recorder", "entry_of"]

MAX_WAITING = 10_000
"""Events that may wait for the disk; some hours of a full room."""
BATCH = 256
RETRY_AFTER = 1.0
"""Seconds between two attempts while the disk takes nothing."""


class Recorder:
    """Puts events into the timeline, one after the other; `observe` only notes them, `run` writes.

    Args:
        store: where the timeline is.
        troubled: told in one line when the store begins to refuse, and None when it takes again.
    """

    def __init__(self, store: Storage, troubled: Callable[[str | None], None] = lambda reason: None) -> None:
        self._store = store
        self._troubled = troubled
        self._waiting: deque[timeline.Event] = deque()
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.counts: Counter[str] = Counter()
        """What was not kept, by reason."""

    @property
    def waiting(self) -> int:
        """Events not yet durable."""
        return len(self._waiting)

    def observe(self, event: Event, present: Iterable[Attendee]) -> None:
        """Notes an event, to be kept.

        Args:
            event: what happened.
            present: everybody in the room, personas too.
        """
        self.note(entry_of(event, present))

    def note(self, event: timeline.Event) -> None:
        """Notes an event as the timeline has it."""
        if len(self._waiting) >= MAX_WAITING:
            self.counts["timeline: too many wait for the disk"] += 1
            return
        self._waiting.append(event)
        self._empty.clear()
        self._news.set()

    async def flushed(self) -> None:
        """Waits until everything noted so far is durable; while the disk takes nothing this does not return."""
        await self._empty.wait()

    async def run(self) -> None:
        """Writes what is noted, until cancelled or the store is closed."""
        refused = False
        while True:
            await self._news.wait()
            batch = list(islice(self._waiting, BATCH))
            try:
                await self._keep(batch)
            except StoreClosed:
                return
            except StoreError as error:
                if not refused:
                    self._troubled(str(error))
                refused = True
                self.counts["timeline: attempts that the store refused"] += 1
                await asyncio.sleep(RETRY_AFTER)
                continue
            if refused:
                self._troubled(None)
                refused = False
            for _ in batch:
                self._waiting.popleft()
            if not self._waiting:
                self._news.clear()
                self._empty.set()

    async def _keep(self, batch: Sequence[timeline.Event]) -> None:
        try:
            await self._store.write(lambda connection: _keep_all(connection, batch))
        except (ValueError, sqlite3.Error):
            # One of them cannot be kept by its own fault; the others are not to go with it.
            if len(batch) == 1:
                self.counts["timeline: event that cannot be kept"] += 1
                return
            for each in batch:
                await self._keep([each])


def _keep_all(connection: sqlite3.Connection, batch: Sequence[timeline.Event]) -> None:
    for event in batch:
        match event.kind:
            case "arrived":
                timeline.arrive(connection, event)
            case "left":
                timeline.depart(connection, event)
            case _:
                timeline.append(connection, event)


def entry_of(event: Event, present: Iterable[Attendee]) -> timeline.Event:
    """An event of the mind as the timeline has it.

    A written line's id is its writer's choice, and may be used again another day: its time is part of it.
    """
    there = {each.id: Participant(each.id, each.kind, each.name) for each in present}
    who = event.persona if isinstance(event, Declined) else event.participant
    known = there.get(who)
    kind = known.kind if known is not None else "persona" if isinstance(event, Said | Declined) else "person"
    name = known.name if known is not None else who
    text, to, detail = "", None, dict[str, object]()
    match event:
        case Heard():
            name, text, to = event.name, event.text, event.to
        case Read():
            name, text, detail = event.name, event.text, {"line": event.id}
        case Said():
            text, to, detail = event.text, event.to, {"medium": event.kind}
            if event.interrupted:
                detail["interrupted"] = True
        case Arrived() | Left():
            name = event.name
        case Declined():
            # It may be about a whisper: the persona's own knowledge, unless it tells.
            text, to, detail = event.reason, frozenset({who}), {"line": event.line}
        case Feedback():
            to = frozenset({who, event.persona})
            detail = {"feedback": event.value, "persona": event.persona, "line": event.line}
        case _:
            assert_never(event)
    participant = Participant(who, kind, name)
    return timeline.Event(
        _id_of(event),
        _KINDS[type(event)],
        Place(event.room),
        participant,
        text,
        event.at,
        frozenset({**there, who: participant}.values()),
        to,
        detail=detail,
    )


_KINDS: dict[type[Event], timeline.EventKind] = {
    Heard: "heard",
    Read: "read",
    Said: "said",
    Arrived: "arrived",
    Left: "left",
    Declined: "declined",
    Feedback: "did",
}


def _id_of(event: Event) -> str:
    moment = _instant(event.at)
    if isinstance(event, Read):
        return f"{event.id}@{moment}"
    return event.id or f"{_KINDS[type(event)]}@{moment}"


def _instant(at: datetime) -> str:
    return f"{at.timestamp():.6f}"
