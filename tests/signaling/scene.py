"""A room as the mind attends it, on virtual time: scripted ears, a humming voice, a model with a script."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from cognition.events import Read
from cognition.inference.generator import FakeGenerator, Script
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona, PersonaVoice
from media.realtime.ring import AudioRing
from media.speech.events import (
    SpeechDiscarded,
    SpeechEvent,
    SpeechPaused,
    SpeechStarted,
    TurnCommitted,
    TurnProposed,
    TurnWithdrawn,
)
from media.speech.lane import FakeLane
from media.speech.voice import FakeVoice
from signaling.attendance import Attendance, Attendant
from signaling.presence import Presence

NOVA = Persona("nova", "Nova", PersonaVoice(), "You are brief.", ("stars",))
FRAME = 960


@dataclass
class FakePort:
    """Keeps what a presence shows, and plays the part of media's voice."""

    ring: AudioRing
    captions: list[tuple[str, str, bool, bool]] = field(default_factory=list)
    recorded: list[tuple[str, str]] = field(default_factory=list)
    chat: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    records: list[Mapping[str, object]] = field(default_factory=list)
    wakes: int = 0

    def caption(
        self,
        who: str,
        utterance: str,
        text: str,
        *,
        final: bool,
        interrupted: bool = False,
        record: bool = True,
    ) -> None:
        self.captions.append((who, text, final, interrupted))
        if final and record and text:
            self.recorded.append((who, text))

    def post_chat(self, persona: str, text: str) -> None:
        self.chat.append(text)

    def wake_voice(self, persona: str) -> None:
        self.wakes += 1

    async def stop_voice(self, persona: str) -> int:
        played = self.ring.pulled
        self.ring.drop()
        return played

    def status(self, persona: str, status: str) -> None:
        self.statuses.append(status)

    def latency(self, record: Mapping[str, object]) -> None:
        self.records.append(record)

    def finals(self, who: str) -> list[str]:
        return [text for speaker, text, final, _ in self.captions if speaker == who and final]


class ScriptedEars:
    """A listener whose events are put in by the test."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[SpeechEvent] = asyncio.Queue()

    async def events(self) -> AsyncIterator[SpeechEvent]:
        while True:
            yield await self._events.get()

    def put(self, event: SpeechEvent) -> None:
        self._events.put_nowait(event)


class Speaker:
    """A person in the scene: their ears' events, as a listener would report them."""

    def __init__(self, attendant: Attendant, ears: ScriptedEars) -> None:
        self.attendant = attendant
        self._ears = ears
        self._turns = 0

    def start(self) -> None:
        self._turns += 1
        self._ears.put(SpeechStarted(self._turn, time.monotonic_ns()))

    def pause(self, text: str) -> None:
        now = time.monotonic_ns()
        self._ears.put(SpeechPaused(self._turn, now, now))
        self._ears.put(TurnProposed(self._turn, text, now, now, now))

    def resume(self) -> None:
        self._ears.put(TurnWithdrawn(self._turn))

    def end(self, text: str) -> None:
        now = time.monotonic_ns()
        self._ears.put(TurnCommitted(self._turn, text, now, now, now, now))

    def discard(self) -> None:
        self._ears.put(SpeechDiscarded(self._turn, "noise"))

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
        return f"{self.attendant.id}-{self._turns}"


class Scene:
    """What a test sees of the room."""

    def __init__(
        self, attendance: Attendance, port: FakePort, mind: Mind, generator: FakeGenerator, voice: FakeVoice
    ):
        self.attendance = attendance
        self.port = port
        self.mind = mind
        self.generator = generator
        self.voice = voice
        self.presence: Presence | None = None

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


async def _play(ring: AudioRing, attendance: Attendance) -> None:
    """Media's side of the voice: 20 ms at a time, and news of the first frame after silence."""
    frame = np.zeros(FRAME, np.int16)
    sounding = False
    while True:
        await asyncio.sleep(0.02)
        played = ring.pull(frame)
        if played and not sounding:
            attendance.progressed("nova", ring.pulled, time.monotonic_ns())
        sounding = played > 0


@asynccontextmanager
async def scene(*answers: Script | str, speculative: bool = True) -> AsyncGenerator[Scene]:
    """A room with Nova in it, who answers with the scripts in order."""
    generator = FakeGenerator(answers or ("I see.",))
    mind = Mind([NOVA], generator)
    ring = AudioRing.format(bytearray(AudioRing.nbytes(20 * 48_000)), rate=48_000, capacity=20 * 48_000)
    port = FakePort(ring)
    attendance = Attendance("room", mind=mind, port=port, speculative=speculative)
    voice = FakeVoice()
    held = Scene(attendance, port, mind, generator, voice)
    opened = asyncio.Event()
    running = asyncio.create_task(attendance.run(opened.set))
    await opened.wait()
    playing = asyncio.create_task(_play(ring, attendance))
    held.presence = Presence(
        "nova",
        voice=voice,
        ring=ring,
        port=port,
        lane=FakeLane(0.05),
        spawn=attendance.spawn,
        quiet=attendance.quiet,
        said=lambda utterance, text, interrupted: attendance.said("nova", utterance, text, interrupted),
        failed=lambda _: attendance.dropped.update(["reply failed"]),
    )
    attendance.seat(held.presence, "Nova")
    try:
        yield held
    finally:
        attendance.close()
        async with asyncio.timeout(30):
            await running
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
