"""The words with which a persona greets somebody, at once and without the model. Pure."""

import zlib
from collections.abc import Sequence

__all__ = ["greeting_words", "welcome_words"]

_GREETINGS = (
    "Hi {name}! I'm {persona}. What's on your mind?",
    "Hello {name}, good to have you here. I'm {persona}. How are you today?",
    "Hey {name}! {persona} here. How's your day going?",
)
_GREETINGS_AMONG = (
    "Hi {name}! I'm {persona}. {others} here too.",
    "Hello {name}, good to have you here. I'm {persona}, and {others} here with us.",
    "Hey {name}! {persona} here. You'll find {others} here as well.",
)
_AGAIN = (
    "Hi {name}, good to hear you again!",
    "Hello again, {name}!",
    "Hey {name}, nice to have you back!",
)


def greeting_words(name: str, persona: str, others: Sequence[str], seed: str) -> str:
    """For somebody of whom nothing is known but the name.

    Args:
        name: theirs, or "there".
        persona: who greets.
        others: names of the people who are there.
        seed: the same words come for the same seed.
    """
    choices = _GREETINGS_AMONG if others else _GREETINGS
    words = choices[_draw(seed, len(choices))]
    return words.format(name=name, persona=persona, others=_company(others) if others else "")


def welcome_words(name: str, question: str, others: Sequence[str], seed: str) -> str:
    """For somebody who is known from another day.

    Args:
        name: theirs.
        question: what is picked up of that day; perhaps empty.
        others: names of the people who are there.
        seed: the same words come for the same seed.
    """
    hello = _AGAIN[_draw(seed, len(_AGAIN))].format(name=name)
    there = f"{_company(others)} here too." if others and not question else ""
    return " ".join(part for part in (hello, there, question or "How have you been?") if part)


def _draw(seed: str, number: int) -> int:
    return zlib.crc32(seed.encode("utf-8", "replace")) % number


def _company(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} is"
    if len(names) <= 3:
        return f"{', '.join(names[:-1])} and {names[-1]} are"
    return f"{len(names)} others are"
