"""What something new is to what is remembered: told again, another value that ends the old one, or new. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cognition.memory.currency import standings
from cognition.store.memories import Memory

__all__ = ["Verdict", "judge"]

_VAGUE = timedelta(days=45)
"""A beginning that was told may be so much later: "last month" is read as its first day."""
_RECURS = timedelta(days=60)
"""A plan or a wait that is told again after so long is another one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with something new.

    Attributes:
        merge: id of the memory that says the same and is made stronger; None: it becomes a memory of its own.
        closed: ids of those that no longer hold because of it.
        changed: ids of opinions that it changes.
    """

    merge: str | None = None
    closed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def judge(new: Memory, rivals: Sequence[Memory]) -> Verdict:
    """What a new memory is to those of the same subject and attribute in its scope.

    Args:
        new: not kept yet.
        rivals: what is kept, in any order.
    """
    if not new.fact or new.kind == "event":
        same = [
            one
            for one in rivals
            if one.fact == new.fact and one.kind == new.kind and _told_of_same_day(one, new)
        ]
        return Verdict(same[-1].id if same and new.fact else None)
    ordered = sorted(rivals, key=_order)
    ended = new.valid_to is not None
    before = [one for one in ordered if _order(one) <= _order(new)]
    # The last word on this value decides: what was ended and begins anew is another memory.
    same = [one for one in before if one.fact == new.fact]
    last = same[-1] if same else None
    merge = None
    if last is not None and (last.valid_to is not None) == ended and _same_occasion(last, new):
        between = [
            one for one in before if new.single and one.fact != new.fact and _order(one) > _order(last)
        ]
        if not any(one.valid_to is None for one in between):
            merge = last.id
    now = new.at
    old = standings(rivals, now)
    fresh = standings([*rivals, new], now)
    over = tuple(
        one.id for one in ordered if one.id != merge and old[one.id].current and not fresh[one.id].current
    )
    if new.kind == "preference":
        return Verdict(merge, (), over)
    return Verdict(merge, over, ())


def _order(memory: Memory) -> tuple[bool, datetime, datetime]:
    """What counts as said later: a correction above all; of what began, its beginning; else when it was told last."""
    if memory.valid_to is not None:
        instant = memory.valid_to
    elif memory.valid_from is not None and memory.strength == 1:
        instant = min(memory.at, memory.valid_from + _VAGUE)
    else:
        instant = memory.at
    return memory.corrected, instant, memory.at


def _same_occasion(one: Memory, other: Memory) -> bool:
    """Plans and waits that recur are the same while they are due on the same day."""
    if one.kind not in ("commitment", "thread") or other.valid_to is not None:
        return True
    if one.due is None or other.due is None:
        return abs(other.at - one.at) <= _RECURS
    return abs(one.due - other.due) <= timedelta(days=1)


def _told_of_same_day(one: Memory, other: Memory) -> bool:
    return abs((one.valid_from or one.at) - (other.valid_from or other.at)) <= timedelta(days=2)
