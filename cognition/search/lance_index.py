"""The index: a LanceDB table that stays, and its rows in memory, which answer.

LanceDB's own full text and vectors were measured: with a million rows its words take 11 ms and, with half of all scopes
allowed, 45; a few rows that its index does not have yet double that; its IVF_PQ takes half an hour to build. In memory
both together take a few milliseconds, filtered before they are ranked, and what was put is found at once.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from cognition.search.clusters import Stopped
from cognition.search.columns import Batch
from cognition.search.index import EVERYTHING, Filter, Hit, IndexFailed, Item
from cognition.search.postings import terms_of
from cognition.search.ranking import fuse
from cognition.search.resident import EXACT, PROBED, Resident
from cognition.search.table import StoredTable, TableDamaged

__all__ = ["LanceIndex"]

MAX_WAITING = 256
"""Searches that may wait."""
MAX_WRITES = 64
SEARCHERS = 2
TIDY_AFTER = 512
"""Commits of LanceDB, each of which leaves files behind."""
PURGE_AFTER_S = 600.0
"""What was removed or replaced leaves the files so long after the last of it, unless `purge` is called."""
_NICE = 10


class LanceIndex:
    """An `Index` that is opened by `open` and closed by `aclose`; used from the loop in which it was opened.

    Attributes:
        rebuilding: why what was stored was thrown away when it was opened, so that all is to be put again; or "".
        upkeep_error: why the files could not be put in order the last time; or "".
    """

    def __init__(self, table: StoredTable, resident: Resident) -> None:
        self.rebuilding = ""
        self.upkeep_error = ""
        self._table = table
        self._resident = resident
        self._searchers = ThreadPoolExecutor(SEARCHERS, "search")
        self._writer = ThreadPoolExecutor(1, "index")
        self._keeper = ThreadPoolExecutor(1, "index upkeep", initializer=_stand_back)
        self._lock = asyncio.Lock()
        self._searching = 0
        self._writes: set[asyncio.Task[Any]] = set()
        self._changed = asyncio.Event()
        self._stopped = threading.Event()
        self._upkept = asyncio.Event()
        self._purge_at: float | None = None
        self._purge_took = 0.0
        self._doubtful = False
        self._closed = False
        self._upkeep: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        location: str,
        *,
        name: str,
        model: str,
        dimensions: int,
        latest: int | None = None,
        options: Mapping[str, str] | None = None,
        exact: int = EXACT,
        probed: int = PROBED,
    ) -> "LanceIndex":
        """Opens an index, or makes it; what is stored there is read into memory.

        Where it is damaged, made by another model or layout, or ahead of the store (which was then restored from a
        backup), it is begun anew: `number` is 0, and the store's changes are to be put again.

        Args:
            location: a directory, or a URI that LanceDB knows, as `s3://bucket/path`; of one server alone.
            name: of what is in it, as "memories", without hyphens; several may share a location.
            model: whose vectors, by `Embedder.name`.
            dimensions: of these.
            latest: number of the store's last change; None: not compared.
            options: for object storage, as LanceDB's `storage_options`.
            exact: searches that may find no more rows look at each of them.
            probed: of those beyond, how many are looked at.

        Raises:
            IndexFailed: the location cannot be reached, read or written.
        """
        open_table = partial(
            StoredTable.open, location, name=name, model=model, dimensions=dimensions, options=options
        )
        why = ""
        try:
            table = await open_table()
        except TableDamaged as error:
            why = f"it was damaged: {error}"
            table = await open_table(anew=True)
        resident = Resident(dimensions, exact=exact, probed=probed)
        try:
            if latest is not None and table.number > latest:
                why = f"it was ahead of the store: it had change {table.number}, the store has {latest}"
            else:
                async for batch in table.batches():
                    await asyncio.to_thread(resident.add, batch)
        except TableDamaged as error:
            why = f"it was damaged: {error}"
        except BaseException:
            table.close()
            raise
        if why and not table.fresh:
            table.close()
            table = await open_table(anew=True)
            resident = Resident(dimensions, exact=exact, probed=probed)
        index = cls(table, resident)
        index.rebuilding = why
        index._upkeep = asyncio.create_task(index._keep_up())
        return index

    @property
    def number(self) -> int:
        """See `Index`."""
        return self._table.number

    @property
    def approximate(self) -> bool:
        """Whether searches that may find very many items look at the likeliest only."""
        return self._resident.approximate

    def __len__(self) -> int:
        return len(self._resident)

    async def put(self, items: Sequence[Item]) -> None:
        """See `Index`. Cancelled, it is done all the same."""
        if not items:
            return
        dimensions = self._resident.dimensions
        for item in items:
            if item.vector.shape != (dimensions,) or not np.isfinite(item.vector).all():
                raise ValueError(f"the vector of {item.id} is not {dimensions} finite numbers")
        self._resident.check_kinds({item.kind for item in items})
        latest = list({item.id: item for item in items}.values())
        await self._write(partial(self._put, latest))

    async def remove(self, ids: Collection[str]) -> None:
        """See `Index`. Cancelled, it is done all the same."""
        if ids:
            await self._write(partial(self._remove, list(ids)))

    async def keep(self, number: int) -> None:
        """See `Index`."""
        await self._write(partial(self._table.keep, number))

    async def purge(self) -> None:
        """See `Index`; writes all of it anew, which takes a second with 100,000 items."""
        await self._write(self._purge)

    async def search(
        self, vector: npt.NDArray[np.float32] | None, text: str, *, limit: int, where: Filter = EVERYTHING
    ) -> list[Hit]:
        """See `Index`.

        Raises:
            IndexFailed: it is closed, or too many wait.
            ValueError: the vector has another length or is not finite, or the limit is not from 1 to 1000.
        """
        if self._closed:
            raise IndexFailed("the index is closed")
        if self._searching >= MAX_WAITING:
            raise IndexFailed(f"{MAX_WAITING} searches wait for the index")
        self._searching += 1
        search = asyncio.get_running_loop().run_in_executor(
            self._searchers, self._search, vector, text, limit, where
        )
        search.add_done_callback(self._searched)
        return await search

    async def vectors(self, ids: Collection[str]) -> dict[str, npt.NDArray[np.float32]]:
        """See `Index`."""
        if self._closed:
            raise IndexFailed("the index is closed")
        return await asyncio.get_running_loop().run_in_executor(self._searchers, self._resident.vectors, ids)

    async def upkept(self) -> None:
        """Waits until nothing is left to be done in the background, but for the removal of bytes."""
        await self._upkept.wait()

    async def aclose(self) -> None:
        """Ends what is done in the background, finishes what is being written, and closes; again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._stopped.set()
        if self._upkeep is not None:
            self._upkeep.cancel()
            await asyncio.wait([self._upkeep])
        self._upkept.set()
        if self._writes:
            await asyncio.wait(self._writes)
        for threads in (self._keeper, self._writer, self._searchers):
            await asyncio.to_thread(threads.shutdown)
        self._table.close()
        if self._upkeep is not None and not self._upkeep.cancelled():
            self._upkeep.result()

    def _search(
        self, vector: npt.NDArray[np.float32] | None, text: str, limit: int, where: Filter
    ) -> list[Hit]:
        hits = self._resident.search(vector, terms_of(text).tolist(), limit=limit, where=where)
        return [one.hit for one in fuse(hits)]

    def _searched(self, search: "asyncio.Future[list[Hit]]") -> None:
        self._searching -= 1
        if not search.cancelled():
            # Whoever asked may have been cancelled, and nobody else reads it.
            search.exception()

    async def _write(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Does one write after the other, each to its end: what LanceDB has and what is in memory are the same."""
        if self._closed:
            raise IndexFailed("the index is closed")
        if len(self._writes) >= MAX_WRITES:
            raise IndexFailed(f"{MAX_WRITES} writes wait for the index")
        await self._to_its_end(work)

    async def _to_its_end(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.create_task(self._alone(work))
        self._writes.add(task)
        task.add_done_callback(self._written)
        await asyncio.shield(task)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()

    async def _alone(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async with self._lock:
            await work()
        self._upkept.clear()
        self._changed.set()

    async def _put(self, items: Sequence[Item]) -> None:
        loop = asyncio.get_running_loop()
        batch = await loop.run_in_executor(self._writer, _batch, items)
        texts = [item.text.encode("utf-8", "replace").decode() for item in items]
        known = any(item.id in self._resident for item in items)
        if known:
            self._leaves_bytes()
        try:
            await (self._table.replace if known or self._doubtful else self._table.add)(batch, texts)
        except IndexFailed:
            # An error that came on the way back does not say that nothing was written.
            self._doubtful = True
            raise
        await loop.run_in_executor(self._writer, self._resident.add, batch)

    async def _remove(self, ids: Sequence[str]) -> None:
        there = [id for id in ids if self._doubtful or id in self._resident]
        if there:
            self._leaves_bytes()
            await self._table.remove(there)
            await asyncio.get_running_loop().run_in_executor(self._writer, self._resident.remove, there)

    def _leaves_bytes(self) -> None:
        if self._purge_at is None:
            # However large it is, a hundredth of the time is spent on it at most.
            self._purge_at = asyncio.get_running_loop().time() + max(PURGE_AFTER_S, 100 * self._purge_took)

    async def _purge(self) -> None:
        loop = asyncio.get_running_loop()
        start, self._purge_at = loop.time(), None
        try:
            await self._table.purge()
        except IndexFailed:
            self._leaves_bytes()
            raise
        finally:
            self._purge_took = loop.time() - start

    async def _keep_up(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            if self._resident.upkeep_due():
                with suppress(Stopped):
                    await loop.run_in_executor(self._keeper, self._resident.upkeep, self._stopped.is_set)
            if self._table.commits >= TIDY_AFTER:
                await self._try(self._table.tidy)
            if self._purge_at is not None and self._purge_at <= loop.time():
                await self._try(self._purge)
            if self._changed.is_set():
                continue
            self._upkept.set()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._purge_at):
                    await self._changed.wait()

    async def _try(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """What the disk refuses now is tried again later; until then the files are larger than they need be."""
        try:
            await self._to_its_end(work)
        except IndexFailed as error:
            self.upkeep_error = str(error)


def _batch(items: Sequence[Item]) -> Batch:
    terms = [terms_of(item.text) for item in items]
    return Batch(
        [item.id for item in items],
        np.stack([item.vector for item in items]).astype(np.float32),
        np.concatenate(terms),
        np.array([len(one) for one in terms], np.int64),
        np.array([item.scope for item in items], np.int32),
        np.array([item.at for item in items], np.float64),
        [item.kind for item in items],
        np.array([item.importance for item in items], np.float32),
        [item.about for item in items],
    )


def _stand_back() -> None:
    """Upkeep gets what nobody else wants of a core; on Linux a thread has a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
