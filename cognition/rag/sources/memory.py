"""What the words of the moment call to mind."""

from collections.abc import Sequence
from datetime import datetime

from cognition.memory.recall import Recall, Recalled
from cognition.rag.source import Part, Piece, Request, identity_of
from cognition.rag.wording import place_name, when_said

__all__ = ["MemorySource"]

MOST = 8


class MemorySource:
    """Recalls what bears on the words, of what all who listen may know.

    Args:
        recall: what is remembered.
    """

    name = "memory"
    parts: frozenset[Part] = frozenset({"fresh"})

    def __init__(self, recall: Recall) -> None:
        self._recall = recall

    async def load(self, request: Request) -> Sequence[Piece]:
        """See `Source`; raises what recall raises."""
        if not request.words.strip():
            return ()
        recalled = await self._recall.recall(
            identity_of(request.persona), request.listeners, request.words, now=request.now, limit=MOST
        )
        return [
            Piece(
                memory.id,
                f"{memory.text} ({_when(memory, request.now)})",
                "You remember",
                memory.score,
                origin=f"{', '.join(memory.source.who)} in {place_name(memory.source.place)}, {memory.at:%Y-%m-%d}",
            )
            for memory in recalled
        ]


def _when(memory: Recalled, now: datetime) -> str:
    """Since a small model cannot tell old from new by itself."""
    said = when_said(memory.at, now).lower().replace("on ", "")
    if memory.current:
        return f"said {said}"
    until = (
        ""
        if memory.valid_to is None
        else f", until {when_said(memory.valid_to, now).lower().replace('on ', '')}"
    )
    return f"no longer so{until}; said {said}"
