"""The library: keeps what can be found in step with the folders that were given, while they change."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cognition.rag.documents.extractor import Extractor
from cognition.rag.documents.files import Refused, Stamp, list_files
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
KIND = "document"
_HERE = "continuum"


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


async def _at_once() -> None:
    return None


class Library:
    """Everything that users gave to be known.

    Args:
        store: where passages are kept.
        embedder: what they mean.
        index: finds them; its scopes are the keys of folders, and nothing else is in it.
        extractor: reads PDF and HTML.
        watcher: notices changes.
        quiet: waited for before each batch of work, so that nobody who speaks is kept waiting.
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
        quiet: Callable[[], Awaitable[None]] = _at_once,
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
        self._renewed = True
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
                if not self._wake.is_set():
                    self._idle.set()
                await self._wake.wait()

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

    async def items(self, size: int = 256) -> AsyncIterator[list[Item]]:
        """Everything that belongs into the index, for building it anew."""
        after = 0
        while rows := await self._store.read(partial(documents.passages, after=after, limit=size)):
            yield await self._items(rows)
            after = rows[-1][0]

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

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Where the disk, the index or the model fails, the rest goes on; what was not done is at the next change."""
        try:
            await work()
        except StoreError:
            self.counts["documents not kept"] += 1
        except IndexFailed:
            self.counts["documents not indexed"] += 1
        except EmbeddingError:
            self.counts["documents not embedded"] += 1

    async def _keep(self, given: Sequence[Folder]) -> None:
        pairs = {(str(folder.path), folder.room) for folder in given}

        def kept(connection: sqlite3.Connection) -> tuple[list[int], dict[int, str]]:
            return documents.keep_folders(connection, pairs), documents.rooms_of(connection)

        gone, self._rooms = await self._store.write(kept)
        await self._index.remove([str(key) for key in gone])

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
        for path in known.keys() - listing.files.keys():
            gone = await self._store.write(partial(documents.forget_document, folder=key, path=path))
            await self._index.remove([str(each) for each in gone])
        for path, stamp in listing.files.items():
            seen = known.get(path)
            if seen is None or (seen.size, seen.modified) != (stamp.size, stamp.modified):
                await self._quiet()
                await self._guarded(partial(self._take, folder, key, path, stamp, seen))
            if self._renewed:
                return

    async def _take(self, folder: Folder, key: int, path: str, stamp: Stamp, seen: Seen | None) -> None:
        """Reads one file, and keeps what it says or why it was refused."""
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
        except Refused as refused:
            self.counts[f"document refused: {refused}"] += 1
            document = Document(path, title, stamp.size, stamp.modified, b"", str(refused))
        # Embedded before it is kept, so that a document is found as soon as it is known.
        texts = [_read_as(title, part) for part in parts]
        vectors: list[npt.NDArray[np.float32]] = []
        for first in range(0, len(texts), BATCH):
            await self._quiet()
            vectors += list(await self._embedder.embed(texts[first : first + BATCH]))
        gone, came = await self._store.write(lambda c: documents.keep_document(c, key, document, parts))
        await self._index.remove([str(each) for each in gone])
        await self._index.put(
            [
                _item(each, key, text, vector, document.modified)
                # None came where the folder was taken back meanwhile.
                for each, text, vector in zip(came, texts, vectors, strict=bool(came))
            ]
        )

    async def _items(self, rows: Sequence[tuple[int, int, str, int, Passage]]) -> list[Item]:
        texts = [_read_as(title, passage) for _, _, title, _, passage in rows]
        vectors = await self._embedder.embed(texts)
        return [
            _item(key, folder, text, vector, modified)
            for (key, folder, _, modified, _), text, vector in zip(rows, texts, vectors, strict=True)
        ]


def _item(key: int, folder: int, text: str, vector: npt.NDArray[np.float32], modified: int) -> Item:
    return Item(str(key), text, vector, folder, modified / 1e9, KIND)


def _read_as(title: str, passage: Passage) -> str:
    """What is embedded and searched: words of the headings count as those of the passage."""
    return f"{title} {passage.heading}\n{passage.text}" if passage.heading else f"{title}\n{passage.text}"
