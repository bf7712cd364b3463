"""Piper (https://github.com/OHF-Voice/piper1-gpl): one model, several voices.

Synthesised slower by a factor and played faster by the same, the pace stays; pitch and formants move by it.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import piper
from piper.config import PiperConfig, SynthesisConfig

from media.speech.clip import VOICE_RATE, Delivery, gap_after, loudness_gain
from media.speech.sessions import ModelError
from media.speech.speakable import pieces, speakable
from media.speech.vits import load_vits
from media.speech.voice import VoiceCharacter, VoiceError

__all__ = ["PiperModel", "PiperVoice"]

_ORDINARY = "Yes, I would say so, all in all. What do you think of it?"

T = TypeVar("T")


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

    def sentences(self, text: str, stretch: float) -> Iterator[Iterator[npt.NDArray[np.float32]]]:
        """Speaks sentence by sentence, `stretch` times as long as usual.

        Yields:
            Each sentence as pieces of sound, float32 (n,) at the model's rate, the first as early as can be.
        """
        settings = SynthesisConfig(length_scale=self._pace * stretch)
        for phonemes in self._engine.phonemize(text):
            if phonemes:
                yield self._sound(self._engine.phonemes_to_ids(phonemes), settings)

    def _sound(self, ids: list[int], settings: SynthesisConfig) -> Iterator[npt.NDArray[np.float32]]:
        made = np.asarray(self._engine.phoneme_ids_to_audio(ids, settings), np.float32)
        if self._decoder is None:
            yield made.reshape(-1)
        else:
            yield from self._decoder.sound(made.reshape(1, self._decoder.channels, -1), self.rate)


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

    def synthesize(self, text: str, cancelled: Callable[[], bool]) -> Iterator[npt.NDArray[np.int16]]:
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
                    yield gap_after(".")
                first = False
                delivery = Delivery(self._model.rate, round(self._model.rate * self._pitch), self._gain)
                for samples in _checked(sentence):
                    yield delivery.push(samples)
                    if cancelled():
                        return
                yield delivery.finish()
            if not first:
                yield gap_after(piece)

    def _usual_gain(self) -> float:
        """What brings an ordinary sentence of this voice to the loudness of all voices."""
        spoken = [
            samples
            for sentence in _checked(self._model.sentences(_ORDINARY, self._pitch))
            for samples in _checked(sentence)
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
