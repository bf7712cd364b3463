"""What the personas of a room are about to say by themselves: each is a bid, said, written, refused or taken back."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from cognition.conversation.reasons import Silence
from cognition.events import Heard, Read, Said
from cognition.persona.actions import Allowed, Refused
from cognition.persona.due import Due
from cognition.persona.engine import Mind
from signaling.answering import Answering
from signaling.attendant import Attendant
from signaling.errors import NotAttended
from signaling.presence import Presence, RoomPort
from signaling.room_floor import RoomFloor
from signaling.volunteering import Volunteering

__all__ = ["MEDIA_WAIT", "Dues", "MayTurn", "Refusable", "Witnesses", "any_may_turn", "nobody"]

MEDIA_WAIT = 15.0
"""Seconds a greeting waits for the participant's media."""


MayTurn = Callable[[str, str, str], Allowed | Refused]


def any_may_turn(_room: str, _persona: str, _other: str) -> Allowed | Refused:
    """Whoever speaks may turn to whomever they like."""
    return Allowed("pass-on")


Witnesses = Callable[[Heard | Read], Awaitable[frozenset[str]]]
"""Identities of the people who perceived a line; of one that nobody knows, of nobody."""


async def nobody(_line: Heard | Read) -> frozenset[str]:
    """Who perceived a line of which nothing is known."""
    return frozenset()


class Refusable(Protocol):
    """Learns what a persona did not come to say; `cognition.persona.life.Life` does."""

    def refused(self, due: Due, reason: str) -> None:
        """The floor was not to be had for it."""


