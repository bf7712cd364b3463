"""A mind's memory at work until it is killed; run by test_memory_killed.py. It tells what was acknowledged.

It writes what is lived, thinks about it, keeps the index up with it and copies the store, all at once.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from cognition.memory.hippocampus import Hippocampus
from cognition.memory.indexing import Indexing
from cognition.search.embedder import FakeEmbedder
from cognition.search.lance_index import LanceIndex
from cognition.store.backup import back_up
from cognition.store.memories import change_number
from cognition.store.store import Store
from cognition.store.timeline import Event, Participant, Place, append

ADA, NOVA = Participant("ada", "person", "Ada"), Participant("nova", "persona", "Nova")
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DIMENSIONS = 32
PAUSE = 0.003
"""Seconds between two events: some are thought about, others still wait when it is killed."""


def event(id: str, number: int) -> Event:
    town = f"Town{id.replace('-', 'x')}"
    at = NOON + timedelta(minutes=number)
    return Event(
        id, "heard", Place("lobby"), ADA, f"I have been to {town} with my sister.", at, frozenset({ADA, NOVA})
    )


async def open_index(directory: Path, store: Store) -> LanceIndex:
    embedder = FakeEmbedder(DIMENSIONS)
    return await LanceIndex.open(
        str(directory / "index"),
        name="memories",
        model=embedder.name,
        dimensions=DIMENSIONS,
        latest=await store.read(change_number),
    )


async def work(directory: Path, run: str) -> None:
    store = await Store.open(directory / "continuum.db")
    index = await open_index(directory, store)
    embedder = FakeEmbedder(DIMENSIONS)
    hippocampus = Hippocampus(store, embedder, clock=lambda: (NOON + timedelta(days=1)).timestamp())
    indexing = Indexing(store, embedder, index)
    os.write(1, b"ready\n")

    async def live() -> None:
        for number in count():
            id = f"{run}-{number}"
            await store.write(lambda connection, id=id, number=number: append(connection, event(id, number)))  # type: ignore[misc]
            # One system call: whoever reads it knows that the write had returned.
            os.write(1, f"{id}\n".encode())
            await asyncio.sleep(PAUSE)

    async def think() -> None:
        while True:
            await hippocampus.think()
            await asyncio.sleep(PAUSE)

    async def keep_up() -> None:
        while True:
            if not await indexing.refresh():
                await asyncio.sleep(PAUSE)
            await index.purge()

    async def copy() -> None:
        for number in count():
            await asyncio.to_thread(back_up, store.path, directory / f"backup-{run}-{number}.db")

    async with asyncio.TaskGroup() as group:
        for task in (live, think, keep_up, copy):
            group.create_task(task())


def serve() -> None:
    """Forks a child for each line `directory run`: the interpreter's start and the imports are paid once."""
    for line in sys.stdin:
        directory, run = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(work(Path(directory), run))
            os._exit(0)
        os.write(2, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"ended {status}\n".encode())


if __name__ == "__main__":
    serve()
