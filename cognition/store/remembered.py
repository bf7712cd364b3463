"""What recall asks of the memories besides those an index has found; each query sees to it who may know the answer."""

import itertools
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cognition.store.memories import Kind
from cognition.store.timeline import Place
from cognition.store.visibility import ScopeSet, may_know, within

__all__ = [
    "Glance",
    "about",
    "adjoining",
    "glances",
    "names_of",
    "of_time",
    "origins",
    "people_called",
    "rivals_of",
    "subjects_of",
]

GLANCES = 300
"""Of what may be known of a person, so much is weighed: the newest."""
_DENSE = 2000
"""Memories of a time from which on it is quicker to go through all by importance than to put those of it in order."""
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


def people_called(connection: sqlite3.Connection, words: Sequence[str]) -> frozenset[str]:
    """Names of people, of whomever, that are among some words that follow each other; of at most two words each."""
    wanted = {*words, *map(" ".join, itertools.pairwise(words))}
    marks = ", ".join("?" * len(wanted))
    rows = connection.execute(
        f"SELECT DISTINCT name FROM participant WHERE kind = 'person' AND name COLLATE NOCASE IN ({marks})",
        tuple(wanted),
    )
    return frozenset(name for (name,) in rows)


def subjects_of(connection: sqlite3.Connection, identities: Collection[str]) -> frozenset[str]:
    """These identities, and all that they speak of who have none."""
    found = set(identities)
    for one in identities:
        rows = connection.execute(
            "SELECT DISTINCT subject FROM memory WHERE subject >= ? AND subject < ?", (f"{one}/", f"{one}0")
        )
        found.update(subject for (subject,) in rows)
    return frozenset(found)


class Glance(NamedTuple):
    """What is to be known of a memory to say what it is worth; times are in microseconds since 1970."""

    id: str
    kind: Kind
    fact: str
    at: int
    due: int | None
    ends: bool
    """Its words say until when it was so."""
    importance: float
    strength: int


def glances(connection: sqlite3.Connection, allowed: ScopeSet, persona: str, person: str) -> list[Glance]:
    """The newest of what may be known of a person and of those they speak of: no turns and episodes.

    Args:
        connection: the store.
        allowed: what may be known, as of this transaction.
        persona: whose memory.
        person: identity.
    """
    term, scopes = within(allowed)
    part = (
        "SELECT id, kind, fact, at, due, valid_to IS NOT NULL, importance, strength FROM memory m"
        " WHERE {} AND m.kind NOT IN ('turn', 'episode') AND m.persona IN ('', ?)"
        f" AND {term} ORDER BY m.at DESC LIMIT {GLANCES}"
    )
    rows = connection.execute(
        f"SELECT * FROM ({part.format('m.subject = ?')}) UNION ALL"
        f" SELECT * FROM ({part.format('m.subject >= ? AND m.subject < ?')}) ORDER BY at DESC LIMIT {GLANCES}",
        (person, persona, scopes, f"{person}/", f"{person}0", persona, scopes),
    )
    return list(map(Glance._make, rows))


def rivals_of(
    connection: sqlite3.Connection,
    attributes: Iterable[tuple[str, str]],
    allowed: ScopeSet,
    persona: str,
    *,
    limit: int = 400,
) -> list[str]:
    """Ids of what may be known of attributes with one value at a time; each is given as subject and attribute."""
    found: list[str] = []
    term, scopes = within(allowed)
    for subject, attribute in attributes:
        rows = connection.execute(
            "SELECT m.id FROM memory m WHERE m.subject = ? AND m.attribute = ?"
            f" AND m.single AND m.persona IN ('', ?) AND {term} ORDER BY m.at DESC LIMIT ?",
            (subject, attribute, persona, scopes, limit),
        )
        found += [id for (id,) in rows]
    return found


def adjoining(
    connection: sqlite3.Connection, scope: int, at: datetime, within: timedelta
) -> tuple[str | None, str | None]:
    """Ids of the turns of one scope right before and right after an instant; None where none is so near."""
    instant, span = (at - _EPOCH) // _MICROSECOND, within // _MICROSECOND
    turn = "SELECT id FROM memory INDEXED BY memory_at WHERE scope = ? AND kind = 'turn' AND {} LIMIT 1"
    before = connection.execute(
        turn.format("at >= ? AND at < ? ORDER BY at DESC, key DESC"), (scope, instant - span, instant)
    ).fetchone()
    after = connection.execute(
        turn.format("at > ? AND at <= ? ORDER BY at, key"), (scope, instant, instant + span)
    ).fetchone()
    return before and before[0], after and after[0]


def of_time(
    connection: sqlite3.Connection,
    allowed: ScopeSet,
    persona: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    place: Place | None = None,
    about: Collection[str] = (),
    limit: int = 100,
) -> list[str]:
    """Ids of what was told, is due, or began in a time, the most important first.

    Args:
        connection: the store.
        allowed: what may be known, as of this transaction.
        persona: whose memory.
        since: not before.
        until: before this.
        place: only what was said there.
        about: only about these identities, or those they speak of.
        limit: how many at most.
    """
    term, scopes = within(allowed)
    terms, given = [term, "m.persona IN ('', ?)"], list[Any]([scopes, persona])
    dense = not about
    if since is not None or until is not None:
        low = (
            -(1 << 62) if since is None else (since - _EPOCH) // _MICROSECOND,
            (1 << 62) if until is None else (until - _EPOCH) // _MICROSECOND - 1,
        )
        (count,) = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM memory WHERE at BETWEEN ? AND ? LIMIT ?)", (*low, _DENSE)
        ).fetchone()
        dense = dense and count == _DENSE
        if dense:
            terms.append("(m.at BETWEEN ? AND ? OR m.due BETWEEN ? AND ? OR m.valid_from BETWEEN ? AND ?)")
        else:
            terms.append(
                "m.key IN (SELECT key FROM memory WHERE at BETWEEN ? AND ? UNION SELECT key FROM memory WHERE due"
                " BETWEEN ? AND ? UNION SELECT key FROM memory WHERE valid_from BETWEEN ? AND ?)"
            )
        given += low * 3
    if place is not None:
        terms.append(
            "+m.scope IN (SELECT s.key FROM scope s JOIN place p ON p.key = s.place"
            " WHERE (p.host, p.channel, p.room) = (?, ?, ?))"
        )
        given += (place.host, place.channel, place.room)
    if about:
        terms.append(f"({' OR '.join('m.subject = ? OR (m.subject >= ? AND m.subject < ?)' for _ in about)})")
        given += [part for one in sorted(about) for part in (one, f"{one}/", f"{one}0")]
    rows = connection.execute(
        f"SELECT m.id FROM memory m {'INDEXED BY memory_worth' if dense else ''} WHERE {' AND '.join(terms)}"
        f" ORDER BY {'' if dense else '+'}(m.kind = 'turn'), m.importance DESC, m.at DESC LIMIT ?",
        (*given, limit),
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
