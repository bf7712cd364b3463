"""Does anything leak, and is any tick late, while people come, go, die and lose packets for half an hour?

`python -m perf.soak --json [--minutes 30] [--seed 1] [--media-only]`: a real server whose rooms open, fill, empty
and close in cycles of a minute. Clients with a network of their own each (clean, lossy, reordering) talk, mute
themselves, show cameras, write; every third cycle some are killed or vanish, all are cut off once, and the mind is
killed. Between two cycles nobody is there: what is held then is compared. Beside the server runs a bare process
with the same timer as the media plane, which tells how late a timer is on this machine anyway.

Progress goes to standard error. The exit status is 1 when something leaked, or hardly anybody could connect.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import httpx
import psutil
import uvloop

from perf.report import Report, Result
from perf.soak_findings import Findings, Growth, Lull
from perf.soak_member import Clips, Member
from perf.soak_plan import Cycle, Shape, plan
from perf.soak_server import (
    Held,
    Memory,
    SoakedServer,
    held,
    media_with_plain_mind,
    plane_lateness,
    scrape,
    whole_server,
)
from perf.timer_control import Lateness, TimerControl, timer_control

__all__ = ["measure", "shape_of", "soak"]

PACE_S = 0.02
LOOK_S = 0.25
SETTLE_S = 75.0
"""The server notices a client that vanished after 30 s, keeps its seat for 10 s more, and may be loaded."""

COLLECT_S = 2.0
"""The media process collects a second after its last room has closed."""

PROGRESS_S = 60.0
LULL_S = 12.0
CYCLE_S = 60.0
MIND_UP_S = 300.0
HTTP_S = 120.0


def shape_of(minutes: float) -> Shape:
    """As many cycles as fit."""
    cycles = max(4, round(minutes * 60 / (CYCLE_S + LULL_S)))
    return Shape(
        cycles=cycles, cycle_s=CYCLE_S, visits=14, rooms=3, warm_up=max(2, cycles // 5), vanishing=True
    )


class _Soak:
    """One run, as far as it has come."""

    def __init__(
        self, server: SoakedServer, control: TimerControl, http: httpx.AsyncClient, say: Callable[[str], None]
    ) -> None:
        self._server = server
        self._control = control
        self._http = http
        self._say = say
        self._members: list[Member] = []
        self._clips = Clips.make()
        self._began = time.monotonic()
        self._metrics: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        self.visits = self.came = 0
        self.lulls: list[Lull] = []
        self.unsettled: list[tuple[int, dict[str, tuple[int, int]]]] = []
        self.plane = Lateness()
        self.control = Lateness()

    async def look(self) -> Held:
        """What the server holds now."""
        self._metrics = await scrape(self._server, self._http)
        return held(self._server, self._metrics)

    async def attached(self) -> None:
        """Waits for the mind.

        Raises:
            TimeoutError: it does not come.
        """
        async with asyncio.timeout(MIND_UP_S):
            await self.look()
            while self._metrics["continuum_mind_up"] != 1:
                await asyncio.sleep(LOOK_S)
                await self.look()

    async def pace(self) -> None:
        """Has all clients send what is due; until cancelled."""
        while True:
            now_ns = time.monotonic_ns()
            for member in self._members:
                member.pace(now_ns)
            await asyncio.sleep(PACE_S)

    async def tell_progress(self) -> None:
        """A line a minute; until cancelled."""
        while True:
            await asyncio.sleep(PROGRESS_S)
            memory = Memory.of(self._server.media)
            await self.look()
            self._say(
                f"{(time.monotonic() - self._began) / 60:.0f} min: {len(self.lulls)} cycles, "
                f"{self.counts['connections']} connections, {int(self._metrics['continuum_rooms'])} rooms, "
                f"{int(self._metrics['continuum_participants|person'])} people, "
                f"media {memory.resident:.1f} MiB resident, {memory.own:.1f} MiB its own, "
                f"late by > 20 ms {self.plane.share_above(20.0):.3f} % (control "
                f"{self.control.share_above(20.0):.3f} %)"
            )

    async def cycle(self, number: int, cycle: Cycle, compared: bool, start: Held) -> None:
        """People come and go; then nobody is there, and what is held is noted."""
        loop = asyncio.get_running_loop()
        await self.look()
        plane, control = plane_lateness(self._metrics), self._control.lateness
        self._members = [
            Member(visit, self._server.url, self._http, self._clips, self.counts) for visit in cycle.visits
        ]
        began = loop.time()
        timers = []
        if cycle.cut_s is not None:
            timers.append(loop.call_at(began + cycle.cut_s, self._cut))
        if cycle.mind_killed_s is not None:
            timers.append(loop.call_at(began + cycle.mind_killed_s, self._kill_mind))
        try:
            async with asyncio.TaskGroup() as group:
                for member in self._members:
                    group.create_task(member.run(began))
        finally:
            for timer in timers:
                timer.cancel()
        self.visits += len(self._members)
        self.came += sum(member.came for member in self._members)
        await self.look()
        if compared:
            self.plane += plane_lateness(self._metrics) - plane
            self.control += self._control.lateness - control
        await self._lull(number, start)
        for member in self._members:
            await member.bury()
        self._members = []

    def _cut(self) -> None:
        self.counts["cuts of all"] += 1
        for member in self._members:
            member.cut()

    def _kill_mind(self) -> None:
        self.counts["minds killed"] += 1
        self._server.kill_mind()

    async def _lull(self, number: int, start: Held) -> None:
        """Waits until everything has come back, or the time is over; then for the collector."""
        end = time.monotonic() + SETTLE_S
        while beyond := _settling((await self.look()).beyond(start)):
            if time.monotonic() > end:
                self.unsettled.append((number, beyond))
                break
            await asyncio.sleep(LOOK_S)
        await self.attached()
        await asyncio.sleep(COLLECT_S)
        mind = self._server.mind
        self.lulls.append(
            Lull(
                time.monotonic() - self._began,
                await self.look(),
                Memory.of(self._server.media),
                (mind.pid, Memory.of(mind)) if mind is not None else None,
            )
        )


def _settling(beyond: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Without threads and descriptors, of which the first calls open some for good; see `Findings.leaks`."""
    return {name: pair for name, pair in beyond.items() if name not in ("threads", "files")}


