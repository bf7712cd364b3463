"""The ledger of reputation on the disk: functions of a connection, inside a transaction of the store."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast

from cognition.persona.reputation import DAY_S, LEVELS, Level, Standing, Voice, standing

__all__ = ["MAX_PAGE", "Entry", "Page", "Record", "history", "record", "settle", "standing_of"]

MAX_PAGE = 200
_MICROSECONDS = 1_000_000
_FORGOTTEN_AFTER_S = 600 * DAY_S
"""Ten half-lives: a voice older than that weighs nothing that could be told."""


@dataclass(frozen=True, slots=True)
class Record:
    """A voice that has come.

    Attributes:
        id: the same when it comes again.
        persona: whom it is about.
        voice: what it says.
        name: the giver's, where others may see it; None where not.
    """

    id: str
    persona: str
    voice: Voice
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a persona's history.

    Attributes:
        seq: later ones have larger ones.
        kind: what it is.
        giver: who gave it; empty for a change of level.
        subject: as in `Voice`.
        value: of a level, up (1) or down (-1); else as in `Voice`.
        domain: as in `Voice`.
        level: the new level; None for what is no change of it.
        name: the giver's, where others may see it.
        at: UTC.
    """

    seq: int
    kind: Literal["feedback", "task", "level"]
    giver: str
    subject: str
    value: int
    domain: str
    level: Level | None
    name: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a history, newest first; `before` begins the next one, None on the last."""

    entries: tuple[Entry, ...]
    before: int | None


def record(connection: sqlite3.Connection, given: Record, now: float) -> Standing:
    """Takes a voice into the ledger, once for each id, with the change of level that comes of it.

    Args:
        connection: in a transaction.
        given: what has come.
        now: seconds since 1970, UTC.

    Returns:
        The persona's standing after it.
    """
    voice = given.voice
    kind = "task" if voice.task else "feedback"
    held = connection.execute(
        "SELECT value, name FROM reputation WHERE persona = ? AND giver = ? AND subject = ? "
        "ORDER BY seq DESC LIMIT 1",
        (given.persona, voice.giver, voice.subject),
    ).fetchone()
    # What changes nothing is not written: to say the same again, or to take back what was never said.
    if held != (voice.value, given.name) and (held is not None or voice.value or voice.task):
        written = connection.execute(
            "INSERT INTO reputation (id, persona, kind, giver, subject, value, domain, name, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (
                given.id,
                given.persona,
                kind,
                voice.giver,
                voice.subject,
                voice.value,
                voice.domain,
                given.name,
                int(voice.at * _MICROSECONDS),
            ),
        )
        if written.rowcount:
            day = int(voice.at // DAY_S)
            connection.execute(
                "INSERT INTO giver (id, days, last_day) VALUES (?, 1, ?) ON CONFLICT (id) DO UPDATE "
                "SET days = days + 1, last_day = excluded.last_day WHERE excluded.last_day > last_day",
                (voice.giver, day),
            )
    return settle(connection, given.persona, now)


def settle(connection: sqlite3.Connection, persona: str, now: float) -> Standing:
    """The standing of a persona now, with a change of its level written down where there is one."""
    before, _ = _level(connection, persona)
    found = standing_of(connection, persona, now)
    if found.level != before:
        up = LEVELS.index(found.level) > LEVELS.index(before)
        connection.execute(
            "INSERT INTO reputation (id, persona, kind, giver, subject, value, level, at) "
            "SELECT 'level-' || (coalesce(max(seq), 0) + 1), ?, 'level', '', '', ?, ?, ? FROM reputation",
            (persona, 1 if up else -1, found.level, int(now * _MICROSECONDS)),
        )
    return found


def standing_of(connection: sqlite3.Connection, persona: str, now: float) -> Standing:
    """The standing of a persona at a moment, in seconds since 1970, UTC; nothing is written."""
    before, changed_at = _level(connection, persona)
    rows = connection.execute(
        "SELECT giver, subject, value, at, domain, kind FROM reputation "
        "WHERE persona = ? AND kind <> 'level' AND at > ? ORDER BY seq",
        (persona, int((now - _FORGOTTEN_AFTER_S) * _MICROSECONDS)),
    )
    voices = [
        Voice(giver, subject, value, at / _MICROSECONDS, domain, kind == "task")
        for giver, subject, value, at, domain, kind in rows
    ]
    return standing(
        voices,
        now=now,
        days=_days(connection, {voice.giver for voice in voices}),
        before=before,
        changed_at=changed_at,
    )


def _days(connection: sqlite3.Connection, givers: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for giver in givers:
        row = connection.execute("SELECT days FROM giver WHERE id = ?", (giver,)).fetchone()
        if row is not None:
            found[giver] = row[0]
    return found


def _level(connection: sqlite3.Connection, persona: str) -> tuple[Level, float | None]:
    row = connection.execute(
        "SELECT level, at FROM reputation WHERE persona = ? AND giver = '' ORDER BY seq DESC LIMIT 1",
        (persona,),
    ).fetchone()
    return ("novice", None) if row is None else (cast(Level, row[0]), row[1] / _MICROSECONDS)


def history(
    connection: sqlite3.Connection, persona: str, *, before: int | None = None, limit: int = 50
) -> Page:
    """A page of a persona's history: what counts now, without what was replaced or taken back.

    Args:
        connection: may read.
        persona: whose.
        before: `Page.before` of the page before; None for the newest.
        limit: entries at most, up to `MAX_PAGE`.
    """
    limit = max(1, min(limit, MAX_PAGE))
    rows = connection.execute(
        "SELECT seq, kind, giver, subject, value, domain, level, name, at FROM reputation AS one "
        "WHERE persona = ? AND seq < ? AND (kind <> 'feedback' OR value <> 0) AND (kind = 'level' OR NOT EXISTS "
        "(SELECT 1 FROM reputation AS later WHERE later.persona = one.persona AND later.giver = one.giver "
        "AND later.subject = one.subject AND later.seq > one.seq)) ORDER BY seq DESC LIMIT ?",
        (persona, (1 << 62) if before is None else before, limit + 1),
    ).fetchall()
    entries = tuple(
        Entry(
            seq,
            kind,
            giver,
            subject,
            value,
            domain,
            level,
            name,
            datetime.fromtimestamp(at / _MICROSECONDS, UTC),
        )
        for seq, kind, giver, subject, value, domain, level, name, at in rows[:limit]
    )
    return Page(entries, entries[-1].seq if len(rows) > limit else None)
