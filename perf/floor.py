"""Who speaks when, in meetings of people and personas: `python -m perf.floor [--json]`.

Twelve meetings of an hour, one to six people and one to fourteen personas, made by a seed and held in virtual time.
Room, presences, mind and life are those of the server: people come and go and are greeted, reminders are given,
personas ask each other. Ears, voice and language model are the fakes that ship beside them, as slow as the real ones.
A quarter of each meeting is also held under two naive rules, whose personas do nothing by themselves: everyone
answers, each persona being attended on its own as assistants are that were made for one person; and round robin.

What ought to happen is known from the script (`perf.meeting`), and what an utterance answers from what it was composed
to. A direct question that its asker puts to the same persona again before it is answered counts as one. How long an
answer took is told where no person spoke between.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import structlog

from cognition.conversation.dialogue import TURNS
from cognition.conversation.floor import Decision
from cognition.events import Answer, Heard, Read, Said
from cognition.persona.engine import Mind
from perf.meeting import PEOPLE, Want
from perf.meeting_people import hold
from perf.meeting_room import Asked, Meeting, Spoke
from perf.report import Report, Result, run
from tests.virtual_time import VirtualTimeLoop

__all__ = ["Findings", "judge", "measure"]

SIZES = ((1, 1), (1, 3), (1, 14), (2, 1), (2, 2), (2, 5), (3, 3), (3, 8), (4, 4), (5, 6), (6, 2), (6, 14))
"""People and personas of the meetings."""
HOUR = 3600.0
NAIVE_SHARE = 0.25
"""How much of each meeting is held under the naive rules, whose figures need no more."""
SEED = 4
TOLERATED = 0.2
"""Seconds for which two personas may be heard at once."""
NEXT = 3.0
"""Seconds within which a persona's start belongs to the one that ended before."""
AT_ONCE = 10.0
"""Seconds within which who asks the same persona again does not wait for the answer to what they asked before."""
GREETED_WITHIN = 60.0
"""Seconds within which who comes is greeted."""
REMINDED_WITHIN = 60.0
"""Seconds within which a reminder is said, of those that are asked for in minutes."""
ASKED = re.compile(r"(\w+), what do you make of the \w+\?$")
"""How a persona of `perf.meeting_room` asks another one."""
DIRECT = frozenset(
    {"direct", "pair", "two", "each", "handover", "follow", "you too", "interruption", "remind", "discuss"}
)


class EveryoneMind(Mind):
    """Answers whatever a person says."""

    def consider(self, line: Heard | Read | Said) -> Decision:
        """Every persona answers; words of a persona and acknowledgements are not answered."""
        if isinstance(line, Said) or self._is_backchannel(line.text):
            return Decision("naive")
        return Decision("naive", tuple(Answer(id, "addressed") for id in self._personas))


class RoundRobinMind(Mind):
    """One persona after the other."""

    _turn: tuple[str, int] = ("", -1)

    def consider(self, line: Heard | Read | Said) -> Decision:
        """The next persona answers; it stays the same for a line that is looked at again."""
        if isinstance(line, Said) or self._is_backchannel(line.text):
            return Decision("naive")
        if self._turn[0] != line.id:
            self._turn = line.id, self._turn[1] + 1
        ids = list(self._personas)
        return Decision("naive", (Answer(ids[self._turn[1] % len(ids)], "addressed"),))


RULES: dict[str, tuple[Callable[..., Mind], bool]] = {
    "ours": (Mind, False),
    "everyone": (EveryoneMind, True),
    "round robin": (RoundRobinMind, False),
}


