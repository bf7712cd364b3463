"""What was said here before the lines that the prompt shows anyway."""

from collections.abc import Sequence

from cognition.rag.source import Part, Piece, Request, identity_of
from cognition.rag.wording import bearings, when_said, who_said
from cognition.store.store import Storage
from cognition.store.timeline import EventKind, Query, page

__all__ = ["WORDS", "ConversationSource"]

WORDS: frozenset[EventKind] = frozenset({"heard", "read", "said"})
"""Kinds of events that are words."""
LINES = 80
"""Of those that went before, so many are looked at."""
MOST = 6


class ConversationSource:
    """Finds the lines of this place that share words with what is being said.

    Args:
        store: holds the timeline.
    """

    name = "conversation"
    parts: frozenset[Part] = frozenset({"fresh"})

    def __init__(self, store: Storage) -> None:
        self._store = store

    async def load(self, request: Request) -> Sequence[Piece]:
        """See `Source`; raises `StoreError`."""
        if not request.words.strip():
            return ()
        query = Query(
            known_to=request.known_to,
            place=request.place,
            kinds=WORDS,
            until=request.shown_since or request.now,
        )
        found = await self._store.read(
            lambda connection: page(connection, query, limit=LINES, newest_first=True)
        )
        # The line itself may be in the timeline by now.
        entries = [entry for entry in found.entries if entry.text and entry.text != request.words]
        scores = bearings(request.words, [entry.text for entry in entries])
        best = sorted(zip(scores, entries, strict=True), key=lambda each: -each[0])[:MOST]
        persona = identity_of(request.persona)
        return [
            Piece(
                str(entry.seq),
                entry.text,
                f"{when_said(entry.at, request.now)} here, {who_said(entry, persona)} said",
                score,
                origin=f"{entry.name}, {entry.at:%Y-%m-%d %H:%M}",
            )
            for score, entry in best
            if score > 0
        ]
