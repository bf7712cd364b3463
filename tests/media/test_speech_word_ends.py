"""The words of a real voice end where a listener stops to hear them."""

import re

import numpy as np
import pytest

from media.speech.piper import PiperModel, PiperVoice
from media.speech.transcriber import WhisperTranscriber
from media.speech.voice import VoiceCharacter
from tests.weights_fixture import WeightsOf, weights

__all__ = ["weights"]

pytestmark = [pytest.mark.models, pytest.mark.timeout(240)]

TEXTS = (
    "One of the best things to do is to take the early train to the city. Then you can walk.",
    "It took us 42 days to sail from the old harbour to the islands in the south.",
    "I would say that the garden needs water, light, and a little patience from all of us.",
)


def plain(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


@pytest.mark.parametrize("pitch", [1.0, 1.2])
def test_what_is_heard_up_to_the_end_of_a_word_are_the_words_up_to_it(
    weights: WeightsOf, pitch: float
) -> None:
    path = weights("voice")
    voice = PiperVoice(PiperModel(path, path.with_name(path.name + ".json")), VoiceCharacter(pitch))
    whisper = WhisperTranscriber(weights("speech-to-text"))
    timed = proportional = 0
    tried = 0
    for text in TEXTS:
        words, ends, at = text.split(), [], 0
        pieces = list(voice.synthesize(text, lambda: False))
        for piece in pieces:
            ends += [at + end for end in piece.words]
            at += len(piece.samples)
        assert len(ends) == len(words)
        assert ends == sorted(ends)
        assert ends[-1] <= at
        sound = np.concatenate([piece.samples for piece in pieces])
        letters = np.cumsum([len(word) + 1 for word in words])
        for count in range(4, len(words), 3):
            ears = sound[: ends[count - 1] // 3 * 3].reshape(-1, 3).mean(axis=1).astype(np.float32) / 32768
            heard = len(plain(whisper.transcribe(ears, lambda: False).text))
            guessed = int(np.searchsorted(letters / letters[-1] * at, ends[count - 1], "right"))
            timed += abs(heard - len(plain(" ".join(words[:count]))))
            proportional += abs(heard - len(plain(" ".join(words[:guessed]))))
            tried += 1
    assert timed <= 0.25 * tried, (timed, proportional, tried)
    assert timed < proportional
