"""Threads of an earlier day that are picked up when somebody comes again. Pure."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from cognition.memory.recall import Recalled

__all__ = ["is_about", "picked_up"]

OPEN = frozenset({"commitment", "event", "awaited", "plan", "intention"})
"""Kinds of memories of which one asks what became of them."""
FRESH = timedelta(hours=3)
"""What was said so lately is no thread to be picked up."""
STALE = timedelta(days=60)
"""Nor is what was said so long ago."""
MAX_WORDS = 16
"""Words of a quotation."""


def is_about(memory: Recalled, name: str) -> bool:
    """Whether a memory is about somebody of that name, as far as its sentence says: another may sit there today."""
    first = name.casefold().split()
    return bool(first) and first[0] in re.findall(r"\w+", memory.text.casefold())


def picked_up(memories: Iterable[Recalled], now: datetime) -> str:
    """A question about the first thing that was open; empty where nothing is."""
    for memory in memories:
        if memory.kind in OPEN and memory.current and FRESH <= now - memory.at <= STALE:
            if question := _question(memory):
                return question
    return ""


_GOES = (
    r"(?:job |driving |final |entrance |oral |maths? |piano |dance |book |wine |choir |band |board |school |team "
    r"|tennis |chess |football |rugby |half |dental |doctor's |medical |eye |first |second |last |big |new "
    r"|important )*"
    r"(?:interview|exam|examination|test|appointment|operation|surgery|trip|holiday|vacation|journey|wedding|party|"
    r"concert|recital|presentation|talk|speech|lecture|meeting|date|move|race|marathon|match|game|tournament|flight|"
    r"visit|performance|audition|conference|check-?up|scan|show|exhibition|launch|defen[cs]e|rehearsal|dinner|hike|"
    r"course|lesson|competition|hearing|viva|review|demo|barbecue|festival|reunion|picnic|birthday|graduation)"
)
_EVENT = re.compile(rf"\b(?:a|an|the|my|our|his|her|their|your)\s+({_GOES})\b", re.IGNORECASE)


def _question(memory: Recalled) -> str:
    for text in (memory.quote, memory.text):
        if found := _EVENT.search(text):
            return f"How did the {found[1].casefold()} go?"
    words = memory.quote.split()
    if not 3 <= len(words) <= MAX_WORDS:
        return ""
    said = " ".join(words).strip(" .,;:!?\"'")
    return f'Last time you said: "{said}". What became of it?'
