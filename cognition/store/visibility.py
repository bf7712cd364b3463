"""Who may know what: the scopes that everybody who will hear an answer may know, decided in SQL.

A scope is an audience, a place, and whether it was whispered; whatever is derived from events has one. Before some
listeners a persona may use what it and each of them perceived, and what was said aloud in an open place.
"""

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cognition.store.timeline import Place

__all__ = [
    "ScopeSet",
    "Visibility",
    "allowed_scopes",
    "changes",
    "may_know",
    "of_place",
    "readable",
    "within",
]

CACHED = 256
"""Pairs of a persona and its listeners that are kept."""
MAX_HEARERS = 10_000
"""Identities of one question; more than any room holds."""


@dataclass(frozen=True, slots=True, eq=False)
class ScopeSet:
    """Scopes that may be used.

    Attributes:
        mask: bool, indexed by the scope's key, read-only; a key beyond its end is not allowed.
        hearers: identities of the persona and of who listens.
    """

    mask: npt.NDArray[np.bool_]
    hearers: frozenset[str]

    def __contains__(self, scope: int) -> bool:
        return 0 <= scope < len(self.mask) and bool(self.mask[scope])


def may_know(hearers: Iterable[str], scope: str = "s") -> tuple[str, list[str | int]]:
    """The condition that each of some identities may know a scope, for the WHERE of a query, and its values.

    Args:
        hearers: identities.
        scope: how the query calls the row of the table `scope`.

    Raises:
        ValueError: there is nobody, or there are too many.
    """
    # Text that UTF-8 cannot hold is kept with question marks (timeline.py); an identity is asked for as it is kept.
    known = sorted({each.encode("utf-8", "replace").decode("utf-8") for each in hearers})
    if not 0 < len(known) <= MAX_HEARERS:
        raise ValueError(f"1 to {MAX_HEARERS} are asked for")
    marks = ", ".join("?" * len(known))
    return (
        f"(({scope}.whispered = 0 AND (SELECT openness FROM place WHERE place.key = {scope}.place) = 'open')"
        " OR (SELECT count(DISTINCT identity) FROM circle_member JOIN participant ON participant.key = participant"
        f" WHERE circle = {scope}.audience AND identity IN ({marks})) = ?)",
        [*known, len(known)],
    )


def allowed_scopes(connection: sqlite3.Connection, persona: str, listeners: frozenset[str]) -> ScopeSet:
    """The scopes that a persona may use where these listen.

    Args:
        connection: the store.
        persona: identity.
        listeners: identities of the people who will hear it; other personas do not count.
    """
    term, values = may_know(listeners | {persona})
    keys = np.fromiter(
        (key for (key,) in connection.execute(f"SELECT key FROM scope s WHERE {term}", values)),
        dtype=np.int64,
    )
    mask = np.zeros(int(keys.max(initial=-1)) + 1, dtype=np.bool_)
    mask[keys] = True
    mask.flags.writeable = False
    return ScopeSet(mask, listeners | {persona})


def changes(connection: sqlite3.Connection) -> int:
    """How often it has changed who may know which scope; what was worked out at another number is out of date."""
    (count,) = connection.execute("SELECT changes FROM visibility").fetchone()
    return int(count)


def of_place(connection: sqlite3.Connection, allowed: ScopeSet, place: Place) -> ScopeSet:
    """Of these scopes those of one place."""
    rows = connection.execute(
        "SELECT s.key FROM scope s JOIN place p ON p.key = s.place WHERE (p.host, p.channel, p.room) = (?, ?, ?)",
        (place.host, place.channel, place.room),
    )
    mask = np.zeros_like(allowed.mask)
    there = [key for (key,) in rows if key in allowed]
    mask[there] = True
    mask.flags.writeable = False
    return ScopeSet(mask, allowed.hearers)


def within(allowed: ScopeSet) -> tuple[str, str]:
    """The condition that a row `m` of `memory` is of one of some scopes, for the WHERE of a query, and its value.

    Each row is only looked up; `may_know` asks of each anew who perceived it.

    Args:
        allowed: as of the query's transaction.
    """
    # With the sign, no index of scopes is preferred to one in whose order the rows are wanted.
    return "+m.scope IN (SELECT value FROM json_each(?))", json.dumps(np.flatnonzero(allowed.mask).tolist())


def readable(
    connection: sqlite3.Connection, ids: Iterable[str], persona: str, listeners: frozenset[str]
) -> list[str]:
    """Of these memories those that a persona may use where these listen: asked of SQL, whatever an index has said."""
    wanted = tuple(ids)
    if not wanted:
        return []
    term, values = may_know(listeners | {persona})
    rows = connection.execute(
        f"SELECT m.id FROM memory m JOIN scope s ON s.key = m.scope WHERE m.id IN ({', '.join('?' * len(wanted))})"
        f" AND m.persona IN ('', ?) AND {term}",
        (*wanted, persona, *values),
    )
    return [id for (id,) in rows]


class Visibility:
    """`allowed_scopes`, kept until a circle, a scope or a place's openness changes; for the readers of a store.

    What a transaction that may yet be rolled back has changed is not to be asked of it.

    Attributes:
        computed: how often it had to be worked out.
    """

    def __init__(self) -> None:
        self.computed = 0
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, frozenset[str]], tuple[int, ScopeSet]] = OrderedDict()

    def allowed(self, connection: sqlite3.Connection, persona: str, listeners: frozenset[str]) -> ScopeSet:
        """As `allowed_scopes`; what is known is as of this connection's transaction, or the same as of it."""
        which, number = (persona, listeners), changes(connection)
        with self._lock:
            known = self._known.get(which)
            if known is not None and known[0] == number:
                self._known.move_to_end(which)
                return known[1]
        worked_out = allowed_scopes(connection, persona, listeners)
        with self._lock:
            self.computed += 1
            self._known[which] = (number, worked_out)
            self._known.move_to_end(which)
            while len(self._known) > CACHED:
                self._known.popitem(last=False)
        return worked_out
