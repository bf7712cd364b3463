"""The library: keeps what can be found in step with the folders that were given, while they change."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog

from cognition.rag.documents.extractor import Extractor
from cognition.rag.documents.files import PASSING, PutOff, Refused, Stamp, list_files
from cognition.rag.documents.reader import load, passages_of
from cognition.rag.documents.watcher import Watcher
from cognition.search.embedder import Embedder, EmbeddingError
from cognition.search.index import Filter, Hit, Index, IndexFailed, Item
from cognition.store import documents
from cognition.store.documents import Document, Found, Passage, Seen
from cognition.store.errors import StoreError
from cognition.store.store import Storage
from cognition.store.timeline import Place

__all__ = ["Folder", "Library", "Match"]

BATCH = 16
"""Passages that are embedded at once; between two batches whoever speaks goes first."""
BETWEEN_WORDS = 2
"""The same where it is never quiet."""
RETRY_AFTER = 60.0
"""Seconds after which everything is looked through again, where the disk, the index or the model failed."""
PUT_OFF = 60.0
"""Seconds after which a file is tried again for which there was no time; each time twice as many."""
MOST_TRIES = 7
"""Of such a file, until it changes or the library is run anew: within an hour."""
SHORTLY = 1.0
"""Seconds between two looks at the least."""
PUT_OFF_FOR = frozenset({"took too long", "no process for it", "was killed"})
"""The reasons of `PutOff`."""
KIND = "document"
_HERE = "continuum"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, or a single file, that a user gave.

    Attributes:
        path: absolute.
        room: where alone it is known; empty for every room of this server.
    """

    path: Path
    room: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A passage that was found; `similarity` is NaN where it was found by its words alone."""

    found: Found
    similarity: float
    bm25: float


async def _at_once() -> bool:
    return True


@dataclass(slots=True)
class _Later:
    """When a file that was put off is tried again, in loop time, and how often it was."""

    due: float
    tries: int


class Library:
    """Everything that users gave to be known.

    Args:
        store: where passages are kept.
        embedder: what they mean.
        index: finds them; its scopes are the keys of folders, and nothing else is in it.
        extractor: reads PDF and HTML.
        watcher: notices changes.
        quiet: waited for before each batch of work, so that nobody who speaks is kept waiting; False: it has not been
            quiet for so long that a little is to be done all the same.
        lull: seconds from one look at what has changed to the next.

    Attributes:
        counts: what could not be read or kept, by reason.
    """

    def __init__(
        self,
        store: Storage,
        embedder: Embedder,
        index: Index,
        extractor: Extractor,
        watcher: Watcher,
        *,
        quiet: Callable[[], Awaitable[bool]] = _at_once,
        lull: float = 2.0,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._index = index
        self._extractor = extractor
        self._watcher = watcher
        self._quiet = quiet
        self._lull = lull
        self._given: tuple[Folder, ...] = ()
        self._changed: set[Folder] = set()
        # Nothing is taken back before it is known what is given.
        self._renewed = False
        self._failed = False
        self._later: dict[tuple[int, str], _Later] = {}
        self._logged: set[type[Exception]] = set()
        self._wake = asyncio.Event()
        self._rooms: dict[int, str] = {}
        self._idle = asyncio.Event()
        self.counts: Counter[str] = Counter()

    def give(self, folders: Collection[Folder]) -> None:
        """These are to be known from now on, and no others; `run` sees to it."""
        self._given = tuple(dict.fromkeys(folders))
        self._renewed = True
        self._idle.clear()
        self._wake.set()

    async def settled(self) -> None:
        """Until everything that was given, or seen to change, is known or refused; ends only while `run` runs."""
        await self._idle.wait()

    async def run(self) -> None:
        """Reads what is new or has changed, forgets what is gone, and goes on doing so until cancelled."""
        async with asyncio.TaskGroup() as group:
            watching: asyncio.Task[None] | None = None
            while True:
                self._wake.clear()
                if self._renewed:
                    self._renewed = False
                    given = self._given
                    if watching is not None:
                        watching.cancel()
                    # Watched before it is looked through: what changes meanwhile is looked at again.
                    watching = group.create_task(self._watch(given)) if given else None
                    await self._guarded(partial(self._keep, given))
                    self._changed |= set(given)
                while self._changed and not self._renewed:
                    await self._guarded(partial(self._refresh, self._changed.pop()))
                if self._wake.is_set():
                    continue
                self._idle.set()
                try:
                    async with asyncio.timeout_at(self._again_at()):
                        await self._wake.wait()
                except TimeoutError:
                    self._renewed, self._failed = self._failed, False
                    self._changed |= set(self._given)

    def _again_at(self) -> float | None:
        """When to look again although nothing is seen to change, in loop time."""
        now = asyncio.get_running_loop().time()
        if self._failed:
            return now + RETRY_AFTER
        dues = [later.due for later in self._later.values() if later.tries < MOST_TRIES]
        return max(min(dues), now + SHORTLY) if dues else None

    async def search(self, place: Place, words: str, *, limit: int) -> list[Match]:
        """The passages that bear on some words, of those that may be known in a place; best first.

        Raises:
            IndexFailed: the index failed.
            StoreError: the store failed.
        """
        allowed = self._allowed(place)
        if not allowed.any() or not words.strip():
            return []
        vector: npt.NDArray[np.float32] | None = None
        try:
            vector = (await self._embedder.embed([words]))[0]
        except EmbeddingError:
            self.counts["documents searched by words alone"] += 1
        hits = await self._index.search(vector, words, limit=limit, where=Filter(allowed=allowed))
        by_key: dict[int, Hit] = {int(hit.id): hit for hit in hits[:limit]}
        found = await self._store.read(lambda c: documents.find(c, by_key, place.room))
        return [Match(one, by_key[one.key].similarity, by_key[one.key].bm25) for one in found]

    def _allowed(self, place: Place) -> npt.NDArray[np.bool_]:
        """Folders by key. What is said on another host goes to people who were not given these files."""
        mask = np.zeros(max(self._rooms, default=-1) + 1, np.bool_)
        if place.host == _HERE:
            mask[[key for key, room in self._rooms.items() if room in ("", place.room)]] = True
        return mask

    async def _watch(self, given: Sequence[Folder]) -> None:
        try:
            async for changed in self._watcher.changes([folder.path for folder in given]):
                self._changed |= {
                    folder
                    for folder in given
                    if not changed or any(path.is_relative_to(folder.path) for path in changed)
                }
                if self._changed:
                    self._idle.clear()
                    self._wake.set()
                    # What changes all the time, as a log does, is not read all the time.
                    await asyncio.sleep(self._lull)
        except (OSError, RuntimeError):
            # They are read once all the same, and again at the next start.
            self.counts["documents not watched"] += 1
        except Exception as error:  # of the many odd things that a folder may hold
            self.counts["documents not watched"] += 1
            _log.exception("documents are not watched", exc_info=error)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Where the disk, the index or the model fails, the rest goes on, and what was not done is done later."""
        try:
            await work()
        except StoreError:
            self.counts["documents not kept"] += 1
            self._failed = True
        except IndexFailed:
            self.counts["documents not indexed"] += 1
            self._failed = True
        except EmbeddingError:
            self.counts["documents not embedded"] += 1
            self._failed = True
        except Exception as error:  # whatever it is, neither the other folders nor the memory suffer from it
            self.counts["documents failed"] += 1
            self._failed = True
            if type(error) not in self._logged:
                self._logged.add(type(error))
                _log.exception("documents failed", exc_info=error)

    async def _keep(self, given: Sequence[Folder]) -> None:
        pairs = {(str(folder.path), folder.room) for folder in given}

        def kept(connection: sqlite3.Connection) -> dict[int, str]:
            documents.keep_folders(connection, pairs)
            return documents.rooms_of(connection)

        self._rooms = await self._store.write(kept)
        self._later = {key: later for key, later in self._later.items() if key[0] in self._rooms}
        await self._catch_up()

    async def _refresh(self, folder: Folder) -> None:
        """Brings one folder up to date."""
        keys = await self._store.read(documents.folders)
        key = keys.get((str(folder.path), folder.room))
        if key is None:
            return
        listing = await asyncio.to_thread(list_files, folder.path)
        for reason, count in listing.passed_over.items():
            self.counts[f"document passed over: {reason}"] += count
        known = await self._store.read(partial(documents.seen, folder=key))
        for gone in [each for each in self._later if each[0] == key and each[1] not in listing.files]:
            del self._later[gone]
        for path in known.keys() - listing.files.keys():
            await self._store.write(partial(documents.forget_document, folder=key, path=path))
        for path, stamp in listing.files.items():
            seen = known.get(path)
            if seen is None or self._may_differ(seen, stamp, (key, path)):
                await self._quiet()
                await self._guarded(partial(self._take, folder, key, path, stamp, seen))
                await self._catch_up()
            if self._renewed:
                return
        await self._catch_up()

    def _may_differ(self, seen: Seen, stamp: Stamp, key: tuple[int, str]) -> bool:
        """Whether a file may say something else than what is known of it."""
        if (seen.size, seen.modified) != (stamp.size, stamp.modified):
            self._later.pop(key, None)
            return True
        if seen.refused in PUT_OFF_FOR:
            later = self._later.get(key)
            now = asyncio.get_running_loop().time()
            return later is None or (later.tries < MOST_TRIES and later.due <= now)
        return seen.refused in PASSING

    async def _take(self, folder: Folder, key: int, path: str, stamp: Stamp, seen: Seen | None) -> None:
        """Keeps what one file says or why it was refused: for what nobody foresaw, too."""
        try:
            await self._read(folder, key, path, stamp, seen)
        except (StoreError, IndexFailed, EmbeddingError):
            raise
        except (
            Exception
        ) as error:  # it is the file that is at fault; kept, it is tried again once it has changed
            reason = f"failed: {type(error).__name__}"
            self.counts[f"document refused: {reason}"] += 1
            _log.exception("a document cannot be read", document=path or str(folder.path), exc_info=error)
            title = Path(path or folder.path).name
            refused = Document(path, title, stamp.size, stamp.modified, b"", reason)
            await self._store.write(lambda c: documents.keep_document(c, key, refused, []))

    async def _read(self, folder: Folder, key: int, path: str, stamp: Stamp, seen: Seen | None) -> None:
        title = Path(path or folder.path).name
        parts: list[Passage] = []
        try:
            content = await load(folder.path / path)
            stamp = content.stamp
            if seen is not None and seen.digest == content.digest and not seen.refused:
                await self._store.write(lambda c: documents.restamp(c, seen.key, stamp.size, stamp.modified))
                return
            parts, more = await passages_of(content, self._extractor)
            document = Document(path, title, stamp.size, stamp.modified, content.digest)
            if more:
                self.counts["document cut short"] += 1
            self._later.pop((key, path), None)
        except PutOff as put_off:
            self._put_off(key, path, str(put_off))
            document = Document(path, title, stamp.size, stamp.modified, b"", str(put_off))
        except Refused as refused:
            self._later.pop((key, path), None)
            if seen is not None and seen.refused == str(refused) in PASSING:
                return
            self.counts[f"document refused: {refused}"] += 1
            document = Document(path, title, stamp.size, stamp.modified, b"", str(refused))
        await self._store.write(lambda c: documents.keep_document(c, key, document, parts))

    def _put_off(self, key: int, path: str, reason: str) -> None:
        later = self._later.setdefault((key, path), _Later(0.0, 0))
        wait = PUT_OFF * 2**later.tries
        later.tries += 1
        later.due = asyncio.get_running_loop().time() + wait
        self.counts[f"document put off: {reason}"] += 1
        again = wait if later.tries < MOST_TRIES else None
        _log.warning(
            "a document is put off", document=path, reason=reason, tries=later.tries, again_after=again
        )

    async def _catch_up(self) -> None:
        """Brings the index up to the store, as what is in the store is what is there."""
        while news := await self._store.read(
            partial(documents.changes, after=self._index.number, limit=BATCH)
        ):
            if not await self._quiet():
                news = news[:BETWEEN_WORDS]
            there = [(change, change.passage) for change in news if change.passage is not None]
            if there:
                texts = [_read_as(change.title, passage) for change, passage in there]
                vectors = await self._embedder.embed(texts)
                await self._index.put(
                    [
                        Item(str(change.key), text, vector, change.folder, change.modified / 1e9, KIND)
                        for (change, _), text, vector in zip(there, texts, vectors, strict=True)
                    ]
                )
            gone = [str(change.key) for change in news if change.passage is None]
            if gone:
                await self._index.remove(gone)
            await self._index.keep(news[-1].number)


def _read_as(title: str, passage: Passage) -> str:
    """What is embedded and searched: words of the headings count as those of the passage."""
    return f"{title} {passage.heading}\n{passage.text}" if passage.heading else f"{title}\n{passage.text}"
