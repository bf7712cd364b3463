import asyncio

import pytest

from cognition.conversation.witnesses import witnesses
from cognition.inference.generator import Script
from signaling.attendance import INTERRUPT_AFTER
from signaling.ears import ScriptedEars
from tests.signaling.scene import NOVA, ROBIN, Scene, scene

pytestmark = pytest.mark.virtual_time


def sounds(room: Scene) -> bool:
    return room.presence is not None and room.presence.sounding


LONG = Script(
    [
        "The moon",
        " is",
        " far",
        " away,",
        " and",
        " it",
        " takes",
        " three",
        " days",
        " to",
        " get",
        " there.",
    ],
    0.1,
    0.02,
)


async def test_a_question_is_answered_and_both_are_remembered() -> None:
    async with scene("Paris it is.") as room:
        ada = room.join("ada", "Ada")
        await ada.say("What is the capital of France?")
        await room.until_quiet()
        assert room.port.finals("nova") == ["Paris it is."]
        assert room.remembered() == [
            ("Ada", "What is the capital of France?", False),
            ("Nova", "Paris it is.", False),
        ]


async def test_ears_are_told_what_their_person_has_heard_of_a_persona() -> None:
    async with scene("Do you live in Paris?") as room:
        ada = room.join("ada", "Ada")
        await ada.say("Ask me something.")
        await room.until_quiet()
        assert isinstance(ada.attendant.listener, ScriptedEars)
        assert ada.attendant.listener.questions == ["Do you live in Paris?"]


async def test_a_dry_voice_is_woken_once_and_again_when_it_has_run_dry() -> None:
    async with scene("Paris it is.") as room:
        ada = room.join("ada", "Ada")
        for question in ("What is the capital of France?", "And what is it now?"):
            before = room.port.wakes
            await ada.say(question)
            await room.until_quiet()
            assert room.port.wakes == before + 1


async def test_a_reply_is_composed_before_the_turn_is_over_but_not_heard() -> None:
    async with scene("Paris it is.") as room:
        ada = room.join("ada", "Ada")
        ada.start()
        await asyncio.sleep(1)
        ada.pause("What is the capital of France?")
        await asyncio.sleep(2)
        assert room.voice.spoken == ["Paris it is."]
        assert room.port.ring.written == 0
        ada.end("What is the capital of France?")
        await asyncio.sleep(0.1)
        assert room.port.ring.pulled > 0


async def test_nothing_is_composed_before_the_turn_is_over_when_not_speculative() -> None:
    async with scene("Paris it is.", speculative=False) as room:
        ada = room.join("ada", "Ada")
        ada.start()
        ada.pause("What is the capital of France?")
        await asyncio.sleep(2)
        assert room.voice.spoken == []
        ada.end("What is the capital of France?")
        await room.until_quiet()
        assert room.port.finals("nova") == ["Paris it is."]


async def test_a_reply_is_withdrawn_when_the_person_goes_on() -> None:
    async with scene("Too early.", "Now then.") as room:
        ada = room.join("ada", "Ada")
        ada.start()
        ada.pause("What is the capital")
        await asyncio.sleep(0.5)
        ada.resume()
        await asyncio.sleep(0.5)
        ada.pause("What is the capital of France?")
        await asyncio.sleep(0.5)
        ada.end("What is the capital of France?")
        await room.until_quiet()
        assert room.port.finals("nova") == ["Now then."]
        assert "Too early." not in str(room.remembered())


async def test_an_interruption_stops_the_voice_and_only_what_was_heard_is_remembered() -> None:
    async with scene(LONG, "Sure.") as room:
        ada = room.join("ada", "Ada")
        await ada.say("How far away is the moon?")
        await asyncio.sleep(1.0)
        assert room.port.ring.written > room.port.ring.pulled
        ada.start()
        await asyncio.sleep(INTERRUPT_AFTER + 0.1)
        assert room.port.ring.pulled == room.port.ring.written
        who, text, final, interrupted = room.port.captions[-1]
        assert (who, final, interrupted) == ("nova", True, True)
        assert text
        assert not text.endswith("there.")
        assert room.remembered()[-1] == ("Nova", text, True)
        ada.discard()


