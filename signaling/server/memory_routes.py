"""What operators do over HTTP with what is known of a person, at that person's word: correct it, have it forgotten."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from signaling.ipc.endpoint import RpcError
from signaling.server.conference import Conference
from signaling.server.mind_line import MindAway
from signaling.server.orders import (
    CONFLICT,
    NOT_FOUND,
    UNAUTHORIZED,
    UNAVAILABLE,
    UNPROCESSABLE,
    described,
    mind_away,
    problem,
    read_order,
)
from signaling.server.questions import FORGETTING_S

__all__ = ["memory_routes"]

MAX_ORDER_BYTES = 8 << 10
REFUSED = 9
NO_SUCH_MEMORY = 10
"""The mind's codes; see docs/architecture.md, IPC."""


class MemoryOrder(BaseModel):
    """The body of `POST /api/memories`: of whom, and by whom, what becomes of which memory."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["correct", "forget"]
    person: str = Field(min_length=1, max_length=256)
    by: str = Field(min_length=1, max_length=120)
    persona: str = Field(default="", max_length=64)
    """Which knows it; not needed to forget a person."""
    memory: str | None = Field(default=None, min_length=1, max_length=64)
    """None: everything about them, by all personas."""
    text: str = Field(default="", max_length=300)
    """How it is, where it is corrected."""


def memory_routes(conference: Conference, may_ask: Callable[[Request], bool]) -> APIRouter:
    """The route `/api/memories`.

    Args:
        conference: the line to the mind.
        may_ask: whether who asks is an operator.
    """
    routes = APIRouter(prefix="/api/memories")

    @routes.post(
        "",
        openapi_extra=described(MemoryOrder),
    )
    async def order(request: Request) -> Response:
        if not may_ask(request):
            conference.metrics.drop("memories-unauthorized")
            return problem(UNAUTHORIZED, "unauthorized", "show the server's key")
        wanted = await read_order(request, MemoryOrder, MAX_ORDER_BYTES)
        if isinstance(wanted, Response):
            return wanted
        if wanted.action == "correct" and (wanted.memory is None or not wanted.text.strip()):
            return problem(UNPROCESSABLE, "bad-request", "a correction is of one memory, and says how it is")
        asked = {
            "room": None,
            "id": "",
            "giver": wanted.person,
            "persona": wanted.persona,
            "memory": wanted.memory,
            "text": wanted.text,
            "by": wanted.by,
        }
        try:
            await conference.mind.ask(f"memory.{wanted.action}", asked, timeout_s=FORGETTING_S)
        except RpcError as error:
            if error.code == NO_SUCH_MEMORY:
                return problem(NOT_FOUND, "no-such-memory", "nothing of that id is known of them")
            if error.code == REFUSED:
                return problem(CONFLICT, "refused", str(error))
            return problem(UNAVAILABLE, "mind-away", "it could not be done now; try again")
        except MindAway:
            return mind_away()
        return JSONResponse({}, headers={"Cache-Control": "no-store"})

    return routes
