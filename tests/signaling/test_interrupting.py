"""A persona speaks into another's words when it matters, and what was cut off by that is not said again."""

import asyncio

import pytest

from cognition.conversation.floor_control import HEARD_OUT
from cognition.persona.due import Due
from tests.signaling.scene import NOVA, ROBIN, Scene, scene

pytestmark = pytest.mark.virtual_time

STARS = "One long sentence about the stars that goes on. " * 3


async def into_nova_s_words(room: Scene, due: Due) -> None:
    """Nova answers what was asked of anybody; when it has been heard out, Robin wants to say something."""
    ada = room.join("ada", "Ada")
    await ada.say("Does anybody know about the stars?")
    await room.port.begun("nova")
    await asyncio.sleep(HEARD_OUT + 0.1)
    room.attendance.due(due)


async def test_who_interrupts_another_has_the_floor_next_and_what_it_cut_off_stays_cut_off() -> None:
    async with scene(STARS, STARS, personas=(NOVA, ROBIN), trusted={"robin"}) as room:
        due = Due("remind-1", "robin", "room", "remind", "Ada, your tea is ready.", priority=0.9)
        await into_nova_s_words(room, due)
        await asyncio.sleep(20)
        spoke = [(name, cut) for name, _, cut in room.remembered()[1:]]
        assert spoke == [("Nova", True), ("Robin", False)]
        assert len(room.generator.streamed) == 1
        silent = "".join(str(each) for each in room.sounding_at_once).strip("0")
        assert max(map(len, silent.split("1"))) * 0.02 <= 0.5


async def test_who_is_trusted_interrupts_another_for_nothing_that_can_wait() -> None:
    async with scene(STARS, personas=(NOVA, ROBIN), trusted={"robin"}) as room:
        await into_nova_s_words(room, Due("rest-1", "robin", "room", "rest", "I am tired.", priority=0.9))
        await asyncio.sleep(20)
        spoke = [(name, cut) for name, _, cut in room.remembered()[1:]]
        assert spoke == [("Nova", False), ("Robin", False)]
