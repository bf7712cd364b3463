"""What a person's ears report: speech starting, pausing, going on and ending, and the words in it.

Every `SpeechStarted` is followed, for the same turn, by exactly one `TurnCommitted` or `SpeechDiscarded`.
Instants are `time.monotonic_ns()`, the clock that both processes share.
"""

from dataclasses import dataclass

__all__ = [
    "PartialTranscript",
    "Speaker",
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
    acknowledges: bool = False
    """Whatever the words, it sounded like a laugh or a murmur: see `media.speech.backchannel.murmurs`."""


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The person fell silent; the words since the start of the turn are being transcribed."""

    turn: str
    speech_end_ns: int
    """End of the last voiced chunk."""
    paused_ns: int
    """When the pause was noticed."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose voice it was at a microphone that several people share.

    Attributes:
        id: of the voice, within the microphone; empty where nobody knows.
        label: for people: the name once it is learnt, else "Speaker 2", or "Somebody".
        name: the name; None as long as there is none.
        confidence: probability that it is this voice.
    """

    id: str
    label: str
    name: str | None
    confidence: float


@dataclass(frozen=True, slots=True)
class TurnProposed:
    """The words up to a pause that may be the end of the turn."""

    turn: str
    text: str
    speech_end_ns: int
    paused_ns: int
    words_ns: int
    """When the words were known."""
    speaker: Speaker | None = None
    """Who it was, at a microphone that is shared."""
    acknowledges: bool = False
    """As in `PartialTranscript`."""


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
    speaker: Speaker | None = None
    """Who it was, at a microphone that is shared."""
    acknowledges: bool = False
    """As in `PartialTranscript`."""
    speech_end: int = 0
    """Position in the ears ring of the end of the last voiced chunk."""


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
