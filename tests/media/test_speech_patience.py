import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.speech.patience import (
    LONGEST,
    SOONEST,
    AdaptivePatience,
    FixedPatience,
    Pause,
    Pauses,
    Tune,
    TurnOdds,
)
from media.speech.wording import Cue, Question, cues, question

DONE = Pause("What is the capital of France?", 0.97)
HANGING = Pause("I was looking for the", 0.9)
STATEMENT = Pause("I like it here.", 0.6)


def test_a_complete_question_that_sounds_finished_ends_the_turn_with_its_words() -> None:
    assert AdaptivePatience().wait(DONE) == SOONEST


def test_a_sentence_that_stops_at_an_article_is_waited_for_however_finished_it_sounds() -> None:
    assert AdaptivePatience().wait(HANGING) >= 0.8


def test_the_words_lengthen_and_shorten_the_wait() -> None:
    patience = AdaptivePatience()
    said = ["What do you think?", "I would like to.", "If you have a minute."]
    waits = [patience.wait(Pause(text, 0.5)) for text in said]
    assert waits[0] < min(waits[1:])


def test_doubt_of_the_turn_model_lengthens_the_wait() -> None:
    patience = AdaptivePatience()
    assert patience.wait(Pause("I like it here.", 0.05)) > patience.wait(Pause("I like it here.", 0.95))


def test_a_turn_model_that_has_not_answered_counts_as_undecided() -> None:
    patience = AdaptivePatience()
    assert patience.wait(Pause("I like it here.", None)) == patience.wait(Pause("I like it here.", 0.5))


def test_somebody_who_makes_long_pauses_is_given_more_time_and_somebody_who_makes_short_ones_less() -> None:
    slow, quick, unknown = AdaptivePatience(), AdaptivePatience(), AdaptivePatience()
    for _ in range(6):
        slow.went_on(0.9)
        quick.went_on(0.28)
    pause = Pause("I like it here.", 0.5)
    assert quick.wait(pause) < unknown.wait(pause) < slow.wait(pause)


def test_two_pauses_of_a_speaker_already_count_and_twenty_count_for_more() -> None:
    pauses = Pauses()
    before = pauses.lasted_by(0.1)
    for _ in range(2):
        pauses.saw(0.9)
    two = pauses.lasted_by(0.1)
    for _ in range(18):
        pauses.saw(0.9)
    assert before < two
    assert pauses.outlast(0.7) > 0.5


def test_silences_between_syllables_say_nothing_of_how_long_somebody_pauses() -> None:
    pauses = Pauses()
    before = pauses.lasted_by(0.1)
    for _ in range(50):
        pauses.saw(0.064)
    assert pauses.lasted_by(0.1) == before


def test_a_yes_to_a_yes_no_question_ends_sooner_than_the_same_word_to_no_question() -> None:
    asked, unasked = AdaptivePatience(), AdaptivePatience()
    asked.asked("Do you live in London?")
    yes = Pause("Yes.", 0.5)
    assert asked.wait(yes) <= unasked.wait(yes)


def test_what_was_asked_is_forgotten_with_the_end_of_the_turn() -> None:
    patience = AdaptivePatience()
    before = patience.wait(Pause("It is 0 7.", 0.5))
    patience.asked("What is your telephone number?")
    assert patience.wait(Pause("It is 0 7.", 0.5)) >= before
    patience.ended()
    assert patience.wait(Pause("It is 0 7.", 0.5)) == before


def test_a_plain_timeout_waits_the_same_whatever_it_is_told() -> None:
    patience = FixedPatience(0.5)
    patience.asked("Do you live here?")
    patience.went_on(0.9)
    patience.ended()
    assert patience.wait(DONE) == patience.wait(HANGING) == 0.5


def test_the_odds_are_the_sum_of_what_the_words_say() -> None:
    odds = TurnOdds(1.0, {Cue.UNFINISHED: -3.0, Cue.LIST: -0.5})
    assert odds.of("I was looking for the", Question.NONE) == pytest.approx(-2.0)
    assert odds.of("I like it here.", Question.NONE) == pytest.approx(1.0)


def test_a_turn_model_that_says_the_same_at_a_voices_pauses_and_ends_is_no_longer_listened_to() -> None:
    tune = Tune()
    at_first = tune.odds(0.97)
    for _ in range(12):
        tune.saw(0.97, over=False)
        tune.saw(0.97, over=True)
    assert at_first > 1.5
    assert abs(tune.odds(0.97)) < at_first / 4


def test_a_turn_model_that_tells_a_voices_ends_is_listened_to() -> None:
    tune = Tune()
    for _ in range(12):
        tune.saw(0.03, over=False)
        tune.saw(0.97, over=True)
    assert tune.odds(0.97) > Tune().odds(0.97)
    assert tune.odds(0.03) < Tune().odds(0.03) < 0


def test_an_end_that_was_none_is_learnt_as_a_pause() -> None:
    wrong, right = AdaptivePatience(), AdaptivePatience()
    for patience in (wrong, right):
        for _ in range(4):
            patience.wait(Pause("I like it here.", 0.97))
            patience.ended()
            if patience is wrong:
                patience.went_on(0.3)
    pause = Pause("I like it here.", 0.97)
    assert wrong.over(pause, SOONEST) < right.over(pause, SOONEST)


