"""The seam to a model of sentences: texts in, vectors out, near where they mean the same; a fake beside it."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cognition.search.words import stem, words

__all__ = ["DIMENSIONS", "Embedder", "EmbeddingError", "FakeEmbedder"]

DIMENSIONS = 384
"""Of the default model's vectors, and of the fake's."""


class EmbeddingError(Exception):
    """Texts could not be embedded; the message says why. The embedder stays usable."""


class Embedder(Protocol):
    """Turns texts into vectors whose inner product is the likeness of what they mean."""

    @property
    def name(self) -> str:
        """Of the model; vectors of two names are never compared."""

    @property
    def dimensions(self) -> int:
        """Numbers of a vector."""

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of texts, in their order.

        Args:
            texts: any; what is longer than the model reads is cut.

        Returns:
            (len(texts), dimensions), rows of length one.

        Raises:
            EmbeddingError: the model failed, too much waits, or the embedder is closed.
        """
        ...


class FakeEmbedder:
    """Vectors of hashed words and stems, the same on every machine: texts that share words are near.

    Attributes:
        name: of the "model".
        dimensions: numbers of a vector.
        asked: the texts of each call.
        error: raised by the next calls, while it is set.
    """

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        self.name = f"fake-{dimensions}"
        self.dimensions = dimensions
        self.asked: list[tuple[str, ...]] = []
        self.error: str | None = None

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """See `Embedder`."""
        self.asked.append(tuple(texts))
        if self.error is not None:
            raise EmbeddingError(self.error)
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            found = words(text)
            total = self._of(f"text:{text}" if not found else "anything") * 0.1
            for word in found:
                total += self._of(f"word:{word}") + 2 * self._of(f"stem:{stem(word)}")
            vectors[row] = total / np.linalg.norm(total)
        return vectors

    def _of(self, key: str) -> npt.NDArray[np.float64]:
        seed = int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest())
        vector = np.random.default_rng(seed).standard_normal(self.dimensions)
        return vector / np.linalg.norm(vector)
