"""The seam to what finds items by meaning and by words; `FakeIndex` is its fake."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["EVERYTHING", "Filter", "Hit", "Index", "IndexFailed", "Item", "passes"]


class IndexFailed(Exception):
    """The index cannot be opened, read or written; the message says why. What it holds can be built again."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One thing that can be found.

    Attributes:
        id: unique in its index; what comes again under it replaces what was there.
        text: what is searched by words.
        vector: float32[dimensions], of length one: what the text means.
        scope: key of its row in the store's table `scope`, below 2**31; who may know of it.
        at: when it was so, in seconds since 1970, UTC.
        kind: as its owner calls it ("fact", "turn", "document", ...); at most 255 kinds in an index.
        importance: from 0 to 1.
        about: the identity of whom it is about, or "".
    """

    id: str
    text: str
    vector: npt.NDArray[np.float32]
    scope: int
    at: float
    kind: str
    importance: float = 0.5
    about: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a search may find at all; applied before anything is ranked, so that what is left out costs no place.

    Attributes:
        allowed: bool[scopes], by scope key; an item whose scope is beyond its end is left out. None: all scopes.
        kinds: none but these; None: all.
        since: seconds since 1970; not before.
        until: seconds since 1970; before it.
        about: none but what is about one of these identities; None: about anybody or nobody.
    """

    allowed: npt.NDArray[np.bool_] | None = None
    kinds: Collection[str] | None = None
    since: float = -math.inf
    until: float = math.inf
    about: Collection[str] | None = None


EVERYTHING = Filter()
"""Leaves nothing out."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One item that was found, and how.

    Attributes:
        id: of the item.
        vector_rank: its place by meaning, from 0; None where it is not among the `limit` nearest.
        text_rank: its place by words, from 0; None where it is not among the `limit` best.
        similarity: inner product with the query's vector, in [-1, 1]; NaN where `vector_rank` is None.
        bm25: how well its words match; 0 where `text_rank` is None.
        at: as of the item; so are `kind`, `importance` and `about`.
        kind: see `at`.
        importance: see `at`.
        about: see `at`.
    """

    id: str
    vector_rank: int | None
    text_rank: int | None
    similarity: float
    bm25: float
    at: float
    kind: str
    importance: float
    about: str


class Index(Protocol):
    """Finds items by meaning and by words; what was put is found by the next search."""

    @property
    def number(self) -> int:
        """Of the last change of the store that it holds, as `keep` said; 0 in a new one."""

    async def put(self, items: Sequence[Item]) -> None:
        """Adds items, and replaces those whose ids are there.

        Raises:
            IndexFailed: they could not be kept, or it is closed.
            ValueError: a vector has another length, or is not finite.
        """
        ...

    async def remove(self, ids: Collection[str]) -> None:
        """Takes items out; ids that are not there are passed over. From the return on no search finds them.

        Raises:
            IndexFailed: as for `put`.
        """
        ...

    async def keep(self, number: int) -> None:
        """All changes of the store up to a number are in it: who opens it again goes on from there.

        Raises:
            IndexFailed: as for `put`.
        """
        ...

    async def purge(self) -> None:
        """From the return on no byte of what was removed or replaced is left, wherever it is kept.

        Raises:
            IndexFailed: as for `put`.
        """
        ...

    async def vectors(self, ids: Collection[str]) -> dict[str, npt.NDArray[np.float32]]:
        """What items mean, float32[dimensions] by id, as exactly as it is kept; of those that are there.

        Raises:
            IndexFailed: it is closed.
        """
        ...

    async def search(
        self, vector: npt.NDArray[np.float32] | None, text: str, *, limit: int, where: Filter = EVERYTHING
    ) -> list[Hit]:
        """The `limit` nearest by meaning and the `limit` best by words, each item once.

        Args:
            vector: float32[dimensions], of length one; None: by words alone.
            text: words to find, anything; "": by meaning alone.
            limit: of either way.
            where: what may be found.

        Returns:
            Best first, by reciprocal rank fusion (`cognition/search/ranking.py`).

        Raises:
            IndexFailed: it is closed, or too many wait.
        """
        ...


def passes(item: Item, where: Filter) -> bool:
    """Whether an item may be found; what an index decides for all at once, said for one."""
    allowed = where.allowed
    return (
        (allowed is None or (0 <= item.scope < len(allowed) and bool(allowed[item.scope])))
        and (where.kinds is None or item.kind in where.kinds)
        and where.since <= item.at < where.until
        and (where.about is None or item.about in where.about)
    )
