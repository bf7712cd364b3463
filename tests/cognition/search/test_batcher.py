"""Texts of all who ask share runs of the model, and vectors are remembered."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from cognition.search.batcher import BATCH, BATCH_CHARACTERS, MAX_WAITING, Batcher
from cognition.search.embedder import EmbeddingError
from cognition.search.vector_cache import VectorCache, digest


class _Encoder:
    """Writes a text's length into its vector; waits at a gate that tests close."""

    name = "lengths"
    dimensions = 4

    def __init__(self) -> None:
        self.runs: list[list[str]] = []
        self.error: Exception | None = None
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.runs.append(list(texts))
        self.entered.release()
        assert self.gate.wait(20)
        if self.error is not None:
            raise self.error
        vectors = np.zeros((len(texts), 4), np.float32)
        vectors[:, 0] = [len(text) for text in texts]
        return vectors


@asynccontextmanager
async def _opened(encoder: _Encoder, cache: Path | None = None) -> AsyncIterator[Batcher]:
    batcher = await Batcher.open(encoder, cache)
    try:
        yield batcher
    finally:
        encoder.gate.set()
        await batcher.aclose()


async def _entered(encoder: _Encoder) -> None:
    assert await asyncio.to_thread(encoder.entered.acquire, timeout=20)


def _holding(directory: Path, key: bytes) -> list[Path]:
    return [file for file in directory.iterdir() if key in file.read_bytes()]


async def test_fourteen_who_ask_at_once_share_a_run_and_get_their_own() -> None:
    encoder = _Encoder()
    async with _opened(encoder) as batcher:
        asked = [["x" * (n + 1)] for n in range(14)]
        answers = await asyncio.gather(*(batcher.embed(texts) for texts in asked))
    assert [vectors[0, 0] for vectors in answers] == [n + 1 for n in range(14)]
    assert len(encoder.runs) == 1


async def test_a_run_is_bounded_in_texts_and_in_characters() -> None:
    encoder = _Encoder()
    long = ["a" * (BATCH_CHARACTERS - 1), "b" * (BATCH_CHARACTERS + 5), "c"]
    async with _opened(encoder) as batcher:
        short = await batcher.embed([f"{n:03}" for n in range(3 * BATCH)])
        vectors = await batcher.embed(long)
    assert short.shape == (3 * BATCH, 4)
    assert vectors[:, 0].tolist() == [len(text) for text in long]
    assert [len(run) for run in encoder.runs] == [BATCH, BATCH, BATCH, 1, 1, 1]


async def test_the_same_text_is_computed_once_however_often_and_by_whomever_it_is_asked() -> None:
    encoder = _Encoder()
    async with _opened(encoder) as batcher:
        encoder.gate.clear()
        first = asyncio.create_task(batcher.embed(["one", "two", "one"]))
        await _entered(encoder)
        second = asyncio.create_task(batcher.embed(["two"]))
        await asyncio.sleep(0)
        encoder.gate.set()
        assert (await first)[:, 0].tolist() == [3, 3, 3]
        assert (await second)[0, 0] == 3
        await batcher.embed(["one"])
    assert encoder.runs == [["one", "two"]]
    assert batcher.counts.computed == 2


async def test_who_asks_for_few_does_not_wait_for_all_that_another_brought() -> None:
    encoder = _Encoder()
    async with _opened(encoder) as batcher:
        encoder.gate.clear()
        many = asyncio.create_task(batcher.embed([f"m{n:03}" for n in range(4 * BATCH)]))
        await _entered(encoder)
        few = [asyncio.create_task(batcher.embed([f"f{n}"])) for n in range(BATCH)]
        await asyncio.sleep(0)
        encoder.gate.set()
        await asyncio.gather(many, *few)
    second = encoder.runs[1]
    assert len([text for text in second if text.startswith("f")]) == BATCH - 1
    assert len([text for text in second if text.startswith("m")]) == 1


async def test_who_is_cancelled_takes_nothing_from_who_still_waits() -> None:
    encoder = _Encoder()
    async with _opened(encoder) as batcher:
        encoder.gate.clear()
        first = asyncio.create_task(batcher.embed(["first"]))
        await _entered(encoder)
        gone = asyncio.create_task(batcher.embed(["nobody wants this", "both"]))
        stays = asyncio.create_task(batcher.embed(["both"]))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        encoder.gate.set()
        assert (await stays)[0, 0] == 4
        await first
    assert encoder.runs == [["first"], ["both"]]


async def test_an_error_of_the_model_reaches_its_run_alone() -> None:
    encoder = _Encoder()
    async with _opened(encoder) as batcher:
        encoder.error = EmbeddingError("out of memory")
        with pytest.raises(EmbeddingError, match="out of memory"):
            await batcher.embed(["a", "b"])
        encoder.error = None
        assert (await batcher.embed(["a"]))[0, 0] == 1


