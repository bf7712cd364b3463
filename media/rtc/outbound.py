"""The audio that a client hears: one Opus stream, numbered, stamped and reported without a timer."""

import ctypes
import random
from collections.abc import Callable

from media.rtc.burst import MAX_EXTENSION, StreamRecord
from media.rtc.forwarder import PacketSender
from media.rtc.packets import ExtensionWriter, absolute_send_time, build_rtp, signed32
from media.rtc.rtcp import NtpClock, sender_report
from media.rtc.wire import Wire

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
        wire: its way out for compiled code.
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
        wire: Wire,
        clock: Callable[[], int],
        ntp: NtpClock,
        count: Callable[[str], None],
    ) -> None:
        self.ssrc = ssrc
        self._cname = cname
        self._sender = sender
        self._wire = wire
        self._clock = clock
        self._ntp = ntp
        self._count = count
        self._extensions = ExtensionWriter("", None, None)
        self._record = StreamRecord(
            wire=ctypes.addressof(wire.record),
            payload_type=-1,
            ssrc=ssrc,
            sequence=sequence,
            offset=offset,
            last=-1,
            stamp_at=-1,
        )

    @property
    def address(self) -> int:
        """Of the stream's `StreamRecord`, which lives as long as this."""
        return ctypes.addressof(self._record)

    @property
    def packets(self) -> int:
        """Sent so far."""
        return int(self._record.packets)

    @property
    def octets(self) -> int:
        """Of payload, sent so far."""
        return int(self._record.octets)

    @property
    def unwanted(self) -> int:
        """Packets for which compiled code found no payload type negotiated."""
        return int(self._record.unwanted)

    def negotiate(self, payload_type: int | None, extensions: ExtensionWriter) -> None:
        """Takes what was agreed; None when the client does not want to hear."""
        record = self._record
        record.payload_type = -1 if payload_type is None else payload_type
        self._extensions = extensions
        block = extensions.block(b"\0\0\0")
        assert len(block) <= MAX_EXTENSION
        record.extension[: len(block)] = block
        record.extension_size = len(block)
        record.stamp_at = -1 if extensions.stamp_at is None else extensions.stamp_at

    def send(self, payload: bytes, timestamp: int) -> None:
        """Sends one packet, and a sender report with it about once a second; never blocks, never raises."""
        record = self._record
        payload_type = record.payload_type
        if payload_type < 0:
            self._count("audio-not-negotiated")
            return
        now_ns = self._clock()
        begins = record.last < 0 or signed32(timestamp - record.last) > FRAME
        record.last = timestamp
        sequence = record.sequence
        # A number that was tried is spent: another packet under it would use a nonce twice (RFC 7714 §8.4).
        record.sequence = (sequence + 1) & 0xFFFF
        sent = self._sender.send_rtp(
            build_rtp(
                payload_type,
                begins,
                sequence,
                (timestamp + record.offset) & 0xFFFFFFFF,
                self.ssrc,
                self._extensions.block(absolute_send_time(now_ns)),
                payload,
            )
        )
        if sent is None:
            return
        record.packets += 1
        record.octets += len(payload)
        if now_ns >= record.report_ns:
            self.report(now_ns, timestamp)

    def report(self, now_ns: int, timestamp: int) -> None:
        """Sends a sender report on the packet that was sent last."""
        record = self._record
        # Spread, so that those who came together do not report together (RFC 3550 §6.2).
        record.report_ns = now_ns + round(REPORT_INTERVAL_NS * random.uniform(0.5, 1.5))
        self._sender.send_rtcp(
            sender_report(
                self.ssrc,
                self._ntp.ntp(now_ns),
                (timestamp + record.offset) & 0xFFFFFFFF,
                record.packets,
                record.octets,
                self._cname,
            )
        )
