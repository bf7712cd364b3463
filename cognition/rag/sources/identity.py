"""Who the persona is just now, and what it knows of those who are here."""

import asyncio
from collections.abc import Callable, Sequence

from cognition.conversation.disposition import Disposition
from cognition.memory.recall import Recall, Recalled
from cognition.rag.source import Part, Piece, Request, identity_of
from cognition.rag.wording import named
from cognition.store.timeline import Participant

__all__ = ["IdentitySource", "feeling"]

PEOPLE = 8
"""People of whom it is told; of more nobody would have a share worth the words."""
OF_EACH = 5
"""Memories of one person."""

TIRED = 0.3
LIVELY = 0.45
CHEERFUL = 0.45
DOWN = -0.25


class IdentitySource:
    """Tells how the persona is, and of each listener what all of them may hear.

    Args:
        recall: what is remembered.
        disposition: how a persona is disposed just now, by its id.
    """

    name = "identity"
    parts: frozenset[Part] = frozenset({"stable"})

    def __init__(self, recall: Recall, disposition: Callable[[str], Disposition]) -> None:
        self._recall = recall
        self._disposition = disposition

    async def load(self, request: Request) -> Sequence[Piece]:
        """See `Source`; raises what recall raises."""
        people = request.people[:PEOPLE]
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._about(request, one)) for one in people]
        pieces = [
            piece for one, task in zip(people, asked, strict=True) for piece in _told(one, task.result())
        ]
        mood = feeling(self._disposition(request.persona.id))
        if mood:
            pieces.append(Piece("self", mood, "", 0.6, "stable", quoted=False))
        return sorted(pieces, key=lambda piece: -piece.score)

    async def _about(self, request: Request, person: Participant) -> Sequence[Recalled]:
        return await self._recall.about(
            identity_of(request.persona),
            request.listeners,
            identity_of(person),
            now=request.now,
            limit=OF_EACH,
        )


def _told(person: Participant, memories: Sequence[Recalled]) -> list[Piece]:
    # By rank, so that each person comes to a word before one of them fills the space.
    return [
        Piece(
            memory.id,
            memory.text,
            f"Of {named(person.name)} you know",
            1.0 - 0.12 * rank,
            "stable",
            origin=f"{', '.join(memory.source.who)}, {memory.at:%Y-%m-%d}",
        )
        for rank, memory in enumerate(memories)
    ]


def feeling(disposition: Disposition) -> str:
    """How a persona feels, in a sentence; empty where there is nothing to say. Coarse, so that it seldom changes."""
    felt = []
    if disposition.energy < TIRED:
        felt.append("tired")
    if disposition.valence > CHEERFUL:
        felt.append("cheerful")
    elif disposition.valence < DOWN:
        felt.append("a little down")
    if disposition.arousal > LIVELY and "tired" not in felt:
        felt.append("lively")
    return f"You feel {' and '.join(felt)} just now." if felt else ""
