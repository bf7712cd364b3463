"""Two processes talk: calls, notifications, refusals, and what happens when one goes or misbehaves."""

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from signaling.ipc import endpoint as endpoint_module
from signaling.ipc.endpoint import (
    Endpoint,
    EndpointClosed,
    Handlers,
    RequestTimeout,
    RpcError,
    connect_forever,
    dial,
    listen,
)
from signaling.ipc.jsonrpc import MAX_LINE_BYTES, JsonObject


def no_handlers(_: Endpoint) -> Handlers:
    return {}


async def test_the_socket_is_for_this_user_alone_and_is_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "media.sock"
    path.write_text("a stale file of a killed process")
    async with listen(path, no_handlers):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_both_sides_call_and_are_answered(tmp_path: Path) -> None:
    accepted: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()

    def handlers(endpoint: Endpoint) -> Handlers:
        accepted.set_result(endpoint)
        return {"double": lambda params: {"n": 2 * params["n"]}}

    async def slowly(params: JsonObject) -> JsonObject:
        await asyncio.sleep(0)
        return {"said": params["text"]}

    async with (
        listen(tmp_path / "s", handlers),
        dial(tmp_path / "s", {"say": slowly}) as near,
    ):
        assert await near.call("double", {"n": 21}) == {"n": 42}
        far = await accepted
        assert await far.call("say", {"text": "hello"}) == {"said": "hello"}


async def test_a_handler_may_call_back_while_it_is_asked(tmp_path: Path) -> None:
    async def outer(endpoint: Endpoint, _: JsonObject) -> JsonObject:
        inner = await endpoint.call("inner")
        return {"outer": inner["inner"]}

    async with (
        listen(tmp_path / "s", lambda endpoint: {"outer": partial(outer, endpoint)}),
        dial(tmp_path / "s", {"inner": lambda _: {"inner": 7}}) as near,
    ):
        assert await near.call("outer") == {"outer": 7}


async def test_notifications_and_calls_arrive_in_the_order_they_were_sent(tmp_path: Path) -> None:
    seen: list[int] = []

    def note(params: JsonObject) -> None:
        seen.append(params["n"])

    async with listen(tmp_path / "s", lambda _: {"note": note}), dial(tmp_path / "s", {}) as near:
        for n in range(50):
            assert near.notify("note", {"n": n})
        await near.call("note", {"n": 50})
    assert seen == list(range(51))


async def test_refusals_and_faults_reach_the_caller_and_harm_nothing(tmp_path: Path) -> None:
    def refuse(_: JsonObject) -> None:
        raise RpcError(404, "there is no such room")

    async def fault(_: JsonObject) -> None:
        raise KeyError("room")

    handlers: Handlers = {"refuse": refuse, "fault": fault, "unsayable": lambda _: {"x": object()}}
    async with listen(tmp_path / "s", lambda _: handlers), dial(tmp_path / "s", {}) as near:
        for method, code in (("refuse", 404), ("fault", -32603), ("unsayable", -32603), ("none", -32601)):
            with pytest.raises(RpcError) as refusal:
                await near.call(method)
            assert refusal.value.code == code
        near.notify("fault")
        near.notify("none")
        assert near.reason is None


@pytest.mark.virtual_time
async def test_a_call_that_is_not_answered_ends_after_its_time(tmp_path: Path) -> None:
    async def never(_: JsonObject) -> None:
        await asyncio.Event().wait()

    async with listen(tmp_path / "s", lambda _: {"never": never}), dial(tmp_path / "s", {}) as near:
        with pytest.raises(RequestTimeout):
            await near.call("never")
        assert near.reason is None


