"""A short meeting under each rule, judged by what its script wanted."""

import pytest

from perf.floor import TOLERATED, Findings, held, judge
from perf.meeting import Act, Want
from perf.meeting_room import Asked, Meeting, Spoke

MINUTES = 4 * 60.0


@pytest.mark.parametrize(("people", "personas"), [(1, 2), (3, 3), (4, 6)])
def test_in_a_meeting_everybody_asked_answers_in_turn_and_nobody_else(people: int, personas: int) -> None:
    found = held("ours", people, personas, MINUTES, 1)
    assert found.questions > 5
    assert found.unanswered == found.wrong == found.unasked == found.disordered == []
    assert [seconds for seconds in found.overlaps if seconds > TOLERATED] == []
    assert found.over_people == 0
    assert all(0.19 <= gap for gap in found.gaps)


def test_personas_that_all_answer_talk_over_each_other_and_answer_what_nobody_asked() -> None:
    found = held("everyone", 3, 3, MINUTES, 1)
    assert len([seconds for seconds in found.overlaps if seconds > TOLERATED]) > 10
    assert len(found.wrong) > 5
    assert len(found.unasked) > 10


def test_personas_in_turn_leave_questions_unanswered_and_answer_what_nobody_asked() -> None:
    found = held("round robin", 3, 3, MINUTES, 1)
    assert found.overlaps == []
    assert len(found.unanswered) > 3
    assert len(found.unasked) > 3


def meeting(*spoke: Spoke, asked: tuple[Asked, ...] = ()) -> Meeting:
    held = Meeting(2, ("Nova", "Felix"))
    held.spoke += spoke
    held.asked += asked
    held.speech += [(each.began, each.ended) for each in asked]
    return held


def test_the_judge_finds_what_is_wrong() -> None:
    question = Asked(Act("direct", 0, "Nova, why?", Want.ALL, ("Nova",), named=True), "a-1", 0.0, 1.0)
    pair = Asked(
        Act("pair", 0, "Nova and Felix?", Want.ALL, ("Nova", "Felix"), ordered=True), "a-2", 20.0, 21.0
    )
    talk = Asked(Act("talk", 1, "It rained.", Want.NOBODY), "b-1", 40.0, 41.0)
    found = judge(
        meeting(
            Spoke("felix", "a-1", 2.0, 5.0),
            Spoke("felix", "a-2", 22.0, 24.0),
            Spoke("nova", "a-2", 23.0, 26.0),
            Spoke("nova", "b-1", 40.5, 43.0),
            asked=(question, pair, talk),
        ),
        60.0,
    )
    assert [len(each) for each in (found.unanswered, found.wrong, found.disordered, found.unasked)] == [1] * 4
    assert found.overlaps == [1.0]
    assert found.over_people == 1
    assert (found.named, found.named_right) == (1, 0)


def test_who_is_asked_again_within_a_round_is_asked_once_and_after_it_twice() -> None:
    both = Asked(Act("each", 0, "Each of you?", Want.ALL, ("Nova", "Felix")), "a-1", 0.0, 1.0)
    for again, missing in ((14.0, 0), (17.0, 1)):
        other = Asked(Act("direct", 0, "Felix, why?", Want.ALL, ("Felix",)), "a-2", again, again + 1.0)
        answers = (Spoke("nova", "a-1", 15.0, 18.0), Spoke("felix", "a-2", 19.0, 20.0))
        assert len(judge(meeting(*answers, asked=(both, other)), 60.0).unanswered) == missing


def test_meetings_are_summed_up() -> None:
    total = Findings()
    total.add(Findings(hours=1.0, gaps=[0.3]))
    total.add(Findings(hours=0.5, gaps=[0.4], unanswered=["x"]))
    assert (total.hours, total.gaps, total.unanswered) == (1.5, [0.3, 0.4], ["x"])
