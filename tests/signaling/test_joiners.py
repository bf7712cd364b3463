"""What somebody who joins is given of what was said: that for which they were there, or all where the room is open."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.signaling.house import Client, FakeMind, House, house, line_to, mind_of

pytestmark = pytest.mark.virtual_time


async def write(client: Client, id: str, text: str) -> None:
    client.send(type="chat", id=id, text=text)
    await client.expect("ack", id=id)


async def heard(mind: FakeMind, who: str, utterance: str, text: str, **more: object) -> None:
    await mind.ask("caption", id=who, utterance=utterance, text=text, **{"final": True, **more})


async def leave(client: Client) -> None:
    client.send(type="leave")
    await client.running


async def read_by(home: House, name: str, **fields: Any) -> list[str]:
    """What somebody finds in the history who joins now, and goes again."""
    client = home.arrive()
    joined = await client.join(name, **fields)
    assert "there" not in str(joined["history"]), "who was there is told to nobody"
    await leave(client)
    return [line["text"] for line in joined["history"]]


async def test_who_joins_finds_nothing_of_what_was_said_before_they_came(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await mind.ask("persona.join", id="nova", name="Nova")
        await write(ada, "c1", "I am ill")
        await heard(mind, ada.id, "u1", "very ill")
        await heard(mind, "nova", "n1", "I am sorry")
        await mind.ask("chat.post", id="nova", text="get well")
        assert await read_by(home, "Bob") == []


async def test_who_comes_again_finds_what_they_were_there_for_and_no_more(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        bob = home.arrive()
        await bob.join("Bob", identity="seat one", person="bob-the-person")
        await write(ada, "c1", "for both")
        await heard(mind, ada.id, "u1", "aloud for both")
        await leave(bob)
        await write(ada, "c2", "for Ada")
        await heard(mind, ada.id, "u2", "aloud for Ada")
        both = ["for both", "aloud for both"]
        assert await read_by(home, "Bob", identity="seat two", person="bob-the-person") == both
        assert await read_by(home, "Eve", identity="seat three", person="eve") == []
        assert await read_by(home, "Ada", resume=ada.resume) == [*both, "for Ada", "aloud for Ada"]


async def test_a_connection_lost_for_a_moment_misses_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await write(ada, "c1", "before")
        bob.socket.hang_up()
        await bob.ended()
        await write(ada, "c2", "meanwhile")
        await heard(mind, ada.id, "u1", "meanwhile, aloud")
        await asyncio.sleep(9)
        assert await read_by(home, "Bob", resume=bob.resume) == ["before", "meanwhile", "meanwhile, aloud"]


@pytest.mark.parametrize("who", ["a person", "a persona"])
async def test_of_an_utterance_that_began_before_they_came_a_joiner_gets_no_word(
    tmp_path: Path, who: str
) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await mind.ask("persona.join", id="nova", name="Nova")
        speaker = ada.id if who == "a person" else "nova"
        await heard(mind, speaker, "u1", "I am", final=False)
        bob = await home.seated("Bob")
        await heard(mind, speaker, "u1", "I am ill", final=False)
        await heard(mind, speaker, "u1", "I am ill.")
        await heard(mind, speaker, "u2", "Hello Bob.")
        assert [each["text"] for each in await bob.settled() if each["type"] == "caption"] == ["Hello Bob."]
        shown = [each["text"] for each in await ada.settled() if each["type"] == "caption"]
        assert shown == ["I am", "I am ill", "I am ill.", "Hello Bob."]
        assert await read_by(home, "Bob", resume=bob.resume) == ["Hello Bob."]


async def test_speech_began_when_it_did_and_not_with_its_first_words(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        began_ns = time.monotonic_ns()
        bob = await home.seated("Bob")
        await heard(mind, ada.id, "u1", "I am", final=False, began_ns=began_ns)
        await heard(mind, ada.id, "u1", "I am ill.", began_ns=began_ns)
        assert [each for each in await bob.settled() if each["type"] == "caption"] == []
        assert len([each for each in await ada.settled() if each["type"] == "caption"]) == 2
        assert await read_by(home, "Bob", resume=bob.resume) == []
        assert await read_by(home, "Ada", resume=ada.resume) == ["I am ill."]


async def test_in_an_open_room_whoever_joins_reads_all_but_whispers(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach("lobby")
        ada = await home.seated("Ada")
        await mind.ask("persona.join", id="nova", name="Nova")
        await write(ada, "c1", "welcome all")
        await heard(mind, "nova", "n1", "a whisper", listeners=[ada.id, "nova"])
        await heard(mind, ada.id, "u1", "I", final=False)
        bob = await home.seated("Bob")
        await heard(mind, ada.id, "u1", "I begin")
        assert (await bob.expect("caption"))["text"] == "I begin"
        assert await read_by(home, "Eve") == ["welcome all", "I begin"]
        home.conference.set_openness("lobby", is_open=False)
        assert await read_by(home, "Eve") == []


async def test_a_line_of_which_nobody_knows_who_was_there_is_shown_to_nobody(tmp_path: Path) -> None:
    line = {"id": "a", "from": "p1", "name": "Ada", "kind": "chat", "text": "?", "at": "2026-01-05T12:00:00Z"}
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        await mind.ask("room.restore", lines=[line])
        assert await read_by(home, "Ada") == []


async def test_a_line_is_judged_or_explained_by_those_alone_who_were_there(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        await home.seated("Ada")
        await mind.ask("persona.join", id="nova", name="Nova")
        await heard(mind, "nova", "n1", "Ada is ill")
        bob = await home.seated("Bob")
        bob.send(type="explain", id="e", persona="nova", line="n1")
        assert (await bob.expect("error", id="e"))["code"] == "no-such-line"
