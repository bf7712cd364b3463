"""What somebody asks to be reminded of, whom, and when: "remind me in ten minutes to call my mother". Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cognition.conversation.transcript import plain
from cognition.persona.when import Moment, moment

__all__ = ["Reminder", "reminder_in", "reminder_words"]

MAX_WHAT = 200
"""Characters of what is to be said."""

_ASKED = re.compile(
    r"\b(?P<verb>remind|notify|nudge|ping|alert)\s+(?P<whom>me|us|everyone|everybody|all of us|[\w'’-]+)\b|"
    r"\b(?P<timer>(?:set|start)\s+(?:me\s+)?(?:a|an|the)\s+(?P<long>(?:[\w-]+\s+){0,3}?)(?:timer|alarm|reminder))\b|"
    r"\b(?P<know>(?:let\s+(?:me|us)\s+know|wake\s+me(?:\s+up)?))\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:don['’]?t|do not|didn['’]?t|did not|never|no need to|stop|not)\W+(?:\w+\W+){0,2}$", re.IGNORECASE
)
_ASKING = re.compile(r"^\W*(?:of|what|who|whom|whose|which|why|how|where|when|if|whether)\b", re.IGNORECASE)
_LEAD = re.compile(r"^\W*(?P<lead>(?:to|that|about|of|for|when|then|please)\b\W*)+", re.IGNORECASE)
_TAIL = re.compile(
    r"(?:[\s,]+(?:please|thanks|thank you|okay|ok|will you|would you|could you|can you|then|would be great))+\W*$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?;]+(?:\s|$)|\b(?:and|,)\s+remind\b", re.IGNORECASE)
_CLAUSE = re.compile(r"(?:i|we|you|he|she|it|they|there)(?:['’]\w+)?\s", re.IGNORECASE)
"""A sentence, not a thing, begins with it."""
_EVERYBODY = frozenset({"us", "everyone", "everybody", "all of us"})
_NOBODY = frozenset({"you", "him", "her", "them", "it", "yourself", "a", "the", "this", "that", "of", "to"})
_TURNED = {
    "i": "you",
    "i'm": "you're",
    "i've": "you've",
    "i'll": "you'll",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "am": "are",
    "we": "you",
    "we're": "you're",
    "us": "you",
    "our": "your",
    "ours": "yours",
    "ourselves": "yourselves",
}


@dataclass(frozen=True, slots=True)
class Reminder:
    """A wish to be reminded.

    Attributes:
        whom: "" for who asks, "all" for everybody, else a name.
        what: what of, with how it is joined ("to call your mother", "that it rains"); empty for nothing in particular.
        at: when; None where no time was named.
    """

    whom: str
    what: str
    at: datetime | None


def reminder_in(text: str, now: datetime, names: Iterable[str] = ()) -> Reminder | None:
    """The wish that a line expresses; None where it is none.

    Args:
        text: the line.
        now: when it was said, in the speaker's time zone.
        names: of those there, who may be called at its end.
    """
    text = plain(text, 1000)
    for match in _ASKED.finditer(text):
        if _NOT.search(text[: match.start()]):
            continue
        whom = (match["whom"] or "me").lower()
        if whom in _NOBODY:
            continue
        named = moment(text, now)
        if named is None and match["long"]:
            # A "ten minute timer".
            within = moment(f"in {match['long']}", now)
            named = within and Moment(match.start(), match.end(), within.at)
        if named is None and (match["know"] or match["timer"]):
            continue
        rest = text[match.end() :]
        if named is None and _ASKING.match(rest):
            continue
        if named is not None and named.start >= match.end():
            begin, end = named.start - match.end(), named.end - match.end()
            # Left open, "to call mum in ten minutes, please" would keep the comma.
            rest = f"{rest[:begin].rstrip(' ,')} {rest[end:].lstrip(' ,')}"
        what = "" if match["timer"] else _what(rest, names)
        who = "" if whom == "me" else "all" if whom in _EVERYBODY else match["whom"]
        return Reminder(who, what, named.at if named is not None else None)
    return None


def reminder_words(reminder: Reminder, asker: str, whom: str = "") -> str:
    """What a persona says when it is time.

    Args:
        reminder: the wish.
        asker: the name of who asked, as it is spoken.
        whom: the name of who is reminded, if that is another.
    """
    what = f" {reminder.what}" if reminder.what else ""
    if reminder.whom == "all":
        return f"A reminder for everybody, from {asker}:{what or ' it is time'}."
    if whom:
        return f"{whom}, {asker} asked me to remind you{what or ' now'}."
    if not what:
        return f"{asker}, it is time: you asked me to tell you."
    return f"{asker}, you asked me to remind you{what}."


def _what(rest: str, names: Iterable[str]) -> str:
    end = _END.search(rest)
    said = rest[: end.start()] if end is not None else rest
    before = None
    while said != before:
        before = said
        said = _TAIL.sub("", said).strip(" ,.;:!?-–—")
        for name in names:
            said = re.sub(rf"[\s,]+{re.escape(name)}$", "", said, flags=re.IGNORECASE)
    lead = _LEAD.match(said)
    joined = "to"
    if lead is not None:
        leads = [
            word for word in re.findall(r"[a-z]+", lead[0].lower()) if word in ("to", "that", "about", "of")
        ]
        joined = leads[-1] if leads else "about"
        said = said[lead.end() :]
    elif said:
        joined = "that" if _CLAUSE.match(said) else "about"
    said = plain(" ".join(_turned(word) for word in said.split()), MAX_WHAT)
    return f"{joined} {said}" if said else ""


def _turned(word: str) -> str:
    bare = word.lower().replace("’", "'").strip(",.;:!?")
    turned = _TURNED.get(bare)
    return word if turned is None else word.lower().replace("’", "'").replace(bare, turned)
