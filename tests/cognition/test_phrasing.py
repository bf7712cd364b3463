"""A question about somebody is looked for as they would put it, as it is in their own words that they told it."""

import pytest

from cognition.memory.phrasing import in_first_person
from cognition.memory.relevance import questioned
from tests.cognition.remembering import NOON

PEOPLE = ("Ada", "Tom", "Will", "James", "Ada Miller")


@pytest.mark.parametrize(
    ("question", "own"),
    [
        ("What does Tom drink in the morning?", "What do I drink in the morning?"),
        ("Has Tom's sister moved?", "Has my sister moved?"),
        ("Who lived with Tom before Ingrid?", "Who lived with me before Ingrid?"),
        ("How did James' dog die?", "How did my dog die?"),
        ("What was Tom's habit before Tom took to cocoa?", "What was my habit before I took to cocoa?"),
        ("what is tom reading", "what am I reading"),
        ("Which of these books is Tom's?", "Which of these books is mine?"),
        ("Who was it that saw Tom?", "Who was it that saw me?"),
        ("What did Ada Miller plant?", "What did I plant?"),
        ("What will Will cook?", "What will I cook?"),
    ],
)
def test_who_is_asked_about_is_i(question: str, own: str) -> None:
    assert in_first_person(question, PEOPLE) == own


@pytest.mark.parametrize(
    "question",
    [
        "What did Tom tell me?",
        "What did Ada give Tom?",
        "Will it rain tomorrow?",
        "Where did Ingrid go?",
        "Which tomatoes are ripe?",
        "",
    ],
)
def test_where_somebody_speaks_of_themselves_or_of_several_or_of_nobody_known_nothing_changes(
    question: str,
) -> None:
    assert in_first_person(question, PEOPLE) == question


def test_whoever_is_asked_about_is_still_looked_for_by_name() -> None:
    question = questioned("What does Tom drink?", NOON, people=["Tom"])
    assert question.texts == ("What do I drink?",)
    assert question.names == {"tom"}