async def test_what_waits_for_an_answer_is_told_of_the_end(tmp_path: Path) -> None:
    started: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
    stopped = asyncio.Event()

    async def never(endpoint: Endpoint, _: JsonObject) -> None:
        started.set_result(endpoint)
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with (
        listen(tmp_path / "s", lambda endpoint: {"never": partial(never, endpoint)}),
        dial(tmp_path / "s", {}) as near,
    ):
        waiting = asyncio.ensure_future(near.call("never"))
        (await started).close()
        with pytest.raises(EndpointClosed):
            await waiting
        await stopped.wait()
        assert await near.wait_closed() == "ended"
        assert not near.notify("anything")
        with pytest.raises(EndpointClosed):
            await near.call("anything")


async def raw(path: Path, lines: bytes) -> list[dict[str, object]]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(lines)
    writer.write_eof()
    answers = (await reader.read()).splitlines()
    writer.close()
    await writer.wait_closed()
    return [json.loads(answer) for answer in answers]


async def test_garbage_is_answered_and_repeated_garbage_ends_the_connection(tmp_path: Path) -> None:
    async with listen(tmp_path / "s", lambda _: {"ping": lambda _: {}}):
        ask = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
        garbage, pong = await raw(tmp_path / "s", b"garbage\n" + ask)
        assert garbage["error"]["code"] == -32700  # type: ignore[index]
        assert pong["result"] == {}
        assert len(await raw(tmp_path / "s", b"garbage\n" * 7 + ask)) == 8
        assert len(await raw(tmp_path / "s", b"garbage\n" * 8 + ask)) == 8
        assert await raw(tmp_path / "s", b"x" * (MAX_LINE_BYTES + 10)) == []


async def test_a_side_that_does_not_read_is_dropped(tmp_path: Path) -> None:
    accepted: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()

    def handlers(endpoint: Endpoint) -> Handlers:
        accepted.set_result(endpoint)
        return {}

    async with listen(tmp_path / "s", handlers):
        _, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        far = await accepted
        sent = 0
        while far.notify("caption", {"text": "x" * 100_000}):
            sent += 1
        assert far.reason == "slow"
        assert sent * 100_000 < 2 * endpoint_module.MAX_UNWRITTEN_BYTES
        writer.transport.abort()


async def run_briefly(forever: Awaitable[object], until: Callable[[], Awaitable[object]]) -> None:
    running = asyncio.ensure_future(forever)
    try:
        async with asyncio.timeout(10):
            await until()
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_connection_is_made_again_after_the_other_side_was_away(tmp_path: Path) -> None:
    path = tmp_path / "s"
    attached: asyncio.Queue[int] = asyncio.Queue()
    sessions = 0

    async def session(endpoint: Endpoint) -> None:
        nonlocal sessions
        sessions += 1
        await endpoint.call("attach", {"session": sessions})
        await asyncio.Event().wait()

    def attach(params: JsonObject) -> None:
        attached.put_nowait(params["session"])

    async def restart_three_times() -> None:
        for expected in (1, 2, 3):
            async with listen(path, lambda _: {"attach": attach}):
                assert await attached.get() == expected

    await run_briefly(connect_forever(path, {}, session, first_delay=0.001), restart_three_times)


async def test_a_refused_session_is_tried_again_on_a_new_connection(tmp_path: Path) -> None:
    refused = 0
    accepted = asyncio.Event()

    def attach(_: JsonObject) -> None:
        nonlocal refused
        refused += 1
        if refused < 3:
            raise RpcError(1, "not yet")
        accepted.set()

    async def session(endpoint: Endpoint) -> None:
        await endpoint.call("attach")

    async with listen(tmp_path / "s", lambda _: {"attach": attach}):
        await run_briefly(connect_forever(tmp_path / "s", {}, session, first_delay=0.001), accepted.wait)


async def test_a_fault_in_the_session_is_not_hidden(tmp_path: Path) -> None:
    async def session(_: Endpoint) -> None:
        raise ZeroDivisionError

    async with listen(tmp_path / "s", no_handlers):
        with pytest.raises(ZeroDivisionError):
            await connect_forever(tmp_path / "s", {}, session)
