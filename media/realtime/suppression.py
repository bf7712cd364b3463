"""Noise suppression for one sound: WebRTC's, by spectral subtraction (its `ns` module), 30 µs for 10 ms."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pywebrtc_audio import NoiseSuppressor

from media.realtime.packet import FRAME, RATE

__all__ = ["FakeSuppressor", "Suppressor", "WebRtcSuppressor"]

_LEVEL = 2
"""18 dB, what a browser asks for itself."""

_SETTLED_FRAMES = 5
_HUSH = (10 ** (-72 / 20) * np.random.default_rng(1).standard_normal(FRAME)).astype(np.float32)


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
        self._settle()

    def clean(self, frame: NDArray[np.float32]) -> None:
        """See `Suppressor`; 60 µs."""
        frame[:] = self._engine.process(frame)

    def reset(self) -> None:
        """See `Suppressor`; 0.3 ms."""
        self._engine.reset()
        self._settle()

    def _settle(self) -> None:
        """Lets it hear a hush first: it takes what it begins with for noise, and would lower a first word by 13 dB."""
        for _ in range(_SETTLED_FRAMES):
            self._engine.process(_HUSH)


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
