"""What is remembered costs nothing after the end of speech, counted by the real model."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from cognition.conversation.disposition import Disposition
from cognition.events import Heard, Said
from cognition.inference.llama import LlamaGenerator
from cognition.inference.llama_context import Sampling
from cognition.memory.recall import FakeRecall, Recalled, Source
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona, PersonaVoice
from cognition.persona.recollection import Allowance, Remembering
from cognition.rag.engine import ContextEngine, Feed
from cognition.rag.sources.identity import IdentitySource
from cognition.rag.sources.memory import MemorySource
from cognition.store.timeline import Place
from tests.cognition.test_mind import START
from tests.hearing import weights

pytestmark = [pytest.mark.models, pytest.mark.timeout(180)]

FELIX = Persona("felix", "Felix", PersonaVoice(), "You are warm.", ())
ADA = frozenset({"felix", "person-ada"})
WORDS = "Do you remember where the harbour festival takes place, and when it is on again?"
KNOWN = [
    ("Ada lives in Rome.", "person-ada"),
    ("Ada has a job interview on Friday.", "person-ada"),
    ("The harbour festival takes place in Lisbon.", ""),
]


@pytest.fixture
def generator() -> Iterator[LlamaGenerator]:
    model = LlamaGenerator(weights("language-model"), sampling=Sampling(temperature=0.0, seed=7))
    yield model
    asyncio.run(model.aclose())


async def after_speech(generator: LlamaGenerator, room: str, known: list[tuple[str, str]]) -> tuple[int, str]:
    """Tokens that are evaluated once a line is over, in the second turn of a call, and what is answered."""
    memories = [
        (Recalled(text, text, "", START, about, "fact", 0.0, Source((1,), Place("attic"), ("Ada",))), ADA)
        for text, about in known
    ]
    recall = FakeRecall(memories)
    feeds = [Feed(IdentitySource(recall, lambda _: Disposition())), Feed(MemorySource(recall))]
    mind = Mind(
        [FELIX],
        generator,
        recollection=Remembering(ContextEngine(feeds, generator.count), recall),
        allowance=Allowance(stable=160, fresh=80, late=30),
        now=lambda: START + timedelta(days=7),
    )
    mind.enter(room, "felix", "Felix", "persona")
    mind.enter(room, "ada", "Ada", "person", "person-ada")
    await mind.prepare(room, "felix")
    mind.record(Heard(room, "ada", "Ada", "Hello Felix.", START, "t0"))
    mind.record(Said(room, "felix", "Hello Ada, how are you?", START + timedelta(seconds=2), id="s0"))
    await mind.prepare(room, "felix")
    words = WORDS.split()
    for heard in (6, 9, 12):
        await mind.anticipate(room, "felix", "ada", " ".join(words[:heard]), None, "t1")
    before = generator.statistics()
    line = Heard(room, "ada", "Ada", WORDS, START + timedelta(seconds=9), "t1")
    answer = " ".join([clause.text async for clause in mind.reply(room, "felix", line)])
    after = generator.statistics()
    return after.evaluated - before.evaluated, answer


async def test_a_reply_evaluates_as_much_after_the_end_of_speech_as_without_a_memory(
    generator: LlamaGenerator,
) -> None:
    without, _ = await after_speech(generator, "one", [])
    with_memories, answer = await after_speech(generator, "two", KNOWN)
    assert with_memories == without, answer
    assert without < 16, "the last words and the header of the answer"
    assert "Lisbon" in answer
