"""What a person's ears report: speech starting, pausing, going on and ending, and the words in it.

Every `SpeechStarted` is followed, for the same turn, by exactly one `TurnCommitted` or `SpeechDiscarded`.
Instants are `time.monotonic_ns()`, the clock that both processes share.
"""

from dataclasses import dataclass

__all__ = [
    "PartialTranscript",
    "SpeechDiscarded",
    "SpeechEvent",
    "SpeechPaused",
    "SpeechStarted",
    "TurnCommitted",
    "TurnProposed",
    "TurnWithdrawn",
]


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Voice was confirmed; `at_ns` is the instant of its first sample."""

    turn: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    """What has been said so far, while the person still talks."""

    turn: str
    text: str


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The person fell silent; the words since the start of the turn are being transcribed."""

    turn: str
    speech_end_ns: int
    """End of the last voiced chunk."""
    paused_ns: int
    """When the pause was noticed."""


@dataclass(frozen=True, slots=True)
class TurnProposed:
    """The words up to a pause that may be the end of the turn."""

    turn: str
    text: str
    speech_end_ns: int
    paused_ns: int
    words_ns: int
    """When the words were known."""


@dataclass(frozen=True, slots=True)
class TurnWithdrawn:
    """The person went on after a pause, proposed or not; what comes next contains the whole turn."""

    turn: str


@dataclass(frozen=True, slots=True)
class TurnCommitted:
    """The turn is over and these are its words."""

    turn: str
    text: str
    speech_end_ns: int
    paused_ns: int
    words_ns: int
    decided_ns: int


@dataclass(frozen=True, slots=True)
class SpeechDiscarded:
    """What had started turned out to hold no words."""

    turn: str
    reason: str


SpeechEvent = (
    SpeechStarted
    | PartialTranscript
    | SpeechPaused
    | TurnProposed
    | TurnWithdrawn
    | TurnCommitted
    | SpeechDiscarded
)
