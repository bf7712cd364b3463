"""What recall asks of the memories besides those an index has found; each query sees to it who may know the answer."""

import sqlite3
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from cognition.store.memories import Kind
from cognition.store.timeline import Place
from cognition.store.visibility import may_know

__all__ = ["about", "names_of", "of_time", "origins", "rivals_of", "subjects_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def names_of(connection: sqlite3.Connection, identities: Collection[str]) -> dict[str, str]:
    """What people were called last, by identity; those without a name are left out."""
    marks = ", ".join("?" * len(identities))
    rows = connection.execute(
        f"SELECT identity, name FROM participant WHERE identity IN ({marks}) AND name <> '' ORDER BY key",
        tuple(identities),
    )
    return dict(rows.fetchall())


def subjects_of(connection: sqlite3.Connection, identities: Collection[str]) -> frozenset[str]:
    """These identities, and all that they speak of who have none."""
    found = set(identities)
    for one in identities:
        rows = connection.execute(
            "SELECT DISTINCT subject FROM memory WHERE subject >= ? AND subject < ?", (f"{one}/", f"{one}0")
        )
        found.update(subject for (subject,) in rows)
    return frozenset(found)


def rivals_of(
    connection: sqlite3.Connection,
    attributes: Iterable[tuple[str, str]],
    persona: str,
    listeners: frozenset[str],
    *,
    limit: int = 400,
) -> list[str]:
    """Ids of what may be known of attributes with one value at a time; each is given as subject and attribute."""
    found: list[str] = []
    term, values = may_know(listeners | {persona})
    for subject, attribute in attributes:
        rows = connection.execute(
            "SELECT m.id FROM memory m JOIN scope s ON s.key = m.scope WHERE m.subject = ? AND m.attribute = ?"
            f" AND m.single AND m.persona IN ('', ?) AND {term} ORDER BY m.at DESC LIMIT ?",
            (subject, attribute, persona, *values, limit),
        )
        found += [id for (id,) in rows]
    return found


def of_time(
    connection: sqlite3.Connection,
    persona: str,
    listeners: frozenset[str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    place: Place | None = None,
    about: Collection[str] = (),
    kinds: Collection[Kind] = (),
    limit: int = 100,
) -> list[str]:
    """Ids of what was told, is due, or began in a time, the most important first.

    Args:
        connection: the store.
        persona: whose memory.
        listeners: who will hear it.
        since: not before.
        until: before this.
        place: only what was said there.
        about: only about these identities, or those they speak of.
        kinds: only these; all if there are none.
        limit: how many at most.
    """
    term, values = may_know(listeners | {persona})
    terms, given = ["m.persona IN ('', ?)"], list[Any]([persona])
    if since is not None or until is not None:
        low = (
            -(1 << 62) if since is None else (since - _EPOCH) // _MICROSECOND,
            (1 << 62) if until is None else (until - _EPOCH) // _MICROSECOND - 1,
        )
        terms.append("(m.at BETWEEN ? AND ? OR m.due BETWEEN ? AND ? OR m.valid_from BETWEEN ? AND ?)")
        given += low * 3
    if place is not None:
        terms.append("s.place = (SELECT key FROM place WHERE (host, channel, room) = (?, ?, ?))")
        given += (place.host, place.channel, place.room)
    if about:
        terms.append(f"({' OR '.join('m.subject = ? OR (m.subject >= ? AND m.subject < ?)' for _ in about)})")
        given += [part for one in sorted(about) for part in (one, f"{one}/", f"{one}0")]
    if kinds:
        terms.append(f"m.kind IN ({', '.join('?' * len(kinds))})")
        given += sorted(kinds)
    rows = connection.execute(
        f"SELECT m.id FROM memory m JOIN scope s ON s.key = m.scope WHERE {' AND '.join(terms)} AND {term}"
        " ORDER BY m.kind = 'turn', m.importance DESC, m.at DESC LIMIT ?",
        (*given, *values, limit),
    )
    return [id for (id,) in rows]


def about(
    connection: sqlite3.Connection, persona: str, listeners: frozenset[str], person: str, *, limit: int = 300
) -> list[str]:
    """Ids of what may be known of a person and of those they speak of: no turns and episodes, the newest first."""
    term, values = may_know(listeners | {persona})
    rows = connection.execute(
        "SELECT m.id FROM memory m JOIN scope s ON s.key = m.scope"
        " WHERE (m.subject = ? OR (m.subject >= ? AND m.subject < ?))"
        f" AND m.kind NOT IN ('turn', 'episode') AND m.persona IN ('', ?) AND {term} ORDER BY m.at DESC LIMIT ?",
        (person, f"{person}/", f"{person}0", persona, *values, limit),
    )
    return [id for (id,) in rows]


def origins(
    connection: sqlite3.Connection, sources: Iterable[tuple[int, Iterable[int]]]
) -> list[tuple[Place, tuple[str, ...]]]:
    """Where memories were made and whose words they are.

    Args:
        connection: the store.
        sources: of each memory its scope and its events.
    """
    found = []
    for scope, seqs in sources:
        host, channel, room = connection.execute(
            "SELECT host, channel, room FROM scope JOIN place ON place.key = scope.place WHERE scope.key = ?",
            (scope,),
        ).fetchone()
        wanted = tuple(seqs)
        rows = connection.execute(
            f"SELECT DISTINCT name FROM event WHERE seq IN ({', '.join('?' * len(wanted))}) AND name <> ''",
            wanted,
        )
        found.append((Place(room, channel, host), tuple(sorted(name for (name,) in rows))))
    return found
