"""Clauses out of a stream: the first early, nothing that cannot be spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.conversation.clauses import ClauseSplitter, ends_sentence


def cut(text: str, step: int = 3) -> list[str]:
    splitter = ClauseSplitter(["Felix"], ["Ada", "Mary Ann"])
    clauses = [
        clause for start in range(0, len(text), step) for clause in splitter.feed(text[start : start + step])
    ]
    return clauses + splitter.finish()


def first_after(words: list[str]) -> int:
    """How many words were fed when the first clause came; 0 if none came before the end."""
    splitter = ClauseSplitter(["Felix"])
    for number, word in enumerate(words, 1):
        if splitter.feed(word if number == 1 else f" {word}"):
            return number
    return 0


def test_the_first_clause_ends_at_the_first_comma_the_later_ones_do_not() -> None:
    text = "Oh well, that depends, I would say, on the weather. Do you like rain?"
    assert cut(text) == ["Oh well,", "that depends, I would say, on the weather.", "Do you like rain?"]


def test_the_first_clause_comes_with_its_punctuation_not_after_it() -> None:
    assert first_after("That is lovely! What is its name?".split()) == 3
    assert first_after("That is lovely, what is its name?".split()) == 3


def test_one_word_before_a_comma_is_too_short_to_start_with() -> None:
    assert cut("Well, I think it is fine.")[0] != "Well,"


def test_without_punctuation_the_first_clause_is_cut_before_a_connecting_word() -> None:
    text = "You could walk there tomorrow because it is lovely outside at this time of the year"
    assert cut(text)[0] == "You could walk there tomorrow"
    assert first_after(text.split()) <= 9


def test_short_sentences_are_spoken_together() -> None:
    assert cut("Yes. No. Maybe so. I cannot tell you that.")[1:] == [
        "No. Maybe so.",
        "I cannot tell you that.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "It costs 3.5 dollars at Dr. Smith's.",
        "About 1,000 people live there.",
        "Meet J. Smith tomorrow.",
        "Around 5 p.m. it rains.",
        "Bring fruit, e.g. apples.",
    ],
)
def test_numbers_abbreviations_and_initials_are_not_torn(text: str) -> None:
    for clause in cut(text):
        assert not clause.endswith(("3.", "1,", "Dr.", "J.", "p.m.", "e.g."))
    assert " ".join(cut(text)) == text


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Felix: Hello there.", ["Hello there."]),
        ("Assistant: Felix: Hello there.", ["Hello there."]),
        ("*smiles* **Sure!** I'd love to (laughs).", ["Sure!", "I'd love to."]),
        ("[waves] Hello there.", ["Hello there."]),
        ("See [this page](http://x.y) for more.", ["See this page for more."]),
        ("Great idea 😀👍🏽 indeed!", ["Great idea indeed!"]),
        ("- Apples are good.", ["Apples are good."]),
        ("1. Apples are good.", ["Apples are good."]),
        ("## Apples are good.", ["Apples are good."]),
        ("It is `sorted` then.", ["It is sorted then."]),
        ("<b>Bold</b> words are fine.", ["Bold words are fine."]),
        ("Canberra (in Australia) it is.", ["Canberra, in Australia,", "it is."]),
    ],
)
def test_what_no_voice_should_say_is_taken_out(text: str, spoken: list[str]) -> None:
    assert cut(text) == spoken
    assert cut(text, step=1) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Sure, here it is:\n```python\nprint()\n```", ["Sure, here it is:"]),
        ("```python\nprint()```", []),
        ("First line.\nSecond line.", ["First line."]),
        ("Sounds good! Ada: What else?", ["Sounds good!"]),
        ("Sounds good! Mary Ann: What else?", ["Sounds good!"]),
        ("Ada: What else?", []),
        ("😀 ✨ …", []),
        ("(laughs)", []),
        ("", []),
    ],
)
def test_the_answer_ends_where_it_turns_into_something_else(text: str, spoken: list[str]) -> None:
    assert cut(text) == spoken


def test_a_name_that_only_begins_like_a_role_is_kept() -> None:
    assert cut("Adam went home.") == ["Adam went home."]
    assert cut("Felix is my name.") == ["Felix is my name."]


def test_after_its_end_it_takes_nothing() -> None:
    splitter = ClauseSplitter(["Felix"])
    assert splitter.feed("One line.\nAnother") == ["One line."]
    assert splitter.done
    assert splitter.feed("More words. And more.") == []
    assert splitter.finish() == []


def test_an_unclosed_bracket_does_not_hold_everything_back() -> None:
    assert "later" in " ".join(
        cut("(this never closes and goes on and on " + "and on " * 20 + "until later.")
    )


def test_a_sentence_end_is_seen_through_closing_marks() -> None:
    assert ends_sentence('He said "no."')
    assert not ends_sentence("He said,")


@given(st.lists(st.text(max_size=12), max_size=30))
def test_any_stream_gives_only_printable_clauses_with_words(pieces: list[str]) -> None:
    splitter = ClauseSplitter(["Felix"], ["Ada"])
    clauses = [clause for piece in pieces for clause in splitter.feed(piece)] + splitter.finish()
    for clause in clauses:
        assert clause.isprintable()
        assert any(character.isalnum() for character in clause)
        assert not set(clause) & set("*`#<>\n")


@given(
    st.lists(st.sampled_from("the cat sat and on mats because rain falls".split()), min_size=1, max_size=60)
)
def test_no_plain_word_is_lost_or_invented(words: list[str]) -> None:
    assert " ".join(cut(" ".join(words), step=2)).split() == words
