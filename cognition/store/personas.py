"""What personas live through, as the store keeps it: rows in, dataclasses out; functions of a connection."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

from cognition.events import Heard, Read
from cognition.persona.inbox import DropReason, Message
from cognition.persona.intentions import Intention
from cognition.persona.journal import Entry, Experience
from cognition.persona.notes import InnerNote
from cognition.persona.rights import Work
from cognition.persona.state import State

__all__ = [
    "Change",
    "Loaded",
    "Order",
    "OutOfTurn",
    "Saved",
    "journal_of",
    "load",
    "orders_of",
    "save",
    "saved_changes",
]

KEPT_S = 7 * 86_400.0
"""Seconds for which it is known what was lived through and how intentions ended; no room tells anything again later."""
NOTES = 8
"""Inner notes of a persona that a room keeps."""
ENTRIES = 1000
"""Pieces of a journal that a room keeps."""

OrderKind = Literal["keep-awake", "pause", "resume", "add", "edit", "remove"]


class OutOfTurn(Exception):
    """The change before this one was not saved."""


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator ordered: for whom, who, when, why, and until when, if that is known."""

    persona: str
    kind: OrderKind
    by: str
    why: str
    at: float
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A persona as it is kept.

    Attributes:
        state: how it is; its home base is its profile's.
        awake_until: an operator keeps it from its rest.
        paused: by an operator.
        serviced: when it looked into its inbox last.
    """

    state: State
    awake_until: float = float("-inf")
    paused: bool = False
    serviced: float = float("-inf")


@dataclass(slots=True)
class Change:
    """What is different after something happened; saved as a whole or not at all. None, and 0, are removed.

    Attributes:
        lived: instants of the events that led to it, by room and key; None: may happen again.
        states: by persona.
        intentions: by id; those that are not open are moved to the ended ones.
        messages: by persona, room and id.
        dropped: counts by persona, room and reason.
        experiences: by persona and room.
        entries: of journals.
        orders: of operators.
        notes: by persona, room and instant.
    """

    lived: dict[tuple[str, str], float | None] = field(default_factory=dict)
    states: dict[str, Saved] = field(default_factory=dict)
    intentions: dict[str, Intention] = field(default_factory=dict)
    messages: dict[tuple[str, str, str], Message | None] = field(default_factory=dict)
    dropped: dict[tuple[str, str, str], int] = field(default_factory=dict)
    experiences: dict[tuple[str, str], Experience | None] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    notes: dict[tuple[str, str, float], InnerNote] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))

    def take(self) -> "Change":
        """Everything so far; this one is empty afterwards."""
        taken = Change(**{each.name: getattr(self, each.name) for each in fields(self)})
        for each in fields(self):
            setattr(self, each.name, type(getattr(self, each.name))())
        return taken

    def add(self, later: "Change") -> None:
        """Takes in a change that came after this one."""
        for each in fields(self):
            mine, other = getattr(self, each.name), getattr(later, each.name)
            if isinstance(mine, list):
                mine.extend(other)
            else:
                mine.update(other)


@dataclass(slots=True)
class Loaded:
    """Everything that is kept of the personas, as in `Change`; `ended` are ids of intentions, `changes` a number."""

    changes: int
    lived: list[tuple[str, str]]
    states: dict[str, Saved]
    intentions: list[Intention]
    ended: set[str]
    messages: dict[str, list[Message]]
    dropped: dict[str, dict[tuple[str, DropReason], int]]
    experiences: dict[tuple[str, str], Experience]
    notes: dict[tuple[str, str], list[InnerNote]]


def saved_changes(connection: sqlite3.Connection) -> int:
    """How many changes were saved."""
    (count,) = connection.execute("SELECT changes FROM life_saved").fetchone()
    return int(count)


def save(connection: sqlite3.Connection, number: int, change: Change) -> None:
    """Saves a change, in the transaction of the caller.

    Args:
        connection: that of the writer.
        number: of the change: one more than that of the change before it.
        change: what is different.

    Raises:
        OutOfTurn: the change before it was not saved.
    """
    turn = connection.execute("UPDATE life_saved SET changes = ? WHERE changes = ?", (number, number - 1))
    if turn.rowcount != 1:
        raise OutOfTurn(f"change {number} has to wait for the one before it")
    for (room, key), at in change.lived.items():
        if at is None:
            connection.execute("DELETE FROM lived WHERE room = ? AND id = ?", (room, key))
        else:
            connection.execute("INSERT OR IGNORE INTO lived VALUES (?, ?, ?)", (room, key, at))
    for persona, saved in change.states.items():
        connection.execute(
            "INSERT OR REPLACE INTO persona_state VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                persona,
                saved.state.energy,
                saved.state.valence,
                saved.state.arousal,
                saved.state.at,
                saved.state.resting,
                _finite(saved.awake_until),
                saved.paused,
                _finite(saved.serviced),
            ),
        )
    for intention in change.intentions.values():
        _save_intention(connection, intention, max(intention.created, _latest(change)))
    for (persona, room, id), message in change.messages.items():
        if message is None:
            connection.execute(
                "DELETE FROM inbox_message WHERE persona = ? AND room = ? AND id = ?", (persona, room, id)
            )
        else:
            connection.execute(
                "INSERT OR REPLACE INTO inbox_message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    persona,
                    room,
                    id,
                    message.sender,
                    message.name,
                    message.text,
                    message.at,
                    message.priority,
                    None if message.to is None else json.dumps(sorted(message.to)),
                ),
            )
    for dropped, count in change.dropped.items():
        if count:
            connection.execute("INSERT OR REPLACE INTO inbox_dropped VALUES (?, ?, ?, ?)", (*dropped, count))
        else:
            connection.execute(
                "DELETE FROM inbox_dropped WHERE persona = ? AND room = ? AND reason = ?", dropped
            )
    for (persona, room), experience in change.experiences.items():
        if experience is None:
            connection.execute("DELETE FROM experience WHERE persona = ? AND room = ?", (persona, room))
        else:
            lived = json.dumps({each.name: getattr(experience, each.name) for each in fields(experience)})
            connection.execute("INSERT OR REPLACE INTO experience VALUES (?, ?, ?)", (persona, room, lived))
    for entry in change.entries.values():
        work = entry.work
        connection.execute(
            "INSERT OR IGNORE INTO journal VALUES (?, ?, ?, ?, ?, ?)",
            (entry.id, work.persona, work.author, entry.room, work.text, work.at.timestamp()),
        )
        connection.execute(
            "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE persona = ? AND room = ? "
            "ORDER BY at DESC LIMIT -1 OFFSET ?)",
            (work.persona, entry.room, ENTRIES),
        )
    connection.executemany(
        'INSERT INTO persona_order (persona, kind, "by", why, at, until) VALUES (?, ?, ?, ?, ?, ?)',
        [(each.persona, each.kind, each.by, each.why, each.at, each.until) for each in change.orders],
    )
    for (persona, room, at), note in change.notes.items():
        connection.execute(
            "INSERT OR REPLACE INTO inner_note VALUES (?, ?, ?, ?)",
            (persona, room, at, note.read_by(persona)),
        )
        connection.execute(
            "DELETE FROM inner_note WHERE persona = ?1 AND room = ?2 AND at NOT IN (SELECT at FROM inner_note "
            "WHERE persona = ?1 AND room = ?2 ORDER BY at DESC LIMIT ?3)",
            (persona, room, NOTES),
        )


def load(connection: sqlite3.Connection, now: float) -> Loaded:
    """Everything that is kept of the personas; what nobody tells again is forgotten.

    Args:
        connection: that of the writer.
        now: seconds since 1970.
    """
    connection.execute("DELETE FROM lived WHERE at < ?", (now - KEPT_S,))
    connection.execute("DELETE FROM intention_ended WHERE at < ?", (now - KEPT_S,))
    messages: dict[str, list[Message]] = {}
    for persona, room, id, sender, name, text, at, priority, to in connection.execute(
        'SELECT persona, room, id, sender, name, text, at, priority, "to" FROM inbox_message'
    ):
        heard_by = None if to is None else frozenset(json.loads(to))
        messages.setdefault(persona, []).append(Message(id, room, sender, name, text, at, priority, heard_by))
    dropped: dict[str, dict[tuple[str, DropReason], int]] = {}
    for persona, room, reason, count in connection.execute("SELECT * FROM inbox_dropped"):
        dropped.setdefault(persona, {})[room, reason] = count
    notes: dict[tuple[str, str], list[InnerNote]] = {}
    for persona, room, at, text in connection.execute(
        "SELECT persona, room, at, text FROM inner_note ORDER BY at"
    ):
        notes.setdefault((persona, room), []).append(InnerNote(persona, text, at))
    return Loaded(
        saved_changes(connection),
        [(room, id) for room, id in connection.execute("SELECT room, id FROM lived ORDER BY at")],
        {
            persona: Saved(
                State(energy, valence, arousal, at=at, resting=bool(resting)),
                float("-inf") if awake_until is None else awake_until,
                bool(paused),
                float("-inf") if serviced is None else serviced,
            )
            for persona, energy, valence, arousal, at, resting, awake_until, paused, serviced in connection.execute(
                "SELECT * FROM persona_state"
            )
        },
        [_intention(row) for row in connection.execute("SELECT * FROM intention ORDER BY created")],
        {id for (id,) in connection.execute("SELECT id FROM intention_ended")},
        messages,
        dropped,
        {
            (persona, room): _experience(json.loads(lived))
            for persona, room, lived in connection.execute("SELECT * FROM experience")
        },
        notes,
    )


def journal_of(
    connection: sqlite3.Connection, persona: str, rooms: Collection[str], *, limit: int, before: float
) -> list[Entry]:
    """What a persona wrote of some rooms before an instant, the latest first."""
    marks = ", ".join("?" * len(rooms))
    return [
        Entry(id, room, Work(persona, author, text, datetime.fromtimestamp(at, UTC)))
        for id, author, room, text, at in connection.execute(
            f"SELECT id, author, room, text, at FROM journal WHERE persona = ? AND at < ? AND room IN ({marks}) "
            "ORDER BY at DESC LIMIT ?",
            (persona, before, *rooms, limit),
        )
    ]


def orders_of(connection: sqlite3.Connection, persona: str, *, limit: int) -> list[Order]:
    """What operators ordered of a persona, the latest first."""
    return [
        Order(*row)
        for row in connection.execute(
            'SELECT persona, kind, "by", why, at, until FROM persona_order WHERE persona = ? '
            "ORDER BY number DESC LIMIT ?",
            (persona, limit),
        )
    ]


def _save_intention(connection: sqlite3.Connection, each: Intention, at: float) -> None:
    if each.status != "open":
        connection.execute("DELETE FROM intention WHERE id = ?", (each.id,))
        connection.execute(
            "INSERT OR IGNORE INTO intention_ended VALUES (?, ?, ?, ?, ?, ?, ?)",
            (each.id, each.persona, each.room, each.kind, each.text, each.status, at),
        )
        return
    connection.execute(
        "INSERT OR REPLACE INTO intention VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            each.id,
            each.persona,
            each.room,
            each.kind,
            each.text,
            each.to,
            each.created,
            each.due,
            each.expires,
            each.priority,
            None if each.line is None else json.dumps(_line_as_json(each.line)),
            each.step,
            each.attempts,
            each.refused,
        ),
    )


def _intention(row: tuple[Any, ...]) -> Intention:
    id, persona, room, kind, text, to, created, due, expires, priority, line, step, attempts, refused = row
    return Intention(
        id,
        persona,
        room,
        kind,
        text,
        to,
        created,
        due,
        expires,
        priority,
        None if line is None else _line_of(json.loads(line)),
        step,
        "open",
        attempts,
        refused,
    )


def _line_as_json(line: Heard | Read) -> dict[str, object]:
    return {
        "heard": isinstance(line, Heard),
        "room": line.room,
        "participant": line.participant,
        "name": line.name,
        "text": line.text,
        "at": line.at.isoformat(),
        "id": line.id,
        "to": sorted(line.to) if isinstance(line, Heard) and line.to is not None else None,
    }


def _line_of(kept: dict[str, Any]) -> Heard | Read:
    common = (
        kept["room"],
        kept["participant"],
        kept["name"],
        kept["text"],
        datetime.fromisoformat(kept["at"]),
    )
    if not kept["heard"]:
        return Read(*common, kept["id"])
    return Heard(*common, kept["id"], None if kept["to"] is None else frozenset(kept["to"]))


def _experience(kept: dict[str, Any]) -> Experience:
    return Experience(**kept)


def _latest(change: Change) -> float:
    return max((saved.state.at for saved in change.states.values()), default=0.0)


def _finite(instant: float) -> float | None:
    return instant if abs(instant) < float("inf") else None
