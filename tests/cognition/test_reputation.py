"""Trust in personas: what raises and lowers it, what cannot, and what each level may do."""

import math
import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognition.persona.actions import ACTIONS, NEEDED, WORDS, Action, Allowed, Refused, may, needed
from cognition.persona.reputation import (
    DAY_S,
    DAY_WEIGHT,
    HALF_LIFE_S,
    KNOWN_DAYS,
    LEVELS,
    PERSON_WEIGHT,
    TASKS_A_DAY,
    Level,
    Standing,
    Voice,
    next_level,
    quality_of,
)
from cognition.persona.tally import Tally, cells_of

NOW = 20_000 * DAY_S
KNOWN = {name: KNOWN_DAYS for name in ("ada", "bob", "cleo", "dan", "eve")}


def said(giver: str, subject: str, value: int = 1, *, ago: float = 0.0, **more: Any) -> Voice:
    return Voice(giver, subject, value, NOW - ago * DAY_S, **more)


def judged(*voices: Voice, before: Level = "novice", **more: Any) -> Standing:
    tally = Tally(cells_of(voices), more.pop("days", KNOWN))
    return tally.standing(now=NOW, before=before, **more)


givers = st.sampled_from([*KNOWN, "guest-1", "guest-2", "guest-3"])
voices = st.builds(
    Voice,
    givers,
    st.sampled_from([f"line:{number}" for number in range(8)]),
    st.sampled_from([-1, 0, 1]),
    st.integers(0, 200).map(lambda days: NOW - days * DAY_S),
    st.sampled_from(["", "stars", "birds"]),
    st.booleans(),
)
ledgers = st.lists(voices, max_size=40)
levels = st.sampled_from(LEVELS)


def test_a_persona_of_whom_nobody_has_spoken_is_a_novice_of_little_known_quality() -> None:
    found = judged()
    assert (found.level, found.evidence, found.givers) == ("novice", 0, 0)
    assert 0.1 < found.quality < 0.2


def test_people_who_speak_well_of_it_over_days_make_it_trusted() -> None:
    few = [said("ada", f"line:{day}", ago=day) for day in range(3)]
    assert judged(*few).level == "novice"
    many = [said(who, f"line:{who}{day}", ago=day) for who in ("ada", "bob") for day in range(4)]
    found = judged(*many)
    assert (found.level, found.praised, found.givers, found.known) == ("trusted", 8, 2, 2)


def test_it_takes_tasks_and_several_people_to_be_an_expert_and_more_to_be_autonomous() -> None:
    praise = [said(who, f"line:{who}{day}", ago=day) for who in KNOWN for day in range(20)]
    assert judged(*praise, before="trusted").level == "trusted"
    done = [said(who, f"task:{who}{day}", ago=day, task=True) for who in KNOWN for day in range(3)]
    assert judged(*praise, *done, before="trusted").level == "expert"
    assert judged(*praise, *done, before="expert").level == "autonomous"
    of_one = [replace(voice, giver="ada") for voice in (*praise, *done)]
    assert judged(*of_one, before="trusted").level == "trusted", "one person alone makes no expert"


def test_a_level_is_changed_one_step_a_day_at_most() -> None:
    praise = [
        said(who, f"{kind}{day}", ago=day, task=kind == "t")
        for who in KNOWN
        for day in range(20)
        for kind in "lt"
    ]
    for level, following in pairwise(LEVELS):
        assert judged(*praise, before=level).level == following
        assert judged(*praise, before=level, changed_at=NOW - DAY_S + 1).level == level
        assert judged(*praise, before=level, changed_at=NOW - DAY_S).level == following
    blame = [replace(voice, value=-1) for voice in praise]
    assert judged(*blame, before="autonomous").level == "expert"
    assert judged(*blame, before="autonomous", changed_at=NOW).level == "autonomous"


def test_a_level_that_was_reached_is_not_lost_by_a_single_bad_day_but_by_many() -> None:
    praise = [said(who, f"line:{day}", ago=10 + day) for who in ("ada", "bob") for day in range(5)]
    assert judged(*praise).level == "trusted"
    angry = [said("eve", f"line:{number}", -1) for number in range(100)]
    assert judged(*praise, *angry, before="trusted").level == "trusted"
    others = [said(who, f"day:{day}", -1, ago=day) for who in KNOWN for day in range(4)]
    assert judged(*praise, *others, before="trusted").level == "novice"


