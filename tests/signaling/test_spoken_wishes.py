"""Wishes in words, one line after the other, over a memory that is really there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import pytest

from cognition.conversation.transcript import Line
from cognition.memory.hippocampus import Hippocampus
from cognition.memory.self_service import SelfService
from cognition.persona.engine import Mind
from cognition.store.timeline import Event, append
from signaling.long_memory import LongMemory
from signaling.self_service import SelfServing
from tests.cognition.remembering import ADA, BOB, LOBBY, NOON, NOVA, World

pytestmark = pytest.mark.virtual_time

DAY = timedelta(days=1)
SURE = "Shall I really forget everything about you, for good?"


class Remembered:
    """Stands for `LongMemory`: a memory that is there, and is told when it has changed."""

    def __init__(self, world: World) -> None:
        self.recall = world.recall
        self.self_service: SelfService | None = SelfService(world.store, world.recall, [world.indexing])
        self.gate = asyncio.Event()
        self.gate.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        await self.gate.wait()
        yield

    def changed(self) -> None:
        pass

    def forget_memories(self) -> None:
        pass


class Talk:
    """One person after the other says something to a persona, who does what they wish."""

    def __init__(self) -> None:
        self.world = World()
        self.memory = Remembered(self.world)
        self.now = NOON + DAY
        self.serving = SelfServing(
            self.world.store,
            cast(LongMemory, self.memory),
            lambda: cast(Mind, self.memory),
            self._lived,
            lambda: self.now,
        )
        self.lines: dict[str, list[Line]] = {}

    async def _lived(self) -> None:
        pass

    def line(self, text: str, who: str = "ada") -> Line:
        own = self.lines.setdefault(who, [])
        own.append(Line(f"{who}{len(own)}", who, who.title(), "speech", text, self.now))
        return own[-1]

    async def answer(self, line: Line, persona: str = "nova", shared: bool = False) -> str | None:
        own = self.lines[line.speaker]
        place = own.index(line)
        before = own[place - 1] if place else None
        listeners = frozenset({line.speaker})
        words = await self.serving.answer(persona, line, line.speaker, listeners, before, shared=shared)
        return None if words is None else " ".join(words)

    async def say(
        self, text: str, who: str = "ada", persona: str = "nova", shared: bool = False
    ) -> str | None:
        return await self.answer(self.line(text, who), persona, shared)

    async def left(self) -> list[str]:
        rows = await self.world.store.read(
            lambda connection: connection.execute(
                "SELECT text FROM event WHERE text <> '' ORDER BY seq"
            ).fetchall()
        )
        return [text for (text,) in rows]


async def test_nobody_is_forgotten_but_at_a_yes_of_their_own_right_after_they_were_asked() -> None:
    talk = Talk()
    await talk.world.heard(ADA, "I live in Rome.", ADA, BOB, NOVA)
    assert await talk.say("Yes.") is None
    assert await talk.say("Nova, forget me.") == SURE
    assert talk.serving.is_wish("ada", "Yes")
    assert not talk.serving.is_wish("bob", "Yes")
    assert await talk.say("Yes.", "bob") is None
    assert await talk.say("No.") == "All right, I forget nothing."
    assert await talk.say("Yes.") is None
    assert await talk.say("Forget me.") == SURE
    assert await talk.say("What is the time?") is None
    assert await talk.say("Yes.") is None
    assert await talk.say("Forget me.") == SURE
    talk.line("Bob, do you like it here?")
    assert await talk.say("Yes.") is None, "she answered somebody else in between"
    assert await talk.say("Forget me.") == SURE
    assert await talk.say("Yes.", persona="robin") is None
    assert await talk.say("Forget me.") == SURE
    talk.now += timedelta(seconds=61)
    assert await talk.say("Yes.") is None
    assert "share this microphone" in str(await talk.say("Forget me.", shared=True))
    assert await talk.say("Yes.") is None
    assert await talk.left() == ["I live in Rome."]
    assert await talk.say("Forget me.") == SURE
    assert await talk.say("Yes, please.") == "I have forgotten everything about you."
    assert await talk.left() == []


async def test_a_wish_whose_answer_is_interrupted_is_done_once_and_answered_with_what_came_of_it() -> None:
    talk = Talk()
    said = talk.line("The wedding is off.")
    event = Event(
        "e1", "heard", LOBBY, ADA, said.text, NOON, frozenset({ADA, NOVA}), detail={"line": said.id}
    )
    await talk.world.store.write(lambda connection: append(connection, event))
    wish = talk.line("Forget what I just said.")
    talk.memory.gate.clear()
    for _ in range(2):
        answering = asyncio.create_task(talk.answer(wish))
        await asyncio.sleep(1)
        answering.cancel()
        await asyncio.wait([answering])
    talk.memory.gate.set()
    await asyncio.sleep(1)
    for _ in range(2):
        assert await talk.answer(wish) == "All right, I have forgotten that."
    assert talk.serving.counts["memory forgotten"] == 1
    assert await talk.left() == []


async def test_who_is_interrupted_while_somebody_is_forgotten_hears_that_it_was_done() -> None:
    talk = Talk()
    await talk.world.heard(ADA, "I live in Rome.", ADA, BOB, NOVA)
    assert await talk.say("Forget me.") == SURE
    yes = talk.line("Yes.")
    talk.memory.gate.clear()
    answering = asyncio.create_task(talk.answer(yes))
    await asyncio.sleep(1)
    answering.cancel()
    talk.memory.gate.set()
    assert await talk.answer(yes) == "I have forgotten everything about you."
    assert talk.serving.counts["memory forgotten"] == 1


async def test_what_was_just_said_is_forgotten_though_it_is_not_remembered_yet() -> None:
    talk = Talk()
    world = talk.world
    talk.now = NOON

    async def said(text: str) -> None:
        line = talk.line(text)
        event = Event(
            f"turn-{line.id}",
            "heard",
            LOBBY,
            ADA,
            text,
            NOON,
            frozenset({ADA, NOVA}),
            detail={"line": line.id},
        )
        await world.store.write(lambda connection: append(connection, event))

    await said("My knee has been hurting for weeks. I love chess.")
    await said("The wedding is off.")
    answer = Event("n1", "said", LOBBY, NOVA, "Oh, the wedding!", NOON, frozenset({ADA, NOVA}))
    await world.store.write(lambda connection: append(connection, answer))
    assert await talk.say("Forget what I just said.") == "All right, I have forgotten that."
    assert await talk.left() == ["My knee has been hurting for weeks. I love chess."]
    await said("Please forget what I told you about my knee.")
    assert await talk.answer(talk.lines["ada"][-1]) == "All right, I have forgotten that."
    assert await talk.left() == ["I love chess."]
    await said("Please forget what I told you about my knee.")
    assert await talk.answer(talk.lines["ada"][-1]) == "I don't remember anything of that."
    await Hippocampus(world.store, world.embedder, clock=lambda: (NOON + DAY).timestamp()).think()
    assert await world.texts("my knee or the wedding", "ada") == []
    assert "Ada loves chess." in await world.texts("What does Ada love?", "ada")
    assert await talk.say("Forget what I just said.", "bob") == "I don't remember anything of that."


async def test_only_what_is_said_of_the_same_is_put_right_and_the_old_does_not_come_back() -> None:
    talk = Talk()
    world = talk.world
    await world.heard(ADA, "I work as a nurse. I love chess.", ADA, NOVA)
    await world.heard(ADA, "I live in Rome.", ADA, NOVA, at=NOON + timedelta(minutes=2))
    await Hippocampus(world.store, world.embedder, clock=lambda: (NOON + DAY / 2).timestamp()).think()

    async def kept(kinds: str) -> str:
        rows = await world.store.read(
            lambda connection: connection.execute(
                f"SELECT text FROM memory WHERE kind IN ({kinds}) UNION ALL SELECT text || why FROM dream"
            ).fetchall()
        )
        return " ".join(text for (text,) in rows)

    for words in ("my brother is a doctor.", "I never said that about my job.", "I hate olives."):
        assert await talk.say(f"That's wrong, {words}") is None
    assert "Ada works as a nurse." in await kept("'fact'")
    assert "Ada lives in Oslo" in str(await talk.say("That's wrong, I live in Oslo.")).replace(
        "You live", "Ada lives"
    )
    everything = await kept("'turn', 'episode', 'fact', 'preference'")
    assert "Rome" not in everything
    assert "Oslo" in everything
    assert "Rome" not in " ".join(await world.texts("Where does Ada live?", "ada", now=NOON + 2 * DAY))
    await talk.say("No, that's not true, I work as a baker.")
    everything = await kept("'turn', 'episode', 'fact', 'preference'")
    assert "nurse" not in everything
    assert "Ada: I love chess." in everything
    assert await talk.left() == ["I work as a nurse. I love chess.", "I live in Rome."]
