"""Who answers: told as scenes, each line with what becomes of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.conversation.affinity import FakeAffinity, WordAffinity
from cognition.conversation.floor import Attendee, Decision, Disposition, decide
from cognition.conversation.names import Wording
from cognition.conversation.quiet import Quiet, asks_for_quiet
from cognition.conversation.reasons import SILENCES, WISHES
from cognition.conversation.transcript import Line
from cognition.persona.profile import Persona, PersonaVoice
from media.speech.backchannel import is_backchannel

FELIX = Persona("felix", "Felix", PersonaVoice(), "You are warm.", ("cooking", "music"))
ROBIN = Persona("robin", "Robin", PersonaVoice(), "You are dry.", ("physics", "computers"))
NOVA = Persona("nova", "Nova", PersonaVoice(), "You are keen.", ("stars",))
THREE = (FELIX, ROBIN, NOVA)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def outcomes(script: str, *personas: Persona, pause: float = 4.0, **given: Any) -> list[str]:
    """Plays "speaker: text" lines; gives "persona … reason", in order, for every line of a person."""
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
            options = {"affinity": WordAffinity(seated.values()), "is_backchannel": is_backchannel, **given}
            outcome = decide(lines, seated, present, line, quiet=quiet.before(line), **options)
            quiet.note(line, [name.title() for name in people if name != speaker])
            recorded = decide([*lines, line], seated, present, line, quiet=quiet.before(line), **options)
            assert recorded == outcome, "recorded already or not"
            assert WISHES | SILENCES >= {*outcome.silent.values(), outcome.reason}
            assert {*outcome.silent, *(answer.persona for answer in outcome.answers)} == {*seated}
            results.append(" ".join([*(answer.persona for answer in outcome.answers), outcome.reason]))
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
    decision = decide([], {"felix": FELIX}, present, line)
    assert (decision.persona, decision.reason) == ("felix", "one-to-one")


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
    assert outcomes("ada: Phelix knows it well.\nben: Does it?")[0] == "not-addressed"


@pytest.mark.parametrize(
    "text",
    [
        "Felix told Nova that it was late.",
        "I asked Nova about that yesterday.",
        "I asked Nova and Felix about that yesterday.",
        "I asked Nova and she had no idea.",
        "We met Nowa at the lake.",
        "I said to Nova that it was late.",
        "I said hello to Robin and Nova.",
        "Yesterday I talked with Nova about it.",
        "Felix saw Robin yesterday.",
        "Has anything been heard from Nova?",
    ],
)
def test_those_to_whom_something_was_said_or_done_are_only_spoken_about(text: str) -> None:
    assert outcomes(f"ben: Lovely day.\nada: {text}", *THREE)[-1] == "not-addressed"


def test_alone_with_personas_none_answers_for_having_been_spoken_about() -> None:
    assert outcomes("ada: I asked Nova about that yesterday.", *THREE) == ["felix one-to-one"]


@pytest.mark.parametrize(
    "text",
    [
        "I told you, Nova.",
        "What if we asked Nova?",
        "I heard Nova can explain it.",
        "I wanted Nova to explain it.",
    ],
)
def test_a_past_verb_alone_does_not_make_a_name_one_spoken_about(text: str) -> None:
    assert outcomes(f"ben: Lovely day.\nada: {text}", *THREE)[-1] == "nova addressed"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Everyone but Nova, what do you think?", "felix robin everyone-asked"),
        ("Everybody except Nowa, what do you think?", "felix robin everyone-asked"),
        ("What do you all think, except for you, Nova?", "felix robin everyone-asked"),
        ("All of you but Nova and Felix, what do you think?", "robin everyone-asked"),
        ("Everyone, not Nova, what do you think?", "felix robin everyone-asked"),
        ("Does anyone except Felix know?", "robin open-question"),
        ("Can anybody other than Felix and Robin explain that?", "nova open-question"),
        ("Not you, Nova. Felix, go on.", "felix addressed"),
        ("Not Nova, Felix, what do you think?", "felix addressed"),
        ("Felix, not Robin, what is that?", "felix addressed"),
        ("I meant Felix, not Nova.", "felix addressed"),
        ("Not you, Nova.", "not-addressed"),
        ("Everyone except Ben, what do you think?", "felix robin nova everyone-asked"),
        ("Nobody but Nova, please.", "nova addressed"),
        ("Why not Nova?", "nova addressed"),
        ("That is nice, but Nova, what do you think?", "nova addressed"),
        ("I am not sure. Nova, are you?", "nova addressed"),
        ("Did I not tell you, Nova?", "nova addressed"),
    ],
)
def test_whom_a_line_leaves_out_does_not_answer_it(text: str, expected: str) -> None:
    assert outcomes(f"ben: Lovely day.\nada: {text}", *THREE)[-1] == expected


def test_the_only_persona_left_out_stays_silent() -> None:
    assert outcomes("ada: Not you, Felix.") == ["not-addressed"]


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
    assert decide([], {"felix": FELIX}, present, said) == Decision("persona-spoke")
    silent = Line("l", "ada", "Ada", "speech", "…", START)
    assert decide([], {"felix": FELIX}, present, silent) == Decision("no-words", silent={"felix": "no-words"})
    assert decide([], {}, present, silent) == Decision("no-persona")


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
        outcome = decide(lines[:number], {"felix": FELIX}, present, line)
        assert outcome.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Robin and Felix, what do you think?", "robin felix addressed"),
        ("Hey Felix and Robin what would you do?", "felix robin addressed"),
        ("Nova, Robin, Felix: who is right?", "nova robin felix addressed"),
        ("What do you think, Nova and Robin?", "nova robin addressed"),
        ("Nova, ask Felix to summarise it.", "nova felix addressed"),
        ("Robin, can you check with Nova whether that is true?", "robin nova addressed"),
        ("Robin, pass it on to Nova, please.", "robin nova addressed"),
        ("Robin, please pass the trip to the lake on Friday on to Nova.", "robin nova addressed"),
        ("Robin ask Nova about the lake.", "robin nova addressed"),
        ("Robyn can you check with Nova about the lake?", "robin nova addressed"),
        ("Robyn ask Nova about the lake.", "robin nova addressed"),
        ("Felix, what do you think of what Nova said?", "felix addressed"),
        ("Nova or Felix, can one of you take that?", "nova addressed"),
        ("What about you, Robin?", "robin addressed"),
        ("And you, Robin?", "robin addressed"),
    ],
)
@pytest.mark.parametrize("others", ["", "ben: Lovely day.\n"])
def test_those_who_are_named_answer_in_the_order_of_their_names(
    text: str, expected: str, others: str
) -> None:
    assert outcomes(f"{others}ada: {text}", *THREE)[-1] == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("What do you two think about it?", 2),
        ("I would like to hear both of you.", 2),
        ("Everybody, what is your favourite colour?", 3),
        ("What do you all think?", 3),
        ("Everybody what do you think of that?", 3),
        ("I want each of you to tell me one thing.", 3),
        ("Let's go round the table.", 3),
        ("Good evening, everyone!", 1),
        ("Does anybody know a good film?", 1),
    ],
)
def test_a_group_is_answered_by_as_many_as_were_asked(text: str, number: int) -> None:
    [outcome] = outcomes(f"ada: {text}", *THREE)
    *answers, _reason = outcome.split()
    assert len(set(answers)) == len(answers) == number


def test_you_two_are_those_who_spoke_last() -> None:
    script = """
        ada: Nova, is it far?
        nova: It is.
        ada: Robin, is it far?
        robin: Not very.
        ada: Do you two ever agree?"""
    assert outcomes(script, *THREE)[-1] == "nova robin everyone-asked"


def test_two_people_who_are_asked_together_are_left_alone() -> None:
    script = """
        ben: We went to the sea.
        cleo: It was cold.
        ada: Did you two swim?"""
    assert outcomes(script, *THREE)[-1] == "addressed-another"


def test_everybody_is_greeted_by_one_and_what_is_only_told_them_is_not_answered() -> None:
    assert outcomes("ben: Hm.\nada: Hello everyone!", *THREE)[-1].endswith("greets")
    assert outcomes("ben: Hm.\nada: Everyone, I brought cake.", *THREE)[-1] == "not-addressed"


def test_who_is_greeted_with_a_question_answers_it_though_another_spoke_before() -> None:
    script = """
        ada: Hm.
        ben: Next year will be better.
        felix: Hello Ada, good to have you here. I'm Felix. How are you today?
        {} a long day.
    """
    assert outcomes(script.format("ada: Fine, it was"), *THREE)[-1] == "felix answers-persona"
    assert outcomes(script.format("ben: Well, that was"), *THREE)[-1] == "not-addressed"
    alone = "felix: Hello Ada! What's on your mind?\nada: It was a long day."
    assert outcomes(alone, *THREE)[-1] == "felix answers-persona"


def test_what_a_persona_asks_another_one_is_not_answered_by_what_a_person_says_next() -> None:
    script = """
        ben: Hm.
        ada: Felix, what about the river?
        felix: It is wide. Robin, what do you make of the river?
        ada: {}
    """
    assert outcomes(script.format("It rained the whole day."), *THREE)[-1] == "not-addressed"
    assert outcomes(script.format("How do you know?"), *THREE)[-1] == "felix follow-up"


def test_anyone_else_is_somebody_who_has_not_answered_yet() -> None:
    script = """
        ada: Does anybody know a song about physics?
        robin: I do.
        ada: Anyone else?
        nova: Me too.
        ada: And the others?"""
    _, second, third = outcomes(script, *THREE)
    assert second in ("felix anyone-else", "nova anyone-else")
    assert third == "felix robin anyone-else" or third == "robin felix anyone-else"


def test_and_you_goes_to_another_than_who_has_just_answered() -> None:
    assert outcomes("ada: Felix, do you like tea?\nfelix: I do.\nada: And you?", FELIX, NOVA)[-1] == (
        "nova given-back"
    )
    asked_back = "ada: Felix, do you like tea?\nfelix: I do, and do you?\nada: Sure. And you?"
    assert outcomes(asked_back, FELIX, NOVA)[-1] == "felix answers-persona"
    assert outcomes("ben: How are you, Ada?\nada: Fine. And you?", FELIX, NOVA)[-1] == "reply-to-person"


def test_who_knows_most_answers_and_the_others_know_why_they_do_not() -> None:
    present = [Attendee("ada", "Ada", "person"), *(Attendee(p.id, p.name, "persona") for p in THREE)]
    seated = {persona.id: persona for persona in THREE}
    line = Line("l", "ada", "Ada", "speech", "What do we know of it?", START)
    decision = decide(
        [], seated, present, line, affinity=FakeAffinity({"nova": 0.9, "robin": 0.2}),
        dispositions={"felix": Disposition(resting=True)},
    )  # fmt: skip
    assert [answer.persona for answer in decision.answers] == ["nova"]
    assert decision.silent == {"robin": "another-knows-more", "felix": "resting"}


def test_who_has_said_much_lately_leaves_the_word_to_another_and_has_it_again_later() -> None:
    present = [Attendee("ada", "Ada", "person"), *(Attendee(p.id, p.name, "persona") for p in (FELIX, NOVA))]
    seated = {"felix": FELIX, "nova": NOVA}
    long, short = "And then there was another thing. " * 10, "Yes."
    lines = [
        Line("1", "felix", "Felix", "speech", long, START),
        Line("2", "nova", "Nova", "speech", short, START + timedelta(seconds=20)),
    ]
    soon = Line("3", "ada", "Ada", "speech", "Tell me more.", START + timedelta(seconds=30))
    decision = decide(lines, seated, present, soon)
    assert decision.persona == "nova"
    assert decision.silent == {"felix": "spoke-much"}
    lines.append(Line("4", "nova", "Nova", "speech", long * 2, START + timedelta(minutes=10)))
    late = Line("5", "ada", "Ada", "speech", "Tell me more.", START + timedelta(minutes=11))
    assert decide(lines, seated, present, late).persona == "felix"


@pytest.mark.parametrize(
    ("felix", "nova"),
    [
        (Disposition(energy=0.2), Disposition()),
        (Disposition(paused=True), Disposition()),
        (Disposition(valence=-0.9, arousal=-0.5), Disposition(valence=0.5, arousal=0.5)),
    ],
)
def test_energy_and_mood_decide_among_equals(felix: Disposition, nova: Disposition) -> None:
    given = {"felix": felix, "nova": nova}
    assert outcomes("ada: Tell me something.", FELIX, NOVA, dispositions=given) == ["nova one-to-one"]


def test_what_was_held_back_decides_among_equals() -> None:
    assert outcomes("ada: Tell me something.", FELIX, NOVA, held_back=["nova"]) == ["nova one-to-one"]


def test_who_rests_says_so_when_called_and_who_is_paused_does_not() -> None:
    resting = {"felix": Disposition(resting=True)}
    assert outcomes("ada: Tell me something.", dispositions=resting) == ["resting"]
    assert outcomes("ada: Felix, tell me something.", dispositions=resting) == ["felix addressed"]
    paused = {"felix": Disposition(paused=True)}
    assert outcomes("ada: Felix, tell me something.", dispositions=paused) == ["paused"]


def test_a_persona_answers_another_that_asks_it_by_name_and_nobody_else() -> None:
    present = [Attendee("ada", "Ada", "person"), *(Attendee(p.id, p.name, "persona") for p in THREE)]
    seated = {persona.id: persona for persona in THREE}
    for text, expected in (
        ("Robin, what do you think?", ("robin",)),
        ("Robin said so yesterday.", ()),
        ("That is what I think.", ()),
        ("Ada, what do you think?", ()),
        ("Nova, what do I think?", ()),
    ):
        line = Line("l", "nova", "Nova", "speech", text, START)
        decision = decide([], seated, present, line)
        assert tuple(answer.persona for answer in decision.answers) == expected, text
        assert "nova" not in decision.silent


def test_those_who_are_to_discuss_go_on_among_themselves() -> None:
    present = [Attendee("ada", "Ada", "person"), *(Attendee(p.id, p.name, "persona") for p in THREE)]
    seated = {persona.id: persona for persona in THREE}
    line = Line("l", "ada", "Ada", "speech", "Nova and Felix, please discuss which is better.", START)
    decision = decide([], seated, present, line)
    assert [answer.persona for answer in decision.answers] == ["nova", "felix"]
    assert decision.exchange
    alone = Line("m", "ada", "Ada", "speech", "Nova, let's discuss it.", START)
    assert not decide([], seated, present, alone).exchange
