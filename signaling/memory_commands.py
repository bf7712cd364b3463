"""What `continuum memory show, export, correct, forget` do, with the server that runs here or on a store at rest."""

import asyncio
import contextlib
import getpass
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from cognition.memory.recall import FakeRecall
from cognition.memory.recollecting import shown_of
from cognition.memory.self_service import MAX_KNOWN, NoSuchMemory, SelfService, export_of, known_of
from cognition.search.index import IndexFailed
from cognition.store import memories
from cognition.store.backup import inspect
from cognition.store.connection import open_reader
from cognition.store.errors import StoreError, StoreInUse, explained
from cognition.store.store import open_store
from cognition.store.visibility import allowed_scopes
from signaling.cast_commands import ask
from signaling.errors import UserError
from signaling.memory_engines import MEMORIES
from signaling.settings import Settings
from signaling.store_commands import for_people

__all__ = ["change", "exported", "find_person", "shown", "shown_with_source"]


def shown(store: Path, who: str, persona: str | None) -> list[str]:
    """What personas know of a person and may say to them, a line each; a server may run with the store.

    Args:
        store: the database.
        who: identity or name.
        persona: id; None for all of them.

    Raises:
        UserError: there is no such store or person, or several go by that name.
    """
    lines: list[str] = []
    with _reading(store) as connection:
        person = find_person(connection, who)
        for one in [persona] if persona is not None else _personas(connection):
            for each in known_of(connection, one, person, now=_now(), limit=MAX_KNOWN).known:
                over = "" if each.current else "  (no longer)"
                lines.append(
                    f"{each.id:24} {each.at:%Y-%m-%d} {one:10} {each.place.room:16} {each.text}{over}"
                )
    return lines or [f"nothing is known of {who}"]


def shown_with_source(store: Path, who: str, persona: str | None, memory: str) -> list[str]:
    """One memory that a persona may say to a person: the words it comes from, and what idle time made of it and why.

    Args:
        store: the database; a server may run with it.
        who: identity or name.
        persona: id; None: whichever has it.
        memory: its id, as `shown` names it.

    Raises:
        UserError: as for `shown`; or there is no such memory that they may see.
    """
    with _reading(store) as connection:
        person = find_person(connection, who)
        for one in [persona] if persona is not None else _personas(connection):
            allowed = allowed_scopes(connection, one, frozenset({person}))
            found = shown_of(connection, allowed, one, memory, _now())
            if found is None:
                continue
            told = found.memory
            over = "" if told.current else "  (no longer)"
            lines = [
                f"{told.id:24} {told.at:%Y-%m-%d} {one:10} {told.source.place.room:16} {told.text}{over}"
            ]
            lines += [
                f"  from    {entry.at:%Y-%m-%d %H:%M} {entry.name}: {entry.text}" for entry in found.entries
            ]
            scopes = np.flatnonzero(allowed.mask).tolist()
            journal = memories.dreams(connection, scopes=scopes, memory=memory)
            return lines + [
                f"  {each.change:7} {each.at:%Y-%m-%d %H:%M} {each.why}" for each in reversed(journal)
            ]
    raise UserError(f"nothing of the id {memory!r} is known that {who} may see")


def exported(store: Path, who: str) -> list[dict[str, Any]]:
    """All of a person that they may take along: what is known of them, and what they said; a server may run.

    Raises:
        UserError: see `shown`.
    """
    with _reading(store) as connection:
        return export_of(connection, find_person(connection, who), _personas(connection), now=_now())


def change(
    settings: Settings, action: str, who: str, persona: str, memory: str | None, text: str = ""
) -> None:
    """Corrects or forgets something known of a person, by the running server or, if none has the store, in it.

    Args:
        settings: of the server.
        action: "correct" or "forget".
        who: identity or name.
        persona: id of the one that knows it; may be empty to forget a person.
        memory: id; None: everything about them.
        text: how it is.

    Raises:
        UserError: there is no such person or memory, or it cannot be done; nothing is half done, but that what was
            forgotten is still in an index that cannot be reached: the next start sees to it.
    """
    store = settings.store_path
    with _reading(store) as connection:
        person = find_person(connection, who)
        known = _personas(connection)
    if memory is not None and persona not in known:
        raise UserError(f"no persona {persona!r} knows anybody; there are {', '.join(known)}")
    try:
        with for_people():
            try:
                asyncio.run(_at_rest(settings, action, person, persona, memory, text))
            except StoreInUse:
                order = {
                    "action": action,
                    "person": person,
                    "persona": persona,
                    "memory": memory,
                    "text": text,
                }
                ask(settings, "POST", "/api/memories", order | {"by": getpass.getuser()})
    except IndexFailed as error:
        raise UserError(f"{error}; the server removes what was forgotten from it when it starts") from error
    except (NoSuchMemory, ValueError) as error:
        raise UserError(str(error)) from error


async def _at_rest(
    settings: Settings, action: str, person: str, persona: str, memory: str | None, text: str
) -> None:
    files = _Files(settings.store_path.with_name("memory"), settings.index)
    async with open_store(settings.store_path) as opened:
        service = SelfService(opened, FakeRecall(), [files])
        if action == "correct":
            await service.correct(persona, person, memory or "", text, now=_now())
        elif memory is None:
            await service.forget_person(person, by=getpass.getuser(), now=_now())
        else:
            await service.forget(persona, person, memory, now=_now())


class _Files:
    """Index and vectors of a server that does not run: they go as a whole, and its next start makes them again.

    Args:
        directory: where they are.
        location: where the index is instead, if not empty.
    """

    def __init__(self, directory: Path, location: str) -> None:
        self._directory = directory
        self._location = location

    async def forget(self, ids: Collection[str], texts: Collection[str]) -> None:
        """See `Derived`; raises IndexFailed where the index cannot be reached."""
        try:
            await asyncio.to_thread(shutil.rmtree, self._directory)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise UserError(f"{self._directory} cannot be removed ({error.strerror}): remove it") from error
        if self._location:
            # Here, in a thread: to import it takes seconds.
            drop = await asyncio.to_thread(_drop)
            await drop(self._location, MEMORIES)


def _drop() -> Callable[[str, str], Awaitable[None]]:
    from cognition.search.table import drop

    return drop


def find_person(connection: sqlite3.Connection, who: str) -> str:
    """The identity of a person by identity or name.

    Raises:
        UserError: there is none, or there are several.
    """
    rows = connection.execute(
        "SELECT DISTINCT identity FROM participant"
        " WHERE kind = 'person' AND (identity = ?1 OR lower(name) = lower(?1))",
        (who,),
    ).fetchall()
    found = sorted(identity for (identity,) in rows)
    if who in found or len(found) == 1:
        return who if who in found else found[0]
    if found:
        raise UserError(f"several people go by {who!r}; which? {', '.join(found)}")
    raise UserError(f"nobody of the name {who!r} was ever here")


def _personas(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT DISTINCT identity FROM participant WHERE kind = 'persona' ORDER BY identity"
    )
    return [identity for (identity,) in rows]


@contextlib.contextmanager
def _reading(store: Path) -> Iterator[sqlite3.Connection]:
    with for_people():
        if inspect(store).pending:
            raise StoreError(f"the store {store} is of an older version: start the server once")
        try:
            with contextlib.closing(open_reader(store)) as connection:
                # One transaction: what is shown is of one moment.
                connection.execute("BEGIN")
                yield connection
        except sqlite3.Error as error:
            raise explained(error, store) from error


def _now() -> datetime:
    return datetime.now().astimezone()
