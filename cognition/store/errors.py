"""What goes wrong with a store: one line each, which says what to do."""

import sqlite3
from pathlib import Path

__all__ = [
    "DiskError",
    "QueueFull",
    "StoreClosed",
    "StoreDamaged",
    "StoreError",
    "StoreInUse",
    "StoreNewer",
    "explained",
]

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DISK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


class StoreError(Exception):
    """The store cannot do it; the message is one line for people."""


class StoreDamaged(StoreError):
    """The file is no longer a sound database."""


class StoreNewer(StoreError):
    """The file was written by a later version of this program."""


class StoreInUse(StoreError):
    """Another process has this store."""


class StoreClosed(StoreError):
    """The store was closed, or is closing."""


class DiskError(StoreError):
    """The disk is full, cannot be written, or fails; the same may work later."""


class QueueFull(StoreError):
    """As many writes or reads wait as may; nothing of this one was done."""


def explained(error: sqlite3.Error, path: Path) -> Exception:
    """What SQLite says, for people; an error that is the caller's own (a constraint, bad SQL) is returned as it is.

    Args:
        error: as SQLite raised it.
        path: the database.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return error
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_BUSY:
        return DiskError(f"another program writes to the store {path}: end it")
    if primary in _DAMAGED:
        return StoreDamaged(
            f"the store {path} is damaged ({error}): `continuum restore BACKUP` brings a backup back"
        )
    if primary not in _DISK:
        return error
    if primary == sqlite3.SQLITE_FULL:
        return DiskError(f"the disk of the store {path} is full: make room there")
    if primary == sqlite3.SQLITE_READONLY or primary == sqlite3.SQLITE_CANTOPEN:
        return DiskError(
            f"the store {path} cannot be written ({error}): make its disk and directory writable"
        )
    return DiskError(f"the disk of the store {path} fails ({error}): see the system's log")
