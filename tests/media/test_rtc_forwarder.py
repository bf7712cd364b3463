import itertools
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from media.rtc import rtcp
from media.rtc.forwarder import TrackForwarder
from media.rtc.keyframes import parse_vp8
from media.rtc.packets import ExtensionWriter, RtpHeader, build_rtp, header_extension, parse_rtp, signed16
from media.rtc.rewriter import StreamRewriter
from media.rtc.sdp import Codec
from media.rtc.source import TrackSource

MS = 1_000_000
VP8 = Codec("VP8")
H264 = Codec("H264", 1, "constrained-baseline")


def vp8(picture: int, key: bool, first: bool = True, level_index: int = 0) -> bytes:
    lead = 0x90 if first else 0x80
    body = b"\x00" if key else b"\x01"
    return bytes([lead, 0xE0, 0x80 | picture >> 8 & 0x7F, picture & 0xFF, level_index, 0]) + body + b"picture"


@dataclass
class Camera:
    """A sender of VP8 packets into a source."""

    source: TrackSource
    ssrc: int = 5
    sequence: int = 100
    timestamp: int = 9000
    picture: int = 7
    now_ns: int = 0
    rid: str = ""

    def frame(self, key: bool = False, packets: int = 2, late: bool = False) -> list[tuple[RtpHeader, bytes]]:
        """Sends a picture at 30 a second, or hands its packets out to be sent later."""
        made = []
        for index in range(packets):
            payload = vp8(self.picture, key, first=index == 0)
            data = build_rtp(96, index == packets - 1, self.sequence, self.timestamp, self.ssrc, b"", payload)
            made.append((parse_rtp(data), data))
            self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + 3000) & 0xFFFFFFFF
        self.picture = (self.picture + 1) & 0x7FFF
        self.now_ns += 33 * MS
        if not late:
            self.send(made)
        return made

    def send(self, packets: list[tuple[RtpHeader, bytes]]) -> None:
        for header, data in packets:
            self.source.deliver(self.rid, header, data, VP8, self.now_ns)


@dataclass
class Line:
    """A transport that keeps what is sent, and counts what is dropped."""

    rtp: list[bytes] = field(default_factory=list)
    rtcp: list[bytes] = field(default_factory=list)
    again: list[bytes] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)
    now_ns: int = 0

    def send_rtp(self, packet: bytes) -> bytes | None:
        self.rtp.append(packet)
        return b"protected" + packet

    def send_rtcp(self, packet: bytes) -> bool:
        self.rtcp.append(packet)
        return True

    def send_datagram(self, protected: bytes) -> bool:
        self.again.append(protected)
        return True

    def forwarder(self, codecs: dict[Codec, int] | None = None) -> TrackForwarder:
        forwarder = TrackForwarder(
            ssrc=77,
            cname="name",
            sender=self,
            count=self.drops.append,
            clock=lambda: self.now_ns,
            sequence=500,
            timestamp=1000,
        )
        forwarder.negotiate({VP8: 120} if codecs is None else codecs, ExtensionWriter("2", 4, 3))
        return forwarder


@dataclass
class Requests:
    """Counts the keyframe requests that a source sends; time is its own."""

    now_ns: int = 0
    sent: int = 0
    possible: bool = True

    def __call__(self, rid: str) -> bool:
        self.sent += self.possible
        return self.possible

    def camera(self) -> Camera:
        return Camera(TrackSource(self, lambda: self.now_ns))


def test_a_subscriber_begins_at_a_keyframe_and_gets_every_packet_from_there_on() -> None:
    requests, line = Requests(), Line()
    camera, forwarder = requests.camera(), line.forwarder()
    camera.frame(key=True)
    forwarder.watch(camera.source)
    assert requests.sent == 1
    camera.frame()
    assert line.rtp == []
    assert line.drops == ["before-keyframe"] * 2
    camera.frame(key=True)
    camera.frame()
    headers = [parse_rtp(packet) for packet in line.rtp]
    assert [h.sequence for h in headers] == [500, 501, 502, 503]
    assert [h.timestamp for h in headers] == [1000, 1000, 4000, 4000]
    assert {(h.ssrc, h.payload_type) for h in headers} == {(77, 120)}
    assert [h.marker for h in headers] == [False, True, False, True]
    assert header_extension(line.rtp[0], headers[0], 4) == b"2"
    statistics = forwarder.statistics()
    assert (statistics.showing, statistics.packets, statistics.codec) == (True, 4, "VP8")


