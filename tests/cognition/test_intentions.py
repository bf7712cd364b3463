"""What personas do by themselves: they greet, come back to what was left open, remind, propose, turn to each other."""

import asyncio

import pytest

from cognition.conversation.floor import Attendee
from cognition.events import Declined
from cognition.persona.intentions import ASKER_LIMIT, ATTEMPTS, LIMIT, UNANSWERED_S
from cognition.store.memory_store import MemoryStore
from tests.cognition.lives import ADA, BOB, NOVA, ROBIN, hall

pytestmark = pytest.mark.virtual_time


async def test_who_arrives_is_greeted_once_by_one_persona() -> None:
    async with hall(NOVA, ROBIN) as room:
        room.arrive(ADA, greeted=False)
        await asyncio.sleep(120)
        assert [(due.kind, due.persona, due.to) for due in room.bids] == [("greet", "nova", "ada")]


async def test_who_has_been_greeted_or_is_there_already_is_not_greeted_again() -> None:
    async with hall(NOVA) as room:
        room.arrive(ADA, greeted=True)
        room.arrive(BOB, greeted=False)
        room.arrive(BOB, greeted=False)
        await asyncio.sleep(120)
        assert [due.to for due in room.bids] == ["bob"]


async def test_who_comes_back_is_greeted_again() -> None:
    async with hall(NOVA) as room:
        room.arrive(ADA, greeted=False)
        await asyncio.sleep(10)
        room.leave(ADA)
        await asyncio.sleep(600)
        room.arrive(ADA, greeted=False)
        await asyncio.sleep(10)
        assert room.kinds() == ["greet", "greet"]


async def test_who_is_only_named_to_another_is_still_to_be_greeted() -> None:
    async with hall(NOVA, ROBIN) as room:
        room.deaf = True
        room.arrive(ADA, greeted=False)
        room.arrive(BOB, greeted=False)
        await asyncio.sleep(1)
        room.say("nova", "Hi Ada! I'm Nova. Bob, Cem and Dora are here too.", id=room.bids[0].id)
        assert [each.to for each in room.life.intentions("nova")] == ["bob"]
        room.say("robin", "I think Bob knows more about it.")
        assert [each.to for each in room.life.intentions("nova")] == ["bob"]
        room.say("robin", "Hello Bob, good to see you.")
        assert room.life.intentions("nova") == []


async def test_who_comes_back_under_another_id_is_reminded() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        room.hear(ADA, "Nova, remind me in five minutes to call the dentist.")
        await asyncio.sleep(60)
        room.leave(ADA)
        room.arrive(Attendee("ada-again", "Ada", "person"))
        await asyncio.sleep(600)
        assert [(due.kind, due.to) for due in room.bids] == [("remind", "ada-again")]


async def test_nobody_greets_a_person_who_has_left_before_there_was_a_gap() -> None:
    async with hall(NOVA) as room:
        room.says = lambda due: False
        room.arrive(ADA, greeted=False)
        await asyncio.sleep(1)
        room.leave(ADA)
        tried = len(room.bids)
        await asyncio.sleep(600)
        assert len(room.bids) == tried == 1
        assert room.life.intentions("nova") == []


async def test_a_persona_that_rests_lets_another_greet() -> None:
    async with hall(NOVA, ROBIN, people=[BOB]) as room:
        room.tire("nova")
        await asyncio.sleep(5)
        room.bids.clear()
        room.arrive(ADA, greeted=False)
        await asyncio.sleep(5)
        assert [(due.kind, due.persona) for due in room.bids] == [("greet", "robin")]


async def test_a_question_that_nobody_answers_is_come_back_to() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        asked = room.hear(ADA, "How far is the moon?")
        await asyncio.sleep(UNANSWERED_S - 1)
        assert room.bids == []
        await asyncio.sleep(2)
        assert [(due.kind, due.line) for due in room.bids] == [("question", asked)]
        await asyncio.sleep(600)
        assert len(room.bids) == 1


@pytest.mark.parametrize("who", ["persona", "person"])
async def test_a_question_that_was_answered_is_let_be(who: str) -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        room.hear(ADA, "Does anybody know how far the moon is?")
        await asyncio.sleep(3)
        if who == "persona":
            room.say("nova", "Some four hundred thousand kilometres.")
        else:
            room.hear(BOB, "About a light second.")
        await asyncio.sleep(600)
        assert room.bids == []


async def test_a_question_among_people_is_theirs() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        room.hear(ADA, "Bob, how was your weekend?")
        room.hear(ADA, "Did you see the match?")
        await asyncio.sleep(600)
        assert room.bids == []


async def test_who_knows_about_it_comes_back_to_it() -> None:
    async with hall(NOVA, ROBIN, people=[ADA, BOB]) as room:
        room.hear(ADA, "Does anybody know what birds eat?")
        await asyncio.sleep(30)
        assert [due.persona for due in room.bids] == ["robin"]


