"""Memories as items of an index: what has changed in the store since, embedded, put in or taken out; and forgotten."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from cognition.search.embedder import Embedder
from cognition.search.index import Index, Item
from cognition.store.memories import TASTE, Change, Memory, changes
from cognition.store.store import Storage

__all__ = ["Indexing", "Vectors", "items_of", "meaning"]

BATCH = 64
"""Changes that are embedded together."""


class Vectors(Protocol):
    """What remembers vectors of texts, as `cognition.search.batcher.Batcher` does."""

    async def forget(self, texts: Collection[str] | None) -> None:
        """Removes those of texts, or all for None; raises EmbeddingError where the disk refuses."""
        ...


class Indexing:
    """Keeps an index up with the memories of a store; `SelfService` has it forget (`Derived`).

    Args:
        store: the truth.
        embedder: the index's.
        index: of the memories.
        vectors: what the embedder remembers; None where it remembers nothing.
    """

    def __init__(
        self, store: Storage, embedder: Embedder, index: Index, vectors: Vectors | None = None
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._index = index
        self._vectors = vectors
        # What is being embedded must not be put in after it was forgotten.
        self._one = asyncio.Lock()

    async def refresh(self) -> bool:
        """Brings the index one batch nearer to the store; false when there is no news.

        Killed at any moment, it brings the same changes again, which changes nothing.

        Raises:
            StoreError: see `Storage.read`.
            EmbeddingError: see `Embedder.embed`.
            IndexFailed: see `Index.put`.
        """
        async with self._one:
            after = self._index.number
            news = await self._store.read(lambda connection: changes(connection, after, limit=BATCH))
            if not news:
                return False
            await self._index.put(await items_of(self._embedder, news))
            gone = [change.id for change in news if change.memory is None]
            if gone:
                await self._index.remove(gone)
            await self._index.keep(news[-1].number)
            return True

    async def catch_up(self) -> None:
        """Brings the index up to the store."""
        while await self.refresh():
            pass

    async def forget(self, ids: Collection[str], texts: Collection[str]) -> None:
        """See `Derived`; of cached vectors none is left, as nobody knows of which half-heard words there were some.

        Raises:
            EmbeddingError: the cache cannot be written.
            IndexFailed: the index cannot be written.
        """
        async with self._one:
            if self._vectors is not None:
                await self._vectors.forget(None)
            await self._index.remove(ids)
            await self._index.purge()


def meaning(memory: Memory) -> str:
    """What is embedded of a memory: not whose it is, which would make it like all that is told of them."""
    name = memory.subject_name
    if memory.kind == "turn":
        return memory.text.removeprefix(f"{name}, asked ").removeprefix(f"{name}: ")
    if not name or not memory.text.startswith(name):
        return memory.text
    own = memory.text.removeprefix(name)
    return f"my{own[2:]}" if own.startswith("'s ") else f"I{own}"


async def items_of(embedder: Embedder, news: Sequence[Change]) -> list[Item]:
    """The memories that are there after some changes, as items."""
    there = [change.memory for change in news if change.memory is not None]
    vectors = await embedder.embed([meaning(memory) for memory in there])
    return [
        Item(
            memory.id,
            memory.text,
            vector,
            memory.scope,
            memory.at.timestamp(),
            TASTE if memory.attribute == TASTE else memory.kind,
            memory.importance,
            memory.subject,
        )
        for memory, vector in zip(there, vectors, strict=True)
    ]
