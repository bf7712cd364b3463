"""What people want done with what is known of them, out of what is said: "forget me", "what do you know about me?".

A pure function of the words. It is as careful as the wish is grave: to forget a person, they have to say so plainly;
a sentence that only speaks of forgetting ("I forget names", "forget it", "did you forget me?"), or that may mean the
talk as well ("forget everything I said"), wishes nothing. Who is to be forgotten is asked back all the same.
"""

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Correct", "Forget", "MemoryWish", "Show", "confirmed", "wish_about_memory"]

MAX_TEXT = 600
"""Characters that are read; nobody wishes at greater length."""

_ADDRESS = re.compile(
    r"[A-Z][\w'-]*,\s+|(?i:(?:please|hey|hi|hello|ok|okay|so|well|and|now|actually|sorry|no|oh)\b[,.!]*\s*)"
)
_ASKING = re.compile(
    r"(?:(?:can|could|would|will) you|i(?:'d| would) (?:like|want) you to|i want you to|you (?:should|can|must)|just"
    r"|please)\s+",
    re.IGNORECASE,
)
_FORGET = r"(?:forget|erase|delete|remove|wipe)"
_AT_LAST = (
    r"(?:,? (?:completely|entirely|forever|for good|please|now|altogether|so far|ever|to you|just now))*"
    r"[.!?\s]*$"
)
_OF_ME = r"(?:that )?(?:you (?:know|have|remember|(?:have )?(?:saved|stored|noted|kept))|there is) (?:about|on|of) me"
_TOLD = r"(?:i|we)(?:'ve| have|'d)? (?:ever |just )?(?:told you|said|talked|spoke|mentioned|discussed)"
_WHOM = (
    r"(?:all|everything|anything|whatever) (?:about|on|of) me",
    r"who i am",
    r"that (?:i|we)(?:'ve| have)? (?:ever )?(?:existed|met)",
    rf"(?:everything|all|anything|whatever) {_OF_ME}",
    r"(?:all )?(?:of )?my (?:data|memories|personal data|information)",
    r"(?:all |your )?memories of me",
)
_WHO = tuple(
    re.compile(rf"{what}{_AT_LAST}", re.IGNORECASE)
    for what in (
        r"(?:forget|erase|delete|wipe) me",
        *(rf"{_FORGET} {whom}" for whom in _WHOM),
    )
)
_LAST = (
    re.compile(
        rf"{_FORGET} (?:what i (?:just )?(?:said|told you)|the last thing i said|that i (?:just )?said (?:that|it))"
        rf"{_AT_LAST}",
        re.IGNORECASE,
    ),
    re.compile(rf"(?:do not|don't) (?:remember|keep|save|store) (?:that|this){_AT_LAST}", re.IGNORECASE),
)
_TOPIC = tuple(
    re.compile(rf"{what} (?P<topic>[^.!?]+?){_AT_LAST}", re.IGNORECASE)
    for what in (
        rf"{_FORGET} (?:what|the things?|everything|all|anything|whatever)(?: that)? {_TOLD}(?: to you)?"
        r"(?: about| of| on)?",
        rf"{_FORGET} (?:what you know|everything|all|that thing|the story|the part)(?: about| of| on)",
        rf"{_FORGET}(?: about)?(?= my (?!data\b|voice))",
        rf"{_FORGET} that(?= (?:i|my|we)\b)",
        r"(?:do not|don't) (?:remember|keep|note|save|store) what i (?:just )?said about",
    )
)
_SHOW = tuple(
    re.compile(what, re.IGNORECASE)
    for what in (
        r"\bwhat (?:else )?(?:do|did) you (?:actually |really |still )?"
        r"(?:know|remember|have saved|have stored|have on file) (?:about|of|on) (?:me|myself)\b",
        r"\b(?:tell|show) me (?:everything|all|what)(?: that)? you (?:know|remember|have) (?:about|of|on) me\b",
        r"\bwhat(?:'s| is| do you have) in your memory (?:about|of) me\b",
        r"\bdo you (?:still )?(?:know|remember) (?:anything|something|things) about me\b",
        r"\bwhat have (?:you (?:saved|stored|kept|noted)|i told you) about (?:me|myself)\b",
    )
)
_WRONG = re.compile(
    r"(?:(?:that|it|this)(?:'s| is| was)(?: actually| simply| all| just| really| quite)?"
    r" (?:wrong|not (?:right|true|correct|so)|incorrect|false|outdated|out of date|a mistake"
    r"|no longer (?:true|right|so))"
    r"|you(?:'re| are| have| got|'ve)(?: got)?(?: that| it| this)? (?:wrong|mistaken|mixed (?:that|it|me) up)"
    r"|you remember (?:that|it) wrong(?:ly)?)\b[,.;:!\s–—-]*(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_OF_OWN = re.compile(r"\b(?:i|my|me|mine|i'm|we|our)\b", re.IGNORECASE)
_SURE = r"(?:yes|yeah|yep|yup|sure|certainly|absolutely|definitely|of course|correct|exactly|please)"
_DO_IT = (
    r"(?:please )?(?:do (?:it|that|so)|go ahead|i do|i am(?: sure)?|i'm sure|i'm certain|(?:forget|erase|delete|wipe)"
    r" (?:me|it all|all of it|everything(?: about me)?))"
)
_YES = re.compile(
    rf"(?:{_SURE}|{_DO_IT})(?:[,.!\s]+(?:{_SURE}|{_DO_IT}|for good|completely|thanks|thank you))*[.!\s]*$",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:no|nope|nah|never|don't|do not|please don't|stop|wait|not (?:that|me|everything|really|now|at all))\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"(?:about )?(?:it|that|this|the whole thing|everything|all)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Show:
    """They want to know what is known of them."""


@dataclass(frozen=True, slots=True)
class Forget:
    """They want something forgotten.

    Attributes:
        what: `person`: all of them; `topic`: what was told about `topic`; `last`: what they said right before.
        topic: in their words; empty for the others.
    """

    what: Literal["person", "topic", "last"]
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Correct:
    """What was just said of them is wrong; `text` is how it is, in their words, empty where they did not say."""

    text: str


MemoryWish = Show | Forget | Correct


def wish_about_memory(text: str) -> MemoryWish | None:
    """What somebody wants done with what is known of them; None where they want nothing of the kind.

    Args:
        text: what was said, as the transcriber writes it, or written.
    """
    if len(text) > MAX_TEXT:
        return None
    said = " ".join(text.replace("’", "'").split())
    plain = _addressed(said)
    wanted = _asked(plain)
    if any(one.match(wanted) for one in _WHO):
        return Forget("person")
    if any(one.match(wanted) for one in _LAST):
        return Forget("last")
    for one in _TOPIC:
        if (found := one.match(wanted)) is not None:
            topic = found["topic"].strip(" ,")
            return Forget("topic", topic) if topic and not _NOTHING.match(topic) else None
    if any(one.search(said) for one in _SHOW):
        return Show()
    if (wrong := _WRONG.match(plain)) is not None:
        rest = wrong["rest"].strip(" ,")
        # "That's wrong, Rome is in Italy" corrects the world, and not what is known of whoever says it.
        if not rest or _OF_OWN.search(rest):
            return Correct(rest)
    return None


def confirmed(text: str) -> bool | None:
    """What somebody answers who was asked whether they are sure: yes, no, or something else.

    Args:
        text: what was said right after the question. A yes is nothing but a yes: "Yes, Bob told me" is none.
    """
    said = " ".join(text.replace("’", "'").split())
    for one in (said, _addressed(said)):
        if _YES.match(one):
            return True
        if _NO.match(one):
            return False
    return None


def _addressed(text: str) -> str:
    """A text without what it is opened with: "Oh, Nova, please"."""
    start = 0
    while (found := _ADDRESS.match(text, start)) is not None:
        start = found.end()
    return text[start:]


def _asked(text: str) -> str:
    """A request as what is requested: without "could you please"."""
    start = 0
    while (found := _ASKING.match(text, start)) is not None:
        start = found.end()
    return text[start:]
