"""What is remembered: sentences that stand alone, each with the words and events it comes from and who may know it."""

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

__all__ = [
    "IN_DOUBT",
    "TASTE",
    "Change",
    "Dream",
    "Kind",
    "Memory",
    "advance",
    "change_number",
    "changes",
    "correct",
    "delete",
    "dreams",
    "fact_key",
    "faded",
    "get",
    "merge",
    "note",
    "page",
    "put",
    "rivals",
    "same",
    "scope_of",
    "undream",
    "used",
    "watermark",
]

Kind = Literal["turn", "episode", "fact", "preference", "relation", "event", "commitment", "thread"]
DreamKind = Literal["kept", "merged", "closed", "changed", "forgotten"]

MAX_PAGE = 1000
IN_DOUBT = "in doubt"
"""Attribute of a turn that asserts nothing: it asks, supposes, or passes on what others say."""
TASTE = "taste"
"""Of one that may tell what somebody likes, shuns or needs."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KEPT = (
    "id scope persona kind subject subject_name teller attribute value fact single text quote at told valid_from "
    "valid_to due importance strength used used_at corrected"
).split()
_COLUMNS = (
    f"{', '.join(f'm.{column}' for column in _KEPT)},"
    " (SELECT group_concat(event) FROM memory_source s WHERE s.memory = m.key)"
)
_PUT = (
    f"INSERT INTO memory ({', '.join(_KEPT)}) VALUES ({', '.join('?' * len(_KEPT))}) ON CONFLICT (id) DO UPDATE SET "
    f"{', '.join(f'{column} = excluded.{column}' for column in _KEPT[1:])} RETURNING key"
)


@dataclass(frozen=True, slots=True)
class Memory:
    """Something that is remembered.

    Attributes:
        id: its own, stable; empty in one that is not kept yet.
        scope: who may know it; a key of `scope_of`.
        kind: `turn`: what somebody said, as it was said; `episode`: what a stretch of talk was about; `fact`,
            `preference`, `relation`: how somebody is; `event`: what happened to them; `commitment`: what they mean to
            do; `thread`: what they wait for.
        text: a sentence that stands alone: "Ada lives in Rome."
        at: when it was said last; timezone-aware.
        persona: whose alone it is; empty for all who were there.
        subject: identity of whom it is about; of somebody who is only spoken of `teller/name`.
        subject_name: what they are called.
        teller: identity of whose words it comes from.
        attribute: what is said of the subject, as "home" or "opinion of coffee"; empty for episodes, and for
            turns but those `IN_DOUBT` or of `TASTE`.
        value: "Rome".
        fact: the same for the same thing said of the same subject; see `fact_key`.
        single: the attribute has one value at a time: the newest that can be seen holds, and ends the others.
        quote: the words it comes from.
        sources: `seq` of the events, in order.
        told: when it was said first; None: `at`.
        valid_from: since when it is so, where the words say it.
        valid_to: until when it was so, where the words say it; they may say it of what was never told before.
        due: when it is to happen.
        importance: 0 to 1.
        strength: how often it was told.
        used: how often it was recalled.
        used_at: when last.
        corrected: it was put right by the person it is about, and words that came before do not change it.
    """

    id: str
    scope: int
    kind: Kind
    text: str
    at: datetime
    persona: str = ""
    subject: str = ""
    subject_name: str = ""
    teller: str = ""
    attribute: str = ""
    value: str = ""
    fact: str = ""
    single: bool = False
    quote: str = ""
    sources: tuple[int, ...] = ()
    told: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    due: datetime | None = None
    importance: float = 0.5
    strength: int = 1
    used: int = 0
    used_at: datetime | None = None
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """The last thing that happened to a memory; `memory` is None when it is gone."""

    number: int
    id: str
    memory: Memory | None


@dataclass(frozen=True, slots=True)
class Dream:
    """One thing that idle time made of a memory.

    Attributes:
        at: when; timezone-aware.
        scope: who may read it.
        subject: identity of whom the memory is about.
        memory: its id; it may be gone.
        change: what became of it.
        text: the memory's.
        why: for people.
        number: its place in the journal; 0 in one that is not kept yet.
    """

    at: datetime
    scope: int
    subject: str
    memory: str
    change: DreamKind
    text: str
    why: str
    number: int = 0


def fact_key(subject: str, attribute: str, value: str) -> str:
    """One key for one thing said of somebody, however its words are written."""
    flat = "\x1f".join((subject, *(" ".join(part.casefold().split()) for part in (attribute, value))))
    return hashlib.sha256(flat.encode("utf-8", "replace")).hexdigest()[:24]


def scope_of(connection: sqlite3.Connection, seq: int) -> int:
    """The scope of an event, made if it is the first of it.

    Raises:
        KeyError: there is no such event.
    """
    found = connection.execute(
        "SELECT s.key, e.audience, e.place, e.whispered FROM event e LEFT JOIN scope s"
        " ON (s.audience, s.place, s.whispered) = (e.audience, e.place, e.whispered) WHERE e.seq = ?",
        (seq,),
    ).fetchone()
    if found is None:
        raise KeyError(seq)
    key, *which = found
    if key is None:
        (key,) = connection.execute(
            "INSERT INTO scope (audience, place, whispered) VALUES (?, ?, ?) RETURNING key", which
        ).fetchone()
    return int(key)


def put(connection: sqlite3.Connection, memory: Memory) -> Memory:
    """Keeps a memory; one without an id is given one that follows from what it is. One of the same id is replaced.

    Raises:
        ValueError: it has no sentence, neither sources nor a correction, or a time without a time zone.
        sqlite3.IntegrityError: there is no such scope or event.
    """
    if not memory.text.strip():
        raise ValueError("a memory has a sentence")
    if not memory.sources and not memory.corrected:
        raise ValueError("a memory has a source")
    kept = replace(memory, id=memory.id or _id_of(memory), told=memory.told or memory.at)
    (key,) = connection.execute(
        _PUT,
        _row(kept),
    ).fetchone()
    connection.executemany(
        "INSERT INTO memory_source (memory, event) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(key, seq) for seq in kept.sources],
    )
    return kept


def get(connection: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Memory]:
    """Memories by id; those that are not there are left out."""
    wanted = tuple(ids)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM memory m WHERE m.id IN ({', '.join('?' * len(wanted))})", wanted
    )
    return {memory.id: memory for memory in map(_memory, rows)}


def same(connection: sqlite3.Connection, scope: int, persona: str, fact: str) -> Memory | None:
    """What says the same in the same scope, the newest of several."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM memory m WHERE m.scope = ? AND m.fact = ? AND m.fact <> '' AND m.persona = ?"
        " ORDER BY m.at DESC, m.key DESC LIMIT 1",
        (scope, fact, persona),
    ).fetchone()
    return None if row is None else _memory(row)


