"""An answer that is left to somebody else, or to nobody, while it is being made or said."""

import asyncio

import pytest

from tests.signaling.scene import NOVA, ROBIN, scene

pytestmark = pytest.mark.virtual_time

LONG = "It is far away. It takes light more than a second, and a train would need months to get there."


async def test_what_is_left_to_another_persona_that_one_says_and_it_alone() -> None:
    async with scene(LONG, "I would rather say it in kilometres.", personas=(NOVA, ROBIN)) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova, how far away is the moon?")
        await ada.say("No, let Robin answer that.")
        await asyncio.sleep(20)
        assert [key.partition("/")[2] for key, _ in room.generator.streamed] == ["nova", "robin"]
        assert room.port.finals("robin") == ["I would rather say it in kilometres."]
        assert not any(text.endswith("get there.") for text in room.port.finals("nova"))


async def test_what_nobody_is_to_answer_is_not_said_and_the_next_question_is_answered() -> None:
    async with scene(LONG, "At noon.", personas=(NOVA,)) as room:
        ada = room.join("ada", "Ada")
        await ada.say("How far away is the moon?")
        await ada.say("Nobody answer that.")
        await asyncio.sleep(20)
        assert not any(text.endswith("get there.") for text in room.port.finals("nova"))
        await ada.say("When does it rise?")
        await asyncio.sleep(5)
        assert room.port.finals("nova")[-1] == "At noon."
