"""The store: what it acknowledged is there, what it refuses it says why, and nobody's mistake is another's loss."""

import asyncio
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from cognition.store.errors import (
    DiskError,
    QueueFull,
    StoreClosed,
    StoreDamaged,
    StoreError,
    StoreInUse,
    StoreNewer,
)
from cognition.store.memory_store import MemoryStore
from cognition.store.schema import Migration, shipped
from cognition.store.store import MAX_WAITING, Storage, Store

NOTES = Migration(1, "notes", "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;")
TAGS = Migration(2, "tags", "CREATE TABLE tag (name TEXT) STRICT; INSERT INTO tag VALUES ('first');")


@asynccontextmanager
async def opened(path: Path, *migrations: Migration) -> AsyncIterator[Store]:
    store = await Store.open(path, migrations=migrations or (NOTES,))
    try:
        yield store
    finally:
        await store.aclose()


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "continuum.db"


def note(connection: sqlite3.Connection, text: str) -> int:
    (id,) = connection.execute("INSERT INTO note (text) VALUES (?) RETURNING id", (text,)).fetchone()
    return int(id)


def noting(text: str) -> Callable[[sqlite3.Connection], int]:
    return lambda connection: note(connection, text)


def notes(connection: sqlite3.Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM note ORDER BY id")]


async def test_what_was_written_is_read_back_by_another_opening(path: Path) -> None:
    async with opened(path) as store:
        assert await store.write(noting("one")) == 1
        assert await store.read(notes) == ["one"]
    async with opened(path) as store:
        assert await store.read(notes) == ["one"]


async def test_many_who_wait_share_a_commit_and_keep_their_order(path: Path) -> None:
    async with opened(path) as store:
        numbers = await asyncio.gather(*(store.write(noting(str(n))) for n in range(1000)))
        assert numbers == list(range(1, 1001))
        assert store.writes == 1000
        assert store.commits < 100


async def test_whoever_fails_takes_nobody_along(path: Path) -> None:
    def half(connection: sqlite3.Connection) -> None:
        note(connection, "half")
        raise KeyError("no")

    async with opened(path) as store:
        results = await asyncio.gather(
            store.write(noting("a")),
            store.write(half),
            store.write(noting("a")),
            store.write(lambda c: c.execute("nonsense")),
            store.write(noting("b")),
            return_exceptions=True,
        )
        assert [type(each) for each in results] == [
            int,
            KeyError,
            sqlite3.IntegrityError,
            sqlite3.OperationalError,
            int,
        ]
        assert await store.read(notes) == ["a", "b"]


async def test_work_that_ends_the_transaction_is_told_so_and_the_store_goes_on(path: Path) -> None:
    async with opened(path) as store:
        with pytest.raises(sqlite3.OperationalError, match="savepoint"):
            await store.write(lambda c: c.execute("COMMIT"))
        await store.write(noting("on"))
        assert await store.read(notes) == ["on"]


async def test_a_reader_cannot_write_and_sees_one_moment(path: Path) -> None:
    async with opened(path) as store:
        await store.write(noting("before"))
        with pytest.raises((DiskError, sqlite3.OperationalError), match="readonly"):
            await store.read(noting("sneaked in"))
        between, loop = threading.Event(), asyncio.get_running_loop()
        begun = asyncio.Event()

        def twice(connection: sqlite3.Connection) -> tuple[list[str], list[str]]:
            first = notes(connection)
            loop.call_soon_threadsafe(begun.set)
            assert between.wait(10.0)
            return first, notes(connection)

        reading = asyncio.create_task(store.read(twice))
        await begun.wait()
        await store.write(noting("after"))
        between.set()
        assert await reading == (["before"], ["before"])
        assert await store.read(notes) == ["before", "after"]


async def test_a_caller_who_gives_up_leaves_all_or_nothing(path: Path) -> None:
    async with opened(path) as store:
        started, go = threading.Event(), threading.Event()

        def slowly(connection: sqlite3.Connection) -> None:
            note(connection, "begun")
            started.set()
            assert go.wait(10.0)
            note(connection, "ended")

        begun = asyncio.create_task(store.write(slowly))
        await asyncio.to_thread(started.wait, 10.0)
        waiting = asyncio.create_task(store.write(noting("never")))
        await asyncio.sleep(0)
        for task in (begun, waiting):
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await begun
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go.set()
        await store.write(noting("later"))
        assert await store.read(notes) == ["begun", "ended", "later"]


async def test_more_than_may_wait_are_refused_by_name_and_the_others_are_kept(path: Path) -> None:
    async with opened(path) as store:
        go = threading.Event()
        first = store.submit(lambda c: go.wait(10.0))
        others = [store.submit(noting(str(n))) for n in range(MAX_WAITING - 1)]
        with pytest.raises(QueueFull, match=str(MAX_WAITING)):
            store.submit(noting("one too many"))
        go.set()
        await asyncio.gather(first, *others)
        assert len(await store.read(notes)) == MAX_WAITING - 1


async def test_closing_does_what_still_waits_and_refuses_what_comes_after(path: Path) -> None:
    store = await Store.open(path, migrations=(NOTES,))
    waiting = [store.submit(noting(str(n))) for n in range(50)]
    await asyncio.gather(store.aclose(), store.aclose())
    assert [each.result() for each in waiting] == list(range(1, 51))
    with pytest.raises(StoreClosed):
        await store.write(noting("late"))
    with pytest.raises(StoreClosed):
        await store.read(notes)


async def test_a_layout_grows_step_by_step_and_each_step_is_made_once(path: Path) -> None:
    async with opened(path, NOTES) as store:
        await store.write(noting("kept"))
    for _ in range(2):
        async with opened(path, NOTES, TAGS) as store:
            assert await store.read(notes) == ["kept"]
            assert await store.read(lambda c: c.execute("SELECT count(*) FROM tag").fetchone()) == (1,)


async def test_a_step_that_was_added_later_under_a_lower_number_is_made_as_well(path: Path) -> None:
    async with opened(path, TAGS):
        pass
    async with opened(path, NOTES, TAGS) as store:
        assert await store.read(notes) == []


async def test_a_step_that_fails_leaves_the_store_as_it_was(path: Path) -> None:
    broken = Migration(2, "broken", "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1);")
    async with opened(path, NOTES) as store:
        await store.write(noting("kept"))
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        await Store.open(path, migrations=(NOTES, broken))
    async with opened(path, NOTES, TAGS) as store:
        assert await store.read(notes) == ["kept"]
        tables = await store.read(lambda c: c.execute("SELECT name FROM sqlite_schema").fetchall())
        assert ("half",) not in tables


async def test_a_store_of_a_newer_version_is_refused_in_one_line(path: Path) -> None:
    async with opened(path, NOTES, TAGS):
        pass
    with pytest.raises(StoreNewer, match=r"newer version .*step 2.*knows 1.*update") as refused:
        await Store.open(path, migrations=(NOTES,))
    assert "\n" not in str(refused.value)


async def test_another_programs_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = content(path)
    with pytest.raises(StoreError, match="no store of this program"):
        await Store.open(path)
    assert content(path) == before


async def test_a_second_process_is_refused_until_the_first_has_ended(path: Path) -> None:
    async with opened(path):
        with pytest.raises(StoreInUse, match="another process"):
            await Store.open(path, migrations=(NOTES,))
        tried = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", _OPEN, str(path)],
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert "StoreInUse" in tried.stdout, tried.stderr
    async with opened(path):
        pass


_OPEN = """
import asyncio, sys
from pathlib import Path
from cognition.store.errors import StoreError
from cognition.store.store import Store
try:
    asyncio.run(Store.open(Path(sys.argv[1])))
except StoreError as error:
    print(type(error).__name__)
"""


def _fill(n: int, connection: sqlite3.Connection) -> None:
    for m in range(50):
        note(connection, f"{n} {m} {'x' * 500}")


def _damage(path: Path, where: str) -> bytes:
    body = bytearray(path.read_bytes())
    first, last = {"head": (0, 100), "middle": (4096 * 5, 4096 * 9), "all": (0, len(body))}[where]
    body[first:last] = b"\xaa" * (last - first)
    path.write_bytes(body)
    return bytes(body)


def content(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize("where", ["head", "middle", "all"])
async def test_a_damaged_store_is_refused_and_says_what_brings_it_back(path: Path, where: str) -> None:
    async with opened(path) as store:
        for n in range(4):
            await store.write(partial(_fill, n))
    body = _damage(path, where)
    with pytest.raises(StoreDamaged, match="continuum restore") as refused:
        await Store.open(path, migrations=(NOTES,))
    assert "\n" not in str(refused.value)
    assert content(path) == body, "what is left of it is not touched"


async def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        place = Path("/proc/continuum/continuum.db")
    else:
        os.chmod(tmp_path, 0o500)
        place = tmp_path / "state" / "continuum.db"
    with pytest.raises(DiskError, match=str(place)):
        await Store.open(place)


async def test_a_full_disk_refuses_and_loses_nothing_it_had_acknowledged(path: Path) -> None:
    async with opened(path) as store:
        acknowledged: list[str] = []
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        # The kernel lets no file of this process grow beyond it: to SQLite a disk without room.
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
        try:
            refused: list[str] = []
            for n in range(400):
                text = f"{n} {'x' * 2000}"
                try:
                    await store.write(noting(text))
                except DiskError as error:
                    refused.append(str(error))
                    if len(refused) == 5:
                        break
                else:
                    acknowledged.append(text)
            assert all(str(store.path) in line for line in refused)
            assert len(refused) == 5
            assert await store.read(notes) == acknowledged, "it can still be read"
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        await store.write(noting("room again"))
        assert await store.read(notes) == [*acknowledged, "room again"]
    async with opened(path) as store:
        assert await store.read(notes) == [*acknowledged, "room again"]


async def test_a_write_for_which_there_is_no_room_leaves_the_others_of_its_commit_acknowledged_or_refused(
    path: Path,
) -> None:
    async with opened(path) as store:
        await store.write(lambda c: c.execute("PRAGMA max_page_count = 40") and None)
        texts = [f"{n} {'x' * 900}" for n in range(300)]
        results = await asyncio.gather(*(store.write(noting(text)) for text in texts), return_exceptions=True)
        refused = [each for each in results if isinstance(each, BaseException)]
        assert refused
        assert all(isinstance(each, DiskError) and "full" in str(each) for each in refused)
        acknowledged = [text for text, each in zip(texts, results, strict=True) if isinstance(each, int)]
        assert await store.read(notes) == acknowledged
        await store.write(lambda c: c.execute("PRAGMA max_page_count = 4000") and None)
        await store.write(noting("room again"))
    async with opened(path) as store:
        assert await store.read(notes) == [*acknowledged, "room again"]


async def test_opening_that_is_given_up_leaves_the_store_to_others(path: Path) -> None:
    opening = asyncio.create_task(Store.open(path, migrations=(NOTES,)))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    async with opened(path):
        pass


async def test_only_its_owner_can_read_it(path: Path) -> None:
    async with opened(path) as store:
        await store.write(noting("private"))
        for file in path.parent.glob("continuum.db*"):
            assert file.stat().st_mode & 0o077 == 0 or file.stat().st_size == 0


def test_the_shipped_layout_is_numbered_without_gaps_at_its_start() -> None:
    numbers = [one.number for one in shipped()]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))


@pytest.mark.virtual_time
async def test_the_store_in_memory_goes_with_virtual_time() -> None:
    store: Storage = (memory := MemoryStore(migrations=(NOTES,)))
    assert await store.write(noting("one")) == 1
    with pytest.raises(sqlite3.IntegrityError):
        await store.write(lambda c: (note(c, "two"), note(c, "one")))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await store.read(noting("sneaked in"))
    assert await store.submit(noting("three")) == 2
    assert await store.read(notes) == ["one", "three"]
    await memory.aclose()
    with pytest.raises(StoreClosed):
        await store.read(notes)
