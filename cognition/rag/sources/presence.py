"""Who is here, and where here is."""

from collections.abc import Sequence

from cognition.rag.source import Part, Piece, Request
from cognition.rag.wording import named, place_name
from cognition.store.timeline import Participant

__all__ = ["PresenceSource"]

NAMED = 8
"""People, and as many personas, that are named; of more the number is told."""


class PresenceSource:
    """Tells who will hear the answer; needs nothing but the request."""

    name = "presence"
    parts: frozenset[Part] = frozenset({"stable"})

    async def load(self, request: Request) -> Sequence[Piece]:
        """See `Source`; one sentence for people and personas, one for the place."""
        people = _listed(request.people)
        personas = _listed([one for one in request.present if one.kind == "persona"])
        here = people and f"{people} {'is' if len(request.people) == 1 else 'are'} here with you"
        others = personas and f"{'also here' if people else 'Here'}, each an AI like you, {personas}"
        sentences = "; ".join(part for part in (here, others) if part)
        pieces = [Piece("place", f"You are in {place_name(request.place)}.", "", 0.5, "stable", quoted=False)]
        if sentences:
            pieces.insert(0, Piece("present", f"{sentences}.", "", 1.0, "stable", quoted=False))
        return pieces


def _listed(participants: Sequence[Participant]) -> str:
    names = [named(one.name) for one in participants[:NAMED]]
    if len(participants) > NAMED:
        names.append(f"{len(participants) - NAMED} more")
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
