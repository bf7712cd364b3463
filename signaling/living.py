"""The personas' life in the rooms of a process: told what happens there, and what they want to say brought there."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import structlog

from cognition.conversation.disposition import Disposition
from cognition.conversation.floor import Attendee
from cognition.conversation.transcript import Line, line_of
from cognition.events import Event, Heard, Read, Said
from cognition.inference.generator import Generator
from cognition.memory.redaction import called_one_of, echo_words, names_one_of
from cognition.persona.actions import Allowed, Refused
from cognition.persona.due import Due
from cognition.persona.life import Life
from cognition.persona.notes import InnerNote
from cognition.persona.profile import Persona
from cognition.store.erasure import Traces
from cognition.store.store import Storage
from signaling.attendance import Attendance
from signaling.ipc.jsonrpc import JsonObject

__all__ = ["Living", "event_of"]

_log = structlog.get_logger()


class Living:
    """The life of all personas, opened by `open` and gone on with by `run`.

    Args:
        store: where it is kept.
        generator: words their journals in idle time.
        attending: the rooms that are attended now.
        allows: whether a persona is trusted with what it wants to do by itself.
    """

    def __init__(
        self,
        store: Storage,
        generator: Generator,
        attending: Callable[[], Iterable[Attendance]],
        allows: Callable[[Due], Allowed | Refused] = lambda due: Allowed("answer"),
    ) -> None:
        self._store = store
        self._generator = generator
        self._attending = attending
        self._allows = allows
        self.life: Life | None = None

    async def open(self, personas: Iterable[Persona]) -> None:
        """Brings the personas back as they were left.

        Raises:
            StoreError: the store cannot be read.
        """
        self.life = await Life.open(personas, self._store, generator=self._generator, troubled=_trouble)

    async def run(self) -> None:
        """Lets them live until cancelled."""
        if self.life is not None:
            await self.life.run(self._bring, self._take_back)

    def counts(self) -> Counter[str]:
        """What was dropped or refused, by reason."""
        return self.life.counts() if self.life is not None else Counter()

    def held_back(self, room: str) -> frozenset[str]:
        """Ids of the personas that have something to say in a room which they did not come to say."""
        life = self.life
        if life is None:
            return frozenset()
        return frozenset(
            persona
            for persona in life.personas
            if any(each.kind == "held-back" and each.room == room for each in life.intentions(persona))
        )

    def missed(self, persona: str, room: str) -> str:
        """What a persona says of what it could not take in in a room; empty where there is nothing."""
        return self.life.missed(persona, room) if self.life is not None else ""

    def in_mind(self, persona: str, room: str) -> InnerNote | None:
        """What a persona thinks to itself in a room, for its own prompt."""
        return self.life.in_mind(persona, room) if self.life is not None else None

    def disposition(self, persona: str) -> Disposition:
        """How a persona is disposed to speak just now."""
        return self.life.disposition(persona) if self.life is not None else Disposition()

    def observe(self, event: Event, present: Sequence[Attendee]) -> None:
        """Lets them live through what happened, once what is to be answered of it is under way."""
        if self.life is not None:
            asyncio.get_running_loop().call_soon(self.life.observe, event, present)

    def take_over(self, room: str, history: Iterable[JsonObject], participants: Iterable[JsonObject]) -> None:
        """Lets them live through what a room has of before, as far as they have not."""
        life = self.life
        if life is None:
            return
        present = [Attendee(str(each["id"]), str(each["name"]), "person") for each in participants]
        present += [Attendee(each.id, each.name, "persona") for each in life.personas.values()]
        for wire in history:
            try:
                line = line_of(wire)
            except (ValueError, AttributeError):
                # The mind counts it.
                continue
            life.observe(event_of(room, line, line.speaker in life.personas), present)

    async def forget(self, traces: Traces) -> None:
        """Lets them let go of a person, until nothing of it waits to be saved.

        Raises:
            StoreError: the disk takes nothing.
        """
        if self.life is not None:
            self.life.forget(
                (traces.ids | {traces.identity}) - {""},
                traces.rooms,
                called_one_of(traces.names),
                names_one_of(echo_words(traces)),
            )
            await self.life.settled()

    def vacate(self, room: str) -> None:
        """Nobody is in the room any more."""
        if self.life is not None:
            self.life.present(room, ())

    def _bring(self, due: Due) -> None:
        assert self.life is not None
        allowed = self._allows(due)
        attendance = next((each for each in self._attending() if each.room == due.room), None)
        if isinstance(allowed, Refused):
            self.life.refused(due, "not-trusted")
            _log.info("not trusted", persona=due.persona, room=due.room, reason=allowed.reason)
            if attendance is not None:
                attendance.floor.stays_silent(due.persona, "not-trusted", due.circle)
        elif attendance is None:
            self.life.refused(due, "away")
        else:
            attendance.due(due)

    def _take_back(self, room: str, due: str) -> None:
        for attendance in self._attending():
            if attendance.room == room:
                attendance.no_longer_due(due)


def event_of(room: str, line: Line, persona: bool) -> Heard | Read | Said:
    """A line of a room as it was when it was said."""
    if persona:
        return Said(room, line.speaker, line.text, line.at, line.interrupted, line.id, line.kind, line.to)
    if line.kind == "chat":
        return Read(room, line.speaker, line.name, line.text, line.at, line.id)
    return Heard(room, line.speaker, line.name, line.text, line.at, line.id, line.to)


def _trouble(reason: str | None) -> None:
    if reason is None:
        _log.info("the store takes again what personas live through")
    else:
        _log.error("the store takes nothing; what personas live through waits", reason=reason)
