"""Who speaks at a shared microphone: voices are found, told apart, named, merged and forgotten."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.speech.diarizer import (
    MOST_VOICES,
    Book,
    Piece,
    Voice,
    attribute,
    forgotten,
    likeness,
    named,
    pieces,
    remembered,
    voiced_runs,
    windows,
)
from media.speech.vad import CHUNK, RATE

Floats = npt.NDArray[np.float32]


def direction(seed: int) -> Floats:
    vector = np.abs(np.random.default_rng(seed).normal(size=256)) ** 3
    unit: Floats = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def like(voice: int, cosine: float = 0.93, seed: int = 0) -> Floats:
    """A vector at this cosine to a voice's own."""
    own = direction(voice)
    other = np.random.default_rng(1000 + seed).normal(size=256)
    other -= (other @ own) * own
    mixed: Floats = (cosine * own + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other)).astype(np.float32)
    return mixed


def piece(voice: int, seconds: float = 2.5, *, cosine: float = 0.93, seed: int = 0, at: float = 0.0) -> Piece:
    begin = int(at * RATE)
    return Piece(begin, begin + int(seconds * RATE), like(voice, cosine, seed))


def talk(*turns: Sequence[Piece], book: Book | None = None) -> tuple[Book, list[str | None]]:
    book, speakers = book or Book(), []
    for turn in turns:
        book, spans = attribute(book, turn)
        speakers += [span.speaker for span in spans]
    return book, speakers


def test_two_voices_that_take_turns_are_told_apart() -> None:
    book, speakers = talk(*([piece(number % 2, seed=number)] for number in range(8)))
    assert speakers == ["s1", "s2"] * 4
    assert [voice.label for voice in book.voices] == ["Speaker 1", "Speaker 2"]


def test_a_voice_too_short_to_found_one_is_nobodys_until_it_is_heard_again() -> None:
    book, speakers = talk([piece(1)], [piece(2, 0.6, seed=1)], [piece(2, 0.7, seed=2)], [piece(2, seed=3)])
    assert speakers == ["s1", None, "s2", "s2"]
    assert book.pending == ()


def test_a_short_word_of_a_known_voice_is_that_voices() -> None:
    _, speakers = talk([piece(1, 4)], [piece(2, 4, seed=1)], [piece(1, 0.6, cosine=0.75, seed=2)])
    assert speakers[-1] == "s1"


def test_who_cannot_be_told_is_unknown() -> None:
    book, _ = talk([piece(1, 4)], [piece(2, 4, seed=1)])
    between = book.voices[0].vector + book.voices[1].vector
    half = Piece(0, RATE, (between / np.linalg.norm(between)).astype(np.float32))
    _, spans = attribute(book, [half])
    assert spans[0].speaker is None
    assert spans[0].confidence <= 0.5


def test_silence_is_nobody() -> None:
    book, spans = attribute(Book(), [Piece(0, RATE, np.zeros(256, np.float32))])
    assert (spans[0].speaker, book.voices) == (None, ())


def test_the_book_before_a_turn_is_left_as_it_was() -> None:
    before, _ = talk([piece(1, 4)])
    kept = before.voices[0].vector.copy()
    after, _ = attribute(before, [piece(1, 4, seed=5), piece(2, 4)])
    assert len(before.voices) == 1
    assert len(after.voices) == 2
    np.testing.assert_array_equal(before.voices[0].vector, kept)


def test_two_voices_that_turn_out_to_be_one_are_merged_under_the_first_ones_number() -> None:
    own = direction(1)
    halves = tuple(Voice(f"s{number}", like(1, 0.96, number), 8.0, None, number, 1) for number in (1, 2))
    book, speakers = talk([Piece(0, 2 * RATE, own)], book=Book(halves, numbered=2))
    assert [voice.label for voice in book.voices] == ["Speaker 1"]
    assert speakers == ["s1"]
    assert book.voice("s2") is book.voices[0]


def test_two_voices_with_different_names_are_never_merged() -> None:
    halves = tuple(
        Voice(f"s{number}", like(1, 0.97, number), 8.0, name, number, 1)
        for number, name in ((1, "Maria"), (2, "Tom"))
    )
    book, _ = talk([piece(1, 2)], book=Book(halves, numbered=2))
    assert {voice.name for voice in book.voices} == {"Maria", "Tom"}


def test_the_number_of_voices_is_bounded_and_what_is_named_stays() -> None:
    book, _ = talk([piece(0, 6)])
    book = named(book, "s1", "Maria")
    book, _ = talk(*([piece(number, 1.2, seed=number)] for number in range(1, 30)), book=book)
    assert len(book.voices) == MOST_VOICES
    assert book.voice("s1") is not None


def test_where_all_are_named_one_more_is_nobody_and_counted() -> None:
    voices = tuple(Voice(f"v{n}", direction(n), 9.0, f"Name {n}", n + 1) for n in range(MOST_VOICES))
    book, speakers = talk([piece(99, 3)], book=Book(voices, numbered=MOST_VOICES))
    assert speakers == [None]
    assert book.refused == 1