@dataclass(slots=True)
class Findings:
    """What was found in meetings, summed up."""

    hours: float = 0.0
    questions: int = 0
    unanswered: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    acts: int = 0
    utterances: int = 0
    named: int = 0
    named_right: int = 0
    open: int = 0
    open_answered: int = 0
    ignored: list[str] = field(default_factory=list)
    overlaps: list[float] = field(default_factory=list)
    over_people: int = 0
    gaps: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    came: int = 0
    ungreeted: list[str] = field(default_factory=list)
    greeted_twice: list[str] = field(default_factory=list)
    greeting_waits: list[float] = field(default_factory=list)
    reminders: int = 0
    withheld: int = 0
    """Reminders for which it never was so that only those were there who had heard the wish."""
    unreminded: list[str] = field(default_factory=list)
    reminded_late: list[float] = field(default_factory=list)
    asked_each_other: int = 0
    answered_each_other: int = 0
    among_themselves: list[int] = field(default_factory=list)
    """How many turns personas had spoken to each other in a row, at each turn."""

    def add(self, other: "Findings") -> None:
        """Takes another meeting in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def judge(meeting: Meeting, seconds: float) -> Findings:
    """What was right and wrong in one meeting."""
    found = Findings(hours=seconds / HOUR, acts=len(meeting.asked), utterances=len(meeting.spoke))
    answers: dict[str, list[Spoke]] = {}
    for spoke in meeting.spoke:
        answers.setdefault(spoke.turn, []).append(spoke)
    for number, asked in enumerate(meeting.asked):
        _judge_act(found, meeting, number, asked, answers.get(asked.turn, []))
    found.overlaps = _overlaps(meeting.spoke)
    found.over_people = sum(
        any(began < spoke.began - 0.05 and spoke.began < ended for began, ended in meeting.speech)
        for spoke in meeting.spoke
    )
    found.gaps = _gaps(meeting)
    found.shares = _shares(meeting)
    _judge_comings(found, meeting, seconds)
    _judge_reminders(found, meeting, seconds)
    _judge_exchanges(found, meeting)
    return found


def _judge_act(
    found: Findings, meeting: Meeting, number: int, asked: Asked, answers: Sequence[Spoke]
) -> None:
    act = asked.act
    who = [name.lower() for name in act.who]
    spoke = list(dict.fromkeys(each.persona for each in answers))
    label = f"{meeting.people}x{len(meeting.personas)} {asked.turn} {act.kind}: {act.text} -> {spoke}"
    if act.want is Want.MAY:
        found.wrong += [label for persona in spoke if persona not in who]
        return
    if act.want is Want.NOBODY:
        found.unasked += [label] * len(spoke)
        return
    right = [persona for persona in spoke if persona in who]
    found.wrong += [label] * (len(spoke) - len(right))
    if act.want is Want.ONE:
        found.unasked += [label] * max(0, len(right) - 1)
    if act.want is not Want.ALL:
        found.open += 1
        found.open_answered += bool(right)
        found.ignored += [] if right else [label]
    elif act.kind in DIRECT:
        missing = [persona for persona in who if persona not in spoke]
        found.questions += len(who)
        if missing and not _repeated(meeting, number, missing, answers):
            found.unanswered += [label] * len(missing)
        if act.ordered and spoke != who and not missing:
            found.disordered.append(label)
    if act.named:
        found.named += 1
        found.named_right += spoke[:1] == who[:1]
    if right:
        first = min(each.began for each in answers if each.persona in who)
        if not any(asked.ended < ended and began < first for began, ended in meeting.speech):
            found.waits.append(first - asked.ended)


def _repeated(meeting: Meeting, number: int, missing: Sequence[str], answers: Sequence[Spoke]) -> bool:
    """Whether the asker turned to the same persona again before it had answered: at once, or while others still did."""
    asked = meeting.asked[number]
    until = max([asked.ended + AT_ONCE, *(each.began for each in answers)])
    following = meeting.asked[number + 1 : number + 4]
    return all(
        any(
            each.act.speaker == asked.act.speaker
            and each.act.want is not Want.NOBODY
            and persona in [name.lower() for name in each.act.who]
            and each.began < until
            for each in following
        )
        for persona in missing
    )


def _judge_comings(found: Findings, meeting: Meeting, seconds: float) -> None:
    """Who comes, and stays long enough for it, is greeted once."""
    greetings: dict[str, list[float]] = {}
    for _, id, at in _by_themselves(meeting, "greet"):
        greetings.setdefault(meeting.dues[id].to, []).append(at)
    for came in meeting.came:
        found.came += 1
        greeted = greetings.get(came.id, [])
        label = (
            f"{meeting.people}x{len(meeting.personas)} {came.id} {came.name} at {came.at:.0f} s: {greeted}"
        )
        if not greeted and min(came.left, seconds) - came.at > GREETED_WITHIN:
            found.ungreeted.append(label)
        if len(greeted) > 1:
            found.greeted_twice.append(label)
        found.greeting_waits += [greeted[0] - came.at] if greeted else []


def _judge_reminders(found: Findings, meeting: Meeting, seconds: float) -> None:
    """Who wanted to be reminded is reminded once and in time, or as soon as they are there again."""
    reminded: dict[str, list[float]] = {}
    for _, id, at in _by_themselves(meeting, "remind"):
        line = meeting.dues[id].line
        assert line is not None
        reminded.setdefault(line.id, []).append(at)
    for asked in meeting.asked:
        if not asked.act.minutes:
            continue
        due = asked.ended + 60.0 * asked.act.minutes
        when = reminded.get(asked.turn, [])
        label = f"{meeting.people}x{len(meeting.personas)} {asked.turn} {asked.act.text} due at {due:.0f} s: {when}"
        if len(when) > 1:
            found.unreminded.append(label)
        if (since := _may_be_said(meeting, asked, due, seconds)) is None:
            found.withheld += due + REMINDED_WITHIN < seconds and not when
            continue
        found.reminders += 1
        found.reminded_late += [when[0] - since] if when else []
        if not when or when[0] - since > REMINDED_WITHIN:
            found.unreminded.append(label)


def _may_be_said(meeting: Meeting, asked: Asked, due: float, seconds: float) -> float | None:
    """From when on a reminder can be said for long enough: its asker is there; who missed the wish does not hear it."""
    doors = {at for came in meeting.came for at in (came.at, came.left)}
    for since in sorted({due, *(at for at in doors if due < at < seconds)}):
        until = min((at for at in doors if at > since), default=seconds)
        there = _there(meeting, since)
        if PEOPLE[asked.act.speaker] in there and min(until, seconds) - since > REMINDED_WITHIN:
            return since
    return None


def _there(meeting: Meeting, at: float) -> set[str]:
    return {came.name for came in meeting.came if came.at <= at < came.left}


def _by_themselves(meeting: Meeting, kind: str) -> list[tuple[str, str, float]]:
    """What personas said or wrote by themselves: who, under which id, when."""
    said = [(each.persona, each.turn, each.began) for each in meeting.spoke]
    said += [(each.persona, each.id, each.at) for each in meeting.wrote]
    return [each for each in said if each[1] in meeting.dues and meeting.dues[each[1]].kind == kind]


def _judge_exchanges(found: Findings, meeting: Meeting) -> None:
    """Who is asked by a persona answers, or nobody does; and what they say to each other ends by itself."""
    answers = {each.turn: each for each in meeting.spoke if each.turn in meeting.said}
    for id, said in meeting.said.items():
        match = ASKED.search(said.text)
        if match is None or said.interrupted or match[1].lower() == said.participant:
            continue
        found.asked_each_other += 1
        if (answer := answers.get(id)) is not None:
            found.answered_each_other += 1
            if answer.persona != match[1].lower():
                found.wrong.append(f"{said.participant}: {said.text} -> {answer.persona}")
    talks = {asked.turn for asked in meeting.asked if asked.act.kind == "discuss"} | meeting.said.keys()
    row = 0
    for one, other in pairwise(sorted(meeting.spoke, key=lambda each: each.began)):
        people = any(began < other.began and ended > one.began for began, ended in meeting.speech)
        row = row + 1 if other.turn in talks - meeting.dues.keys() and not people else 0
        found.among_themselves.append(row)


def _overlaps(spoke: Iterable[Spoke]) -> list[float]:
    """Seconds for which one persona is heard beside another, each time."""
    overlaps = []
    running: list[Spoke] = []
    for each in sorted(spoke, key=lambda each: each.began):
        running = [other for other in running if other.ended > each.began]
        overlaps += [min(other.ended, each.ended) - each.began for other in running]
        running.append(each)
    return overlaps


def _gaps(meeting: Meeting) -> list[float]:
    """Seconds of silence between two personas, with no person between; what waits for a lull is left out."""
    gaps = []
    for one, other in pairwise(sorted(meeting.spoke, key=lambda each: each.began)):
        gap = other.began - one.ended
        people = any(began < other.began and ended > one.ended for began, ended in meeting.speech)
        asked = other.turn not in meeting.dues
        if one.persona != other.persona and asked and 0.0 <= gap <= NEXT and not people:
            gaps.append(gap)
    return gaps


def _shares(meeting: Meeting) -> list[float]:
    """The Gini coefficient of how long the personas spoke to what was open to each of them; one value, or none."""
    if len(meeting.personas) < 2:
        return []
    turns = {each.turn for each in meeting.asked if each.act.want in (Want.ONE, Want.SOME)}
    turns -= {each.turn for each in meeting.asked if each.act.kind == "expert"}
    spent = np.zeros(len(meeting.personas))
    for spoke in meeting.spoke:
        if spoke.turn in turns:
            spent[[name.lower() for name in meeting.personas].index(spoke.persona)] += (
                spoke.ended - spoke.began
            )
    if spent.sum() == 0.0:
        return []
    ordered = np.sort(spent)
    ranks = np.arange(1, ordered.size + 1)
    return [float((2 * ranks - ordered.size - 1) @ ordered / (ordered.size * ordered.sum()))]


def held(rule: str, people: int, personas: int, seconds: float, seed: int) -> Findings:
    """Holds one meeting under one rule and judges it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    mind_of, apart = RULES[rule]
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        meeting = runner.run(
            hold(people, personas, seconds, seed, mind_of, apart=apart, alive=rule == "ours")
        )
    return judge(meeting, seconds)