async def soak(
    server: SoakedServer, seed: int, shape: Shape, say: Callable[[str], None] = lambda line: None
) -> Findings:
    """Runs the plan of a seed against a server.

    Args:
        server: it runs, and nobody is there.
        seed: of all choices.
        shape: how much of it.
        say: takes a line of progress.

    Raises:
        TimeoutError: the mind does not come (again).
    """
    began, used, by_server = time.monotonic(), _cpu_s(), 0.0
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=HTTP_S))
        control = await stack.enter_async_context(timer_control(server.media.pid))
        run = _Soak(server, control, http, say)
        await run.attached()
        start = await run.look()
        media_before = _times_s(server.media)
        async with asyncio.TaskGroup() as group:
            always = [group.create_task(run.pace()), group.create_task(run.tell_progress())]
            for number, cycle in enumerate(plan(seed, shape)):
                await run.cycle(number, cycle, number >= shape.warm_up, start)
            for task in always:
                task.cancel()
        by_server = _times_s(server.media) - media_before
        seconds = time.monotonic() - began
        return Findings(
            start=start,
            lulls=run.lulls,
            warm_up=shape.warm_up,
            unsettled=run.unsettled,
            plane=run.plane,
            control=run.control,
            counts=dict(sorted(run.counts.items())),
            visits=run.visits,
            came=run.came,
            seconds=seconds,
            cores=(_cpu_s() - used) / seconds,
            media_cores=by_server / seconds,
        )


