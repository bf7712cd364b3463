"""Personas that were asked to talk about something with each other, and are left alone before they are done.

They go on in writing, without voices and without a floor to wait for, until the rule of every exchange of personas ends
it. It is told to whoever asked for it when they are back; without an errand nothing happens and nothing is composed.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from cognition.events import Heard, Read, Said
from cognition.inference.generator import GenerationError
from cognition.persona.engine import Mind

__all__ = ["Errand", "LeftAlone"]

KEPT = timedelta(hours=12)
"""For how long it is told to who asked for it."""
ROOMS = 64
"""Rooms of which something waits to be told."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Errand:
    """What personas were asked to talk about with each other, aloud, by somebody who has left.

    Attributes:
        line: what they were asked.
        identity: of who asked, on every day.
        personas: ids of those who talk, whoever is next first.
    """

    line: Heard | Read
    identity: str
    personas: tuple[str, ...]


class LeftAlone:
    """The errands of all rooms.

    Args:
        mind: composes, and keeps what is said.
        now: UTC.

    Attributes:
        counts: why each came to its end.
    """

    def __init__(self, mind: Mind, now: Callable[[], datetime]) -> None:
        self._mind = mind
        self._now = now
        self._results: OrderedDict[str, tuple[str, list[Said]]] = OrderedDict()
        self.counts: Counter[str] = Counter()

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
        # What was said last is lived through in the next turn of the loop, before the room is known to be empty.
        await asyncio.sleep(0)
        self.counts[f"left alone: {reason}"] += 1
        _log.info("left alone", room=room, lines=len(said), ended=reason)
        if said:
            self._results[room] = errand.identity, said
            self._results.move_to_end(room)
            if len(self._results) > ROOMS:
                self._results.popitem(last=False)

    def results(self, room: str, listeners: frozenset[str]) -> list[Said]:
        """What was said in a room in the absence of who asked for it, once they and nobody else are there again.

        Args:
            room: which.
            listeners: identities of the people who are there.
        """
        identity, said = self._results.get(room, ("", []))
        if not said or listeners != {identity}:
            return []
        del self._results[room]
        return said if self._now() - said[-1].at < KEPT else []

    def forget(self, identity: str, rooms: Collection[str]) -> None:
        """Somebody is to be forgotten: what they asked for is told to nobody, nor what was said in their rooms."""
        for room in [room for room, (who, _) in self._results.items() if who == identity or room in rooms]:
            del self._results[room]

    async def _talk(self, room: str, errand: Errand, said: list[Said], returned: asyncio.Event) -> str:
        """Appends to `said` what is said; returns why it is over."""
        line: Heard | Read | Said = errand.line
        while not returned.is_set():
            able = [id for id in errand.personas if not self._unable(id)]
            if len(able) < 2:
                return "nobody to talk to"
            persona = _longest_silent(able, said)
            reason = self._mind.over(room, persona)
            if reason is not None:
                return reason
            words: list[str] = []
            async with aclosing(self._mind.reply(room, persona, line)) as clauses:
                async for clause in clauses:
                    if returned.is_set():
                        return "somebody is back"
                    words.append(clause.text)
            id = f"{errand.line.id[:40]}~{len(said)}-{persona}"[:64]
            line = Said(room, persona, " ".join(words), self._now(), id=id, kind="chat")
            self._mind.record(line)
            said.append(line)
        return "somebody is back"

    def _unable(self, persona: str) -> bool:
        how = self._mind.disposition(persona)
        return how.resting or how.paused


def _longest_silent(able: list[str], said: list[Said]) -> str:
    """Who has not spoken for longest."""
    last = {each.participant: at for at, each in enumerate(said)}
    return min(able, key=lambda id: last.get(id, -1))