async def test_never_mind_ends_it() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        room.hear(ADA, "How far is the moon?")
        await asyncio.sleep(5)
        room.hear(ADA, "Oh, never mind.")
        await asyncio.sleep(600)
        assert room.bids == []


async def test_what_was_held_back_is_said_in_the_next_gap() -> None:
    async with hall(NOVA, ROBIN, people=[ADA, BOB]) as room:
        line = room.hear(ADA, "The stars were lovely yesterday.")
        room.life.held_back("nova", "hall", line)
        await asyncio.sleep(10)
        assert [(due.kind, due.persona, due.line) for due in room.bids] == [("held-back", "nova", line)]


async def test_what_was_held_back_too_long_is_let_go() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        room.says = lambda due: False
        room.life.held_back("nova", "hall", room.hear(ADA, "The stars were lovely."))
        await asyncio.sleep(1000)
        assert 1 < len(room.bids) <= ATTEMPTS
        assert room.life.intentions("nova") == []


async def test_a_reminder_comes_when_it_is_time_and_once() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        room.hear(ADA, "Remind me in ten minutes to call my mother.")
        await asyncio.sleep(599)
        assert room.bids == []
        (intention,) = room.life.intentions("nova")
        assert (intention.progress, intention.next_step) == (0.0, "say it when it is time and they are there")
        await asyncio.sleep(2)
        assert room.texts() == ["Ada, you asked me to remind you to call your mother."]
        await asyncio.sleep(3600)
        assert len(room.bids) == 1
        assert room.life.intentions("nova") == []


async def test_a_reminder_waits_for_who_has_gone() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        room.hear(ADA, "Nova, remind me in ten minutes to stretch.")
        room.leave(ADA)
        await asyncio.sleep(3600)
        assert room.bids == []
        room.arrive(ADA)
        await asyncio.sleep(5)
        assert room.kinds() == ["remind"]


async def test_a_reminder_for_somebody_else_names_who_asked() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        room.hear(ADA, "Nova, remind Bob to drink water in five minutes.")
        await asyncio.sleep(301)
        assert [(due.to, due.text) for due in room.bids] == [
            ("bob", "Bob, Ada asked me to remind you to drink water.")
        ]


async def test_a_reminder_is_cancelled_by_who_asked_for_it_and_by_nobody_else() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        room.hear(ADA, "Nova, remind me in ten minutes to stretch.")
        room.hear(BOB, "Cancel the reminder, Nova.")
        assert len(room.life.intentions("nova")) == 1
        room.hear(ADA, "Nova, cancel that reminder.")
        assert room.life.intentions("nova") == []
        await asyncio.sleep(1000)
        assert "remind" not in room.kinds()


async def test_who_names_no_time_is_asked_for_it() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        room.hear(ADA, "Nova, remind me to call the bank.")
        await asyncio.sleep(10)
        assert room.texts() == ["Ada, when shall I remind you to call the bank?"]


async def test_nobody_fills_a_persona_with_reminders() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        for number in range(3 * ASKER_LIMIT):
            room.hear(ADA, f"Nova, remind me in {number + 5} minutes to stretch.")
        room.hear(BOB, "Nova, remind me in ten minutes to stretch.")
        reminders = [each for each in room.life.intentions("nova") if each.kind == "remind"]
        assert len(reminders) == ASKER_LIMIT + 1
        assert room.life.counts()["intention: too many: remind"] == 2 * ASKER_LIMIT


async def test_open_intentions_are_bounded_and_the_least_go_first() -> None:
    people = [Attendee(f"p{number}", f"Person{number}", "person") for number in range(12)]
    async with hall(NOVA, people=people) as room:
        for who in people:
            for number in range(5):
                room.hear(who, f"Nova, remind me in {number + 5} minutes to stretch.")
        for who in people[:4]:
            room.hear(who, "Nova, how far is the moon?")
        open_ones = room.life.intentions("nova")
        assert len(open_ones) == LIMIT
        assert {each.kind for each in open_ones} == {"remind"}


async def test_what_somebody_should_do_is_proposed_and_a_yes_makes_it_a_reminder() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        room.hear(ADA, "Somebody should water the plants.")
        await asyncio.sleep(50)
        assert room.texts() == ["Ada, you said: water the plants. Shall I remind you of it tomorrow?"]
        (waiting,) = room.life.intentions("nova")
        assert (waiting.progress, waiting.next_step) == (0.5, "see whether it is taken up")
        room.hear(ADA, "Yes, please.")
        (reminder,) = room.life.intentions("nova")
        assert reminder.kind == "remind"
        await asyncio.sleep(reminder.due - reminder.created + 5)
        assert room.texts()[-1] == "Ada, you wanted to be reminded: water the plants."


async def test_what_was_proposed_in_a_whisper_stays_one_when_it_is_accepted_aloud() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        circle = frozenset({"ada", "nova"})
        room.hear(ADA, "We really should fetch the cake.", circle)
        await asyncio.sleep(50)
        room.hear(ADA, "Yes, please.")
        (reminder,) = room.life.intentions("nova")
        assert (reminder.kind, reminder.circle) == ("remind", circle)


