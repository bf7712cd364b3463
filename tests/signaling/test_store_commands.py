"""The store from the command line: copied, put back and exported, also beside a running server, and never lost."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cognition.store.opening import Opened, open_database
from cognition.store.schema import shipped
from cognition.store.timeline import Event, Participant, Place, append
from signaling import mind_process
from signaling.cli import app
from signaling.doctor import store as store_finding
from signaling.mind_process import EX_CONFIG, EX_TEMPFAIL

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ADA = Participant("ada", "person", "Ada")


@pytest.fixture(name="path")
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONTINUUM_STORE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "state" / "continuum.db"


def live(opened: Opened, *numbers: int) -> None:
    for number in numbers:
        room = "lobby" if number % 2 == 0 else "attic"
        moment = NOON + timedelta(hours=number)
        append(opened.connection, Event(f"u{number}", "heard", Place(room), ADA, f"wörd {number}", moment))


@pytest.fixture(name="running")
def _running(path: Path) -> Iterator[Opened]:
    """A store in use."""
    opened = open_database(path, shipped())
    live(opened, 0, 1, 2)
    yield opened
    opened.close()


def said(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == status, result.output
    return result.output


def exported(*arguments: object) -> list[str]:
    return [json.loads(line)["text"] for line in said("timeline", "export", *arguments).splitlines()]


def test_a_running_store_is_copied_and_the_copy_put_back_once_it_has_ended(
    running: Opened, path: Path, tmp_path: Path
) -> None:
    assert "3 events" in said("backup", tmp_path / "copy.db")
    live(running, 3)
    refused = said("restore", tmp_path / "copy.db", status=1)
    assert "a server runs with the store" in refused
    assert refused.count("\n") == 1
    assert len(exported()) == 4
    running.close()
    told = said("restore", tmp_path / "copy.db")
    assert "3 events restored" in told
    assert exported() == ["wörd 0", "wörd 1", "wörd 2"]
    (aside,) = path.parent.glob("continuum-before-restore-*.db")
    assert str(aside) in told.replace("\n", "")
    aside.rename(tmp_path / "aside.db")
    said("restore", tmp_path / "aside.db")
    assert len(exported()) == 4


def test_a_backup_goes_into_a_directory_under_a_name_of_its_time_and_over_nothing(
    running: Opened, tmp_path: Path
) -> None:
    directory = tmp_path / "backups"
    directory.mkdir()
    said("backup", directory)
    (copy,) = directory.iterdir()
    assert copy.stat().st_mode & 0o077 == 0, "it is as private as the store"
    before = copy.read_bytes()
    assert "there already" in said("backup", copy, status=1)
    assert copy.read_bytes() == before
    assert "cannot be written" in said("backup", tmp_path / "nowhere" / "copy.db", status=1)


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\xaa" * 5000])
def test_what_is_no_backup_is_refused_and_changes_nothing(
    running: Opened, path: Path, tmp_path: Path, content: bytes
) -> None:
    running.close()
    before = path.read_bytes()
    (tmp_path / "wrong.db").write_bytes(content)
    assert said("restore", tmp_path / "wrong.db", status=1).count("\n") == 1
    assert "no store" in said("restore", tmp_path / "missing.db", status=1)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir() if "restor" in each.name] == []


def test_a_damaged_store_is_replaced_and_kept(running: Opened, path: Path, tmp_path: Path) -> None:
    said("backup", tmp_path / "copy.db")
    running.close()
    path.write_bytes(b"\xaa" * 8192)
    assert store_finding(path).state == "fail"
    assert "restore" in store_finding(path).advice
    said("restore", tmp_path / "copy.db")
    assert len(exported()) == 3
    (aside,) = path.parent.glob("continuum-before-restore-*.db")
    assert aside.read_bytes() == b"\xaa" * 8192
    assert store_finding(path).state == "ok"


def test_the_timeline_is_exported_as_it_was_asked_for(running: Opened, tmp_path: Path) -> None:
    assert exported() == ["wörd 0", "wörd 1", "wörd 2"]
    assert exported("--room", "lobby") == ["wörd 0", "wörd 2"]
    assert exported("--since", "2026-01-05T13:00", "--until", "2026-01-05T15:00+01:00") == ["wörd 1"]
    assert exported("--person", "ada", "--lived-by", "ada", "--kind", "heard") == exported()
    assert exported("--person", "bob") == []
    assert "no kind" in said("timeline", "export", "--kind", "dreamt", status=2)
    assert "Invalid" in said("timeline", "export", "--since", "yesterday", status=2)
    out = tmp_path / "life.jsonl"
    assert "3 events" in said("timeline", "export", "--out", out)
    assert len(out.read_text("utf-8").splitlines()) == 3
    assert "cannot be made" in said("timeline", "export", "--out", out, status=1)


def test_doctor_tells_of_a_store_that_is_not_there_yet_and_of_a_newer_one(path: Path) -> None:
    assert store_finding(path).detail == f"none yet; it will be made at {path}"
    opened = open_database(path, shipped())
    opened.connection.execute("INSERT INTO migration VALUES (9999, 'later', '')")
    opened.close()
    found = store_finding(path)
    assert (found.state, "update" in found.advice) == ("fail", True)


@pytest.mark.parametrize(("content", "status"), [(b"\xaa" * 4096, EX_CONFIG), (None, EX_TEMPFAIL)])
def test_a_mind_whose_store_cannot_be_used_ends_with_one_line_and_a_status_that_says_whether_to_try_again(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    content: bytes | None,
    status: int,
) -> None:
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    else:
        # A directory that cannot be made: the same as a disk that cannot be written, for root too.
        path.parent.write_bytes(b"")
    launch = {"settings": {"store_dir": str(path.parent)}, "run_dir": str(tmp_path)}
    monkeypatch.delenv("CONTINUUM_STORE_DIR")
    monkeypatch.setenv("CONTINUUM_LAUNCH", json.dumps(launch))
    # It would go on writing to what this test captures.
    monkeypatch.setattr(mind_process, "configure_logs", lambda: None)
    try:
        assert mind_process.main() == status
    finally:
        asyncio.set_event_loop(None)
    err = capfd.readouterr().err
    assert str(path) in err
    assert err.count("\n") == 1