async def test_a_backchannel_does_not_stop_the_voice() -> None:
    async with scene(LONG) as room:
        ada = room.join("ada", "Ada")
        await ada.say("How far away is the moon?")
        await asyncio.sleep(1)
        await ada.say("Mhm.", seconds=0.2)
        await room.until_quiet()
        assert room.port.finals("nova")[-1].endswith("get there.")
        assert room.attendance.dropped["backchannel"] == 1


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("Yeah,", "Yeah, but that is"),
        ("Right,", "Right, wait"),
        ("Okay", "Okay stop"),
        ("That", "That is wrong"),
    ],
)
async def test_words_that_begin_as_an_acknowledgement_stop_the_voice_once_they_go_on(
    first: str, then: str
) -> None:
    async with scene(LONG) as room:
        ada = room.join("ada", "Ada")
        await ada.say("How far away is the moon?")
        await asyncio.sleep(1)
        ada.start()
        await asyncio.sleep(0.4)
        ada.partial(first)
        await asyncio.sleep(0.1)
        assert sounds(room)
        ada.partial(then)
        await asyncio.sleep(0.1)
        assert not sounds(room)
        assert not room.port.finals("nova")[-1].endswith("get there.")
        ada.discard()


async def test_words_that_may_still_acknowledge_let_the_voice_go_on() -> None:
    async with scene(LONG) as room:
        ada = room.join("ada", "Ada")
        await ada.say("How far away is the moon?")
        await asyncio.sleep(1)
        ada.start()
        for words in ("Oh", "Oh I", "Oh, I see."):
            await asyncio.sleep(0.4)
            ada.partial(words)
        ada.pause("Oh, I see.")
        await asyncio.sleep(0.3)
        ada.end("Oh, I see.")
        await room.until_quiet()
        assert room.port.finals("nova")[-1].endswith("get there.")


async def test_short_noise_over_the_voice_does_not_stop_it() -> None:
    async with scene(LONG) as room:
        ada = room.join("ada", "Ada")
        await ada.say("How far away is the moon?")
        await asyncio.sleep(1)
        ada.start()
        await asyncio.sleep(0.2)
        ada.discard()
        await room.until_quiet()
        assert room.port.finals("nova")[-1].endswith("get there.")


async def test_a_reply_not_yet_heard_gives_way_to_its_person_going_on() -> None:
    slow = Script(["Well,", " I", " think", " so."], first=3.0)
    async with scene(slow, "Right.") as room:
        ada = room.join("ada", "Ada")
        await ada.say("Is it going to rain?")
        await ada.say("I mean tomorrow?")
        await room.until_quiet()
        assert room.port.finals("nova") == ["Right."]
        assert [text for _, text, _ in room.remembered()] == [
            "Is it going to rain?",
            "I mean tomorrow?",
            "Right.",
        ]


async def test_a_reply_waits_for_somebody_else_to_finish() -> None:
    async with scene("Paris it is.", "Hello Bob.") as room:
        ada = room.join("ada", "Ada")
        bob = room.join("bob", "Bob")
        bob.start()
        await ada.say("Nova, what is the capital of France?")
        await asyncio.sleep(1)
        assert room.port.ring.written == 0
        bob.discard()
        await room.until_quiet()
        assert room.port.finals("nova") == ["Paris it is."]


async def test_two_people_talking_to_each_other_are_left_alone() -> None:
    async with scene("Nobody asked me.") as room:
        ada = room.join("ada", "Ada")
        room.join("bob", "Bob")
        await ada.say("Bob, did you bring the tickets?")
        await asyncio.sleep(2)
        assert room.port.finals("nova") == []
        assert any(reason.startswith("declined") for reason in room.attendance.dropped)
        assert room.remembered() == [("Ada", "Bob, did you bring the tickets?", False)]


