"""The beginning of a sound that may become speech, described frame by frame."""

import math

import numpy as np
from numpy.typing import NDArray

from media.realtime.decimator import EARS_RATE
from media.realtime.kernel import kernel

__all__ = ["BANDS", "DESCRIPTION", "LOW_PASSES", "describe"]

BANDS = 5

DESCRIPTION = 8
"""Numbers that describe a frame: level, voicing, the shares of five bands, and how much these changed."""

_EDGES = (400.0, 1000.0, 2500.0, 5000.0)
_SHORTEST, _LONGEST = 20, 133
"""Periods of a voice of 400 and of 60 Hz, in samples at 8 kHz."""


def _low_passes() -> NDArray[np.float32]:
    """Second-order Butterworth low-passes at the edges of the bands: b0, b1, b2, a1, a2 (bilinear transform)."""
    rows = []
    for edge in _EDGES:
        warped = math.tan(math.pi * edge / EARS_RATE)
        norm = 1 / (1 + math.sqrt(2) * warped + warped * warped)
        b = warped * warped * norm
        rows.append(
            (b, 2 * b, b, 2 * (warped * warped - 1) * norm, (1 - math.sqrt(2) * warped + warped**2) * norm)
        )
    return np.array(rows, np.float32)


LOW_PASSES = _low_passes()
"""float32[4, 5]."""


@kernel("void(int16[::1], float32[::1], float32[:,::1], float32[:,::1], float32[::1], float32[::1])")
def describe(
    frame: NDArray[np.int16],
    before: NDArray[np.float32],
    filters: NDArray[np.float32],
    states: NDArray[np.float32],
    shares: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Describes 20 ms of sound; some 25 us.

    Args:
        frame: int16[320], 16 kHz.
        before: float32[160], the frame before at 8 kHz; replaced by this one.
        filters: float32[4, 5], `LOW_PASSES`.
        states: float32[4, 2], of the filters, kept from frame to frame.
        shares: float32[5], of the frame before; replaced.
        out: float32[8], written: level in dB of full scale; the greatest normalised autocorrelation at the periods
            of a voice, 60 to 400 Hz, over two frames; the bands' shares of the power, natural logarithm; the mean
            change of these.
    """
    length = frame.shape[0]
    half = length // 2
    bands = shares.shape[0]
    powers = np.zeros(BANDS, np.float32)
    total = np.float32(1e-9)
    for index in range(length):
        sample = np.float32(frame[index]) * np.float32(1 / 32768)
        total += sample * sample
        lower = np.float32(0.0)
        for band in range(bands - 1):
            low = filters[band, 0] * sample + states[band, 0]
            states[band, 0] = filters[band, 1] * sample - filters[band, 3] * low + states[band, 1]
            states[band, 1] = filters[band, 2] * sample - filters[band, 4] * low
            powers[band] += (low - lower) * (low - lower)
            lower = low
        powers[bands - 1] += (sample - lower) * (sample - lower)
    out[0] = np.float32(10.0) * np.float32(math.log10(total / np.float32(length)))
    whole = np.empty(length, np.float32)
    for index in range(half):
        whole[index] = before[index]
        mean = np.float32(0.5 / 32768) * (np.float32(frame[2 * index]) + np.float32(frame[2 * index + 1]))
        whole[half + index] = mean
        before[index] = mean
    window = length - _LONGEST
    newest = np.float32(1e-7)
    for index in range(length - window, length):
        newest += whole[index] * whole[index]
    best = np.float32(0.0)
    for lag in range(_SHORTEST, _LONGEST + 1):
        product, earlier = np.float32(0.0), np.float32(1e-7)
        for index in range(length - window, length):
            product += whole[index] * whole[index - lag]
            earlier += whole[index - lag] * whole[index - lag]
        best = max(best, product / np.float32(math.sqrt(newest * earlier)))
    out[1] = best
    change = np.float32(0.0)
    for band in range(bands):
        share = np.float32(math.log((powers[band] + np.float32(1e-9)) / total + np.float32(1e-4)))
        change += abs(share - shares[band])
        shares[band] = share
        out[2 + band] = share
    out[7] = change / np.float32(bands)
