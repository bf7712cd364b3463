"""The floor of a room at work: what is said again under the same bid is heard as anything else is."""

import asyncio

import pytest

from cognition.conversation.floor_control import SHORTEST_GAP, Bid, Yielded
from signaling.room_floor import RoomFloor
from tests.signaling.scene import FakePort, scene

pytestmark = pytest.mark.virtual_time

NOVA, FELIX = Bid("x", "nova", "addressed"), Bid("y", "felix", "addressed", 0.9)


async def test_a_bid_made_again_after_it_gave_way_is_known_to_be_heard() -> None:
    gave_way: list[Yielded] = []
    floor = RoomFloor(FakePort({}), yielded=gave_way.append, refused=lambda bid, reason: None)
    loop = asyncio.get_running_loop()
    floor.bid(NOVA)
    async with floor.hold("x") as granted:
        assert granted
        floor.heard("x")
        await asyncio.sleep(0.1)
        floor.person_started("ada")
    assert gave_way == [Yielded(NOVA, "person-speaks")]
    floor.person_stopped("ada")
    await asyncio.sleep(2)
    floor.bid(NOVA)
    async with floor.hold("x") as granted:
        assert granted
        floor.heard("x")
        await asyncio.sleep(5)
        floor.person_started("bob")
        floor.person_stopped("bob")
    assert len(gave_way) == 1, "a murmur after five seconds is a matter of what is said"
    ended = loop.time()
    floor.bid(FELIX)
    async with floor.hold("y") as granted:
        assert granted
        assert loop.time() - ended >= SHORTEST_GAP
    floor.close()


async def test_an_answer_that_is_said_again_is_heard_to_its_end_over_a_murmur() -> None:
    stars = "The stars are very far away and there are a great many of them in the sky tonight. " * 2
    async with scene(stars, stars) as room:
        ada, bob = room.join("ada", "Ada"), room.join("bob", "Bob")
        await ada.say("Nova, tell me about the stars.")
        await room.port.begun("nova")
        bob.start()
        await asyncio.sleep(0.2)
        bob.discard()
        await room.port.begun("nova")
        await asyncio.sleep(2.5)
        bob.start()
        await asyncio.sleep(0.3)
        bob.pause("Mhm.", acknowledges=True)
        await asyncio.sleep(0.3)
        bob.end("Mhm.", acknowledges=True)
        await asyncio.sleep(20)
        assert [cut for name, _, cut in room.remembered() if name == "Nova"] == [False]
