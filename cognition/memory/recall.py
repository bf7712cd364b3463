"""Recall: what bears on some words, a person, a place or a time, of what a persona may say to those who listen."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from cognition.store.timeline import Entry, Place

__all__ = ["FakeRecall", "Recall", "Recalled", "Shown", "Source"]

_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a memory comes from.

    Attributes:
        seqs: the events of the timeline it was made of, in order.
        place: where they happened.
        who: names of those whose words they are.
    """

    seqs: tuple[int, ...]
    place: Place
    who: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recalled:
    """A memory that came back.

    Attributes:
        id: of the memory; the same whenever it comes back.
        text: a sentence that stands alone.
        quote: the words it comes from.
        at: when they were said; timezone-aware.
        subject: identity of whom it is about, or empty.
        kind: of the memory: 'fact', 'preference', 'event', 'episode', 'commitment' and the like.
        score: how much it bears on what was asked, in [0, 1]; comparable within an answer and with a threshold.
        source: where it comes from.
        current: as far as those who listen may know, it still holds.
        valid_from: since when it held, where that is known.
        valid_to: until when, where another took its place.
        due: when it is to happen.
    """

    id: str
    text: str
    quote: str
    at: datetime
    subject: str
    kind: str
    score: float
    source: Source
    current: bool = True
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A memory with the events it was made of."""

    memory: Recalled
    entries: tuple[Entry, ...]


class Recall(Protocol):
    """What a persona remembers. `listeners` are the identities of the people who will hear what is made of it.

    Nothing comes back that one of them may not know (cognition/store/visibility.py). Every method may be cancelled
    at any time, and raises `StoreError`, `EmbeddingError` or `IndexFailed` where its parts fail.
    """

    async def recall(
        self,
        persona: str,
        listeners: frozenset[str],
        query: str,
        *,
        now: datetime,
        about: frozenset[str] = frozenset(),
        place: Place | None = None,
        limit: int = 8,
    ) -> tuple[Recalled, ...]:
        """What bears on some words, the best first; empty where nothing does.

        Args:
            persona: whose memory.
            listeners: who will hear it.
            query: words, also half a sentence; times in it ("last Tuesday") are read.
            now: timezone-aware, in the zone of who asks.
            about: identities; only what is about one of them, if there are any.
            place: only what happened there.
            limit: how many at most.
        """
        ...

    async def about(
        self, persona: str, listeners: frozenset[str], person: str, *, now: datetime, limit: int = 6
    ) -> tuple[Recalled, ...]:
        """What it knows of a person: open threads first, then what is most worth knowing; only what still holds."""
        ...

    async def shown(self, persona: str, listeners: frozenset[str], id: str, *, now: datetime) -> Shown | None:
        """A memory with its source; None where there is none, or one of those who listen may not know it."""
        ...


class FakeRecall:
    """Recall over a few memories given to it, by words they share with the query; for tests and for trying things out.

    Args:
        memories: each with who may know it, personas too, by identity; None for everybody.
    """

    def __init__(self, memories: Iterable[tuple[Recalled, frozenset[str] | None]] = ()) -> None:
        self.memories = list(memories)
        self.asked: list[str] = []

    async def recall(
        self,
        persona: str,
        listeners: frozenset[str],
        query: str,
        *,
        now: datetime,
        about: frozenset[str] = frozenset(),
        place: Place | None = None,
        limit: int = 8,
    ) -> tuple[Recalled, ...]:
        """See `Recall`."""
        self.asked.append(query)
        wanted = set(_WORD.findall(query.casefold()))
        scored = [
            replace(each, score=len(wanted & set(_WORD.findall(each.text.casefold()))) / max(len(wanted), 1))
            for each in self._known(listeners | {persona})
            if (not about or each.subject in about) and place in (None, each.source.place)
        ]
        return tuple(sorted((one for one in scored if one.score), key=lambda one: -one.score)[:limit])

    async def about(
        self, persona: str, listeners: frozenset[str], person: str, *, now: datetime, limit: int = 6
    ) -> tuple[Recalled, ...]:
        """See `Recall`."""
        known = [
            each for each in self._known(listeners | {persona}) if each.subject == person and each.current
        ]
        return tuple(sorted(known, key=lambda one: one.kind != "commitment")[:limit])

    async def shown(self, persona: str, listeners: frozenset[str], id: str, *, now: datetime) -> Shown | None:
        """See `Recall`."""
        found = next((each for each in self._known(listeners | {persona}) if each.id == id), None)
        return None if found is None else Shown(found, ())

    def _known(self, hearers: frozenset[str]) -> list[Recalled]:
        return [each for each, known in self.memories if known is None or hearers <= known]
