"""What a user gives is known to personas: from the list, through the library, into what they are told."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from cognition.conversation.disposition import Disposition
from cognition.rag.documents.library import Folder
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


def memory_of(embedder: FakeEmbedder, index: FakeIndex, given: GivenDocuments) -> LongMemory:
    @asynccontextmanager
    async def opened(_store: Storage) -> AsyncIterator[Opened]:
        yield Opened(embedder, FakeIndex(), shelf=Shelf(index, given.follow))

    return LongMemory(
        MemoryStore(),
        opened,
        count=lambda text: len(text.split()),
        disposition=lambda _: Disposition(),
        now=lambda: NOW,
    )


async def test_a_file_that_was_given_is_quoted_and_one_taken_back_is_not(tmp_path: Path) -> None:
    (tmp_path / "trains.md").write_text("# Rome\nThe train to Rome leaves at nine.")
    given = GivenDocuments([], tmp_path / "list")
    given.add(tmp_path / "trains.md", "lobby")
    index = Telling()

    memory = memory_of(FakeEmbedder(), index, given)

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


class Watching(FakeEmbedder):
    """Keeps when it was asked, and whether a reply was being made."""

    def __init__(self) -> None:
        super().__init__()
        self.replying = False
        self.asked_while: list[tuple[float, bool]] = []

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked_while.append((asyncio.get_running_loop().time(), self.replying))
        return await super().embed(texts)


async def test_a_room_in_which_somebody_always_speaks_keeps_no_document_from_being_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = 0.5
    monkeypatch.setattr("signaling.long_memory.PATIENCE", patience)
    monkeypatch.setattr("signaling.long_memory.PAUSE", 0.02)
    (tmp_path / "a.md").write_text("\n".join(f"# Chapter {n}\nSentence number {n}." for n in range(20)))
    given = GivenDocuments([Folder(tmp_path / "a.md")], tmp_path / "list")
    embedder, index = Watching(), Telling()
    memory = memory_of(embedder, index, given)

    async def talk() -> None:
        for number in itertools.count():
            memory.replying("lobby", number, True)
            embedder.replying = True
            await asyncio.sleep(0.1)
            memory.sounding("lobby", "nova", True)
            memory.replying("lobby", number, False)
            embedder.replying = False
            await asyncio.sleep(0.1)
            memory.replying("lobby", number + 1, True)
            memory.sounding("lobby", "nova", False)

    begun = asyncio.get_running_loop().time()
    talking, running = asyncio.create_task(talk()), asyncio.create_task(memory.run())
    async with asyncio.timeout(60):
        await index.until(lambda: len(index.items) == 20)
    assert not any(replying for _, replying in embedder.asked_while), "no reply is slower for it"
    assert embedder.asked_while[0][0] - begun >= patience, "and for a while nothing is done at all"
    for task in (talking, running):
        task.cancel()
    await asyncio.wait([talking, running])
