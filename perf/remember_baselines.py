"""What a memory has to beat: raw turns found by words (BM25), and by the likeness of their vectors."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cognition.search.words import stem, words

__all__ = ["Bm25", "Vectors"]

_K1, _B = 1.5, 0.75


class Bm25:
    """Okapi BM25 over texts (Robertson and Zaragoza 2009), stemmed.

    Args:
        texts: those that are found.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(map(stem, words(text))) for text in texts]
        self._count = len(texts)
        lengths = np.array([count.total() for count in counts], np.float32)
        self._norm = (
            _K1 * (1 - _B + _B * lengths / max(float(lengths.mean()), 1.0)) if self._count else lengths
        )
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row, count in enumerate(counts):
            for word, times in count.items():
                found[word].append((row, times))
        self._postings = {word: np.array(rows, np.int64) for word, rows in found.items()}

    def scores(self, query: str) -> npt.NDArray[np.float32]:
        """How well each text fits: float32[texts]."""
        scores = np.zeros(self._count, np.float32)
        for word in set(map(stem, words(query))):
            rows = self._postings.get(word)
            if rows is None:
                continue
            weight = math.log(1 + (self._count - len(rows) + 0.5) / (len(rows) + 0.5))
            at, times = rows[:, 0], rows[:, 1]
            scores[at] += weight * times * (_K1 + 1) / (times + self._norm[at])
        return scores


class Vectors:
    """Likeness of meaning, exact.

    Args:
        vectors: float32[texts, dimensions], rows of length one.
    """

    def __init__(self, vectors: npt.NDArray[np.float32]) -> None:
        self._vectors = vectors

    def scores(self, query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Inner products with a query's vector: float32[texts]."""
        return np.asarray(self._vectors @ query, np.float32)
