"""Piper (https://github.com/OHF-Voice/piper1-gpl): one model, several voices.

Synthesised slower by a factor and played faster by the same, the pace stays; pitch and formants move by it.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import piper
from piper.config import PiperConfig, SynthesisConfig

from media.speech.clip import VOICE_RATE, gap_after, level, resample, trim
from media.speech.sessions import ModelError, open_session
from media.speech.speakable import pieces, speakable
from media.speech.voice import VoiceCharacter, VoiceError

__all__ = ["PiperModel", "PiperVoice"]


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
        session = open_session(model, threads=threads, inputs={"input", "input_lengths", "scales"})
        self._engine = piper.PiperVoice(session=session, config=parsed)
        self.rate = int(parsed.sample_rate)
        self._pace = float(parsed.length_scale)

    def sentences(self, text: str, stretch: float) -> Iterator[npt.NDArray[np.float32]]:
        """Speaks sentence by sentence, `stretch` times as long as usual: float32 (n,) at the model's rate."""
        settings = SynthesisConfig(length_scale=self._pace * stretch, normalize_audio=False)
        for chunk in self._engine.synthesize(text, settings):
            samples: npt.NDArray[np.float32] = chunk.audio_float_array
            yield samples


class PiperVoice:
    """A character of a piper model; a second of speech takes about 60 ms on two cores.

    Args:
        model: shared by several voices.
        character: what sets this voice apart from the others.
    """

    rate = VOICE_RATE

    def __init__(self, model: PiperModel, character: VoiceCharacter | None = None) -> None:
        self._model = model
        self._pitch = (character or VoiceCharacter()).pitch

    def warm_up(self) -> None:
        """Makes the first clause as fast as the others."""
        for text in ("Hello there.", "Yes, I would say so, all in all."):
            list(self.synthesize(text, lambda: False))

    def synthesize(self, text: str, cancelled: Callable[[], bool]) -> Iterator[npt.NDArray[np.int16]]:
        """See `Voice`.

        Raises:
            VoiceError: when the engine fails.
        """
        played_rate = round(self._model.rate * self._pitch)
        for piece in pieces(speakable(text)):
            sentences = self._model.sentences(piece, self._pitch)
            first = True
            while not cancelled() and (samples := _next(sentences)) is not None:
                if not first:
                    yield gap_after(".")
                first = False
                spoken = trim(samples, self._model.rate)
                yield resample(level(spoken, self._model.rate), played_rate)
            if not first:
                yield gap_after(piece)


def _next(sentences: Iterator[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32] | None:
    try:
        return next(sentences, None)
    except Exception as error:  # onnxruntime's and the phonemiser's errors share no nearer base class
        raise VoiceError(f"piper failed: {error}") from error
