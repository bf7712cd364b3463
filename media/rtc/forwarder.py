"""One video slot of one subscriber: packets in, renumbered packets out, in the same turn of the loop."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from media.rtc.keyframes import parse_vp8, renumber_vp8
from media.rtc.packets import ExtensionWriter, RtpHeader, build_rtp, signed16, signed32
from media.rtc.retransmission import RetransmissionRing
from media.rtc.rtcp import sender_report
from media.rtc.sdp import Codec
from media.rtc.video import VideoPacket, VideoSource

__all__ = ["PacketSender", "SlotStatistics", "StreamRewriter", "VideoForwarder"]

VIDEO_CLOCK = 90_000
REORDER_WINDOW = 1024
MAX_SKIPPED = 256
"""Left-out packets that are remembered, for packets that come late from before them."""


class PacketSender(Protocol):
    """The subscriber's transport."""

    def send_rtp(self, packet: bytes) -> bytes | None:
        """Sends a packet; what was sent, None when it was dropped (counted there)."""
        ...

    def send_rtcp(self, packet: bytes) -> bool:
        """Sends a compound RTCP packet."""
        ...

    def send_datagram(self, protected: bytes) -> bool:
        """Sends again what was sent."""
        ...


class StreamRewriter:
    """Joins streams end to end into one with continuous numbers.

    A stream begins at its first keyframe packet. Gaps inside it stay gaps, so that the receiver asks for what
    is lost; packets that are left out on purpose leave none.

    Args:
        sequence: first sequence number out; in the lower half, so that SRTP is in step before it wraps.
        timestamp: first timestamp out.
    """

    def __init__(self, sequence: int, timestamp: int) -> None:
        self._sequence = (sequence - 1) & 0xFFFF
        self._timestamp = timestamp
        self._sent_ns: int | None = None
        self._running = False
        self._fresh = False
        self._first = 0
        self._highest = 0
        self._sequence_shift = 0
        self._skipped: deque[int] = deque(maxlen=MAX_SKIPPED)
        self._timestamp_shift = 0
        self._picture = 0
        self._level_index = 0
        self._picture_shift = 0
        self._level_index_shift = 0

    @property
    def running(self) -> bool:
        """A keyframe has begun the current stream."""
        return self._running

    def restart(self) -> None:
        """The next packets are of another stream."""
        self._running = False

    def numbers(self, header: RtpHeader, keyframe: bool, now_ns: int) -> tuple[int, int] | str:
        """Sequence number and timestamp out, or the reason why the packet is not for the receiver.

        Reasons: `before-keyframe`, `too-old`.
        """
        if not self._running:
            if not keyframe:
                return "before-keyframe"
            self._begin(header, now_ns)
        step = signed16(header.sequence - self._highest)
        extended = self._highest + step
        shift = self._sequence_shift
        if step > 0:
            self._highest = extended
        else:
            if extended < self._first:
                return "before-keyframe"
            if step < -REORDER_WINDOW:
                return "too-old"
            for skipped in reversed(self._skipped):
                if skipped <= extended:
                    break
                shift += 1
        sequence = (extended + shift) & 0xFFFF
        timestamp = (header.timestamp + self._timestamp_shift) & 0xFFFFFFFF
        if step >= 0:
            self._sequence, self._timestamp, self._sent_ns = sequence, timestamp, now_ns
        return sequence, timestamp

    def skip(self, header: RtpHeader) -> None:
        """Leaves a packet of the current stream out; if a later one is out already, it stays a gap."""
        if self._running and signed16(header.sequence - self._highest) == 1:
            self._highest += 1
            self._sequence_shift -= 1
            self._skipped.append(self._highest)

    def vp8_payload(self, payload: bytes, keyframe: bool) -> bytes:
        """The payload with the picture id continuing the one before (RFC 7741 §4.2); after `numbers`."""
        descriptor = parse_vp8(payload)
        if descriptor is None:
            return payload
        if keyframe and self._fresh:
            self._fresh = False
            if descriptor.picture is not None:
                self._picture_shift = self._picture + 1 - descriptor.picture
            if descriptor.level_index is not None:
                self._level_index_shift = self._level_index + 1 - descriptor.level_index
        if descriptor.picture is not None:
            self._picture = (descriptor.picture + self._picture_shift) & 0x7FFF
        if descriptor.level_index is not None:
            self._level_index = (descriptor.level_index + self._level_index_shift) & 0xFF
        return renumber_vp8(payload, descriptor, self._picture_shift, self._level_index_shift)

    def timestamp_out(self, timestamp: int) -> int | None:
        """Where a timestamp of the current stream is in the outgoing one; None before it began."""
        return (timestamp + self._timestamp_shift) & 0xFFFFFFFF if self._running else None

    def _begin(self, header: RtpHeader, now_ns: int) -> None:
        following = self._timestamp
        if self._sent_ns is not None:
            elapsed = (now_ns - self._sent_ns) * VIDEO_CLOCK // 1_000_000_000
            following = (following + max(1, elapsed)) & 0xFFFFFFFF
        self._timestamp_shift = signed32(following - header.timestamp)
        # The extended number is kept far from zero, so that reordering never makes it negative.
        self._first = self._highest = header.sequence + 0x10000
        self._sequence_shift = self._sequence + 1 - self._first
        self._skipped.clear()
        self._running = self._fresh = True


