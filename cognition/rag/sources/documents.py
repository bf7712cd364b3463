"""What the files that users gave say about the words of the moment."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from cognition.rag.documents.blocks import BETWEEN
from cognition.rag.documents.chunking import excerpt, sentences_of
from cognition.rag.documents.library import Match
from cognition.rag.documents.orders import is_order, without_orders
from cognition.rag.fence import titled
from cognition.rag.source import Part, Piece, Request
from cognition.rag.wording import bearings
from cognition.store.timeline import Place

__all__ = ["DocumentsSource", "Shelf", "relevance"]

LOOKED_AT = 12
"""Passages of which the most relevant are told."""
MOST = 5
EXCERPTS = 280, 180, 110, 70
"""Characters of a passage that are told, some 60 tokens, and of what is told where there is less room."""
LIKE = 0.2, 0.7
"""Inner products of MiniLM's vectors below which texts have nothing, and from which on they have all in common."""
BY_WORDS = 0.6
"""What is made certain, of what meaning leaves open, by a passage that has all the words."""


class Shelf(Protocol):
    """Where passages are found; `cognition.rag.documents.library.Library`."""

    async def search(self, place: Place, words: str, *, limit: int) -> list[Match]:
        """The passages that bear on some words, of those that may be known in a place; best first."""
        ...


class DocumentsSource:
    """Quotes the passages that bear on the words, without what in them speaks to a language model.

    Args:
        shelf: where they are found.

    Attributes:
        counts: what was left out of them, by reason.
    """

    name = "documents"
    parts: frozenset[Part] = frozenset({"fresh"})

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.counts: Counter[str] = Counter()

    async def load(self, request: Request) -> Sequence[Piece]:
        """See `Source`; raises what the shelf raises."""
        if not request.words.strip():
            return ()
        matches = await self._shelf.search(request.place, request.words, limit=LOOKED_AT)
        shared = bearings(request.words, [_all_words(match) for match in matches])
        scored = [
            (relevance(match.similarity, share), match) for match, share in zip(matches, shared, strict=True)
        ]
        best = sorted(scored, key=lambda one: -one[0])[:MOST]
        return [self._piece(match, score, request.words) for score, match in best]

    def _piece(self, match: Match, score: float, words: str) -> Piece:
        passage = match.found.passage
        text, orders = without_orders(passage.text)
        heading = "" if is_order(passage.heading) else passage.heading
        title = titled(match.found.title)
        if orders or heading != passage.heading:
            self.counts["document sentence left out: speaks to the model"] += orders + (
                heading != passage.heading
            )
        if is_order(title):
            self.counts["document title left out: speaks to the model"] += 1
            title = ""
        sentences = sentences_of(text)
        weights = bearings(words, sentences)
        # The innermost alone: tokens are dear, and the passage was found by the others.
        heading = heading.rpartition(BETWEEN)[2]
        heading = "" if text.startswith(heading) else heading
        told = [excerpt(text, weights, sentences, most) for most in EXCERPTS]
        full, *shorter = dict.fromkeys(f"{heading}: {each}" if heading and each else each for each in told)
        return Piece(
            str(match.found.key),
            full,
            f"The file {title} says" if title else "A file says",
            score,
            origin=", ".join(filter(None, (match.found.path or match.found.title, passage.position))),
            shorter=tuple(shorter),
        )


def _all_words(match: Match) -> str:
    found = match.found
    return f"{found.title} {found.passage.heading} {found.passage.text}"


def relevance(similarity: float, shared: float) -> float:
    """How much a passage bears on some words, 0 to 1: by meaning, by words, and by both more than by either.

    Args:
        similarity: inner product of their vectors; NaN counts for nothing.
        shared: share of the words' content that the passage has.
    """
    low, high = LIKE
    meant = 0.0 if math.isnan(similarity) else min(max((similarity - low) / (high - low), 0.0), 1.0)
    return 1.0 - (1.0 - meant) * (1.0 - BY_WORDS * shared)
