"""How far a persona is trusted, from what people said of it: a pure function of a ledger of their voices.

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
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
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
    "changed",
    "next_level",
    "quality_of",
    "standing",
    "tally",
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


def tally(voices: Iterable[Voice]) -> list[Cell]:
    """The voices that count, counted.

    Args:
        voices: all that were given on one persona, in the order in which they were.
    """
    latest = {(voice.giver, voice.subject): voice for voice in voices}
    cells: dict[tuple[str, int, str, bool], list[int]] = defaultdict(lambda: [0, 0, 0])
    for voice in latest.values():
        key = (voice.giver, int(voice.at // DAY_S), voice.domain, voice.task)
        cells[key][_place(voice.value)] += 1
    return [Cell(*key, *counts) for key, counts in cells.items()]


def changed(cells: Iterable[Cell], voice: Voice, held: Voice | None) -> list[Cell]:
    """The cells after a voice that takes the place of one that is held, if any."""
    cells = list(cells)
    for one, by in ((held, -1), (voice, 1)):
        if one is not None:
            counts = [0, 0, 0]
            counts[_place(one.value)] = by
            cells.append(Cell(one.giver, int(one.at // DAY_S), one.domain, one.task, *counts))
    return cells


def _place(value: int) -> int:
    return 0 if value > 0 else 1 if value < 0 else 2


def standing(
    cells: Iterable[Cell],
    *,
    now: float,
    days: Mapping[str, int],
    before: Level = "novice",
    changed_at: float | None = None,
) -> Standing:
    """The standing of one persona.

    Args:
        cells: the voices that count, see `tally` and `changed`.
        now: seconds since 1970, UTC.
        days: by giver, the days on which they gave any voice, on whatever persona.
        before: its level so far.
        changed_at: when it came to that; None when it never had another.
    """
    cells = list(cells)
    people: Counter[str] = Counter()
    praised = criticised = succeeded = failed = done = 0
    for cell in cells:
        people[cell.giver] += cell.good + cell.bad
        if cell.task:
            succeeded, failed, done = succeeded + cell.good, failed + cell.bad, done + cell.neither
        else:
            praised, criticised = praised + cell.good, criticised + cell.bad
    givers = {giver for giver, number in people.items() if number}
    known = {giver for giver in givers if days.get(giver, 0) >= KNOWN_DAYS}
    good, bad = _weigh(cells, known, now)
    quality, evidence = quality_of(good, bad), good + bad
    level = before
    if changed_at is None or now - changed_at >= DAY_S:
        level = next_level(before, quality, evidence, _tasks_that_count(cells, known), len(known))
    return Standing(
        level,
        quality,
        evidence,
        completed=succeeded + failed + done,
        succeeded=succeeded,
        failed=failed,
        praised=praised,
        criticised=criticised,
        givers=len(givers),
        known=len(known),
        expertise=_expertise(cells, known, now),
    )


def _expertise(cells: Iterable[Cell], known: set[str], now: float) -> tuple[Expertise, ...]:
    domains: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.domain:
            domains[cell.domain].append(cell)
    found = []
    for domain, about in domains.items():
        if count := sum(cell.good + cell.bad for cell in about):
            found.append(Expertise(domain, quality_of(*_weigh(about, known, now)), count))
    return tuple(sorted(found, key=lambda one: (-one.quality, one.domain)))


def _weigh(cells: Iterable[Cell], known: set[str], now: float) -> tuple[float, float]:
    """The weights of the good and of the bad voices."""
    by_day: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for cell in cells:
        counts = by_day[cell.giver if cell.giver in known else CROWD, cell.day]
        counts[0] += cell.good
        counts[1] += cell.bad
    by_giver: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for (giver, day), (good, bad) in by_day.items():
        if number := good + bad:
            age = max(0.0, now - day * DAY_S)
            weight = DAY_WEIGHT * (1 - 0.5**number) * 0.5 ** (age / HALF_LIFE_S) / number
            sums = by_giver[giver]
            sums[0] += weight * good
            sums[1] += weight * bad
    all_good = all_bad = 0.0
    for good_weight, bad_weight in by_giver.values():
        total = good_weight + bad_weight
        kept = PERSON_WEIGHT * -math.expm1(-total / PERSON_WEIGHT) / total if total else 0.0
        all_good += good_weight * kept
        all_bad += bad_weight * kept
    return all_good, all_bad


def _tasks_that_count(cells: Iterable[Cell], known: set[str]) -> int:
    done: Counter[tuple[str, int]] = Counter()
    for cell in cells:
        if cell.task:
            done[cell.giver if cell.giver in known else CROWD, cell.day] += cell.good
    return sum(min(number, TASKS_A_DAY) for number in done.values())
