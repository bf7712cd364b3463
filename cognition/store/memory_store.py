"""A store in memory, for tests: the same layout, work done at once, no thread, so that it goes with virtual time."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from cognition.store.connection import connect
from cognition.store.errors import StoreClosed
from cognition.store.schema import Migration, migrate, shipped

__all__ = ["MemoryStore"]

T = TypeVar("T")


class MemoryStore:
    """A `Storage` whose database ends with it."""

    def __init__(self, *, migrations: Sequence[Migration] | None = None) -> None:
        self._connection: sqlite3.Connection | None = connect(":memory:")
        migrate(self._connection, shipped() if migrations is None else migrations, Path(":memory:"))

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """See `Storage`; done when it returns."""
        connection = self._open()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        connection.execute("BEGIN")
        try:
            value = work(connection)
        except Exception as error:
            connection.execute("ROLLBACK")
            future.set_exception(error)
        else:
            connection.execute("COMMIT")
            future.set_result(value)
        return future

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """See `Storage`."""
        return await self.submit(work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """See `Storage`."""
        connection = self._open()
        connection.execute("PRAGMA query_only = ON")
        try:
            return work(connection)
        finally:
            connection.execute("PRAGMA query_only = OFF")

    async def scrub(self) -> None:
        """See `Storage`; there is neither file nor log."""
        self._open()

    async def aclose(self) -> None:
        """Forgets everything; again does nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreClosed("the store is closed")
        return self._connection
