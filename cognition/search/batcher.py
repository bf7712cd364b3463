"""One model for all who embed: their texts share its runs, and what was embedded once is remembered."""

import asyncio
import sqlite3
from collections import OrderedDict, deque
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cognition.search.embedder import EmbeddingError
from cognition.search.minilm import Encoder
from cognition.search.vector_cache import VectorCache, digest

__all__ = ["BATCH", "Batcher", "Counts"]

BATCH = 16
"""Texts of a run at most: what comes meanwhile waits for one run, not for all that somebody else brought."""
BATCH_CHARACTERS = 1500
"""Of the texts of a run, unless a single one is longer; some 70 ms on two cores."""
WINDOW_S = 0.001
"""How long the first text waits for company."""
MAX_WAITING = 4096
"""Texts that may wait."""
REMEMBERED = 4096
"""Texts whose vectors are kept in memory: 6 MB with 384 dimensions."""


@dataclass(slots=True)
class Counts:
    """What became of the texts so far.

    Attributes:
        remembered: found in memory, or asked for by somebody else at that moment.
        cached: found on the disk.
        computed: by the model.
        runs: of the model.
        cache_failures: lookups and writes that the disk refused; the last reason is in `cache_error`.
        cache_error: see `cache_failures`.
    """

    remembered: int = 0
    cached: int = 0
    computed: int = 0
    runs: int = 0
    cache_failures: int = 0
    cache_error: str = ""


@dataclass(slots=True, eq=False)
class _Wanted:
    text: str
    future: "asyncio.Future[npt.NDArray[np.float32]]"
    waiters: int = 0


