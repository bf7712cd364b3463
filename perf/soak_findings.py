"""What a soak found: memory over time, what was held at each lull, and whether anything leaked. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perf.soak_server import Held, Memory
from perf.timer_control import Lateness

__all__ = ["Findings", "Growth", "Lull", "growth"]

ALLOWED_MIB = 4.0
"""Between the first lull after warm-up and the end: what an allocator may keep for itself."""

ALLOWED_MIB_PER_H = 8.0
"""Of the lower end of what the slope may be: below it a day costs less than what a call takes."""

ENOUGH = 0.8
"""Of the visits must have come about, or it was no soak."""

MIND_WARM_UP = 6
"""Lulls of a mind's life that are not compared: until some fifty utterances of all lengths were heard and spoken, the
engines' allocators still grow."""

ENDS = 3
"""Lulls at either end whose median is compared."""


@dataclass(frozen=True, slots=True)
class Lull:
    """What was held when nobody was there.

    Attributes:
        at_s: since the beginning.
        held: by the media process.
        media: its memory.
        mind: pid and memory of the mind; None where there is none.
    """

    at_s: float
    held: Held
    media: Memory
    mind: tuple[int, Memory] | None


@dataclass(frozen=True, slots=True)
class Growth:
    """How memory changed over the lulls.

    Attributes:
        first: MiB at their beginning (the median of three).
        last: MiB at their end.
        slope: MiB/h, by least squares.
        error: standard error of the slope, MiB/h; infinite of fewer than three lulls.
    """

    first: float
    last: float
    slope: float
    error: float

    @property
    def leaks(self) -> bool:
        """It grew by more than an allocator keeps, and steadily: two standard errors beyond what is allowed."""
        return self.last - self.first > ALLOWED_MIB and (
            self.error == float("inf") or self.slope - 2 * self.error > ALLOWED_MIB_PER_H
        )


def growth(at_s: Sequence[float], mib: Sequence[float]) -> Growth:
    """How values changed over time; of one value or none there is no growth."""
    if len(mib) < 2:
        only = mib[0] if mib else float("nan")
        return Growth(only, only, 0.0, float("inf"))
    ends = min(ENDS, len(mib) // 2)
    hours = np.asarray(at_s, np.float64) / 3600
    values = np.asarray(mib, np.float64)
    centred = hours - hours.mean()
    spread = float(centred @ centred)
    slope = float(centred @ values) / spread
    error = float("inf")
    if len(mib) > 2:
        residuals = values - values.mean() - slope * centred
        error = float(np.sqrt(residuals @ residuals / (len(mib) - 2) / spread))
    return Growth(float(np.median(values[:ends])), float(np.median(values[-ends:])), slope, error)


@dataclass(frozen=True, slots=True)
class Findings:
    """All of a soak.

    Attributes:
        start: what was held before the first client.
        lulls: in order.
        warm_up: of them are not compared.
        unsettled: lulls at which something did not come back in time: its number, and what there was too much of.
        plane: lateness of the media plane's ticks, while people were there, after warm-up.
        control: lateness of the bare timer at the same time.
        counts: what happened to the clients.
        visits: that were planned.
        came: of them were connected.
        seconds: it took.
        cores: used by everything together.
        media_cores: used by the media process.
    """

    start: Held
    lulls: Sequence[Lull]
    warm_up: int
    unsettled: Sequence[tuple[int, dict[str, tuple[int, int]]]]
    plane: Lateness
    control: Lateness
    counts: dict[str, int]
    visits: int
    came: int
    seconds: float
    cores: float
    media_cores: float

    @property
    def compared(self) -> Sequence[Lull]:
        """The lulls after warm-up."""
        return self.lulls[self.warm_up :]

    def media_growth(self) -> tuple[Growth, Growth]:
        """Of resident and of own memory of the media process."""
        at = [lull.at_s for lull in self.compared]
        return (
            growth(at, [lull.media.resident for lull in self.compared]),
            growth(at, [lull.media.own for lull in self.compared]),
        )

    def mind_growth(self) -> tuple[Growth, Growth] | None:
        """The same of the mind over its longest life, after `MIND_WARM_UP`."""
        lives: dict[int, list[tuple[float, Memory]]] = {}
        for lull in self.lulls:
            if lull.mind is not None:
                pid, memory = lull.mind
                lives.setdefault(pid, []).append((lull.at_s, memory))
        if not lives:
            return None
        longest = max(lives.values(), key=len)[MIND_WARM_UP:]
        at = [at_s for at_s, _ in longest]
        return (
            growth(at, [memory.resident for _, memory in longest]),
            growth(at, [memory.own for _, memory in longest]),
        )

    def faults(self) -> list[str]:
        """Why the soak failed, a line each: what leaked, or that hardly anybody was there who could have."""
        empty = [f"only {self.came} of {self.visits} visits were connected"]
        return self.leaks() + (empty if self.came < ENOUGH * self.visits else [])

    def leaks(self) -> list[str]:
        """What leaked, a line each; empty when nothing did."""
        found = [
            f"lull {number}: {name} {before} -> {now}"
            for number, beyond in self.unsettled
            for name, (before, now) in beyond.items()
        ]
        compared = self.compared
        if len(compared) > 1:
            beyond = compared[-1].held.beyond(compared[0].held)
            found += [f"at the end: {name} {before} -> {now}" for name, (before, now) in beyond.items()]
        for name, pair in (("media", self.media_growth()), ("mind", self.mind_growth())):
            for kind, each in zip(("resident", "own"), pair or (), strict=False):
                if each.leaks:
                    found.append(
                        f"{kind} memory of {name}: {each.first:.1f} -> {each.last:.1f} MiB, "
                        f"{each.slope:.1f} ± {each.error:.1f} MiB/h"
                    )
        return found
