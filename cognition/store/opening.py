"""Opening the database: its place, its lock, whether it is sound, its layout."""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cognition.store.connection import check, connect, make_durable
from cognition.store.errors import DiskError, StoreDamaged, explained
from cognition.store.lock import StoreLock
from cognition.store.schema import Migration, applied, migrate

__all__ = ["Opened", "open_database"]


@dataclass(frozen=True, slots=True)
class Opened:
    """The database with its lock; `connection` is the one that writes."""

    path: Path
    lock: StoreLock
    connection: sqlite3.Connection

    def close(self) -> None:
        """Closes both, the lock last."""
        try:
            self.connection.close()
        finally:
            self.lock.release()


def open_database(path: Path, migrations: Sequence[Migration]) -> Opened:
    """Opens the database or makes it; blocks, for as long as reading it once takes.

    Raises:
        StoreError: see `Store.open`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DiskError(f"the directory of the store {path} cannot be made ({error.strerror})") from error
    lock = StoreLock(path)
    try:
        return Opened(path, lock, _connection(path, migrations))
    except sqlite3.Error as error:
        lock.release()
        raise explained(error, path) from error
    except BaseException:
        lock.release()
        raise


def _connection(path: Path, migrations: Sequence[Migration]) -> sqlite3.Connection:
    _make_private(path)
    connection = connect(path)
    try:
        applied(connection, path)
        wrong = check(connection)
        if wrong is not None:
            raise StoreDamaged(
                f"the store {path} is damaged ({wrong}): `continuum restore BACKUP` brings a backup back"
            )
        make_durable(connection)
        migrate(connection, migrations, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_private(path: Path) -> None:
    """Makes the file so that only its owner can read it, and its name durable; SQLite's own files follow its mode."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise DiskError(
            f"the store {path} cannot be made ({error.strerror}): make its disk and directory writable"
        ) from error
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
