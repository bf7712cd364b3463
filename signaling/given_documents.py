"""Which files and folders the personas may know: those of the settings, and those given by `continuum documents`."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import structlog
from watchfiles import awatch

from cognition.rag.documents.library import Folder
from cognition.store.connection import open_reader
from cognition.store.documents import Summary, documents, summaries
from cognition.store.errors import explained
from signaling.errors import UserError
from signaling.server.names import valid_room
from signaling.settings import Settings
from signaling.store_commands import for_people

__all__ = ["GivenDocuments", "given_documents", "shelf_lines"]

LOOK_AGAIN_MS = 60_000
"""After which the list is read again although nothing was noticed."""

_log = structlog.get_logger()


class GivenDocuments:
    """The folders of a server. What is added or removed is in a file, which a running server follows.

    Args:
        settings: those that the settings name; no command removes them.
        directory: where the file of the others is, alone; made at the first.
    """

    def __init__(self, settings: Sequence[Folder], directory: Path) -> None:
        self._settings = tuple(Folder(_absolute(folder.path), folder.room) for folder in settings)
        self._directory = directory
        self._file = directory / "given.json"

    def folders(self) -> tuple[Folder, ...]:
        """All of them, each once; what in the file is none is logged and left out.

        Raises:
            UserError: the file cannot be read.
        """
        return tuple(dict.fromkeys((*self._settings, *self._added())))

    def add(self, path: Path, room: str) -> str:
        """Gives a file or folder, for one room or, where that is empty, for all.

        Returns:
            What was done.

        Raises:
            UserError: it is not there, the room is none, it was given already, or the list cannot be written.
        """
        folder = Folder(_absolute(path), room)
        if room and not valid_room(room):
            raise UserError(f"{room!r} is no name of a room")
        if not folder.path.exists():
            raise UserError(f"there is nothing at {folder.path}")
        if folder in self.folders():
            raise UserError(f"{folder.path} is given already{f' for the room {room}' if room else ''}")
        self._keep([*self._added(), folder])
        where = f"for the room {room}" if room else "for every room"
        return f"{folder.path}: given {where}; a running server reads it now"

    def remove(self, path: Path, room: str | None) -> str:
        """Takes a file or folder back; without a room, wherever it was given.

        Returns:
            What was done.

        Raises:
            UserError: it was not given so, or it is named in the settings.
        """
        whole = _absolute(path)

        def meant(folder: Folder) -> bool:
            return folder.path == whole and room in (None, folder.room)

        added = self._added()
        if any(map(meant, self._settings)):
            raise UserError(f"{whole} is named in the settings (documents): take it out there")
        if not any(map(meant, added)):
            raise UserError(f"{whole} was not given: `continuum documents list` shows what was")
        self._keep([folder for folder in added if not meant(folder)])
        return f"{whole}: taken back; a running server forgets it now"

    async def follow(self, give: Callable[[Collection[Folder]], None]) -> None:
        """Tells what there is, at once and whenever it has changed; until cancelled."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        told: tuple[Folder, ...] | None = None
        watching = awatch(
            self._directory, watch_filter=None, yield_on_timeout=True, rust_timeout=LOOK_AGAIN_MS
        )
        async with contextlib.aclosing(watching):
            while True:
                folders: tuple[Folder, ...] | None
                try:
                    folders = self.folders()
                except UserError as error:
                    # Nothing is taken for given, nor for taken back.
                    _log.warning("list of documents", reason=str(error))
                    folders = told
                if folders is not None and folders != told:
                    give(folders)
                    told = folders
                await anext(watching)

    def _added(self) -> list[Folder]:
        try:
            said = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise UserError(f"the list {self._file} cannot be read ({error}): mend or remove it") from error
        if not isinstance(said, list):
            raise UserError(f"the list {self._file} is none: mend or remove it")
        return [folder for each in said if (folder := _folder(each)) is not None]

    def _keep(self, folders: Sequence[Folder]) -> None:
        text = json.dumps([{"path": str(folder.path), "room": folder.room} for folder in folders], indent=1)
        fresh = self._file.with_name(f".given.{os.getpid()}")
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.write_text(f"{text}\n", "utf-8")
            fresh.replace(self._file)
        except OSError as error:
            raise UserError(f"{self._file} cannot be written: {error.strerror}") from error
        finally:
            fresh.unlink(missing_ok=True)


def given_documents(settings: Settings) -> GivenDocuments:
    """Those of a server with these settings."""
    named = [Folder(each.path, each.room) for each in settings.documents]
    return GivenDocuments(named, settings.documents_dir)


def shelf_lines(store: Path, given: Sequence[Folder], *, each: bool) -> Iterator[str]:
    """What is known of what was given, for people; a server may run with the store.

    Args:
        store: the database.
        given: what was given.
        each: every file, with why it was refused.

    Raises:
        UserError: the store is damaged, or newer.
    """
    known: dict[tuple[str, str], Summary] = {}
    refused: dict[tuple[str, str], list[str]] = {}
    with for_people():
        if store.exists():
            try:
                with contextlib.closing(open_reader(store)) as connection:
                    known = {(one.path, one.room): one for one in summaries(connection)}
                    for key in known if each else ():
                        refused[key] = [
                            f"    {one.path or one.title}: {one.refused or f'{one.size / 1e3:.0f} kB'}"
                            for one in documents(connection, *key)
                        ]
            except sqlite3.Error as error:
                raise explained(error, store) from error
    for folder in given:
        key = str(folder.path), folder.room
        where = f"the room {folder.room}" if folder.room else "every room"
        one = known.get(key)
        if one is None:
            yield f"{folder.path} ({where}): not read yet"
            continue
        reasons = ", ".join(f"{count} {reason}" for reason, count in one.refused)
        yield (
            f"{folder.path} ({where}): {one.documents} documents, {one.passages} passages"
            f"{f'; refused: {reasons}' if reasons else ''}"
        )
        yield from refused.get(key, ())


def _folder(said: Any) -> Folder | None:
    if isinstance(said, dict) and isinstance(said.get("path"), str) and isinstance(said.get("room"), str):
        path = Path(said["path"])
        if path.is_absolute() and (not said["room"] or valid_room(said["room"])):
            return Folder(path, said["room"])
    _log.warning("no folder in the list of documents", said=repr(said)[:200])
    return None


def _absolute(path: Path) -> Path:
    """Where it is, symbolic links on the way there followed once, now."""
    return path.expanduser().resolve()
