"""What is said about whose voice it is: who names themselves, shows another, corrects, or wants to be forgotten."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.conversation.introductions import Forgetting, Naming, wish_about_voices

STRANGERS = {"s1": None, "s2": None}
KNOWN = {"s1": "Maria", "s2": "Ben"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I am Maria.", "Maria"),
        ("Hi, I'm Maria, nice to meet you.", "Maria"),
        ("Hello, my name is Anna Maria and I work in sales.", "Anna Maria"),
        ("My name's Tom.", "Tom"),
        ("This is Maria.", "Maria"),
        ("Hello, this is Maria from Berlin.", "Maria"),
        ("Hey, Tom here, can you hear me?", "Tom"),
        ("Maria speaking.", "Maria"),
        ("You can call me Bob.", "Bob"),
        ("So I’m Jean-Luc.", "Jean-Luc"),
    ],
)
def test_a_voice_gives_its_own_name(text: str, name: str) -> None:
    assert wish_about_voices(text, "s1", "s2", STRANGERS) == Naming("s1", name, own=True, correction=False)


@pytest.mark.parametrize(
    "text",
    [
        "I am German.",
        "I'm sorry.",
        "I'm Sorry, what was that?",
        "I am going to Paris.",
        "I am Monday's child.",
        "This is the report.",
        "This is Maria's report.",
        "That is Friday.",
        "That's great.",
        "I'm in London.",
        "Is this Maria?",
        "What is my name?",
        "Tell me about Maria.",
        "",
        "Here we go.",
    ],
)
def test_what_is_no_introduction_names_nobody(text: str) -> None:
    assert wish_about_voices(text, "s1", "s2", STRANGERS) is None


@pytest.mark.parametrize("text", ["That was Tom.", "That's Tom.", "Oh, she's Tom.", "His name is Tom."])
def test_another_gives_the_name_of_who_spoke_before(text: str) -> None:
    assert wish_about_voices(text, "s1", "s2", STRANGERS) == Naming("s2", "Tom", own=False, correction=False)


def test_who_is_known_and_says_this_is_shows_another() -> None:
    found = wish_about_voices("This is Tom.", "s1", "s2", {"s1": "Maria", "s2": None})
    assert found == Naming("s2", "Tom", own=False, correction=False)


@pytest.mark.parametrize(
    ("text", "speaker", "name", "own"),
    [
        ("No, that's Tom.", "s2", "Tom", False),
        ("Actually, that was Tom.", "s2", "Tom", False),
        ("No, I'm Mary.", "s1", "Mary", True),
        ("No, this is Mary.", "s1", "Mary", True),
        ("Sorry, my name is Mary.", "s1", "Mary", True),
    ],
)
def test_a_wrong_name_is_corrected(text: str, speaker: str, name: str, own: bool) -> None:
    assert wish_about_voices(text, "s1", "s2", KNOWN) == Naming(speaker, name, own=own, correction=True)


def test_a_name_said_again_corrects_nothing() -> None:
    assert wish_about_voices("I am Maria.", "s1", "s2", KNOWN) == Naming("s1", "Maria", True, False)


@pytest.mark.parametrize("before", [None, "s1", "gone"])
def test_a_name_for_a_voice_that_is_not_known_is_nobodys(before: str | None) -> None:
    assert wish_about_voices("That was Tom.", "s1", before, STRANGERS) == "nobody"


@pytest.mark.parametrize(
    ("text", "speakers"),
    [
        ("Please forget my voice.", ("s1",)),
        ("Delete my voiceprint, please.", ("s1",)),
        ("Don't remember my voice.", ("s1",)),
        ("Forget Ben's voice.", ("s2",)),
        ("forget ben's voice", ("s2",)),
        ("Forget all voices.", ("s1", "s2")),
        ("Please delete everybody's voices.", ("s1", "s2")),
    ],
)
def test_a_voice_is_to_be_forgotten(text: str, speakers: tuple[str, ...]) -> None:
    assert wish_about_voices(text, "s1", "s2", KNOWN) == Forgetting(speakers)


@pytest.mark.parametrize(("text", "speaker"), [("Forget Eve's voice.", "s1"), ("Forget my voice.", "s9")])
def test_a_voice_that_is_not_known_cannot_be_forgotten(text: str, speaker: str) -> None:
    assert wish_about_voices(text, speaker, None, KNOWN) == "nobody"


@pytest.mark.parametrize("text", ["Forget it.", "I forgot my keys.", "Forget what my voice said."])
def test_forgetting_something_else_forgets_no_voice(text: str) -> None:
    assert wish_about_voices(text, "s1", "s2", KNOWN) is None


@given(st.text(max_size=200))
def test_any_words_are_judged(text: str) -> None:
    found = wish_about_voices(text, "s1", "s2", KNOWN)
    assert not isinstance(found, Naming) or 0 < len(found.name) <= 64
