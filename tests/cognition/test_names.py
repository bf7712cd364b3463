"""Names as they are called out and as a transcriber may spell them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.conversation.addressing import asked
from cognition.conversation.names import Wording, addressed, mentions, sounds_like, words_of


@pytest.mark.parametrize(
    ("heard", "name"),
    [
        ("felix", "felix"),
        ("phelix", "felix"),
        ("philix", "felix"),
        ("felicks", "felix"),
        ("felex", "felix"),
        ("robyn", "robin"),
        ("robbin", "robin"),
        ("sofia", "sophia"),
        ("katherine", "catherine"),
        ("jon", "jon"),
        ("ugo", "hugo"),
    ],
)
def test_a_misspelt_name_is_recognised(heard: str, name: str) -> None:
    assert sounds_like(heard, name)


@pytest.mark.parametrize(
    ("heard", "name"),
    [
        ("folks", "felix"),
        ("flex", "felix"),
        ("feels", "felix"),
        ("phoenix", "felix"),
        ("robot", "robin"),
        ("over", "nova"),
        ("ben", "jen"),
        ("adam", "ada"),
        ("and", "ada"),
        ("", "felix"),
        ("poetry", "petra"),
    ],
)
def test_another_word_is_not_taken_for_the_name(heard: str, name: str) -> None:
    assert not sounds_like(heard, name)


@pytest.mark.parametrize(
    "text",
    [
        "Felix, what now?",
        "What about that, Phelix?",
        "Fee Lix, can you hear me?",
        "Ask Felix's opinion",
        "@felix hi",
    ],
)
def test_a_name_is_found_in_a_sentence(text: str) -> None:
    assert mentions(Wording.of(text), "Felix")


def test_a_word_that_is_another_participant_is_not_a_misspelling() -> None:
    assert mentions(Wording.of("Nora, are you there?"), "Nova")
    assert not mentions(Wording.of("Nora, are you there?"), "Nova", others=["Nora"])
    assert not mentions(Wording.of("Robyn, are you there?"), "Robin", others=["Robyn"])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada, can you pass the salt?", "Ada"),
        ("Hey Ada, how are you?", "Ada"),
        ("Hey Ada how are you?", "Ada"),
        ("Ada do you like it?", "Ada"),
        ("What do you think, Ada?", "Ada"),
        ("what do you think ada", "Ada"),
        ("Will, did you call?", "Will"),
        ("Thanks, Mary Ann!", "Mary Ann"),
    ],
)
def test_somebody_is_spoken_to_when_the_name_opens_or_closes(text: str, name: str) -> None:
    assert addressed(Wording.of(text), name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I saw Ada yesterday at work", "Ada"),
        ("Ada is coming later", "Ada"),
        ("Will you tell me more?", "Will"),
        ("What is the capital of France?", "Ada"),
        ("", "Ada"),
        ("Hello", "!!!"),
    ],
)
def test_somebody_only_spoken_about_is_not_addressed(text: str, name: str) -> None:
    assert not addressed(Wording.of(text), name)


def test_accents_and_apostrophes_do_not_hide_a_name() -> None:
    assert words_of("Zoë’s café") == ["zoe", "cafe"]
    assert mentions(Wording.of("Zoë, are you there?"), "Zoe")


def test_in_a_long_text_a_name_is_found_at_both_ends() -> None:
    filler = "and then some other things happened " * 60
    for text in (f"Felix, {filler}", f"{filler}, Felix?", f"{filler} said Phelix."):
        assert mentions(Wording.of(text), "Felix")
    assert addressed(Wording.of(f"Ada, {filler}"), "Ada")
    assert addressed(Wording.of(f"{filler}, what do you think, Ada?"), "Ada")
    assert len(Wording.of(filler).words) < 200


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_and_any_name_can_be_compared(text: str, name: str) -> None:
    assert mentions(Wording.of(text), name) in (True, False)
    assert addressed(Wording.of(text), name) in (True, False)


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("Peter what is the capital of France?", ("petra",)),
        ("Hey Peter, what is the capital of France?", ("petra",)),
        ("Peter can you tell me the time?", ("petra",)),
        ("Peter, please tell us about Rome.", ("petra",)),
        ("Peter, remind me in ten minutes to look at the map.", ("petra",)),
        ("Peter reminds me of my brother.", ()),
        ("Peter is coming at eight, is he?", ()),
        ("Peter can come tomorrow.", ()),
        ("Peter and I went home.", ()),
        ("I met Peter. What is the capital of France?", ()),
        ("Pewter what is it made of?", ()),
        ("Porter what is the time?", ()),
        ("Pat what is the time?", ()),
    ],
)
def test_a_name_that_nobody_has_is_the_one_it_sounds_like_where_a_name_is_called(
    text: str, called: tuple[str, ...]
) -> None:
    assert asked(Wording.of(text), text, {"petra": "Petra"}, ["Bob"]).called == called


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("Oscar and Peter, what do you think about the train?", ("oscar", "petra")),
        ("Peter and Oscar, what do you think about the train?", ("petra", "oscar")),
        ("Oscar and Peter what do you think?", ("oscar", "petra")),
        ("Oscar and Porter, what do you think about the train?", ("oscar",)),
    ],
)
def test_a_name_that_nobody_has_is_known_beside_one_that_somebody_has(
    text: str, called: tuple[str, ...]
) -> None:
    assert asked(Wording.of(text), text, {"petra": "Petra", "oscar": "Oscar"}, ["Bob"]).called == called


def test_somebody_who_is_called_just_so_is_meant() -> None:
    text = "Peter what is the capital of France?"
    assert asked(Wording.of(text), text, {"petra": "Petra"}, ["Peter"]).called == ()
    both = asked(Wording.of(text), text, {"petra": "Petra", "peter": "Peter"}, ["Bob"])
    assert both.called == ("peter",)
    assert asked(Wording.of(text), text, {"petra": "Petra", "petro": "Petro"}, ["Bob"]).called == ()