async def test_too_much_is_refused_and_harms_nothing() -> None:
    encoder = _Encoder()
    async with _opened(encoder) as batcher:
        with pytest.raises(EmbeddingError, match="wait"):
            await batcher.embed([f"{n}" for n in range(MAX_WAITING + 1)])
        assert (await batcher.embed(["a"]))[0, 0] == 1


async def test_closed_it_tells_who_waits_and_who_comes() -> None:
    encoder = _Encoder()
    async with _opened(encoder) as batcher:
        encoder.gate.clear()
        waits = asyncio.create_task(batcher.embed(["a"]))
        await _entered(encoder)
        closing = asyncio.create_task(batcher.aclose())
        with pytest.raises(EmbeddingError, match="closed"):
            await waits
        encoder.gate.set()
        await closing
        with pytest.raises(EmbeddingError, match="closed"):
            await batcher.embed(["a"])


async def test_vectors_outlive_the_process_and_another_model_has_its_own(tmp_path: Path) -> None:
    encoder, again, other = _Encoder(), _Encoder(), _Encoder()
    other.name = "others"
    file = tmp_path / "cache" / "vectors.db"
    async with _opened(encoder, file) as batcher:
        await batcher.embed(["hello", "\ud800 is no character"])
    async with _opened(again, file) as batcher:
        assert (await batcher.embed(["hello", "\ud800 is no character"]))[0, 0] == 5
        assert batcher.counts.cached == 2
    async with _opened(other, file) as batcher:
        await batcher.embed(["hello"])
    assert (again.runs, other.runs) == ([], [["hello"]])


async def test_what_is_to_be_forgotten_is_gone_from_memory_and_disk(tmp_path: Path) -> None:
    encoder = _Encoder()
    file = tmp_path / "vectors.db"
    async with _opened(encoder, file) as batcher:
        await batcher.embed(["a secret", "kept"])
        encoder.gate.clear()
        assert _holding(tmp_path, digest("lengths", "a secret"))
        meanwhile = asyncio.create_task(batcher.embed(["being computed"]))
        await _entered(encoder)
        await _entered(encoder)
        waiting = asyncio.create_task(batcher.embed(["not yet computed"]))
        await asyncio.sleep(0)
        forgetting = asyncio.create_task(batcher.forget(["a secret", "being computed", "not yet computed"]))
        await asyncio.sleep(0)
        encoder.gate.set()
        await asyncio.gather(forgetting, meanwhile, waiting)
        # The next run waits for what is being removed.
        await batcher.embed(["afterwards"])
        for text in ("a secret", "being computed", "not yet computed"):
            assert not _holding(tmp_path, digest("lengths", text))
        await batcher.embed(["a secret", "being computed", "not yet computed", "kept"])
    assert encoder.runs[4:] == [["a secret", "being computed", "not yet computed"]]


async def test_when_everything_is_forgotten_no_vector_is_left_in_memory_or_in_the_file(
    tmp_path: Path,
) -> None:
    encoder = _Encoder()
    async with _opened(encoder, tmp_path / "vectors.db") as batcher:
        await batcher.embed(["one", "another"])
        await batcher.forget(None)
        for text in ("one", "another"):
            assert not _holding(tmp_path, digest("lengths", text))
        await batcher.embed(["one"])
    assert encoder.runs[-1] == ["one"]


async def test_a_damaged_cache_is_begun_anew_and_an_unusable_one_done_without(tmp_path: Path) -> None:
    file = tmp_path / "vectors.db"
    file.write_bytes(b"this is no database" * 1000)
    async with _opened(_Encoder(), file) as batcher:
        await batcher.embed(["hello"])
        assert batcher.counts.cache_failures == 1
    async with _opened(_Encoder(), file) as batcher:
        await batcher.embed(["hello"])
        assert (batcher.counts.cached, batcher.counts.cache_failures) == (1, 0)
    directory = tmp_path / "directory"
    directory.mkdir()
    async with _opened(_Encoder(), directory) as batcher:
        assert (await batcher.embed(["hello"]))[0, 0] == 5
        assert batcher.counts.cache_failures == 1
        assert batcher.counts.cache_error


def test_the_cache_lets_the_oldest_go_and_ignores_vectors_of_another_length(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "vectors.db", dimensions=2, limit=3)
    for n in range(5):
        cache.put({bytes([n]): np.array([n, 0], np.float32)})
    assert len(cache) == 3
    assert set(cache.get([bytes([n]) for n in range(5)])) == {b"\x02", b"\x03", b"\x04"}
    cache.close()
    other = VectorCache(tmp_path / "vectors.db", dimensions=3, limit=3)
    assert not other.get([b"\x04"])
    other.close()


def test_a_full_disk_is_an_error_that_keeps_nothing(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "vectors.db", dimensions=384)
    cache._connection.execute("PRAGMA max_page_count = 8")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        cache.put({bytes([n]): np.zeros(384, np.float32) for n in range(100)})
    assert len(cache) == 0
    assert not cache.get([b"\x00"])
    cache.close()
