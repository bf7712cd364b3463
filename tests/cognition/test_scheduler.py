"""The tick: who is serviced and why, when the next tick is, and that it is what a loop over objects decides."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognition.persona.rights import REST_BELOW, REST_UNTIL
from cognition.persona.scheduler import CADENCES, URGENT, Why, blank, cadence, tick
from cognition.persona.state import time_to_charge
from perf.tick import crowd, differences, objects

NOW = 1.8e9


def one(**fields: Any) -> npt.NDArray[np.void]:
    rows = blank(1)
    for name, value in ({"seated": 1, "at": NOW} | fields).items():
        rows[name] = value
    return rows


def ticked(rows: npt.NDArray[np.void], now: float = NOW) -> tuple[list[tuple[int, Why]], float]:
    who, why, horizon = np.zeros(len(rows), np.int32), np.zeros(len(rows), np.uint8), np.zeros(1)
    count = tick(rows, now, who, why, horizon)
    return [(int(who[place]), Why(why[place])) for place in range(count)], float(horizon[0])


@pytest.mark.parametrize("count", [1, 14, 300])
@pytest.mark.parametrize("seed", range(4))
def test_one_pass_over_rows_decides_what_a_loop_over_objects_does(count: int, seed: int) -> None:
    rows = crowd(count, seed)
    assert differences(rows, objects(rows), 40) == []


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_however_the_personas_are_the_two_ways_agree(seed: int) -> None:
    rows = crowd(20, seed)
    assert differences(rows, objects(rows), 5) == []


def test_an_idle_house_has_no_timer() -> None:
    rows = blank(100)
    rows["seated"] = 1
    assert ticked(rows) == ([], math.inf)


def test_an_empty_house_has_none_either() -> None:
    assert ticked(blank(0)) == ([], math.inf)


def test_a_tired_persona_rests_until_it_is_well_above_where_it_began() -> None:
    rows = one(energy=REST_BELOW - 0.01)
    found, horizon = ticked(rows)
    assert found == [(0, Why.REST)]
    assert horizon == pytest.approx(NOW + time_to_charge(REST_BELOW - 0.01, REST_UNTIL, resting=True))
    assert ticked(rows, horizon - 1.0)[0] == []
    assert ticked(rows, horizon + 1e-3)[0] == [(0, Why.WAKE)]
    assert ticked(rows, horizon + 1.0) == ([], math.inf)


def test_who_rests_is_left_alone_whatever_waits() -> None:
    rows = one(energy=0.4, resting=1, waiting=9, priority=1.0, intention=NOW - 5.0, reflect=NOW - 5.0)
    found, horizon = ticked(rows)
    assert found == []
    assert horizon > NOW


def test_an_operator_keeps_a_persona_awake_for_a_while_and_no_longer() -> None:
    rows = one(energy=0.05, awake_until=NOW + 60.0)
    assert ticked(rows) == ([], NOW + 60.0)
    assert ticked(rows, NOW + 60.0)[0] == [(0, Why.REST)]
    resting = one(energy=0.05, resting=1, awake_until=NOW + 60.0)
    assert ticked(resting)[0] == [(0, Why.WAKE)]


def test_who_is_paused_or_speaks_is_not_serviced_but_lives_on() -> None:
    for flag in ("paused", "speaking"):
        rows = one(energy=0.5, waiting=5, intention=NOW, **{flag: 1})
        assert ticked(rows, NOW + 60.0) == ([], math.inf)
        assert rows["energy"][0] > 0.5


def test_one_that_has_gone_is_passed_over() -> None:
    assert ticked(one(seated=0, energy=0.0, waiting=3)) == ([], math.inf)


def test_what_is_due_besides_is_due_in_the_next_pass() -> None:
    rows = one(intention=NOW - 1.0, waiting=2, priority=0.5, serviced=NOW - 60.0, reflect=NOW - 1.0)
    found, horizon = ticked(rows)
    assert found == [(0, Why.INTENTION)]
    assert horizon <= NOW
    rows["intention"] = np.inf
    assert ticked(rows)[0] == [(0, Why.MESSAGE)]
    rows["waiting"] = 0
    assert ticked(rows)[0] == [(0, Why.REFLECT)]


def test_an_inbox_is_looked_into_at_the_cadence_of_its_persona() -> None:
    rows = one(waiting=2, priority=0.5, serviced=NOW, energy=0.9)
    assert ticked(rows) == ([], NOW + CADENCES[0])
    assert ticked(rows, NOW + CADENCES[0])[0] == [(0, Why.MESSAGE)]
    assert ticked(rows, NOW + CADENCES[0] + 0.1)[1] == pytest.approx(NOW + 2 * CADENCES[0])


def test_the_tireder_the_slower_and_what_is_urgent_sooner() -> None:
    assert [cadence(energy, 0.0, 1, 0.5) for energy in (0.9, 0.5, 0.2)] == [3.0, 5.0, 7.0]
    assert cadence(0.2, -0.6, 1, 0.5) == 10.0
    assert cadence(0.9, 0.5, 40, 0.5) == 10.0
    assert cadence(0.5, 0.0, 1, URGENT) == 3.0
    assert cadence(0.9, 0.0, 1, 1.0) == 3.0


def test_a_tick_allocates_nothing() -> None:
    import tracemalloc

    rows = crowd(1000)
    who, why, horizon = np.zeros(1000, np.int32), np.zeros(1000, np.uint8), np.zeros(1)
    tick(rows, NOW, who, why, horizon)
    tracemalloc.start()
    try:
        before = tracemalloc.take_snapshot()
        for second in range(50):
            tick(rows, NOW + second, who, why, horizon)
        after = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    grown = sum(
        each.size_diff for each in after.compare_to(before, "filename") if "scheduler" in str(each.traceback)
    )
    assert grown < 1024
