"""The budget of tokens: never exceeded, floors honoured, more for all with more, in proportion to priority."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.rag.budget import Claim, allocate

CLAIMS = st.lists(st.builds(Claim, st.integers(0, 400), st.integers(0, 120), st.integers(1, 9)), max_size=9)
BUDGETS = st.integers(-10, 1500)


@given(BUDGETS, CLAIMS)
def test_the_budget_is_never_exceeded_and_used_up_as_far_as_there_is_need(
    budget: int, claims: list[Claim]
) -> None:
    given = allocate(budget, claims)
    assert sum(given) == min(max(budget, 0), sum(claim.need for claim in claims))
    assert all(0 <= tokens <= claim.need for tokens, claim in zip(given, claims, strict=True))


@given(BUDGETS, CLAIMS)
def test_floors_are_honoured_where_they_fit_and_else_by_priority(budget: int, claims: list[Claim]) -> None:
    given = allocate(budget, claims)
    floors = [min(claim.floor, claim.need) for claim in claims]
    if sum(floors) <= budget:
        assert all(tokens >= floor for tokens, floor in zip(given, floors, strict=True))
        return
    short = [n for n in range(len(claims)) if given[n] < floors[n]]
    first = max((claims[n].priority for n in short), default=0)
    assert all(given[n] == 0 for n, claim in enumerate(claims) if claim.priority < first)


@given(BUDGETS, CLAIMS, st.integers(1, 50))
def test_more_tokens_take_none_away_from_anybody(budget: int, claims: list[Claim], more: int) -> None:
    less = allocate(budget, claims)
    assert all(b >= a for a, b in zip(less, allocate(budget + more, claims), strict=True))


@given(BUDGETS, CLAIMS.filter(bool), st.data())
def test_who_needs_more_or_counts_more_gets_no_less(
    budget: int, claims: list[Claim], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(claims) - 1))
    claim = claims[place]
    needier = [*claims]
    needier[place] = Claim(claim.need + data.draw(st.integers(1, 60)), claim.floor, claim.priority)
    weightier = [*claims]
    weightier[place] = Claim(claim.need, claim.floor, claim.priority + data.draw(st.integers(1, 5)))
    before = allocate(budget, claims)[place]
    assert allocate(budget, needier)[place] >= before
    assert allocate(budget, weightier)[place] >= before


@given(st.integers(0, 600), CLAIMS)
def test_it_is_what_handing_out_token_by_token_gives(budget: int, claims: list[Claim]) -> None:
    """The definition: after the floors, each token goes where the level of water is lowest."""
    floors = [min(claim.floor, claim.need) for claim in claims]
    if sum(floors) > budget:
        return
    tokens = list(floors)
    for _ in range(min(budget, sum(claim.need for claim in claims)) - sum(floors)):
        open_ones = [n for n, claim in enumerate(claims) if tokens[n] < claim.need]
        # Below its floor's level a claim waits for the water.
        lowest = min(open_ones, key=lambda n: ((tokens[n] + 1) / claims[n].priority, n))
        tokens[lowest] += 1
    assert allocate(budget, claims) == tokens


def test_what_is_left_is_shared_by_priority_and_what_one_does_not_need_goes_to_the_others() -> None:
    claims = [Claim(1000, priority=3), Claim(1000, priority=1), Claim(20, priority=4)]
    assert allocate(100, claims) == [60, 20, 20]


@pytest.mark.parametrize("wrong", [(-1, 0, 1), (0, -1, 1), (0, 0, 0)])
def test_a_claim_that_makes_no_sense_is_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="a claim has"):
        Claim(*wrong)
