"""Patience: how much silence ends a speaker's turn, from what is known of a pause and of the one who makes it."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from media.speech.end_of_turn import silence_to_wait

__all__ = ["AdaptivePatience", "FixedPatience", "Patience", "Pause"]

PAUSES_KEPT = 8


@dataclass(frozen=True, slots=True)
class Pause:
    """What is known of a pause that may be the end of a turn.

    Attributes:
        text: the words of the turn so far; empty while they are not known.
        probability: the turn model's, that the speaker has finished; None while it has not answered.
    """

    text: str
    probability: float | None


class Patience(Protocol):
    """One speaker's. Asked again whenever more is known of a pause."""

    def wait(self, pause: Pause) -> float:
        """Seconds of silence, from the last voiced sample on, that end the turn."""

    def asked(self, question: str) -> None:
        """Somebody has just said this to the speaker: what comes next may be the answer."""

    def went_on(self, silence: float) -> None:
        """The speaker went on after so many seconds of silence."""


class FixedPatience:
    """A plain silence timeout.

    Args:
        seconds: of silence that end every turn.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def wait(self, pause: Pause) -> float:
        """See `Patience`."""
        return self._seconds

    def asked(self, question: str) -> None:
        """See `Patience`."""

    def went_on(self, silence: float) -> None:
        """See `Patience`."""


class AdaptivePatience:
    """Waits by the words, the sound and the speaker's own pauses."""

    def __init__(self) -> None:
        self._pauses: deque[float] = deque(maxlen=PAUSES_KEPT)

    def wait(self, pause: Pause) -> float:
        """See `Patience`."""
        probability = 0.5 if pause.probability is None else pause.probability
        return silence_to_wait(probability, pause.text, self._pauses)

    def asked(self, question: str) -> None:
        """See `Patience`."""

    def went_on(self, silence: float) -> None:
        """See `Patience`."""
        self._pauses.append(silence)
