"""Who may know which scope: everybody who listens perceived it, or it was said aloud in an open place."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from cognition.store.memories import Memory, put, scope_of
from cognition.store.timeline import Event, Participant, Place, append, open_place
from cognition.store.visibility import Visibility, allowed_scopes, changes, may_know, of_place, readable
from tests.cognition.test_timeline import database

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ADA, BOB, EVE = (Participant(name.lower(), "person", name) for name in ("Ada", "Bob", "Eve"))
NOVA = Participant("nova", "persona", "Nova")
LOBBY, ATTIC = Place("lobby"), Place("attic")


@pytest.fixture(name="connection")
def _connection() -> Iterator[sqlite3.Connection]:
    with database() as connection:
        yield connection


def told(
    connection: sqlite3.Connection,
    id: str,
    *there: Participant,
    place: Place = LOBBY,
    to: frozenset[str] | None = None,
) -> int:
    seq = append(connection, Event(id, "heard", place, ADA, f"words {id}", NOON, frozenset(there), to))
    assert seq is not None
    return seq


def test_a_scope_may_be_used_before_those_alone_who_all_perceived_it(connection: sqlite3.Connection) -> None:
    both = scope_of(connection, told(connection, "1", ADA, BOB, NOVA))
    alone = scope_of(connection, told(connection, "2", ADA, NOVA))
    whispered = scope_of(connection, told(connection, "3", ADA, BOB, NOVA, to=frozenset({"ada", "nova"})))

    def allowed(*listeners: str, persona: str = "nova") -> set[int]:
        found = allowed_scopes(connection, persona, frozenset(listeners))
        return {scope for scope in (both, alone, whispered) if scope in found}

    assert allowed("ada") == {both, alone, whispered}
    assert allowed("ada", "bob") == {both}
    assert allowed("bob") == {both}
    assert allowed("eve") == set()
    assert allowed("ada", persona="robin") == set(), "a persona that was not there does not know either"
    assert allowed() == {both, alone, whispered}, "where nobody listens it is the persona's own"


def test_what_was_said_aloud_in_an_open_place_is_for_everybody_and_a_whisper_there_is_not(
    connection: sqlite3.Connection,
) -> None:
    aloud = scope_of(connection, told(connection, "1", ADA, NOVA))
    whispered = scope_of(connection, told(connection, "2", ADA, BOB, NOVA, to=frozenset({"ada", "nova"})))
    open_place(connection, LOBBY, True)
    found = allowed_scopes(connection, "robin", frozenset({"eve"}))
    assert (aloud in found, whispered in found) == (True, False)
    open_place(connection, LOBBY, False)
    assert aloud not in allowed_scopes(connection, "robin", frozenset({"eve"}))


def test_it_is_worked_out_again_only_after_something_has_changed(connection: sqlite3.Connection) -> None:
    visibility, listeners = Visibility(), frozenset({"ada"})
    first = scope_of(connection, told(connection, "1", ADA, NOVA))
    assert first in visibility.allowed(connection, "nova", listeners)
    told(connection, "2", ADA, NOVA)
    visibility.allowed(connection, "nova", listeners)
    assert visibility.computed == 1, "more of the same scope changes nothing"
    second = scope_of(connection, told(connection, "3", ADA, BOB, NOVA))
    assert second in visibility.allowed(connection, "nova", listeners)
    assert visibility.computed == 2
    before = changes(connection)
    open_place(connection, LOBBY, True)
    assert changes(connection) == before + 1
    open_place(connection, LOBBY, True)
    assert changes(connection) == before + 1
    # Whoever is known by another identity from now on was there as that one.
    append(connection, Event("4", "heard", LOBBY, Participant("bob", "person", "Bob", "robert"), "hi", NOON))
    open_place(connection, LOBBY, False)
    assert second in visibility.allowed(connection, "nova", frozenset({"robert"}))
    assert second not in visibility.allowed(connection, "nova", frozenset({"bob"}))


def test_of_memories_an_index_has_found_those_alone_are_read_that_may_be(
    connection: sqlite3.Connection,
) -> None:
    for id, there in (("1", (ADA, NOVA)), ("2", (ADA, BOB, NOVA))):
        seq = told(connection, id, *there)
        put(
            connection,
            Memory(f"m{id}", scope_of(connection, seq), "fact", f"Fact {id}.", NOON, sources=(seq,)),
        )
    seq = told(connection, "3", ADA, BOB, NOVA)
    own = Memory(
        "own", scope_of(connection, seq), "fact", "Nova's own.", NOON, persona="nova", sources=(seq,)
    )
    put(connection, own)
    every = ["m1", "m2", "own", "none"]
    assert sorted(readable(connection, every, "nova", frozenset({"bob"}))) == ["m2", "own"]
    assert sorted(readable(connection, every, "nova", frozenset({"ada"}))) == ["m1", "m2", "own"]
    assert readable(connection, every, "nova", frozenset({"eve"})) == []
    assert readable(connection, [], "nova", frozenset({"ada"})) == []


def test_scopes_of_one_place_are_told_apart(connection: sqlite3.Connection) -> None:
    here = scope_of(connection, told(connection, "1", ADA, NOVA))
    there = scope_of(connection, told(connection, "2", ADA, NOVA, place=ATTIC))
    found = of_place(connection, allowed_scopes(connection, "nova", frozenset({"ada"})), ATTIC)
    assert (here in found, there in found) == (False, True)


def test_nobody_and_identities_that_no_text_can_hold_do_no_harm(connection: sqlite3.Connection) -> None:
    scope = scope_of(connection, told(connection, "1", ADA, NOVA))
    assert scope not in allowed_scopes(connection, "nova", frozenset({"\ud800", "'; --"}))
    with pytest.raises(ValueError, match="asked for"):
        may_know([])


def test_the_timeline_stays_append_only_but_for_words_that_are_on_record_as_erased(
    connection: sqlite3.Connection,
) -> None:
    seq = told(connection, "1", ADA, NOVA)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("UPDATE event SET text = '' WHERE seq = ?", (seq,))
    connection.execute(
        "INSERT INTO erasure (at, \"by\", what, events, memories) VALUES (0, 'op', 'person', 1, 0)"
    )
    connection.execute("INSERT INTO erased VALUES (?, 1)", (seq,))
    for change in (
        "text = text || 'x'",
        "at = at + 1",
        "audience = 99",
        "name = 'Eve'",
        "detail = '{\"a\":1}'",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(f"UPDATE event SET {change} WHERE seq = ?", (seq,))
    connection.execute("UPDATE event SET text = '', name = '', detail = '{}' WHERE seq = ?", (seq,))
    for change in ("UPDATE erasure SET events = 0", "DELETE FROM erasure"):
        with pytest.raises(sqlite3.IntegrityError, match="record"):
            connection.execute(change)
