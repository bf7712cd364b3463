"""The token bucket: so many at once, so many a second, whatever the clock does."""

from hypothesis import given
from hypothesis import strategies as st

from signaling.server.limits import TokenBucket


def test_a_burst_is_taken_and_then_the_rate() -> None:
    bucket = TokenBucket(rate=10, burst=5, now=0.0)
    assert [bucket.take(0.0) for _ in range(6)] == [True] * 5 + [False]
    assert bucket.take(0.1)
    assert not bucket.take(0.1)


def test_rest_fills_it_to_the_burst_and_no_further() -> None:
    bucket = TokenBucket(rate=10, burst=5, now=0.0)
    assert sum(bucket.take(1000.0) for _ in range(20)) == 5


@given(st.lists(st.floats(0, 2), max_size=200))
def test_no_pattern_gets_more_than_burst_and_rate_allow(pauses: list[float]) -> None:
    bucket = TokenBucket(rate=3, burst=4, now=0.0)
    now, taken = 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now)
        assert taken <= 4 + 3 * now + 1e-6


@given(st.lists(st.floats(-5, 5), max_size=50))
def test_a_clock_that_goes_back_gives_nothing(steps: list[float]) -> None:
    bucket = TokenBucket(rate=1, burst=1, now=0.0)
    now, forward = 0.0, 0.0
    taken = 0
    for step in steps:
        now += step
        forward += max(step, 0.0)
        taken += bucket.take(now)
    assert taken <= 1 + forward + 1e-6
