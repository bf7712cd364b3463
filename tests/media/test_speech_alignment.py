"""Where words end in phonemes that a phonemiser has run together, split, or left out."""

from hypothesis import given
from hypothesis import strategies as st

from media.speech.alignment import word_ends

ALONE = {
    "one": "wˈʌn",
    "of": "ɒv",
    "the": "ðə",
    "42": "fˈoːɹɾi tˈuː",
    "ways": "wˈeɪz",
    "—": "",
    "well,": "wˈɛl,",
}


def pronounce(word: str) -> str:
    return ALONE[word]


def ends(text: str, phonemes: str) -> list[str]:
    """What each word of a text is taken to have been."""
    places = word_ends(text.split(), phonemes, pronounce)
    return [phonemes[begin:end].strip() for begin, end in zip([0, *places], places, strict=False)]


def test_words_parted_by_spaces_are_what_is_between_the_spaces() -> None:
    assert ends("well, one ways", "wˈɛl, wˈʌn wˈeɪz.") == ["wˈɛl,", "wˈʌn", "wˈeɪz."]


def test_words_run_together_are_told_apart_by_how_each_is_said_alone() -> None:
    assert ends("one of the ways", "wˈʌn ʌvðə wˈeɪz") == ["wˈʌn", "ʌv", "ðə", "wˈeɪz"]


def test_a_number_is_all_its_words() -> None:
    assert ends("one 42 ways", "wˈʌn fˈoːɹɾi tˈuː wˈeɪz") == ["wˈʌn", "fˈoːɹɾi tˈuː", "wˈeɪz"]


def test_a_mark_between_two_words_takes_no_time() -> None:
    assert ends("one — ways", "wˈʌn wˈeɪz") == ["wˈʌn", "", "wˈeɪz"]


@given(st.lists(st.sampled_from(sorted(ALONE)), max_size=8), st.text("wʌnðəɒvfoːɹɾituːeɪz ˈ.,", max_size=40))
def test_ends_never_go_back_and_the_last_is_that_of_the_phonemes(words: list[str], phonemes: str) -> None:
    places = word_ends(words, phonemes, pronounce)
    assert len(places) == len(words)
    assert places == sorted(places)
    assert not words or places[-1] == len(phonemes)
