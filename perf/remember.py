"""How well a long life is remembered: evidence among the first 5 and 10 turns, beside plain search over raw turns.

Ours goes the way of the product: the timeline, the Hippocampus, the index, recall. What comes back is unfolded into the
turns it was made of, in order, and the first k different turns count; of a whole talk that is the turn which it quotes.
The baselines rank the same turns, of all that the asker heard, by vectors of the same model, and by BM25.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from cognition.memory.hippocampus import Hippocampus
from cognition.memory.indexing import Indexing
from cognition.memory.recall import Recalled
from cognition.memory.recollecting import HybridRecall
from cognition.search.batcher import Batcher
from cognition.search.embedder import Embedder
from cognition.search.index import Index
from cognition.search.lance_index import LanceIndex
from cognition.search.minilm import MiniLm
from cognition.store.store import Storage, open_store
from cognition.store.timeline import Event, EventKind, Participant, Place, append
from perf.remember_baselines import Bm25, Vectors
from perf.remember_formats import FormatError, read_locomo, read_longmemeval
from perf.remember_history import History, Query, Session, Turn
from perf.remember_life import life
from perf.report import Report, Result
from signaling.settings import load_settings
from signaling.weights_cache import WeightsCache

__all__ = [
    "Asked",
    "asked_of",
    "event_of",
    "main",
    "measure",
    "recall_at",
    "report_of",
    "turned_away",
    "unfolded",
]

CUTS = (5, 10)
LIMIT = 30
"""Memories that are asked for; several may be of one turn."""
TARGET = 0.95
ANSWERED = 0.95
"""Share of the questions with an answer that has to be answered where those without one are turned away."""
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what came back: by ours, by vectors, by words.

    Attributes:
        query: the question.
        found: ids of turns, best first, of each.
        sure: how sure each was of its best.
        seconds: ours took.
    """

    query: Query
    found: tuple[list[str], list[str], list[str]]
    sure: tuple[float, float, float]
    seconds: float


def shown_by(recalled: Recalled, turn_of: Mapping[int, Turn]) -> list[str]:
    """Ids of the turns that a memory shows.

    Of a whole talk that is the one it quotes, for it says nothing of the others; of words said several times
    the last.
    """
    turns = [turn_of[seq] for seq in recalled.source.seqs]
    if recalled.kind == "turn":
        return [turns[-1].id]
    if recalled.kind != "episode":
        return [turn.id for turn in turns]
    quoted = recalled.quote.removesuffix(" …")
    return [turn.id for turn in turns if quoted and turn.text.startswith(quoted)][:1]


def unfolded(found: Iterable[Sequence[str]], most: int) -> list[str]:
    """The first different turns of which memories were made.

    Args:
        found: for each memory, best first, ids of its turns.
        most: how many turns.
    """
    turns: dict[str, None] = {}
    for sources in found:
        for id in sources:
            turns.setdefault(id)
            if len(turns) >= most:
                return list(turns)
    return list(turns)


def recall_at(found: Sequence[str], evidence: frozenset[str], cut: int) -> float:
    """Share of the evidence among the first turns; a question with more evidence than places can still have it all."""
    return len(evidence & set(found[:cut])) / min(len(evidence), cut)


def event_of(turn: Turn, session: Session, history: History) -> Event:
    """A turn as the timeline keeps it."""
    people = {
        id: Participant(id, "persona" if id == history.persona else "person", history.names[id])
        for id in session.present
    }
    kind: EventKind = "said" if turn.speaker == history.persona else "heard"
    there = frozenset(people.values())
    return Event(turn.id, kind, Place(session.room), people[turn.speaker], turn.text, turn.at, there, turn.to)


