"""The words with which a persona greets somebody, at once and without the model. Pure."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cognition.memory.recall import Recalled
from cognition.persona.threads import is_about, picked_up

__all__ = ["Newcomer", "greet", "greeting_words", "welcome_words"]

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


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to be greeted.

    Attributes:
        name: as it is spoken; empty where nobody knows it.
        others: names of the other people there.
        back: they were greeted here before, or have spoken.
        seed: the same words come for the same seed.
    """

    name: str
    others: Sequence[str]
    back: bool
    seed: str


def greet(newcomer: Newcomer, persona: str, known: Sequence[Recalled], now: datetime) -> str:
    """Greets somebody, as one who is known from another day, if they are.

    Args:
        newcomer: who.
        persona: name of who greets.
        known: what is remembered of the identity they have; a browser may have another user today.
        now: UTC.
    """
    if newcomer.back:
        return f"Welcome back, {newcomer.name}!" if newcomer.name else "Welcome back!"
    known = [each for each in known if is_about(each, newcomer.name)]
    if not known:
        return greeting_words(newcomer.name or "there", persona, newcomer.others, newcomer.seed)
    return welcome_words(newcomer.name, picked_up(known, now), newcomer.others, newcomer.seed)


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
