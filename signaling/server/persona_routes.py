"""What operators ask of a persona over HTTP; they show the server's key, or ask from its own machine."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from signaling.ipc.endpoint import RpcError
from signaling.server.card import parse_card
from signaling.server.conference import Conference
from signaling.server.mind_line import MindAway

__all__ = ["persona_routes"]

MAX_ORDER_BYTES = 128 << 10
"""A profile and what is said about it."""
NO_SUCH_PERSONA = 8
"""The mind's code for it; see docs/architecture.md, IPC."""
UNAUTHORIZED = 401
CONFLICT = 409
UNPROCESSABLE = 422
NOT_FOUND = 404
UNAVAILABLE = 503


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
        return _problem(UNAUTHORIZED, "unauthorized", "show the server's key")

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
            return _problem(NOT_FOUND, "no-such-persona", "there is no persona of that id")
        except (MindAway, ValueError):
            return _problem(UNAVAILABLE, "mind-away", "the personas are away for a moment; try again")
        return JSONResponse(shown, headers={"Cache-Control": "no-store"})

    @routes.get("")
    async def personas(request: Request) -> Response:
        return refused(request) or await managed({"action": "list"})

    @routes.post(
        "",
        openapi_extra={
            "requestBody": {"content": {"application/json": {"schema": PersonaOrder.model_json_schema()}}}
        },
    )
    async def order(request: Request) -> Response:
        # Before a byte of it is read: strangers are told nothing of what an order looks like.
        if (refusal := refused(request)) is not None:
            return refusal
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_ORDER_BYTES:
                return _problem(UNPROCESSABLE, "bad-request", f"an order has at most {MAX_ORDER_BYTES} bytes")
        try:
            wanted = PersonaOrder.model_validate_json(body)
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
            words = ": ".join([*(str(part) for part in problem["loc"]), problem["msg"]])
            return _problem(UNPROCESSABLE, "bad-request", words)
        return await managed(wanted.model_dump(exclude_none=True))

    async def managed(params: dict[str, object]) -> Response:
        try:
            shown = await conference.mind.ask("persona.manage", {"room": None, **params})
        except RpcError as error:
            if error.code == NO_SUCH_PERSONA:
                return _problem(NOT_FOUND, "no-such-persona", str(error))
            return _problem(CONFLICT, "refused", str(error))
        except MindAway:
            return _problem(UNAVAILABLE, "mind-away", "the personas are away for a moment; try again")
        return JSONResponse(shown, headers={"Cache-Control": "no-store"})

    return routes


def _problem(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, status_code=status)
