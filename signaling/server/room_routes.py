"""What operators ask of a room over HTTP: whether what is said there is for those present, or may be told elsewhere."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, ValidationError

from signaling.ipc.endpoint import RpcError
from signaling.server.conference import Conference
from signaling.server.mind_line import MindAway
from signaling.server.names import valid_room

__all__ = ["room_routes"]

MAX_ORDER_BYTES = 4 << 10
UNAUTHORIZED = 401
UNPROCESSABLE = 422
UNAVAILABLE = 503


class RoomOrder(BaseModel):
    """The body of `POST /api/rooms/ROOM`."""

    model_config = ConfigDict(extra="forbid")

    openness: Literal["present", "open"]


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
            return _problem(UNAUTHORIZED, "unauthorized", "show the server's key")
        if not valid_room(room):
            return _problem(UNPROCESSABLE, "bad-request", "this is no name of a room")
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
            return _problem(UNAVAILABLE, "mind-away", "the personas are away for a moment; try again")
        is_open = told.get("openness") == "open"
        conference.set_openness(room, is_open=is_open)
        return JSONResponse(
            {"room": room, "openness": "open" if is_open else "present"},
            headers={"Cache-Control": "no-store"},
        )

    @routes.get("/{room}")
    async def openness(request: Request, room: str) -> Response:
        return refused(request, room) or await answered(room, None)

    @routes.post(
        "/{room}",
        openapi_extra={
            "requestBody": {"content": {"application/json": {"schema": RoomOrder.model_json_schema()}}}
        },
    )
    async def order(request: Request, room: str) -> Response:
        if (refusal := refused(request, room)) is not None:
            return refusal
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_ORDER_BYTES:
                return _problem(UNPROCESSABLE, "bad-request", f"an order has at most {MAX_ORDER_BYTES} bytes")
        try:
            wanted = RoomOrder.model_validate_json(body)
        except ValidationError:
            return _problem(UNPROCESSABLE, "bad-request", "openness is present or open")
        return await answered(room, wanted.openness)

    return routes


def _problem(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, status_code=status)
