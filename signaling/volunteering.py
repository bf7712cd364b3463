"""What a persona says by itself in a room, answering nobody: a greeting, a reminder, what it had held back."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import replace

from cognition.conversation.floor_control import Bid
from cognition.conversation.reasons import Wish
from cognition.persona.due import Due, DueKind
from cognition.persona.engine import Clause, Mind
from signaling.presence import Presence
from signaling.room_floor import RoomFloor

__all__ = ["Volunteering"]

GREETING_WAIT = 6.0
"""Seconds a greeting waits for a gap before it is written instead."""
DUE_WAIT = 20.0
"""Seconds that what a persona says by itself waits for a lull."""
WISHES: Mapping[DueKind, Wish] = {
    "greet": "greets",
    "question": "open-matter",
    "held-back": "held-back",
    "remind": "reminds",
    "propose": "proposes",
    "talk": "talks-to-persona",
    "rest": "proposes",
    "wake": "proposes",
}
"""Why a persona speaks by itself, as people are told."""


class Volunteering:
    """Lets personas of one room say what they want to say by themselves.

    Args:
        room: the room's id.
        mind: composes.
        floor: of the room.
        free: waits until no person speaks and a persona has nothing else to say.
    """

    def __init__(
        self, room: str, mind: Mind, floor: RoomFloor, free: Callable[[Presence], Awaitable[None]]
    ) -> None:
        self._room = room
        self._mind = mind
        self._floor = floor
        self._free = free

    async def greet(
        self,
        presence: Presence,
        words: str,
        utterance: str = "",
        is_for_all: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Says a greeting in the next gap, if it is for everybody there by then; whether any of it was heard."""
        bid = Bid(utterance, presence.persona, "greets", 0.5, GREETING_WAIT)
        return await self._say(presence, lambda: _once(words), bid, is_for_all=is_for_all)

    async def say(
        self,
        presence: Presence,
        due: Due,
        is_for_all: Callable[[], bool] = lambda: True,
        *,
        circle: frozenset[str] | None = None,
    ) -> bool:
        """Says what is due in the next lull, to its circle alone if it has one; whether any of it was heard.

        Args:
            presence: of who says it.
            due: what.
            is_for_all: whether everybody may hear it who is there; asked when the lull has come.
            circle: a smaller one than its own.
        """

        def words() -> AsyncGenerator[Clause]:
            if due.text or due.line is None:
                return _once(due.text)
            return self._mind.reply(self._room, due.persona, due.line)

        # A reminder alone is late once it waits.
        presses = due.kind == "remind" and self._mind.disposition(presence.persona).may_interrupt
        bid = Bid(
            due.id,
            presence.persona,
            WISHES[due.kind],
            due.priority,
            DUE_WAIT,
            asked=False,
            interrupts=presses,
        )
        # A reminder is asked for by the line, and said in words that are ready.
        line = due.line if due.kind == "remind" or not due.text else None
        answers = None if line is None else (line.participant, line.id)
        return await self._say(presence, words, bid, circle or due.circle, answers, is_for_all)

    async def _say(
        self,
        presence: Presence,
        words: Callable[[], AsyncGenerator[Clause]],
        bid: Bid,
        to: frozenset[str] | None = None,
        answers: tuple[str, str] | None = None,
        is_for_all: Callable[[], bool] = lambda: True,
    ) -> bool:
        try:
            async with asyncio.timeout(bid.patience):
                await self._free(presence)
        except TimeoutError:
            return False
        if not is_for_all():
            return False
        reply = presence.propose(words(), None, to, utterance=bid.id)
        reply.answers = None if self._mind.declines(presence.persona) else answers
        try:
            self._floor.bid(bid if bid.id else replace(bid, id=reply.bid), to)
            presence.release(reply)
            assert reply.task is not None
            await asyncio.wait([reply.task])
            if reply.task.cancelled() and reply.sounding:
                await reply.settled.wait()
        finally:
            presence.withdraw(reply)
            if not reply.sounding:
                self._floor.over(reply.bid)
        return reply.heard


async def _once(text: str) -> AsyncGenerator[Clause]:
    yield Clause(text, first=True, last=True)
