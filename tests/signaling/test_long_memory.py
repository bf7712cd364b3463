"""What is done in idle time gives way at once, and whatever fails of the memory fails nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from cognition.conversation.disposition import Disposition
from cognition.rag.source import Request
from cognition.search.embedder import FakeEmbedder
from cognition.search.fake_index import FakeIndex
from cognition.store.memory_store import MemoryStore
from cognition.store.store import Storage
from cognition.store.timeline import Event, Participant, Place, append
from signaling.long_memory import RETRY_AFTER, LongMemory, MemoryUnavailable, Opened, OpenMemory, Shelf

pytestmark = pytest.mark.virtual_time

NOVA = Participant("nova", "persona", "Nova")
ADA = Participant("p1", "person", "Ada", "person-ada")
PLACE = Place("lobby")
GIVES_WAY_S = 0.05


class Slow(FakeEmbedder):
    """Takes a second for each text; keeps how many calls are under way."""

    def __init__(self) -> None:
        super().__init__()
        self.running = 0

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.running += 1
        try:
            await asyncio.sleep(1.0)
            return await super().embed(texts)
        finally:
            self.running -= 1


def opens(embedder: FakeEmbedder) -> OpenMemory:
    @asynccontextmanager
    async def opened(_store: Storage) -> AsyncIterator[Opened]:
        yield Opened(embedder, FakeIndex())

    return opened


def memory_of(store: Storage, open_memory: OpenMemory) -> LongMemory:
    return LongMemory(
        store,
        open_memory,
        count=lambda text: len(text.split()),
        disposition=lambda _: Disposition(),
        now=lambda: datetime.now(UTC),
    )


async def lived(store: Storage, *texts: str) -> None:
    for number, text in enumerate(texts):
        at = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=number)
        event = Event(f"u{number}", "heard", PLACE, ADA, text, at, frozenset({NOVA, ADA}))
        await store.write(lambda connection, event=event: append(connection, event))  # type: ignore[misc]


@asynccontextmanager
async def running(memory: LongMemory) -> AsyncIterator[None]:
    task = asyncio.create_task(memory.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize("begins", ["speaking", "sounding", "replying"])
async def test_idle_work_ends_within_50_ms_when_somebody_speaks_or_is_answered_and_goes_on_after(
    begins: str,
) -> None:
    store, embedder = MemoryStore(), Slow()
    await lived(store, *(f"I have been to town number {number}." for number in range(20)))
    memory = memory_of(store, opens(embedder))
    who = 1 if begins == "replying" else "ada"
    async with running(memory):
        await memory.ready()
        async with asyncio.timeout(60):
            # Nobody is told when it is at work.
            while not embedder.running:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        getattr(memory, begins)("lobby", who, True)
        await asyncio.sleep(GIVES_WAY_S)
        assert embedder.running == 0
        await asyncio.sleep(30.0)
        assert embedder.running == 0, "and waits"
        getattr(memory, begins)("lobby", who, False)
        async with asyncio.timeout(600):
            await memory.settled()
        assert len([text for text in embedder.asked if any("number 19" in one for one in text)]) > 0


async def test_a_room_that_is_left_or_lost_keeps_nothing_from_being_remembered() -> None:
    store, embedder = MemoryStore(), FakeEmbedder()
    await lived(store, "I live in Rome.")
    memory = memory_of(store, opens(embedder))
    memory.speaking("lobby", "ada", True)
    memory.sounding("attic", "nova", True)
    async with running(memory):
        await memory.ready()
        await asyncio.sleep(20.0)
        assert embedder.asked == []
        memory.vacate("lobby")
        await asyncio.sleep(20.0)
        assert embedder.asked == []
        memory.all_silent()
        async with asyncio.timeout(60):
            await memory.settled()
        assert embedder.asked != []


async def test_documents_that_fail_are_tried_again_and_nothing_else_fails_with_them() -> None:
    store, embedder, follows, opens_counted = MemoryStore(), FakeEmbedder(), 0, 0
    again = asyncio.Event()

    async def follow(_give: object) -> None:
        nonlocal follows
        follows += 1
        if follows < 3:
            raise ZeroDivisionError
        again.set()
        await asyncio.Event().wait()

    @asynccontextmanager
    async def opened(_store: Storage) -> AsyncIterator[Opened]:
        nonlocal opens_counted
        opens_counted += 1
        yield Opened(embedder, FakeIndex(), shelf=Shelf(FakeIndex(), follow))

    memory = memory_of(store, opened)
    async with running(memory):
        await memory.ready()
        await lived(store, "I live in Rome.")
        memory.lived()
        async with asyncio.timeout(RETRY_AFTER * 3):
            await memory.settled()
            await again.wait()
        assert opens_counted == 1
        assert memory.counts()["documents: failed"] == 2


async def test_a_memory_that_cannot_be_opened_is_tried_again_and_nobody_waits_for_it() -> None:
    attempts = 0

    @asynccontextmanager
    async def fails_twice(_store: Storage) -> AsyncIterator[Opened]:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise MemoryUnavailable("the weights are missing")
        if attempts == 2:
            raise RuntimeError("something unforeseen")
        yield Opened(FakeEmbedder(), FakeIndex())

    store = MemoryStore()
    await lived(store, "I live in Rome.")
    memory = memory_of(store, fails_twice)
    request = Request(PLACE, NOVA, (ADA,), datetime.now(UTC), "Where do I live?", "person-ada")
    async with running(memory):
        await asyncio.sleep(1.0)
        context = await memory.compose(request, budget=60, deadline=0.25)
        states = {one.source: one.state for one in context.account.loads}
        assert (states["memory"], states["presence"]) == ("failed", "loaded")
        async with asyncio.timeout(3 * RETRY_AFTER + 60):
            await memory.settled()
        context = await memory.compose(request, budget=60, deadline=0.25)
    assert "Rome" in context.fresh
    counts = memory.counts()
    assert (counts["memory: unavailable"], counts["memory: failed"]) == (1, 1)
