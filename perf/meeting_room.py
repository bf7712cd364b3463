"""A meeting in virtual time: people who follow a script, and the real attendance of a room with fakes at its rims."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from random import Random
from typing import Any, Self
from unittest.mock import patch

import numpy as np

from cognition.conversation.reasons import Silence, Wish
from cognition.inference.generator import FakeGenerator
from cognition.inference.generator import Script as Spoken
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona, PersonaVoice
from media.realtime.ring import AudioRing
from media.speech.backchannel import is_backchannel
from media.speech.events import SpeechPaused, SpeechStarted, TurnCommitted, TurnProposed
from media.speech.lane import FakeLane
from media.speech.voice import FakeVoice
from perf.meeting import PEOPLE, PERSONAS, Act, Moment, Script, Want
from signaling.attendance import Attendance, Attendant
from signaling.ears import ScriptedEars
from signaling.presence import Presence

__all__ = ["Asked", "Meeting", "Spoke", "hold"]

FRAME = 960
RING = 20 * 48_000
PAUSED, WORDS, DECIDED = 0.1, 0.35, 0.55
"""Seconds after the end of speech until the pause, the words and the end of the turn are known."""
JUDGED = 0.12
"""Seconds after which media holds a voice that a person interrupts."""
WORD = 0.33
"""Seconds a person takes for a word."""
START = datetime(2026, 3, 1, 9, tzinfo=UTC)
_WORDS = """river window number morning simple question answer paper market winter summer station evening picture
letter country teacher student engine colour travel history kitchen garden bottle valley bridge planet silver copper
music theatre doctor village forest mountain weather table circle method reason""".split()


@dataclass(slots=True)
class Asked:
    """An act as it took place.

    Attributes:
        act: what was said.
        turn: its id.
        began: when, in seconds of the meeting.
        ended: when its last word was over.
    """

    act: Act
    turn: str
    began: float
    ended: float = 0.0


@dataclass(slots=True)
class Spoke:
    """A persona's utterance: who, composed to which turn, from when to when it was heard."""

    persona: str
    turn: str
    began: float
    ended: float


@dataclass(slots=True)
class Meeting:
    """What was seen of a meeting."""

    people: int
    personas: tuple[str, ...]
    asked: list[Asked] = field(default_factory=list)
    spoke: list[Spoke] = field(default_factory=list)
    speech: list[tuple[float, float]] = field(default_factory=list)
    """When people spoke, each from and to."""
    dropped: dict[str, int] = field(default_factory=dict)


class _Port:
    """Media's side: plays what is in the rings while there is something in them."""

    def __init__(self, rings: Mapping[str, AudioRing], meeting: Meeting) -> None:
        self.rings = dict(rings)
        self.meeting = meeting
        self.turns: dict[str, str] = {}
        """What each persona is answering."""
        self.sounding: dict[str, Spoke] = {}
        self.holding: set[str] = set()
        self.woken = asyncio.Event()
        self.changed = asyncio.Event()
        self.rooms: dict[str, Attendance] = {}
        self.presences: dict[str, Presence] = {}

    def caption(self, who: str, utterance: str, text: str, **_: Any) -> None:
        """Nobody reads along."""

    def post_chat(self, persona: str, text: str, line: str = "") -> None:
        """Nobody reads."""

    def wake_voice(self, persona: str) -> None:
        reply = self.presences[persona].reply
        if reply is not None:
            self.turns[persona] = reply.bid.rpartition("#")[0]
        self.woken.set()

    async def stop_voice(self, persona: str) -> int:
        played = self.rings[persona].pulled
        self.rings[persona].drop()
        self.holding.discard(persona)
        self._silent(persona)
        return played

    async def resume_voice(self, persona: str, position: int) -> None:
        self.rings[persona].rewind(position)
        self.holding.discard(persona)
        self.woken.set()

    async def whisper(self, persona: str, listeners: Sequence[str] | None) -> bool:
        return True

    def status(self, persona: str, status: str, listeners: Sequence[str] | None = None) -> None:
        """Nobody looks."""

    def floor(
        self,
        holder: str | None,
        queue: Sequence[tuple[str, Wish]],
        silent: Sequence[tuple[str, Silence]],
        listeners: Sequence[str] | None = None,
    ) -> None:
        """Nobody looks."""

    def presence(self, persona: str, **_: Any) -> None:
        """Nobody looks."""

    def latency(self, record: Mapping[str, object], listeners: Sequence[str] | None = None) -> None:
        """Times are taken from what is heard."""

    def hold(self, by: str) -> None:
        """Somebody interrupts: whoever sounds is held, and its room decides."""
        for persona in list(self.sounding):
            self.holding.add(persona)
            self._silent(persona)
            self.rooms[persona].voice_held(persona, by)

    async def play(self) -> None:
        frame = np.zeros(FRAME, np.int16)
        now = asyncio.get_running_loop().time
        while True:
            await self.woken.wait()
            due = now()
            while any(ring.pulled < ring.written for ring in self.rings.values()):
                due += 0.02
                await asyncio.sleep(max(0.0, due - now()))
                for persona, ring in self.rings.items():
                    if persona in self.holding or not (
                        ring.pulled < ring.written or persona in self.sounding
                    ):
                        continue
                    if ring.pull(frame):
                        self._heard(persona, now())
                    else:
                        self._silent(persona)
                if self.holding and all(
                    ring.pulled == ring.written
                    for name, ring in self.rings.items()
                    if name not in self.holding
                ):
                    break
            for persona in list(self.sounding):
                self._silent(persona)
            self.woken.clear()

    def _heard(self, persona: str, now: float) -> None:
        spoke = self.sounding.get(persona)
        if spoke is None:
            spoke = self.sounding[persona] = Spoke(persona, self.turns.get(persona, ""), now - 0.02, now)
            self.meeting.spoke.append(spoke)
            self.rooms[persona].progressed(persona, self.rings[persona].pulled, time.monotonic_ns())
            self.changed.set()
        spoke.ended = now

    def _silent(self, persona: str) -> None:
        if self.sounding.pop(persona, None) is not None:
            self.changed.set()


