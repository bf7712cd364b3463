"""The floor of a room: told as what happens when, with what the machine answers."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.conversation.floor_control import (
    AGEING,
    BACKLOG,
    HEARD_OUT,
    LONGEST,
    LONGEST_GAP,
    LULL,
    SHORTEST_GAP,
    TOGETHER,
    Bid,
    FloorControl,
    Granted,
    Outcome,
    Refused,
    Yielded,
)


def bid(persona: str, **given: object) -> Bid:
    return Bid(f"{persona}-1", persona, "addressed", **given)  # type: ignore[arg-type]


def holding(control: FloorControl, one: Bid, now: float) -> None:
    """Gets the floor and is heard at once."""
    control.bid(one, now)
    assert control.ready(one.id, now) == [Granted(one)]
    assert control.heard(one.id, now) == []


def test_whoever_is_ready_in_silence_speaks_at_once() -> None:
    control, nova = FloorControl(), bid("nova")
    assert control.bid(nova, 10.0) == []
    assert control.queue(10.0) == [nova]
    assert control.ready(nova.id, 10.4) == [Granted(nova)]
    assert control.holder == nova
    assert control.queue(10.4) == []
    assert control.due_at(10.4) is None


def test_nobody_speaks_while_a_person_does() -> None:
    control, nova = FloorControl(), bid("nova")
    control.person_started("ada", 0.0)
    control.bid(nova, 1.0)
    assert control.ready(nova.id, 1.0) == []
    assert control.person_stopped("ada", 3.0) == [Granted(nova)]


@pytest.mark.parametrize(("share", "gap"), [(0.0, SHORTEST_GAP), (1.0, LONGEST_GAP)])
def test_between_two_personas_there_is_a_gap(share: float, gap: float) -> None:
    control, nova, felix = FloorControl(lambda _: share), bid("nova"), bid("felix")
    holding(control, nova, 0.0)
    control.bid(felix, 1.0)
    assert control.ready(felix.id, 1.0) == []
    assert control.over(nova.id, 2.0) == []
    assert control.due_at(2.0) == pytest.approx(2.0 + gap)
    assert control.advance(2.0 + gap - 0.01) == []
    assert control.advance(2.0 + gap) == [Granted(felix)]


def test_who_is_not_ready_keeps_nobody_waiting_but_those_who_follow() -> None:
    control, first, second, other = FloorControl(), bid("nova"), bid("felix", after="nova-1"), bid("robin")
    for each in (first, second, other):
        control.bid(each, 0.0)
    assert control.ready(second.id, 0.1) == []
    assert control.ready(other.id, 0.2) == [Granted(other)]
    control.over(other.id, 1.0)
    assert control.ready(first.id, 1.0) == [Granted(first)]
    control.heard(first.id, 1.0)
    control.over(first.id, 3.0)
    assert control.advance(3.0 + LONGEST_GAP) == [Granted(second)]


def test_what_follows_goes_on_when_what_it_follows_is_taken_back() -> None:
    control, first, second = FloorControl(), bid("nova"), bid("felix", after="nova-1")
    control.bid(first, 0.0)
    control.bid(second, 0.0)
    control.ready(second.id, 0.0)
    assert control.over(first.id, 1.0) == [Granted(second)]


def test_what_matters_more_goes_first_and_what_waits_comes_to_matter() -> None:
    control, low, high = FloorControl(), bid("nova", score=0.2, patience=50.0), bid("felix", score=0.9)
    control.person_started("ada", 0.0)
    for each in (low, high):
        control.bid(each, 1.0)
        control.ready(each.id, 1.0)
    assert control.queue(1.0) == [high, low]
    control.over(high.id, 1.0)
    late = Bid("felix-2", "felix", "addressed", score=0.9)
    control.bid(late, 1.0 + 0.8 / AGEING)
    control.ready(late.id, 1.0 + 0.8 / AGEING)
    assert control.queue(1.0 + 0.8 / AGEING) == [low, late]


def test_what_nobody_asked_for_waits_for_a_lull_and_for_all_that_was_asked() -> None:
    control, own, asked = FloorControl(), bid("nova", asked=False, patience=30.0), bid("felix", score=0.1)
    control.person_started("ada", 0.0)
    control.person_stopped("ada", 1.0)
    control.bid(own, 1.0)
    assert control.ready(own.id, 1.0) == []
    control.bid(asked, 1.0 + LULL - 0.1)
    assert control.advance(1.0 + LULL) == []
    control.ready(asked.id, 3.0)
    control.heard(asked.id, 3.0)
    control.over(asked.id, 4.0)
    assert control.due_at(4.0) == 4.0 + LULL
    assert control.advance(4.0 + LULL) == [Granted(own)]


def test_a_bid_that_people_talk_over_becomes_stale_with_a_reason() -> None:
    control, nova = FloorControl(), bid("nova", patience=5.0)
    control.person_started("ada", 0.0)
    control.bid(nova, 1.0)
    assert control.due_at(1.0) == 6.0
    assert control.advance(6.0) == [Refused(nova, "person-speaks")]
    assert control.refused == {"person-speaks": 1}
    assert control.due_at(6.0) is None


def test_a_bid_does_not_become_stale_by_another_persona_speaking() -> None:
    control, nova, felix = FloorControl(), bid("nova"), bid("felix", patience=5.0)
    holding(control, nova, 0.0)
    control.bid(felix, 1.0)
    control.ready(felix.id, 1.0)
    assert control.advance(20.0) == []
    control.over(nova.id, 20.0)
    assert control.advance(20.0 + LONGEST_GAP) == [Granted(felix)]


def test_no_bid_waits_for_ever() -> None:
    control, nova, felix = FloorControl(), bid("nova"), bid("felix", patience=1e9)
    holding(control, nova, 0.0)
    control.bid(felix, 1.0)
    assert control.due_at(1.0) == 1.0 + LONGEST
    assert control.advance(1.0 + LONGEST) == [Refused(felix, "took-too-long")]


def test_who_is_ready_and_waits_for_too_long_is_told_whom_it_waited_for() -> None:
    control, nova, felix = FloorControl(), bid("nova"), bid("felix", patience=1e9)
    holding(control, nova, 0.0)
    control.bid(felix, 1.0)
    control.ready(felix.id, 2.0)
    assert control.advance(1.0 + LONGEST) == [Refused(felix, "another-speaks")]


def test_too_many_bids_cost_the_one_that_matters_least() -> None:
    control = FloorControl()
    control.person_started("ada", 0.0)
    outcomes: list[Outcome] = []
    for number in range(BACKLOG + 1):
        outcomes += control.bid(Bid(f"b{number}", "nova", "addressed", score=0.5 + number / 100), 0.0)
    assert [type(each) for each in outcomes] == [Refused]
    assert outcomes[0].bid.id == "b0"


def test_a_person_who_starts_with_a_persona_has_the_floor() -> None:
    control, nova = FloorControl(), bid("nova")
    holding(control, nova, 5.0)
    assert control.person_started("ada", 5.0 + TOGETHER - 0.01) == [Yielded(nova, "person-speaks")]
    assert control.person_started("ben", 5.0 + TOGETHER) == []


def test_a_person_who_starts_before_the_first_sound_has_the_floor() -> None:
    control, nova = FloorControl(), bid("nova")
    control.bid(nova, 0.0)
    control.ready(nova.id, 0.0)
    assert control.person_started("ada", 0.01) == [Yielded(nova, "person-speaks")]
    assert control.heard(nova.id, 0.02) == [Yielded(nova, "person-speaks")]


def test_a_person_who_starts_later_is_a_matter_of_what_they_say() -> None:
    control, nova = FloorControl(), bid("nova")
    holding(control, nova, 5.0)
    assert control.person_started("ada", 5.0 + 2 * TOGETHER) == []
    assert control.holder == nova


def test_a_persona_interrupts_another_only_when_trusted_when_it_matters_and_having_heard_it_out() -> None:
    for score, trusted, waits, happens in (
        (1.0, True, HEARD_OUT, True),
        (1.0, False, HEARD_OUT, False),
        (0.6, True, HEARD_OUT, False),
        (1.0, True, HEARD_OUT / 2, False),
    ):
        control, nova = FloorControl(), bid("nova", score=0.5)
        felix = bid("felix", score=score, interrupts=trusted, asked=not happens)
        holding(control, nova, 0.0)
        control.bid(felix, waits)
        outcomes = control.ready(felix.id, waits)
        assert outcomes == ([Yielded(nova, "yielded")] if happens else [])
        assert control.advance(waits) == []
        control.over(nova.id, waits + 0.1)
        assert control.advance(waits + 0.1 + LONGEST_GAP) == [Granted(felix)]


def test_who_interrupts_goes_first_whatever_was_asked_meanwhile_until_it_is_granted_or_over() -> None:
    for gives_up in (False, True):
        control, nova = FloorControl(lambda _: 0.0), bid("nova", score=0.5)
        robin = bid("robin", score=0.9)
        felix = bid("felix", score=0.9, interrupts=True, asked=False, patience=20.0)
        holding(control, nova, 0.0)
        control.bid(robin, 0.5)
        control.bid(felix, HEARD_OUT)
        assert control.ready(felix.id, HEARD_OUT) == [Yielded(nova, "yielded")]
        control.over(nova.id, 1.1)
        again = Bid("nova-2", "nova", "addressed", score=1.0)
        control.bid(again, 1.1)
        assert control.ready(again.id, 1.2) == []
        assert control.queue(1.2)[0] == felix
        if gives_up:
            control.over(felix.id, 1.2)
        assert control.advance(1.1 + SHORTEST_GAP) == [Granted(again if gives_up else felix)]


def test_a_bid_made_again_under_the_id_of_one_that_interrupted_goes_before_nobody() -> None:
    control, nova, robin = FloorControl(lambda _: 0.0), bid("nova", score=0.5), bid("robin", score=0.1)
    felix = bid("felix", score=0.9, interrupts=True, asked=False, patience=20.0)
    holding(control, nova, 0.0)
    control.bid(felix, HEARD_OUT)
    control.ready(felix.id, HEARD_OUT)
    control.over(nova.id, 1.1)
    control.over(felix.id, 1.1)
    for each in (felix, robin):
        control.bid(each, 1.1)
        control.ready(each.id, 1.1)
    assert control.queue(1.1) == [robin, felix]


def test_a_person_who_speaks_after_an_interruption_is_still_first() -> None:
    control, nova = FloorControl(lambda _: 0.0), bid("nova", score=0.5)
    felix = bid("felix", score=0.9, interrupts=True, asked=False, patience=20.0)
    holding(control, nova, 0.0)
    control.bid(felix, HEARD_OUT)
    control.ready(felix.id, HEARD_OUT)
    control.over(nova.id, 1.1)
    control.person_started("ada", 1.2)
    assert control.advance(3.0) == []
    assert control.person_stopped("ada", 4.0) == [Granted(felix)]


def test_a_bid_is_made_once() -> None:
    control = FloorControl()
    control.bid(bid("nova"), 0.0)
    with pytest.raises(ValueError, match="already"):
        control.bid(bid("nova"), 1.0)


Step = tuple[str, int, float]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["bid", "ready", "over", "start", "stop"]),
            st.integers(0, 3),
            st.floats(0.0, 3.0),
        ),
        max_size=60,
    )
)
def test_whatever_happens_one_speaks_people_win_and_everybody_learns_what_became_of_it(
    steps: list[Step],
) -> None:
    control, now, count = FloorControl(), 0.0, 0
    open_bids: list[Bid] = []
    told: dict[str, type[Outcome]] = {}
    last_persona = float("-inf")

    def take(outcomes: list[Outcome]) -> None:
        nonlocal last_persona
        for outcome in outcomes:
            assert outcome.bid.id not in told or isinstance(outcome, Yielded)
            if isinstance(outcome, Yielded):
                assert told[outcome.bid.id] is Granted
                continue
            told[outcome.bid.id] = type(outcome)
            if isinstance(outcome, Granted):
                assert not control.people
                assert control.holder == outcome.bid
                assert now >= last_persona + SHORTEST_GAP - 1e-9

    def run_until(end: float) -> None:
        nonlocal now
        while (due := control.due_at(now)) is not None and due <= end:
            now = max(now, due)
            take(control.advance(now))
        now = end

    def end(id: str) -> None:
        nonlocal last_persona
        if control.holder is not None and control.holder.id == id:
            last_persona = now
        take(control.over(id, now))

    actions: dict[str, Callable[[int], object]] = {
        "start": lambda who: take(control.person_started(f"p{who}", now)),
        "stop": lambda who: take(control.person_stopped(f"p{who}", now)),
        "over": lambda who: end(open_bids[-who - 1].id) if len(open_bids) > who else None,
        "ready": lambda who: (
            take(control.ready(open_bids[-who - 1].id, now)) if len(open_bids) > who else None
        ),
    }
    for what, who, wait in steps:
        run_until(now + wait)
        if what == "bid":
            count += 1
            one = Bid(f"b{count}", f"n{who}", "addressed", score=who / 4, asked=who != 3)
            open_bids.append(one)
            take(control.bid(one, now))
        else:
            actions[what](who)
        holder = control.holder
        if holder is not None:
            take(control.heard(holder.id, now))
    waiting = {each.id for each in control.queue(now)}
    if control.holder is not None:
        end(control.holder.id)
    run_until(now + 2 * LONGEST)
    assert control.queue(now) == []
    assert waiting <= told.keys()


def test_an_answer_that_a_slow_machine_still_composes_is_not_stale_while_nobody_speaks() -> None:
    control, nova = FloorControl(), bid("nova", patience=5.0)
    control.bid(nova, 0.0)
    assert control.advance(30.0) == []
    assert control.ready(nova.id, 40.0) == [Granted(nova)]


def test_an_answer_has_its_patience_from_its_first_sound_on() -> None:
    control, nova, felix = FloorControl(), bid("nova", patience=5.0), bid("felix")
    control.bid(nova, 0.0)
    holding(control, felix, 29.0)
    assert control.ready(nova.id, 30.0) == []
    control.person_started("ada", 31.0)
    assert control.over(felix.id, 32.0) == []
    assert control.advance(34.0) == []
    assert control.advance(40.0) == [Refused(nova, "person-speaks")]


def test_an_answer_that_people_talk_over_while_it_is_composed_is_stale_and_so_is_one_that_never_sounds() -> (
    None
):
    control, nova, felix = FloorControl(), bid("nova", patience=5.0), bid("felix", patience=5.0)
    control.bid(nova, 0.0)
    control.person_started("ada", 1.0)
    assert control.advance(5.0) == [Refused(nova, "person-speaks")]
    control.person_stopped("ada", 6.0)
    control.bid(felix, 6.0)
    assert control.advance(6.0 + LONGEST) == [Refused(felix, "took-too-long")]
