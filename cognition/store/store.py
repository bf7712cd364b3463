"""The store: one SQLite database, one thread that writes with group commit, two that read."""

import asyncio
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cognition.store.connection import open_reader
from cognition.store.errors import DiskError, QueueFull, StoreClosed, StoreError, explained
from cognition.store.opening import Opened, open_database
from cognition.store.schema import Migration, shipped

__all__ = ["Storage", "Store", "open_store", "scrub"]

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

MAX_WAITING = 4096
"""Writes, and as many reads, that may wait."""
BATCH = 256
"""Writes that share a commit at most."""
READERS = 2
_CHECKPOINT_IDLE = 500
"""Rows written after which the log is moved into the database as soon as nothing waits; ten times as many: at once."""


class Storage(Protocol):
    """What the domains need of a store; `Store` and, for tests, `MemoryStore`."""

    def submit(self, work: Work[T]) -> "asyncio.Future[T]":
        """Like `write`, in its turn from now on: the future is done once it is durable.

        Raises:
            QueueFull: too many wait.
            StoreClosed: it is closed.
        """
        ...

    async def write(self, work: Work[T]) -> T:
        """Runs `work` in a transaction, in the order of the calls; returns once it is durable.

        `work` runs in another thread and neither commits nor rolls back. Where it raises, nothing of it is kept, and
        others that share the commit do not notice. Cancelled before its turn it is not run, else it is done as a whole.

        Raises:
            QueueFull: too many wait; it is not run.
            StoreClosed: it is closed; it is not run.
            DiskError: the disk is full, cannot be written or fails; nothing of it is kept.
            StoreDamaged: the file is damaged.
            Exception: whatever `work` raises.
        """
        ...

    async def read(self, work: Work[T]) -> T:
        """Runs `work` on a connection that cannot write; all it reads is of one moment, later than any done `write`.

        Raises:
            QueueFull: too many wait; it is not run.
            StoreClosed: it is closed; it is not run.
            StoreDamaged: the file is damaged.
            Exception: whatever `work` raises.
        """
        ...

    async def scrub(self) -> None:
        """Writes the file anew, and empties its log: nothing that was deleted by then is left in either.

        Writes wait for as long as it takes; the disk has room for two more of the file.

        Raises:
            QueueFull: too many wait; nothing was done.
            StoreClosed: it is closed; nothing was done.
            DiskError: the disk is full or fails, or another program reads the store; all is as sound as before.
        """
        ...


@dataclass(slots=True)
class _Request:
    work: Work[Any]
    future: "asyncio.Future[Any]"
    alone: bool = False
    """It is no part of a transaction."""


@dataclass(slots=True)
class _Outcome:
    future: "asyncio.Future[Any]"
    value: Any = None
    error: Exception | None = None


