"""A disk that is full, a place that cannot be written: the index says so, and nothing is half forgotten."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cognition.memory.self_service import SelfService
from cognition.search.embedder import FakeEmbedder
from cognition.search.index import IndexFailed
from cognition.search.lance_index import LanceIndex
from cognition.store.erasure import pending
from cognition.store.memories import change_number, page
from cognition.store.store import Store
from tests.cognition.remembering import ADA, NOON, NOVA, World

DAY = timedelta(days=1)


@contextmanager
def full_disk(largest: int) -> Iterator[None]:
    """No file may become larger; Python ignores the signal, so the call fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def opened(directory: Path, store: Store) -> LanceIndex:
    embedder = FakeEmbedder()
    return await LanceIndex.open(
        str(directory),
        name="memories",
        model=embedder.name,
        dimensions=embedder.dimensions,
        latest=await store.read(change_number),
    )


async def told(world: World, count: int) -> None:
    for number in range(count):
        words = f"Ada has been to Town{number}. " * 20
        await world.fact(
            ADA, words, f"went {number}", f"Town{number}", NOVA, single=False, at=NOON + number * DAY
        )


async def test_where_the_disk_is_full_the_index_is_behind_and_catches_up_once_there_is_room(
    tmp_path: Path,
) -> None:
    store = await Store.open(tmp_path / "continuum.db")
    index = await opened(tmp_path / "index", store)
    try:
        world = World(store, index=index)
        await told(world, 60)
        with full_disk(10_000), pytest.raises(IndexFailed):
            await world.indexed()
        assert len(await store.read(lambda connection: page(connection, limit=1000))) == 60
        await world.indexed()
        assert len(index) == 60
        assert index.number == await store.read(change_number)
    finally:
        await index.aclose()
        await store.aclose()


async def test_what_the_disk_did_not_let_the_index_forget_it_forgets_later(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "continuum.db")
    index = await opened(tmp_path / "index", store)
    try:
        world = World(store, index=index)
        await told(world, 30)
        await world.fact(ADA, "Ada lives in Quillhaven.", "home", "Quillhaven", NOVA)
        await world.indexed()
        service = SelfService(store, world.recall, [world.indexing])
        with full_disk(500), pytest.raises(IndexFailed):
            await world.indexing.forget(["none"], [])
        (home,) = [
            one.id for one in await store.read(lambda c: page(c, limit=1000)) if one.attribute == "home"
        ]
        # The erasure itself is durable by then, and nothing comes back from an index that is behind.
        failing = _Failing(world)
        with pytest.raises(IndexFailed):
            await SelfService(store, world.recall, [failing]).forget("nova", "ada", home, now=NOON + DAY)
        assert await store.read(pending) == 1
        assert "Quillhaven" not in " ".join(
            await world.texts("Where does Ada live?", "ada", now=NOON + 40 * DAY)
        )
        assert await service.finish() == 1
        assert b"Quillhaven" not in content_of(tmp_path)
    finally:
        await index.aclose()
        await store.aclose()


def content_of(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())


class _Failing:
    """An index whose disk takes nothing."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def forget(self, ids: object, texts: object) -> None:
        raise IndexFailed("the index cannot be written")


async def test_a_place_where_no_index_can_be_is_named(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "continuum.db")
    try:
        (tmp_path / "index").write_bytes(b"no directory")
        with pytest.raises(IndexFailed, match="index"):
            await opened(tmp_path / "index", store)
    finally:
        await store.aclose()


async def test_an_index_of_a_store_that_was_put_back_is_made_anew(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "continuum.db")
    try:
        world = World(store, index=await opened(tmp_path / "index", store))
        await told(world, 3)
        await world.indexed()
        await world.index.aclose()  # type: ignore[attr-defined]
        other = await Store.open(tmp_path / "other.db")
        try:
            index = await opened(tmp_path / "index", other)
            assert (len(index), index.number) == (0, 0)
            assert "ahead" in index.rebuilding or "store only" in index.rebuilding
            await index.aclose()
        finally:
            await other.aclose()
    finally:
        await store.aclose()
