"""A simulcast camera and its viewers, on packets made by hand: which layer is sent, and how one follows another."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from media.rtc.downlink import INITIAL
from media.rtc.keyframes import parse_vp8
from media.rtc.packets import ExtensionWriter, parse_rtp
from media.rtc.sdp import Codec
from media.rtc.slots import MAX_RESENT, Slots
from media.rtc.source import KEYFRAME_PATIENCE_NS, TrackSource
from tests.media.test_rtc_forwarder import MS, VP8, Camera, Line, Requests

OPUS = Codec("opus")
S = 1_000_000_000


class Simulcast:
    """A sender of three layers, their clocks and counts their own."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now_ns = 0
        self.source = TrackSource(self._ask, lambda: self.now_ns, ("q", "h", "f"))
        self.layers = {
            rid: Camera(
                self.source, ssrc=ssrc, sequence=sequence, timestamp=timestamp, picture=picture, rid=rid
            )
            for rid, ssrc, sequence, timestamp, picture in (
                ("q", 1, 65_530, 5, 3),
                ("h", 2, 100, 4_294_967_000, 32_766),
                ("f", 3, 40_000, 77_777, 900),
            )
        }

    def _ask(self, rid: str) -> bool:
        self.asked.append(rid)
        return True

    def frame(self, *key: str, active: str = "qhf") -> None:
        for rid in active:
            self.layers[rid].frame(key=rid in key)
        for camera in self.layers.values():
            camera.now_ns = max(each.now_ns for each in self.layers.values())
        self.now_ns = max(camera.now_ns for camera in self.layers.values())


