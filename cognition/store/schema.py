"""The database's layout: numbered SQL files, each applied once, in a transaction of its own."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from cognition.store.errors import StoreError, StoreNewer

__all__ = ["APPLICATION_ID", "Migration", "applied", "migrate", "shipped"]

APPLICATION_ID = 0x436F6E74
"""Tells a store from other SQLite databases: "Cont"."""

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the layout.

    Attributes:
        number: unique; steps are applied in its order.
        name: what it is about.
        sql: statements, without BEGIN or COMMIT.
    """

    number: int
    name: str
    sql: str


@cache
def shipped() -> tuple[Migration, ...]:
    """The migrations of this version, in order.

    Raises:
        StoreError: a file is not named `NNNN_name.sql`, or two have one number.
    """
    found: list[Migration] = []
    for file in (files("cognition.store") / "migrations").iterdir():
        if file.name.startswith((".", "__")):
            continue
        named = _NAME.fullmatch(file.name)
        if named is None:
            raise StoreError(f"a migration is named NNNN_name.sql, not {file.name}")
        found.append(Migration(int(named[1]), named[2], file.read_text("utf-8")))
    found.sort(key=lambda one: one.number)
    if len({one.number for one in found}) != len(found):
        raise StoreError("two migrations have the same number")
    return tuple(found)


def applied(connection: sqlite3.Connection, path: Path) -> frozenset[int]:
    """Numbers of the migrations a database has had.

    Raises:
        StoreError: it is some other program's database.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID and (tables or application):
        raise StoreError(f"{path} is no store of this program: set another place with CONTINUUM_STORE_DIR")
    if "migration" not in tables:
        return frozenset()
    return frozenset(number for (number,) in connection.execute("SELECT number FROM migration"))


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration], path: Path) -> int:
    """Brings a database to this version's layout.

    Args:
        connection: in autocommit mode.
        migrations: those of this version, in order.
        path: the database, for messages.

    Returns:
        How many were applied.

    Raises:
        StoreNewer: it has had a migration that this version does not know.
        StoreError: it is some other program's database.
        sqlite3.Error: a migration fails; the database is as it was before that one.
    """
    had = applied(connection, path)
    unknown = had - {one.number for one in migrations}
    if unknown:
        raise StoreNewer(
            f"the store {path} is of a newer version (its layout has step {max(unknown)}, "
            f"this one knows {max((one.number for one in migrations), default=0)}): "
            "update, or restore a backup made before the update"
        )
    pending = [one for one in migrations if one.number not in had]
    for one in pending:
        try:
            connection.executescript(
                f"""BEGIN IMMEDIATE;
                PRAGMA application_id = {APPLICATION_ID};
                CREATE TABLE IF NOT EXISTS migration (
                    number INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT NOT NULL
                ) STRICT;
                {one.sql}
                ;INSERT INTO migration VALUES ({one.number}, '{one.name}', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
                COMMIT;"""
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.rollback()
            raise
    return len(pending)
