"""What the server needs of a client's connection and of its WebRTC peer, with fakes of both."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from media.realtime.jitter import JitterBuffer
from media.realtime.peer_port import AudioPeer
from media.rtc.ice import CandidateError
from media.rtc.peer import PeerState
from media.rtc.sdp import SdpError
from media.rtc.source import TrackSource
from media.rtc.statistics import PeerStatistics, ReceivedStream
from signaling.server.server_messages import ByeCode

__all__ = [
    "Camera",
    "Connection",
    "FakeSessionPeer",
    "FakeSocket",
    "PeerFactory",
    "SessionPeer",
    "Silenced",
    "Socket",
]

Camera = TrackSource


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

    @property
    def microphone(self) -> TrackSource:
        """The client's voice as it comes."""
        ...

    @property
    def voice_slots(self) -> Sequence[str]:
        """Mids of the single voices that the client receives."""
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

    def watch(self, source: TrackSource | None, slot: str) -> None:
        """Shows a camera in a slot, or passes a voice on, or nothing."""
        ...

    def view(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """Takes the width and height of tiles by slot."""
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


class FakeSocket:
    """A `Socket` in memory.

    Attributes:
        sent: what was sent, in order.
        closed: the status that it was closed with.
        stalled: set to let `send` wait for ever, as to a client that does not read.
    """

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed: int | None = None
        self.stalled = False
        self.changed = asyncio.Condition()
        self._incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()

    def push(self, message: str | bytes) -> None:
        """The client sends."""
        self._incoming.put_nowait(message)

    def hang_up(self) -> None:
        """The client is gone."""
        self._incoming.put_nowait(None)

    async def receive(self) -> str | bytes | None:
        """See `Socket`."""
        return await self._incoming.get()

    async def send(self, text: str) -> None:
        """See `Socket`."""
        if self.stalled:
            await asyncio.Event().wait()
        self.sent.append(text)
        async with self.changed:
            self.changed.notify_all()

    async def close(self, code: int) -> None:
        """See `Socket`."""
        self.closed = code
        async with self.changed:
            self.changed.notify_all()


class FakeSessionPeer:
    """A `SessionPeer` without a network: whoever holds it says what its connection does.

    Attributes:
        offers: what was answered.
        candidates: what was added.
        sent: (payload, timestamp) of each packet sent to the client.
        watched: slot to camera or voice.
        sizes: slot to the size of its tile.
        streams: what its statistics say was received.
    """

    def __init__(
        self,
        on_state: Callable[[PeerState], None],
        slots: Sequence[str] = ("2", "3"),
        voice_slots: Sequence[str] = ("4", "5"),
    ) -> None:
        self.jitter = JitterBuffer()
        self.state = PeerState.NEW
        self.camera: Camera | None = None
        self.microphone = TrackSource(lambda rid: False, lambda: 0, clock_rate=48_000)
        self.slots: Sequence[str] = ()
        self.voice_slots: Sequence[str] = ()
        self.offers: list[str] = []
        self.candidates: list[tuple[str, str | None, int | None]] = []
        self.sent: list[tuple[bytes, int]] = []
        self.watched: dict[str, TrackSource | None] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        self.streams: tuple[ReceivedStream, ...] = ()
        self._on_state = on_state
        self._slots = tuple(slots)
        self._voice_slots = tuple(voice_slots)

    def enter(self, state: PeerState) -> None:
        """The connection changes its state."""
        self.state = state
        self._on_state(state)

    def send_audio(self, payload: bytes, timestamp: int) -> None:
        """See `AudioPeer`."""
        self.sent.append((payload, timestamp))

    async def answer(self, sdp: str) -> str:
        """See `SessionPeer`; an offer is what begins with `v=0`."""
        if not sdp.startswith("v=0"):
            raise SdpError("an offer begins with v=0")
        self.offers.append(sdp)
        self.slots, self.voice_slots = self._slots, self._voice_slots
        if self.state is PeerState.NEW:
            self.enter(PeerState.CONNECTING)
        return "v=0 answer"

    async def add_candidate(self, candidate: str, mid: str | None, mline: int | None) -> None:
        """See `SessionPeer`; a candidate is what begins with `candidate:`, or nothing."""
        if candidate and not candidate.startswith("candidate:"):
            raise CandidateError("a candidate begins with candidate:")
        self.candidates.append((candidate, mid, mline))

    async def close(self) -> None:
        """See `SessionPeer`."""
        if self.state is not PeerState.CLOSED:
            self.enter(PeerState.CLOSED)

    def watch(self, source: TrackSource | None, slot: str) -> None:
        """See `SessionPeer`."""
        if slot not in (*self.slots, *self.voice_slots):
            raise KeyError(slot)
        self.watched[slot] = source

    def view(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """See `SessionPeer`."""
        for slot in sizes:
            if slot not in self.slots:
                raise KeyError(slot)
        self.sizes |= sizes

    def statistics(self) -> PeerStatistics:
        """See `SessionPeer`."""
        return PeerStatistics(
            packets_in=len(self.streams),
            bytes_in=0,
            packets_out=len(self.sent),
            bytes_out=0,
            drops={},
            rtt_ms=None,
            remote_jitter_ms=None,
            remote_loss=None,
            remote_lost=None,
            bandwidth=None,
            budget=0,
            received=self.streams,
            slots={},
            voices={},
            mix_packets=len(self.sent),
            mix_octets=sum(len(payload) for payload, _ in self.sent),
            keyframe_requests=0,
            keyframe_wishes=0,
            nacks_sent=0,
            nacks_received=0,
            unrepaired=0,
        )
