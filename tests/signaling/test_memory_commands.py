"""`continuum memory`: on a store at rest, beside a server, and through it."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cognition.memory.hippocampus import Hippocampus
from cognition.memory.indexing import Indexing
from cognition.search.embedder import FakeEmbedder
from cognition.search.lance_index import LanceIndex
from cognition.store.erasure import pending
from cognition.store.memory_store import MemoryStore
from cognition.store.opening import Opened, open_database
from cognition.store.schema import shipped
from cognition.store.store import Store
from cognition.store.timeline import Event, Participant, Place, append
from signaling import memory_commands
from signaling.cli import app
from signaling.settings import Settings
from tests.signaling.house import KEY, house, line_to
from tests.signaling.test_mind_process import mind_process, running
from tests.signaling.test_next_week import come, fake_memory, go, greeting
from tests.signaling.test_persona_card import browser
from tests.signaling.test_self_service import ROME, asked, known, settled

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ADA, BOB = Participant("seat1", "person", "Ada", "ada@home"), Participant("seat2", "person", "Bob", "bob")
OTHER = Participant("seat3", "person", "Bob", "bob-2")
NOVA = Participant("nova", "persona", "Nova")


async def lived(path: Path) -> None:
    store = await Store.open(path)
    try:
        for number, (who, text) in enumerate(
            (
                (ADA, "I live in Quillhaven."),
                (BOB, "I live in Marrowdale."),
                (OTHER, "I am allergic to nuts."),
            )
        ):
            event = Event(
                f"u{number}",
                "heard",
                Place("lobby"),
                who,
                text,
                NOON + timedelta(hours=number),
                frozenset({who, NOVA}),
            )
            await store.write(lambda connection, event=event: append(connection, event))  # type: ignore[misc]
        await Hippocampus(store, FakeEmbedder(), clock=lambda: NOON.timestamp() + 86_400).think()
    finally:
        await store.aclose()


@pytest.fixture(name="path")
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONTINUUM_STORE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("CONTINUUM_PORT", "1")
    asyncio.run(lived(tmp_path / "state" / "continuum.db"))
    return tmp_path / "state" / "continuum.db"


@pytest.fixture(name="in_use")
def _in_use(path: Path) -> Iterator[Opened]:
    opened = open_database(path, shipped())
    yield opened
    opened.close()


def said(*arguments: object, status: int = 0, typed: str | None = None) -> str:
    result = CliRunner().invoke(app, ["memory", *map(str, arguments)], input=typed)
    assert result.exit_code == status, result.output
    return result.output


def ids(*arguments: object) -> list[str]:
    return [line.split()[0] for line in said("show", *arguments).splitlines()]


def everything(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.rglob("*") if file.is_file())


def test_what_is_known_of_a_person_is_shown_and_taken_along_also_while_the_store_is_in_use(
    in_use: Opened, path: Path, tmp_path: Path
) -> None:
    shown = said("show", "Ada")
    assert "Ada lives in Quillhaven." in shown
    assert "nova" in shown
    assert "Marrowdale" not in shown
    assert said("show", "ada@home", "--persona", "robin") == "nothing is known of ada@home\n"
    taken = [json.loads(line) for line in said("export", "ada").splitlines()]
    assert {each["what"] for each in taken} == {"memory", "event"}
    assert "Marrowdale" not in str(taken)
    out = tmp_path / "ada.jsonl"
    assert f"{len(taken)} lines" in said("export", "ada", "--out", out)
    assert "cannot be made" in said("export", "ada", "--out", out, status=1)
    refused = said("forget", "Ada", "--yes", status=1)
    assert "no server answers" in refused
    assert refused.count("\n") == 1


def test_one_memory_is_shown_with_the_words_it_comes_from_and_why_to_whom_may_see_it(path: Path) -> None:
    (id,) = ids("Ada")
    first, source, journal = said("show", "Ada", id).splitlines()
    assert "Ada lives in Quillhaven." in first
    assert "Ada: I live in Quillhaven." in source
    assert "kept" in journal
    assert "told on" in journal
    for refused in (("bob", id), ("Ada", "none"), ("Ada", id, "--persona", "robin")):
        assert "nothing of the id" in said("show", *refused, status=1)


def test_whom_a_name_means_is_asked_where_several_have_it(path: Path) -> None:
    assert "Marrowdale" in said("show", "bob"), "an identity is plain"
    assert "several people go by 'Bob'; which? bob, bob-2" in said("show", "Bob", status=1)
    assert "nobody of the name 'Zoe'" in said("show", "Zoe", status=1)


def test_a_memory_is_put_right_and_forgotten_in_a_store_at_rest(path: Path) -> None:
    (id,) = ids("Ada")
    assert "no persona 'x'" in said("correct", "Ada", id, "I live in Rome.", "--persona", "x", status=1)
    assert "nothing of the id" in said(
        "correct", "Ada", "none", "I live in Rome.", "--persona", "nova", status=1
    )
    said("correct", "Ada", id, "I live in Rome.", "--persona", "nova")
    assert "Ada lives in Rome." in said("show", "Ada")
    assert "nothing of the id" in said("forget", "bob", id, "--persona", "nova", status=1)
    said("forget", "Ada", id, "--persona", "nova")
    assert said("show", "Ada") == "nothing is known of Ada\n"


def test_a_person_is_forgotten_in_a_store_at_rest_with_all_that_was_made_of_it(path: Path) -> None:
    index = path.with_name("memory") / "index" / "words"
    index.parent.mkdir(parents=True)
    index.write_bytes(b"Quillhaven")
    assert "Aborted" in said("forget", "Ada", status=1, typed="n\n")
    assert b"Quillhaven" in everything(path)
    assert "forgotten" in said("forget", "Ada", typed="y\n")
    assert b"Quillhaven" not in everything(path)
    assert b"ada@home" not in everything(path)
    assert b"Marrowdale" in everything(path)
    assert "nobody of the name" in said("show", "Ada", status=1)


def test_a_person_is_forgotten_in_an_index_that_is_kept_elsewhere(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("CONTINUUM_INDEX", str(elsewhere))

    async def indexed() -> None:
        store, embedder = await Store.open(path), FakeEmbedder()
        memories, documents = [
            await LanceIndex.open(
                str(elsewhere), name=name, model=embedder.name, dimensions=embedder.dimensions
            )
            for name in ("memories", "documents")
        ]
        await Indexing(store, embedder, memories).catch_up()
        await documents.keep(7)
        for each in (memories, documents, store):
            await each.aclose()

    asyncio.run(indexed())
    assert b"Quillhaven" in everything(elsewhere / "any")
    assert "forgotten" in said("forget", "Ada", "--yes")
    assert b"Quillhaven" not in everything(elsewhere / "any") + everything(path)
    assert {each.name.split("-")[0] for each in elsewhere.iterdir()} == {"documents"}


def test_what_cannot_be_taken_from_an_index_that_is_out_of_reach_is_left_to_the_next_start(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no directory").write_text("")
    monkeypatch.setenv("CONTINUUM_INDEX", str(tmp_path / "no directory"))
    told = said("forget", "Ada", "--yes", status=1)
    assert "removes what was forgotten from it when it starts" in told
    assert "nobody of the name" in said("show", "Ada", status=1)

    async def left() -> int:
        store = await Store.open(path)
        try:
            return await store.read(pending)
        finally:
            await store.aclose()

    assert asyncio.run(left()) == 1


def test_what_is_no_store_is_one_line(path: Path) -> None:
    path.write_bytes(b"\xaa" * 8192)
    for command in (("show", "Ada"), ("export", "Ada"), ("forget", "Ada", "--yes")):
        assert said(*command, status=1).count("\n") == 1


def test_a_store_in_use_is_changed_by_its_server(
    in_use: Opened, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[tuple[str, str, Any]] = []

    def ask(_settings: Settings, method: str, route: str, body: Any) -> Any:
        asked_for.append((method, route, body))

    monkeypatch.setattr(memory_commands, "ask", ask)
    (id,) = ids("Ada")
    said("correct", "Ada", id, "I live in Rome.", "--persona", "nova")
    said("forget", "Ada", "--yes")
    (method, route, body), (_, _, gone) = asked_for
    assert (method, route) == ("POST", "/api/memories")
    assert (body["person"], body["memory"], body["text"]) == ("ada@home", id, "I live in Rome.")
    assert (gone["action"], gone["memory"]) == ("forget", None)


@pytest.mark.virtual_time
async def test_an_operator_puts_right_and_has_forgotten_over_http_and_nobody_else_does(
    tmp_path: Path,
) -> None:
    store = MemoryStore()
    key = {"Authorization": f"Bearer {KEY.decode()}"}
    order = {"action": "forget", "person": "person-ada", "by": "ops", "persona": "nova"}
    async with house(tmp_path) as home, line_to(home) as path, browser(home) as http:
        mind = mind_process(store, memory=fake_memory)
        async with running(mind, path):
            ada = await come(home, "lobby", "Ada", "person-ada")
            await greeting(ada)
            await asked(ada, "m1", ROME)
            await go(ada)
            await settled(mind)
            assert (await http.post("/api/memories", json=order)).status_code == 401
            for wrong in (
                {"action": "dance"},
                {"by": ""},
                {"colour": 3},
                {"text": "x" * 9000},
                {"action": "correct"},
            ):
                refused = await http.post("/api/memories", json=order | wrong, headers=key)
                assert refused.status_code == 422, wrong
            missing = await http.post("/api/memories", json=order | {"memory": "none"}, headers=key)
            assert (missing.status_code, missing.json()["code"]) == (404, "no-such-memory")
            (home_of,) = await store.read(_home)
            right = order | {"action": "correct", "memory": home_of, "text": "I live in Oslo."}
            assert (await http.post("/api/memories", json=right, headers=key)).status_code == 200
            ada = await come(home, "attic", "Ada", "person-ada")
            assert "Ada lives in Oslo." in await known(ada)
            assert (await http.post("/api/memories", json=order, headers=key)).status_code == 200
            assert await known(ada) == []
            (by,) = await store.read(lambda c: c.execute('SELECT "by" FROM erasure').fetchone())
            assert by == "ops"


def _home(connection: sqlite3.Connection) -> list[str]:
    return [id for (id,) in connection.execute("SELECT id FROM memory WHERE attribute = 'home'")]
