"""SIGKILL at any point of writing, of a change of layout, a backup, a restore: what was acknowledged is there, once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from cognition.store.backup import back_up, inspect
from cognition.store.connection import check, open_reader
from cognition.store.opening import open_database
from cognition.store.schema import applied, shipped
from cognition.store.timeline import append
from tests.cognition.store_writer import WIDE, event


@dataclass
class Nursery:
    """Starts children quickly and ends them hard."""

    server: "subprocess.Popen[str]"

    def start(self, what: str, path: Path, other: object = "-") -> int:
        assert self.server.stdin is not None
        assert self.server.stderr is not None
        self.server.stdin.write(f"{what} {path} {other}\n")
        self.server.stdin.flush()
        return int(self.server.stderr.readline())

    def line(self) -> str:
        assert self.server.stdout is not None
        return self.server.stdout.readline().rstrip("\n")

    def kill(self, child: int) -> list[str]:
        """What the child said before its end, which may have come by itself."""
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        said: list[str] = []
        while not (line := self.line()).startswith("ended"):
            said.append(line)
        return said


@contextmanager
def nursery() -> Iterator[Nursery]:
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "tests.cognition.store_writer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with server:
        yield Nursery(server)
        assert server.stdin is not None
        server.stdin.close()


@pytest.fixture(name="children")
def _children() -> Iterator[Nursery]:
    with nursery() as children:
        yield children


def kept(path: Path) -> list[str]:
    with closing(open_reader(path)) as connection:
        assert check(connection) is None
        return [id for (id,) in connection.execute("SELECT id FROM event")]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kills", [30, pytest.param(200, marks=pytest.mark.models)])
def test_every_acknowledged_event_survives_once(children: Nursery, tmp_path: Path, kills: int) -> None:
    path, chance = tmp_path / "continuum.db", random.Random(7)
    acknowledged: list[str] = []
    for run in range(kills):
        child = children.start("write", path, run)
        assert children.line() == "ready"
        time.sleep(chance.uniform(0.0, 0.015))  # the random point is what is tested
        acknowledged += children.kill(child)
    there = kept(path)
    assert len(acknowledged) > kills
    assert len(there) == len(set(there))
    assert set(acknowledged) <= set(there)
    assert len(there) - len(acknowledged) <= 2 * kills * 8, "beyond those, only what was being written"


@pytest.mark.timeout(120)
def test_a_change_of_layout_that_is_killed_is_made_whole_by_the_next_start(
    children: Nursery, tmp_path: Path
) -> None:
    path, chance = tmp_path / "continuum.db", random.Random(8)
    opened = open_database(path, shipped())
    opened.connection.execute("BEGIN")
    for number in range(3000):
        append(opened.connection, event(str(number)))
    opened.connection.execute("COMMIT")
    opened.close()
    halves = 0
    for _ in range(40):
        child = children.start("grow", path)
        assert children.line() == "ready"
        time.sleep(chance.uniform(0.0, 0.06))  # as above
        if "grown" in children.kill(child):
            break
        with closing(open_reader(path)) as connection:
            had = WIDE.number in applied(connection, path)
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
            assert ("wide" in tables) == had
            halves += not had
        assert len(kept(path)) == 3000
    assert halves > 0
    opened = open_database(path, (*shipped(), WIDE))
    (rows,) = opened.connection.execute("SELECT count(*) FROM wide").fetchone()
    opened.close()
    assert rows == 6000


@pytest.mark.timeout(120)
def test_a_backup_that_is_killed_harms_nothing_and_leaves_no_half_a_copy(
    children: Nursery, tmp_path: Path
) -> None:
    path, chance = tmp_path / "continuum.db", random.Random(9)
    with nursery() as copiers:
        writer = children.start("write", path, 0)
        assert children.line() == "ready"
        acknowledged: list[str] = []
        for number in range(30):
            target = tmp_path / f"backup-{number}.db"
            copier = copiers.start("backup", path, target)
            time.sleep(chance.uniform(0.0, 0.03))  # as above
            acknowledged += [children.line() for _ in range(5)]
            copiers.kill(copier)
            if target.exists():
                inspect(target)
        acknowledged += children.kill(writer)
    assert set(acknowledged) <= set(kept(path))
    assert kept(back_up(path, tmp_path / "last.db")) == kept(path)


@pytest.mark.timeout(120)
def test_a_restore_that_is_killed_leaves_the_old_store_or_the_new_one(
    children: Nursery, tmp_path: Path
) -> None:
    path, backup, chance = tmp_path / "continuum.db", tmp_path / "backup.db", random.Random(10)
    opened = open_database(path, shipped())
    opened.connection.execute("BEGIN")
    for number in range(500):
        append(opened.connection, event(str(number)))
    opened.connection.execute("COMMIT")
    back_up(path, backup)
    new = kept(path)
    append(opened.connection, event("since"))
    opened.close()
    old = kept(path)
    for _ in range(40):
        child = children.start("restore", path, backup)
        time.sleep(chance.uniform(0.0, 0.06))  # as above
        children.kill(child)
        there = kept(path)
        assert there in (old, new)
        if there == new:
            break
    else:
        children.start("restore", path, backup)
        assert children.line() == "ended 0"
    assert kept(path) == new
    assert any(kept(aside) == old for aside in tmp_path.glob("continuum-before-restore-*.db")), (
        "and kept the old"
    )
    open_database(path, shipped()).close()
