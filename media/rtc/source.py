"""A track as it arrives, in one layer or several: its packets go to whoever watches; it is asked for keyframes."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from media.rtc.keyframes import (
    Vp8Descriptor,
    h264_begins_keyframe,
    parse_vp8,
    vp8_begins_keyframe,
    vp8_picture_size,
)
from media.rtc.packets import RtpHeader, absolute_send_time, signed16, signed32
from media.rtc.sdp import Codec

__all__ = ["Layer", "TrackPacket", "TrackSource", "TrackWatcher"]

KEYFRAME_INTERVAL_NS = 500_000_000
"""The least time between two requests: a keyframe costs its sender ten times the bits of another picture."""

KEYFRAME_PATIENCE_NS = 8_000_000_000
"""The longest time between two requests to a sender that never answers them."""

REVIEW_NS = 250_000_000
ALIVE_NS = 1_000_000_000
"""A layer from which nothing came for so long is not there."""

MAX_TIMESTAMP_ERROR_S = 10
"""A timestamp further than this from where the clock says it must be begins another stream."""

NOMINAL_SIZES = ((320, 180), (640, 360), (1280, 720))
NOMINAL_RATES = (150_000, 500_000, 1_500_000)
"""Of layers that have not been seen yet: what browsers make of a camera of 720 lines."""


class TrackPacket(NamedTuple):
    """One received packet, taken apart once for all who are sent it.

    Attributes:
        sequence: as received.
        timestamp: as received.
        marker: the marker bit.
        codec: what it is.
        keyframe: a decoder can begin here.
        arrival_ns: when it came, monotonic.
        stamp: of that instant, the value of abs-send-time.
        descriptor: of VP8, None of others.
        head: VP8's payload descriptor, empty of others.
        body: the payload behind it, without padding.
    """

    sequence: int
    timestamp: int
    marker: bool
    codec: Codec
    keyframe: bool
    arrival_ns: int
    stamp: bytes
    descriptor: Vp8Descriptor | None
    head: bytes
    body: bytes


class TrackWatcher(Protocol):
    """Someone who is sent a track; must not raise."""

    def on_packet(self, layer: "Layer", packet: TrackPacket) -> None:
        """Takes one packet, in the order of arrival."""
        ...

    def on_padding(self, layer: "Layer", header: RtpHeader) -> None:
        """Takes the header of a packet without payload, which only fills the line."""
        ...

    def on_discontinuity(self, layer: "Layer") -> None:
        """What follows does not continue what was: to be begun anew, at a keyframe."""
        ...

    def on_sender_time(self, layer: "Layer", ntp: int, timestamp: int) -> None:
        """Takes the instant of an RTP timestamp, in the server's NTP time."""
        ...

    def on_review(self, now_ns: int) -> None:
        """Layers may have come, gone or changed their rate."""
        ...

    def wishes(self) -> int | None:
        """The index of the layer that it would be sent if it could; None for nothing."""
        ...


class Layer:
    """One encoding of a track.

    Attributes:
        rid: as offered (RFC 8851); empty where there is only one.
        index: 0 is the least.
        codec: of the last packet, None before the first.
        keyframes: that began.
        width: of its picture, 0 where it is not known.
        height: of its picture, 0 where it is not known.
        rate: bit/s while it came last; 0 before.
        last_ns: when a packet came last, None before the first.
        newest: sequence number of the newest packet of sound; None before the first, and of pictures.
        watchers: who is sent it, or waits for its keyframe.
    """

    __slots__ = (
        "_asked",
        "_octets",
        "_requested_ns",
        "_timestamp",
        "_wanted",
        "codec",
        "height",
        "index",
        "keyframes",
        "last_ns",
        "newest",
        "rate",
        "rid",
        "watchers",
        "width",
    )

    def __init__(self, rid: str, index: int) -> None:
        self.rid = rid
        self.index = index
        self.codec: Codec | None = None
        self.keyframes = 0
        self.width = 0
        self.height = 0
        self.rate = 0
        self.last_ns: int | None = None
        self.newest: int | None = None
        self.watchers: tuple[TrackWatcher, ...] = ()
        self._wanted = False
        self._asked = 0
        self._requested_ns: int | None = None
        self._octets = 0
        self._timestamp = 0

    def alive(self, now_ns: int) -> bool:
        """It comes at present."""
        return self.last_ns is not None and now_ns - self.last_ns < ALIVE_NS


