"""What the personas of a room work out before it is asked of them: one thing at a time, the latest."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import structlog

from cognition.events import Heard
from cognition.inference.generator import GenerationError
from cognition.persona.engine import Mind
from signaling.presence import Presence
from signaling.reply import Reply

__all__ = ["ThinkingAhead"]

KNOWING = 0.15
"""Seconds that words wait for what they mean, before whoever would answer them is prepared."""

_log = structlog.get_logger()


class ThinkingAhead:
    """The idle time of one room.

    Args:
        room: the room's id.
        mind: evaluates ahead.
        presences: the personas that are seated, by id.
        spawn: starts a task owned by the room.
        hush: set while no person speaks.
        evaluates: whether the language model is prefilled at all.
        dropped: counts what could not be evaluated.
    """

    def __init__(
        self,
        room: str,
        *,
        mind: Mind,
        presences: Mapping[str, Presence],
        spawn: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
        hush: asyncio.Event,
        evaluates: bool,
        dropped: Counter[str],
    ) -> None:
        self._room = room
        self._mind = mind
        self._presences = presences
        self._spawn = spawn
        self._hush = hush
        self._evaluates = evaluates
        self._dropped = dropped
        self._thinking: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Leaves the model to what is asked now."""
        if self._thinking is not None:
            self._thinking.cancel()

    def take_in(self) -> None:
        """Lets the personas take in what was said last."""
        if self._evaluates and self._presences:
            self._rethink(self._prepare)

    async def while_it_sounds(self, reply: Reply) -> None:
        """Lets the personas take in what was said until now while a reply is heard, once all its words are known."""
        await reply.complete.wait()
        if reply.sounding and self._hush.is_set():
            self.take_in()

    def foresee(self, said: Callable[[], Heard]) -> None:
        """Prepares whoever would answer words that are being said, unless somebody is about to answer already.

        Args:
            said: gives the words so far, and who hears them now.
        """
        words = said().text
        knowing = self._spawn(self._mind.overhear(words)) if len(self._presences) > 1 else None
        if self._evaluates and all(presence.reply is None for presence in self._presences.values()):
            self._rethink(partial(self._foresee, said, knowing))

    async def _foresee(self, said: Callable[[], Heard], knowing: "asyncio.Task[None] | None") -> None:
        if knowing is not None:
            # Waited for and not awaited: what is read is of use also when the next words cut this short.
            await asyncio.wait([knowing], timeout=KNOWING)
        line = said()
        if (persona := self._mind.consider(line).persona) is not None:
            who, words = line.participant, line.text
            await self._mind.anticipate(self._room, persona, who, words, line.to, line.id)

    async def _prepare(self) -> None:
        for persona in self._mind.most_wanted_first(self._room, self._presences):
            if persona in self._presences:
                await self._mind.prepare(self._room, persona)

    def _rethink(self, work: Callable[[], Awaitable[None]]) -> None:
        self.stop()
        self._thinking = self._spawn(self._ahead(work))

    async def _ahead(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except GenerationError as error:
            # The reply itself will say it; that it could not be hastened harms nobody.
            self._dropped["prefill failed"] += 1
            _log.warning("prefill failed", room=self._room, reason=str(error))
