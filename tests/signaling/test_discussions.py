"""Personas in a room of their own, because an operator wants something discussed."""

import asyncio
import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from cognition.inference.generator import FakeGenerator, Script
from signaling import cast_commands
from signaling.cli import app as cli
from signaling.discussions import MAX_TOPIC
from signaling.left_alone import OPERATOR
from signaling.settings import Settings
from tests.signaling.house import KEY, Client, House, house, line_to
from tests.signaling.test_left_alone import FRUITFUL, leave, mind_process, said_by_personas, text
from tests.signaling.test_mind_process import Watched, running, seated, write
from tests.signaling.test_next_week import fake_memory
from tests.signaling.test_persona_card import browser

LOGIN = {"Authorization": f"Bearer {KEY.decode()}"}
TOPIC = "where to hold the summer party"
DISCUSSION: dict[str, Any] = {"personas": ["nova", "Robin"], "topic": TOPIC, "by": "ops"}


async def discuss(http: httpx.AsyncClient, room: str = "lobby", **other: Any) -> httpx.Response:
    return await http.post(f"/api/rooms/{room}/discussion", json=DISCUSSION | other, headers=LOGIN)


async def ended(process: Any, reason: str) -> None:
    """Waits until a discussion came to its end."""
    async with asyncio.timeout(600):
        # Nobody is told of it: it is looked up on the virtual clock.
        while not process._left_alone.counts[f"left alone: {reason}"]:  # noqa: ASYNC110
            await asyncio.sleep(1)


def slowly(seconds: float) -> FakeGenerator:
    """Takes so long for each answer."""
    return FakeGenerator(
        [
            Script([f"{' ' if at else ''}{word}" for at, word in enumerate(each.split())], first=seconds)
            for each in FRUITFUL
        ]
    )


async def come(home: House, name: str) -> Client:
    client = home.arrive()
    await client.join(name, f"seat-{len(home.clients)}", person=f"person-{name.lower()}")
    await seated(client, "Robin")
    await asyncio.sleep(30)
    return client


def told(client: Client) -> list[str]:
    return [each for each in said_by_personas(client.unread()) if each in FRUITFUL]


def of_them(streamed: Sequence[Any]) -> list[str]:
    return [text(prompt) for _, prompt in streamed]


@pytest.mark.virtual_time
async def test_personas_discuss_by_themselves_in_a_room_of_their_own_and_tell_it_to_who_comes(
    tmp_path: Path,
) -> None:
    store, generator = Watched(), FakeGenerator(FRUITFUL)
    process = mind_process(store, generator)
    async with house(tmp_path) as home, line_to(home) as path, browser(home) as http, running(process, path):
        begun = await discuss(http)
        assert (begun.status_code, begun.json()) == (200, {"room": "lobby", "personas": ["Nova", "Robin"]})
        await ended(process, "nothing-new")
        entries = await store.told(*FRUITFUL[:6])
        asked = next(each for each in entries if each.kind == "read")
        assert asked.text == f"Nova and Robin, discuss with each other: {TOPIC}"
        lived = [each for each in entries if each.kind == "said"]
        assert [each.text for each in lived] == list(FRUITFUL[:6])
        assert {each.audience for each in entries} == {frozenset({"nova", "robin", OPERATOR})}
        assert TOPIC in of_them(generator.streamed)[0]
        await asyncio.sleep(3600)
        assert len(generator.streamed) == 6, "it is over, and nobody needs more"
        assert process._mind.rooms() == []
        ada = await come(home, "Ada")
        assert told(ada) == list(FRUITFUL[:6])
        again = [each for each in await store.told("") if each.kind == "said" and each.text in FRUITFUL]
        assert ada.id in again[-1].audience, "she has read it, and may be told of it next week"
        await leave(ada)
        bob = await come(home, "Bob")
        assert told(bob) == []
        await leave(bob)


