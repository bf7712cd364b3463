"""Forgetting for good: a person, or single memories, with the words they come from; each erasure is on record.

The timeline stays append-only but for this (migration 0006): an event from which words are taken is noted first, and
keeps when, where and before whom it happened, so that what others may know does not change. Which rows an erasure
concerns is decided in `cognition/memory/redaction.py`; here they are found and changed.
"""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from cognition.store.memories import Memory, delete, get
from cognition.store.timeline import FORGOTTEN

__all__ = [
    "Erased",
    "Said",
    "Traces",
    "begin",
    "begun",
    "ended",
    "erase",
    "erase_lives",
    "erase_memories",
    "erase_names",
    "erase_words",
    "memory_ids_of",
    "pending",
    "record",
    "scrubbed",
    "traces_of",
    "traces_of_words",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_FIRST_NAMES = frozenset(
    ("The", "Mrs", "Miss", "Professor", "Prof", "Doctor", "Sir", "Lady", "Aunt", "Uncle")
)
REPLY_S = 90
"""Seconds after somebody's words in which a persona's are taken for an answer to them."""


@dataclass(frozen=True, slots=True)
class Said:
    """An event that may hold somebody's words, or words about them.

    Attributes:
        seq: of the event.
        text: what was said.
        author: identity of who said it.
        own: they said it themselves.
        persona: a persona said it.
        answer: a persona said it to them alone, or right after their words.
    """

    seq: int
    text: str
    author: str
    own: bool = False
    persona: bool = False
    answer: bool = False


@dataclass(frozen=True, slots=True)
class Traces:
    """What the store holds of a person.

    Attributes:
        identity: who they are.
        ids: theirs in rooms.
        names: what they were called.
        rooms: where they were.
        met: identities of those who were somewhere together with them, their own too.
        events: of which they are the author, or which name them, or which personas said before them; in order.
        others: what other people said in these rooms, whenever: words of theirs are not this person's alone.
        lines: ids of the lines whose words go, as their rooms know them; empty for a whole person.
        echo: letters of a word that may be known again.
    """

    identity: str
    ids: frozenset[str]
    names: frozenset[str]
    rooms: frozenset[str]
    met: frozenset[str]
    events: tuple[Said, ...]
    others: tuple[str, ...] = field(default=(), repr=False)
    lines: frozenset[str] = frozenset()
    echo: int = 5


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure took.

    Attributes:
        number: its place in the record.
        events: from which words were taken.
        memories: ids of those that are gone.
        texts: everything that was taken, as it was: nothing may be kept that was made of it.
    """

    number: int
    events: frozenset[int]
    memories: frozenset[str]
    texts: frozenset[str] = field(repr=False)


def traces_of(connection: sqlite3.Connection, identity: str, *, since: int = 0) -> Traces:
    """What the store holds of a person; of a persona, and of who is not known, there is nothing.

    Args:
        connection: the store.
        identity: who they are in every room.
        since: of events, and of what others said, only what is behind that `seq`.
    """
    people = connection.execute(
        "SELECT key, id, name FROM participant WHERE identity = ? AND kind = 'person'", (identity,)
    ).fetchall()
    names = frozenset(part for _, _, name in people if name.strip() for part in (name, _first_name(name)))
    mine = "SELECT key FROM participant WHERE identity = ?1 AND kind = 'person'"
    circles = f"SELECT circle FROM circle_member WHERE participant IN ({mine})"
    met = connection.execute(
        "SELECT DISTINCT identity FROM circle_member m JOIN participant p ON p.key = m.participant"
        f" WHERE m.circle IN ({circles})",
        (identity,),
    )
    met_all = frozenset(one for (one,) in met)
    rooms = connection.execute(
        f"SELECT DISTINCT room FROM event e JOIN place ON place.key = e.place WHERE e.present IN ({circles})",
        (identity,),
    )
    own = connection.execute(
        f"SELECT seq, text FROM event WHERE participant IN ({mine}) AND seq > ?2"
        " AND (text <> '' OR name <> '' OR detail <> '{}')",
        (identity, since),
    ).fetchall()
    said_to_them = connection.execute(
        "SELECT e.seq, e.text, p.identity, NOT EXISTS (SELECT 1 FROM circle_member m JOIN participant o"
        "  ON o.key = m.participant AND o.kind = 'person' AND o.identity <> ?1 WHERE m.circle = e.audience)"
        " OR coalesce((SELECT b.participant FROM event b"
        "  JOIN participant o ON o.key = b.participant AND o.kind = 'person'"
        "  WHERE b.place = e.place AND b.at BETWEEN e.at - ?2 AND e.at AND b.kind IN ('heard', 'read')"
        f"  ORDER BY b.at DESC, b.seq DESC LIMIT 1) IN ({mine}), 0)"
        " FROM event e JOIN participant p ON p.key = e.participant AND p.kind = 'persona'"
        f" WHERE e.text <> '' AND e.seq > ?3 AND e.audience IN ({circles})",
        (identity, REPLY_S * 1_000_000, since),
    ).fetchall()
    named = [
        row
        for name in names
        for row in connection.execute(
            "SELECT seq, text, p.identity, p.kind, e.name = ?2 FROM event e JOIN participant p ON p.key = e.participant"
            " WHERE e.seq > ?3 AND (instr(casefold(text), casefold(?1)) > 0 OR e.name = ?2)",
            (name, name, since),
        )
    ]
    others = connection.execute(
        "SELECT text FROM event e JOIN participant p ON p.key = e.participant"
        " WHERE p.kind = 'person' AND p.identity <> ?1 AND text <> '' AND e.seq > ?2"
        f" AND e.place IN (SELECT place FROM event WHERE present IN ({circles}))",
        (identity, since),
    )
    # At a shared microphone a voice has a name of its own, and another's seat.
    found = {
        seq: Said(
            seq,
            text,
            author,
            own=bool(by_name) and kind == "person" and author in met_all,
            persona=kind == "persona",
        )
        for seq, text, author, kind, by_name in named
    }
    found |= {
        seq: Said(seq, text, who, persona=True, answer=bool(answer))
        for seq, text, who, answer in said_to_them
    }
    found |= {seq: Said(seq, text, identity, own=True) for seq, text in own}
    return Traces(
        identity,
        frozenset(id for _, id, _ in people),
        names,
        frozenset(room for (room,) in rooms),
        met_all,
        tuple(found[seq] for seq in sorted(found)),
        tuple(text for (text,) in others),
    )


def traces_of_words(
    connection: sqlite3.Connection, words: Mapping[int, Collection[str]], left: Mapping[int, str]
) -> Traces:
    """What the store holds of some words, as of somebody who has said nothing else.

    Args:
        connection: the store.
        words: that are to go, by the `seq` of the event.
        left: what is left of each event.
    """
    rooms: set[str] = set()
    lines: set[str] = set()
    for seq in left:
        room, id, line = connection.execute(
            "SELECT room, e.id, json_extract(e.detail, '$.line') FROM event e JOIN place ON place.key = e.place"
            " WHERE seq = ?",
            (seq,),
        ).fetchone()
        rooms.add(room)
        lines |= {id, line or id}
    others = [text for text in left.values() if text]
    for room in rooms:
        said = connection.execute(
            "SELECT seq, text FROM event e JOIN place ON place.key = e.place WHERE room = ? AND text <> ''"
            " AND kind IN ('heard', 'read')",
            (room,),
        )
        others += [text for seq, text in said if seq not in left]
    own = tuple(Said(seq, text, "", own=True) for seq, texts in words.items() for text in texts)
    return Traces(
        "",
        frozenset(),
        frozenset(),
        frozenset(rooms),
        frozenset(),
        own,
        tuple(others),
        frozenset(lines),
        echo=3,
    )


def _first_name(name: str) -> str:
    """Of "Ada Lovelace" what friends say; of "Dr Lovelace" the whole."""
    first, *more = name.split()
    return first if more and len(first) >= 3 and first[0].isupper() and first not in _NO_FIRST_NAMES else name


def memory_ids_of(connection: sqlite3.Connection, traces: Traces) -> list[str]:
    """Ids of the memories that may be of or about a person: by subject, teller, source, or because they name them."""
    own = [one.seq for one in traces.events]
    found = {
        id
        for (id,) in connection.execute(
            "SELECT id FROM memory WHERE subject = ?1 OR teller = ?1 OR (subject >= ?1 || '/' AND subject < ?1 || '0')",
            (traces.identity,),
        )
    }
    for seq in own:
        rows = connection.execute(
            "SELECT id FROM memory m JOIN memory_source s ON s.memory = m.key WHERE s.event = ?", (seq,)
        )
        found.update(id for (id,) in rows)
    for name in traces.names:
        rows = connection.execute(
            "SELECT id FROM memory"
            " WHERE instr(casefold(subject_name || ' ' || text || ' ' || quote || ' ' || value), casefold(?)) > 0",
            (name,),
        )
        found.update(id for (id,) in rows)
    return sorted(found)


def erase(
    connection: sqlite3.Connection,
    *,
    at: datetime,
    by: str,
    what: Literal["person", "memories"],
    events: Mapping[int, str],
    gone: Collection[Memory],
) -> Erased:
    """Takes words from events, and forgets memories; in the transaction of the caller.

    Args:
        connection: that of the writer.
        at: timezone-aware.
        by: at whose word; for people, and not the name of who is forgotten.
        what: a whole person, or single memories.
        events: what is left of the text of each, by `seq`; never longer than it was.
        gone: the memories.

    Raises:
        sqlite3.IntegrityError: what is left is longer than what was.
    """
    number = record(connection, at=at, by=by, what=what, events=len(events), memories=len(gone))
    texts = erase_words(connection, number, events)
    ids = [memory.id for memory in gone]
    texts |= erase_memories(connection, ids)
    return Erased(number, frozenset(events), frozenset(ids), frozenset(texts))


def record(
    connection: sqlite3.Connection,
    *,
    at: datetime,
    by: str,
    what: Literal["person", "memories"],
    events: int,
    memories: int,
) -> int:
    """Puts on record that something is forgotten, and how much; returns its place in the record.

    Args:
        connection: that of the writer.
        at: timezone-aware.
        by: as in `erase`.
        what: as in `erase`.
        events: from how many words are taken.
        memories: how many go.
    """
    (number,) = connection.execute(
        'INSERT INTO erasure (at, "by", what, events, memories) VALUES (?, ?, ?, ?, ?) RETURNING number',
        ((at - _EPOCH) // _MICROSECOND, by, what, events, memories),
    ).fetchone()
    connection.execute("INSERT INTO unscrubbed VALUES (?)", (number,))
    return int(number)


def erase_words(connection: sqlite3.Connection, number: int, events: Mapping[int, str]) -> set[str]:
    """Takes words from events; returns their texts as they were.

    Args:
        connection: that of the writer.
        number: of the record.
        events: as in `erase`.

    Raises:
        sqlite3.IntegrityError: what is left is longer than what was.
    """
    texts: set[str] = set()
    for seq, left in events.items():
        (text,) = connection.execute("SELECT text FROM event WHERE seq = ?", (seq,)).fetchone()
        texts.add(text)
        connection.execute("INSERT OR IGNORE INTO erased VALUES (?, ?)", (seq, number))
        if left:
            connection.execute("UPDATE event SET text = ? WHERE seq = ?", (left, seq))
        else:
            connection.execute("UPDATE event SET text = '', name = '', detail = '{}' WHERE seq = ?", (seq,))
    return texts


def erase_memories(connection: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """Forgets memories, of which some may be gone already; returns what they said."""
    found = get(connection, ids)
    delete(connection, list(found))
    return {part for one in found.values() for part in (one.text, one.quote, one.value) if part}


def begin(connection: sqlite3.Connection, identity: str, *, by: str, at: datetime) -> None:
    """Somebody is being forgotten, in more than one transaction."""
    connection.execute(
        'INSERT OR IGNORE INTO forgetting (identity, "by", at) VALUES (?, ?, ?)',
        (identity, by, (at - _EPOCH) // _MICROSECOND),
    )


def begun(connection: sqlite3.Connection) -> list[tuple[str, str, datetime]]:
    """Who is being forgotten, at whose word, and since when."""
    rows = connection.execute('SELECT identity, "by", at FROM forgetting ORDER BY at')
    return [(identity, by, _EPOCH + at * _MICROSECOND) for identity, by, at in rows]


def ended(connection: sqlite3.Connection, identity: str) -> None:
    """Of somebody nothing is left that the store itself shows."""
    connection.execute("DELETE FROM forgetting WHERE identity = ?", (identity,))


def pending(connection: sqlite3.Connection) -> int:
    """How many erasures were recorded of which something may be left in free pages, logs and indexes."""
    (count,) = connection.execute("SELECT count(*) FROM unscrubbed").fetchone()
    return int(count)


def scrubbed(connection: sqlite3.Connection, up_to: int | None = None) -> None:
    """Nothing is left of these erasures; of all by default."""
    connection.execute("DELETE FROM unscrubbed WHERE erasure <= coalesce(?, erasure)", (up_to,))


def erase_lives(
    connection: sqlite3.Connection,
    traces: Traces,
    mentions: Callable[[str], bool],
    echoes: Callable[[str], bool],
) -> int:
    """Takes a person out of what personas lived: inboxes, intentions, journals, inner notes, experience, voiceprints.

    Args:
        connection: that of the writer.
        traces: who.
        mentions: whether a text names them.
        echoes: whether a text, of a room where they were, holds words that only they used.

    Returns:
        How many rows are gone.
    """
    gone = 0
    theirs = (traces.ids | {traces.identity}) - {""}
    rooms = tuple(traces.rooms)
    for table, key, room, columns in _LIVES:
        rows = connection.execute(f"SELECT {key}, {room}, {', '.join(columns)} FROM {table}").fetchall()
        keys = key.split(", ")
        where = " AND ".join(f"{one} = ?" for one in keys)
        for row in rows:
            which, there, said = (
                row[: len(keys)],
                row[len(keys)],
                [one for one in row[len(keys) + 1 :] if one],
            )
            if any(one in theirs or mentions(one) or (there in traces.rooms and echoes(one)) for one in said):
                gone += connection.execute(f"DELETE FROM {table} WHERE {where}", which).rowcount
    in_rooms = f"room IN ({', '.join('?' * len(rooms))})"
    # What personas said by themselves at their word, or where they were, is told to nobody.
    gone += connection.execute(
        f"DELETE FROM untold WHERE identity = ? OR {in_rooms}", (traces.identity or None, *rooms)
    ).rowcount
    # What it is about are words of what was said there, and nobody knows any more whose.
    gone += connection.execute(f"DELETE FROM experience WHERE {in_rooms}", rooms).rowcount
    for name in traces.names:
        gone += connection.execute(
            f"DELETE FROM voiceprint WHERE casefold(name) = casefold(?) AND {in_rooms}", (name, *rooms)
        ).rowcount
    return gone


def erase_names(connection: sqlite3.Connection, traces: Traces, giver: str, alias: str) -> None:
    """Lets nobody find out whose the participants and voices of a person were.

    Args:
        connection: that of the writer.
        traces: who.
        giver: what the ledger of reputation knows them by.
        alias: unique; what they are called instead.
    """
    connection.execute("UPDATE reputation SET name = NULL WHERE giver = ? AND name IS NOT NULL", (giver,))
    keys = connection.execute(
        "SELECT key, id FROM participant WHERE identity = ? AND kind = 'person'", (traces.identity,)
    ).fetchall()
    for key, id in keys:
        connection.execute(
            "DELETE FROM gathering WHERE circle IN (SELECT circle FROM circle_member WHERE participant = ?)",
            (key,),
        )
        # A seat of a visit tells nothing, and the room may tell again what was said from it: that it is known. Who goes
        # on in that seat is somebody new to the store: their next event would write name and identity here.
        kept = f"{id}{FORGOTTEN}{alias}" if id != traces.identity else f"{alias}-{key}"
        connection.execute(
            "UPDATE participant SET id = ?, identity = ?, name = '' WHERE key = ?", (kept, alias, key)
        )


_LIVES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("intention", "id", "room", ("text", '"to"', "line")),
    ("intention_ended", "id", "room", ("text",)),
    ("inbox_message", "persona, room, id", "room", ("sender", "name", "text")),
    ("journal", "id", "room", ("text",)),
    ("inner_note", "persona, room, at", "room", ("text",)),
    ("dream", "number", "NULL", ("subject", "text", "why")),
)
"""Tables, their keys, the column of the room, and those of the words."""
