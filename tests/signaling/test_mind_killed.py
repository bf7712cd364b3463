"""SIGKILL of the mind while people write: what was acknowledged to them is in the timeline, once."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from cognition.store.connection import open_reader
from tests.signaling.house import House, house, line_to

KILLS = 20
LINES = 8
"""Lines of one visitor; more would be too fast for the room."""


class Minds:
    """Starts minds and kills them."""

    def __init__(self, server: asyncio.subprocess.Process, store: Path) -> None:
        self._server = server
        self._store = store
        self._child = 0

    async def start(self, socket: Path) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(f"{socket} {self._store}\n".encode())
        self._child = int(await self._line())

    async def kill(self) -> None:
        os.kill(self._child, signal.SIGKILL)
        assert await self._line() == f"ended {signal.SIGKILL.value}"

    async def _line(self) -> str:
        assert self._server.stdout is not None
        return (await self._server.stdout.readline()).decode().strip()


@asynccontextmanager
async def minds(store: Path) -> AsyncIterator[Minds]:
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.signaling.mind_child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield Minds(server, store)
    finally:
        assert server.stdin is not None
        server.stdin.close()
        await server.wait()


async def visit(home: House, number: int, chance: random.Random) -> list[str]:
    """Somebody comes, writes and leaves; the ids that were acknowledged."""
    visitor = await home.seated(f"Visitor {number}")
    acknowledged: list[str] = []
    for line in range(LINES):
        visitor.send(type="chat", id=f"{number}-{line}", text=f"Nova, line {line} of {number}")
        acknowledged.append((await visitor.expect("ack"))["id"])
        await asyncio.sleep(chance.uniform(0.0, 0.02))  # at random points of what the mind does
    visitor.send(type="leave")
    await visitor.ended()
    home.clients.remove(visitor)
    return acknowledged


@pytest.mark.models  # no weights are needed, but more time than the quick suite has
@pytest.mark.timeout(180)
async def test_every_acknowledged_line_survives_the_minds_death_once(tmp_path: Path) -> None:
    store, chance = tmp_path / "continuum.db", random.Random(11)
    acknowledged: list[str] = []
    kept_by_the_dead = 0
    async with minds(store) as mind, house(tmp_path) as home, line_to(home) as path:
        await mind.start(path)
        for number in range(KILLS):
            writing = asyncio.create_task(visit(home, number, chance))
            await asyncio.sleep(chance.uniform(0.0, 0.4))  # as above
            await mind.kill()
            kept_by_the_dead += len(acknowledged) > len(home.mind.unkept)
            await mind.start(path)
            acknowledged += await writing
        async with asyncio.timeout(60):
            # Media tells nobody when it lets go of a line.
            while len(home.mind.unkept):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await mind.kill()
    with closing(open_reader(store)) as connection:
        rows = connection.execute("SELECT json_extract(detail, '$.line') FROM event WHERE kind = 'read'")
        kept = Counter(id for (id,) in rows)
    assert len(acknowledged) == KILLS * LINES
    assert kept_by_the_dead, "none of them lived long enough for its death to matter"
    assert kept == Counter(acknowledged)