@pytest.mark.virtual_time
async def test_a_discussion_stops_at_once_for_a_person_who_joins_and_shows_what_was_said(
    tmp_path: Path,
) -> None:
    generator = slowly(20.0)
    process = mind_process(Watched(), generator)
    async with house(tmp_path) as home, line_to(home) as path, browser(home) as http, running(process, path):
        await discuss(http)
        async with asyncio.timeout(3600):
            while len(generator.streamed) < 3:  # noqa: ASYNC110
                await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        ada = home.arrive()
        await ada.join("Ada", person="person-ada")
        await seated(ada, "Robin")
        assert asyncio.get_running_loop().time() - began < 1.0
        await asyncio.sleep(5)
        assert told(ada) == list(FRUITFUL[:2])
        assert process._left_alone.counts == {"left alone: somebody is back": 1}
        await leave(ada)


@pytest.mark.virtual_time
async def test_what_was_discussed_is_told_by_a_mind_that_was_started_anew(tmp_path: Path) -> None:
    store = Watched()
    async with house(tmp_path) as home, line_to(home) as path, browser(home) as http:
        process = mind_process(store, FakeGenerator(FRUITFUL))
        async with running(process, path):
            await discuss(http)
            await ended(process, "nothing-new")
        async with running(mind_process(store, FakeGenerator(("Hello.",))), path):
            ada = await come(home, "Ada")
            assert told(ada) == list(FRUITFUL[:6])
            await leave(ada)
        async with running(mind_process(store, FakeGenerator(("Hello.",))), path):
            ada = await come(home, "Ada")
            assert told(ada) == []
            await leave(ada)


@pytest.mark.virtual_time
async def test_what_somebody_has_confided_is_not_made_use_of_before_whoever_comes(tmp_path: Path) -> None:
    generator = FakeGenerator(FRUITFUL)
    process = mind_process(Watched(), generator, fake_memory)
    async with house(tmp_path) as home, line_to(home) as path, browser(home) as http, running(process, path):
        ada = await come(home, "Ada")
        await write(ada, "m1", "I live in Rome, and my summer party is a surprise.")
        await leave(ada)
        await process._memory.settled()
        known = await process._memory.recall.recall(
            "nova", frozenset({"person-ada"}), "Where does Ada live?", now=process._mind._now()
        )
        assert any("Rome" in each.text for each in known), "there is something that could be told"
        before = len(generator.streamed)
        await discuss(http, topic="Where does Ada live, and what of the summer party?")
        hearers = process._mind._room("lobby").listeners(None)
        assert hearers == {OPERATOR}, "what is recalled is for these"
        told = await process._memory.recall.recall(
            "nova", hearers, "Where does Ada live?", now=process._mind._now()
        )
        assert told == ()
        await ended(process, "nothing-new")
        prompts = of_them(generator.streamed[before:])
        assert len(prompts) >= 4
        assert not any("Rome" in each or "surprise" in each for each in prompts)


@pytest.mark.parametrize(
    ("room", "wrong", "status", "words"),
    [
        ("lobby", {"personas": ["nova", "felix"]}, 404, "there is no persona felix; there are nova, robin"),
        ("lobby", {"personas": ["nova"]}, 409, "it takes two"),
        ("lobby", {"personas": []}, 409, "it takes two"),
        ("lobby", {"personas": ["nova", " NOVA "]}, 409, "it takes two"),
        ("lobby", {"personas": ["nova", ""]}, 404, "there is no persona"),
        ("lobby", {"topic": ""}, 409, "there is no topic"),
        ("lobby", {"topic": " \n\t\u202e"}, 409, "there is no topic"),
        ("lobby", {"topic": "x" * (MAX_TOPIC + 1)}, 409, "the topic is too long"),
        ("lobby", {"topic": "x" * 20_000}, 422, "an order has at most"),
        ("lobby", {"topic": 3}, 422, "personas is a list"),
        ("lobby", {"personas": "nova,robin"}, 422, "personas is a list"),
        ("lobby", {"by": ""}, 422, "personas is a list"),
        ("lobby", {"colour": "red"}, 422, "personas is a list"),
        ("loby", {}, 409, "there is no room loby"),
        ("lob%20by", {}, 422, "no name of a room"),
    ],
)
@pytest.mark.virtual_time
async def test_what_cannot_be_discussed_is_said_in_one_line_and_nothing_happens(
    tmp_path: Path, room: str, wrong: dict[str, Any], status: int, words: str
) -> None:
    generator = FakeGenerator(FRUITFUL)
    process = mind_process(Watched(), generator)
    async with house(tmp_path) as home, line_to(home) as path, browser(home) as http, running(process, path):
        answer = await discuss(http, room, **wrong)
        assert answer.status_code == status
        assert words in answer.json()["message"]
        assert "\n" not in answer.json()["message"]
        await asyncio.sleep(60)
        assert generator.streamed == []
        assert process._mind.rooms() == []


