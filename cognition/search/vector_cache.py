"""Vectors that were computed once, on the disk, by model and text; nothing depends on it being there."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_VECTORS", "VectorCache", "digest"]

MAX_VECTORS = 200_000
"""Kept at most; the oldest go."""

_AT_ONCE = 500
_LAYOUT = """
CREATE TABLE IF NOT EXISTS vector (
    at INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, numbers BLOB NOT NULL
) STRICT
"""


def digest(model: str, text: str) -> bytes:
    """The key of a text's vector; the text cannot be read from it."""
    return blake2b(
        text.encode("utf-8", "surrogatepass"), digest_size=16, key=blake2b(model.encode()).digest()
    ).digest()


class VectorCache:
    """An SQLite file; blocks, and is used by one thread at a time.

    Attributes:
        started_over: why an older file was thrown away when this one was opened; "" if it was not.

    Args:
        path: the file; made with its directory. A damaged one is removed and begun anew.
        dimensions: of the vectors; those of another length are as if not there.
        limit: vectors kept at most.

    Raises:
        sqlite3.Error, OSError: the disk is full or cannot be written.
    """

    def __init__(self, path: Path, *, dimensions: int, limit: int = MAX_VECTORS) -> None:
        self.started_over = ""
        self._path = path
        self._bytes = 4 * dimensions
        self._limit = limit
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = _opened(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self.started_over = str(error)
            for ending in ("", "-wal", "-shm", "-journal"):
                path.with_name(path.name + ending).unlink(missing_ok=True)
            self._connection = _opened(path)
        (self._count,) = self._connection.execute("SELECT count(*) FROM vector").fetchone()

    def __len__(self) -> int:
        return int(self._count)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, npt.NDArray[np.float32]]:
        """Vectors of the keys that are there.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        found: dict[bytes, npt.NDArray[np.float32]] = {}
        for some in _parts(keys):
            marks = ", ".join("?" * len(some))
            for key, numbers in self._connection.execute(
                f"SELECT key, numbers FROM vector WHERE key IN ({marks})", some
            ):
                if len(numbers) == self._bytes:
                    found[key] = np.frombuffer(numbers, np.float32)
        return found

    def put(self, vectors: Mapping[bytes, npt.NDArray[np.float32]]) -> None:
        """Keeps vectors; the oldest go where there are too many.

        Raises:
            sqlite3.Error: the disk is full or cannot be written; nothing of it is kept.
        """
        with self._connection:
            self._connection.execute("BEGIN")
            before = self._connection.total_changes
            self._connection.executemany(
                "INSERT OR IGNORE INTO vector (key, numbers) VALUES (?, ?)",
                [(key, vector.tobytes()) for key, vector in vectors.items()],
            )
            added = self._connection.total_changes - before
            surplus = max(0, self._count + added - self._limit)
            if surplus:
                self._connection.execute(
                    "DELETE FROM vector WHERE at IN (SELECT at FROM vector ORDER BY at LIMIT ?)", (surplus,)
                )
        self._count += added - surplus

    def forget(self, keys: Iterable[bytes]) -> None:
        """Removes vectors, in the file as well as in its log.

        Raises:
            sqlite3.Error: the disk cannot be written.
        """
        with self._connection:
            self._connection.execute("BEGIN")
            before = self._connection.total_changes
            self._connection.executemany("DELETE FROM vector WHERE key = ?", [(key,) for key in keys])
            removed = self._connection.total_changes - before
        self._count -= removed
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def clear(self) -> None:
        """Removes all vectors, in the file as well as in its log.

        Raises:
            sqlite3.Error: the disk cannot be written.
        """
        self._connection.execute("DELETE FROM vector")
        self._count = 0
        self._connection.execute("VACUUM")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Closes the file; again does nothing."""
        self._connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # Whatever a crash takes of it is computed again.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA secure_delete = ON")
        with closing(connection.execute("PRAGMA quick_check(1)")) as said:
            if said.fetchone() != ("ok",):
                raise sqlite3.DatabaseError(f"{path} is damaged")
        connection.execute(_LAYOUT)
        connection.execute("SELECT at, key, numbers FROM vector LIMIT 1").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _parts(keys: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    return (keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE))