class Dues:
    """See the module.

    Args:
        room: the room's id.
        mind: has the words to greet with.
        port: the room, where things are written.
        persons: who is there, by id.
        presences: the personas seated, by id.
        answering: what is being answered.
        volunteering: says things aloud.
        hush: set while no person speaks.
        spawn: starts a task owned by the room.
        said: told what was written.
        refusable: told what was not said; None for nobody.
        floor: of the room, which shows why a persona stays silent.
        may_turn: whether a persona, by room and id, is trusted with turning to another one.
        witnesses: who perceived a line that the room does not have any more.
        dropped: counts that, by reason.
    """

    def __init__(
        self,
        room: str,
        *,
        mind: Mind,
        port: RoomPort,
        persons: Mapping[str, Attendant],
        presences: Mapping[str, Presence],
        answering: Answering,
        volunteering: Volunteering,
        hush: asyncio.Event,
        spawn: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
        said: Callable[[Said], None],
        refusable: Refusable | None,
        dropped: "Counter[str]",
        floor: RoomFloor,
        may_turn: MayTurn,
        witnesses: Witnesses,
    ) -> None:
        self._room = room
        self._mind = mind
        self._port = port
        self._persons = persons
        self._presences = presences
        self._answering = answering
        self._volunteering = volunteering
        self._hush = hush
        self._spawn = spawn
        self._said = said
        self._refusable = refusable
        self._dropped = dropped
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._whispers: dict[str, tuple[Due, frozenset[str]]] = {}
        """Those under way that are for some alone, and for whom."""
        self._floor = floor
        self._may_turn = may_turn
        self._witnesses = witnesses
        self._explained: set[str] = set()
        """Personas that have told people why they may not turn to another one."""
        self._closed = False

    def __contains__(self, id: str) -> bool:
        return id in self._tasks

    def take(self, due: Due) -> None:
        """A persona wants to say something by itself."""
        presence = self._presences.get(due.persona)
        if presence is None or self._closed or not self._reaches_anybody(due):
            self._refuse(due, "away")
            return
        if due.id in self._tasks:
            return
        # A question is open until anybody answers; what was held back, until this persona says it.
        by = None if due.kind == "question" else due.persona
        if due.line is not None and self._answering.answers(due.line, by):
            self._refuse(due, "another-answers")
            return
        try:
            task = self._tasks[due.id] = self._spawn(self._say(presence, due))
        except NotAttended:
            self._refuse(due, "away")
            return
        if due.circle is not None:
            self._whispers[due.id] = due, due.circle
        task.add_done_callback(lambda _: self._over(due.id))

    def take_back(self, id: str) -> None:
        """Something is no longer to be said; of what is heard of it by now, nothing is taken back."""
        if self._cancel(id):
            self._dropped["no longer due"] += 1

    def came(self) -> None:
        """Somebody is new: what was composed for the others, and is not heard yet, is composed anew or waits."""
        if self._room in self._mind.opened:
            return
        for presence in self._presences.values():
            if presence.reply is not None and presence.reply.to is None:
                presence.reply.outdated = True
                presence.withdraw(presence.reply)

    def left(self) -> None:
        """Somebody is gone; what was for them alone is not said."""
        for due, circle in list(self._whispers.values()):
            if circle.isdisjoint(self._persons) and self._cancel(due.id):
                self._refuse(due, "away")

    def was_said(self, id: str) -> None:
        """It was heard, or written; there is nothing to take back any more."""
        self._over(id)

    def may_turn(self, event: Said, other: str) -> bool:
        """Whether a persona's words may make another one answer; where not it is shown, and once it writes why."""
        persona = event.participant
        allowed = self._may_turn(self._room, persona, other)
        if isinstance(allowed, Allowed):
            return True
        self._dropped["asked by a persona that may not"] += 1
        self._floor.stays_silent(persona, "not-trusted", event.to)
        # What is written is for all; a whisper stays one.
        if event.to is None and persona not in self._explained:
            self._explained.add(persona)
            self._write(persona, allowed.words, f"{allowed.action}-{time.monotonic_ns():x}-{persona}"[:64])
        return False

    def close(self) -> None:
        """Gives everything up, and takes nothing more."""
        self._closed = True
        for task in self._tasks.values():
            task.cancel()

    def _reaches_anybody(self, due: Due) -> bool:
        """Whether a person is there who may hear it from this persona."""
        circle = due.circle
        if circle is None:
            return bool(self._persons)
        return due.persona in circle and not circle.isdisjoint(self._persons)

    def _cancel(self, id: str) -> bool:
        """Gives something up of which nothing is heard yet; whether there was such a thing."""
        task = self._tasks.get(id)
        replies = (presence.reply for presence in self._presences.values() if presence.sounding)
        if task is None or any(reply is not None and reply.utterance == id for reply in replies):
            return False
        return task.cancel()

    def _over(self, id: str) -> None:
        self._tasks.pop(id, None)
        self._whispers.pop(id, None)

    async def _say(self, presence: Presence, due: Due) -> None:
        if due.kind == "greet":
            await self._greet(presence, due)
            return
        there = None if due.line is None else await self._heard_by(due.line)

        def is_for_all() -> bool:
            return there is None or self._room in self._mind.opened or self._hearers(due) <= there

        if is_for_all() and await self._volunteering.say(presence, due, is_for_all):
            return
        if due.kind == "rest":
            self._write(due.persona, due.text, due.id)
            return
        if not is_for_all():
            if due.kind != "remind" or there is None or not (circle := self._circle(due, there)):
                self._refuse(due, "not-for-all")
                return
            # It is asked for now: who came since does not hear it, who asked does.
            self._whispers[due.id] = due, circle
            if await self._volunteering.say(presence, due, circle=circle):
                return
        self._refuse(due, "another-speaks" if self._hush.is_set() else "person-speaks")

    async def _heard_by(self, line: Heard | Read) -> frozenset[str]:
        """Identities of the people who perceived a line: what comes of it is not for who was absent."""
        for each in self._mind.lines(self._room):
            there = each.get("there")
            if (each["from"], each["id"]) == (line.participant, line.id) and isinstance(there, list):
                return frozenset(there)
        there = await self._witnesses(line)
        asker = self._persons.get(line.participant)
        return there if asker is None else there | {asker.known_as}

    def _circle(self, due: Due, there: frozenset[str]) -> frozenset[str]:
        """The persona and who may hear it of those who are here; nobody when whom it is for is away."""
        people = self._persons.values()
        circle = {each.id for each in people if each.known_as in there and _in_circle(each.id, due)}
        return frozenset({*circle, due.persona}) if due.to in circle else frozenset()

    def _hearers(self, due: Due) -> frozenset[str]:
        """Identities of the people who would hear it now."""
        people = self._persons.values()
        return frozenset(each.known_as for each in people if _in_circle(each.id, due))

    async def _greet(self, presence: Presence, due: Due) -> None:
        """Greets somebody once they can hear; in writing where there is no gap."""
        person = self._persons.get(due.to)
        try:
            async with asyncio.timeout(MEDIA_WAIT):
                if person is not None:
                    await person.connected.wait()
        except TimeoutError:
            person = None
        if person is None or due.to not in self._persons:
            self._refuse(due, "away")
            return
        while True:
            company = frozenset(self._persons)
            words = await self._mind.welcome(self._room, due.persona, due.to)

            def is_for_all(company: frozenset[str] = company) -> bool:
                return company.issuperset(self._persons)

            if await self._volunteering.greet(presence, words, due.id, is_for_all):
                self._mind.greeted(self._room, due.to)
                return
            if is_for_all():
                break
            # What is known of them was for those who were there.
            if due.to not in self._persons:
                self._refuse(due, "away")
                return
        self._mind.greeted(self._room, due.to)
        self._write(due.persona, words, due.id)

    def _write(self, persona: str, words: str, id: str) -> None:
        """Writes what there was no gap for, and what people are to know all the same."""
        self._port.post_chat(persona, words, id)
        self._said(Said(self._room, persona, words, datetime.now(UTC), id=id, kind="chat"))

    def _refuse(self, due: Due, reason: Silence | Literal["not-for-all"]) -> None:
        self._dropped[f"{due.kind} refused: {reason}"] += 1
        if self._refusable is not None:
            self._refusable.refused(due, reason)


def _in_circle(person: str, due: Due) -> bool:
    return due.circle is None or person in due.circle
