"""A lane to one engine: a single thread that does what is urgent first and gives up what is not.

Speech models hold the cores for hundreds of milliseconds. One lane a model keeps two of its runs from slowing
each other; a turn's last words never wait for somebody's intermediate caption.
"""

import asyncio
import heapq
import itertools
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

__all__ = ["Cancelled", "FakeLane", "Lane", "LaneBusy", "Superseded", "ThreadLane"]

T = TypeVar("T")
Cancelled = Callable[[], bool]
Work = Callable[[Cancelled], T]


class Superseded(Exception):
    """The work was given up for something more urgent."""


class LaneBusy(Exception):
    """More waits than the lane may hold."""


class Lane(Protocol):
    """Runs blocking work of one engine elsewhere."""

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing waits."""

    async def run(self, work: Work[T], *, urgent: bool = True) -> T:
        """Runs the work and returns its result.

        The work gets a function that tells whether its result is still wanted, and may raise `Superseded`
        when it is not. Work that is not urgent is given up as soon as urgent work arrives.

        Raises:
            Superseded: when it was given up.
            LaneBusy: when too much waits already.
        """


@dataclass(order=True, slots=True)
class _Job:
    rank: tuple[int, int]
    work: Work[Any] = field(compare=False)
    result: "Future[Any]" = field(compare=False, default_factory=Future)
    unwanted: bool = field(compare=False, default=False)

    @property
    def urgent(self) -> bool:
        return self.rank[0] == 0


class ThreadLane:
    """A lane on a thread of its own.

    Args:
        name: of the thread.
        backlog: jobs that may wait.
        nice: by how much the thread stands back for others (Linux; without effect elsewhere). For work that is
            done in the lane's own thread and not waited for at once, as a judgement beside a transcription.
    """

    def __init__(self, name: str, *, backlog: int = 64, nice: int = 0) -> None:
        self._nice = nice
        self._backlog = backlog
        self._order = itertools.count()
        self._waiting: list[_Job] = []
        self._running: _Job | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """See `Lane`."""
        with self._changed:
            return self._running is None and not self._waiting

    async def run(self, work: Work[T], *, urgent: bool = True) -> T:
        """See `Lane`.

        Raises:
            Superseded: when it was given up.
            LaneBusy: when too much waits already, or the lane is closed.
        """
        job = _Job((0 if urgent else 1, next(self._order)), work)
        with self._changed:
            if self._closed or len(self._waiting) >= self._backlog:
                raise LaneBusy("closed" if self._closed else f"{len(self._waiting)} wait")
            if urgent:
                self._supersede()
            heapq.heappush(self._waiting, job)
            self._changed.notify()
        try:
            result: T = await asyncio.wrap_future(job.result)
        finally:
            job.unwanted = True
            with self._changed:
                if job in self._waiting:
                    self._waiting.remove(job)
                    heapq.heapify(self._waiting)
        return result

    def close(self) -> None:
        """Gives up what waits, lets what runs come to its end, and joins the thread. Blocks that long."""
        with self._changed:
            self._closed = True
            for job in self._waiting:
                _refuse(job, LaneBusy("closed"))
            self._waiting.clear()
            if self._running is not None:
                self._running.unwanted = True
            self._changed.notify()
        self._thread.join()

    def _supersede(self) -> None:
        if self._running is not None and not self._running.urgent:
            self._running.unwanted = True
        for job in self._waiting:
            if not job.urgent:
                _refuse(job, Superseded())
        self._waiting = [job for job in self._waiting if job.urgent]
        heapq.heapify(self._waiting)

    def _work(self) -> None:
        if self._nice and sys.platform == "linux":
            thread = threading.get_native_id()
            niceness = os.getpriority(os.PRIO_PROCESS, thread) + self._nice
            os.setpriority(os.PRIO_PROCESS, thread, min(19, niceness))
        while True:
            with self._changed:
                self._running = None
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                job = heapq.heappop(self._waiting)
                if not job.result.set_running_or_notify_cancel():
                    continue
                self._running = job
            try:
                result = job.work(lambda job=job: job.unwanted)  # type: ignore[misc]
            except BaseException as error:
                job.result.set_exception(error)
            else:
                job.result.set_result(result)
            del job


def _refuse(job: _Job, reason: Exception) -> None:
    if job.result.set_running_or_notify_cancel():
        job.result.set_exception(reason)


class FakeLane:
    """A lane that takes its time on the loop's clock and does the work in the loop, for virtual time.

    Args:
        seconds: how long each piece of work takes.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self._busy = asyncio.Lock()
        self._unwanted: asyncio.Event | None = None

    @property
    def idle(self) -> bool:
        """See `Lane`."""
        return not self._busy.locked()

    async def run(self, work: Work[T], *, urgent: bool = True) -> T:
        """See `Lane`.

        Raises:
            Superseded: when urgent work arrived before work that is not.
        """
        if urgent and self._unwanted is not None:
            self._unwanted.set()
        async with self._busy:
            if urgent:
                await asyncio.sleep(self.seconds)
                return work(lambda: False)
            self._unwanted = asyncio.Event()
            try:
                async with asyncio.timeout(self.seconds):
                    await self._unwanted.wait()
            except TimeoutError:
                return work(lambda: False)
            finally:
                self._unwanted = None
            raise Superseded
