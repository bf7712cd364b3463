"""What the personas lived: an append-only table of events, each with who was there and who perceived it."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

__all__ = [
    "FORGOTTEN",
    "Cursor",
    "Entry",
    "Event",
    "EventKind",
    "Page",
    "Participant",
    "Place",
    "Query",
    "append",
    "append_all",
    "arrive",
    "depart",
    "heard_by",
    "known_place",
    "missed_some",
    "occupied",
    "open_place",
    "open_places",
    "page",
    "present_in",
]

EventKind = Literal["heard", "saw", "read", "said", "did", "declined", "arrived", "left"]

MAX_PAGE = 1000
"""Entries a page has at most."""
FORGOTTEN = "#forgotten:"
"""In the id of a participant whose person was forgotten: behind the seat's, before what tells it from others."""
LAST_CHARACTER = "\U0010ffff"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happened: a room of this server, or of a channel on another host."""

    room: str
    channel: str = ""
    host: str = "continuum"


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who was there.

    Attributes:
        id: theirs in the room; a person has another one with each visit.
        name: what they are called now.
        identity: who they are in every room, at any time; empty where that is the same as `id`.
    """

    id: str
    kind: Literal["person", "persona"]
    name: str
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        id: its origin's; the same participant, place and id again is the same event.
        kind: `heard`: a person said it aloud; `read`: a person wrote it; `said`: a persona said or wrote it, its
            text is what was heard of it; `declined`: a persona did not answer, its text is the reason.
        place: where.
        participant: whose act it was.
        text: the words; empty where there are none.
        at: timezone-aware.
        present: who was there; the participant belongs to it, whether named or not.
        to: ids of those who alone perceived it, the participant too; None for all present.
        media: the room's media time in samples at 48 kHz; None where there is none.
        detail: what else is known, as JSON can say it.
        name: whose words they were, where that is not the participant's name: one of several at a microphone.
    """

    id: str
    kind: EventKind
    place: Place
    participant: Participant
    text: str
    at: datetime
    present: frozenset[Participant] = frozenset()
    to: frozenset[str] | None = None
    media: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it is kept.

    Attributes:
        seq: grows with each entry, in the order in which they were kept.
        identity: who the participant is in every room.
        name: what the participant was called then.
        present: ids of who was there.
        audience: ids of who perceived it.
        whispered: it was for these alone.
    """

    seq: int
    id: str
    kind: EventKind
    place: Place
    participant: str
    identity: str
    name: str
    text: str
    at: datetime
    present: frozenset[str]
    audience: frozenset[str]
    whispered: bool
    media: int | None
    detail: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For export: one object, sets as sorted lists, the time in RFC 3339."""
        return {
            "seq": self.seq,
            "id": self.id,
            "kind": self.kind,
            "host": self.place.host,
            "channel": self.place.channel,
            "room": self.place.room,
            "participant": self.participant,
            "identity": self.identity,
            "name": self.name,
            "text": self.text,
            "at": self.at.isoformat(),
            "media": self.media,
            "present": sorted(self.present),
            "audience": sorted(self.audience),
            "whispered": self.whispered,
            "detail": dict(self.detail),
        }


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries; what is not set does not matter. Whoever is named, is by identity.

    Attributes:
        known_to: only what each of them may know: they perceived it, or it was said aloud in an open place.
        lived_by: only what they perceived.
        participant: only what they did.
        present: only what happened while they were there.
        place: only there.
        elsewhere: only in other places than this.
        kinds: only of these kinds; empty for all.
        since: not before.
        until: before this.
        seqs: only these; empty for all.
    """

    known_to: frozenset[str] = frozenset()
    lived_by: str | None = None
    participant: str | None = None
    present: str | None = None
    place: Place | None = None
    elsewhere: Place | None = None
    kinds: frozenset[EventKind] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    seqs: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended; the next one goes on from there, whatever is kept meanwhile."""

    at: int
    seq: int


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in order, and where to go on; `next` is None at the end."""

    entries: tuple[Entry, ...]
    next: Cursor | None


