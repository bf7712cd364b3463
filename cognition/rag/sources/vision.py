"""What a persona sees: a seam to be filled, and until then nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cognition.rag.source import Part, Piece, Request
from cognition.rag.wording import named

__all__ = ["Nothing", "Sight", "View", "VisionSource"]

MOST = 4


@dataclass(frozen=True, slots=True)
class View:
    """Something that is shown.

    Attributes:
        id: unique in the room.
        text: what there is to see, or the words that can be read.
        shown_by: name of who shows it.
        at: timezone-aware.
        known_to: identities of those who see it.
    """

    id: str
    text: str
    shown_by: str
    at: datetime
    known_to: frozenset[str]


class Sight(Protocol):
    """What can be seen in a room."""

    async def views(self, room: str) -> Sequence[View]:
        """What is shown there now, the latest first; ends when it is cancelled."""


class Nothing:
    """Sees nothing."""

    async def views(self, room: str) -> Sequence[View]:
        """See `Sight`."""
        return ()


class VisionSource:
    """Tells what is seen, of what all who listen see.

    Args:
        sight: what can be seen.
    """

    name = "vision"
    parts: frozenset[Part] = frozenset({"fresh"})

    def __init__(self, sight: Sight) -> None:
        self._sight = sight

    async def load(self, request: Request) -> Sequence[Piece]:
        """See `Source`; raises what its sight raises."""
        views = [
            view for view in await self._sight.views(request.place.room) if request.listeners <= view.known_to
        ]
        return [
            Piece(view.id, view.text, f"{named(view.shown_by)} shows", 1.0 - 0.1 * rank, origin=view.shown_by)
            for rank, view in enumerate(views[:MOST])
        ]
