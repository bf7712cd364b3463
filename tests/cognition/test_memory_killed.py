"""SIGKILL at any point of writing, thinking, indexing and copying: what was acknowledged is there once, and found."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from cognition.memory.hippocampus import Hippocampus
from cognition.memory.indexing import Indexing
from cognition.memory.recollecting import HybridRecall
from cognition.search.embedder import FakeEmbedder
from cognition.store.backup import inspect
from cognition.store.connection import check, open_reader
from cognition.store.memories import page
from cognition.store.store import Store
from tests.cognition.memory_worker import DIMENSIONS, NOON, open_index


@dataclass
class Nursery:
    """Starts children quickly and ends them hard."""

    server: "subprocess.Popen[str]"

    def start(self, directory: Path, run: int) -> int:
        assert self.server.stdin is not None
        assert self.server.stderr is not None
        self.server.stdin.write(f"{directory} {run}\n")
        self.server.stdin.flush()
        return int(self.server.stderr.readline())

    def kill(self, child: int) -> list[str]:
        """What it had acknowledged."""
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        said: list[str] = []
        while not (line := self.line()).startswith("ended"):
            said.append(line)
        assert line == f"ended {signal.SIGKILL:d}", "it went on until it was killed"
        return [line for line in said if line != "ready"]

    def line(self) -> str:
        assert self.server.stdout is not None
        return self.server.stdout.readline().rstrip("\n")


@contextmanager
def nursery() -> Iterator[Nursery]:
    server = subprocess.Popen(
        # LanceDB warns of forks; what it warns of, a runtime at work, the parent does not have.
        [sys.executable, "-u", "-W", "ignore", "-m", "tests.cognition.memory_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with server:
        yield Nursery(server)
        assert server.stdin is not None
        server.stdin.close()


async def repaired(directory: Path) -> None:
    """A start after all of it: everything is thought about once, and the index holds what the store does."""
    store = await Store.open(directory / "continuum.db")
    try:
        index = await open_index(directory, store)
        try:
            embedder = FakeEmbedder(DIMENSIONS)
            await Hippocampus(store, embedder, clock=lambda: NOON.timestamp() + 86_400).think()
            await Indexing(store, embedder, index).catch_up()
            memories = [memory for since in (await store.read(_all_memories)) for memory in since]
            turns = Counter(memory.sources[0] for memory in memories if memory.kind == "turn")
            assert max(turns.values(), default=1) == 1, "nothing is remembered twice"
            assert len(index) == len(memories)
            recall = HybridRecall(store, embedder, index, least=0.0)
            for memory in memories[:: max(len(memories) // 20, 1)]:
                found = await recall.recall("nova", frozenset({"ada"}), memory.text, now=memory.at, limit=50)
                assert memory.text in [one.text for one in found]
        finally:
            await index.aclose()
    finally:
        await store.aclose()


def _all_memories(connection):  # type: ignore[no-untyped-def]
    after, pages = "", []
    while found := page(connection, after=after, limit=1000):
        pages.append(found)
        after = found[-1].id
    return pages


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=pytest.mark.models)])
def test_what_was_acknowledged_is_there_once_and_is_found_however_often_its_mind_is_killed(
    tmp_path: Path, kills: int
) -> None:
    path, chance, acknowledged = tmp_path / "continuum.db", random.Random(11), list[str]()
    copies = 0
    with nursery() as children:
        for run in range(kills):
            child = children.start(tmp_path, run)
            if run % 4:
                # Every fourth is killed while it opens its store and its index.
                assert children.line() == "ready"
            time.sleep(chance.uniform(0.0, 0.16))  # the random point is what is tested
            acknowledged += children.kill(child)
            for copy in tmp_path.glob("backup-*.db"):
                copies += inspect(copy).events >= 0
                copy.unlink()
            for half in tmp_path.glob("*.partial*"):
                half.unlink()
            if run % 50 == 49:
                asyncio.run(repaired(tmp_path))
    with closing(open_reader(path)) as connection:
        assert check(connection) is None
        there = [id for (id,) in connection.execute("SELECT id FROM event")]
    assert len(acknowledged) > kills // 4 - 1
    assert copies > 0 or kills < 100
    assert len(there) == len(set(there))
    assert set(acknowledged) <= set(there)
    assert len(there) - len(acknowledged) <= kills, "beyond those, only what was being written"
    asyncio.run(repaired(tmp_path))
