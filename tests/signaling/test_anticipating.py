"""Whoever is going to answer is prepared while the question is being asked."""

import asyncio
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from cognition.search.embedder import FakeEmbedder
from tests.signaling.scene import NOVA, ROBIN, scene

pytestmark = pytest.mark.virtual_time

FIELDS = (("stars", "glowing", "sky"), ("birds", "nest", "feathers"))


class Meaning(FakeEmbedder):
    """Knows two fields by more than the words that personas name them by, and takes a while."""

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        await asyncio.sleep(0.05)
        vectors = [[float(any(word in text for word in field)) for field in FIELDS] for text in texts]
        return np.array(vectors, np.float32)


@pytest.mark.parametrize(
    ("said", "expert"), [("What is glowing in the sky", "nova"), ("What nest has no feathers", "robin")]
)
async def test_who_knows_about_it_by_meaning_is_prepared_with_the_words_that_tell(
    said: str, expert: str
) -> None:
    async with scene("I see.", personas=(NOVA, ROBIN), embedder=Meaning()) as room:
        ada = room.join("ada", "Ada")
        await asyncio.sleep(1.0)
        before = len(room.generator.prefilled)
        ada.start()
        ada.partial(said)
        await asyncio.sleep(0.3)
        assert [key.partition("/")[2] for key, _ in room.generator.prefilled[before:]] == [expert]
        ada.pause(f"{said}?")
        await asyncio.sleep(0.1)
        assert room.generator.streamed[-1][0].endswith(expert)
        ada.end(f"{said}?")
        await room.until_quiet()


async def test_a_meaning_that_takes_long_is_not_waited_for() -> None:
    class Slow(FakeEmbedder):
        async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
            await asyncio.sleep(2.0)
            return await super().embed(texts)

    async with scene("I see.", personas=(NOVA, ROBIN), embedder=Slow()) as room:
        ada = room.join("ada", "Ada")
        await asyncio.sleep(1.0)
        before = len(room.generator.prefilled)
        ada.start()
        ada.partial("Who knows about birds")
        await asyncio.sleep(0.2)
        assert [key.partition("/")[2] for key, _ in room.generator.prefilled[before:]] == ["robin"]
        ada.pause("Who knows about the birds?")
        await asyncio.sleep(0.1)
        assert room.generator.streamed[-1][0].endswith("robin")
        ada.end("Who knows about the birds?")
        await room.until_quiet()


async def test_what_was_asked_is_taken_in_by_the_others_while_one_answers_it() -> None:
    async with scene("Three days of flight, and no less than that.", personas=(NOVA, ROBIN)) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova, how far is the moon?")
        await room.port.begun("nova")
        await asyncio.sleep(0.3)
        assert room.presence is not None
        assert room.presence.sounding, "nova speaks"
        assert "the moon" in str(dict(room.generator.prefilled).get("4:room/robin"))
        await room.until_quiet()


async def test_a_model_that_is_to_speak_only_evaluates_nothing_ahead() -> None:
    async with scene("I see.", personas=(NOVA, ROBIN), anticipate=False) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova, how far is the moon?")
        await room.until_quiet()
        assert room.generator.prefilled == []
