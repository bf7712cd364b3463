"""Memories as items of an index: what has changed in the store since, embedded, put in or taken out."""

from collections.abc import AsyncIterator, Sequence

from cognition.search.embedder import Embedder
from cognition.search.index import Index, Item
from cognition.store.memories import Change, changes
from cognition.store.store import Storage

__all__ = ["catch_up", "items_of", "refresh"]

BATCH = 64
"""Changes that are embedded together."""


async def refresh(store: Storage, embedder: Embedder, index: Index, after: int) -> int:
    """Brings an index one batch nearer to the store.

    Args:
        store: the truth.
        embedder: the index's.
        index: of the memories.
        after: number of the last change that is in it; 0 for an empty one.

    Returns:
        Number of the last change that is in it now; the same when there is no news. To bring changes again
        changes nothing.

    Raises:
        StoreError: see `Storage.read`.
        EmbeddingError: see `Embedder.embed`.
        IndexFailed: see `Index.put`.
    """
    news = await store.read(lambda connection: changes(connection, after, limit=BATCH))
    if not news:
        return after
    await index.put(await items_of(embedder, news))
    gone = [change.id for change in news if change.memory is None]
    if gone:
        await index.remove(gone)
    await index.keep(news[-1].number)
    return news[-1].number


async def catch_up(store: Storage, embedder: Embedder, index: Index, after: int) -> AsyncIterator[int]:
    """Brings an index up to the store, batch by batch; gives the number of the last change after each."""
    while (number := await refresh(store, embedder, index, after)) != after:
        yield number
        after = number


async def items_of(embedder: Embedder, news: Sequence[Change]) -> list[Item]:
    """The memories that are there after some changes, as items."""
    there = [change.memory for change in news if change.memory is not None]
    vectors = await embedder.embed([memory.text for memory in there])
    return [
        Item(
            memory.id,
            memory.text,
            vector,
            memory.scope,
            memory.at.timestamp(),
            memory.kind,
            memory.importance,
            memory.subject,
        )
        for memory, vector in zip(there, vectors, strict=True)
    ]
