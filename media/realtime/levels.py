"""How loud frames are."""

import math

import numpy as np
from numpy.typing import NDArray

from media.realtime.kernel import kernel

__all__ = ["dbov", "measure"]


@kernel("void(float32[:,::1], int64[::1], int64, float32[::1])")
def measure(
    frames: NDArray[np.float32], rows: NDArray[np.int64], count: int, levels: NDArray[np.float32]
) -> None:
    """Root mean square of some frames.

    Args:
        frames: float32[participants, 960].
        rows: int64[participants]; the first `count` tell which frames are measured.
        count: how many.
        levels: float32[participants], written at those rows; 1.0 is a full-scale square wave.
    """
    for index in range(count):
        row = rows[index]
        total = np.float32(0.0)
        for sample in range(frames.shape[1]):
            total += frames[row, sample] * frames[row, sample]
        levels[row] = math.sqrt(total / frames.shape[1])


def dbov(level: float) -> int:
    """A root mean square as RFC 6464 sends it: -dBov, from 0 (loudest) to 127 (silence)."""
    return 127 if level <= 0 else max(0, min(127, round(-20 * math.log10(level))))
