"""What one client sends: which packet belongs to which m-line, and the feedback that is due for it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from media.rtc import rtcp
from media.rtc.packets import RtpHeader, header_extension
from media.rtc.reception import MissingPackets, ReceptionStatistics
from media.rtc.sdp import MID, RID, TRANSPORT_NUMBER, Codec, Section
from media.rtc.transport_feedback import ArrivalLog

__all__ = ["FormerStreams", "InboundStream", "InboundTrack", "InboundTracks"]

MAX_STREAMS = 8
"""SSRCs of one client at a time; the one that is silent for longest gives way."""

CLOCK_RATES = {"audio": 48_000, "video": 90_000}
SUCCESSION_NS = 500_000_000
"""A track's stream must be silent for so long before another SSRC takes its place."""

REPORT_INTERVAL_NS = 1_000_000_000


@dataclass(slots=True)
class InboundTrack:
    """An m-line in which the client sends.

    Attributes:
        section: as offered last.
        current: by rid, the stream that is heard or shown now; without simulcast the rid is empty.
    """

    section: Section
    current: "dict[str, InboundStream]" = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`audio` or `video`."""
        return self.section.kind


@dataclass(slots=True)
class InboundStream:
    """One SSRC of a track, and which of its layers that is."""

    track: InboundTrack
    rid: str
    ssrc: int
    reception: ReceptionStatistics
    missing: MissingPackets
    last_ns: int = 0
    sender_ntp: int = 0
    sender_ns: int = 0
    clock_offset: int | None = None
    packets: int = 0
    octets: int = 0


@dataclass(slots=True)
class FormerStreams:
    """What the streams of one kind counted that are gone."""

    packets: int = 0
    octets: int = 0
    lost: int = 0
    unrepaired: int = 0


@dataclass(slots=True)
class InboundTracks:
    """Routes packets to tracks (RFC 9143 §9.2) and sends the RTCP that is due when packets come: no timer.

    Args:
        ssrc: that our reports come from.
        send: sends a compound RTCP packet.

    Attributes:
        nacks: packets that were asked for again.
        former: what streams counted that gave way to others or whose m-line is gone, by kind.
    """

    ssrc: int
    send: Callable[[bytes], bool]
    tracks: dict[str, InboundTrack] = field(default_factory=dict)
    streams: dict[int, InboundStream] = field(default_factory=dict)
    nacks: int = 0
    former: dict[str, FormerStreams] = field(default_factory=dict)
    _reported_ns: int | None = None
    _arrivals: ArrivalLog = field(default_factory=ArrivalLog)

    def negotiate(self, sections: list[Section]) -> None:
        """Takes the m-lines in which the client sends from now on."""
        self.tracks = {
            section.mid: InboundTrack(section, self.tracks[section.mid].current)
            if section.mid in self.tracks
            else InboundTrack(section)
            for section in sections
        }
        for stream in [each for each in self.streams.values() if each.track.section.mid not in self.tracks]:
            self._forget(stream)
        for stream in self.streams.values():
            stream.track = self.tracks[stream.track.section.mid]
        for track in self.tracks.values():
            for ssrc in track.section.ssrcs[:1] if not track.section.rids else ():
                if ssrc not in self.streams:
                    self._learn(ssrc, track, "")

    def route(self, header: RtpHeader, data: bytes, arrival_ns: int) -> InboundStream | str:
        """The stream that a packet is of, or why it is of none.

        Reasons: `unknown-payload-type`, `unknown-ssrc`, `unknown-rid`, `parallel-stream` (another stream of the
        track's layer is alive).
        """
        stream = self.streams.get(header.ssrc)
        if stream is None:
            return self._unknown(header, data, arrival_ns)
        if header.payload_type not in stream.track.section.codecs:
            return "unknown-payload-type"
        return self._alone(stream, arrival_ns)

    def _alone(self, stream: InboundStream, arrival_ns: int) -> InboundStream | str:
        current = stream.track.current.get(stream.rid)
        if current is None or current is stream or arrival_ns - current.last_ns > SUCCESSION_NS:
            return stream
        return "parallel-stream"

    def _unknown(self, header: RtpHeader, data: bytes, arrival_ns: int) -> InboundStream | str:
        named: InboundTrack | None = None
        fitting: list[InboundTrack] = []
        for track in self.tracks.values():
            if header.payload_type in track.section.codecs:
                fitting.append(track)
                number = track.section.extensions.get(MID)
                if (
                    number is not None
                    and header_extension(data, header, number) == track.section.mid.encode()
                ):
                    named = track
        if not fitting:
            return "unknown-payload-type"
        if named is None and len(fitting) == 1 and not fitting[0].section.ssrcs:
            named = fitting[0]
        if named is None:
            return "unknown-ssrc"
        rid = ""
        if named.section.rids:
            # Which layer an SSRC is, its first packets tell (RFC 8852).
            number = named.section.extensions.get(RID)
            value = header_extension(data, header, number) if number is not None else None
            rid = value.decode(errors="replace") if value is not None else ""
            if rid not in named.section.rids:
                return "unknown-rid"
        return self._alone(self._learn(header.ssrc, named, rid), arrival_ns)

    def received(
        self, stream: InboundStream, header: RtpHeader, data: bytes, arrival_ns: int
    ) -> tuple[bool, bool]:
        """Counts a packet and sends the feedback that is due.

        Returns:
            Whether the stream goes on without a break, and whether video is beyond repair without a keyframe.
        """
        track = stream.track
        continuous = stream.reception.add(header.sequence, header.timestamp, arrival_ns)
        current = track.current.get(stream.rid)
        if current is not stream:
            continuous = continuous and current is None
            track.current[stream.rid] = stream
        stream.last_ns = arrival_ns
        stream.packets += 1
        stream.octets += header.end - header.payload
        hopeless = False
        if track.kind == "video":
            wanted, hopeless = stream.missing.add(header.sequence, arrival_ns)
            if wanted and "nack" in track.section.feedback[header.payload_type]:
                self.nacks += len(wanted)
                self.send(rtcp.nack(self.ssrc, stream.ssrc, wanted))
            self._note_arrival(stream, header, data, arrival_ns)
        if self._reported_ns is None:
            self._reported_ns = arrival_ns
        elif arrival_ns - self._reported_ns >= REPORT_INTERVAL_NS:
            self._reported_ns = arrival_ns
            self._report(arrival_ns)
        return continuous, hopeless

    def sender_report(self, report: rtcp.SenderReport, ntp: int, arrival_ns: int) -> InboundStream | None:
        """Notes the client's clock; gives its stream, with `clock_offset` from its NTP time to ours."""
        stream = self.streams.get(report.ssrc)
        if stream is not None:
            stream.sender_ntp = report.ntp
            stream.sender_ns = arrival_ns
            offset = ntp - report.ntp
            # The report that was least delayed tells best; an offset that shrank by minutes is another clock.
            if (
                stream.clock_offset is None
                or offset < stream.clock_offset
                or offset - stream.clock_offset > 1 << 36
            ):
                stream.clock_offset = offset
        return stream

    def _learn(self, ssrc: int, track: InboundTrack, rid: str) -> InboundStream:
        if len(self.streams) >= MAX_STREAMS:
            self._forget(min(self.streams.values(), key=lambda stream: stream.last_ns))
        stream = InboundStream(
            track, rid, ssrc, ReceptionStatistics(CLOCK_RATES[track.kind]), MissingPackets()
        )
        self.streams[ssrc] = stream
        return stream

    def _forget(self, stream: InboundStream) -> None:
        del self.streams[stream.ssrc]
        former = self.former.setdefault(stream.track.kind, FormerStreams())
        former.packets += stream.packets
        former.octets += stream.octets
        former.lost += stream.reception.lost
        former.unrepaired += stream.missing.given_up

    def _report(self, now_ns: int) -> None:
        blocks = [
            (
                stream.ssrc,
                stream.reception.report(),
                stream.sender_ntp >> 16 & 0xFFFFFFFF,
                ((now_ns - stream.sender_ns) << 16) // 1_000_000_000 if stream.sender_ntp else 0,
            )
            for stream in self.streams.values()
            if now_ns - stream.last_ns < 5 * REPORT_INTERVAL_NS and stream.reception.expected
        ]
        if blocks:
            self.send(rtcp.receiver_report(self.ssrc, blocks))

    def _note_arrival(self, stream: InboundStream, header: RtpHeader, data: bytes, now_ns: int) -> None:
        number = stream.track.section.extensions.get(TRANSPORT_NUMBER)
        value = header_extension(data, header, number) if number is not None else None
        if value is None or len(value) != 2:
            return
        self._arrivals.add(value[0] << 8 | value[1], now_ns)
        report = self._arrivals.report(self.ssrc, stream.ssrc, now_ns)
        if report is not None:
            self.send(report)


def opus_payload_type(section: Section) -> int:
    """The payload type of Opus in an audio m-line."""
    return next(number for number, codec in section.codecs.items() if codec == Codec("opus"))
