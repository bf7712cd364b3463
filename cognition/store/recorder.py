"""Keeps what is lived, in order; nobody waits for it, and a disk that is full holds nobody up."""

import asyncio
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import assert_never

from cognition.conversation.floor import Attendee
from cognition.conversation.transcript import Line
from cognition.events import Arrived, Declined, Event, Feedback, Heard, Kind, Left, Read, Said
from cognition.store import timeline
from cognition.store.errors import StoreClosed, StoreError
from cognition.store.store import Storage
from cognition.store.timeline import Participant, Place

__all__ = ["Kept", "Recorder", "entry_of", "line_from", "transcript_of"]

MAX_WAITING = 10_000
"""Events that may wait for the disk; some hours of a full room."""
BATCH = 256
RETRY_AFTER = 1.0
"""Seconds between two attempts while the disk takes nothing."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A written line that is on the disk now: where, whose, and its id in the room."""

    room: str
    participant: str
    line: str


@dataclass(frozen=True, slots=True)
class _Note:
    event: timeline.Event
    line: str = ""
    still_there: frozenset[str] | None = None
    """Which of these were there then is to be looked up: it was told by somebody who only knows who is there now."""


class Recorder:
    """Puts events into the timeline, one after the other; `observe` only notes them, `run` writes.

    Args:
        store: where the timeline is.
        identity: who a participant of a room is in all of them: room and id in, identity out, empty where it is the id.
        media: the media time of a room now, in samples at 48 kHz; None where it has none.
        kept: told of the written lines that are durable now.
        troubled: told in one line when the store begins to refuse, and None when it takes again.
        grown: told when something more is durable.
    """

    def __init__(
        self,
        store: Storage,
        *,
        identity: Callable[[str, str], str] = lambda room, id: "",
        media: Callable[[str], int | None] = lambda room: None,
        kept: Callable[[Sequence[Kept]], None] = lambda lines: None,
        troubled: Callable[[str | None], None] = lambda reason: None,
        grown: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._identity = identity
        self._media = media
        self._kept = kept
        self._troubled = troubled
        self._grown = grown
        self._waiting: deque[_Note] = deque()
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
        there = [
            Participant(each.id, each.kind, each.name, self._identity(event.room, each.id))
            for each in present
        ]
        entry = replace(entry_of(event, there), media=self._media(event.room))
        self._note(_Note(entry, event.id if isinstance(event, Read) else ""))

    def restore(
        self,
        room: str,
        lines: Iterable[Line],
        personas: Collection[Participant],
        present: Collection[Participant] = (),
        *,
        still_there: frozenset[str] | None = None,
    ) -> None:
        """Notes lines of a room that were kept elsewhere while this process was not there.

        Args:
            room: whose.
            lines: what is there already stays as it is.
            personas: who of their speakers is one; they are taken to have been there.
            present: who else was.
            still_there: ids; of these, also those were who had arrived by then, as far as the timeline knows. Who has
                left is not taken to have heard it: nobody can tell when that was.
        """
        by_id = {each.id: each for each in personas}
        for line in lines:
            event: Heard | Read | Said
            if line.speaker in by_id:
                event = Said(
                    room, line.speaker, line.text, line.at, line.interrupted, line.id, line.kind, line.to
                )
            elif line.kind == "chat":
                event = Read(room, line.speaker, line.name, line.text, line.at, line.id)
            else:
                event = Heard(room, line.speaker, line.name, line.text, line.at, line.id, line.to)
            entry = entry_of(event, [*personas, *present])
            self._note(_Note(entry, line.id if isinstance(event, Read) else "", still_there))

    def vacate(self, place: Place, there: Collection[str], at: datetime) -> "asyncio.Future[None]":
        """Keeps that all others who seemed to be at a place have left it: this process was not there when they did.

        Raises:
            StoreError: it cannot be kept now.
        """

        def work(connection: sqlite3.Connection) -> None:
            for id, participant in timeline.present_in(connection, place).items():
                if id not in there:
                    entry = timeline.Event(f"left@{_instant(at)}", "left", place, participant, "", at)
                    timeline.depart(connection, entry)

        return self._store.submit(work)

    def _note(self, note: _Note) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self.counts["timeline: too many wait for the disk"] += 1
            return
        self._waiting.append(note)
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
            written = [
                Kept(note.event.place.room, note.event.participant.id, note.line)
                for note in batch
                if note.line
            ]
            if written:
                self._kept(written)
            self._grown()
            if not self._waiting:
                self._news.clear()
                self._empty.set()

    async def _keep(self, batch: Sequence[_Note]) -> None:
        try:
            await self._store.write(lambda connection: _keep_all(connection, batch))
        except (ValueError, sqlite3.Error):
            # One of them cannot be kept by its own fault; the others are not to go with it.
            if len(batch) == 1:
                self.counts["timeline: event that cannot be kept"] += 1
                return
            for each in batch:
                await self._keep([each])


def _keep_all(connection: sqlite3.Connection, batch: Sequence[_Note]) -> None:
    for note in batch:
        event = note.event
        if note.still_there is not None:
            then = timeline.present_in(connection, event.place, event.at)
            known = note.still_there | {event.participant.id}
            there = {each.id: each for each in event.present}
            there |= {id: each for id, each in then.items() if id in known}
            participant = there.get(event.participant.id, event.participant)
            event = replace(event, participant=participant, present=frozenset(there.values()))
        match event.kind:
            case "arrived":
                timeline.arrive(connection, event)
            case "left":
                timeline.depart(connection, event)
            case _:
                timeline.append(connection, event)


def entry_of(event: Event, present: Iterable[Participant]) -> timeline.Event:
    """An event of the mind as the timeline has it.

    A written line's id is its writer's choice, and may be used again another day: its time is part of it.
    """
    there = {each.id: each for each in present}
    who = event.persona if isinstance(event, Declined) else event.participant
    known = there.get(who)
    text, name, to, detail = "", "", None, dict[str, object]()
    match event:
        case Heard():
            name, text, to = event.name, event.text, event.to
            if event.speaker:
                detail["speaker"] = event.speaker
        case Read():
            name, text, detail = event.name, event.text, {"line": event.id}
        case Said():
            text, to, detail = event.text, event.to, {"medium": event.kind}
            if event.interrupted:
                detail["interrupted"] = True
            if event.answers is not None:
                detail["answers"] = list(event.answers)
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
    kind: Kind = "persona" if isinstance(event, Said | Declined) else "person"
    participant = known if known is not None else Participant(who, kind, name or who)
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
        name=name,
    )


def transcript_of(connection: sqlite3.Connection, place: Place, limit: int) -> list[Line]:
    """What was said at a place, oldest first, of that the newest; without what was erased."""
    query = timeline.Query(place=place, kinds=frozenset({"heard", "read", "said"}))
    entries = timeline.page(connection, query, limit=limit, newest_first=True).entries
    return [
        replace(line_from(entry), there=timeline.people_of(connection, entry.seq))
        for entry in reversed(entries)
        if entry.text
    ]


def line_from(entry: timeline.Entry) -> Line:
    """An entry of something that was said or written, as the line of the room that it was."""
    written = entry.kind == "read" or entry.detail.get("medium") == "chat"
    return Line(
        str(entry.detail.get("line", entry.id)),
        entry.participant,
        entry.name,
        "chat" if written else "speech",
        entry.text,
        entry.at,
        entry.detail.get("interrupted") is True,
        entry.audience if entry.whispered else None,
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
