"""A room in virtual time: the real attendance, mind and life with fakes at their rims, and what is seen of them."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, partial
from random import Random
from typing import Any, Self
from unittest.mock import patch

import numpy as np

from cognition.conversation.disposition import Disposition
from cognition.conversation.floor import Attendee
from cognition.conversation.reasons import Silence, Wish
from cognition.events import Event, Said
from cognition.inference.generator import FakeGenerator, Prompt
from cognition.inference.generator import Script as Spoken
from cognition.persona.actions import Allowed
from cognition.persona.due import Due
from cognition.persona.engine import Mind
from cognition.persona.life import Life
from cognition.persona.profile import Persona, PersonaVoice
from cognition.store.memory_store import MemoryStore
from media.realtime.ring import AudioRing
from media.speech.backchannel import is_backchannel
from media.speech.lane import FakeLane
from media.speech.voice import FakeVoice
from perf.meeting import PERSONAS, Act
from signaling.attendance import Attendance
from signaling.living import Living
from signaling.presence import Presence

__all__ = [
    "Asked",
    "Came",
    "Clock",
    "Meeting",
    "Port",
    "Room",
    "Spoke",
    "Wrote",
    "open_rooms",
    "virtual_wall_clock",
]

FRAME = 960
RING = 20 * 48_000
ASKS = 0.05
"""How often a persona ends what it says with a question to another one."""
INTERRUPTS = "Nova"
"""The persona that is trusted with interrupting another one."""
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


@dataclass(frozen=True, slots=True)
class Wrote:
    """What a persona wrote: who, under which id, when."""

    persona: str
    id: str
    at: float


@dataclass(slots=True)
class Came:
    """A person in the room, from when to when, under an id that nobody else has."""

    id: str
    name: str
    at: float
    left: float = float("inf")


@dataclass(slots=True)
class Meeting:
    """What was seen of a meeting."""

    people: int
    personas: tuple[str, ...]
    asked: list[Asked] = field(default_factory=list)
    spoke: list[Spoke] = field(default_factory=list)
    speech: list[tuple[float, float]] = field(default_factory=list)
    """When people spoke, each from and to."""
    came: list[Came] = field(default_factory=list)
    dues: dict[str, Due] = field(default_factory=dict)
    """What personas wanted to say by themselves, by id."""
    wrote: list[Wrote] = field(default_factory=list)
    said: dict[str, Said] = field(default_factory=dict)
    """What was heard of personas, by id."""
    ids: dict[int, str] = field(default_factory=dict)
    """The participant id of each person who is there, by their place."""
    dropped: dict[str, int] = field(default_factory=dict)


class Port:
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
        """Is kept in `wrote`."""
        self.meeting.wrote.append(Wrote(persona, line, asyncio.get_running_loop().time()))

    def wake_voice(self, persona: str) -> None:
        """Something is in its ring."""
        reply = self.presences[persona].reply
        if reply is not None:
            self.turns[persona] = reply.bid.rpartition("#")[0] or reply.bid
        self.woken.set()

    async def stop_voice(self, persona: str) -> int:
        """Drops what is in its ring."""
        played = self.rings[persona].pulled
        self.rings[persona].drop()
        self.holding.discard(persona)
        self._silent(persona)
        return played

    async def resume_voice(self, persona: str, position: int) -> None:
        """Lets it go on."""
        self.rings[persona].rewind(position)
        self.holding.discard(persona)
        self.woken.set()

    async def whisper(self, persona: str, listeners: Sequence[str] | None) -> bool:
        """Nobody whispers."""
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
        """Plays until cancelled."""
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


class Clock(datetime):
    """The wall clock of a meeting."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """The instant of the loop's clock."""
        at = START + timedelta(seconds=asyncio.get_running_loop().time())
        return cls.fromtimestamp(at.timestamp(), tz)


@contextmanager
def virtual_wall_clock() -> Iterator[None]:
    """Lets both clocks that the room reads go with the loop's."""
    loop, began_ns = asyncio.get_running_loop(), time.monotonic_ns()
    began = loop.time()
    with ExitStack() as stack:
        for module in ("attendance", "presence", "answering", "dues"):
            stack.enter_context(patch(f"signaling.{module}.datetime", Clock))
        stack.enter_context(
            patch.object(time, "monotonic_ns", lambda: began_ns + int((loop.time() - began) * 1e9))
        )
        yield


