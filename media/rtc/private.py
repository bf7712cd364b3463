"""The one place that reaches into aiortc and aioice: ICE, DTLS and SRTP without their packet path.

aiortc moves each datagram through a queue, a task, a packet object and a decoder thread. Here SRTP is taken
off at the socket, unprotected and handed on in the same turn of the event loop; sending is a plain call.
aioice keeps STUN and TURN, aiortc keeps DTLS. The private members relied upon are in `PRIVATE_MEMBERS`, which
`tests/media/test_aiortc_contract.py` holds against the installed versions.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import aioice
import pylibsrtp
from aioice import stun
from aioice.ice import CandidatePair, StunProtocol
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from pylibsrtp._binding import ffi, lib

from media.rtc.ice import LOOPBACK, IceServer, server_arguments
from media.rtc.wire import Wire

__all__ = [
    "PRIVATE_MEMBERS",
    "Ending",
    "PacketSink",
    "RemoteTransport",
    "SecureTransport",
    "TransportError",
    "protect_address",
]

PRIVATE_MEMBERS: dict[str, tuple[str, ...]] = {
    "aioice.Connection": (
        "_nominated",
        "_protocols",
        "_query_consent_task",
        "_queue",
        "build_request",
        "check_complete",
        "close",
        "get_component_candidates",
        "protocol_lost",
        "query_consent",
    ),
    "aioice.ice.StunProtocol": ("datagram_received", "transport", "request"),
    "aiortc.RTCDtlsTransport": ("_rx_srtp", "_set_role", "_task", "_tx_srtp"),
    "pylibsrtp.Session": ("_buffer", "_cdata", "_srtp"),
    "pylibsrtp._binding": ("ffi", "lib"),
}
"""What is relied upon beyond the documented interfaces, by object."""

CONSENT_INTERVAL_S = 2.0
"""Between consent checks, ± 20 %; RFC 7675 §5.1 has 5 s: too long to notice a lost client in time."""

PROTECT = "srtp_err_status_t(*)(struct srtp_ctx_t_ *, void *, int *)"
"""The type of libsrtp's `srtp_protect` that compiled code calls."""

LOST_AFTER_S = 6.0
"""A peer from which nothing authentic came for so long, and that answers no check, is gone."""

MAX_HANDSHAKE_BACKLOG = 64
"""DTLS datagrams waiting; more are dropped as `dtls-backlog`."""

MAX_DATAGRAM = 1500 - 144
"""Largest RTP packet that libsrtp takes here (its buffer less the trailer)."""

MAX_SEND_BUFFER = 256 * 1024
"""Bytes waiting in a socket's buffer beyond which packets are dropped as `send-buffer-full`."""


def protect_address() -> int | None:
    """Where `srtp_protect` is; None where it is not of the type that compiled code calls."""
    function = ffi.addressof(lib, "srtp_protect")
    if ffi.typeof(function).cname != PROTECT:
        return None
    return int(ffi.cast("intptr_t", function))


class TransportError(ConnectionError):
    """The connection could not be made; `str(error)` is a counted reason."""


class Ending(Enum):
    """How a connection came to its end."""

    REMOTE = "remote"
    """The far side closed it (DTLS close_notify)."""
    LOST = "lost"
    """The far side is gone without a word."""


class PacketSink(Protocol):
    """Where received packets go, synchronously; must not raise on anything that came from outside."""

    def on_rtp(self, data: bytes, arrival_ns: int) -> None:
        """Takes one decrypted RTP packet."""
        ...

    def on_rtcp(self, data: bytes, arrival_ns: int) -> None:
        """Takes one decrypted, possibly compound, RTCP packet."""
        ...

    def count(self, reason: str) -> None:
        """Counts one datagram, received or to be sent, that was dropped."""
        ...


@dataclass(frozen=True, slots=True)
class RemoteTransport:
    """What the far side said about its transport.

    Attributes:
        username: ICE username fragment.
        password: ICE password.
        lite: it is ICE-lite, so that we control.
        fingerprints: (algorithm, value) of its certificate.
        active: it begins the DTLS handshake; otherwise we do.
    """

    username: str
    password: str
    lite: bool
    fingerprints: tuple[tuple[str, str], ...]
    active: bool


