"""Who was told to be quiet: requests for it, what ends it, and the state of a room, kept up line by line. Pure."""

import re
from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cognition.conversation.names import Wording, addressed, mentions, words_of
from cognition.conversation.transcript import Line
from cognition.conversation.withheld import withheld
from cognition.persona.profile import Persona

__all__ = ["Quiet", "asks_for_quiet", "wakes"]

REQUEST_WORDS = 9
"""Words of a request for quiet at most, names aside."""
LATEST = 32
"""Lines with an effect that may still be overtaken by one that was said earlier and comes later."""

_QUIET = re.compile(
    r"""^(?:(?:hey|ok|okay|please|now|just|oh|no|can\ you|could\ you|would\ you|i\ want\ you\ to)\b[\s,]*)*
    (?:(?:be|keep|stay|remain)\ (?:quiet|silent)|shut\ up|stop\ (?:talking|answering|speaking)|hush|quiet(?:\ please)?$|
    don't\ (?:answer|talk|speak|reply|say\ anything)|sh+\b|give\ us\ a\ (?:minute|moment|second))""",
    re.VERBOSE,
)
_WAKE = re.compile(r"\byou (?:can|may) (?:talk|speak|answer)(?: again| now)?\b|\bare you (?:still )?there\b")


def asks_for_quiet(said: Wording, names: Iterable[str]) -> bool:
    """Whether somebody is told to be quiet, who may be called by one of the personas' names."""
    spoken = {word for name in names for word in words_of(name)}
    rest = [word for word in said.words if word not in spoken]
    return 0 < len(rest) <= REQUEST_WORDS and _QUIET.match(" ".join(rest)) is not None


def wakes(said: Wording) -> bool:
    """Whether whoever was told to be quiet may speak again."""
    return _WAKE.search(" ".join(said.words)) is not None


@dataclass(frozen=True, slots=True)
class _Effect:
    at: datetime
    line: str
    hushed: frozenset[str]
    freed: frozenset[str]


class Quiet:
    """The personas of one room that were told to be quiet and not called since.

    Args:
        personas: those there may be, by participant id.
    """

    def __init__(self, personas: Mapping[str, Persona]) -> None:
        self._personas = personas
        self._settled: frozenset[str] = frozenset()
        self._effects: list[_Effect] = []
        self._passing: frozenset[str] = frozenset()
        """Those who were told not to answer one question, until the next line of a person."""

    def note(self, line: Line, people: Iterable[str]) -> None:
        """Takes in a line, once.

        Args:
            line: what was said or written; a persona's own words change nothing.
            people: names of the other people there.
        """
        if line.speaker in self._personas:
            return
        said, people = Wording.of(line.text), list(people)
        called = frozenset(
            id for id, persona in self._personas.items() if mentions(said, persona.name, others=people)
        )
        everybody = frozenset(self._personas)
        hushed = freed = frozenset[str]()
        names = [persona.name for persona in self._personas.values()]
        told, asks_quiet = withheld(line.text, names, people), asks_for_quiet(said, names)
        self._passing = frozenset()
        if told is not None and not (told.lasting and asks_quiet):
            silent = {id for id, persona in self._personas.items() if persona.name in told.silent}
            self._passing, freed = frozenset(silent), called - silent
        elif asks_quiet:
            if not any(addressed(said, name) for name in people):
                hushed = called or everybody
        else:
            freed = everybody if wakes(said) else called
        if not hushed and not freed:
            return
        insort(self._effects, _Effect(line.at, line.id, hushed, freed), key=lambda effect: effect.at)
        for effect in self._effects[:-LATEST]:
            self._settled = (self._settled | effect.hushed) - effect.freed
        del self._effects[:-LATEST]

    @property
    def now(self) -> frozenset[str]:
        """Ids of the personas that are quiet after all that was said: those too who are not to answer just that."""
        quiet = self._settled
        for effect in self._effects:
            quiet = (quiet | effect.hushed) - effect.freed
        return quiet | self._passing

    def before(self, line: Line) -> frozenset[str]:
        """Ids of the personas that are quiet when a line is said, which may be noted already."""
        quiet = self._settled
        for effect in self._effects:
            if effect.at <= line.at and effect.line != line.id:
                quiet = (quiet | effect.hushed) - effect.freed
        return quiet
