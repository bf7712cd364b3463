"""A call today, another next week in another room: who comes back is known, and what was open is picked up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cognition.search.embedder import FakeEmbedder
from cognition.search.fake_index import FakeIndex
from cognition.store.memory_store import MemoryStore
from cognition.store.store import Storage
from signaling.long_memory import Opened
from tests.signaling.house import Client, House, house, line_to
from tests.signaling.test_mind_process import mind_process, running, seated, write

pytestmark = pytest.mark.virtual_time

WEEK = timedelta(days=7)


@asynccontextmanager
async def fake_memory(_store: Storage) -> AsyncIterator[Opened]:
    yield Opened(FakeEmbedder(), FakeIndex())


async def come(home: House, room: str, name: str, person: str | None) -> Client:
    """Joins a room and its media."""
    client = home.arrive()
    await client.join(name, f"seat-{len(home.clients)}", room=room, person=person)
    await client.connect()
    await seated(client, "Nova")
    return client


async def go(client: Client) -> None:
    client.send(type="leave")
    await client.ended()


async def greeting(client: Client) -> str:
    """What Nova says first, once it was heard."""
    while True:
        caption = await client.expect("caption", final=True)
        if caption["id"] == "nova":
            await asyncio.sleep(5)
            return str(caption["text"])


async def test_who_was_here_last_week_is_greeted_by_name_with_what_was_open(tmp_path: Path) -> None:
    store = MemoryStore()
    async with house(tmp_path) as home, line_to(home) as path:
        mind = mind_process(store, memory=fake_memory)
        async with running(mind, path):
            ada = await come(home, "lobby", "Ada", "person-ada")
            stranger = await greeting(ada)
            await write(ada, "m1", "I have a job interview on Friday and I am nervous.")
            await go(ada)
            await mind._memory.settled()
        async with running(mind_process(store, memory=fake_memory, later=WEEK), path):
            ada = await come(home, "attic", "Ada", "person-ada")
            again = await greeting(ada)
            await go(ada)
            bob = await come(home, "attic", "Bob", "person-bob")
            other = await greeting(bob)
            await go(bob)
    assert "interview" not in stranger
    assert "Ada" in again
    assert "How did the job interview go?" in again
    assert "interview" not in other


async def test_what_was_said_to_a_persona_alone_is_not_picked_up_before_others(tmp_path: Path) -> None:
    store = MemoryStore()
    async with house(tmp_path) as home, line_to(home) as path:
        mind = mind_process(store, memory=fake_memory)
        async with running(mind, path):
            ada = await come(home, "lobby", "Ada", "person-ada")
            await write(ada, "m1", "I have a job interview on Friday and I am nervous.")
            await go(ada)
            await mind._memory.settled()
        async with running(mind_process(store, memory=fake_memory, later=WEEK), path):
            bob = await come(home, "attic", "Bob", "person-bob")
            ada = await come(home, "attic", "Ada", "person-ada")
            words = await greeting(ada)
            while "Ada" not in words:
                words = await greeting(ada)
            await go(ada)
            await go(bob)
    assert "interview" not in words
