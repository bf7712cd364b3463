"""Time-stretching by a pitch period, in place (WSOLA, Verhelst and Roelands 1993; as NetEQ does)."""

import math

import numpy as np
from numpy.typing import NDArray

from media.realtime.kernel import kernel

__all__ = ["HISTORY", "MAX_LAG", "expand", "shrink"]

MAX_LAG = 720
"""Longest period looked for: 15 ms at 48 kHz."""

HISTORY = 240
"""Samples before the splice that are compared too."""

_MIN_LAG = 120
_OVERLAP = 240
_SIMILAR = 0.85
_QUIET = 0.002


@kernel("float32(float32[::1], int64, int64, int64)")
def _similarity(sound: NDArray[np.float32], at: int, lag: int, step: int) -> float:
    """Normalised correlation of the neighbourhood of a splice with itself, one lag later."""
    cross = np.float32(1e-9)
    here = np.float32(1e-9)
    there = np.float32(1e-9)
    for index in range((HISTORY + _OVERLAP) // step):
        first = sound[at - HISTORY + index * step]
        second = sound[at - HISTORY + index * step + lag]
        cross += first * second
        here += first * first
        there += second * second
    return float(cross / math.sqrt(here * there))


@kernel("int64(float32[::1], int64, int64, int64)")
def _period(sound: NDArray[np.float32], at: int, end: int, longest: int) -> int:
    """The lag at which the sound after `at` is most like itself; 0 when it is not."""
    longest = min(min(longest, MAX_LAG), end - at - _OVERLAP)
    if longest < _MIN_LAG:
        return 0
    energy = np.float32(0.0)
    for index in range(at - HISTORY, end):
        energy += sound[index] * sound[index]
    if energy < np.float32(_QUIET * _QUIET) * (end - at + HISTORY):
        return longest
    best_lag, best = 0, -1.0
    for lag in range(_MIN_LAG, longest + 1, 4):
        likeness = _similarity(sound, at, lag, 4)
        if likeness > best:
            best_lag, best = lag, likeness
    coarse = best_lag
    best = -1.0
    for lag in range(max(_MIN_LAG, coarse - 3), min(longest, coarse + 3) + 1):
        likeness = _similarity(sound, at, lag, 1)
        if likeness > best:
            best_lag, best = lag, likeness
    return best_lag if best >= _SIMILAR else 0


@kernel("int64(float32[::1], int64, int64, int64)")
def shrink(sound: NDArray[np.float32], at: int, end: int, longest: int) -> int:
    """Takes one period out.

    Args:
        sound: float32[n], changed in place.
        at: where the part begins that may be changed; at least `HISTORY` samples lie before it.
        end: where the sound ends.
        longest: most samples to take out.

    Returns:
        How many samples it is shorter now; 0 when nothing in it repeats.
    """
    lag = _period(sound, at, end, longest)
    if lag == 0:
        return 0
    for index in range(_OVERLAP):
        weight = np.float32(index + 1) / np.float32(_OVERLAP + 1)
        here = sound[at + index]
        sound[at + index] = here + weight * (sound[at + lag + index] - here)
    for index in range(at + _OVERLAP, end - lag):
        sound[index] = sound[index + lag]
    return lag


@kernel("int64(float32[::1], int64, int64, int64)")
def expand(sound: NDArray[np.float32], at: int, end: int, longest: int) -> int:
    """Puts one period in.

    Args:
        sound: float32[n], changed in place; `longest` samples after `end` are free.
        at: where the part begins that may be changed; at least `HISTORY` samples lie before it.
        end: where the sound ends.
        longest: most samples to put in.

    Returns:
        How many samples it is longer now; 0 when nothing in it repeats.
    """
    lag = _period(sound, at, end, longest)
    if lag == 0:
        return 0
    for index in range(end - 1, at + _OVERLAP - 1, -1):
        sound[index + lag] = sound[index]
    for index in range(_OVERLAP - 1, -1, -1):
        weight = np.float32(index + 1) / np.float32(_OVERLAP + 1)
        here = sound[at + lag + index]
        sound[at + lag + index] = here + weight * (sound[at + index] - here)
    return lag