def append(connection: sqlite3.Connection, event: Event) -> int | None:
    """Keeps an event; returns its `seq`, or None when it is there already, of somebody forgotten since too.

    Raises:
        ValueError: its time has no time zone, or its detail cannot be said in JSON.
    """
    there = event.present | {event.participant}
    digest, who = _digest(there), _storable(event.participant.id)
    place, present, key = connection.execute(
        "SELECT (SELECT key FROM place WHERE (host, channel, room) = (?, ?, ?)),"
        " (SELECT circle FROM gathering WHERE digest = ?), (SELECT key FROM participant WHERE id = ?)",
        (*_named(event.place), digest, who),
    ).fetchone()
    if place is not None and _is_forgotten(connection, place, who, event.id):
        return None
    if place is None:
        place = _place(connection, event.place)
    if present is None:
        keys = _participants(connection, there)
        present, key = _circle(connection, keys.values()), keys[who]
        connection.execute("INSERT INTO gathering (digest, circle) VALUES (?, ?)", (digest, present))
    audience = present
    if event.to is not None:
        hearers = frozenset(map(_storable, event.to)) | {who}
        audience = _circle(connection, _known(connection, hearers))
    try:
        detail = json.dumps(event.detail, ensure_ascii=True, allow_nan=False)
    except TypeError as error:
        raise ValueError(f"an event's detail is what JSON can say: {error}") from error
    kept = connection.execute(
        "INSERT INTO event (place, id, kind, participant, name, text, detail, at, media, present, audience, whispered)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (place, participant, id) DO NOTHING RETURNING seq",
        (
            place,
            _storable(event.id),
            event.kind,
            key,
            _storable(event.name or event.participant.name),
            _storable(event.text),
            detail,
            _micros(event.at),
            event.media,
            present,
            audience,
            event.to is not None,
        ),
    ).fetchone()
    return None if kept is None else int(kept[0])


def append_all(connection: sqlite3.Connection, events: Iterable[Event]) -> int:
    """Keeps events; returns how many were new."""
    return sum(append(connection, event) is not None for event in events)


def arrive(connection: sqlite3.Connection, event: Event) -> int | None:
    """Keeps an arrival, unless they are there already as far as the timeline knows."""
    if event.participant.id in present_in(connection, event.place, event.at):
        return None
    return append(connection, event)


def depart(connection: sqlite3.Connection, event: Event) -> int | None:
    """Keeps a leave, unless they are not there as far as the timeline knows."""
    if event.participant.id not in present_in(connection, event.place, event.at):
        return None
    return append(connection, event)


def present_in(
    connection: sqlite3.Connection, place: Place, at: datetime | None = None
) -> dict[str, Participant]:
    """Who had arrived and not left, by id.

    Args:
        connection: the store.
        place: where.
        at: when, inclusive; None for now.
    """
    rows = connection.execute(
        "SELECT p.id, p.kind, p.name, p.identity, last.kind FROM place JOIN participant p ON p.key IN"
        " (SELECT participant FROM event WHERE place = place.key AND kind IN ('arrived', 'left'))"
        " JOIN event last ON last.seq = (SELECT e.seq FROM event e WHERE e.place = place.key"
        "  AND e.participant = p.key AND e.kind IN ('arrived', 'left') AND e.at <= :at"
        "  ORDER BY e.at DESC, e.seq DESC LIMIT 1)"
        " WHERE (host, channel, room) = (:host, :channel, :room) ORDER BY last.at, last.seq",
        {
            "at": (1 << 63) - 1 if at is None else _micros(at),
            "host": _storable(place.host),
            "channel": _storable(place.channel),
            "room": _storable(place.room),
        },
    )
    there: dict[str, Participant] = {}
    for id, kind, name, identity, last in rows:
        # Of a seat whose person was forgotten meanwhile the last that is known counts, whosever it was.
        seat, forgotten, _ = id.partition(FORGOTTEN)
        there.pop(seat, None)
        if last == "arrived":
            there[seat] = Participant(seat, kind, name, "" if forgotten or identity == id else identity)
    return there


