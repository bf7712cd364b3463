"""How times, places and names read in a context, and how much some words bear on others. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from cognition.conversation.dialogue import content
from cognition.persona.prompt import spoken_name
from cognition.rag.fence import titled
from cognition.store.timeline import Entry, Place

__all__ = ["bearings", "named", "place_name", "when_said", "who_said"]

_WEEK = 7
_HERE = "continuum"


def when_said(at: datetime, now: datetime) -> str:
    """When something was, as people say it: "Earlier", "Yesterday", "On Monday", "On 3 March 2025".

    Args:
        at: timezone-aware.
        now: timezone-aware; its zone decides where a day ends.
    """
    day = at.astimezone(now.tzinfo).date()
    days = (now.date() - day).days
    if days <= 0 or now - at < timedelta(hours=6):
        return "Earlier"
    if days == 1:
        return "Yesterday"
    if days < _WEEK:
        return f"On {day:%A}"
    return f"On {day.day} {day:%B}" if day.year == now.year else f"On {day.day} {day:%B} {day.year}"


def place_name(place: Place) -> str:
    """A place as people name it."""
    if place.host == _HERE:
        return f"the room {titled(place.room) or 'without a name'}"
    host = place.host.replace("_", " ").replace("-", " ")
    return titled(f"{host[:1].upper()}{host[1:]} {place.channel or place.room}")


def named(name: str) -> str:
    """A participant's name; never more than three words of it."""
    return spoken_name(name) or "Somebody"


def who_said(entry: Entry, persona: str) -> str:
    """The speaker of a line, as the persona of that identity is told of it."""
    return "you" if entry.identity == persona else named(entry.name)


def bearings(words: str, texts: Sequence[str]) -> list[float]:
    """The share of some words' content that each text has, 0 to 1; a word counts for more the fewer texts have it.

    The weights are the inverse document frequencies of BM25 (Robertson and Zaragoza 2009, "The Probabilistic
    Relevance Framework: BM25 and Beyond").
    """
    asked = content(words)
    found = [asked & content(text) for text in texts] if asked else [frozenset[str]()] * len(texts)
    having = Counter(word for each in found for word in each)
    weights = {word: math.log(1 + (len(texts) - having[word] + 0.5) / (having[word] + 0.5)) for word in asked}
    total = sum(weights.values())
    return [sum(weights[word] for word in each) / total if total else 0.0 for each in found]
