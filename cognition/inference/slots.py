"""Which sequence of the key-value cache holds whose conversation. Pure bookkeeping."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

__all__ = ["Slot", "SlotTable", "common_prefix"]


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """How many leading tokens two sequences share."""
    limit = min(len(left), len(right))
    if left[:limit] == right[:limit]:
        return limit
    return next(index for index in range(limit) if left[index] != right[index])


@dataclass(slots=True)
class Slot:
    """One sequence: whose it is, which tokens are evaluated in it, when it was last used (a count)."""

    sequence: int
    key: str | None = None
    tokens: list[int] = field(default_factory=list)
    used: int = 0


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
        slot.tokens = []

    def donor(self, tokens: Sequence[int], receiver: Slot) -> tuple[Slot, int] | None:
        """The other slot with the longest prefix of these tokens, and its length; None if not worth copying."""
        shared, slot = max(
            ((common_prefix(slot.tokens, tokens), slot) for slot in self._slots if slot is not receiver),
            key=lambda pair: pair[0],
            default=(0, receiver),
        )
        return (slot, shared) if shared >= self._shared_min else None

    def release(self, slot: Slot) -> None:
        """Makes a slot free again, empty."""
        slot.key, slot.tokens, slot.used = None, [], 0
