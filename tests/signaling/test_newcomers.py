"""What a persona wants to say by itself, or has composed, when somebody comes for whom it is not."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import pytest

from cognition.events import Read
from cognition.persona.due import Due, DueKind
from cognition.store.memory_store import MemoryStore
from cognition.store.timeline import Event, Participant, Place, append, heard_by
from tests.signaling.scene import Scene, scene

pytestmark = pytest.mark.virtual_time

SECRET = "Ada, you wanted to be reminded: call the clinic."


def aloud(room: Scene) -> list[str]:
    """What everybody heard or read of the persona."""
    return [*room.port.finals("nova"), *room.port.chat]


def asked(room: Scene) -> Read:
    line = Read("room", "ada", "Ada", "Remind me to call the clinic.", datetime.now(UTC), "m1")
    room.mind.record(line)
    return line


@pytest.mark.parametrize("kind", ["propose", "talk", "held-back", "question"])
async def test_what_comes_of_a_line_waits_while_somebody_is_there_who_was_not_there_for_it(
    kind: DueKind,
) -> None:
    text = "" if kind in ("held-back", "question") else SECRET
    async with scene(SECRET) as room:
        room.join("ada", "Ada")
        line = asked(room)
        room.join("bob", "Bob")
        room.attendance.due(Due("due-1", "nova", "room", kind, text, "ada", line))
        await asyncio.sleep(60)
        assert aloud(room) == []
        assert room.attendance.counts()[f"{kind} refused: not-for-all"] == 1
        room.attendance.leave("bob")
        room.attendance.due(Due("due-1", "nova", "room", kind, text, "ada", line))
        await asyncio.sleep(60)
        assert aloud(room) == [SECRET]


async def test_who_comes_while_it_waits_for_a_lull_does_not_hear_it() -> None:
    async with scene() as room:
        ada = room.join("ada", "Ada")
        line = asked(room)
        ada.start()
        room.attendance.due(Due("due-1", "nova", "room", "propose", SECRET, "ada", line))
        await asyncio.sleep(1)
        room.join("bob", "Bob")
        ada.discard()
        await asyncio.sleep(60)
        assert aloud(room) == []


async def test_a_reminder_is_whispered_to_who_asked_where_somebody_is_who_did_not_hear_of_it() -> None:
    async with scene() as room:
        ada = room.join("ada", "Ada")
        line = asked(room)
        ada.start()
        room.attendance.due(Due("due-1", "nova", "room", "remind", SECRET, "ada", line))
        await asyncio.sleep(1)
        room.join("bob", "Bob")
        ada.discard()
        await asyncio.sleep(60)
        assert aloud(room) == [SECRET]
        shown_to = {frozenset(to or ["all"]) for what, to in room.port.told if what == "caption"}
        assert shown_to == {frozenset({"ada", "nova"})}
        assert ("whisper", ["ada"]) in room.port.told
        assert [each["to"] for each in room.mind.lines("room") if each["from"] == "nova"] == [["ada", "nova"]]


async def test_a_reminder_waits_while_only_people_are_there_who_did_not_hear_of_it() -> None:
    async with scene() as room:
        room.join("ada", "Ada")
        line = asked(room)
        room.join("bob", "Bob")
        room.attendance.leave("ada")
        room.attendance.due(Due("due-1", "nova", "room", "remind", SECRET, "ada", line))
        await asyncio.sleep(60)
        assert aloud(room) == []
        assert room.attendance.counts()["remind refused: not-for-all"] == 1


async def test_a_reminder_for_whose_whisper_there_is_no_lull_is_refused_for_that() -> None:
    async with scene() as room:
        room.join("ada", "Ada")
        line = asked(room)
        room.join("bob", "Bob").start()
        room.attendance.due(Due("due-1", "nova", "room", "remind", SECRET, "ada", line))
        await asyncio.sleep(60)
        assert aloud(room) == []
        assert room.attendance.counts()["remind refused: person-speaks"] == 1


async def test_a_reminder_that_waits_to_be_whispered_is_given_up_when_who_asked_leaves() -> None:
    async with scene() as room:
        room.join("ada", "Ada")
        line = asked(room)
        bob = room.join("bob", "Bob")
        bob.start()
        room.attendance.due(Due("due-1", "nova", "room", "remind", SECRET, "ada", line))
        await asyncio.sleep(1)
        room.attendance.leave("ada")
        await asyncio.sleep(60)
        assert aloud(room) == []
        assert room.attendance.counts()["remind refused: away"] == 1


async def test_in_an_open_room_it_is_said_to_all() -> None:
    async with scene() as room:
        room.mind.open_up("room", True)
        room.join("ada", "Ada")
        line = asked(room)
        room.join("bob", "Bob")
        room.attendance.due(Due("due-1", "nova", "room", "remind", SECRET, "ada", line))
        await asyncio.sleep(60)
        assert aloud(room) == [SECRET]


async def test_an_answer_that_is_not_heard_yet_is_composed_anew_when_somebody_comes() -> None:
    async with scene("Ada is ill.", "Hello both.") as room:
        ada = room.join("ada", "Ada")
        ada.start()
        await asyncio.sleep(1)
        ada.pause("Nova, how am I?")
        await asyncio.sleep(0.2)
        assert len(room.generator.streamed) == 1, "it was composed on a guess that the turn is over"
        room.join("bob", "Bob")
        ada.end("Nova, how am I?")
        await asyncio.sleep(10)
        assert aloud(room) == ["Hello both."]


async def test_however_many_come_at_once_what_was_asked_is_answered() -> None:
    async with scene("Hello all.") as room:
        ada = room.join("ada", "Ada")
        await ada.say("Nova, are you there?")
        for number in range(10):
            room.join(f"guest{number}", f"Guest {number}")
            await asyncio.sleep(0.01)
        await asyncio.sleep(20)
        assert aloud(room) == ["Hello all."]


async def test_a_greeting_that_waits_for_a_gap_is_not_said_to_who_comes_meanwhile() -> None:
    async with scene(alive=True) as room:
        ada = room.join("ada", "Ada")
        welcomed: list[frozenset[str]] = []
        plain = room.mind.welcome

        async def welcome(where: str, persona: str, participant: str) -> str:
            welcomed.append(frozenset(room.attendance.persons))
            words = await plain(where, persona, participant)
            return f"{SECRET} {words}" if welcomed[-1] == {"ada"} else words

        room.mind.welcome = welcome  # type: ignore[method-assign, assignment]
        ada.start()
        room.attendance.due(Due("greet-1", "nova", "room", "greet", to="ada"))
        await asyncio.sleep(1)
        room.join("bob", "Bob")
        ada.discard()
        await asyncio.sleep(30)
        assert len(aloud(room)) == 1
        assert SECRET not in aloud(room)[0]
        assert welcomed == [{"ada"}, {"ada", "bob"}]


async def test_the_timeline_tells_who_heard_a_line_that_the_room_does_not_have_any_more() -> None:
    store, place = MemoryStore(), Place("room")
    ada = Participant("seat1", "person", "Ada", "person-ada")
    bob, nova = Participant("seat2", "person", "Bob", "person-bob"), Participant("nova", "persona", "Nova")
    at = datetime.now(UTC)
    line = Event("m1@1", "read", place, ada, "?", at, frozenset({ada, nova}), detail={"line": "m1"})
    spoken = Event("u1", "heard", place, ada, "!", at, frozenset({ada, bob, nova}))
    for event in (line, spoken):
        await store.write(partial(append, event=event))
    of = partial(heard_by, place=place, who="seat1")
    assert await store.read(partial(of, line="m1")) == {"person-ada"}
    assert await store.read(partial(of, line="u1")) == {"person-ada", "person-bob"}
    assert await store.read(partial(of, line="none")) == frozenset()