class Store:
    """A `Storage` on the disk; used from the event loop in which it was opened.

    Attributes:
        path: the database.
        writes: how many were durably written.
        commits: how many commits these took.
    """

    def __init__(self, opened: Opened, readers: Sequence[sqlite3.Connection]) -> None:
        self.path = opened.path
        self.writes = 0
        self.commits = 0
        self._opened = opened
        self._loop = asyncio.get_running_loop()
        self._to_write: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._to_read: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._writing = 0
        self._reading = 0
        self._closing: asyncio.Task[None] | None = None
        self._threads = [
            threading.Thread(target=self._write_all, name="store writer", daemon=True),
            *(
                threading.Thread(target=self._read_all, args=(one,), name="store reader", daemon=True)
                for one in readers
            ),
        ]
        for thread in self._threads:
            thread.start()

    @classmethod
    async def open(cls, path: Path, *, migrations: Sequence[Migration] | None = None) -> "Store":
        """Opens the store, or makes it: takes its lock, checks it, brings its layout up to date.

        Args:
            path: the database; its directory is made.
            migrations: the layout; by default this version's.

        Raises:
            StoreInUse: another process has it.
            StoreDamaged: its file is damaged.
            StoreNewer: a later version wrote it.
            DiskError: the disk is full or cannot be written.
            StoreError: it is some other program's database.
        """
        opening = asyncio.ensure_future(
            asyncio.to_thread(open_database, path, shipped() if migrations is None else migrations)
        )
        try:
            opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread cannot be stopped, and what it opens has to be closed before anybody else can have it.
            await asyncio.wait([opening])
            if opening.exception() is None:
                opening.result().close()
            raise
        readers: list[sqlite3.Connection] = []
        try:
            for _ in range(READERS):
                readers.append(open_reader(path))
        except sqlite3.Error as error:
            for reader in readers:
                reader.close()
            opened.close()
            raise explained(error, path) from error
        return cls(opened, readers)

    def submit(self, work: Work[T]) -> "asyncio.Future[T]":
        """See `Storage`."""
        return self._submit(work)

    def _submit(self, work: Work[T], *, alone: bool = False) -> "asyncio.Future[T]":
        if self._closing is not None:
            raise StoreClosed(f"the store {self.path} is closed")
        if self._writing >= MAX_WAITING:
            raise QueueFull(f"{MAX_WAITING} writes wait for the store {self.path}")
        self._writing += 1
        future: asyncio.Future[T] = self._loop.create_future()
        self._to_write.put(_Request(work, future, alone))
        return future

    async def write(self, work: Work[T]) -> T:
        """See `Storage`."""
        return await self.submit(work)

    async def read(self, work: Work[T]) -> T:
        """See `Storage`."""
        if self._closing is not None:
            raise StoreClosed(f"the store {self.path} is closed")
        if self._reading >= MAX_WAITING:
            raise QueueFull(f"{MAX_WAITING} reads wait for the store {self.path}")
        self._reading += 1
        future: asyncio.Future[T] = self._loop.create_future()
        self._to_read.put(_Request(work, future))
        return await future

    async def scrub(self) -> None:
        """See `Storage`."""
        await self._submit(scrub, alone=True)

    async def aclose(self) -> None:
        """Does what still waits, then closes; again waits for the same."""
        if self._closing is None:
            self._to_write.put(None)
            for _ in range(READERS):
                self._to_read.put(None)
            self._closing = asyncio.ensure_future(asyncio.to_thread(self._join))
        await asyncio.shield(self._closing)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()
        self._opened.close()

    def _settle_writes(self, outcomes: Sequence[_Outcome], durable: int, commits: int) -> None:
        self._writing -= len(outcomes)
        self.writes += durable
        self.commits += commits
        _settle(outcomes)

    def _settle_read(self, outcome: _Outcome) -> None:
        self._reading -= 1
        _settle([outcome])

    def _write_all(self) -> None:
        connection = self._opened.connection
        moved = connection.total_changes
        ending = False
        while not ending:
            batch = [request] if (request := self._to_write.get()) is not None else []
            ending = request is None
            while batch and not ending and len(batch) < BATCH and not batch[-1].alone:
                try:
                    request = self._to_write.get_nowait()
                except queue.Empty:
                    break
                if request is None:
                    ending = True
                else:
                    batch.append(request)
            if not batch:
                continue
            waiting, outcomes, commits, durable = deque(batch), list[_Outcome](), 0, 0
            alone = waiting.pop() if waiting[-1].alone else None
            while waiting:
                done = _transaction(connection, waiting, self.path)
                commits += any(one.error is None for one in done)
                outcomes += done
            durable = sum(one.error is None for one in outcomes)
            if alone is not None:
                outcomes.append(_by_itself(connection, alone, self.path))
            if not self._tell(self._settle_writes, outcomes, durable, commits):
                return
            unmoved = connection.total_changes - moved
            if unmoved >= 10 * _CHECKPOINT_IDLE or (unmoved >= _CHECKPOINT_IDLE and self._to_write.empty()):
                moved = connection.total_changes
                _checkpoint(connection)

    def _read_all(self, connection: sqlite3.Connection) -> None:
        try:
            while (request := self._to_read.get()) is not None:
                if not self._tell(self._settle_read, _looked_up(connection, request, self.path)):
                    return
                del request
        finally:
            connection.close()

    def _tell(self, settle: Callable[..., None], *outcome: object) -> bool:
        try:
            self._loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:
            # The event loop ended without `aclose`: nobody is left to be told.
            return False
        return True


