import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.realtime.levels import dbov, measure
from media.realtime.mixer import KNEE, mix_minus
from media.realtime.packet import FRAME


def mixed(
    frames: np.ndarray,
    sources: list[int],
    persons: int,
    before: np.ndarray | None = None,
    after: np.ndarray | None = None,
) -> np.ndarray:
    ones = np.ones(len(frames), np.float32)
    mixes = np.zeros((len(frames) + 1, FRAME), np.int16)
    padded = np.zeros(len(frames), np.int64)
    padded[: len(sources)] = sources
    mix_minus(
        frames.copy(),
        ones if before is None else before,
        ones if after is None else after,
        padded,
        len(sources),
        persons,
        np.zeros(FRAME, np.float32),
        mixes,
    )
    return mixes[: persons + 1]


@given(st.integers(1, 12), st.data())
def test_every_speaker_hears_the_others_exactly(participants: int, data: st.DataObject) -> None:
    sources = data.draw(st.permutations(range(participants)))[: data.draw(st.integers(1, participants))]
    persons = data.draw(st.integers(0, len(sources)))
    frames = (
        np.random.default_rng(participants).uniform(-0.06, 0.06, (participants, FRAME)).astype(np.float32)
    )
    mixes = mixed(frames, list(sources), persons)
    total = frames[sources].astype(np.float64).sum(axis=0)
    assert np.abs(mixes[0] - total * 32767).max() <= 1
    for place in range(persons):
        assert np.abs(mixes[place + 1] - (total - frames[sources[place]]) * 32767).max() <= 1


def test_who_speaks_alone_hears_digital_silence() -> None:
    frames = np.random.default_rng(1).uniform(-0.9, 0.9, (1, FRAME)).astype(np.float32)
    assert not mixed(frames, [0], 1)[1].any()


def test_nobody_speaking_is_silence_for_all() -> None:
    assert not mixed(np.ones((3, FRAME), np.float32), [], 0).any()


def test_the_limiter_leaves_quiet_sound_alone_and_never_clips_loud_sound() -> None:
    ramp = np.linspace(0.0, 1.0, FRAME, dtype=np.float32)
    quiet = mixed(ramp[None] * np.float32(KNEE), [0], 0)[0]
    assert np.abs(quiet - ramp * KNEE * 32767).max() <= 1
    loud = mixed(np.stack([ramp * 3, ramp * 3]), [0, 1], 0)[0].astype(int)
    assert loud.max() < 32767
    assert (np.diff(loud) >= 0).all(), "louder stays louder"
    assert np.abs(mixed(-np.stack([ramp * 3, ramp * 3]), [0, 1], 0)[0] + loud).max() == 0, "symmetric"


def test_a_gain_moves_in_a_straight_line_over_the_frame() -> None:
    frames = np.full((1, FRAME), 0.5, np.float32)
    mix = mixed(frames, [0], 0, np.array([1.0], np.float32), np.array([0.25], np.float32))[0]
    assert mix[0] == pytest.approx(0.5 * 32767, abs=1)
    assert mix[-1] == pytest.approx(0.125 * 32767, abs=16)
    assert np.abs(np.diff(mix.astype(int), 2)).max() <= 2


def test_levels_are_root_mean_squares_of_the_rows_asked_for() -> None:
    frames = np.zeros((3, FRAME), np.float32)
    frames[0], frames[2] = 0.5, 0.25
    levels = np.full(3, -1.0, np.float32)
    measure(frames, np.array([2, 0, 0]), 2, levels)
    assert levels.tolist() == pytest.approx([0.5, -1.0, 0.25])
    assert [dbov(1.0), dbov(0.1), dbov(0.0), dbov(1e-9)] == [0, 20, 127, 127]
