"""Who answers a line: one persona or nobody. Pure; every outcome has a named reason."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise

from cognition.conversation.disposition import Disposition
from cognition.conversation.names import Wording, addressed, mentions, words_of
from cognition.conversation.quiet import asks_for_quiet, wakes
from cognition.conversation.transcript import Line
from cognition.events import Answer, Decline, Kind
from cognition.persona.profile import Persona

__all__ = ["Attendee", "Disposition", "choose", "never"]

RECENT = timedelta(seconds=45)
"""What was said longer ago is no longer what a line replies to."""
ALTERNATING = 2
"""Lines of two people in turn, with no persona between, after which they plainly talk to each other."""

BEGINNING = 80
"""Characters in which a question shows by its first word."""

_SOMEBODY = re.compile(r"\b(?:any|some)(?:one|body)\b")
_KNOWS = re.compile(r"\b(?:know|tell|explain|help|remember|heard|seen|say|think|idea|got|have|else)\b")
_OPEN = re.compile(
    r"""\b(?:can|could|does|do|has|did|is|would)\ (?:any|some)(?:one|body)\b|\bwho\ (?:knows|can\ tell)\b|
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


def never(_text: str) -> bool:
    """Takes no words for a backchannel."""
    return False


def choose(
    lines: Sequence[Line],
    personas: Mapping[str, Persona],
    present: Sequence[Attendee],
    line: Line,
    *,
    quiet: Collection[str] = (),
    is_backchannel: Callable[[str], bool] = never,
) -> Answer | Decline:
    """Decides who answers a line; of what was said before only the last line's words are read.

    Args:
        lines: what was said before it, oldest first; the line itself may be among them.
        personas: those that could answer, by participant id.
        present: everybody in the room, personas too.
        line: what was said or written.
        quiet: ids of the personas that were told to be quiet.
        is_backchannel: whether words only acknowledge what somebody else says.
    """
    if not personas:
        return Decline("no-persona")
    if line.speaker in personas or any(a.id == line.speaker and a.kind == "persona" for a in present):
        return Decline("persona-spoke")
    said = Wording.of(line.text)
    if not said.words:
        return Decline("no-words")
    before = [each for each in lines if each.id != line.id and each.at <= line.at]
    others = [a.name for a in present if a.kind == "person" and a.id != line.speaker]
    to_another = any(addressed(said, name) for name in others)
    if not to_another and asks_for_quiet(said, (persona.name for persona in personas.values())):
        return Decline("asked-to-be-quiet")
    if called := _called(line, said, personas, others, to_another):
        return Answer(_best(called, before, personas, said), "addressed")
    if to_another:
        return Decline("addressed-another")
    awake = list(personas) if wakes(said) else [id for id in personas if id not in quiet]
    if not awake:
        return Decline("quiet-until-addressed")
    partner = _asked_by_persona(before, line, personas)
    if partner is None and is_backchannel(line.text):
        return Decline("backchannel")
    if partner is not None and partner in awake:
        return Answer(partner, "answers-persona")
    if not others:
        return Answer(_best(awake, before, personas, said), "one-to-one")
    return _among_people(before, personas, awake, line, said)


def _among_people(
    before: Sequence[Line],
    personas: Mapping[str, Persona],
    awake: Sequence[str],
    line: Line,
    said: Wording,
) -> Answer | Decline:
    """Several people, and nobody was called by name."""
    if _is_open(said):
        return Answer(_best(awake, before, personas, said), "open-question")
    recent = [each for each in before[-ALTERNATING:] if line.at - each.at <= RECENT]
    if not recent:
        return Decline("not-addressed")
    last = recent[-1]
    if last.speaker in personas:
        if _is_question(line.text) and last.speaker in awake and _partner(before, personas) == line.speaker:
            return Answer(last.speaker, "follow-up")
        return Decline("not-addressed")
    if last.speaker != line.speaker and _is_question(last.text):
        return Decline("reply-to-person")
    tail = [*(each.speaker for each in recent), line.speaker]
    in_turn = all(one != other for one, other in pairwise(tail))
    if in_turn and len(tail) > ALTERNATING and not any(speaker in personas for speaker in tail):
        return Decline("people-talking")
    return Decline("not-addressed")


def _called(
    line: Line, said: Wording, personas: Mapping[str, Persona], others: Sequence[str], to_another: bool
) -> list[str]:
    """Personas spoken to by name: anywhere, unless another person is spoken to or they are only spoken about."""
    names = [persona.name for persona in personas.values()]
    found = [
        id
        for id, persona in personas.items()
        if mentions(said, persona.name, others=[*others, *(name for name in names if name != persona.name)])
    ]
    directly = [id for id in found if addressed(said, personas[id].name)]
    if directly or to_another:
        return directly
    if not others or _ends_asking(line.text):
        return found
    return [id for id in found if not _is_about(said, personas[id].name)]


def _is_about(said: Wording, name: str) -> bool:
    words, target = said.words, tuple(words_of(name))
    return bool(target) and any(
        words[index : index + len(target)] == target and words[index + len(target)] in _ABOUT
        for index in range(len(words) - len(target))
    )


def _best(
    candidates: Sequence[str], before: Sequence[Line], personas: Mapping[str, Persona], said: Wording
) -> str:
    """The one that knows most about it; among equals the one that has not spoken for longest."""
    if len(candidates) == 1:
        return candidates[0]
    spoken = {each.speaker: index for index, each in enumerate(before)}
    asked = {_stem(word) for word in said.words}
    return min(candidates, key=lambda id: (-len(_known(personas[id].expertise) & asked), spoken.get(id, -1)))


@lru_cache(maxsize=64)
def _known(expertise: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_stem(word) for entry in expertise for word in words_of(entry))


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
    if last.interrupted or not _ends_asking(last.text):
        return None
    return last.speaker if _partner(before, personas) == line.speaker else None


def _partner(before: Sequence[Line], personas: Mapping[str, Persona]) -> str | None:
    """Whom the persona that spoke last talked to: the person who had spoken before it."""
    return next((each.speaker for each in reversed(before) if each.speaker not in personas), None)


def _is_open(said: Wording) -> bool:
    """Whether it is put to whoever can answer."""
    text = " ".join(said.words)
    somebody = _SOMEBODY.search(text)
    return _OPEN.search(text) is not None or (
        somebody is not None and _KNOWS.search(text, somebody.end()) is not None
    )


def _is_question(text: str) -> bool:
    words = words_of(text[:BEGINNING])
    while len(words) > 1 and words[0] in {"and", "but", "so", "ok", "okay", "well", "then"}:
        words = words[1:]
    return _ends_asking(text) or (bool(words) and words[0] in _QUESTION)


def _ends_asking(text: str) -> bool:
    return text.rstrip().endswith("?")
