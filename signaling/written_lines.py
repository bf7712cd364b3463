"""Written lines that are answered, one after the other: each once it is its turn."""

import asyncio
from collections import Counter
from collections.abc import Callable

from cognition.conversation.floor import Decision
from cognition.events import Read, Said
from cognition.persona.engine import Mind
from signaling.answering import Answering
from signaling.reply import Cause
from signaling.room_floor import RoomFloor

__all__ = ["CHAT_AGE", "WrittenLines"]

CHAT_BACKLOG = 8
"""Written lines that may wait for an answer."""
WEIGHED_WITHIN = 0.2
"""Seconds within which it is worked out what a written line is about: of it nothing was overheard."""
CHAT_AGE = 60.0
"""Seconds within which a written line is answered, or the next of several who answer it begins to."""


class WrittenLines:
    """Those of one room.

    Args:
        mind: decides who answers them.
        floor: of the room, which shows why the others are silent.
        answering: answers them.
        hush: set while no person speaks.
        has_run_its_course: whether a persona, by id, does not go on talking with others.
        dropped: counts what is not answered, by reason.
    """

    def __init__(
        self,
        mind: Mind,
        floor: RoomFloor,
        answering: Answering,
        hush: asyncio.Event,
        has_run_its_course: Callable[[str], bool],
        dropped: Counter[str],
    ) -> None:
        self._mind = mind
        self._floor = floor
        self._answering = answering
        self._hush = hush
        self._has_run_its_course = has_run_its_course
        self._dropped = dropped
        self._waiting: asyncio.Queue[tuple[Read | Said, Decision, int]] = asyncio.Queue(CHAT_BACKLOG)

    def put(self, line: Read | Said, decision: Decision, arrived_ns: int) -> None:
        """One more is to be answered, unless too many are; `arrived_ns` is of `time.monotonic_ns`."""
        try:
            self._waiting.put_nowait((line, decision, arrived_ns))
        except asyncio.QueueFull:
            self._dropped["chat-backlog"] += 1

    async def run(self) -> None:
        """Has them answered, until cancelled."""
        while True:
            line, decision, arrived_ns = await self._waiting.get()
            await self._hush.wait()
            if isinstance(line, Said) and (
                decision.persona is None or self._has_run_its_course(decision.persona)
            ):
                continue
            if isinstance(line, Read) and decision.silent:
                decision = await self._weighed(line, decision)
            cause = Cause(f"chat-{arrived_ns:x}", line.participant, arrived_ns, written=True)
            answering = self._answering.take(line, decision, cause, None, None)
            before = -1
            while not answering.done():
                unheard = self._answering.unheard(line)
                if unheard == before and not self._answering.sounds(line):
                    self._dropped["chat: no gap"] += 1
                    self._answering.give_up(line)
                    break
                before = unheard
                await asyncio.wait([answering], timeout=CHAT_AGE)

    async def _weighed(self, line: Read, decision: Decision) -> Decision:
        """Who answers a line once it is known by meaning who knows about it."""
        try:
            async with asyncio.timeout(WEIGHED_WITHIN):
                await self._mind.overhear(line.text)
        except TimeoutError:
            self._dropped["chat: by words alone"] += 1
            return decision
        weighed = self._mind.consider(line)
        if not weighed.answers or weighed.answers == decision.answers:
            return decision
        self._floor.silence(weighed.silent)
        return weighed
