"""What `continuum backup`, `restore` and `timeline export` do: the store from outside, in words for people."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args

from cognition.store.backup import back_up, inspect, restore
from cognition.store.connection import open_reader
from cognition.store.errors import StoreError, StoreInUse, explained
from cognition.store.timeline import Cursor, EventKind, Place, Query, page
from signaling.errors import UserError

__all__ = ["export_timeline", "for_people", "make_backup", "put_back", "timeline_query"]

PAGE = 500


def make_backup(store: Path, target: Path) -> str:
    """Copies the store, whether a server runs with it or not.

    Returns:
        What was done.

    Raises:
        UserError: it cannot be copied, or something is at the target.
    """
    with for_people():
        copy = back_up(store, target.expanduser())
        found = inspect(copy)
    return f"{copy}: {found.events} events, {found.size / 1e6:.1f} MB, checked"


def put_back(store: Path, backup: Path) -> str:
    """Puts a backup in the store's place; what was there stays beside it.

    Returns:
        What was done.

    Raises:
        UserError: a server runs with the store, or the backup is not sound; nothing has changed.
    """
    with for_people():
        try:
            kept = restore(store, backup.expanduser())
        except StoreInUse as error:
            raise UserError(
                f"a server runs with the store {store}: end it (Ctrl-C, or SIGTERM to `continuum serve`), "
                "restore, and start it again"
            ) from error
        found = inspect(store)
    was = f"; what was there is kept as {kept}" if kept is not None else ""
    return f"{store}: {found.events} events restored{was}"


def export_timeline(store: Path, query: Query, write: Callable[[str], None]) -> int:
    """Writes entries as JSON lines, the oldest first; a server may run with the store.

    Args:
        store: the database.
        query: which.
        write: takes one line, without its line break.

    Returns:
        How many there were.

    Raises:
        UserError: there is no such store, or it is damaged or newer.
    """
    count = 0
    with for_people():
        inspect(store)
        try:
            with contextlib.closing(open_reader(store)) as connection:
                # One transaction: what is exported is of one moment.
                connection.execute("BEGIN")
                after: Cursor | None = None
                while True:
                    found = page(connection, query, after=after, limit=PAGE)
                    for entry in found.entries:
                        write(json.dumps(entry.as_json(), ensure_ascii=False))
                    count += len(found.entries)
                    after = found.next
                    if after is None:
                        return count
        except sqlite3.Error as error:
            raise explained(error, store) from error


def timeline_query(
    person: str | None,
    lived_by: str | None,
    room: str | None,
    kinds: Collection[str],
    since: str | None,
    until: str | None,
) -> Query:
    """What was asked for on the command line; instants are ISO 8601, in UTC without a time zone.

    Raises:
        ValueError: a kind or an instant that is none.
    """
    known = get_args(EventKind)
    unknown = sorted(set(kinds) - set(known))
    if unknown:
        raise ValueError(f"{unknown[0]} is no kind of event: {', '.join(known)}")
    return Query(
        participant=person,
        lived_by=lived_by,
        place=None if room is None else Place(room),
        kinds=frozenset(cast(EventKind, kind) for kind in kinds),
        since=None if since is None else _moment(since),
        until=None if until is None else _moment(until),
    )


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


@contextmanager
def for_people() -> Iterator[None]:
    """What is wrong with a store becomes an error for people."""
    try:
        yield
    except StoreError as error:
        raise UserError(str(error)) from error