class _Connection(aioice.Connection):
    """ICE that also offers loopback, checks consent faster, and hands datagrams over unqueued."""

    def __init__(
        self,
        classify: Callable[[StunProtocol, Callable[..., None], bytes, Any], None],
        rerouted: Callable[[], None],
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self._classify = classify
        self._rerouted = rerouted
        self.heard_at = 0.0
        self.lost = False

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ASYNC109
    ) -> list[aioice.Candidate]:
        candidates = await super().get_component_candidates(
            component, [*(a for a in addresses if a != LOOPBACK), LOOPBACK], timeout
        )
        for protocol in self._protocols:
            self._tap(protocol)
        return candidates

    def _tap(self, protocol: StunProtocol) -> None:
        forward = protocol.datagram_received

        def datagram_received(data: bytes | str, addr: tuple[Any, ...]) -> None:
            assert isinstance(data, bytes)
            self._classify(protocol, forward, data, addr)

        protocol.datagram_received = datagram_received  # type: ignore[method-assign]

    def check_complete(self, pair: CandidatePair) -> None:
        super().check_complete(pair)
        self._rerouted()

    def protocol_lost(self, protocol: StunProtocol) -> None:
        super().protocol_lost(protocol)
        self._rerouted()

    def queue_length(self) -> int:
        return self._queue.qsize()

    async def query_consent(self) -> None:
        loop = asyncio.get_running_loop()
        self.heard_at = loop.time()
        while True:
            await asyncio.sleep(CONSENT_INTERVAL_S * random.uniform(0.8, 1.2))
            assert self.remote_password is not None
            for pair in list(self._nominated.values()):
                try:
                    await pair.protocol.request(
                        self.build_request(pair, nominate=False),
                        pair.remote_addr,
                        integrity_key=self.remote_password.encode(),
                        retransmissions=0,
                    )
                    self.heard_at = loop.time()
                except stun.TransactionError:
                    # Unanswered checks alone do not end a call: under heavy loss its packets still arrive.
                    if loop.time() - self.heard_at >= LOST_AFTER_S:
                        self.lost = True
                        self._query_consent_task = None
                        await self.close()
                        return


