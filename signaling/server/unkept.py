"""Written lines that were acknowledged to their writers, until the mind says that they are on the disk."""

import json
from collections import OrderedDict
from collections.abc import Iterable

from signaling.ipc.jsonrpc import JsonObject
from signaling.server.history import Line
from signaling.server.rooms import Seat
from signaling.server.server_messages import plain

__all__ = ["MAX_BATCH_BYTES", "MAX_UNKEPT_BYTES", "UnkeptLines"]

MAX_UNKEPT_BYTES = 8 << 20
MAX_BATCH_BYTES = 512 << 10


class UnkeptLines:
    """Whatever becomes of the mind, and of the room: a mind that comes later is given them."""

    def __init__(self) -> None:
        self._lines: OrderedDict[tuple[str, str, str], tuple[JsonObject, int]] = OrderedDict()
        self._bytes = 0
        self.dropped = 0
        """Lines given up because too much waited."""

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, room: str, line: Line, present: Iterable[Seat]) -> None:
        """Holds a line; the oldest are given up beyond `MAX_UNKEPT_BYTES`.

        Args:
            room: where it was written.
            line: what was written.
            present: who had a seat there.
        """
        held: JsonObject = {
            "room": room,
            "line": plain(line),
            "present": [
                {
                    "id": seat.id,
                    "identity": seat.known_as,
                    "name": seat.name,
                    "kind": seat.kind,
                }
                for seat in present
            ],
        }
        self.kept([(room, line.sender, line.id)])
        size = len(json.dumps(held, ensure_ascii=False).encode("utf-8", "backslashreplace"))
        self._lines[room, line.sender, line.id] = held, size
        self._bytes += size
        while self._bytes > MAX_UNKEPT_BYTES:
            _, (_, size) = self._lines.popitem(last=False)
            self._bytes -= size
            self.dropped += 1

    def kept(self, lines: Iterable[tuple[str, str, str]]) -> None:
        """These are on the disk: room, sender and id; others are passed over."""
        for key in lines:
            if (known := self._lines.pop(key, None)) is not None:
                self._bytes -= known[1]

    def batch(self) -> list[JsonObject]:
        """The oldest that fit into one message, at least one if there is any."""
        lines: list[JsonObject] = []
        total = 0
        for held, size in self._lines.values():
            total += size + 2
            if lines and total > MAX_BATCH_BYTES:
                break
            lines.append(held)
        return lines
