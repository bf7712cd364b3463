"""Kokoro-82M (https://huggingface.co/hexgrad/Kokoro-82M): many distinct voices, where a machine can carry it.

About half a second of two cores for a second of speech. A clause is synthesised whole.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import piper
from piper.config import PhonemeType, PiperConfig

from media.speech.clip import VOICE_RATE, gap_after, level, resample, trim
from media.speech.sessions import ModelError, open_session
from media.speech.speakable import pieces, speakable
from media.speech.voice import Piece, VoiceError

__all__ = ["KokoroModel", "KokoroVoice", "kokoro_phonemes"]

MODEL_RATE = 24_000
STYLES = (510, 256)
LONGEST = 509
"""Phonemes of one run; there is a style for each length up to this."""

_SHARED = (
    ("aɪ", "I"),
    ("aʊ", "W"),
    ("eɪ", "A"),
    ("ɔɪ", "Y"),
    ("tʃ", "ʧ"),
    ("dʒ", "ʤ"),
    ("ʔn", "tn"),
    ("ʔ", "t"),
    ("əl", "ᵊl"),
    ("n̩", "ᵊn"),
    ("l̩", "ᵊl"),
    ("r", "ɹ"),
    ("x", "k"),
    ("ç", "k"),
    ("ɐ", "ə"),
    ("ɬ", "l"),
    ("\u0303", ""),
)
_AMERICAN = (
    ("oʊ", "O"),
    ("ɜːɹ", "ɜɹ"),
    ("ɜː", "ɜɹ"),
    ("ɪə", "iə"),
    ("ɚ", "əɹ"),
    ("ː", ""),
    ("o", "ɔ"),
)
_BRITISH = (("əʊ", "Q"), ("oʊ", "Q"), ("eə", "ɛː"), ("iə", "ɪə"))


def kokoro_phonemes(ipa: str, *, british: bool) -> str:
    """Rewrites espeak's transcription in Kokoro's alphabet: one letter a diphthong or affricate.

    Args:
        ipa: as espeak writes it, punctuation included.
        british: which of Kokoro's two Englishes; the American one has no length marks.
    """
    text = unicodedata.normalize("NFC", ipa)
    for found, written in (*_SHARED, *(_BRITISH if british else _AMERICAN)):
        text = text.replace(found, written)
    return text


class KokoroModel:
    """The weights, shared by all voices.

    Args:
        model: `kokoro-v1.0` as ONNX, inputs `tokens`, `style`, `speed`.
        vocabulary: JSON, phoneme to token, under the key `vocab`.
        threads: cores of one run.

    Raises:
        ModelError: when a file is missing, damaged, or none of Kokoro's.
    """

    def __init__(self, model: Path, vocabulary: Path, *, threads: int = 2) -> None:
        try:
            entries = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]
            self._vocabulary = {str(phoneme): int(token) for phoneme, token in entries.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{vocabulary} is no vocabulary of Kokoro's: {error!r}") from error
        self._session = open_session(model, threads=threads, inputs={"tokens", "style", "speed"})

    def run(self, phonemes: str, styles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Speaks phonemes in the style of a voice, float32 (510, 256): float32 (n,) at 24 kHz."""
        tokens = [self._vocabulary[phoneme] for phoneme in phonemes if phoneme in self._vocabulary][:LONGEST]
        if not tokens:
            return np.zeros(0, np.float32)
        found = self._session.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], np.int64),
                "style": styles[len(tokens)][None],
                "speed": np.ones(1, np.float32),
            },
        )
        samples: npt.NDArray[np.float32] = np.asarray(found[0], np.float32).reshape(-1)
        return samples


class KokoroVoice:
    """One of Kokoro's voices.

    Args:
        model: shared by all voices.
        styles: the voice's `.bin` file, float32 (510, 256).
        british: which English its text is read in; by its name, `bf_` and `bm_` are British.

    Raises:
        ModelError: when the voice's file is missing or of another size.
    """

    rate = VOICE_RATE

    def __init__(self, model: KokoroModel, styles: Path, *, british: bool = False) -> None:
        self._model = model
        self._british = british
        try:
            values = np.frombuffer(styles.read_bytes(), np.float32)
            self._styles = values.reshape(STYLES)
        except (OSError, ValueError) as error:
            raise ModelError(f"{styles} is no voice of Kokoro's: {error}") from error
        # piper's own object, of which only the phonemiser is used: it guards espeak, which is not reentrant.
        self._phonemiser = piper.PiperVoice(
            session=None,
            config=PiperConfig(
                num_symbols=0,
                num_speakers=1,
                sample_rate=MODEL_RATE,
                espeak_voice="en" if british else "en-us",
                phoneme_id_map={},
                phoneme_type=PhonemeType.ESPEAK,
            ),
        )

    def warm_up(self) -> None:
        """Makes the first clause as fast as the others."""
        list(self.synthesize("Hello there.", lambda: False))

    def synthesize(self, text: str, cancelled: Callable[[], bool]) -> Iterator[Piece]:
        """See `Voice`.

        Raises:
            VoiceError: when the engine fails.
        """
        for piece in pieces(speakable(text)):
            if cancelled():
                return
            try:
                sentences = ["".join(sentence) for sentence in self._phonemiser.phonemize(piece)]
                phonemes = kokoro_phonemes(" ".join(sentences), british=self._british)
                samples = self._model.run(phonemes, self._styles)
            except Exception as error:  # onnxruntime's and the phonemiser's errors share no nearer base class
                raise VoiceError(f"Kokoro failed: {error}") from error
            if len(samples) and not cancelled():
                yield Piece(resample(level(trim(samples, MODEL_RATE), MODEL_RATE), MODEL_RATE))
                yield Piece(gap_after(piece))
