"""What still holds: of what was said of one thing at several times the newest; the rest is the past, with dates. Pure.

It is decided among what can be seen, each time anew: that something is no longer so may have been told in confidence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cognition.store.memories import Memory

__all__ = ["Standing", "standings"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a memory stands among the others that can be seen.

    Attributes:
        current: it holds.
        since: since when it held, as far as is known; for what has one value at a time never None.
        until: until when; None where it holds, or nobody said.
    """

    current: bool
    since: datetime | None
    until: datetime | None


def standings(memories: Iterable[Memory], now: datetime) -> dict[str, Standing]:
    """How each of some memories stands, by its id.

    Args:
        memories: all that can be seen of each attribute that occurs in them.
        now: timezone-aware.
    """
    found: dict[str, Standing] = {}
    groups: dict[tuple[str, str], list[Memory]] = {}
    others: list[Memory] = []
    for memory in memories:
        if memory.single and memory.attribute:
            groups.setdefault((memory.subject, memory.attribute), []).append(memory)
        else:
            others.append(memory)
    over = [one for one in others if one.fact and one.valid_to is not None]
    for memory in others:
        ends = [one.valid_to for one in over if one.fact == memory.fact and one.at > memory.at]
        end = min((each for each in ends if each is not None), default=None)
        # "The interview went well" ends the wait for it.
        found[memory.id] = _by_itself(memory, now) if end is None else Standing(False, memory.valid_from, end)
    for group in groups.values():
        found |= _of_one_attribute(group, now)
    return found


def _by_itself(memory: Memory, now: datetime) -> Standing:
    over = memory.valid_to is not None and memory.valid_to <= now
    return Standing(not over, memory.valid_from, memory.valid_to)


def _of_one_attribute(group: list[Memory], now: datetime) -> dict[str, Standing]:
    values: dict[str, list[Memory]] = {}
    for memory in group:
        values.setdefault(memory.fact or memory.id, []).append(memory)
    last_said = {value: max(each.at for each in same) for value, same in values.items()}
    began = {value: min(_start(each) for each in same) for value, same in values.items()}
    # The last words on a value say whether it is over: "I no longer live in Rome", and later "I live in Rome again".
    last = {value: max(same, key=lambda each: (each.at, each.corrected)) for value, same in values.items()}
    holding = [
        value
        for value in values
        if ((end := last[value].valid_to) is None or end > now)
        and ((start := last[value].valid_from) is None or start <= now)
    ]
    current = max(holding, key=lambda value: (last_said[value], last[value].corrected), default=None)
    found: dict[str, Standing] = {}
    for value, same in values.items():
        ended = None if value == current else _end(value, last, last_said, began)
        for memory in same:
            found[memory.id] = Standing(value == current, began[value], ended)
    return found


def _end(
    value: str, last: dict[str, Memory], last_said: dict[str, datetime], began: dict[str, datetime]
) -> datetime | None:
    """Until when a value held that no longer does: as its words say, or until another was said to hold."""
    if last[value].valid_to is not None:
        return last[value].valid_to
    later = [
        began[other] if began[other] > last_said[value] else last_said[other]
        for other in last
        if other != value and last_said[other] > last_said[value] and last[other].valid_to is None
    ]
    return min(later, default=None)


def _start(memory: Memory) -> datetime:
    return memory.valid_from or memory.told or memory.at
