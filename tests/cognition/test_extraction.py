"""Spoken English becomes facts with dates; questions, suppositions, jokes and other people's words become none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognition.memory.extraction import extract
from cognition.memory.finding import Finding
from cognition.memory.speaking_of import Speaker
from cognition.memory.spoken import clauses, content_words, parts

_WORDS = "I my sister Clara live in Rome not if said moved from to last Friday for two years , . ? '".split()
NOW = datetime(2026, 3, 11, 14, tzinfo=UTC)  # a Wednesday
ADA = Speaker("ada", "Ada", {"ada": "ada", "ben": "ben-id"})


def told(text: str, question: str = "") -> list[Finding]:
    return list(extract(text, ADA, NOW, question=question))


def facts(text: str, question: str = "") -> set[tuple[str, str, str]]:
    return {(one.subject, one.attribute, one.value) for one in told(text, question)}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("I live in Rome.", ("ada", "home", "Rome")),
        ("Well, you know, I've been living in Rome for ages", ("ada", "home", "Rome")),
        ("i live in rome", ("ada", "home", "rome")),
        ("I'm a nurse at the children's hospital.", ("ada", "occupation", "nurse")),
        ("I'm a nurse at the children's hospital.", ("ada", "employer", "children's hospital")),
        ("I work as a nurse in the hospital.", ("ada", "occupation", "nurse")),
        ("I quit my job at the bank and joined Siemens", ("ada", "employer", "Siemens")),
        ("I don't like coffee anymore", ("ada", "opinion of coffee", "does not like")),
        ("My favourite food is ramen these days", ("ada", "favourite food", "ramen")),
        ("I'm allergic to peanuts", ("ada", "allergy", "peanuts")),
        ("My sister Clara works as a vet", ("ada", "sister", "Clara")),
        ("My sister Clara works as a vet", ("ada/clara", "occupation", "vet")),
        ("My sister's name is Clara and she lives in Oslo", ("ada/clara", "home", "Oslo")),
        ("Ben got married last Saturday", ("ben-id", "marital status", "married")),
        ("Did I tell you I got promoted to head chef?", ("ada", "occupation", "head chef")),
        ("I live in Paris. Sorry, I mean Rome.", ("ada", "home", "Rome")),
        ("I live in Rome now I work at a bank my sister is a nurse", ("ada/sister", "occupation", "nurse")),
        ("We adopted a cat named Milo", ("ada", "cat", "Milo")),
        ("I'm vegan", ("ada", "diet", "vegan")),
    ],
)
def test_what_is_said_is_known(text: str, fact: tuple[str, str, str]) -> None:
    assert fact in facts(text)


@pytest.mark.parametrize(
    "text",
    [
        "Do you live in Rome?",
        "Should I move to Rome",
        "Where do nurses live",
        "Tom says I live in Rome",
        "They say I work at Siemens and I love coffee, apparently Tom said",
        "If I lived in Rome, I would be happy",
        "I wish I lived in Rome",
        "Maybe I live in Rome one day",
        "I'm a doctor. Just kidding!",
        "In the book I live in Rome",
        "I live in fear of it.",
        "I love it",
        "I'm a bit tired",
        "Yeah, thanks",
        "",
        "...?!",
    ],
)
def test_what_is_asked_supposed_or_passed_on_is_no_fact(text: str) -> None:
    assert not [one for one in told(text) if one.kind in ("fact", "preference", "relation")]


def test_what_somebody_works_as_is_no_place() -> None:
    assert [one.text for one in told("I work as a nurse in the hospital.")] == ["Ada works as a nurse."]


def test_a_denial_ends_what_it_denies() -> None:
    (left,) = told("I don't live in Rome anymore")
    assert (left.attribute, left.value, left.valid_to) == ("home", "Rome", NOW)
    assert "no longer" in left.text


def test_a_move_is_two_facts_with_its_date() -> None:
    left, new = told("I moved from Paris to Rome last month")
    assert (left.value, left.valid_from, left.valid_to) == ("Paris", None, datetime(2026, 2, 1, tzinfo=UTC))
    assert (new.value, new.valid_from, new.valid_to) == ("Rome", datetime(2026, 2, 1, tzinfo=UTC), None)
    assert new.quote == "I moved from Paris to Rome last month"
    assert new.text == "Ada moved from Paris to Rome and lives there (in February 2026)."


def test_how_long_something_lasts_tells_since_when() -> None:
    (home,) = told("I've lived in Berlin for two years")
    assert home.valid_from is not None
    assert home.valid_from.year == 2024


@pytest.mark.parametrize(
    ("text", "kind", "due"),
    [
        ("I have an interview on Friday", "thread", datetime(2026, 3, 13, tzinfo=UTC)),
        ("I've got a dentist appointment tomorrow at ten", "thread", datetime(2026, 3, 12, 10, tzinfo=UTC)),
        ("My driving test is on Monday", "thread", datetime(2026, 3, 16, tzinfo=UTC)),
        ("I'll send you the report by Friday", "commitment", datetime(2026, 3, 13, tzinfo=UTC)),
        ("I'm flying to Tokyo next month", "commitment", datetime(2026, 4, 1, tzinfo=UTC)),
        ("I'm going to run a marathon in June", "commitment", datetime(2026, 6, 1, tzinfo=UTC)),
    ],
)
def test_what_lies_ahead_has_a_day(text: str, kind: str, due: datetime) -> None:
    (found,) = told(text)
    assert found.kind == kind
    assert found.due is not None
    assert found.due.date() == due.date()


def test_what_was_awaited_is_over_when_its_outcome_is_told() -> None:
    (open_,) = told("I have an interview on Friday")
    (over,) = told("The interview went really well!")
    assert (over.subject, over.attribute, over.value) == (open_.subject, open_.attribute, open_.value)
    assert (open_.valid_to, over.valid_to) == (None, NOW)


def test_a_plan_that_is_dropped_ends_the_same_plan() -> None:
    (plan,) = told("I'm going to move to Berlin")
    (dropped,) = told("I'm not going to move to Berlin after all")
    assert plan.value.split()[0] == dropped.value.split()[0]
    assert dropped.valid_to == NOW


def test_what_happened_has_its_day_whoever_it_happened_to() -> None:
    (event,) = told("The roof started leaking two days ago")
    assert event.valid_from == datetime(2026, 3, 9, tzinfo=UTC)
    assert "9 March 2026" in event.text


def test_half_a_sentence_is_read_with_its_question() -> None:
    assert ("ada", "home", "Rome") in facts("In Rome.", "So where do you live?")
    assert ("ada", "favourite colour", "Green") in facts("Green, probably", "What's your favourite colour?")
    assert not told("No.", "Where do you live?")


def test_each_finding_quotes_words_that_were_said() -> None:
    text = "Oh well, I moved to Rome last week, and my sister Clara hates it."
    for one in told(text):
        assert one.quote in text


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300) | st.lists(st.sampled_from(_WORDS), max_size=30).map(" ".join))
def test_anything_that_is_said_is_read_without_an_error(text: str) -> None:
    for one in told(text):
        assert one.text.strip()
        assert one.subject
    assert len(parts(text)) <= max(1, len(text))


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("I donated blood on Saturday and nearly fainted.", ""),
        ("Two days ago there was a swan in our yard, no idea how.", ""),
        ("I nearly moved to Rome.", "supposed"),
        ("I almost bought a boat and a bicycle.", "supposed"),
        ("I have no idea whether we live here.", "supposed"),
    ],
)
def test_an_aside_that_doubts_itself_does_not_doubt_what_was_said_before_it(text: str, doubt: str) -> None:
    assert [one.doubt for one in clauses(text)] == [doubt]


def test_a_clause_keeps_the_words_and_says_why_it_asserts_nothing() -> None:
    found = clauses("I'm in Rome, but Tom says he lives in Oslo. Do you?")
    assert [(one.text, one.doubt) for one in found] == [
        ("I am in Rome", ""),
        ("Tom says he lives in Oslo", "hearsay"),
        ("Do you", "question"),
    ]


def test_a_turn_without_content_has_no_content_words() -> None:
    assert content_words("Oh yes, okay, thanks!") == []
    assert content_words("The harbour at 9") == ["harbour", "9"]