@pytest.mark.virtual_time
async def test_nobody_discusses_who_rests_or_talks_elsewhere_nor_where_people_are(tmp_path: Path) -> None:
    generator = slowly(5.0)
    process = mind_process(Watched(), generator)
    async with house(tmp_path) as home, line_to(home) as path, browser(home) as http, running(process, path):
        ada = await come(home, "Ada")
        occupied = await discuss(http)
        assert (occupied.status_code, occupied.json()["code"]) == (409, "refused")
        assert "lobby is not empty" in occupied.json()["message"]
        await leave(ada)
        await asyncio.sleep(5)
        life = process._living.life
        assert life is not None
        life.order("pause", "robin", "ops", "maintenance")
        paused = await discuss(http)
        assert (paused.status_code, paused.json()["message"]) == (409, "Robin is paused just now")
        life.order("resume", "robin", "ops", "")
        assert (await http.post("/api/rooms/lobby/discussion", json=DISCUSSION)).status_code == 401
        assert (await discuss(http)).status_code == 200
        again = await discuss(http)
        assert "still discussing something in lobby" in again.json()["message"]
        await ended(process, "nothing-new")
        await asyncio.sleep(5)
        assert (await discuss(http)).status_code == 200, "they may discuss the next thing"


@pytest.mark.virtual_time
async def test_a_discussion_with_a_persona_that_is_removed_ends_and_harms_nobody(tmp_path: Path) -> None:
    generator = slowly(5.0)
    process = mind_process(Watched(), generator)
    async with (
        house(tmp_path) as home,
        line_to(home) as path,
        browser(home) as http,
        running(process, path) as task,
    ):
        await discuss(http)
        await asyncio.sleep(1)
        process._dismiss("robin")
        await ended(process, "nobody to talk to")
        ada = home.arrive()
        await ada.join("Ada", person="person-ada")
        await seated(ada, "Nova")
        assert not task.done()
        await leave(ada)


@pytest.mark.virtual_time
async def test_while_no_mind_is_there_an_operator_is_told_so(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home), browser(home) as http:
        answer = await discuss(http)
        assert (answer.status_code, answer.json()["code"]) == (503, "mind-away")


def test_the_command_says_who_talks_where_and_how_to_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def ask(settings: Settings, method: str, path: str, body: Any) -> Any:
        asked.append((method, path, body))
        return {"room": "den", "personas": ["Nova", "Robin"]}

    monkeypatch.setattr(cast_commands, "ask", ask)
    said = CliRunner().invoke(
        cli, ["discuss", "--personas", "nova, robin", "--topic", TOPIC, "--room", "den"]
    )
    assert said.exit_code == 0
    body = {"personas": ["nova", "robin"], "topic": TOPIC, "by": getpass.getuser()}
    assert asked == [("POST", "/api/rooms/den/discussion", body)]
    assert said.output.splitlines()[0].startswith("Nova and Robin discuss it in den")
    wrong = CliRunner().invoke(
        cli, ["discuss", "--personas", "nova,robin", "--topic", TOPIC, "--room", "a/b"]
    )
    assert (wrong.exit_code, len(asked)) == (1, 1)
    assert "no name of a room" in wrong.output
