"""Which lines fit the context: the beginning stays put until it must move, and then moves far."""

from hypothesis import given
from hypothesis import strategies as st

from cognition.inference.window import clip, first_kept


def test_nothing_moves_while_everything_fits() -> None:
    assert first_kept([10] * 10, 0, limit=100, budget=100) == 0
    assert first_kept([10] * 10, 3, limit=100, budget=100) == 3


def test_a_trim_frees_half_so_that_the_next_is_far_away() -> None:
    costs = [10] * 11
    start = first_kept(costs, 0, limit=100, budget=100)
    assert sum(costs[start:]) == 50
    for _ in range(5):
        costs.append(10)
        assert first_kept(costs, start, limit=100, budget=100) == start


def test_the_last_line_stays_if_it_fits_at_all() -> None:
    assert first_kept([10, 10, 90], 0, limit=100, budget=100) == 2
    assert first_kept([10, 200], 0, limit=100, budget=100) == 2


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(0, 80), st.integers(50, 400))
def test_what_is_kept_always_fits_and_never_grows_backwards(
    costs: list[int], start: int, budget: int
) -> None:
    kept = first_kept(costs, start, limit=budget, budget=budget)
    assert min(start, len(costs)) <= kept <= len(costs)
    assert sum(costs[kept:]) <= budget


@given(st.text(max_size=120), st.integers(1, 40))
def test_a_clipped_text_fits_and_is_a_beginning(text: str, limit: int) -> None:
    clipped = clip(text, limit, len)
    assert len(clipped) <= limit
    assert text.startswith(clipped.removesuffix("…"))
    assert clipped == text or len(text) > limit


def test_a_text_is_clipped_between_words() -> None:
    assert clip("one two three four", 3, lambda text: len(text.split())) == "one two three…"
