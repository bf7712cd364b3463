"""Who heard a turn: people turn to some and back to all while they speak, and while their words are found out."""

from collections import deque

__all__ = ["Audiences"]

KEPT = 16
LEAD_NS = 300_000_000
"""The onset of a voice is noticed late, and a soft one is dated late."""


class Audiences:
    """To whom one person spoke, and since when.

    In doubt a turn was for the few: one of which any part was whispered was whispered as a whole.
    """

    def __init__(self) -> None:
        self._since: deque[tuple[int, frozenset[str] | None]] = deque([(0, None)])

    def turn_to(self, listeners: frozenset[str] | None, now_ns: int) -> None:
        """They speak to these alone from now on; None is to all."""
        self._since.append((now_ns, listeners))
        if len(self._since) > KEPT:
            # Whoever turns around this often is held to have whispered all along.
            _, first = self._since.popleft()
            instant, second = self._since[0]
            self._since[0] = instant, _common(first, second)

    def of_turn(self, started_ns: int) -> frozenset[str] | None:
        """Who heard all of a turn that began then and is still being spoken or found out; None is all."""
        instants = [*(instant for instant, _ in self._since), None]
        heard: frozenset[str] | None = None
        for (_, listeners), end in zip(self._since, instants[1:], strict=True):
            if end is None or end >= started_ns - LEAD_NS:
                heard = _common(heard, listeners)
        return heard


def _common(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
