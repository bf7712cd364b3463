"""Hybrid recall while writes go on: the index, against SQLite's full text and a matrix product, fused the same way."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing, closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cognition.search.index import EVERYTHING, Filter, Hit, Item
from cognition.search.lance_index import LanceIndex
from cognition.search.minilm import MiniLm
from cognition.search.ranking import rank
from cognition.search.words import words
from perf.recall_world import SCOPES, World
from perf.report import Report, Result, run
from signaling.settings import load_settings
from signaling.weights_cache import WeightsCache

__all__ = ["measure"]

_SIZES = (1_000, 10_000, 100_000, 1_000_000)
_QUERIES = {1_000: 200, 10_000: 200, 100_000: 200, 1_000_000: 100}
_BASELINE_QUERIES = {1_000: 60, 10_000: 60, 100_000: 25, 1_000_000: 8}
_TARGETS_MS = {100_000: 20.0, 1_000_000: 60.0}
_RECALL_TARGET = 0.95
_LIMIT = 50
_WRITE_EVERY_S = 0.1
_WRITTEN = 8
_THIRD = np.arange(SCOPES) % 3 == 0


class _Baseline:
    """What one would write in an afternoon: FTS5 for the words, a float32 matrix for the vectors."""

    def __init__(self, path: Path, dimensions: int, most: int) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(
            "CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'porter unicode61')"
        )
        self._matrix = np.empty((most, dimensions), np.float32)
        self.count = 0

    def add(self, items: Sequence[Item], vectors: npt.NDArray[np.float32]) -> None:
        self._matrix[self.count : self.count + len(items)] = vectors
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT INTO words (rowid, text) VALUES (?, ?)",
                [(self.count + row, item.text) for row, item in enumerate(items)],
            )
        self.count += len(items)

    def similarities(self, vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        product: npt.NDArray[np.float32] = self._matrix[: self.count] @ vector
        return product

    def search(self, vector: npt.NDArray[np.float32], text: str) -> list[Hit]:
        similar = self.similarities(vector)
        near = np.argpartition(-similar, _LIMIT)[:_LIMIT]
        near = near[np.argsort(-similar[near])]
        asked = " OR ".join(f'"{word}"' for word in words(text))
        said = [
            row
            for (row,) in self._connection.execute(
                "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?", (asked, _LIMIT)
            )
        ]
        by_meaning = {int(row): place for place, row in enumerate(near)}
        by_words = {row: place for place, row in enumerate(said)}
        return [
            Hit(f"m{row}", by_meaning.get(row), by_words.get(row), 0.0, 0.0, float(row), "fact", 0.5, "")
            for row in by_meaning.keys() | by_words.keys()
        ]

    def close(self) -> None:
        self._connection.close()


async def _write_on(index: LanceIndex, world: World, first: int, done: asyncio.Event) -> int:
    """Puts a few items every now and then, and removes some, until told to end; returns how many were put."""
    put = 0
    for items, _ in world.items(first, 1_000_000, kind="new"):
        for start in range(0, len(items), _WRITTEN):
            try:
                async with asyncio.timeout(_WRITE_EVERY_S):
                    await done.wait()
                return put
            except TimeoutError:
                await index.put(items[start : start + _WRITTEN])
                await index.remove([items[start].id])
                put += _WRITTEN
    return put


async def _ours(
    index: LanceIndex, queries: Sequence[tuple[str, npt.NDArray[np.float32]]], where: Filter
) -> tuple[list[float], list[list[str]]]:
    """Milliseconds of each recall, and the ten nearest of each that were there before the writes began."""
    taken: list[float] = []
    nearest: list[list[str]] = []
    for text, vector in queries:
        start = time.perf_counter()
        hits = await index.search(vector, text, limit=_LIMIT, where=where)
        rank(hits, now=float(_SIZES[-1]))
        taken.append(1000 * (time.perf_counter() - start))
        ranked = sorted(
            (hit.vector_rank, hit.id) for hit in hits if hit.vector_rank is not None and hit.kind == "fact"
        )
        nearest.append([id for _, id in ranked[:10]])
        # As somebody who listens would: the writer and the upkeep have their turns.
        await asyncio.sleep(0.002)
    return taken, nearest


def _recall(nearest: Sequence[Sequence[str]], exact: Sequence[npt.NDArray[np.int64]]) -> float:
    found = sum(len(set(ids) & {f"m{row}" for row in rows}) for ids, rows in zip(nearest, exact, strict=True))
    return found / sum(len(rows) for rows in exact)


async def _measured(world: World, directory: Path) -> tuple[list[Result], list[str]]:
    results: list[Result] = []
    notes: list[str] = []
    baseline = _Baseline(directory / "baseline.db", 384, _SIZES[-1])
    opening = LanceIndex.open(str(directory / "index"), name="memories", model="recall", dimensions=384)
    async with aclosing(await opening) as index:
        with closing(baseline):
            scope: list[int] = []
            for size in _SIZES:
                start = time.perf_counter()
                for items, vectors in world.items(baseline.count, size - baseline.count):
                    await index.put(items)
                    baseline.add(items, vectors)
                    scope += [item.scope for item in items]
                filled = time.perf_counter() - start
                await index.upkept()
                kept = time.perf_counter() - start - filled
                rows, note = await _at(size, index, world, baseline, np.array(scope))
                results += rows
                notes.append(f"{note} Filled in {filled:.0f} s (both); upkeep took {kept:.0f} s more.")
    return results, notes


async def _at(
    size: int, index: LanceIndex, world: World, baseline: _Baseline, scope: npt.NDArray[np.int64]
) -> tuple[list[Result], str]:
    queries = world.queries[: _QUERIES[size]]
    exact, exact_third = [], []
    for _, vector in queries:
        similar = await asyncio.to_thread(baseline.similarities, vector)
        exact.append(np.argpartition(-similar, 10)[:10])
        similar[~_THIRD[scope]] = -np.inf
        exact_third.append(np.argpartition(-similar, 10)[:10])
    done = asyncio.Event()
    # Far behind all that is still to come, so that no number is there twice.
    writing = asyncio.create_task(_write_on(index, world, 10_000_000 + size, done))
    try:
        await _ours(index, queries[:5], EVERYTHING)
        taken, nearest = await _ours(index, queries, EVERYTHING)
        masked, nearest_masked = await _ours(index, queries, Filter(allowed=_THIRD))
        theirs: list[float] = []
        for text, vector in queries[: _BASELINE_QUERIES[size]]:
            start = time.perf_counter()
            rank(baseline.search(vector, text), now=float(size))
            theirs.append(1000 * (time.perf_counter() - start))
            await asyncio.sleep(0.002)
    finally:
        done.set()
        put = await writing
    results = [
        Result(
            f"hybrid recall, {size:,} memories, p{percent}",
            "ms",
            float(np.percentile(taken, percent)),
            float(np.percentile(theirs, percent)),
            _TARGETS_MS.get(size) if percent == 95 else None,
        )
        for percent in (50, 95, 99)
    ]
    results += [
        Result(
            f"… a third of the scopes allowed, {size:,} memories, p95", "ms", float(np.percentile(masked, 95))
        ),
        Result(
            f"recall@10 by meaning, {size:,} memories",
            "share",
            _recall(nearest, exact),
            target=_RECALL_TARGET,
            higher_is_better=True,
        ),
        Result(
            f"… a third of the scopes allowed, {size:,} memories, recall@10",
            "share",
            _recall(nearest_masked, exact_third),
            target=_RECALL_TARGET,
            higher_is_better=True,
        ),
    ]
    how = "the nearest clusters" if index.approximate else "each row"
    return results, f"{size:,}: looks at {how}; {put} items were written meanwhile."


def measure() -> Report:
    """Grows one index from a thousand memories to a million, and asks it at each size."""
    settings = load_settings()
    folder = WeightsCache(settings.weights_dir).resolve("embeddings", settings.weights.given())
    model = MiniLm(folder / "model.onnx", folder / "tokenizer.json", threads=2)
    world = World(model, settings.cache_dir.expanduser() / "recall")
    with tempfile.TemporaryDirectory(prefix="continuum-recall-") as name:
        results, notes = asyncio.run(_measured(world, Path(name)))
    return Report(
        "recall",
        results,
        (
            "From a query's words and vector to the ranked memories; embedding the query is `perf.embed`'s. Ours while",
            f"{_WRITTEN} items are written every {1000 * _WRITE_EVERY_S:.0f} ms, durably. Baseline: FTS5, and numpy",
            "over a float32 matrix, without writes to them.",
            "Recall@10 is against the matrix. Of memories: sentences by seed, see perf/recall_world.py.",
            *notes,
        ),
    )


if __name__ == "__main__":
    run(measure)
