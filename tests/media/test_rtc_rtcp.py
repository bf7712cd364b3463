import time

import pytest
from aiortc import clock
from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    pack_remb_fci,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from media.rtc import rtcp
from media.rtc.reception import MissingPackets, ReceptionReport, ReceptionStatistics
from media.rtc.retransmission import RetransmissionRing

MS = 1_000_000
numbers32 = st.integers(0, 0xFFFFFFFF)


@given(ssrc=numbers32, ntp=st.integers(0, 2**64 - 1), timestamp=numbers32, name=st.text("abc", max_size=30))
def test_a_sender_report_is_read_by_another_implementation(
    ssrc: int, ntp: int, timestamp: int, name: str
) -> None:
    report, description = RtcpPacket.parse(rtcp.sender_report(ssrc, ntp, timestamp, 3, 400, name))
    assert isinstance(report, RtcpSrPacket)
    assert report.sender_info == RtcpSenderInfo(ntp, timestamp, 3, 400)
    assert isinstance(description, RtcpSdesPacket)
    assert [(chunk.ssrc, chunk.items) for chunk in description.chunks] == [(ssrc, [(1, name.encode())])]


def test_a_receiver_report_is_read_by_another_implementation() -> None:
    blocks = [(7, ReceptionReport(12, -5, 70_000, 33), 0xABCD, 65536), (8, ReceptionReport(0, 9, 1, 0), 0, 0)]
    (report,) = RtcpPacket.parse(rtcp.receiver_report(1, blocks))
    assert isinstance(report, RtcpRrPacket)
    assert report.reports[0] == RtcpReceiverInfo(7, 12, -5, 70_000, 33, 0xABCD, 65536)
    assert report.reports[1].packets_lost == 9


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60, unique=True), st.integers(0, 0xFFFF))
def test_a_nack_names_what_is_missing_across_the_wrap(offsets: list[int], start: int) -> None:
    sequences = [(start + offset) & 0xFFFF for offset in sorted(offsets)]
    data = rtcp.nack(1, 2, sequences)
    (read,) = rtcp.parse_rtcp(data)
    assert isinstance(read, rtcp.Nack)
    assert read.ssrc == 2
    assert list(read.sequences) == sequences
    (other,) = RtcpPacket.parse(data)
    assert isinstance(other, RtcpRtpfbPacket)
    assert [number & 0xFFFF for number in other.lost] == sequences


def test_keyframe_requests_of_both_kinds_are_read() -> None:
    assert rtcp.parse_rtcp(rtcp.keyframe_request(1, 2)) == [rtcp.KeyframeRequest(2)]
    fir = RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=b"\0\0\0\x05\x01\0\0\0\0\0\0\x06\x01\0\0\0")
    assert rtcp.parse_rtcp(bytes(fir)) == [rtcp.KeyframeRequest(5), rtcp.KeyframeRequest(6)]


@given(st.integers(0, 10**10))
def test_a_bitrate_survives_within_the_precision_of_the_format(bitrate: int) -> None:
    data = rtcp.bitrate_limit(1, bitrate, [5])
    (read,) = rtcp.parse_rtcp(data)
    assert isinstance(read, rtcp.BitrateLimit)
    assert read.bitrate <= bitrate < read.bitrate + max(1, bitrate >> 16)
    (other,) = RtcpPacket.parse(data)
    assert isinstance(other, RtcpPsfbPacket)
    assert unpack_remb_fci(other.fci) == (read.bitrate, [5])
    packed = RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=pack_remb_fci(bitrate, [5]))
    assert rtcp.parse_rtcp(bytes(packed)) == [read]


def test_reports_of_a_sender_are_read() -> None:
    report = RtcpSrPacket(1, RtcpSenderInfo(5 << 32, 9, 1, 1), [RtcpReceiverInfo(4, 128, -2, 5, 96, 7, 8)])
    assert rtcp.parse_rtcp(bytes(report)) == [
        rtcp.SenderReport(1, 5 << 32, 9),
        rtcp.ReportBlock(ssrc=4, fraction_lost=128, lost=-2, jitter=96, last_report=7, delay=8),
    ]


@pytest.mark.parametrize(
    "data", [b"\x80", b"\x40\xc9\0\0", b"\x81\xc9\0\x01\0\0\0\x01", b"\x80\xc8\0\x01abcd", b"\x81\xcd\0\x07"]
)
def test_malformed_packets_are_refused(data: bytes) -> None:
    with pytest.raises(rtcp.RtcpError):
        rtcp.parse_rtcp(data)


