"""Named voices are kept, found in their own room only, renamed, and forgotten so that no byte of them is left."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from cognition.store.connection import connect
from cognition.store.schema import migrate, shipped
from cognition.store.voiceprints import MOST, NamedVoice, forget, forget_room, keep, named_voices, rename

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def voice(
    id: str = "v1", room: str = "studio", name: str = "Maria", *, seed: int = 1, minutes: int = 0
) -> NamedVoice:
    vector = np.random.default_rng(seed).normal(size=256).astype(np.float32)
    vector /= np.linalg.norm(vector)
    return NamedVoice(id, room, name, vector, 3.5, "person-1", NOON + timedelta(minutes=minutes))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    opened = connect(path)
    migrate(opened, shipped(), path)
    yield opened
    opened.close()


def test_a_voice_is_found_in_the_room_where_it_was_named(connection: sqlite3.Connection) -> None:
    kept = voice()
    keep(connection, kept)
    (found,) = named_voices(connection, "studio")
    assert (found.id, found.name, found.seconds, found.named_by, found.named_at) == (
        "v1",
        "Maria",
        3.5,
        "person-1",
        NOON,
    )
    np.testing.assert_array_equal(found.print, kept.print)
    assert named_voices(connection, "another room") == ()


def test_a_voice_kept_again_is_there_once(connection: sqlite3.Connection) -> None:
    keep(connection, voice())
    keep(connection, voice(name="Mary", seed=2))
    assert [found.name for found in named_voices(connection, "studio")] == ["Mary"]


def test_a_voice_can_be_renamed_in_its_room_only(connection: sqlite3.Connection) -> None:
    keep(connection, voice())
    assert not rename(connection, "another room", "v1", "Tom")
    assert rename(connection, "studio", "v1", "Tom")
    assert [found.name for found in named_voices(connection, "studio")] == ["Tom"]
    with pytest.raises(ValueError, match="characters"):
        rename(connection, "studio", "v1", " ")


def test_a_forgotten_voice_leaves_no_byte_in_the_database(connection: sqlite3.Connection, path: Path) -> None:
    kept = voice()
    keep(connection, kept)
    secret = kept.print.tobytes()[:64]
    assert secret in path.read_bytes()
    assert forget(connection, "studio", "v1")
    assert not forget(connection, "studio", "v1")
    assert named_voices(connection, "studio") == ()
    assert secret not in path.read_bytes()


def test_all_voices_of_a_room_can_be_forgotten(connection: sqlite3.Connection) -> None:
    keep(connection, voice("a"))
    keep(connection, voice("b", seed=2))
    keep(connection, voice("c", "another room", seed=3))
    assert forget_room(connection, "studio") == 2
    assert [found.id for found in named_voices(connection, "another room")] == ["c"]


def test_a_room_keeps_a_bounded_number_of_voices_the_last_named(connection: sqlite3.Connection) -> None:
    for index in range(MOST + 2):
        keep(connection, voice(f"v{index}", seed=index, minutes=index))
    found = [one.id for one in named_voices(connection, "studio")]
    assert len(found) == MOST
    assert found[0] == "v2"


@pytest.mark.parametrize("name", ["", "  ", "x" * 65])
def test_a_voice_without_a_fit_name_is_never_made(name: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        voice(name=name)


def test_a_print_of_another_size_is_never_made() -> None:
    with pytest.raises(ValueError, match="256"):
        NamedVoice("v", "studio", "Maria", np.zeros(3, np.float32), 1.0, "p", NOON)


def test_a_print_that_is_damaged_is_left_out(connection: sqlite3.Connection) -> None:
    keep(connection, voice("good"))
    keep(connection, voice("bad", seed=2))
    connection.execute("UPDATE voiceprint SET print = ? WHERE id = 'bad'", (b"\xff" * 1024,))
    assert [found.id for found in named_voices(connection, "studio")] == ["good"]
