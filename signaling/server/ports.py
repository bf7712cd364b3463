"""What the server needs of a client's connection and of its WebRTC peer."""

from collections.abc import Callable, Sequence
from typing import Protocol

from media.realtime.jitter import JitterBuffer
from media.realtime.peer_port import AudioPeer
from media.rtc.peer import PeerState
from media.rtc.statistics import PeerStatistics
from media.rtc.video import VideoSource
from signaling.server.messages import ByeCode

__all__ = ["Camera", "Connection", "PeerFactory", "SessionPeer", "Silenced", "Socket"]

Camera = VideoSource


class Socket(Protocol):
    """A WebSocket that is open."""

    async def receive(self) -> str | bytes | None:
        """The next message; None when the connection has ended."""
        ...

    async def send(self, text: str) -> None:
        """Sends a text message.

        Raises:
            ConnectionError: the connection has ended.
        """
        ...

    async def close(self, code: int) -> None:
        """Closes; does nothing when it has ended."""
        ...


class Connection(Protocol):
    """A client, as the rooms see it."""

    def put(self, kind: str, text: str) -> None:
        """Sends a message of that type, in time; never waits."""
        ...

    def end(self, code: ByeCode, message: str) -> None:
        """Says `bye` and closes."""
        ...


class SessionPeer(AudioPeer, Protocol):
    """A person's WebRTC peer, as `media.rtc.peer.Peer` describes it."""

    @property
    def state(self) -> PeerState:
        """Where it is in its life."""
        ...

    @property
    def camera(self) -> Camera | None:
        """The client's camera while it sends one."""
        ...

    @property
    def slots(self) -> Sequence[str]:
        """Mids of the videos that the client receives."""
        ...

    async def answer(self, sdp: str) -> str:
        """Answers an offer; raises SdpError."""
        ...

    async def add_candidate(self, candidate: str, mid: str | None, mline: int | None) -> None:
        """Adds a trickled candidate; raises CandidateError."""
        ...

    async def close(self) -> None:
        """Ends it."""
        ...

    def watch(self, source: Camera | None, slot: str) -> None:
        """Shows a camera in a slot, or nothing."""
        ...

    def statistics(self) -> PeerStatistics:
        """Counts since the beginning."""
        ...


PeerFactory = Callable[[Callable[[PeerState], None]], SessionPeer]
"""Makes a peer that reports its states to the callable."""


class Silenced:
    """A peer of somebody who may not listen: it is heard, and hears nothing."""

    def __init__(self, peer: AudioPeer) -> None:
        self._peer = peer

    @property
    def jitter(self) -> JitterBuffer:
        """The peer's own."""
        return self._peer.jitter

    def send_audio(self, payload: bytes, timestamp: int) -> None:
        """Nothing is sent."""