class _Pipe:
    """What `RTCDtlsTransport` needs of an ICE transport."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._recv = connection.recv
        self._send = connection.send

    @property
    def role(self) -> str:
        return "controlling" if self._connection.ice_controlling else "controlled"


class _Protector:
    """`pylibsrtp.Session.protect` for parts that are put together in its own buffer: no copy, no allocation."""

    def __init__(self, session: pylibsrtp.Session) -> None:
        self._session = session
        self._handle = session._srtp[0]
        self._data = session._cdata
        self._buffer = session._buffer
        self._length = ffi.new("int *")
        self.address = int(ffi.cast("intptr_t", self._handle))

    def protect(self, packet: bytes) -> bytes | None:
        """What goes on the wire; None when libsrtp refuses."""
        size = len(packet)
        self._buffer[0:size] = packet
        self._length[0] = size
        if lib.srtp_protect(self._handle, self._data, self._length):
            return None
        protected: bytes = self._buffer[0 : self._length[0]]
        return protected


class SecureTransport:
    """ICE, DTLS and SRTP of one bundle (RFC 8829 §5.3, RFC 5764).

    Args:
        ice_servers: STUN and TURN servers; none is contacted when empty.
        sink: takes received packets and counts dropped ones.
        clock: monotonic nanoseconds.

    Attributes:
        wire: the way out past the event loop; open while packets go to a socket of ours, not to a relay.

    Raises:
        ValueError: an ICE server's URL is malformed.
    """

    def __init__(
        self, *, ice_servers: Sequence[IceServer], sink: PacketSink, clock: Callable[[], int]
    ) -> None:
        self._sink = sink
        self._clock = clock
        self.wire = Wire()
        self._connection = _Connection(
            self._classify, self.reroute, ice_controlling=False, **server_arguments(ice_servers)
        )
        self._dtls = RTCDtlsTransport(
            _Pipe(self._connection),  # type: ignore[arg-type]
            [RTCCertificate.generateCertificate()],
        )
        self._tx: pylibsrtp.Session | None = None
        self._protector: _Protector | None = None
        self._rx: pylibsrtp.Session | None = None
        self._gathering: asyncio.Task[None] | None = None
        self._closed = False
        self._closing: asyncio.Task[None] | None = None
        self._heard_ns = 0
        self.packets_in = 0
        self.bytes_in = 0
        self.packets_out = 0
        self.bytes_out = 0

    @property
    def username(self) -> str:
        """Our ICE username fragment."""
        return self._connection.local_username

    @property
    def password(self) -> str:
        """Our ICE password."""
        return self._connection.local_password

    @property
    def candidates(self) -> list[aioice.Candidate]:
        """Our candidates, complete after `gather`."""
        return self._connection.local_candidates

    @property
    def fingerprint(self) -> str:
        """SHA-256 fingerprint of our certificate."""
        return next(f.value for f in self._dtls.getLocalParameters().fingerprints if f.algorithm == "sha-256")

    async def gather(self) -> None:
        """Opens the sockets and collects candidates; with an unreachable STUN server this takes 5 s."""
        # Cut off half-way aioice would lose track of sockets, so that it always runs to its end.
        if self._gathering is None:
            self._gathering = asyncio.create_task(self._connection.gather_candidates())
        await asyncio.shield(self._gathering)

    async def add_candidate(self, candidate: aioice.Candidate) -> None:
        """Adds a candidate of the far side; more may come at any time."""
        await self._connection.add_remote_candidate(candidate)

    async def connect(self, remote: RemoteTransport) -> None:
        """Finds a path and makes the keys. The caller bounds the time.

        Raises:
            TransportError: `ice-failed`, `dtls-failed`.
        """
        connection = self._connection
        connection.ice_controlling = remote.lite
        connection.remote_is_lite = remote.lite
        connection.remote_username = remote.username
        connection.remote_password = remote.password
        try:
            await connection.connect()
        except ConnectionError as error:
            raise TransportError("ice-failed") from error
        self._dtls._set_role("server" if remote.active else "client")
        await self._dtls.start(
            RTCDtlsParameters(
                fingerprints=[
                    RTCDtlsFingerprint(algorithm=algorithm, value=value)
                    for algorithm, value in remote.fingerprints
                ]
            )
        )
        if self._dtls.state != "connected":
            raise TransportError("dtls-failed")
        self.secure(self._dtls._tx_srtp, self._dtls._rx_srtp)

    def secure(self, outbound: pylibsrtp.Session, inbound: pylibsrtp.Session) -> None:
        """Protects what is sent, and unprotects what comes, from now on."""
        self.wire.close()
        self._tx, self._rx = outbound, inbound
        self._protector = _Protector(outbound)
        self.reroute()

    def reroute(self) -> None:
        """Leads the way out along the pair that is nominated now."""
        pair = None if self._closed else self._connection._nominated.get(1)
        transport: Any = None if pair is None else pair.protocol.transport
        if pair is None or self._protector is None or transport.is_closing():
            self.wire.close()
            return
        # A relay has no socket to tell: what is sent there is wrapped first.
        socket = transport.get_extra_info("socket")
        if socket is None:
            self.wire.close()
            return
        try:
            self.wire.open(self._protector.address, socket.fileno(), *pair.remote_addr)
        except OSError:
            self._sink.count("no-descriptor")

    async def ended(self) -> Ending:
        """Waits for the end of the connection."""
        pump = self._dtls._task
        assert pump is not None, "ended() is for a connected transport"
        await asyncio.wait([pump])
        if not pump.cancelled():
            pump.result()
        return Ending.LOST if self._connection.lost else Ending.REMOTE

    def send_rtp(self, packet: bytes) -> bytes | None:
        """Protects and sends one RTP packet at once.

        Returns:
            What was sent, to be sent again on a NACK; None when it was dropped, the reason being counted.
        """
        if self._protector is None or self._closed:
            self._sink.count("not-connected")
            return None
        if len(packet) > MAX_DATAGRAM:
            self._sink.count("packet-too-large")
            return None
        protected = self._protector.protect(packet)
        if protected is None:
            self._sink.count("srtp-protect")
            return None
        return protected if self.send_datagram(protected) else None

    def send_rtcp(self, packet: bytes) -> bool:
        """Protects and sends one (compound) RTCP packet at once; False when it was dropped, counted."""
        if self._tx is None or self._closed:
            self._sink.count("not-connected")
            return False
        if len(packet) > MAX_DATAGRAM - 4:
            self._sink.count("packet-too-large")
            return False
        try:
            protected = self._tx.protect_rtcp(packet)
        except pylibsrtp.Error:
            self._sink.count("srtp-protect")
            return False
        return self.send_datagram(protected)

    def send_datagram(self, protected: bytes) -> bool:
        """Sends what is already protected; False when it was dropped, counted."""
        if not self.wire.send(protected) and not self._send_buffered(protected):
            return False
        self.packets_out += 1
        self.bytes_out += len(protected)
        return True

    def _send_buffered(self, protected: bytes) -> bool:
        """Sends by the event loop, which keeps what the socket has no room for."""
        pair = None if self._closed else self._connection._nominated.get(1)
        transport: Any = None if pair is None else pair.protocol.transport
        if pair is None or transport.is_closing():
            self._sink.count("not-connected")
            return False
        if transport.get_write_buffer_size() > MAX_SEND_BUFFER:
            self._sink.count("send-buffer-full")
            return False
        transport.sendto(protected, pair.remote_addr)
        # What waits here goes first.
        self.wire.record.blocked = transport.get_write_buffer_size() > 0
        return True

    async def close(self) -> None:
        """Says goodbye where a connection is up, and releases sockets and tasks. Idempotent."""
        self._closed = True
        self.wire.close()
        if self._closing is None:
            self._closing = asyncio.create_task(self._release())
        # Who asked may be cancelled; the sockets are released all the same.
        await asyncio.shield(self._closing)

    async def _release(self) -> None:
        if self._gathering is not None:
            await asyncio.wait([self._gathering])
        pump = self._dtls._task
        await self._dtls.stop()
        if pump is not None:
            await asyncio.wait([pump])
        await self._connection.close()
        self._rx = self._tx = self._protector = None

    def _classify(
        self, protocol: StunProtocol, forward: Callable[..., None], data: bytes, address: Any
    ) -> None:
        first = data[0] if data else 255
        if 128 <= first <= 191:
            self._on_media(data)
        elif 20 <= first <= 63:
            if self._connection.queue_length() < MAX_HANDSHAKE_BACKLOG:
                self._connection.data_received(data, protocol.local_candidate.component)
            else:
                self._sink.count("dtls-backlog")
        elif first <= 3:
            self._on_stun(forward, data, address)
        else:
            self._sink.count("unknown-protocol")

    def _on_stun(self, forward: Callable[..., None], data: bytes, address: Any) -> None:
        # aioice queues what it cannot parse as if it were data, and lets some errors out of its parser.
        try:
            stun.parse_message(data)
        except Exception:
            self._sink.count("stun-unparsable")
            return
        try:
            forward(data, address)
        except (KeyError, AssertionError, ValueError):
            self._sink.count("stun-invalid")

    def _on_media(self, data: bytes) -> None:
        rx = self._rx
        if rx is None:
            self._sink.count("before-keys")
            return
        if len(data) < 12 or len(data) > 1500:
            self._sink.count("bad-length")
            return
        arrival_ns = self._clock()
        control = 192 <= data[1] <= 223
        try:
            plain: bytes = rx.unprotect_rtcp(data) if control else rx.unprotect(data)
        except pylibsrtp.Error as error:
            self._sink.count("srtp-replay" if "replay" in str(error) else "srtp-authentication")
            return
        self.packets_in += 1
        self.bytes_in += len(data)
        if arrival_ns - self._heard_ns > 500_000_000:
            self._heard_ns = arrival_ns
            self._connection.heard_at = asyncio.get_running_loop().time()
        if control:
            self._sink.on_rtcp(plain, arrival_ns)
        else:
            self._sink.on_rtp(plain, arrival_ns)
