"""Operators look on: who is let in, what they are told and how often, and that nobody is held up by them."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.server.access import may_operate
from signaling.server.ports import FakeSocket
from signaling.server.watching import MAX_WATCHERS, SEND_TIMEOUT_S, SnapshotFeed, Watcher

pytestmark = pytest.mark.virtual_time

KEY = "k" * 32


class Gallery:
    """A feed of numbers, and those who look at it."""

    def __init__(self) -> None:
        self.taken = 0
        self.faulty = False
        self.drops: Counter[str] = Counter()
        self.feed = SnapshotFeed(self._take, self.drop)
        self.running: list[asyncio.Task[None]] = []

    def drop(self, reason: str) -> None:
        self.drops[reason] += 1

    async def _take(self) -> str:
        if self.faulty:
            raise ValueError("a figure is missing")
        self.taken += 1
        return json.dumps({"type": "snapshot", "number": self.taken})

    def arrive(self, *, local: bool = True) -> FakeSocket:
        socket = FakeSocket()
        watcher = Watcher(socket, feed=self.feed, is_key=lambda key: key == KEY, local=local, drop=self.drop)
        self.running.append(asyncio.create_task(watcher.run()))
        return socket

    def look(self, *, local: bool = True, **fields: Any) -> FakeSocket:
        socket = self.arrive(local=local)
        socket.push(json.dumps({"type": "watch", "version": 1} | fields))
        return socket


@asynccontextmanager
async def gallery() -> AsyncIterator[Gallery]:
    made = Gallery()
    feeding = asyncio.create_task(made.feed.run())
    try:
        yield made
    finally:
        made.feed.end()
        await asyncio.gather(*made.running)
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def told(socket: FakeSocket, number: int) -> dict[str, Any]:
    """The message with that place, when it has come."""
    async with asyncio.timeout(60), socket.changed:
        await socket.changed.wait_for(lambda: len(socket.sent) > number)
    return json.loads(socket.sent[number])  # type: ignore[no-any-return]


async def ended(socket: FakeSocket) -> tuple[str, int]:
    """The code of the farewell, and the status."""
    async with asyncio.timeout(60), socket.changed:
        await socket.changed.wait_for(lambda: socket.closed is not None)
    assert socket.closed is not None
    return str(json.loads(socket.sent[-1])["code"]), socket.closed


@pytest.mark.parametrize(
    ("local", "fields"), [(True, {}), (True, {"key": KEY}), (False, {"key": KEY}), (True, {"key": None})]
)
async def test_one_is_let_in_from_this_machine_or_with_the_key(local: bool, fields: dict[str, Any]) -> None:
    async with gallery() as at:
        socket = at.look(local=local, **fields)
        assert (await told(socket, 0))["type"] == "snapshot"
        assert at.drops == {}


@pytest.mark.parametrize(
    ("local", "fields"), [(False, {}), (False, {"key": "wrong"}), (True, {"key": "wrong"})]
)
async def test_nobody_else_is(local: bool, fields: dict[str, Any]) -> None:
    async with gallery() as at:
        socket = at.look(local=local, **fields)
        assert await ended(socket) == ("unauthorized", 4000)
        assert at.drops == {"operator-unauthorized": 1}
        assert at.taken == 0


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "bad-message"),
        ("[" * 100_000, "bad-message"),
        ("[]", "bad-message"),
        ('{"type":"join"}', "bad-message"),
        (b"\x00", "bad-message"),
        ('{"type":"watch","version":2}', "bad-version"),
        ('{"type":"watch","version":1,"key":7}', "bad-message"),
        ('{"type":"watch","version":1,"key":""}', "bad-message"),
        ('{"type":"watch","version":1,"key":"' + "k" * 1025 + '"}', "bad-message"),
    ],
)
async def test_a_first_message_that_is_no_watch_ends_the_connection(raw: str | bytes, code: str) -> None:
    async with gallery() as at:
        socket = at.arrive()
        socket.push(raw)
        assert await ended(socket) == (code, 4000)
        assert at.drops == {f"operator-{code}": 1}


@given(st.text(max_size=60) | st.binary(max_size=20))
def test_nothing_that_is_sent_first_lets_a_stranger_in(raw: str | bytes) -> None:
    async def knock() -> tuple[str, int]:
        at = Gallery()
        socket = at.arrive(local=False)
        socket.push(raw)
        await asyncio.gather(*at.running)
        return await ended(socket)

    assert asyncio.run(knock())[1] == 4000


async def test_who_says_nothing_is_sent_away() -> None:
    async with gallery() as at:
        assert await ended(at.arrive()) == ("join-timeout", 4000)


async def test_all_are_told_the_same_once_a_second() -> None:
    async with gallery() as at:
        one, two = at.look(), at.look()
        loop = asyncio.get_running_loop()
        await told(one, 0)
        began = loop.time()
        assert await told(one, 3) == await told(two, 3)
        assert loop.time() - began == pytest.approx(3.0)
        assert at.taken == 4


async def test_nothing_is_taken_while_nobody_looks() -> None:
    async with gallery() as at:
        await asyncio.sleep(60)
        assert at.taken == 0
        socket = at.look()
        await told(socket, 1)
        socket.hang_up()
        await asyncio.gather(*at.running)
        before = at.taken
        await asyncio.sleep(60)
        assert at.taken <= before + 1
        late = at.look()
        assert (await told(late, 0))["number"] > before, "not what was taken a minute ago"


async def test_who_does_not_read_is_dropped_and_holds_nobody_up() -> None:
    async with gallery() as at:
        stuck, fine = FakeSocket(), at.look()
        await told(fine, 0)
        stuck = at.look()
        stuck.stalled = True
        await told(fine, int(SEND_TIMEOUT_S) + 5)
        assert stuck.closed == 1000
        assert at.drops == {"operator-slow": 1}


async def test_there_is_an_end_to_how_many_look() -> None:
    async with gallery() as at:
        sockets = [at.look() for _ in range(MAX_WATCHERS)]
        for socket in sockets:
            await told(socket, 0)
        assert await ended(at.look()) == ("busy", 4000)
        sockets[0].hang_up()
        await at.running[0]
        assert (await told(at.look(), 0))["type"] == "snapshot"


async def test_after_watch_there_is_nothing_to_be_said() -> None:
    async with gallery() as at:
        socket = at.look()
        await told(socket, 0)
        socket.push("{}")
        assert await ended(socket) == ("bad-message", 4000)


async def test_a_snapshot_that_fails_is_counted_and_the_next_one_comes() -> None:
    async with gallery() as at:
        socket = at.look()
        await told(socket, 0)
        at.faulty = True
        await asyncio.sleep(2.5)
        at.faulty = False
        await told(socket, 1)
        assert at.drops["snapshot-fault"] in (2, 3)


async def test_the_end_of_the_server_is_said() -> None:
    async with gallery() as at:
        socket = at.look()
        await told(socket, 0)
        at.feed.end()
        assert await ended(socket) == ("restarting", 4000)
        assert at.drops == {}


def test_a_wrong_key_is_refused_even_where_none_is_needed() -> None:
    assert may_operate(None, KEY.__eq__, local=True)
    assert may_operate(KEY, KEY.__eq__, local=False)
    assert not may_operate("wrong", KEY.__eq__, local=True)
    assert not may_operate(None, KEY.__eq__, local=False)
