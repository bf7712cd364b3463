"""Wishes about what is known of people, and sentences that only sound like one."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.memory.wishes import MAX_TEXT, Correct, Forget, MemoryWish, Show, confirmed, wish_about_memory


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("Forget me.", Forget("person")),
        ("Forget everything about me, please.", Forget("person")),
        ("Nova, please forget me completely.", Forget("person")),
        ("Can you forget everything you know about me?", Forget("person")),
        ("I want you to delete all my data.", Forget("person")),
        ("Forget what I told you about my knee.", Forget("topic", "my knee")),
        ("Nova, could you please forget what I said about the divorce?", Forget("topic", "the divorce")),
        ("Delete everything we talked about my sister, please.", Forget("topic", "my sister")),
        ("Forget my address.", Forget("topic", "my address")),
        ("Forget that I was ill.", Forget("topic", "I was ill")),
        ("Forget what I just said.", Forget("last")),
        ("Please don't remember that.", Forget("last")),
        ("What do you know about me?", Show()),
        ("So what do you remember of me?", Show()),
        ("Tell me everything you know about me!", Show()),
        ("Do you still remember anything about me?", Show()),
        ("That's wrong, I live in Rome.", Correct("I live in Rome.")),
        ("No, that is not true. My cat is called Luna.", Correct("My cat is called Luna.")),
        ("You got that wrong: I'm allergic to nuts.", Correct("I'm allergic to nuts.")),
        ("Actually, that’s not right.", Correct("")),
    ],
)
def test_a_wish_is_read_as_it_is_said(text: str, wish: MemoryWish) -> None:
    assert wish_about_memory(text) == wish


@pytest.mark.parametrize(
    "text",
    [
        "Forget it.",
        "Oh, forget about that.",
        "I always forget names.",
        "Don't forget me when you are famous!",
        "Did you forget me?",
        "She told me to forget him.",
        "Never forget what I told you about my knee.",
        "He said forget me and left.",
        "What do you know about Rome?",
        "What does Bob know about me?",
        "That's wrong, Rome is in Italy.",
        "I think that is not right.",
        "Remove the lid before you cook it.",
        "Forget my voice.",
        "Forget everything I said.",
        "Okay, forget everything we discussed.",
        "Please erase everything I told you.",
        "Sorry, forget everything we talked.",
        "Delete whatever I said",
        "Just forget about me.",
        "Please remove me.",
        "Can you remove me?",
        "",
    ],
)
def test_what_only_sounds_like_a_wish_is_none(text: str) -> None:
    assert wish_about_memory(text) is None


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("Yes.", True),
        ("Nova, yes please!", True),
        ("Yes, forget me.", True),
        ("Yeah, go ahead, thanks.", True),
        ("I’m sure.", True),
        ("Yes, do it, please.", True),
        ("No!", False),
        ("Oh no, don't.", False),
        ("Nova, please don't do that", False),
        ("Yes, Bob told me so.", None),
        ("Do it at eight o'clock.", None),
        ("What would that mean?", None),
        ("", None),
    ],
)
def test_a_yes_is_nothing_but_a_yes(text: str, sure: bool | None) -> None:
    assert confirmed(text) is sure


@given(st.text(max_size=300))
def test_whatever_is_said_is_a_wish_or_none(text: str) -> None:
    wish = wish_about_memory(text)
    if isinstance(wish, Forget):
        assert bool(wish.topic) == (wish.what == "topic")


@pytest.mark.parametrize("piece", ["Nova, ", "please ", "yes, ", "forget ", "that's wrong ", "a", " "])
def test_a_long_text_takes_no_long_time(piece: str) -> None:
    began = perf_counter()
    wish_about_memory(piece * (MAX_TEXT // len(piece)))
    confirmed(piece * (MAX_TEXT // len(piece)) + "?")
    assert perf_counter() - began < 1.0
