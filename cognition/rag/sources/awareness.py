"""What happened in other places, of what all who listen here may know."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from cognition.rag.source import Part, Piece, Request, identity_of
from cognition.rag.sources.conversation import WORDS
from cognition.rag.wording import bearings, place_name, when_said, who_said
from cognition.store.store import Storage
from cognition.store.timeline import Entry, Place, Query, page

__all__ = ["AwarenessSource"]

RECENT = timedelta(days=3)
"""How far back; what is older is memory's."""
LINES = 60
PLACES = 2
"""Other places of which something stands in the stable part."""
OF_EACH = 2
MOST = 5


class AwarenessSource:
    """Tells the latest words of other places, and of these the ones that what is being said bears on.

    Args:
        store: holds the timeline.
    """

    name = "awareness"
    parts: frozenset[Part] = frozenset({"stable", "fresh"})

    def __init__(self, store: Storage) -> None:
        self._store = store

    async def load(self, request: Request) -> Sequence[Piece]:
        """See `Source`; raises `StoreError`."""
        query = Query(
            known_to=request.known_to,
            elsewhere=request.place,
            kinds=WORDS,
            since=request.now - RECENT,
            until=request.now,
        )
        found = await self._store.read(
            lambda connection: page(connection, query, limit=LINES, newest_first=True)
        )
        entries = [entry for entry in found.entries if entry.text]
        pieces: list[Piece] = []
        if "stable" in request.parts:
            latest = _latest(entries)
            # What was said first is told first.
            pieces += [
                _piece(request, entry, 1.0 - 0.1 * rank, "stable")
                for rank, entry in enumerate(reversed(latest))
            ]
        if "fresh" in request.parts and request.words.strip():
            scores = bearings(request.words, [entry.text for entry in entries])
            best = sorted(zip(scores, entries, strict=True), key=lambda each: -each[0])[:MOST]
            pieces += [_piece(request, entry, score, "fresh") for score, entry in best if score > 0]
        return pieces


def _latest(entries: Sequence[Entry]) -> list[Entry]:
    """The newest lines of the places that were spoken in last, newest first."""
    counts: Counter[Place] = Counter()
    latest: list[Entry] = []
    for entry in entries:
        if counts[entry.place] < OF_EACH and (entry.place in counts or len(counts) < PLACES):
            counts[entry.place] += 1
            latest.append(entry)
    return latest


def _piece(request: Request, entry: Entry, score: float, part: Part) -> Piece:
    where = place_name(entry.place)
    who = who_said(entry, identity_of(request.persona))
    return Piece(
        str(entry.seq),
        entry.text,
        f"{when_said(entry.at, request.now)} in {where}, {who} said",
        score,
        part,
        origin=f"{entry.name} in {where}, {entry.at:%Y-%m-%d %H:%M}",
    )
