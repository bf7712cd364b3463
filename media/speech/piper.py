"""Piper (https://github.com/OHF-Voice/piper1-gpl): one model, several voices.

Synthesised slower by a factor and played faster by the same, the pace stays; pitch and formants move by it.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import piper
from piper.config import PiperConfig, SynthesisConfig

from media.speech.alignment import word_ends
from media.speech.clip import VOICE_RATE, Delivery, gap_after, loudness_gain
from media.speech.sessions import ModelError
from media.speech.speakable import pieces, speakable
from media.speech.vits import load_vits
from media.speech.voice import Piece, VoiceCharacter, VoiceError

__all__ = ["PiperModel", "PiperVoice"]

_ORDINARY = "Yes, I would say so, all in all. What do you think of it?"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that is being spoken.

    Attributes:
        words: where its words end, in samples at the model's rate; empty where that is not known.
        pieces: of its sound, float32 (n,) at the model's rate, the first as early as can be.
    """

    words: tuple[int, ...]
    pieces: Iterator[npt.NDArray[np.float32]]


class PiperModel:
    """The weights of one piper voice, shared by all the characters made from it.

    Args:
        model: the `.onnx` file.
        config: the `.onnx.json` file beside it.
        threads: cores of one run.

    Raises:
        ModelError: when a file is missing, damaged, or none of piper's.
    """

    def __init__(self, model: Path, config: Path, *, threads: int = 2) -> None:
        try:
            parsed = PiperConfig.from_dict(json.loads(config.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{config} is no configuration of a piper voice: {error!r}") from error
        session, self._decoder = load_vits(model, threads=threads)
        self._engine = piper.PiperVoice(session=session, config=parsed)
        self.rate = int(parsed.sample_rate)
        self._pace = float(parsed.length_scale)

    def sentences(self, text: str, stretch: float) -> Iterator[Sentence]:
        """Speaks sentence by sentence, `stretch` times as long as usual."""
        settings = SynthesisConfig(length_scale=self._pace * stretch)
        spoken = [[*sentence, " "] for sentence in self._engine.phonemize(text) if sentence]
        ends: list[int] | None = None
        begin = 0
        for phonemes in spoken:
            made, durations = self._engine.phoneme_ids_to_audio(
                self._engine.phonemes_to_ids(phonemes[:-1]), settings, include_alignments=True
            )
            words: tuple[int, ...] = ()
            last = begin + len(phonemes)
            if durations is not None:
                if ends is None:
                    ends = word_ends(
                        text.split(), [symbol for one in spoken for symbol in one], self._pronounce
                    )
                places = self._places(phonemes[:-1], durations)
                words = tuple(
                    int(places[min(end - begin, len(places) - 1)]) for end in ends if begin < end <= last
                )
            begin = last
            yield Sentence(words, self._sound(np.asarray(made, np.float32)))

    def _sound(self, made: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.float32]]:
        if self._decoder is None:
            yield made.reshape(-1)
        else:
            yield from self._decoder.sound(made.reshape(1, self._decoder.channels, -1), self.rate)

    def _places(self, phonemes: list[str], durations: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where in the sound the first n phonemes end, int64 (phonemes + 1,); each is followed by a blank."""
        known: Mapping[str, Sequence[int]] = self._engine.config.phoneme_id_map
        counts = [len(known[symbol]) + 1 if symbol in known else 0 for symbol in phonemes]
        ids = np.cumsum([2, *counts])
        sound = np.concatenate([[0], np.cumsum(durations)])
        # Of the blank behind a word half is taken to be its end.
        half = np.where(ids > 2, durations[np.minimum(ids, len(durations)) - 1] // 2, 0)
        places: npt.NDArray[np.int64] = sound[np.minimum(ids, len(durations))] - half
        return places

    def _pronounce(self, word: str) -> list[str]:
        return [symbol for sentence in self._engine.phonemize(word) for symbol in sentence]


class PiperVoice:
    """A character of a piper model; a second of speech takes about 60 ms on two cores, its beginning 50 to 90 ms.

    Args:
        model: shared by several voices.
        character: what sets this voice apart from the others.

    Raises:
        VoiceError: when the engine fails.
    """

    rate = VOICE_RATE

    def __init__(self, model: PiperModel, character: VoiceCharacter | None = None) -> None:
        self._model = model
        self._pitch = (character or VoiceCharacter()).pitch
        self._gain = self._usual_gain()

    def warm_up(self) -> None:
        """Makes the first clause as fast as the others."""
        list(self.synthesize("Hello there.", lambda: False))

    def synthesize(self, text: str, cancelled: Callable[[], bool]) -> Iterator[Piece]:
        """See `Voice`.

        Raises:
            VoiceError: when the engine fails.
        """
        for piece in pieces(speakable(text)):
            first = True
            for sentence in _checked(self._model.sentences(piece, self._pitch)):
                if cancelled():
                    return
                if not first:
                    yield Piece(gap_after("."))
                first = False
                delivery = Delivery(self._model.rate, round(self._model.rate * self._pitch), self._gain)
                words = sentence.words
                for samples in _checked(sentence.pieces):
                    if len(given := delivery.push(samples)):
                        yield Piece(given, tuple(map(delivery.played_at, words)))
                        words = ()
                    if cancelled():
                        return
                yield Piece(delivery.finish(), tuple(map(delivery.played_at, words)))
            if not first:
                yield Piece(gap_after(piece))

    def _usual_gain(self) -> float:
        """What brings an ordinary sentence of this voice to the loudness of all voices."""
        spoken = [
            samples
            for sentence in _checked(self._model.sentences(_ORDINARY, self._pitch))
            for samples in _checked(sentence.pieces)
        ]
        gain = loudness_gain(np.concatenate(spoken), self._model.rate) if spoken else None
        if gain is None:
            raise VoiceError("piper gave no sound")
        return gain


def _checked(parts: Iterator[T]) -> Iterator[T]:
    while True:
        try:
            part = next(parts, None)
        except Exception as error:  # onnxruntime's and the phonemiser's errors share no nearer base class
            raise VoiceError(f"piper failed: {error}") from error
        if part is None:
            return
        yield part
