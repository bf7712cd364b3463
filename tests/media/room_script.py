"""Multi-party tests in a few lines: a plane on virtual time, real codecs, ears that tell tones."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from media.events import MediaEvent
from media.realtime.jitter import JitterBuffer
from media.realtime.opus import AudioDecoder, AudioEncoder, OpusDecoder, OpusEncoder
from media.realtime.packet import FRAME, RATE, ReceivedPacket
from media.realtime.peer_port import FakePeer
from media.realtime.plane import Plane
from media.realtime.ring import AudioRing
from media.realtime.suppression import Suppressor
from media.room import Room
from tests.virtual_time import VirtualTimeLoop

Sound = NDArray[np.int16]


def tone(frequency: float, seconds: float, amplitude: float = 0.2) -> Sound:
    """A sine that begins and ends softly, int16 at 48 kHz."""
    time = np.arange(round(seconds * RATE)) / RATE
    edge = np.minimum(1.0, np.minimum(time, time[-1] - time) / 0.005)
    sine: NDArray[np.float64] = 32767 * amplitude * edge * np.sin(2 * np.pi * frequency * time)
    return sine.astype(np.int16)


def vowels(seconds: float, amplitude: float = 0.15) -> Sound:
    """A gliding, pulsating buzz that a voice-activity detector takes for speech, int16 at 48 kHz."""
    time = np.arange(round(seconds * RATE) // FRAME * FRAME) / RATE
    phase = 2 * np.pi * np.cumsum(130 + 30 * np.sin(2 * np.pi * 0.7 * time)) / RATE
    buzz = sum((np.sin(n * phase) / n for n in range(1, 10)), np.zeros(len(time)))
    return (32767 * amplitude * (0.7 + 0.3 * np.sin(2 * np.pi * 3 * time)) * buzz).astype(np.int16)


def amplitude_of(frequency: float, sound: NDArray[np.generic], rate: int = RATE) -> float:
    """Amplitude (1.0 is full scale) of one frequency in int16 sound, by projection (Goertzel)."""
    scaled = sound.astype(np.float64) / 32768
    window = np.hanning(len(scaled))
    phase = np.exp(-2j * np.pi * frequency * np.arange(len(scaled)) / rate)
    return float(2 * abs(np.sum(window * scaled * phase)) / window.sum())


@dataclass
class Caller:
    """A person: sends a packet every 20 ms, and remembers what was sent to her."""

    id: str
    peer: FakePeer
    ears: AudioRing
    encoder: AudioEncoder
    decoder: Callable[[], AudioDecoder]
    sequence: int = 100
    timestamp: int = 5_000
    waiting: list[Sound] = field(default_factory=list)
    sending: bool = True

    def says(self, sound: Sound) -> None:
        """Puts sound on the microphone, after what is on it already."""
        frames = -(-len(sound) // FRAME)
        padded = np.zeros(frames * FRAME, np.int16)
        padded[: len(sound)] = sound
        self.waiting.extend(padded.reshape(frames, FRAME))

    def send(self, now_ns: int) -> None:
        frame = self.waiting.pop(0) if self.waiting else np.zeros(FRAME, np.int16)
        self.peer.jitter.push(
            ReceivedPacket(self.sequence & 0xFFFF, self.timestamp, self.encoder.encode(frame), now_ns)
        )
        self.sequence += 1
        self.timestamp += FRAME

    def heard(self) -> Sound:
        """What the packets sent to her sound like, each at its timestamp."""
        if not self.peer.sent:
            return np.zeros(0, np.int16)
        first = self.peer.sent[0][1]
        sound = np.zeros(self.peer.sent[-1][1] - first + FRAME, np.int16)
        decoder, out = self.decoder(), np.zeros(5760, np.float32)
        for payload, timestamp in self.peer.sent:
            count = decoder.decode(payload, out)
            sound[timestamp - first : timestamp - first + count] = np.rint(out[:count] * 32767)
        return sound

    def hears(self, frequency: float) -> bool:
        """Whether a tone is in what she heard, in the loudest half second of it."""
        return self.loudness_of(frequency) > 0.03

    def loudness_of(self, frequency: float) -> float:
        sound = self.heard()
        part = RATE // 2
        starts = range(0, max(1, len(sound) - part), RATE // 10)
        return max((amplitude_of(frequency, sound[at : at + part]) for at in starts), default=0.0)


@dataclass
class Scene:
    """One room under test."""

    plane: Plane
    room: Room
    clock: Callable[[], int]
    encoder: Callable[[], AudioEncoder]
    decoder: Callable[[], AudioDecoder]
    events: list[MediaEvent]
    tasks: asyncio.TaskGroup
    callers: dict[str, Caller] = field(default_factory=dict)

    def person(
        self, id: str, *, phase: float = 0.007, sending: bool = True, peer_kind: type[FakePeer] = FakePeer
    ) -> Caller:
        """Joins a person whose packets arrive so many seconds after the clock's tick."""
        ears = AudioRing.format(
            bytearray(AudioRing.nbytes(30 * 16_000)), rate=16_000, capacity=30 * 16_000, clock=self.clock
        )
        peer = peer_kind(JitterBuffer(self.decoder()))
        caller = Caller(id, peer, ears, self.encoder(), self.decoder, sending=sending)
        self.callers[id] = caller
        self.room.add_person(id, ears=ears, peer=peer)
        self.tasks.create_task(self._send(caller, phase))
        return caller

    def persona(self, id: str) -> AudioRing:
        """Joins a persona; what is offered to the ring is its voice."""
        voice = AudioRing.format(
            bytearray(AudioRing.nbytes(60 * RATE)), rate=RATE, capacity=60 * RATE, clock=self.clock
        )
        self.room.add_persona(id, voice=voice)
        return voice

    def leave(self, id: str) -> None:
        self.room.remove(id)
        self.callers.pop(id, None)

    def hold_up(self, seconds: float) -> None:
        """Lets time go by without giving way, as a computation that blocks the loop does."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop._jumping.now += seconds

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def told(self, kind: type[MediaEvent]) -> list[MediaEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    async def _send(self, caller: Caller, phase: float) -> None:
        number = 0
        start = self.clock() + round(phase * 1e9)
        while self.callers.get(caller.id) is caller:
            await asyncio.sleep(max(0.0, (start + number * 20_000_000 - self.clock()) / 1e9))
            if caller.sending:
                caller.send(self.clock())
            number += 1


@asynccontextmanager
async def run_room(
    encoder: Callable[[], AudioEncoder] = OpusEncoder,
    decoder: Callable[[], AudioDecoder] = OpusDecoder,
    *,
    suppressor: Callable[[], Suppressor] | None = None,
    automatic_gain: bool = False,
) -> AsyncIterator[Scene]:
    """A running plane with one room, ended with the block. Needs the virtual-time loop."""
    loop = asyncio.get_running_loop()

    def clock() -> int:
        return round(loop.time() * 1e9)

    events: list[MediaEvent] = []
    plane = Plane(
        events.append, clock=clock, encoder=encoder, suppressor=suppressor, automatic_gain=automatic_gain
    )
    async with asyncio.TaskGroup() as tasks:
        clockwork = tasks.create_task(plane.run())
        scene = Scene(plane, plane.open("kitchen"), clock, encoder, decoder, events, tasks)
        try:
            yield scene
        finally:
            scene.callers.clear()
            clockwork.cancel()
