"""A million things to remember: sentences as the model sees them, drawn together, with words as rare as words are."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cognition.search.index import Item
from cognition.search.minilm import MiniLm
from perf.sentences import sentences

__all__ = ["SCOPES", "World"]

SCOPES = 1000
PAGE = 2000
_SENTENCES = 6000
_QUERIES = 400
_VOCABULARY = 50_000
_RARE = 3
"""Words of each text that are drawn from the vocabulary, beside those of its sentence."""
_ZIPF = 0.9
_PULL = 0.45
"""How much of another sentence a vector has at most."""
_NOISE = 0.35
"""Length of what is only its own, before it is made as long as the others."""
_SYLLABLES = [f"{start}{vowel}" for start in "bdfgklmnprstvz" for vowel in "aeiou"]


class World:
    """Vectors, texts and queries; the same each time.

    The vectors of 6,000 generated sentences are the model's own. A memory's vector is one of these, with up to 45 %
    of another's and some noise; its text is the sentence with three words of a vocabulary of 50,000 in Zipf's
    distribution. A query is a sentence that is not among them, with two such words.

    Attributes:
        queries: texts and vectors, float32[384].

    Args:
        model: the default embedding model.
        cache: a directory where its vectors are kept.
    """

    def __init__(self, model: MiniLm, cache: Path) -> None:
        everything = sentences(_SENTENCES + _QUERIES, seed=11)
        vectors = _embedded(model, everything, cache / f"sentences-{model.name}-{len(everything)}.npy")
        rng = np.random.default_rng(12)
        self._sentences = everything[:_SENTENCES]
        self._vectors = vectors[:_SENTENCES]
        parts = rng.integers(0, len(_SYLLABLES), (_VOCABULARY, 4))
        self._words = ["".join(_SYLLABLES[part] for part in row) for row in parts]
        weights = 1 / np.arange(1, _VOCABULARY + 1) ** _ZIPF
        self._bounds = np.cumsum(weights) / weights.sum()
        extra = self._rare(rng, _QUERIES)
        self.queries = [
            (f"{text} {self._words[first]} {self._words[second]}", vector)
            for text, vector, (first, second, _) in zip(
                everything[_SENTENCES:], vectors[_SENTENCES:], extra, strict=True
            )
        ]

    def items(
        self, first: int, count: int, *, kind: str = "fact"
    ) -> Iterator[tuple[list[Item], npt.NDArray[np.float32]]]:
        """Pages of memories, and their vectors as one array.

        Args:
            first: number of the first.
            count: how many.
            kind: of all of them.
        """
        for start in range(first, first + count, PAGE):
            size = min(PAGE, first + count - start)
            rng = np.random.default_rng(start + 1)
            base, other = rng.integers(0, _SENTENCES, (2, size))
            share = rng.uniform(0, _PULL, (size, 1)).astype(np.float32)
            own = rng.standard_normal((size, self._vectors.shape[1]), np.float32)
            own *= _NOISE / np.linalg.norm(own, axis=1, keepdims=True)
            vectors = (1 - share) * self._vectors[base] + share * self._vectors[other] + own
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            extra = self._rare(rng, size)
            scopes = rng.integers(0, SCOPES, size)
            importance = rng.random(size)
            items = [
                Item(
                    f"m{start + row}",
                    f"{self._sentences[base[row]]} {' '.join(self._words[word] for word in extra[row])}",
                    vectors[row],
                    int(scopes[row]),
                    float(start + row),
                    kind,
                    float(importance[row]),
                )
                for row in range(size)
            ]
            yield items, vectors

    def _rare(self, rng: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
        return np.searchsorted(self._bounds, rng.random((count, _RARE))).clip(0, _VOCABULARY - 1)


def _embedded(model: MiniLm, texts: list[str], path: Path) -> npt.NDArray[np.float32]:
    if path.exists():
        kept: npt.NDArray[np.float32] = np.load(path)
        return kept
    vectors = np.concatenate([model.encode(texts[start : start + 64]) for start in range(0, len(texts), 64)])
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".fresh.npy")
    np.save(fresh, vectors)
    fresh.rename(path)
    return vectors
