"""The seam to what is known about: how near each persona's knowledge is to some words."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from cognition.conversation.names import words_of
from cognition.persona.profile import Persona

__all__ = ["Affinity", "FakeAffinity", "WordAffinity"]

_UNKNOWN = 0.5
"""What each further word in common leaves of what was missing."""


class Affinity(Protocol):
    """Tells which persona knows about something. Called in the loop: it takes well under a millisecond."""

    def scores(self, text: str) -> Mapping[str, float]:
        """0 (nothing) to 1 (its very field) by persona id; personas left out score 0."""


class WordAffinity:
    """Counts the words that a text has in common with each persona's expertise.

    Args:
        personas: who there may be.
    """

    def __init__(self, personas: Iterable[Persona]) -> None:
        self._known: dict[str, tuple[str, ...]] = {}
        for persona in personas:
            stems = {stem(word) for entry in persona.expertise for word in words_of(entry)}
            for each in stems:
                self._known[each] = (*self._known.get(each, ()), persona.id)

    def scores(self, text: str) -> Mapping[str, float]:
        """See `Affinity`: half for one word, three quarters for two."""
        missing: dict[str, float] = {}
        for each in {stem(word) for word in set(words_of(text))} if self._known else ():
            for persona in self._known.get(each, ()):
                missing[persona] = missing.get(persona, 1.0) * _UNKNOWN
        return {persona: 1.0 - left for persona, left in missing.items()}


class FakeAffinity:
    """Gives the scores it was made with, whatever is said.

    Args:
        scores: by persona id.
    """

    def __init__(self, scores: Mapping[str, float]) -> None:
        self._scores = dict(scores)
        self.asked: list[str] = []

    def scores(self, text: str) -> Mapping[str, float]:
        """See `Affinity`."""
        self.asked.append(text)
        return self._scores


def stem(word: str) -> str:
    """A word without the commonest English endings."""
    for ending in ("ing", "ies", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