class _Model:
    """A language model with an answer of its own for each persona, which never asks itself anything."""

    def __init__(self, seed: str, personas: Sequence[str]) -> None:
        self._of = {
            name.lower(): FakeGenerator(
                _answers(f"{seed} {name}", tuple(each for each in personas if each != name)), capacity=4096
            )
            for name in personas
        }
        self._any = next(iter(self._of.values()))

    @property
    def capacity(self) -> int:
        """See `Generator`."""
        return self._any.capacity

    def count(self, text: str) -> int:
        """See `Generator`."""
        return self._any.count(text)

    async def prefill(self, key: str, prompt: Prompt) -> None:
        """See `Generator`."""
        await self._one(key).prefill(key, prompt)

    async def begin(self, key: str, prompt: Prompt) -> None:
        """See `Generator`."""
        await self._one(key).begin(key, prompt)

    def stream(self, key: str, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """See `Generator`."""
        return self._one(key).stream(key, prompt, max_tokens=max_tokens)

    def forget(self, key: str) -> None:
        """See `Generator`."""
        self._one(key).forget(key)

    async def aclose(self) -> None:
        """See `Generator`."""
        for each in self._of.values():
            await each.aclose()

    def _one(self, key: str) -> FakeGenerator:
        return self._of.get(key.rpartition("/")[2], self._any)


@cache
def _answers(seed: str, others: tuple[str, ...]) -> tuple[Spoken, ...]:
    """What a model says: something else each time, as long as a spoken answer is, after it has taken its time."""
    random = Random(seed)
    scripts = []
    for _ in range(1000):
        words = random.choices(_WORDS, k=random.randint(5, 22))
        pieces = [words[0].title(), *(f" {word}" for word in words[1:]), "."]
        if others and random.random() < ASKS:
            pieces.append(f" {random.choice(others)}, what do you make of the {random.choice(_WORDS)}?")
        scripts.append(Spoken(pieces, random.uniform(0.15, 0.6), 0.04))
    return tuple(scripts)


@dataclass(frozen=True, slots=True)
class Room:
    """An attendance and its mind."""

    attendance: Attendance
    mind: Mind


@asynccontextmanager
async def open_rooms(
    meeting: Meeting, seed: str, mind_of: Callable[..., Mind], *, apart: bool, alive: bool
) -> AsyncGenerator[tuple[Port, list[Room]]]:
    """A room, its personas alive or not; `apart`, one for each persona, which knows nothing of the others."""
    personas = [
        Persona(name.lower(), name, PersonaVoice(), "You are brief.", (PERSONAS[name],))
        for name in meeting.personas
    ]
    rings = {
        each.id: AudioRing.format(bytearray(AudioRing.nbytes(RING)), rate=48_000, capacity=RING)
        for each in personas
    }
    port = Port(rings, meeting)
    groups = [[each] for each in personas] if apart else [personas]
    rooms: list[Room] = []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(port.play())]
        for members in groups:
            generator = _Model(seed, [each.name for each in members])
            living = await _lives(meeting, members, generator, rooms) if alive else None
            mind = _mind(meeting, mind_of, members, generator, living)
            life = None if living is None else living.life
            attendance = Attendance("room", mind=mind, port=port, anticipate=False, life=life)
            rooms.append(Room(attendance, mind))
            opened = asyncio.Event()
            group.create_task(attendance.run(opened.set))
            await opened.wait()
            if living is not None:
                tasks.append(group.create_task(living.run()))
            for each in members:
                port.rooms[each.id] = attendance
                presence = Presence(
                    each.id,
                    "room",
                    voice=FakeVoice(),
                    ring=rings[each.id],
                    port=port,
                    lane=FakeLane(0.08),
                    spawn=attendance.spawn,
                    floor=attendance.floor,
                    said=attendance.said,
                    dropped=lambda reason, room=attendance: room.dropped.update([reason]),  # type: ignore[misc]
                    sounds=partial(attendance.sounds, each.id),
                )
                port.presences[each.id] = presence
                attendance.seat(presence, each.name)
        yield port, rooms
        for room in rooms:
            room.attendance.close()
            for reason, count in room.attendance.counts().items():
                meeting.dropped[reason] = meeting.dropped.get(reason, 0) + count
        for task in tasks:
            task.cancel()


async def _lives(
    meeting: Meeting, personas: Sequence[Persona], generator: _Model, rooms: Sequence[Room]
) -> Living:
    """The personas' life, on the meeting's clock; each due that it brings is noted."""

    def allows(due: Due) -> Allowed:
        meeting.dues[due.id] = due
        return Allowed("answer")

    store = MemoryStore()
    living = Living(store, generator, lambda: [room.attendance for room in rooms], allows)
    now = asyncio.get_running_loop().time
    living.life = await Life.open(
        personas, store, clock=lambda: START.timestamp() + now(), generator=generator, zone=UTC
    )
    return living


def _mind(
    meeting: Meeting,
    mind_of: Callable[..., Mind],
    personas: Sequence[Persona],
    generator: _Model,
    living: Living | None,
) -> Mind:
    def observe(event: Event, present: Sequence[Attendee]) -> None:
        if isinstance(event, Said):
            meeting.said[event.id] = event
        if living is not None:
            living.observe(event, present)

    if living is None:
        return mind_of(personas, generator, is_backchannel=is_backchannel, observe=observe)

    def disposition(persona: str) -> Disposition:
        return replace(living.disposition(persona), may_interrupt=persona == INTERRUPTS.lower())

    return mind_of(
        personas,
        generator,
        is_backchannel=is_backchannel,
        disposition=disposition,
        held_back=living.held_back,
        missed=living.missed,
        observe=observe,
    )
