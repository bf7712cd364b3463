"""Noise suppression for one sound: WebRTC's, by spectral subtraction (its `ns` module), 30 µs for 10 ms."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pywebrtc_audio import NoiseSuppressor

from media.realtime.packet import RATE

__all__ = ["FakeSuppressor", "Suppressor", "WebRtcSuppressor"]

_LEVEL = 2
"""18 dB, what a browser asks for itself."""


class Suppressor(Protocol):
    """Takes steady noise out of one sound."""

    def clean(self, frame: NDArray[np.float32]) -> None:
        """Changes float32[960], 48 kHz, in place; it may come a few milliseconds later."""
        ...

    def reset(self) -> None:
        """Forgets the sound; the next is another's."""
        ...


class WebRtcSuppressor:
    """WebRTC's; delays by 7 ms (its bands are split and joined). `perf.noise` compares it with RNNoise."""

    def __init__(self) -> None:
        self._engine = NoiseSuppressor(RATE, 1, _LEVEL)

    def clean(self, frame: NDArray[np.float32]) -> None:
        """See `Suppressor`; 60 µs."""
        frame[:] = self._engine.process(frame)

    def reset(self) -> None:
        """See `Suppressor`."""
        self._engine.reset()


class FakeSuppressor:
    """Halves the sound, and counts.

    Attributes:
        cleaned: frames so far.
    """

    def __init__(self) -> None:
        self.cleaned = 0

    def clean(self, frame: NDArray[np.float32]) -> None:
        """Halves it."""
        self.cleaned += 1
        frame *= np.float32(0.5)

    def reset(self) -> None:
        """Nothing is kept."""
