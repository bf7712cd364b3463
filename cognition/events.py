"""What a mind takes in and what it decides. Times are UTC and timezone-aware; ids are the room's participant ids."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["Answer", "Decline", "Heard", "Kind", "Read", "Said"]

Kind = Literal["person", "persona"]


@dataclass(frozen=True, slots=True)
class Heard:
    """A person said this aloud. `id` is the utterance's, where it has one.

    `to` are those who alone heard it, personas and the speaker too; None for all.
    """

    room: str
    participant: str
    name: str
    text: str
    at: datetime
    id: str = ""
    to: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody wrote this into the room. `id` is the message's."""

    room: str
    participant: str
    name: str
    text: str
    at: datetime
    id: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What was heard of a persona's words: with `interrupted`, only up to where it was cut off.

    `kind` is "chat" for what it wrote instead; `id` is then the message's. `to` is as in `Heard`.
    """

    room: str
    participant: str
    text: str
    at: datetime
    interrupted: bool = False
    id: str = ""
    kind: Literal["speech", "chat"] = "speech"
    to: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """This persona (participant id) answers; `reason` names the rule."""

    persona: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decline:
    """Nobody answers; `reason` names the rule."""

    reason: str
