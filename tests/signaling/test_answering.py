"""Several personas in a room: who answers, in which order, and knowing what."""

import asyncio
from datetime import UTC, datetime

import pytest

from cognition.conversation.floor import Attendee
from cognition.conversation.floor_control import LONGEST_GAP, LULL, SHORTEST_GAP
from cognition.events import Heard, Read, Said
from cognition.inference.generator import Script
from cognition.persona.actions import Allowed, Refused, may
from cognition.persona.due import Due, DueKind
from cognition.persona.inbox import SHARE
from cognition.persona.intentions import UNANSWERED_S
from cognition.persona.profile import Persona, PersonaVoice
from cognition.persona.tasks import TaskWatch
from signaling.attendance import Attendance, Attendant
from signaling.ears import ScriptedEars
from signaling.errors import NotAttended
from signaling.written_lines import CHAT_AGE
from tests.signaling.scene import NOVA, ROBIN, Scene, scene

pytestmark = pytest.mark.virtual_time

BOTH = (NOVA, ROBIN)
LONG = Script(["The", " stars", " are", " far", " away", " from", " here", " tonight."], 0.1, 0.02)


def asked(room: Scene) -> list[tuple[str, list[str]]]:
    """Whom the model was asked for, and the last lines each time."""
    return [
        (key.rpartition("/")[2], prompt.turns[-1].text.splitlines())
        for key, prompt in room.generator.streamed
    ]


def said(room: Scene) -> list[tuple[str, str]]:
    return [(name, text) for name, text, _ in room.remembered()]