async def asked_of(history: History, store: Storage, embedder: Embedder, index: Index) -> list[Asked]:
    """Lives a history, thinks about it, and asks its questions.

    Args:
        history: what happens and what is asked.
        store: an empty one.
        embedder: shared by ours and the baseline.
        index: an empty one.
    """
    turn_of: dict[int, Turn] = {}
    for session in history.sessions:
        events = [event_of(turn, session, history) for turn in session.turns]
        seqs = await store.write(partial(_append, events=events))
        turn_of |= {seq: turn for turn, seq in zip(session.turns, seqs, strict=True) if seq is not None}
    end = max(query.at for query in history.queries)
    hippocampus = Hippocampus(store, embedder, clock=(end + timedelta(hours=1)).timestamp)
    await hippocampus.think()
    await Indexing(store, embedder, index).catch_up()
    # The baselines have no threshold either; how sure each is of its best is a figure of its own.
    recall = HybridRecall(store, embedder, index, least=0.0)
    baselines = {
        asker: await _Raw.of(history, asker, embedder)
        for asker in {query.listeners[0] for query in history.queries}
    }
    asked = []
    for query in history.queries:
        begun = time.perf_counter()
        found = await recall.recall(
            history.persona, frozenset(query.listeners), query.text, now=query.at, limit=LIMIT
        )
        seconds = time.perf_counter() - begun
        ours = unfolded((shown_by(one, turn_of) for one in found), max(CUTS))
        by_meaning, by_words = await baselines[query.listeners[0]].search(query.text)
        sure = found[0].score if found else 0.0
        asked.append(
            Asked(query, (ours, by_meaning[0], by_words[0]), (sure, by_meaning[1], by_words[1]), seconds)
        )
    await recall.settled()
    return asked


def _append(connection: sqlite3.Connection, events: Sequence[Event]) -> list[int | None]:
    return [append(connection, event) for event in events]


class _Raw:
    """The baselines: all that somebody heard, turn by turn, as it was said."""

    def __init__(self, turns: Sequence[Turn], vectors: npt.NDArray[np.float32], embedder: Embedder) -> None:
        self._ids = [turn.id for turn in turns]
        self._words = Bm25([turn.text for turn in turns])
        self._vectors = Vectors(vectors)
        self._embedder = embedder

    @classmethod
    async def of(cls, history: History, asker: str, embedder: Embedder) -> Self:
        turns = [
            turn
            for session in history.sessions
            for turn in session.turns
            if asker in (session.present if turn.to is None else turn.to)
        ]
        texts = [turn.text for turn in turns]
        parts = [
            await embedder.embed(texts[start : start + _AT_ONCE]) for start in range(0, len(texts), _AT_ONCE)
        ]
        return cls(turns, np.concatenate(parts), embedder)

    async def search(self, text: str) -> tuple[tuple[list[str], float], tuple[list[str], float]]:
        """By vectors and by words: the ids of the best turns, and the score of the first."""
        (vector,) = await self._embedder.embed([text])
        return self._best(self._vectors.scores(vector)), self._best(self._words.scores(text))

    def _best(self, scores: npt.NDArray[np.float32]) -> tuple[list[str], float]:
        order = np.argsort(-scores, kind="stable")[: max(CUTS)]
        return [self._ids[row] for row in order], float(scores[order[0]])


def turned_away(asked: Sequence[Asked], way: int) -> float:
    """Share of the questions without an answer that are known to have none.

    A way of remembering is as sure of an answer as of the best thing it found. The threshold is its own: so high that
    it lets through `ANSWERED` of the questions that have an answer.
    """
    answerable = [one.sure[way] for one in asked if one.query.evidence]
    without = [one.sure[way] for one in asked if one.query.kind == "abstention"]
    threshold = float(np.quantile(answerable, 1 - ANSWERED, method="lower"))
    return float(np.mean([sure < threshold for sure in without]))


