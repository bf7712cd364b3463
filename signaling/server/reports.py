"""Carries the plane's events out of its tick."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from media.events import MediaEvent

__all__ = ["PlaneReports"]

MAX_WAITING = 4096

log = structlog.get_logger()


class PlaneReports:
    """Called inside the tick; hands the events on, in order, after it.

    Args:
        handle: what to do with each event.

    Attributes:
        dropped: events for which there was no room.
        faults: events that could not be handled.
    """

    def __init__(self, handle: Callable[[MediaEvent], None]) -> None:
        self._handle = handle
        self._waiting: deque[MediaEvent] = deque()
        self.dropped = self.faults = 0

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
            try:
                self._handle(event)
            except Exception:
                # What is wrong with one must not keep the others, of other rooms, from being told.
                self.faults += 1
                log.exception("plane.report_fault", event_kind=type(event).__name__, room=event.room)
