"""The timeline: what was lived is found again by who, where and when, and only by those who may know it."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cognition.store.connection import connect
from cognition.store.schema import migrate, shipped
from cognition.store.timeline import (
    MAX_PAGE,
    Cursor,
    Entry,
    Event,
    EventKind,
    Participant,
    Place,
    Query,
    append,
    append_all,
    arrive,
    depart,
    open_place,
    page,
    present_in,
)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ADA, BOB, NOVA, IRIS = (
    Participant("ada", "person", "Ada"),
    Participant("bob", "person", "Bob"),
    Participant("nova", "persona", "Nova"),
    Participant("iris", "persona", "Iris"),
)
AGAIN = Participant("ada-2", "person", "Ada", "ada")
"""Ada, another day."""
EVERYBODY = (ADA, BOB, NOVA, IRIS, AGAIN)
LOBBY, ATTIC, CHANNEL = Place("lobby"), Place("attic"), Place("lobby", "general", "slack")
KINDS: tuple[EventKind, ...] = ("heard", "saw", "read", "said", "did", "declined")


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    connection = connect(":memory:")
    try:
        migrate(connection, shipped(), Path(":memory:"))
        yield connection
    finally:
        connection.close()


@pytest.fixture(name="connection")
def _connection() -> Iterator[sqlite3.Connection]:
    with database() as connection:
        yield connection


def heard(id: str, text: str = "hello", *, minute: int = 0, **changes: Any) -> Event:
    event = Event(
        id, "heard", LOBBY, ADA, text, NOON + timedelta(minutes=minute), frozenset({ADA, BOB, NOVA})
    )
    return replace(event, **changes)


def texts(connection: sqlite3.Connection, query: Query) -> list[str]:
    return [entry.text for entry in page(connection, query).entries]


def test_what_is_told_twice_is_kept_once(connection: sqlite3.Connection) -> None:
    assert append(connection, heard("u1")) == 1
    assert append(connection, heard("u1", "other words", minute=3)) is None
    assert append_all(connection, [heard("u1"), heard("u2"), heard("u2")]) == 1
    assert texts(connection, Query()) == ["hello", "hello"]


def test_the_same_id_of_somebody_else_or_elsewhere_is_another_event(connection: sqlite3.Connection) -> None:
    events = [heard("1"), heard("1", participant=BOB), heard("1", place=ATTIC), heard("1", place=CHANNEL)]
    assert append_all(connection, events) == 4


def test_an_entry_tells_all_of_the_event(connection: sqlite3.Connection) -> None:
    event = heard(
        "u1", "psst", to=frozenset({"ada", "nova"}), media=48_000, detail={"interrupted": True}, place=CHANNEL
    )
    append(connection, event)
    (entry,) = page(connection, Query()).entries
    assert entry == Entry(
        1,
        "u1",
        "heard",
        CHANNEL,
        "ada",
        "ada",
        "Ada",
        "psst",
        NOON,
        frozenset({"ada", "bob", "nova"}),
        frozenset({"ada", "nova"}),
        True,
        48_000,
        {"interrupted": True},
    )
    assert json.loads(json.dumps(entry.as_json()))["audience"] == ["ada", "nova"]


def test_a_whisper_is_known_to_those_it_was_for(connection: sqlite3.Connection) -> None:
    append(connection, heard("u1", "psst", to=frozenset({"nova"})))
    append(connection, heard("u2", "all", minute=1))
    assert texts(connection, Query(known_to=frozenset({"nova"}))) == ["psst", "all"]
    assert texts(connection, Query(known_to=frozenset({"nova", "ada"}))) == ["psst", "all"]
    assert texts(connection, Query(known_to=frozenset({"nova", "bob"}))) == ["all"]
    assert texts(connection, Query(known_to=frozenset({"iris"}))) == []


def test_an_open_place_has_no_secrets_but_whispers(connection: sqlite3.Connection) -> None:
    append_all(connection, [heard("u1", "psst", to=frozenset({"nova"})), heard("u2", "all")])
    open_place(connection, LOBBY, True)
    assert texts(connection, Query(known_to=frozenset({"iris"}))) == ["all"]
    assert texts(connection, Query(lived_by="iris")) == [], "it may know, but did not live it"
    open_place(connection, LOBBY, False)
    assert texts(connection, Query(known_to=frozenset({"iris"}))) == []


def test_a_person_who_comes_again_knows_what_they_heard_the_last_time(connection: sqlite3.Connection) -> None:
    append(connection, heard("u1", "monday", participant=BOB))
    append(connection, heard("u2", "tuesday", minute=1, participant=AGAIN, present=frozenset({NOVA, AGAIN})))
    assert texts(connection, Query(known_to=frozenset({"ada", "nova"}))) == ["monday", "tuesday"]
    assert texts(connection, Query(known_to=frozenset({"bob"}))) == ["monday"]
    assert texts(connection, Query(participant="ada")) == ["tuesday"]
    assert texts(connection, Query(known_to=frozenset({"ada-2"}))) == [], "a seat is nobody"


def test_an_identity_once_known_is_not_forgotten_by_who_does_not_know_it(
    connection: sqlite3.Connection,
) -> None:
    append(connection, heard("u1", "one", participant=AGAIN, present=frozenset()))
    append(connection, heard("u2", "two", participant=replace(AGAIN, identity=""), present=frozenset()))
    assert texts(connection, Query(participant="ada")) == ["one", "two"]


def test_the_timeline_cannot_be_rewritten(connection: sqlite3.Connection) -> None:
    append(connection, heard("u1"))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("UPDATE event SET text = 'never said'")


def test_an_arrival_and_a_leave_count_once_each(connection: sqlite3.Connection) -> None:
    def came(minute: int) -> int | None:
        return arrive(connection, heard(f"came-{minute}", "", kind="arrived", minute=minute))

    def went(minute: int) -> int | None:
        return depart(connection, heard(f"went-{minute}", "", kind="left", minute=minute))

    assert went(0) is None
    assert came(1) is not None
    assert came(2) is None, "a mind that starts anew is told of her again"
    assert present_in(connection, LOBBY) == {"ada": ADA}
    assert present_in(connection, LOBBY, NOON) == {}
    assert present_in(connection, ATTIC) == {}
    assert went(3) is not None
    assert went(4) is None
    assert present_in(connection, LOBBY) == {}
    assert present_in(connection, LOBBY, NOON + timedelta(minutes=2)) == {"ada": ADA}


def test_somebody_who_changes_their_name_keeps_what_they_said_under_the_old_one(
    connection: sqlite3.Connection,
) -> None:
    append(connection, heard("u1"))
    append(connection, heard("u2", minute=1, participant=replace(ADA, name="Countess"), present=frozenset()))
    assert [entry.name for entry in page(connection, Query(participant="ada")).entries] == ["Ada", "Countess"]


def test_somebody_who_takes_their_old_name_again_is_called_by_it(connection: sqlite3.Connection) -> None:
    for minute, name in enumerate(("Ada", "Countess", "Ada")):
        who = replace(ADA, name=name)
        append(
            connection,
            heard(f"came-{minute}", kind="arrived", minute=minute, participant=who, present=frozenset()),
        )
        assert present_in(connection, LOBBY)["ada"].name == name


def test_text_that_no_encoding_holds_is_kept_as_far_as_it_goes(connection: sqlite3.Connection) -> None:
    append(connection, heard("\ud800", "half \udfff a pair \0", place=Place("\ud800")))
    (entry,) = page(connection, Query()).entries
    assert (entry.id, entry.text, entry.place) == ("?", "half ? a pair \0", Place("?"))
    assert page(connection, Query(place=Place("\ud800"))).entries == (entry,)


@pytest.mark.parametrize(
    "event",
    [
        heard("u1", at=datetime(2026, 1, 5)),
        heard("u1", detail={"x": object()}),
        heard("u1", detail={"x": float("nan")}),
    ],
)
def test_an_event_that_cannot_be_kept_is_refused(connection: sqlite3.Connection, event: Event) -> None:
    with pytest.raises(ValueError, match=r"time zone|JSON"):
        append(connection, event)


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1])
def test_a_page_has_a_size(connection: sqlite3.Connection, limit: int) -> None:
    with pytest.raises(ValueError, match="1 to"):
        page(connection, Query(), limit=limit)


def test_pages_go_on_where_they_ended_whatever_comes_meanwhile(connection: sqlite3.Connection) -> None:
    append_all(connection, [heard(f"u{n}", str(n), minute=n // 2) for n in range(10)])
    first = page(connection, Query(), limit=4)
    append(connection, heard("early", "early", minute=-1))
    append(connection, heard("late", "late", minute=9))
    second = page(connection, Query(), limit=100, after=first.next)
    assert [entry.text for entry in (*first.entries, *second.entries)] == [*map(str, range(10)), "late"]
    assert second.next is None


def test_a_query_of_many_events_walks_an_index(connection: sqlite3.Connection) -> None:
    for query in (
        "SELECT 1 FROM event e WHERE (e.at, e.seq) > (1, 1) ORDER BY e.at, e.seq LIMIT 10",
        "SELECT 1 FROM event e WHERE e.place = 1 AND (e.at, e.seq) > (1, 1) ORDER BY e.at, e.seq LIMIT 10",
        "SELECT 1 FROM event e WHERE e.participant = 1 ORDER BY e.at DESC, e.seq DESC LIMIT 10",
    ):
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
        assert len(plan) == 1
        assert "INDEX event_" in plan[0]


PEOPLE = st.sampled_from(EVERYBODY)
GROUPS = st.frozensets(PEOPLE)
IDS = st.frozensets(st.sampled_from(["ada", "bob", "nova", "iris", "ada-2", "nobody"]))
PLACES = st.sampled_from([LOBBY, ATTIC, CHANNEL])
MOMENTS = st.builds(
    lambda us, hours: (NOON + timedelta(microseconds=us)).astimezone(timezone(timedelta(hours=hours))),
    st.integers(0, 12),
    st.integers(-12, 12),
)
EVENTS = st.builds(
    Event,
    st.sampled_from([f"e{n}" for n in range(12)]),
    st.sampled_from(KINDS),
    PLACES,
    PEOPLE,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    MOMENTS,
    GROUPS,
    st.none() | IDS,
    st.none() | st.integers(0, 1 << 50),
    st.dictionaries(st.text(max_size=2), st.integers() | st.booleans() | st.text(max_size=2), max_size=2),
)
QUERIES = st.builds(
    Query,
    known_to=st.frozensets(st.sampled_from(["ada", "bob", "nova", "iris", "nobody"])),
    lived_by=st.none() | st.sampled_from(["ada", "nova", "nobody", "unheard of"]),
    participant=st.none() | st.sampled_from(["ada", "nova", "unheard of"]),
    present=st.none() | st.sampled_from(["bob", "iris", "unheard of"]),
    place=st.none() | PLACES | st.just(Place("nowhere")),
    elsewhere=st.none() | PLACES | st.just(Place("nowhere")),
    kinds=st.frozensets(st.sampled_from(KINDS)),
    since=st.none() | MOMENTS,
    until=st.none() | MOMENTS,
)


def identity(id: str) -> str:
    return "ada" if id == "ada-2" else id


def identities(ids: Iterable[str]) -> frozenset[str]:
    return frozenset(map(identity, ids))


@dataclass
class Kept:
    event: Event
    seq: int

    @property
    def present(self) -> frozenset[str]:
        return frozenset(one.id for one in self.event.present) | {self.event.participant.id}

    @property
    def audience(self) -> frozenset[str]:
        to = self.event.to
        return self.present if to is None else to | {self.event.participant.id}

    def matches(self, query: Query, opened: set[Place]) -> bool:
        event = self.event
        aloud = event.to is None and event.place in opened
        return all(
            (
                query.known_to <= identities(self.audience) or aloud,
                query.lived_by is None or query.lived_by in identities(self.audience),
                query.participant in (None, identity(event.participant.id)),
                query.present is None or query.present in identities(self.present),
                query.place in (None, event.place),
                query.elsewhere != event.place,
                not query.kinds or event.kind in query.kinds,
                query.since is None or event.at >= query.since,
                query.until is None or event.at < query.until,
            )
        )

    def entry(self) -> Entry:
        event = self.event
        return Entry(
            self.seq,
            event.id,
            event.kind,
            event.place,
            event.participant.id,
            identity(event.participant.id),
            event.participant.name,
            event.text,
            event.at.astimezone(UTC),
            self.present,
            self.audience,
            event.to is not None,
            event.media,
            event.detail,
        )


class TimelineAgainstAList(RuleBasedStateMachine):
    """The tables and a plain list are told the same and asked the same."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = connect(":memory:")
        migrate(self.connection, shipped(), Path(":memory:"))
        append(self.connection, heard("visit", participant=AGAIN, present=frozenset()))
        self.connection.execute("DELETE FROM event")  # that the second Ada is Ada is known from the start
        self.kept: list[Kept] = []
        self.opened: set[Place] = set()

    def teardown(self) -> None:
        self.connection.close()

    @rule(event=EVENTS)
    def keep(self, event: Event) -> None:
        key = (event.place, event.participant.id, event.id)
        known = any((k.event.place, k.event.participant.id, k.event.id) == key for k in self.kept)
        seq = append(self.connection, event)
        assert (seq is None) == known
        if seq is not None:
            assert all(seq > each.seq for each in self.kept)
            self.kept.append(Kept(event, seq))

    @rule(place=PLACES, is_open=st.booleans())
    def open(self, place: Place, is_open: bool) -> None:
        open_place(self.connection, place, is_open)
        (self.opened.add if is_open else self.opened.discard)(place)

    @rule(query=QUERIES, limit=st.integers(1, 5), newest_first=st.booleans())
    def ask(self, query: Query, limit: int, newest_first: bool) -> None:
        found: list[Entry] = []
        cursor: Cursor | None = None
        while True:
            one = page(self.connection, query, after=cursor, limit=limit, newest_first=newest_first)
            found += one.entries
            assert len(one.entries) <= limit
            cursor = one.next
            if cursor is None:
                break
            assert len(one.entries) == limit
        wanted = [each.entry() for each in self.kept if each.matches(query, self.opened)]
        wanted.sort(key=lambda entry: (entry.at, entry.seq), reverse=newest_first)
        assert found == wanted

    @invariant()
    def nobody_learns_what_was_said_where_they_were_not(self) -> None:
        for id in ("ada", "bob", "nova", "iris"):
            for entry in page(self.connection, Query(known_to=frozenset({id})), limit=MAX_PAGE).entries:
                assert id in identities(entry.audience) or (
                    entry.place in self.opened and not entry.whispered
                )


TestTimelineAgainstAList = TimelineAgainstAList.TestCase
TestTimelineAgainstAList.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
