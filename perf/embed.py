"""Vectors of short texts: shared runs and remembered vectors, against one call of the model a text."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import numpy as np

from cognition.search.batcher import Batcher
from cognition.search.minilm import MiniLm
from perf.report import Report, Result, run
from perf.sentences import sentences
from signaling.settings import load_settings
from signaling.weights_cache import WeightsCache

__all__ = ["measure"]

_SIZES = (1, 16, 64)
_ROUNDS = {1: 60, 16: 20, 64: 8}
_PERSONAS = 14
_THREADS = 2
_TARGET_MS = 50.0


class _Taken:
    """Milliseconds of each round, ours and one call a text, in turns."""

    def __init__(self, name: str, target: float | None = None) -> None:
        self._name = name
        self._target = target
        self.ours: list[float] = []
        self.theirs: list[float] = []

    def results(self) -> list[Result]:
        rows = []
        for percent in (50, 95):
            ours, theirs = (float(np.percentile(taken, percent)) for taken in (self.ours, self.theirs))
            target = self._target if percent == 50 else None
            rows.append(Result(f"{self._name}, p{percent}", "ms", ours, theirs, target))
        return rows


async def _measured(model: MiniLm, directory: Path) -> list[Result]:
    texts = iter(sentences(20_000, seed=3))
    loop = asyncio.get_running_loop()
    results: list[Result] = []
    with ThreadPoolExecutor(1) as thread:

        async def one_by_one(some: Sequence[str]) -> float:
            start = time.perf_counter()
            for text in some:
                await loop.run_in_executor(thread, model.encode, [text])
            return 1000 * (time.perf_counter() - start)

        async def all_at_once(batcher: Batcher, asked: Sequence[Sequence[str]]) -> float:
            start = time.perf_counter()
            await asyncio.gather(*(batcher.embed(some) for some in asked))
            return 1000 * (time.perf_counter() - start)

        seen: dict[int, list[str]] = {}
        async with aclosing(await Batcher.open(model, directory / "vectors.db")) as batcher:
            for size in _SIZES:
                cold = _Taken(f"{size} short texts, new", _TARGET_MS if size == 16 else None)
                warm = _Taken(f"{size} short texts, remembered")
                for _ in range(_ROUNDS[size]):
                    some = seen[size] = [next(texts) for _ in range(size)]
                    cold.ours.append(await all_at_once(batcher, [some]))
                    cold.theirs.append(await one_by_one([next(texts) for _ in range(size)]))
                    warm.ours.append(await all_at_once(batcher, [some]))
                warm.theirs = cold.theirs
                results += cold.results() + warm.results()
            together = _Taken(f"{_PERSONAS} personas ask for a new text each at once, until all have it")
            for _ in range(_ROUNDS[16]):
                together.ours.append(await all_at_once(batcher, [[next(texts)] for _ in range(_PERSONAS)]))
                together.theirs.append(await one_by_one([next(texts) for _ in range(_PERSONAS)]))
            results += together.results()
            assert batcher.counts.cache_failures == 0, batcher.counts.cache_error
        for size in _SIZES:
            stored = _Taken(f"{size} short texts, from the disk after a restart")
            for _ in range(_ROUNDS[64]):
                async with aclosing(await Batcher.open(model, directory / "vectors.db")) as again:
                    stored.ours.append(await all_at_once(again, [seen[size]]))
                    stored.theirs.append(await one_by_one(seen[size]))
                    assert again.counts.computed == 0, "the disk did not have them"
            results += stored.results()
    return results


def measure() -> Report:
    """Embeds with the default weights."""
    settings = load_settings()
    folder = WeightsCache(settings.weights_dir).resolve("embeddings", settings.weights.given())
    model = MiniLm(folder / "model.onnx", folder / "tokenizer.json", threads=_THREADS)
    words = np.mean([len(text.split()) for text in sentences(500, seed=3)])
    with tempfile.TemporaryDirectory(prefix="continuum-embed-") as name:
        results = asyncio.run(_measured(model, Path(name)))
    return Report(
        "embed",
        results,
        (
            f"{model.name}, {_THREADS} threads; generated sentences of {words:.0f} words on average, all different.",
            "Baseline: the same model, one call a text, one after the other. Both take turns.",
        ),
    )


if __name__ == "__main__":
    run(measure)
