"""How late packets come, and so how long to hold them: the histogram of WebRTC's NetEQ delay manager."""

import numpy as np
from numpy.typing import NDArray

from media.realtime.kernel import kernel

__all__ = ["DelayTracker"]

_BUCKET_NS = 5_000_000
_BUCKETS = 100
_FORGET = 0.992
_QUANTILE = 0.98
_WINDOW_NS = 2_000_000_000
_SAMPLE_NS = 1_000_000_000 / 48_000
_FIRST_TARGET_NS = 20_000_000
_TRUSTED_PACKETS = 10


@kernel("int64(float64[::1], int64, float64, float64)")
def _learn(histogram: NDArray[np.float64], bucket: int, forget: float, quantile: float) -> int:
    """Adds an observation to a normalised histogram; returns the bucket in which the quantile lies."""
    for index in range(len(histogram)):
        histogram[index] *= forget
    histogram[bucket] += 1.0 - forget
    total = 0.0
    for index in range(len(histogram)):
        total += histogram[index]
        if total >= quantile:
            return index
    return len(histogram) - 1


class DelayTracker:
    """Delays of one stream's packets relative to the fastest of the last seconds.

    The fastest packet of a sliding window is the zero of the scale, so that a sender's clock that drifts
    moves the scale along. The histogram forgets with a time constant of 125 packets.

    Attributes:
        target_ns: delay that all but the slowest 2 % of packets keep within.
    """

    __slots__ = ("_histogram", "_least", "_least_before", "_packets", "_window_end", "target_ns")

    def __init__(self) -> None:
        self._histogram = np.zeros(_BUCKETS)
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self._histogram[:] = 0.0
        self._packets = 0
        self._least = self._least_before = 0
        self._window_end = 0
        self.target_ns = _FIRST_TARGET_NS

    def observe(self, timestamp: int, arrival_ns: int) -> None:
        """Takes note of a packet.

        Args:
            timestamp: unwrapped RTP timestamp at 48 kHz.
            arrival_ns: when it arrived.
        """
        transit = arrival_ns - int(timestamp * _SAMPLE_NS)
        if self._packets == 0:
            self._least = self._least_before = transit
            self._window_end = arrival_ns + _WINDOW_NS
        elif arrival_ns >= self._window_end:
            self._least_before, self._least = self._least, transit
            self._window_end = arrival_ns + _WINDOW_NS
        else:
            self._least = min(self._least, transit)
        self._packets += 1
        delay = transit - min(self._least, self._least_before)
        # While few packets are known each weighs the same, so that the first does not count for hundreds.
        forget = min(_FORGET, 1.0 - 1.0 / self._packets)
        bucket = _learn(self._histogram, min(delay // _BUCKET_NS, _BUCKETS - 1), forget, _QUANTILE)
        if self._packets >= _TRUSTED_PACKETS:
            self.target_ns = (bucket + 1) * _BUCKET_NS

    def age_ns(self, timestamp: int, now_ns: int) -> int:
        """For how long the fastest packet of that timestamp would have been here.

        Args:
            timestamp: unwrapped RTP timestamp at 48 kHz.
            now_ns: now, on the clock of the arrivals.
        """
        return now_ns - int(timestamp * _SAMPLE_NS) - min(self._least, self._least_before)
