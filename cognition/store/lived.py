"""What of the timeline has not been thought about yet, with what its words need to be understood."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

__all__ = ["Lived", "lived_after", "turns_after", "unfinished_scopes"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ASKED_WITHIN_US = 60_000_000
"""How long after a question words may be its answer."""


@dataclass(frozen=True, slots=True)
class Lived:
    """An event, as it is thought about.

    Attributes:
        seq: its place in the timeline.
        kind: of the event.
        identity: who did it, in every room.
        name: what they were called; at a shared microphone the voice's.
        voice: it was one of several at a microphone, and not the participant by name.
        persona: a persona did it.
        text: the words.
        at: UTC.
        room: where.
        people: identities of those who perceived it, by first name in lower case; names that two have are left out.
        question: what somebody else had asked right before; empty for none.
        scope: its scope; None where nothing was made of events of this scope yet.
    """

    seq: int
    kind: Literal["heard", "saw", "read", "said", "did", "declined", "arrived", "left"]
    identity: str
    name: str
    voice: bool
    persona: bool
    text: str
    at: datetime
    room: str
    people: Mapping[str, str]
    question: str
    scope: int | None


def lived_after(connection: sqlite3.Connection, seq: int, limit: int) -> tuple[Lived, ...]:
    """The events after one, in the order in which they were kept.

    Args:
        connection: the store.
        seq: of the last one that was thought about.
        limit: how many at most.
    """
    rows = connection.execute(
        "SELECT e.seq, e.kind, p.identity, e.name, p.name, p.kind, e.text, e.at, place.room, e.audience, e.place,"
        " e.participant, s.key FROM event e LEFT JOIN scope s"
        " ON (s.audience, s.place, s.whispered) = (e.audience, e.place, e.whispered)"
        " JOIN participant p ON p.key = e.participant JOIN place ON place.key = e.place"
        " WHERE e.seq > ? ORDER BY e.seq LIMIT ?",
        (seq, limit),
    ).fetchall()
    circles = {audience: _people(connection, audience) for audience in {row[9] for row in rows}}
    return tuple(
        Lived(
            seq,
            kind,
            identity,
            called or name,
            bool(called) and bool(name) and called != name,
            which == "persona",
            text,
            _EPOCH + timedelta(microseconds=at),
            room,
            circles[audience],
            _question(connection, seq, at, audience, place, participant) if text else "",
            scope,
        )
        for seq, kind, identity, called, name, which, text, at, room, audience, place, participant, scope in rows
    )


def unfinished_scopes(connection: sqlite3.Connection) -> dict[int, int]:
    """The last event of each scope in which something was said that no episode tells of."""
    rows = connection.execute(
        "SELECT m.scope, max(s.event) AS last FROM memory m JOIN memory_source s ON s.memory = m.key"
        " LEFT JOIN consolidation c ON c.part = 'episode ' || m.scope WHERE m.kind = 'turn'"
        " GROUP BY m.scope HAVING last > coalesce(max(c.event), 0)"
    )
    return {scope: last for scope, last in rows}


def turns_after(
    connection: sqlite3.Connection, scope: int, seq: int, limit: int
) -> list[tuple[int, datetime, str, str, bool, float, str]]:
    """What was said in a scope after an event.

    Returns:
        `seq`, time, speaker, words, whether a persona spoke, how important it is, and the room; in order.
    """
    rows = connection.execute(
        "SELECT e.seq, e.at, e.name, e.text, p.kind = 'persona', max(m.importance), place.room FROM memory_source s"
        " JOIN memory m ON m.key = s.memory JOIN event e ON e.seq = s.event JOIN place ON place.key = e.place"
        " JOIN participant p ON p.key = e.participant"
        " WHERE m.kind = 'turn' AND m.scope = ? AND s.event > ? GROUP BY e.seq ORDER BY e.seq LIMIT ?",
        (scope, seq, limit),
    )
    return [
        (number, _EPOCH + timedelta(microseconds=at), name, text, bool(persona), importance, room)
        for number, at, name, text, persona, importance, room in rows
    ]


def _people(connection: sqlite3.Connection, circle: int) -> dict[str, str]:
    found: dict[str, str] = {}
    twice: set[str] = set()
    rows = connection.execute(
        "SELECT DISTINCT p.name, p.identity FROM circle_member m JOIN participant p ON p.key = m.participant"
        " WHERE m.circle = ? AND p.name <> ''",
        (circle,),
    )
    for name, identity in rows:
        first = name.split()[0].casefold() if name.split() else ""
        if found.setdefault(first, identity) != identity:
            twice.add(first)
    return {name: identity for name, identity in found.items() if name not in twice and name}


def _question(
    connection: sqlite3.Connection, seq: int, at: int, audience: int, place: int, participant: int
) -> str:
    row = connection.execute(
        "SELECT text, participant FROM event WHERE place = ? AND at BETWEEN ? AND ? AND seq < ? AND audience = ?"
        " AND text <> '' AND kind IN ('heard', 'read', 'said') ORDER BY at DESC, seq DESC LIMIT 1",
        (place, at - _ASKED_WITHIN_US, at, seq, audience),
    ).fetchone()
    if row is None or row[1] == participant or not row[0].rstrip().endswith("?"):
        return ""
    return str(row[0])
