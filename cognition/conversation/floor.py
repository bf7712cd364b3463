"""Who answers a line: one persona or nobody. Pure; every outcome has a named reason."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from cognition.conversation.names import addressed, mentions, words_of
from cognition.conversation.transcript import Line
from cognition.events import Answer, Decline, Kind
from cognition.persona.profile import Persona

__all__ = ["Attendee", "choose"]

RECENT = timedelta(seconds=45)
"""What was said longer ago is no longer what a line replies to."""
ALTERNATING = 2
"""Lines of two people in turn, with no persona between, after which they plainly talk to each other."""

_BACKCHANNELS = frozenset(
    """mhm mm mmm hmm hm uh huh um ah oh yeah yep yup yes ya aha ok okay right sure true exactly totally indeed wow
    nice cool good great interesting really gotcha no nah nope""".split()
)
_BACKCHANNEL_PHRASES = frozenset(
    """i see|i know|of course|got it|go on|that's right|makes sense|that makes sense|fair enough|no way|all right|
    alright|oh i see|you're right""".replace("\n    ", "").split("|")
)
_QUIET = re.compile(
    r"""^(?:(?:hey|ok|okay|please|now|just|oh|no|can\ you|could\ you|would\ you|i\ want\ you\ to)\b[\s,]*)*
    (?:(?:be|keep|stay|remain)\ (?:quiet|silent)|shut\ up|stop\ (?:talking|answering|speaking)|hush|quiet(?:\ please)?$|
    don't\ (?:answer|talk|speak|reply|say\ anything)|sh+\b|give\ us\ a\ (?:minute|moment|second))""",
    re.VERBOSE,
)
_WAKE = re.compile(r"\byou (?:can|may) (?:talk|speak|answer)(?: again| now)?\b|\bare you (?:still )?there\b")
_OPEN = re.compile(
    r"""\b(?:any(?:one|body)|some(?:one|body))\b.*\b(?:know|tell|explain|help|remember|heard|seen|say|think|idea|got|
    have|else)\b|\b(?:can|could|does|do|has|did|is|would)\ (?:any|some)(?:one|body)\b|\bwho\ (?:knows|can\ tell)\b|
    ^any\ (?:ideas|thoughts|suggestions)\b|\bwhat\ do\ (?:you\ all|we\ all|you\ guys)\ think\b|\bany\ of\ you\b""",
    re.VERBOSE,
)
_QUESTION = frozenset(
    """what who whom whose where when why how which is are am was were do does did can could would will should shall
    have has had may might isn't aren't don't doesn't didn't can't won't""".split()
)
_ABOUT = frozenset("is was said says told thinks thought has had did does knows knew mentioned will".split())


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody in the room: participant id, name, person or persona."""

    id: str
    name: str
    kind: Kind


def choose(
    lines: Sequence[Line], personas: Mapping[str, Persona], present: Sequence[Attendee], line: Line
) -> Answer | Decline:
    """Decides who answers a line.

    Args:
        lines: what was said before it, oldest first; the line itself may be among them.
        personas: those that could answer, by participant id.
        present: everybody in the room, personas too.
        line: what was said or written.
    """
    before = [each for each in lines if each.id != line.id and each.at <= line.at]
    if not personas:
        return Decline("no-persona")
    if line.speaker in personas or any(a.id == line.speaker and a.kind == "persona" for a in present):
        return Decline("persona-spoke")
    if not words_of(line.text):
        return Decline("no-words")
    others = [a for a in present if a.kind == "person" and a.id != line.speaker]
    called = _called(line, personas, others)
    quiet = {id for id in personas if _is_quiet(id, before, personas, others)}
    if _asks_for_quiet(line.text, personas) and not any(addressed(line.text, a.name) for a in others):
        return Decline("asked-to-be-quiet")
    if called:
        return Answer(_best(called, before, personas, line), "addressed")
    if any(addressed(line.text, other.name) for other in others):
        return Decline("addressed-another")
    awake = [id for id in personas if id not in quiet or _WAKE.search(line.text.casefold())]
    if not awake:
        return Decline("quiet-until-addressed")
    partner = _asked_by_persona(before, line, personas)
    if _is_backchannel(line.text) and partner is None:
        return Decline("backchannel")
    if partner is not None and partner in awake:
        return Answer(partner, "answers-persona")
    if not others:
        return Answer(_best(awake, before, personas, line), "one-to-one")
    return _among_people(before, personas, awake, line)


def _among_people(
    before: Sequence[Line], personas: Mapping[str, Persona], awake: Sequence[str], line: Line
) -> Answer | Decline:
    """Several people, and nobody was called by name."""
    if _OPEN.search(" ".join(words_of(line.text))):
        return Answer(_best(awake, before, personas, line), "open-question")
    recent = [each for each in before if line.at - each.at <= RECENT]
    if not recent:
        return Decline("not-addressed")
    last = recent[-1]
    if last.speaker in personas:
        if _is_question(line.text) and last.speaker in awake and _partner(before, personas) == line.speaker:
            return Answer(last.speaker, "follow-up")
        return Decline("not-addressed")
    if last.speaker != line.speaker and _is_question(last.text):
        return Decline("reply-to-person")
    tail = [each.speaker for each in recent[-ALTERNATING:]] + [line.speaker]
    in_turn = all(one != other for one, other in pairwise(tail))
    if in_turn and len(tail) > ALTERNATING and not any(speaker in personas for speaker in tail):
        return Decline("people-talking")
    return Decline("not-addressed")


def _called(line: Line, personas: Mapping[str, Persona], others: Sequence[Attendee]) -> list[str]:
    """Personas spoken to by name: anywhere, unless another person is spoken to or they are only spoken about."""
    names = [other.name for other in others]
    found = [
        id
        for id, persona in personas.items()
        if mentions(
            line.text, persona.name, others=[*names, *(p.name for p in personas.values() if p is not persona)]
        )
    ]
    directly = [id for id in found if addressed(line.text, personas[id].name)]
    if directly:
        return directly
    if any(addressed(line.text, name) for name in names):
        return []
    return [id for id in found if not (others and _is_about(line.text, personas[id].name))]


def _is_about(text: str, name: str) -> bool:
    words, target = words_of(text), words_of(name)
    return (
        bool(target)
        and not text.rstrip().endswith("?")
        and any(
            words[index : index + len(target)] == target and words[index + len(target)] in _ABOUT
            for index in range(len(words) - len(target))
        )
    )


def _best(
    candidates: Sequence[str], before: Sequence[Line], personas: Mapping[str, Persona], line: Line
) -> str:
    """The one that knows most about it; among equals the one that has not spoken for longest."""
    spoken = {
        id: max((i for i, each in enumerate(before) if each.speaker == id), default=-1) for id in candidates
    }
    asked = {_stem(word) for word in words_of(line.text)}
    return min(candidates, key=lambda id: (-_overlap(personas[id], asked), spoken[id]))


def _overlap(persona: Persona, asked: set[str]) -> int:
    return len({_stem(word) for entry in persona.expertise for word in words_of(entry)} & asked)


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def _asked_by_persona(before: Sequence[Line], line: Line, personas: Mapping[str, Persona]) -> str | None:
    """The persona whose question, put to this speaker just now, the line answers."""
    if not before or before[-1].speaker not in personas or line.at - before[-1].at > RECENT:
        return None
    last = before[-1]
    if last.interrupted or not last.text.rstrip().endswith("?"):
        return None
    return last.speaker if _partner(before, personas) == line.speaker else None


def _partner(before: Sequence[Line], personas: Mapping[str, Persona]) -> str | None:
    """Whom the persona that spoke last talked to: the person who had spoken before it."""
    return next((each.speaker for each in reversed(before) if each.speaker not in personas), None)


def _is_quiet(
    id: str, before: Sequence[Line], personas: Mapping[str, Persona], others: Sequence[Attendee]
) -> bool:
    """Whether it was told to be quiet and not called since."""
    for each in reversed(before):
        if each.speaker in personas:
            continue
        if _asks_for_quiet(each.text, personas):
            named = [other for other in personas if mentions(each.text, personas[other].name)]
            if not any(addressed(each.text, other.name) for other in others):
                return not named or id in named
        elif mentions(each.text, personas[id].name) or _WAKE.search(each.text.casefold()):
            return False
    return False


def _asks_for_quiet(text: str, personas: Mapping[str, Persona]) -> bool:
    words = words_of(text)
    names = {word for persona in personas.values() for word in words_of(persona.name)}
    rest = [word for word in words if word not in names]
    return 0 < len(rest) <= 9 and _QUIET.match(" ".join(rest)) is not None


def _is_question(text: str) -> bool:
    words = words_of(text)
    while len(words) > 1 and words[0] in {"and", "but", "so", "ok", "okay", "well", "then"}:
        words = words[1:]
    return text.rstrip().endswith("?") or (bool(words) and words[0] in _QUESTION)


def _is_backchannel(text: str) -> bool:
    if text.rstrip().endswith("?"):
        return False
    words = words_of(text)
    return len(words) <= 4 and (
        " ".join(words) in _BACKCHANNEL_PHRASES or all(word in _BACKCHANNELS for word in words)
    )