async def test_what_was_whispered_waits_for_somebody_who_heard_it() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        circle = frozenset({"ada", "nova"})
        room.hear(ADA, "Nova, remind us in one minute to fetch the cake.", circle)
        room.leave(ADA)
        await asyncio.sleep(600)
        assert room.bids == []
        room.arrive(ADA)
        await asyncio.sleep(1)
        assert [(due.kind, due.to, due.circle) for due in room.bids] == [("remind", "", circle)]


async def test_whom_a_whispered_reminder_names_but_did_not_hear_it_is_not_told() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        room.hear(ADA, "Nova, remind Bob in one minute to fetch the cake.", frozenset({"ada", "nova"}))
        assert [each.to for each in room.life.intentions("nova")] == [""]


async def test_what_somebody_takes_on_is_not_proposed() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        room.hear(ADA, "Somebody should water the plants.")
        room.hear(BOB, "I'll do it.")
        await asyncio.sleep(600)
        assert room.bids == []


async def test_a_persona_turns_to_another_once_that_one_is_awake() -> None:
    async with hall(NOVA, ROBIN, people=[ADA]) as room:
        room.tire("robin")
        await asyncio.sleep(5)
        room.bids.clear()
        room.hear(ADA, "Nova, ask Robin what birds eat.")
        room.say("nova", "Robin is resting, I will ask later.")
        await asyncio.sleep(60)
        assert "talk" not in room.kinds()
        await asyncio.sleep(600)
        talk = next(due for due in room.bids if due.kind == "talk")
        assert (talk.persona, talk.to) == ("nova", "robin")
        assert talk.text.startswith("Robin, Ada would like to hear from you")
        room.say("robin", "Seeds and worms.")
        assert room.life.intentions("nova") == []


async def test_what_one_declines_another_takes() -> None:
    async with hall(NOVA, ROBIN, people=[ADA]) as room:
        line = room.hear(ADA, "Nova, what do birds eat?")
        room.told(Declined("hall", "nova", line.id, "not-my-field", room.at(), "d1"))
        assert [each.status for each in room.life.intentions("nova")] == []
        await asyncio.sleep(5)
        assert [(due.persona, due.kind, due.line) for due in room.bids] == [("robin", "question", line)]


async def test_a_bid_that_is_refused_is_made_again_ever_more_rarely_and_the_persona_knows_why() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        room.says = lambda due: len(room.bids) > 3
        room.hear(ADA, "Remind me in a minute to stretch.")
        await asyncio.sleep(70)
        (intention,) = room.life.intentions("nova")
        assert intention.refused == "another-speaks"
        await asyncio.sleep(600)
        assert room.kinds() == ["remind"] * 4
        assert room.life.counts()["refused: remind: another-speaks"] == 3


async def test_what_was_promised_is_kept_by_another_while_a_persona_rests() -> None:
    async with hall(NOVA, ROBIN, people=[ADA]) as room:
        room.hear(ADA, "Nova, remind me in one minute to stretch.")
        room.tire("nova")
        await asyncio.sleep(61)
        assert [(due.persona, due.kind) for due in room.bids if due.kind != "rest"] == [("robin", "remind")]


@pytest.mark.parametrize("goes", ["pauses", "is removed"])
async def test_what_was_promised_in_a_whisper_is_kept_by_another_only_if_it_heard_it(goes: str) -> None:
    for circle, taken in (({"ada", "nova"}, []), ({"ada", "nova", "robin"}, ["remind"])):
        async with hall(NOVA, ROBIN, people=[ADA, BOB]) as room:
            room.hear(ADA, "Nova, remind me in one minute to stretch.", frozenset(circle))
            if goes == "pauses":
                room.life.order("pause", "nova", "op", "for a moment")
            else:
                room.life.unseat("nova")
            await asyncio.sleep(120)
            assert [due.kind for due in room.bids if due.persona == "robin"] == taken


async def test_what_was_whispered_is_known_to_those_alone_who_heard_it() -> None:
    async with hall(NOVA, ROBIN, people=[ADA, BOB]) as room:
        room.hear(ADA, "Robin, how far is the moon?", to=frozenset({"ada", "nova"}))
        assert room.life.intentions("robin") == []
        assert room.life.inbox("robin") == ()
        assert room.life.notes("robin", "hall") == ()


async def test_what_happens_twice_because_it_is_told_twice_happens_once() -> None:
    store = MemoryStore()
    async with hall(NOVA, people=[ADA], store=store) as room:
        line = room.hear(ADA, "Nova, remind me in ten minutes to stretch.")
        energy = room.say("nova", "I will. " * 50)
        before = room.life.state("nova")
        for event in (line, energy, line):
            room.told(event)
        assert room.life.state("nova") == before
        assert len(room.life.intentions("nova")) == 1
