"""Voices: from a clause of text to sound."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np
import numpy.typing as npt

from media.speech.clip import VOICE_RATE
from media.speech.speakable import pieces, speakable

__all__ = ["FakeVoice", "Piece", "Voice", "VoiceCharacter", "VoiceError"]


class VoiceError(Exception):
    """A clause could not be spoken."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of sound, and of the words that begin with it where they end.

    Attributes:
        samples: int16 (n,) mono at 48 kHz.
        words: where each of the words (`str.split` of what is read out) ends that begin with this piece, in samples
            after its first one; later pieces go on with them. Empty for these, and where the voice does not know.
    """

    samples: npt.NDArray[np.int16]
    words: tuple[int, ...] = ()


class Voice(Protocol):
    """Speaks clauses. Called in threads; each call is independent of the others."""

    @property
    def rate(self) -> int:
        """Samples a second of what it yields: 48000."""

    def synthesize(self, text: str, cancelled: Callable[[], bool]) -> Iterator[Piece]:
        """Speaks a clause.

        Args:
            text: markup and pictographs are left out; what cannot be pronounced yields nothing.
            cancelled: asked between pieces; once true, nothing more is yielded.

        Yields:
            Pieces to be played in a row, with the silence that a sentence's end calls for.

        Raises:
            VoiceError: when the engine fails.
        """


@dataclass(frozen=True, slots=True)
class VoiceCharacter:
    """What makes a voice of a model its own.

    Attributes:
        pitch: factor on pitch and formants, 0.7 to 1.5; intelligible throughout.
    """

    pitch: float = 1.0

    def __post_init__(self) -> None:
        """Refuses what would no longer sound like a person.

        Raises:
            ValueError: when the pitch is out of range.
        """
        if not 0.7 <= self.pitch <= 1.5:
            raise ValueError(f"a voice's pitch is a factor from 0.7 to 1.5, not {self.pitch}")


class FakeVoice:
    """Hums: each letter takes a fixed time, and every text of the same length sounds the same.

    Args:
        pitch: hertz of the tone.
        seconds_per_letter: how fast it speaks.
    """

    rate = VOICE_RATE

    def __init__(self, pitch: float = 220.0, seconds_per_letter: float = 0.06) -> None:
        self._pitch = pitch
        self._seconds_per_letter = seconds_per_letter
        self.spoken: list[str] = []

    def synthesize(self, text: str, cancelled: Callable[[], bool]) -> Iterator[Piece]:
        """See `Voice`."""
        for piece in pieces(speakable(text)):
            if cancelled():
                return
            self.spoken.append(piece)
            instants = np.arange(int(len(piece) * self._seconds_per_letter * VOICE_RATE)) / VOICE_RATE
            letters = accumulate(len(word) + 1 for word in piece.split())
            words = tuple(int(end * self._seconds_per_letter * VOICE_RATE) for end in letters)
            yield Piece((8000 * np.sin(2 * np.pi * self._pitch * instants)).astype(np.int16), words)