def test_trust_fades_when_nobody_speaks_of_it_any_more() -> None:
    praise = [said(who, f"line:{day}", ago=day) for who in KNOWN for day in range(5)]
    fresh = judged(*praise)
    tally = Tally(cells_of(praise), KNOWN)
    later = tally.standing(now=NOW + HALF_LIFE_S, before="trusted")
    assert later.evidence == pytest.approx(fresh.evidence / 2, rel=0.15)
    assert later.quality < fresh.quality
    assert later.level == "trusted"
    assert tally.standing(now=NOW + 8 * HALF_LIFE_S, before="trusted").level == "novice"


def test_the_later_word_of_a_person_on_the_same_line_replaces_the_earlier() -> None:
    changed = judged(said("ada", "line:1", ago=3), said("ada", "line:1", -1))
    assert (changed.praised, changed.criticised) == (0, 1)
    taken_back = judged(said("ada", "line:1", ago=3), said("ada", "line:1", 0))
    assert taken_back == judged()
    both = judged(said("ada", "line:1"), said("bob", "line:1", -1))
    assert (both.praised, both.criticised) == (1, 1)


def test_a_task_counts_as_done_and_as_done_well_only_once_somebody_says_so() -> None:
    done = judged(said("ada", "task:1", 0, task=True))
    assert (done.completed, done.succeeded, done.failed, done.evidence) == (1, 0, 0, 0)
    well = judged(said("ada", "task:1", 0, task=True), said("ada", "task:1", 1, task=True))
    assert (well.completed, well.succeeded, well.failed) == (1, 1, 0)
    badly = judged(said("ada", "task:1", 0, task=True), said("ada", "task:1", -1, task=True))
    assert (badly.completed, badly.succeeded, badly.failed) == (1, 0, 1)
    assert (badly.praised, badly.criticised) == (0, 0)


def test_thanks_by_the_hundred_count_as_a_few_tasks() -> None:
    praise = [said(who, f"line:{day}", ago=day) for who in KNOWN for day in range(20)]
    thanks = [said("ada", f"task:{number}", task=True) for number in range(100)]
    assert TASKS_A_DAY < 10
    assert judged(*praise, *thanks, before="expert").level == "expert"


def test_expertise_is_told_by_domain_the_best_first() -> None:
    found = judged(
        *(said(who, f"line:s{day}", domain="stars", ago=day) for who in KNOWN for day in range(3)),
        *(
            said(who, f"line:b{day}", -1, domain="birds", ago=day)
            for who in ("ada", "bob")
            for day in range(3)
        ),
    )
    assert [(one.domain, one.count) for one in found.expertise] == [("stars", 15), ("birds", 6)]
    assert found.expertise[0].quality > 0.6 > 0.2 > found.expertise[1].quality


@given(ledgers, st.integers(0, 1_000_000))
def test_what_comes_again_changes_nothing_nor_does_the_order_in_which_people_speak(
    ledger: list[Voice], seed: int
) -> None:
    found = judged(*ledger)
    assert judged(*ledger, *ledger) == found
    latest = list({(voice.giver, voice.subject): voice for voice in ledger}.values())
    random.Random(seed).shuffle(latest)
    shuffled = judged(*latest)
    assert shuffled.level == found.level
    assert shuffled.quality == pytest.approx(found.quality)
    assert Counter(one.domain for one in shuffled.expertise) == Counter(one.domain for one in found.expertise)


