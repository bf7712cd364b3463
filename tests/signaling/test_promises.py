"""What a persona promised in a room is kept there once, whatever dies meanwhile."""

import asyncio
from pathlib import Path

import pytest

from cognition.store.memory_store import MemoryStore
from signaling.mind_process import MindProcess
from tests.signaling.house import Client, house, line_to
from tests.signaling.test_mind_process import mind_process, running, seated

pytestmark = pytest.mark.virtual_time

WISH = "Nova, remind me in three seconds to stretch."
KEPT = "Ada, you asked me to remind you to stretch."


async def ask(client: Client) -> None:
    client.send(type="chat", id="line-1", text=WISH)
    while (await client.expect("chat"))["name"] != "Nova":
        pass


async def gone(client: Client) -> None:
    """Waits until the room shows that the mind is no longer there."""
    while (await client.expect("participant"))["participant"]["status"] != "away":
        pass


def promised(mind: MindProcess) -> list[str]:
    life = mind._living.life
    assert life is not None
    return [each.text for each in life.intentions("nova") if each.kind == "remind"]


async def test_a_reminder_is_given_aloud_when_it_is_time(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        await ada.connect()
        mind = mind_process()
        async with running(mind, path):
            await seated(ada, "Nova")
            await ask(ada)
            assert promised(mind) == [KEPT]
            caption = await ada.expect("caption", text=KEPT)
            assert caption["utterance"].startswith("remind-")


async def test_a_mind_that_died_keeps_what_was_promised_before(tmp_path: Path) -> None:
    store = MemoryStore()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        await ada.connect()
        async with running(mind_process(store), path):
            await seated(ada, "Nova")
            await ask(ada)
        await gone(ada)
        mind = mind_process(store)
        async with running(mind, path):
            await seated(ada, "Nova")
            assert promised(mind) == [KEPT]
            await ada.expect("caption", text=KEPT)


async def test_what_was_asked_while_no_mind_was_there_is_promised_once_there_is_one(tmp_path: Path) -> None:
    store = MemoryStore()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        await ada.connect()
        async with running(mind_process(store), path):
            await seated(ada, "Nova")
        await gone(ada)
        ada.send(type="chat", id="line-1", text=WISH)
        await ada.expect("chat", text=WISH)
        mind = mind_process(store)
        async with running(mind, path):
            while (await ada.expect("chat"))["name"] != "Nova":
                pass
            assert promised(mind) == [KEPT]
        await gone(ada)
        again = mind_process(store)
        async with running(again, path):
            await seated(ada, "Nova")
            await asyncio.sleep(1.0)
            assert promised(again) == [KEPT], "told again, it is not promised twice"
