"""Who is told not to answer something, and to whom it is left."""

import pytest

from cognition.conversation.quiet import Quiet
from tests.cognition.test_floor import FELIX, NOVA, ROBIN, THREE, line_at, outcomes

ALL = frozenset({"felix", "robin", "nova"})


@pytest.mark.parametrize(
    "text",
    [
        "Nobody answer that.",
        "No one answer this, please.",
        "No answers, please.",
        "Don't anyone answer that.",
        "None of you should answer this one.",
        "Don't answer that, anybody.",
        "What is the capital of France? Nobody answer that.",
    ],
)
def test_what_nobody_is_to_answer_nobody_answers_and_the_next_question_somebody_does(text: str) -> None:
    first, second = outcomes(f"ada: {text}\nada: How far is the moon?", *THREE)
    assert first == "asked-to-be-quiet"
    assert second.endswith("one-to-one")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Let Robin answer.", "robin addressed"),
        ("Nova, let Robin answer that.", "robin addressed"),
        ("No, Nova, don't answer, let Robin answer.", "robin addressed"),
        ("Why don't you let Robin take that?", "robin addressed"),
        ("Can you let Robin and Felix answer this one?", "robin felix addressed"),
        ("What is the capital of France? Let Robin answer.", "robin addressed"),
        ("Let Ben answer that.", "addressed-another"),
        ("Nova, let Ben answer.", "addressed-another"),
        ("Let me answer that.", "addressed-another"),
        ("Nova, how far is the moon? Robin, don't answer.", "nova addressed"),
        ("Nova, don't answer that.", "asked-to-be-quiet"),
    ],
)
def test_an_answer_is_left_to_those_alone_to_whom_it_is_left(text: str, expected: str) -> None:
    assert outcomes(f"ben: Hello all.\nada: {text}", *THREE)[-1] == expected


def test_who_is_not_to_answer_a_question_leaves_it_to_the_others() -> None:
    script = "ada: What is the capital of France? Felix, don't answer that."
    assert outcomes(script, *THREE) == ["robin one-to-one"]
    assert outcomes(script.replace("Felix", "Robin"), *THREE) == ["felix one-to-one"]
    assert outcomes(script, FELIX) == ["asked-to-be-quiet"]


def test_not_to_answer_that_is_about_that_and_not_to_answer_lasts_until_one_is_called() -> None:
    assert outcomes("ada: Nova, don't answer that.\nada: How far is the moon?", NOVA)[-1] == "nova one-to-one"
    assert (
        outcomes("ada: Nova, don't answer.\nada: How far is the moon?", NOVA)[-1] == "quiet-until-addressed"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Nobody answered that.",
        "Did nobody answer that?",
        "Nova, why didn't you answer?",
        "Nova, did you let Robin answer?",
        "I don't know the answer.",
        "Let us take the train.",
        "They let the phone ring and no one answered.",
    ],
)
def test_talk_of_answers_is_no_order(text: str) -> None:
    assert outcomes(f"ada: {text}", NOVA, ROBIN)[-1].startswith(("nova", "felix", "robin"))


def test_until_the_next_line_those_are_quiet_who_are_not_to_answer() -> None:
    quiet = Quiet({persona.id: persona for persona in THREE})
    for number, (text, hushed) in enumerate(
        (
            ("Nobody answer that.", ALL),
            ("How far is the moon?", frozenset()),
            ("Let Robin answer.", {"felix", "nova"}),
            ("Don't let Robin answer that.", {"robin"}),
            ("Let Ben answer.", ALL),
            ("Let me answer.", ALL),
            ("Ben, don't answer that.", frozenset()),
        )
    ):
        line = line_at(number, text)
        quiet.note(line, ["Ben"])
        assert quiet.now == hushed, text
        assert quiet.before(line_at(number + 1, "")) == frozenset()
