"""Who gets how many of the tokens there are: floors first, then in proportion to priority up to each need. Pure.

Max-min fair sharing with weights, by progressive filling: the level of water rises for all alike, each vessel as wide
as its priority, until it is full or the water is used up (Bertsekas and Gallager 1992, "Data Networks", 2nd edition,
section 6.5.2). Tokens are whole: the k-th token of a claim of priority w comes at the level k / w, and the earliest go
first, which is a divisor method (D'Hondt's) of apportionment; those are monotone in the size of the house (Balinski and
Young 1982, "Fair Representation"): more tokens never take one away from anybody.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Claim", "allocate"]

_FINE = 1 << 20
"""Steps of the level in one token of priority 1."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody asks for.

    Attributes:
        need: tokens it can use.
        floor: tokens it is to have before others have more than theirs; beyond `need` it does not count.
        priority: its share of what is left, relative to the others'; a floor that does not fit gives way to those
            of higher priority.

    Raises:
        ValueError: need or floor is negative, or the priority is below 1.
    """

    need: int
    floor: int = 0
    priority: int = 1

    def __post_init__(self) -> None:
        if self.need < 0 or self.floor < 0 or self.priority < 1:
            raise ValueError("a claim has a need and a floor of at least 0 and a priority of at least 1")


def allocate(budget: int, claims: Sequence[Claim]) -> list[int]:
    """Shares a budget out.

    Nobody has more than it needs, all have the budget at most, and it is used up as far as there is need. Where the
    budget is enough for all floors, each has its own. Of two claims of the same priority and floor the one that
    comes first has at most one token more, unless the other needs no more.

    Args:
        budget: tokens there are; below 0 counts as 0.
        claims: in the order in which ties are settled.

    Returns:
        Tokens of each claim.
    """
    left = max(budget, 0)
    given = [0] * len(claims)
    for place in sorted(range(len(claims)), key=lambda each: (-claims[each].priority, each)):
        given[place] = min(claims[place].floor, claims[place].need, left)
        left -= given[place]
    if left == 0:
        return given
    floors = list(given)
    low, high = 0, _FINE * max((claim.need for claim in claims), default=0)
    while low < high:
        middle = (low + high + 1) // 2
        if sum(_filled(middle, claims, floors)) <= max(budget, 0):
            low = middle
        else:
            high = middle - 1
    given = _filled(low, claims, floors)
    left = budget - sum(given)
    coming = [
        (Fraction(given[place] + 1, claim.priority), place)
        for place, claim in enumerate(claims)
        if given[place] < claim.need
    ]
    heapq.heapify(coming)
    while left > 0 and coming:
        _, place = heapq.heappop(coming)
        given[place] += 1
        left -= 1
        if given[place] < claims[place].need:
            heapq.heappush(coming, (Fraction(given[place] + 1, claims[place].priority), place))
    return given


def _filled(level: int, claims: Sequence[Claim], floors: Sequence[int]) -> list[int]:
    return [
        max(floor, min(claim.need, level * claim.priority // _FINE))
        for claim, floor in zip(claims, floors, strict=True)
    ]
