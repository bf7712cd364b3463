"""Voice activity: how likely it is that 32 ms of sound hold a voice."""

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from media.speech.sessions import open_session

__all__ = ["CHUNK", "RATE", "FakeVoiceActivity", "SileroModel", "SileroVoiceActivity", "VoiceActivity"]

RATE = 16_000
"""Samples a second of everything a speech model gets."""
CHUNK = 512
"""Samples of one decision, 32 ms."""
CONTEXT = 64
"""Samples of the preceding chunk that Silero sees before each chunk."""


class VoiceActivity(Protocol):
    """A stateful detector, one a participant."""

    def probability(self, chunk: npt.NDArray[np.float32]) -> float:
        """Probability in [0, 1] that the chunk, float32 (512,) in [-1, 1] at 16 kHz, holds a voice."""

    def reset(self) -> None:
        """Forgets what came before: the next chunk does not follow the last one."""


class SileroModel:
    """The weights of Silero VAD (https://github.com/snakers4/silero-vad), shared by all participants.

    Args:
        path: `silero_vad.onnx`, version 5 or later.

    Raises:
        ModelError: when the file is missing or is no such model.
    """

    def __init__(self, path: Path) -> None:
        self._session = open_session(path, threads=1, inputs={"input", "state", "sr"})
        self._rate = np.array(RATE, np.int64)

    def run(
        self, window: npt.NDArray[np.float32], state: npt.NDArray[np.float32]
    ) -> tuple[float, npt.NDArray[np.float32]]:
        """One step: window float32 (1, 576) and state float32 (2, 1, 128) to probability and next state."""
        output, state = self._session.run(None, {"input": window, "state": state, "sr": self._rate})
        return float(output[0, 0]), state


class SileroVoiceActivity:
    """Silero for one participant; about 0.2 ms a chunk on one core.

    Args:
        model: the shared weights.
    """

    def __init__(self, model: SileroModel) -> None:
        self._model = model
        self._window = np.zeros((1, CONTEXT + CHUNK), np.float32)
        self._state = np.zeros((2, 1, 128), np.float32)

    def probability(self, chunk: npt.NDArray[np.float32]) -> float:
        """See `VoiceActivity`.

        Raises:
            ValueError: when the chunk is not 512 samples.
        """
        if chunk.shape != (CHUNK,):
            raise ValueError(f"a chunk is {CHUNK} samples, not {chunk.shape}")
        self._window[0, CONTEXT:] = chunk
        probability, self._state = self._model.run(self._window, self._state)
        self._window[0, :CONTEXT] = chunk[-CONTEXT:]
        return probability

    def reset(self) -> None:
        """See `VoiceActivity`."""
        self._window[:] = 0
        self._state = np.zeros((2, 1, 128), np.float32)


class FakeVoiceActivity:
    """Takes whatever is louder than a level for a voice: the script of a test is its sound.

    Args:
        level: root mean square from which on a chunk is voiced.
    """

    def __init__(self, level: float = 0.05) -> None:
        self._level = level
        self.resets = 0

    def probability(self, chunk: npt.NDArray[np.float32]) -> float:
        """See `VoiceActivity`."""
        return 0.95 if float(np.sqrt(np.mean(np.square(chunk)))) >= self._level else 0.02

    def reset(self) -> None:
        """See `VoiceActivity`."""
        self.resets += 1
