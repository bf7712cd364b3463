"""Composition of context from seven sources over 100,000 memories, all at once, against one source after the other."""

import asyncio
import itertools
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from cognition.conversation.disposition import Disposition
from cognition.inference.llama import LlamaGenerator
from cognition.memory.recollecting import HybridRecall
from cognition.rag.composition import Offer, compose_text
from cognition.rag.documents.extractor import ChildExtractor
from cognition.rag.documents.library import Folder, Library
from cognition.rag.documents.watcher import FileWatcher
from cognition.rag.engine import ContextEngine, Feed
from cognition.rag.source import FakeSource, Piece, Request
from cognition.rag.sources.awareness import AwarenessSource
from cognition.rag.sources.conversation import ConversationSource
from cognition.rag.sources.documents import DocumentsSource
from cognition.rag.sources.identity import IdentitySource
from cognition.rag.sources.memory import MemorySource
from cognition.rag.sources.presence import PresenceSource
from cognition.rag.sources.vision import View, VisionSource
from cognition.search.batcher import Batcher
from cognition.search.index import Index, Item
from cognition.search.lance_index import LanceIndex
from cognition.search.minilm import MiniLm
from cognition.store.memories import Memory, put, scope_of
from cognition.store.store import Store
from cognition.store.timeline import Event, Participant, Place, append
from perf.report import Report, Result, run
from signaling.mind_process import SWITCH_INTERVAL
from signaling.settings import load_settings
from signaling.weights_cache import WeightsCache

__all__ = ["measure"]

MEMORIES = 100_000
ROUNDS = 80
"""Compositions of each kind."""
WARM = 20
HANGING = 40
TOGETHER = 10
BUDGET = 300
"""Tokens."""
DEADLINE = 0.25
TIGHT = 0.05
"""Seconds, where one source hangs."""
TARGET_MS = 50.0
AT_ONCE = 14
"""Personas that compose for the same words: the cast of a room."""

_SEED = 5
_BATCH = 1000
_NOW = datetime(2026, 6, 3, 15, tzinfo=UTC)
_ROOMS = tuple(Place(f"room-{n}") for n in range(12))
_PERSONAS = tuple(Participant(f"persona-{n}", "persona", f"Persona {n}") for n in range(AT_ONCE))
_PEOPLE = tuple(
    Participant(f"seat-{n}", "person", name, f"person-{n}")
    for n, name in enumerate(
        "Ada Bob Cleo Dan Eva Finn Gia Hugo Ida Jan Kira Leo Mia Nils Olga Pia Quin Rosa Sven Tara Udo Vera Wim Xenia"
        " Yves Zoe Arno Bea Carl Dora".split()
    )
)
_TOPICS = (
    "harbour train garden violin exam bakery lighthouse bicycle museum invoice dentist orchard telescope marathon"
    " kitchen aquarium passport piano glacier library tent sourdough roof visa puppy ferry chess allotment choir bridge"
).split()
_SAYINGS = (
    "I will go to the {topic} with my sister on Saturday.",
    "The {topic} was closed again, and nobody told us why.",
    "My new job has to do with a {topic} in the north.",
    "I have always been a little afraid of the {topic}.",
    "Somebody should repair the {topic} before the winter.",
    "We talked for an hour about what a {topic} costs now.",
)
_QUESTIONS = (
    "What did {name} tell us about the {topic}, number {number}?",
    "Do you remember who was afraid of the {topic}? I counted {number} of them.",
    "And how was it with the {topic} last month, at house number {number}?",
    "I might take {number} friends to the {topic}, what do you think?",
)


@dataclass(frozen=True, slots=True)
class _House:
    """Everything that is composed from."""

    feeds: tuple[Feed, ...]
    count: Callable[[str], int]
    passages: int


class _Sight:
    async def views(self, room: str) -> Sequence[View]:
        known = frozenset(person.identity for person in _PEOPLE)
        return (View("slide", "A drawing of a lighthouse with a red roof.", "Ada", _NOW, known),)


