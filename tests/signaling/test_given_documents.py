"""What users give to be known: by settings and by command, followed by a server that runs."""

import asyncio
import json
from collections.abc import Collection
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cognition.rag.documents.library import Folder
from cognition.store.documents import Document, Passage, folders, keep_document, keep_folders
from cognition.store.store import open_store
from signaling.cli import app
from signaling.errors import UserError
from signaling.given_documents import GivenDocuments, shelf_lines
from signaling.settings import SettingsError, load_settings


@pytest.fixture(name="home")
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_documents_can_be_named_in_the_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "CONTINUUM_DOCUMENTS", json.dumps(["~/notes", {"path": "/srv/plans", "room": "attic"}])
    )
    assert [(str(each.path), each.room) for each in load_settings().documents] == [
        ("~/notes", ""),
        ("/srv/plans", "attic"),
    ]
    monkeypatch.setenv("CONTINUUM_DOCUMENTS", json.dumps([{"path": "/srv", "room": "no room"}]))
    with pytest.raises(SettingsError, match="documents"):
        load_settings()


def test_a_folder_is_given_shown_and_taken_back(home: Path) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["documents", *arguments])
        return f"{result.exit_code} {result.output}".replace("\n", " ")

    notes = home / "notes"
    assert run("list").startswith("0 nothing was given")
    assert run("add", str(notes)).startswith(f"0 {notes}: given for every room")
    assert run("add", str(notes)).startswith(f"1 continuum: {notes} is given already")
    assert run("add", str(notes), "--room", "attic").startswith(f"0 {notes}: given for the room attic")
    assert run("add", str(notes), "--room", "no room").startswith(
        "1 continuum: 'no room' is no name of a room"
    )
    assert run("add", str(home / "none")).startswith(f"1 continuum: there is nothing at {home / 'none'}")
    assert "every room): not read yet" in run("list")
    assert "the room attic): not read yet" in run("list")
    assert run("remove", str(notes), "--room", "attic").startswith("0")
    assert "attic" not in run("list")
    assert run("remove", str(notes)).startswith(f"0 {notes}: taken back")
    assert run("remove", str(notes)).startswith(f"1 continuum: {notes} was not given")


def test_what_the_settings_name_is_taken_out_there(home: Path) -> None:
    given = GivenDocuments([Folder(home / "notes")], home / "list")
    assert given.folders() == (Folder(home / "notes"),)
    with pytest.raises(UserError, match="named in the settings"):
        given.remove(home / "notes", None)


@pytest.mark.parametrize("text", ["{", "{}", '"x"', "\ud800"])
def test_a_list_that_is_broken_is_said_to_be_and_not_overwritten(text: str, home: Path) -> None:
    given = GivenDocuments([], home / "list")
    given.add(home / "notes", "")
    (home / "list" / "given.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserError, match="mend or remove it"):
        given.add(home / "notes", "attic")
    assert (home / "list" / "given.json").read_bytes() == text.encode("utf-8", "surrogatepass")


def test_entries_that_are_none_are_left_out(home: Path) -> None:
    given = GivenDocuments([], home / "list")
    given.add(home / "notes", "")
    entries = [
        1,
        {"path": "relative", "room": ""},
        {"path": "/a", "room": "no room"},
        {"path": "/b", "room": "x"},
    ]
    (home / "list" / "given.json").write_text(json.dumps(entries))
    assert given.folders() == (Folder(Path("/b"), "x"),)


async def test_a_running_server_follows_the_list(home: Path) -> None:
    given = GivenDocuments([], home / "list")
    told: asyncio.Queue[Collection[Folder]] = asyncio.Queue()
    following = asyncio.create_task(given.follow(told.put_nowait))
    assert await told.get() == ()
    given.add(home / "notes", "")
    assert await told.get() == (Folder(home / "notes"),)
    given.remove(home / "notes", None)
    assert await told.get() == ()
    (home / "list" / "given.json").write_text("{")
    following.cancel()
    await asyncio.wait([following])
    assert following.cancelled()
    assert told.empty(), "a broken list takes nothing back"


async def test_the_list_shows_what_is_known_and_what_was_refused(home: Path) -> None:
    notes, store_path = home / "notes", home / "continuum.db"
    async with open_store(store_path) as store:
        await store.write(lambda c: keep_folders(c, [(str(notes), "attic")]))
        (key,) = (await store.read(folders)).values()
        for document, parts in (
            (Document("a.txt", "a.txt", 2000, 1, b""), [Passage("x"), Passage("y")]),
            (Document("b.pdf", "b.pdf", 10, 1, b"", "no PDF"), []),
        ):
            await store.write(lambda c, d=document, p=parts: keep_document(c, key, d, p))  # type: ignore[misc]
        lines = list(shelf_lines(store_path, [Folder(notes, "attic")], each=True))
    assert lines == [
        f"{notes} (the room attic): 1 documents, 2 passages; refused: 1 no PDF",
        "    a.txt: 2 kB",
        "    b.pdf: no PDF",
    ]
