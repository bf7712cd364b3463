"""What operators ask of a room over HTTP: for whom what is said there is, and what personas are to discuss there."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from signaling.ipc.endpoint import RpcError
from signaling.server.conference import Conference
from signaling.server.mind_line import MindAway
from signaling.server.names import valid_room
from signaling.server.orders import (
    UNAUTHORIZED,
    UNPROCESSABLE,
    ask_of_personas,
    described,
    mind_away,
    problem,
    read_order,
)

__all__ = ["room_routes"]

MAX_ORDER_BYTES = 16 << 10


class RoomOrder(BaseModel):
    """The body of `POST /api/rooms/ROOM`."""

    model_config = ConfigDict(extra="forbid")

    openness: Literal["present", "open"]


class Discussion(BaseModel):
    """The body of `POST /api/rooms/ROOM/discussion`; how long a topic may be is for the mind to say."""

    model_config = ConfigDict(extra="forbid")

    personas: list[str] = Field(max_length=64)
    topic: str
    by: str = Field(min_length=1, max_length=120)


def room_routes(conference: Conference, may_ask: Callable[[Request], bool]) -> APIRouter:
    """The routes below `/api/rooms`.

    Args:
        conference: the line to the mind.
        may_ask: whether who asks is an operator.
    """
    routes = APIRouter(prefix="/api/rooms")

    def refused(request: Request, room: str) -> Response | None:
        if not may_ask(request):
            conference.metrics.drop("rooms-unauthorized")
            return problem(UNAUTHORIZED, "unauthorized", "show the server's key")
        if not valid_room(room):
            return problem(UNPROCESSABLE, "bad-request", "this is no name of a room")
        return None

    async def answered(room: str, openness: str | None) -> Response:
        if openness == "present":
            # Whatever becomes of the question: until the mind says otherwise nobody reads what they were absent from.
            conference.set_openness(room, is_open=False)
        try:
            told = await conference.mind.ask(
                "room.openness", {"room": None, "place": room, "openness": openness}
            )
        except (MindAway, RpcError):
            return mind_away()
        is_open = told.get("openness") == "open"
        conference.set_openness(room, is_open=is_open)
        return JSONResponse(
            {"room": room, "openness": "open" if is_open else "present"},
            headers={"Cache-Control": "no-store"},
        )

    @routes.get("/{room}")
    async def openness(request: Request, room: str) -> Response:
        return refused(request, room) or await answered(room, None)

    @routes.post("/{room}", openapi_extra=described(RoomOrder))
    async def order(request: Request, room: str) -> Response:
        if (refusal := refused(request, room)) is not None:
            return refusal
        wanted = await read_order(request, RoomOrder, MAX_ORDER_BYTES, "openness is present or open")
        return wanted if isinstance(wanted, Response) else await answered(room, wanted.openness)

    @routes.post("/{room}/discussion", openapi_extra=described(Discussion))
    async def discuss(request: Request, room: str) -> Response:
        if (refusal := refused(request, room)) is not None:
            return refusal
        wanted = await read_order(
            request, Discussion, MAX_ORDER_BYTES, "personas is a list, topic and by are texts"
        )
        if isinstance(wanted, Response):
            return wanted
        return await ask_of_personas(
            conference.mind, "persona.discuss", {"place": room, **wanted.model_dump()}
        )

    return routes
