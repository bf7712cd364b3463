"""End of turn: whether an utterance sounds finished, and whether its last sentence reads as finished."""

import re
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from media.speech.mel import log_mel
from media.speech.sessions import open_session
from media.speech.vad import RATE

__all__ = ["Completeness", "FakeTurnModel", "SmartTurn", "TurnModel", "completeness"]


class TurnModel(Protocol):
    """Judges by the sound of an utterance whether its speaker has finished."""

    def complete(self, utterance: npt.NDArray[np.float32]) -> float:
        """Probability in [0, 1] that the speaker of float32 (n,) at 16 kHz has finished."""


class SmartTurn:
    """Smart Turn v3 (https://github.com/pipecat-ai/smart-turn): about 90 ms a decision on one core.

    Its input is the log-mel spectrogram of the last 8 s, brought to zero mean and unit variance, with silence
    in front of what is shorter. It was trained on pauses of 0.2 s; so much silence is put behind an utterance, which
    is judged as soon as it pauses.

    Args:
        path: `smart-turn-v3.2-cpu.onnx`.
        threads: cores of one decision.

    Raises:
        ModelError: when the file is missing or is no such model.
    """

    SECONDS = 8
    TRAILING = RATE // 5

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._session = open_session(path, threads=threads, inputs={"input_features"})

    def complete(self, utterance: npt.NDArray[np.float32]) -> float:
        """See `TurnModel`."""
        return float(self._session.run(None, {"input_features": self.features(utterance)})[0].flat[0])

    def warm_up(self) -> None:
        """Makes the first decision as fast as the others."""
        self.complete(np.zeros(RATE, np.float32))

    @classmethod
    def features(cls, utterance: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """What the model sees: float32 (1, 80, 800)."""
        window = np.zeros(cls.SECONDS * RATE, np.float32)
        last = utterance[-(len(window) - cls.TRAILING) :]
        if len(last):
            window[-len(last) - cls.TRAILING : -cls.TRAILING] = last
        window = (window - window.mean()) / np.sqrt(window.var() + 1e-7)
        return log_mel(window.astype(np.float32))[None]


class FakeTurnModel:
    """Judges as it is told.

    Args:
        judge: from the utterance to the probability.
    """

    def __init__(self, judge: Callable[[npt.NDArray[np.float32]], float] = lambda _: 0.9) -> None:
        self._judge = judge

    def complete(self, utterance: npt.NDArray[np.float32]) -> float:
        """See `TurnModel`."""
        return self._judge(utterance)


class Completeness(Enum):
    """How the words of an utterance end."""

    COMPLETE = auto()
    OPEN = auto()
    UNFINISHED = auto()


_NEVER_LAST = frozenset(
    "and or but because cause if when while unless until than whether the a an my your our their i'm you're "
    "we're they're he's she's it's there's i'll we'll you'll i'd uh um er erm hmm very gonna wanna lemme let's "
    "every".split()
)
_SELDOM_LAST = frozenset(
    "to of for with from at by about into between without in on is are was were be been am has have had do "
    "does did can could would should will may might must not just also maybe which who whose what where that "
    "i you we they he she it his its like mean then so well quite though although since as".split()
)
_COMPLETE_ENDS = re.compile(
    r"^(what|who|where|why|how|so what|so|me|you|i do|i am|i will|i can|yes i do|it is|they are|that|come in"
    r"|go on|me too|thank you|i like it|i know it|of course i do)$|\b(think|hope|guess|believe|said|as) (so|well)$"
    r"|\b(of|for|to|with|about|like|see|know|need|want|help|tell|understand|mean|do|did|is|was) (it|you)$"
)


def completeness(text: str) -> Completeness:
    """Judges by the words alone whether a sentence is finished.

    The transcriber writes a full stop after nearly everything; the last word counts for more.
    """
    stripped = text.strip().rstrip("\"'”’)")
    words = re.findall(r"[a-z']+|\d+", stripped.lower().replace("’", "'"))
    if not words:
        return Completeness.OPEN
    last, mark = words[-1], stripped[-1]
    if stripped.endswith(("...", "…", ",", "-", "–", "—", ":", ";")):
        return Completeness.UNFINISHED
    if mark == "?":
        return (
            Completeness.UNFINISHED
            if last in ("and", "or", "but", "because", "the", "a")
            else Completeness.COMPLETE
        )
    if last in _NEVER_LAST and not _COMPLETE_ENDS.search(" ".join(words)):
        return Completeness.UNFINISHED
    if mark in ".!" and (last not in _SELDOM_LAST or _COMPLETE_ENDS.search(" ".join(words))):
        return Completeness.COMPLETE
    return Completeness.OPEN
