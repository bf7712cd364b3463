"""The people of a meeting in virtual time: they come and go, and say what a script has, when people would."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC
from random import Random
from typing import Any

from cognition.events import Arrived, Left
from cognition.persona.engine import Mind
from media.speech.events import SpeechPaused, SpeechStarted, TurnCommitted, TurnProposed
from perf.meeting import PEOPLE, PERSONAS, Act, Moment, Script, Want
from perf.meeting_room import Asked, Came, Clock, Meeting, Port, Room, open_rooms, virtual_wall_clock
from signaling.attendant import Attendant
from signaling.ears import ScriptedEars

__all__ = ["hold"]

PAUSED, WORDS, DECIDED = 0.1, 0.35, 0.55
"""Seconds after the end of speech until the pause, the words and the end of the turn are known."""
JUDGED = 0.12
"""Seconds after which media holds a voice that a person interrupts."""
WORD = 0.33
"""Seconds a person takes for a word."""
TAKEN_IN = 0.1
"""Seconds after a persona's last word from which on people know what it was."""
COMES, GOES = (20.0, 120.0), (120.0, 400.0)
"""Seconds until somebody who has left comes back, and until the next one leaves."""


class Person:
    """Somebody with a microphone, while they are there: what they say comes to each attendance's ears."""

    def __init__(self, number: int, rooms: Sequence[Room], meeting: Meeting, port: Port) -> None:
        self.number, self.name = number, PEOPLE[number]
        self.id = ""
        self.speaking = False
        self._rooms = rooms
        self._meeting = meeting
        self._port = port
        self._turns = 0
        self._ears: list[ScriptedEars] = []

    async def enter(self, delay: float) -> None:
        """Comes, and can hear after so many seconds."""
        now = asyncio.get_running_loop().time()
        self._turns = 0
        self.id = f"p{self.number}-{len(self._meeting.came)}"
        self._meeting.ids[self.number] = self.id
        self._meeting.came.append(Came(self.id, self.name, now))
        self._ears = [ScriptedEars() for _ in self._rooms]
        attendants = [Attendant(self.id, self.name, ears, self.name) for ears in self._ears]
        for room, attendant in zip(self._rooms, attendants, strict=True):
            room.attendance.enter(attendant, greet=True)
            room.mind.note(Arrived("room", self.id, self.name, Clock.now(UTC)))
        await asyncio.sleep(delay)
        for attendant in attendants:
            attendant.connected.set()

    def leave(self) -> None:
        """Goes."""
        for room in self._rooms:
            room.mind.note(Left("room", self.id, self.name, Clock.now(UTC)))
            room.attendance.leave(self.id)
        del self._meeting.ids[self.number]
        next(
            each for each in self._meeting.came if each.id == self.id
        ).left = asyncio.get_running_loop().time()

    async def say(self, act: Act, *, over: bool = False) -> Asked:
        """Says it, to the end of the turn."""
        now = asyncio.get_running_loop().time
        self._turns += 1
        turn = f"{self.id}-{self._turns}"
        asked = Asked(act, turn, now())
        self._meeting.asked.append(asked)
        self.speaking = True
        self._put(lambda ns: SpeechStarted(turn, ns))
        seconds = max(0.4, WORD * len(act.text.split()))
        if over:
            await asyncio.sleep(JUDGED)
            self._port.hold(self.id)
            seconds -= JUDGED
        await asyncio.sleep(seconds)
        asked.ended = now()
        self._meeting.speech.append((asked.began, asked.ended))
        await asyncio.sleep(PAUSED)
        self._put(lambda ns: SpeechPaused(turn, ns, ns))
        await asyncio.sleep(WORDS - PAUSED)
        self._put(lambda ns: TurnProposed(turn, act.text, ns, ns, ns))
        await asyncio.sleep(DECIDED - WORDS)
        self._put(lambda ns: TurnCommitted(turn, act.text, ns, ns, ns, ns))
        self.speaking = False
        await asyncio.sleep(0)
        return asked

    def _put(self, make: Callable[[int], Any]) -> None:
        event = make(time.monotonic_ns())
        for ears in self._ears:
            ears.put(event)


async def hold(
    people: int,
    personas: int,
    seconds: float,
    seed: int,
    mind_of: Callable[..., Mind] = Mind,
    *,
    apart: bool = False,
    alive: bool = False,
) -> Meeting:
    """Holds a meeting; to be run on a loop with a virtual clock.

    Args:
        people: how many people.
        personas: how many personas.
        seconds: how long.
        seed: of everything that is left to chance.
        mind_of: makes the mind that decides.
        apart: whether each persona is attended on its own, as one assistant beside another.
        alive: whether personas have their life, and do things by themselves.
    """
    meeting = Meeting(people, tuple(PERSONAS)[:personas])
    seeded = f"{seed} {people} {personas}"
    with virtual_wall_clock():
        async with open_rooms(meeting, seeded, mind_of, apart=apart, alive=alive) as (port, rooms):
            crowd = [Person(number, rooms, meeting, port) for number in range(people)]
            chair = Chair(meeting, port, crowd, Random(f"{seed} talk {people} {personas}"))
            async with asyncio.TaskGroup() as group:
                comings = group.create_task(chair.come_and_go(Random(f"{seed} door {people} {personas}")))
                await chair.run(seconds)
                comings.cancel()
    return meeting


