import numpy as np
import pytest

from media.realtime.packet import FRAME, RATE
from media.realtime.stretch import HISTORY, MAX_LAG, expand, shrink


def voice(pitch: float) -> np.ndarray:
    """A buzz with a voice's harmonics, with history before and space behind."""
    time = np.arange(HISTORY + FRAME) / RATE
    buzz = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 8))
    sound = np.zeros(HISTORY + FRAME + MAX_LAG, np.float32)
    sound[: len(time)] = 0.2 * np.asarray(buzz)
    return sound


@pytest.mark.parametrize("pitch", [80.0, 110.0, 150.0, 220.0, 310.0])
def test_one_period_goes_out_or_in_and_the_wave_goes_on_as_if_nothing_were(pitch: float) -> None:
    period = RATE / pitch
    for stretch, sign in ((shrink, -1), (expand, 1)):
        sound = voice(pitch)
        roughest = np.abs(np.diff(sound[: HISTORY + FRAME], 2)).max()
        lag = stretch(sound, HISTORY, HISTORY + FRAME, MAX_LAG)
        assert lag > 0
        assert lag / period == pytest.approx(round(lag / period), abs=0.02), "whole periods"
        end = HISTORY + FRAME + sign * lag
        assert np.abs(np.diff(sound[:end], 2)).max() < 1.1 * roughest, "no click"
        assert (
            np.abs(sound[end - 200 : end] - voice(pitch)[HISTORY + FRAME - 200 : HISTORY + FRAME]).max()
            < 1e-6
        )


def test_what_does_not_repeat_is_left_alone() -> None:
    noise = np.random.default_rng(1).normal(0, 0.2, HISTORY + FRAME + MAX_LAG).astype(np.float32)
    before = noise.copy()
    assert shrink(noise, HISTORY, HISTORY + FRAME, MAX_LAG) == 0
    assert expand(noise, HISTORY, HISTORY + FRAME, MAX_LAG) == 0
    assert (noise == before).all()


def test_silence_may_be_cut_by_as_much_as_is_wanted_and_no_more() -> None:
    silence = np.zeros(HISTORY + FRAME + MAX_LAG, np.float32)
    assert shrink(silence, HISTORY, HISTORY + FRAME, MAX_LAG) == MAX_LAG
    assert shrink(silence, HISTORY, HISTORY + FRAME, 200) == 200
    assert shrink(silence, HISTORY, HISTORY + FRAME, 100) == 0, "shorter than the shortest period"
    assert shrink(silence, HISTORY, HISTORY + 300, MAX_LAG) == 0, "too short a frame"
