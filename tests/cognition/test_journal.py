"""Journals: short pieces written in idle time, under their author's name, of what happened and of nothing else."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from cognition.inference.generator import FakeGenerator, Script
from cognition.persona.diary import IDLE_S
from cognition.persona.journal import Experience, compose, feeling
from cognition.persona.state import State
from tests.cognition.lives import ADA, BOB, NOVA, Hall, hall

AFTERNOON = datetime(2026, 3, 4, 15, tzinfo=UTC)


def talk(room: Hall) -> None:
    for _ in range(4):
        room.hear(ADA, "The telescope shows Saturn tonight.")
        room.hear(BOB, "Saturn again, and the telescope is new.")
    room.say("nova", "Its rings are ice.")


def test_a_mood_has_a_word() -> None:
    assert feeling(0.0, 0.0) == "even-tempered"
    assert feeling(0.8, 0.1) == "pleased"
    assert feeling(-0.5, 0.5) == "frustrated"
    assert feeling(0.5, -0.5) == "calm"


def test_a_piece_tells_who_what_and_how_it_felt() -> None:
    lived = Experience(9, 2, 2, 1, Counter(Ada=7, Bob=2), Counter(saturn=4, telescope=3), ["I greeted Ada"])
    assert compose(lived, State(valence=0.7, arousal=0.1, energy=0.2), AFTERNOON) == (
        "This afternoon I was with Ada and Bob. We talked about saturn and telescope. It was mostly Ada who talked. "
        "I greeted Ada. Somebody liked what I said. I was interrupted 2 times. I feel pleased and tired."
    )


@pytest.mark.virtual_time
async def test_it_is_written_when_the_room_has_been_quiet_for_a_while_and_once() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        talk(room)
        await asyncio.sleep(IDLE_S - 1)
        assert await room.life.journal("nova", ["hall"]) == []
        await asyncio.sleep(7200)
        (entry,) = await room.life.journal("nova", ["hall"])
        assert (entry.work.persona, entry.work.author, entry.room) == ("nova", "Nova", "hall")
        assert "Ada and Bob" in entry.work.text
        assert "saturn" in entry.work.text
        assert await room.life.journal("nova", ["attic"]) == []


@pytest.mark.virtual_time
async def test_where_little_happened_nothing_is_written() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        room.hear(ADA, "Lovely evening.")
        await asyncio.sleep(7200)
        assert await room.life.journal("nova", ["hall"]) == []


@pytest.mark.virtual_time
async def test_what_was_whispered_is_not_in_it() -> None:
    async with hall(NOVA, people=[ADA, BOB]) as room:
        talk(room)
        for _ in range(9):
            room.hear(BOB, "The password is swordfish.", to=frozenset({"bob", "nova"}))
        await asyncio.sleep(7200)
        (entry,) = await room.life.journal("nova", ["hall"])
        assert "swordfish" not in entry.work.text
        assert "password" not in entry.work.text


@pytest.mark.virtual_time
async def test_a_language_model_words_it_and_is_asked_only_in_idle_time() -> None:
    generator = FakeGenerator((Script([" was with Ada and Bob. We looked at Saturn, and I feel calm."]),))
    async with hall(NOVA, people=[ADA, BOB], generator=generator) as room:
        talk(room)
        await asyncio.sleep(IDLE_S - 1)
        assert generator.streamed == []
        await asyncio.sleep(60)
        (entry,) = await room.life.journal("nova", ["hall"])
        assert entry.work.text.startswith("I was with Ada and Bob. We looked at Saturn")
        assert generator.forgotten == ["journal/nova"]


@pytest.mark.virtual_time
@pytest.mark.parametrize("script", ["met Zelda in Paris. It was fine.", Script((), error="out of memory")])
async def test_what_a_model_makes_up_or_fails_at_is_replaced_by_the_rules(script: Script | str) -> None:
    async with hall(NOVA, people=[ADA, BOB], generator=FakeGenerator((script,))) as room:
        talk(room)
        await asyncio.sleep(7200)
        (entry,) = await room.life.journal("nova", ["hall"])
        assert "Ada and Bob" in entry.work.text
        assert "Zelda" not in entry.work.text
        assert room.life.counts()["journal: model's words not kept"] == 1


@pytest.mark.virtual_time
async def test_it_stops_within_50_ms_when_somebody_speaks_and_is_taken_up_again() -> None:
    slow = Script([" word"] * 200, first=0.5, each=0.2)
    generator = FakeGenerator(
        (
            slow,
            " was with Ada and Bob, and I feel calm.",
        )
    )
    async with hall(NOVA, people=[ADA, BOB], generator=generator) as room:
        talk(room)
        await asyncio.sleep(IDLE_S + 3)
        assert generator.running == 1
        room.life.talking("hall", True)
        await asyncio.sleep(0.05)
        assert generator.running == 0
        await asyncio.sleep(600)
        assert len(generator.streamed) == 1
        room.life.talking("hall", False)
        await asyncio.sleep(IDLE_S + 10)
        assert len(await room.life.journal("nova", ["hall"])) == 1
        assert room.life.counts()["journal: somebody spoke"] == 1


@pytest.mark.virtual_time
async def test_a_paused_persona_puts_its_pen_down() -> None:
    generator = FakeGenerator((Script([" word"] * 200, first=0.5, each=0.2),))
    async with hall(NOVA, people=[ADA, BOB], generator=generator) as room:
        talk(room)
        await asyncio.sleep(IDLE_S + 3)
        assert generator.running == 1
        room.life.order("pause", "nova", "ops", "maintenance")
        await asyncio.sleep(0.05)
        assert generator.running == 0