@given(
    ledgers,
    st.sampled_from([1, -1]),
    st.integers(1, 60),
    st.integers(0, 30),
    st.booleans(),
    levels,
)
def test_a_flood_of_one_person_on_one_day_moves_little_whatever_names_they_take(
    ledger: list[Voice], value: int, lines: int, names: int, task: bool, level: Level
) -> None:
    before = judged(*ledger, before=level)
    flood = [said("mallory", f"line:m{number}", value, task=task) for number in range(lines)]
    known = KNOWN | {"mallory": KNOWN_DAYS}
    alone = judged(*ledger, *flood, before=level, days=known)
    assert abs(alone.evidence - before.evidence) <= DAY_WEIGHT
    army = [said(f"sock-{number}", f"line:m{number}", value, task=task) for number in range(names)]
    armed = judged(*ledger, *flood, *army, before=level, days=known)
    assert abs(armed.evidence - before.evidence) <= 2 * DAY_WEIGHT + 1e-9
    # So much only where nobody has said anything yet: two voices then make 0.43 of 0.16.
    assert abs(armed.quality - before.quality) <= 0.27
    assert abs(LEVELS.index(armed.level) - LEVELS.index(level)) <= 1


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 5)), max_size=300))
def test_all_that_one_person_ever_says_has_a_bounded_weight(said_on: list[tuple[int, int]]) -> None:
    ledger = [said("ada", f"line:{day}-{number}", ago=day) for day, number in said_on]
    found = judged(*ledger)
    assert found.evidence <= PERSON_WEIGHT
    assert LEVELS.index(judged(*ledger, before="trusted").level) <= LEVELS.index("trusted")


@given(st.lists(st.tuples(st.integers(0, 3), st.text("xyz", min_size=1, max_size=4)), max_size=200))
def test_people_who_come_under_ever_new_names_make_nobody_trusted(flood: list[tuple[int, str]]) -> None:
    ledger = [said(f"sock-{name}", f"line:{day}{name}", ago=day) for day, name in flood]
    found = judged(*ledger)
    assert (found.level, found.known) == ("novice", 0)
    assert found.evidence <= 4 * DAY_WEIGHT


@given(ledgers, givers, levels)
def test_a_good_word_never_lowers_and_a_bad_one_never_raises(
    ledger: list[Voice], giver: str, level: Level
) -> None:
    before = judged(*ledger, before=level)
    better = judged(*ledger, said(giver, "line:new"), before=level)
    worse = judged(*ledger, said(giver, "line:new", -1), before=level)
    assert worse.quality - 1e-9 <= before.quality <= better.quality + 1e-9
    assert LEVELS.index(worse.level) <= LEVELS.index(better.level)


@given(ledgers, levels, st.floats(0, 400))
def test_whatever_the_ledger_holds_the_standing_is_a_sane_one(
    ledger: list[Voice], level: Level, later: float
) -> None:
    found = Tally(cells_of(ledger), KNOWN).standing(now=NOW + later * DAY_S, before=level)
    assert 0 <= found.quality <= 1
    assert found.evidence >= 0
    assert found.level in LEVELS
    assert found.succeeded + found.failed <= found.completed
    assert found.known <= found.givers <= len({voice.giver for voice in ledger})
    assert all(0 <= one.quality <= 1 and one.count > 0 for one in found.expertise)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.01, 10))
def test_quality_is_careful_it_rises_with_good_and_falls_with_bad(
    good: float, bad: float, more: float
) -> None:
    quality = quality_of(good, bad)
    assert 0 <= quality <= (good + 1) / (good + bad + 2)
    assert quality_of(good + more, bad) >= quality - 1e-12
    assert quality_of(good, bad + more) <= quality + 1e-12


@given(levels, st.floats(0, 1), st.floats(0, 60), st.integers(0, 20), st.integers(0, 6))
def test_a_level_just_risen_to_is_kept_at_the_same_standing(
    level: Level, quality: float, evidence: float, tasks: int, people: int
) -> None:
    risen = next_level(level, quality, evidence, tasks, people)
    if LEVELS.index(risen) > LEVELS.index(level):
        following = next_level(risen, quality, evidence, tasks, people)
        assert LEVELS.index(following) >= LEVELS.index(risen)


def test_every_action_has_a_level_and_words() -> None:
    assert set(NEEDED) == set(WORDS) == set(ACTIONS) == set(get_args(Action))
    assert set(NEEDED.values()) == set(LEVELS), "each level is worth something"


@pytest.mark.parametrize("action", ["answer", "decline", "rest", "write-journal"])
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_a_personas_right_no_level_takes_away(action: Action, level: Level) -> None:
    assert may(action, level) == Allowed(action)


