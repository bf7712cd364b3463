"""From a room's mixes to its listeners: one encode for each distinct mix, one packet for each listener."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from media.audience import Audience
from media.participant import Person
from media.realtime.opus import AudioEncoder
from media.realtime.outlet import MixHistory, Outlet
from media.whispers import Circle

__all__ = ["Distribution"]


class Distribution:
    """The encoders of a room and who hears which.

    Args:
        encoder: makes an encoder.

    Attributes:
        sent: packets handed to peers so far.
    """

    def __init__(self, encoder: Callable[[], AudioEncoder]) -> None:
        self.sent = 0
        self._encoder = encoder
        self._outlets: list[Outlet] = []
        self._free: list[Outlet] = []
        self._history = MixHistory()
        self._shared = self._take()
        self._shared_live = False
        self._audience = Audience()

    @property
    def encodes(self) -> int:
        """Frames that were encoded to packets so far."""
        return sum(outlet.encodes for outlet in self._outlets)

    @property
    def replays(self) -> int:
        """How often an encoder took over a stream so far, at three encodes each."""
        return sum(outlet.replays for outlet in self._outlets)

    def set_apart(self, person: Person) -> None:
        """Gives a person an encoder of her own, unless she has one."""
        if person.outlet is None:
            person.outlet = self._take()
            person.outlet.take_over(self._history)

    def rejoin(self, person: Person) -> None:
        """Takes it away: she hears what all others hear."""
        if person.outlet is not None:
            self._free.append(person.outlet)
            person.outlet = None

    def give_back(self, outlets: Collection[Outlet]) -> None:
        """Takes encoders back that are of no use any more."""
        self._free.extend(outlets)

    def send(
        self,
        timestamp: int,
        mixes: NDArray[np.int16],
        persons: Collection[Person],
        apart: Sequence[Person],
        circles: Sequence[Circle],
    ) -> None:
        """Encodes and hands out one frame.

        Args:
            timestamp: media time of the frame, in samples, modulo 2**32.
            mixes: int16[> apart, 960]; row 0 is what all others hear, row 1 + k what the k-th of `apart` hears.
            persons: all who listen.
            apart: who has a mix of her own.
            circles: who are whispered to.
        """
        for index, person in enumerate(apart):
            assert person.outlet is not None
            payload = person.outlet.packet(mixes[index + 1])
            if payload is not None:
                person.peer.send_audio(payload, timestamp)
                self.sent += 1
        alike = len(persons) - len(apart)
        for circle in circles:
            alike -= self._send_circle(circle, timestamp)
        if alike:
            if not self._shared_live:
                self._shared.take_over(self._history)
            payload = self._shared.packet(mixes[0])
            if payload is not None:
                self._audience.send(
                    [p.peer for p in persons if p.outlet is None and not p.whispered], payload, timestamp
                )
                self.sent += alike
        self._shared_live = alike > 0
        self._history.keep(mixes[0])

    def _send_circle(self, circle: Circle, timestamp: int) -> int:
        """Tells how many heard it."""
        reached = [person for person in circle.listeners if person.whispered]
        if not reached:
            if circle.outlet is not None:
                self._free.append(circle.outlet)
                circle.outlet = None
            return 0
        if circle.outlet is None:
            circle.outlet = self._take()
            circle.outlet.take_over(self._history)
        payload = circle.outlet.packet(circle.mix)
        if payload is not None:
            circle.audience.send([person.peer for person in reached], payload, timestamp)
            self.sent += len(reached)
        return len(reached)

    def _take(self) -> Outlet:
        if self._free:
            return self._free.pop()
        outlet = Outlet(self._encoder())
        self._outlets.append(outlet)
        return outlet
