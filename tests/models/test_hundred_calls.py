"""A server that has had a hundred callers holds what it held before them."""

import asyncio
import time
from collections.abc import Callable

import pytest

from perf.media_alone import MediaAlone, media_alone
from signaling.caller.caller import in_call
from signaling.caller.outcome import CallOptions

AT_ONCE = 4
WARM_UP = 100
ALLOWED_MIB = 2.0


async def _calls(server: MediaAlone, count: int) -> None:
    """Joins and leaves, a few at a time, in a handful of rooms."""
    waiting = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with waiting, in_call(CallOptions(room=f"room-{number % 3}", url=server.url)) as caller:
            frames = caller.microphone.sent
            await asyncio.sleep(0.1)  # some packets each way: a call, not only a handshake
            assert caller.microphone.sent > frames

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))


async def _settled(server: MediaAlone, holds: Callable[[], bool], seconds: float = 15.0) -> None:
    """Waits until the server holds no more than it should, or the time is over."""
    end = time.monotonic() + seconds
    # The operating system tells nobody when another process gives something back: it has to be asked.
    while not holds() and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


def _held(server: MediaAlone) -> dict[str, object]:
    return {
        "threads": server.process.num_threads(),
        "files": server.process.num_fds(),
        "sockets": server.sockets(),
        "shared memory": server.rings(),
    }


@pytest.mark.models  # no weights are needed, but more time than the quick suite has
@pytest.mark.timeout(180)
async def test_after_a_hundred_joins_and_leaves_nothing_is_left() -> None:
    with media_alone() as server:
        files = server.process.num_fds()
        await _calls(server, WARM_UP)
        await _settled(server, lambda: server.process.num_fds() <= files)
        warm, before = _held(server), server.resident_mib()
        await _calls(server, 100)
        await _settled(server, lambda: _held(server) == warm and server.resident_mib() < before + ALLOWED_MIB)
        assert _held(server) == warm
        assert server.resident_mib() < before + ALLOWED_MIB
