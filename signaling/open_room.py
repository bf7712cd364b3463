"""A room that the mind attends."""

import asyncio
from dataclasses import dataclass, field

from signaling.inbox import Inbox
from signaling.ipc.jsonrpc import JsonObject
from signaling.left_alone import Errand

__all__ = ["OpenRoom", "listeners_of"]

INBOX = 1024
"""Notifications of one room that may wait for it to be opened."""


@dataclass(slots=True)
class OpenRoom:
    """A room of the present connection, from its first person to its last.

    Attributes:
        inbox: news of it, in order.
        persons: how each was introduced, by id.
        over: the last person has left.
        before: the end of the same room's earlier occupancy.
        task: what attends it.
        errand: what its last person left the personas to do.
        last: how the person was introduced who left last.
        away: the same by id, while personas do their errand.
        returned: somebody has come since.
    """

    inbox: Inbox = field(default_factory=lambda: Inbox(INBOX))
    persons: dict[str, JsonObject] = field(default_factory=dict)
    over: bool = False
    before: "asyncio.Task[None] | None" = None
    task: "asyncio.Task[None] | None" = None
    errand: Errand | None = None
    last: JsonObject = field(default_factory=dict)
    away: dict[str, JsonObject] = field(default_factory=dict)
    returned: asyncio.Event = field(default_factory=asyncio.Event)

    def reintroduce(self) -> None:
        """Starts again with the persons who are there, whom the personas know by now."""
        self.inbox = Inbox(INBOX)
        for params in self.persons.values():
            self.inbox.put("participant.joined", {**params, "greeted": True})
        self.over = not self.persons


def listeners_of(params: JsonObject) -> frozenset[str] | None:
    """Who alone hears somebody, as news of a room say it; None for all."""
    to = params.get("listeners")
    return None if to is None else frozenset(map(str, to))
