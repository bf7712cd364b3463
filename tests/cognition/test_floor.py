"""Who answers: told as scenes, each line with what becomes of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.conversation.floor import Attendee, choose
from cognition.conversation.names import Wording
from cognition.conversation.quiet import Quiet, asks_for_quiet
from cognition.conversation.transcript import Line
from cognition.events import Answer, Decline
from cognition.persona.profile import Persona, PersonaVoice
from media.speech.backchannel import is_backchannel

FELIX = Persona("felix", "Felix", PersonaVoice(), "You are warm.", ("cooking", "music"))
ROBIN = Persona("robin", "Robin", PersonaVoice(), "You are dry.", ("physics", "computers"))
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def outcomes(script: str, *personas: Persona, pause: float = 4.0) -> list[str]:
    """Plays "speaker: text" lines; gives "persona reason" or "reason" for every line of a person."""
    spoken = [tuple(part.strip() for part in row.split(":", 1)) for row in script.strip().splitlines()]
    seated = {persona.id: persona for persona in personas or (FELIX,)}
    people = dict.fromkeys(speaker for speaker, _ in spoken if speaker not in seated)
    present = [Attendee(id, id.title(), "person") for id in people]
    present += [Attendee(id, persona.name, "persona") for id, persona in seated.items()]
    lines: list[Line] = []
    quiet = Quiet(seated)
    results = []
    for number, (speaker, text) in enumerate(spoken):
        at = START + timedelta(seconds=pause * number)
        line = Line(f"l{number}", speaker, speaker.title(), "speech", text, at)
        if speaker not in seated:
            outcome = choose(
                lines, seated, present, line, quiet=quiet.before(line), is_backchannel=is_backchannel
            )
            quiet.note(line, [name.title() for name in people if name != speaker])
            recorded = choose(
                [*lines, line], seated, present, line, quiet=quiet.before(line), is_backchannel=is_backchannel
            )
            assert recorded == outcome, "recorded already or not"
            results.append(
                f"{outcome.persona} {outcome.reason}" if isinstance(outcome, Answer) else outcome.reason
            )
        lines.append(line)
    return results


def test_alone_with_the_persona_everything_said_is_answered() -> None:
    assert (
        outcomes("ada: I had a long day.\nfelix: Oh dear.\nada: The train was late.")
        == ["felix one-to-one"] * 2
    )


@pytest.mark.parametrize("text", ["Mhm.", "Yeah.", "Okay.", "I see.", "uh-huh", "Right, right."])
def test_a_backchannel_is_not_answered(text: str) -> None:
    assert outcomes(f"felix: It rains a lot there.\nada: {text}") == ["backchannel"]


def test_without_a_judge_of_backchannels_there_are_none() -> None:
    present = [Attendee("felix", "Felix", "persona"), Attendee("ada", "Ada", "person")]
    line = Line("l", "ada", "Ada", "speech", "Mhm.", START)
    assert choose([], {"felix": FELIX}, present, line) == Answer("felix", "one-to-one")


def test_yes_to_the_personas_own_question_is_an_answer() -> None:
    script = "ada: I like tea.\nfelix: Shall I tell you more?\nada: Yes."
    assert outcomes(script)[-1] == "felix answers-persona"


def test_told_to_be_quiet_it_waits_until_it_is_called() -> None:
    script = """
        ada: Please be quiet.
        ada: I wonder why the sky is blue.
        ada: What is the capital of France?
        ada: Felix, what is the capital of France?
        felix: Paris.
        ada: And of Spain?"""
    assert outcomes(script) == [
        "asked-to-be-quiet",
        "quiet-until-addressed",
        "quiet-until-addressed",
        "felix addressed",
        "felix one-to-one",
    ]


def test_quiet_ends_when_it_may_speak_again() -> None:
    assert outcomes("ada: Felix, stop talking.\nada: Okay, you can talk again.")[-1] == "felix one-to-one"


@pytest.mark.parametrize(
    "text", ["My neighbours won't be quiet.", "I told him to stop talking.", "It was so quiet."]
)
def test_talk_of_quiet_is_no_request_for_it(text: str) -> None:
    assert outcomes(f"ada: {text}") == ["felix one-to-one"]


@pytest.mark.parametrize(
    "text",
    [
        "Felix, what is a quark?",
        "What is a quark, Phelix?",
        "I think Felix can tell us.",
        "Does Felix know?",
        "@felix hi",
    ],
)
def test_among_people_it_answers_to_its_name(text: str) -> None:
    assert outcomes(f"ben: Lovely day.\nada: {text}") == ["not-addressed", "felix addressed"]


@pytest.mark.parametrize(
    "text", ["Ben, what did Felix say?", "Did Felix tell you, Ben?", "Ben, are you there?"]
)
def test_a_line_to_another_person_is_left_to_them(text: str) -> None:
    assert outcomes(f"ada: {text}\nben: Hm.")[0] == "addressed-another"


def test_being_spoken_about_is_not_being_spoken_to() -> None:
    assert outcomes("ada: Felix said that already.\nben: Did it?")[0] == "not-addressed"


def test_two_people_talking_are_left_alone() -> None:
    script = """
        ada: How was your weekend?
        ben: We went to the sea.
        ada: That must have been cold.
        ben: Very cold."""
    assert outcomes(script) == ["not-addressed", "reply-to-person", "people-talking", "people-talking"]


def test_a_question_on_its_own_turn_from_the_same_person_is_answered() -> None:
    script = """
        ben: Nice to see you all.
        ada: Felix, who painted that?
        felix: Vermeer did.
        ada: And when was that?
        felix: In sixteen sixty-five.
        ben: When is lunch?
        ada: At noon."""
    assert outcomes(script) == [
        "not-addressed",
        "felix addressed",
        "felix follow-up",
        "not-addressed",
        "reply-to-person",
    ]


@pytest.mark.parametrize(
    "text",
    ["Does anyone know a good recipe?", "Can someone explain that?", "Who knows the answer?", "Any ideas?"],
)
def test_an_open_question_gets_an_answer(text: str) -> None:
    assert outcomes(f"ben: Hello there.\nada: {text}")[-1] == "felix open-question"


def test_an_old_exchange_is_no_context() -> None:
    script = "ben: Hi.\nada: Felix, hello.\nfelix: Hello Ada.\nada: And what about lunch?"
    assert outcomes(script)[-1] == "felix follow-up"
    assert outcomes(script, pause=60.0)[-1] == "not-addressed"


def test_one_of_several_personas_answers() -> None:
    script = """
        ada: How does physics explain that?
        robin: Gravity.
        ada: What cooking oil should I use?
        felix: Olive oil.
        ada: Tell me something.
        robin: Honey keeps.
        ada: Tell me something else.
        felix: Cats purr.
        ada: Robin, do you like cooking?"""
    assert outcomes(script, FELIX, ROBIN) == [
        "robin one-to-one",
        "felix one-to-one",
        "robin one-to-one",
        "felix one-to-one",
        "robin addressed",
    ]


def test_one_persona_sent_to_be_quiet_leaves_the_other() -> None:
    script = "ada: Robin, be quiet.\nada: How does physics explain that?"
    assert outcomes(script, FELIX, ROBIN) == ["asked-to-be-quiet", "felix one-to-one"]


def test_each_persona_sent_to_be_quiet_stays_quiet() -> None:
    script = "ada: Robin, be quiet.\nada: Felix, be quiet.\nada: How does physics explain that?"
    assert outcomes(script, FELIX, ROBIN)[-1] == "quiet-until-addressed"
    script += "\nada: Felix, hello?\nfelix: Hello.\nada: How does physics explain that?"
    assert outcomes(script, FELIX, ROBIN)[-1] == "felix one-to-one"


def test_a_person_told_to_be_quiet_leaves_the_persona_free() -> None:
    script = "ada: Please be quiet, Ben.\nben: Oh.\nada: Does anyone know a good recipe?"
    assert outcomes(script)[-1] == "felix open-question"


def line_at(second: float, text: str) -> Line:
    return Line(f"at-{second}", "ada", "Ada", "speech", text, START + timedelta(seconds=second))


def test_lines_that_come_late_take_effect_in_the_order_they_were_said() -> None:
    quiet = Quiet({"felix": FELIX})
    quiet.note(line_at(2, "Felix, what is a quark?"), [])
    quiet.note(line_at(1, "Be quiet."), [])
    assert quiet.before(line_at(1.5, "Why?")) == {"felix"}
    assert quiet.before(line_at(3, "Why?")) == frozenset()


def test_quiet_lasts_however_long_the_others_talk() -> None:
    quiet = Quiet({"felix": FELIX, "robin": ROBIN})
    quiet.note(line_at(0, "Felix, be quiet."), [])
    for second in range(1, 500):
        quiet.note(line_at(second, "Robin, tell me more." if second % 2 else "That was long."), [])
    assert quiet.before(line_at(1000, "Why?")) == {"felix"}


def test_a_long_speech_about_quiet_is_no_request_for_it() -> None:
    assert asks_for_quiet(Wording.of("Felix, please be quiet."), ["Felix"])
    assert not asks_for_quiet(Wording.of("Be quiet " + "and listen to me " * 500), ["Felix"])


def test_personas_and_empty_words_are_not_answered() -> None:
    present = [Attendee("felix", "Felix", "persona"), Attendee("ada", "Ada", "person")]
    said = Line("l", "felix", "Felix", "speech", "Felix, hello?", START)
    assert choose([], {"felix": FELIX}, present, said) == Decline("persona-spoke")
    silent = Line("l", "ada", "Ada", "speech", "…", START)
    assert choose([], {"felix": FELIX}, present, silent) == Decline("no-words")
    assert choose([], {}, present, silent) == Decline("no-persona")


@given(st.lists(st.tuples(st.sampled_from(["ada", "ben", "felix"]), st.text(max_size=40)), max_size=6))
def test_any_words_find_an_outcome(spoken: list[tuple[str, str]]) -> None:
    present = [Attendee(id, id.title(), "person") for id in ("ada", "ben")] + [
        Attendee("felix", "Felix", "persona")
    ]
    lines = [
        Line(f"l{number}", speaker, speaker.title(), "chat", text, START + timedelta(seconds=number))
        for number, (speaker, text) in enumerate(spoken)
    ]
    for number, line in enumerate(lines):
        outcome = choose(lines[:number], {"felix": FELIX}, present, line)
        assert outcome.reason
