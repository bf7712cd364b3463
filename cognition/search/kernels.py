"""The inner loops of a search: who may be found, who is nearest, whose words match best; compiled, without the lock.

Vectors are kept as int8 codes with a scale each; a query is int16 with a scale. A vector of unit length and 384
dimensions loses less than 0.002 of an inner product by it, and is a quarter of the size.
The best are held in a binary heap whose first entry is the worst of them: `best` float32[k] and `where` int32[k], -1
where none is yet. Of equal scores the lower row is better.
"""

import numpy as np
from numba import njit

__all__ = [
    "add_recent_words",
    "add_words",
    "admit",
    "best_words",
    "count_recent",
    "merge_postings",
    "nearest_centroids",
    "probe",
    "scan",
]


@njit("void(float32[::1], int32[::1], float32, int32)", cache=True, nogil=True)
def _offer(best, where, score, row):  # type: ignore[no-untyped-def]
    """Puts a row into the heap if it is better than the worst there."""
    if score < best[0] or (score == best[0] and where[0] >= 0 and row > where[0]):
        return
    at = 0
    size = best.shape[0]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        other = child + 1
        if other < size and (
            best[other] < best[child] or (best[other] == best[child] and where[other] > where[child])
        ):
            child = other
        if best[child] > score or (best[child] == score and where[child] < row):
            break
        best[at] = best[child]
        where[at] = where[child]
        at = child
    best[at] = score
    where[at] = row


@njit("float32(int8[:, ::1], int64, int16[::1])", cache=True, nogil=True)
def _dot(codes, row, query):  # type: ignore[no-untyped-def]
    # The query's range is such that no sum passes 2**31: see `columns.as_query`.
    total = np.int32(0)
    for axis in range(query.shape[0]):
        # Said to be int32 once more: else it grows to int64, for which there is no multiply-and-add of pairs.
        total = np.int32(total + np.int32(codes[row, axis]) * np.int32(query[axis]))
    return np.float32(total)


@njit(
    "int64(int64[::1], int64, int32[::1], float64[::1], uint8[::1], int32[::1], int64, boolean, boolean[::1], "
    "boolean[::1], float64, float64, boolean, int32[::1], boolean[::1])",
    cache=True,
    nogil=True,
)
def admit(  # type: ignore[no-untyped-def]
    died, version, scope, at, kind, about, count, scoped, allowed, kinds, since, until, personal, whom, out
):
    """Marks in `out` the rows that may be found, and counts them.

    Args:
        died: int64[n], the version in which each row was no longer there.
        version: whose rows are looked at.
        scope: int32[n].
        at: float64[n].
        kind: uint8[n].
        about: int32[n].
        count: rows to look at.
        scoped: whether `allowed` matters.
        allowed: bool[scopes].
        kinds: bool[256].
        since: inclusive.
        until: exclusive.
        personal: whether `whom` matters.
        whom: int32, sorted.
        out: bool[n].
    """
    total = 0
    scopes = allowed.shape[0]
    for row in range(count):
        ok = died[row] > version and kinds[kind[row]] and since <= at[row] < until
        if ok and scoped:
            key = scope[row]
            ok = 0 <= key < scopes and allowed[key]
        if ok and personal:
            place = np.searchsorted(whom, about[row])
            ok = place < whom.shape[0] and whom[place] == about[row]
        out[row] = ok
        total += ok
    return total


@njit(
    "void(int8[:, ::1], float32[::1], int16[::1], float32, boolean[::1], int64, int64, float32[::1], int32[::1])",
    cache=True,
    nogil=True,
)
def scan(codes, scales, query, scale, admitted, start, stop, best, where):  # type: ignore[no-untyped-def]
    """Offers the heap every admitted row from `start` to `stop`: exact but for the codes."""
    for row in range(start, stop):
        if admitted[row]:
            _offer(best, where, _dot(codes, row, query) * (scales[row] * scale), np.int32(row))


@njit(
    "int64(int32[::1], int64[::1], int32[::1], int8[:, ::1], float32[::1], int16[::1], float32, boolean[::1], int64, "
    "float32[::1], int32[::1])",
    cache=True,
    nogil=True,
)
def probe(order, offsets, members, codes, scales, query, scale, admitted, budget, best, where):  # type: ignore[no-untyped-def]
    """Offers the heap the admitted rows of clusters in an order, until `budget` of them were; returns how many were."""
    seen = 0
    for cluster in order:
        for place in range(offsets[cluster], offsets[cluster + 1]):
            row = members[place]
            if admitted[row]:
                seen += 1
                _offer(best, where, _dot(codes, row, query) * (scales[row] * scale), row)
        if seen >= budget:
            break
    return seen