async def test_two_who_are_asked_answer_one_after_the_other() -> None:
    async with scene("First of all, yes.", "And so do I.", personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova and Robin, what do you think?")
        await asyncio.sleep(8)
        assert said(room) == [
            ("Ada", "Nova and Robin, what do you think?"),
            ("Nova", "First of all, yes."),
            ("Robin", "And so do I."),
        ]
        assert max(room.sounding_at_once) == 1
        silence = _longest_silence_between(room.sounding_at_once)
        assert SHORTEST_GAP <= silence <= LONGEST_GAP + 0.1


def _longest_silence_between(sounding: list[int]) -> float:
    frames = "".join(str(min(each, 1)) for each in sounding).strip("0")
    return max(map(len, frames.split("1"))) * 0.02


async def test_the_second_composes_while_the_first_is_heard_and_knows_what_it_says() -> None:
    async with scene(LONG, "I agree with that.", personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        await ada.say("What do you two think?")
        await asyncio.sleep(1.5)
        assert room.port.finals("nova") == []
        (first, _), (second, known) = asked(room)
        assert (first, second) == ("nova", "robin")
        assert known == ["Ada: What do you two think?", "Nova: The stars are far away from here tonight."]
        assert "I agree with that." in room.voice.spoken
        assert room.port.rings["robin"].written == 0
        await asyncio.sleep(8)
        assert room.port.finals("robin") == ["I agree with that."]
        assert len(asked(room)) == 2


async def test_what_was_composed_on_words_that_were_not_heard_is_composed_anew() -> None:
    async with scene(LONG, "I agree with all of it.", "That was short.", personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        await ada.say("What do you two think?")
        await asyncio.sleep(1.5)
        nova = room.attendance._presences["nova"]
        assert nova.sounding
        await nova.interrupt()
        await asyncio.sleep(8)
        assert room.port.finals("robin") == ["That was short."]
        heard = room.remembered()[1]
        assert heard[0] == "Nova"
        assert heard[2]
        assert asked(room)[-1][1][-1].startswith(f"Nova: {heard[1][:5]}")
        assert room.attendance.dropped["composed on words not heard"] == 1


async def test_each_of_three_questions_from_different_people_to_one_persona_is_answered() -> None:
    async with scene("For one.", "For two.", "For three.", personas=BOTH) as room:
        people = [room.join(name.lower(), name) for name in ("Ada", "Bob", "Cleo")]
        for person in people:
            await person.say(f"Nova, what is number {person.attendant.id}?", seconds=0.1)
        await asyncio.sleep(12)
        assert len([text for text in room.port.finals("nova") if text]) == 3


async def test_what_was_asked_of_anybody_is_left_when_a_person_answers() -> None:
    slow = Script(["Well,", " I", " do."], first=3.0)
    async with scene(slow, personas=BOTH) as room:
        ada, bob = room.join("ada", "Ada"), room.join("bob", "Bob")
        await ada.say("Does anybody know the way?")
        await bob.say("It is left and then right.")
        await asyncio.sleep(6)
        assert room.port.finals("nova") + room.port.finals("robin") == []
        assert room.attendance.dropped["answer: overtaken"] == 1


async def test_who_was_called_by_name_still_answers_when_another_person_spoke_into_the_pause() -> None:
    slow = Script(["Well,", " I", " do."], first=1.0)
    async with scene(slow, personas=BOTH) as room:
        ada, bob = room.join("ada", "Ada"), room.join("bob", "Bob")
        await ada.say("Nova, do you know the way?")
        bob.start()
        await asyncio.sleep(2)
        assert room.port.ring.written == 0
        bob.pause("It was raining all day.")
        bob.end("It was raining all day.")
        await asyncio.sleep(4)
        assert room.port.finals("nova") == ["Well, I do."]


async def test_a_person_who_starts_together_with_a_persona_is_first_and_is_answered_nonetheless() -> None:
    async with scene("The stars are out.", "The stars are out.", personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova, what is out there?")
        await room.port.begun("nova")
        ada.start()
        await asyncio.sleep(0.2)
        assert sum(room.sounding_at_once[-3:]) == 0
        ada.discard()
        await asyncio.sleep(5)
        assert room.port.finals("nova")[-1] == "The stars are out."
        assert said(room)[-1] == ("Nova", "The stars are out.")


async def test_a_persona_is_asked_by_another_and_answers_it() -> None:
    async with scene(
        "Robin, what do you think of the stars?", "They are lovely things.", personas=BOTH
    ) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova, start a conversation about stars.")
        await asyncio.sleep(10)
        assert said(room)[1:] == [
            ("Nova", "Robin, what do you think of the stars?"),
            ("Robin", "They are lovely things."),
        ]


async def test_a_discussion_goes_on_while_it_brings_something_new_and_ends_by_itself() -> None:
    async with scene(
        "Trains carry hundreds of passengers without much fuel.",
        "Bicycles keep everybody healthy and the streets quiet.",
        "Winter snow makes cycling dangerous for older riders.",
        "Thanks, I absolutely agree with you.",
        "Great, thank you so much, I agree too.",
        personas=BOTH,
    ) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova and Robin, please discuss trains and bicycles.")
        await asyncio.sleep(60)
        assert len(room.generator.streamed) == 5
        assert room.attendance.dropped["exchange: nothing-new"] == 1
        assert room.generator.running == 0


async def test_a_discussion_ends_when_somebody_asks_for_quiet() -> None:
    async with scene(LONG, "Bicycles keep everybody healthy.", "Never said.", personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova and Robin, please discuss it.")
        await asyncio.sleep(1)
        await ada.say("Please be quiet.")
        await asyncio.sleep(20)
        assert room.port.finals("robin") == []
        assert room.attendance.dropped["answer: quiet-until-addressed"] == 1
        assert room.attendance.floor.free


async def test_whom_a_novice_turns_to_unasked_stays_silent_and_people_are_told_why_once() -> None:
    one, other = "I like them. Robin, which birds do you like best?", "Some do. Robin, do you know of any?"

    def may_turn(room: str, persona: str, other: str) -> Allowed | Refused:
        assert (room, persona, other) == ("room", "nova", "robin")
        return may("pass-on", "novice")

    async with scene(one, other, personas=BOTH, may_turn=may_turn) as room:
        ada = room.join("ada", "Ada")
        for text in ("Nova, do you like birds?", "Nova, can birds talk?"):
            await ada.say(text)
            await asyncio.sleep(12)
            assert ("nova", "not-trusted") in room.port.floors[-1][2]
        assert room.port.finals("robin") == []
        assert room.port.chat == [
            "I may turn to another persona unasked once I am trusted; I am a novice now."
        ]
        assert room.attendance.dropped["asked by a persona that may not"] == 2


async def test_personas_stop_talking_to_each_other_when_nobody_is_left_to_hear() -> None:
    async with scene(
        *[
            f"Novelty number {word} arrives with {word} words."
            for word in "alpha beta gamma delta epsilon".split()
        ],
        personas=BOTH,
    ) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova and Robin, please discuss it.")
        await asyncio.sleep(4)
        room.attendance.leave("ada")
        await asyncio.sleep(60)
        assert len(room.generator.streamed) <= 4
        assert room.generator.running == 0


async def test_a_written_question_to_two_is_answered_by_both_in_writing() -> None:
    async with scene("I do.", "Me too.", personas=BOTH) as room:
        room.join("ada", "Ada")
        room.write("ada", "Ada", "Nova and Robin, do you like tea?")
        await asyncio.sleep(8)
        assert room.port.chat == ["I do.", "Me too."]


async def test_a_written_question_to_all_is_answered_by_all_however_long_each_of_them_speaks() -> None:
    mira = Persona("mira", "Mira", PersonaVoice(), "You are brief.", ("trees",))
    words = [
        [f" {who} of all it is {number}" for number in range(80)] for who in ("First", "Second", "Third")
    ]
    long = [Script(each, 0.1, 0.02) for each in words]
    async with scene(*long, personas=(*BOTH, mira)) as room:
        room.join("ada", "Ada")
        room.write("ada", "Ada", "What does each of you like about tea?")
        await asyncio.sleep(400)
        assert [text.split()[0] for text in room.port.chat] == ["First", "Second", "Third"]
        spoken = sum(map(bool, room.sounding_at_once)) * 0.02
        assert spoken > 2 * CHAT_AGE, "none of them would have been done in the time for one"
        assert max(room.sounding_at_once) == 1
        assert not any(reason.startswith(("answer", "chat")) for reason in room.attendance.dropped)


async def test_an_answer_whose_words_never_come_is_given_up_and_people_see_why() -> None:
    async with scene(Script([" Well."], 1e6, 0.02), personas=BOTH) as room:
        room.join("ada", "Ada")
        room.write("ada", "Ada", "Nova, do you like tea?")
        await asyncio.sleep(2 * CHAT_AGE)
        assert room.attendance.dropped["answer: took-too-long"] == 1
        assert room.port.floors[-1][2] == [("robin", "addressed-another"), ("nova", "took-too-long")]


async def test_the_floor_is_shown_with_who_waits_and_why_the_others_are_silent() -> None:
    async with scene(LONG, "And I agree.", personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova, how far are the stars?")
        await asyncio.sleep(1)
        assert list(room.port.floors[-1]) == ["nova", [], [("robin", "addressed-another")]]
        await asyncio.sleep(8)
        assert list(room.port.floors[-1]) == [None, [], [("robin", "addressed-another")]]
        await ada.say("What do you two think?")
        await asyncio.sleep(0.5)
        holder, queue, silent = room.port.floors[-1]
        assert holder in ("nova", "robin")
        assert [persona for persona, _ in queue] == [{"nova": "robin", "robin": "nova"}[holder]]
        assert queue[0][1] == "everyone-asked"
        assert silent == []
        assert "wants-to-speak" in room.port.statuses


async def test_what_a_persona_says_by_itself_waits_for_a_lull_and_for_what_was_asked() -> None:
    async with scene(LONG, personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova, how far are the stars?")
        room.attendance.due(Due("due-1", "robin", "room", "propose", "Shall we look at them?"))
        await asyncio.sleep(12)
        assert said(room)[1:] == [
            ("Nova", "The stars are far away from here tonight."),
            ("Robin", "Shall we look at them?"),
        ]
        assert room.mind.lines("room")[-1]["id"] == "due-1"
        silent = "".join(str(each) for each in room.sounding_at_once).strip("0")
        assert max(map(len, silent.split("1"))) * 0.02 >= LULL


@pytest.mark.parametrize("kind", ["propose", "remind"])
async def test_what_a_persona_says_by_itself_is_refused_while_people_talk_on(kind: DueKind) -> None:
    async with scene(personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        ada.start()
        room.attendance.due(Due("due-1", "robin", "room", kind, "Shall we look at them?"))
        await asyncio.sleep(60)
        assert room.attendance.dropped[f"{kind} refused: person-speaks"] == 1
        assert room.attendance.floor.free
        ada.discard()
        await asyncio.sleep(5)
        assert room.port.finals("robin") == []


async def test_a_room_that_ends_does_not_wait_for_what_a_persona_wants_to_say() -> None:
    loop = asyncio.get_running_loop()
    async with scene(personas=BOTH) as room:
        room.join("ada", "Ada").start()
        room.attendance.due(Due("due-1", "robin", "room", "propose", "Shall we look at them?"))
        await asyncio.sleep(1)
        ended = loop.time()
    assert loop.time() - ended < 0.1


async def test_a_room_that_ends_takes_nothing_more_that_a_persona_wants_to_say() -> None:
    due = Due("due-1", "robin", "room", "propose", "Shall we look at them?")
    async with scene(personas=BOTH) as room:
        room.join("ada", "Ada")
        attendance = room.attendance
        attendance.close()
        attendance.due(due)
        assert attendance.dropped["propose refused: away"] == 1
    with pytest.raises(NotAttended):
        attendance.spawn(asyncio.sleep(0))


async def test_a_room_that_fails_takes_nobody_along_who_wants_to_say_something_meanwhile() -> None:
    opened, leaving, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow_to_go() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            leaving.set()
            await gone.wait()

    async def failing() -> None:
        raise OSError("the line is cut")

    async with scene(personas=BOTH) as room:
        attendance = Attendance("other", mind=room.mind, port=room.port)
        running = asyncio.create_task(attendance.run(opened.set))
        await opened.wait()
        assert room.presence is not None
        attendance.seat(room.presence, "Nova")
        ears = ScriptedEars()
        attendance.enter(Attendant("ada", "Ada", ears), greet=False)
        attendance.spawn(slow_to_go())
        await asyncio.sleep(0.1)
        attendance.spawn(failing())
        await leaving.wait()
        attendance.due(Due("due-1", "nova", "other", "propose", "Shall we look at them?"))
        assert attendance.dropped["propose refused: away"] == 1
        gone.set()
        with pytest.raises(ExceptionGroup, match="TaskGroup"):
            await running


async def test_a_question_that_had_to_wait_is_answered_once() -> None:
    async with scene(LONG, LONG, personas=BOTH, alive=True) as room:
        ada, bob = room.join("ada", "Ada"), room.join("bob", "Bob")
        await asyncio.sleep(1)
        await ada.say("Nova, how far are the stars?")
        # Longer than a question may be open before somebody comes back to it.
        await bob.say("I was at the sea.", UNANSWERED_S + 1)
        await asyncio.sleep(60)
        assert [name for name, _ in said(room)] == ["Ada", "Bob", "Nova"]
        assert room.attendance.dropped["question refused: another-answers"] == 1
        assert room.life is not None
        assert room.life.intentions("nova") == []


async def test_who_comes_back_to_a_question_is_silent_once_it_has_been_answered() -> None:
    async with scene(personas=BOTH, alive=True) as room:
        room.join("ada", "Ada")
        bob = room.join("bob", "Bob")
        await asyncio.sleep(1)
        assert room.life is not None
        question = "Nova, how far are the stars?"
        left_open = Heard("room", "ada", "Ada", question, datetime.now(UTC), "left-open")
        room.mind.record(left_open)
        # What Nova comes back with waits for Bob to end, and he knows the answer.
        await asyncio.sleep(UNANSWERED_S - 2)
        bob.start()
        await asyncio.sleep(4)
        (waiting,) = [each.id for each in room.life.intentions("nova") if each.attempts]
        assert waiting in room.attendance._dues
        bob.end("They are far away, I think.")
        await asyncio.sleep(60)
        assert [name for name, _ in said(room)] == ["Ada", "Bob"]
        assert room.attendance.dropped["no longer due"] == 1
        assert room.attendance.floor.free


async def test_who_was_told_more_than_it_could_take_in_says_so_once_before_it_answers() -> None:
    async with scene("I am.", "Still here.", alive=True) as room:
        room.join("ada", "Ada")
        for number in range(3 * SHARE):
            room.mind.record(
                Read("room", "ada", "Ada", f"Line {number}.", datetime.now(UTC), f"flood-{number}")
            )
        await asyncio.sleep(1)
        for _ in range(2):
            room.write("ada", "Ada", "Nova, are you there?")
            await asyncio.sleep(15)
        assert room.port.chat == ["That was a lot at once, I missed some of it. I am.", "Still here."]


@pytest.mark.parametrize("aloud", [True, False])
async def test_who_rests_declines_what_it_is_asked_and_another_takes_it(aloud: bool) -> None:
    async with scene("They are far away.", personas=BOTH, alive=True) as room:
        ada = room.join("ada", "Ada")
        assert room.life is not None
        present = [
            Attendee("ada", "Ada", "person"),
            *(Attendee(each.id, each.name, "persona") for each in BOTH),
        ]
        for number in range(40):
            room.life.observe(
                Said("room", "nova", "word " * 150, datetime.now(UTC), id=f"talk-{number}"), present
            )
            await asyncio.sleep(0.5)
        await asyncio.sleep(20)
        assert room.life.disposition("nova").resting
        if aloud:
            await ada.say("Nova, how far are the stars?")
        else:
            room.write("ada", "Ada", "Nova, how far are the stars?")
        await asyncio.sleep(60)
        assert said(room)[-3:] == [
            ("Ada", "Nova, how far are the stars?"),
            ("Nova", "Sorry, I need some rest just now. Perhaps Robin can take it."),
            ("Robin", "They are far away."),
        ]
        watch = TaskWatch("room")
        done = [watch.observe(event, ("nova", "robin")) for event in room.happened]
        assert [(each.persona, each.asker) for each in done if each is not None] == [("robin", "ada")]


async def test_a_greeting_between_question_and_answer_is_no_answer() -> None:
    slow = Script(["They", " are", " far", " away."], first=4.0)
    async with scene(slow, personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova, how far are the stars?")
        room.attendance.due(Due("wake-1", "robin", "room", "wake", "I have rested and am back."))
        room.write("bob", "Bob", "Hello to everybody.")
        await asyncio.sleep(30)
        watch = TaskWatch("room")
        done = [watch.observe(event, ("nova", "robin")) for event in room.happened]
        assert [(each.persona, each.asker) for each in done if each is not None] == [("nova", "ada")]
        assert ("Robin", "I have rested and am back.") in said(room)


@pytest.mark.parametrize(
    ("kind", "text", "answers"),
    [
        ("held-back", "", ("ada", "m1")),
        ("question", "", ("ada", "m1")),
        ("remind", "Ada, call your mother.", ("ada", "m1")),
        ("propose", "Shall I remind you of it?", None),
    ],
)
async def test_what_a_persona_says_by_itself_names_the_line_that_it_fulfils(
    kind: DueKind, text: str, answers: tuple[str, str] | None
) -> None:
    async with scene("They are far away.", personas=BOTH) as room:
        room.join("ada", "Ada")
        line = Read("room", "ada", "Ada", "How far are the stars?", datetime.now(UTC), "m1")
        room.attendance.due(Due("due-1", "robin", "room", kind, text, "ada", line))
        await asyncio.sleep(20)
        (heard,) = (event for event in room.happened if isinstance(event, Said))
        assert (heard.id, heard.answers) == ("due-1", answers)


async def test_who_is_tired_says_so_in_writing_where_there_is_no_gap_to_say_it_in() -> None:
    async with scene(personas=BOTH) as room:
        room.join("ada", "Ada").start()
        room.attendance.due(Due("rest-1", "robin", "room", "rest", "I am tired."))
        await asyncio.sleep(60)
        assert room.port.chat == ["I am tired."]
        assert said(room) == [("Robin", "I am tired.")]


async def test_nothing_is_said_and_no_word_is_composed_where_nobody_is() -> None:
    async with scene(personas=BOTH) as room:
        line = Read("room", "ada", "Ada", "What is a star?", datetime.now(UTC), "m1")
        room.attendance.due(Due("due-1", "robin", "room", "question", line=line))
        await asyncio.sleep(60)
        assert room.attendance.dropped["question refused: away"] == 1
        assert room.generator.streamed == []


async def test_the_floor_of_a_whisper_is_shown_to_its_circle_alone() -> None:
    circle = frozenset({"ada", "nova", "robin"})
    async with scene(LONG, personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        room.join("bob", "Bob")
        room.attendance.turn_to("ada", circle - {"ada"})
        await ada.say("Nova, do you know?")
        await asyncio.sleep(0.5)
        assert list(room.port.floors[-1]) == ["nova", [], [("robin", "addressed-another")]]
        await asyncio.sleep(4)
        shown = [listeners for what, listeners in room.port.told if what == "floor"]
        assert shown
        assert all(listeners == sorted(circle) for listeners in shown)
        assert list(room.port.floors[-1][:2]) == [None, []]


class Memory:
    """Keeps what was held back."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str]] = []

    def held_back(self, persona: str, room: str, line: Heard | Read) -> None:
        self.kept.append((persona, line.text))


async def test_what_a_persona_did_not_come_to_say_is_held_back() -> None:
    async with scene(Script(["Well,", " I", " do."], first=3.0), personas=BOTH) as room:
        memory = Memory()
        room.attendance.answering._holds_back = memory
        ada, bob = room.join("ada", "Ada"), room.join("bob", "Bob")
        await ada.say("Does anybody know the way?")
        await bob.say("It is left and then right.")
        await asyncio.sleep(3)
        assert [text for _, text in memory.kept] == ["Does anybody know the way?"]


async def test_an_answer_that_people_talk_over_for_too_long_is_refused_and_counted() -> None:
    async with scene("I do.", personas=BOTH) as room:
        ada, bob = room.join("ada", "Ada"), room.join("bob", "Bob")
        bob.start()
        await ada.say("Nova, do you like tea?")
        await asyncio.sleep(40)
        assert room.attendance.dropped["floor: person-speaks"] == 1
        assert room.attendance.floor.free
        bob.discard()
        await asyncio.sleep(5)
        assert room.port.finals("nova") == []


async def test_a_persona_that_loses_its_place_falls_silent_and_the_next_one_answers() -> None:
    async with scene(LONG, "I agree with all of it.", "It is only me now.", personas=BOTH) as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova and Robin, what do you think?")
        await asyncio.sleep(1.5)
        await room.attendance.unseat("nova")
        await asyncio.sleep(8)
        assert room.port.finals("robin") == ["It is only me now."]
        await ada.say("Nova, are you there?")
        await asyncio.sleep(3)
        assert room.attendance.floor.free


@pytest.mark.parametrize("personas", [(NOVA,), BOTH])
async def test_an_answer_composed_ahead_sounds_in_the_same_instant_in_which_the_turn_is_over(
    personas: tuple[Persona, ...],
) -> None:
    async with scene("Paris it is.", personas=personas) as room:
        ada = room.join("ada", "Ada")
        ada.start()
        ada.pause("Nova, what is the capital of France?")
        await asyncio.sleep(2)
        assert room.port.ring.written == 0
        before = asyncio.get_running_loop().time()
        ada.end("Nova, what is the capital of France?")
        await room.port.begun("nova")
        assert asyncio.get_running_loop().time() == before


@pytest.mark.parametrize("asked", ["Robin, are you there?", "Nova and Robin, are you there?"])
async def test_what_is_asked_in_writing_does_not_wait_for_what_a_persona_wants_to_say_by_itself(
    asked: str,
) -> None:
    async with scene("Yes, I am.", personas=BOTH) as room:
        room.join("ada", "Ada")
        for persona in ("nova", "robin"):
            room.attendance.due(Due(f"{persona}-due", persona, "room", "remind", "Ada, your tea."))
        await asyncio.sleep(0.5)
        assert "wants-to-speak" in room.port.statuses, "Robin waits for a lull"
        room.write("ada", "Ada", asked)
        await asyncio.sleep(5)
        assert room.port.finals("robin") == ["Yes, I am."] == room.port.chat[-1:]
        assert room.attendance.dropped["remind refused: another-speaks"] == 1
