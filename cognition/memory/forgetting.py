"""Forgetting by use: how much is left of a memory, and which are let go. Pure.

The activation of a memory is that of ACT-R's base level (Anderson and Schooler 1991): each time it was told or
recalled leaves a trace that decays with a power of time, as Ebbinghaus (1885) found retention to do. Of many traces
the first and the last are known, and the others taken to lie evenly between (Petrov 2006).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cognition.store.memories import Memory

__all__ = ["DECAY", "KEPT_ABOVE", "Parting", "activation", "fading"]

DECAY = 0.5
"""The exponent; ACT-R's usual value."""
_HOUR = 3600.0
KEPT_ABOVE = -5.2
"""Activation, with hours as the unit of time, above which a thing is kept: told once, for some four years."""
_WORTH = 2.0
"""What importance 1 adds to the activation over importance 0."""
_DURABLE = 0.75
"""What is as important as this is never let go by itself, and neither is what a person has put right."""


@dataclass(frozen=True, slots=True)
class Parting:
    """A memory that is let go."""

    memory: Memory
    why: str


def activation(memory: Memory, now: datetime) -> float:
    """Base-level activation; higher is more present.

    Args:
        memory: with how often and when it was told and recalled.
        now: timezone-aware.
    """
    times = memory.strength + memory.used
    last = max(memory.at, memory.used_at or memory.at)
    since_last = max((now - last).total_seconds() / _HOUR, 1.0)
    since_first = max((now - (memory.told or memory.at)).total_seconds() / _HOUR, since_last)
    traces = since_last**-DECAY
    if times > 1 and since_first > since_last * (1 + 1e-9):
        power = 1 - DECAY
        traces += (
            (times - 1) * (since_first**power - since_last**power) / (power * (since_first - since_last))
        )
    elif times > 1:
        traces *= times
    return math.log(traces)


def fading(memories: Sequence[Memory], now: datetime) -> list[Parting]:
    """Which of these are let go, the least present first.

    Args:
        memories: any.
        now: timezone-aware.
    """
    found = []
    for memory in memories:
        if memory.corrected or memory.importance >= _DURABLE:
            continue
        if activation(memory, now) + _WORTH * (memory.importance - 0.5) < KEPT_ABOVE:
            days = (now - memory.at).days
            uses = "never recalled" if not memory.used else f"recalled {memory.used} times"
            found.append(Parting(memory, f"told {days} days ago, {uses}"))
    return sorted(found, key=lambda one: activation(one.memory, now))
