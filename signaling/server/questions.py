"""What a client asks of the mind: to keep its feedback, to show a card. Answered when the mind has answered."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from signaling.ipc.endpoint import RpcError
from signaling.ipc.jsonrpc import JsonObject
from signaling.server.card import parse_card
from signaling.server.client_messages import (
    AskCard,
    AskMemories,
    CorrectMemory,
    Explain,
    Feedback,
    ForgetMemory,
    MessageError,
)
from signaling.server.conference import Conference
from signaling.server.limits import TokenBucket
from signaling.server.live import Attendee
from signaling.server.memories import parse_explanation, parse_memories
from signaling.server.mind_line import MindAway
from signaling.server.server_messages import (
    Ack,
    Card,
    Error,
    ErrorCode,
    Explanation,
    Memories,
    ServerMessage,
)

__all__ = ["FORGETTING_S", "NO_MEMORY", "NO_SUCH_LINE", "NO_SUCH_MEMORY", "Question", "Questions"]

Question = Feedback | AskCard | AskMemories | CorrectMemory | ForgetMemory | Explain
"""What only the personas can answer."""

REFUSED = 9
NO_SUCH_MEMORY = 10
NO_SUCH_LINE = 11
NO_MEMORY = 12
"""The mind's codes; see docs/architecture.md, IPC."""

FORGETTING_S = 600.0
"""Seconds that it may take until nothing of a long life is left on the disk; nobody else waits for it."""
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

    def ask(self, attendee: Attendee, message: Question) -> None:
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
        task = asyncio.ensure_future(self._answer(self._work(attendee, message), message.id))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def end(self) -> None:
        """Waits for no answer any more; what the mind has been asked it does all the same."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    def _check(self, attendee: Attendee, message: Question) -> None:
        room = self._conference.room(attendee.room)
        seat = room.state.seats.get(message.persona)
        if seat is None or seat.kind != "persona":
            raise MessageError("no-such-participant", "no persona of that id is here", message.id)
        if isinstance(message, Feedback | Explain) and message.line is not None:
            line = room.state.line(message.persona, message.line)
            if line is None or not room.state.may_read(attendee.seat, line):
                raise MessageError("no-such-line", "you have heard no such line of this persona", message.id)

    async def _answer(self, work: Coroutine[Any, Any, ServerMessage], id: str) -> None:
        try:
            self._send(await work)
        except MindAway:
            self._refuse("mind-away", "the personas are away for a moment; try again", id)
        except RpcError as error:
            self._refuse(*_REFUSALS.get(error.code, _NOBODY), id)
        except ValueError as error:
            self._refuse("mind-away", f"the mind's answer cannot be read: {error}", id)

    def _refuse(self, code: ErrorCode, text: str, id: str) -> None:
        self._conference.metrics.drop(f"message-{code}")
        self._send(Error(code, text, id))

    async def _work(self, attendee: Attendee, message: Question) -> ServerMessage:
        seat = attendee.seat
        params: JsonObject = {
            "room": attendee.room,
            "id": seat.id,
            "giver": attendee.claims.giver,
            "persona": message.persona,
        }
        ask = self._conference.mind.ask
        match message:
            case Feedback():
                given = {"message": message.id, "name": seat.name, "line": message.line}
                await ask("feedback", {**params, **given, "value": message.value, "signed": message.signed})
            case AskCard():
                return Card(
                    message.id, parse_card(await ask("persona.card", {**params, "before": message.before}))
                )
            case AskMemories():
                known = await ask("memory.known", {**params, "before": message.before})
                return Memories(message.id, parse_memories(known))
            case CorrectMemory():
                await ask("memory.correct", {**params, "memory": message.memory, "text": message.text})
            case ForgetMemory():
                await ask("memory.forget", {**params, "memory": message.memory}, timeout_s=FORGETTING_S)
            case Explain():
                shown = await ask("explain", {**params, "line": message.line})
                return Explanation(message.id, parse_explanation(shown))
        return Ack(message.id)


_NOBODY: tuple[ErrorCode, str] = ("no-such-participant", "the personas know nobody of that id")
_REFUSALS: dict[int, tuple[ErrorCode, str]] = {
    REFUSED: ("not-allowed", "the personas refuse this"),
    NO_SUCH_MEMORY: ("no-such-memory", "nothing of that id is known of you"),
    NO_SUCH_LINE: (
        "no-such-line",
        "nothing was looked up for this line, or it was too long ago",
    ),
    NO_MEMORY: (
        "memory-away",
        "the personas' memory is not open yet: until it is, nothing is looked up for what they say; try again later",
    ),
}