def _job(job: tuple[str, tuple[int, int]], seconds: float) -> tuple[str, Findings]:
    rule, (people, personas) = job
    length = seconds if rule == "ours" else seconds * NAIVE_SHARE
    return rule, held(rule, people, personas, length, SEED)


def measure(sizes: Sequence[tuple[int, int]] = SIZES, seconds: float = HOUR) -> Report:
    """Holds the meetings under each rule.

    Args:
        sizes: people and personas of each.
        seconds: how long each lasts.
    """
    found = {rule: Findings() for rule in RULES}
    jobs = [(rule, size) for rule in RULES for size in sorted(sizes, key=lambda size: -size[1])]
    with ProcessPoolExecutor(2) as pool:
        for rule, findings in pool.map(partial(_job, seconds=seconds), jobs):
            found[rule].add(findings)
    results: list[Result] = []
    for baseline in ("everyone", "round robin"):
        results += _compared(found["ours"], found[baseline], f"; baseline: {baseline}")
    ours = found["ours"]
    results += _of_life(ours)
    notes = [
        f"{len(sizes)} meetings, {ours.hours:.2g} h, people spoke {ours.acts} times, personas {ours.utterances}.",
        *(f"unanswered: {label}" for label in ours.unanswered[:5]),
        *(f"wrong: {label}" for label in ours.wrong[:5]),
        *(f"nobody asked: {label}" for label in ours.unasked[:5]),
        *(f"open, and not answered: {label}" for label in ours.ignored[:5]),
        *(f"out of order: {label}" for label in ours.disordered[:5]),
        *(f"not greeted: {label}" for label in ours.ungreeted[:5]),
        *(f"greeted twice: {label}" for label in ours.greeted_twice[:5]),
        *(f"not reminded in time: {label}" for label in ours.unreminded[:5]),
        f"{ours.came} people came, {ours.reminders} were to be reminded, {ours.withheld} never could be: they were "
        f"away. Personas asked each other {ours.asked_each_other} times.",
    ]
    return Report("floor", results, notes)


