"""Personas come, change, pause and go while people talk: rooms follow at once, and a broken profile harms nobody."""

import logging
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from cognition.persona.profile import ProfileError
from cognition.store.memory_store import MemoryStore
from signaling.cast import NO_SUCH_PERSONA, REFUSED
from signaling.cli import app as cli
from signaling.ipc.endpoint import RpcError
from signaling.profiles import Profiles
from tests.signaling.house import KEY, Client, House, house, line_to
from tests.signaling.test_mind_process import mind_process, running, seated
from tests.signaling.test_persona_card import browser

ROBIN = 'name = "Robin"\ncharacter = "You are brief."\nexpertise = ["birds"]\n'


async def manage(home: House, action: str, **params: Any) -> dict[str, Any]:
    """What an operator orders, as media passes it on."""
    order = {"room": None, "action": action, "by": "ops", "why": "a test"} | params
    answer = await home.conference.mind.ask("persona.manage", order)
    return {each["id"]: each for each in answer["personas"]}


async def left(client: Client, id: str) -> None:
    await client.expect("left", id=id)


@pytest.mark.virtual_time
async def test_a_persona_that_is_added_sits_down_in_every_room_and_is_there_after_a_restart(
    tmp_path: Path,
) -> None:
    profiles = Profiles((), tmp_path / "personas")
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with running(mind_process(profiles=profiles), path):
            await seated(ada, "Nova")
            assert list(await manage(home, "add", id="robin", text=ROBIN)) == ["nova", "robin"]
            await seated(ada, "Robin")
    assert [each.name for each in profiles.load()] == ["Robin"]


@pytest.mark.virtual_time
async def test_a_persona_that_is_removed_leaves_every_room_and_others_go_on(tmp_path: Path) -> None:
    profiles = Profiles((), tmp_path / "personas")
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with running(mind_process(profiles=profiles), path) as task:
            await seated(ada, "Nova")
            await manage(home, "add", id="robin", text=ROBIN)
            await seated(ada, "Robin")
            assert list(await manage(home, "remove", id="robin")) == ["nova"]
            await left(ada, "robin")
            await ada.connect()
            ada.send(type="chat", id="line-1", text="Nova, are you there?")
            while (await ada.expect("chat"))["name"] != "Nova":
                pass
            assert not task.done()
            with pytest.raises(RpcError, match="the last persona"):
                await manage(home, "remove", id="nova")
    assert profiles.load() == ()


@pytest.mark.virtual_time
async def test_an_edited_persona_has_its_new_name_at_once_and_what_it_lived(tmp_path: Path) -> None:
    profiles, store = Profiles((), tmp_path / "personas"), MemoryStore()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        mind = mind_process(store, profiles)
        async with running(mind, path):
            await seated(ada, "Nova")
            await manage(home, "add", id="robin", text=ROBIN)
            await seated(ada, "Robin")
            life = mind._living.life
            assert life is not None
            life.order("pause", "robin", "ops", "maintenance")
            await manage(home, "edit", id="robin", text=ROBIN.replace("Robin", "Rowan"))
            await seated(ada, "Rowan")
            assert life.disposition("robin").paused
            kinds = [each.kind for each in await life.orders("robin", limit=9)]
            assert kinds == ["edit", "pause", "add"]


@pytest.mark.virtual_time
async def test_a_paused_persona_is_silent_until_it_may_go_on(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        mind = mind_process(profiles=Profiles((), tmp_path / "personas"))
        async with running(mind, path):
            await seated(ada, "Nova")
            await ada.connect()
            assert (await manage(home, "pause", id="nova"))["nova"]["status"] == "paused"
            ada.send(type="chat", id="line-1", text="Nova, are you there?")
            await ada.expect("chat", **{"from": ada.id})
            assert (await manage(home, "resume", id="nova"))["nova"]["status"] == "awake"
            ada.send(type="chat", id="line-2", text="Nova, and now?")
            answer = await ada.expect("chat", name="Nova")
            assert answer["text"]
            life = mind._living.life
            assert life is not None
            assert [each.kind for each in await life.orders("nova")] == ["resume", "pause"]


@pytest.mark.virtual_time
async def test_an_override_can_be_read_by_whoever_asks_for_the_personas_and_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = structlog.testing.LogCapture()
    # The server's own logger keeps how logs were set up when it was first used.
    everything = structlog.make_filtering_bound_logger(logging.INFO)
    own = structlog.wrap_logger(None, processors=[log], wrapper_class=everything)
    monkeypatch.setattr("signaling.cast._log", own)
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with running(mind_process(profiles=Profiles((), tmp_path / "personas")), path):
            await seated(ada, "Nova")
            await manage(home, "pause", id="nova")
            await manage(home, "keep-awake", id="nova", minutes=5, by="ops", why="the talk\nis soon")
            shown = (await manage(home, "list"))["nova"]
            override, pause = shown["orders"]
            assert (override["action"], override["by"], override["why"]) == (
                "keep-awake",
                "ops",
                "the talk is soon",
            )
            begins, ends = (datetime.fromisoformat(override[each]) for each in ("at", "until"))
            assert ends - begins == timedelta(minutes=5)
            assert (pause["action"], pause["until"]) == ("pause", None)
            logged = [entry for entry in log.entries if entry["event"] == "order followed"]
            assert len(logged) == 2
            assert "keep-awake" in logged[1].values()
            assert "the talk is soon" in logged[1].values()


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"id": "robin", "text": "name = "}, REFUSED),
        ({"id": "robin", "text": 'name = "Robin"\n'}, REFUSED),
        ({"id": "../robin", "text": ROBIN}, REFUSED),
        ({"id": "robin", "text": ROBIN + "colour = 3\n"}, REFUSED),
        ({"id": "robin", "text": "x" * 100_000}, REFUSED),
        ({"id": "nova", "text": ROBIN}, REFUSED),
        ({"id": "robin", "text": ROBIN.replace("Robin", "NOVA")}, REFUSED),
        ({"id": "robin", "text": ROBIN.replace("You are brief.", "You are long. " * 200)}, REFUSED),
        ({"action": "edit", "id": "nobody", "text": ROBIN}, NO_SUCH_PERSONA),
        ({"action": "keep-awake", "id": "nova", "minutes": 600}, REFUSED),
        ({"action": "keep-awake", "id": "nova", "minutes": 5, "why": ""}, REFUSED),
        ({"action": "dance", "id": "nova"}, REFUSED),
        ({"action": "pause"}, REFUSED),
        ({"action": "pause", "id": "nova", "by": ""}, REFUSED),
    ],
)
@pytest.mark.virtual_time
async def test_an_order_that_cannot_be_followed_changes_nothing(
    tmp_path: Path, params: dict[str, Any], code: int
) -> None:
    profiles = Profiles((), tmp_path / "personas")
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with running(mind_process(profiles=profiles), path) as task:
            await seated(ada, "Nova")
            with pytest.raises(RpcError) as refused:
                await manage(home, **{"action": "add"} | params)
            assert refused.value.code == code
            assert list(await manage(home, "list")) == ["nova"]
            assert not task.done()
    assert profiles.load() == ()
    assert not (tmp_path / "robin.toml").exists()


