"""The ledger of reputation on the disk: functions of a connection, inside a transaction of the store."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast

from cognition.persona.reputation import DAY_S, LEVELS, Cell, Level, Standing, Voice
from cognition.persona.tally import Tally

__all__ = ["MAX_PAGE", "Entry", "Judgement", "Page", "Record", "count", "history", "judge", "judged", "keep"]

MAX_PAGE = 200
_MICROSECONDS = 1_000_000
_FORGOTTEN_AFTER = 600
"""Days, ten half-lives: a voice older than that weighs nothing that could be told."""


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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a voice, or the passing of time, makes of a persona's standing; to be written by `keep`.

    Attributes:
        persona: whose.
        given: the voice; None where there is none, or it says nothing new.
        standing: with it.
        before: the level without it.
        at: seconds since 1970, UTC.
        days: on how many days the giver of the voice has given any by now; 0 where there is none.
    """

    persona: str
    given: Record | None
    standing: Standing
    before: Level
    at: float
    days: int = 0

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.given is not None or self.standing.level != self.before


def count(connection: sqlite3.Connection, persona: str, now: float) -> Tally:
    """The voices on a persona, read and counted; good for this day, UTC, after which some are forgotten."""
    cells = _cells(connection, persona, now)
    return Tally(cells, _days(connection, {cell.giver for cell in cells}))


def judge(
    connection: sqlite3.Connection, persona: str, now: float, tally: Tally, given: Record | None = None
) -> Judgement:
    """The standing of a persona at a moment, with a voice that has come; nothing is written.

    Args:
        connection: may read.
        persona: whose.
        now: seconds since 1970, UTC.
        tally: the voices on it so far; it has the new one when this returns.
        given: what has come, perhaps not for the first time.
    """
    before, changed_at = _level(connection, persona)
    news, held = given, None
    if given is not None:
        held, name = _held(connection, given)
        same = held is not None and (held.value, name) == (given.voice.value, given.name)
        # Nor is it new to take back what was never said.
        empty = held is None and given.voice.value == 0 and not given.voice.task
        if same or empty or _is_known(connection, given.id):
            news = None
    days = 0
    if news is not None:
        if held is not None and held.at < _forgotten_until(now) * DAY_S:
            held = None
        days = _days_with(connection, news.voice)
        tally.change(news.voice, held)
        tally.knows(news.voice.giver, days)
    found = tally.standing(now=now, before=before, changed_at=changed_at)
    return Judgement(persona, news, found, before, now, days)


def judged(connection: sqlite3.Connection) -> list[str]:
    """All personas of which anything was ever said."""
    return [persona for (persona,) in connection.execute("SELECT DISTINCT persona FROM reputation")]


def keep(connection: sqlite3.Connection, judgement: Judgement) -> None:
    """Writes a voice, once for each id, with the change of level that comes of it.

    Args:
        connection: in a transaction; nothing was written on the persona since it was judged.
        judgement: what `judge` found.
    """
    if (given := judgement.given) is not None:
        voice = given.voice
        connection.execute(
            "INSERT INTO reputation (id, persona, kind, giver, subject, value, domain, name, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                given.id,
                given.persona,
                "task" if voice.task else "feedback",
                voice.giver,
                voice.subject,
                voice.value,
                voice.domain,
                given.name,
                int(voice.at * _MICROSECONDS),
            ),
        )
        connection.execute(
            "INSERT INTO giver (id, days, last_day) VALUES (?, 1, ?) ON CONFLICT (id) DO UPDATE "
            "SET days = days + 1, last_day = excluded.last_day WHERE excluded.last_day > last_day",
            (voice.giver, int(voice.at // DAY_S)),
        )
    level = judgement.standing.level
    if level != judgement.before:
        up = LEVELS.index(level) > LEVELS.index(judgement.before)
        connection.execute(
            "INSERT INTO reputation (id, persona, kind, giver, subject, value, level, at) "
            "SELECT 'level-' || (coalesce(max(seq), 0) + 1), ?, 'level', '', '', ?, ?, ? FROM reputation",
            (judgement.persona, 1 if up else -1, level, int(judgement.at * _MICROSECONDS)),
        )


def _cells(connection: sqlite3.Connection, persona: str, now: float) -> list[Cell]:
    """The voices that count, counted where they lie: the last of each giver on each subject (max(seq))."""
    rows = connection.execute(
        "SELECT giver, at / 86400000000, domain, kind = 'task', sum(value > 0), sum(value < 0), sum(value = 0) "
        "FROM (SELECT giver, subject, value, domain, kind, at, max(seq) FROM reputation "
        "WHERE persona = ? AND kind <> 'level' GROUP BY giver, subject) WHERE at >= ? GROUP BY 1, 2, 3, 4",
        (persona, int(_forgotten_until(now) * DAY_S * _MICROSECONDS)),
    )
    return [
        Cell(giver, day, domain, bool(task), good, bad, neither)
        for giver, day, domain, task, good, bad, neither in rows
    ]


def _forgotten_until(now: float) -> int:
    """The first day, counted from 1970, of which voices count."""
    return int(now // DAY_S) - _FORGOTTEN_AFTER


def _held(connection: sqlite3.Connection, given: Record) -> tuple[Voice | None, str | None]:
    """The voice that the given one would replace, and the name that it shows."""
    voice = given.voice
    row = connection.execute(
        "SELECT value, at, domain, kind, name FROM reputation WHERE persona = ? AND giver = ? AND subject = ? "
        "ORDER BY seq DESC LIMIT 1",
        (given.persona, voice.giver, voice.subject),
    ).fetchone()
    if row is None:
        return None, None
    value, at, domain, kind, name = row
    return Voice(voice.giver, voice.subject, value, at / _MICROSECONDS, domain, kind == "task"), name


def _is_known(connection: sqlite3.Connection, id: str) -> bool:
    return connection.execute("SELECT 1 FROM reputation WHERE id = ?", (id,)).fetchone() is not None


def _days(connection: sqlite3.Connection, givers: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for giver in givers:
        row = connection.execute("SELECT days FROM giver WHERE id = ?", (giver,)).fetchone()
        if row is not None:
            found[giver] = row[0]
    return found


def _days_with(connection: sqlite3.Connection, voice: Voice) -> int:
    """The days of a giver once they have given this voice."""
    row = connection.execute("SELECT days, last_day FROM giver WHERE id = ?", (voice.giver,)).fetchone()
    return 1 if row is None else int(row[0]) + (int(voice.at // DAY_S) > row[1])


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
