"""Energy and mood: exact for any elapsed time, within their bounds, moved by what happens as one would expect."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.persona.appraisal import THINKING_S
from cognition.persona.rights import REST_BELOW
from cognition.persona.state import (
    AROUSAL_S,
    CHARGE_AWAKE_S,
    CHARGE_RESTING_S,
    DISCHARGE_SPEAKING_S,
    DISCHARGE_THINKING_S,
    IMPULSES,
    VALENCE_S,
    Impulse,
    State,
    advanced,
    moved,
    speaking_seconds,
    spent,
    time_to_charge,
)

shares = st.floats(0.0, 1.0)
moods = st.floats(-1.0, 1.0)
spans = st.floats(0.0, 1e6)
states = st.builds(State, shares, moods, moods, moods, moods, st.floats(0.0, 1e10), st.booleans())


def close(one: State, other: State) -> bool:
    pairs = ((one.energy, other.energy), (one.valence, other.valence), (one.arousal, other.arousal))
    return all(math.isclose(mine, theirs, abs_tol=1e-9) for mine, theirs in pairs)


@given(state=states, span=spans, steps=st.integers(2, 40))
def test_many_small_steps_lead_where_one_large_one_does(state: State, span: float, steps: int) -> None:
    start = State(
        state.energy, state.valence, state.arousal, state.home_valence, state.home_arousal, 0.0, state.resting
    )
    walked = start
    for step in range(1, steps + 1):
        walked = advanced(walked, span * step / steps)
    assert close(walked, advanced(start, span))


@given(state=states, changes=st.lists(st.tuples(st.sampled_from(sorted(IMPULSES)), shares, spans, spans)))
def test_nothing_leads_out_of_the_bounds(
    state: State, changes: list[tuple[Impulse, float, float, float]]
) -> None:
    for impulse, weight, pause, work in changes:
        state = spent(moved(advanced(state, state.at + pause), impulse, weight), speaking=work, thinking=work)
        assert 0.0 <= state.energy <= 1.0
        assert -1.0 <= state.valence <= 1.0
        assert -1.0 <= state.arousal <= 1.0


@given(state=states)
def test_a_clock_that_is_set_back_changes_nothing(state: State) -> None:
    assert advanced(state, state.at - 100.0) == state
    assert advanced(state, math.nan) == state


@given(state=states, one=spans, other=spans)
def test_work_costs_the_same_in_one_piece_or_two(state: State, one: float, other: float) -> None:
    twice = spent(spent(state, speaking=one), speaking=other)
    assert math.isclose(twice.energy, spent(state, speaking=one + other).energy, abs_tol=1e-12)


def test_energy_discharges_to_a_third_in_a_time_constant_of_speaking_and_more_slowly_in_thought() -> None:
    assert spent(State(), speaking=DISCHARGE_SPEAKING_S).energy == pytest.approx(1 / math.e)
    assert (
        spent(State(), thinking=DISCHARGE_SPEAKING_S).energy
        > spent(State(), speaking=DISCHARGE_SPEAKING_S).energy
    )
    assert DISCHARGE_THINKING_S > DISCHARGE_SPEAKING_S


def test_rest_restores_faster_than_listening_by_the_ratio_that_was_measured_on_sleepers() -> None:
    tired = State(energy=0.2, at=0.0)
    asleep = State(energy=0.2, at=0.0, resting=True)
    assert advanced(asleep, 60.0).energy > advanced(tired, 60.0).energy
    assert DISCHARGE_SPEAKING_S / CHARGE_RESTING_S == pytest.approx(18.2 / 4.2)


@given(energy=st.floats(0.0, 0.5), wanted=st.floats(0.5, 0.99), resting=st.booleans())
def test_the_time_to_charge_is_the_one_after_which_it_is_charged(
    energy: float, wanted: float, resting: bool
) -> None:
    span = time_to_charge(energy, wanted, resting)
    assert advanced(State(energy=energy, at=0.0, resting=resting), span).energy == pytest.approx(wanted)
    assert time_to_charge(wanted, energy, resting) == 0.0


def test_mood_returns_to_its_home_base_and_arousal_before_valence() -> None:
    stirred = State(valence=-0.6, arousal=0.9, home_valence=0.3, home_arousal=0.1)
    later = advanced(stirred, AROUSAL_S)
    assert later.arousal - 0.1 == pytest.approx((0.9 - 0.1) / math.e)
    assert abs(later.valence - 0.3) > (0.9 / math.e)
    settled = advanced(stirred, 20 * VALENCE_S)
    assert settled.valence == pytest.approx(0.3, abs=1e-6)
    assert settled.arousal == pytest.approx(0.1, abs=1e-6)


def test_praise_lifts_blame_lowers_and_an_interruption_stirs() -> None:
    calm = State(valence=0.0, arousal=0.0)
    assert moved(calm, "praised").valence > 0.0 > moved(calm, "blamed").valence
    assert moved(calm, "interrupted").valence < 0.0 < moved(calm, "interrupted").arousal
    assert moved(calm, "praised", 0.0) == calm
    assert CHARGE_AWAKE_S > CHARGE_RESTING_S


def test_a_minute_of_words_takes_a_minute() -> None:
    assert speaking_seconds(" ".join(["word"] * 150)) == pytest.approx(60.0)
    assert speaking_seconds("") == 0.0


@pytest.mark.parametrize(("share", "rests"), [(1.0, True), (0.5, True), (0.15, False)])
def test_whoever_has_half_of_an_hours_words_or_more_comes_to_rest_in_it_and_a_listener_does_not(
    share: float, rests: bool
) -> None:
    words = speaking_seconds(" ".join(["word"] * 20))
    state, lowest = State(), 1.0
    while state.at < 3600.0:
        state = spent(advanced(state, state.at + words / share), speaking=words, thinking=THINKING_S)
        lowest = min(lowest, state.energy)
    assert (lowest < REST_BELOW) == rests
