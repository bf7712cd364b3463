import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.speech.segmenter import Ended, Onset, Paused, Resumed, Segmenter, SegmentEvent, Thresholds
from media.speech.vad import CHUNK, RATE

V, S = 0.9, 0.05


def run(segmenter: Segmenter, probabilities: list[float], start: int = 0) -> list[tuple[int, SegmentEvent]]:
    found: list[tuple[int, SegmentEvent]] = []
    for number, probability in enumerate(probabilities):
        found += [(number, event) for event in segmenter.step(start + number * CHUNK, probability)]
    return found


def test_speech_starts_with_the_third_voiced_chunk_and_reaches_back_before_the_first() -> None:
    events = run(Segmenter(), [S] * 20 + [V] * 3)
    assert events == [(22, Onset(20 * CHUNK - RATE // 4, 20 * CHUNK))]


def test_clicks_of_a_chunk_or_two_never_start_speech() -> None:
    assert run(Segmenter(), [S, V, S, S, V, V, S, S] * 50) == []


def test_one_silent_chunk_does_not_undo_a_start() -> None:
    events = run(Segmenter(), [S] * 20 + [V, V, S, V])
    assert [type(event) for _, event in events] == [Onset]


def test_a_pause_is_told_after_32_ms_and_names_the_end_of_the_last_voiced_chunk() -> None:
    events = run(Segmenter(), [V] * 10 + [S])
    assert events[1] == (10, Paused(0, 10 * CHUNK, 10 * CHUNK, brief=False))


def test_a_half_voiced_chunk_keeps_speech_going_but_does_not_start_it() -> None:
    assert run(Segmenter(), [0.4] * 50) == []
    assert [type(event) for _, event in run(Segmenter(), [V] * 10 + [0.4] * 50)] == [Onset]


def test_a_click_in_a_pause_does_not_end_it() -> None:
    events = run(Segmenter(), [V] * 10 + [S] * 3 + [V] + [S] * 3)
    assert [type(event) for _, event in events] == [Onset, Paused]


def test_two_voiced_chunks_end_a_pause_and_tell_how_long_it_was() -> None:
    events = run(Segmenter(), [V] * 10 + [S] * 7 + [V] * 2)
    assert events[-1] == (18, Resumed(7 * CHUNK))


def test_a_pause_ends_the_segment_only_when_it_is_said_how_long_that_takes() -> None:
    segmenter = Segmenter()
    assert [type(event) for _, event in run(segmenter, [V] * 10 + [S] * 100)] == [Onset, Paused]
    assert list(segmenter.finish_after(RATE)) == [Ended(forced=False)]
    assert segmenter.quiet


def test_the_wait_asked_for_is_kept_to_within_a_chunk() -> None:
    segmenter = Segmenter()
    run(segmenter, [V] * 10 + [S] * 3)
    assert list(segmenter.finish_after(10 * CHUNK)) == []
    events = run(segmenter, [S] * 10, start=13 * CHUNK)
    assert events == [(6, Ended(forced=False))]


def test_going_on_forgets_the_wait_that_was_asked_for() -> None:
    segmenter = Segmenter()
    run(segmenter, [V] * 10 + [S] * 3)
    list(segmenter.finish_after(5 * CHUNK))
    events = run(segmenter, [V] * 5 + [S] * 60, start=13 * CHUNK)
    assert [type(event) for _, event in events] == [Resumed, Paused]


def test_too_little_voice_is_called_brief() -> None:
    events = run(Segmenter(), [V] * 4 + [S] * 3)
    assert isinstance(events[-1][1], Paused)
    assert events[-1][1].brief


def test_sound_that_stops_coming_pauses_and_ends_a_segment_too() -> None:
    segmenter = Segmenter()
    run(segmenter, [V] * 10)
    assert [type(event) for event in segmenter.starve(RATE // 5)] == [Paused]
    assert list(segmenter.finish_after(RATE // 2)) == []
    assert list(segmenter.starve(RATE // 2)) == [Ended(forced=False)]


def test_an_overlong_segment_stops_reading_until_it_is_finished() -> None:
    segmenter = Segmenter(Thresholds(longest=100 * CHUNK))
    events = run(segmenter, [V] * 100)
    assert [type(event) for _, event in events] == [Onset, Paused]
    assert segmenter.overrun
    with pytest.raises(RuntimeError):
        list(segmenter.step(100 * CHUNK, V))
    assert list(segmenter.finish_after(0)) == [Ended(forced=True)]


def test_the_preroll_never_reaches_into_the_segment_before() -> None:
    segmenter = Segmenter()
    run(segmenter, [V] * 10 + [S] * 4)
    list(segmenter.finish_after(0))
    events = run(segmenter, [V] * 3, start=14 * CHUNK)
    assert events[0][1] == Onset(10 * CHUNK, 14 * CHUNK)


@given(st.lists(st.sampled_from([0.0, 0.3, 0.4, 0.6, 1.0]), max_size=300), st.integers(0, 40))
def test_events_alternate_as_promised_whatever_the_probabilities(
    probabilities: list[float], wait: int
) -> None:
    follows: dict[type, tuple[type, ...]] = {
        Onset: (Paused,),
        Paused: (Resumed, Ended),
        Resumed: (Paused,),
        Ended: (Onset,),
    }
    segmenter = Segmenter()
    expected: tuple[type, ...] = (Onset,)
    for number, probability in enumerate(probabilities):
        events = list(segmenter.step(number * CHUNK, probability))
        if any(isinstance(event, Paused) for event in events):
            events += segmenter.finish_after(wait * CHUNK)
        for event in events:
            assert type(event) in expected
            expected = follows[type(event)]
            if isinstance(event, Paused):
                assert 0 <= event.start < event.end <= (number + 1) * CHUNK
                assert event.voiced <= event.end - event.start
