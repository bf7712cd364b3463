"""One slot of one subscriber: packets in, renumbered packets out, in the same turn of the loop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from media.rtc.packets import ExtensionWriter, RtpHeader, build_rtp, signed16
from media.rtc.retransmission import RetransmissionRing
from media.rtc.rewriter import StreamRewriter
from media.rtc.rtcp import sender_report
from media.rtc.sdp import Codec
from media.rtc.source import Layer, TrackPacket, TrackSource

__all__ = ["NO_SLOT", "PacketSender", "SlotStatistics", "TrackForwarder"]


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


@dataclass(frozen=True, slots=True)
class SlotStatistics:
    """What one slot shows.

    Attributes:
        watching: a source is connected to it.
        showing: its keyframe has come.
        codec: of the source, empty before its first packet.
        unsupported: the subscriber did not negotiate that codec.
        layer: index of the layer that is sent, None for none.
        switches: from one layer to another.
        packets: sent.
        octets: of payload, sent.
        retransmissions: packets sent again.
        lost: by the receiver's own report, since the beginning.
    """

    watching: bool
    showing: bool
    codec: str
    unsupported: bool
    layer: int | None
    switches: int
    packets: int
    octets: int
    retransmissions: int
    lost: int

    def counted_on(self, other: "SlotStatistics") -> "SlotStatistics":
        """Nothing is shown in it, and its counts are those of both."""
        return replace(
            NO_SLOT,
            switches=self.switches + other.switches,
            packets=self.packets + other.packets,
            octets=self.octets + other.octets,
            retransmissions=self.retransmissions + other.retransmissions,
            lost=self.lost + other.lost,
        )


NO_SLOT = SlotStatistics(False, False, "", False, None, 0, 0, 0, 0, 0)
"""What a slot says of which nothing was ever asked."""


class TrackForwarder:
    """Sends one source at a time, one layer of it at a time, to one subscriber, without decoding it.

    Args:
        ssrc: of the outgoing stream.
        cname: of its sender.
        sender: the subscriber's transport.
        count: counts a dropped packet by reason.
        clock: monotonic nanoseconds.
        sequence: first sequence number.
        timestamp: first timestamp.
        clock_rate: of timestamps, in Hz.

    Attributes:
        ssrc: of the outgoing stream.
        lost: by the receiver's last report.
        viewport: width and height in which the subscriber shows it, as far as they said.
        source: that is watched.
        octets: of payload, sent.
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
        clock_rate: int = 90_000,
    ) -> None:
        self.ssrc = ssrc
        self.lost = 0
        self.viewport: tuple[int, int] | None = None
        self.source: TrackSource | None = None
        self.octets = 0
        self._cname = cname
        self._sender = sender
        self._count = count
        self._clock = clock
        self._payload_types: Mapping[Codec, int] = {}
        self._extensions = ExtensionWriter("", None, None)
        self._rewriter = StreamRewriter(sequence, timestamp, clock_rate)
        self._ring = RetransmissionRing()
        self._mark: int | None = None
        self._wish: int | None = None
        self._current: Layer | None = None
        self._target: Layer | None = None
        self._codec: Codec | None = None
        self._number: int | None = None
        self._packets = 0
        self._retransmissions = 0
        self._switches = 0

    def negotiate(self, payload_types: Mapping[Codec, int], extensions: ExtensionWriter) -> None:
        """Takes what was agreed for this slot."""
        self._payload_types = payload_types
        self._codec = None
        self._extensions = extensions

    def watch(self, source: TrackSource | None) -> None:
        """Sends a source from its next keyframe on, or nothing; its least layer until another is selected.

        A voice is sent from the first packet on that was spoken after all that have come by now: what comes late from
        before was perhaps not for this subscriber (`JitterBuffer.mark` is the same for those who are mixed).
        """
        if source is self.source:
            return
        if self.source is not None:
            self.source.remove(self)
        self.source = source
        self._wish = self._current = self._target = None
        self._mark = source.layers[0].newest if source is not None else None
        self._rewriter.restart()
        if source is not None:
            source.add(self)
            self.select(0)

    def select(self, index: int | None) -> None:
        """Changes to a layer at its next keyframe; None sends nothing from now on."""
        if self.source is None or index == self._wish:
            return
        self._wish = index
        self._aim(self._clock())
        self.source.review_wanted()

    def wishes(self) -> int | None:
        """See `TrackWatcher`."""
        return self._wish

    def on_review(self, now_ns: int) -> None:
        """See `TrackWatcher`."""
        self._aim(now_ns)

    def on_packet(self, layer: Layer, packet: TrackPacket) -> None:
        """Sends one packet on."""
        if self._mark is not None:
            if signed16(packet.sequence - self._mark) <= 0:
                self._count("before-watching")
                return
            self._mark = None
        if layer is not self._current and not self._turn(layer, packet.keyframe):
            return
        if packet.codec is not self._codec:
            self._codec = packet.codec
            self._number = self._payload_types.get(packet.codec)
        number = self._number
        if number is None:
            self._count("codec-not-negotiated")
            return
        renumbered = self._rewriter.numbers(
            packet.sequence, packet.timestamp, packet.keyframe, packet.arrival_ns
        )
        if isinstance(renumbered, str):
            self._count(renumbered)
            return
        sequence, timestamp = renumbered
        head, descriptor = packet.head, packet.descriptor
        if descriptor is not None:
            head = self._rewriter.vp8_head(head, descriptor, packet.keyframe)
        protected = self._sender.send_rtp(
            build_rtp(
                number,
                packet.marker,
                sequence,
                timestamp,
                self.ssrc,
                self._extensions.block(packet.stamp),
                head,
                packet.body,
            )
        )
        if protected is not None:
            self._ring.store(sequence, protected, packet.arrival_ns)
            self._packets += 1
            self.octets += len(head) + len(packet.body)

    def on_padding(self, layer: Layer, header: RtpHeader) -> None:
        """Leaves a packet without payload out."""
        if layer is self._current:
            self._rewriter.skip(header.sequence)

    def on_discontinuity(self, layer: Layer) -> None:
        """Waits for a keyframe."""
        self._mark = None
        if layer is self._current:
            self._rewriter.restart()

    def on_sender_time(self, layer: Layer, ntp: int, timestamp: int) -> None:
        """Sends a sender report that says of the outgoing stream what the sender's said of its own."""
        moved = self._rewriter.timestamp_out(timestamp) if layer is self._current else None
        if moved is not None:
            self._sender.send_rtcp(
                sender_report(self.ssrc, ntp, moved, self._packets, self.octets, self._cname)
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
        layer = self._current or self._target
        if self.source is not None and layer is not None:
            self.source.want_keyframe(layer)

    def statistics(self) -> SlotStatistics:
        """What it did so far."""
        codec = self.source.codec if self.source is not None else None
        return SlotStatistics(
            watching=self.source is not None,
            showing=self._rewriter.running,
            codec=str(codec) if codec is not None else "",
            unsupported=codec is not None and codec not in self._payload_types,
            layer=self._current.index if self._current is not None else None,
            switches=self._switches,
            packets=self._packets,
            octets=self.octets,
            retransmissions=self._retransmissions,
            lost=self.lost,
        )

    def _aim(self, now_ns: int) -> None:
        """Subscribes to the layer that comes nearest to the one wished; the current one goes on meanwhile."""
        source = self.source
        if source is None:
            return
        if self._wish is None:
            for layer in (self._current, self._target):
                if layer is not None:
                    source.unsubscribe(self, layer)
            self._current = self._target = None
            self._rewriter.restart()
            return
        aim = source.nearest(self._wish, now_ns)
        if aim is self._target:
            return
        if self._target is not None and self._target is not self._current:
            source.unsubscribe(self, self._target)
        self._target = aim
        if aim is not self._current:
            source.subscribe(self, aim)

    def _turn(self, layer: Layer, keyframe: bool) -> bool:
        """Changes to the target at its keyframe; False when this packet is not to be sent."""
        if layer is not self._target or not keyframe:
            self._count("before-keyframe" if self._current is None else "other-layer")
            return False
        if self._current is not None:
            assert self.source is not None
            self.source.unsubscribe(self, self._current)
            self._switches += 1
        self._current = layer
        self._rewriter.restart()
        return True
