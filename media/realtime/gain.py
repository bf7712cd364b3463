"""Automatic gain: a slow hand on each speaker's fader, so that a quiet and a loud one are equally heard."""

import math

import numpy as np
from numpy.typing import NDArray

from media.realtime.kernel import kernel

__all__ = ["LOUDEST", "TARGET_DB", "adapt"]

TARGET_DB = -20.0
"""Level of speech aimed at, in dB of full scale."""

LOUDEST = 8.0
"""Most gain: 18 dB; what is quieter is rather another room than a quiet speaker."""

_SOFTEST = 0.2
_DEAD_DB = 1.0
_RISE = 1.014
_FALL = 0.973
_FRAMES = 100.0
_TRUSTED = 15.0
_RELATIVE = 0.06


@kernel(
    "void(float32[::1], int64[::1], int64, boolean[::1], float32[::1], float32[::1], float32[::1])",
)
def adapt(
    levels: NDArray[np.float32],
    rows: NDArray[np.int64],
    count: int,
    voiced: NDArray[np.bool_],
    power: NDArray[np.float32],
    weight: NDArray[np.float32],
    gains: NDArray[np.float32],
) -> None:
    """Moves the gains by one frame of 20 ms: up by 6 dB a second at most, down by 12.

    The level of speech is that of its louder frames, those within 12 dB of what is known of it (after ITU-T P.56:
    pauses do not count), over its last two seconds. Noise and silence move nothing, so that nothing is pumped up.

    Args:
        levels: float32[participants], root mean square of this frame, before the gain.
        rows: int64[participants]; the first `count` are the rows concerned.
        count: how many.
        voiced: bool[participants], whether this frame is taken for speech.
        power: float32[participants], mean square of speech, kept from frame to frame; 0 at first.
        weight: float32[participants], frames of speech known, kept; 0 at first.
        gains: float32[participants], in and out; 1 at first.
    """
    for index in range(count):
        row = rows[index]
        if not voiced[row]:
            continue
        square = levels[row] * levels[row]
        if square < np.float32(_RELATIVE) * power[row]:
            # So much quieter is a pause; but a speaker who has stepped back is found again in time.
            power[row] *= np.float32(0.99)
            continue
        weight[row] = min(weight[row] + np.float32(1.0), np.float32(_FRAMES))
        power[row] += (square - power[row]) / weight[row]
        if weight[row] < np.float32(_TRUSTED):
            continue
        wanted = np.float32(10.0 ** (TARGET_DB / 20.0)) / np.float32(math.sqrt(power[row] + 1e-12))
        wanted = min(max(wanted, np.float32(_SOFTEST)), np.float32(LOUDEST))
        away = np.float32(20.0) * np.float32(math.log10(wanted / gains[row]))
        if away > np.float32(_DEAD_DB):
            gains[row] = min(gains[row] * np.float32(_RISE), wanted)
        elif away < np.float32(-_DEAD_DB):
            gains[row] = max(gains[row] * np.float32(_FALL), wanted)
