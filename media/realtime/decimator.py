"""48 kHz to 16 kHz for ears and gate: a linear-phase low-pass, evaluated at every third sample only."""

import numpy as np
from numpy.typing import NDArray

from media.realtime.kernel import kernel
from media.realtime.packet import FRAME, RATE

__all__ = ["EARS_FRAME", "EARS_RATE", "HISTORY", "decimate"]

EARS_RATE = 16_000
"""Sample rate of the ears rings, in Hz."""

EARS_FRAME = FRAME * EARS_RATE // RATE
"""Samples of one tick at 16 kHz: 320."""

_TAPS = 96

HISTORY = _TAPS - 1
"""Samples of the frame before that a frame needs."""


def _design() -> NDArray[np.float32]:
    """A Kaiser-windowed sinc: flat to 7 kHz, at least 60 dB down from 9 kHz on."""
    time = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(time * 2 * 7_900 / RATE) * np.kaiser(_TAPS, 5.7)
    return np.asarray(taps / taps.sum(), np.float32)


TAPS = _design()
"""float32[96], symmetric."""


@kernel(
    "void(float32[:,::1], int64[::1], int64, float32[::1], float32[:,::1], float32[::1], int16[:,::1])",
)
def decimate(
    frames: NDArray[np.float32],
    rows: NDArray[np.int64],
    count: int,
    taps: NDArray[np.float32],
    history: NDArray[np.float32],
    scratch: NDArray[np.float32],
    ears: NDArray[np.int16],
) -> None:
    """Brings some frames to 16 kHz; delays them by 1 ms.

    Args:
        frames: float32[participants, 960], in [-1, 1].
        rows: int64[participants]; the first `count` tell which.
        count: how many.
        taps: float32[96], `TAPS`.
        history: float32[participants, 95], kept from frame to frame.
        scratch: float32[95 + 960].
        ears: int16[participants, 320], written at those rows.
    """
    kept = history.shape[1]
    length = frames.shape[1]
    for index in range(count):
        row = rows[index]
        for sample in range(kept):
            scratch[sample] = history[row, sample]
        for sample in range(length):
            scratch[kept + sample] = frames[row, sample]
        for sample in range(kept):
            history[row, sample] = scratch[length + sample]
        for out in range(ears.shape[1]):
            start = 3 * out
            total = np.float32(0.0)
            for tap in range(taps.shape[0]):
                total += taps[tap] * scratch[start + tap]
            total *= np.float32(32767.0)
            ears[row, out] = np.int16(np.rint(min(max(total, np.float32(-32768.0)), np.float32(32767.0))))