def test_a_refusal_tells_people_what_is_missing() -> None:
    refused = may("interrupt", "trusted")
    assert refused == Refused("interrupt", "trusted", "expert")
    assert (
        refused.reason
        == "may interrupt another persona when it matters once it is an expert; it is trusted now"
    )
    assert may("pass-on", "novice").words == (  # type: ignore[union-attr]
        "I may turn to another persona unasked once I am trusted; I am a novice now."
    )
    assert may("interrupt", "expert") == Allowed("interrupt")


def test_what_a_person_asks_for_is_allowed_a_level_earlier_unless_others_pay_for_it() -> None:
    assert isinstance(may("pass-on", "novice"), Refused)
    assert isinstance(may("pass-on", "novice", asked=True), Allowed)
    assert needed("interrupt", asked=True) == NEEDED["interrupt"]


@settings(max_examples=60)
@given(st.sampled_from(ACTIONS), levels, st.booleans())
def test_who_may_something_may_it_at_every_higher_level(action: Action, level: Level, asked: bool) -> None:
    if isinstance(may(action, level, asked=asked), Allowed):
        for higher in LEVELS[LEVELS.index(level) :]:
            assert isinstance(may(action, higher, asked=asked), Allowed)


def likened(one: Standing, other: Standing) -> None:
    """Equal but for the order in which fractions were added up."""
    plain = (replace(each, quality=0.0, evidence=0.0, expertise=()) for each in (one, other))
    assert len(set(plain)) == 1
    assert (one.quality, one.evidence) == pytest.approx((other.quality, other.evidence))
    by_domain = [{each.domain: each for each in standing.expertise} for standing in (one, other)]
    assert by_domain[0].keys() == by_domain[1].keys()
    for domain, each in by_domain[0].items():
        assert each.count == by_domain[1][domain].count
        assert each.quality == pytest.approx(by_domain[1][domain].quality)


@given(ledgers, st.lists(st.tuples(voices, st.integers(0, 2 * KNOWN_DAYS)), max_size=12))
def test_voices_added_one_by_one_are_as_if_they_had_been_counted_at_once(
    ledger: list[Voice], more: list[tuple[Voice, int]]
) -> None:
    tally, every, days = Tally(cells_of(ledger), KNOWN), list(ledger), dict(KNOWN)
    for voice, on in more:
        held = {(one.giver, one.subject): one for one in every}.get((voice.giver, voice.subject))
        tally.change(voice, held)
        days[voice.giver] = max(days.get(voice.giver, 0), on)
        tally.knows(voice.giver, on)
        every.append(voice)
        likened(tally.standing(now=NOW), judged(*every, days=days))


def by_the_book(ledger: list[Voice], known: set[str]) -> tuple[float, float]:
    """The weights of the good and of the bad voices, as the rules say it, one voice after the other."""
    latest = {(voice.giver, voice.subject): voice for voice in ledger}.values()
    by_person: dict[str, dict[int, list[int]]] = {}
    for voice in latest:
        if voice.value:
            person = voice.giver if voice.giver in known else "crowd"
            by_person.setdefault(person, {}).setdefault(int(voice.at // DAY_S), []).append(voice.value)
    sums = [0.0, 0.0]
    for days in by_person.values():
        own = [0.0, 0.0]
        for day, values in days.items():
            weight = DAY_WEIGHT * (1 - 0.5 ** len(values)) / len(values)
            faded = weight * 0.5 ** ((NOW - day * DAY_S) / HALF_LIFE_S)
            own[0] += faded * values.count(1)
            own[1] += faded * values.count(-1)
        total = sum(own)
        for side in (0, 1):
            sums[side] += PERSON_WEIGHT * (1 - math.exp(-total / PERSON_WEIGHT)) * own[side] / total
    return sums[0], sums[1]


@given(ledgers)
def test_what_voices_weigh_is_what_the_rules_say(ledger: list[Voice]) -> None:
    good, bad = by_the_book(ledger, set(KNOWN))
    found = judged(*ledger)
    assert (found.quality, found.evidence) == pytest.approx((quality_of(good, bad), good + bad), abs=1e-9)
