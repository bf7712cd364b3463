"""What was said in one room: bounded, oldest first, restored and merged without duplicates."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

__all__ = ["Line", "Transcript", "line_of", "plain"]

LIMIT = 200
"""Lines a room keeps."""
MAX_TEXT = 2000
"""Characters a line keeps."""
MAX_NAME = 40
"""Characters a speaker's name keeps."""
SAME_WITHIN = timedelta(seconds=5)
"""Of restored lines, the same words of the same speaker under two ids are one line if no further apart."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said or written in the room.

    Attributes:
        id: unique in the room.
        speaker: participant id; `name` is what they were called then.
        kind: spoken or written.
        text: what was heard of it; with `interrupted` it was cut off after that.
        at: UTC.
        to: participant ids of those who alone heard it, the speaker's too; None for all.
        there: identities of the people who perceived it; None where nobody knows.
    """

    id: str
    speaker: str
    name: str
    kind: Literal["speech", "chat"]
    text: str
    at: datetime
    interrupted: bool = False
    to: frozenset[str] | None = None
    there: frozenset[str] | None = None

    def as_wire(self) -> dict[str, object]:
        """The *line* object of the room protocol, with who was there."""
        line: dict[str, object] = {
            "id": self.id,
            "from": self.speaker,
            "name": self.name,
            "kind": self.kind,
            "text": self.text,
            "at": self.at.isoformat(),
        }
        if self.interrupted:
            line["interrupted"] = True
        if self.to is not None:
            line["to"] = sorted(self.to)
        if self.there is not None:
            line["there"] = sorted(self.there)
        return line


def line_of(wire: Mapping[str, Any]) -> Line:
    """Reads a *line* object of the room protocol.

    Raises:
        ValueError: a field is missing or of the wrong kind.
    """
    texts = [wire.get(field) for field in ("id", "from", "name", "text", "at")]
    kind = wire.get("kind")
    if not all(isinstance(text, str) for text in texts) or kind not in ("speech", "chat"):
        raise ValueError("a line has id, from, name, kind, text, at")
    id, speaker, name, text, at = (str(text) for text in texts)
    moment = datetime.fromisoformat(at)
    if moment.tzinfo is None:
        raise ValueError("a line's time has a time zone")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a line's time lies within the years 1 to 9999 of UTC") from error
    to, there = wire.get("to"), wire.get("there")
    for some in (to, there):
        if some is not None and not (isinstance(some, list) and all(isinstance(id, str) for id in some)):
            raise ValueError("who heard a line is a list of ids, or nothing")
    return Line(
        id,
        speaker,
        plain(name, MAX_NAME),
        "chat" if kind == "chat" else "speech",
        plain(text, MAX_TEXT),
        moment,
        wire.get("interrupted") is True,
        None if to is None else frozenset(to),
        None if there is None else frozenset(there),
    )


def plain(text: str, limit: int) -> str:
    """One printable line: control characters and runs of blanks become one blank, the end is cut at the limit."""
    words = " ".join(text[: 4 * limit].split())
    if not words.isprintable():
        words = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return words[:limit].strip()


class Transcript:
    """The lines of one room in order of time, the oldest dropped beyond `limit`."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lines: list[Line] = []

    @property
    def lines(self) -> tuple[Line, ...]:
        """Oldest first."""
        return tuple(self._lines)

    def known_to(self, audience: frozenset[str] | None, people: frozenset[str] = frozenset()) -> list[Line]:
        """The lines that all of an audience heard, oldest first.

        Args:
            audience: ids; None is everybody, who has heard no whisper.
            people: identities of people each of whom was there as well.
        """
        return [
            line
            for line in self._lines
            if (line.to is None or (audience is not None and audience <= line.to))
            and people <= (line.there or frozenset())
        ]

    def add(self, line: Line) -> bool:
        """Puts a line where its time belongs; False if it is empty, there already, or older than all kept."""
        if not line.text or any(line.id == each.id for each in reversed(self._lines)):
            return False
        place = bisect_right(self._lines, line.at, key=lambda each: each.at)
        if place == 0 and len(self._lines) >= self._limit:
            return False
        self._lines.insert(place, line)
        del self._lines[: -self._limit]
        return True

    def drop(self, speakers: Collection[str], ids: Collection[str] = ()) -> bool:
        """Takes out what some speakers have said, and some lines; whether there was any."""
        before = len(self._lines)
        self._lines = [line for line in self._lines if line.speaker not in speakers and line.id not in ids]
        return len(self._lines) < before

    def restore(self, lines: Iterable[Line]) -> int:
        """Merges lines kept elsewhere; returns how many were new."""
        kept = self.lines
        return sum(
            self.add(line)
            for line in sorted(lines, key=lambda line: line.at)
            if not any(_same_words(line, each) for each in kept)
        )


def _same_words(one: Line, other: Line) -> bool:
    return (
        one.speaker == other.speaker
        and one.kind == other.kind
        and one.text == other.text
        and one.to == other.to
        and abs(one.at - other.at) <= SAME_WITHIN
    )
