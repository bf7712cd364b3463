"""The voices on one persona, counted, and kept up voice by voice: what they come to is known without reading them all.

Sums are kept for each person who is known, and for all others as one, so that a voice costs what its own person's days
cost and a standing what there are people, however many voices there are. The rules are those of
`cognition.persona.reputation`.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cognition.persona.reputation import (
    CROWD,
    DAY_S,
    DAY_WEIGHT,
    HALF_LIFE_S,
    KNOWN_DAYS,
    PERSON_WEIGHT,
    TASKS_A_DAY,
    Cell,
    Expertise,
    Level,
    Standing,
    Voice,
    next_level,
    quality_of,
)

__all__ = ["Tally", "cells_of"]


@dataclass(slots=True)
class _Said:
    """What one person, or the crowd, has said: by day, and what that weighed when the last of them began."""

    days: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    weighed: bool = True
    day: int = 0
    good: float = 0.0
    bad: float = 0.0

    def add(self, day: int, good: int, bad: int) -> None:
        counts = self.days[day]
        counts[0] += good
        counts[1] += bad
        if counts == [0, 0]:
            del self.days[day]
        self.weighed = False

    def weighs(self, now: float) -> tuple[float, float]:
        """The weights of the good and of the bad now, no more than one person's."""
        if not self.weighed:
            self._weigh()
        total = self.good + self.bad
        if total <= 0.0:
            return 0.0, 0.0
        faded = 0.5 ** (max(0.0, now - self.day * DAY_S) / HALF_LIFE_S)
        kept = PERSON_WEIGHT * -math.expm1(-total * faded / PERSON_WEIGHT) / total
        return self.good * kept, self.bad * kept

    def _weigh(self) -> None:
        self.weighed, self.day = True, max(self.days, default=0)
        weights = [self._weights(day, *counts) for day, counts in self.days.items()]
        self.good = math.fsum(good for good, _ in weights)
        self.bad = math.fsum(bad for _, bad in weights)

    def _weights(self, day: int, good: int, bad: int) -> tuple[float, float]:
        number, age = good + bad, (self.day - day) * DAY_S
        weight = DAY_WEIGHT * (1 - 0.5**number) * 0.5 ** (age / HALF_LIFE_S) / number
        return weight * good, weight * bad


class Tally:
    """See the module.

    Args:
        cells: the voices that count so far.
        days: by giver, the days on which they gave any voice, on whatever persona.
    """

    def __init__(self, cells: Iterable[Cell] = (), days: Mapping[str, int] | None = None) -> None:
        self._known = {giver for giver, number in (days or {}).items() if number >= KNOWN_DAYS}
        self._cells: dict[str, dict[tuple[int, str, bool], list[int]]] = {}
        """Good, bad and neither by giver, and by day, domain and whether it is on a task."""
        self._said: dict[str | None, dict[str, _Said]] = defaultdict(lambda: defaultdict(_Said))
        """By domain, None for all, and by person."""
        self._counts: Counter[str] = Counter()
        self._voices: Counter[str] = Counter()
        """Voices that say good or bad, by giver."""
        self._domains: Counter[str] = Counter()
        self._tasks: Counter[tuple[str, int]] = Counter()
        self._tasks_that_count = 0
        for cell in cells:
            self._add(cell)

    def change(self, voice: Voice, held: Voice | None) -> None:
        """Takes a voice in, in the place of one that is held, if any."""
        for one, by in ((held, -1), (voice, 1)):
            if one is not None:
                counts = [0, 0, 0]
                counts[0 if one.value > 0 else 1 if one.value < 0 else 2] = by
                self._add(Cell(one.giver, int(one.at // DAY_S), one.domain, one.task, *counts))

    def knows(self, giver: str, days: int) -> None:
        """A giver has given voices on so many days by now."""
        if days < KNOWN_DAYS or giver in self._known:
            return
        for (day, domain, task), (good, bad, _) in self._cells.get(giver, {}).items():
            self._weigh(CROWD, day, domain, task, -good, -bad)
        self._known.add(giver)
        for (day, domain, task), (good, bad, _) in self._cells.get(giver, {}).items():
            self._weigh(giver, day, domain, task, good, bad)

    def standing(self, *, now: float, before: Level = "novice", changed_at: float | None = None) -> Standing:
        """The standing of the persona.

        Args:
            now: seconds since 1970, UTC.
            before: its level so far.
            changed_at: when it came to that; None when it never had another.
        """
        good, bad = self._weights(None, now)
        quality, evidence = quality_of(good, bad), good + bad
        givers = self._voices.keys()
        known = len(givers & self._known)
        level = before
        if changed_at is None or now - changed_at >= DAY_S:
            level = next_level(before, quality, evidence, self._tasks_that_count, known)
        return Standing(
            level,
            quality,
            evidence,
            completed=self._counts["succeeded"] + self._counts["failed"] + self._counts["done"],
            succeeded=self._counts["succeeded"],
            failed=self._counts["failed"],
            praised=self._counts["praised"],
            criticised=self._counts["criticised"],
            givers=len(givers),
            known=known,
            expertise=self._expertise(now),
        )

    def _add(self, cell: Cell) -> None:
        key = (cell.day, cell.domain, cell.task)
        counts = self._cells.setdefault(cell.giver, {}).setdefault(key, [0, 0, 0])
        for place, number in enumerate((cell.good, cell.bad, cell.neither)):
            counts[place] += number
        names = ("succeeded", "failed", "done") if cell.task else ("praised", "criticised", "taken-back")
        self._counts.update(dict(zip(names, (cell.good, cell.bad, cell.neither), strict=True)))
        number = cell.good + cell.bad
        self._voices[cell.giver] += number
        if not self._voices[cell.giver]:
            del self._voices[cell.giver]
        self._domains[cell.domain] += number
        who = cell.giver if cell.giver in self._known else CROWD
        self._weigh(who, cell.day, cell.domain, cell.task, cell.good, cell.bad)

    def _weigh(self, who: str, day: int, domain: str, task: bool, good: int, bad: int) -> None:
        if good or bad:
            self._said[None][who].add(day, good, bad)
            if domain:
                self._said[domain][who].add(day, good, bad)
        if task:
            before = self._tasks[who, day]
            self._tasks[who, day] = after = before + good
            self._tasks_that_count += min(after, TASKS_A_DAY) - min(before, TASKS_A_DAY)

    def _weights(self, domain: str | None, now: float) -> tuple[float, float]:
        weights = [said.weighs(now) for said in self._said[domain].values()]
        # In whatever order they came, they come to the same.
        return math.fsum(good for good, _ in weights), math.fsum(bad for _, bad in weights)

    def _expertise(self, now: float) -> tuple[Expertise, ...]:
        found = [
            Expertise(domain, quality_of(*self._weights(domain, now)), count)
            for domain, count in self._domains.items()
            if domain and count
        ]
        return tuple(sorted(found, key=lambda one: (-one.quality, one.domain)))


def cells_of(voices: Iterable[Voice]) -> list[Cell]:
    """The voices that count, counted.

    Args:
        voices: all that were given on one persona, in the order in which they were.
    """
    latest = {(voice.giver, voice.subject): voice for voice in voices}
    cells: dict[tuple[str, int, str, bool], list[int]] = defaultdict(lambda: [0, 0, 0])
    for voice in latest.values():
        key = (voice.giver, int(voice.at // DAY_S), voice.domain, voice.task)
        cells[key][0 if voice.value > 0 else 1 if voice.value < 0 else 2] += 1
    return [Cell(*key, *counts) for key, counts in cells.items()]
