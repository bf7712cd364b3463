"""Which sequence of the key-value cache holds whose conversation. Pure bookkeeping."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

__all__ = ["Slot", "SlotTable", "common_prefix", "gap"]


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """How many leading tokens two sequences share."""
    limit = min(len(left), len(right))
    if left[:limit] == right[:limit]:
        return limit
    return next(index for index in range(limit) if left[index] != right[index])


def gap(held: Sequence[int], wanted: Sequence[int], start: int, *, probe: int = 24) -> int | None:
    """Where the held tokens go on as the wanted ones do, if a stretch from `start` on was taken out of their middle.

    Args:
        held: tokens evaluated.
        wanted: tokens asked for.
        start: length of their common prefix.
        probe: how many tokens must agree after the gap.

    Returns:
        The first held token after the gap, None if there is no such place.
    """
    sought = list(wanted[start : start + probe])
    if len(sought) < probe:
        return None
    return next(
        (
            at
            for at in range(start + 1, len(held) - probe + 1)
            if held[at] == sought[0] and list(held[at : at + probe]) == sought
        ),
        None,
    )


@dataclass(slots=True)
class Slot:
    """One sequence of the cache.

    Attributes:
        sequence: its number.
        key: whose it is.
        tokens: what is evaluated in it.
        used: when it was last used (a count).
        pure: how many leading tokens were evaluated with nothing else before them. Those moved up after others were
            taken out from before them still carry traces of these, and are never shared.
    """

    sequence: int
    key: str | None = None
    tokens: list[int] = field(default_factory=list)
    used: int = 0
    pure: int = 0

    def cut(self, length: int) -> None:
        """Keeps that many tokens."""
        del self.tokens[length:]
        self.pure = min(self.pure, length)

    def extend(self, tokens: Sequence[int]) -> None:
        """Appends tokens just evaluated."""
        if self.pure == len(self.tokens):
            self.pure += len(tokens)
        self.tokens += tokens

    def close_gap(self, start: int, end: int) -> None:
        """Takes the tokens from `start` to `end` out and moves the rest up."""
        del self.tokens[start:end]
        self.pure = min(self.pure, start)


class SlotTable:
    """A fixed number of slots, given to keys, taken from the least recently used.

    Args:
        count: number of sequences.
        shared_min: shortest prefix worth copying from another slot. Only a prefix of equal tokens is ever taken
            over, whose cache depends on these tokens alone: nothing of the other conversation comes along.
    """

    def __init__(self, count: int, *, shared_min: int = 16) -> None:
        self._slots = [Slot(sequence) for sequence in range(count)]
        self._shared_min = shared_min
        self._clock = 0
        self.evictions = 0

    def find(self, key: str) -> Slot | None:
        """The slot of a key, if it has one."""
        return next((slot for slot in self._slots if slot.key == key), None)

    def take(self, key: str, busy: Collection[int]) -> Slot | None:
        """The key's slot, or a free one, or the least recently used that is not among the `busy` sequences.

        A slot taken from another key has `key` still set to the old one: the caller empties it with `assign`.
        """
        self._clock += 1
        slot = self.find(key)
        if slot is None:
            idle = [slot for slot in self._slots if slot.sequence not in busy]
            slot = min(idle, key=lambda each: (each.key is not None, each.used), default=None)
        if slot is not None:
            slot.used = self._clock
        return slot

    def assign(self, slot: Slot, key: str) -> None:
        """Gives a slot to a key, empty."""
        if slot.key is not None:
            self.evictions += 1
        slot.key = key
        slot.cut(0)

    def donor(self, tokens: Sequence[int], receiver: Slot) -> tuple[Slot, int] | None:
        """The other slot with the longest prefix of these tokens, and its length; None if not worth copying."""
        shared, slot = max(
            (
                (min(common_prefix(slot.tokens, tokens), slot.pure), slot)
                for slot in self._slots
                if slot is not receiver
            ),
            key=lambda pair: pair[0],
            default=(0, receiver),
        )
        return (slot, shared) if shared >= self._shared_min else None

    def release(self, slot: Slot) -> None:
        """Makes a slot free again, empty."""
        slot.key, slot.used = None, 0
        slot.cut(0)
