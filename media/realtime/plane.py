"""The clock of the media plane: one a process, every active room in one pass every 20 ms."""

import asyncio
import logging
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from media.events import MediaEvent
from media.realtime.jitter import JitterStatistics
from media.realtime.opus import AudioEncoder, OpusEncoder
from media.realtime.packet import FRAME
from media.realtime.suppression import Suppressor
from media.room import Room

__all__ = ["LATENESS_BOUNDS_MS", "TICK_NS", "Plane", "PlaneStatistics"]

_log = logging.getLogger(__name__)

TICK_NS = 20_000_000
"""Nanoseconds between ticks."""

LATENESS_BOUNDS_MS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
"""Upper bounds of the buckets of the lateness histogram; one more bucket holds what is above."""

_LATE_NS = 5_000_000
_FAULTY_ROOMS_TOLD = 64


@dataclass(frozen=True, slots=True)
class PlaneStatistics:
    """Counters since the plane was made.

    Attributes:
        rooms: how many are open.
        active: how many of them are ticking.
        ticks: passes made.
        late: passes that began more than 5 ms late.
        skipped: passes left out because the one before took too long or the process was held up.
        lateness: counts by bucket, see `LATENESS_BOUNDS_MS`; not cumulative.
        lateness_sum_ms: sum of all lateness, in ms.
        encodes: frames encoded to packets.
        replays: how often an encoder took over a stream.
        sent: packets handed to peers.
        faults: ticks of a room that ended in an exception.
        cleaned: frames that went through noise suppression.
        cleaning_ms: what that took.
        jitter: what jitter buffers counted.
        drops: packets from people that were not played, by reason.
    """

    rooms: int
    active: int
    ticks: int
    late: int
    skipped: int
    lateness: tuple[int, ...]
    lateness_sum_ms: float
    encodes: int
    replays: int
    sent: int
    faults: int
    cleaned: int
    cleaning_ms: float
    jitter: JitterStatistics
    drops: Mapping[str, int]


class Plane:
    """All rooms of a process and the clock that drives them."""

    def __init__(
        self,
        report: Callable[[MediaEvent], None],
        *,
        clock: Callable[[], int] = time.monotonic_ns,
        encoder: Callable[[], AudioEncoder] = OpusEncoder,
        suppressor: Callable[[], Suppressor] | None = None,
        automatic_gain: bool = False,
    ) -> None:
        """No rooms, and the clock at rest.

        Args:
            report: told of each event, synchronously, from inside the tick.
            clock: nanoseconds; the one that stamps packets, and the event loop's.
            encoder: makes an encoder for a distinct mix.
            suppressor: makes a noise suppressor for a person's sound; None leaves it as it comes.
            automatic_gain: whether people are brought to the same loudness.
        """
        self._report = report
        self._clock = clock
        self._encoder = encoder
        self._suppressor = suppressor
        self._automatic_gain = automatic_gain
        self._rooms: dict[str, Room] = {}
        self._active: dict[str, Room] = {}
        self._awake = asyncio.Event()
        self._epoch_ns = clock()
        self._ticks = self._late = self._skipped = self._faults = 0
        self._faulty: set[str] = set()
        self._lateness = [0] * (len(LATENESS_BOUNDS_MS) + 1)
        self._lateness_ns = 0
        self._closed_encodes = self._closed_replays = self._closed_sent = 0
        self._closed_cleaned = self._closed_cleaning_ns = 0
        self._closed_jitter = JitterStatistics()

    def open(self, room_id: str) -> Room:
        """The room of that identity, made when there is none."""
        room = self._rooms.get(room_id)
        if room is None:
            room = Room(
                room_id,
                report=self._report,
                wake=lambda: self._wake(room_id),
                clock=self._clock,
                encoder=self._encoder,
                suppressor=self._suppressor,
                automatic_gain=self._automatic_gain,
            )
            self._rooms[room_id] = room
        return room

    def close(self, room_id: str) -> None:
        """Forgets a room; its counters are kept. Does nothing when there is none."""
        room = self._rooms.pop(room_id, None)
        self._active.pop(room_id, None)
        if room is not None:
            self._closed_encodes += room.encodes
            self._closed_replays += room.replays
            self._closed_sent += room.sent
            if room.cleaning is not None:
                self._closed_cleaned += room.cleaning.frames
                self._closed_cleaning_ns += room.cleaning.took_ns
            self._closed_jitter.add(room.jitter)

    async def run(self) -> None:
        """Ticks while any room is active; runs until cancelled.

        Ticks lie on one grid of 20 ms for as long as the plane lives, so that they do not drift, and a room's
        media time is its place on it. A tick that cannot be made in time is left out.
        """
        due = 0
        while True:
            if not self._active:
                self._awake.clear()
                await self._awake.wait()
                due = -(-(self._clock() - self._epoch_ns) // TICK_NS)
            wait_ns = self._epoch_ns + due * TICK_NS - self._clock()
            await asyncio.sleep(max(0.0, wait_ns / 1e9))
            lateness_ns = max(0, self._clock() - self._epoch_ns - due * TICK_NS)
            self._note(lateness_ns)
            missed = lateness_ns // TICK_NS
            self._skipped += missed
            due += missed
            self._tick(due)
            due += 1

    def statistics(self) -> PlaneStatistics:
        """A snapshot of the counters."""
        rooms = self._rooms.values()
        cleanings = [room.cleaning for room in rooms if room.cleaning is not None]
        jitter = JitterStatistics()
        jitter.add(self._closed_jitter)
        for room in rooms:
            jitter.add(room.jitter)
        return PlaneStatistics(
            rooms=len(rooms),
            active=len(self._active),
            ticks=self._ticks,
            late=self._late,
            skipped=self._skipped,
            lateness=tuple(self._lateness),
            lateness_sum_ms=self._lateness_ns / 1e6,
            encodes=self._closed_encodes + sum(room.encodes for room in rooms),
            replays=self._closed_replays + sum(room.replays for room in rooms),
            sent=self._closed_sent + sum(room.sent for room in rooms),
            faults=self._faults,
            cleaned=self._closed_cleaned + sum(cleaning.frames for cleaning in cleanings),
            cleaning_ms=(self._closed_cleaning_ns + sum(cleaning.took_ns for cleaning in cleanings)) / 1e6,
            jitter=jitter,
            drops=jitter.drops(),
        )

    def _tick(self, number: int) -> None:
        self._ticks += 1
        now_ns = self._epoch_ns + number * TICK_NS
        for room in list(self._active.values()):
            try:
                room.tick(number * FRAME, now_ns)
            except Exception:
                # One room's fault must not silence the others.
                self._faults += 1
                self._tell_fault(room)
            if room.idle:
                self._active.pop(room.id, None)

    def _tell_fault(self, room: Room) -> None:
        """Logs the first fault of each room: a room that fails does so 50 times a second."""
        if room.id not in self._faulty and len(self._faulty) < _FAULTY_ROOMS_TOLD:
            self._faulty.add(room.id)
            _log.exception("tick of room %s failed", room.id)

    def _note(self, lateness_ns: int) -> None:
        self._lateness[bisect_left(LATENESS_BOUNDS_MS, lateness_ns / 1e6)] += 1
        self._lateness_ns += lateness_ns
        if lateness_ns > _LATE_NS:
            self._late += 1

    def _wake(self, room_id: str) -> None:
        if room_id not in self._active:
            room = self._rooms.get(room_id)
            if room is not None and not room.idle:
                self._active[room_id] = room
                self._awake.set()
