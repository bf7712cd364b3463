"""The order of what was found: reciprocal ranks fused, then how recent, important and near to the asker it is; pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cognition.search.index import Hit

__all__ = ["RRF_K", "Ranked", "Weights", "fuse", "rank"]

RRF_K = 60.0
"""What a first place is worth against a second (Cormack, Clarke and Büttcher 2009)."""

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Weights:
    """How much more an item counts for what it is, beside how well it matches.

    Attributes:
        recency: share that something of this moment gains.
        half_life: seconds after which half of that is left.
        importance: share that something of importance 1 gains over something of importance 0.
        relation: share that something about one of those who are asked about, or are present, gains.
    """

    recency: float = 0.15
    half_life: float = 30 * DAY
    importance: float = 0.25
    relation: float = 0.25


@dataclass(frozen=True, slots=True)
class Ranked:
    """A hit and its score; scores of one search compare, those of two do not."""

    hit: Hit
    score: float


def fuse(hits: Sequence[Hit]) -> list[Ranked]:
    """By reciprocal rank fusion alone, best first.

    Returns:
        Scores in (0, 1]: 1 is first by meaning and by words.
    """
    most = 2 / RRF_K
    ranked = [
        Ranked(
            hit,
            sum(1 / (RRF_K + place) for place in (hit.vector_rank, hit.text_rank) if place is not None)
            / most,
        )
        for hit in hits
    ]
    return sorted(ranked, key=_order)


def rank(
    hits: Sequence[Hit], *, now: float, relation: Collection[str] = (), weights: Weights = Weights()
) -> list[Ranked]:
    """Fused, then weighed by what each item is; best first.

    Args:
        hits: of one search.
        now: seconds since 1970.
        relation: identities that matter here: who is asked about, who is present.
        weights: how much each counts.

    Returns:
        Scores of `fuse`, grown by at most the sum of the weights' shares.
    """
    ranked = []
    for one in fuse(hits):
        hit = one.hit
        age = max(0.0, now - hit.at)
        gain = (
            weights.recency * 0.5 ** (age / weights.half_life)
            + weights.importance * min(max(hit.importance, 0.0), 1.0)
            + weights.relation * bool(hit.about and hit.about in relation)
        )
        ranked.append(Ranked(hit, one.score * (1 + gain)))
    return sorted(ranked, key=_order)


def _order(one: Ranked) -> tuple[float, str]:
    return -one.score, one.hit.id
