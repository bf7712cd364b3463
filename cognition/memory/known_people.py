"""What is best to know of people, kept while nothing has changed of what it was worked out from."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cognition.memory.currency import Standing

__all__ = ["KnownPeople", "Worth"]

MOST = 512


@dataclass(frozen=True, slots=True)
class Worth:
    """The memories of one person that are most worth to know, without a word of them.

    Attributes:
        best: ids and what each is worth, the best first.
        standing: how each of them stands, by id.
    """

    best: tuple[tuple[str, float], ...]
    standing: Mapping[str, Standing]


class KnownPeople:
    """Of the people met last; for one thread.

    Attributes:
        computed: how often it had to be worked out.
    """

    def __init__(self) -> None:
        self.computed = 0
        self._state: object = None
        self._known: OrderedDict[object, Worth] = OrderedDict()

    def get(self, which: object, state: object, work_out: Callable[[], Worth]) -> Worth:
        """What is known, or what is worked out now.

        Args:
            which: person, who asks, before whom, how many.
            state: of everything it follows from; where it is another than before, nothing is known any more.
            work_out: does it.
        """
        if state != self._state:
            self._known.clear()
            self._state = state
        known = self._known.get(which)
        if known is None:
            self.computed += 1
            known = self._known[which] = work_out()
        self._known.move_to_end(which)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return known