def test_voices_that_are_remembered_take_no_place_from_those_who_speak() -> None:
    book = remembered(Book(), [Voice(f"v{n}", direction(100 + n), 9.0, f"Name {n}") for n in range(30)])
    book, speakers = talk([piece(1)], [piece(2, seed=1)], [piece(120, seed=2)], book=book)
    assert speakers == ["s1", "s2", "v20"]
    assert book.refused == 0


def test_a_name_is_one_voices_only() -> None:
    book, _ = talk([piece(1)], [piece(2, seed=1)])
    book = named(named(book, "s1", "Maria"), "s2", "Maria")
    assert [voice.label for voice in book.voices] == ["Speaker 1", "Maria"]
    assert named(book, "nobody", "Tom") is book


def test_a_remembered_voice_is_known_and_counted_when_it_is_heard() -> None:
    book = remembered(Book(), [Voice("kept", direction(7), 20.0, "Maria")])
    book, speakers = talk([piece(7)], [piece(8, seed=1)], book=book)
    assert speakers == ["kept", "s2"]
    assert [voice.label for voice in book.voices] == ["Maria", "Speaker 2"]


def test_a_remembered_voice_has_to_be_surer_than_one_that_was_heard() -> None:
    known = Voice("kept", direction(7), 20.0, "Maria")
    faint = piece(7, 2.5, cosine=0.82)
    _, speakers = talk([faint], book=remembered(Book(), [known]))
    assert speakers == ["s1"]
    _, speakers = talk([piece(7)], [faint], book=remembered(Book(), [known]))
    assert speakers == ["kept", "kept"]


def test_a_remembered_voice_that_was_taken_for_a_stranger_gets_its_name_back() -> None:
    known = Voice("kept", direction(7), 20.0, "Maria")
    own = Voice("s1", like(7, 0.9), 5.0, None, 1, 1)
    book, speakers = talk([piece(7)], book=Book((known, own), numbered=1))
    assert [voice.label for voice in book.voices] == ["Maria"]
    assert speakers == ["kept"]


def test_a_forgotten_voice_is_gone_with_all_that_may_be_of_it() -> None:
    book, _ = talk([piece(1)], [piece(2, seed=1)], [piece(3, 0.5, seed=2)])
    book = forgotten(book, "s1")
    assert [voice.id for voice in book.voices] == ["s2"]
    assert book.pending == ()
    book, speakers = talk([piece(1, seed=9)], book=book)
    assert speakers == ["s3"]


def test_runs_bridge_short_gaps_and_leave_out_clicks() -> None:
    probabilities = [0.9] * 20 + [0.1] * 3 + [0.9] * 20 + [0.1] * 10 + [0.9] * 2 + [0.1] * 10
    assert voiced_runs(probabilities, 1000) == [(1000, 1000 + 43 * CHUNK)]
    assert voiced_runs([], 0) == []


@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(4_800, 120_000)), max_size=4))
def test_windows_lie_in_their_runs_and_cover_them(gaps: list[tuple[int, int]]) -> None:
    runs, at = [], 0
    for gap, length in gaps:
        runs.append((at + gap, at + gap + length))
        at = runs[-1][1]
    found = windows(runs)
    for begin, end in runs:
        inside = [one for one in found if begin <= one[0] and one[1] <= end]
        assert min(one[0] for one in inside) == begin
        assert max(one[1] for one in inside) == end
    assert all(end - begin >= 4_800 for begin, end in found)


def test_a_change_of_speaker_inside_a_run_cuts_it_there() -> None:
    runs = [(0, 6 * RATE)]
    stretches = windows(runs)
    first = [max(0.0, min(1.0, (3 * RATE - a) / (b - a))) for a, b in stretches]
    vectors = np.array([share * direction(1) + (1 - share) * direction(2) for share in first], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = pieces(runs, stretches, vectors)
    assert len(found) == 2
    assert abs(found[0].end - 3 * RATE) <= RATE // 4
    assert found[0].vector @ direction(1) > 0.98
    assert found[1].vector @ direction(2) > 0.98


def test_a_pause_inside_one_voice_does_not_cut_its_turn() -> None:
    runs = [(0, 2 * RATE), (3 * RATE, 5 * RATE)]
    stretches = windows(runs)
    vectors = np.array([like(1, 0.95, index) for index in range(len(stretches))])
    (whole,) = pieces(runs, stretches, vectors)
    assert (whole.begin, whole.end) == (0, 5 * RATE)


@pytest.mark.parametrize("cosine", [0.3, 0.6, 0.9])
def test_little_speech_has_to_be_less_alike(cosine: float) -> None:
    assert likeness(cosine, 0.8, 10) > likeness(cosine, 3, 10)
    assert 0.0 < likeness(cosine, 1, 1) < 1.0


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.3, 6), st.integers(0, 99)), max_size=25))
def test_whatever_is_heard_the_book_stays_sound(turns: list[tuple[int, float, int]]) -> None:
    book, speakers = talk(*([piece(voice, seconds, seed=seed)] for voice, seconds, seed in turns))
    assert len(book.voices) <= MOST_VOICES
    assert len({voice.id for voice in book.voices}) == len(book.voices)
    assert all(abs(float(np.linalg.norm(voice.vector)) - 1) < 1e-3 for voice in book.voices)
    assert len(speakers) == len(turns)
