"""What a caller hears of a persona's voice, beside what the voice is: how loud, up to where, and when it is gone."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from media.realtime.jitter import JitterBuffer
from media.realtime.opus import OpusDecoder
from media.realtime.packet import FRAME, RATE, ReceivedPacket
from media.realtime.ring import AudioRing
from signaling.caller.reception import Reception
from signaling.caller.voiced import AUDIBLE_RMS, BLOCK
from signaling.ipc.shared_memory import SharedFile

__all__ = ["Beside", "Heard", "Recorder", "Wire", "voice_rings"]

Samples = npt.NDArray[np.int16]

_BLOCKS = FRAME // BLOCK
_VOICE_RATE = 48_000
_MATCHED = RATE // 2
_QUIET = 0.15
_DRIFT = 480
_QUICKLY = RATE // 25
_LOUD = 600


def voice_rings(pid: int) -> dict[Path, AudioRing]:
    """The voice rings that a media process has mapped, by their paths."""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    paths = {Path(line.split(maxsplit=5)[5]) for line in maps if line.endswith(".ring")}
    rings = {path: AudioRing.attach(SharedFile.open(path).buffer) for path in paths if path.exists()}
    return {path: ring for path, ring in rings.items() if ring.rate == _VOICE_RATE}


class Wire:
    """Packets as they arrive at a caller, decoded afterwards, behind no jitter buffer."""

    def __init__(self, reception: Reception) -> None:
        self._buffer: JitterBuffer = reception.jitter
        self._packets: list[tuple[float, bytes]] = []
        reception.jitter = self  # type: ignore[assignment]

    def push(self, packet: ReceivedPacket) -> None:
        """Notes a packet and hands it on."""
        self._packets.append((packet.arrival_ns / 1e9, packet.payload))
        self._buffer.push(packet)

    def forget(self, before: float) -> None:
        """Forgets what arrived before an instant."""
        self._packets = [each for each in self._packets if each[0] >= before]

    def last_audible(self, since: float, quiet: float) -> float | None:
        """When the last packet arrived that could be heard before so many seconds of none, after an instant."""
        decoder, out = OpusDecoder(), np.zeros(5760, np.float32)
        last: float | None = None
        for arrived, payload in self._packets:
            count = decoder.decode(payload, out)
            audible = count > 0 and float(np.sqrt(np.mean(np.square(out[:count])))) >= AUDIBLE_RMS
            if last is not None and arrived > max(since, last) + quiet:
                break
            if audible:
                last = arrived
        return last


@dataclass(slots=True)
class Recorder:
    """The frames that a caller's ear plays, with their instants."""

    at: list[float] = field(default_factory=list)
    frames: list[Samples] = field(default_factory=list)

    def __call__(self, frame: Samples) -> None:
        """The ear's sink."""
        self.at.append(time.monotonic())
        self.frames.append(frame.copy())

    def forget(self) -> None:
        """Begins anew."""
        self.at.clear()
        self.frames.clear()

    def heard(self) -> "Heard":
        """What was heard so far."""
        return Heard(tuple(self.at), np.concatenate(self.frames) if self.frames else np.zeros(0, np.int16))


@dataclass(frozen=True, slots=True)
class Heard:
    """A stretch of what was heard.

    Attributes:
        at: instants at which frames of 20 ms began to play.
        samples: int16[960 * len(at)].
    """

    at: Sequence[float]
    samples: Samples

    def audible(self) -> npt.NDArray[np.bool_]:
        """Which blocks of 5 ms can be heard."""
        blocks = self.samples.astype(np.float32).reshape(-1, BLOCK) / 32768
        loud: npt.NDArray[np.bool_] = np.mean(np.square(blocks), axis=1) >= AUDIBLE_RMS**2
        return loud

    def instant(self, block: int) -> float:
        """When a block of 5 ms began to play."""
        return self.at[block // _BLOCKS] + (block % _BLOCKS) * BLOCK / RATE

    def gone(self, since: float) -> float | None:
        """When the last sound ended before the first quiet of 150 ms that begins after an instant."""
        blocks = np.flatnonzero(self.audible())
        last: float | None = None
        for block in blocks:
            begins = self.instant(int(block))
            if last is not None and begins > max(since, last) + _QUIET:
                break
            last = begins + BLOCK / RATE
        return last

    def beside(self, voice: Samples) -> "Beside | None":
        """Finds what is heard in the voice; None where it cannot be told.

        Args:
            voice: int16[m], as it was put into its ring, from a little before the first sound heard.
        """
        audible = self.audible()
        if len(voice) <= _MATCHED or not audible.any():
            return None
        first = int(np.argmax(audible)) * BLOCK
        heard, told = self.samples.astype(np.float64), voice.astype(np.float64)
        piece = heard[first : first + _MATCHED]
        size = 1 << int(np.ceil(np.log2(len(told) + len(piece))))
        match = np.fft.irfft(np.fft.rfft(told, size) * np.conj(np.fft.rfft(piece, size)), size)
        lag = first - int(np.argmax(match[: max(1, len(told) - len(piece))]))
        gains, ends = [], None
        for frame in range(first // FRAME + 1, len(self.at)):
            begin = frame * FRAME - lag
            if begin < _DRIFT or begin + FRAME + _DRIFT > len(told):
                continue
            theirs = heard[frame * FRAME : (frame + 1) * FRAME]
            if not audible[frame * _BLOCKS : (frame + 8) * _BLOCKS].any():
                ends = begin
                break
            near = told[begin - _DRIFT : begin + FRAME + _DRIFT]
            shift = int(np.argmax(np.correlate(near, theirs, "valid"))) - _DRIFT
            ours = told[begin + shift : begin + shift + FRAME]
            if float(np.mean(np.square(ours))) < (0.02 * 32768) ** 2:
                continue
            # A jitter buffer plays a little slower or faster now and then.
            if float(np.mean(np.square(theirs))) > (0.01 * 32768) ** 2 and abs(shift) < _DRIFT // 2:
                lag -= shift
                ours = told[begin + shift : begin + shift + FRAME]
            gains.append((self.at[frame], float(np.dot(theirs, ours) / np.dot(ours, ours))))
        cut = ends is not None and bool(np.any(np.abs(voice[ends : ends + _QUICKLY]) > _LOUD))
        return Beside(tuple(gains), cut)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is heard of a voice, beside the voice itself.

    Attributes:
        gains: instants of frames in which the voice sounds, and how loud it is heard in them.
        cut: where it is heard no more, or not for 160 ms, it would have gone on at once.
    """

    gains: Sequence[tuple[float, float]]
    cut: bool
