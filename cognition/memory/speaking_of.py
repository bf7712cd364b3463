"""Whom a clause is about: its subject, and the people its speaker calls by a name or a relation. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cognition.memory.spoken import content_words

__all__ = ["RELATIONS", "SINGLE_RELATIONS", "Named", "Speaker", "Statement", "named_in", "statement"]

SINGLE_RELATIONS = frozenset(
    """
    wife husband partner girlfriend boyfriend fiancé fiancée fiance fiancee spouse mother father mom mum dad
    boss manager landlord landlady supervisor roommate flatmate therapist
    """.split()
)
RELATIONS = SINGLE_RELATIONS | frozenset(
    """
    sister brother son daughter cousin aunt uncle niece nephew grandmother grandfather grandma grandpa granny
    nana friend colleague coworker neighbour neighbor teacher stepmother stepfather stepsister stepbrother
    stepson stepdaughter mother-in-law father-in-law sister-in-law brother-in-law godmother godfather twin ex
    kid child baby mentor dog cat puppy kitten rabbit hamster parrot horse goldfish turtle pet
    """.split()
)
_KIND = (
    r"(?:(?:best|old|older|younger|big|little|elder|twin|late|new|former|oldest|youngest"
    r"|good|close|half|step|school|college|baby|other|first)[ -])*"
)
_RELATION = "|".join(sorted(map(re.escape, RELATIONS), key=len, reverse=True))
_NAME = r"[A-Z][a-zà-ÿ'’-]+(?: [A-Z][a-zà-ÿ'’-]+)?"
_MINE = rf"(?:[Mm]y|[Oo]ur) (?P<relation>{_KIND}(?:{_RELATION}))"
_NAMED = (
    re.compile(rf"\b{_MINE}(?:'s name is| is called| is named|,? (?:called|named)|,)? (?P<name>{_NAME})\b"),
    re.compile(rf"\b(?P<name>{_NAME})(?: is|,) (?:my|our) (?P<relation>{_KIND}(?:{_RELATION}))\b"),
    re.compile(
        rf"\b(?:have|has|got|adopted|had) (?:an?|two|one|this) (?P<relation>{_KIND}(?:{_RELATION}))"
        rf" (?:called|named|whose name is) (?P<name>{_NAME})\b"
    ),
    re.compile(rf"\b(?P<relation>married) to (?P<name>{_NAME})\b"),
    re.compile(rf"\b(?P<relation>dating|seeing|engaged to) (?P<name>{_NAME})\b"),
)
_BY_DEED = {"married": "spouse", "dating": "partner", "seeing": "partner", "engaged to": "fiancé"}
_SUBJECTS = re.compile(
    rf"(?P<self>\b(?:I|[Ww]e)\b)(?! and\b)|\b{_MINE}\b(?P<possessed>'s [a-z][\w-]*(?:"
    rf" [a-z][\w-]*)?(?= is\b| was\b))?(?:,? (?P<called>{_NAME}),?)?"
    r"|\b(?P<mine>(?:[Mm]y|[Oo]ur) (?P<thing>[a-z][\w' -]*?))(?= (?:is|are|was|were"
    r"|has|have|will|got|went|starts?|ends?|lives?|died|broke|comes?)\b)"
    rf"|\b(?P<pronoun>[Hh]e|[Ss]he)\b|(?P<name>\b{_NAME})(?= (?:is|was|has|had|lives?"
    r"|works?|moved|got|loves?|hates?|likes?|went|will"
    r"|started|left|quit|bought|died|passed|graduated|married|plays?|speaks?|studies"
    r"|studied|had|does|just|became|joined)\b)"
)
_LEADING = 7
"""Words that may stand before the subject."""
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|had|will|did|does|do|that|which|who|what|how|where|got|went)\b", re.IGNORECASE
)
"""What stands before a subject and has a verb is a clause, of which the subject's is a part."""
_NO_NAMES = frozenset(
    """
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August
    September October November December English French German Italian Spanish Christmas Easter I It The This
    That There What Who When Where Why How Yes No Well So And But Or If Then Also Everybody Everyone Nobody
    Someone Somebody People Life Work Everything Nothing Something My Our His Her Their Its He She They We You
    Last Next In On At After Before Since Mom Mum Dad God
    """.split()
)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose words are read.

    Attributes:
        identity: who they are everywhere.
        name: what they are called.
        people: identities of those who were there, by first name in lower case.
    """

    identity: str
    name: str
    people: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody the speaker has a relation to; `name` is empty where it was not said."""

    relation: str
    name: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A clause, taken apart.

    Attributes:
        subject: identity of whom it is about; see `Memory.subject`.
        name: what they are called in a sentence that stands alone: "Ada", "Ada's sister Clara".
        own: it is about the speaker.
        lead: what stands before the subject.
        rest: what is said of the subject, beginning with its verb.
        thing: of "my interview is on Friday" what is the speaker's; else empty.
    """

    subject: str
    name: str
    own: bool
    lead: str
    rest: str
    thing: str = ""


def named_in(text: str) -> list[Named]:
    """The people and animals to whom a clause gives a relation with a name."""
    found = []
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            name = match["name"]
            if name.split()[0] in _NO_NAMES:
                continue
            relation = _BY_DEED.get(match["relation"], match["relation"].lower())
            found.append(Named(relation, name))
    return found


def statement(text: str, speaker: Speaker, before: Statement | None) -> Statement | None:
    """What a clause says of whom; None where it has no subject that is known.

    Args:
        text: of a clause.
        speaker: whose it is.
        before: the speaker's last statement about somebody else in the same turn: whom "she" may mean.
    """
    for match in _SUBJECTS.finditer(text):
        lead = text[: match.start()].strip(" ,")
        if len(lead.split()) > _LEADING or _VERB.search(lead) is not None:
            return None
        rest = text[match.end() :].strip(" ,")
        if match["self"]:
            return Statement(speaker.identity, speaker.name, True, lead, rest)
        if match["relation"] and not match["possessed"]:
            return _of_other(speaker, match["relation"].lower(), match["called"] or "", lead, rest)
        if match["thing"] or match["possessed"]:
            thing = match["thing"] or match["relation"] + match["possessed"]
            return Statement(speaker.identity, speaker.name, True, lead, rest, thing)
        if match["pronoun"]:
            if before is None or before.own:
                return None
            return Statement(before.subject, before.name, False, lead, rest)
        name = match["name"]
        if name.split()[0] in _NO_NAMES or not content_words(name.split()[0]):
            continue
        known = speaker.people.get(name.split()[0].casefold())
        if known is not None:
            return Statement(known, name, known == speaker.identity, lead, rest)
        return Statement(f"{speaker.identity}/{name.casefold()}", name, False, lead, rest)
    return None


def _of_other(speaker: Speaker, relation: str, called: str, lead: str, rest: str) -> Statement:
    if called and called.split()[0] in _NO_NAMES:
        called, rest = "", f"{called} {rest}"
    spoken = f"{speaker.name}'s {relation}" + (f" {called}" if called else "")
    return Statement(f"{speaker.identity}/{(called or relation).casefold()}", spoken, False, lead, rest)