class _Person:
    """Somebody with a microphone: what they say comes to each attendance's ears."""

    def __init__(self, number: int, rooms: Sequence[Attendance], meeting: Meeting, port: _Port) -> None:
        self.id, self.name = f"p{number}", PEOPLE[number]
        self.speaking = False
        self._meeting = meeting
        self._port = port
        self._turns = 0
        self._ears = [ScriptedEars() for _ in rooms]
        for room, ears in zip(rooms, self._ears, strict=True):
            attendant = Attendant(self.id, self.name, ears)
            attendant.connected.set()
            room.enter(attendant, greet=False)

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


class _Clock(datetime):
    """The wall clock of a meeting."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """The instant of the loop's clock."""
        at = START + timedelta(seconds=asyncio.get_running_loop().time())
        return cls.fromtimestamp(at.timestamp(), tz)


@contextmanager
def _virtual_wall_clock() -> Iterator[None]:
    with ExitStack() as stack:
        for module in ("attendance", "presence", "answering"):
            stack.enter_context(patch(f"signaling.{module}.datetime", _Clock))
        yield


@cache
def _answers(seed: str) -> tuple[Spoken, ...]:
    """What a model says: something else each time, as long as a spoken answer is, after it has taken its time."""
    random = Random(seed)
    scripts = []
    for _ in range(3000):
        words = random.choices(_WORDS, k=random.randint(5, 22))
        pieces = [words[0].title(), *(f" {word}" for word in words[1:]), "."]
        scripts.append(Spoken(pieces, random.uniform(0.15, 0.6), 0.04))
    return tuple(scripts)


@asynccontextmanager
async def _rooms(
    meeting: Meeting, seed: str, mind_of: Callable[..., Mind], *, apart: bool
) -> AsyncGenerator[tuple[_Port, list[Attendance]]]:
    """The attendance of a room; `apart`, one for each persona, which knows nothing of the others."""
    personas = [
        Persona(name.lower(), name, PersonaVoice(), "You are brief.", (PERSONAS[name],))
        for name in meeting.personas
    ]
    rings = {
        each.id: AudioRing.format(bytearray(AudioRing.nbytes(RING)), rate=48_000, capacity=RING)
        for each in personas
    }
    port = _Port(rings, meeting)
    groups = [[each] for each in personas] if apart else [personas]
    rooms = []
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(port.play())
        for members in groups:
            generator = FakeGenerator(_answers(seed), capacity=4096)
            mind = mind_of(members, generator, is_backchannel=is_backchannel)
            room = Attendance("room", mind=mind, port=port, anticipate=False)
            opened = asyncio.Event()
            group.create_task(room.run(opened.set))
            await opened.wait()
            for each in members:
                port.rooms[each.id] = room
                presence = Presence(
                    each.id,
                    "room",
                    voice=FakeVoice(),
                    ring=rings[each.id],
                    port=port,
                    lane=FakeLane(0.08),
                    spawn=room.spawn,
                    floor=room.floor,
                    said=room.said,
                    dropped=lambda reason, room=room: room.dropped.update([reason]),  # type: ignore[misc]
                )
                port.presences[each.id] = presence
                room.seat(presence, each.name)
            rooms.append(room)
        yield port, rooms
        for room in rooms:
            room.close()
            for reason, count in room.counts().items():
                meeting.dropped[reason] = meeting.dropped.get(reason, 0) + count
        playing.cancel()


async def hold(
    people: int,
    personas: int,
    seconds: float,
    seed: int,
    mind_of: Callable[..., Mind] = Mind,
    *,
    apart: bool = False,
) -> Meeting:
    """Holds a meeting; to be run on a loop with a virtual clock.

    Args:
        people: how many people.
        personas: how many personas.
        seconds: how long.
        seed: of everything that is left to chance.
        mind_of: makes the mind that decides.
        apart: whether each persona is attended on its own, as one assistant beside another.
    """
    meeting = Meeting(people, tuple(PERSONAS)[:personas])
    with _virtual_wall_clock():
        async with _rooms(meeting, f"{seed} {people} {personas}", mind_of, apart=apart) as (port, rooms):
            crowd = [_Person(number, rooms, meeting, port) for number in range(people)]
            await _Chair(meeting, port, crowd, Random(f"{seed} talk {people} {personas}")).run(seconds)
    return meeting


class _Chair:
    """Lets people say what the script has, when people would."""

    def __init__(self, meeting: Meeting, port: _Port, crowd: Sequence[_Person], random: Random) -> None:
        self._meeting = meeting
        self._port = port
        self._crowd = crowd
        self._random = random
        self._script = Script(len(crowd), meeting.personas, random)

    async def run(self, seconds: float) -> None:
        now = asyncio.get_running_loop().time
        moment = Moment(None, ())
        while now() < seconds:
            await asyncio.sleep(self._random.uniform(0.3, 2.5))
            act = self._script.next(moment)
            first = len(self._meeting.spoke)
            asked = await self._say(act)
            await self._listen(asked)
            answered = tuple(
                dict.fromkeys(
                    spoke.persona.title() for spoke in self._meeting.spoke[first:] if spoke.turn == asked.turn
                )
            )
            # After an interruption nobody knows any more what "anyone else" would refer to.
            wanted = act.want is not Want.NOBODY and bool(answered) and self._meeting.asked[-1] is asked
            moment = Moment(act.speaker, answered) if wanted else Moment(None, ())

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
