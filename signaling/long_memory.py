"""What the personas remember, put together: read in the background once the mind is up, made in idle time.

Until it is there nothing is remembered, and nobody waits for it. While somebody speaks or is answered, no work of it
goes on but what a reply asks for.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from cognition.conversation.disposition import Disposition
from cognition.memory.hippocampus import Hippocampus
from cognition.memory.indexing import Indexing, Vectors
from cognition.memory.recall import Recall, Recalled
from cognition.memory.recollecting import HybridRecall
from cognition.memory.self_service import SelfService
from cognition.persona.recollection import Remembering
from cognition.rag.context import Context
from cognition.rag.documents.extractor import ChildExtractor
from cognition.rag.documents.library import Folder, Library
from cognition.rag.documents.watcher import FileWatcher
from cognition.rag.engine import ContextEngine, Feed
from cognition.rag.source import Request
from cognition.rag.sources.awareness import AwarenessSource
from cognition.rag.sources.conversation import ConversationSource
from cognition.rag.sources.documents import DocumentsSource
from cognition.rag.sources.identity import IdentitySource
from cognition.rag.sources.memory import MemorySource
from cognition.rag.sources.presence import PresenceSource
from cognition.rag.sources.vision import Nothing, VisionSource
from cognition.search.embedder import Embedder, EmbeddingError
from cognition.search.index import Index, IndexFailed
from cognition.store.erasure import Traces
from cognition.store.errors import StoreError
from cognition.store.store import Storage
from signaling.late_parts import LateEmbedder, LateIndex

__all__ = ["LongMemory", "MemoryUnavailable", "OpenMemory", "Opened", "Shelf"]

RETRY_AFTER = 30.0
"""Seconds after which what failed is tried again."""
PATIENCE = 10.0
"""Seconds without quiet after which documents are read all the same: a little now and then."""
PAUSE = 2.0
"""Seconds between two such pieces of work, each of which takes a core some 30 ms."""

_log = structlog.get_logger()


class MemoryUnavailable(Exception):
    """The memory cannot be opened; the message says why."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What memory is made with.

    Attributes:
        embedder: tells what texts mean.
        index: of the memories.
        vectors: what the embedder remembers, and can be told to forget.
        shelf: for documents; None: none are known.
    """

    embedder: Embedder
    index: Index
    vectors: Vectors | None = None
    shelf: "Shelf | None" = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """What documents are known by.

    Attributes:
        index: of their passages.
        follow: tells which files and folders are given, at once and whenever that changes, until cancelled.
    """

    index: Index
    follow: Callable[[Callable[[Collection[Folder]], None]], Coroutine[None, None, None]]


OpenMemory = Callable[[Storage], AbstractAsyncContextManager[Opened]]
"""Opens it, in a thread where that takes long, and closes it; raises `MemoryUnavailable`."""


class LongMemory:
    """A `Recollection` over all that was lived.

    Args:
        store: where that is.
        open_memory: how its embedder and index are opened; None: nothing is remembered.
        count: tokens of a text.
        disposition: how a persona is disposed just now.
        now: the wall clock, UTC.
        let_go: called first with who is to be forgotten.
    """

    def __init__(
        self,
        store: Storage,
        open_memory: OpenMemory | None,
        *,
        count: Callable[[str], int],
        disposition: Callable[[str], Disposition],
        now: Callable[[], datetime],
        let_go: Callable[[Traces], Awaitable[None]] | None = None,
    ) -> None:
        self._store = store
        self._open_memory = open_memory
        self._now = now
        self._embedder, self._index = LateEmbedder(), LateIndex()
        self.recall = HybridRecall(store, self._embedder, self._index)
        """What is remembered; by words and meaning only once the embedder and the index are there."""
        self._let_go = let_go
        self._busy: set[str] = set()
        self._busy_since = 0.0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._unhurried = asyncio.Event()
        self._unhurried.set()
        self._passages = LateIndex()
        self._library = Library(
            store, self._embedder, self._passages, ChildExtractor(), FileWatcher(), quiet=self._lull
        )
        self._engine = ContextEngine(_feeds(store, self.recall, disposition, self._library), count)
        self._both = Remembering(self._engine, self.recall)
        self._grown = asyncio.Event()
        self._indexed = asyncio.Event()
        self._open: _Open | None = None
        self._ready = asyncio.Event()
        self._numbers = itertools.count()
        self._counts: Counter[str] = Counter()

    @property
    def grown(self) -> int:
        """See `Recollection`."""
        return self._both.grown

    @property
    def embedder(self) -> Embedder:
        """Tells what texts mean; it fails until the memory is there."""
        return self._embedder

    @property
    def self_service(self) -> SelfService | None:
        """What people may do with it; None until it is there."""
        return None if self._open is None else self._open.self_service

    def counts(self) -> Counter[str]:
        """What could not be remembered, by reason, and what was recalled."""
        parts = [self.recall.counts, self._engine.counts, self._both.counts]
        if self._open is not None:
            parts.append(self._open.hippocampus.counts)
        return sum(
            (Counter({f"memory: {why}": n for why, n in part.items()}) for part in parts),
            self._counts + self._library.counts,
        )

    def changed(self) -> None:
        """Memories were corrected or deleted: what is made of them follows."""
        self._engine.forget()
        self._grew()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """No memory is made meanwhile."""
        key = f"alone {next(self._numbers)}"
        self.busy(key, True)
        # What was under way ends at its next turn of the loop.
        await asyncio.sleep(0)
        try:
            yield
        finally:
            self.busy(key, False)

    async def ready(self) -> None:
        """Waits until there is a memory."""
        await self._ready.wait()

    async def settled(self) -> None:
        """Waits until all that was lived so far is thought about, and found by what it says."""
        await self._ready.wait()
        assert self._open is not None
        await self._open.hippocampus.settled()
        await self._indexed.wait()

    def lived(self) -> None:
        """The timeline grew."""
        if self._open is not None:
            self._open.hippocampus.wake()

    def busy(self, key: str, on: bool) -> None:
        """Somebody begins or ceases to speak, or to be answered; work in idle time stops at once, or may go on."""
        if on:
            if not self._busy:
                self._busy_since = asyncio.get_running_loop().time()
            self._busy.add(key)
            self._quiet.clear()
        else:
            self._busy.discard(key)
            if not self._busy:
                self._quiet.set()
        if all(_is_voice(one) for one in self._busy):
            self._unhurried.set()
        else:
            self._unhurried.clear()
        if self._open is not None:
            (self._open.hippocampus.pause if on else self._open.hippocampus.resume)(key)

    async def quiet(self) -> None:
        """Waits until nobody speaks, or is answered, anywhere."""
        await self._quiet.wait()

    def speaking(self, room: str, participant: str, on: bool) -> None:
        """Somebody is perhaps speaking, or no longer."""
        self.busy(f"{room}\0gate\0{participant}", on)

    def sounding(self, room: str, persona: str, on: bool) -> None:
        """A persona's voice sounds, or no longer."""
        self.busy(f"{room}\0voice\0{persona}", on)

    def replying(self, room: str, reply: int, on: bool) -> None:
        """A reply is being made, or no longer."""
        self.busy(f"{room}\0reply\0{reply}", on)

    def vacate(self, room: str) -> None:
        """Nobody is in a room any more, or the line to media was lost: nobody speaks there."""
        for key in [key for key in self._busy if key.startswith(f"{room}\0")]:
            self.busy(key, False)

    def all_silent(self) -> None:
        """The line to media was lost."""
        for key in [key for key in self._busy if "\0" in key]:
            self.busy(key, False)

    async def compose(
        self,
        request: Request,
        *,
        budget: int,
        deadline: float,
        standing: Sequence[Context] = (),
        least: float = 0.0,
    ) -> Context:
        """See `Recollection`."""
        return await self._both.compose(
            request, budget=budget, deadline=deadline, standing=standing, least=least
        )

    async def about(
        self, persona: str, listeners: frozenset[str], person: str, *, now: datetime, limit: int = 6
    ) -> tuple[Recalled, ...]:
        """See `Recollection`."""
        return await self._both.about(persona, listeners, person, now=now, limit=limit)

    async def run(self) -> None:
        """Opens the memory and makes memories in idle time, until cancelled."""
        while self._open_memory is not None:
            try:
                async with self._open_memory(self._store) as opened:
                    await self._remember(opened)
            except MemoryUnavailable as error:
                _log.warning("nothing is remembered", reason=str(error))
                self._counts["memory: unavailable"] += 1
            except Exception as error:  # whatever it is, the rooms are not to suffer from it
                _log.exception("the memory failed", exc_info=error)
                self._counts["memory: failed"] += 1
            finally:
                self._open = self._embedder.real = self._index.real = self._passages.real = None
                self._ready.clear()
            await asyncio.sleep(RETRY_AFTER)

    async def _remember(self, opened: Opened) -> None:
        hippocampus = Hippocampus(
            self._store,
            opened.embedder,
            clock=lambda: self._now().timestamp(),
            zone=self._now().astimezone().tzinfo or UTC,
            grew=self._grew,
        )
        for key in self._busy:
            hippocampus.pause(key)
        indexing = Indexing(self._store, opened.embedder, opened.index, opened.vectors)
        self_service = SelfService(self._store, self.recall, [indexing], let_go=self._let_go)
        self._embedder.real, self._index.real = opened.embedder, opened.index
        self._open = _Open(hippocampus, self_service)
        self._grew()
        self._ready.set()
        _log.info("memory is there")
        async with asyncio.TaskGroup() as group:
            group.create_task(hippocampus.run())
            group.create_task(self._keep_index(indexing, self_service))
            if opened.shelf is not None:
                self._passages.real = opened.shelf.index
                group.create_task(self._know_documents(opened.shelf))

    async def _lull(self) -> bool:
        """Waits for quiet; where that does not come, for a moment in which nobody speaks but a persona or two.

        Neither for ever: a room in which somebody always speaks keeps no document from being known.

        Returns:
            Whether it is quiet.
        """
        now = asyncio.get_running_loop().time()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(max(self._busy_since + PATIENCE, now + PAUSE)):
                return await self._quiet.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._unhurried.wait()
        return False

    async def _know_documents(self, shelf: Shelf) -> None:
        """Keeps up with the documents; where that fails, what was lived is remembered all the same."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._library.run())
                    group.create_task(shelf.follow(self._library.give))
            except Exception as error:  # as in `run`
                _log.exception("the documents failed", exc_info=error)
                self._counts["documents: failed"] += 1
            await asyncio.sleep(RETRY_AFTER)

    async def _keep_index(self, indexing: Indexing, self_service: SelfService) -> None:
        """Keeps the index up with what is remembered, in idle time."""
        finished = False
        while True:
            await self._grown.wait()
            await self._quiet.wait()
            self._grown.clear()
            try:
                changed = await indexing.refresh()
            except (StoreError, EmbeddingError, IndexFailed) as error:
                self._counts[f"memory: index not kept up: {type(error).__name__}"] += 1
                _log.warning("the index of memories is behind", reason=str(error))
                await asyncio.sleep(RETRY_AFTER)
                self._grown.set()
                continue
            if changed:
                self._grown.set()
            elif not self._grown.is_set():
                if not finished:
                    await self._finish(self_service)
                    finished = True
                self._indexed.set()

    async def _finish(self, self_service: SelfService) -> None:
        """Finishes what a process that was killed has left to be forgotten."""
        try:
            left = await self_service.finish()
        except (StoreError, EmbeddingError, IndexFailed) as error:
            self._counts["memory: forgetting not finished"] += 1
            _log.error("something is yet to be forgotten", reason=str(error))
            return
        if left:
            _log.info("forgotten what was left to be", erasures=left)

    def _grew(self) -> None:
        self._both.grown += 1
        self._indexed.clear()
        self._grown.set()


def _is_voice(key: str) -> bool:
    """Whether what goes on is a voice alone, see `LongMemory.sounding`: what it says is made."""
    return "\0voice\0" in key


@dataclass(frozen=True, slots=True)
class _Open:
    hippocampus: Hippocampus
    self_service: SelfService


def _feeds(
    store: Storage, recall: Recall, disposition: Callable[[str], Disposition], library: Library
) -> list[Feed]:
    return [
        Feed(PresenceSource(), priority=2, floor=16),
        Feed(IdentitySource(recall, disposition), seconds=0.2, priority=3),
        Feed(AwarenessSource(store), priority=1),
        Feed(MemorySource(recall), seconds=0.2, priority=3),
        Feed(ConversationSource(store), priority=2),
        Feed(DocumentsSource(library), seconds=0.2, priority=2),
        Feed(VisionSource(Nothing())),
    ]
