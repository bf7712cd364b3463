"""A camera as it arrives: its packets go to whoever watches, unchanged; it is asked for keyframes, seldom."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from media.rtc.keyframes import h264_begins_keyframe, vp8_begins_keyframe
from media.rtc.packets import RtpHeader
from media.rtc.sdp import Codec

__all__ = ["VideoPacket", "VideoSource", "VideoWatcher"]

KEYFRAME_INTERVAL_NS = 500_000_000
"""The least time between two requests: a keyframe costs its sender ten times the bits of another picture."""


class VideoPacket(NamedTuple):
    """One received video packet.

    Attributes:
        header: its header.
        data: all of it, decrypted.
        codec: what it is.
        keyframe: a decoder can begin here.
        arrival_ns: when it came, monotonic.
    """

    header: RtpHeader
    data: bytes
    codec: Codec
    keyframe: bool
    arrival_ns: int


class VideoWatcher(Protocol):
    """Someone who is shown a source; must not raise."""

    def on_video(self, packet: VideoPacket) -> None:
        """Takes one packet, in the order of arrival."""
        ...

    def on_padding(self, header: RtpHeader) -> None:
        """Takes the header of a packet without payload, which only fills the line."""
        ...

    def on_discontinuity(self) -> None:
        """What follows does not continue what was: to be begun anew, at a keyframe."""
        ...

    def on_sender_time(self, ntp: int, timestamp: int) -> None:
        """Takes the instant of an RTP timestamp, in the server's NTP time."""
        ...


class VideoSource:
    """A camera.

    Args:
        send_keyframe_request: asks the sender for a keyframe; False when that was not possible now.
        clock: monotonic nanoseconds.

    Attributes:
        codec: of the last packet, None before the first.
        keyframes: that began.
        keyframe_requests: that were sent.
    """

    def __init__(self, send_keyframe_request: Callable[[], bool], clock: Callable[[], int]) -> None:
        self._send_keyframe_request = send_keyframe_request
        self._clock = clock
        self._watchers: tuple[VideoWatcher, ...] = ()
        self._wanted = False
        self._requested_ns: int | None = None
        self.codec: Codec | None = None
        self.keyframes = 0
        self.keyframe_requests = 0

    @property
    def watched(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def add(self, watcher: VideoWatcher) -> None:
        """Shows the source to one more, who begins at the next keyframe."""
        self._watchers = (*self._watchers, watcher)
        self.want_keyframe()

    def remove(self, watcher: VideoWatcher) -> None:
        """Shows it no longer; nothing happens when it was not shown."""
        self._watchers = tuple(each for each in self._watchers if each is not watcher)
        if not self._watchers:
            self._wanted = False

    def want_keyframe(self) -> None:
        """Asks for a keyframe now, or as soon as the throttle allows; requests in between are one."""
        self._wanted = True
        self._request(self._clock())

    def deliver(self, header: RtpHeader, data: bytes, codec: Codec, arrival_ns: int) -> None:
        """Takes one packet from the network."""
        payload = data[header.payload : header.end]
        if codec.name == "VP8":
            keyframe = vp8_begins_keyframe(payload)
        else:
            keyframe = h264_begins_keyframe(payload)
        self.codec = codec
        if keyframe:
            self.keyframes += 1
            self._wanted = False
        elif self._wanted:
            self._request(arrival_ns)
        packet = VideoPacket(header, data, codec, keyframe, arrival_ns)
        for watcher in self._watchers:
            watcher.on_video(packet)

    def pad(self, header: RtpHeader) -> None:
        """Takes a packet without payload."""
        for watcher in self._watchers:
            watcher.on_padding(header)

    def interrupt(self) -> None:
        """The sender began anew (another SSRC, a jump): watchers wait for a keyframe."""
        for watcher in self._watchers:
            watcher.on_discontinuity()
        if self._watchers:
            self.want_keyframe()

    def sender_time(self, ntp: int, timestamp: int) -> None:
        """Passes the sender's clock on."""
        for watcher in self._watchers:
            watcher.on_sender_time(ntp, timestamp)

    def _request(self, now_ns: int) -> None:
        if self._requested_ns is not None and now_ns - self._requested_ns < KEYFRAME_INTERVAL_NS:
            return
        if self._send_keyframe_request():
            self._requested_ns = now_ns
            self.keyframe_requests += 1
