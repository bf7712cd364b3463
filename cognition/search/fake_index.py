"""An index that looks at every item: for tests, and for those who write an index of their own."""

import math
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from cognition.search.embedder import DIMENSIONS
from cognition.search.index import EVERYTHING, Filter, Hit, IndexFailed, Item, passes
from cognition.search.ranking import fuse
from cognition.search.words import stem, words

__all__ = ["BM25_B", "BM25_K1", "FakeIndex"]

BM25_K1 = 1.2
BM25_B = 0.75


class FakeIndex:
    """Keeps items in memory and scores each of them.

    Attributes:
        items: by id.
        number: see `Index`.
        purges: how often it was purged.
        closed: after it nothing is found or kept any more.
    """

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        self.items: dict[str, Item] = {}
        self.number = 0
        self.purges = 0
        self.closed = False
        self._dimensions = dimensions

    async def put(self, items: Sequence[Item]) -> None:
        """See `Index`."""
        self._check()
        for item in items:
            if item.vector.shape != (self._dimensions,) or not np.isfinite(item.vector).all():
                raise ValueError(f"the vector of {item.id} is not {self._dimensions} finite numbers")
        self.items |= {item.id: item for item in items}

    async def remove(self, ids: Collection[str]) -> None:
        """See `Index`."""
        self._check()
        for id in ids:
            self.items.pop(id, None)

    async def keep(self, number: int) -> None:
        """See `Index`."""
        self._check()
        self.number = number

    async def purge(self) -> None:
        """Is counted."""
        self._check()
        self.purges += 1

    async def vectors(self, ids: Collection[str]) -> dict[str, npt.NDArray[np.float32]]:
        """See `Index`."""
        self._check()
        return {id: self.items[id].vector for id in ids if id in self.items}

    async def search(
        self, vector: npt.NDArray[np.float32] | None, text: str, *, limit: int, where: Filter = EVERYTHING
    ) -> list[Hit]:
        """See `Index`."""
        self._check()
        seen = [item for item in self.items.values() if passes(item, where)]
        near = {} if vector is None else {item.id: float(item.vector @ vector) for item in seen}
        said = _bm25(text, seen)
        by_meaning = {id: rank for rank, id in enumerate(_best(near, limit))}
        by_words = {id: rank for rank, id in enumerate(_best(said, limit))}
        hits = [
            Hit(
                item.id,
                by_meaning.get(item.id),
                by_words.get(item.id),
                near[item.id] if item.id in by_meaning else math.nan,
                said[item.id] if item.id in by_words else 0.0,
                item.at,
                item.kind,
                item.importance,
                item.about,
            )
            for item in seen
            if item.id in by_meaning or item.id in by_words
        ]
        return [one.hit for one in fuse(hits)]

    def _check(self) -> None:
        if self.closed:
            raise IndexFailed("the index is closed")


def _best(scores: dict[str, float], limit: int) -> list[str]:
    return sorted(scores, key=lambda id: (-scores[id], id))[:limit]


def _bm25(text: str, items: Sequence[Item]) -> dict[str, float]:
    """Okapi BM25 (Robertson and Zaragoza 2009) of those items that share a word with the text."""
    asked = {stem(word) for word in words(text)}
    counts = {item.id: Counter(stem(word) for word in words(item.text)) for item in items}
    mean = sum(count.total() for count in counts.values()) / max(len(counts), 1)
    scores: dict[str, float] = {}
    for word in asked:
        having = [id for id, count in counts.items() if word in count]
        weight = math.log(1 + (len(counts) - len(having) + 0.5) / (len(having) + 0.5))
        for id in having:
            count = counts[id]
            length = BM25_K1 * (1 - BM25_B + BM25_B * count.total() / mean)
            scores[id] = scores.get(id, 0.0) + weight * count[word] * (BM25_K1 + 1) / (count[word] + length)
    return scores
