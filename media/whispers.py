"""What not all hear: private speech, and voices left out, at one more mix for each circle of listeners."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from media.audience import Audience
from media.participant import Participant, Person
from media.realtime.mixer import mix_private, scale
from media.realtime.outlet import Outlet
from media.realtime.packet import FRAME

__all__ = ["APART_TICKS", "Circle", "Whispers", "confides"]

APART_TICKS = 10
"""Ticks for which one who fell silent keeps an encoder: fed the common mix, it comes to its state."""


@dataclass(slots=True)
class Circle:
    """People who hear the same private sources beside what all hear, and the same ones not.

    Attributes:
        sources: who whispers to them.
        absent: who is left out of what they hear.
        listeners: the people.
        mix: int16[960], what those of them hear who have no mix of their own.
        outlet: encodes it; None while none of these sound, and they hear what all hear.
        lasting: ticks for which it is still made.
        audience: those who are sent it.
    """

    sources: tuple[Participant, ...]
    absent: tuple[Participant, ...]
    listeners: list[Person] = field(default_factory=list)
    mix: NDArray[np.int16] = field(default_factory=lambda: np.zeros(FRAME, np.int16))
    outlet: Outlet | None = None
    lasting: int = 0
    audience: Audience = field(default_factory=Audience)


class Whispers:
    """Who whispers to whom in a room, and who leaves out whom.

    Attributes:
        circles: of those who are here now.
    """

    def __init__(self) -> None:
        self.circles: list[Circle] = []
        self._rows = np.zeros(1, np.int64)

    def regroup(self, participants: Sequence[Participant], persons: Mapping[str, Person]) -> list[Outlet]:
        """Forms the circles anew, after somebody came, left, began or ceased to whisper or to be left out.

        Args:
            participants: all who are here.
            persons: those of them who can listen.

        Returns:
            Encoders that are free now.
        """
        private = [one for one in participants if one.audience is not None]
        before = {_key(circle): circle for circle in self.circles}
        formed: dict[tuple[tuple[str, ...], tuple[str, ...]], Circle] = {}
        for person in persons.values():
            person.whispered = False
            heard = tuple(
                one
                for one in private
                if one is not person and person.id in (one.audience or ()) and one.id not in person.without
            )
            absent = (
                tuple(
                    one
                    for one in participants
                    if one.id in person.without and one is not person and one.audience is None
                )
                if person.without
                else ()
            )
            if heard or absent:
                key = tuple(one.id for one in heard), tuple(one.id for one in absent)
                formed.setdefault(key, Circle(heard, absent)).listeners.append(person)
        self.circles = [before.pop(_key(circle), circle) for circle in formed.values()]
        for circle in before.values():
            for person in circle.listeners:
                person.whispered = False
        self._rows = np.zeros(len(participants) + 1, np.int64)
        return [circle.outlet for circle in before.values() if circle.outlet is not None]

    def mix(
        self,
        frames: NDArray[np.float32],
        gains_from: NDArray[np.float32],
        gains_to: NDArray[np.float32],
        total: NDArray[np.float32],
        apart: Sequence[Person],
        mixes: NDArray[np.int16],
    ) -> None:
        """Adds what is whispered and takes out who is left out, after `mix_minus`, whose arrays these are.

        Args:
            frames: float32[participants, 960]; the rows of those who whisper are scaled in place.
            gains_from: float32[participants].
            gains_to: float32[participants].
            total: float32[960], the sum of what all hear.
            apart: who has a mix of her own: row 1 + k of `mixes` for the k-th.
            mixes: int16[> apart, 960]; those of people in a circle are made anew.
        """
        scaled: set[int] = set()
        for circle in self.circles:
            count = 0
            for source in circle.sources:
                row = source.row
                if gains_from[row] > 0.0 or gains_to[row] > 0.0:
                    self._rows[count] = row
                    if row not in scaled:
                        scaled.add(row)
                        scale(frames, gains_from, gains_to, self._rows[count:], 1)
                    count += 1
            minus = 0
            for source in circle.absent:
                if gains_from[source.row] > 0.0 or gains_to[source.row] > 0.0:
                    self._rows[count + minus] = source.row
                    minus += 1
            circle.lasting = APART_TICKS if count or minus else max(0, circle.lasting - 1)
            alone = True
            for person in circle.listeners:
                person.whispered = circle.lasting > 0 and person.outlet is None
                alone = alone and not person.whispered
                if (count or minus) and person.outlet is not None:
                    own = mixes[apart.index(person) + 1]
                    mix_private(frames, total, person.row, self._rows, count, minus, own)
            if not alone:
                mix_private(frames, total, -1, self._rows, count, minus, circle.mix)


def _key(circle: Circle) -> tuple[frozenset[int], ...]:
    return tuple(frozenset(map(id, group)) for group in (circle.sources, circle.absent, circle.listeners))


def confides(audience: frozenset[str] | None, personas: Iterable[str]) -> bool:
    """Whether one whispers, and to no persona."""
    return audience is not None and audience.isdisjoint(personas)
