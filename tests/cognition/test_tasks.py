"""Tasks: what a persona did for a person, when it counts as done, and who says whether it was done well."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.events import Heard, Left, Read, Said
from cognition.persona.tasks import MAX_PEOPLE, Outcome, TaskWatch, asks_for_something, verdict

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
PERSONAS = ("nova", "robin")


class Talk:
    """A room in which seconds pass."""

    def __init__(self) -> None:
        self.watch = TaskWatch("lobby")
        self.now = START
        self.lines = 0
        self.asked: tuple[str, str] | None = None

    def _next(self, after: float) -> str:
        self.now += timedelta(seconds=after)
        self.lines += 1
        return f"u{self.lines}"

    def hears(self, who: str, text: str, after: float = 2.0) -> Outcome | None:
        id = self._next(after)
        self.asked = who, id
        return self.watch.observe(Heard("lobby", who, who.title(), text, self.now, id), PERSONAS)

    def says(
        self,
        persona: str,
        text: str,
        after: float = 2.0,
        *,
        id: str = "",
        interrupted: bool = False,
        to: frozenset[str] | None = None,
        answers: tuple[str, str] | Literal["the line before"] | None = "the line before",
    ) -> Outcome | None:
        own = self._next(after)
        answered = self.asked if answers == "the line before" else answers
        said = Said("lobby", persona, text, self.now, interrupted, id or own, to=to, answers=answered)
        return self.watch.observe(said, PERSONAS)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, that worked!",
        "Great, it works now.",
        "Perfect, thank you.",
        "That's exactly what I needed.",
        "Yes, that helped a lot, thanks Nova.",
        "Your advice really helped.",
        "You're right, Nova.",
        "Problem solved!",
        "Thank you, that was very helpful.",
        "Oh! That did the trick.",
        "Well done.",
    ],
)
def test_words_that_say_it_was_done_well(text: str) -> None:
    assert verdict(text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "That didn't work.",
        "No, that's wrong.",
        "It still doesn't work, Nova.",
        "This isn't what I asked for.",
        "That was not helpful.",
        "You're wrong, it is 391.",
        "Hm, that is not right.",
        "You got that wrong.",
        "That’s not what I meant.",
        "it doesn’t work",
    ],
)
def test_words_that_say_it_was_not(text: str) -> None:
    assert verdict(text) == -1


@pytest.mark.parametrize(
    "text",
    [
        "Thanks.",
        "Thank you, Nova.",
        "Great, thanks for nothing.",
        "Did that work?",
        "I hope that works.",
        "Let's see if that worked.",
        "I'm not sure that helped.",
        "I don't think that's right.",
        "Tell me when it works now.",
        "That never worked for Bob, he said.",
        "That worked. No, wait, that's wrong.",
        "The engine worked for years.",
        "What is right and what is wrong?",
        "Ada said that was perfect.",
        "",
        "🙂",
    ],
)
def test_courtesy_questions_doubts_and_what_others_said_are_no_verdict(text: str) -> None:
    assert verdict(text) == 0


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("What is seventeen times three?", True),
        ("Could you explain how tides work?", True),
        ("Nova, translate good morning into French.", True),
        ("Please find me a recipe with leeks.", True),
        ("I need you to summarise the last hour.", True),
        ("How are you today, Nova?", False),
        ("Can you hear me all right?", False),
        ("Really?", False),
        ("I went to the lake yesterday.", False),
        ("Thanks, that worked!", False),
    ],
)
def test_a_request_is_told_from_small_talk(text: str, asks: bool) -> None:
    assert asks_for_something(text) is asks


def test_a_question_answered_is_a_task_done_and_a_success_once_the_asker_says_so() -> None:
    talk = Talk()
    assert talk.hears("ada", "Nova, what is seventeen times three?") is None
    done = talk.says("nova", "It is 51.")
    assert done == Outcome(
        "task:lobby/u2", "nova", "ada", 0, ("It is 51.", "Nova, what is seventeen times three?")
    )
    judged = talk.hears("ada", "Thanks, that's right.")
    assert judged == Outcome(done.task, "nova", "ada", 1, done.texts)
    assert talk.hears("ada", "Yes, that's right.") is None, "one verdict a task"


def test_another_persons_word_is_no_verdict_on_it_nor_is_any_personas() -> None:
    talk = Talk()
    talk.hears("ada", "Nova, what is seventeen times three?")
    talk.says("nova", "It is 51.")
    assert talk.hears("bob", "That's right!") is None
    assert talk.says("nova", "That's right, well done me.") is None
    assert (
        talk.watch.observe(Read("lobby", "robin", "Robin", "That's right.", talk.now, "r"), PERSONAS) is None
    )
    assert talk.hears("ada", "That's right.") is not None


def test_what_a_persona_asks_another_is_no_task() -> None:
    talk = Talk()
    asked = Read("lobby", "robin", "Robin", "Nova, what is seventeen times three?", talk.now, "r")
    assert talk.watch.observe(asked, PERSONAS) is None
    assert talk.says("nova", "It is 51.") is None


def test_what_was_cut_off_came_too_late_or_was_for_others_is_not_done() -> None:
    for how in (
        {"interrupted": True},
        {"after": 130.0},
        {"to": frozenset({"bob", "nova"})},
    ):
        talk = Talk()
        talk.hears("ada", "Nova, what is seventeen times three?")
        assert talk.says("nova", "It is", **how) is None


def test_that_is_of_whoever_spoke_last_and_not_for_ever() -> None:
    talk = Talk()
    talk.hears("ada", "Nova, what is seventeen times three?")
    talk.says("nova", "It is 51.")
    talk.says("robin", "I saw a heron today.", answers=None)
    assert talk.hears("ada", "That's wrong.") is None
    talk = Talk()
    talk.hears("ada", "Nova, what is seventeen times three?")
    talk.says("nova", "It is 51.")
    assert talk.hears("ada", "That's wrong.", after=601) is None


def test_a_reminder_is_done_when_it_is_given_not_when_it_is_promised() -> None:
    talk = Talk()
    talk.hears("ada", "Nova, remind me in ten minutes to call my mother.")
    assert talk.says("nova", "I will.") is None
    talk.hears("bob", "What is the capital of Peru?")
    assert talk.says("nova", "Lima.") is not None
    promised = ("ada", "u1")
    given_now = talk.says("nova", "Ada, call your mother.", after=600, id="remind-0123", answers=promised)
    assert given_now is not None
    assert (given_now.task, given_now.asker, given_now.value) == ("task:lobby/remind-0123", "ada", 0)
    assert talk.says("nova", "Ada, call your mother.", id="remind-0123", answers=promised) is None


def test_what_a_persona_says_besides_answers_nobodys_question() -> None:
    talk = Talk()
    talk.hears("ada", "Nova, can you explain black holes please?")
    asked = talk.asked
    assert talk.says("robin", "Hello Bob, nice to see you.", answers=None) is None
    assert talk.says("nova", "Sorry, I need some rest just now.", answers=None) is None
    talk.hears("bob", "Robin, which bird is that one over there?")
    assert talk.says("robin", "It is a heron.", answers=talk.asked) == Outcome(
        "task:lobby/u5", "robin", "bob", 0, ("It is a heron.", "Robin, which bird is that one over there?")
    )
    done = talk.says("nova", "They are stars that have collapsed.", answers=asked)
    assert done is not None
    assert (done.persona, done.asker) == ("nova", "ada")


def test_what_a_person_asks_of_another_is_no_personas_task() -> None:
    talk = Talk()
    talk.hears("ada", "Bob, can you pass me the salt please?")
    assert talk.says("robin", "I am tired and will rest a little.", answers=None) is None


def test_a_reminder_is_for_whoever_asked_for_it() -> None:
    talk = Talk()
    talk.hears("ada", "Nova, remind me in ten minutes to call my mother.")
    asked = talk.asked
    talk.hears("bob", "Nova, remind me in twenty minutes to water the plants.")
    given = talk.says("nova", "Ada, call your mother.", after=590, id="remind-1", answers=asked)
    assert given is not None
    assert given.asker == "ada"


def test_whoever_has_left_is_owed_nothing_and_crowds_fill_no_memory() -> None:
    talk = Talk()
    talk.hears("ada", "Nova, what is seventeen times three?")
    talk.watch.observe(Left("lobby", "ada", "Ada", talk.now), PERSONAS)
    assert talk.says("nova", "It is 51.") is None
    for number in range(MAX_PEOPLE + 50):
        talk.hears(f"p{number}", "What is seventeen times three?", after=0.01)
    assert talk.says("nova", "It is 51.") is not None
    assert len(talk.watch._wishes) < MAX_PEOPLE


@given(st.text(max_size=300) | st.text("that's not work ed?!.", max_size=200))
def test_any_words_have_some_verdict(text: str) -> None:
    assert verdict(text) in (-1, 0, 1)
    asks_for_something(text)
