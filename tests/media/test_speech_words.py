import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.speech.backchannel import is_backchannel, murmurs, wants_turn
from media.speech.end_of_turn import Completeness, completeness
from media.speech.phantom import Evidence, phantom_reason
from media.speech.speakable import pieces, speakable
from media.speech.transcriber import degenerates, repeats

SURE = Evidence(voiced=1.0, logprob=-0.2, no_speech=0.02)
NOISE = Evidence(voiced=0.3, logprob=-2.2, no_speech=0.91)


@pytest.mark.parametrize(
    "text",
    [
        "Mhm.",
        "yeah",
        "Right.",
        "uh-huh",
        "OK",
        "Okay, yeah.",
        "I see.",
        "That makes sense.",
        "Mm-hmm.",
        "Uh-huh?",
        "I see?",
    ],
)
def test_acknowledgements_are_backchannels(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No.",
        "Stop.",
        "Really?",
        "Right?",
        "?",
        "Wait a moment.",
        "Yeah, but why?",
        "ok ok ok ok ok",
        "Hello.",
    ],
)
def test_what_wants_the_turn_is_no_backchannel(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is the capital of France?", Completeness.COMPLETE),
        ("I like it here.", Completeness.COMPLETE),
        ("Who are you looking for?", Completeness.COMPLETE),
        ("Yes.", Completeness.COMPLETE),
        ("I went to the shop and", Completeness.UNFINISHED),
        ("I went to the shop and.", Completeness.UNFINISHED),
        ("Because,", Completeness.UNFINISHED),
        ("Well, I think...", Completeness.UNFINISHED),
        ("Can you tell me the.", Completeness.UNFINISHED),
        ("I was looking for.", Completeness.OPEN),
        ("the old house by the river", Completeness.OPEN),
        ("I think so.", Completeness.COMPLETE),
        ("I was there so.", Completeness.OPEN),
        ("I like it as well.", Completeness.COMPLETE),
        ("Tell me what you think of it.", Completeness.COMPLETE),
        ("It would be better if.", Completeness.UNFINISHED),
        ("", Completeness.OPEN),
    ],
)
def test_the_words_tell_whether_a_sentence_is_finished(text: str, expected: Completeness) -> None:
    assert completeness(text) is expected


@pytest.mark.parametrize(
    ("text", "evidence", "reason"),
    [
        ("", SURE, "no-words"),
        (" . . .", SURE, "no-words"),
        ("[BLANK_AUDIO]", SURE, "sound-description"),
        ("(upbeat music)", SURE, "sound-description"),
        ("♪ ♪", SURE, "sound-description"),
        ("Thanks for watching!", Evidence(0.6, -0.8, 0.4), "subtitle-line"),
        ("Please subscribe.", NOISE, "subtitle-line"),
        ("you", Evidence(0.2, -1.57, 0.99), "filler-line"),
        ("Thank you.", NOISE, "filler-line"),
        ("Thank you very much.", Evidence(0.2, -0.1, 0.01), "filler-line"),
        ("I'm gonna go to the right side.", NOISE, "no-speech"),
        ("Be quick.", Evidence(1.0, -3.0, 0.3), "low-confidence"),
        ("one two three four five six seven", Evidence(0.4, -0.3, 0.1), "too-many-words"),
    ],
)
def test_made_up_words_are_refused_with_their_reason(text: str, evidence: Evidence, reason: str) -> None:
    assert phantom_reason(text, evidence) == reason


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("Thank you.", Evidence(0.45, -0.05, 0.03)),
        ("Thanks for watching!", Evidence(1.1, -0.2, 0.02)),
        ("Yes.", Evidence(0.25, -0.78, 0.34)),
        ("Okay", Evidence(0.35, -1.33, 0.25)),
        ("What is the capital of France?", SURE),
    ],
)
def test_the_same_words_pass_when_enough_speaks_for_them(text: str, evidence: Evidence) -> None:
    assert phantom_reason(text, evidence) is None


