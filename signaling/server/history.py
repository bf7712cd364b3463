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


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the room's history. `at` is RFC 3339, UTC; `to` who alone heard it, the speaker too, None for all."""

    id: str
    sender: str
    name: str
    kind: Literal["speech", "chat"]
    text: str
    at: str
    interrupted: bool = False
    to: tuple[str, ...] | None = None

    def heard_by(self, id: str) -> bool:
        """Whether a participant may read it."""
        return self.to is None or id in self.to


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
    return Line(id, sender, clean_name(name), kind, clean_line(text), at, interrupted, to)


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