def _sentences() -> list[str]:
    return [saying.format(topic=topic) for topic in _TOPICS for saying in _SAYINGS]


def _questions(number: int) -> list[str]:
    """So many different ones, the same in each run."""
    chosen = random.Random(_SEED)
    return [
        chosen.choice(_QUESTIONS).format(
            name=chosen.choice(_PEOPLE).name, topic=chosen.choice(_TOPICS), number=each
        )
        for each in range(number)
    ]


def _lived(connection: sqlite3.Connection) -> list[tuple[int, int, str]]:
    """A timeline of twelve rooms over the last month; (seq, scope, identity) of each thing said."""
    chosen = random.Random(_SEED)
    kept: list[tuple[int, int, str]] = []
    for number in range(3000):
        room = number % len(_ROOMS)
        # Some people are in nearly every room, most in few.
        present = [*_PEOPLE[:3], *_PEOPLE[3 + 2 * room : 6 + 2 * room]]
        who = chosen.choice(present)
        event = Event(
            f"e{number}",
            "heard",
            _ROOMS[room],
            who,
            chosen.choice(_sentences()),
            _NOW - timedelta(minutes=14 * (3000 - number)),
            frozenset((*present, *_PERSONAS)),
        )
        seq = append(connection, event)
        assert seq is not None
        kept.append((seq, scope_of(connection, seq), who.identity))
    return kept


def _memories(lived: Sequence[tuple[int, int, str]]) -> list[tuple[int, Memory]]:
    """Memories with the number of the sentence each is like."""
    chosen = random.Random(_SEED)
    sentences = _sentences()
    names = {person.identity: person.name for person in _PEOPLE}
    made = []
    for number in range(MEMORIES):
        seq, scope, who = chosen.choice(lived)
        base = chosen.randrange(len(sentences))
        fact = number % 3 == 0
        text = f"{names[who]} said in week {number % 997}: {sentences[base]}"
        made.append(
            (
                base,
                Memory(
                    f"m{number}",
                    scope,
                    "fact" if fact else "turn",
                    text,
                    _NOW - timedelta(minutes=5 * number),
                    subject=who,
                    subject_name=names[who],
                    teller=who,
                    attribute=f"about {sentences[base].split()[-1]} {number % 211}" if fact else "",
                    value=str(number),
                    fact=f"f{number}" if fact else "",
                    sources=(seq,),
                    importance=chosen.random(),
                ),
            )
        )
    return made


def _put_all(connection: sqlite3.Connection, memories: Sequence[Memory]) -> None:
    for memory in memories:
        put(connection, memory)


async def _filled(store: Store, index: Index, embedder: Batcher) -> None:
    lived = await store.write(_lived)
    memories = _memories(lived)
    base = await embedder.embed(_sentences())
    noise = np.random.default_rng(_SEED)
    for first in range(0, len(memories), _BATCH):
        part = memories[first : first + _BATCH]
        await store.write(partial(_put_all, memories=[memory for _, memory in part]))
        vectors = base[[number for number, _ in part]] + noise.normal(
            0, 0.6 / np.sqrt(base.shape[1]), (len(part), base.shape[1])
        ).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        await index.put(
            [
                Item(
                    memory.id,
                    memory.text,
                    vector,
                    memory.scope,
                    memory.at.timestamp(),
                    memory.kind,
                    memory.importance,
                    memory.subject,
                )
                for (_, memory), vector in zip(part, vectors, strict=True)
            ]
        )


@asynccontextmanager
async def _index(directory: Path, name: str, embedder: Batcher) -> AsyncIterator[LanceIndex]:
    index = await LanceIndex.open(
        str(directory), name=name, model=embedder.name, dimensions=embedder.dimensions
    )
    try:
        yield index
    finally:
        await index.aclose()


