"""The order of what was found."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cognition.search.index import Hit
from cognition.search.ranking import DAY, Weights, fuse, rank

_NOW = 1_800_000_000.0


def _hit(id: str, vector: int | None, text: int | None) -> Hit:
    return Hit(id, vector, text, math.nan, 0.0, _NOW - 400 * DAY, "fact", 0.0, "")


_places = st.one_of(st.none(), st.integers(0, 100))
_hits = st.lists(st.tuples(_places, _places), max_size=20).map(
    lambda all: [_hit(f"m{n}", *places) for n, places in enumerate(all)]
)


def test_found_both_ways_comes_before_first_in_one() -> None:
    ranked = fuse([_hit("words", None, 0), _hit("both", 3, 3), _hit("meaning", 0, None)])
    assert [one.hit.id for one in ranked] == ["both", "meaning", "words"]
    assert ranked[0].score < 1
    assert fuse([_hit("best", 0, 0)])[0].score == 1


def test_of_equal_matches_the_recent_the_important_and_the_related_come_first() -> None:
    old = _hit("a-old", 5, 5)
    for better in (
        replace(old, id="b", at=_NOW),
        replace(old, id="b", importance=1.0),
        replace(old, id="b", about="ada"),
    ):
        ranked = rank([old, better], now=_NOW, relation={"ada"})
        assert [one.hit.id for one in ranked] == ["b", "a-old"]


def test_recency_halves_with_its_half_life_and_the_future_is_now() -> None:
    weights = Weights(recency=1.0, importance=0.0, relation=0.0)
    scores = [
        rank([replace(_hit("m", 0, 0), at=_NOW - age)], now=_NOW, weights=weights)[0].score
        for age in (0.0, weights.half_life, 2 * weights.half_life, -DAY)
    ]
    assert scores == [2.0, 1.5, 1.25, 2.0]


@given(_hits)
def test_nothing_is_lost_and_nothing_beats_its_match_by_more_than_the_weights(hits: list[Hit]) -> None:
    weights = Weights()
    plain = {one.hit.id: one.score for one in fuse(hits)}
    ranked = rank(hits, now=_NOW, weights=weights)
    assert {one.hit.id for one in ranked} == {hit.id for hit in hits} == set(plain)
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    most = 1 + weights.recency + weights.importance + weights.relation
    assert all(plain[one.hit.id] <= one.score <= most * plain[one.hit.id] for one in ranked)
