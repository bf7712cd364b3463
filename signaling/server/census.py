"""All WebRTC peers of the process, and what those did that are gone."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from weakref import WeakKeyDictionary

from media.rtc.peer import PeerState
from media.rtc.statistics import PeerStatistics
from signaling.server.ports import PeerFactory, SessionPeer

__all__ = ["PeerCensus", "PeerTotals"]


@dataclass(slots=True)
class PeerTotals:
    """Sums over peers since the beginning; see `PeerStatistics` and `SlotStatistics`.

    Attributes:
        drops: datagrams dropped, by reason.
    """

    packets_in: int = 0
    bytes_in: int = 0
    packets_out: int = 0
    bytes_out: int = 0
    retransmissions: int = 0
    switches: int = 0
    keyframe_requests: int = 0
    keyframe_wishes: int = 0
    nacks_sent: int = 0
    nacks_received: int = 0
    unrepaired: int = 0
    drops: Counter[str] = field(default_factory=Counter)

    def copy(self) -> "PeerTotals":
        """Sums that can be added to, apart from these."""
        copied = PeerTotals()
        copied.merge(self)
        return copied

    def merge(self, other: "PeerTotals") -> None:
        """Adds other sums."""
        self.packets_in += other.packets_in
        self.bytes_in += other.bytes_in
        self.packets_out += other.packets_out
        self.bytes_out += other.bytes_out
        self.retransmissions += other.retransmissions
        self.switches += other.switches
        self.keyframe_requests += other.keyframe_requests
        self.keyframe_wishes += other.keyframe_wishes
        self.nacks_sent += other.nacks_sent
        self.nacks_received += other.nacks_received
        self.unrepaired += other.unrepaired
        self.drops.update(other.drops)

    def add(self, one: PeerStatistics) -> None:
        """Adds one peer's counts."""
        slots = (*one.slots.values(), *one.voices.values(), one.former_slots, one.former_voices)
        self.packets_in += one.packets_in
        self.bytes_in += one.bytes_in
        self.packets_out += one.packets_out
        self.bytes_out += one.bytes_out
        self.retransmissions += sum(slot.retransmissions for slot in slots)
        self.switches += sum(slot.switches for slot in slots)
        self.keyframe_requests += one.keyframe_requests
        self.keyframe_wishes += one.keyframe_wishes
        self.nacks_sent += one.nacks_sent
        self.nacks_received += one.nacks_received
        self.unrepaired += one.unrepaired
        self.drops.update(one.drops)


class PeerCensus:
    """A `PeerFactory` that knows the peers which it made for as long as they live.

    Args:
        make: makes them.
    """

    def __init__(self, make: PeerFactory) -> None:
        self._make = make
        self._numbers = count()
        self._living: dict[int, SessionPeer] = {}
        self._departed = PeerTotals()
        self._last: WeakKeyDictionary[SessionPeer, PeerStatistics] = WeakKeyDictionary()

    def __call__(self, on_state: Callable[[PeerState], None]) -> SessionPeer:
        """Makes a peer that reports its states to the callable."""
        number = next(self._numbers)
        # By number, not by a closure over the peer: that would be a cycle, which only the collector frees.
        peer = self._make(partial(self._on_state, number, on_state))
        self._living[number] = peer
        return peer

    def _on_state(self, number: int, on_state: Callable[[PeerState], None], state: PeerState) -> None:
        if state in (PeerState.FAILED, PeerState.CLOSED):
            peer = self._living.pop(number, None)
            if peer is not None:
                last = self._last[peer] = peer.statistics()
                self._departed.add(last)
        on_state(state)

    def statistics(self, peer: SessionPeer) -> PeerStatistics:
        """What a peer counted; of one at its end what is in `departed` for it, whatever it counts after that."""
        return self._last.get(peer) or peer.statistics()

    @property
    def living(self) -> tuple[SessionPeer, ...]:
        """Those that are not at their end, in the order in which they were made."""
        return tuple(self._living.values())

    @property
    def departed(self) -> PeerTotals:
        """What those did that are gone; a copy."""
        return self._departed.copy()
