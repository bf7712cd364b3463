"""Mix-minus: one sum and K + 1 mixes, against numpy's straightforward way and the quadratic way."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from media.realtime.jitter import JitterBuffer
from media.realtime.mixer import mix_minus
from media.realtime.opus import AudioDecoder, AudioEncoder, FakeCodec, OpusDecoder, OpusEncoder
from media.realtime.packet import FRAME, RATE, ReceivedPacket
from media.realtime.peer_port import FakePeer
from media.realtime.ring import AudioRing
from media.room import Room
from perf.report import Report, Result, run

__all__ = ["measure"]


@dataclass(frozen=True, slots=True)
class _Ticks:
    median_ms: float
    encodes: float


_PARTICIPANTS = (2, 5, 10, 20, 50, 100, 200)
_SPEAKING = 5
_TICKS = 50


def _median_ms(work: Callable[[], object], least: int = 5, seconds: float = 0.4) -> float:
    work()
    times: list[float] = []
    until = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < until:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def _pcm(mixes: NDArray[np.float32]) -> NDArray[np.int16]:
    scaled: NDArray[np.float32] = np.clip(mixes, -1.0, 1.0) * np.float32(32767)
    return scaled.astype(np.int16)


def _straightforward(frames: NDArray[np.float32]) -> NDArray[np.int16]:
    """The total less each one's own, for everyone."""
    mixes: NDArray[np.float32] = frames.sum(axis=0) - frames
    return _pcm(mixes)


def _quadratic(frames: NDArray[np.float32]) -> NDArray[np.int16]:
    """All others summed again for each, as a mixer that thinks listener by listener does."""
    mixes = np.zeros_like(frames)
    for listener in range(len(frames)):
        for source in range(len(frames)):
            if source != listener:
                mixes[listener] += frames[source]
    return _pcm(mixes)


def _kernel(participants: int, frames: NDArray[np.float32]) -> Callable[[], None]:
    speaking = min(participants, _SPEAKING)
    ones = np.ones(participants, np.float32)
    sources = np.arange(participants)
    total = np.zeros(FRAME, np.float32)
    mixes = np.zeros((participants + 1, FRAME), np.int16)
    return lambda: mix_minus(frames, ones, ones, sources, speaking, speaking, total, mixes)


def _room(
    participants: int, codec: Callable[[], AudioEncoder], decoder: Callable[[], AudioDecoder]
) -> _Ticks:
    """A real room through `_TICKS` ticks, after as many to settle; the network side is not timed."""
    now_ns = 0
    room = Room("bench", report=lambda event: None, wake=lambda: None, clock=lambda: now_ns, encoder=codec)
    peers = [FakePeer(JitterBuffer(decoder())) for _ in range(participants)]
    for index, peer in enumerate(peers):
        ears = AudioRing.format(bytearray(AudioRing.nbytes(16_000)), rate=16_000, capacity=16_000)
        room.add_person(str(index), ears=ears, peer=peer)
    sender = codec()
    wave = (6000 * np.sin(2 * np.pi * 300 * np.arange(FRAME) / RATE)).astype(np.int16)
    encodes = 0
    times: list[float] = []
    for tick in range(2 * _TICKS):
        now_ns += 20_000_000
        payload = sender.encode(wave)
        for peer in peers[:_SPEAKING]:
            peer.jitter.push(ReceivedPacket(tick, tick * FRAME, payload, now_ns))
        if tick == _TICKS:
            encodes = room.encodes
        start = time.perf_counter()
        room.tick(tick * FRAME, now_ns)
        times.append(time.perf_counter() - start)
    return _Ticks(1000 * float(np.median(times[_TICKS:])), (room.encodes - encodes) / _TICKS)


def measure() -> Report:
    """Times the kernel and counts encodes, at 2 to 200 participants of whom up to five speak."""
    random = np.random.default_rng(1)
    results: list[Result] = []
    for participants in _PARTICIPANTS:
        speaking = min(participants, _SPEAKING)
        frames = random.uniform(-0.1, 0.1, (participants, FRAME)).astype(np.float32)
        frames[speaking:] = 0.0
        label = f"{participants} in the room, {speaking} speaking"
        ours = _median_ms(_kernel(participants, frames.copy()))
        plain = _median_ms(partial(_straightforward, frames))
        target = 0.3 if participants == 200 else None
        results.append(Result(f"mix, {label}; numpy", "ms", ours, plain, target))
        quadratic = _median_ms(partial(_quadratic, frames), least=3)
        results.append(Result(f"mix, {label}; quadratic", "ms", ours, quadratic))
    for participants in (20, 200):
        counted = _room(participants, OpusEncoder, OpusDecoder).encodes
        label = f"encodes a tick, {participants} in the room, {_SPEAKING} speaking"
        results.append(Result(label, "", counted, participants, _SPEAKING + 1))
    bare = _room(200, FakeCodec, FakeCodec).median_ms
    results.append(Result("whole tick of a room of 200 but for Opus and sockets", "ms", bare))
    notes = (
        "Baselines: numpy's total less one's own for everyone; all others summed again for each;",
        "one encode a listener.",
    )
    return Report("mixer", results, notes)


if __name__ == "__main__":
    run(measure)