@njit(
    "void(int8[:, ::1], int16[:, ::1], float32[::1], int64, int64, int32[::1])",
    cache=True,
    nogil=True,
)
def nearest_centroids(codes, centroids, scales, start, stop, out):  # type: ignore[no-untyped-def]
    """Writes the nearest centroid of rows from `start` to `stop` into `out` (int32[stop - start])."""
    for row in range(start, stop):
        nearest = 0
        highest = np.float32(-np.inf)
        for centroid in range(centroids.shape[0]):
            score = _dot(codes, row, centroids[centroid]) * scales[centroid]
            if score > highest:
                highest = score
                nearest = centroid
        out[row - start] = nearest


@njit(
    "void(int32[::1], uint8[::1], uint16[::1], boolean[::1], float32, float32, float32, float32, float32[::1])",
    cache=True,
    nogil=True,
)
def add_words(rows, counts, lengths, admitted, weight, k1, b, mean, scores):  # type: ignore[no-untyped-def]
    """Adds what one word is worth to each admitted row that has it (BM25, Robertson and Zaragoza 2009)."""
    for place in range(rows.shape[0]):
        row = rows[place]
        if admitted[row]:
            count = np.float32(counts[place])
            length = k1 * (np.float32(1) - b + b * np.float32(lengths[row]) / mean)
            scores[row] += weight * count * (k1 + np.float32(1)) / (count + length)


@njit(
    "void(uint32[::1], int32[::1], uint8[::1], int64, uint32[::1], float32[::1], uint16[::1], boolean[::1], float32, "
    "float32, float32, float32[::1])",
    cache=True,
    nogil=True,
)
def add_recent_words(terms, rows, counts, size, asked, weights, lengths, admitted, k1, b, mean, scores):  # type: ignore[no-untyped-def]
    """As `add_words` for all words that are asked for (sorted), over pairs in no order."""
    for place in range(size):
        term = terms[place]
        at = np.searchsorted(asked, term)
        if at < asked.shape[0] and asked[at] == term and admitted[rows[place]]:
            row = rows[place]
            count = np.float32(counts[place])
            length = k1 * (np.float32(1) - b + b * np.float32(lengths[row]) / mean)
            scores[row] += weights[at] * count * (k1 + np.float32(1)) / (count + length)


@njit("void(uint32[::1], int64, uint32[::1], int64[::1])", cache=True, nogil=True)
def count_recent(terms, size, asked, had):  # type: ignore[no-untyped-def]
    """Adds to `had` how many of the first `size` terms are each of those that are asked for (sorted)."""
    for place in range(size):
        at = np.searchsorted(asked, terms[place])
        if at < asked.shape[0] and asked[at] == terms[place]:
            had[at] += 1


@njit("void(float32[::1], int64, float32[::1], int32[::1])", cache=True, nogil=True)
def best_words(scores, count, best, where):  # type: ignore[no-untyped-def]
    """Offers the heap every row whose words match at all, and sets the scores back to zero."""
    for row in range(count):
        if scores[row] > 0:
            _offer(best, where, scores[row], np.int32(row))
            scores[row] = 0


@njit(
    "Tuple((int64, int64))(uint32[::1], int64[::1], int32[::1], uint8[::1], uint32[::1], int32[::1], uint8[::1], "
    "int32[::1], uint32[::1], int64[::1], int32[::1], uint8[::1])",
    cache=True,
    nogil=True,
)
def merge_postings(  # type: ignore[no-untyped-def]
    terms,
    offsets,
    rows,
    counts,
    new_terms,
    new_rows,
    new_counts,
    place,
    out_terms,
    out_offsets,
    out_rows,
    out_counts,
):
    """Merges pairs sorted by term into lists by term; a row becomes `place[row]`, and is left out where that is -1.

    Returns:
        How many terms and how many pairs there are now.
    """
    old = 0
    new = 0
    distinct = 0
    filled = 0
    out_offsets[0] = 0
    while old < terms.shape[0] or new < new_terms.shape[0]:
        if new >= new_terms.shape[0] or (old < terms.shape[0] and terms[old] <= new_terms[new]):
            term = terms[old]
        else:
            term = new_terms[new]
        begin = filled
        if old < terms.shape[0] and terms[old] == term:
            for at in range(offsets[old], offsets[old + 1]):
                row = place[rows[at]]
                if row >= 0:
                    out_rows[filled] = row
                    out_counts[filled] = counts[at]
                    filled += 1
            old += 1
        while new < new_terms.shape[0] and new_terms[new] == term:
            row = place[new_rows[new]]
            if row >= 0:
                out_rows[filled] = row
                out_counts[filled] = new_counts[new]
                filled += 1
            new += 1
        if filled > begin:
            out_terms[distinct] = term
            distinct += 1
            out_offsets[distinct] = filled
    return distinct, filled
