"""Personas that were asked to talk about something with each other, and that nobody is with.

Somebody left before they were done, or an operator wants it discussed. They go on in writing, without voices and
without a floor to wait for, until the rule of every exchange of personas ends it. It is told to whom it is for when
they are there; without an errand nothing happens and nothing is composed.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Container
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from cognition.events import Heard, Read, Said
from cognition.inference.generator import GenerationError
from cognition.persona.engine import Mind
from cognition.store.errors import StoreError
from cognition.store.store import Storage, Work
from cognition.store.untold import keep, told, untold

__all__ = ["OPERATOR", "Errand", "LeftAlone"]

OPERATOR = "the operator"
"""Participant and identity of who has personas discuss something, and was never anywhere: nobody's confidences are
known to them, and what is said before them is for whoever comes."""
KEPT = timedelta(hours=12)
"""For how long it is told to who asked for it."""
ROOMS = 64
"""Rooms of which something waits to be told."""
PATIENCE = 60.0
"""Seconds that a turn waits for those who speak with people elsewhere."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Errand:
    """What personas were asked to talk about with each other, aloud, by somebody who is not there.

    Attributes:
        line: what they were asked.
        identity: of who asked, on every day; `OPERATOR` of an operator.
        personas: ids of those who talk, whoever is next first.
    """

    line: Heard | Read
    identity: str
    personas: tuple[str, ...]


class LeftAlone:
    """The errands of all rooms.

    Args:
        mind: composes, and keeps what is said.
        store: where it is kept that something is to be told.
        now: UTC.
        personas: ids of those there are; looked at anew each time.
        quiet: returns once nobody speaks, or is answered, anywhere.

    Attributes:
        counts: why each came to its end.
    """

    def __init__(
        self,
        mind: Mind,
        store: Storage,
        now: Callable[[], datetime],
        *,
        personas: Container[str],
        quiet: Callable[[], Awaitable[object]],
    ) -> None:
        self._mind = mind
        self._store = store
        self._now = now
        self._personas = personas
        self._quiet = quiet
        self._results: OrderedDict[str, tuple[str, list[Said]]] = OrderedDict()
        self.counts: Counter[str] = Counter()

    async def open(self) -> None:
        """Knows again what was to be told when the process before ended.

        Raises:
            StoreError: the store cannot be read.
        """
        for talk in await self._store.read(partial(untold, since=self._now() - KEPT)):
            self._results[talk.room] = talk.identity, list(talk.said)

    async def go_on(self, room: str, errand: Errand, returned: asyncio.Event) -> None:
        """Lets personas go on with an errand until it is over, or until somebody is back.

        What they make use of is what the one who asked may know, for whom it is.

        Args:
            room: in which there is nobody but personas.
            errand: what for.
            returned: set when somebody comes; no more is composed.
        """
        asker = errand.line.participant
        said: list[Said] = []
        self._mind.enter(room, asker, errand.line.name, "person", errand.identity)
        try:
            reason = await self._talk(room, errand, said, returned)
        except GenerationError as error:
            reason = "failed"
            _log.warning("left alone", room=room, reason=str(error))
        finally:
            self._mind.leave(room, asker)
            if said:
                self._results[room] = errand.identity, said
                self._results.move_to_end(room)
        # What was said last is lived through in the next turn of the loop, before the room is known to be empty.
        await asyncio.sleep(0)
        self.counts[f"left alone: {reason}"] += 1
        _log.info("left alone", room=room, lines=len(said), ended=reason)
        if len(self._results) > ROOMS:
            await self._keep(partial(told, room=self._results.popitem(last=False)[0]))

    def results(self, room: str, listeners: frozenset[str]) -> list[Said]:
        """What was said in a room in the absence of whom it is for, once they and nobody else are there again.

        What an operator had discussed is for whoever comes first, who has not heard it before: it is said to them anew.
        Once it is told `told` is to be awaited.

        Args:
            room: which.
            listeners: identities of the people who are there.
        """
        identity, said = self._results.get(room, ("", []))
        if not said or not listeners or (identity != OPERATOR and listeners != {identity}):
            return []
        del self._results[room]
        if self._now() - said[-1].at >= KEPT:
            return []
        if identity != OPERATOR:
            return said
        return [replace(each, id=f"told-{each.id}"[:64], at=self._now()) for each in said]

    async def told(self, room: str) -> None:
        """It was told in a room; not kept where the store does not take it, so that it may be told once more."""
        await self._keep(partial(told, room=room))

    def forget(self, identity: str, rooms: Collection[str]) -> None:
        """Somebody is to be forgotten: what they asked for is told to nobody, nor what was said in their rooms."""
        for room in [room for room, (who, _) in self._results.items() if who == identity or room in rooms]:
            del self._results[room]

    async def _talk(self, room: str, errand: Errand, said: list[Said], returned: asyncio.Event) -> str:
        """Appends to `said` what is said; returns why it is over."""
        line: Heard | Read | Said = errand.line
        back = asyncio.ensure_future(returned.wait())
        try:
            while not returned.is_set():
                able = [id for id in errand.personas if not self._unable(id)]
                if len(able) < 2:
                    return "nobody to talk to"
                persona = _longest_silent(able, said)
                reason = self._mind.over(room, persona)
                if reason is not None:
                    return reason
                composing = asyncio.ensure_future(self._compose(room, persona, line))
                try:
                    await asyncio.wait([composing, back], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    composing.cancel()
                    await asyncio.gather(composing, return_exceptions=True)
                if returned.is_set():
                    break
                id = f"{errand.line.id[:40]}~{len(said)}-{persona}"[:64]
                line = Said(room, persona, composing.result(), self._now(), id=id, kind="chat")
                self._mind.record(line)
                said.append(line)
                await self._keep(partial(keep, line=line, identity=errand.identity, first=len(said) == 1))
        finally:
            back.cancel()
        return "somebody is back"

    async def _compose(self, room: str, persona: str, line: Heard | Read | Said) -> str:
        """What a persona says next; people elsewhere are answered first."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._quiet()
        except TimeoutError:
            self.counts["left alone: did not wait for those who speak"] += 1
        async with aclosing(self._mind.reply(room, persona, line)) as clauses:
            return " ".join([clause.text async for clause in clauses])

    async def _keep(self, work: Work[None]) -> None:
        try:
            await self._store.write(work)
        except StoreError as error:
            _log.warning("what is to be told is not kept", reason=str(error))
            self.counts["left alone: not kept"] += 1

    def _unable(self, persona: str) -> bool:
        if persona not in self._personas:
            return True
        how = self._mind.disposition(persona)
        return how.resting or how.paused


def _longest_silent(able: list[str], said: list[Said]) -> str:
    """Who has not spoken for longest."""
    last = {each.participant: at for at, each in enumerate(said)}
    return min(able, key=lambda id: last.get(id, -1))
