import fractions

import av
import numpy as np
import pytest
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder, VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from media.rtc.keyframes import (
    h264_begins_keyframe,
    parse_vp8,
    renumber_vp8,
    vp8_begins_keyframe,
    vp8_picture_size,
)


def picture(index: int) -> av.VideoFrame:
    noise = np.random.default_rng(index).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(noise, format="rgb24")
    frame.pts = index * 3000
    frame.time_base = fractions.Fraction(1, 90_000)
    return frame


def vp8_begins(payload: bytes) -> bool:
    descriptor = parse_vp8(payload)
    return descriptor is not None and vp8_begins_keyframe(payload, descriptor)


@pytest.mark.parametrize(
    ("encoder", "begins"), [(Vp8Encoder, vp8_begins), (H264Encoder, h264_begins_keyframe)]
)
def test_a_real_encoders_keyframes_are_found_where_they_begin(encoder: type, begins: object) -> None:
    assert callable(begins)
    encoding = encoder()
    for index in range(6):
        forced = index in (0, 4)
        payloads, _ = encoding.encode(picture(index), force_keyframe=forced)
        assert any(begins(payload) for payload in payloads) == forced
        if forced:
            assert len(payloads) > 2
            assert begins(payloads[0])
            assert not begins(payloads[-1])
            descriptor = parse_vp8(payloads[0])
            if encoder is Vp8Encoder:
                assert descriptor is not None
                assert vp8_picture_size(payloads[0], descriptor) == (320, 240)


@given(
    picture_id=st.none() | st.integers(0, 0x7FFF),
    level_index=st.none() | st.integers(0, 255),
    temporal=st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
    key_index=st.none() | st.integers(0, 31),
    partition=st.integers(0, 7),
    start=st.integers(0, 1),
    payload=st.binary(max_size=20),
    pictures=st.integers(-0x8000, 0x8000),
    levels=st.integers(-300, 300),
)
def test_descriptors_of_another_implementation_are_read_and_moved_on(
    picture_id: int | None,
    level_index: int | None,
    temporal: tuple[int, int] | None,
    key_index: int | None,
    partition: int,
    start: int,
    payload: bytes,
    pictures: int,
    levels: int,
) -> None:
    written = bytes(
        VpxPayloadDescriptor(
            partition_start=start,
            partition_id=partition,
            picture_id=picture_id,
            tl0picidx=level_index,
            tid=temporal,
            keyidx=key_index,
        )
    )
    read = parse_vp8(written + payload)
    assert read is not None
    assert (read.size, read.picture, read.level_index) == (len(written), picture_id, level_index)
    assert read.first == (start == 1 and partition == 0)
    moved = renumber_vp8(written + payload, read, pictures, levels)
    assert len(moved) == len(written) + len(payload)
    again, rest = VpxPayloadDescriptor.parse(moved)
    assert rest == payload
    if picture_id is not None:
        assert again.picture_id == (picture_id + pictures) % (0x8000 if read.long else 0x80)
    if level_index is not None:
        assert again.tl0picidx == (level_index + levels) % 256


@given(st.binary(max_size=40))
def test_no_bytes_make_the_parsers_fail(payload: bytes) -> None:
    h264_begins_keyframe(payload)
    descriptor = parse_vp8(payload)
    if descriptor is not None:
        if vp8_begins_keyframe(payload, descriptor):
            size = vp8_picture_size(payload, descriptor)
            assert size is None or min(size) > 0
        assert len(renumber_vp8(payload, descriptor, 1, 1)) == len(payload)


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        (b"\x67\x42", True),
        (b"\x65\x88", True),
        (b"\x41\x9a", False),
        (b"\x68\xce", False),
        (b"\x78\x00\x02\x09\x10\x00\x02\x67\x42", True),
        (b"\x78\x00\x02\x41\x9a", False),
        (b"\x7c\x85\x88", True),
        (b"\x7c\x05\x88", False),
        (b"\x7c\x81\x88", False),
    ],
    ids=[
        "SPS",
        "IDR",
        "slice",
        "PPS",
        "STAP-A with SPS",
        "STAP-A without",
        "FU-A first IDR",
        "FU-A later",
        "FU-A slice",
    ],
)
def test_h264_begins_at_a_parameter_set_or_an_idr_slice(payload: bytes, begins: bool) -> None:
    assert h264_begins_keyframe(payload) is begins
