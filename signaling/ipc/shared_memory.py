"""Files of shared memory in the run directory: made by one process, mapped by both.

The buffer of a `SharedFile` is what a ring is laid out in (`AudioRing.format`, `AudioRing.attach`).
"""

import mmap
import os
import secrets
import stat
from pathlib import Path

__all__ = ["SharedFile", "SharedFileError"]

MAX_BYTES = 64 << 20
ZEROS_BYTES = 1 << 20


class SharedFileError(Exception):
    """A file that cannot be made, or is not one that the other process made for us."""


def _reserve(descriptor: int, nbytes: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, nbytes)
        return
    # macOS has no such call: pages that are written are there.
    zeros = memoryview(bytes(min(nbytes, ZEROS_BYTES)))
    written = 0
    while written < nbytes:
        written += os.pwrite(descriptor, zeros[: nbytes - written], written)


class SharedFile:
    """A mapped file of a fixed size.

    Attributes:
        path: where it lies; what the other process is told.
        buffer: the mapping, readable and writable. Views of it keep the memory alive after `close`.
    """

    def __init__(self, path: Path, mapping: mmap.mmap) -> None:
        self.path = path
        self._mapping: mmap.mmap | None = mapping

    @property
    def buffer(self) -> mmap.mmap:
        """The mapping.

        Raises:
            SharedFileError: after `close`.
        """
        if self._mapping is None:
            raise SharedFileError(f"{self.path} is closed")
        return self._mapping

    @classmethod
    def create(cls, directory: Path, nbytes: int) -> "SharedFile":
        """Makes `*.ring` in `directory`, zeroed, readable by this user alone, its pages reserved.

        Raises:
            SharedFileError: when there is no room for it, or `nbytes` is out of bounds.
        """
        if not 0 < nbytes <= MAX_BYTES:
            raise SharedFileError(f"a shared file holds 1 to {MAX_BYTES} bytes, not {nbytes}")
        path = directory / f"{secrets.token_hex(12)}.ring"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SharedFileError(f"cannot make {path}: {error}") from error
        try:
            # Reserved now: a full /dev/shm is an error here instead of a SIGBUS at the first write.
            _reserve(descriptor, nbytes)
            return cls(path, mmap.mmap(descriptor, nbytes))
        except (OSError, ValueError) as error:
            path.unlink(missing_ok=True)
            raise SharedFileError(f"cannot reserve {nbytes} bytes in {directory}: {error}") from error
        finally:
            os.close(descriptor)

    @classmethod
    def open(cls, path: Path) -> "SharedFile":
        """Maps a file that the other process made.

        Raises:
            SharedFileError: when it is not there, no regular file of this user, or of a size out of bounds.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            raise SharedFileError(f"cannot open {path}: {error}") from error
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise SharedFileError(f"{path} is no regular file of this user")
            if not 0 < status.st_size <= MAX_BYTES:
                raise SharedFileError(f"{path} has {status.st_size} bytes, not 1 to {MAX_BYTES}")
            return cls(path, mmap.mmap(descriptor, status.st_size))
        except (OSError, ValueError) as error:
            raise SharedFileError(f"cannot map {path}: {error}") from error
        finally:
            os.close(descriptor)

    def unlink(self) -> None:
        """Removes the name; whoever has it mapped keeps the memory. The maker's duty, once."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Lets go of the mapping; the memory goes back with the last view of it."""
        self._mapping = None
