"""Discussions: personas in a room of their own, because an operator wants something discussed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from cognition.conversation.disposition import Disposition
from cognition.conversation.transcript import plain
from cognition.events import Read
from cognition.persona.profile import Persona
from signaling.cast import NO_SUCH_PERSONA, REFUSED
from signaling.ipc.endpoint import RpcError
from signaling.ipc.jsonrpc import JsonObject
from signaling.left_alone import OPERATOR, Errand

__all__ = ["MAX_TOPIC", "Discussions", "Wanted", "wanted"]

MAX_TOPIC = 500
"""Characters of what is to be discussed: with the names it is a short line of the conversation."""
MAX_LOGGED = 120
NAME = "Operator"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A discussion as an operator wants it.

    Attributes:
        room: where.
        personas: who takes part, whoever begins first.
        topic: one line.
        by: who the operator is.
    """

    room: str
    personas: tuple[Persona, ...]
    topic: str
    by: str

    def line(self, now: datetime) -> Read:
        """What the personas are told; addressed to each of them by name.

        Args:
            now: UTC.
        """
        names = [each.name for each in self.personas]
        text = f"{', '.join(names[:-1])} and {names[-1]}, discuss with each other: {self.topic}"
        id = f"discuss-{now.timestamp():.6f}"
        return Read(self.room, OPERATOR, NAME, text, now, id, frozenset({OPERATOR}))


def wanted(params: JsonObject, personas: Mapping[str, Persona]) -> Wanted:
    """Reads what an operator wants.

    Args:
        params: of `persona.discuss`; personas are named by id or by name.
        personas: who there is, by id.

    Raises:
        RpcError: something is missing, or too long, or there is no such persona.
    """
    named, topic, room, by = (
        params.get("personas"),
        params.get("topic"),
        params.get("place"),
        params.get("by"),
    )
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        raise RpcError(REFUSED, "personas is a list of ids or names")
    if not all(isinstance(each, str) and each.strip() for each in (room, by)):
        raise RpcError(REFUSED, "place and by are texts")
    if not isinstance(topic, str) or not plain(topic, MAX_TOPIC):
        raise RpcError(REFUSED, "there is no topic: say what they are to discuss")
    if len(topic.strip()) > MAX_TOPIC:
        raise RpcError(REFUSED, f"the topic is too long: it has {MAX_TOPIC} characters at most")
    found: dict[str, Persona] = {}
    for each in named:
        persona = _found(each, personas)
        found[persona.id] = persona
    if len(found) < 2:
        raise RpcError(REFUSED, "it takes two: name at least two personas")
    return Wanted(str(room), tuple(found.values()), plain(topic, MAX_TOPIC), plain(str(by), MAX_LOGGED))


class Discussions:
    """Has personas discuss what operators want discussed; answers `persona.discuss` (docs/architecture.md, IPC).

    Args:
        personas: who there is, by id; looked at anew each time.
        disposition: how a persona is disposed to speak just now.
        exists: whether there ever was such a room.
        busy: whether somebody is in a room, or about to come back, or personas are talking there.
        begin: lets the personas of an errand talk in a room.
        now: UTC.
    """

    def __init__(
        self,
        personas: Mapping[str, Persona],
        disposition: Callable[[str], Disposition],
        exists: Callable[[str], Awaitable[bool]],
        busy: Callable[[str], bool],
        begin: Callable[[str, Errand], None],
        now: Callable[[], datetime],
    ) -> None:
        self._personas = personas
        self._disposition = disposition
        self._exists = exists
        self._busy = busy
        self._begin = begin
        self._now = now
        self._talking: dict[str, str] = {}
        """The room of each persona that takes part in one."""

    async def discuss(self, params: JsonObject) -> JsonObject:
        """Begins a discussion; it goes on by itself.

        Raises:
            RpcError: it cannot be held; nothing has changed.
        """
        asked = wanted(params, self._personas)
        if not await self._exists(asked.room):
            raise RpcError(REFUSED, f"there is no room {asked.room}: nobody was ever there")
        for persona in asked.personas:
            if persona.id not in self._personas:
                raise _unknown(persona.id, self._personas)
            how = self._disposition(persona.id)
            if how.paused or how.resting:
                raise RpcError(REFUSED, f"{persona.name} {'is paused' if how.paused else 'rests'} just now")
            if (room := self._talking.get(persona.id)) is not None:
                raise RpcError(REFUSED, f"{persona.name} is still discussing something in {room}")
        if self._busy(asked.room):
            raise RpcError(
                REFUSED, f"{asked.room} is not empty: ask them there, or name a room that nobody is in"
            )
        ids = tuple(each.id for each in asked.personas)
        self._begin(asked.room, Errand(asked.line(self._now()), OPERATOR, ids))
        self._talking |= dict.fromkeys(ids, asked.room)
        _log.info("discussion", room=asked.room, personas=ids, by=asked.by)
        return {"room": asked.room, "personas": [each.name for each in asked.personas]}

    def over(self, room: str) -> None:
        """The personas of a room talk no more."""
        self._talking = {persona: where for persona, where in self._talking.items() if where != room}


def _found(named: str, personas: Mapping[str, Persona]) -> Persona:
    key = named.strip().casefold()
    for persona in personas.values():
        if key in (persona.id.casefold(), persona.name.casefold()):
            return persona
    raise _unknown(plain(named, MAX_LOGGED), personas)


def _unknown(named: str, personas: Mapping[str, Persona]) -> RpcError:
    return RpcError(NO_SUCH_PERSONA, f"there is no persona {named}; there are {', '.join(personas)}")
