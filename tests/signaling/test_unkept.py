"""Acknowledged lines are held until they are kept, oldest first, and never more than memory allows."""

import json

from signaling.ipc.jsonrpc import MAX_LINE_BYTES
from signaling.server.history import Line
from signaling.server.rooms import Seat
from signaling.server.unkept import MAX_BATCH_BYTES, MAX_UNKEPT_BYTES, UnkeptLines

ADA = Seat("p1", "ada", "Ada", "person", frozenset(), "connected")


def line(id: str, text: str = "hello") -> Line:
    return Line(id, "p1", "Ada", "chat", text, "2026-01-05T12:00:00+00:00")


def ids(lines: UnkeptLines) -> list[str]:
    return [held["line"]["id"] for held in lines.batch()]


def test_a_line_is_held_with_who_was_there_until_it_is_kept() -> None:
    lines = UnkeptLines()
    lines.add("lobby", line("m1"), [ADA])
    lines.add("lobby", line("m2"), [])
    lines.add("attic", line("m1"), [])
    assert lines.batch()[0]["present"] == [{"id": "p1", "identity": "ada", "name": "Ada", "kind": "person"}]
    lines.kept([("lobby", "p1", "m1"), ("lobby", "p1", "unheard of")])
    assert [(held["room"], held["line"]["id"]) for held in lines.batch()] == [
        ("lobby", "m2"),
        ("attic", "m1"),
    ]
    lines.kept([("lobby", "p1", "m2"), ("attic", "p1", "m1")])
    assert (len(lines), lines.batch(), lines.dropped) == (0, [], 0)


def test_a_batch_fits_into_one_message_and_the_next_one_goes_on() -> None:
    lines = UnkeptLines()
    for number in range(100):
        lines.add("lobby", line(str(number), "ж" * 8000), [ADA])
    seen: list[str] = []
    while batch := lines.batch():
        assert len(json.dumps(batch, ensure_ascii=False).encode()) <= MAX_BATCH_BYTES < MAX_LINE_BYTES
        seen += ids(lines)
        lines.kept([("lobby", "p1", held["line"]["id"]) for held in batch])
    assert seen == [str(number) for number in range(100)]


def test_beyond_what_memory_allows_the_oldest_are_given_up_and_counted() -> None:
    lines = UnkeptLines()
    count = 2 * MAX_UNKEPT_BYTES // 8000
    for number in range(count):
        lines.add("lobby", line(str(number), "x" * 8000), [])
    assert lines.dropped > count // 3
    assert len(lines) + lines.dropped == count
    assert ids(lines)[0] == str(lines.dropped)
