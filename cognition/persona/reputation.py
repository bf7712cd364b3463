"""How far a persona is trusted, from what people said of it: the rules; `cognition.persona.tally` counts by them.

A voice is one person's word on one thing: a line that the persona said, a task that it did for them, or how it was on a
day. Their later word on the same thing replaces the earlier. Nothing else is evidence: what a persona says or does
by itself, and what another persona thinks of it, is none.

No single person decides, however often they speak: the n-th voice of one person on one day counts half of the one
before it, so that a day of theirs has the weight of `DAY_WEIGHT` at most and all their days that of `PERSON_WEIGHT`.
People of whom the ledger knows fewer than `KNOWN_DAYS` days count together as one person, since names are free. A
level is risen to and fallen from one step a day at most, at thresholds that lie apart. Voices fade with `HALF_LIFE_S`.

Quality is the lower bound of Wilson's score interval (E. B. Wilson, JASA 22, 1927; one-sided 90 %) over the weights,
with one voice of each kind in advance (Laplace's rule): few voices say little.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = [
    "CROWD",
    "DAY_S",
    "DAY_WEIGHT",
    "HALF_LIFE_S",
    "KNOWN_DAYS",
    "LEVELS",
    "PERSON_WEIGHT",
    "Cell",
    "Expertise",
    "Level",
    "Standing",
    "Voice",
    "next_level",
    "quality_of",
]

Level = Literal["novice", "trusted", "expert", "autonomous"]
"""How far a persona is trusted; see `LEVELS` for their order."""

LEVELS: tuple[Level, ...] = get_args(Level)
"""All levels, the least first."""

DAY_S = 86_400.0
HALF_LIFE_S = 60 * DAY_S
"""Seconds in which a voice loses half of its weight."""
KNOWN_DAYS = 3
"""Days, not necessarily in a row, on which a person must have given a voice to count on their own."""
DAY_WEIGHT = 1.0
"""What all voices of a person on one day weigh at most."""
PERSON_WEIGHT = 8.0
"""What all voices of a person weigh at most."""
TASKS_A_DAY = 3
"""Tasks of one person on one day that count for a level, done well or not."""
CROWD = ""
"""Stands for all people who are not known yet."""

_Z = 1.2816
"""One-sided 90 % of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One person's word on one thing.

    Attributes:
        giver: who gives it; the same person is the same everywhere.
        subject: what it is on; one voice of a giver counts for each.
        value: 1 for good, -1 for not; 0 for feedback taken back, or a task done of which nobody has said how well.
        at: seconds since 1970, UTC.
        domain: the field of expertise that it is about; empty for none.
        task: whether the subject is a task.
    """

    giver: str
    subject: str
    value: int
    at: float
    domain: str = ""
    task: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """How many voices of one giver on one day on one domain count.

    Attributes:
        giver: as in `Voice`.
        day: days since 1970, UTC.
        domain: as in `Voice`.
        task: as in `Voice`.
        good: those of value 1; fewer than none where one was replaced that another cell holds.
        bad: those of value -1.
        neither: those of value 0.
    """

    giver: str
    day: int
    domain: str
    task: bool
    good: int
    bad: int
    neither: int


@dataclass(frozen=True, slots=True)
class Expertise:
    """How a persona does in one domain: see `Standing`; `count` are the voices on it."""

    domain: str
    quality: float
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger says of a persona at one moment.

    Attributes:
        level: how far it is trusted.
        quality: 0 to 1, a careful estimate of how many of its people it serves well.
        evidence: weight of the voices behind it.
        completed: tasks done for people.
        succeeded: those of which people said that they were done well.
        failed: those of which they said that they were not.
        praised: voices for it on lines and days.
        criticised: voices against it.
        givers: people who gave any voice.
        known: those of them who count on their own.
        expertise: by domain, the best first.
    """

    level: Level = "novice"
    quality: float = 0.0
    evidence: float = 0.0
    completed: int = 0
    succeeded: int = 0
    failed: int = 0
    praised: int = 0
    criticised: int = 0
    givers: int = 0
    known: int = 0
    expertise: tuple[Expertise, ...] = ()


@dataclass(frozen=True, slots=True)
class _Bar:
    """What a level asks for: quality, evidence, tasks done well, known people."""

    quality: float
    evidence: float
    tasks: int
    people: int

    def is_met(self, quality: float, evidence: float, tasks: int, people: int) -> bool:
        return (
            quality >= self.quality
            and evidence >= self.evidence
            and tasks >= self.tasks
            and people >= self.people
        )


_RISE = (_Bar(0, 0, 0, 0), _Bar(0.5, 3, 0, 1), _Bar(0.65, 8, 3, 2), _Bar(0.78, 20, 10, 3))
"""What it takes to get to each level."""
_KEEP = (_Bar(0, 0, 0, 0), _Bar(0.4, 1, 0, 0), _Bar(0.55, 4, 0, 1), _Bar(0.68, 10, 0, 2))
"""What it takes to stay there."""


def quality_of(good: float, bad: float) -> float:
    """The quality that weights of good and bad voices show, 0 to 1; with none some 0.16."""
    total = good + bad + 2
    share, z2 = (good + 1) / total, _Z * _Z
    spread = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, (share + z2 / (2 * total) - spread) / (1 + z2 / total))


def next_level(before: Level, quality: float, evidence: float, tasks: int, people: int) -> Level:
    """The level after `before`: one step up, one down, or the same.

    Args:
        before: the level so far.
        quality: as in `Standing`.
        evidence: as in `Standing`.
        tasks: tasks done well, at most `TASKS_A_DAY` a person and day.
        people: known people who gave a voice.
    """
    at = LEVELS.index(before)
    if at + 1 < len(LEVELS) and _RISE[at + 1].is_met(quality, evidence, tasks, people):
        return LEVELS[at + 1]
    return before if _KEEP[at].is_met(quality, evidence, tasks, people) else LEVELS[at - 1]
