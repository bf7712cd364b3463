"""A room as the mind attends it, on virtual time: scripted ears, a humming voice, a model with a script."""

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pytest

from cognition.conversation.disposition import Disposition
from cognition.conversation.floor import Attendee
from cognition.conversation.reasons import Silence, Wish
from cognition.events import Event, Read
from cognition.inference.generator import FakeGenerator, Script
from cognition.persona.engine import Mind
from cognition.persona.life import Life
from cognition.persona.profile import Persona, PersonaVoice
from cognition.persona.reputation import Level
from cognition.search.embedder import Embedder
from cognition.store.memory_store import MemoryStore
from media.realtime.ring import AudioRing
from media.speech import events
from media.speech.events import (
    PartialTranscript,
    SpeechDiscarded,
    SpeechPaused,
    SpeechStarted,
    TurnCommitted,
    TurnProposed,
    TurnWithdrawn,
)
from media.speech.lane import FakeLane
from media.speech.voice import FakeVoice
from signaling.attendance import Attendance, Attendant
from signaling.dues import MayTurn, any_may_turn
from signaling.ears import ScriptedEars
from signaling.living import Living
from signaling.presence import Presence

NOVA = Persona("nova", "Nova", PersonaVoice(), "You are brief.", ("stars",))
ROBIN = Persona("robin", "Robin", PersonaVoice(), "You are brief.", ("birds",))
CAPACITY = 20 * 48_000
FRAME = 960


@dataclass
class FakePort:
    """Keeps what a presence shows, and plays the part of media's voice."""

    rings: dict[str, AudioRing]
    captions: list[tuple[str, str, bool, bool]] = field(default_factory=list)
    recorded: list[tuple[str, str]] = field(default_factory=list)
    chat: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    records: list[Mapping[str, object]] = field(default_factory=list)
    wakes: int = 0
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    holding: set[str] = field(default_factory=set)
    """Whose voices media holds."""
    speakers: list[str | None] = field(default_factory=list)
    """Whose words each caption shows, at a microphone that several share."""
    told: list[tuple[str, Sequence[str] | None]] = field(default_factory=list)
    """What was shown, and to whom alone."""
    floors: list[tuple[str | None, Sequence[tuple[str, Wish]], Sequence[tuple[str, Silence]]]] = field(
        default_factory=list
    )
    """What was shown of the floor: its holder, who waited and why, who was silent and why."""
    presences: dict[str, tuple[float, float, float, Level]] = field(default_factory=dict)
    """Energy, valence, arousal and level of each persona, as shown last."""
    turns: bool = True
    """Whether media lets the voice be turned to some alone."""

    def caption(
        self,
        who: str,
        utterance: str,
        text: str,
        *,
        final: bool,
        interrupted: bool = False,
        record: bool = True,
        listeners: Sequence[str] | None = None,
        speaker: events.Speaker | None = None,
        began_ns: int | None = None,
        heard: int | None = None,
    ) -> None:
        self.told.append(("caption", listeners))
        self.speakers.append(speaker.label if speaker is not None else None)
        self.captions.append((who, text, final, interrupted))
        if final and record and text:
            self.recorded.append((who, text))

    def post_chat(self, persona: str, text: str, line: str = "") -> None:
        self.chat.append(text)

    def wake_voice(self, persona: str) -> None:
        self.wakes += 1
        self.woken.set()

    async def stop_voice(self, persona: str) -> int:
        played = self.rings[persona].pulled
        self.rings[persona].drop()
        self.holding.discard(persona)
        return played

    async def resume_voice(self, persona: str, position: int) -> None:
        assert self.rings[persona].rewind(position)
        self.holding.discard(persona)

    async def whisper(self, persona: str, listeners: Sequence[str] | None) -> bool:
        assert self.rings[persona].pulled == self.rings[persona].written
        self.told.append(("whisper", listeners))
        return self.turns

    def status(self, persona: str, status: str, listeners: Sequence[str] | None = None) -> None:
        self.told.append((status, listeners))
        self.statuses.append(status)

    def floor(
        self,
        holder: str | None,
        queue: Sequence[tuple[str, Wish]],
        silent: Sequence[tuple[str, Silence]],
        listeners: Sequence[str] | None = None,
    ) -> None:
        self.told.append(("floor", listeners))
        self.floors.append((holder, queue, silent))

    def presence(
        self, persona: str, *, energy: float, valence: float, arousal: float, level: Level, resting: bool
    ) -> None:
        self.presences[persona] = (energy, valence, arousal, level)

    def latency(self, record: Mapping[str, object], listeners: Sequence[str] | None = None) -> None:
        self.told.append(("latency", listeners))
        self.records.append(record)

    @property
    def ring(self) -> AudioRing:
        return self.rings["nova"]

    async def begun(self, persona: str) -> None:
        """Waits until something of a persona is in its ring."""
        written = self.rings[persona].written
        async with asyncio.timeout(60):
            while self.rings[persona].written == written:
                await self.woken.wait()
                self.woken.clear()

    def finals(self, who: str) -> list[str]:
        return [text for speaker, text, final, _ in self.captions if speaker == who and final]


