"""What a user gives is known to personas: from the list, through the library, into what they are told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from cognition.conversation.disposition import Disposition
from cognition.rag.source import Request
from cognition.search.embedder import FakeEmbedder
from cognition.search.fake_index import FakeIndex
from cognition.store.memory_store import MemoryStore
from cognition.store.store import Storage
from cognition.store.timeline import Participant, Place
from signaling.given_documents import GivenDocuments
from signaling.long_memory import LongMemory, Opened, Shelf

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
NOVA, ADA = Participant("nova", "persona", "Nova"), Participant("seat", "person", "Ada", "ada")


class Telling(FakeIndex):
    """Wakes whoever waits for it to change."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = asyncio.Condition()

    async def keep(self, number: int) -> None:
        await super().keep(number)
        async with self._kept:
            self._kept.notify_all()

    async def until(self, so: Callable[[], bool]) -> None:
        async with self._kept:
            await self._kept.wait_for(so)


async def test_a_file_that_was_given_is_quoted_and_one_taken_back_is_not(tmp_path: Path) -> None:
    (tmp_path / "trains.md").write_text("# Rome\nThe train to Rome leaves at nine.")
    given = GivenDocuments([], tmp_path / "list")
    given.add(tmp_path / "trains.md", "lobby")
    index = Telling()

    @asynccontextmanager
    async def opened(_store: Storage) -> AsyncIterator[Opened]:
        yield Opened(FakeEmbedder(), FakeIndex(), shelf=Shelf(index, given.follow))

    memory = LongMemory(
        MemoryStore(),
        opened,
        count=lambda text: len(text.split()),
        disposition=lambda _: Disposition(),
        now=lambda: NOW,
    )

    async def told(room: str) -> str:
        request = Request(Place(room), NOVA, (ADA,), NOW, "when does the train to Rome leave?", "ada")
        return (await memory.compose(request, budget=200, deadline=5.0)).fresh

    running = asyncio.create_task(memory.run())
    await memory.ready()
    async with asyncio.timeout(30):
        await index.until(lambda: bool(index.items))
        assert 'The file trains.md says: "Rome - The train to Rome leaves at nine."' in await told("lobby")
        assert "train" not in await told("attic")
        given.remove(tmp_path / "trains.md", None)
        await index.until(lambda: not index.items)
        assert "train" not in await told("lobby")
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
