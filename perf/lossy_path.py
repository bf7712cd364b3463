"""A network between a sender and a receiver, as a list of arrivals: lost, late, out of order, twice, drifting."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["PATHS", "TICK_NS", "Arrival", "Path"]

TICK_NS = 20_000_000
_MS = 1_000_000
_SEED = 20_12

Arrival = tuple[int, int]
"""Instant in ns after the first packet was sent, and the number of the packet."""


@dataclass(frozen=True, slots=True)
class Path:
    """What a network does to a stream of packets, one every 20 ms.

    Attributes:
        name: of the pattern.
        lost: share of packets that are lost by themselves.
        burst: packets in a row that are lost, once in a hundred; 0 for no bursts.
        reordered: by how many places every tenth packet is overtaken.
        duplicated: share of packets that come again, 30 ms later.
        jitter_ms: packets come up to so much later, each for itself.
        drift_ppm: by how much the sender's clock is slow.
        reported: percentage of loss that the sender knows of from reports, and encodes for.
    """

    name: str
    lost: float = 0.0
    burst: int = 0
    reordered: int = 0
    duplicated: float = 0.0
    jitter_ms: float = 1.0
    drift_ppm: float = 0.0
    reported: int = 5

    def fate(self, number: int, random: np.random.Generator) -> tuple[float, ...]:
        """How many ms after it was sent each copy of a packet arrives; none when it is lost."""
        delay = random.uniform(0.0, self.jitter_ms)
        gone = random.random() < self.lost
        again = random.random() < self.duplicated
        if gone or (self.burst and number % 100 >= 100 - self.burst):
            return ()
        if self.reordered and number % 10 == 9:
            delay += 20.0 * self.reordered
        return (delay, delay + 30.0) if again else (delay,)

    def arrivals(self, packets: int) -> list[Arrival]:
        """When which packet arrives, in order of arrival; the same at every call."""
        random = np.random.default_rng(_SEED)
        found: list[Arrival] = []
        for number in range(packets):
            sent_ns = number * TICK_NS * (1 + self.drift_ppm * 1e-6)
            found += [(int(sent_ns + delay * _MS), number) for delay in self.fate(number, random)]
        return sorted(found)


PATHS: Sequence[Path] = (
    Path("clean"),
    Path("1 % loss", lost=0.01),
    Path("5 % loss", lost=0.05),
    Path("20 % loss", lost=0.20, reported=20),
    Path("bursts of 5", burst=5),
    Path("reordering by 3", reordered=3),
    Path("duplication", duplicated=0.1),
    Path("100 ms jitter", jitter_ms=100.0),
    Path("50 ppm drift", drift_ppm=50.0),
)
"""What the jitter buffer is judged by."""