async def test_a_written_question_is_answered_in_writing_and_aloud() -> None:
    async with scene("Paris it is.") as room:
        room.join("ada", "Ada")
        room.write("ada", "Ada", "What is the capital of France?")
        await asyncio.sleep(0.5)
        await room.until_quiet()
        assert room.port.chat == ["Paris it is."]
        assert room.port.ring.pulled > 0
        assert room.port.recorded == []
        assert room.remembered() == [
            ("Ada", "What is the capital of France?", False),
            ("Nova", "Paris it is.", False),
        ]


async def test_written_questions_are_answered_one_after_the_other() -> None:
    async with scene("One.", "Two.") as room:
        room.join("ada", "Ada")
        room.write("ada", "Ada", "Nova, what is the first?")
        room.write("ada", "Ada", "Nova, and the second one?")
        await asyncio.sleep(6)
        assert room.port.chat == ["One.", "Two."]


async def test_a_written_question_talked_over_is_still_answered() -> None:
    slow = Script(["Well,", " yes."], first=2.0)
    async with scene(slow, "Spoken.", "Written.") as room:
        ada = room.join("ada", "Ada")
        room.write("ada", "Ada", "Nova, shall we go?")
        await asyncio.sleep(0.5)
        await ada.say("What is the capital of France?")
        await asyncio.sleep(8)
        assert room.port.finals("nova")[0] == "Spoken."
        assert room.port.chat == ["Written."]


async def test_who_joins_is_greeted_once_they_can_hear() -> None:
    async with scene() as room:
        ada = room.join("ada", "Ada", greet=True, connected=False)
        await asyncio.sleep(3)
        assert room.port.ring.written == 0
        ada.attendant.connected.set()
        await asyncio.sleep(0.5)
        assert room.port.ring.pulled > 0
        await room.until_quiet()
        assert "Ada" in room.port.finals("nova")[0]


async def test_a_greeting_that_finds_no_gap_is_written() -> None:
    async with scene() as room:
        ada = room.join("ada", "Ada")
        ada.start()
        room.join("bob", "Bob", greet=True)
        await asyncio.sleep(7)
        assert len(room.port.chat) == 1
        assert "Bob" in room.port.chat[0]
        assert room.port.ring.written == 0
        ada.discard()


async def test_the_latency_of_a_turn_is_published_once_with_its_stages() -> None:
    async with scene("Paris it is.") as room:
        ada = room.join("ada", "Ada")
        await ada.say("What is the capital of France?")
        await room.until_quiet()
        [record] = room.port.records
        assert record["persona"] == "nova"
        assert record["to"] == "ada"
        assert all(
            record[stage] is not None for stage in ("paused", "decided", "words", "firstClause", "onWire")
        )


async def test_a_model_that_fails_ahead_of_the_turn_is_asked_again_when_the_turn_is_over() -> None:
    async with scene(Script([], error="out of memory"), "Fine again.") as room:
        ada = room.join("ada", "Ada")
        await ada.say("What is the capital of France?")
        await room.until_quiet()
        assert room.attendance.dropped["reply failed"] == 1
        assert room.port.finals("nova") == ["Fine again."]


async def test_a_failing_model_is_counted_and_the_next_turn_is_answered() -> None:
    broken = Script([], error="out of memory")
    async with scene(broken, broken, "Fine again.") as room:
        ada = room.join("ada", "Ada")
        await ada.say("What is the capital of France?")
        await asyncio.sleep(1)
        assert room.attendance.dropped["reply failed"] == 2
        await ada.say("And now?")
        await room.until_quiet()
        assert room.port.finals("nova") == ["Fine again."]


