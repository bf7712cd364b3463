"""The floor of a room as its people see it: who holds it, who waits, why, and why the others are silent. Pure."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from cognition.conversation.reasons import SILENCES, WISHES
from signaling.server.names import MAX_ID_CHARACTERS

__all__ = ["NOBODY", "Circle", "Floor", "Floors", "parse_floor"]

MAX_PLACES = 256
MAX_CIRCLES = 64

Circle = frozenset[str]
Place = tuple[str, str]
"""A persona's id and the code of a reason."""


@dataclass(frozen=True, slots=True)
class Floor:
    """Who speaks among the personas, and who does not.

    Attributes:
        holder: the persona whose turn it is; None while nobody's.
        queue: who wants to speak next and why, the first to be let first.
        silent: why others stay silent.
    """

    holder: str | None = None
    queue: tuple[Place, ...] = ()
    silent: tuple[Place, ...] = ()

    @property
    def idle(self) -> bool:
        """Whether nobody speaks or wants to."""
        return self.holder is None and not self.queue

    def without(self, id: str) -> "Floor":
        """The floor after a persona has left."""
        return Floor(
            None if self.holder == id else self.holder,
            tuple(place for place in self.queue if place[0] != id),
            tuple(place for place in self.silent if place[0] != id),
        )


NOBODY = Floor()


def parse_floor(body: Any, here: Callable[[str], bool]) -> Floor:
    """Reads a floor as the mind tells it.

    Args:
        body: an object with `holder`, `queue` and `silent`.
        here: whether a persona of that id is in the room; one that has left meanwhile is passed over.

    Raises:
        ValueError: when it is none.
    """
    holder = body.get("holder")
    if holder is not None and not _is_id(holder):
        raise ValueError("holder is a persona's id, or null")
    return Floor(
        holder if holder is not None and here(holder) else None,
        tuple(place for place in _places(body.get("queue"), "queue", WISHES) if here(place[0])),
        tuple(place for place in _places(body.get("silent"), "silent", SILENCES) if here(place[0])),
    )


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_CHARACTERS


def _places(value: Any, name: str, reasons: Collection[str]) -> Iterable[Place]:
    if not isinstance(value, list) or len(value) > MAX_PLACES:
        raise ValueError(f"{name} is a list of at most {MAX_PLACES} places")
    places: dict[str, str] = {}
    for item in value:
        if not isinstance(item, dict) or not _is_id(item.get("id")):
            raise ValueError(f"each of {name} has the id of a persona")
        reason = item.get("reason")
        if not isinstance(reason, str) or reason not in reasons:
            raise ValueError(f"there is no such reason in {name}")
        places.setdefault(item["id"], reason)
    return places.items()


class Floors:
    """The floor that all see, and those of whispers, which only their circles see."""

    def __init__(self) -> None:
        self._common = NOBODY
        self._asides: dict[Circle, Floor] = {}

    def set(self, floor: Floor, circle: Circle | None) -> None:
        """Takes a floor for all, or for those alone who are in the circle; an idle one ends the circle's."""
        if circle is None:
            self._common = floor
            return
        self._asides.pop(circle, None)
        if not floor.idle:
            self._asides[circle] = floor
            while len(self._asides) > MAX_CIRCLES:
                del self._asides[next(iter(self._asides))]

    def forget(self, id: str) -> None:
        """Takes a persona out that has left."""
        self._common = self._common.without(id)
        self._asides = {
            circle: left for circle, floor in self._asides.items() if not (left := floor.without(id)).idle
        }

    def clear(self) -> None:
        """Nobody holds any floor: the mind is gone."""
        self._common = NOBODY
        self._asides.clear()

    def seen_by(self, viewer: str) -> tuple[Floor, Circle | None]:
        """What somebody sees, and with whom alone they see it: the newest whisper's that they are in, else all's."""
        for circle, floor in reversed(self._asides.items()):
            if viewer in circle:
                return floor, circle
        return self._common, None
