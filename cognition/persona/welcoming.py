"""How a persona comes to know whom it greets: what is remembered of them that all who are there may know."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from cognition.memory.recall import Recalled
from cognition.persona.greeting import greet
from cognition.persona.mind_room import MindRoom
from cognition.persona.profile import Persona
from cognition.persona.recollection import Recollection

__all__ = ["Welcoming"]

DEADLINE = 0.5
"""Seconds within which a greeting is to know of earlier days."""


class Welcoming:
    """Makes the greetings of all rooms, without the model.

    Args:
        recollection: what is remembered of earlier days.
        now: UTC.
        counts: counts what was remembered too late.
    """

    def __init__(self, recollection: Recollection, now: Callable[[], datetime], counts: Counter[str]) -> None:
        self._recollection = recollection
        self._now = now
        self._counts = counts

    async def words(
        self, room: str, state: MindRoom, persona: Persona, participant: str, *, remembers: bool
    ) -> str:
        """What a persona says to somebody who came.

        Args:
            room: where.
            state: who is there.
            persona: who greets.
            participant: who came.
            remembers: the persona has room for what is remembered.
        """
        newcomer = state.newcomer(room, participant)
        known: tuple[Recalled, ...] = ()
        if newcomer.name and not newcomer.back and remembers:
            listeners = state.listeners(None)
            try:
                async with asyncio.timeout(DEADLINE):
                    known = await self._recollection.about(
                        persona.id, listeners, state.identities[participant], now=self._now()
                    )
            except TimeoutError:
                self._counts["greeting: remembered too late"] += 1
            if listeners != state.listeners(None):
                # Somebody came or left meanwhile; what is known of all of them is another matter.
                known = ()
            newcomer = state.newcomer(room, participant)
        return greet(newcomer, persona.name, known, self._now())
