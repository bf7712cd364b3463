"""The seam to whoever notices that files have changed; a fake beside it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from watchfiles import awatch
from watchfiles.main import FileChange

__all__ = ["FakeWatcher", "FileWatcher", "Watcher"]

LOOK_AGAIN_MS = 600_000
"""After which all is looked through although nothing was noticed: what cannot be watched, or was not there."""


class Watcher(Protocol):
    """Notices changes of files."""

    def changes(self, paths: Collection[Path]) -> AsyncIterator[frozenset[Path]]:
        """What has changed, as often as something has; empty: it may be anything.

        Args:
            paths: files and folders, with all that is in them; those that are not there are left out.

        Raises:
            OSError: they cannot be watched; so does RuntimeError where the system's interface fails.
        """
        ...


class FileWatcher:
    """Is told by the operating system (inotify, FSEvents, ReadDirectoryChangesW)."""

    async def changes(self, paths: Collection[Path]) -> AsyncIterator[frozenset[Path]]:
        """See `Watcher`."""
        again = False
        while True:
            there = {path for path in paths if path.exists()}
            if not there:
                await asyncio.sleep(LOOK_AGAIN_MS / 1000)
                yield frozenset()
                continue
            watching = awatch(
                *there,
                watch_filter=None,
                rust_timeout=LOOK_AGAIN_MS,
                yield_on_timeout=True,
                ignore_permission_denied=True,
            )
            async with aclosing(watching):
                coming = asyncio.create_task(_next(watching))
                try:
                    # At its first turn it begins to watch.
                    await asyncio.sleep(0)
                    if again:
                        # What changed while nobody watched.
                        yield frozenset()
                    while True:
                        changed = await coming
                        yield frozenset(Path(path) for _, path in changed)
                        # What was replaced by another of its name has to be watched anew.
                        again = any(map(Path.is_file, there)) or there != {p for p in paths if p.exists()}
                        if again:
                            break
                        coming = asyncio.create_task(_next(watching))
                finally:
                    coming.cancel()
                    await asyncio.wait([coming])


async def _next(watching: AsyncGenerator[set[FileChange]]) -> set[FileChange]:
    return await anext(watching)


class FakeWatcher:
    """Notices what it is told."""

    def __init__(self) -> None:
        self.watched: frozenset[Path] = frozenset()
        self.error: OSError | None = None
        self._changed: asyncio.Queue[frozenset[Path]] = asyncio.Queue()

    async def change(self, *paths: Path) -> None:
        """These have changed; returns once whoever watches has taken it in."""
        self._changed.put_nowait(frozenset(paths))
        await self._changed.join()

    async def changes(self, paths: Collection[Path]) -> AsyncIterator[frozenset[Path]]:
        """See `Watcher`."""
        self.watched = frozenset(paths)
        if self.error is not None:
            raise self.error
        while True:
            changed = await self._changed.get()
            try:
                yield changed
            finally:
                self._changed.task_done()
