"""How a `Peer` ends, and that it leaves nothing behind: real aiortc clients on loopback."""

import asyncio
import gc
import inspect
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest

from media.realtime.packet import FRAME
from media.rtc import peer as peer_module
from media.rtc import private
from media.rtc.peer import PeerState
from media.rtc.sdp import SdpError
from tests.media.rtc_client import MovingPicture, loopback_only, rtc_client
from tests.media.watched_peer import (
    drops,
    join,
    ticks,
    tone_packets,
    watched,
)


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with loopback_only():
        yield


async def test_a_client_that_closes_is_noticed_at_once() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        await join(client, held)
        await client.close()
        await held.reaches(PeerState.CLOSED, seconds=3)
        assert held.states == [PeerState.CONNECTING, PeerState.CONNECTED, PeerState.CLOSED]
        with pytest.raises(SdpError, match="join again"):
            await held.peer.answer(await _fresh_offer())


async def _fresh_offer() -> str:
    async with rtc_client() as client:
        client.speak()
        return await client.offer()


async def test_a_client_that_vanishes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "CONSENT_INTERVAL_S", 0.2)
    monkeypatch.setattr(private, "LOST_AFTER_S", 1.0)
    async with watched() as held, rtc_client() as client:
        client.speak()
        await join(client, held)
        client.vanish()
        began = time.monotonic()
        await held.reaches(PeerState.FAILED, seconds=5)
        assert time.monotonic() - began > 0.9
        assert drops(held)["consent-expired"] == 1
        held.peer.send_audio(b"\xf8", 0)
        assert drops(held)["not-connected"] >= 1


def test_a_vanished_client_is_noticed_within_ten_seconds() -> None:
    worst = private.LOST_AFTER_S + private.CONSENT_INTERVAL_S * 1.2 + 0.5
    assert worst < 10


async def test_a_client_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "CONNECT_TIMEOUT_S", 0.3)
    async with watched() as held, rtc_client() as client:
        client.speak()
        await held.peer.answer(await client.offer())
        await held.reaches(PeerState.FAILED, seconds=3)
        assert drops(held)["connect-timeout"] == 1


async def test_closing_in_the_middle_of_connecting_is_clean() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        await held.peer.answer(await client.offer())
        await held.peer.close()
        await held.peer.close()
        assert held.states == [PeerState.CONNECTING, PeerState.CLOSED]


def open_sockets() -> int:
    """How many sockets the process has; its files are others' as well."""
    count = 0
    for number in os.listdir("/proc/self/fd"):
        # The listing's own descriptor is closed by now.
        with suppress(FileNotFoundError):
            count += os.readlink(f"/proc/self/fd/{number}").startswith("socket:")
    return count


async def test_twenty_calls_leave_no_task_no_thread_and_no_socket_behind() -> None:
    async def call() -> None:
        async with watched() as held, rtc_client() as client:
            client.speak()
            client.show(MovingPicture(100))
            client.add_slots(1)
            await join(client, held)
            held.peer.watch(held.peer.camera, held.peer.slots[0])
            packet = tone_packets(300)
            await ticks(
                lambda: len(client.audio) > 2 and held.peer.statistics().packets_in > 5,
                lambda index: held.peer.send_audio(packet(index), index * FRAME),
                seconds=30,
            )

    await call()
    gc.collect()
    before, threads = (open_sockets(), len(asyncio.all_tasks())), set(threading.enumerate())
    for _ in range(4):
        await asyncio.gather(*(call() for _ in range(5)))
    gc.collect()
    assert (open_sockets(), len(asyncio.all_tasks())) == before
    # The clients' encoders share the loop's executor; the peers start no thread.
    assert all(thread.name.startswith("asyncio_") for thread in set(threading.enumerate()) - threads)


async def test_a_peer_starts_no_thread_and_owns_three_tasks() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        client.show(MovingPicture(100))
        await join(client, held)
        await ticks(lambda: held.peer.statistics().packets_in > 20, lambda _: None)
        decoders = [t.name for t in threading.enumerate() if t.name.endswith("-decoder")]
        assert decoders == ["audio-decoder"], "the client's own, for what it hears"
        tasks = Counter(
            coroutine.__qualname__
            for task in asyncio.all_tasks()
            if inspect.iscoroutine(coroutine := task.get_coro())
        )
        assert tasks["Peer._connect"] == 1
        assert tasks["_Connection.query_consent"] == 1
        assert tasks["RTCDtlsTransport.__run"] == 2, "one of them is the client's"
        assert not any(name.startswith(("RTCRtp", "Video", "Inbound")) for name in tasks if tasks[name] > 4)


async def test_closing_while_sockets_are_opened_leaves_none() -> None:
    async with rtc_client() as client:
        client.speak()
        offer = await client.offer()
        before = open_sockets()
        for cancelled in (False, True):
            async with watched() as held:
                answering = asyncio.create_task(held.peer.answer(offer))
                await asyncio.sleep(0)
                if cancelled:
                    answering.cancel()
                await held.peer.close()
                with pytest.raises((SdpError, asyncio.CancelledError)):
                    await answering
            assert open_sockets() == before
