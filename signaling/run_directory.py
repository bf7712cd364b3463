"""The directory both children share while they run: in memory where that can be had, gone afterwards."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["base_directory", "remove_stale", "run_directory"]

_PREFIX = "continuum-run-"
_LOCK = "supervisor.lock"
_SETTLED_S = 60.0


def base_directory() -> Path:
    """Where run directories are made: `/dev/shm` if it can be written, else the place of temporary files."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK):
        return memory
    return Path(tempfile.gettempdir())


@contextmanager
def run_directory(base: Path) -> Iterator[Path]:
    """A new private directory below `base`, removed at the end; those of dead supervisors go first."""
    remove_stale(base)
    # It gets the name under which others look for stale ones only once it is locked.
    unnamed = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=base))
    with (unnamed / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        directory = unnamed.rename(unnamed.with_name(unnamed.name.removeprefix(".")))
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def remove_stale(base: Path) -> list[Path]:
    """Removes this user's run directories whose supervisor is gone: nobody holds their lock.

    Returns:
        Those that were removed.
    """
    removed: list[Path] = []
    for directory in (*base.glob(f"{_PREFIX}*"), *base.glob(f".{_PREFIX}*")):
        try:
            if directory.is_symlink() or directory.stat().st_uid != os.getuid():
                continue
            # Without a lock it is being made or removed right now, or whoever did so died in the middle of it.
            age_s = time.time() - directory.stat().st_mtime
            if not (directory / _LOCK).exists() and age_s < _SETTLED_S:
                continue
            with (directory / _LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory)
                removed.append(directory)
        except (BlockingIOError, FileNotFoundError):
            # Alive, or another start was quicker.
            continue
    return removed
