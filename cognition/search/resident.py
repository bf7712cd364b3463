"""The half of an index that answers: rows in memory, searched by any thread while one writes and one tidies up."""

import math
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cognition.search.clusters import Clusters, extended, selected, trained
from cognition.search.columns import ALIVE, Batch, Columns, as_codes, as_query
from cognition.search.index import EVERYTHING, Filter, Hit
from cognition.search.kernels import admit, best_words, probe, scan
from cognition.search.postings import Words, pairs_of

__all__ = ["EXACT", "MAX_LIMIT", "Resident"]

EXACT = 50_000
"""Where no more rows than this may be found, each is looked at; where more may, those of the nearest clusters."""
PROBED = 20_000
"""Rows that may be found of which a search in clusters looks at least at so many, and at a hundredth of all more."""
MAX_LIMIT = 1000
MAX_KINDS = 255
_MERGE_PAIRS = 40_000
_DEAD_ROWS = 4096

_Places = dict[int, tuple[int, float]]


@dataclass(frozen=True, slots=True)
class _View:
    """What a search sees of one moment.

    Attributes:
        version: grows with each write.
        columns: of the rows.
        count: rows that there are, dead ones too.
        ids: of the rows, and perhaps more.
        words: of the rows.
        clusters: of the older rows; None: none yet.
    """

    version: int
    columns: Columns
    count: int
    ids: list[str]
    words: Words
    clusters: Clusters | None


