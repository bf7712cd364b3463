"""Names for voices, out of what is said: "I am Maria", "that was Tom", "no, I'm Mary", "forget my voice".

A pure function of the words, of whose voice said them, and of the voices known. A name is what is written with a
capital behind such words; names of days, peoples and the like are none. Only what a voice says of itself counts as its
consent to be known again; what others call it holds for this call.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Forgetting", "Naming", "VoiceWish", "wish_about_voices"]

LONGEST_NAME = 64

_NAME = r"([A-Z][a-z'’]+(?:[- ][A-Z][a-z'’]+){0,2})"
_END = r"(?=\s*(?:[.,!?;]|$|\b(?:and|but|from|here|speaking|by the way)\b))"
_OPENING = r"^(?i:(?:no|wrong|actually|sorry|hi|hello|hey|well|okay|so|yes)[,.!]?\s+)*"
_OWN = re.compile(
    rf"\b(?i:i am|i['’]m|my name is|my name['’]s|call me)\s+{_NAME}{_END}"
    rf"|{_OPENING}(?i:this is|it['’]s me,)\s+{_NAME}{_END}"
    rf"|{_OPENING}{_NAME} (?:here|speaking)\b"
)
_SHOWN = re.compile(rf"{_OPENING}(?i:this is)\s")
_OTHER = re.compile(
    r"\b(?i:that(?:['’]s| is| was)|(?:she|he)(?:['’]s| is)|(?:her|his) name(?:['’]s| is))\s+(?:called\s+)?"
    rf"{_NAME}{_END}"
)
_DENIAL = re.compile(r"^(?:no|not|wrong|actually|sorry)\b", re.IGNORECASE)
_FORGET = re.compile(
    r"\b(?:forget|delete|remove|erase)\s+(?:(?P<all>all|everybody's|everyone's)(?: (?:the|our))? voices?"
    r"|(?P<mine>my) voice(?:print)?|(?P<whose>[A-Z][\w'’ -]*?)['’]s voice(?:print)?)\b"
    r"|\b(?:do not|don't|don’t) (?:remember|recognise|recognize|keep) (?P<not>my) voice",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(
    """Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July
    August September October November December English British American German French Italian
    Spanish Dutch Danish Swedish Polish Russian Turkish Greek Chinese Japanese Indian Irish Scottish
    Welsh Canadian Australian European African Asian Christian Jewish Muslim Catholic I Sorry Sure
    Glad Happy Fine Good Great Okay Ok Right Wrong True It What Why How The A An Not Just Monday's
    God Jesus Christmas Easter Enough Everything Nothing Something All Here There So Very Too
    Because""".split()
)


@dataclass(frozen=True, slots=True)
class Naming:
    """A voice has a name.

    Attributes:
        speaker: id of the voice.
        name: what it is called.
        own: said by that voice itself, which consents to be known again.
        correction: it had another name before.
    """

    speaker: str
    name: str
    own: bool
    correction: bool


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Voices to be forgotten, by id."""

    speakers: tuple[str, ...]


VoiceWish = Naming | Forgetting


def wish_about_voices(
    text: str, speaker: str, before: str | None, names: Mapping[str, str | None]
) -> VoiceWish | Literal["nobody"] | None:
    """What somebody says about a voice's name.

    Args:
        text: what was said, as the transcriber writes it.
        speaker: id of the voice that said it.
        before: id of the voice that spoke before, if another.
        names: of all voices known at the microphone, by id; None for those without.

    Returns:
        What is to be done; "nobody" when it was about a voice that is not known; None when it was about no voice.
    """
    if (forget := _FORGET.search(text)) is not None:
        return _forgetting(forget, speaker, names)
    text = text.strip()
    if (name := _named(_OWN, text)) is not None:
        known = names.get(speaker)
        if _SHOWN.match(text) and known is not None and known != name and not _DENIAL.match(text):
            # Somebody whose name is known shows somebody else.
            return _of_other(name, speaker, before, names)
        return Naming(speaker, name, True, known is not None and known != name)
    if (name := _named(_OTHER, text)) is not None:
        return _of_other(name, speaker, before, names)
    return None


def _of_other(
    name: str, speaker: str, before: str | None, names: Mapping[str, str | None]
) -> Naming | Literal["nobody"]:
    if before is None or before == speaker or before not in names:
        return "nobody"
    known = names[before]
    return Naming(before, name, False, known is not None and known != name)


def _forgetting(
    forget: re.Match[str], speaker: str, names: Mapping[str, str | None]
) -> Forgetting | Literal["nobody"]:
    if forget["all"]:
        return Forgetting(tuple(names))
    if forget["mine"] or forget["not"]:
        return Forgetting((speaker,)) if speaker in names else "nobody"
    whose = forget["whose"].strip().casefold()
    found = tuple(id for id, name in names.items() if name is not None and name.casefold() == whose)
    return Forgetting(found) if found else "nobody"


def _named(pattern: re.Pattern[str], text: str) -> str | None:
    for match in pattern.finditer(text):
        name = next((found for found in match.groups() if found), "").strip()
        if name and len(name) <= LONGEST_NAME and not set(re.split(r"[- ]", name)) & _NO_NAMES:
            return name
    return None
