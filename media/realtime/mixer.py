"""One sum, K + 1 mixes: all hear all others and nobody themselves, for the price of the speakers."""

import numpy as np
from numpy.typing import NDArray

from media.realtime.kernel import kernel

__all__ = ["KNEE", "mix_minus", "mix_private", "scale"]

KNEE = 0.8
"""Amplitude up to which the limiter leaves sound alone; above it bends towards 1.0 and never reaches it."""


@kernel("float32(float32)")
def _limit(sample: float) -> float:
    magnitude = abs(sample)
    if magnitude <= np.float32(KNEE):
        return sample
    excess = (magnitude - np.float32(KNEE)) / np.float32(1.0 - KNEE)
    limited = np.float32(KNEE) + np.float32(1.0 - KNEE) * excess / (np.float32(1.0) + excess)
    return float(limited if sample > 0 else -limited)


@kernel(
    "void(float32[:,::1], float32[::1], float32[::1], int64[::1], int64, int64, float32[::1], int16[:,::1])"
)
def mix_minus(
    frames: NDArray[np.float32],
    gains_from: NDArray[np.float32],
    gains_to: NDArray[np.float32],
    sources: NDArray[np.int64],
    count: int,
    persons: int,
    total: NDArray[np.float32],
    mixes: NDArray[np.int16],
) -> None:
    """Sums the sources once and takes each listening source out of its own copy.

    Args:
        frames: float32[participants, 960]; the rows of the sources are scaled in place.
        gains_from: float32[participants], gain at the first sample of the frame.
        gains_to: float32[participants], gain after the last; in between it is a straight line.
        sources: int64[participants]; the first `count` are the rows of those who are heard, the first
            `persons` of them listen too.
        count: how many are heard.
        persons: for how many of them a mix of their own is made.
        total: float32[960], scratch: the sum.
        mixes: int16[> persons, 960]; row 0 is what all others hear, row 1 + k what source k hears.
    """
    length = frames.shape[1]
    total[:] = 0.0
    for index in range(count):
        row = sources[index]
        gain = gains_from[row]
        step = (gains_to[row] - gain) / np.float32(length)
        for sample in range(length):
            scaled = frames[row, sample] * (gain + step * np.float32(sample))
            frames[row, sample] = scaled
            total[sample] += scaled
    for sample in range(length):
        mixes[0, sample] = np.int16(np.rint(_limit(total[sample]) * np.float32(32767.0)))
    for index in range(persons):
        row = sources[index]
        for sample in range(length):
            others = _limit(total[sample] - frames[row, sample])
            mixes[index + 1, sample] = np.int16(np.rint(others * np.float32(32767.0)))


@kernel("void(float32[:,::1], float32[::1], float32[::1], int64[::1], int64)")
def scale(
    frames: NDArray[np.float32],
    gains_from: NDArray[np.float32],
    gains_to: NDArray[np.float32],
    rows: NDArray[np.int64],
    count: int,
) -> None:
    """Scales the first `count` of `rows` of float32[participants, 960] in place, by gains as for `mix_minus`."""
    length = frames.shape[1]
    for index in range(count):
        row = rows[index]
        gain = gains_from[row]
        step = (gains_to[row] - gain) / np.float32(length)
        for sample in range(length):
            frames[row, sample] *= gain + step * np.float32(sample)


@kernel("void(float32[:,::1], float32[::1], int64, int64[::1], int64, int64, int16[::1])")
def mix_private(
    frames: NDArray[np.float32],
    total: NDArray[np.float32],
    without: int,
    rows: NDArray[np.int64],
    count: int,
    minus: int,
    mix: NDArray[np.int16],
) -> None:
    """One mix: what all hear, and the first `count` of `rows`, less the `minus` after them, less one row.

    Args:
        frames: float32[participants, 960], scaled already.
        total: float32[960], the sum that `mix_minus` left.
        without: row of the listener in that sum, -1 when not in it.
        rows: int64[>= count + minus].
        count: how many are added.
        minus: how many that follow them are taken out.
        mix: int16[960], written.
    """
    for sample in range(total.shape[0]):
        value = total[sample]
        if without >= 0:
            value -= frames[without, sample]
        for index in range(count):
            value += frames[rows[index], sample]
        for index in range(count, count + minus):
            value -= frames[rows[index], sample]
        mix[sample] = np.int16(np.rint(_limit(value) * np.float32(32767.0)))
