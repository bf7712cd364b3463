import struct

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from media.rtc.packets import (
    ExtensionWriter,
    PacketError,
    absolute_send_time,
    build_rtp,
    header_extension,
    parse_rtp,
    signed16,
    signed32,
)
from media.rtc.sdp import ABS_SEND_TIME, AUDIO_LEVEL, MID

SECOND = 1_000_000_000


def extension_map() -> HeaderExtensionsMap:
    known = HeaderExtensionsMap()
    numbers = {MID: 4, ABS_SEND_TIME: 2, AUDIO_LEVEL: 1}
    known.configure(
        RTCRtpParameters(
            headerExtensions=[RTCRtpHeaderExtensionParameters(id=n, uri=uri) for uri, n in numbers.items()]
        )
    )
    return known


@given(
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=200),
    mid=st.text("abc019", min_size=1, max_size=16),
    now=st.integers(0, 100_000 * SECOND),
)
def test_another_implementation_reads_what_is_built(
    payload_type: int,
    marker: bool,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    mid: str,
    now: int,
) -> None:
    block = ExtensionWriter(mid, 4, 2).block(absolute_send_time(now))
    packet = build_rtp(payload_type, marker, sequence, timestamp, ssrc, block, payload)
    read = RtpPacket.parse(packet, extension_map())
    assert (read.payload_type, bool(read.marker), read.sequence_number) == (payload_type, marker, sequence)
    assert (read.timestamp, read.ssrc, read.payload) == (timestamp, ssrc, payload)
    assert read.extensions.mid == mid
    assert read.extensions.abs_send_time == int.from_bytes(absolute_send_time(now), "big")


@given(
    sequence=st.integers(0, 0xFFFF),
    csrc=st.lists(st.integers(0, 0xFFFFFFFF), max_size=15),
    payload=st.binary(min_size=1, max_size=100),
    padding=st.integers(0, 30),
    level=st.none() | st.tuples(st.booleans(), st.integers(0, 127)),
)
def test_what_another_implementation_builds_is_read(
    sequence: int, csrc: list[int], payload: bytes, padding: int, level: tuple[bool, int] | None
) -> None:
    packet = RtpPacket(payload_type=111, sequence_number=sequence, timestamp=7, ssrc=9, payload=payload)
    packet.csrc = csrc
    packet.padding_size = padding
    packet.extensions.audio_level = level
    packet.extensions.mid = "0"
    data = packet.serialize(extension_map())
    header = parse_rtp(data)
    assert header.sequence == sequence
    assert data[header.payload : header.end] == payload
    assert header_extension(data, header, 4) == b"0"
    read = header_extension(data, header, 1)
    assert read is None if level is None else read == bytes([level[0] << 7 | level[1]])


def test_a_two_byte_extension_is_read() -> None:
    elements = bytes([20, 2]) + b"xy" + bytes([21, 0, 22, 1]) + b"z\0\0\0"
    data = (
        struct.pack("!BBHII", 0x90, 96, 1, 2, 3) + struct.pack("!HH", 0x1000, len(elements) // 4) + elements
    )
    header = parse_rtp(data + b"payload")
    assert header_extension(data, header, 20) == b"xy"
    assert header_extension(data, header, 21) == b""
    assert header_extension(data, header, 22) == b"z"
    assert header_extension(data, header, 23) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "shorter"),
        (b"\x80" * 11, "shorter"),
        (b"\x40" + bytes(11), "version"),
        (b"\x8f" + bytes(11), "cut off"),
        (b"\x90" + bytes(11), "extension"),
        (b"\x90" + bytes(13) + b"\xff\xff", "cut off"),
        (b"\xa0" + bytes(12), "padding"),
        (b"\xa0" + bytes(11) + b"\x09", "cut off"),
    ],
)
def test_what_is_no_rtp_packet_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(PacketError, match=reason):
        parse_rtp(data)


@given(st.binary(max_size=80), st.integers(1, 255))
def test_no_bytes_make_the_parser_fail_otherwise(data: bytes, number: int) -> None:
    try:
        header = parse_rtp(b"\x90" + data)
    except PacketError:
        return
    assert header.payload <= header.end <= len(data) + 1
    header_extension(b"\x90" + data, header, number)


def test_without_negotiated_extensions_there_is_no_block() -> None:
    assert ExtensionWriter("0", None, None).block(b"\x00\x00\x05") == b""
    assert build_rtp(111, False, 1, 2, 3, b"", b"x")[0] == 0x80


@given(st.integers(0, 0xFFFF), st.integers(-32768, 32767))
def test_sequence_numbers_wrap(start: int, step: int) -> None:
    assert signed16(((start + step) & 0xFFFF) - start) == step


@given(st.integers(0, 0xFFFFFFFF), st.integers(-(2**31), 2**31 - 1))
def test_timestamps_wrap(start: int, step: int) -> None:
    assert signed32(((start + step) & 0xFFFFFFFF) - start) == step
