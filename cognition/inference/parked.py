"""Conversations whose sequence was needed for another: their evaluated state, kept in memory. Pure bookkeeping."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cognition.inference.slots import common_prefix

__all__ = ["Parked", "ParkedConversations"]


@dataclass(frozen=True, slots=True)
class Parked:
    """What one sequence of the cache held.

    Attributes:
        tokens: evaluated, in order.
        pure: how many leading ones were evaluated with nothing else before them, as in `Slot`.
        state: uint8[n], as `LlamaContext.save` gave it.
    """

    tokens: list[int]
    pure: int
    state: NDArray[np.uint8]


class ParkedConversations:
    """The states of conversations by key, the least recently used dropped beyond a number of bytes.

    Args:
        limit: bytes all states have together; one that is larger is not kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, Parked] = OrderedDict()
        self.size = 0
        """Bytes kept."""
        self.dropped = 0
        """Conversations that had to make room for others."""

    def __len__(self) -> int:
        return len(self._kept)

    def park(self, key: str, parked: Parked) -> None:
        """Keeps a state, the only one of its key."""
        self.forget(key)
        if parked.state.nbytes > self._limit:
            self.dropped += 1
            return
        self._kept[key] = parked
        self.size += parked.state.nbytes
        while self.size > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self.size -= oldest.state.nbytes
            self.dropped += 1

    def take(self, key: str) -> Parked | None:
        """The state of a key, which is kept no longer."""
        if (parked := self._kept.pop(key, None)) is not None:
            self.size -= parked.state.nbytes
        return parked

    def holds(self, key: str, tokens: Sequence[int]) -> bool:
        """Whether what is kept of a key begins with these tokens."""
        parked = self._kept.get(key)
        return parked is not None and parked.tokens[: len(tokens)] == tokens

    def donor(self, tokens: Sequence[int], shared_min: int) -> tuple[Parked, int] | None:
        """The state with the longest prefix of these tokens, and its length; None if it is shorter than `shared_min`.

        Only a prefix of equal tokens is ever taken over, as in `SlotTable.donor`.
        """
        best: tuple[str, int] | None = None
        for key, parked in self._kept.items():
            shared = min(common_prefix(parked.tokens, tokens), parked.pure)
            if shared >= shared_min and (best is None or shared > best[1]):
                best = key, shared
        if best is None:
            return None
        key, shared = best
        self._kept.move_to_end(key)
        return self._kept[key], shared

    def forget(self, key: str) -> None:
        """Drops what is kept of a key."""
        self.take(key)