class Speaker:
    """A person in the scene: their ears' events, as a listener would report them."""

    def __init__(self, attendant: Attendant, ears: ScriptedEars) -> None:
        self.attendant = attendant
        self._ears = ears
        self._turns = 0

    def start(self) -> None:
        self._turns += 1
        self._ears.put(SpeechStarted(self._turn, time.monotonic_ns()))

    def partial(self, text: str) -> None:
        """The words so far."""
        self._ears.put(PartialTranscript(self._turn, text))

    def pause(self, text: str, *, acknowledges: bool = False) -> None:
        now = time.monotonic_ns()
        self._ears.put(SpeechPaused(self._turn, now, now))
        self._ears.put(TurnProposed(self._turn, text, now, now, now, acknowledges=acknowledges))

    def resume(self) -> None:
        self._ears.put(TurnWithdrawn(self._turn))

    def end(self, text: str, *, turn: int | None = None, acknowledges: bool = False) -> None:
        """The present turn is over, or an earlier one by its number."""
        now = time.monotonic_ns()
        ended = self._turn_of(turn)
        self._ears.put(TurnCommitted(ended, text, now, now, now, now, acknowledges=acknowledges))

    def discard(self, *, turn: int | None = None) -> None:
        """The present turn, or an earlier one by its number, held no words."""
        self._ears.put(SpeechDiscarded(self._turn_of(turn), "noise"))

    async def say(self, text: str, seconds: float = 1.0) -> None:
        """Speaks a whole turn: proposed at its end, committed 0.3 s later."""
        self.start()
        await asyncio.sleep(seconds)
        self.pause(text)
        await asyncio.sleep(0.3)
        self.end(text)
        await asyncio.sleep(0)

    @property
    def _turn(self) -> str:
        return self._turn_of(None)

    def _turn_of(self, number: int | None) -> str:
        return f"{self.attendant.id}-{number or self._turns}"


class Scene:
    """What a test sees of the room."""

    def __init__(
        self,
        attendance: Attendance,
        port: FakePort,
        mind: Mind,
        generator: FakeGenerator,
        voice: FakeVoice,
        life: Life | None,
    ):
        self.attendance = attendance
        self.port = port
        self.mind = mind
        self.generator = generator
        self.voice = voice
        self.life = life
        self.presence: Presence | None = None
        self.sounding_at_once: list[int] = []
        self.happened: list[Event] = []

    def join(self, id: str, name: str, *, greet: bool = False, connected: bool = True) -> Speaker:
        ears = ScriptedEars()
        attendant = Attendant(id, name, ears)
        if connected:
            attendant.connected.set()
        self.attendance.enter(attendant, greet=greet)
        return Speaker(attendant, ears)

    def write(self, who: str, name: str, text: str) -> None:
        now = time.monotonic_ns()
        self.attendance.read(Read("room", who, name, text, datetime.now(UTC), f"{who}-{now}"), now)

    async def until_quiet(self) -> None:
        await asyncio.sleep(0.05)
        assert self.presence is not None
        await self.presence.finished()

    def remembered(self) -> list[tuple[str, str, bool]]:
        return [
            (str(line["name"]), str(line["text"]), bool(line.get("interrupted", False)))
            for line in self.mind.lines("room")
        ]


