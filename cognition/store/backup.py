"""Copies of the store: made while it is in use, put back while it is not, and never over something that is not kept."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cognition.store.connection import check, connect, make_durable, open_reader
from cognition.store.errors import DiskError, StoreDamaged, StoreError, StoreNewer, explained
from cognition.store.lock import StoreLock
from cognition.store.schema import applied, shipped

__all__ = ["Inspection", "back_up", "inspect", "restore"]

_LOG_FILES = ("-wal", "-shm")
_AGAIN = ("", *(f"-{number}" for number in range(2, 1000)))
"""For names within one second."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a store is found to be.

    Attributes:
        size: bytes.
        events: entries of its timeline.
        pending: migrations it has yet to have.
    """

    size: int
    events: int
    pending: int


def inspect(path: Path) -> Inspection:
    """Looks whether a database is a sound store of this version or an earlier one; it may be in use.

    Raises:
        StoreError: there is none, it is damaged, of a newer version, or no store.
    """
    if not path.is_file():
        raise StoreError(f"there is no store at {path}")
    with _for_people(path), contextlib.closing(open_reader(path)) as connection:
        had = applied(connection, path)
        known = {one.number for one in shipped()}
        if had - known:
            raise StoreNewer(f"the store {path} is of a newer version: update before it is used")
        wrong = check(connection)
        if wrong is not None:
            raise StoreDamaged(f"the store {path} is damaged ({wrong})")
        (events,) = connection.execute("SELECT count(*) FROM event").fetchone() if had else (0,)
    return Inspection(path.stat().st_size, int(events), len(known - had))


def back_up(path: Path, target: Path, *, now: datetime | None = None) -> Path:
    """Copies a store as it is at one moment; it may be in use, and is not held up.

    Args:
        path: the store.
        target: a file that is not there yet, or a directory.
        now: UTC, for the name in a directory.

    Returns:
        The copy: one file, sound, on the disk.

    Raises:
        StoreError: there is no store, it is damaged, or something is at the target; nothing is left there.
        DiskError: the target cannot be written.
    """
    if not path.is_file():
        raise StoreError(f"there is no store at {path}")
    if target.is_dir():
        target = target / f"continuum-{now or datetime.now(UTC):%Y%m%dT%H%M%S}Z.db"
    if target.exists():
        raise StoreError(f"{target} is there already: give another name")
    partial = target.with_name(target.name + ".partial")
    try:
        with _for_people(target):
            _copy(path, partial)
            partial.rename(target)
            _sync(target.parent)
    finally:
        for file in (partial, *_logs(partial)):
            file.unlink(missing_ok=True)
    return target


def restore(path: Path, backup: Path, *, now: datetime | None = None) -> Path | None:
    """Puts a copy in the store's place; what was there is kept beside it. Killed at any moment, one of them is there.

    Args:
        path: the store.
        backup: a copy that `back_up` made.
        now: UTC, for the name of what was there.

    Returns:
        Where that is kept; None if there was nothing.

    Raises:
        StoreInUse: a server runs with it.
        StoreError: the backup is no sound store of this version or an earlier one; nothing has changed.
        DiskError: the disk is full or cannot be written; nothing has changed.
    """
    try:
        blank = inspect(backup).pending == len(shipped())
    except StoreDamaged as error:
        raise StoreDamaged(f"{backup} is no sound backup: give another one") from error
    if blank:
        raise StoreError(f"{backup} is empty: give another one")
    with _for_people(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = StoreLock(path)
        fresh = path.with_name(path.name + ".restoring")
        try:
            fresh.unlink(missing_ok=True)
            _copy(backup, fresh)
            kept = _set_aside(path, f"{now or datetime.now(UTC):%Y%m%dT%H%M%S}Z")
            fresh.rename(path)
            _sync(path.parent)
        finally:
            for file in (fresh, *_logs(fresh)):
                file.unlink(missing_ok=True)
            lock.release()
    return kept


def _copy(source: Path, target: Path) -> None:
    """Copies by SQLite's online backup, in one step: one moment of the source, however much is written meanwhile."""
    target.touch(mode=0o600)
    with contextlib.closing(open_reader(source)) as reading, contextlib.closing(connect(target)) as writing:
        reading.backup(writing)
        wrong = check(writing)
        if wrong is not None:
            raise StoreDamaged(f"{source} is damaged ({wrong}): it cannot be copied")
        # What was copied is in the file, and not in a log beside it.
        writing.execute("PRAGMA journal_mode = DELETE")
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _set_aside(path: Path, stamp: str) -> Path | None:
    """Keeps the store, whole, under another name; until it is replaced it stays under its own as well."""
    if not path.exists():
        return None
    names = (f"{path.stem}-before-restore-{stamp}{again}{path.suffix}" for again in _AGAIN)
    kept = next(each for each in map(path.with_name, names) if not each.exists())
    if _log_moved(path):
        os.link(path, kept)
    else:
        # It is damaged, and nobody can tell what its log is worth: both are kept as they are.
        for log, kept_log in zip(_logs(path), _logs(kept), strict=True):
            if log.exists():
                shutil.copy2(log, kept_log)
        os.link(path, kept)
    for log in _logs(path):
        log.unlink(missing_ok=True)
    _sync(path.parent)
    return kept


def _log_moved(path: Path) -> bool:
    """Moves what the log of a store holds into its file; False if it is damaged."""
    try:
        with contextlib.closing(connect(path)) as connection:
            make_durable(connection)
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise StoreError(f"another program reads {path}: end it first")
    except sqlite3.Error as error:
        if isinstance(why := explained(error, path), StoreDamaged):
            return False
        raise why from error
    return True


def _logs(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in _LOG_FILES]


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _for_people(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise explained(error, path) from error
    except OSError as error:
        raise DiskError(f"{path} cannot be written: {error.strerror}") from error
