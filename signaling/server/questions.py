"""What a client asks of the mind: to keep its feedback, to show a card. Answered when the mind has answered."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from signaling.ipc.endpoint import RpcError
from signaling.ipc.jsonrpc import JsonObject
from signaling.server.card import parse_card
from signaling.server.client_messages import AskCard, Feedback, MessageError
from signaling.server.conference import Conference
from signaling.server.limits import TokenBucket
from signaling.server.live import Attendee
from signaling.server.mind_line import MindAway
from signaling.server.server_messages import Ack, Card, Error, ErrorCode, ServerMessage

__all__ = ["Questions"]

QUESTIONS_PER_S = 2.0
QUESTIONS_BURST = 20.0
MAX_UNANSWERED = 8


class Questions:
    """Those of one client; the client is served on while they wait.

    Args:
        conference: the rooms.
        send: tells the client something.
        now: the loop's clock, in seconds.
    """

    def __init__(
        self, conference: Conference, send: Callable[[ServerMessage], None], now: Callable[[], float]
    ) -> None:
        self._conference = conference
        self._send = send
        self._now = now
        self._bucket = TokenBucket(QUESTIONS_PER_S, QUESTIONS_BURST, now())
        self._waiting: set[asyncio.Task[None]] = set()

    def ask(self, attendee: Attendee, message: Feedback | AskCard) -> None:
        """Begins to have a message answered.

        Raises:
            MessageError: the client asks too much, or may not, or names what is not here.
        """
        if "listen" not in attendee.seat.can:
            raise MessageError("not-allowed", "you may not listen in this room", message.id)
        if not self._bucket.take(self._now()):
            raise MessageError(
                "too-fast", f"at most {QUESTIONS_PER_S:.0f} such messages a second", message.id
            )
        if len(self._waiting) >= MAX_UNANSWERED:
            raise MessageError("too-fast", f"{MAX_UNANSWERED} wait for an answer already", message.id)
        self._check(attendee, message)
        work = (
            self._keep(attendee, message) if isinstance(message, Feedback) else self._show(attendee, message)
        )
        task = asyncio.ensure_future(self._answer(work, message.id))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def end(self) -> None:
        """Waits for no answer any more; what the mind has been asked it does all the same."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    def _check(self, attendee: Attendee, message: Feedback | AskCard) -> None:
        room = self._conference.room(attendee.room)
        seat = room.state.seats.get(message.persona)
        if seat is None or seat.kind != "persona":
            raise MessageError("no-such-participant", "no persona of that id is here", message.id)
        if isinstance(message, Feedback) and message.line is not None:
            line = room.state.line(message.persona, message.line)
            if line is None or not line.heard_by(attendee.seat.id):
                raise MessageError("no-such-line", "you have heard no such line of this persona", message.id)

    async def _answer(self, work: Coroutine[Any, Any, ServerMessage], id: str) -> None:
        try:
            self._send(await work)
        except MindAway:
            self._refuse("mind-away", "the personas are away for a moment; try again", id)
        except RpcError:
            self._refuse("no-such-participant", "the personas know nobody of that id", id)
        except ValueError as error:
            self._refuse("mind-away", f"the mind's answer cannot be read: {error}", id)

    def _refuse(self, code: ErrorCode, text: str, id: str) -> None:
        self._conference.metrics.drop(f"message-{code}")
        self._send(Error(code, text, id))

    async def _keep(self, attendee: Attendee, message: Feedback) -> ServerMessage:
        seat = attendee.seat
        params: JsonObject = {
            "room": attendee.room,
            "id": seat.id,
            "message": message.id,
            "giver": attendee.claims.giver,
            "name": seat.name,
            "persona": message.persona,
            "line": message.line,
            "value": message.value,
            "signed": message.signed,
        }
        await self._conference.mind.ask("feedback", params)
        return Ack(message.id)

    async def _show(self, attendee: Attendee, message: AskCard) -> ServerMessage:
        params: JsonObject = {
            "room": attendee.room,
            "id": attendee.seat.id,
            "giver": attendee.claims.giver,
            "persona": message.persona,
            "before": message.before,
        }
        return Card(message.id, parse_card(await self._conference.mind.ask("persona.card", params)))
