"""The audio that a client hears: one Opus stream, numbered, stamped and reported without a timer."""

from collections.abc import Callable

from media.rtc.forwarder import PacketSender
from media.rtc.packets import ExtensionWriter, absolute_send_time, build_rtp, signed32
from media.rtc.rtcp import NtpClock, sender_report

__all__ = ["OutboundAudio"]

REPORT_INTERVAL_NS = 1_000_000_000
FRAME = 960


class OutboundAudio:
    """One outgoing Opus stream (RFC 7587).

    Args:
        ssrc: of the stream.
        cname: of its sender.
        sequence: first sequence number.
        offset: added to timestamps, random (RFC 3550 §5.1).
        sender: the client's transport.
        clock: monotonic nanoseconds.
        ntp: wall time.
        count: counts a dropped packet by reason.
    """

    def __init__(
        self,
        *,
        ssrc: int,
        cname: str,
        sequence: int,
        offset: int,
        sender: PacketSender,
        clock: Callable[[], int],
        ntp: NtpClock,
        count: Callable[[str], None],
    ) -> None:
        self.ssrc = ssrc
        self._cname = cname
        self._sequence = sequence
        self._offset = offset
        self._sender = sender
        self._clock = clock
        self._ntp = ntp
        self._count = count
        self._payload_type: int | None = None
        self._extensions = ExtensionWriter("", None, None)
        self._last: int | None = None
        self._packets = 0
        self._octets = 0
        self._reported_ns: int | None = None

    @property
    def packets(self) -> int:
        """Sent so far."""
        return self._packets

    @property
    def octets(self) -> int:
        """Of payload, sent so far."""
        return self._octets

    def negotiate(self, payload_type: int | None, extensions: ExtensionWriter) -> None:
        """Takes what was agreed; None when the client does not want to hear."""
        self._payload_type = payload_type
        self._extensions = extensions

    def send(self, payload: bytes, timestamp: int) -> None:
        """Sends one packet, and a sender report with it once a second; never blocks, never raises."""
        if self._payload_type is None:
            self._count("audio-not-negotiated")
            return
        now_ns = self._clock()
        stamp = (timestamp + self._offset) & 0xFFFFFFFF
        begins = self._last is None or signed32(timestamp - self._last) > FRAME
        self._last = timestamp
        sent = self._sender.send_rtp(
            build_rtp(
                self._payload_type,
                begins,
                self._sequence,
                stamp,
                self.ssrc,
                self._extensions.block(absolute_send_time(now_ns)),
                payload,
            )
        )
        if sent is None:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._packets += 1
        self._octets += len(payload)
        if self._reported_ns is None or now_ns - self._reported_ns >= REPORT_INTERVAL_NS:
            self._reported_ns = now_ns
            self._sender.send_rtcp(
                sender_report(
                    self.ssrc, self._ntp.ntp(now_ns), stamp, self._packets, self._octets, self._cname
                )
            )
