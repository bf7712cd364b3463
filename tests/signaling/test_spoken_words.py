"""Words of a reply by the voice's own timings."""

from hypothesis import given
from hypothesis import strategies as st

from signaling.spoken import Span, text_heard, word_begun

TIMED = [
    Span("Well,", 0, 100, (90,)),
    Span("internationalisation is a word.", 100, 1100, (900, 950, 1000, 1080)),
]


def test_a_word_counts_once_most_of_it_was_played() -> None:
    assert text_heard(TIMED, 499) == "Well,"
    assert text_heard(TIMED, 500) == "Well, internationalisation"
    assert text_heard(TIMED, 960) == "Well, internationalisation is"


def test_words_that_the_voice_has_not_told_of_yet_share_what_is_left() -> None:
    half = [Span("one two three four", 0, 1000, (100, 200))]
    assert text_heard(half, 199) == "one two"
    assert text_heard(half, 600) == "one two three"
    assert text_heard(half, 1000) == "one two three four"


def test_more_timings_than_words_are_not_believed() -> None:
    assert text_heard([Span("one two", 0, 800, (1, 2, 3))], 500) == "one"


def test_a_word_that_was_cut_is_gone_back_to() -> None:
    assert word_begun(TIMED, 500) == 100
    assert word_begun(TIMED, 970) == 950
    assert word_begun(TIMED, 950) == 950
    assert word_begun(TIMED, 1100) == 1100
    assert word_begun([], 40) == 40


@given(st.integers(0, 1200), st.lists(st.integers(0, 1200), max_size=6))
def test_going_back_never_goes_forward_nor_out_of_the_clause(played: int, ends: list[int]) -> None:
    span = Span("one two three four five", 100, 1100, tuple(sorted(ends)))
    begun = word_begun([span], played)
    assert min(played, 100) <= begun <= played
    assert begun == played or text_heard([span], begun) in text_heard([span], played)