def _times_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _cpu_s() -> float:
    """Of this process and all that it started and that still run, and of those that were waited for."""
    me = psutil.Process()
    times = me.cpu_times()
    ended = float(times.children_user + times.children_system)
    total = _times_s(me) + ended
    for child in me.children(recursive=True):
        try:
            total += _times_s(child)
        except psutil.NoSuchProcess:
            continue
    return total


def report(findings: Findings) -> Report:
    """The figures."""
    plane, control = findings.plane, findings.control
    results = [
        Result("leaks", "", float(len(findings.leaks())), target=0.0),
        Result("visits that came about", "", findings.came, findings.visits, higher_is_better=True),
        *_memory("media", findings.media_growth()),
    ]
    mind = findings.mind_growth()
    if mind is not None:
        results += _memory("mind", mind)
    results += [
        Result(f"tick lateness, p{of}", "ms", plane.percentile(of), control.percentile(of)) for of in (50, 99)
    ]
    results += [
        Result(
            "ticks late by > 20 ms",
            "%",
            plane.share_above(20.0),
            control.share_above(20.0),
            # Of two shares that are the same, one measures as larger by its own uncertainty.
            target=control.share_above(20.0) + 3 * _uncertainty(plane) + 3 * _uncertainty(control),
        ),
        Result("ticks late by > 5 ms", "%", plane.share_above(5.0), control.share_above(5.0)),
        Result("cores used by all", "", findings.cores, target=0.5),
        Result("cores used by media", "", findings.media_cores),
    ]
    happened = ", ".join(f"{name} {count}" for name, count in findings.counts.items())
    notes = [
        f"{len(findings.lulls)} cycles in {findings.seconds / 60:.1f} min, {findings.warm_up} of them warm-up; "
        f"{plane.ticks} ticks and {control.ticks} of the control",
        happened,
        f"at the start {findings.start}",
        f"at the end {findings.lulls[-1].held}",
        *findings.faults(),
    ]
    return Report("soak", results, notes)


def _uncertainty(lateness: Lateness) -> float:
    """Standard error of the share later than 20 ms, in percent; of none, as if one were."""
    share = max(lateness.share_above(20.0) / 100, 1 / max(lateness.ticks, 1))
    return float(100.0 * (share * (1 - share) / max(lateness.ticks, 1)) ** 0.5)


def _memory(name: str, pair: Sequence[Growth]) -> list[Result]:
    results = []
    for kind, each in zip(("resident", "its own"), pair, strict=True):
        results += [
            Result(f"{name}, {kind}: at the end (baseline: after warm-up)", "MiB", each.last, each.first),
            Result(f"{name}, {kind}: slope", "MiB/h", each.slope),
            Result(f"{name}, {kind}: standard error of the slope", "MiB/h", each.error),
        ]
    return results


async def _run(minutes: float, seed: int, media_only: bool) -> Findings:
    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    async with AsyncExitStack() as stack:
        if media_only:
            server = await stack.enter_async_context(media_with_plain_mind())
        else:
            server = stack.enter_context(whole_server())
        return await soak(server, seed, shape_of(minutes), say)


def measure(minutes: float = 30.0, seed: int = 1, media_only: bool = False) -> Findings:
    """Soaks a server of its own.

    Args:
        minutes: about how long.
        seed: of what happens.
        media_only: the media process with a plain mind, without models.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(minutes, seed, media_only))


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--minutes", type=float, default=30.0, help="about how long")
    parser.add_argument("--seed", type=int, default=1, help="of what happens")
    parser.add_argument("--media-only", action="store_true", help="without the models of the mind")
    arguments = parser.parse_args()
    findings = measure(arguments.minutes, arguments.seed, arguments.media_only)
    found = report(findings)
    if arguments.json:
        print(found.to_json())
    else:
        found.print_table()
    for fault in findings.faults():
        print(fault, file=sys.stderr)
    return 1 if findings.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
