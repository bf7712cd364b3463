"""When personas that talk with each other stop: measured on what they say."""

from datetime import UTC, datetime, timedelta

import pytest

from cognition.conversation.dialogue import NEW_ENOUGH, TURNS, content, novelty, over
from cognition.conversation.transcript import Line

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSONAS = [("nova", "Nova"), ("felix", "Felix")]

FRUITFUL = """
    ada: Nova and Felix, discuss where we should hold the summer party.
    nova: The lake has shade under the old oaks and a jetty for swimming.
    felix: Swimming is nice, but the kitchen at the mill could feed forty guests.
    nova: The mill closes at ten, and music would disturb its neighbours.
    felix: Then rent two grills for the lake and borrow benches from the choir.
    nova: Rain is the risk: the choir also owns a tent that seats fifty."""
POLITE = """
    ada: Nova and Felix, discuss where we should hold the summer party.
    nova: The lake has shade under the old oaks and a jetty for swimming.
    felix: That is a lovely idea, Nova, the lake with its shade sounds great.
    nova: Thank you, Felix! I am so glad that you like the lake.
    felix: Of course, Nova! It is a pleasure to talk with you about the lake."""
CIRCLING = """
    ada: Nova and Felix, discuss trains.
    nova: Trains are better for the climate than planes and cars.
    felix: Planes are faster than trains for long distances.
    nova: But trains are better for the climate than planes.
    felix: And planes are still faster than trains, for long distances."""
FAREWELLS = """
    ada: Nova and Felix, please say goodbye.
    nova: Goodbye, Felix, talk to you soon!
    felix: Bye, Nova, see you!"""


def lines(script: str) -> list[Line]:
    rows = [tuple(part.strip() for part in row.split(":", 1)) for row in script.strip().splitlines()]
    return [
        Line(f"l{number}", speaker, speaker.title(), "speech", text, START + timedelta(seconds=4 * number))
        for number, (speaker, text) in enumerate(rows)
    ]


def turns_until_over(script: str) -> int:
    """After how many turns of personas it is over; one more than there are, if it never is."""
    said = lines(script)
    for number in range(1, len(said) + 1):
        if over(said[:number], PERSONAS) is not None:
            return number - 1
    return len(said)


def test_what_brings_something_new_goes_on() -> None:
    assert turns_until_over(FRUITFUL) == 6


@pytest.mark.parametrize(("script", "turns"), [(POLITE, 3), (CIRCLING, 3), (FAREWELLS, 2)])
def test_politeness_circles_and_farewells_end_it(script: str, turns: int) -> None:
    assert turns_until_over(script) == turns
    assert over(lines(script)[: turns + 1], PERSONAS) == "nothing-new"


def test_newness_is_the_share_of_content_not_said_before() -> None:
    assert novelty("The quiet harbour freezes in January.", []) == 1.0
    assert novelty("The quiet harbour freezes in January.", ["A harbour is quiet.", "January!"]) == 0.25
    assert novelty("Thanks, I absolutely agree with you, Nova!", [], ["Nova"]) == 0.0
    assert content("Thank you, Nova, the trains were great.", ["Nova"]) == content("train")
    assert 0.0 < NEW_ENOUGH < 1.0


def test_people_get_the_word_back_after_some_turns() -> None:
    words = [f"{a}{b}{c}" for a in "bdfgkl" for b in "aeiou" for c in "mnrst"]
    said = lines("ada: Nova and Felix, go on.")
    for number in range(2 * TURNS):
        speaker = "nova" if number % 2 else "felix"
        text = " ".join(words[4 * number : 4 * number + 4])
        said.append(
            Line(f"t{number}", speaker, speaker, "speech", text, START + timedelta(minutes=1 + number))
        )
        turns = number + 1
        assert over(said, PERSONAS) == ("conversation-over" if turns >= TURNS else None)


def test_the_tired_and_those_whom_nobody_hears_stop_at_once() -> None:
    said = lines(FRUITFUL)
    assert over(said, PERSONAS, energy=0.1) == "low-energy"
    assert over(said, PERSONAS, heard=False) == "conversation-over"


def test_a_person_who_says_something_begins_it_anew() -> None:
    said = lines(f"{POLITE}\n    ada: What about the food?")
    assert over(said, PERSONAS) is None