async def test_leaving_in_the_middle_of_a_word_frees_the_floor() -> None:
    async with scene("Paris it is.") as room:
        ada = room.join("ada", "Ada")
        bob = room.join("bob", "Bob")
        bob.start()
        await asyncio.sleep(0.1)
        room.attendance.leave("bob")
        await ada.say("What is the capital of France?")
        await room.until_quiet()
        assert room.port.finals("nova") == ["Paris it is."]
        assert bob.attendant.tasks[0].cancelled()


async def test_leaving_in_the_pause_before_the_turn_is_over_leaves_the_persona_free() -> None:
    async with scene("Too late.", "For Bob.") as room:
        ada = room.join("ada", "Ada")
        room.join("bob", "Bob")
        ada.start()
        ada.pause("Nova, what is the capital of France?")
        await asyncio.sleep(0.5)
        room.attendance.leave("ada")
        room.write("bob", "Bob", "Nova, are you there?")
        await asyncio.sleep(5)
        assert room.port.chat == ["For Bob."]


async def test_each_of_two_people_gets_their_own_answer() -> None:
    async with scene("For Ada.", "For Bob.", "For Ada again.", "For Bob again.") as room:
        ada = room.join("ada", "Ada")
        bob = room.join("bob", "Bob")
        ada.start()
        ada.pause("Nova, what is the capital of France?")
        await asyncio.sleep(0.2)
        bob.start()
        bob.pause("Nova, how far is the moon?")
        await asyncio.sleep(0.2)
        ada.end("Nova, what is the capital of France?")
        await asyncio.sleep(1)
        assert room.port.ring.written == 0
        bob.end("Nova, how far is the moon?")
        await room.until_quiet()
        await asyncio.sleep(3)
        await room.until_quiet()
        asked = [prompt.turns[-1].text.splitlines()[-1] for _, prompt in room.generator.streamed]
        assert room.port.finals("nova") == ["For Ada again.", "For Bob again."]
        assert "France" in asked[-2]
        assert "moon" in asked[-1]


async def test_a_cough_before_the_first_sound_does_not_lose_the_answer() -> None:
    slow = Script(["Paris", " it", " is."], first=1.0)
    async with scene(slow) as room:
        ada = room.join("ada", "Ada")
        await ada.say("What is the capital of France?")
        ada.start()
        await asyncio.sleep(0.3)
        ada.discard()
        await room.until_quiet()
        assert room.port.finals("nova") == ["Paris it is."]


async def test_two_personas_never_sound_at_once() -> None:
    async with scene("I am Nova and I am here.", "I am Robin and I am too.", personas=(NOVA, ROBIN)) as room:
        room.join("ada", "Ada")
        room.join("bob", "Bob")
        room.write("ada", "Ada", "Nova, are you there?")
        await asyncio.sleep(0.1)
        bob = room.join("carl", "Carl")
        await bob.say("Robin, are you there?", seconds=0.1)
        await asyncio.sleep(12)
        assert max(room.sounding_at_once) == 1
        assert len(room.port.finals("nova") + room.port.finals("robin")) >= 2


async def test_an_answer_in_writing_is_written_to_its_end_when_its_voice_is_interrupted() -> None:
    long = Script(
        ["The moon is far away,", *[f" and step {number} follows" for number in range(20)], "."], 0.1, 0.3
    )
    async with scene(long, "Yes.") as room:
        ada = room.join("ada", "Ada")
        room.write("ada", "Ada", "How far away is the moon?")
        await asyncio.sleep(2)
        ada.start()
        await asyncio.sleep(INTERRUPT_AFTER + 0.1)
        assert room.port.captions[-1][3]
        ada.discard()
        await asyncio.sleep(15)
        assert len(room.port.chat) == 1
        assert "step 5" in room.port.chat[0]


