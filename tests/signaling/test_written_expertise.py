"""A written line is decided on by what it means, as a spoken one is."""

import asyncio
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from cognition.search.embedder import FakeEmbedder
from tests.signaling.scene import NOVA, ROBIN, Scene, scene
from tests.signaling.test_anticipating import Meaning

pytestmark = pytest.mark.virtual_time


async def answered_by(room: Scene, text: str) -> str:
    asked = len(room.generator.streamed)
    room.write("ada", "Ada", text)
    await asyncio.sleep(0.5)
    (key, _), *others = room.generator.streamed[asked:]
    assert not others
    await room.until_quiet()
    return key.partition("/")[2]


async def test_who_knows_about_it_by_meaning_answers_what_was_written() -> None:
    async with scene("I see.", personas=(NOVA, ROBIN), embedder=Meaning()) as room:
        room.join("ada", "Ada")
        assert await answered_by(room, "Which nest has no feathers in it?") == "robin"
        assert await answered_by(room, "What is that, glowing above us?") == "nova"
        assert await answered_by(room, "Nova, which nest has no feathers?") == "nova"


async def test_a_written_line_is_not_kept_waiting_for_what_it_means() -> None:
    class Slow(FakeEmbedder):
        async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
            await asyncio.sleep(2.0)
            return await super().embed(texts)

    async with scene("I see.", personas=(NOVA, ROBIN), embedder=Slow()) as room:
        room.join("ada", "Ada")
        assert await answered_by(room, "Which of the birds has no feathers?") == "robin"
        assert room.attendance.dropped["chat: by words alone"] == 1