def rivals(
    connection: sqlite3.Connection, subject: str, attribute: str, scopes: Collection[int]
) -> tuple[Memory, ...]:
    """Everything said of one attribute of somebody in these scopes, the oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM memory m WHERE m.subject = ? AND m.attribute = ?"
        f" AND m.scope IN ({', '.join('?' * len(scopes))}) ORDER BY m.at, m.key",
        (subject, attribute, *scopes),
    )
    return tuple(map(_memory, rows))


def merge(connection: sqlite3.Connection, id: str, told_again: Memory) -> None:
    """The same was told once more: its sources are added, it is stronger, and as new as the later of the two.

    Args:
        connection: that of the writer.
        id: of the memory that stays.
        told_again: what would else have become a memory of its own.
    """
    row = connection.execute("SELECT key FROM memory WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise KeyError(id)
    before = connection.total_changes
    connection.executemany(
        "INSERT INTO memory_source (memory, event) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(row[0], seq) for seq in told_again.sources],
    )
    if connection.total_changes == before:
        return
    connection.execute(
        "UPDATE memory SET strength = strength + 1, at = max(at, ?), importance = max(importance, ?),"
        " valid_from = coalesce(valid_from, ?), due = coalesce(?, due) WHERE key = ?",
        (
            _micros(told_again.at),
            told_again.importance,
            _maybe_micros(told_again.valid_from),
            _maybe_micros(told_again.due),
            row[0],
        ),
    )


def used(connection: sqlite3.Connection, ids: Iterable[str], at: datetime) -> None:
    """These were recalled: what is used is kept longer."""
    connection.executemany(
        "UPDATE memory SET used = used + 1, used_at = max(coalesce(used_at, 0), ?) WHERE id = ?",
        [(_micros(at), id) for id in ids],
    )


def correct(connection: sqlite3.Connection, id: str, text: str, value: str, at: datetime) -> Memory:
    """Puts a memory right as a person says it is; words that came before do not change it any more.

    Raises:
        KeyError: there is no such memory.
        ValueError: there is no sentence.
    """
    found = get(connection, [id])
    if id not in found:
        raise KeyError(id)
    old = found[id]
    attribute = "" if old.kind == "turn" else old.attribute
    return put(
        connection,
        replace(
            old,
            text=text,
            attribute=attribute,
            value=value,
            fact=fact_key(old.subject, attribute, value) if attribute else "",
            at=at,
            quote=text,
            corrected=True,
        ),
    )


def delete(connection: sqlite3.Connection, ids: Iterable[str]) -> int:
    """Forgets memories, and what the dream journal says of them; how many there were."""
    count = 0
    for id in ids:
        connection.execute("DELETE FROM dream WHERE memory = ?", (id,))
        count += connection.execute("DELETE FROM memory WHERE id = ?", (id,)).rowcount
    return count


def undream(connection: sqlite3.Connection, memory: str, texts: Iterable[str]) -> None:
    """Takes out of the dream journal what it says of a memory, and wherever it repeats words of it."""
    connection.execute("DELETE FROM dream WHERE memory = ?", (memory,))
    connection.executemany(
        "DELETE FROM dream WHERE instr(text, ?1) OR instr(why, ?1)", [(text,) for text in texts if text]
    )


def page(
    connection: sqlite3.Connection,
    *,
    scopes: Collection[int] | None = None,
    subject: str | None = None,
    teller: str | None = None,
    kinds: Collection[Kind] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    after: str = "",
    limit: int = 100,
    newest_first: bool = False,
) -> tuple[Memory, ...]:
    """Memories in order of time.

    Args:
        connection: the store.
        scopes: only of these; None for all.
        subject: only about them.
        teller: only what they told.
        kinds: only of these; empty for all.
        since: not told before.
        until: told before this.
        after: id of the last of the page before.
        limit: how many at most, up to `MAX_PAGE`.
        newest_first: backwards.

    Raises:
        ValueError: a limit below 1 or above `MAX_PAGE`, or a time without a time zone.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"a page has 1 to {MAX_PAGE} memories")
    terms, values = ["TRUE"], list[Any]()
    if scopes is not None:
        terms.append(f"m.scope IN ({', '.join('?' * len(scopes))})")
        values += scopes
    for column, wanted in (("subject", subject), ("teller", teller)):
        if wanted is not None:
            terms.append(f"m.{column} = ?")
            values.append(wanted)
    if kinds:
        terms.append(f"m.kind IN ({', '.join('?' * len(kinds))})")
        values += sorted(kinds)
    for sign, time in ((">=", since), ("<", until)):
        if time is not None:
            terms.append(f"m.at {sign} ?")
            values.append(_micros(time))
    if after:
        sign = "<" if newest_first else ">"
        terms.append(f"(m.at, m.key) {sign} (SELECT at, key FROM memory WHERE id = ?)")
        values.append(after)
    direction = "DESC" if newest_first else "ASC"
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM memory m WHERE {' AND '.join(terms)}"
        f" ORDER BY m.at {direction}, m.key {direction} LIMIT ?",
        (*values, limit),
    )
    return tuple(map(_memory, rows))