def _compared(ours: Findings, other: Findings, against: str) -> list[Result]:
    def both(metric: str, unit: str, of: Callable[[Findings], float], **given: Any) -> Result:
        return Result(f"{metric}{against}", unit, of(ours), of(other), **given)

    return [
        both(
            "personas at once for more than 0.2 s", "an hour",
            lambda each: sum(seconds > TOLERATED for seconds in each.overlaps) / each.hours, target=0.0,
        ),
        both("begun while a person spoke", "an hour", lambda each: each.over_people / each.hours, target=0.0),
        both(
            "direct questions unanswered", "% of them",
            lambda each: 100 * len(each.unanswered) / max(1, each.questions), target=0.0,
        ),
        both("wrong answerer", "% of utterances", lambda each: _percent(each.wrong, each), target=0.0),
        both("answers nobody asked for", "% of utterances", lambda each: _percent(each.unasked, each), target=0.0),
        both(
            "open questions answered", "%", lambda each: 100 * each.open_answered / max(1, each.open),
            higher_is_better=True,
        ),
        both("named answers out of order", "an hour", lambda each: len(each.disordered) / each.hours, target=0.0),
        both(
            "called by name, and first to answer", "%", lambda each: 100 * each.named_right / max(1, each.named),
            higher_is_better=True,
        ),
        both("gap between personas, p5", "s", lambda each: _of(each.gaps, 5), target=0.2, higher_is_better=True),
        both("gap between personas, p50", "s", lambda each: _of(each.gaps, 50)),
        both("gap between personas, p95", "s", lambda each: _of(each.gaps, 95)),
        both("last word to answer, p50", "s", lambda each: _of(each.waits, 50)),
        both("last word to answer, p95", "s", lambda each: _of(each.waits, 95)),
        both("Gini of shares of what was open to all", "", lambda each: float(np.mean(each.shares or [0.0]))),
    ]  # fmt: skip


def _of_life(ours: Findings) -> list[Result]:
    """What personas do by themselves, which those of the naive rules do not."""
    return [
        Result("who came and was not greeted", "%", 100 * len(ours.ungreeted) / max(1, ours.came), target=0.0),
        Result("greeted twice", "%", 100 * len(ours.greeted_twice) / max(1, ours.came), target=0.0),
        Result("coming to greeting, p95", "s", _of(ours.greeting_waits, 95)),
        Result(
            "reminders not said, or later than a minute", "%",
            100 * len(ours.unreminded) / max(1, ours.reminders), target=0.0,
        ),
        Result("reminder due to said, p95", "s", _of(ours.reminded_late, 95)),
        Result(
            "asked by a persona by name, and answered", "%",
            100 * ours.answered_each_other / max(1, ours.asked_each_other), higher_is_better=True,
        ),
        Result(
            "turns of personas to each other in a row, most", "",
            float(max(ours.among_themselves, default=0)), target=float(TURNS),
        ),
    ]  # fmt: skip


def _percent(labels: Sequence[str], found: Findings) -> float:
    return 100 * len(labels) / max(1, found.utterances)


def _of(values: Sequence[float], percentile: float) -> float:
    return float(np.percentile(values, percentile)) if values else float("nan")


if __name__ == "__main__":
    run(measure)
