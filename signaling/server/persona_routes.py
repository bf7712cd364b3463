"""What operators ask of a persona over HTTP; they show the server's key, or ask from its own machine."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from signaling.ipc.endpoint import RpcError
from signaling.server.card import parse_card
from signaling.server.conference import Conference
from signaling.server.mind_line import MindAway

__all__ = ["persona_routes"]

UNAUTHORIZED = 401
NOT_FOUND = 404
UNAVAILABLE = 503


def persona_routes(conference: Conference, may_ask: Callable[[Request], bool]) -> APIRouter:
    """The routes below `/api/personas`.

    Args:
        conference: the rooms, and the line to the mind.
        may_ask: whether who asks is an operator.
    """
    routes = APIRouter(prefix="/api/personas")

    @routes.get("/{id}")
    async def card(
        request: Request, id: str, before: Annotated[str | None, Query(pattern="^[0-9]{1,18}$")] = None
    ) -> Response:
        if not may_ask(request):
            conference.metrics.drop("personas-unauthorized")
            return _problem(UNAUTHORIZED, "unauthorized", "show the server's key")
        asked = {"room": None, "giver": "", "persona": id, "before": before}
        try:
            shown = parse_card(await conference.mind.ask("persona.card", asked))
        except RpcError:
            return _problem(NOT_FOUND, "no-such-persona", "there is no persona of that id")
        except (MindAway, ValueError):
            return _problem(UNAVAILABLE, "mind-away", "the personas are away for a moment; try again")
        return JSONResponse(shown, headers={"Cache-Control": "no-store"})

    return routes


def _problem(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, status_code=status)