def test_a_viewer_changes_layers_at_keyframes_and_sees_one_stream() -> None:
    camera, line = Simulcast(), Line()
    forwarder = line.forwarder()
    camera.frame("q", "h", "f")
    forwarder.watch(camera.source)
    camera.frame("q")
    forwarder.select(2)
    for _ in range(3):
        camera.frame()
    camera.frame("f")
    camera.frame()
    forwarder.select(1)
    camera.frame()
    camera.frame("h", "q")
    camera.frame()
    headers = [parse_rtp(packet) for packet in line.rtp]
    assert [h.sequence for h in headers] == list(range(500, 500 + len(headers)))
    steps = [b.timestamp - a.timestamp for a, b in itertools.pairwise(headers)]
    assert all(0 <= step < 9000 for step in steps)
    pictures = [parse_vp8(p[h.payload :]) for p, h in zip(line.rtp, headers, strict=True)]
    assert [p.picture for p in pictures if p is not None and p.first] == list(range(1, len(headers) // 2 + 1))
    assert forwarder.statistics().switches == 2
    assert Counter(camera.asked).keys() == {"q", "f", "h"}


def test_what_is_watched_is_wanted_with_the_least_layer_and_nothing_without_viewers() -> None:
    camera = Simulcast()
    told: list[tuple[str, ...]] = []
    camera.source.on_wanted = told.append
    first, second = Line().forwarder(), Line().forwarder()
    first.watch(camera.source)
    second.watch(camera.source)
    second.select(2)
    first.select(1)
    second.select(None)
    first.watch(None)
    assert told == [("q",), ("q", "f"), ("q", "h", "f"), ("q", "h"), ()]
    second.watch(None)
    assert told[-1] == ()


def test_a_layer_that_its_sender_gave_up_is_replaced_by_the_next_best_and_taken_again() -> None:
    camera, line = Simulcast(), Line()
    forwarder = line.forwarder()
    forwarder.watch(camera.source)
    forwarder.select(2)
    for _ in range(3):
        camera.frame("q", "h", "f")
    assert forwarder.statistics().layer == 2
    for _ in range(60):
        camera.frame("q", "h", active="qh")
    assert forwarder.statistics().layer == 1
    for _ in range(20):
        camera.frame("f")
    assert forwarder.statistics().layer == 2
    numbers = [parse_rtp(packet).sequence for packet in line.rtp]
    assert numbers == list(range(500, 500 + len(numbers)))


def test_a_camera_that_never_sends_a_keyframe_is_shown_to_nobody_and_asked_ever_more_seldom() -> None:
    requests, line = Requests(), Line()
    camera = requests.camera()
    forwarder = line.forwarder()
    forwarder.watch(camera.source)
    for _ in range(3600):
        requests.now_ns = camera.now_ns
        camera.frame(packets=1)
    assert line.rtp == []
    assert set(line.drops) == {"before-keyframe"}
    assert requests.sent < 40
    seconds = 3600 * 33 / 1000
    assert requests.sent >= seconds * 1e9 / KEYFRAME_PATIENCE_NS


def test_a_timestamp_that_jumps_is_not_passed_on_and_the_stream_goes_on_at_a_keyframe() -> None:
    line, camera = Line(), Requests().camera()
    forwarder = line.forwarder()
    forwarder.watch(camera.source)
    camera.frame(key=True)
    camera.frame()
    camera.timestamp = (camera.timestamp + (1 << 31)) & 0xFFFFFFFF
    camera.frame()
    camera.frame(key=True)
    camera.frame()
    headers = [parse_rtp(packet) for packet in line.rtp]
    assert [h.sequence for h in headers] == list(range(500, 508))
    assert headers[-1].timestamp - headers[0].timestamp < 90_000
    assert line.drops == ["before-keyframe"] * 2


def test_a_sender_report_that_cannot_be_is_not_passed_on() -> None:
    line, camera = Line(), Requests().camera()
    forwarder = line.forwarder()
    forwarder.watch(camera.source)
    camera.frame(key=True)
    assert not camera.source.sender_time("", 1 << 40, camera.timestamp + 90_000 * 60, camera.now_ns)
    assert line.rtcp == []
    assert camera.source.sender_time("", 1 << 40, camera.timestamp, camera.now_ns)
    assert len(line.rtcp) == 1


def test_a_single_voice_is_passed_on_as_it_is_from_its_first_packet() -> None:
    line = Line()
    forwarder = line.forwarder({OPUS: 63})
    forwarder.negotiate({OPUS: 63}, ExtensionWriter("5", 4, None))
    voice = TrackSource(lambda rid: False, lambda: 0, clock_rate=48_000)
    forwarder.watch(voice)
    camera = Camera(voice)
    (header, data), *_ = camera.frame(packets=1, late=True)
    for index in range(3):
        moved = header._replace(sequence=header.sequence + index, timestamp=header.timestamp + 960 * index)
        assert voice.deliver("", moved, data, OPUS, index * 20 * MS)
    sent = [(parse_rtp(p).payload_type, parse_rtp(p).timestamp) for p in line.rtp]
    assert sent == [(63, 1000), (63, 1960), (63, 2920)]
    assert line.rtp[0].endswith(data[header.payload :])


def test_a_flood_of_nacks_is_answered_with_so_many_packets_and_counted() -> None:
    line, camera = Line(), Requests().camera()
    slots = Slots(line.drops.append, lambda: line.now_ns)
    forwarder = line.forwarder()
    slots.replace({"2": forwarder}, {})
    forwarder.watch(camera.source)
    for _ in range(250):
        camera.frame(key=True)
    line.now_ns = camera.now_ns
    for _ in range(20):
        line.now_ns += 25 * MS
        assert slots.on_nack(77, tuple(range(500, 1000)))
    assert len(line.again) <= 2 * MAX_RESENT
    assert Counter(line.drops)["nack-flood"] >= 20 * 500 - 2 * MAX_RESENT - 500
    assert not slots.on_nack(78, (1, 2))
    assert not slots.on_keyframe_request(78)
    assert not slots.on_report(78, 0, 0.0)


def test_a_narrow_path_lowers_the_layer_and_a_hidden_tile_is_sent_nothing() -> None:
    camera, line = Simulcast(), Line()
    slots = Slots(line.drops.append, lambda: camera.now_ns)
    forwarder = line.forwarder()
    slots.replace({"2": forwarder}, {})
    forwarder.watch(camera.source)
    slots.view("2", 1280, 720)
    slots.settle()
    assert list(camera.source.wanted) == ["q", "f"]
    slots.downlink.on_estimate(20, S)
    slots.review(S)
    assert slots.downlink.budget == INITIAL, "nothing was sent that could have been too much"
    camera.frame("q", "f")
    slots.downlink.on_loss(1.0)
    slots.review(3 * S)
    assert forwarder.wishes() == 0
    assert len(line.rtp) == 2
    slots.view("2", 0, 0)
    slots.settle()
    line.rtp.clear()
    camera.frame("q")
    assert line.rtp == []
    assert not camera.source.wanted
    slots.replace({}, {})
    assert camera.source.watched == 0


layer = st.sampled_from(["q", "h", "f", "x", ""])


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("packet"),
                layer,
                st.integers(0, 0xFFFF),
                st.integers(0, 0xFFFFFFFF),
                st.binary(max_size=30),
            ),
            st.tuples(st.just("pad"), layer, st.integers(0, 0xFFFF), st.just(0), st.just(b"")),
            st.tuples(st.just("select"), layer, st.integers(0, 5), st.just(0), st.just(b"")),
            st.tuples(st.just("interrupt"), layer, st.just(0), st.just(0), st.just(b"")),
            st.tuples(
                st.just("clock"), layer, st.integers(0, 0xFFFFFFFF), st.integers(0, 5000), st.just(b"")
            ),
        ),
        max_size=60,
    )
)
def test_whatever_a_sender_does_a_viewer_sees_a_stream_that_can_be(
    events: list[tuple[str, str, int, int, bytes]],
) -> None:
    camera, line = Simulcast(), Line()
    forwarder = line.forwarder()
    forwarder.watch(camera.source)
    now = 0
    for kind, rid, number, other, payload in events:
        header = parse_rtp(
            b"\x80\x60" + number.to_bytes(4, "big")[2:] + other.to_bytes(4, "big") + bytes(4) + payload
        )
        match kind:
            case "packet":
                data = bytes(12) + payload
                camera.source.deliver(rid, header, data, VP8, now)
            case "pad":
                camera.source.pad(rid, header)
            case "select":
                forwarder.select(number - 1 if number else None)
            case "interrupt":
                camera.source.interrupt(rid)
            case _:
                now += other * MS
                camera.now_ns = now
                camera.source.sender_time(rid, 1, number, now)
    sequences = [parse_rtp(packet).sequence for packet in line.rtp]
    assert len(sequences) == len(line.rtp)
    assert all(parse_rtp(packet).ssrc == 77 for packet in line.rtp)
    assert len(camera.asked) <= len(events) + 1
