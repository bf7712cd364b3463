"""Who is heard: whoever is loud enough, with a hangover; the loudest few when there are many."""

import numpy as np
from numpy.typing import NDArray

from media.realtime.kernel import kernel

__all__ = ["HANGOVER", "MAX_SPEAKERS", "choose"]

AUDIBLE = 0.001
"""Root mean square from which a participant is heard: -60 dBov."""

HANGOVER = 20
"""Frames for which one stays in the mix after falling silent: 400 ms; pauses between words switch nothing."""

MAX_SPEAKERS = 8
"""How many are heard at once; more are not told apart, and each costs an encode."""

_SMOOTHING = 0.2
_STAYING = 1.5


@kernel(
    "int64(float32[::1], int64[::1], int64, int64[::1], float32[::1], boolean[::1])",
)
def choose(
    levels: NDArray[np.float32],
    rows: NDArray[np.int64],
    count: int,
    hangover: NDArray[np.int64],
    loudness: NDArray[np.float32],
    heard: NDArray[np.bool_],
) -> int:
    """Chooses who is heard in this frame.

    Args:
        levels: float32[participants], root mean square of this frame.
        rows: int64[participants]; the first `count` are the rows to choose from.
        count: how many.
        hangover: int64[participants], frames left, kept from frame to frame.
        loudness: float32[participants], smoothed level, kept from frame to frame.
        heard: bool[participants], in: who was heard, out: who is.

    Returns:
        How many are heard, at most `MAX_SPEAKERS`.
    """
    chosen = 0
    for index in range(count):
        row = rows[index]
        loudness[row] += np.float32(_SMOOTHING) * (levels[row] - loudness[row])
        if levels[row] >= np.float32(AUDIBLE):
            hangover[row] = HANGOVER
        elif hangover[row] > 0:
            hangover[row] -= 1
        if hangover[row] > 0:
            chosen += 1
    if chosen <= MAX_SPEAKERS:
        for index in range(count):
            heard[rows[index]] = hangover[rows[index]] > 0
        return chosen
    best = np.zeros(MAX_SPEAKERS, np.float32)
    ranked = np.full(MAX_SPEAKERS, -1, np.int64)
    for index in range(count):
        row = rows[index]
        if hangover[row] <= 0:
            continue
        # Who is heard already is displaced only by someone clearly louder.
        score = loudness[row] * np.float32(_STAYING if heard[row] else 1.0)
        place = MAX_SPEAKERS
        while place > 0 and (ranked[place - 1] < 0 or score > best[place - 1]):
            place -= 1
        for later in range(MAX_SPEAKERS - 1, place, -1):
            best[later], ranked[later] = best[later - 1], ranked[later - 1]
        if place < MAX_SPEAKERS:
            best[place], ranked[place] = score, row
    for index in range(count):
        heard[rows[index]] = False
    for place in range(MAX_SPEAKERS):
        heard[ranked[place]] = True
    return MAX_SPEAKERS
