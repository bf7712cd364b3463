"""What operators ask of a room over HTTP: for whom what is said there is, and what personas are to discuss there."""

from collections.abc import Callable
from typing import Literal, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from signaling.ipc.endpoint import RpcError
from signaling.server.conference import Conference
from signaling.server.mind_line import MindAway
from signaling.server.names import valid_room

__all__ = ["room_routes"]

MAX_ORDER_BYTES = 16 << 10
NO_SUCH_PERSONA = 8
"""The mind's code for it; see docs/architecture.md, IPC."""
UNAUTHORIZED = 401
NOT_FOUND = 404
CONFLICT = 409
UNPROCESSABLE = 422
UNAVAILABLE = 503

Order = TypeVar("Order", bound=BaseModel)


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

    async def read(request: Request, kind: type[Order], wrong: str) -> Order | Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_ORDER_BYTES:
                return _problem(UNPROCESSABLE, "bad-request", f"an order has at most {MAX_ORDER_BYTES} bytes")
        try:
            return kind.model_validate_json(body)
        except ValidationError:
            return _problem(UNPROCESSABLE, "bad-request", wrong)

    @routes.post("/{room}", openapi_extra=_body(RoomOrder))
    async def order(request: Request, room: str) -> Response:
        if (refusal := refused(request, room)) is not None:
            return refusal
        wanted = await read(request, RoomOrder, "openness is present or open")
        return wanted if isinstance(wanted, Response) else await answered(room, wanted.openness)

    @routes.post("/{room}/discussion", openapi_extra=_body(Discussion))
    async def discuss(request: Request, room: str) -> Response:
        if (refusal := refused(request, room)) is not None:
            return refusal
        wanted = await read(request, Discussion, "personas is a list, topic and by are texts")
        if isinstance(wanted, Response):
            return wanted
        try:
            begun = await conference.mind.ask(
                "persona.discuss", {"room": None, "place": room, **wanted.model_dump()}
            )
        except RpcError as error:
            if error.code == NO_SUCH_PERSONA:
                return _problem(NOT_FOUND, "no-such-persona", str(error))
            return _problem(CONFLICT, "refused", str(error))
        except MindAway:
            return _problem(UNAVAILABLE, "mind-away", "the personas are away for a moment; try again")
        return JSONResponse(begun, headers={"Cache-Control": "no-store"})

    return routes


def _problem(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, status_code=status)


def _body(model: type[BaseModel]) -> dict[str, object]:
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}