def _settle(outcomes: Sequence[_Outcome]) -> None:
    for outcome in outcomes:
        if outcome.future.done():
            continue  # cancelled
        if outcome.error is not None:
            outcome.future.set_exception(outcome.error)
        else:
            outcome.future.set_result(outcome.value)


def _transaction(connection: sqlite3.Connection, waiting: deque[_Request], path: Path) -> list[_Outcome]:
    """Takes requests off `waiting` and commits them as one; stops early where SQLite gives the transaction up."""
    kept: list[_Outcome] = []
    refused: list[_Outcome] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        while waiting:
            request = waiting.popleft()
            outcome = _Outcome(request.future)
            if request.future.cancelled():
                refused.append(outcome)
                continue
            kept.append(outcome)
            connection.execute("SAVEPOINT work")
            try:
                outcome.value = request.work(connection)
            except Exception as error:
                if not connection.in_transaction:
                    raise
                connection.execute("ROLLBACK TO work")
                outcome.error = explained(error, path) if isinstance(error, sqlite3.Error) else error
                refused.append(kept.pop())
            connection.execute("RELEASE work")
        connection.execute("COMMIT")
    except Exception as error:
        with suppress(sqlite3.Error):
            # Where the disk fails, SQLite has often rolled back by itself, or does so with the next BEGIN.
            connection.execute("ROLLBACK")
        why = explained(error, path) if isinstance(error, sqlite3.Error) else error
        if not kept:
            kept = [_Outcome(request.future) for request in waiting]
            waiting.clear()
        for outcome in kept:
            outcome.error = why
    return kept + refused


def _by_itself(connection: sqlite3.Connection, request: _Request, path: Path) -> _Outcome:
    outcome = _Outcome(request.future)
    if not request.future.cancelled():
        try:
            outcome.value = request.work(connection)
        except Exception as error:
            outcome.error = explained(error, path) if isinstance(error, sqlite3.Error) else error
    return outcome


def scrub(connection: sqlite3.Connection) -> None:
    """Writes a database anew, and empties its log.

    Free pages are zeroed when they become free (secure_delete), but what moves from page to page is not: VACUUM leaves
    nothing of it, and the checkpoint nothing in the log (https://www.sqlite.org/pragma.html#pragma_secure_delete).

    Args:
        connection: that of the writer, in no transaction.

    Raises:
        sqlite3.Error: the disk is full or cannot be written.
        DiskError: another program reads the store.
    """
    connection.execute("PRAGMA temp_store = FILE")
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store = MEMORY")
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise DiskError("another program reads the store, so its log cannot be emptied: end it")


def _looked_up(connection: sqlite3.Connection, request: _Request, path: Path) -> _Outcome:
    outcome = _Outcome(request.future)
    if request.future.cancelled():
        return outcome
    try:
        connection.execute("BEGIN")
        outcome.value = request.work(connection)
    except sqlite3.Error as error:
        outcome.error = explained(error, path)
    except Exception as error:
        outcome.error = error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return outcome


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Moves what the log holds into the database; where the disk refuses, the log goes on growing until it does not."""
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except sqlite3.Error:
        return


@asynccontextmanager
async def open_store(path: Path) -> AsyncIterator[Store]:
    """The store, closed at the end.

    Raises:
        StoreError: see `Store.open`; also when a step of its layout fails.
    """
    try:
        store = await Store.open(path)
    except sqlite3.Error as error:
        raise StoreError(f"the store {path} cannot be brought to this version's layout: {error}") from error
    try:
        yield store
    finally:
        await store.aclose()
