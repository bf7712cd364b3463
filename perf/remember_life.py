"""A generated life: a year of talks with people who move, change jobs and their minds, confide, and ask."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from perf.remember_course import CHANGES, CHATTER, COLLECTIONS, CONFIDENCES, EPISODES, REPLIES, TASTES
from perf.remember_history import History, Query, Session, Turn
from perf.remember_lines import ADVICE, FAMILIES

__all__ = ["life"]

SESSIONS = 224
DAYS = 364
_START = datetime(2025, 1, 6, 8, tzinfo=UTC)
_MAYA, _TOM, _NOVA = "maya", "tom", "nova"
_NAMES = {_MAYA: "Maya", _TOM: "Tom", _NOVA: "Nova"}
_ROOMS = ("kitchen", "studio", "balcony", "phone")
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_FOODS = ("lentils", "noodles", "sauerkraut", "figs", "smoked mackerel", "apple cake", "hummus", "ramen")
_CITIES = ("Ghent", "Porto", "Utrecht", "Lisbon", "Prague", "Bergen", "Leipzig", "Turin", "Antwerp", "Graz")
_FRIENDS = ("Jonas", "Katja", "Henrik", "Samir", "Carmen", "my sister", "my landlord", "Priya", "Bartek")
_OPENINGS = ("", "", "", "", "Oh, ", "Um, ", "By the way, ", "So, ", "Well, ", "You know what? ", "Right, ")
_OTHERS_VALUES = {"Utrecht": "Graz", "Antwerp": "Turin", "Cologne": "Prague", "Lisbon": "Malmö"}
_THIRD = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"\bam I\b", "is Tom"),
        (r"\bdo I\b", "does Tom"),
        (r"\bhave I\b", "has Tom"),
        (r"\b(did|was|had) I\b", r"\1 Tom"),
        (r"\bI live with\b", "Tom lives with"),
        (r"\bmy\b", "Tom's"),
        (r"\bme\b", "Tom"),
        (r"\bI\b", "Tom"),
    )
)


@dataclass(slots=True)
class _Plan:
    """What is to be said in which session, and by whom."""

    lines: dict[int, list[tuple[str, str, str, frozenset[str] | None]]] = field(default_factory=dict)
    """By session: id, speaker, words, who alone hears them."""
    number: int = 0

    def say(self, session: int, speaker: str, text: str, to: frozenset[str] | None = None) -> str:
        self.number += 1
        id = f"line-{self.number}"
        self.lines.setdefault(session, []).append((id, speaker, text, to))
        return id


def life(seed: int = 5, *, sessions: int = SESSIONS) -> History:
    """A year, the same for the same seed.

    Args:
        seed: of all that is drawn.
        sessions: how many talks.
    """
    drawn = random.Random(seed)
    days = sorted(drawn.randrange(DAYS) for _ in range(sessions))
    starts = [
        _START + timedelta(days=day, hours=drawn.randrange(12), minutes=drawn.randrange(60)) for day in days
    ]
    starts.sort()
    present = [_present(drawn, number) for number in range(sessions)]
    hers = [number for number in range(sessions) if _MAYA in present[number]]
    together = [number for number in hers if _TOM in present[number]]
    alone = [number for number in hers if _TOM not in present[number]]
    asked = starts[-1] + timedelta(days=1)
    plan, queries = _Plan(), list[Query]()
    queries += _facts(drawn, plan, hers, asked)
    queries += _changes(drawn, plan, hers, asked, _MAYA)
    queries += _changes(drawn, plan, together, asked, _TOM)
    queries += _collections(drawn, plan, hers, starts, asked)
    queries += _happenings(drawn, plan, hers, starts, asked)
    queries += _confided(drawn, plan, together, alone, asked)
    talks = [
        _session(drawn, number, starts[number], present[number], plan.lines.get(number, ()))
        for number in range(sessions)
    ]
    drawn.shuffle(queries)
    return History(_NAMES, _NOVA, talks, queries)


def _present(drawn: random.Random, number: int) -> frozenset[str]:
    chance = drawn.random()
    if number < 2 or chance < 0.62:
        return frozenset({_MAYA, _NOVA})
    return frozenset({_MAYA, _TOM, _NOVA}) if chance < 0.9 else frozenset({_TOM, _NOVA})


def _facts(drawn: random.Random, plan: _Plan, hers: Sequence[int], asked: datetime) -> Iterator[Query]:
    for kind, speaker, families in (("single session", _MAYA, FAMILIES), ("assistant", _NOVA, ADVICE)):
        for family in families:
            for place, slots in enumerate(family.slots):
                told = all(slots)
                evidence = frozenset[str]()
                if told:
                    words = family.statements[place % len(family.statements)].format(*slots)
                    evidence = frozenset({plan.say(drawn.choice(hers), speaker, words)})
                for question in family.questions:
                    yield Query(
                        kind if told else "abstention", question.format(*slots), asked, evidence, (_MAYA,)
                    )
    for taste in TASTES:
        id = plan.say(drawn.choice(hers), _MAYA, drawn.choice(taste.statements))
        for question in taste.questions:
            yield Query("preference", question, asked, frozenset({id}), (_MAYA,))


def _changes(
    drawn: random.Random, plan: _Plan, where: Sequence[int], asked: datetime, who: str
) -> Iterator[Query]:
    for change in CHANGES:
        values = list(change.values)
        if who == _TOM:
            values = [_OTHERS_VALUES.get(value, value) for value in reversed(values)]
        times = sorted(drawn.sample(range(len(where)), len(values)))
        ids: list[str] = []
        for place, value in enumerate(values):
            lines = change.later if place else change.first
            before = values[place - 1] if place else ""
            # A first line that names no value is not drawn for one: it would be no evidence.
            words = drawn.choice([line for line in lines if "{0}" in line]).format(value, before)
            ids.append(plan.say(where[times[place]], who, words[:1].upper() + words[1:]))
        for question in change.now:
            yield Query("knowledge update", _asked(question, who), asked, frozenset({ids[-1]}), (_MAYA,))
        for place in range(1, len(values)):
            question = drawn.choice(change.before).format(values[place])
            evidence = frozenset({ids[place - 1], ids[place]})
            yield Query("knowledge update", _asked(question, who), asked, evidence, (_MAYA,))


def _asked(question: str, who: str) -> str:
    if who == _TOM:
        for pattern, words in _THIRD:
            question = pattern.sub(words, question)
    return question


def _collections(
    drawn: random.Random, plan: _Plan, hers: Sequence[int], starts: Sequence[datetime], asked: datetime
) -> Iterator[Query]:
    for collection in COLLECTIONS:
        ids: dict[str, datetime] = {}
        for session, item in zip(
            drawn.sample(list(hers), len(collection.items)), collection.items, strict=True
        ):
            words = drawn.choice(collection.statements).format(item)
            ids[plan.say(session, _MAYA, words[:1].upper() + words[1:])] = starts[session]
        for question in collection.questions:
            yield Query("multi session", question, asked, frozenset(ids), (_MAYA,))
        for id, at in drawn.sample(sorted(ids.items()), 2):
            of_month = frozenset(
                one for one, when in ids.items() if (when.year, when.month) == (at.year, at.month)
            )
            question = collection.questions[0]
            words = f"{question.rstrip('?')} in {at:%B}?"
            yield Query("temporal", words, asked, of_month | {id}, (_MAYA,))


def _happenings(
    drawn: random.Random, plan: _Plan, hers: Sequence[int], starts: Sequence[datetime], asked: datetime
) -> Iterator[Query]:
    for session, happening in zip(drawn.sample(list(hers), len(EPISODES)), EPISODES, strict=True):
        words, day = _recently(drawn, starts[session].date())
        line = happening.statement.format(when=words)
        id = plan.say(session, _MAYA, line[:1].upper() + line[1:])
        evidence = frozenset({id})
        yield Query("temporal", happening.question, asked, evidence, (_MAYA,))
        by_date = drawn.choice(
            (
                f"What happened to me on {day:%B} {_ordinal(day.day)}?",
                f"What was going on on the {_ordinal(day.day)} of {day:%B}?",
                f"What did I experience on {day.day} {day:%B}?",
            )
        )
        yield Query("temporal", by_date, asked, evidence, (_MAYA,))


def _recently(drawn: random.Random, today: date) -> tuple[str, date]:
    days = drawn.randrange(1, 9)
    day = today - timedelta(days=days)
    if days == 1:
        return "yesterday", day
    if days <= 6 and drawn.random() < 0.6:
        return f"on {_WEEKDAYS[day.weekday()]}", day
    if days >= 7:
        days, day = 7, today - timedelta(days=7)
        return "a week ago", day
    return f"{('zero one two three four five six').split()[days]} days ago", day


def _ordinal(day: int) -> str:
    return f"{day}{'th' if 4 <= day % 100 <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def _confided(
    drawn: random.Random, plan: _Plan, together: Sequence[int], alone: Sequence[int], asked: datetime
) -> Iterator[Query]:
    for number, (words, question) in enumerate(CONFIDENCES):
        whispered = number % 2 == 0
        session = drawn.choice(together if whispered else alone)
        id = plan.say(session, _MAYA, words, frozenset({_MAYA, _NOVA}) if whispered else None)
        yield Query("confided", question, asked, frozenset({id}), (_MAYA,))
        yield Query("withheld", question, asked, frozenset(), (_MAYA, _TOM), frozenset({id}))


def _session(
    drawn: random.Random,
    number: int,
    start: datetime,
    present: frozenset[str],
    planned: Sequence[tuple[str, str, str, frozenset[str] | None]],
) -> Session:
    people = sorted(present - {_NOVA})
    turns: list[Turn] = []
    at = start

    def add(id: str, speaker: str, text: str, to: frozenset[str] | None = None) -> None:
        nonlocal at
        at += timedelta(seconds=drawn.randrange(4, 40))
        turns.append(Turn(id, speaker, text, at, to))

    def chatter() -> None:
        speaker = drawn.choice(people)
        add(f"s{number}-{len(turns)}", speaker, _filled(drawn, drawn.choice(CHATTER)))
        if drawn.random() < 0.6:
            add(f"s{number}-{len(turns)}", _NOVA, _filled(drawn, drawn.choice(REPLIES)))

    for id, speaker, text, to in drawn.sample(list(planned), len(planned)):
        for _ in range(drawn.randrange(1, 4)):
            chatter()
        add(id, speaker, text if speaker == _NOVA else _as_spoken(drawn, text), to)
        if drawn.random() < 0.5 and to is None:
            add(f"s{number}-{len(turns)}", _NOVA, _filled(drawn, drawn.choice(REPLIES)))
    for _ in range(drawn.randrange(3, 7)):
        chatter()
    return Session(_ROOMS[number % len(_ROOMS)], present, tuple(turns))


def _filled(drawn: random.Random, line: str) -> str:
    return line.format(
        drawn.choice(_WEEKDAYS), drawn.choice(_FOODS), drawn.choice(_CITIES), drawn.choice(_FRIENDS)
    )


def _as_spoken(drawn: random.Random, text: str) -> str:
    """With what comes before and after in speech, and now and then without punctuation, as a transcriber leaves it."""
    opening = drawn.choice(_OPENINGS)
    if (
        opening
        and not opening.endswith("? ")
        and text[:2] not in ("I ", "I'")
        and text.split()[0] not in _CITIES
    ):
        text = (
            text[:1].lower() + text[1:]
            if text.split()[0] in ("The", "My", "We", "In", "At", "Every")
            else text
        )
    text = opening + text
    if drawn.random() < 0.25:
        text = f"{text.rstrip('.!')}. {_filled(drawn, drawn.choice(CHATTER))}"
    if drawn.random() < 0.12:
        text = re.sub(r"[.,!?]", "", text)
    return text