async def test_a_voice_that_nobody_hears_does_not_hold_the_persona_up() -> None:
    async with scene("One.", "Two.", listened=False) as room:
        room.join("ada", "Ada", connected=False)
        room.write("ada", "Ada", "Nova, what is the first?")
        room.write("ada", "Ada", "Nova, and the second one?")
        await asyncio.sleep(10)
        assert room.port.chat == ["One.", "Two."]
        assert room.attendance.dropped["nobody listens"] == 2


async def test_a_model_that_fails_in_mid_sentence_is_still_heard_to_that_point() -> None:
    broken = Script(["Well,", " let", " me", " think,"], error="out of memory")
    async with scene(broken, "Fine again.") as room:
        ada = room.join("ada", "Ada")
        await ada.say("What is the capital of France?")
        await room.until_quiet()
        assert room.port.finals("nova") == ["Well, let me think,"] or room.port.finals("nova") == ["Well,"]
        assert room.port.ring.pulled == room.port.ring.written
        assert room.attendance.dropped["reply failed"] == 1


@pytest.mark.virtual_time
async def test_words_that_come_when_their_person_already_speaks_again_are_answered_once_they_stop() -> None:
    async with scene("It is nine.") as room:
        ada = room.join("ada", "Ada")
        ada.start()
        await asyncio.sleep(1.0)
        ada.start()
        ada.end("What time is it?", turn=1)
        await asyncio.sleep(2.0)
        assert room.port.finals("ada") == ["What time is it?"]
        assert room.attendance.persons["ada"].speaking
        assert sum(room.sounding_at_once) == 0
        ada.discard()
        await room.until_quiet()
        assert room.port.finals("nova") == ["It is nine."]


@pytest.mark.virtual_time
async def test_the_caption_of_a_turn_let_go_is_taken_back_when_its_person_already_speaks_again() -> None:
    async with scene() as room:
        ada = room.join("ada", "Ada")
        ada.start()
        ada.pause("Thanks for watching!")
        await asyncio.sleep(0.3)
        ada.start()
        ada.discard(turn=1)
        await asyncio.sleep(0.1)
        assert room.port.captions[-1] == ("ada", "", True, False)
        assert room.attendance.persons["ada"].speaking


async def test_who_comes_while_somebody_speaks_is_not_taken_for_a_hearer_of_it() -> None:
    async with scene() as room:
        heard: dict[str, set[str]] = {}
        room.mind._observe = lambda event, present: heard.update(
            {getattr(event, "text", ""): {each.id for each in witnesses(event, present)}}
        )
        ada = room.join("ada", "Ada")
        ada.start()
        await asyncio.sleep(1)
        room.join("bob", "Bob")
        ada.end("Between us, I will quit on Friday.")
        await asyncio.sleep(0.05)
        await ada.say("Hello Bob.")
        assert heard["Between us, I will quit on Friday."] == {"ada", "nova"}
        assert heard["Hello Bob."] == {"ada", "bob", "nova"}


async def test_who_comes_while_a_persona_speaks_is_not_taken_for_a_hearer_of_it() -> None:
    async with scene(LONG, "Hello.") as room:
        heard: dict[str, set[str]] = {}
        room.mind._observe = lambda event, present: heard.update(
            {getattr(event, "text", ""): {each.id for each in witnesses(event, present)}}
        )
        ada = room.join("ada", "Ada")
        await ada.say("How far is the moon?")
        await room.port.begun("nova")
        room.join("bob", "Bob")
        await room.until_quiet()
        (words,) = [text for text in heard if "three days" in text]
        assert heard[words] == {"ada", "nova"}


async def test_who_comes_has_what_was_said_before_taken_out_of_the_prompts_at_once() -> None:
    async with scene("I see.") as room:
        ada = room.join("ada", "Ada")
        await ada.say("Between us, my knee is broken.")
        await room.until_quiet()
        await asyncio.sleep(0.1)
        assert "knee" in str(room.generator.prefilled[-1])
        room.join("bob", "Bob")
        await asyncio.sleep(0.1)
        assert "knee" not in str(room.generator.prefilled[-1])
