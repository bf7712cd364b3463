"""What an index knows of each row: arrays that grow at their end, read by some threads while one writes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["ALIVE", "Batch", "Columns", "as_codes", "as_query"]

ALIVE = np.iinfo(np.int64).max

_CODE_PEAK = 127
_QUERY_PEAK = 32_767
_SMALLEST = 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows to be added; n of them.

    Attributes:
        ids: distinct.
        vectors: float32[n, dimensions], of length one.
        terms: uint32, the terms of all rows' words, one after the other.
        words: int64[n]: how many of these are each row's.
        scope: int32[n].
        at: float64[n], seconds since 1970.
        kinds: of each row.
        importance: float32[n].
        about: of each row.
    """

    ids: Sequence[str]
    vectors: npt.NDArray[np.float32]
    terms: npt.NDArray[np.uint32]
    words: npt.NDArray[np.int64]
    scope: npt.NDArray[np.int32]
    at: npt.NDArray[np.float64]
    kinds: Sequence[str]
    importance: npt.NDArray[np.float32]
    about: Sequence[str]


@dataclass(frozen=True, slots=True)
class Columns:
    """Arrays of one capacity; rows beyond those that a view counts may be written meanwhile.

    Attributes:
        codes: int8[capacity, dimensions].
        scales: float32, what a code is to be multiplied by.
        scope: int32.
        at: float64.
        kind: uint8, a number for its name.
        importance: float32.
        about: int32, a number for its name.
        length: uint16, words.
        died: int64, the version in which the row was no longer there; `ALIVE` while it is. Written in place: whoever
            looks at an older version still sees the row.
    """

    codes: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]
    scope: npt.NDArray[np.int32]
    at: npt.NDArray[np.float64]
    kind: npt.NDArray[np.uint8]
    importance: npt.NDArray[np.float32]
    about: npt.NDArray[np.int32]
    length: npt.NDArray[np.uint16]
    died: npt.NDArray[np.int64]

    @classmethod
    def empty(cls, dimensions: int, capacity: int = _SMALLEST) -> Self:
        """Columns without a row; memory is taken up as rows come."""
        return cls(
            np.empty((capacity, dimensions), np.int8),
            np.empty(capacity, np.float32),
            np.empty(capacity, np.int32),
            np.empty(capacity, np.float64),
            np.empty(capacity, np.uint8),
            np.empty(capacity, np.float32),
            np.empty(capacity, np.int32),
            np.empty(capacity, np.uint16),
            np.empty(capacity, np.int64),
        )

    @property
    def capacity(self) -> int:
        """Rows there is room for."""
        return len(self.scales)

    def roomy(self, count: int, needed: int) -> Self:
        """These columns if they have room for `needed` rows, else larger ones with a copy of the first `count`."""
        if needed <= self.capacity:
            return self
        return self.selected(np.arange(count), max(needed, self.capacity * 3 // 2))

    def selected(self, rows: npt.NDArray[np.int64], capacity: int) -> Self:
        """Others with a copy of some rows, in that order."""
        other = self.empty(self.codes.shape[1], max(capacity, _SMALLEST))
        for field in fields(self):
            np.take(getattr(self, field.name), rows, axis=0, out=getattr(other, field.name)[: len(rows)])
        return other


def as_codes(vectors: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """int8 codes of vectors and what each row of them is to be multiplied by.

    Args:
        vectors: (n, dimensions), finite.
    """
    scales = np.abs(vectors).max(axis=1, initial=0).astype(np.float32) / _CODE_PEAK
    scales[scales == 0] = 1
    return np.rint(vectors / scales[:, np.newaxis]).astype(np.int8), scales


def as_query(vector: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int16], np.float32]:
    """int16 of a vector and what they are to be multiplied by; their product with codes stays below 2**31."""
    peak = min(_QUERY_PEAK, (2**31 - 1) // (_CODE_PEAK * len(vector)))
    scale = np.float32(max(float(np.abs(vector).max(initial=0)), 1e-12) / peak)
    return np.rint(vector / scale).astype(np.int16), scale
