"""What operators ask of a persona over HTTP; they show the server's key, or ask from its own machine."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from signaling.ipc.endpoint import RpcError
from signaling.server.card import parse_card
from signaling.server.conference import Conference
from signaling.server.mind_line import MindAway
from signaling.server.orders import (
    NOT_FOUND,
    UNAUTHORIZED,
    ask_of_personas,
    described,
    mind_away,
    problem,
    read_order,
)

__all__ = ["persona_routes"]

MAX_ORDER_BYTES = 128 << 10
"""A profile and what is said about it."""


class PersonaOrder(BaseModel):
    """The body of `POST /api/personas`: what an operator orders, who it is and why."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["add", "edit", "pause", "resume", "keep-awake", "remove"]
    id: str = Field(min_length=1, max_length=64)
    by: str = Field(min_length=1, max_length=120)
    why: str = Field(default="", max_length=300)
    text: str | None = Field(default=None, max_length=MAX_ORDER_BYTES)
    """The profile (TOML), of a persona to be added or edited."""
    minutes: float | None = Field(default=None, gt=0, le=60)
    """How long it is kept awake."""


def persona_routes(conference: Conference, may_ask: Callable[[Request], bool]) -> APIRouter:
    """The routes below `/api/personas`.

    Args:
        conference: the rooms, and the line to the mind.
        may_ask: whether who asks is an operator.
    """
    routes = APIRouter(prefix="/api/personas")

    def refused(request: Request) -> Response | None:
        if may_ask(request):
            return None
        conference.metrics.drop("personas-unauthorized")
        return problem(UNAUTHORIZED, "unauthorized", "show the server's key")

    @routes.get("/{id}")
    async def card(
        request: Request, id: str, before: Annotated[str | None, Query(pattern="^[0-9]{1,18}$")] = None
    ) -> Response:
        if (refusal := refused(request)) is not None:
            return refusal
        asked = {"room": None, "giver": "", "persona": id, "before": before}
        try:
            shown = parse_card(await conference.mind.ask("persona.card", asked))
        except RpcError:
            return problem(NOT_FOUND, "no-such-persona", "there is no persona of that id")
        except (MindAway, ValueError):
            return mind_away()
        return JSONResponse(shown, headers={"Cache-Control": "no-store"})

    @routes.get("")
    async def personas(request: Request) -> Response:
        return refused(request) or await managed({"action": "list"})

    @routes.post(
        "",
        openapi_extra=described(PersonaOrder),
    )
    async def order(request: Request) -> Response:
        # Before a byte of it is read: strangers are told nothing of what an order looks like.
        if (refusal := refused(request)) is not None:
            return refusal
        wanted = await read_order(request, PersonaOrder, MAX_ORDER_BYTES)
        if isinstance(wanted, Response):
            return wanted
        return await managed(wanted.model_dump(exclude_none=True))

    async def managed(params: dict[str, object]) -> Response:
        return await ask_of_personas(conference.mind, "persona.manage", params)

    return routes