def _write_documents(folder: Path) -> None:
    folder.mkdir()
    for topic in _TOPICS:
        paragraphs = [
            f"## Part {n}\n" + " ".join(saying.format(topic=topic) for saying in _SAYINGS) for n in range(2)
        ]
        (folder / f"{topic}.md").write_text(f"# The {topic}\n" + "\n\n".join(paragraphs))


@asynccontextmanager
async def _house(directory: Path) -> AsyncIterator[_House]:
    settings = load_settings()
    weights, given = WeightsCache(settings.weights_dir), settings.weights.given()
    model = weights.resolve("embeddings", given)
    generator = LlamaGenerator(weights.resolve("language-model", given), context=512, conversations=1)
    embedder = await Batcher.open(MiniLm(model / "model.onnx", model / "tokenizer.json", threads=2))
    store = await Store.open(directory / "continuum.db")
    async with (
        _index(directory / "index", "memories", embedder) as index,
        _index(directory / "index", "documents", embedder) as shelf,
    ):
        await _filled(store, index, embedder)
        _write_documents(directory / "documents")
        library = Library(store, embedder, shelf, ChildExtractor(), FileWatcher())
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(library.run())
            library.give([Folder(directory / "documents")])
            await library.settled()
            passages = await store.read(lambda c: c.execute("SELECT count(*) FROM passage").fetchone()[0])
            recall = HybridRecall(store, embedder, index)
            yield _House(
                (
                    Feed(PresenceSource(), DEADLINE, priority=2, floor=16),
                    Feed(IdentitySource(recall, lambda _: Disposition()), DEADLINE, priority=3),
                    Feed(AwarenessSource(store), DEADLINE),
                    Feed(MemorySource(recall), DEADLINE, priority=3),
                    Feed(ConversationSource(store), DEADLINE, priority=2),
                    Feed(DocumentsSource(library), DEADLINE, priority=2),
                    Feed(VisionSource(_Sight()), DEADLINE),
                ),
                generator.count,
                passages,
            )
            reading.cancel()
            await recall.settled()
    await store.aclose()
    await embedder.aclose()
    await generator.aclose()


def _request(words: str, persona: int = 0) -> Request:
    return Request(
        _ROOMS[0],
        _PERSONAS[persona],
        (*_PEOPLE[:3], *(each for each in _PERSONAS if each != _PERSONAS[persona])),
        _NOW,
        words,
        _PEOPLE[0].identity,
        _NOW - timedelta(hours=1),
    )


async def _one_by_one(feeds: Sequence[Feed], count: Callable[[str], int], request: Request) -> None:
    """The baseline: the same sources, deadlines and composition, each source loaded after the one before."""
    offers = []
    for feed in feeds:
        pieces: Sequence[Piece] = ()
        with suppress(TimeoutError):
            async with asyncio.timeout(feed.seconds):
                pieces = await feed.source.load(request)
        offers.append(Offer(feed.source.name, pieces, feed.priority, feed.floor))
    compose_text(offers, BUDGET, count)


async def _all_at_once(engine: ContextEngine, words: str) -> None:
    async with asyncio.TaskGroup() as group:
        for persona in range(AT_ONCE):
            group.create_task(engine.compose(_request(words, persona), budget=BUDGET, deadline=2.0))


async def _in_turn(engine: ContextEngine, words: str) -> None:
    for persona in range(AT_ONCE):
        await engine.compose(_request(words, persona), budget=BUDGET, deadline=2.0)