class TrackSource:
    """A camera, or a voice that is passed on as it is.

    Args:
        request_keyframe: asks the sender for a keyframe of a layer, by rid; False when that was not possible now.
        clock: monotonic nanoseconds.
        rids: of the layers, the least first; one without a name where there is no simulcast.
        clock_rate: of RTP timestamps, in Hz.

    Attributes:
        layers: the least first.
        keyframe_requests: that were sent.
        on_wanted: called with the rids of the layers that are watched when they change; must not raise.
    """

    def __init__(
        self,
        request_keyframe: Callable[[str], bool],
        clock: Callable[[], int],
        rids: Sequence[str] = ("",),
        clock_rate: int = 90_000,
    ) -> None:
        self._request_keyframe = request_keyframe
        self._clock = clock
        self._clock_rate = clock_rate
        self._watchers: tuple[TrackWatcher, ...] = ()
        self._reviewed_ns = 0
        self._wanted: tuple[str, ...] = ()
        self.layers = tuple(Layer(rid, index) for index, rid in enumerate(rids))
        self._by_rid = {layer.rid: layer for layer in self.layers}
        self.keyframe_requests = 0
        self.on_wanted: Callable[[tuple[str, ...]], None] | None = None

    @property
    def rids(self) -> tuple[str, ...]:
        """Of the layers, the least first."""
        return tuple(layer.rid for layer in self.layers)

    @property
    def watched(self) -> int:
        """How many watch."""
        return len(self._watchers)

    @property
    def codec(self) -> Codec | None:
        """Of the last packet, None before the first."""
        return next((layer.codec for layer in self.layers if layer.codec is not None), None)

    @property
    def keyframes(self) -> int:
        """That began, in all layers."""
        return sum(layer.keyframes for layer in self.layers)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Rids of the layers that somebody is sent or would be; the least is kept for whoever must fall back."""
        return self._wanted

    def size(self, index: int) -> tuple[int, int]:
        """Width and height of a layer's picture; guessed from the others, or at all, before it has been seen."""
        layer = self.layers[index]
        if layer.width:
            return layer.width, layer.height
        for known in self.layers:
            if known.width:
                up = index - known.index
                return (
                    (known.width << up, known.height << up)
                    if up > 0
                    else (
                        known.width >> -up,
                        known.height >> -up,
                    )
                )
        return NOMINAL_SIZES[min(index, 2) if len(self.layers) > 1 else 1]

    def rate(self, index: int) -> int:
        """Bit/s of a layer, as it was last or as is usual."""
        layer = self.layers[index]
        return layer.rate or NOMINAL_RATES[min(index, 2) if len(self.layers) > 1 else 1]

    def nearest(self, index: int, now_ns: int) -> Layer:
        """The layer to be sent to one who wishes another: it, or the best below that comes, or above, or it."""
        wished = self.layers[min(index, len(self.layers) - 1)]
        for layer in (*self.layers[wished.index :: -1], *self.layers[wished.index + 1 :]):
            if layer.alive(now_ns):
                return layer
        return wished

    def add(self, watcher: TrackWatcher) -> None:
        """Has one more who watches; which layer, they say by `subscribe`."""
        self._watchers = (*self._watchers, watcher)

    def remove(self, watcher: TrackWatcher) -> None:
        """Has one less; nothing happens when they did not watch."""
        self._watchers = tuple(each for each in self._watchers if each is not watcher)
        for layer in self.layers:
            self.unsubscribe(watcher, layer)
        self.review_wanted()

    def subscribe(self, watcher: TrackWatcher, layer: Layer) -> None:
        """Sends a layer's packets to a watcher from now on, and asks for a keyframe."""
        if all(each is not watcher for each in layer.watchers):
            layer.watchers = (*layer.watchers, watcher)
        self.want_keyframe(layer)

    def unsubscribe(self, watcher: TrackWatcher, layer: Layer) -> None:
        """Sends a layer's packets to them no more."""
        layer.watchers = tuple(each for each in layer.watchers if each is not watcher)
        if not layer.watchers:
            layer._wanted = False

    def review_wanted(self) -> None:
        """Finds out which layers are watched; tells when that has changed."""
        wishes = {wish for watcher in self._watchers if (wish := watcher.wishes()) is not None}
        # The least one stays as well: it costs little, and who cannot have the wished one is not left without.
        wanted = tuple(
            layer.rid for layer in self.layers if wishes and (layer.index in wishes or layer.index == 0)
        )
        if wanted != self._wanted:
            self._wanted = wanted
            if self.on_wanted is not None:
                self.on_wanted(wanted)

    def want_keyframe(self, layer: Layer) -> None:
        """Asks for a keyframe now, or as soon as the throttle allows; requests in between are one."""
        layer._wanted = True
        self._request(layer, self._clock())

    def deliver(self, rid: str, header: RtpHeader, data: bytes, codec: Codec, arrival_ns: int) -> bool:
        """Takes one packet from the network; False when it is of no layer that is known."""
        layer = self._by_rid.get(rid)
        if layer is None:
            return False
        payload = data[header.payload : header.end]
        descriptor: Vp8Descriptor | None = None
        self._follow(layer, header.timestamp, arrival_ns)
        if codec.name == "VP8":
            descriptor = parse_vp8(payload)
            keyframe = descriptor is not None and vp8_begins_keyframe(payload, descriptor)
            if keyframe and descriptor is not None:
                size = vp8_picture_size(payload, descriptor)
                if size is not None:
                    layer.width, layer.height = size
        elif codec.name == "H264":
            keyframe = h264_begins_keyframe(payload)
        else:
            keyframe = True
            self._note(layer, header.sequence)
        layer.codec = codec
        layer._octets += len(payload)
        if keyframe:
            layer.keyframes += 1
            layer._wanted = False
            layer._asked = 0
        elif layer._wanted:
            self._request(layer, arrival_ns)
        if layer.watchers:
            packet = TrackPacket(
                header.sequence,
                header.timestamp,
                header.marker,
                codec,
                keyframe,
                arrival_ns,
                absolute_send_time(arrival_ns),
                descriptor,
                payload[: descriptor.size] if descriptor is not None else b"",
                payload[descriptor.size :] if descriptor is not None else payload,
            )
            for watcher in layer.watchers:
                watcher.on_packet(layer, packet)
        if arrival_ns - self._reviewed_ns >= REVIEW_NS:
            self._review(arrival_ns)
        return True

    def pass_over(self, rid: str, sequence: int, continuous: bool) -> None:
        """Notes a packet of sound that nobody is sent; the first of another stream where that is not continuous."""
        layer = self._by_rid.get(rid)
        if layer is not None:
            if not continuous:
                self.interrupt(rid)
            self._note(layer, sequence)

    def pad(self, rid: str, header: RtpHeader) -> None:
        """Takes a packet without payload."""
        layer = self._by_rid.get(rid)
        if layer is not None:
            for watcher in layer.watchers:
                watcher.on_padding(layer, header)

    def interrupt(self, rid: str) -> None:
        """The sender began a layer anew (another SSRC, a jump): its watchers wait for a keyframe."""
        layer = self._by_rid.get(rid)
        if layer is not None:
            layer.last_ns = None
            self._interrupt(layer)

    def hopeless(self, rid: str) -> None:
        """Too much of a layer is lost to be repaired without a keyframe."""
        layer = self._by_rid.get(rid)
        if layer is not None and layer.watchers:
            self.want_keyframe(layer)

    def sender_time(self, rid: str, ntp: int, timestamp: int, arrival_ns: int) -> bool:
        """Passes the sender's clock on; False when it is not believable beside the packets' timestamps."""
        layer = self._by_rid.get(rid)
        if layer is None or self._error_s(layer, timestamp, arrival_ns) > MAX_TIMESTAMP_ERROR_S:
            return False
        for watcher in layer.watchers:
            watcher.on_sender_time(layer, ntp, timestamp)
        return True

    @staticmethod
    def _note(layer: Layer, sequence: int) -> None:
        if layer.newest is None or signed16(sequence - layer.newest) > 0:
            layer.newest = sequence

    def _follow(self, layer: Layer, timestamp: int, arrival_ns: int) -> None:
        if self._error_s(layer, timestamp, arrival_ns) > MAX_TIMESTAMP_ERROR_S:
            self._interrupt(layer)
        layer._timestamp = timestamp
        layer.last_ns = arrival_ns

    def _error_s(self, layer: Layer, timestamp: int, arrival_ns: int) -> float:
        """How far a timestamp is from where the last one and the time since lead, in s."""
        if layer.last_ns is None:
            return 0.0
        elapsed = (arrival_ns - layer.last_ns) * self._clock_rate // 1_000_000_000
        return abs(signed32(timestamp - layer._timestamp - elapsed)) / self._clock_rate

    def _interrupt(self, layer: Layer) -> None:
        layer.newest = None
        for watcher in layer.watchers:
            watcher.on_discontinuity(layer)
        if layer.watchers:
            self.want_keyframe(layer)

    def _review(self, now_ns: int) -> None:
        elapsed = now_ns - self._reviewed_ns
        self._reviewed_ns = now_ns
        for layer in self.layers:
            if layer._octets and elapsed < 4 * REVIEW_NS:
                rate = layer._octets * 8_000_000_000 // elapsed
                layer.rate = rate if not layer.rate else (7 * layer.rate + rate) // 8
            layer._octets = 0
        for watcher in self._watchers:
            watcher.on_review(now_ns)

    def _request(self, layer: Layer, now_ns: int) -> None:
        interval = min(KEYFRAME_INTERVAL_NS << min(layer._asked // 4, 8), KEYFRAME_PATIENCE_NS)
        if layer._requested_ns is not None and now_ns - layer._requested_ns < interval:
            return
        if self._request_keyframe(layer.rid):
            layer._requested_ns = now_ns
            layer._asked += 1
            self.keyframe_requests += 1
