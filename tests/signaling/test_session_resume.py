"""A seat outlives its connection for a while: whoever comes back in time, or twice, has it."""

import asyncio
from pathlib import Path

import pytest

from media.rtc.peer import PeerState
from tests.signaling.house import house

pytestmark = pytest.mark.virtual_time


async def test_a_lost_connection_keeps_its_seat_for_ten_seconds(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await ada.connect()
        ada.socket.hang_up()
        await ada.ended()
        assert ada.id not in home.plane.open("lobby")
        assert home.peers[0].state is PeerState.CLOSED
        began = asyncio.get_running_loop().time()
        assert (await bob.expect("left"))["reason"] == "lost"
        assert asyncio.get_running_loop().time() - began == pytest.approx(10, abs=0.1)
        assert home.rings() == 1


async def test_a_resume_comes_back_to_the_seat_with_its_history(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        ada.send(type="chat", id="c", text="hello")
        await ada.expect("ack")
        ada.socket.hang_up()
        await ada.ended()
        again = home.arrive()
        joined = await again.join("Ada", identity="somebody else", resume=ada.resume)
        assert joined["you"] == ada.id
        assert [line["text"] for line in joined["history"]] == ["hello"]
        await again.connect()
        await asyncio.sleep(15)
        assert not [message for message in bob.unread() if message["type"] == "left"]


async def test_a_resume_works_after_a_restart_and_keeps_the_participants_id(tmp_path: Path) -> None:
    async with house(tmp_path) as before:
        ada = await before.seated("Ada")
    assert (await ada.ended())["code"] == "restarting"
    async with house(tmp_path) as after:
        again = after.arrive()
        assert (await again.join("Ada", identity="ada", resume=ada.resume))["you"] == ada.id


async def test_a_bad_resume_falls_back_to_the_token(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = home.arrive()
        assert (await ada.join("Ada", resume="garbage"))["you"]


async def test_a_second_connection_takes_the_seat_over(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        first, bob = await home.seated("Ada"), await home.seated("Bob")
        await first.connect()
        second = home.arrive()
        assert (await second.join("Ada"))["you"] == first.id
        assert (await first.ended())["code"] == "taken-over"
        await second.connect()
        assert home.peers[0].state is PeerState.CLOSED
        assert first.id in home.plane.open("lobby")
        await asyncio.sleep(15)
        assert not [message for message in bob.unread() if message["type"] == "left"]
        assert home.conference.room("lobby").state.seats[first.id].status == "connected"
