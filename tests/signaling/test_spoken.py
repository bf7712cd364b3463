from hypothesis import given
from hypothesis import strategies as st

from signaling.spoken import Span, text_begun, text_heard

REPLY = [Span("Well,", 0, 100), Span("the moon is far away.", 100, 1100), Span("Very far.", 1100, 1500)]


def test_nothing_is_heard_before_the_first_sample() -> None:
    assert text_heard(REPLY, 0) == ""
    assert text_begun(REPLY, 0) == ""


def test_everything_is_heard_at_the_end() -> None:
    assert text_heard(REPLY, 1500) == "Well, the moon is far away. Very far."


def test_a_clause_cut_in_the_middle_keeps_the_words_before_the_cut() -> None:
    assert text_heard(REPLY, 600) == "Well, the moon is"


def test_a_clause_is_shown_as_soon_as_it_begins() -> None:
    assert text_begun(REPLY, 101) == "Well, the moon is far away."


def test_what_was_played_before_the_reply_counts_for_nothing() -> None:
    assert text_heard([Span("Hello there.", 5000, 6000)], 4000) == ""


@given(st.integers(-10, 2000), st.integers(0, 200))
def test_more_playing_never_means_fewer_words(played: int, more: int) -> None:
    assert text_heard(REPLY, played + more).startswith(text_heard(REPLY, played))
