"""An embedder and an index that come later: until then whoever asks them is told so, and nobody waits."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from cognition.search.embedder import DIMENSIONS, Embedder, EmbeddingError
from cognition.search.index import EVERYTHING, Filter, Hit, Index, IndexFailed, Item

__all__ = ["LateEmbedder", "LateIndex"]


class LateEmbedder:
    """An `Embedder` whose model is `real`, once that is set."""

    def __init__(self) -> None:
        self.real: Embedder | None = None

    @property
    def name(self) -> str:
        """See `Embedder`; empty until it is there."""
        return "" if self.real is None else self.real.name

    @property
    def dimensions(self) -> int:
        """See `Embedder`."""
        return DIMENSIONS if self.real is None else self.real.dimensions

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """See `Embedder`; raises EmbeddingError until it is there."""
        if self.real is None:
            raise EmbeddingError("the embedding model is not there yet")
        return await self.real.embed(texts)


class LateIndex:
    """An `Index` that is `real`, once that is set; every method raises IndexFailed until then."""

    def __init__(self) -> None:
        self.real: Index | None = None

    @property
    def number(self) -> int:
        """See `Index`; 0 until it is there."""
        return 0 if self.real is None else self.real.number

    async def put(self, items: Sequence[Item]) -> None:
        """See `Index`."""
        await self._there().put(items)

    async def remove(self, ids: Collection[str]) -> None:
        """See `Index`."""
        await self._there().remove(ids)

    async def keep(self, number: int) -> None:
        """See `Index`."""
        await self._there().keep(number)

    async def purge(self) -> None:
        """See `Index`."""
        await self._there().purge()

    async def vectors(self, ids: Collection[str]) -> dict[str, npt.NDArray[np.float32]]:
        """See `Index`."""
        return await self._there().vectors(ids)

    async def search(
        self, vector: npt.NDArray[np.float32] | None, text: str, *, limit: int, where: Filter = EVERYTHING
    ) -> list[Hit]:
        """See `Index`."""
        return await self._there().search(vector, text, limit=limit, where=where)

    def _there(self) -> Index:
        if self.real is None:
            raise IndexFailed("the index is not there yet")
        return self.real
