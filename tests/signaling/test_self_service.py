"""What people have done with what is known of them, by words and by messages, through a server's rooms."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cognition.conversation.transcript import Line
from cognition.memory.wishes import wish_about_memory
from cognition.rag.context import Account
from cognition.store.memory_store import MemoryStore
from cognition.store.timeline import Query, page
from signaling.ipc.endpoint import RpcError
from signaling.mind_process import MindProcess
from tests.signaling.house import Client, house, line_to
from tests.signaling.scene import scene
from tests.signaling.test_mind_process import mind_process, running, seated, write
from tests.signaling.test_next_week import come, fake_memory, go, greeting

pytestmark = pytest.mark.virtual_time

ROME = "I live in Rome. I love chess."


async def asked(client: Client, id: str, text: str) -> str:
    """Writes something, and gives what Nova answers in writing."""
    await write(client, id, text)
    while True:
        line = await client.expect("chat")
        if line["from"] == "nova":
            return str(line["text"])


async def told(client: Client, kind: str, **message: Any) -> dict[str, Any]:
    """What a message is answered with."""
    client.send(**message, id="q", persona="nova")
    while True:
        answer = await client.next()
        if answer.get("id") == "q" and answer["type"] in (kind, "error"):
            return answer


async def known(client: Client) -> list[str]:
    answer = await told(client, "memories", type="memories")
    return [each["text"] for each in answer["known"] if each["kind"] != "turn"]


async def settled(mind: MindProcess) -> None:
    await mind._chronicle.written()
    await mind._memory.settled()


async def test_a_person_hears_what_is_known_of_them_and_has_it_forgotten(tmp_path: Path) -> None:
    store = MemoryStore()
    async with house(tmp_path) as home, line_to(home) as path:
        mind = mind_process(store, memory=fake_memory)
        async with running(mind, path):
            ada = await come(home, "lobby", "Ada", "person-ada")
            await greeting(ada)
            assert "don't remember anything" in await asked(ada, "m0", "Nova, what do you know about me?")
            await asked(ada, "m1", ROME)
            await go(ada)
            await settled(mind)
            ada = await come(home, "attic", "Ada", "person-ada")
            await greeting(ada)
            words = await asked(ada, "m2", "Nova, what do you know about me?")
            assert "You live in Rome." in words
            assert "Shall I really" in await asked(ada, "m3", "Forget everything about me, please.")
            assert "forgotten everything" in await asked(ada, "m3y", "Yes.")
            await settled(mind)
            assert "Rome" not in await asked(ada, "m4", "What do you know about me?")
        left = await store.read(lambda connection: page(connection, Query(), limit=1000).entries)
        assert not any("Rome" in entry.text for entry in left)


async def test_a_person_puts_right_what_is_known_of_them(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        mind = mind_process(MemoryStore(), memory=fake_memory)
        async with running(mind, path):
            ada = await come(home, "lobby", "Ada", "person-ada")
            await greeting(ada)
            await asked(ada, "m1", ROME)
            await go(ada)
            await settled(mind)
            ada = await come(home, "attic", "Ada", "person-ada")
            await greeting(ada)
            assert "Oslo" in await asked(ada, "m2", "That's wrong, I live in Oslo.")
            texts = await known(ada)
    assert "Ada lives in Oslo." in texts
    assert "Ada lives in Rome." not in texts


async def test_what_is_known_is_seen_corrected_and_deleted_by_messages(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        mind = mind_process(MemoryStore(), memory=fake_memory)
        async with running(mind, path):
            ada = await come(home, "lobby", "Ada", "person-ada")
            await greeting(ada)
            await asked(ada, "m1", ROME)
            await go(ada)
            await settled(mind)
            ada = await come(home, "attic", "Ada", "person-ada")
            await greeting(ada)
            bob = await come(home, "attic", "Bob", "person-bob")
            answer = await told(ada, "memories", type="memories")
            assert answer["openness"] == "present"
            (home_of,) = [each for each in answer["known"] if each["text"] == "Ada lives in Rome."]
            assert (home_of["where"], home_of["current"]) == ("lobby", True)
            # Of her he is told nothing, and may change nothing.
            assert await known(bob) == []
            refused = await told(bob, "ack", type="forget", memory=home_of["id"])
            assert refused["code"] == "no-such-memory"
            (chess,) = [each for each in answer["known"] if each["text"] == "Ada loves chess."]
            assert (await told(ada, "ack", type="forget", memory=chess["id"]))["type"] == "ack"
            assert await known(ada) == ["Ada lives in Rome."]
            id = home_of["id"]
            assert (await told(ada, "ack", type="correct", memory=id, text="I live in Oslo"))["type"] == "ack"
            assert await known(ada) == ["Ada lives in Oslo."]
            assert (await told(ada, "ack", type="forget", memory=None))["type"] == "ack"
            assert await known(ada) == []


async def test_how_a_line_came_about_is_told_to_who_heard_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        mind = mind_process(MemoryStore(), memory=fake_memory)
        async with running(mind, path):
            ada = await come(home, "lobby", "Ada", "person-ada")
            await greeting(ada)
            await asked(ada, "m1", ROME)
            await go(ada)
            await settled(mind)
            ada = await come(home, "attic", "Ada", "person-ada")
            await greeting(ada)
            await write(ada, "m2", "Nova, where do I live?")
            while (line := await ada.expect("chat"))["from"] != "nova":
                pass
            answer = await told(ada, "explanation", type="explain", line=line["id"])
            assert answer["type"] == "explanation", answer
            used = [piece["text"] for part in answer["parts"] for piece in part["used"]]
            assert any("Rome" in text for text in used)
            bob = await come(home, "attic", "Bob", "person-bob")
            refused = await told(bob, "explanation", type="explain", line=line["id"])
            assert refused["code"] == "no-such-line"


async def test_who_asks_how_a_line_came_about_while_there_is_no_memory_is_told_so(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, running(mind_process(), path):
        ada = await home.seated("Ada")
        await seated(ada, "Nova")
        await write(ada, "m1", "Nova, where do I live?")
        while (line := await ada.expect("chat"))["from"] != "nova":
            pass
        refused = await told(ada, "explanation", type="explain", line=line["id"])
    assert refused["code"] == "memory-away"
    assert "not open yet" in refused["message"]


async def test_how_a_line_came_about_that_sounded_while_somebody_was_forgotten_is_told_to_nobody(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        mind = mind_process(MemoryStore(), memory=fake_memory)
        async with running(mind, path):
            ada = await come(home, "lobby", "Ada", "person-ada")
            await greeting(ada)
            hearers = frozenset({"person-ada"})
            before = Account("nova", "lobby", mind._mind._now(), ROME, hearers, 80, {}, 0.1, 1.0)
            assert (await told(ada, "ack", type="forget", memory=None))["type"] == "ack"
            mind._self_serving.explain_later("n1", (before,))
            mind._self_serving.explain_later(
                "n2", (replace(before, at=datetime.now(UTC) + timedelta(seconds=1)),)
            )
            params = {"persona": "nova", "giver": "person-ada"}
            with pytest.raises(RpcError, match="nothing is known"):
                await mind._self_serving.explain({**params, "line": "n1"})
            assert (await mind._self_serving.explain({**params, "line": "n2"}))["line"] == "n2"
            assert mind._self_serving.counts["not explained: forgotten since"] == 1


async def test_nothing_of_a_wish_is_done_while_nobody_remembers_anything(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, running(mind_process(), path):
        ada = await home.seated("Ada")
        await seated(ada, "Nova")
        assert await asked(ada, "m1", "Nova, forget me") == "I see."
        assert (await told(ada, "memories", type="memories"))["code"] == "mind-away"


class Fulfils:
    """Fulfils every wish in two sentences, and keeps which it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def is_wish(self, speaker: str, text: str) -> bool:
        return wish_about_memory(text) is not None

    async def answer(
        self,
        persona: str,
        line: Line,
        person: str,
        listeners: frozenset[str],
        before: Line | None,
        *,
        shared: bool,
    ) -> list[str] | None:
        if wish_about_memory(line.text) is None:
            return None
        self.asked.append((line.text, shared))
        return ["I have forgotten everything about you.", "Who are you?"]


async def test_a_wish_that_is_spoken_is_fulfilled_once_the_turn_is_over_and_not_on_a_guess() -> None:
    async with scene("I see.") as room:
        wishes = room.mind._wishes = Fulfils()
        ada = room.join("ada", "Ada")
        ada.start()
        await asyncio.sleep(1.0)
        ada.pause("Nova, forget me.")
        await asyncio.sleep(0.3)
        assert wishes.asked == [], "she may go on"
        ada.resume()
        await asyncio.sleep(0.5)
        ada.end("Nova, forget me not, as the flower says.")
        await room.until_quiet()
        assert wishes.asked == []
        await ada.say("Nova, forget me.")
        await room.until_quiet()
        assert wishes.asked == [("Nova, forget me.", False)]
        assert room.port.finals("nova")[-1] == "I have forgotten everything about you. Who are you?"
        assert len(room.generator.streamed) == 1, "words of the model are for the flower alone"
