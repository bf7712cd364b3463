"""The index over LanceDB: what it finds, what it keeps, and what it does when that is damaged."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cognition.search import lance_index
from cognition.search.columns import Batch
from cognition.search.embedder import FakeEmbedder
from cognition.search.fake_index import FakeIndex
from cognition.search.index import Filter, IndexFailed, Item
from cognition.search.lance_index import MAX_WAITING, LanceIndex

D = 32
_NAMES = ("ada", "bo", "cy", "dee", "")
_WORDS = "rome oslo cat dog green kitchen train monday harbour bread violin garden winter boat letter school".split()


@asynccontextmanager
async def _opened(
    where: Path | str,
    *,
    model: str = "fake",
    latest: int | None = None,
    exact: int = 100_000,
    probed: int = 2000,
) -> AsyncIterator[LanceIndex]:
    index = await LanceIndex.open(
        str(where), name="things", model=model, dimensions=D, latest=latest, exact=exact, probed=probed
    )
    async with aclosing(index):
        yield index


def _vectors(count: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Around as many directions as there are hundreds, as sentences are."""
    rng = np.random.default_rng(seed)
    middle = rng.standard_normal((max(count // 100, 1), D))
    vectors = middle[rng.integers(0, len(middle), count)] + 0.5 * rng.standard_normal((count, D))
    unit: np.ndarray[tuple[int, int], np.dtype[np.float32]] = vectors / np.linalg.norm(
        vectors, axis=1, keepdims=True
    )
    return unit.astype(np.float32)


def _items(count: int, *, seed: int = 1, first: int = 0) -> list[Item]:
    rng = np.random.default_rng(seed)
    vectors = _vectors(count, seed)
    return [
        Item(
            f"m{first + n}",
            " ".join(rng.choice(_WORDS, 5)) + f" number{first + n}",
            vectors[n],
            scope=int(rng.integers(0, 9)),
            at=float(first + n),
            kind=("fact", "turn")[n % 2],
            importance=0.5,
            about=_NAMES[n % len(_NAMES)],
        )
        for n in range(count)
    ]


def _files(directory: Path) -> list[Path]:
    return sorted(file for file in directory.rglob("*") if file.is_file())


def _holding(directory: Path, words: Sequence[str]) -> list[Path]:
    return [file for file in _files(directory) if any(word.encode() in file.read_bytes() for word in words)]


async def test_finds_what_looking_at_each_item_finds_whatever_the_filter(tmp_path: Path) -> None:
    items = _items(400)
    rng = np.random.default_rng(2)
    plain = FakeIndex(D)
    await plain.put(items)
    async with _opened(tmp_path) as index:
        await index.put(items)
        for round in range(60):
            where = Filter(
                allowed=rng.random(rng.integers(0, 12)) < 0.5 if round % 3 else None,
                kinds=["fact", "unheard of"] if round % 4 == 0 else None,
                since=100.0 if round % 5 == 0 else -np.inf,
                until=300.0 if round % 7 == 0 else np.inf,
                about=["ada", "nobody"] if round % 6 == 0 else None,
            )
            (vector,) = _vectors(1, 1000 + round)
            ours = {
                hit.id: hit for hit in await index.search(vector, "the cats of Oslo", limit=400, where=where)
            }
            theirs = {
                hit.id: hit for hit in await plain.search(vector, "the cats of Oslo", limit=400, where=where)
            }
            assert ours.keys() == theirs.keys()
            for id, hit in ours.items():
                other = theirs[id]
                assert hit.similarity == pytest.approx(other.similarity, abs=0.01)
                assert (hit.text_rank is None) == (other.text_rank is None)
                assert (hit.at, hit.kind, hit.about) == (other.at, other.kind, other.about)


async def test_words_rank_as_they_do_by_the_formula_and_ids_may_be_anything(tmp_path: Path) -> None:
    texts = [
        "violin",
        "violin and bread",
        "a violin, a violin!",
        "bread " * 30,
        "",
        "\ud800 \x00 ' -- ; DROP",
    ]
    vectors = await FakeEmbedder(D).embed(texts)
    items = [
        Item(f'it\'s "{n}" %_\\é', text, vector, 0, 0.0, "fact")
        for n, (text, vector) in enumerate(zip(texts, vectors, strict=True))
    ]
    plain = FakeIndex(D)
    await plain.put(items)
    async with _opened(tmp_path) as index:
        await index.put(items)
        hits = await index.search(None, "violins", limit=9)
        expected = await plain.search(None, "violins", limit=9)
        assert [hit.id for hit in hits] == [hit.id for hit in expected]
        assert [hit.bm25 for hit in hits] == pytest.approx([hit.bm25 for hit in expected], rel=1e-4)
        await index.put([replace(items[0], text="cello")])
        await index.remove([items[1].id, "not there"])
        assert [hit.id for hit in await index.search(None, "violin", limit=9)] == [items[2].id]
    async with _opened(tmp_path) as index:
        assert len(index) == 5
        hits = await index.search(None, "cello violin", limit=9)
        assert {hit.id for hit in hits} == {items[0].id, items[2].id}


async def test_what_was_put_replaced_and_removed_is_so_after_a_restart(tmp_path: Path) -> None:
    items = _items(300)
    async with _opened(tmp_path) as index:
        assert index.number == 0
        await index.put(items[:200])
        await index.put(items[150:])
        await index.remove([item.id for item in items[:50]])
        await index.keep(77)
        before = await index.search(items[120].vector, items[120].text, limit=300)
    async with _opened(tmp_path, latest=77) as index:
        assert (len(index), index.number, index.rebuilding) == (250, 77, "")
        after = await index.search(items[120].vector, items[120].text, limit=300)
        vectors = await index.vectors(["m120", "m20", "never"])
    assert list(vectors) == ["m120"]
    assert vectors["m120"] == pytest.approx(items[120].vector, abs=0.01)
    assert before[0].id == after[0].id == "m120"
    assert {hit.id for hit in before} == {hit.id for hit in after} == {item.id for item in items[50:]}


async def test_an_index_of_another_model_or_ahead_of_the_store_is_begun_anew(tmp_path: Path) -> None:
    async with _opened(tmp_path) as index:
        await index.put(_items(20))
        await index.keep(30)
    async with _opened(tmp_path, latest=29) as index:
        assert (len(index), index.number) == (0, 0)
        assert "ahead" in index.rebuilding
        await index.put(_items(20))
        await index.keep(30)
    async with _opened(tmp_path, model="other", latest=30) as index:
        assert (len(index), index.number) == (0, 0)
    assert not _holding(tmp_path, ["number7"])


def _truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _scrambled(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 4)
        opened.write(bytes(range(256)) * 8)


def _damage(directory: Path, part: str, damage: Callable[[Path], None]) -> None:
    for file in directory.glob(part):
        damage(file)


@pytest.mark.parametrize("damage", [_truncated, _scrambled, Path.unlink])
@pytest.mark.parametrize("part", ["things-*.lance/data/*", "things-*-0.lance/_versions/*.manifest"])
async def test_a_damaged_index_is_begun_anew_and_works(
    tmp_path: Path, damage: Callable[[Path], None], part: str
) -> None:
    async with _opened(tmp_path) as index:
        await index.put(_items(500))
        await index.keep(500)
    _damage(tmp_path, part, damage)
    async with _opened(tmp_path, latest=500) as index:
        if "data" in part or damage is not _scrambled:
            assert "damaged" in index.rebuilding
        if index.rebuilding:
            assert (len(index), index.number) == (0, 0)
        await index.put(_items(500))
        await index.keep(500)
    async with _opened(tmp_path, latest=500) as index:
        assert (len(index), index.number, index.rebuilding) == (500, 500, "")
        assert (await index.search(None, "number17", limit=3))[0].id == "m17"


async def test_an_index_that_is_gone_is_made(tmp_path: Path) -> None:
    async with _opened(tmp_path / "index") as index:
        await index.put(_items(10))
        await index.keep(10)
    shutil.rmtree(tmp_path / "index")
    async with _opened(tmp_path / "index", latest=10) as index:
        assert (len(index), index.number) == (0, 0)


async def test_after_a_purge_no_byte_of_what_was_removed_or_replaced_is_left(tmp_path: Path) -> None:
    secret, changed, *rest = _items(300)
    async with _opened(tmp_path) as index:
        await index.put(
            [replace(secret, text="the xylographer confided"), replace(changed, text="a zymurgist"), *rest]
        )
        await index.keep(5)
        await index.put([replace(changed, text="plain now")])
        await index.remove([secret.id])
        assert _holding(tmp_path, ["xylographer", "zymurgist"])
        await index.purge()
        assert not _holding(tmp_path, ["xylographer", "zymurgist", f'"{secret.id}"'])
        assert not await index.search(None, "xylographer zymurgist", limit=3)
    async with _opened(tmp_path, latest=5) as index:
        assert (len(index), index.number, index.rebuilding) == (299, 5, "")


async def test_bytes_go_by_themselves_when_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lance_index, "PURGE_AFTER_S", 0.0)
    secret, *rest = _items(50)
    async with _opened(tmp_path) as index:
        await index.put([replace(secret, text="the xylographer confided"), *rest])
        await index.remove([secret.id])
        await index.upkept()
        assert not _holding(tmp_path, ["xylographer"])
        assert index.upkeep_error == ""


async def test_beyond_a_size_clusters_are_made_while_searches_and_writes_go_on(tmp_path: Path) -> None:
    items = _items(6000)
    matrix = np.stack([item.vector for item in items])
    async with _opened(tmp_path, exact=1000) as index:
        await index.put(items[:3000])
        writing = asyncio.create_task(_written(index, items[3000:]))
        while not writing.done():
            hits = await index.search(items[5].vector, "", limit=10)
            assert hits[0].id == "m5"
        await writing
        await index.put(_items(1000, seed=9, first=6000))
        await index.upkept()
        assert index.approximate
        found = 0
        mask = np.array([True] * 4)
        for n in range(0, 6000, 300):
            hits = await index.search(items[n].vector, "", limit=10, where=Filter(allowed=mask, until=6000.0))
            allowed = [at for at, item in enumerate(items) if item.scope < 4]
            best = sorted(allowed, key=lambda at: -float(matrix[at] @ items[n].vector))[:10]
            found += len({hit.id for hit in hits} & {f"m{at}" for at in best})
        assert found >= 0.95 * 200
        everything = await index.search(items[7].vector, "number7", limit=10)
        assert everything[0].id == "m7"


async def _written(index: LanceIndex, items: Sequence[Item]) -> None:
    for start in range(0, len(items), 100):
        await index.put(items[start : start + 100])
        await index.remove([items[start].id])
        await index.put(items[start : start + 1])


async def test_many_replaced_items_leave_no_dead_rows_behind(tmp_path: Path) -> None:
    items = _items(2000)
    async with _opened(tmp_path) as index:
        for round in range(5):
            await index.put([replace(item, text=f"{item.text} round{round}") for item in items])
        await index.upkept()
        assert index._resident._view.count <= 2000 + 4096
        assert len(index) == 2000
        hits = await index.search(items[3].vector, "round4 number3", limit=5)
        assert hits[0].id == "m3"
        assert not await index.search(None, "round1", limit=5)


async def test_a_write_whose_caller_is_cancelled_is_done_as_a_whole(tmp_path: Path) -> None:
    async with _opened(tmp_path) as index:
        put = asyncio.create_task(index.put(_items(30)))
        await asyncio.sleep(0)
        put.cancel()
        with pytest.raises(asyncio.CancelledError):
            await put
        await index.keep(1)
        assert len(index) == 30
    async with _opened(tmp_path) as index:
        assert len(index) == 30


async def test_refuses_what_it_cannot_take_and_what_comes_after_its_end(tmp_path: Path) -> None:
    (item,) = _items(1)
    async with _opened(tmp_path) as index:
        await index.put([])
        for wrong in (np.zeros(D + 1, np.float32), np.full(D, np.inf, np.float32)):
            with pytest.raises(ValueError, match="finite"):
                await index.put([replace(item, vector=wrong)])
            with pytest.raises(ValueError, match="finite"):
                await index.search(wrong, "", limit=3)
        with pytest.raises(ValueError, match="1000"):
            await index.search(None, "x", limit=0)
        assert not await index.search(item.vector, "x", limit=3)
        searches = [
            asyncio.create_task(index.search(item.vector, "x", limit=3)) for _ in range(MAX_WAITING + 1)
        ]
        results = await asyncio.gather(*searches, return_exceptions=True)
        assert [type(one) for one in results if isinstance(one, Exception)] == [IndexFailed]
    await index.aclose()
    for attempt in (
        index.search(None, "x", limit=3),
        index.put([item]),
        index.remove(["x"]),
        index.vectors(["x"]),
    ):
        with pytest.raises(IndexFailed, match="closed"):
            await attempt


async def test_a_write_that_failed_on_its_way_back_leaves_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = _items(20)
    async with _opened(tmp_path) as index:
        add = index._table.add

        async def failing(batch: Batch, texts: Sequence[str]) -> None:
            await add(batch, texts)
            raise IndexFailed("the answer was lost")

        monkeypatch.setattr(index._table, "add", failing)
        with pytest.raises(IndexFailed, match="lost"):
            await index.put(items)
        assert len(index) == 0
        await index.put(items[:15])
        await index.remove([items[0].id, items[19].id])
    async with _opened(tmp_path) as index:
        assert await index._table._items.count_rows() == len(index) == 18


async def test_an_index_has_at_most_255_kinds_and_a_plain_name(tmp_path: Path) -> None:
    items = [replace(item, kind=f"kind{n}") for n, item in enumerate(_items(256))]
    async with _opened(tmp_path) as index:
        with pytest.raises(ValueError, match="255"):
            await index.put(items)
        await index.put(items[:255])
        with pytest.raises(ValueError, match="255"):
            await index.put(items[255:])
        assert len(index) == 255
    with pytest.raises(ValueError, match="a-b"):
        await LanceIndex.open(str(tmp_path), name="a-b", model="fake", dimensions=D)


async def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexFailed, match="file"):
        await LanceIndex.open(str(tmp_path / "file" / "index"), name="things", model="fake", dimensions=D)


async def test_a_location_may_be_any_that_lancedb_knows() -> None:
    async with _opened("memory://") as index:
        await index.put(_items(10))
        await index.purge()
        assert (await index.search(None, "number3", limit=1))[0].id == "m3"
