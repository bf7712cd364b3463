"""Rows by nearest centroid, so that a search of very many looks at some of them (Jégou, Douze and Schmid 2011, IVF)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cognition.search.columns import as_codes
from cognition.search.kernels import nearest_centroids

__all__ = ["Clusters", "Stopped", "extended", "selected", "trained"]

_SAMPLES = 40
"""Of each cluster, that its centroid is found with."""
_ROUNDS = 6
_AT_ONCE = 2048


class Stopped(Exception):
    """The work was given up."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """k centroids, and which of the first `covered` rows are nearest to each.

    Attributes:
        centroids: int16[k, dimensions].
        scales: float32[k].
        assigned: int32[covered], the cluster of each row.
        offsets: int64[k + 1], where each cluster's members begin.
        members: int32[covered], rows by cluster.
        covered: see above.
        trained: rows that there were when the centroids were found.
    """

    centroids: npt.NDArray[np.int16]
    scales: npt.NDArray[np.float32]
    assigned: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    members: npt.NDArray[np.int32]
    covered: int
    trained: int

    def nearest_first(self, vector: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
        """Clusters in the order in which a search for a vector looks at them."""
        return np.argsort(-(self.centroids @ vector) * self.scales).astype(np.int32)


def trained(
    codes: npt.NDArray[np.int8],
    scales: npt.NDArray[np.float32],
    count: int,
    stopped: Callable[[], bool],
    seed: int = 1,
) -> Clusters:
    """Finds centroids by spherical k-means over a sample, k the root of `count`, and assigns all rows.

    Args:
        codes: int8[n, dimensions].
        scales: float32[n].
        count: rows that there are.
        stopped: asked every now and then.
        seed: of the sample.

    Raises:
        Stopped: as soon as `stopped` says so.
    """
    k = max(1, math.isqrt(count))
    chosen = np.random.default_rng(seed).choice(count, min(count, _SAMPLES * k), replace=False)
    sample = np.ascontiguousarray(codes[chosen])
    vectors = sample * scales[chosen, np.newaxis]
    centroids, lengths = _coded(vectors[:k])
    for _ in range(_ROUNDS):
        nearest = _assigned(sample, centroids, lengths, 0, len(sample), stopped)
        order = np.argsort(nearest, kind="stable")
        present, starts = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(vectors[order], starts, axis=0)
        means = np.array(vectors[:k])
        means[present] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        centroids, lengths = _coded(means)
    assigned = _assigned(codes, centroids, lengths, 0, count, stopped)
    return _listed(centroids, lengths, assigned, count)


def extended(
    clusters: Clusters,
    codes: npt.NDArray[np.int8],
    count: int,
    stopped: Callable[[], bool],
) -> Clusters:
    """With the rows that came since assigned to the centroids there are.

    Raises:
        Stopped: as soon as `stopped` says so.
    """
    further = _assigned(codes, clusters.centroids, clusters.scales, clusters.covered, count, stopped)
    return _listed(
        clusters.centroids,
        clusters.scales,
        np.concatenate((clusters.assigned, further)),
        clusters.trained,
    )


def selected(clusters: Clusters, rows: npt.NDArray[np.int64]) -> Clusters:
    """Of some rows alone, which become the rows 0, 1, …; `rows` is in order."""
    covered = rows[rows < clusters.covered]
    return _listed(clusters.centroids, clusters.scales, clusters.assigned[covered], clusters.trained)


def _coded(vectors: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    codes, scales = as_codes(vectors)
    return codes.astype(np.int16), scales


def _assigned(
    codes: npt.NDArray[np.int8],
    centroids: npt.NDArray[np.int16],
    lengths: npt.NDArray[np.float32],
    start: int,
    stop: int,
    stopped: Callable[[], bool],
) -> npt.NDArray[np.int32]:
    nearest = np.empty(stop - start, np.int32)
    for first in range(start, stop, _AT_ONCE):
        if stopped():
            raise Stopped
        last = min(first + _AT_ONCE, stop)
        nearest_centroids(codes, centroids, lengths, first, last, nearest[first - start : last - start])
    return nearest


def _listed(
    centroids: npt.NDArray[np.int16],
    lengths: npt.NDArray[np.float32],
    assigned: npt.NDArray[np.int32],
    trained: int,
) -> Clusters:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(np.bincount(assigned, minlength=len(lengths)), out=offsets[1:])
    members = np.argsort(assigned, kind="stable").astype(np.int32)
    return Clusters(centroids, lengths, assigned, offsets, members, len(assigned), trained)
