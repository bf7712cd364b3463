import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.realtime.ring import AudioRing, RingError


def ring(capacity: int = 100, clock: int = 1_000) -> AudioRing:
    buffer = bytearray(AudioRing.nbytes(capacity))
    return AudioRing.format(buffer, rate=16_000, capacity=capacity, clock=lambda: clock)


def count(start: int, stop: int) -> np.ndarray:
    return np.arange(start, stop, dtype=np.int16)


def test_ears_keep_the_newest_and_say_what_is_gone() -> None:
    ears = ring(100)
    for start in range(0, 250, 50):
        ears.write(count(start, start + 50))
    out = np.zeros(60, np.int16)
    assert ears.written == 250
    assert ears.read_at(170, out)
    assert (out == count(170, 230)).all()
    assert not ears.read_at(149, out), "overwritten"
    assert not ears.read_at(191, out), "not yet there"
    assert not ears.read_at(-1, out)
    assert not ears.read_at(150, np.zeros(101, np.int16)), "longer than the ring"


def test_a_write_longer_than_the_ring_leaves_its_end_at_the_right_position() -> None:
    ears = ring(100)
    ears.write(count(0, 250))
    out = np.zeros(100, np.int16)
    assert ears.written == 250
    assert ears.read_at(150, out)
    assert (out == count(150, 250)).all()


def test_a_voice_is_taken_as_far_as_there_is_room_and_pulled_in_order() -> None:
    voice = ring(100)
    assert voice.offer(count(0, 80)) == 80
    assert voice.free == 20
    assert voice.offer(count(80, 120)) == 20
    out = np.ones(60, np.int16)
    assert voice.pull(out) == 60
    assert (out == count(0, 60)).all()
    assert voice.pull(out) == 40
    assert (out[:40] == count(60, 100)).all()
    assert not out[40:].any(), "the rest is silence"
    assert voice.pull(out) == 0


def test_what_is_dropped_is_never_played() -> None:
    voice = ring(100)
    voice.offer(count(0, 80))
    voice.pull(np.zeros(10, np.int16))
    voice.drop()
    assert (voice.pulled, voice.free) == (80, 100)
    voice.offer(count(80, 90))
    out = np.zeros(20, np.int16)
    assert voice.pull(out) == 10
    assert (out[:10] == count(80, 90)).all()


def test_an_instant_is_reckoned_from_the_last_write() -> None:
    ears = ring(100, clock=1_000_000_000)
    ears.write(count(0, 16))
    assert ears.stamp_ns == 1_000_000_000
    assert ears.instant_ns(16) == 1_000_000_000
    assert ears.instant_ns(0) == 999_000_000


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 70)), max_size=60),
)
def test_a_voice_comes_out_as_it_went_in_whatever_the_sizes(steps: list[tuple[bool, int]]) -> None:
    voice, offered, pulled = ring(50), 0, 0
    for is_offer, size in steps:
        if is_offer:
            offered += voice.offer(count(offered, offered + size))
        else:
            out = np.zeros(size, np.int16)
            taken = voice.pull(out)
            assert (out[:taken] == count(pulled, pulled + taken)).all()
            pulled += taken
    assert voice.written - voice.pulled == offered - pulled <= 50


@given(st.binary(max_size=400))
def test_garbage_is_no_ring(garbage: bytes) -> None:
    with pytest.raises(RingError):
        AudioRing.attach(bytearray(garbage))


@given(st.integers(1, 5), st.integers(-(1 << 63), (1 << 63) - 1))
def test_a_ring_with_a_broken_header_is_refused_or_stays_within_its_buffer(word: int, value: int) -> None:
    buffer = bytearray(AudioRing.nbytes(100))
    AudioRing.format(buffer, rate=16_000, capacity=100)
    np.frombuffer(buffer, np.int64, 8)[word] = value
    try:
        found = AudioRing.attach(buffer)
    except RingError:
        return
    assert 0 < found.capacity <= 100
    assert 0 <= found.pull(np.zeros(960, np.int16)) <= 100
    found.read_at(0, np.zeros(10, np.int16))


def test_a_ring_needs_a_writable_buffer_that_is_large_enough() -> None:
    with pytest.raises(RingError):
        AudioRing.format(bytearray(AudioRing.nbytes(99)), rate=16_000, capacity=100)
    with pytest.raises(RingError):
        AudioRing.format(bytearray(1000), rate=16_000, capacity=0)
    with pytest.raises(RingError):
        AudioRing.attach(memoryview(bytes(1000)))


def test_two_processes_share_a_ring(tmp_path: Path) -> None:
    path = tmp_path / "voice.ring"
    path.write_bytes(bytes(AudioRing.nbytes(4_800)))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        voice = AudioRing.format(mapped, rate=48_000, capacity=4_800)
        writer = (
            "import mmap, numpy, sys\n"
            "from media.realtime.ring import AudioRing\n"
            "with open(sys.argv[1], 'r+b') as file:\n"
            "    ring = AudioRing.attach(mmap.mmap(file.fileno(), 0))\n"
            "    print(ring.offer(numpy.arange(6000, dtype=numpy.int16)))\n"
        )
        said = subprocess.run(
            [sys.executable, "-c", writer, str(path)], capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == "4800"
        out = np.zeros(4_800, np.int16)
        assert voice.pull(out) == 4_800
        assert (out == count(0, 4_800)).all()
        del voice
        del out
