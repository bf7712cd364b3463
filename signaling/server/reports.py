"""Carries the plane's events out of its tick."""

import asyncio
from collections import deque
from collections.abc import Callable

from media.events import MediaEvent

__all__ = ["PlaneReports"]

MAX_WAITING = 4096


class PlaneReports:
    """Called inside the tick; hands the events on, in order, after it.

    Args:
        handle: what to do with each event.

    Attributes:
        dropped: events for which there was no room.
    """

    def __init__(self, handle: Callable[[MediaEvent], None]) -> None:
        self._handle = handle
        self._waiting: deque[MediaEvent] = deque()
        self.dropped = 0

    def __call__(self, event: MediaEvent) -> None:
        """Notes an event."""
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append(event)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._hand_on)

    def _hand_on(self) -> None:
        events, self._waiting = self._waiting, deque()
        for event in events:
            self._handle(event)
