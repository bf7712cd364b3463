"""What a mind takes in and what it decides. Times are UTC and timezone-aware; ids are the room's participant ids."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = [
    "Answer",
    "Arrived",
    "Declined",
    "Event",
    "Feedback",
    "Heard",
    "Kind",
    "Left",
    "Read",
    "Said",
]

Kind = Literal["person", "persona"]


@dataclass(frozen=True, slots=True)
class Heard:
    """A person said this aloud. `id` is the utterance's, where it has one.

    `to` are those who alone heard it, personas and the speaker too; None for all. At a microphone that several share
    `speaker` is the id of the voice among them, and `name` what that voice is called; it is empty elsewhere.

    `there` are the people who were there when it began: who came later has not heard it. None: whoever is there now.
    """

    room: str
    participant: str
    name: str
    text: str
    at: datetime
    id: str = ""
    to: frozenset[str] | None = None
    speaker: str = ""
    there: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody wrote this into the room. `id` is the message's; `there` is as in `Heard`."""

    room: str
    participant: str
    name: str
    text: str
    at: datetime
    id: str = ""
    there: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What was heard of a persona's words: with `interrupted`, only up to where it was cut off.

    `kind` is "chat" for what it wrote instead; `id` is then the message's. `to` and `there` are as in `Heard`.
    `answers` is the person's line that it answers, by their participant id and its id; None where it answers none, or
    says that it does not.
    """

    room: str
    participant: str
    text: str
    at: datetime
    interrupted: bool = False
    id: str = ""
    kind: Literal["speech", "chat"] = "speech"
    to: frozenset[str] | None = None
    answers: tuple[str, str] | None = None
    there: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """This persona (participant id) answers; `reason` names the rule, `urgency` (0 to 1) how much it matters."""

    persona: str
    reason: str
    urgency: float = 1.0


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody is in the room and can hear. `id` is the same when it is told again, after a restart."""

    room: str
    participant: str
    name: str
    at: datetime
    id: str = ""
    greeted: bool = False
    """Nobody needs to greet them: they were here before, or somebody has greeted them."""


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody has left the room."""

    room: str
    participant: str
    name: str
    at: datetime
    id: str = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """A persona was asked and does not answer; `line` is the id of what it was asked by, others may take it."""

    room: str
    persona: str
    line: str
    reason: str
    at: datetime
    id: str = ""


@dataclass(frozen=True, slots=True)
class Feedback:
    """A person's judgement of a persona: 1 is praise, -1 blame; `line` is the id of what it is about, if any."""

    room: str
    participant: str
    persona: str
    value: Literal[-1, 1]
    at: datetime
    line: str = ""
    id: str = ""


Event = Heard | Read | Said | Arrived | Left | Declined | Feedback
"""Everything that happens to a persona and that it lives through."""
