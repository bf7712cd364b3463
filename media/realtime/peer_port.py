"""What the plane needs of a person's peer, and a fake that records what was sent to it."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from media.realtime.jitter import JitterBuffer

__all__ = ["AudioPeer", "FakePeer", "GroupedPeer", "PeerGroup"]


class AudioPeer(Protocol):
    """A person's end of the room."""

    @property
    def jitter(self) -> JitterBuffer:
        """Packets are pushed into it by the network side and pulled by the tick, on one thread."""
        ...

    def send_audio(self, payload: bytes, timestamp: int) -> None:
        """Sends one Opus packet; never blocks and never raises.

        A timestamp more than 960 ahead of the last one begins a talkspurt (marker bit, RFC 3551 §4.1).

        Args:
            payload: one Opus packet of 20 ms; shared between listeners, so not to be changed.
            timestamp: media time of the room, in samples at 48 kHz, modulo 2**32.
        """
        ...


class PeerGroup(Protocol):
    """Peers who are sent the same sound."""

    def send(self, payload: bytes, timestamp: int) -> None:
        """Sends one packet to all of them; see `AudioPeer.send_audio`."""
        ...


@runtime_checkable
class GroupedPeer(AudioPeer, Protocol):
    """A peer of a kind of which many can be sent the same at less cost than one by one."""

    @property
    def grouping(self) -> Callable[[Sequence[Any]], PeerGroup]:
        """Makes a group of peers that have the same `grouping`."""
        ...


class FakePeer:
    """An `AudioPeer` that keeps what it was sent.

    Attributes:
        sent: (payload, timestamp) of each packet, in order.
    """

    def __init__(self, jitter: JitterBuffer | None = None) -> None:
        self.jitter = jitter if jitter is not None else JitterBuffer()
        self.sent: list[tuple[bytes, int]] = []

    def send_audio(self, payload: bytes, timestamp: int) -> None:
        """Keeps the packet."""
        self.sent.append((payload, timestamp))
