"""The soak, shortened: the same code for half a minute, and the arithmetic that judges it."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from perf.soak import report, shape_of, soak
from perf.soak_findings import Findings, Lull, growth
from perf.soak_plan import Ending, Shape, plan
from perf.soak_server import Held, Memory, media_with_plain_mind
from perf.timer_control import Lateness

SHORT = Shape(cycles=3, cycle_s=5.0, visits=6, rooms=2, warm_up=1, vanishing=False)
NOTHING = Held(rooms=0, persons=0, tasks=10, threads=3, files=16, sockets=0, rings=0)
ALLOWED_MIB = 12.0


@pytest.mark.models  # no weights are needed, but more time than the quick suite has
@pytest.mark.timeout(170)
async def test_half_a_minute_of_meetings_with_kills_and_loss_leaves_nothing_behind() -> None:
    async with media_with_plain_mind() as server:
        findings = await soak(server, 3, SHORT)
    assert findings.faults() == []
    counts = findings.counts
    assert counts["cuts of all"] == counts["minds killed"] == 1
    assert counts[Ending.DIE.value]
    assert counts[Ending.ABANDON.value]
    assert min(counts[f"{kind} packets received"] for kind in ("audio", "video")) > 0
    # Resident memory is the process's own, whatever else the machine does; times are not compared here.
    resident, own = findings.media_growth()
    assert resident.last - resident.first < ALLOWED_MIB
    assert own.last - own.first < ALLOWED_MIB


def findings_of(lulls: list[Lull], **changes: object) -> Findings:
    found = Findings(
        start=NOTHING,
        lulls=lulls,
        warm_up=2,
        unsettled=(),
        plane=Lateness(),
        control=Lateness(),
        counts={},
        seconds=1800.0,
        cores=0.3,
        media_cores=0.1,
        visits=10,
        came=10,
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def lulls_of(mib: np.ndarray, held: Held = NOTHING) -> list[Lull]:
    return [Lull(72.0 * index, held, Memory(each, each / 2), None) for index, each in enumerate(mib)]


def test_the_same_seed_makes_the_same_plan_and_another_makes_another() -> None:
    shape = shape_of(30)
    assert plan(1, shape) == plan(1, shape)
    assert plan(1, shape) != plan(2, shape)


def test_half_an_hour_has_every_kind_of_ending_and_lets_the_mind_live_long_enough_to_be_compared() -> None:
    shape = shape_of(30)
    cycles = plan(1, shape)
    visits = [visit for cycle in cycles for visit in cycle.visits]
    assert {visit.ending for visit in visits} == set(Ending)
    assert {visit.network.name for visit in visits} >= {"clean", "5 % loss", "20 % loss"}
    assert all(0 <= visit.comes_s < visit.goes_s <= shape.cycle_s for visit in visits)
    killed = [number for number, cycle in enumerate(cycles) if cycle.mind_killed_s is not None]
    assert max(after - before for before, after in pairwise(killed)) > len(cycles) / 2
    assert 60 * 20 < shape.cycles * shape.cycle_s < 60 * 30


def test_a_steady_rise_is_a_leak_and_noise_is_none() -> None:
    noise = np.random.default_rng(1).normal(0, 1.0, 25)
    flat = findings_of(lulls_of(200 + noise))
    assert flat.leaks() == []
    rising = findings_of(lulls_of(200 + noise + np.linspace(0, 20, 25)))
    assert [line.split(":")[0] for line in rising.leaks()] == [
        "resident memory of media",
        "own memory of media",
    ]
    slope = rising.media_growth()[0]
    assert slope.slope == pytest.approx(20 / 0.48, abs=3 * slope.error)
    warming = findings_of(lulls_of(np.r_[150.0, 180.0, 200 + noise[2:]]))
    assert warming.leaks() == []


def test_the_slope_and_its_error_are_those_of_least_squares() -> None:
    hours = np.arange(30) / 10
    values = 3 * hours + np.random.default_rng(2).normal(0, 0.5, 30)
    found = growth(list(hours * 3600), list(values))
    coefficients, covariance = np.polyfit(hours, values, 1, cov=True)
    assert found.slope == pytest.approx(coefficients[0])
    assert found.error == pytest.approx(math.sqrt(covariance[0, 0]))


def test_what_is_held_beyond_the_first_lull_is_a_leak_by_name() -> None:
    lulls = lulls_of(np.full(6, 200.0))
    lulls[-1] = replace(lulls[-1], held=replace(NOTHING, threads=5, rings=1))
    assert findings_of(lulls).leaks() == ["at the end: threads 3 -> 5", "at the end: rings 0 -> 1"]
    stuck = findings_of(lulls[:-1], unsettled=[(3, {"rooms": (0, 1)})])
    assert stuck.leaks() == ["lull 3: rooms 0 -> 1"]


def test_a_soak_in_which_hardly_anybody_was_there_has_failed() -> None:
    found = findings_of(lulls_of(np.full(6, 200.0)), came=3)
    assert found.leaks() == []
    assert found.faults() == ["only 3 of 10 visits were connected"]
    assert report(found).notes[-1] == found.faults()[0]


def test_percentiles_come_from_the_histogram() -> None:
    lateness = Lateness.of_cumulative([90, 98, 98, 99, 99, 99, 100, 100, 100, 100, 100])
    assert lateness.ticks == 100
    assert lateness.percentile(50) == pytest.approx(0.5 * 50 / 90)
    assert lateness.percentile(99) == pytest.approx(5.0)
    assert lateness.share_above(20.0) == 1.0
    assert (lateness - lateness).ticks == 0
    assert math.isnan(Lateness().percentile(50))
