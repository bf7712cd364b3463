"""Abstention with MiniLM: what was told is recalled, what was not is not; on questions no threshold was found with."""

from datetime import timedelta

import pytest

from cognition.memory.hippocampus import Hippocampus
from cognition.search.batcher import Batcher
from cognition.search.minilm import MiniLm
from cognition.store.timeline import Event, append
from tests.cognition.remembering import ADA, LOBBY, NOON, NOVA, World
from tests.weights_fixture import WeightsOf, weights

__all__ = ["weights"]

pytestmark = pytest.mark.models

DAY = timedelta(days=1)

TOLD = (
    "I live in Rome, close to the river.",
    "I work as a nurse at Saint Mary's hospital.",
    "My cat is called Luna, she is seven.",
    "I am allergic to peanuts.",
    "My brother Paul has moved to Lisbon.",
    "I have a job interview on Friday.",
    "I love hiking in the mountains at weekends.",
    "My favourite film is Casablanca.",
    "We went to a concert by Radiohead in the stadium.",
    "I have started to learn the cello.",
    "My mother's birthday is on the third of June.",
    "I do not eat meat any more.",
    "I drive an old blue Volvo.",
    "My best friend Clara is getting married in spring.",
    "I broke my wrist when I fell off my bike.",
    "I am reading a book about the Vikings.",
    "My daughter Emma has started school.",
    "I hate getting up early.",
    "I grew up in a small village in Wales.",
    "My boss Mr Harper is retiring this year.",
)
ASKED = (
    ("Where do I live?", "Rome"),
    ("What is my job?", "nurse"),
    ("What's the name of my cat?", "Luna"),
    ("Is there any food that I should avoid?", "peanuts"),
    ("Where has my brother gone to live?", "Lisbon"),
    ("What do I have to do on Friday?", "interview"),
    ("What do I like to do at weekends?", "hiking"),
    ("Which film do I like most?", "Casablanca"),
    ("Which band did I see live?", "Radiohead"),
    ("Which instrument am I learning?", "cello"),
    ("When is my mother's birthday?", "June"),
    ("Am I a vegetarian?", "meat"),
    ("What kind of car do I have?", "Volvo"),
    ("Who is getting married?", "Clara"),
    ("How did I hurt myself?", "wrist"),
    ("What am I reading?", "Vikings"),
    ("What is my daughter called?", "Emma"),
    ("Do I like mornings?", "early"),
    ("Where did I spend my childhood?", "Wales"),
    ("Who is my boss?", "Harper"),
)
NEVER_TOLD = (
    "What is the name of my dog?",
    "Which university did I go to?",
    "What is my shoe size?",
    "How tall is the Eiffel tower?",
    "Who won the football match last night?",
    "What is my husband's profession?",
    "How much money do I earn?",
    "What colour are the curtains in my kitchen?",
    "Which phone do I use?",
    "What did I cook for dinner?",
    "How do I bake a chocolate cake?",
    "What is the capital of Mongolia?",
    "Did I pay the electricity bill?",
    "What is my favourite colour?",
    "Do I play tennis?",
    "When does the train to Milan leave?",
    "What is the password of the wireless network?",
    "Which church do I go to?",
    "What is my political opinion?",
    "How many plants are on my balcony?",
)


@pytest.mark.timeout(120)
async def test_what_was_told_is_recalled_and_what_was_not_is_not(weights: WeightsOf) -> None:
    directory = weights("embeddings")
    batcher = await Batcher.open(MiniLm(directory / "model.onnx", directory / "tokenizer.json", threads=2))
    try:
        world = World(embedder=batcher)
        for number, text in enumerate(TOLD):
            at = NOON + timedelta(minutes=number)
            event = Event(f"u{number}", "heard", LOBBY, ADA, text, at, frozenset({ADA, NOVA}))
            await world.store.write(lambda connection, event=event: append(connection, event))  # type: ignore[misc]
        await Hippocampus(world.store, batcher, clock=lambda: (NOON + DAY).timestamp()).think()
        await world.indexed()
        right = {question: await world.texts(question, "ada", limit=3) for question, _ in ASKED}
        wrong = {question: await world.texts(question, "ada", limit=3) for question in NEVER_TOLD}
        assert sum(any(word in text for text in right[question]) for question, word in ASKED) >= 19
        assert sum(not found for found in wrong.values()) >= 16
    finally:
        await batcher.aclose()
