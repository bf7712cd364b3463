"""How late a timer is on this machine by itself, and the same histogram of the media plane's, to be held beside it.

A bare process with a 20 ms timer on the same kind of event loop, with the same priority, and nothing else to do.
"""

import asyncio
import json
import os
import sys
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import uvloop

from media.realtime.plane import LATENESS_BOUNDS_MS, TICK_NS

__all__ = ["Lateness", "TimerControl", "timer_control"]

TELL_EVERY = 25


@dataclass(frozen=True, slots=True)
class Lateness:
    """How many ticks were how late.

    Attributes:
        counts: by bucket, see `LATENESS_BOUNDS_MS`; the last one is what is above.
    """

    counts: tuple[int, ...] = (0,) * (len(LATENESS_BOUNDS_MS) + 1)

    @classmethod
    def of_cumulative(cls, counts: Sequence[float]) -> "Lateness":
        """From the buckets as Prometheus has them."""
        return cls(tuple(int(after - before) for before, after in pairwise((0.0, *counts))))

    def __add__(self, other: "Lateness") -> "Lateness":
        return Lateness(tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    def __sub__(self, other: "Lateness") -> "Lateness":
        return Lateness(tuple(a - b for a, b in zip(self.counts, other.counts, strict=True)))

    @property
    def ticks(self) -> int:
        """All of them."""
        return sum(self.counts)

    def share_above(self, milliseconds: float) -> float:
        """The share that was later than one of `LATENESS_BOUNDS_MS`, in percent; 0 of none."""
        first = LATENESS_BOUNDS_MS.index(milliseconds) + 1
        return 100.0 * sum(self.counts[first:]) / max(self.ticks, 1)

    def percentile(self, of: float) -> float:
        """Milliseconds, evenly spread within a bucket; NaN of none."""
        rank = self.ticks * of / 100
        edges = (0.0, *LATENESS_BOUNDS_MS, 2 * LATENESS_BOUNDS_MS[-1])
        for (low, high), count in zip(pairwise(edges), self.counts, strict=True):
            if count and rank <= count:
                return low + (high - low) * rank / count
            rank -= count
        return float("nan")


class TimerControl:
    """What the bare process has told so far.

    Attributes:
        pid: of the process.
        lateness: of its ticks.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.lateness = Lateness()

    async def follow(self, stream: asyncio.StreamReader) -> None:
        """Reads what it tells to its end."""
        while line := await stream.readline():
            self.lateness = Lateness(tuple(json.loads(line)))


@asynccontextmanager
async def timer_control(like: int) -> AsyncIterator[TimerControl]:
    """Runs the bare process for the length of the block.

    Args:
        like: a process whose priority it gets.
    """
    niceness = os.getpriority(os.PRIO_PROCESS, like)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "perf.timer_control",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
    except PermissionError:
        print("the control has not the priority of the media process", file=sys.stderr)
    control = TimerControl(process.pid)
    following = asyncio.create_task(control.follow(process.stdout))
    try:
        yield control
    finally:
        process.stdin.close()
        await process.wait()
        await following


async def _tick() -> None:
    """Ticks as `Plane.run` does, and tells twice a second, until its standard input is closed."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(0), "rb")
    )
    ending = asyncio.create_task(reader.read())
    counts = [0] * (len(LATENESS_BOUNDS_MS) + 1)
    epoch_ns = time.monotonic_ns()
    due = 0
    while not ending.done():
        await asyncio.sleep(max(0.0, (epoch_ns + due * TICK_NS - time.monotonic_ns()) / 1e9))
        lateness_ns = max(0, time.monotonic_ns() - epoch_ns - due * TICK_NS)
        counts[bisect_left(LATENESS_BOUNDS_MS, lateness_ns / 1e6)] += 1
        due += lateness_ns // TICK_NS + 1
        if due % TELL_EVERY == 0:
            sys.stdout.write(json.dumps(counts) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_tick())