def test_a_switch_joins_two_cameras_into_one_continuous_stream() -> None:
    line = Line()
    first, second = Requests().camera(), Requests().camera()
    second.sequence, second.timestamp, second.picture, second.ssrc = 65_534, 4_294_960_000, 32_766, 6
    forwarder = line.forwarder()
    forwarder.watch(first.source)
    first.frame(key=True)
    first.frame()
    forwarder.watch(second.source)
    first.frame()
    second.now_ns = first.now_ns
    second.frame()
    second.frame(key=True)
    second.frame()
    headers = [parse_rtp(packet) for packet in line.rtp]
    assert [h.sequence for h in headers] == list(range(500, 508))
    steps = [b.timestamp - a.timestamp for a, b in itertools.pairwise(headers)]
    assert steps[:3] == [0, 3000, 0]
    assert 5000 < steps[3] < 10_000
    assert steps[4:] == [0, 3000, 0]
    pictures = [parse_vp8(p[h.payload :]) for p, h in zip(line.rtp, headers, strict=True)]
    assert [p.picture for p in pictures if p is not None and p.first] == [1, 2, 3, 4]
    assert line.drops == ["before-keyframe"] * 2


def test_a_lost_packet_stays_a_gap_and_fills_it_when_it_comes_late() -> None:
    line, camera = Line(), Requests().camera()
    forwarder = line.forwarder()
    forwarder.watch(camera.source)
    camera.frame(key=True)
    delayed = camera.frame(late=True)
    camera.frame()
    camera.send(delayed)
    assert [parse_rtp(p).sequence for p in line.rtp] == [500, 501, 504, 505, 502, 503]


def test_padding_leaves_no_gap_and_late_packets_from_before_it_keep_their_place() -> None:
    line, camera = Line(), Requests().camera()
    forwarder = line.forwarder()
    forwarder.watch(camera.source)
    camera.frame(key=True)
    delayed = camera.frame(late=True)
    for _ in range(2):
        camera.source.pad("", parse_rtp(build_rtp(96, False, camera.sequence, camera.timestamp, 5, b"", b"")))
        camera.sequence += 1
    camera.frame()
    assert [parse_rtp(p).sequence for p in line.rtp] == [500, 501, 506, 507]
    camera.send(delayed)
    camera.source.pad("", parse_rtp(build_rtp(96, False, camera.sequence, camera.timestamp, 5, b"", b"")))
    camera.sequence += 1
    camera.frame()
    assert [parse_rtp(p).sequence for p in line.rtp][4:] == [502, 503, 508, 509]


def test_a_nack_is_answered_with_the_very_bytes_that_were_sent() -> None:
    line, camera = Line(), Requests().camera()
    forwarder = line.forwarder()
    forwarder.watch(camera.source)
    camera.frame(key=True)
    line.now_ns = camera.now_ns + 50 * MS
    forwarder.on_nack((501, 499, 501))
    assert line.again == [b"protected" + line.rtp[1]]
    assert line.drops == ["nack-unknown", "nack-too-soon"]
    assert forwarder.statistics().retransmissions == 1


def test_keyframe_requests_of_many_are_one_and_are_repeated_until_one_comes() -> None:
    requests = Requests()
    camera = requests.camera()
    forwarders = [Line().forwarder() for _ in range(5)]
    for forwarder in forwarders:
        forwarder.watch(camera.source)
        forwarder.on_keyframe_request()
    assert requests.sent == 1
    for _ in range(20):
        camera.frame()
    assert requests.sent == 2
    camera.frame(key=True)
    for _ in range(30):
        camera.frame()
    assert requests.sent == 2
    requests.now_ns = camera.now_ns
    forwarders[0].on_keyframe_request()
    forwarders[1].on_keyframe_request()
    assert requests.sent == 3


def test_a_request_that_could_not_be_sent_is_sent_with_the_next_packet() -> None:
    requests = Requests(possible=False)
    camera = requests.camera()
    Line().forwarder().watch(camera.source)
    requests.possible = True
    camera.frame()
    assert requests.sent == 1


def test_nobody_watching_means_no_requests() -> None:
    requests = Requests()
    camera = requests.camera()
    forwarder = Line().forwarder()
    forwarder.watch(camera.source)
    forwarder.watch(None)
    for _ in range(40):
        camera.frame()
    camera.source.interrupt("")
    assert requests.sent == 1
    assert camera.source.watched == 0


def test_a_codec_that_was_not_negotiated_is_counted_and_said() -> None:
    line, camera = Line(), Requests().camera()
    forwarder = line.forwarder({H264: 102})
    forwarder.watch(camera.source)
    camera.frame(key=True, packets=1)
    assert line.rtp == []
    assert line.drops == ["codec-not-negotiated"]
    assert forwarder.statistics().unsupported
    assert not forwarder.statistics().showing


def test_after_an_interruption_the_stream_goes_on_at_a_keyframe() -> None:
    requests, line = Requests(), Line()
    camera, forwarder = requests.camera(), line.forwarder()
    forwarder.watch(camera.source)
    camera.frame(key=True)
    requests.now_ns = camera.now_ns + 1000 * MS
    camera.sequence, camera.timestamp, camera.ssrc = 40_000, 5, 9
    camera.source.interrupt("")
    assert requests.sent == 2
    camera.frame()
    camera.frame(key=True)
    assert [parse_rtp(p).sequence for p in line.rtp] == [500, 501, 502, 503]


