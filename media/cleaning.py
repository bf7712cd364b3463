"""Which tracks of a room go through noise suppression, and what that costs."""

import time
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from media.participant import Person
from media.realtime.speaker import AUDIBLE
from media.realtime.suppression import Suppressor

__all__ = ["MAX_SUPPRESSED", "Cleaning"]

MAX_SUPPRESSED = 12
"""How many tracks are cleaned whatever they hold; beyond them, those that the gate takes for speech."""

_SUPPRESSED_TICKS = 25


class Cleaning:
    """Gives the suppressors to the tracks on which there is anything to be heard.

    Args:
        make: makes a suppressor.

    Attributes:
        frames: cleaned so far.
        took_ns: what that took.
    """

    def __init__(self, make: Callable[[], Suppressor]) -> None:
        self.frames = self.took_ns = 0
        self._make = make
        self._free: list[Suppressor] = []
        self._given = 0

    def clean(
        self, persons: Iterable[Person], frames: NDArray[np.float32], levels: NDArray[np.float32]
    ) -> None:
        """Cleans one frame of each.

        Args:
            persons: who sends.
            frames: float32[participants, 960], changed in place.
            levels: float32[participants], root mean square of the frames as they came.
        """
        began = time.perf_counter_ns()
        for person in persons:
            if not person.suppressed:
                continue
            if levels[person.row] >= AUDIBLE / 2:
                person.audible = _SUPPRESSED_TICKS
            elif person.audible:
                person.audible -= 1
            if not person.audible:
                self.leave(person)
                continue
            if person.suppressor is None:
                if self._given >= MAX_SUPPRESSED and not person.gate.opened:
                    continue
                person.suppressor = self._free.pop() if self._free else self._make()
                self._given += 1
            elif self._given > MAX_SUPPRESSED and not person.gate.opened:
                self.leave(person)
                continue
            person.suppressor.clean(frames[person.row])
            self.frames += 1
        self.took_ns += time.perf_counter_ns() - began

    def leave(self, person: Person) -> None:
        """Leaves a track as it comes."""
        if person.suppressor is not None:
            person.suppressor.reset()
            self._free.append(person.suppressor)
            self._given -= 1
            person.suppressor = None
