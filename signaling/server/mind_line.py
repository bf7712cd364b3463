"""The line to the mind: up or not, and the written lines that wait while it is not."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from signaling.ipc.endpoint import REQUEST_TIMEOUT_S, CallError, Endpoint, RpcError
from signaling.ipc.jsonrpc import JsonObject
from signaling.server.history import Line
from signaling.server.rooms import Seat
from signaling.server.unkept import UnkeptLines

__all__ = ["MindAway", "MindLine", "MindStatus", "WrittenLine"]

MindStatus = Literal["starting", "up", "down"]

MAX_WAITING = 256


class MindAway(Exception):
    """The mind is not there, or did not do what was asked of it; it may be asked again."""


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A chat line on its way to the mind.

    Attributes:
        room: where it was written.
        line: what was written.
        arrived_ns: `time.monotonic_ns()` of its arrival.
    """

    room: str
    line: Line
    arrived_ns: int

    def params(self) -> JsonObject:
        """As `chat.received` says it."""
        return {
            "room": self.room,
            "id": self.line.sender,
            "name": self.line.name,
            "message": self.line.id,
            "text": self.line.text,
            "at": self.line.at,
            "monotonic_ns": self.arrived_ns,
        }


class MindLine:
    """Tells the mind what happens. News is for the mind that is there now; written lines wait for it.

    Of a room that was open before the mind attached it is told nothing until it has asked for the room's state,
    which holds all that was before: so nothing is told twice, and nothing is lost.
    """

    def __init__(self) -> None:
        self._endpoint: Endpoint | None = None
        self._was_up = False
        self._waiting: deque[WrittenLine] = deque()
        self._unasked: set[str] = set()
        self.unkept = UnkeptLines()
        """Written lines of which the mind has not said that they are on the disk."""
        self.forgotten = 0
        """Written lines that waited too long in line and were left to the history."""

    @property
    def status(self) -> MindStatus:
        """Whether the mind is there, or ever was."""
        return "up" if self._endpoint is not None else "down" if self._was_up else "starting"

    @property
    def waiting(self) -> frozenset[tuple[str, str, str]]:
        """Room, sender and id of the written lines that the mind has yet to be told."""
        return frozenset((item.room, item.line.sender, item.line.id) for item in self._waiting)

    def is_held_by(self, endpoint: Endpoint) -> bool:
        """Whether this connection is the mind's."""
        return self._endpoint is endpoint

    def attach(self, endpoint: Endpoint, rooms: Iterable[str]) -> Endpoint | None:
        """Makes the connection the mind's; returns the one that it replaces.

        Args:
            endpoint: the connection.
            rooms: those that are open.
        """
        replaced, self._endpoint = self._endpoint, endpoint
        self._unasked = set(rooms)
        self._was_up = True
        return replaced if replaced is not endpoint else None

    def detach(self, endpoint: Endpoint) -> bool:
        """Notes the end of a connection; True when it was the mind's."""
        if self._endpoint is not endpoint:
            return False
        self._endpoint = None
        return True

    def awaits(self, room: str) -> bool:
        """Whether the mind has yet to ask for the state of this room, which was open before it attached."""
        return room in self._unasked

    def follow(self, room: str) -> None:
        """Tells the mind of the room from now on."""
        self._unasked.discard(room)

    def tell(self, method: str, params: JsonObject) -> bool:
        """Notifies the mind of something in `params["room"]`; False when it is not there or not yet told of that."""
        if self._endpoint is None or params["room"] in self._unasked:
            return False
        return self._endpoint.notify(method, params)

    async def ask(
        self, method: str, params: JsonObject, *, timeout_s: float = REQUEST_TIMEOUT_S
    ) -> JsonObject:
        """Asks the mind something, of `params["room"]` if that is one, and waits as long as a request waits.

        Raises:
            MindAway: it is not there, has yet to be told of the room, or did not answer.
            RpcError: it refused, with a code of its own.
        """
        if self._endpoint is None or params.get("room") in self._unasked:
            raise MindAway("the mind is away")
        try:
            answer: JsonObject = await self._endpoint.call(method, params, timeout_s=timeout_s)
        except RpcError as error:
            if error.code < 0:
                # What JSON-RPC itself names is a fault of the mind, not a refusal.
                raise MindAway(str(error)) from error
            raise
        except CallError as error:
            raise MindAway(str(error)) from error
        return answer

    def write(self, room: str, line: Line, present: Iterable[Seat]) -> None:
        """Tells the mind of a written line, now or when it is back, and holds it until it is on the disk."""
        self.unkept.add(room, line, present)
        written = WrittenLine(room, line, time.monotonic_ns())
        if any(item.room == room for item in self._waiting) or not self.tell(
            "chat.received", written.params()
        ):
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.popleft()
                self.forgotten += 1
            self._waiting.append(written)

    def flush(self, room: str) -> None:
        """Tells the mind the room's lines that wait, as long as it is there."""
        self._waiting = deque(
            item
            for item in self._waiting
            if item.room != room or not self.tell("chat.received", item.params())
        )

    def forget(self, room: str) -> None:
        """Drops what waits for a room that has closed."""
        self._unasked.discard(room)
        self._waiting = deque(item for item in self._waiting if item.room != room)
