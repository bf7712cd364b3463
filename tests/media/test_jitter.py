from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media.realtime.jitter import JitterBuffer
from media.realtime.opus import DTX_PACKET, FakeCodec, OpusEncoder
from media.realtime.packet import FRAME, FrameKind, ReceivedPacket
from tests.media.room_script import vowels

TICK = 20_000_000
MS = 1_000_000


def frames_of_speech(seconds: float) -> np.ndarray:
    return vowels(seconds).reshape(-1, FRAME)


def spoken(seconds: float) -> np.ndarray:
    """Buzz in syllables: libopus sends copies only of what it takes for speech."""
    frames = frames_of_speech(seconds)
    random = np.random.default_rng(5)
    loudness = np.repeat(random.choice([0.15, 1.0, 1.6], size=-(-len(frames) // 8)), 8)[: len(frames)]
    loud: NDArray[np.float64] = frames * loudness[:, np.newaxis]
    return loud.astype(np.int16)


class Line:
    """A sender, a network and a receiver's tick 3 ms after the sender's."""

    def __init__(self, frames: np.ndarray, codec: FakeCodec | OpusEncoder | None = None) -> None:
        self.frames = frames
        encoder = codec if codec is not None else FakeCodec()
        self.payloads = [encoder.encode(frame) for frame in frames]
        self.buffer = JitterBuffer(FakeCodec()) if codec is None else JitterBuffer()
        self.kinds: list[FrameKind] = []
        self.most_held = 0

    def run(self, arrivals: Iterable[tuple[int, int]], first: int = 65_500, ticks: int = 0) -> np.ndarray:
        """Delivers packet numbers at instants (ns) and returns what was pulled."""
        waiting = sorted(arrivals)
        sound = np.zeros((ticks or len(self.frames) + 10, FRAME), np.float32)
        for tick in range(len(sound)):
            now = tick * TICK + 3 * MS
            while waiting and waiting[0][0] <= now:
                at, number = waiting.pop(0)
                self.buffer.push(
                    ReceivedPacket(
                        (first + number) & 0xFFFF,
                        (2**32 - 5000 + number * FRAME) & 0xFFFFFFFF,
                        self.payloads[number],
                        at,
                    )
                )
            self.most_held = max(self.most_held, self.buffer.held)
            self.kinds.append(self.buffer.pull(sound[tick], now))
        return sound.reshape(-1)

    def __len__(self) -> int:
        return len(self.frames)


def on_time(line: Line) -> list[tuple[int, int]]:
    return [(number * TICK, number) for number in range(len(line))]


def test_a_clean_line_is_played_sample_by_sample_with_little_delay() -> None:
    line = Line(frames_of_speech(4.0))
    random = np.random.default_rng(1)
    sound = line.run([(at + int(random.uniform(0, 2 * MS)), number) for at, number in on_time(line)])
    sent = line.frames.reshape(-1) / 32768
    start = int(np.flatnonzero(sound)[0] - np.flatnonzero(sent)[0])
    assert start % FRAME == 0
    assert np.abs(sound[start : start + len(sent)] - sent).max() < 1e-4, "across both wrap-arounds"
    statistics = line.buffer.statistics
    assert statistics.mean_delay_ms <= 30
    assert statistics.played == statistics.received == len(line)
    assert statistics.lost == statistics.late == statistics.shrunk == statistics.expanded == 0


def test_a_lost_packet_is_made_up_and_the_rest_stays_in_place() -> None:
    line = Line(frames_of_speech(2.0), OpusEncoder())
    sound = line.run([(at, number) for at, number in on_time(line) if number not in (40, 60, 61)])
    statistics = line.buffer.statistics
    assert statistics.lost == 3
    assert line.kinds[41:66].count(FrameKind.CONCEALED) == 3
    whole = Line(line.frames, OpusEncoder()).run(on_time(line))
    assert np.abs(np.diff(sound[: 100 * FRAME])).max() < 1.5 * np.abs(np.diff(whole)).max(), "no click"
    after = slice(75 * FRAME, 95 * FRAME)
    assert np.corrcoef(sound[after], whole[after])[0, 1] > 0.99


def test_under_heavy_loss_a_packet_is_played_from_the_copy_in_the_next_one() -> None:
    line = Line(spoken(12.0), OpusEncoder(expected_loss=20))
    copies = [line.buffer._decoder.copies(payload) for payload in line.payloads]
    assert sum(copies) > 300, "the sender does send copies"
    random = np.random.default_rng(2)
    line.run([(at, number) for at, number in on_time(line) if random.random() > 0.2])
    statistics = line.buffer.statistics
    assert statistics.lost > 100
    assert statistics.recovered > 0.3 * statistics.lost
    assert statistics.mean_delay_ms < 45
    assert line.buffer.target_ms == 25


def test_without_loss_nobody_waits_for_copies() -> None:
    line = Line(spoken(4.0), OpusEncoder(expected_loss=20))
    line.run(on_time(line))
    assert line.buffer.target_ms == 5
    assert line.buffer.statistics.recovered == 0


def test_a_long_loss_fades_to_silence_within_120_ms() -> None:
    line = Line(frames_of_speech(2.0), OpusEncoder())
    sound = line.run([(at, number) for at, number in on_time(line) if not 40 <= number < 60])
    loud = np.abs(sound.reshape(-1, FRAME)).max(axis=1)
    assert (loud[41 + 8 : 58] < 1e-3).all()
    assert loud[70:90].min() > 0.05, "and is heard again after it"
    assert line.buffer.statistics.lost == 20
    fade_end = slice(40 * FRAME, 50 * FRAME)
    assert np.abs(np.diff(sound[fade_end])).max() < 0.1, "without a click"


def test_packets_out_of_order_are_put_in_order_once_the_delay_has_grown() -> None:
    line = Line(frames_of_speech(6.0))
    arrivals = [
        (at + (3 * TICK if number % 10 == 0 else 0), number) for number, (at, _) in enumerate(on_time(line))
    ]
    line.run(arrivals)
    statistics = line.buffer.statistics
    assert statistics.reordered > 20
    assert statistics.late + statistics.underruns <= 9, "only while it learns"
    assert statistics.expanded > 0, "it grew by stretching"
    assert 55 < line.buffer.target_ms <= 75


def test_duplicates_are_dropped_and_counted_as_such() -> None:
    line = Line(frames_of_speech(2.0))
    line.run([(at + again * 30 * MS, number) for at, number in on_time(line) for again in range(2)])
    statistics = line.buffer.statistics
    assert statistics.duplicate == len(line)
    assert statistics.played == len(line)
    assert statistics.late == 0


def test_a_jittery_line_gets_a_delay_that_fits_it_and_a_calm_one_loses_it_again() -> None:
    line = Line(frames_of_speech(24.0))
    random = np.random.default_rng(1)
    arrivals = []
    for at, number in on_time(line):
        jitter = random.uniform(0, 100 * MS) if number < 400 else random.uniform(0, 2 * MS)
        arrivals.append((at + int(jitter), number))
    line.run(arrivals)
    statistics = line.buffer.statistics
    assert statistics.late < 0.03 * 400
    assert statistics.shrunk > 5
    assert line.buffer.target_ms <= 10
    assert statistics.lost == statistics.late
    silent = [kind for kind in line.kinds[10:1195] if kind is FrameKind.SILENCE]
    assert not silent, "it never stopped"


@pytest.mark.parametrize("drift", [1 + 200e-6, 1 - 200e-6])
def test_a_drifting_sender_is_followed_without_loss(drift: float) -> None:
    line = Line(frames_of_speech(60.0))
    line.run([(int(at * drift), number) for at, number in on_time(line)])
    statistics = line.buffer.statistics
    assert statistics.played == len(line)
    assert statistics.mean_delay_ms < 40
    assert statistics.shrunk + statistics.expanded <= 12, "12 ms drifted"


def test_a_stall_is_bridged_and_its_delay_is_given_back() -> None:
    line = Line(frames_of_speech(12.0))
    arrivals = [(max(at, 220 * TICK) if 200 <= number < 220 else at, number) for at, number in on_time(line)]
    line.run(arrivals)
    statistics = line.buffer.statistics
    assert statistics.played == len(line)
    assert statistics.underruns == 2, "the stall and the end"
    before = statistics.delay_ms
    assert before / statistics.played < 250
    assert line.buffer.target_ms <= 10


def test_what_a_sender_declares_silent_is_not_decoded_and_not_concealed() -> None:
    line = Line(frames_of_speech(3.0), OpusEncoder())
    line.payloads[50] = DTX_PACKET
    line.payloads[70] = DTX_PACKET
    silent = set(range(51, 90)) - {70}
    sound = line.run([(at, number) for at, number in on_time(line) if number not in silent and number != 70])
    statistics = line.buffer.statistics
    assert set(line.kinds[53:88]) == {FrameKind.COMFORT}
    assert statistics.concealed <= 6, "but for the end"
    assert np.abs(sound[54 * FRAME : 88 * FRAME]).max() < 1e-3
    assert np.abs(sound[95 * FRAME : 140 * FRAME]).max() > 0.1


def test_a_sender_that_begins_anew_is_played_on() -> None:
    line = Line(frames_of_speech(2.0))
    line.run(on_time(line))
    played = line.buffer.statistics.played
    second = Line(line.frames)
    second.buffer = line.buffer
    second.run([(at, number) for at, number in on_time(second)], first=20_000)
    assert line.buffer.statistics.resets == 1
    assert line.buffer.statistics.played == played + len(second) - 1
    assert line.buffer.statistics.invalid == 1, "the first was on probation"


def test_one_stray_packet_changes_nothing() -> None:
    line = Line(frames_of_speech(2.0))
    stray = Line(line.frames)
    for number in range(len(line)):
        now = number * TICK
        line.buffer.push(ReceivedPacket(number, number * FRAME, line.payloads[number], now))
        if number == 50:
            line.buffer.push(ReceivedPacket(30_000, 77, stray.payloads[0], now))
            line.buffer.push(ReceivedPacket(number + 1, 2**31, stray.payloads[0], now))
        line.buffer.pull(np.zeros(FRAME, np.float32), now + 3 * MS)
    statistics = line.buffer.statistics
    assert (statistics.invalid, statistics.resets, statistics.lost) == (2, 0, 0)


def test_a_flood_stays_within_a_second_of_sound_and_is_counted() -> None:
    line = Line(frames_of_speech(3.0))
    for number, payload in enumerate(line.payloads):
        line.buffer.push(ReceivedPacket(number, number * FRAME, payload, 0))
    assert line.buffer.held <= 51
    assert line.buffer.statistics.overflow == len(line) - line.buffer.held
    assert line.buffer.statistics.drops()["overflow"] > 0


def test_packets_that_are_no_opus_are_counted_and_concealed() -> None:
    line = Line(frames_of_speech(2.0), OpusEncoder())
    line.payloads[40] = b""
    line.payloads[50] = b"\xff\xff\xff\x00garbage"
    line.payloads[60] = b"\xfb\x07"
    line.run(on_time(line))
    statistics = line.buffer.statistics
    assert statistics.invalid == 3
    assert statistics.played == len(line) - 3


def test_each_push_wakes_whoever_sleeps() -> None:
    buffer, woken = JitterBuffer(FakeCodec()), []
    buffer.wake = lambda: woken.append(True)
    buffer.push(ReceivedPacket(1, 2, b"", 3))
    assert woken == [True]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF) | st.integers(0, 40),
            st.integers(0, 0xFFFFFFFF) | st.integers(0, 40).map(lambda number: number * FRAME),
            st.binary(max_size=60)
            | st.sampled_from([DTX_PACKET, FakeCodec().encode(np.ones(FRAME, np.int16))]),
            st.none() | st.integers(0, 127),
            st.integers(0, 100 * MS),
        ),
        max_size=120,
    )
)
def test_nothing_that_arrives_can_break_it(
    packets: list[tuple[int, int, bytes, int | None, int]],
) -> None:
    buffer, now, out = JitterBuffer(), 0, np.zeros(FRAME, np.float32)
    for sequence, timestamp, payload, level, wait in packets:
        now += wait
        buffer.push(ReceivedPacket(sequence, timestamp, payload, now, level))
        assert buffer.held <= 400
        buffer.pull(out, now)
        assert np.isfinite(out).all()
        assert np.abs(out).max() <= 1.5
    statistics = buffer.statistics
    dropped = sum(statistics.drops().values())
    assert statistics.received == len(packets)
    assert statistics.played + dropped + buffer.held <= len(packets)
