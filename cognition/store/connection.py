"""Connections to the database, and the pragmas that say how durable it is."""

import sqlite3
from pathlib import Path

__all__ = ["check", "connect", "make_durable", "open_reader"]

_BUSY_S = 5.0
_CACHE_KIB = 16 << 10
_AUTO_CHECKPOINT = 10_000
"""Pages in the write-ahead log after which SQLite moves them itself; the store does so earlier, between commits."""


def connect(path: Path | str) -> sqlite3.Connection:
    """A connection in autocommit mode, which makes the database if there is none.

    Raises:
        sqlite3.Error: it can be neither opened nor made.
    """
    return _prepared(sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False))


def make_durable(connection: sqlite3.Connection) -> None:
    """From now on a commit returns once its pages in the write-ahead log are on the disk.

    With synchronous=NORMAL the last commits would be lost with the machine's power
    (https://www.sqlite.org/pragma.html#pragma_synchronous); fullfsync is the same for macOS.

    Raises:
        sqlite3.Error: the disk is full or cannot be written.
    """
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_AUTO_CHECKPOINT}")


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that neither makes a database nor writes.

    It is opened for writing all the same, as whoever reads a write-ahead log has a part in its index.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = _prepared(
        sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            timeout=_BUSY_S,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    # SQLite's own lower() knows no letters but those of ASCII.
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    return connection


def check(connection: sqlite3.Connection) -> str | None:
    """The first thing that is wrong with the database's structure; None for none (quick_check)."""
    (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    return None if said == "ok" else str(said).splitlines()[-1]
