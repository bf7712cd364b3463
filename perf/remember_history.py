"""What a memory is measured with: talks over time, and questions with the turns that hold their answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

__all__ = ["History", "Query", "Session", "Turn"]


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said.

    Attributes:
        id: unique in its history.
        speaker: identity of who said it.
        text: the words.
        at: timezone-aware.
        to: identities of those who alone heard it; None for all who were there.
    """

    id: str
    speaker: str
    text: str
    at: datetime
    to: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One talk.

    Attributes:
        room: where.
        present: identities of those who were there.
        turns: in order.
    """

    room: str
    present: frozenset[str]
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A question.

    Attributes:
        kind: of question, by which results are told apart.
        text: the words.
        at: when it is asked; timezone-aware.
        evidence: ids of the turns that answer it; none for a question without an answer.
        listeners: identities of the people who hear the answer; who asks comes first.
        withheld: ids of the turns that would answer it, and that somebody who listens may not know.
    """

    kind: str
    text: str
    at: datetime
    evidence: frozenset[str]
    listeners: tuple[str, ...]
    withheld: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class History:
    """A life, or as much of it as is known.

    Attributes:
        names: what people and the persona are called, by identity.
        persona: identity of the persona, whose memory is asked.
        sessions: in order of time.
        queries: to be asked when all of it has happened.
    """

    names: dict[str, str]
    persona: str
    sessions: Sequence[Session]
    queries: Sequence[Query]
