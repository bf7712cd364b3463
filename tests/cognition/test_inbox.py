"""The inbox: by priority, then age; bounded, fair to senders, and honest about what it lost."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.events import Declined
from cognition.persona.inbox import CAPACITY, SHARE, STALE_S, Inbox, Message, missed_words
from tests.cognition.lives import ADA, BOB, NOVA, ROBIN, hall


def message(
    id: str, priority: float = 0.5, at: float = 0.0, sender: str = "ada", room: str = "hall"
) -> Message:
    return Message(id, room, sender, sender.title(), f"words of {id}", at, priority)


def test_what_concerns_it_most_comes_first_and_of_equals_the_oldest() -> None:
    inbox = Inbox()
    for each in (message("late", 0.5, 3.0), message("early", 0.5, 1.0), message("urgent", 1.0, 9.0)):
        assert inbox.put(each) is None
    assert inbox.priority == 1.0
    assert [each.id for each in inbox.messages] == ["urgent", "early", "late"]
    taken = inbox.take()
    assert taken is not None
    assert taken.id == "urgent"


def test_a_message_told_twice_waits_once() -> None:
    inbox = Inbox()
    inbox.put(message("a"))
    inbox.put(message("a"))
    assert len(inbox) == 1


def test_in_a_full_inbox_the_least_urgent_goes_and_is_counted() -> None:
    inbox = Inbox(capacity=3)
    for number in range(3):
        inbox.put(message(str(number), 0.5, number, sender=f"s{number}"))
    lost = inbox.put(message("vital", 0.9, 9.0, sender="s9"))
    assert lost is not None
    assert (lost[0].id, lost[1]) == ("0", "full")
    assert inbox.missed("hall") == {"full": 1}
    refused = inbox.put(message("trifle", 0.1, 10.0, sender="s8"))
    assert refused is not None
    assert refused[0].id == "trifle"
    assert inbox.missed("hall") == {"full": 2}


def test_whoever_floods_loses_their_own_and_nobody_elses() -> None:
    inbox = Inbox()
    inbox.put(message("quiet word", 0.1, 0.0, sender="bob"))
    for number in range(500):
        inbox.put(message(str(number), 1.0, number, sender="mallory"))
    assert "quiet word" in [each.id for each in inbox.messages]
    assert len(inbox) == SHARE + 1
    assert inbox.missed("hall") == {"flood": 500 - SHARE}


def test_what_waited_too_long_is_dropped_with_its_reason() -> None:
    inbox = Inbox([message("old", at=0.0), message("new", at=STALE_S)])
    assert [each.id for each in inbox.expire(STALE_S + 1.0)] == ["old"]
    assert inbox.missed("hall") == {"stale": 1}


def test_having_spoken_in_a_room_it_knows_what_was_said_there_before() -> None:
    inbox = Inbox([message("a", at=1.0), message("b", at=5.0), message("c", at=1.0, room="attic")])
    assert [each.id for each in inbox.take_room("hall", 2.0)] == ["a"]
    assert {each.id for each in inbox.messages} == {"b", "c"}


def test_it_says_that_it_missed_something_until_it_has_said_so() -> None:
    inbox = Inbox(capacity=1)
    assert missed_words(inbox.missed("hall")) == ""
    for number in range(3):
        inbox.put(message(str(number), sender=f"s{number}"))
    assert missed_words(inbox.missed("hall")) == "I missed some of that."
    assert missed_words(inbox.missed("attic")) == ""
    inbox.admitted("hall")
    assert missed_words(inbox.missed("hall")) == ""


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.floats(0.0, 1.0), st.floats(0.0, 1e9), st.sampled_from("abcdefgh"))
    )
)
def test_every_message_waits_was_taken_or_is_counted_as_dropped(
    arrivals: list[tuple[int, float, float, str]],
) -> None:
    inbox, ids, dropped = Inbox(), set(), 0
    for id, priority, at, sender in arrivals:
        new = str(id) not in {each.id for each in inbox.messages}
        dropped += inbox.put(message(str(id), priority, at, sender)) is not None
        if new:
            ids.add(str(id))
    assert len(inbox) <= CAPACITY
    assert sum(inbox.missed("hall").values()) == dropped
    order = [(-each.priority, each.at) for each in inbox.messages]
    assert order == sorted(order)
    assert {each.id for each in inbox.messages} <= ids


@pytest.mark.virtual_time
async def test_what_a_persona_was_asked_while_it_rested_it_answers_once_it_is_awake() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        room.tire("nova")
        await asyncio.sleep(1)
        assert room.kinds() == ["rest"]
        await asyncio.sleep(60)
        line = room.hear(ADA, "Nova, how far is the moon?")
        room.say("nova", "I need some rest just now.")
        room.told(Declined("hall", "nova", line.id, "resting", room.at()))
        await asyncio.sleep(600)
        assert room.kinds() == ["rest", "held-back"]
        assert room.bids[-1].line == line
        assert room.bids[-1].text == ""


@pytest.mark.virtual_time
async def test_what_another_persona_answered_meanwhile_or_nobody_waits_for_is_left_alone() -> None:
    async with hall(NOVA, ROBIN, people=[ADA, BOB]) as room:
        room.tire("nova")
        await asyncio.sleep(61)
        line = room.hear(ADA, "Nova, how far is the moon?")
        said = room.say("robin", "It is far.")
        room.told(replace(said, id="r2", answers=("ada", line.id)))
        room.hear(ADA, "Nova knows all about the moon.")
        room.hear(BOB, "Nova, can you hear the rain?")
        room.leave(BOB)
        await asyncio.sleep(600)
        assert [due.kind for due in room.bids if due.persona == "nova"] == ["rest", "wake"]


@pytest.mark.virtual_time
async def test_what_was_whispered_to_it_while_it_spoke_elsewhere_it_comes_back_to_before_that_circle() -> (
    None
):
    circle = frozenset({"ada", "nova"})
    async with hall(NOVA, people=[ADA, BOB]) as room:
        room.life.speaking("nova", "elsewhere", True)
        room.hear(ADA, "Nova, I need you to find my keys.", circle)
        await asyncio.sleep(30)
        assert room.bids == []
        room.life.speaking("nova", "elsewhere", False)
        await asyncio.sleep(30)
        assert [(due.kind, due.circle) for due in room.bids] == [("held-back", circle)]


@pytest.mark.virtual_time
async def test_what_it_can_hear_at_once_it_does_not_come_back_to() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        room.hear(ADA, "Nova, I need you to find my keys.")
        await asyncio.sleep(120)
        assert "held-back" not in room.kinds()
