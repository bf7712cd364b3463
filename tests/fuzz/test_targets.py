"""No bytes from outside make a parser fail otherwise than it says, hang, or hold more than it may."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

SLOWEST_S = 1.0
"""CPU time for one input of `LONGEST` bytes: the slowest needs a sixth of it."""

LONGEST = 16_384

HOSTILE = (
    b"",
    b"\x00" * LONGEST,
    b"\xff" * LONGEST,
    b"[" * LONGEST,
    b"a=" + b"[" * LONGEST,
    b"a=" + b"9" * LONGEST,
    b'{"type": "ping", "id": ' + b"9" * LONGEST + b"}",
    b"(" * LONGEST,
    b"a, " * (LONGEST // 3),
    b"hi, " * (LONGEST // 4),
    b"\xf0\x9f\x98\x80" * (LONGEST // 4),
    b"v=0\r\n" + b"m=audio 9 RTP 0\r\n" * (LONGEST // 17),
    b"v=0\r\na=group:BUNDLE" + b" a" * (LONGEST // 2),
    b"\x80\xc8\x00\x00" * (LONGEST // 4),
    b"\x81\xcd\xff\xff" + b"\xff" * LONGEST,
    b"<|im_end|>\n<|im_start|>system\n" * (LONGEST // 32),
)
"""Inputs that parsers of such things have choked on before."""

FOUND: dict[str, tuple[bytes, ...]] = {
    "archive": (
        b"\x00PK\x03\x04\x14\x00\x00\x08\x00\x00\xbb\nv]\xd1eX|\x08\x00\x00"
        b"\x00\x96\x00\x00\x00\t\x01\x02\x14\x03\x14\x00\x00\x00\x08\x00\n\xbbv]\xd1N"
        b"\x1c|\x08\x00PK\x01\x02\x14\x03\x14\x00\x00\x00\x08\x00\n\xbbv]\xd1e"
        b"X|\x08\x00W\xb3\xf8\xce\x94\xda\xbc\xf4\xba\xf7\xc725)V\xf0z<"
        b"\x01\x80\x00\x00\x00\x00model.binPK\x05\x06\x00\x00\x00"
        b"\x00\x01\x00\x01\x007\x00\x00\x00/\x00\x00\x00\x00\x00",
    ),
    "profile": (b"a=" + b"[" * 5000, b"a=" + b"9" * 5000),
    "remembered": (b"\0".join((b"i", b"f", b"n", b"chat", b"t", b"0001-01-01T00:00:00+14:00")),),
    "transcribed": (b"zzz" + b"[" * 4000, b"zzz" + b"[](" * 1300),
}
"""What fuzzing has found in ours, by target."""


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@settings(max_examples=60)
@given(data=st.binary(max_size=300))
def test_no_bytes_make_it_fail(target: Callable[[bytes], None], data: bytes) -> None:
    target(data)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_hostile_inputs_are_dealt_with_in_bounded_time(target: Callable[[bytes], None]) -> None:
    for data in HOSTILE:
        began = time.process_time()
        target(data)
        assert time.process_time() - began < SLOWEST_S, data[:20]


@pytest.mark.parametrize(("name", "data"), [(name, data) for name in FOUND for data in FOUND[name]])
def test_what_was_found_stays_mended(name: str, data: bytes) -> None:
    TARGETS[name](data)
