"""What is picked up of an earlier day, in which words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.memory.extractor import RuleExtractor
from cognition.memory.recall import Recalled, Source
from cognition.memory.speaking_of import Speaker
from cognition.persona.greeting import welcome_words
from cognition.persona.threads import is_about, picked_up
from cognition.store.timeline import Place

SAID = datetime(2026, 3, 2, 10, tzinfo=UTC)
"""A Monday."""


async def remembered(words: str) -> list[Recalled]:
    """What the rules make of somebody's words."""
    findings = await RuleExtractor().extract(words, Speaker("person-ada", "Ada"), SAID, "")
    return [
        Recalled(
            str(number),
            each.text,
            each.quote,
            SAID,
            each.subject,
            each.kind,
            1.0,
            Source((1,), Place("lobby"), ("Ada",)),
            due=each.due,
        )
        for number, each in enumerate(findings)
    ]


@pytest.mark.parametrize(
    ("words", "days", "question"),
    [
        ("I have a job interview on Friday and I am nervous.", 7, "How did the job interview go?"),
        ("I have a job interview on Friday and I am nervous.", 2, "Are you ready for the job interview?"),
        ("My exam is next Tuesday.", 14, "How did the exam go?"),
        ("I'm going to call my mother tomorrow.", 3, "Did you get to call your mother?"),
        ("I need to fix the boiler.", 7, "Did you get to fix the boiler?"),
        ("I'm flying to Lisbon on Sunday.", 7, "How was flying to Lisbon?"),
        ("I'm moving to Berlin next month.", 7, "Are you looking forward to moving to Berlin?"),
        ("I have to hand in my thesis next week.", 9, "Do you still plan to hand in your thesis?"),
        (
            "I am waiting for the results of my blood test.",
            7,
            "Is there any news of the results of your blood test?",
        ),
        ("I have a job interview on Friday.", 0, ""),
        ("I have a job interview on Friday.", 200, ""),
        ("I live in Rome.", 7, ""),
    ],
)
async def test_a_thread_is_asked_about_in_words_that_fit_what_was_said_and_when(
    words: str, days: int, question: str
) -> None:
    assert picked_up(await remembered(words), SAID + timedelta(days=days, hours=1)) == question


@given(
    st.text(max_size=200), st.text(max_size=200), st.sampled_from(["thread", "commitment", "event", "fact"])
)
def test_no_words_break_a_greeting(text: str, quote: str, kind: str) -> None:
    memory = Recalled("1", text, quote, SAID, "ada", kind, 1.0, Source((), Place("lobby"), ()))
    question = picked_up([memory], SAID + timedelta(days=7))
    assert welcome_words("Ada", question, [], "seed").startswith(("Hi Ada", "Hello again, Ada", "Hey Ada"))


def test_a_memory_is_about_whoever_it_names() -> None:
    memory = Recalled("1", "Ada lives in Rome.", "", SAID, "ada", "fact", 1.0, Source((), Place("lobby"), ()))
    assert is_about(memory, "Ada")
    assert is_about(memory, "ada lovelace")
    assert not is_about(memory, "Bob")
    assert not is_about(memory, "")