@given(st.sampled_from([200, 201, 202, 203, 205, 206, 207]), st.integers(0, 31), st.binary(max_size=120))
def test_no_bytes_make_the_parser_fail_otherwise(kind: int, count: int, body: bytes) -> None:
    body = body[: len(body) // 4 * 4]
    data = bytes([0x80 | count, kind]) + (len(body) // 4).to_bytes(2, "big") + body
    try:
        facts = rtcp.parse_rtcp(data)
    except rtcp.RtcpError:
        return
    assert len(facts) <= 32


def test_a_nack_of_everything_is_cut_short() -> None:
    data = rtcp.nack(1, 2, list(range(0, 5000)))
    (read,) = rtcp.parse_rtcp(data)
    assert isinstance(read, rtcp.Nack)
    assert len(read.sequences) == rtcp.MAX_NACKS


def test_ntp_time_is_the_wall_clocks_and_goes_on_with_the_monotonic_one() -> None:
    wall, now = time.time_ns(), 5_000
    ntp = rtcp.NtpClock(wall, now)
    assert abs(ntp.ntp(now) - clock.current_ntp_time()) < 2 << 32
    assert ntp.ntp(now + 1_500_000_000) - ntp.ntp(now) == pytest.approx(3 << 31, abs=2)


def test_loss_and_jitter_are_counted_as_the_rfc_says() -> None:
    statistics = ReceptionStatistics(48_000)
    for index in [*range(65_530, 65_536), *range(0, 10), *range(15, 20)]:
        assert statistics.add(index, (index * 960) & 0xFFFFFFFF, index * 20 * MS)
    report = statistics.report()
    assert (report.highest, report.lost) == (65_536 + 19, 5)
    assert report.fraction_lost == (5 << 8) // 26
    statistics.add(20, 20 * 960, 420 * MS)
    assert statistics.report().fraction_lost == 0


def test_steady_arrival_has_no_jitter_and_late_packets_have() -> None:
    steady, shaken = ReceptionStatistics(48_000), ReceptionStatistics(48_000)
    for index in range(200):
        steady.add(index, index * 960, index * 20 * MS)
        shaken.add(index, index * 960, index * 20 * MS + (index % 2) * 10 * MS)
    assert steady.jitter_ms == 0
    assert shaken.jitter_ms == pytest.approx(10, rel=0.05)


def test_a_jump_of_the_sequence_number_begins_anew() -> None:
    statistics = ReceptionStatistics(48_000)
    statistics.add(1, 0, 0)
    assert not statistics.add(30_000, 0, 1)
    assert statistics.lost == 0


def test_what_was_lost_before_a_jump_stays_counted_and_is_not_reported_again() -> None:
    statistics = ReceptionStatistics(48_000)
    for sequence in (1, 2, 10, 20_000, 20_003, 40_000):
        statistics.add(sequence, 0, 0)
    assert statistics.lost == 7 + 2
    assert statistics.report().lost == 0


def test_missing_packets_are_asked_for_at_once_and_again_until_they_come() -> None:
    missing = MissingPackets()
    assert missing.add(65_534, 0) == ([], False)
    assert missing.add(1, 0) == ([65_535, 0], False)
    assert missing.add(2, 10 * MS) == ([], False)
    assert missing.add(0, 20 * MS) == ([], False)
    assert missing.add(3, 60 * MS) == ([65_535], False)
    assert missing.add(65_535, 70 * MS) == ([], False)
    assert missing.add(4, 200 * MS) == ([], False)


def test_what_never_comes_is_given_up_and_said() -> None:
    missing = MissingPackets()
    missing.add(0, 0)
    asked = 0
    for index in range(2, 40):
        wanted, hopeless = missing.add(index, index * 60 * MS)
        asked += wanted.count(1)
        if hopeless:
            break
    assert hopeless
    assert asked == 8
    assert missing.given_up == 1


def test_a_large_gap_is_not_asked_for() -> None:
    missing = MissingPackets()
    missing.add(0, 0)
    assert missing.add(30_000, 0) == ([], True)
    assert missing.add(30_001, 0) == ([], False)


def test_the_ring_gives_back_what_was_sent_not_too_often_and_not_for_ever() -> None:
    ring = RetransmissionRing(256)
    for sequence in range(65_500, 65_536 + 100):
        ring.store(sequence & 0xFFFF, b"%d" % (sequence & 0xFFFF), 0)
    assert ring.fetch(65_500, 30 * MS) == b"65500"
    assert ring.fetch(65_500, 40 * MS) == "nack-too-soon"
    assert ring.fetch(65_500, 60 * MS) == b"65500"
    assert ring.fetch(99, 10 * MS) == "nack-too-soon"
    assert ring.fetch(100, 30 * MS) == "nack-unknown"
    for sequence in range(100, 400):
        ring.store(sequence, b"x", 0)
    assert ring.fetch(65_500, 90 * MS) == "nack-unknown"
