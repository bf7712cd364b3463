"""A persona that another one names in writing answers it in writing, and that comes to an end by itself."""

import asyncio

import pytest

from cognition.conversation.dialogue import TURNS
from tests.signaling.scene import NOVA, ROBIN, scene

pytestmark = pytest.mark.virtual_time


async def test_a_persona_named_in_what_another_wrote_answers_in_writing() -> None:
    async with scene(
        "Robin, what do you think about owls?", "Owls hunt by night.", personas=(NOVA, ROBIN)
    ) as room:
        room.join("ada", "Ada")
        room.write("ada", "Ada", "Nova, ask Robin about owls.")
        await asyncio.sleep(30)
        assert room.port.chat == ["Robin, what do you think about owls?", "Owls hunt by night."]
        assert [name for name, _, _ in room.remembered()] == ["Ada", "Nova", "Robin"]


async def test_personas_that_keep_naming_each_other_in_writing_come_to_an_end() -> None:
    topics = ["comets planets moons", "herons falcons finches", "bread cheese butter", "violins drums flutes"]
    topics += ["rivers oceans glaciers", "poems novels letters", "chess cards dice", "trains ships trucks"]
    asks = [
        f"{('Robin', 'Nova')[turn % 2]}, what do you think about {topic}?"
        for turn, topic in enumerate(topics * 3)
    ]
    async with scene(*asks, personas=(NOVA, ROBIN)) as room:
        room.join("ada", "Ada")
        room.write("ada", "Ada", "Nova, ask Robin about comets.")
        await asyncio.sleep(300)
        assert 2 < len(room.port.chat) <= TURNS
        assert any(reason.startswith("exchange: ") for reason in room.attendance.dropped)
