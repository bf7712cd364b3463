"""A line of the room's history, and how it is read as the mind keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from signaling.server.names import MAX_ID_CHARACTERS
from signaling.server.text import clean_line, clean_name

__all__ = ["MAX_LINE_CHARACTERS", "Line", "parse_audience", "parse_line"]

MAX_LINE_CHARACTERS = 8000
MAX_AUDIENCE = 256
MAX_IDENTITY_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the room's history.

    Attributes:
        at: RFC 3339, UTC.
        to: ids of those who alone heard it, the speaker too; None for all.
        there: identities of the people who were there when it began; None where nobody knows. No client is told.
    """

    id: str
    sender: str
    name: str
    kind: Literal["speech", "chat"]
    text: str
    at: str
    interrupted: bool = False
    to: tuple[str, ...] | None = None
    there: frozenset[str] | None = None

    def readable(self, id: str, identity: str, *, is_open: bool) -> bool:
        """Whether a person may read it.

        Args:
            id: of their seat.
            identity: who they are, on every day.
            is_open: what is said aloud in the room is also for who was absent.
        """
        if self.to is not None:
            return id in self.to
        return is_open or id == self.sender or (self.there is not None and identity in self.there)


def parse_line(body: Any) -> Line:
    """Reads a *line* as the mind keeps it.

    Raises:
        ValueError: when it is none.
    """
    if not isinstance(body, Mapping):
        raise ValueError("a line is an object")
    texts = [body.get(name) for name in ("id", "from", "name", "text", "at")]
    kind = body.get("kind")
    if not all(isinstance(text, str) for text in texts) or kind not in ("speech", "chat"):
        raise ValueError("a line has id, from, name, kind, text, at")
    id, sender, name, text, at = (str(text) for text in texts)
    if len(id) > MAX_ID_CHARACTERS or len(sender) > MAX_ID_CHARACTERS or len(text) > MAX_LINE_CHARACTERS:
        raise ValueError("a line's field is too long")
    moment = datetime.fromisoformat(at)
    if moment.tzinfo is None:
        raise ValueError("a line's time has a time zone")
    try:
        at = moment.astimezone(UTC).isoformat()
    except OverflowError as error:
        raise ValueError("a line's time lies within the years 1 to 9999 of UTC") from error
    interrupted, to = body.get("interrupted") is True, parse_audience(body.get("to"))
    there = _parse_there(body.get("there"))
    return Line(id, sender, clean_name(name), kind, clean_line(text), at, interrupted, to, there)


def _parse_there(value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_AUDIENCE:
        raise ValueError(f"who was there is a list of at most {MAX_AUDIENCE} identities")
    if not all(isinstance(identity, str) and len(identity) <= MAX_IDENTITY_CHARACTERS for identity in value):
        raise ValueError("who was there is a list of identities")
    return frozenset(value)


def parse_audience(value: Any) -> tuple[str, ...] | None:
    """Reads who alone hears something; None is all.

    Raises:
        ValueError: when it is neither.
    """
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_AUDIENCE:
        raise ValueError(f"an audience is a list of at most {MAX_AUDIENCE} ids")
    if not all(isinstance(id, str) and 0 < len(id) <= MAX_ID_CHARACTERS for id in value):
        raise ValueError("an audience is a list of ids")
    return tuple(sorted(set(value)))