def report_of(name: str, asked: Sequence[Asked], notes: Sequence[str] = ()) -> Report:
    """The figures of some questions; each beside both baselines, the better one of which ours is held against."""
    kinds: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        if one.query.evidence:
            kinds[one.query.kind].append(one)
    kinds["all kinds"] = [one for one in asked if one.query.evidence]
    results, beside = [], []
    for kind, group in kinds.items():
        for cut in CUTS:
            ours, by_meaning, by_words = (
                float(np.mean([recall_at(one.found[way], one.query.evidence, cut) for one in group]))
                for way in range(3)
            )
            best = max(by_meaning, by_words)
            target = max(best, TARGET) if cut == max(CUTS) else best
            results.append(Result(f"{kind} ({len(group)}): recall@{cut}", "", ours, best, target, True))
            beside.append(f"{kind} @{cut}: vectors {by_meaning:.3f}, BM25 {by_words:.3f}")
    if any(one.query.kind == "abstention" for one in asked):
        ours, by_meaning, by_words = (turned_away(asked, way) for way in range(3))
        count = sum(one.query.kind == "abstention" for one in asked)
        metric = f"abstention ({count}): known to have no answer, at {ANSWERED:.0%} of the others answered"
        best = max(by_meaning, by_words)
        results.append(Result(metric, "", ours, best, best, True))
        beside.append(f"abstention: vectors {by_meaning:.3f}, BM25 {by_words:.3f}")
    withheld = [one for one in asked if one.query.withheld]
    if withheld:
        shares = [
            float(np.mean([bool(one.query.withheld & set(one.found[way])) for one in withheld]))
            for way in range(3)
        ]
        metric = f"in confidence ({len(withheld)}): told before who may not know"
        results.append(Result(metric, "", shares[0], max(shares[1:]), 0.0))
    times = 1000 * np.array([one.seconds for one in asked])
    results.append(Result("recall, p50", "ms", float(np.median(times))))
    results.append(Result("recall, p95", "ms", float(np.quantile(times, 0.95))))
    return Report(name, results, [*notes, *beside])


async def _measured(histories: Iterable[History], limit: int | None) -> tuple[list[Asked], int]:
    """Each history has a store and an index of its own; one model serves all of them."""
    settings = load_settings()
    folder = WeightsCache(settings.weights_dir).resolve("embeddings", settings.weights.given())
    asked: list[Asked] = []
    turns = 0
    embedder = await Batcher.open(MiniLm(folder / "model.onnx", folder / "tokenizer.json", threads=2))
    try:
        for history in islice(histories, limit):
            if not history.queries:
                continue
            turns += sum(len(session.turns) for session in history.sessions)
            with tempfile.TemporaryDirectory() as directory:
                async with open_store(Path(directory) / "life.db") as store:
                    index = await LanceIndex.open(
                        f"{directory}/index",
                        name="memories",
                        model=embedder.name,
                        dimensions=embedder.dimensions,
                    )
                    try:
                        asked += await asked_of(history, store, embedder, index)
                    finally:
                        await index.aclose()
    finally:
        await embedder.aclose()
    return asked, turns


def measure(longmemeval: Path | None = None, locomo: Path | None = None, limit: int | None = None) -> Report:
    """Measures one history after the other.

    Args:
        longmemeval: a file of that format instead of the generated life.
        locomo: likewise.
        limit: how many histories of it at most.

    Raises:
        FormatError: the file is not in its format.
        OSError: it cannot be read.
    """
    histories: Iterable[History]
    if longmemeval is not None:
        name, histories = f"remember: LongMemEval ({longmemeval.name})", read_longmemeval(longmemeval)
    elif locomo is not None:
        name, histories = f"remember: LoCoMo ({locomo.name})", read_locomo(locomo)
    else:
        name, histories = "remember", [life()]
    asked, turns = asyncio.run(_measured(histories, limit))
    if not asked:
        raise FormatError("there are no questions in it")
    notes = [
        f"{len(asked)} questions over {turns} turns. Baselines rank the raw turns the"
        " asker heard; the better one is shown.",
        "Recall is the share of a question's evidence among the first turns; all of it, where it fills them.",
    ]
    return report_of(name, asked, notes)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m perf.remember", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--longmemeval", type=Path, metavar="FILE", help="ask the questions of this file instead"
    )
    which.add_argument("--locomo", type=Path, metavar="FILE", help="ask the questions of this file instead")
    parser.add_argument("--limit", type=int, help="so many histories of the file at most")
    given = parser.parse_args()
    try:
        report = measure(given.longmemeval, given.locomo, given.limit)
    except (FormatError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if given.json:
        print(report.to_json())
    else:
        report.print_table()
    return 0


if __name__ == "__main__":
    sys.exit(main())