def occupied(connection: sqlite3.Connection, host: str = "continuum") -> dict[Place, dict[str, Participant]]:
    """The places of a host in which, as far as the timeline knows, somebody still is, and who."""
    rows = connection.execute(
        "SELECT channel, room FROM place WHERE host = ? AND key IN (SELECT place FROM event WHERE kind = 'arrived')",
        (_storable(host),),
    ).fetchall()
    places = [Place(room, channel, host) for channel, room in rows]
    return {place: there for place in places if (there := present_in(connection, place))}


def open_place(connection: sqlite3.Connection, place: Place, is_open: bool) -> None:
    """What was and will be said aloud there may be told to anybody, or only to those who were present."""
    key = _place(connection, place)
    connection.execute("UPDATE place SET openness = ? WHERE key = ?", ("open" if is_open else "present", key))


def open_places(connection: sqlite3.Connection) -> list[Place]:
    """Those where what is said aloud may be told to anybody."""
    rows = connection.execute("SELECT host, channel, room FROM place WHERE openness = 'open'")
    return [Place(room, channel, host) for host, channel, room in rows]


def people_of(connection: sqlite3.Connection, seq: int) -> frozenset[str]:
    """Identities of the people who perceived an event."""
    rows = connection.execute(
        "SELECT p.identity FROM event e JOIN circle_member m ON m.circle = e.audience"
        " JOIN participant p ON p.key = m.participant WHERE e.seq = ? AND p.kind = 'person'",
        (seq,),
    )
    return frozenset(identity for (identity,) in rows)


def missed_some(
    connection: sqlite3.Connection, place: Place, person: str, since: datetime, until: datetime
) -> bool:
    """Whether something was said aloud at a place in a time, from `since` on, that a person may not know of."""
    row = connection.execute(
        "SELECT 1 FROM event e JOIN place ON place.key = e.place WHERE (host, channel, room) = (?, ?, ?)"
        " AND openness = 'present' AND e.at > ? AND e.at <= ? AND e.kind IN ('heard', 'read', 'said')"
        " AND e.whispered = 0 AND NOT EXISTS (SELECT 1 FROM circle_member m JOIN participant p"
        "  ON p.key = m.participant WHERE m.circle = e.audience AND p.identity = ?) LIMIT 1",
        (*_named(place), _micros(since), _micros(until), _storable(person)),
    )
    return row.fetchone() is not None


def known_place(connection: sqlite3.Connection, place: Place) -> bool:
    """Whether something ever happened at a place."""
    found = connection.execute(
        "SELECT 1 FROM event e JOIN place ON place.key = e.place WHERE (host, channel, room) = (?, ?, ?) LIMIT 1",
        _named(place),
    )
    return found.fetchone() is not None


def heard_by(connection: sqlite3.Connection, place: Place, who: str, line: str) -> frozenset[str]:
    """Identities of the people who perceived a line: the last of that id that somebody, by id, said or wrote there."""
    row = connection.execute(
        "SELECT e.seq FROM event e JOIN place ON place.key = e.place JOIN participant p ON p.key = e.participant"
        " WHERE (host, channel, room) = (?, ?, ?) AND p.id = ? AND coalesce(json_extract(detail, '$.line'), e.id) = ?"
        " AND e.kind IN ('heard', 'read') ORDER BY e.seq DESC LIMIT 1",
        (*_named(place), _storable(who), _storable(line)),
    ).fetchone()
    return frozenset() if row is None else people_of(connection, row[0])


