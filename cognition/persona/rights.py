"""What a persona has a right to, as rules: rest, declining, its work carrying its name. Pure.

Privacy is a type of its own, `cognition.persona.notes`. Growth, that what a persona has lived is never taken from it
by an edit of its profile, a pause, or its removal and return, is kept by `cognition.persona.life`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

__all__ = [
    "MAX_OVERRIDE",
    "REST_BELOW",
    "REST_UNTIL",
    "DeclineReason",
    "Override",
    "RightsError",
    "Work",
    "declining",
    "resting_words",
]

REST_BELOW = 0.2
"""Energy below which a persona rests: the lower threshold of the two-process model."""
REST_UNTIL = 0.6
"""Energy at which it has rested enough; the distance to the lower one keeps it from nodding off again at once."""
MAX_OVERRIDE = timedelta(hours=1)
"""How long an operator may keep a persona from its rest."""
MAX_WHY = 300
"""Characters of a reason."""

DeclineReason = Literal["resting"]

_DECLINING: dict[DeclineReason, str] = {"resting": "I need some rest just now"}


class RightsError(ValueError):
    """An order or a work that a persona's rights do not allow; the message says why."""


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's order against a persona's rest, for the record.

    Raises:
        RightsError: nobody answers for it, no reason is given, or it is without an end.
    """

    persona: str
    by: str
    why: str
    at: datetime
    until: datetime

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.why.strip():
            raise RightsError("whoever keeps a persona from its rest says who they are and why")
        if len(self.why) > MAX_WHY:
            raise RightsError(f"a reason has at most {MAX_WHY} characters")
        if not self.at < self.until <= self.at + MAX_OVERRIDE:
            raise RightsError(f"a persona is kept from its rest for {MAX_OVERRIDE} at most")


@dataclass(frozen=True, slots=True)
class Work:
    """Something a persona made: it carries its name, wherever it goes.

    Raises:
        RightsError: it names nobody.
    """

    persona: str
    author: str
    text: str
    at: datetime

    def __post_init__(self) -> None:
        if not self.persona or not self.author.strip():
            raise RightsError("a work names who made it")


def declining(reason: DeclineReason, others: Iterable[str] = ()) -> str:
    """What a persona says when it does not do what it was asked.

    Args:
        reason: why.
        others: names of the personas that may take it.
    """
    names = [name for name in others if name.strip()]
    said = _DECLINING[reason]
    if not names:
        return f"Sorry, {said}."
    return f"Sorry, {said}. Perhaps {' or '.join(names[:2])} can take it."


def resting_words(name: str, others: Iterable[str] = ()) -> str:
    """What a persona says before it rests."""
    company = " or ".join([each for each in others if each.strip()][:2])
    stay = f" {company} will stay with you." if company else ""
    return f"I am tired and will rest a little.{stay} Call {name} again in a few minutes."