class Chair:
    """Lets people say what the script has, when people would."""

    def __init__(self, meeting: Meeting, port: Port, crowd: Sequence[Person], random: Random) -> None:
        self._meeting = meeting
        self._port = port
        self._crowd = crowd
        self._random = random
        self._script = Script(len(crowd), meeting.personas, random)
        self._here = asyncio.Event()
        """Set once everybody has come."""
        self._listening = asyncio.Lock()
        """Held from what somebody says until what comes of it is over: nobody leaves meanwhile."""

    async def come_and_go(self, random: Random) -> None:
        """Everybody comes within a few seconds; from then on one after the other leaves and comes back."""
        async with asyncio.TaskGroup() as group:
            for person in self._crowd:
                group.create_task(person.enter(random.uniform(0.2, 2.0)))
                if random.random() < 0.7:
                    await asyncio.sleep(random.uniform(0.0, 3.0))
            await asyncio.sleep(1.0)
            self._here.set()
            while len(self._crowd) > 1:
                await asyncio.sleep(random.uniform(*GOES))
                # Now and then two leave, and come back together.
                number = 2 if len(self._crowd) > 3 and random.random() < 0.3 else 1
                some = random.sample(self._crowd, number)
                async with self._listening:
                    for person in some:
                        person.leave()
                        self._script.present.remove(person.number)
                await asyncio.sleep(random.uniform(*COMES))
                for person in some:
                    group.create_task(person.enter(random.uniform(0.2, 2.0)))
                    self._script.present.append(person.number)

    def _asked_by_persona(self) -> Act | None:
        """What somebody says whom a persona has asked something by itself, if nobody has spoken since."""
        last = max(self._meeting.spoke, key=lambda each: each.ended, default=None)
        due = None if last is None else self._meeting.dues.get(last.turn)
        said = None if last is None else self._meeting.said.get(last.turn)
        if last is None or due is None or said is None or not said.text.endswith("?"):
            return None
        if any(ended > last.began for _, ended in self._meeting.speech):
            return None
        number = next((place for place, id in self._meeting.ids.items() if id == due.to), None)
        return None if number is None else self._script.answer_to(last.persona.title(), number)

    def _moment(self, asked: Asked | None, first: int) -> Moment:
        """What "and you?" would refer to now: the answers to what was asked last, if nothing else was said since."""
        if asked is None or asked.act.want in (Want.NOBODY, Want.MAY) or self._meeting.asked[-1] is not asked:
            return Moment(None, ())
        spoke = self._meeting.spoke[first:]
        if asked.act.speaker not in self._script.present or any(each.turn != asked.turn for each in spoke):
            return Moment(None, ())
        return Moment(asked.act.speaker, tuple(dict.fromkeys(each.persona.title() for each in spoke)))

    async def run(self, seconds: float) -> None:
        """Holds the meeting."""
        now = asyncio.get_running_loop().time
        asked, first = None, 0
        await self._here.wait()
        while now() < seconds:
            await asyncio.sleep(self._random.uniform(0.3, 2.5))
            async with self._listening:
                await self._until_silent()
                # Nobody begins within the instant in which a question ends that they have yet to take in.
                await asyncio.sleep(TAKEN_IN)
                act = self._asked_by_persona() or self._script.next(self._moment(asked, first))
                first = len(self._meeting.spoke)
                asked = await self._say(act)
                await self._listen(asked)

    async def _say(self, act: Act) -> Asked:
        """Says an act; now and then another person begins at the same moment with something to a person."""
        both = self._script.aside(act.speaker) if self._random.random() < 0.04 else None
        if both is None:
            return await self._crowd[act.speaker].say(act)
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(self._crowd[act.speaker].say(act))
            await asyncio.sleep(self._random.uniform(0.0, 0.2))
            group.create_task(self._crowd[both.speaker].say(both))
        return asked.result()

    async def _listen(self, asked: Asked) -> None:
        """What people do after an act: wait for the answers, acknowledge, interrupt, speak into a pause."""
        random = self._random
        if (reply := self._script.reply_of_person(asked.act)) is not None:
            await asyncio.sleep(random.uniform(0.2, 1.0))
            await self._crowd[reply.speaker].say(reply)
            return
        if random.random() < 0.1 and (aside := self._script.aside(asked.act.speaker)) is not None:
            await self._crowd[aside.speaker].say(aside)
        patience = 0.8 if asked.act.want is Want.NOBODY else 4.0
        interrupts = random.random() < 0.12
        while await self._somebody_speaks(patience):
            chance = random.random()
            if interrupts and chance < 0.5:
                interrupts = False
                await asyncio.sleep(random.uniform(0.1, 3.0))
                if self._port.sounding:
                    over = self._script.interruption()
                    await self._listen(await self._crowd[over.speaker].say(over, over=True))
                    return
            elif chance < 0.25:
                await asyncio.sleep(random.uniform(0.3, 2.0))
                if self._port.sounding:
                    nod = self._script.backchannel()
                    await self._crowd[nod.speaker].say(nod)
            await self._until_silent()
            patience = 1.4

    async def _somebody_speaks(self, patience: float) -> bool:
        """Whether a persona begins within so many seconds."""
        try:
            async with asyncio.timeout(patience):
                while not self._port.sounding:
                    self._port.changed.clear()
                    await self._port.changed.wait()
        except TimeoutError:
            return False
        return True

    async def _until_silent(self) -> None:
        while self._port.sounding:
            self._port.changed.clear()
            await self._port.changed.wait()
