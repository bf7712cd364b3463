"""What is lived reaches the timeline in order and once, and a disk that refuses loses nothing that may wait."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from cognition.conversation.floor import Attendee
from cognition.conversation.transcript import Line
from cognition.events import Arrived, Declined, Feedback, Heard, Left, Read, Said
from cognition.store.errors import DiskError
from cognition.store.memory_store import MemoryStore
from cognition.store.recorder import MAX_WAITING, Kept, Recorder, transcript_of
from cognition.store.timeline import Entry, Participant, Place, Query, page, present_in

pytestmark = pytest.mark.virtual_time

T = TypeVar("T")

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ADA, BOB = Attendee("p1", "Ada", "person"), Attendee("p2", "Bob", "person")
NOVA = Attendee("nova", "Nova", "persona")
ROOM = (ADA, BOB, NOVA)
SEATED = (Participant("nova", "persona", "Nova"),)


def at(second: int) -> datetime:
    return NOON + timedelta(seconds=second)


def heard(number: int, text: str = "hello") -> Heard:
    return Heard("lobby", "p1", "Ada", text, at(number), f"u{number}")


class FullDisk(MemoryStore):
    """Takes nothing while it is full."""

    full = True

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        if self.full:
            refused: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            refused.set_exception(DiskError("the disk is full"))
            return refused
        return super().submit(work)


@asynccontextmanager
async def running(recorder: Recorder) -> AsyncIterator[Recorder]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(recorder.run())
        yield recorder
        task.cancel()


async def entries(store: MemoryStore, query: Query | None = None) -> tuple[Entry, ...]:
    return (await store.read(lambda connection: page(connection, query or Query()))).entries


async def test_everything_that_happens_has_its_place_in_the_timeline() -> None:
    store = MemoryStore()
    recorder = Recorder(store, identity=lambda room, id: "ada" if (room, id) == ("lobby", "p1") else "")
    async with running(recorder):
        for event in (
            Arrived("lobby", "p1", "Ada", at(0)),
            heard(1),
            Read("lobby", "p1", "Ada", "and written", at(2), "m1"),
            Said("lobby", "nova", "Hi", at(3), interrupted=True, id="nova-1"),
            Declined("lobby", "nova", "u1", "it rests", at(4)),
            Feedback("lobby", "p1", "nova", 1, at(5), "nova-1"),
            Left("lobby", "p1", "Ada", at(6)),
        ):
            recorder.observe(event, ROOM)
        await recorder.flushed()
    kept = await entries(store)
    assert [(entry.kind, entry.participant, entry.identity, entry.text) for entry in kept] == [
        ("arrived", "p1", "ada", ""),
        ("heard", "p1", "ada", "hello"),
        ("read", "p1", "ada", "and written"),
        ("said", "nova", "nova", "Hi"),
        ("declined", "nova", "nova", "it rests"),
        ("did", "p1", "ada", ""),
        ("left", "p1", "ada", ""),
    ]
    assert {entry.present for entry in kept} == {frozenset({"p1", "p2", "nova"})}
    assert [entry.whispered for entry in kept] == [False, False, False, False, True, True, False]
    assert kept[3].detail == {"medium": "speech", "interrupted": True}
    assert recorder.counts == {}


async def test_a_line_that_media_tells_again_after_a_restart_is_there_once() -> None:
    store = MemoryStore()
    before, after = Recorder(store), Recorder(store)
    spoken, written = heard(1), Read("lobby", "p1", "Ada", "and written", at(2), "m1")
    said = Said("lobby", "nova", "Hi", at(3), id="nova-1")
    async with running(before):
        before.observe(Arrived("lobby", "p1", "Ada", at(0)), ROOM)
        for event in (spoken, written, said):
            before.observe(event, ROOM)
        await before.flushed()
    lines = [
        Line("u1", "p1", "Ada", "speech", "hello", at(1) + timedelta(milliseconds=3)),
        Line("m1", "p1", "Ada", "chat", "and written", at(2)),
        Line("nova-1", "nova", "Nova", "speech", "Hi", at(3)),
        Line("m2", "p1", "Ada", "chat", "while it was away", at(4)),
    ]
    async with running(after):
        after.observe(Arrived("lobby", "p1", "Ada", at(9), greeted=True), ROOM)
        after.restore("lobby", lines, SEATED, still_there=frozenset({"p1", "p2"}))
        await after.flushed()
    kept = await entries(store)
    assert [entry.text for entry in kept] == ["", "hello", "and written", "Hi", "while it was away"]
    assert kept[-1].audience == {"p1", "nova"}, "Bob had not arrived as far as anybody knows"


async def test_who_left_while_nobody_kept_it_is_not_taken_to_have_heard_what_was_said_after() -> None:
    store = MemoryStore()
    line = Line("u1", "p1", "Ada", "speech", "He is gone, so listen", at(60))
    async with running(Recorder(store)) as recorder:
        for who in (ADA, BOB):
            recorder.observe(Arrived("lobby", who.id, who.name, at(0)), ROOM)
        recorder.restore("lobby", [line], SEATED, still_there=frozenset({"p1"}))
        await recorder.flushed()
    entry = (await entries(store))[-1]
    assert entry.audience == {"p1", "nova"}


async def test_a_voice_at_a_shared_microphone_does_not_rename_the_microphone() -> None:
    store = MemoryStore()
    async with running(Recorder(store)) as recorder:
        recorder.observe(
            Arrived("lobby", "p1", "Meeting room", at(0)), (Attendee("p1", "Meeting room", "person"),)
        )
        recorder.observe(
            Heard("lobby", "p1", "Maria", "Here we are", at(1), "u1", speaker="v2"),
            (Attendee("p1", "Meeting room", "person"),),
        )
        await recorder.flushed()
    _, entry = await entries(store)
    assert (entry.name, entry.detail) == ("Maria", {"speaker": "v2"})
    there = await store.read(lambda connection: present_in(connection, Place("lobby")))
    assert there["p1"].name == "Meeting room"


async def test_an_id_that_a_client_uses_again_another_day_is_another_line() -> None:
    store = MemoryStore()
    async with running(Recorder(store)) as recorder:
        recorder.observe(Read("lobby", "p1", "Ada", "monday", at(0), "1"), ROOM)
        recorder.observe(Read("lobby", "p1", "Ada", "tuesday", at(86_400), "1"), ROOM)
        await recorder.flushed()
    assert [entry.text for entry in await entries(store)] == ["monday", "tuesday"]


async def test_the_writer_of_a_line_is_told_when_it_is_durable_and_not_before() -> None:
    store, told = FullDisk(), list[Kept]()
    async with running(Recorder(store, kept=told.extend)) as recorder:
        recorder.observe(heard(0), ROOM)
        recorder.observe(Read("lobby", "p1", "Ada", "hi", at(1), "m1"), ROOM)
        await asyncio.sleep(10)
        assert told == []
        store.full = False
        await recorder.flushed()
    assert told == [Kept("lobby", "p1", "m1")]


async def test_a_full_disk_keeps_what_is_lived_waiting_and_says_so_once() -> None:
    store, troubles = FullDisk(), list[str | None]()
    async with running(Recorder(store, troubled=troubles.append)) as recorder:
        for number in range(300):
            recorder.observe(heard(number), ROOM)
        await asyncio.sleep(30)
        assert recorder.waiting == 300
        assert troubles == ["the disk is full"]
        assert recorder.counts["timeline: attempts that the store refused"] > 10
        store.full = False
        await recorder.flushed()
        assert troubles == ["the disk is full", None]
    assert len((await store.read(lambda connection: page(connection, Query(), limit=1000))).entries) == 300


async def test_beyond_what_may_wait_events_are_counted_and_the_earlier_ones_stay() -> None:
    store = FullDisk()
    async with running(Recorder(store)) as recorder:
        for number in range(MAX_WAITING + 7):
            recorder.observe(heard(number), ())
        assert recorder.waiting == MAX_WAITING
        assert recorder.counts["timeline: too many wait for the disk"] == 7


async def test_an_event_that_cannot_be_kept_does_not_take_others_along() -> None:
    store = MemoryStore()
    async with running(Recorder(store)) as recorder:
        recorder.observe(heard(1, "before"), ROOM)
        recorder.observe(Heard("lobby", "p1", "Ada", "no zone", datetime(2026, 1, 5), "u2"), ROOM)
        recorder.observe(heard(3, "after"), ROOM)
        await recorder.flushed()
        assert recorder.counts == {"timeline: event that cannot be kept": 1}
    assert [entry.text for entry in await entries(store)] == ["before", "after"]


async def test_whoever_left_while_nobody_watched_has_left() -> None:
    store, lobby = MemoryStore(), Place("lobby")
    async with running(Recorder(store)) as recorder:
        for who in (ADA, BOB):
            recorder.observe(Arrived("lobby", who.id, who.name, at(0)), ROOM)
        await recorder.flushed()
        await recorder.vacate(lobby, frozenset({"p2"}), at(60))
    assert set(await store.read(lambda connection: present_in(connection, lobby))) == {"p2"}


async def test_a_transcript_comes_back_as_it_was() -> None:
    store = MemoryStore()
    lines = [
        Line("u1", "p1", "Ada", "speech", "psst", at(1), to=frozenset({"p1", "nova"})),
        Line("m1", "p1", "Ada", "chat", "hello", at(2)),
        Line("nova-1", "nova", "Nova", "speech", "Hi", at(3), True),
        Line("nova-2", "nova", "Nova", "chat", "Hi", at(4)),
    ]
    async with running(Recorder(store)) as recorder:
        recorder.restore("lobby", lines, SEATED, [Participant("p2", "person", "Bob")])
        await recorder.flushed()

    def newest(limit: int) -> Callable[[sqlite3.Connection], Sequence[Line]]:
        return lambda connection: transcript_of(connection, Place("lobby"), limit)

    kept = await store.read(newest(100))
    assert [replace(line, there=None) for line in kept] == lines
    assert [sorted(line.there or ()) for line in kept] == [["p1"], ["p1", "p2"], ["p2"], ["p2"]], (
        "who was there"
    )
    assert await store.read(newest(2)) == kept[-2:]