class _Scratch(threading.local):
    """Arrays that each searching thread uses again."""

    def __init__(self) -> None:
        self.admitted = np.empty(0, np.bool_)
        self.scores = np.empty(0, np.float32)

    def ensure(self, count: int) -> None:
        if len(self.scores) < count:
            self.admitted = np.empty(count * 5 // 4, np.bool_)
            self.scores = np.zeros(count * 5 // 4, np.float32)


class Resident:
    """Items without their texts; some 600 bytes a row with 384 dimensions and its id, and 5 a word.

    Attributes:
        dimensions: of the vectors.

    Args:
        dimensions: of the vectors.
        exact: see `EXACT`.
        probed: see `PROBED`.
    """

    def __init__(self, dimensions: int, *, exact: int = EXACT, probed: int = PROBED) -> None:
        self.dimensions = dimensions
        self._exact = exact
        self._probed = probed
        self._writing = threading.Lock()
        self._row_of: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self._kind_names: list[str] = []
        self._abouts: dict[str, int] = {}
        self._about_names: list[str] = []
        self._scratch = _Scratch()
        self._view = _View(0, Columns.empty(dimensions), 0, [], Words.empty(), None)

    def __len__(self) -> int:
        return len(self._row_of)

    def __contains__(self, id: object) -> bool:
        return id in self._row_of

    @property
    def approximate(self) -> bool:
        """Whether searches that may find very many rows look at the nearest clusters only."""
        return self._view.clusters is not None

    def ids(self) -> list[str]:
        """Of all that is there."""
        with self._writing:
            return list(self._row_of)

    def vectors(self, ids: Collection[str]) -> dict[str, npt.NDArray[np.float32]]:
        """Of those that are there, float32[dimensions]; one that is moved at this moment may be left out."""
        # Without the lock: it is held as long as rows are put in order, and a reply waits.
        view, row_of = self._view, self._row_of
        rows = {
            id: row for id in ids if (row := row_of.get(id, view.count)) < view.count and view.ids[row] == id
        }
        return {id: view.columns.codes[row] * view.columns.scales[row] for id, row in rows.items()}

    def check_kinds(self, kinds: Collection[str]) -> None:
        """Raises ValueError when there would be more than 255 kinds of items."""
        if len(self._kinds.keys() | set(kinds)) > MAX_KINDS:
            raise ValueError(f"an index has at most {MAX_KINDS} kinds of items")

    def add(self, batch: Batch) -> None:
        """Adds rows, and replaces those of the same ids."""
        more = len(batch.ids)
        codes, scales = as_codes(batch.vectors)
        with self._writing:
            view = self._view
            first, last = view.count, view.count + more
            columns = view.columns.roomy(first, last)
            columns.codes[first:last] = codes
            columns.scales[first:last] = scales
            columns.scope[first:last] = batch.scope
            columns.at[first:last] = batch.at
            columns.kind[first:last] = [_number(kind, self._kinds, self._kind_names) for kind in batch.kinds]
            columns.importance[first:last] = batch.importance
            columns.about[first:last] = [_number(who, self._abouts, self._about_names) for who in batch.about]
            columns.length[first:last] = np.minimum(batch.words, 65_535)
            columns.died[first:last] = ALIVE
            pairs = pairs_of(batch.terms, batch.words, first)
            words = view.words.added(pairs, len(batch.terms), more)
            view.ids.extend(batch.ids)
            replaced = [self._row_of[id] for id in batch.ids if id in self._row_of]
            self._row_of.update(zip(batch.ids, range(first, last), strict=True))
            columns.died[replaced] = view.version + 1
            self._view = replace(view, version=view.version + 1, columns=columns, count=last, words=words)

    def remove(self, ids: Collection[str]) -> None:
        """Takes rows out; a search that goes on at this moment does not give them either."""
        with self._writing:
            rows = [self._row_of.pop(id) for id in set(ids) if id in self._row_of]
            view = self._view
            view.columns.died[rows] = view.version + 1
            self._view = replace(view, version=view.version + 1)

    def search(
        self,
        vector: npt.NDArray[np.float32] | None,
        terms: Sequence[int],
        *,
        limit: int,
        where: Filter = EVERYTHING,
    ) -> list[Hit]:
        """What is nearest and what matches best; in no order. May run in many threads at once.

        Args:
            vector: float32[dimensions]; None: by words alone.
            terms: of the words.
            limit: of either way.
            where: what may be found.

        Raises:
            ValueError: the vector has another length or is not finite, or the limit is not from 1 to 1000.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise ValueError(f"a search gives from 1 to {MAX_LIMIT} items, not {limit}")
        if vector is not None and (vector.shape != (self.dimensions,) or not np.isfinite(vector).all()):
            raise ValueError(f"a query's vector has {self.dimensions} finite numbers")
        view = self._view
        self._scratch.ensure(view.count)
        total = self._admit(view, where)
        if not total:
            return []
        near = [] if vector is None else self._nearest(view, vector, limit, total)
        said = self._said(view, terms, limit)
        return self._hits(view, near, said)

    def upkeep_due(self) -> bool:
        """Whether `upkeep` has something to do."""
        view = self._view
        return (
            self._crowded(view)
            or view.words.size > _MERGE_PAIRS
            or view.count - self._covered(view) > self._exact // 6
        )

    def upkeep(self, stopped: Callable[[], bool]) -> None:
        """Makes lists of recent words, clusters of many rows, and room of what was removed; searches go on meanwhile.

        Raises:
            Stopped: as soon as `stopped` says so; what was done by then is kept.
        """
        if self._crowded(self._view):
            self._compact()
        view = self._view
        if view.words.size > _MERGE_PAIRS:
            merged = view.words.postings.merged(view.words.pairs(), _places(view))
            with self._writing:
                words = self._view.words
                later = words.pairs(view.words.size)
                self._view = replace(
                    self._view,
                    words=replace(words, postings=merged, recent=later, size=len(later.rows)),
                )
        view = self._view
        if view.count - self._covered(view) > self._exact // 6:
            columns, old = view.columns, view.clusters
            if old is None or view.count > 2 * old.trained:
                clusters = trained(columns.codes, columns.scales, view.count, stopped)
            else:
                clusters = extended(old, columns.codes, view.count, stopped)
            with self._writing:
                self._view = replace(self._view, clusters=clusters)

    def _covered(self, view: _View) -> int:
        """Rows that need no cluster of their own yet."""
        return self._exact if view.clusters is None else view.clusters.covered

    def _crowded(self, view: _View) -> bool:
        return view.count - len(self._row_of) > max(_DEAD_ROWS, view.count // 4)

    def _compact(self) -> None:
        with self._writing:
            view = self._view
            place = _places(view)
            rows = np.flatnonzero(place >= 0)
            columns = view.columns.selected(rows, len(rows) * 5 // 4)
            place[rows] = np.arange(len(rows), dtype=np.int32)
            words = Words(
                view.words.postings.merged(view.words.pairs(), place),
                Words.empty().recent,
                0,
                int(columns.length[: len(rows)].sum(dtype=np.int64)),
                len(rows),
            )
            ids = [view.ids[row] for row in rows]
            self._row_of = {id: row for row, id in enumerate(ids)}
            clusters = None if view.clusters is None else selected(view.clusters, rows)
            self._view = _View(view.version, columns, len(rows), ids, words, clusters)

    def _admit(self, view: _View, where: Filter) -> int:
        columns = view.columns
        kinds = np.ones(256, np.bool_)
        if where.kinds is not None:
            kinds[:] = False
            kinds[[self._kinds[kind] for kind in where.kinds if kind in self._kinds]] = True
        whom = np.sort(
            np.array([self._abouts[who] for who in where.about or () if who in self._abouts], np.int32)
        )
        allowed = np.zeros(0, np.bool_) if where.allowed is None else where.allowed
        # A copy, as the mask may be one that nobody may write, of which compiled code knows nothing.
        allowed = np.array(allowed, np.bool_)
        return int(
            admit(
                columns.died,
                view.version,
                columns.scope,
                columns.at,
                columns.kind,
                columns.about,
                view.count,
                where.allowed is not None,
                allowed,
                kinds,
                where.since,
                where.until,
                where.about is not None,
                whom,
                self._scratch.admitted,
            )
        )

    def _nearest(
        self, view: _View, vector: npt.NDArray[np.float32], limit: int, total: int
    ) -> list[tuple[int, float]]:
        best, where = np.full(limit, -np.inf, np.float32), np.full(limit, -1, np.int32)
        query, scale = as_query(vector)
        columns, clusters, admitted = view.columns, view.clusters, self._scratch.admitted
        first = 0
        if clusters is not None and total > self._exact:
            first = clusters.covered
            probe(
                clusters.nearest_first(vector),
                clusters.offsets,
                clusters.members,
                columns.codes,
                columns.scales,
                query,
                scale,
                admitted,
                self._probed + total // 100,
                best,
                where,
            )
        scan(columns.codes, columns.scales, query, scale, admitted, first, view.count, best, where)
        return _sorted(best, where)

    def _said(self, view: _View, terms: Sequence[int], limit: int) -> list[tuple[int, float]]:
        scratch, columns = self._scratch, view.columns
        if not view.words.score(terms, columns.length, scratch.admitted, view.count, scratch.scores):
            return []
        best, where = np.full(limit, -np.inf, np.float32), np.full(limit, -1, np.int32)
        best_words(scratch.scores, view.count, best, where)
        return _sorted(best, where)

    def _hits(
        self, view: _View, near: Sequence[tuple[int, float]], said: Sequence[tuple[int, float]]
    ) -> list[Hit]:
        # In a view each id has one row; what was removed since is left out here.
        near = [(row, score) for row, score in near if view.ids[row] in self._row_of]
        said = [(row, score) for row, score in said if view.ids[row] in self._row_of]
        nearest = {row: (place, score) for place, (row, score) in enumerate(near)}
        matched = {row: (place, score) for place, (row, score) in enumerate(said)}
        columns = view.columns
        return [
            Hit(
                view.ids[row],
                *_placed(nearest, matched, row),
                float(columns.at[row]),
                self._kind_names[columns.kind[row]],
                float(columns.importance[row]),
                self._about_names[columns.about[row]],
            )
            for row in nearest | matched
        ]


def _placed(nearest: _Places, matched: _Places, row: int) -> tuple[int | None, int | None, float, float]:
    by_meaning, similarity = nearest.get(row, (None, math.nan))
    by_words, bm25 = matched.get(row, (None, 0.0))
    return by_meaning, by_words, similarity, bm25


def _number(name: str, numbers: dict[str, int], names: list[str]) -> int:
    found = numbers.get(name)
    if found is None:
        # The name first: whoever sees the number finds it.
        names.append(name)
        found = numbers[name] = len(names) - 1
    return found


def _places(view: _View) -> npt.NDArray[np.int32]:
    """Each row's own place; -1 for those that are dead."""
    alive = view.columns.died[: view.count] > view.version
    return np.where(alive, np.arange(view.count, dtype=np.int32), np.int32(-1))


def _sorted(best: npt.NDArray[np.float32], where: npt.NDArray[np.int32]) -> list[tuple[int, float]]:
    return [(int(where[at]), float(best[at])) for at in np.lexsort((where, -best)) if where[at] >= 0]
