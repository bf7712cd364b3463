import numpy as np
import pytest

from media.realtime.gain import LOUDEST, adapt


class Fader:
    def __init__(self) -> None:
        self.power, self.weight = np.zeros(1, np.float32), np.zeros(1, np.float32)
        self.gain = np.ones(1, np.float32)

    def hears(self, decibels: list[float], voiced: bool = True) -> list[float]:
        """Gains in dB, frame by frame."""
        gains = []
        for level in decibels:
            adapt(
                np.array([10 ** (level / 20)], np.float32),
                np.zeros(1, np.int64),
                1,
                np.array([voiced]),
                self.power,
                self.weight,
                self.gain,
            )
            gains.append(20 * float(np.log10(self.gain[0])))
        return gains


def talk(level: float, frames: int, seed: int = 1) -> list[float]:
    """Speech of that level with its ups and downs, and every fifth frame a pause."""
    random = np.random.default_rng(seed)
    return [level - 25 if frame % 5 == 4 else level + float(random.uniform(-5, 3)) for frame in range(frames)]


@pytest.mark.parametrize("level", [-36.0, -28.0, -20.0, -12.0, -8.0])
def test_quiet_and_loud_speakers_come_to_the_same_loudness(level: float) -> None:
    assert Fader().hears(talk(level, 300))[-1] == pytest.approx(-20 - level, abs=2.5)


def test_the_gain_moves_slowly_and_has_an_end() -> None:
    gains = Fader().hears(talk(-60.0, 1000))
    assert gains[-1] == pytest.approx(20 * np.log10(LOUDEST), abs=1.6)
    assert max(np.diff(gains)) * 50 <= 6.1, "6 dB a second up"
    assert min(np.diff(Fader().hears(talk(-2.0, 500)))) * 50 >= -12.1


def test_noise_between_words_pumps_nothing_up() -> None:
    fader = Fader()
    settled = fader.hears(talk(-20.0, 300))[-1]
    assert fader.hears([-50.0] * 1000, voiced=False)[-1] == settled
    assert abs(fader.hears(talk(-20.0, 100, seed=2))[-1] - settled) < 1.6


def test_steady_speech_is_left_alone_once_it_is_right() -> None:
    fader = Fader()
    fader.hears(talk(-30.0, 400))
    gains = fader.hears(talk(-30.0, 1000, seed=3))
    assert max(gains) - min(gains) < 3.0, "no pumping"


def test_who_steps_back_from_the_microphone_is_followed() -> None:
    fader = Fader()
    fader.hears(talk(-12.0, 300))
    assert fader.hears(talk(-32.0, 600))[-1] == pytest.approx(12.0, abs=2.5)
