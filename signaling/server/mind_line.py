"""The line to the mind: up or not, and the written lines that wait while it is not."""

import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

from signaling.ipc.endpoint import Endpoint
from signaling.ipc.jsonrpc import JsonObject
from signaling.server.messages import Line

__all__ = ["MindLine", "MindStatus", "WrittenLine"]

MindStatus = Literal["starting", "up", "down"]

MAX_WAITING = 256


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
    """Tells the mind what happens. News is for the mind that is there now; written lines wait for it."""

    def __init__(self) -> None:
        self._endpoint: Endpoint | None = None
        self._was_up = False
        self._waiting: deque[WrittenLine] = deque()
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

    def attach(self, endpoint: Endpoint) -> Endpoint | None:
        """Makes the connection the mind's; returns the one that it replaces."""
        replaced, self._endpoint = self._endpoint, endpoint
        self._was_up = True
        return replaced if replaced is not endpoint else None

    def detach(self, endpoint: Endpoint) -> bool:
        """Notes the end of a connection; True when it was the mind's."""
        if self._endpoint is not endpoint:
            return False
        self._endpoint = None
        return True

    def tell(self, method: str, params: JsonObject) -> bool:
        """Notifies the mind; False when it is not there."""
        return self._endpoint is not None and self._endpoint.notify(method, params)

    def write(self, room: str, line: Line) -> None:
        """Tells the mind of a written line, now or when it is back."""
        written = WrittenLine(room, line, time.monotonic_ns())
        if self._waiting or not self.tell("chat.received", written.params()):
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.popleft()
                self.forgotten += 1
            self._waiting.append(written)

    def flush(self) -> None:
        """Tells the mind what waits, as long as it is there."""
        while self._waiting and self.tell("chat.received", self._waiting[0].params()):
            self._waiting.popleft()

    def forget(self, room: str) -> None:
        """Drops what waits for a room that has closed."""
        self._waiting = deque(item for item in self._waiting if item.room != room)
