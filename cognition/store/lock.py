"""One process a store: an advisory lock that is held for life and ends with the process, however it ends."""

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import BinaryIO

from cognition.store.errors import DiskError, StoreInUse

__all__ = ["StoreLock"]

_POLL = 0.02


class StoreLock:
    """Holds a store from construction to `release`.

    SQLite's own locks do not do: they are held for a transaction, and two minds would take turns with one store.

    Args:
        path: the database; the lock is a file beside it.
        patience: seconds to wait for a process that is just ending.

    Raises:
        StoreInUse: another process has it.
        DiskError: the file beside it cannot be made.
    """

    def __init__(self, path: Path, *, patience: float = 2.0) -> None:
        beside = path.with_name(path.name + ".lock")
        try:
            self._file: BinaryIO = beside.open("ab")
        except OSError as error:
            raise DiskError(
                f"the store {path} cannot be written ({error.strerror}): make its disk and directory writable"
            ) from error
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                busy = error.errno in (errno.EAGAIN, errno.EACCES)
                if busy and time.monotonic() < deadline:
                    time.sleep(_POLL)
                    continue
                self._file.close()
                if busy:
                    raise StoreInUse(
                        f"another process has the store {path}: end it, or set another place with CONTINUUM_STORE_DIR"
                    ) from error
                raise DiskError(f"the store {path} cannot be locked ({error.strerror})") from error
        os.set_inheritable(self._file.fileno(), False)

    def release(self) -> None:
        """Lets others have it; again does nothing."""
        self._file.close()
