"""What becomes of a room's life in the store: kept as media tells it, caught up with after either side died."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from cognition.conversation.floor import Attendee
from cognition.conversation.transcript import LIMIT, Line, line_of
from cognition.conversation.witnesses import witnesses
from cognition.events import Arrived, Event, Heard, Left, Read
from cognition.persona.profile import Persona
from cognition.store.errors import StoreError
from cognition.store.recorder import Kept, Recorder, transcript_of
from cognition.store.store import Storage
from cognition.store.timeline import Participant, occupied
from signaling.ipc.endpoint import CallError, Endpoint
from signaling.ipc.jsonrpc import JsonObject

__all__ = ["Chronicle", "line_read"]

RECENT = timedelta(minutes=5)
"""Age of a room's last words up to which it is brought back when media has lost it as well."""
SAMPLES_PER_MS = 48
FLUSH = 2.0
"""Seconds the end waits for what is not yet on the disk."""

_log = structlog.get_logger()


class Chronicle:
    """Keeps what happens in the rooms of a process; nobody waits for it.

    Args:
        store: where.
        personas: who is seated in every room; looked at anew each time.
        persons: how each person of a room was introduced by media, by id; empty for a room that is not open.
        grown: told when more is in the timeline.
    """

    def __init__(
        self,
        store: Storage,
        personas: Iterable[Persona],
        persons: Callable[[str], Mapping[str, JsonObject]],
        grown: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._personas = personas
        self._persons = persons
        self._recorder = Recorder(
            store,
            identity=self._identity,
            media=self._media_time,
            kept=self._tell,
            troubled=_trouble,
            grown=grown,
        )
        self._endpoint: Endpoint | None = None
        self._since_ns = 0
        self._dropped: Counter[str] = Counter()

    @property
    def _seated(self) -> list[Participant]:
        return [Participant(each.id, "persona", each.name) for each in self._personas]

    def counts(self) -> Counter[str]:
        """What was not kept, by reason."""
        return self._recorder.counts + self._dropped

    async def run(self) -> None:
        """Writes until cancelled; `flush` comes before that."""
        await self._recorder.run()

    async def written(self) -> None:
        """Waits until everything noted so far is durable; while the disk takes nothing this does not return."""
        await self._recorder.flushed()

    async def flush(self) -> None:
        """Waits for what is noted, but not long."""
        try:
            async with asyncio.timeout(FLUSH):
                await self._recorder.flushed()
        except TimeoutError:
            _log.error("not everything is on the disk", waiting=self._recorder.waiting)

    def begin(self) -> None:
        """A connection to media begins: what was written before it is left to `catch_up`."""
        self._since_ns = time.monotonic_ns()

    def observe(self, event: Event, present: Sequence[Attendee]) -> None:
        """Keeps what the mind observes; who came, who left and what was written is kept by `told`, before that.

        Who came while something was being said has not perceived it.
        """
        if not isinstance(event, Arrived | Left | Read):
            self._recorder.observe(event, witnesses(event, present))

    def ordered(self, line: Heard | Read, present: Sequence[Attendee]) -> None:
        """Keeps what an operator wrote to personas: media knows nothing of it."""
        self._recorder.observe(line, present)

    def told(self, method: str, params: JsonObject) -> None:
        """Keeps news of media as they come, whether or not there is room for them in an inbox."""
        room, who = str(params["room"]), str(params["id"])
        persons = self._persons(room)
        event: Event
        match method:
            case "participant.joined":
                event = Arrived(room, who, str(params["name"]), datetime.now(UTC))
            case "participant.left" if who in persons:
                event = Left(room, who, str(persons[who]["name"]), datetime.now(UTC))
            case "chat.received" if int(params["monotonic_ns"]) >= self._since_ns:
                # An earlier one has waited, and others may be there by now.
                event = line_read(params)
            case _:
                return
        present = [Attendee(id, str(person["name"]), "person") for id, person in persons.items()]
        present += [Attendee(each.id, each.name, each.kind) for each in self._seated]
        self._recorder.observe(event, present)

    def take_over(self, room: str, history: Iterable[JsonObject], participants: Iterable[JsonObject]) -> None:
        """Keeps what media has of a room, as far as it is not there yet: the mind before did not live to keep it.

        What people wrote is left to `catch_up`: media knows who was there when they did.

        Args:
            room: which.
            history: its *line* objects.
            participants: who is there now, as media introduces them.
        """
        personas = {each.id for each in self._seated}
        lines = (line for line in _lines_of(history) if line.kind == "speech" or line.speaker in personas)
        here = frozenset(str(each["id"]) for each in participants)
        self._recorder.restore(room, lines, self._seated, still_there=here)

    async def recent(self) -> dict[str, list[dict[str, object]]]:
        """The lines of the rooms in which people were a moment ago: media may have lost them as well.

        Raises:
            StoreError: the store cannot be read.
        """
        rooms: dict[str, list[dict[str, object]]] = {}
        for place in await self._store.read(occupied):
            lines = await self._store.read(partial(transcript_of, place=place, limit=LIMIT))
            if lines and datetime.now(UTC) - lines[-1].at < RECENT:
                rooms[place.room] = [line.as_wire() for line in lines]
        return rooms

    async def catch_up(self, endpoint: Endpoint) -> None:
        """Keeps the written lines that media holds until they are kept, also those of rooms that have closed.

        From now on media is told of each line that is on the disk, until this is cancelled.
        """
        self._endpoint = endpoint
        try:
            while held := (await endpoint.call("chat.unkept", {}))["lines"]:
                await self._recorder.flushed()
                for one in held:
                    there = [
                        Participant(str(who["id"]), who["kind"], str(who["name"]), str(who["identity"]))
                        for who in one["present"]
                    ]
                    self._recorder.restore(str(one["room"]), _lines_of([one["line"]]), self._seated, there)
                await self._recorder.flushed()
                self._tell([Kept(one["room"], one["line"]["from"], one["line"]["id"]) for one in held])
            await endpoint.wait_closed()
        except CallError as error:
            _log.warning("lines that media holds are not taken up", reason=str(error))
            self._dropped["held lines not taken up"] += 1
        finally:
            self._endpoint = None

    async def settle(self) -> None:
        """Keeps that those have left who seem to be somewhere and are not: nobody was there to see them go."""
        try:
            for place in await self._store.read(occupied):
                there = frozenset(self._persons(place.room))
                await self._recorder.vacate(place, there, datetime.now(UTC))
        except StoreError as error:
            _log.warning("who left meanwhile is not kept", reason=str(error))
            self._dropped["leaves not kept"] += 1

    def _identity(self, room: str, who: str) -> str:
        return str(self._persons(room).get(who, {}).get("identity", ""))

    def _media_time(self, room: str) -> int | None:
        opened_ns = next((person.get("opened_ns") for person in self._persons(room).values()), None)
        if opened_ns is None:
            return None
        return (time.monotonic_ns() - int(opened_ns)) * SAMPLES_PER_MS // 1_000_000

    def _tell(self, lines: Sequence[Kept]) -> None:
        if self._endpoint is not None:
            said = [[one.room, one.participant, one.line] for one in lines]
            self._endpoint.notify("chat.kept", {"lines": said})


def line_read(params: JsonObject) -> Read:
    """A written line as `chat.received` tells it."""
    return Read(
        str(params["room"]),
        str(params["id"]),
        str(params.get("name", params["id"])),
        str(params["text"]),
        datetime.fromisoformat(str(params["at"])),
        str(params["message"]),
    )


def _lines_of(history: Iterable[JsonObject]) -> Iterator[Line]:
    """The lines that can be read; the mind counts the others."""
    for wire in history:
        try:
            yield line_of(wire)
        except (ValueError, AttributeError):
            continue


def _trouble(reason: str | None) -> None:
    if reason is None:
        _log.info("the store takes again what is lived")
    else:
        _log.error("the store takes nothing; what is lived waits", reason=reason)
