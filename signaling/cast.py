"""Personas added, edited, paused, resumed, kept awake and removed while the rooms go on; each order is on record."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from cognition.conversation.transcript import plain
from cognition.persona.life import Life
from cognition.persona.profile import Persona, ProfileError
from cognition.persona.rights import RightsError
from cognition.store.errors import StoreError
from cognition.store.personas import Order
from media.speech.sessions import ModelError
from media.speech.voice import Voice, VoiceError
from signaling.errors import UserError
from signaling.ipc.endpoint import RpcError
from signaling.ipc.jsonrpc import INTERNAL_ERROR, JsonObject
from signaling.profiles import Profiles

__all__ = ["NO_SUCH_PERSONA", "REFUSED", "Cast"]

NO_SUCH_PERSONA = 8
REFUSED = 9
MINUTE = 60.0
ORDERS = 10
"""Orders that are shown of a persona, the latest."""
MAX_LOGGED = 300
"""Characters of what an operator says that are logged."""

_log = structlog.get_logger()


class Cast:
    """Who there is, as an operator has it; answers `persona.manage` (docs/architecture.md, IPC).

    Args:
        profiles: where profiles are kept.
        personas: who there is, by id.
        life: of the personas, once it is open.
        make_voice: loads a persona's voice.
        admit: seats a persona in all rooms with its voice, or gives it its new profile there.
        dismiss: takes a persona from all rooms.
    """

    def __init__(
        self,
        profiles: Profiles,
        personas: Callable[[], Mapping[str, Persona]],
        life: Callable[[], Life | None],
        make_voice: Callable[[Persona], Awaitable[Voice]],
        admit: Callable[[Persona, Voice], None],
        dismiss: Callable[[str], None],
    ) -> None:
        self._profiles = profiles
        self._personas = personas
        self._life = life
        self._make_voice = make_voice
        self._admit = admit
        self._dismiss = dismiss
        self._one = asyncio.Lock()

    async def manage(self, params: JsonObject) -> JsonObject:
        """Does what an operator orders, one order after the other, and says who there is then.

        Raises:
            RpcError: there is no such persona, the order is none, or it cannot be followed; nothing has changed.
        """
        actions: dict[str, Callable[[Life, JsonObject], Awaitable[None]]] = {
            "add": self._add,
            "edit": self._edit,
            "pause": self._order,
            "resume": self._order,
            "keep-awake": self._keep_awake,
            "remove": self._remove,
            "list": _nothing,
        }
        action, life = actions.get(_text(params, "action")), self._life()
        if action is None or life is None:
            raise RpcError(REFUSED, f"an action is one of {', '.join(actions)}")
        async with self._one:
            try:
                await action(life, params)
            except (ProfileError, RightsError, ModelError, VoiceError, UserError, ValueError) as error:
                raise RpcError(REFUSED, str(error)) from error
            if params["action"] != "list":
                said = {name: plain(str(params.get(name) or ""), MAX_LOGGED) for name in ("id", "by", "why")}
                _log.info("order followed", action=params["action"], persona=said.pop("id"), **said)
            await life.settled()
        try:
            return {"personas": [await self._shown(life, each) for each in list(self._personas().values())]}
        except StoreError as error:
            raise RpcError(INTERNAL_ERROR, str(error)) from error

    async def _add(self, life: Life, params: JsonObject) -> None:
        id = _text(params, "id")
        if id in self._personas():
            raise RpcError(REFUSED, f"there is a persona {id} already: edit it, or choose another id")
        await self._take(life, id, params)

    async def _edit(self, life: Life, params: JsonObject) -> None:
        await self._take(life, self._known(params).id, params)

    async def _take(self, life: Life, id: str, params: JsonObject) -> None:
        text = _text(params, "text")
        persona = self._profiles.read(id, text)
        for other in self._personas().values():
            if other.id != id and other.name.casefold() == persona.name.casefold():
                raise ProfileError(
                    f"name: {persona.name} is the name of {other.id}; people could not tell them apart"
                )
        voice = await self._make_voice(persona)
        self._admit(persona, voice)
        life.seat(persona)
        # Kept last: a profile that could not be admitted would be in the way of every start.
        self._profiles.keep(id, text)
        life.order("add" if params["action"] == "add" else "edit", id, _by(params), _why(params))

    async def _order(self, life: Life, params: JsonObject) -> None:
        kind = "pause" if params["action"] == "pause" else "resume"
        life.order(kind, self._known(params).id, _by(params), _why(params))  # type: ignore[arg-type]

    async def _keep_awake(self, life: Life, params: JsonObject) -> None:
        minutes = params.get("minutes")
        if isinstance(minutes, bool) or not isinstance(minutes, int | float):
            raise RpcError(REFUSED, "minutes is a number")
        life.keep_awake(self._known(params).id, _by(params), _why(params), minutes * MINUTE)

    async def _remove(self, life: Life, params: JsonObject) -> None:
        id = self._known(params).id
        if len(self._personas()) == 1:
            raise RpcError(REFUSED, "it is the last persona; pause it instead")
        self._profiles.remove(id)
        life.order("remove", id, _by(params), _why(params))
        life.unseat(id)
        self._dismiss(id)

    def _known(self, params: JsonObject) -> Persona:
        id = _text(params, "id")
        known = self._personas().get(id)
        if known is None:
            raise RpcError(
                NO_SUCH_PERSONA, f"there is no persona {id}; there are {', '.join(self._personas())}"
            )
        return known

    async def _shown(self, life: Life, persona: Persona) -> JsonObject:
        orders = await life.orders(persona.id, limit=ORDERS)
        disposition = life.disposition(persona.id)
        status = "paused" if disposition.paused else "resting" if disposition.resting else "awake"
        shown: dict[str, Any] = {"id": persona.id, "name": persona.name, "status": status}
        shown |= {"energy": round(disposition.energy, 2), "expertise": list(persona.expertise)}
        return shown | {"orders": [_recorded(each) for each in orders]}


def _recorded(order: Order) -> JsonObject:
    until = None if order.until is None else _moment(order.until)
    return {
        "action": order.kind,
        "by": order.by,
        "why": order.why,
        "at": _moment(order.at),
        "until": until,
    }


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


async def _nothing(_life: Life, _params: JsonObject) -> None:
    return None


def _text(params: JsonObject, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise RpcError(REFUSED, f"{name} is a text")
    return value


def _by(params: JsonObject) -> str:
    return _text(params, "by")


def _why(params: JsonObject) -> str:
    return str(params.get("why") or "")
