"""Personas in a room of their own."""

from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from cognition.conversation.floor import Disposition
from cognition.events import Heard, Said
from cognition.inference.generator import FakeGenerator
from cognition.persona.colloquy import converse
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona, PersonaVoice

pytestmark = pytest.mark.virtual_time

PERSONAS = [("nova", "Nova"), ("felix", "Felix"), ("robin", "Robin")]
FRUITFUL = (
    "The lake has shade under old oaks.",
    "The mill has a kitchen for forty guests.",
    "Grills could be rented from the choir.",
    "Rain would flood that lower meadow quickly.",
    "Thanks, I agree with all of you.",
    "Great, I agree as well, thank you.",
    "Never reached.",
)


def mind(*scripts: str, **dispositions: Disposition) -> tuple[Mind, FakeGenerator]:
    generator = FakeGenerator(scripts or FRUITFUL)
    made = [Persona(id, name, PersonaVoice(), "You are brief.", ()) for id, name in PERSONAS]
    how = lambda persona: dispositions.get(persona, Disposition())  # noqa: E731
    return Mind(made, generator, disposition=how), generator


def task(text: str) -> Heard:
    return Heard("study", "operator", "Operator", text, datetime.now(UTC), "task-1")


async def talk(mind: Mind, text: str) -> list[Said]:
    return [said async for said in converse(mind, "study", PERSONAS, task(text))]


async def test_they_talk_in_turn_and_end_by_themselves() -> None:
    made, generator = mind()
    said = await talk(made, "Robin and Nova, discuss with all where to hold the party.")
    assert [each.participant for each in said] == ["robin", "nova", "felix", "robin", "nova", "felix"]
    assert len(generator.streamed) == 6
    assert [line["text"] for line in made.lines("study")][1:] == [each.text for each in said]
    asked = generator.streamed[2][1].turns[-1].text
    assert "Robin: The lake has shade" in asked
    assert "Nova: The mill has a kitchen" in asked


async def test_who_is_asked_by_name_is_next() -> None:
    made, _ = mind(
        "Robin, what do birds need there?", "Tall reeds along quiet water edges.", "Right, agreed.", "Yes."
    )
    said = await talk(made, "Nova, plan the garden pond.")
    assert [each.participant for each in said][:2] == ["nova", "robin"]


async def test_the_resting_take_no_part_and_one_alone_does_not_talk() -> None:
    made, _ = mind(felix=Disposition(resting=True))
    assert {each.participant for each in await talk(made, "Plan the party.")} == {"nova", "robin"}
    made, generator = mind(felix=Disposition(resting=True), nova=Disposition(paused=True))
    assert await talk(made, "Plan the party.") == []
    assert generator.streamed == []


async def test_without_a_task_nothing_is_composed() -> None:
    made, generator = mind()
    with pytest.raises(ValueError, match="empty"):
        await talk(made, "  ")
    with pytest.raises(ValueError, match="two"):
        await anext(converse(made, "study", PERSONAS[:1], task("Plan the party.")))
    assert generator.streamed == []
    assert made.rooms() == []


async def test_it_can_be_stopped_in_the_middle() -> None:
    made, generator = mind()
    async with aclosing(converse(made, "study", PERSONAS, task("Plan the party."))) as talking:
        async for _ in talking:
            break
    assert generator.running == 0
    assert len(generator.streamed) == 1
