"""A persona's card for operators: over HTTP with the server's key, and on the command line from the store."""

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from cognition.persona.reputation import DAY_S
from cognition.persona.trust import Opinion, Trust
from cognition.store.store import Store
from signaling.cli import app as cli
from signaling.profiles import Profiles
from signaling.server.app import create_app
from signaling.server.card import parse_card
from signaling.server.page import load_page, security_headers
from signaling.server.session import SessionSettings
from signaling.server.watching import SnapshotFeed
from signaling.settings import load_settings
from tests.signaling.house import KEY, House, house
from tests.signaling.test_judgements import judge, office


def browser(home: House, client: str = "203.0.113.5") -> httpx.AsyncClient:
    app = create_app(
        conference=home.conference,
        sessions=home.sessions,
        tokens=home.tokens,
        peers=home.census,
        overview=home.overview,
        feed=SnapshotFeed(home.overview.snapshot, home.metrics.drop),
        page=load_page(None),
        headers=security_headers(),
        settings=SessionSettings(),
        version="1.2.3",
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, client=(client, 4000)), base_url="http://localhost"
    )


@pytest.mark.virtual_time
async def test_an_operator_reads_a_card_without_its_journal_and_a_stranger_reads_none(tmp_path: Path) -> None:
    async with office(tmp_path) as at, browser(at.home) as http:
        ada = await at.home.seated("Ada")
        await at.seat("nova")
        await at.says("nova", "u1", "Well.")
        await judge(ada, 1)
        assert (await http.get("/api/personas/nova")).status_code == 401
        assert (await http.get("/api/personas/nobody")).status_code == 401, "who is there is told to nobody"
        key = {"Authorization": f"Bearer {KEY.decode()}"}
        answer = await http.get("/api/personas/nova", headers=key)
        card = answer.json()
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert parse_card(card) == card
        assert (card["standing"]["praised"], card["journal"]) == (1, [])
        assert [(event["mine"], event["by"], event["line"]) for event in card["history"]] == [
            (False, None, None)
        ]
        older = await http.get("/api/personas/nova", headers=key, params={"before": card["history"][0]["id"]})
        assert older.json()["history"] == []
        assert (await http.get("/api/personas/nova", headers=key, params={"before": "x"})).status_code == 422
        missing = await http.get("/api/personas/nobody", headers=key)
        assert (missing.status_code, missing.json()["code"]) == (404, "no-such-persona")
        invited = {"Authorization": f"Bearer {at.home.tokens.mint_invite('lobby')}"}
        assert (await http.get("/api/personas/nova", headers=invited)).status_code == 401
        async with browser(at.home, "127.0.0.1") as local:
            assert (await local.get("/api/personas/nova")).status_code == 200
            foreign = {"Origin": "https://evil.example"}
            assert (await local.get("/api/personas/nova", headers=foreign)).status_code == 401
        at.mind.endpoint.close()
        while (await ada.expect("participant"))["participant"]["status"] != "away":
            pass
        away = await http.get("/api/personas/nova", headers=key)
        assert (away.status_code, away.json()["code"]) == (503, "mind-away")


@pytest.mark.virtual_time
async def test_orders_are_taken_from_operators_alone_and_a_stranger_learns_nothing_of_them(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, browser(home) as http:
        key = {"Authorization": f"Bearer {KEY.decode()}"}
        order = {"action": "pause", "id": "nova", "by": "ops"}
        too_long = {"text": "x" * (129 << 10)}
        for content in (order, {"action": "x"}, too_long):
            refused = await http.post("/api/personas", json=content)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert home.dropped("personas-unauthorized") == 3
        for content in ({"action": "x"}, {**order, "minutes": "61"}, {**order, "more": "1"}, too_long):
            wrong = await http.post("/api/personas", json=content, headers=key)
            assert (wrong.status_code, wrong.json()["code"]) == (422, "bad-request")
        away = await http.post("/api/personas", json=order, headers=key)
        assert (away.status_code, away.json()["code"]) == (503, "mind-away")


async def spoken_of(path: Path) -> None:
    now = [time.time() - 7 * DAY_S]
    store = await Store.open(path)
    trust = Trust(store, clock=lambda: now[0])
    for day in range(6):
        for who in ("ada", "bob", "cleo"):
            subject = f"{who}{day}"
            given = Opinion(
                subject, "felix", who, subject, 1, "astronomy", day == 0, who.title() if day else None
            )
            await trust.take(given, ("felix",))
        now[0] += DAY_S
    await store.aclose()


def test_the_command_line_tells_how_a_persona_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    runner = CliRunner()
    missing = runner.invoke(cli, ["persona", "card", "felix"])
    assert missing.exit_code == 1
    assert missing.stderr.startswith("continuum: ")
    asyncio.run(spoken_of(load_settings().store_path))
    said = runner.invoke(cli, ["persona", "card", "Felix"])
    assert said.exit_code == 0
    assert said.stdout.splitlines()[1:3] == [
        "  voices: 15 for, 0 against, of 3 people",
        "  tasks: 3 done, 3 of them well, 0 not",
    ]
    assert "rose to trusted" in said.stdout
    assert "praised by Ada (astronomy)" in said.stdout
    as_json = runner.invoke(cli, ["persona", "card", "felix", "--json"])
    assert parse_card(json.loads(as_json.stdout))["persona"] == "felix"
    nobody = runner.invoke(cli, ["persona", "card", "nobody"])
    assert nobody.exit_code == 1
    assert "there is no persona 'nobody'; there are" in nobody.stderr
    settings = load_settings()
    profile = 'name = "Iris"\ncharacter = "You are brief."\n'
    Profiles(settings.persona_paths(), settings.profiles_dir).keep("iris", profile)
    assert runner.invoke(cli, ["persona", "card", "Iris"]).exit_code == 0