def test_a_broken_profile_that_was_added_harms_nobody_and_a_given_one_is_told(tmp_path: Path) -> None:
    given, added = tmp_path / "given", tmp_path / "added"
    given.mkdir()
    added.mkdir()
    (given / "nova.toml").write_text(ROBIN.replace("Robin", "Nova"))
    (added / "robin.toml").write_text(ROBIN)
    (added / "broken.toml").write_text("name = ")
    profiles = Profiles([given / "nova.toml"], added)
    assert [each.id for each in profiles.load()] == ["nova", "robin"]
    (given / "nova.toml").write_text("name = ")
    with pytest.raises(ProfileError):
        profiles.load()


def test_a_given_persona_that_was_edited_or_removed_stays_so(tmp_path: Path) -> None:
    given = tmp_path / "nova.toml"
    given.write_text(ROBIN.replace("Robin", "Nova"))
    profiles = Profiles([given], tmp_path / "added")
    profiles.keep("nova", ROBIN.replace("Robin", "Nora"))
    assert [each.name for each in profiles.load()] == ["Nora"]
    profiles.remove("nova")
    assert profiles.load() == ()
    profiles.keep("nova", ROBIN)
    assert [each.name for each in profiles.load()] == ["Robin"]


@pytest.mark.virtual_time
async def test_an_operator_orders_over_http_and_nobody_else_does(tmp_path: Path) -> None:
    profiles = Profiles((), tmp_path / "personas")
    add = {"action": "add", "id": "robin", "by": "ops", "text": ROBIN}
    key = {"Authorization": f"Bearer {KEY.decode()}"}
    async with house(tmp_path) as home, line_to(home) as path, browser(home) as http:
        ada = await home.seated("Ada")
        assert (await http.get("/api/personas", headers=key)).status_code == 503
        async with running(mind_process(profiles=profiles), path):
            await seated(ada, "Nova")
            assert (await http.post("/api/personas", json=add)).status_code == 401
            assert (await http.get("/api/personas")).status_code == 401
            answer = await http.post("/api/personas", json=add, headers=key)
            assert (answer.status_code, len(answer.json()["personas"])) == (200, 2)
            await seated(ada, "Robin")
            again = await http.post("/api/personas", json=add, headers=key)
            assert (again.status_code, again.json()["code"]) == (409, "refused")
            for wrong in ({"action": "dance"}, {"by": ""}, {"colour": 3}, {"text": "x" * 200_000}):
                refused = await http.post("/api/personas", json=add | wrong, headers=key)
                assert refused.status_code == 422, wrong
            missing = await http.post("/api/personas", json={**add, "action": "edit", "id": "x"}, headers=key)
            assert missing.status_code == 404
            shown = (await http.get("/api/personas", headers=key)).json()["personas"]
            assert [each["id"] for each in shown] == ["nova", "robin"]


def test_a_profile_that_cannot_be_used_is_told_before_a_server_is_asked(tmp_path: Path) -> None:
    broken = tmp_path / "robin.toml"
    broken.write_text("name = ")
    said = CliRunner().invoke(cli, ["persona", "add", str(broken)])
    assert said.exit_code == 1
    assert "robin.toml: is not TOML" in said.output


def test_without_a_server_the_command_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTINUUM_STATE_DIR", str(tmp_path))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("CONTINUUM_PORT", str(free.getsockname()[1]))
        said = CliRunner().invoke(cli, ["persona", "list"])
    assert said.exit_code == 1
    assert "continuum serve" in said.output
