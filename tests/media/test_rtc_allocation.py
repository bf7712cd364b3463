from hypothesis import given
from hypothesis import strategies as st

from media.rtc.allocation import Demand, allocate, layer_for_viewport
from media.rtc.downlink import HOLD_NS, INITIAL, LEAST, MOST, Downlink

RATES = (150_000, 500_000, 1_500_000)
SIZES = ((320, 180), (640, 360), (1280, 720))
S = 1_000_000_000


def demand(viewport: tuple[int, int] | None) -> Demand:
    return Demand(RATES, SIZES, viewport)


def test_a_tile_is_given_the_least_layer_that_fills_it() -> None:
    wanted = {(0, 0): None, (100, 60): 0, (400, 225): 0, (500, 280): 1, (900, 500): 1, (1000, 600): 2}
    assert {size: layer_for_viewport(demand(size)) for size in wanted} == wanted
    assert layer_for_viewport(demand((4000, 3000))) == 2
    assert layer_for_viewport(demand(None)) == 2


def test_all_are_shown_before_one_is_shown_well_and_the_largest_is_raised_first() -> None:
    demands = [demand((300, 170)), demand((1280, 720)), demand((640, 360))]
    assert allocate(demands, 10_000_000) == [0, 2, 1]
    assert allocate(demands, 460_000) == [0, 0, 0]
    assert allocate(demands, 800_000) == [0, 1, 0]
    assert allocate(demands, 320_000) == [None, 0, 0]
    assert allocate(demands, 0) == [None, 0, None]
    assert allocate([demand((0, 0))], 10_000_000) == [None]


rates = st.lists(st.integers(1, 5_000_000), min_size=1, max_size=3).map(lambda each: tuple(sorted(each)))
sizes = st.none() | st.tuples(st.integers(0, 4000), st.integers(0, 4000))


@given(st.lists(st.tuples(rates, sizes), max_size=12), st.integers(0, 20_000_000))
def test_no_more_is_given_than_the_budget_but_for_the_largest_tiles_least_layer(
    slots: list[tuple[tuple[int, ...], tuple[int, int] | None]], budget: int
) -> None:
    demands = [Demand(rate, SIZES[: len(rate)], viewport) for rate, viewport in slots]
    given = allocate(demands, budget)
    shown = [(d, layer) for d, layer in zip(demands, given, strict=True) if layer is not None]
    assert all(layer <= (layer_for_viewport(d) or 0) for d, layer in shown)
    largest = max((d for d in demands if d.area), key=lambda d: d.area, default=None)
    if largest is not None:
        total = sum(d.rates[layer] for d, layer in shown)
        assert total <= max(budget, largest.rates[0])


def test_the_budget_falls_to_what_is_measured_waits_and_tries_again() -> None:
    downlink = Downlink()
    downlink.on_estimate(400_000, 1 * S)
    assert downlink.update(1_500_000, 1 * S)
    assert downlink.budget == 400_000
    assert not downlink.update(1_500_000, 1 * S + 5)
    downlink.on_estimate(420_000, 2 * S)
    downlink.update(300_000, 2 * S)
    assert downlink.budget == 400_000
    now = 1 * S + HOLD_NS
    for _ in range(4):
        now += S
        downlink.on_estimate(420_000, now)
        downlink.update(300_000, now)
    assert downlink.budget > 800_000
    downlink.on_estimate(400_000, now + S)
    downlink.update(900_000, now + S)
    assert downlink.budget == 400_000
    downlink.update(300_000, now + S + HOLD_NS + S)
    assert downlink.budget == 400_000, "the second attempt waits for longer"


def test_heavy_loss_takes_away_and_light_loss_leaves_as_it_is() -> None:
    downlink = Downlink()
    for second in range(1, 6):
        downlink.on_loss(0.3)
        downlink.update(1_000_000, second * S)
    assert downlink.budget < 1_000_000
    held = Downlink()
    held.on_loss(0.1)
    held.update(1_000_000, S)
    assert held.budget == INITIAL


@given(
    st.lists(
        st.tuples(st.integers(0, 1 << 80), st.floats(0, 1), st.integers(0, 1 << 40), st.integers(0, 10 * S)),
        max_size=60,
    )
)
def test_whatever_a_browser_reports_the_budget_stays_in_bounds(
    reports: list[tuple[int, float, int, int]],
) -> None:
    downlink, now = Downlink(), 0
    for estimate, loss, sent, later in reports:
        now += later
        downlink.on_estimate(estimate, now)
        downlink.on_loss(loss)
        downlink.update(sent, now)
        assert LEAST <= downlink.budget <= MOST