def test_the_senders_clock_is_passed_on_in_the_outgoing_streams_timestamps() -> None:
    line, camera = Line(), Requests().camera()
    forwarder = line.forwarder()
    forwarder.watch(camera.source)
    camera.source.sender_time("", 1 << 40, 9000, 0)
    assert line.rtcp == []
    camera.frame(key=True)
    camera.source.sender_time("", 1 << 40, 9000 + 4500, camera.now_ns)
    (report,) = rtcp.parse_rtcp(line.rtcp[0])
    assert report == rtcp.SenderReport(77, 1 << 40, 1000 + 4500)


@given(
    start=st.integers(0, 0xFFFF),
    steps=st.lists(st.integers(-40, 60), max_size=80),
    restart=st.lists(st.integers(0, 79), max_size=4),
)
def test_numbers_out_are_never_used_twice_for_different_packets(
    start: int, steps: list[int], restart: list[int]
) -> None:
    rewriter = StreamRewriter(30_000, 0)
    position, epoch = start + 0x10000, 0
    used: dict[int, tuple[int, int]] = {}
    for index, step in enumerate(steps):
        position += step
        if index in restart:
            rewriter.restart()
            epoch += 1
        header = RtpHeader(96, False, position & 0xFFFF, 0, 1, 0, 12, 12, 20)
        if step == 1 and index % 3 == 0:
            rewriter.skip(header.sequence)
            continue
        numbers = rewriter.numbers(header.sequence, header.timestamp, True, index * MS)
        if isinstance(numbers, str):
            continue
        assert used.setdefault(numbers[0], (epoch, position)) == (epoch, position)
        assert abs(signed16(numbers[0] - 30_000)) < 10_000


OPUS = Codec("opus")


def voice(source: TrackSource, *sequences: int) -> None:
    """Delivers packets of sound, each at the instant that its number tells."""
    for sequence in sequences:
        data = build_rtp(
            111, False, sequence & 0xFFFF, 960 * sequence & 0xFFFFFFFF, 9, b"", f"{sequence}".encode()
        )
        assert source.deliver("", parse_rtp(data), data, OPUS, sequence * 20 * MS)


def listener(line: Line) -> TrackForwarder:
    return line.forwarder({OPUS: 111})


def heard(line: Line) -> list[int]:
    """Which packets of a voice came out, by their numbers at the sender."""
    packets = [(parse_rtp(data), data) for data in line.rtp]
    return [int(data[header.payload : header.end]) for header, data in packets]


def test_a_voice_begins_after_all_that_had_come_before_it_was_passed_on() -> None:
    line, source = Line(), TrackSource(lambda rid: False, lambda: 0, clock_rate=48_000)
    forwarder = listener(line)
    voice(source, 65_530, 65_531, 65_536)
    forwarder.watch(source)
    voice(source, 65_532, 65_535)
    assert heard(line) == []
    assert line.drops == ["before-watching"] * 2
    voice(source, 65_534, 65_538, 65_533, 65_537, 65_539)
    assert heard(line) == [65_538, 65_539]
    assert [parse_rtp(data).sequence for data in line.rtp] == [500, 501]


def test_what_comes_late_of_a_whisper_is_passed_on_to_nobody_new() -> None:
    source = TrackSource(lambda rid: False, lambda: 0, clock_rate=48_000)
    circle, others = Line(), Line()
    listener(circle).watch(source)
    bystander = listener(others)
    bystander.watch(source)
    voice(source, 100)
    bystander.watch(None)
    voice(source, 101, 102, 105)
    bystander.watch(source)
    voice(source, 103, 104, 106)
    assert heard(circle) == [100, 101, 102, 105, 103, 104, 106]
    assert heard(others) == [100, 106]


def test_a_voice_that_began_anew_is_not_measured_by_the_old_one() -> None:
    line, source = Line(), TrackSource(lambda rid: False, lambda: 0, clock_rate=48_000)
    forwarder = listener(line)
    voice(source, 30_000)
    forwarder.watch(source)
    source.interrupt("")
    voice(source, 7, 8)
    assert heard(line) == [7, 8]
    source.interrupt("")
    forwarder.watch(None)
    forwarder.watch(source)
    voice(source, 3)
    assert heard(line) == [7, 8, 3], "nothing of this stream had come"


@given(st.permutations(range(40)), st.integers(0, 39), st.integers(0, 65_535))
def test_however_packets_are_mixed_up_none_from_before_is_passed_on(
    order: list[int], split: int, start: int
) -> None:
    line, source = Line(), TrackSource(lambda rid: False, lambda: 0, clock_rate=48_000)
    forwarder = listener(line)
    before, after = order[:split], order[split:]
    voice(source, *(start + number for number in before))
    forwarder.watch(source)
    voice(source, *(start + number for number in after))
    newest = max(before, default=-1)
    assert all(number - start > newest for number in heard(line))
    if any(number > newest for number in after):
        assert heard(line), "and it does begin"