def page(
    connection: sqlite3.Connection,
    query: Query,
    *,
    after: Cursor | None = None,
    limit: int = 100,
    newest_first: bool = False,
) -> Page:
    """Entries in order of time.

    Args:
        connection: the store.
        query: which.
        after: `next` of the page before; None for the first.
        limit: how many at most, up to `MAX_PAGE`.
        newest_first: backwards.

    Raises:
        ValueError: a limit below 1 or above `MAX_PAGE`, or a time without a time zone.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"a page has 1 to {MAX_PAGE} entries")
    terms, values = _terms(query)
    if after is not None:
        terms.append(f"(e.at, e.seq) {'<' if newest_first else '>'} (?, ?)")
        values += [after.at, after.seq]
    direction = "DESC" if newest_first else "ASC"
    rows = connection.execute(
        "SELECT e.seq, e.id, e.kind, place.host, place.channel, place.room, p.id, p.identity, e.name, e.text, e.at,"
        " e.present, e.audience, e.whispered, e.media, e.detail FROM event e JOIN place ON place.key = e.place"
        f" JOIN participant p ON p.key = e.participant WHERE {' AND '.join(terms) or 'TRUE'}"
        f" ORDER BY e.at {direction}, e.seq {direction} LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    circles = _members(connection, {key for row in rows[:limit] for key in row[11:13]})
    entries = tuple(
        Entry(
            seq,
            id,
            kind,
            Place(room, channel, host),
            participant,
            identity,
            name,
            text,
            _EPOCH + at * _MICROSECOND,
            circles[present],
            circles[audience],
            bool(whispered),
            media,
            json.loads(detail),
        )
        for (
            seq,
            id,
            kind,
            host,
            channel,
            room,
            participant,
            identity,
            name,
            text,
            at,
            present,
            audience,
            whispered,
            media,
            detail,
        ) in rows[:limit]
    )
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(entries, None if last is None else Cursor(last[10], last[0]))


def _terms(query: Query) -> tuple[list[str], list[Any]]:
    terms: list[str] = []
    values: list[Any] = []
    if query.known_to:
        ids = sorted(map(_storable, query.known_to))
        terms.append(
            "(e.audience IN (SELECT circle FROM circle_member m JOIN participant ON key = m.participant"
            f" WHERE identity IN ({_marks(ids)}) GROUP BY circle HAVING count(DISTINCT identity) = ?)"
            " OR (e.whispered = 0 AND place.openness = 'open'))"
        )
        values += [*ids, len(ids)]
    in_circle = (
        "(SELECT circle FROM circle_member m JOIN participant ON key = m.participant WHERE identity = ?)"
    )
    if query.lived_by is not None:
        terms.append(f"e.audience IN {in_circle}")
        values.append(_storable(query.lived_by))
    if query.present is not None:
        terms.append(f"e.present IN {in_circle}")
        values.append(_storable(query.present))
    if query.participant is not None:
        terms.append("e.participant IN (SELECT key FROM participant WHERE identity = ?)")
        values.append(_storable(query.participant))
    if query.place is not None:
        terms.append("e.place = (SELECT key FROM place WHERE (host, channel, room) = (?, ?, ?))")
        values += _named(query.place)
    if query.elsewhere is not None:
        terms.append("e.place IS NOT (SELECT key FROM place WHERE (host, channel, room) = (?, ?, ?))")
        values += _named(query.elsewhere)
    if query.kinds:
        terms.append(f"e.kind IN ({_marks(query.kinds)})")
        values += sorted(query.kinds)
    if query.since is not None:
        terms.append("e.at >= ?")
        values.append(_micros(query.since))
    if query.until is not None:
        terms.append("e.at < ?")
        values.append(_micros(query.until))
    if query.seqs:
        terms.append(f"e.seq IN ({_marks(query.seqs)})")
        values += sorted(query.seqs)
    return terms, values


def _participants(connection: sqlite3.Connection, known: frozenset[Participant]) -> dict[str, int]:
    """Their keys by id; whoever is new is kept, and by what name they go now."""
    wanted = {_storable(one.id): one for one in known}
    rows = connection.execute(
        f"SELECT id, key, identity, kind, name FROM participant WHERE id IN ({_marks(wanted)})", tuple(wanted)
    ).fetchall()
    keys = {id: key for id, key, *_ in rows}
    said = {id: (_storable(one.identity), one.kind, _storable(one.name)) for id, one in wanted.items()}
    # Who does not know an identity does not take it away.
    same = {
        id
        for id, _, identity, kind, name in rows
        if said[id][0] in ("", identity) and said[id][1:] == (kind, name)
    }
    for id in wanted.keys() - same:
        (keys[id],) = connection.execute(
            "INSERT INTO participant (id, identity, kind, name) VALUES (:id, coalesce(nullif(:identity, ''), :id),"
            " :kind, :name) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name,"
            " identity = coalesce(nullif(:identity, ''), identity) RETURNING key",
            {"id": id, "identity": said[id][0], "kind": said[id][1], "name": said[id][2]},
        ).fetchone()
        connection.execute(
            "DELETE FROM gathering WHERE circle IN (SELECT circle FROM circle_member WHERE participant = ?)",
            (keys[id],),
        )
    return keys


def _is_forgotten(connection: sqlite3.Connection, place: int, who: str, id: str) -> bool:
    """Whether an event of a seat is there that was kept before its person was forgotten."""
    seats = f"{who}{FORGOTTEN}"
    found = connection.execute(
        "SELECT 1 FROM participant p CROSS JOIN event e ON (e.place, e.participant, e.id) = (?, p.key, ?)"
        " WHERE p.id >= ? AND p.id < ? LIMIT 1",
        (place, _storable(id), seats, f"{seats}{LAST_CHARACTER}"),
    )
    return found.fetchone() is not None


def _known(connection: sqlite3.Connection, ids: frozenset[str]) -> list[int]:
    """The keys of these ids; those of whom nothing but the id is known are persons without a name."""
    connection.executemany(
        "INSERT INTO participant (id, identity, kind, name) VALUES (?1, ?1, 'person', '') ON CONFLICT DO NOTHING",
        [(id,) for id in sorted(ids)],
    )
    rows = connection.execute(f"SELECT key FROM participant WHERE id IN ({_marks(ids)})", tuple(ids))
    return [key for (key,) in rows]


@lru_cache(maxsize=256)
def _digest(there: frozenset[Participant]) -> bytes:
    known = sorted((one.id, one.identity, one.kind, one.name) for one in there)
    return hashlib.sha256(json.dumps(known).encode()).digest()


def _named(place: Place) -> tuple[str, str, str]:
    return _storable(place.host), _storable(place.channel), _storable(place.room)


def _place(connection: sqlite3.Connection, place: Place) -> int:
    named = _named(place)
    connection.execute(
        "INSERT INTO place (host, channel, room) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", named
    )
    (key,) = connection.execute(
        "SELECT key FROM place WHERE (host, channel, room) = (?, ?, ?)", named
    ).fetchone()
    return int(key)


def _circle(connection: sqlite3.Connection, participants: Iterable[int]) -> int:
    keys = sorted(participants)
    members = ",".join(map(str, keys))
    found = connection.execute("SELECT key FROM circle WHERE members = ?", (members,)).fetchone()
    if found is None:
        found = connection.execute(
            "INSERT INTO circle (members) VALUES (?) RETURNING key", (members,)
        ).fetchone()
        connection.executemany(
            "INSERT INTO circle_member (participant, circle) VALUES (?, ?)", [(key, found[0]) for key in keys]
        )
    return int(found[0])


def _members(connection: sqlite3.Connection, circles: set[int]) -> dict[int, frozenset[str]]:
    members: dict[int, list[str]] = {key: [] for key in circles}
    for circle in circles:
        rows = connection.execute(
            "SELECT id FROM circle_member m JOIN participant ON key = m.participant WHERE circle = ?",
            (circle,),
        )
        members[circle] += [id for (id,) in rows]
    return {circle: frozenset(ids) for circle, ids in members.items()}


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


def _storable(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates, which JSON can smuggle in, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _micros(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError("an event's time has a time zone")
    return (at - _EPOCH) // _MICROSECOND
