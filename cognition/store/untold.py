"""What personas said to each other in a room while nobody was there, until it is told to whom it is for."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cognition.events import Said
from cognition.store.timeline import Place

__all__ = ["Untold", "keep", "told", "untold"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Untold:
    """One talk of personas among themselves.

    Attributes:
        room: where.
        identity: of who wanted it; for whom it is follows from that.
        said: oldest first, as the timeline has it.
    """

    room: str
    identity: str
    said: Sequence[Said]


def keep(connection: sqlite3.Connection, line: Said, identity: str, *, first: bool) -> None:
    """Keeps that a line is to be told.

    Args:
        connection: that of the writer.
        line: written by a persona; the timeline has its words, or is about to.
        identity: as in `Untold`.
        first: it begins a talk; what was to be told there before is told no more.
    """
    if first:
        told(connection, line.room)
    at = (line.at - _EPOCH) // _MICROSECOND
    connection.execute(
        "INSERT OR IGNORE INTO untold VALUES (?, ?, ?, ?, ?)",
        (line.room, line.participant, line.id, identity, at),
    )


def told(connection: sqlite3.Connection, room: str) -> None:
    """Nothing is left to be told in a room."""
    connection.execute("DELETE FROM untold WHERE room = ?", (room,))


def untold(connection: sqlite3.Connection, since: datetime) -> list[Untold]:
    """What is to be told, the oldest talk first; without words that were erased.

    Args:
        connection: the store.
        since: timezone-aware; what was said before it is told no more.
    """
    rows = connection.execute(
        "SELECT u.room, u.identity, u.persona, e.text, u.at, u.line FROM untold u"
        " JOIN place ON (host, channel, place.room) = (?, ?, u.room) JOIN participant p ON p.id = u.persona"
        " JOIN event e ON (e.place, e.participant, e.id) = (place.key, p.key, u.line)"
        " WHERE u.at >= ? AND e.text <> '' ORDER BY u.at, u.line",
        (Place("").host, Place("").channel, (since - _EPOCH) // _MICROSECOND),
    )
    talks: dict[str, tuple[str, list[Said]]] = {}
    for room, identity, persona, text, at, line in rows:
        said = Said(room, persona, text, _EPOCH + at * _MICROSECOND, id=line, kind="chat")
        talks.setdefault(room, (identity, []))[1].append(said)
    return [Untold(room, identity, tuple(said)) for room, (identity, said) in talks.items()]
