"""Which rows have which words: lists by term, and the pairs that have come since these were made."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt

from cognition.search.kernels import add_recent_words, add_words, count_recent, merge_postings
from cognition.search.words import stem, words

__all__ = ["Pairs", "Postings", "Words", "pairs_of", "terms_of"]

K1 = np.float32(1.2)
B = np.float32(0.75)
COMMON = 0.1
"""A word that more than this share of the rows have tells little: it is looked up only where nothing rarer is asked."""
_COMMON_FROM = 10_000
_SMALLEST = 4096


def terms_of(text: str) -> npt.NDArray[np.uint32]:
    """A number for the stem of each word of a text, in their order; of 100,000 stems about one shares its number."""
    return np.array([_term(word) for word in words(text)], np.uint32)


@lru_cache(65_536)
def _term(word: str) -> int:
    return zlib.crc32(stem(word).encode())


@dataclass(frozen=True, slots=True)
class Pairs:
    """Terms and rows that belong together, n of them.

    Attributes:
        terms: uint32[n].
        rows: int32[n].
        counts: uint8[n]: how often the row has the term, 255 at most.
    """

    terms: npt.NDArray[np.uint32]
    rows: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint8]


def pairs_of(terms: npt.NDArray[np.uint32], words: npt.NDArray[np.int64], first: int) -> Pairs:
    """Pairs of rows that follow each other.

    Args:
        terms: of all their words, one after the other.
        words: int64[n], how many are each row's.
        first: the first row.
    """
    rows = np.repeat(np.arange(first, first + len(words), dtype=np.uint64), words)
    both, counts = np.unique((rows << np.uint64(32)) | terms, return_counts=True)
    return Pairs(
        (both & np.uint64(0xFFFFFFFF)).astype(np.uint32),
        (both >> np.uint64(32)).astype(np.int32),
        np.minimum(counts, 255).astype(np.uint8),
    )


@dataclass(frozen=True, slots=True)
class Postings:
    """Lists of rows by term.

    Attributes:
        terms: uint32[t], sorted.
        offsets: int64[t + 1], where each term's list begins.
        rows: int32.
        counts: uint8.
    """

    terms: npt.NDArray[np.uint32]
    offsets: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint8]

    @classmethod
    def empty(cls) -> Self:
        """Without a term."""
        return cls(
            np.empty(0, np.uint32), np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8)
        )

    def merged(self, recent: Pairs, place: npt.NDArray[np.int32]) -> Self:
        """With further pairs.

        Args:
            recent: in any order.
            place: int32[rows]: the row that each row becomes; -1: it is left out.
        """
        order = np.argsort(recent.terms, kind="stable")
        most, distinct = len(self.rows) + len(recent.rows), len(self.terms) + len(np.unique(recent.terms))
        terms, offsets = np.empty(distinct, np.uint32), np.empty(distinct + 1, np.int64)
        rows, counts = np.empty(most, np.int32), np.empty(most, np.uint8)
        kept, filled = merge_postings(
            self.terms,
            self.offsets,
            self.rows,
            self.counts,
            recent.terms[order],
            recent.rows[order],
            recent.counts[order],
            place,
            terms,
            offsets,
            rows,
            counts,
        )
        return type(self)(terms[:kept], offsets[: kept + 1], rows[:filled], counts[:filled])

    def of(self, term: np.uint32) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
        """Rows that have a term, and how often."""
        at = int(np.searchsorted(self.terms, term))
        if at == len(self.terms) or self.terms[at] != term:
            return self.rows[:0], self.counts[:0]
        return self.rows[self.offsets[at] : self.offsets[at + 1]], self.counts[
            self.offsets[at] : self.offsets[at + 1]
        ]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of an index at one moment; what is written later goes behind `size`, or into others.

    Attributes:
        postings: of the older rows.
        recent: of those since, the first `size` of it.
        size: pairs of `recent` that count.
        total: words of all rows that ever were, for the mean length.
        rows: how many rows these were.
    """

    postings: Postings
    recent: Pairs
    size: int
    total: int
    rows: int

    @classmethod
    def empty(cls) -> Self:
        """Without a word."""
        return cls(Postings.empty(), _room(_SMALLEST), 0, 0, 0)

    def added(self, pairs: Pairs, total: int, rows: int) -> Self:
        """With those of further rows; these words stay what they are."""
        size = self.size + len(pairs.rows)
        recent = self.recent
        if size > len(recent.rows):
            recent = _room(max(size, 2 * len(recent.rows)))
            _write(recent, 0, self.pairs())
        _write(recent, self.size, pairs)
        return type(self)(self.postings, recent, size, self.total + total, self.rows + rows)

    def pairs(self, first: int = 0) -> Pairs:
        """The recent ones, from one on."""
        recent = self.recent
        return Pairs(
            recent.terms[first : self.size], recent.rows[first : self.size], recent.counts[first : self.size]
        )

    def score(
        self,
        asked: Sequence[int],
        lengths: npt.NDArray[np.uint16],
        admitted: npt.NDArray[np.bool_],
        count: int,
        scores: npt.NDArray[np.float32],
    ) -> bool:
        """Adds to `scores`, float32[n], how well the words of each admitted row match; False: nothing can match.

        Args:
            asked: terms.
            lengths: uint16[n], words of each row.
            admitted: bool[n].
            count: rows that there are.
            scores: see above.
        """
        terms = np.unique(np.array(asked, np.uint32))
        if not len(terms) or not self.rows:
            return False
        lists = [self.postings.of(term) for term in terms]
        having = np.array([len(rows) for rows, _ in lists], np.int64)
        count_recent(self.recent.terms, self.size, terms, having)
        having = np.minimum(having, count)
        wanted = having > 0
        if count >= _COMMON_FROM and (rare := wanted & (having <= COMMON * count)).any():
            wanted = rare
        if not wanted.any():
            return False
        weights = np.log(1 + (count - having + 0.5) / (having + 0.5)).astype(np.float32)
        mean = np.float32(max(self.total / self.rows, 1.0))
        for at in np.flatnonzero(wanted):
            rows, counts = lists[at]
            add_words(rows, counts, lengths, admitted, weights[at], K1, B, mean, scores)
        recent = self.recent
        add_recent_words(
            recent.terms,
            recent.rows,
            recent.counts,
            self.size,
            terms[wanted],
            weights[wanted],
            lengths,
            admitted,
            K1,
            B,
            mean,
            scores,
        )
        return True


def _room(size: int) -> Pairs:
    return Pairs(np.empty(size, np.uint32), np.empty(size, np.int32), np.empty(size, np.uint8))


def _write(into: Pairs, at: int, pairs: Pairs) -> None:
    end = at + len(pairs.rows)
    into.terms[at:end] = pairs.terms
    into.rows[at:end] = pairs.rows
    into.counts[at:end] = pairs.counts
