"""The personas' life as the rooms of a process see it."""

import asyncio
from datetime import UTC, datetime

import pytest

from cognition.events import Arrived, Heard, Said
from cognition.inference.generator import FakeGenerator
from cognition.store.memory_store import MemoryStore
from signaling.living import Living
from tests.signaling.scene import NOVA, ROBIN, scene

pytestmark = pytest.mark.virtual_time


async def test_what_a_persona_did_not_come_to_say_is_known_in_the_room_where_it_was_to_be_said() -> None:
    living = Living(MemoryStore(), FakeGenerator(["Fine."]), lambda: [])
    assert living.held_back("hall") == frozenset()
    await living.open([NOVA, ROBIN])
    assert living.life is not None
    living.life.held_back(
        "nova", "hall", Heard("hall", "ada", "Ada", "Who knows a star?", datetime.now(UTC), "l1")
    )
    assert living.held_back("hall") == {"nova"}
    assert living.held_back("kitchen") == frozenset()


async def test_who_comes_while_another_is_greeted_is_greeted_as_well() -> None:
    async with scene(alive=True) as room:
        room.join("ada", "Ada")
        room.mind.note(Arrived("room", "ada", "Ada", datetime.now(UTC)))
        await room.port.begun("nova")
        room.join("bob", "Bob")
        room.mind.note(Arrived("room", "bob", "Bob", datetime.now(UTC)))
        await asyncio.sleep(30)
        greetings = [event.text for event in room.happened if isinstance(event, Said)]
        assert [("Ada" in text, "Bob" in text) for text in greetings] == [(True, False), (True, True)]


async def test_a_greeting_of_which_nobody_heard_a_word_is_written() -> None:
    async with scene(alive=True) as room:
        ada = room.join("ada", "Ada")
        room.mind.note(Arrived("room", "ada", "Ada", datetime.now(UTC)))
        await room.port.begun("nova")
        ada.start()
        await asyncio.sleep(3)
        assert [each.text for each in room.happened if isinstance(each, Said)] == room.port.chat
        assert len(room.port.chat) == 1
        assert "Ada" in room.port.chat[0]


async def test_who_comes_is_welcomed_as_somebody_new_also_when_others_come_meanwhile() -> None:
    async with scene(alive=True) as room:
        for id, name in (("ada", "Ada"), ("bob", "Bob"), ("cem", "Cem"), ("dora", "Dora")):
            room.join(id, name)
            room.mind.note(Arrived("room", id, name, datetime.now(UTC)))
            await asyncio.sleep(1)
        await asyncio.sleep(30)
        greetings = [event.text for event in room.happened if isinstance(event, Said)]
        assert len(greetings) == 4
        assert not any("back" in text for text in greetings)
