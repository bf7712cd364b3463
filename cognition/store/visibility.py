"""Who may know what: the scopes that everybody who will hear an answer may know, decided in SQL.

A scope is an audience, a place, and whether it was whispered; whatever is derived from events has one. Before some
listeners a persona may use what it and each of them perceived, and what was said aloud in an open place.
"""

import sqlite3
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["ScopeSet", "allowed_scopes"]


@dataclass(frozen=True, slots=True, eq=False)
class ScopeSet:
    """Scopes that may be used.

    Attributes:
        mask: bool, indexed by the scope's key; a key beyond its end is not allowed.
        hearers: identities of the persona and of who listens.
    """

    mask: npt.NDArray[np.bool_]
    hearers: frozenset[str]

    def __contains__(self, scope: int) -> bool:
        return 0 <= scope < len(self.mask) and bool(self.mask[scope])


def allowed_scopes(connection: sqlite3.Connection, persona: str, listeners: frozenset[str]) -> ScopeSet:
    """The scopes that a persona may use where these listen.

    Args:
        connection: the store.
        persona: identity.
        listeners: identities of the people who will hear it; other personas do not count.
    """
    hearers = sorted(listeners | {persona})
    marks = ", ".join("?" * len(hearers))
    rows = connection.execute(
        "SELECT s.key FROM scope s JOIN place p ON p.key = s.place"
        " WHERE (p.openness = 'open' AND s.whispered = 0) OR s.audience IN (SELECT circle FROM circle_member m"
        f" JOIN participant ON key = m.participant WHERE identity IN ({marks})"
        " GROUP BY circle HAVING count(DISTINCT identity) = ?)",
        (*hearers, len(hearers)),
    )
    keys = np.fromiter((key for (key,) in rows), dtype=np.int64)
    mask = np.zeros(int(keys.max(initial=-1)) + 1, dtype=np.bool_)
    mask[keys] = True
    return ScopeSet(mask, frozenset(hearers))