class Batcher:
    """An `Embedder` over an `Encoder` that blocks; made by `open`, closed by `aclose`.

    Who asks for few texts goes before who asks for many, of whom one text is taken along each time.

    Attributes:
        name: the encoder's.
        dimensions: the encoder's.
        counts: since it was opened.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self.counts = Counts()
        self._encoder = encoder
        self._cache: VectorCache | None = None
        self._thread = ThreadPoolExecutor(1, "embedder")
        self._recent: OrderedDict[str, npt.NDArray[np.float32]] = OrderedDict()
        self._under_way: dict[str, _Wanted] = {}
        self._few: deque[_Wanted] = deque()
        self._many: deque[_Wanted] = deque()
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._closed = False
        self._forgotten: set[str] = set()
        self._work: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, encoder: Encoder, cache: Path | None = None) -> "Batcher":
        """Opens the cache and begins.

        Args:
            encoder: the model.
            cache: a file for vectors; None for none. Where it cannot be used that is counted, and the model is asked.
        """
        batcher = cls(encoder)
        loop = asyncio.get_running_loop()
        if cache is not None:
            await loop.run_in_executor(batcher._thread, batcher._open_cache, cache)
        batcher._work = asyncio.create_task(batcher._run())
        return batcher

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """See `Embedder`; without a wait where all of them are remembered.

        Raises:
            EmbeddingError: the model failed, more than `MAX_WAITING` texts wait, or it is closed.
        """
        if self._closed:
            raise EmbeddingError("the embedder is closed")
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        missing: list[tuple[int, str]] = []
        for row, text in enumerate(texts):
            known = self._recent.get(text)
            if known is None:
                missing.append((row, text))
            else:
                self._recent.move_to_end(text)
                vectors[row] = known
        self.counts.remembered += len(texts) - len(missing)
        if missing:
            wanted = self._want([text for _, text in missing])
            try:
                await asyncio.wait({one.future for one in wanted})
                for (row, _), one in zip(missing, wanted, strict=True):
                    vectors[row] = one.future.result()
            finally:
                for one in wanted:
                    one.waiters -= 1
        return vectors

    async def forget(self, texts: Collection[str] | None) -> None:
        """Removes what is remembered of texts, in memory and on the disk; of all texts for None.

        Raises:
            EmbeddingError: the disk refused it.
        """
        if texts is None:
            self._forgotten |= set(self._under_way)
            self._recent.clear()
        else:
            self._forgotten |= {text for text in texts if text in self._under_way}
            for text in texts:
                self._recent.pop(text, None)
        if self._cache is None or self._closed:
            return
        if texts is None:
            work = self._cache.clear
        else:
            work = partial(self._cache.forget, [digest(self.name, text) for text in texts])
        try:
            # In the thread's turn: what is computed at this moment is on the disk by then, and goes with the rest.
            await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise EmbeddingError(f"cached vectors could not be removed: {error}") from error

    async def aclose(self) -> None:
        """Ends: who waits gets an EmbeddingError; again does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
        for one in self._under_way.values():
            _fail(one, EmbeddingError("the embedder is closed"))
        self._under_way.clear()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close_cache)
        self._thread.shutdown()

    def _want(self, texts: Sequence[str]) -> list[_Wanted]:
        new = len({text for text in texts if text not in self._under_way})
        if len(self._few) + len(self._many) + new > MAX_WAITING:
            raise EmbeddingError(f"{len(self._few) + len(self._many)} texts wait for the embedder already")
        loop = asyncio.get_running_loop()
        line = self._few if new <= BATCH else self._many
        wanted = []
        for text in texts:
            one = self._under_way.get(text)
            if one is None:
                one = self._under_way[text] = _Wanted(text, loop.create_future())
                line.append(one)
            else:
                self.counts.remembered += 1
            one.waiters += 1
            wanted.append(one)
        if self._few or self._many:
            self._arrived.set()
        if len(self._few) + len(self._many) >= BATCH:
            self._full.set()
        return wanted

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            try:
                async with asyncio.timeout(WINDOW_S):
                    await self._full.wait()
            except TimeoutError:
                pass  # few came; they are enough
            batch = self._taken()
            self._arrived.clear()
            self._full.clear()
            if self._few or self._many:
                self._arrived.set()
                self._full.set()
            if not batch:
                continue
            running = loop.run_in_executor(self._thread, self._vectors, [one.text for one in batch])
            # Cancelled, it ends at once, and `aclose` tells who waits; the thread ends with its run.
            await asyncio.wait([running])
            unwelcome = self._settle(batch, running)
            if unwelcome:
                # They came to the disk after `forget` had looked for them there.
                await asyncio.wait([loop.run_in_executor(self._thread, self._drop, unwelcome)])

    def _taken(self) -> list[_Wanted]:
        """The next run: those who want few texts, and at least one text of those who want many."""
        batch: list[_Wanted] = []
        size = 0
        for line, most in ((self._many, 1), (self._few, BATCH), (self._many, BATCH)):
            taken = 0
            while line and taken < most and len(batch) < BATCH:
                if batch and size + len(line[0].text) > BATCH_CHARACTERS:
                    break
                one = line.popleft()
                if one.waiters == 0:
                    # Everybody who wanted it was cancelled.
                    del self._under_way[one.text]
                    self._forgotten.discard(one.text)
                    one.future.cancel()
                    continue
                batch.append(one)
                size += len(one.text)
                taken += 1
        return batch

    def _settle(
        self, batch: Sequence[_Wanted], done: "asyncio.Future[list[npt.NDArray[np.float32]]]"
    ) -> list[str]:
        """Tells who waits, and gives back the texts of which nothing may be remembered."""
        error = done.exception()
        unwelcome = [one.text for one in batch if one.text in self._forgotten]
        self._forgotten.difference_update(unwelcome)
        for row, one in enumerate(batch):
            self._under_way.pop(one.text, None)
            if error is not None:
                _fail(one, error)
                continue
            vector = done.result()[row]
            if one.text not in unwelcome:
                self._recent[one.text] = vector
            one.future.set_result(vector)
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        return unwelcome

    def _open_cache(self, path: Path) -> None:
        try:
            self._cache = VectorCache(path, dimensions=self.dimensions)
        except (sqlite3.Error, OSError) as error:
            self._refused(error)
        else:
            if self._cache.started_over:
                self.counts.cache_failures += 1
                self.counts.cache_error = self._cache.started_over

    def _close_cache(self) -> None:
        if self._cache is not None:
            self._cache.close()

    def _vectors(self, texts: Sequence[str]) -> list[npt.NDArray[np.float32]]:
        """In the thread: what the disk has, and the model's for the rest."""
        keys = [digest(self.name, text) for text in texts]
        found: dict[bytes, npt.NDArray[np.float32]] = {}
        if self._cache is not None:
            try:
                found = self._cache.get(keys)
            except sqlite3.Error as error:
                self._refused(error)
        missing = [at for at, key in enumerate(keys) if key not in found]
        self.counts.cached += len(keys) - len(missing)
        if missing:
            computed = self._encoder.encode([texts[at] for at in missing])
            fresh = {keys[at]: computed[row].copy() for row, at in enumerate(missing)}
            self.counts.runs += 1
            self.counts.computed += len(missing)
            found |= fresh
            if self._cache is not None:
                try:
                    self._cache.put(fresh)
                except sqlite3.Error as error:
                    self._refused(error)
        return [found[key] for key in keys]

    def _drop(self, texts: Sequence[str]) -> None:
        if self._cache is not None:
            try:
                self._cache.forget([digest(self.name, text) for text in texts])
            except sqlite3.Error as error:
                self._refused(error)

    def _refused(self, error: Exception) -> None:
        self.counts.cache_failures += 1
        self.counts.cache_error = str(error)


def _fail(one: _Wanted, error: BaseException) -> None:
    if one.waiters == 0:
        one.future.cancel()
    elif not one.future.done():
        one.future.set_exception(error)
