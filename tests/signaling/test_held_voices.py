"""A room in which somebody speaks over a persona: media holds its voice, and the words decide."""

import asyncio

import pytest

from tests.signaling.scene import Scene, Speaker, scene

pytestmark = pytest.mark.virtual_time

ANSWER = "The moon is a quarter of a million miles away from us."
LETTER = 0.06 * 48_000


async def answered(held: Scene) -> Speaker:
    """Somebody who has asked a persona, which has been answering for a second."""
    ada = held.join("ada", "Ada")
    await ada.say("Nova, how far away is the moon?")
    await asyncio.sleep(1.1)
    assert held.port.ring.pulled
    return ada


async def speaking_over(held: Scene) -> Speaker:
    """The same, when media holds the voice because she speaks over it."""
    ada = await answered(held)
    ada.start()
    held.port.holding.add("nova")
    held.attendance.voice_held("nova", "ada")
    return ada


async def test_after_an_acknowledgement_the_voice_goes_on_with_the_word_that_was_cut() -> None:
    async with scene(ANSWER) as held:
        ada = await speaking_over(held)
        at = held.port.ring.pulled
        await asyncio.sleep(0.4)
        assert held.port.ring.pulled == at
        ada.pause("Mm-hmm.")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert "nova" not in held.port.holding
        ends = [LETTER * (len(" ".join(ANSWER.split()[:count])) + 1) for count in range(12)]
        begun = held.port.ring.pulled
        assert any(abs(begun - end) <= 960 for end in ends)
        assert 0 <= at - begun <= 7 * LETTER
        ada.end("Mm-hmm.")
        await held.until_quiet()
        assert ("Nova", ANSWER, False) in held.remembered()
        shown = [text for who, text, _, _ in held.port.captions if who == "nova"]
        assert shown == sorted(shown, key=len)


async def test_after_a_laugh_that_was_taken_for_words_the_voice_goes_on_and_nobody_answers_it() -> None:
    async with scene(ANSWER, "Saa to you.") as held:
        ada = await speaking_over(held)
        await asyncio.sleep(0.4)
        ada.pause("Saa saa saa", acknowledges=True)
        await asyncio.sleep(0.1)
        assert "nova" not in held.port.holding
        ada.end("Saa saa saa", acknowledges=True)
        await held.until_quiet()
        assert held.port.finals("nova")[-1] == ANSWER
        assert held.attendance.dropped["backchannel"] == 1


async def test_an_interruption_stops_a_voice_that_is_held_and_what_was_heard_is_remembered() -> None:
    async with scene(ANSWER, "All right.") as held:
        ada = await speaking_over(held)
        await asyncio.sleep(0.5)
        ada.pause("Wait, that is wrong.")
        await asyncio.sleep(0.1)
        heard = [text for name, text, cut in held.remembered() if name == "Nova" and cut]
        assert heard == ["The moon is a"], "1 s at 0.06 s a letter, and a little"
        assert not held.port.holding


async def test_a_cough_lets_the_voice_go_on_after_a_quarter_of_a_second() -> None:
    async with scene(ANSWER) as held:
        await answered(held)
        held.port.holding.add("nova")
        held.attendance.voice_held("nova", "ada")
        await asyncio.sleep(0.24)
        assert held.port.holding
        await asyncio.sleep(0.02)
        assert not held.port.holding
        await held.until_quiet()
        assert ("Nova", ANSWER, False) in held.remembered()


async def test_a_voice_that_is_held_is_not_taken_for_one_that_nobody_hears() -> None:
    async with scene(ANSWER) as held:
        ada = await speaking_over(held)
        await asyncio.sleep(0.7)
        ada.pause("Mm-hmm.")
        await held.until_quiet()
        assert "nobody listens" not in held.attendance.dropped
        assert held.attendance.dropped["overlap: voice went on"] == 1
