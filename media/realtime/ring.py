"""A single-writer, single-reader int16 ring over a buffer handed in, the same in one process and across two.

The header is 64 bytes of little-endian 64-bit words: magic, rate, capacity, written, pulled, stamp, origin.
Positions count samples since the ring was formatted and never wrap. Each word has one writer and is stored
whole, so that the other side sees either the old position or the new one; samples are stored before the
position that covers them.
"""

import time
from collections.abc import Callable
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

__all__ = ["AudioRing", "RingError"]

Buffer = bytearray | memoryview | mmap

_MAGIC = 0x31474E4952554E43
_HEADER = 64
_RATE, _CAPACITY, _WRITTEN, _PULLED, _STAMP, _ORIGIN = 1, 2, 3, 4, 5, 6
_MAX_CAPACITY = 1 << 28
_RATES = range(8_000, 192_001)


class RingError(ValueError):
    """A buffer does not hold a ring, or cannot."""


class AudioRing:
    """Samples of one sound, mono.

    The writer uses either `write` (ears: the newest sound matters, the oldest is overwritten) or `offer` (a
    voice: every sample is to be played, so a full ring takes no more). The reader uses `read_at` with the one
    and `pull` and `drop` with the other.
    """

    __slots__ = ("_clock", "_samples", "_words", "capacity", "rate")

    def __init__(
        self, words: NDArray[np.int64], samples: NDArray[np.int16], clock: Callable[[], int]
    ) -> None:
        self._words = words
        self._samples = samples
        self._clock = clock
        self.rate = int(words[_RATE])
        self.capacity = int(words[_CAPACITY])

    @staticmethod
    def nbytes(capacity: int) -> int:
        """Size of the buffer that holds a ring of `capacity` samples."""
        return _HEADER + 2 * capacity

    @classmethod
    def format(
        cls, buffer: Buffer, *, rate: int, capacity: int, clock: Callable[[], int] = time.monotonic_ns
    ) -> "AudioRing":
        """Lays out and clears a ring.

        Args:
            buffer: writable, at least `nbytes(capacity)` bytes, aligned to 8.
            rate: samples a second.
            capacity: how many samples it holds.
            clock: nanoseconds; stamps what is written.

        Raises:
            RingError: the buffer is too small or read-only, or rate or capacity are out of range.
        """
        if rate not in _RATES or not 0 < capacity <= _MAX_CAPACITY:
            raise RingError(f"a ring of {capacity} samples at {rate} Hz is out of range")
        words, data = _map(buffer)
        if len(data) < capacity:
            raise RingError(f"a ring of {capacity} samples needs {cls.nbytes(capacity)} bytes")
        words[:] = 0
        samples = data[:capacity]
        samples[:] = 0
        words[_RATE], words[_CAPACITY] = rate, capacity
        words[_STAMP] = words[_ORIGIN] = clock()
        words[0] = _MAGIC
        return cls(words, samples, clock)

    @classmethod
    def attach(cls, buffer: Buffer, clock: Callable[[], int] = time.monotonic_ns) -> "AudioRing":
        """Finds the ring that the other side has formatted.

        Raises:
            RingError: the buffer is read-only or holds no ring, or one that does not fit it.
        """
        words, data = _map(buffer)
        rate, capacity, written, pulled = (int(word) for word in words[_RATE : _PULLED + 1])
        if words[0] != _MAGIC:
            raise RingError("the buffer holds no ring")
        if rate not in _RATES or not 0 < capacity <= min(_MAX_CAPACITY, len(data)):
            raise RingError(f"the ring claims {capacity} samples at {rate} Hz, which does not fit its buffer")
        if not 0 <= pulled <= written:
            raise RingError(f"the ring claims {pulled} of {written} samples pulled")
        return cls(words, data[:capacity], clock)

    @property
    def written(self) -> int:
        """Position after the last sample written."""
        return int(self._words[_WRITTEN])

    @property
    def pulled(self) -> int:
        """Position after the last sample pulled or dropped."""
        return int(self._words[_PULLED])

    @property
    def free(self) -> int:
        """How many samples `offer` would take."""
        return self.capacity - (self.written - self.pulled)

    @property
    def stamp_ns(self) -> int:
        """When the last sample was written, on the writer's clock."""
        return int(self._words[_STAMP])

    def instant_ns(self, position: int) -> int:
        """When the sample at `position` was written, reckoned from the last write at the nominal rate."""
        return int(self._words[_ORIGIN]) + position * 1_000_000_000 // self.rate

    def write(self, samples: NDArray[np.int16]) -> None:
        """Ears: appends int16[n], over the oldest, and stamps the time."""
        self._append(samples[-self.capacity :], skipped=max(0, len(samples) - self.capacity))

    def offer(self, samples: NDArray[np.int16], *, kept: int = 0) -> int:
        """Voice: appends as many of int16[n] as there is room for, and returns how many.

        The `kept` samples pulled last are not overwritten: the reader may `rewind` to them.
        """
        taken = max(0, min(len(samples), self.free - kept))
        if taken:
            self._append(samples[:taken], skipped=0)
        return taken

    def read_at(self, position: int, out: NDArray[np.int16]) -> bool:
        """Ears: copies the samples from `position` on into int16[n].

        Returns:
            False when some of them are overwritten or not yet there; `out` is then of no use.
        """
        if position < 0 or position + len(out) > self.written or len(out) > self.capacity:
            return False
        self._copy_out(position, out)
        return self.written - position <= self.capacity

    def pull(self, out: NDArray[np.int16]) -> int:
        """Voice: takes the next samples into int16[n], zeros after the last; returns how many there were."""
        pulled = self.pulled
        count = max(0, min(len(out), self.written - pulled, self.capacity))
        self._copy_out(pulled, out[:count])
        out[count:] = 0
        self._words[_PULLED] = pulled + count
        return count

    def rewind(self, position: int) -> bool:
        """Voice: takes what was pulled from `position` on once more; false when that is overwritten or to come."""
        if not max(0, self.written - self.capacity) <= position <= self.pulled:
            return False
        self._words[_PULLED] = position
        return True

    def drop(self) -> None:
        """Voice: forgets what is not yet pulled."""
        self._words[_PULLED] = self._words[_WRITTEN]

    def _append(self, samples: NDArray[np.int16], skipped: int) -> None:
        start = self.written + skipped
        end = start + len(samples)
        at = start % self.capacity
        head = min(len(samples), self.capacity - at)
        self._samples[at : at + head] = samples[:head]
        self._samples[: len(samples) - head] = samples[head:]
        now = self._clock()
        self._words[_STAMP] = now
        self._words[_ORIGIN] = now - end * 1_000_000_000 // self.rate
        self._words[_WRITTEN] = end

    def _copy_out(self, position: int, out: NDArray[np.int16]) -> None:
        at = position % self.capacity
        head = min(len(out), self.capacity - at)
        out[:head] = self._samples[at : at + head]
        out[head:] = self._samples[: len(out) - head]


def _map(buffer: Buffer) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    view = memoryview(buffer)
    if view.readonly or not view.c_contiguous:
        raise RingError("a ring needs a writable, contiguous buffer")
    data = view.cast("B")
    if len(data) < _HEADER + 2:
        raise RingError(f"{len(data)} bytes hold no ring")
    words = np.frombuffer(data, np.int64, _HEADER // 8)
    return words, np.frombuffer(data, np.int16, (len(data) - _HEADER) // 2, _HEADER)
