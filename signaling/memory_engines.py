"""What memory is made with, from the settings: opened in the background, for nobody waits for it at the start."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from cognition.search.batcher import Batcher
from cognition.search.embedder import EmbeddingError
from cognition.search.index import Index, IndexFailed
from cognition.store.documents import change_number as passage_number
from cognition.store.errors import StoreError
from cognition.store.memories import change_number as memory_number
from cognition.store.store import Storage
from signaling.given_documents import GivenDocuments
from signaling.long_memory import MemoryUnavailable, Opened, Shelf
from signaling.weights_cache import WeightsCache, WeightsError

if TYPE_CHECKING:
    from cognition.search.lance_index import LanceIndex
    from cognition.search.minilm import MiniLm

__all__ = ["MEMORIES", "open_memory"]

_log = structlog.get_logger()

MEMORIES = "memories"
"""Name of their index."""
THREADS = 2
"""Of one run of the embedding model."""


@asynccontextmanager
async def open_memory(
    store: Storage,
    *,
    cache: WeightsCache,
    given: Mapping[str, Path],
    directory: Path,
    location: str = "",
    documents: GivenDocuments | None = None,
) -> AsyncIterator[Opened]:
    """Opens the embedder, with its cache of vectors, and the indexes.

    Args:
        store: what is remembered.
        cache: of weights.
        given: paths of the user's own weights, by role.
        directory: where index and vectors are kept; all of it can be made again.
        location: where the indexes are kept instead, a directory or a URI that LanceDB knows.
        documents: which are given; None: none are known.

    Raises:
        MemoryUnavailable: the weights are missing or damaged, or an index cannot be opened.
    """
    try:
        encoder = await asyncio.to_thread(_prepared, cache, given, directory)
        embedder = await Batcher.open(encoder, directory / "vectors.db")
    except (WeightsError, EmbeddingError, OSError) as error:
        raise MemoryUnavailable(str(error)) from error
    try:
        where = location or str(directory / "index")
        async with _indexed(where, MEMORIES, embedder, store, memory_number) as index:
            if documents is None:
                yield Opened(embedder, index, embedder)
                return
            async with _indexed(where, "documents", embedder, store, passage_number) as passages:
                yield Opened(embedder, index, embedder, Shelf(passages, documents.follow))
    finally:
        await embedder.aclose()


@asynccontextmanager
async def _indexed(
    location: str, name: str, embedder: Batcher, store: Storage, number: Callable[[sqlite3.Connection], int]
) -> AsyncIterator[Index]:
    open_index = await asyncio.to_thread(_index)
    try:
        index = await open_index(
            location,
            name=name,
            model=embedder.name,
            dimensions=embedder.dimensions,
            latest=await store.read(number),
        )
    except (IndexFailed, StoreError) as error:
        raise MemoryUnavailable(str(error)) from error
    try:
        if index.rebuilding:
            _log.warning("an index is built anew", of=name, reason=index.rebuilding)
        yield index
    finally:
        await index.aclose()


def _index() -> "Callable[..., Awaitable[LanceIndex]]":
    # Here, in a thread: to import it takes seconds.
    from cognition.search.lance_index import LanceIndex

    return LanceIndex.open


def _prepared(cache: WeightsCache, given: Mapping[str, Path], directory: Path) -> "MiniLm":
    # Here, in a thread: importing the tokenizer takes longer than much of the start.
    from cognition.search.minilm import MiniLm

    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    model = cache.resolve("embeddings", given)
    if model.is_dir():
        model /= "model.onnx"
    return MiniLm(model, model.with_name("tokenizer.json"), threads=THREADS)
