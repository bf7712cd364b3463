"""The named voices of a room. Voiceprints are biometric data: they are kept by name only, and forgotten for good."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

__all__ = ["MOST", "NamedVoice", "forget", "forget_room", "keep", "named_voices", "rename"]

MOST = 64
"""Voices of one room that are kept; one more takes the place of the one named longest ago."""
LONGEST_NAME = 64
SIZE = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class NamedVoice:
    """A voice with a name.

    Attributes:
        id: its own, stable.
        room: where it was named and is known.
        name: what it is called.
        print: float32 (256,) of length one.
        seconds: of speech that the print was made of.
        named_by: participant id of who gave the name.
        named_at: timezone-aware.

    Raises:
        ValueError: there is no name, it is too long, or the print is none.
    """

    id: str
    room: str
    name: str
    print: npt.NDArray[np.float32]
    seconds: float
    named_by: str
    named_at: datetime

    def __post_init__(self) -> None:
        _checked_name(self.name)
        if self.print.shape != (SIZE,) or not np.isfinite(self.print).all():
            raise ValueError(f"a voiceprint is {SIZE} numbers")


def keep(connection: sqlite3.Connection, voice: NamedVoice) -> None:
    """Keeps a voice; one of the same id is replaced."""
    connection.execute(
        "INSERT INTO voiceprint VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET room = excluded.room, "
        "name = excluded.name, print = excluded.print, seconds = excluded.seconds, "
        "named_by = excluded.named_by, named_at = excluded.named_at",
        (
            voice.id,
            voice.room,
            voice.name,
            voice.print.astype("<f4").tobytes(),
            voice.seconds,
            voice.named_by,
            (voice.named_at - _EPOCH) // timedelta(microseconds=1),
        ),
    )
    surplus = connection.execute(
        "SELECT id FROM voiceprint WHERE room = ? ORDER BY named_at DESC, id LIMIT -1 OFFSET ?",
        (voice.room, MOST),
    ).fetchall()
    for (id,) in surplus:
        forget(connection, voice.room, id)


def named_voices(connection: sqlite3.Connection, room: str) -> tuple[NamedVoice, ...]:
    """The voices known in a room, the one named first first; what is damaged among them is left out."""
    return tuple(_read(connection, room))


def _read(connection: sqlite3.Connection, room: str) -> Iterator[NamedVoice]:
    rows = connection.execute(
        "SELECT id, name, print, seconds, named_by, named_at FROM voiceprint WHERE room = ? ORDER BY named_at, id",
        (room,),
    )
    for id, name, blob, seconds, by, at in rows:
        vector = np.frombuffer(blob, "<f4").astype(np.float32)
        if np.isfinite(vector).all():
            yield NamedVoice(id, room, name, vector, seconds, by, _EPOCH + timedelta(microseconds=at))


def rename(connection: sqlite3.Connection, room: str, id: str, name: str) -> bool:
    """Gives a voice another name; false when there is none of that id in the room.

    Raises:
        ValueError: there is no name, or it is too long.
    """
    _checked_name(name)
    done = connection.execute("UPDATE voiceprint SET name = ? WHERE room = ? AND id = ?", (name, room, id))
    return done.rowcount > 0


def forget(connection: sqlite3.Connection, room: str, id: str) -> bool:
    """Forgets a voice, its bytes overwritten in the pages; false when there is none of that id in the room."""
    done = connection.execute("DELETE FROM voiceprint WHERE room = ? AND id = ?", (room, id))
    return done.rowcount > 0


def forget_room(connection: sqlite3.Connection, room: str) -> int:
    """Forgets every voice of a room; how many there were."""
    return connection.execute("DELETE FROM voiceprint WHERE room = ?", (room,)).rowcount


def _checked_name(name: str) -> None:
    if not name.strip() or len(name) > LONGEST_NAME:
        raise ValueError(f"a voice's name has 1 to {LONGEST_NAME} characters")
