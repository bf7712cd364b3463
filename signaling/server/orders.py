"""What the routes of operators have in common: an order is read up to a bound, a refusal has a code and a message."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

from signaling.ipc.endpoint import RpcError
from signaling.server.mind_line import MindAway, MindLine

__all__ = [
    "CONFLICT",
    "NOT_FOUND",
    "UNAUTHORIZED",
    "UNAVAILABLE",
    "UNPROCESSABLE",
    "ask_of_personas",
    "described",
    "first_problem",
    "mind_away",
    "problem",
    "read_order",
]

UNAUTHORIZED = 401
NOT_FOUND = 404
CONFLICT = 409
UNPROCESSABLE = 422
UNAVAILABLE = 503
NO_SUCH_PERSONA = 8
"""The mind's code for it; see docs/architecture.md, IPC."""

Order = TypeVar("Order", bound=BaseModel)


def problem(status: int, code: str, message: str) -> Response:
    """What somebody is told whose request is not granted."""
    return JSONResponse({"code": code, "message": message}, status_code=status)


def first_problem(error: ValidationError) -> str:
    """What is wrong with a body, without a word of it."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return ": ".join([*(str(part) for part in first["loc"]), first["msg"]])


def mind_away() -> Response:
    """Nobody is there who could do it."""
    return problem(UNAVAILABLE, "mind-away", "the personas are away for a moment; try again")


def described(model: type[BaseModel]) -> dict[str, Any]:
    """What the route's description says of its body, which the route reads by itself."""
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


async def read_order(request: Request, kind: type[Order], most: int, wrong: str = "") -> Order | Response:
    """Reads an order; the response to give where there is none.

    Args:
        request: its body is JSON.
        kind: what is ordered.
        most: bytes.
        wrong: what is said of a body that is none; what is wrong with it if nothing else is given.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return problem(UNPROCESSABLE, "bad-request", f"an order has at most {most} bytes")
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        return problem(UNPROCESSABLE, "bad-request", wrong or first_problem(error))


async def ask_of_personas(mind: MindLine, method: str, params: Mapping[str, object]) -> Response:
    """Asks the mind something of its personas and gives what it answers, or why it refuses."""
    try:
        answer = await mind.ask(method, {"room": None, **params})
    except RpcError as error:
        if error.code == NO_SUCH_PERSONA:
            return problem(NOT_FOUND, "no-such-persona", str(error))
        return problem(CONFLICT, "refused", str(error))
    except MindAway:
        return mind_away()
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})
