"""The slots of one subscriber: which of them sends which layer, as its path and its tiles allow."""

from collections.abc import Callable, Mapping

from media.rtc.allocation import Demand, allocate
from media.rtc.downlink import Downlink
from media.rtc.forwarder import NO_SLOT, SlotStatistics, TrackForwarder

__all__ = ["Slots"]

MAX_RESENT = 500
"""Packets sent again in a second and in one go: a NACK of 2 kB asks for hundreds."""


class Slots:
    """Forwarders by mid and by SSRC.

    Args:
        count: counts a dropped packet by reason.
        clock: monotonic nanoseconds.

    Attributes:
        videos: forwarders of pictures, by mid, in order.
        voices: forwarders of single voices, by mid, in order.
        former_videos: counts of all slots of pictures that are gone.
        former_voices: counts of all slots of single voices that are gone.
        downlink: what the subscriber can receive.
        nacks: packets that the subscriber asked for again.
        keyframe_wishes: keyframes that it asked for.
    """

    def __init__(self, count: Callable[[str], None], clock: Callable[[], int]) -> None:
        self.videos: Mapping[str, TrackForwarder] = {}
        self.voices: Mapping[str, TrackForwarder] = {}
        self.former_videos: SlotStatistics = NO_SLOT
        self.former_voices: SlotStatistics = NO_SLOT
        self.downlink = Downlink()
        self.nacks = self.keyframe_wishes = 0
        self._by_ssrc: dict[int, TrackForwarder] = {}
        self._count = count
        self._clock = clock
        self._octets = 0
        self._measured_ns = clock()
        self._resendable = float(MAX_RESENT)
        self._resent_ns = clock()

    def replace(self, videos: Mapping[str, TrackForwarder], voices: Mapping[str, TrackForwarder]) -> None:
        """Takes the slots of another offer; those that are gone let go of their sources."""
        for mid, forwarder in self.videos.items():
            if forwarder is not videos.get(mid):
                forwarder.watch(None)
                self.former_videos = self.former_videos.counted_on(forwarder.statistics())
        for mid, forwarder in self.voices.items():
            if forwarder is not voices.get(mid):
                forwarder.watch(None)
                self.former_voices = self.former_voices.counted_on(forwarder.statistics())
        self.videos, self.voices = videos, voices
        self._by_ssrc = {forwarder.ssrc: forwarder for forwarder in (*videos.values(), *voices.values())}

    def release(self) -> None:
        """Lets go of all sources."""
        for forwarder in self._by_ssrc.values():
            forwarder.watch(None)

    def get(self, mid: str) -> TrackForwarder:
        """The slot with that mid.

        Raises:
            KeyError: there is none.
        """
        return self.videos[mid] if mid in self.videos else self.voices[mid]

    def view(self, mid: str, width: int, height: int) -> None:
        """Takes the size of a tile, in device pixels; 0 x 0 is hidden."""
        self.videos[mid].viewport = (width, height)

    def settle(self) -> None:
        """Gives each slot its layer."""
        shown = [(each, each.source) for each in self.videos.values()]
        watching = [(forwarder, source) for forwarder, source in shown if source is not None]
        demands = [
            Demand(
                rates=tuple(source.rate(layer.index) for layer in source.layers),
                sizes=tuple(source.size(layer.index) for layer in source.layers),
                viewport=forwarder.viewport,
            )
            for forwarder, source in watching
        ]
        for (forwarder, _), layer in zip(watching, allocate(demands, self.downlink.budget), strict=True):
            forwarder.select(layer)

    def review(self, now_ns: int) -> None:
        """Looks, once a second, what the path allows; for whenever the subscriber reports."""
        octets = sum(forwarder.octets for forwarder in self.videos.values())
        elapsed = max(1, now_ns - self._measured_ns)
        sent = max(0, octets - self._octets) * 8_000_000_000 // elapsed
        if self.downlink.update(sent, now_ns):
            self._octets, self._measured_ns = octets, now_ns
            self.settle()

    def on_report(self, ssrc: int, lost: int, share: float) -> bool:
        """Takes a subscriber's report on one stream; False when there is no such stream."""
        forwarder = self._by_ssrc.get(ssrc)
        if forwarder is None:
            return False
        forwarder.lost = lost
        if forwarder.source is not None:
            self.downlink.on_loss(share)
        return True

    def on_nack(self, ssrc: int, sequences: tuple[int, ...]) -> bool:
        """Sends packets again, not without bound; False when there is no such stream."""
        forwarder = self._by_ssrc.get(ssrc)
        if forwarder is None:
            return False
        self.nacks += len(sequences)
        now_ns = self._clock()
        gained = (now_ns - self._resent_ns) * MAX_RESENT / 1e9
        self._resendable = min(float(MAX_RESENT), self._resendable + gained)
        self._resent_ns = now_ns
        granted = min(len(sequences), int(self._resendable))
        for _ in range(len(sequences) - granted):
            self._count("nack-flood")
        self._resendable -= granted
        forwarder.on_nack(sequences[:granted])
        return True

    def on_keyframe_request(self, ssrc: int) -> bool:
        """Passes a wish on; False when there is no such stream."""
        forwarder = self._by_ssrc.get(ssrc)
        if forwarder is None:
            return False
        self.keyframe_wishes += 1
        forwarder.on_keyframe_request()
        return True
