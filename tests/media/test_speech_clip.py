import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given
from hypothesis import strategies as st

from media.speech.clip import VOICE_RATE, Delivery, gap_after, level, loudness_gain, resample, trim
from media.speech.mel import log_mel, mel_bands
from media.speech.voice import FakeVoice, VoiceCharacter

RATE = 22_050


def sine(frequency: float, seconds: float, rate: int = RATE, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype(
        np.float32
    )


def test_silence_at_both_ends_is_cut_to_a_few_milliseconds() -> None:
    clip = np.concatenate([np.zeros(RATE // 4), sine(300, 0.5), np.zeros(RATE // 3)]).astype(np.float32)
    cut = trim(clip, RATE)
    assert 0.50 <= len(cut) / RATE <= 0.56
    assert np.argmax(np.abs(cut) > 0.05) / RATE < 0.02
    assert cut[0] == 0.0


def test_a_soft_beginning_is_kept() -> None:
    clip = np.concatenate([np.zeros(RATE // 4), sine(4000, 0.1, amplitude=0.01), sine(300, 0.5)]).astype(
        np.float32
    )
    assert len(trim(clip, RATE)) / RATE >= 0.6


def test_nothing_audible_trims_to_nothing() -> None:
    assert len(trim(np.zeros(RATE, np.float32), RATE)) == 0
    assert len(trim(np.zeros(0, np.float32), RATE)) == 0


def test_quiet_and_loud_clauses_come_out_equally_loud_and_unclipped() -> None:
    quiet, loud = level(sine(300, 1, amplitude=0.02), RATE), level(sine(300, 1, amplitude=0.99), RATE)
    assert np.std(quiet) == pytest.approx(np.std(loud), rel=0.01)
    assert np.abs(loud).max() < 0.93


@pytest.mark.parametrize("rate", [22_050, 24_000, 19_404, 27_562])
def test_resampling_keeps_length_level_and_adds_nothing_above_minus_80_db(rate: int) -> None:
    frequency = 0.2 * rate
    sound = resample(sine(frequency, 1.0, rate), rate).astype(np.float64) / 32768
    assert abs(len(sound) - VOICE_RATE) <= 2
    middle = sound[4800:-4800]
    spectrum = np.abs(np.fft.rfft(middle * np.blackman(len(middle)))) ** 2
    frequencies = np.fft.rfftfreq(len(middle), 1 / VOICE_RATE)
    wanted = np.abs(frequencies - frequency) < 20
    assert 10 * np.log10(spectrum[wanted].sum() / spectrum[~wanted].sum()) > 80
    assert np.std(middle) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_a_rate_that_is_too_high_by_a_factor_raises_the_pitch_by_it() -> None:
    sound = resample(sine(200, 1.0), round(RATE * 1.25)).astype(np.float64)
    peak = np.fft.rfftfreq(len(sound), 1 / VOICE_RATE)[np.abs(np.fft.rfft(sound)).argmax()]
    assert peak == pytest.approx(250, abs=2)


def test_the_gap_behind_a_sentence_is_longer_than_behind_a_clause() -> None:
    assert len(gap_after("Well,")) < len(gap_after("I see.")) < VOICE_RATE // 2
    assert len(gap_after('"Yes."')) == len(gap_after("Yes."))


@pytest.mark.parametrize("pitch", [0.5, 2.0, float("nan")])
def test_a_voice_out_of_human_range_is_refused(pitch: float) -> None:
    with pytest.raises(ValueError, match="pitch"):
        VoiceCharacter(pitch)


def test_a_cancelled_voice_says_no_more() -> None:
    spoken = FakeVoice().synthesize("A long sentence. " * 50, iter([False, True]).__next__)
    assert len(list(spoken)) == 1


@pytest.mark.parametrize("bands", [80, 128])
def test_mel_bands_and_spectrogram_agree_with_the_published_implementation(bands: int) -> None:
    sound = np.random.default_rng(3).normal(0, 0.1, 32_000).astype(np.float32)
    reference = FeatureExtractor(feature_size=bands)
    np.testing.assert_allclose(mel_bands(bands), reference.mel_filters, atol=1e-6)
    np.testing.assert_allclose(log_mel(sound, bands), reference(sound, padding=0), atol=2e-4)


def test_a_spectrogram_of_less_than_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="400"):
        log_mel(np.zeros(399, np.float32))


def played(sound: np.ndarray, cuts: list[int], gain: float = 1.0) -> np.ndarray:
    """What comes of a sentence that is made in pieces."""
    delivery = Delivery(RATE, RATE, gain)
    pieces = [delivery.push(piece) for piece in np.split(sound.astype(np.float32), cuts)]
    return np.concatenate([*pieces, delivery.finish()]).astype(np.float64) / 32768


SENTENCE = np.concatenate(
    [
        np.zeros(RATE // 5),
        sine(300, 0.4, amplitude=0.2),
        np.zeros(RATE // 4),
        sine(500, 0.3, amplitude=0.2),
        np.zeros(RATE // 3),
    ]
).astype(np.float32)


@given(st.lists(st.integers(0, len(SENTENCE)), max_size=6).map(sorted))
def test_a_sentence_in_pieces_sounds_as_it_does_whole(cuts: list[int]) -> None:
    whole = resample(trim(SENTENCE, RATE), RATE).astype(np.float64) / 32768
    pieces = played(SENTENCE, cuts)
    assert abs(len(pieces) - len(whole)) <= 0.012 * VOICE_RATE
    common = min(len(pieces), len(whole)) - VOICE_RATE // 20
    assert np.abs(pieces[:common] - whole[:common]).max() < 2e-3


def test_the_beginning_is_given_out_before_the_end_is_made() -> None:
    delivery = Delivery(RATE, RATE, 1.0)
    given_out = delivery.push(SENTENCE[: RATE // 2])
    assert len(given_out) / VOICE_RATE > 0.25


def test_a_silent_sentence_gives_nothing() -> None:
    assert len(played(np.zeros(RATE), [RATE // 2])) == 0


def test_a_peak_lowers_the_rest_and_is_not_clipped() -> None:
    sound = np.concatenate([sine(300, 0.3, amplitude=0.2), sine(300, 0.3, amplitude=0.8)])
    assert np.abs(played(sound, [len(sound) // 2], gain=2.0)).max() < 0.95


def test_a_sentences_usual_loudness_is_what_a_whole_clip_would_be_brought_to() -> None:
    gain = loudness_gain(SENTENCE, RATE)
    assert gain is not None
    assert np.std(SENTENCE * gain) == pytest.approx(np.std(level(SENTENCE, RATE)), rel=1e-3)
    assert loudness_gain(np.zeros(RATE, np.float32), RATE) is None
