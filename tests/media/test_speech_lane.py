import asyncio
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from media.speech.lane import Cancelled, LaneBusy, Superseded, ThreadLane


@pytest.fixture
def lane() -> Iterator[ThreadLane]:
    made = ThreadLane("test", backlog=4)
    yield made
    made.close()


class Engine:
    """Work that stands still until it is let go, and notes the order in which it was done."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.done: list[str] = []

    def hold(self, cancelled: Cancelled) -> str:
        self.begun.set()
        assert self.go.wait(10)
        if cancelled():
            raise Superseded
        self.done.append("held")
        return "held"


async def begun(engine: Engine) -> None:
    assert await asyncio.to_thread(engine.begun.wait, 10)


async def test_the_result_and_the_error_of_the_work_come_back(lane: ThreadLane) -> None:
    def fail(_: Cancelled) -> int:
        raise KeyError("x")

    assert await lane.run(lambda _: 7) == 7
    with pytest.raises(KeyError):
        await lane.run(fail)
    assert await lane.run(lambda _: 8) == 8
    assert lane.idle


async def test_urgent_work_supersedes_what_runs_and_is_not_urgent(lane: ThreadLane) -> None:
    engine = Engine()
    partial = asyncio.create_task(lane.run(engine.hold, urgent=False))
    await begun(engine)
    final = asyncio.create_task(lane.run(lambda _: "final"))
    await asyncio.sleep(0)
    engine.go.set()
    assert await final == "final"
    with pytest.raises(Superseded):
        await partial


async def test_urgent_work_supersedes_what_waits_and_is_not_urgent(lane: ThreadLane) -> None:
    engine = Engine()
    first = asyncio.create_task(lane.run(engine.hold))
    await begun(engine)
    partial = asyncio.create_task(lane.run(lambda _: "partial", urgent=False))
    await asyncio.sleep(0)
    final = asyncio.create_task(lane.run(lambda _: "final"))
    with pytest.raises(Superseded):
        await partial
    engine.go.set()
    assert await first == "held"
    assert await final == "final"


async def test_work_whose_waiter_was_cancelled_is_never_begun(lane: ThreadLane) -> None:
    engine = Engine()
    first = asyncio.create_task(lane.run(engine.hold))
    await begun(engine)
    second = asyncio.create_task(lane.run(lambda _: engine.done.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    engine.go.set()
    await first
    await lane.run(lambda _: None)
    assert engine.done == ["held"]


async def test_running_work_learns_that_its_waiter_was_cancelled(lane: ThreadLane) -> None:
    engine = Engine()
    first = asyncio.create_task(lane.run(engine.hold))
    await begun(engine)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    engine.go.set()
    await lane.run(lambda _: None)
    assert engine.done == []


async def test_more_than_the_backlog_is_refused(lane: ThreadLane) -> None:
    engine = Engine()
    held = asyncio.create_task(lane.run(engine.hold))
    await begun(engine)
    waiting = [asyncio.create_task(lane.run(lambda _: None)) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(LaneBusy):
        await lane.run(lambda _: None)
    engine.go.set()
    await asyncio.gather(held, *waiting)


async def test_a_closed_lane_refuses_what_waits_and_what_comes() -> None:
    lane, engine = ThreadLane("closing"), Engine()
    held = asyncio.create_task(lane.run(engine.hold))
    await begun(engine)
    waiting = asyncio.create_task(lane.run(lambda _: None))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(lane.close))
    with pytest.raises(LaneBusy):
        await waiting
    engine.go.set()
    await closing
    with pytest.raises(Superseded):
        await held
    with pytest.raises(LaneBusy):
        await lane.run(lambda _: None)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own elsewhere")
async def test_a_nice_lane_stands_back_and_the_others_do_not() -> None:
    nice, plain = ThreadLane("nice", nice=7), ThreadLane("plain")
    try:
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert await nice.run(lambda _: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())) == min(
            19, own + 7
        )
        assert await plain.run(lambda _: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())) == own
    finally:
        nice.close()
        plain.close()
