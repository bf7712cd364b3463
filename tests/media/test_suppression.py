import numpy as np
import pytest

from media.cleaning import MAX_SUPPRESSED
from media.realtime.opus import FakeCodec
from media.realtime.packet import FRAME, RATE
from media.realtime.suppression import FakeSuppressor, WebRtcSuppressor
from media.room import RoomError
from tests.media.room_script import run_room, tone, vowels

NOISE = np.random.default_rng(3)


def hiss(seconds: float, level: float = 0.02) -> np.ndarray:
    return (NOISE.standard_normal(round(seconds * RATE)) * level * 32767).astype(np.int16)


def words(seconds: float, amplitude: float) -> np.ndarray:
    """Buzz with a pause of 0.2 s in each second, as speech has them."""
    sound = vowels(seconds, amplitude)
    sound.reshape(-1, RATE)[:, : RATE // 5] = 0
    return sound


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound.astype(np.float64))))) / 32768


def test_a_first_word_out_of_nothing_is_not_taken_for_noise() -> None:
    suppressor = WebRtcSuppressor()
    for _ in range(2):
        frames = (vowels(0.4) / 32768).astype(np.float32).reshape(-1, FRAME)
        before = rms(frames)
        for frame in frames:
            suppressor.clean(frame)
        assert rms(frames) > 0.5 * before, "6 dB at most, where it was 13"
        suppressor.reset()


def test_steady_noise_is_taken_out_and_speech_is_left() -> None:
    speech = (vowels(6.0) / 32768).astype(np.float32)
    noisy = speech.copy()
    noisy[: 3 * RATE] = 0.0
    noisy += (NOISE.standard_normal(len(noisy)) * 0.02).astype(np.float32)
    suppressor = WebRtcSuppressor()
    frames = noisy.reshape(-1, FRAME).copy()
    for frame in frames:
        suppressor.clean(frame)
    clean = frames.reshape(-1)
    assert rms(clean[RATE : 3 * RATE]) < rms(noisy[RATE : 3 * RATE]) / 4, "12 dB at least"
    kept = [np.dot(clean[4 * RATE + lag : 5 * RATE], speech[4 * RATE : 5 * RATE - lag]) for lag in range(600)]
    assert max(kept) > 0.7 * np.dot(speech[4 * RATE : 5 * RATE], speech[4 * RATE : 5 * RATE])
    assert np.argmax(kept) < 0.008 * RATE, "it delays by no more than 8 ms"


@pytest.mark.virtual_time
async def test_the_room_hears_people_without_their_noise_and_it_can_be_switched_off() -> None:
    async with run_room(FakeCodec, FakeCodec, suppressor=WebRtcSuppressor) as scene:
        ada, ben = scene.person("ada"), scene.person("ben")
        ada.says(hiss(8.0))
        await scene.passes(4.0)
        quiet = rms(ben.heard()[-RATE:])
        scene.room.suppress("ada", False)
        await scene.passes(3.0)
        assert quiet < rms(ben.heard()[-RATE:]) / 4
        counted = scene.plane.statistics()
        assert 190 <= counted.cleaned <= 205, "four seconds of one track"
        assert counted.cleaning_ms > 0
        with pytest.raises(RoomError):
            scene.room.suppress("nobody", True)


@pytest.mark.virtual_time
async def test_silent_tracks_cost_nothing_and_noisy_ones_only_so_much() -> None:
    made: list[FakeSuppressor] = []

    def make() -> FakeSuppressor:
        made.append(FakeSuppressor())
        return made[-1]

    async with run_room(FakeCodec, FakeCodec, suppressor=make) as scene:
        for number in range(MAX_SUPPRESSED + 3):
            scene.person(f"quiet {number}")
        await scene.passes(1.0)
        assert not made
        for caller in scene.callers.values():
            caller.says(hiss(11.0))
        await scene.passes(8.0)
        before = sum(suppressor.cleaned for suppressor in made)
        await scene.passes(1.0)
        assert sum(suppressor.cleaned for suppressor in made) - before == pytest.approx(
            50 * MAX_SUPPRESSED, abs=2
        )
        speaking = len(made)
        await scene.passes(4.0)
        scene.callers["quiet 3"].says(tone(440, 1.0))
        await scene.passes(1.0)
        assert len(made) == speaking, "what was given back is used again"


@pytest.mark.virtual_time
async def test_a_quiet_and_a_loud_speaker_are_equally_heard() -> None:
    async with run_room(FakeCodec, FakeCodec, automatic_gain=True) as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem")
        ada.says(words(11.0, 0.02))
        await scene.passes(11.0)
        quiet = rms(cem.heard()[-RATE:])
        ben.says(words(11.0, 0.3))
        await scene.passes(11.0)
        loud = rms(cem.heard()[-RATE:])
        assert 20 * np.log10(0.3 / 0.02) > 23
        assert abs(20 * np.log10(loud / quiet)) < 4
