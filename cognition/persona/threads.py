"""Threads of an earlier day that are picked up when somebody comes again: sentences into questions. Pure."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from cognition.memory.recall import Recalled

__all__ = ["is_about", "picked_up"]

OPEN = frozenset({"commitment", "thread", "event"})
"""Kinds of memories of which one asks what became of them; of an event only when it was still to come."""
FRESH = timedelta(hours=3)
"""What was said so lately is no thread to be picked up."""
STALE = timedelta(days=60)
"""Nor is what was said, or was to happen, so long ago."""
MAX_WORDS = 14
"""Words that are taken up."""

_GOES = (
    "interview|exam|examination|test|appointment|operation|surgery|trip|holiday|vacation|journey|wedding|party|"
    "concert|recital|presentation|talk|speech|lecture|meeting|date|race|marathon|match|game|tournament|flight|visit|"
    "performance|audition|conference|check-?up|scan|show|exhibition|launch|defen[cs]e|rehearsal|dinner|hike|course|"
    "lesson|competition|hearing|viva|review|demo|barbecue|festival|reunion|picnic|graduation|move|tryout|trial"
)
_EVENT = re.compile(
    rf"\b(?:an?|the|my|our|his|her|their|\w+'s)\s+((?:[\w'-]+\s+){{0,2}}?(?:{_GOES}))\b(?!\s+(?:results?|scores?))",
    re.IGNORECASE,
)
_AWAITS = re.compile(r"^[\w' -]+? (?:is|are) waiting (?:for|to hear (?:from|about)) (.+)$", re.IGNORECASE)
_PLANS = re.compile(r"^[\w' -]+? (?:plans?|promised|wants?|intends?|hopes?|means?) to (.+)$", re.IGNORECASE)
_DOES = re.compile(r"^[\w' -]+? (?:is|are) (\w+ing\b.*)$", re.IGNORECASE)
_DATED = re.compile(r"^(.*),?\s+(?P<when>(?:on|in|by|at|before|after|around|from|until)\s.{1,40}\b\d{4})$")
_TO_YOU = {
    "their": "your",
    "theirs": "yours",
    "them": "you",
    "they": "you",
    "themselves": "yourself",
    "his": "your",
    "her": "your",
    "my": "your",
}


def is_about(memory: Recalled, name: str) -> bool:
    """Whether a memory is about somebody of that name, as far as its sentence says: another may sit there today."""
    first = name.casefold().split()
    return bool(first) and first[0] in re.findall(r"\w+", memory.text.casefold())


def picked_up(memories: Iterable[Recalled], now: datetime) -> str:
    """A question about the first thing that is open; empty where nothing is.

    Args:
        memories: what is known of somebody, most worth first.
        now: timezone-aware.
    """
    for memory in memories:
        if memory.kind not in OPEN or not memory.current or not FRESH <= now - memory.at <= STALE:
            continue
        if memory.kind == "event" and memory.due is None:
            continue
        if memory.due is not None and now - memory.due > STALE:
            continue
        if question := _question(memory, now):
            return question
    return ""


def _question(memory: Recalled, now: datetime) -> str:
    sentence = memory.text.strip().rstrip(".!")
    dated = _DATED.search(sentence)
    bare = dated[1].rstrip(",") if dated is not None else sentence
    over = memory.due is None or now >= memory.due + _width(dated["when"] if dated is not None else "")
    if (found := _AWAITS.match(bare)) is not None:
        return _asked("Is there any news of {}?", found[1])
    if (found := _EVENT.search(bare)) is not None:
        return _asked("How did the {} go?" if over else "Are you ready for the {}?", found[1].casefold())
    if (found := _PLANS.match(bare)) is not None and not _speaks_to_persona(found[1]):
        return _asked("Did you get to {}?" if over else "Do you still plan to {}?", found[1])
    if (found := _DOES.match(bare)) is not None:
        return _asked("How was {}?" if over else "Are you looking forward to {}?", found[1])
    if over and 3 <= len(memory.quote.split()) <= MAX_WORDS:
        return f'Last time you said: "{memory.quote.strip(" .,;:!?")}". What became of it?'
    return ""


def _asked(form: str, words: str) -> str:
    if len(words.split()) > MAX_WORDS:
        return ""
    return form.format(" ".join(_TO_YOU.get(word.casefold(), word) for word in words.split()).strip(" ,;"))


def _speaks_to_persona(words: str) -> bool:
    return re.search(r"\byou(?:rs?)?\b", words, re.IGNORECASE) is not None


def _width(when: str) -> timedelta:
    """How long what is dated so may last: a day, a week, a month."""
    if "week" in when:
        return timedelta(days=7)
    return timedelta(hours=12) if re.search(r"\b\d{1,2}\b", when) else timedelta(days=31)