async def _ms(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return 1000 * (time.perf_counter() - began)


async def _measured(directory: Path) -> tuple[list[Result], list[str]]:
    async with _house(directory) as house:
        engine = ContextEngine(house.feeds, house.count)
        questions = iter(_questions(2 * ROUNDS + WARM + TOGETHER))
        late = used = 0

        async def ours(words: str) -> None:
            nonlocal late, used
            context = await engine.compose(_request(words), budget=BUDGET, deadline=DEADLINE)
            late += sum(load.state != "loaded" for load in context.account.loads)
            used += len(context.account.used)
            assert sum(context.account.tokens.values()) <= BUDGET

        async def theirs(words: str) -> None:
            await _one_by_one(house.feeds, house.count, _request(words))

        for words in itertools.islice(questions, WARM):
            await ours(words)
            await theirs(words)
        late = used = 0
        fresh: list[str] = []
        new: tuple[list[float], list[float]] = [], []
        for number in range(ROUNDS):
            # Both ways take turns, and in turns begin; no question was embedded before.
            for which in (0, 1) if number % 2 else (1, 0):
                words = next(questions)
                fresh.append(words)
                new[which].append(await _ms(partial((ours, theirs)[which], words)))
        known: tuple[list[float], list[float]] = [], []
        for number, words in enumerate(fresh[:ROUNDS]):
            for which in (0, 1) if number % 2 else (1, 0):
                known[which].append(await _ms(partial((ours, theirs)[which], words)))
        hanging, sequential, past = await _with_one_hanging(house, fresh[:HANGING])
        together: list[float] = []
        apart: list[float] = []
        for words in itertools.islice(questions, TOGETHER):
            together.append(await _ms(partial(_all_at_once, engine, words)))
            apart.append(await _ms(partial(_in_turn, engine, words)))

    def percentile(values: Sequence[float], percent: float) -> float:
        return float(np.percentile(values, percent))

    results = [
        Result(
            f"composition, {what}, p{percent}",
            "ms",
            percentile(mine, percent),
            percentile(other, percent),
            TARGET_MS if percent == 95 else None,
        )
        for what, (mine, other) in (("words never embedded", new), ("words embedded before", known))
        for percent in (50, 95)
    ]
    results += [
        Result(
            "one source hanging, 50 ms deadline, p95",
            "ms",
            percentile(hanging, 95),
            percentile(sequential, 95),
            TARGET_MS,
        ),
        Result("one source hanging, 50 ms deadline, longest", "ms", max(hanging), max(sequential)),
        Result(f"{AT_ONCE} personas at once, p50", "ms", percentile(together, 50), percentile(apart, 50)),
    ]
    notes = [
        f"{MEMORIES} memories of {len(_PEOPLE)} people in {len(_ROOMS)} rooms, {house.passages} passages of documents;",
        f"{BUDGET} tokens by the language model's tokenizer; embedded by MiniLM;",
        f"{used / (2 * ROUNDS):.1f} pieces went in; {late} of {14 * ROUNDS} loads were later than {DEADLINE} s.",
        f"With one hanging {past} of {len(hanging)} compositions ended past their deadline, by the clock of who waits.",
        "Baseline: the same sources one after the other, the hanging one given up at the same deadline; for many",
        "personas at once, one persona after the other.",
    ]
    return results, notes


async def _with_one_hanging(house: _House, words: Sequence[str]) -> tuple[list[float], list[float], int]:
    hanging = Feed(FakeSource("hanging", seconds=3600.0), seconds=3600.0)
    engine = ContextEngine((hanging, *house.feeds), house.count)
    slow = (replace(hanging, seconds=TIGHT), *house.feeds)
    mine: list[float] = []
    other: list[float] = []
    for each in words:
        mine.append(await _ms(partial(engine.compose, _request(each), budget=BUDGET, deadline=TIGHT)))
        other.append(await _ms(partial(_one_by_one, slow, house.count, _request(each))))
    return mine, other, sum(each > 1000 * TIGHT for each in mine)


def measure() -> Report:
    """Composes contexts as they are composed while somebody speaks, and times them."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    with tempfile.TemporaryDirectory(prefix="continuum-context-") as name:
        results, notes = asyncio.run(_measured(Path(name)))
    return Report("context", results, notes)


if __name__ == "__main__":
    run(measure)
