"""Who knows about something, by what the words mean."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import cognition.persona
from cognition.conversation.meaning import REMEMBERED, MeaningAffinity
from cognition.events import Heard
from cognition.inference.generator import FakeGenerator
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona, PersonaVoice, load_persona
from cognition.search.batcher import Batcher
from cognition.search.embedder import FakeEmbedder
from cognition.search.minilm import MiniLm
from tests.weights_fixture import WeightsOf, weights

__all__ = ["weights"]

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOVA = Persona("nova", "Nova", PersonaVoice(), "You are keen.", ("stars",))
FELIX = Persona("felix", "Felix", PersonaVoice(), "You are warm.", ("cooking", "question"))
PLAIN = Persona("plain", "Plain", PersonaVoice(), "You know nothing.", ())


async def test_what_was_not_read_counts_by_its_words() -> None:
    embedder = FakeEmbedder()
    affinity = MeaningAffinity([NOVA, FELIX, PLAIN], embedder, Counter())
    assert affinity.scores("Are there stars?") == {"nova": 0.5}
    assert not embedder.asked, "to score waits for nothing"


async def test_meaning_adds_to_words_and_expertise_is_read_once() -> None:
    embedder = FakeEmbedder()
    affinity = MeaningAffinity([NOVA, FELIX, PLAIN], embedder, Counter())
    await affinity.read("a question about stars")
    await affinity.read("a question about cooking")
    assert affinity.scores("A question about stars?")["nova"] > 0.6
    assert "plain" not in affinity.scores("A question about stars?")
    assert [len(texts) for texts in embedder.asked] == [3, 1, 1]


async def test_most_of_a_text_is_enough_and_less_is_not() -> None:
    affinity = MeaningAffinity([NOVA, FELIX], FakeEmbedder(), Counter())
    await affinity.read("a question about stars")
    whole = affinity.scores("a question about stars")
    assert affinity.scores("A question about stars, my dear.") == whole
    assert affinity.scores("A question about stars and much else that came after it.") == {
        "nova": 0.5,
        "felix": 0.5,
    }
    assert affinity.scores("The question about stars") == {"nova": 0.5, "felix": 0.5}


async def test_without_the_model_words_alone_count_and_it_is_counted() -> None:
    embedder = FakeEmbedder()
    embedder.error = "not there yet"
    counts: Counter[str] = Counter()
    affinity = MeaningAffinity([NOVA], embedder, counts)
    await affinity.read("a question about stars")
    assert affinity.scores("a question about stars") == {"nova": 0.5}
    assert counts == {"expertise: by words alone": 1}
    embedder.error = None
    await affinity.read("a question about stars")
    assert affinity.scores("a question about stars")["nova"] > 0.6


async def test_only_so_many_texts_are_kept() -> None:
    embedder = FakeEmbedder()
    affinity = MeaningAffinity([NOVA], embedder, Counter())
    for number in range(REMEMBERED + 1):
        await affinity.read(f"a question about stars {number}")
    asked = len(embedder.asked)
    await affinity.read(f"a question about stars {REMEMBERED}")
    assert len(embedder.asked) == asked
    await affinity.read("a question about stars 0")
    assert len(embedder.asked) == asked + 1


class _Cook(FakeEmbedder):
    """Takes a recipe for a question of cooking."""

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return await super().embed(["cooking" if "recipe" in text else text for text in texts])


async def test_a_mind_asks_who_knows_by_meaning_once_it_has_overheard_the_words() -> None:
    mind = Mind([NOVA, FELIX], FakeGenerator(["Fine."]), embedder=_Cook())
    for id, name, kind in (
        ("ada", "Ada", "person"),
        ("nova", "Nova", "persona"),
        ("felix", "Felix", "persona"),
    ):
        mind.enter("study", id, name, "person" if kind == "person" else "persona")
    text = "Can anybody recommend a recipe for soup?"
    heard = Heard("study", "ada", "Ada", text, START, "t1")
    assert mind.consider(heard).persona == "nova"
    await mind.overhear(text.rstrip("?"))
    assert mind.consider(heard).persona == "felix"
    mind.admit(NOVA)
    assert mind.consider(heard).persona == "nova", "another cast is known anew"
    await mind.overhear(text)
    assert mind.consider(heard).persona == "felix"


def _cast() -> list[Persona]:
    places = Path(cognition.persona.__file__).parent
    return [
        load_persona(path)
        for path in (*sorted((places / "cast").glob("*.toml")), places / "profiles/felix.toml")
    ]


EVERYDAY = (
    ("Can anybody recommend a recipe for soup?", "basil"),
    ("My tomatoes keep dying, what am I doing wrong?", "basil"),
    ("How long does bread have to stay in the oven?", "basil"),
    ("When should I water my roses?", "basil"),
    ("My puppy chews on everything, what can I do?", "hugo"),
    ("Will it rain tomorrow?", "hugo"),
    ("Why do kittens purr?", "hugo"),
    ("I had an argument with my mother and feel terrible.", "ines"),
    ("I lie awake every night, any advice?", "ines"),
    ("How do I tell my best friend that she hurt me?", "ines"),
    ("Our deadline is next week and we are late.", "juno"),
    ("How can I save more of my salary?", "juno"),
    ("Who can help me write an agenda for the meeting?", "juno"),
    ("Which chords do I need for that song?", "kai"),
    ("Does anyone know a good band to see live?", "kai"),
    ("How do I learn to waltz?", "kai"),
    ("What is the best way to get from Paris to Rome?", "mira"),
    ("Where should we go on holiday this summer?", "mira"),
    ("How do you say thank you in Japanese?", "mira"),
    ("How far away is the moon?", "nova"),
    ("Why is the sky blue?", "nova"),
    ("What happens inside a black hole?", "nova"),
    ("Who knows which galaxies are closest?", "nova"),
    ("My laptop will not start any more.", "otto"),
    ("What does this error in my Python code mean?", "otto"),
    ("The engine makes a strange noise when I brake.", "otto"),
    ("What is a good opening with the white pieces?", "pia"),
    ("What is the square root of two hundred and fifty six?", "pia"),
    ("I am stuck on this crossword.", "pia"),
    ("Which novel should I read next?", "robin"),
    ("When did the Roman empire fall?", "robin"),
    ("Who wrote that sonnet about autumn?", "robin"),
    ("What camera lens should I buy for portraits?", "selma"),
    ("Who directed that movie we saw last week?", "selma"),
    ("Which colours go well together on a canvas?", "selma"),
    ("Is it ever right to tell a lie?", "theo"),
    ("Do we have free will?", "theo"),
    ("Can my landlord throw me out without notice?", "theo"),
    ("How should I train for a marathon?", "wanda"),
    ("My knee hurts after jogging.", "wanda"),
    ("Which bike is best for going uphill?", "wanda"),
    ("How many lengths of the pool are a kilometre?", "wanda"),
)
ABOUT_NOTHING = (
    "What do you think about it?",
    "Does anybody want to say something?",
    "Could you say that again?",
    "Anyone?",
    "Can somebody help me, please?",
    "What happened?",
    "Who knows the answer?",
    "Really, are you sure?",
    "Does anybody agree?",
    "Can someone explain that?",
)
ALSO_FELIX = {"basil", "kai", "ines", "mira"}
"""Felix knows about something of theirs."""


@pytest.mark.models
async def test_everyday_questions_find_who_knows_about_them(weights: WeightsOf, tmp_path: Path) -> None:
    directory = weights("embeddings")
    model = MiniLm(directory / "model.onnx", directory / "tokenizer.json", threads=2)
    embedder = await Batcher.open(model, tmp_path / "vectors.db")
    try:
        affinity = MeaningAffinity(_cast(), embedder, Counter())
        by_words = right = 0
        for text, who in EVERYDAY:
            for read in (False, True):
                if read:
                    await affinity.read(text)
                scores = affinity.scores(text)
                best = max(scores, key=scores.__getitem__, default="")
                hit = best == who or (best == "felix" and who in ALSO_FELIX)
                right += hit and read
                by_words += hit and not read
        for text in ABOUT_NOTHING:
            await affinity.read(text)
        sure = [max(affinity.scores(text).values(), default=0.0) for text in ABOUT_NOTHING]
    finally:
        await embedder.aclose()
    assert len(EVERYDAY) == 42
    assert right >= 28, "31 were seen"
    assert right > 2 * by_words
    assert max(sure) < 0.4, "0.28 was seen"
    assert sum(score > 0.15 for score in sure) <= 4, "2 were seen"