def faded(
    connection: sqlite3.Connection, before: datetime, after: int, limit: int
) -> tuple[tuple[Memory, ...], int | None]:
    """What was neither told nor recalled since, a page of it in the order in which it was first kept.

    Args:
        connection: the store.
        before: since when; timezone-aware.
        after: what came of the page before; 0 for the first.
        limit: how many are on a page at most.

    Returns:
        The page, and what brings the next one: a number that only grows; None on the last.
    """
    rows = connection.execute(
        f"SELECT m.key, {_COLUMNS} FROM memory m"
        " WHERE m.key > ?2 AND m.at < ?1 AND coalesce(m.used_at, 0) < ?1 AND m.corrected = 0"
        " ORDER BY m.key LIMIT ?3",
        (_micros(before), after, limit),
    ).fetchall()
    return tuple(_memory(row) for _, *row in rows), rows[-1][0] if len(rows) == limit else None


def change_number(connection: sqlite3.Connection) -> int:
    """The number of the last change of any memory; 0 before the first."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'memory_change'").fetchone()
    return 0 if row is None else int(row[0])


def changes(connection: sqlite3.Connection, after: int, *, limit: int = 500) -> tuple[Change, ...]:
    """What has changed since, in order; of each memory its last change only.

    Args:
        connection: the store.
        after: the number of the last change that is known; 0 for none.
        limit: how many at most.
    """
    rows = connection.execute(
        f"SELECT c.number, c.memory, {_COLUMNS} FROM memory_change c LEFT JOIN memory m ON m.id = c.memory"
        " WHERE c.number > ? ORDER BY c.number LIMIT ?",
        (after, limit),
    )
    return tuple(
        Change(number, id, None if row[0] is None else _memory(row)) for number, id, *row in rows.fetchall()
    )


def watermark(connection: sqlite3.Connection, part: str) -> int:
    """The `seq` of the last event with which a part of the work is done; 0 for none."""
    row = connection.execute("SELECT event FROM consolidation WHERE part = ?", (part,)).fetchone()
    return 0 if row is None else int(row[0])


def advance(connection: sqlite3.Connection, part: str, seq: int) -> None:
    """A part of the work is done up to an event; in the transaction that keeps what came of it."""
    connection.execute(
        "INSERT INTO consolidation VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET event = max(event, excluded.event)",
        (part, seq),
    )


def note(connection: sqlite3.Connection, dream: Dream) -> None:
    """Writes into the dream journal."""
    connection.execute(
        "INSERT INTO dream (at, scope, subject, memory, change, text, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (_micros(dream.at), dream.scope, dream.subject, dream.memory, dream.change, dream.text, dream.why),
    )


def dreams(
    connection: sqlite3.Connection,
    *,
    scopes: Collection[int] | None = None,
    subject: str | None = None,
    memory: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> tuple[Dream, ...]:
    """The dream journal, the newest first.

    Args:
        connection: the store.
        scopes: only of these; None for all.
        subject: only about them.
        memory: only about this one, by its id.
        before: number of the last of the page before.
        limit: how many at most.
    """
    terms, values = ["TRUE"], list[Any]()
    if scopes is not None:
        terms.append(f"scope IN ({', '.join('?' * len(scopes))})")
        values += scopes
    if subject is not None:
        terms.append("subject = ?")
        values.append(subject)
    if memory is not None:
        terms.append("memory = ?")
        values.append(memory)
    if before is not None:
        terms.append("number < ?")
        values.append(before)
    rows = connection.execute(
        "SELECT at, scope, subject, memory, change, text, why, number FROM dream"
        f" WHERE {' AND '.join(terms)} ORDER BY number DESC LIMIT ?",
        (*values, limit),
    )
    return tuple(Dream(_time(at), *rest) for at, *rest in rows)


def _id_of(memory: Memory) -> str:
    if memory.kind == "turn":
        return f"t{memory.sources[0]}"
    parts = (
        memory.scope,
        memory.persona,
        memory.kind,
        memory.fact or memory.text,
        min(memory.sources, default=0),
    )
    return "m" + hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()[:20]


def _row(memory: Memory) -> tuple[Any, ...]:
    return (
        memory.id,
        memory.scope,
        memory.persona,
        memory.kind,
        memory.subject,
        memory.subject_name,
        memory.teller,
        memory.attribute,
        memory.value,
        memory.fact,
        memory.single,
        memory.text,
        memory.quote,
        _micros(memory.at),
        _micros(memory.told or memory.at),
        _maybe_micros(memory.valid_from),
        _maybe_micros(memory.valid_to),
        _maybe_micros(memory.due),
        memory.importance,
        memory.strength,
        memory.used,
        _maybe_micros(memory.used_at),
        memory.corrected,
    )


def _memory(row: Sequence[Any]) -> Memory:
    (
        id,
        scope,
        persona,
        kind,
        subject,
        subject_name,
        teller,
        attribute,
        value,
        fact,
        single,
        text,
        quote,
        at,
        told,
        valid_from,
        valid_to,
        due,
        importance,
        strength,
        used,
        used_at,
        corrected,
        sources,
    ) = row
    return Memory(
        id,
        scope,
        kind,
        text,
        _time(at),
        persona,
        subject,
        subject_name,
        teller,
        attribute,
        value,
        fact,
        bool(single),
        quote,
        tuple(sorted(map(int, sources.split(",")))) if sources else (),
        _time(told),
        _maybe_time(valid_from),
        _maybe_time(valid_to),
        _maybe_time(due),
        importance,
        strength,
        used,
        _maybe_time(used_at),
        bool(corrected),
    )


def _micros(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError("a memory's time has a time zone")
    return (at - _EPOCH) // _MICROSECOND


def _maybe_micros(at: datetime | None) -> int | None:
    return None if at is None else _micros(at)


def _time(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND


def _maybe_time(micros: int | None) -> datetime | None:
    return None if micros is None else _time(micros)