@given(st.text(max_size=200), st.floats(0, 30), st.floats(-10, 0), st.floats(0, 1))
def test_any_text_is_judged_without_failing(
    text: str, voiced: float, logprob: float, no_speech: float
) -> None:
    phantom_reason(text, Evidence(voiced, logprob, no_speech))
    is_backchannel(text)
    repeats(text)
    degenerates(text)


@pytest.mark.parametrize(
    "text",
    [
        "Yes. Yes. Yes. Yes. Yes. Yes.",
        "Can you hear me? Can you hear me?",
        "No, thanks? No, thanks? No, thanks? No",
        "Good morning, the train to the city leaves at nine. Good morning, the train to the city leaves at nine. Good",
        "Could you tell me what the weather is like in London at the end of November? Could you tell me what the",
    ],
)
def test_saying_something_twice_is_noticed(text: str) -> None:
    assert repeats(text)


@pytest.mark.parametrize("text", ["Yes. " * 6, "Can you hear me? " * 4, "over there and " * 20])
def test_going_round_in_circles_is_noticed(text: str) -> None:
    assert degenerates(text)


@pytest.mark.parametrize(
    "text",
    [
        "No, no, no, that is not it.",
        "Very, very good.",
        "What is the capital of France? I would really like to know.",
        "My grandmother used to bake bread every Sunday. My grandfather used to eat it every Monday.",
    ],
)
def test_ordinary_repetition_passes(text: str) -> None:
    assert not repeats(text)
    assert not degenerates(text)


def test_a_sentence_really_said_twice_is_not_taken_for_a_circle() -> None:
    assert not degenerates("Can you hear me? Can you hear me?")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**Bold** and `code`!", "Bold and code!"),
        ("See [the page](https://example.org/x).", "See the page."),
        ("[[h@l'oU]] there", "h@l'oU there"),
        ("Great 😀 news", "Great news"),
        ("a\x00b\u202ec", "a b c"),
        ("...", ""),
        ("🎉🎉", ""),
    ],
)
def test_markup_and_pictographs_are_not_read_out(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


@given(st.text(alphabet="ab ,.", max_size=900))
def test_a_long_text_is_cut_into_bounded_pieces_that_lose_no_word(text: str) -> None:
    cut = list(pieces(speakable(text), 60))
    assert all(0 < len(piece) <= 60 for piece in cut)
    assert "".join("".join(cut).split()) == "".join(speakable(text).split())


@pytest.mark.parametrize(
    ("text", "logprob", "no_speech"),
    [
        ("Saa saa saa", -0.92, 0.58),
        ("SaaSaaSaaSaa", -0.56, 0.56),
        ("Him.", -1.38, 0.26),
        ("M.H.M.", -0.83, 0.21),
    ],
)
def test_what_is_little_like_words_is_a_murmur(text: str, logprob: float, no_speech: float) -> None:
    assert murmurs(text, logprob, no_speech)


@pytest.mark.parametrize(
    ("text", "logprob", "no_speech"),
    [
        ("Stop.", -0.79, 0.22),
        ("Wait.", -1.9, 0.7),
        ("Paris.", -0.3, 0.2),
        ("That's it, I'll thank you.", -0.73, 0.32),
    ],
)
def test_a_word_that_stops_people_counts_however_badly_it_was_understood(
    text: str, logprob: float, no_speech: float
) -> None:
    assert not murmurs(text, logprob, no_speech)


@pytest.mark.parametrize(
    "text",
    ["Yeah, but", "Right, wait", "okay stop", "That is wrong", "Wait", "I think", "Really?", "No"],
)
def test_words_so_far_want_the_turn_once_they_cannot_become_an_acknowledgement(text: str) -> None:
    assert wants_turn(text)


@pytest.mark.parametrize("text", ["Yeah", "Yeah, right", "Oh I", "That", "That makes", "Of", "Ha ha", ""])
def test_words_so_far_may_become_one(text: str) -> None:
    assert not wants_turn(text)