async def _play(port: FakePort, attendance: Attendance, overlaps: list[int]) -> None:
    """Media's side of the voices: 20 ms at a time, and news of the first frame after silence."""
    frame = np.zeros(FRAME, np.int16)
    sounding: set[str] = set()
    while True:
        await asyncio.sleep(0.02)
        heard = set()
        for persona, ring in port.rings.items():
            if persona not in port.holding and ring.pull(frame):
                heard.add(persona)
                if persona not in sounding:
                    attendance.progressed(persona, ring.pulled, time.monotonic_ns())
        sounding = heard
        overlaps.append(len(heard))


@asynccontextmanager
async def scene(
    *answers: Script | str,
    speculative: bool = True,
    anticipate: bool = True,
    personas: tuple[Persona, ...] = (NOVA,),
    listened: bool = True,
    alive: bool = False,
    trusted: Collection[str] = (),
    may_turn: MayTurn = any_may_turn,
    embedder: Embedder | None = None,
) -> AsyncGenerator[Scene]:
    """A room with personas in it, who answer with the scripts in order.

    `listened` is whether their sound is played, `alive` whether they live through what happens and act by themselves,
    `trusted` are those who may interrupt another where they do not, `embedder` tells who knows about what.
    """
    generator = FakeGenerator(answers or ("I see.",))
    loop, began_ns = asyncio.get_running_loop(), time.monotonic_ns()
    began = loop.time()
    rooms: list[Attendance] = []
    living = Living(MemoryStore(), generator, lambda: rooms) if alive else None
    happened: list[Event] = []

    def observe(event: Event, present: Sequence[Attendee]) -> None:
        happened.append(event)
        if living is not None:
            living.observe(event, present)

    if living is None:
        mind = Mind(
            personas,
            generator,
            disposition=lambda persona: Disposition(may_interrupt=persona in trusted),
            observe=observe,
            embedder=embedder,
        )
    else:
        await living.open(personas)
        mind = Mind(
            personas,
            generator,
            disposition=living.disposition,
            held_back=living.held_back,
            missed=living.missed,
            observe=observe,
        )
    rings = {
        persona.id: AudioRing.format(bytearray(AudioRing.nbytes(CAPACITY)), rate=48_000, capacity=CAPACITY)
        for persona in personas
    }
    port = FakePort(rings)
    life = None if living is None else living.life
    attendance = Attendance(
        "room",
        mind=mind,
        port=port,
        speculative=speculative,
        anticipate=anticipate,
        life=life,
        may_turn=may_turn,
    )
    rooms.append(attendance)
    voice = FakeVoice()
    held = Scene(attendance, port, mind, generator, voice, life)
    held.happened = happened
    opened = asyncio.Event()
    clock = pytest.MonkeyPatch()
    # What is stamped with the clock that both processes share runs with the loop's: a whisper ends some time ago.
    clock.setattr(time, "monotonic_ns", lambda: began_ns + int((loop.time() - began) * 1e9))
    running = asyncio.create_task(attendance.run(opened.set))
    await opened.wait()
    playing = asyncio.create_task(_play(port, attendance, held.sounding_at_once)) if listened else None
    lives = None if living is None else asyncio.create_task(living.run())
    for persona in personas:
        presence = Presence(
            persona.id,
            "room",
            voice=voice,
            ring=rings[persona.id],
            port=port,
            lane=FakeLane(0.05),
            spawn=attendance.spawn,
            floor=attendance.floor,
            said=attendance.said,
            dropped=lambda reason: attendance.dropped.update([reason]),
            sounds=partial(attendance.sounds, persona.id),
        )
        held.presence = held.presence or presence
        attendance.seat(presence, persona.name)
    try:
        yield held
    finally:
        try:
            attendance.close()
            async with asyncio.timeout(30):
                await running
            for task in (playing, lives):
                if task is not None:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
        finally:
            clock.undo()