@given(
    st.text(max_size=80),
    st.one_of(st.none(), st.floats(0, 1)),
    st.lists(st.floats(0, 40), max_size=12),
    st.text(max_size=40),
)
def test_the_wait_stays_between_its_bounds_whatever_was_heard(
    text: str, probability: float | None, pauses: list[float], asked: str
) -> None:
    patience = AdaptivePatience()
    patience.asked(asked)
    for silence in pauses:
        patience.went_on(silence)
    assert SOONEST <= patience.wait(Pause(text, probability)) <= LONGEST


@given(
    st.sampled_from([DONE, HANGING, STATEMENT]),
    st.lists(st.floats(0.25, 2), max_size=8),
    st.floats(0.25, 1.5),
    st.floats(0, 0.5),
)
def test_the_longer_the_silence_the_surer_it_is_that_the_turn_is_over(
    pause: Pause, pauses: list[float], silence: float, more: float
) -> None:
    patience = AdaptivePatience()
    for seconds in pauses:
        patience.went_on(seconds)
    assert 0 <= patience.over(pause, silence) <= patience.over(pause, silence + more) <= 1


@given(st.lists(st.floats(0.25, 2), max_size=8), st.floats(0.01, 0.99))
def test_the_wait_for_a_share_of_the_pauses_is_the_inverse_of_the_share_that_outlasts_it(
    seen: list[float], share: float
) -> None:
    pauses = Pauses()
    for seconds in seen:
        pauses.saw(seconds)
    assert pauses.outlast(pauses.lasted_by(share)) == pytest.approx(share, rel=1e-6)


@given(st.sampled_from([DONE, HANGING, STATEMENT]), st.floats(0.55, 0.99))
def test_a_turn_is_as_certain_at_the_end_of_the_wait_as_was_asked_for(pause: Pause, certainty: float) -> None:
    patience = AdaptivePatience(certainty=certainty, longest=30.0)
    wait = patience.wait(pause)
    assert patience.over(pause, wait) >= certainty - 1e-6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Do you live in London?", Question.YES_NO),
        ("I see. And, did you like it?", Question.YES_NO),
        ("That is interesting, isn't it?", Question.YES_NO),
        ("What is your telephone number?", Question.NUMBER),
        ("Could you give me the code?", Question.NUMBER),
        ("Where do you live?", Question.OPEN),
        ("I live in London.", Question.NONE),
        ("Do you? I do not.", Question.NONE),
        ("", Question.NONE),
        ("???", Question.NONE),
    ],
)
def test_what_was_asked_tells_which_answer_is_waited_for(text: str, expected: Question) -> None:
    assert question(text) is expected


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("What do you think?", Question.NONE, {Cue.QUESTION}),
        ("What is the weather like?", Question.NONE, {Cue.QUESTION}),
        ("I was looking for the", Question.NONE, {Cue.UNFINISHED}),
        ("I was looking for the.", Question.NONE, {Cue.UNFINISHED}),
        ("I would like to.", Question.NONE, {Cue.OPEN}),
        ("If you have a minute.", Question.NONE, {Cue.DEPENDENT}),
        ("If you have a minute, could you look at this.", Question.NONE, set()),
        ("When does the train leave?", Question.NONE, {Cue.QUESTION}),
        ("I need eggs, milk.", Question.NONE, {Cue.LIST}),
        ("I need eggs, milk, and flour.", Question.NONE, set()),
        ("I need eggs. Milk.", Question.NONE, {Cue.LIST}),
        ("It is 079.", Question.NUMBER, {Cue.NUMBER}),
        ("The code is four two.", Question.NONE, {Cue.NUMBER}),
        ("That was back in 1998.", Question.NONE, set()),
        ("Well, um.", Question.NONE, {Cue.OPENER}),
        ("Yes.", Question.YES_NO, {Cue.ANSWER}),
        ("No, not really.", Question.YES_NO, {Cue.ANSWER}),
        ("Yes.", Question.NONE, set()),
        ("Could you tell me?", Question.NONE, {Cue.OPEN}),
        ("The thing is that.", Question.NONE, {Cue.OPEN}),
        ("I went to the market", Question.NONE, {Cue.UNMARKED}),
        ("Yes, but.", Question.YES_NO, {Cue.UNFINISHED}),
        ("", Question.NONE, set()),
    ],
)
def test_the_words_give_cues(text: str, asked: Question, expected: set[Cue]) -> None:
    assert cues(text, asked) == expected


@given(st.text(max_size=200), st.sampled_from(Question))
def test_any_words_give_cues_without_failing(text: str, asked: Question) -> None:
    found = cues(text, asked)
    assert len(found & {Cue.OPENER, Cue.UNFINISHED, Cue.OPEN, Cue.UNMARKED, Cue.QUESTION}) <= 1
    assert asked is Question.YES_NO or Cue.ANSWER not in found
    question(text)