@dataclass(frozen=True, slots=True)
class SlotStatistics:
    """What one slot shows.

    Attributes:
        watching: a source is connected to it.
        showing: its keyframe has come.
        codec: of the source, empty before its first packet.
        unsupported: the subscriber did not negotiate that codec.
        packets: sent.
        octets: of payload, sent.
        retransmissions: packets sent again.
        lost: by the receiver's own report, since the beginning.
    """

    watching: bool
    showing: bool
    codec: str
    unsupported: bool
    packets: int
    octets: int
    retransmissions: int
    lost: int


class VideoForwarder:
    """Shows one source at a time to one subscriber, without decoding it.

    Args:
        ssrc: of the outgoing stream.
        cname: of its sender.
        sender: the subscriber's transport.
        count: counts a dropped packet by reason.
        clock: monotonic nanoseconds.
        sequence: first sequence number.
        timestamp: first timestamp.
    """

    def __init__(
        self,
        *,
        ssrc: int,
        cname: str,
        sender: PacketSender,
        count: Callable[[str], None],
        clock: Callable[[], int],
        sequence: int,
        timestamp: int,
    ) -> None:
        self.ssrc = ssrc
        self.lost = 0
        self._cname = cname
        self._sender = sender
        self._count = count
        self._clock = clock
        self._payload_types: Mapping[Codec, int] = {}
        self._extensions = ExtensionWriter("", None, None)
        self._rewriter = StreamRewriter(sequence, timestamp)
        self._ring = RetransmissionRing()
        self._source: VideoSource | None = None
        self._unsupported = False
        self._packets = 0
        self._octets = 0
        self._retransmissions = 0

    def negotiate(self, payload_types: Mapping[Codec, int], extensions: ExtensionWriter) -> None:
        """Takes what was agreed for this slot."""
        self._payload_types = payload_types
        self._extensions = extensions

    def watch(self, source: VideoSource | None) -> None:
        """Shows a source from its next keyframe on, or nothing."""
        if source is self._source:
            return
        if self._source is not None:
            self._source.remove(self)
        self._source = source
        self._rewriter.restart()
        self._unsupported = False
        if source is not None:
            source.add(self)

    def on_video(self, packet: VideoPacket) -> None:
        """Sends one packet on."""
        number = self._payload_types.get(packet.codec)
        self._unsupported = number is None
        if number is None:
            self._count("codec-not-negotiated")
            return
        header = packet.header
        renumbered = self._rewriter.numbers(header, packet.keyframe, packet.arrival_ns)
        if isinstance(renumbered, str):
            self._count(renumbered)
            return
        sequence, timestamp = renumbered
        payload = packet.data[header.payload : header.end]
        if packet.codec.name == "VP8":
            payload = self._rewriter.vp8_payload(payload, packet.keyframe)
        protected = self._sender.send_rtp(
            build_rtp(
                number,
                header.marker,
                sequence,
                timestamp,
                self.ssrc,
                self._extensions.block(packet.arrival_ns),
                payload,
            )
        )
        if protected is not None:
            self._ring.store(sequence, protected, packet.arrival_ns)
            self._packets += 1
            self._octets += len(payload)

    def on_padding(self, header: RtpHeader) -> None:
        """Leaves a packet without payload out."""
        self._rewriter.skip(header)

    def on_discontinuity(self) -> None:
        """Waits for a keyframe."""
        self._rewriter.restart()

    def on_sender_time(self, ntp: int, timestamp: int) -> None:
        """Sends a sender report that says of the outgoing stream what the sender's said of its own."""
        moved = self._rewriter.timestamp_out(timestamp)
        if moved is not None:
            self._sender.send_rtcp(
                sender_report(self.ssrc, ntp, moved, self._packets, self._octets, self._cname)
            )

    def on_nack(self, sequences: tuple[int, ...]) -> None:
        """Sends packets again that the subscriber misses."""
        now_ns = self._clock()
        for sequence in sequences:
            held = self._ring.fetch(sequence, now_ns)
            if isinstance(held, str):
                self._count(held)
            elif self._sender.send_datagram(held):
                self._retransmissions += 1

    def on_keyframe_request(self) -> None:
        """Passes the subscriber's wish on."""
        if self._source is not None:
            self._source.want_keyframe()

    def statistics(self) -> SlotStatistics:
        """What it did so far."""
        codec = self._source.codec if self._source is not None else None
        return SlotStatistics(
            watching=self._source is not None,
            showing=self._rewriter.running,
            codec=str(codec) if codec is not None else "",
            unsupported=self._unsupported,
            packets=self._packets,
            octets=self._octets,
            retransmissions=self._retransmissions,
            lost=self.lost,
        )
