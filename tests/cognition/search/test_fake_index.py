"""The fake index does what the seam promises."""

import math

import numpy as np
import pytest

from cognition.search.embedder import FakeEmbedder
from cognition.search.fake_index import FakeIndex
from cognition.search.index import Filter, IndexFailed, Item

_LIVES = "Ada lives in Rome."
_CAT = "Bo has a cat that is called Luna."
_JOB = "Ada works as a gardener."


async def _filled() -> tuple[FakeIndex, FakeEmbedder]:
    embedder, index = FakeEmbedder(), FakeIndex()
    texts = [_LIVES, _CAT, _JOB]
    vectors = await embedder.embed(texts)
    await index.put(
        [
            Item(f"m{n}", text, vector, scope=n, at=100.0 * n, kind="fact", about="bo" if n == 1 else "ada")
            for n, (text, vector) in enumerate(zip(texts, vectors, strict=True))
        ]
    )
    return index, embedder


async def test_finds_what_shares_words_and_meaning_first() -> None:
    index, embedder = await _filled()
    (vector,) = await embedder.embed(["where does ada live?"])
    hits = await index.search(vector, "where does ada live?", limit=2)
    assert hits[0].id == "m0"
    assert hits[0].vector_rank == 0
    assert hits[0].text_rank == 0
    assert 0.3 < hits[0].similarity <= 1
    assert hits[0].bm25 > 0


async def test_what_only_words_or_only_meaning_found_says_so() -> None:
    index, embedder = await _filled()
    (vector,) = await embedder.embed(["gardener"])
    (by_words,) = await index.search(None, "gardener", limit=3)
    assert (by_words.vector_rank, by_words.text_rank) == (None, 0)
    assert math.isnan(by_words.similarity)
    first, *rest = await index.search(vector, "", limit=3)
    assert (first.id, first.text_rank, first.bm25) == ("m2", None, 0.0)
    assert len(rest) == 2


async def test_what_may_not_be_found_takes_no_place() -> None:
    index, embedder = await _filled()
    (vector,) = await embedder.embed([_LIVES])
    for where, expected in [
        (Filter(allowed=np.array([False, True, False])), {"m1"}),
        (Filter(allowed=np.array([True])), {"m0"}),
        (Filter(kinds=["turn"]), set()),
        (Filter(since=100.0, until=200.0), {"m1"}),
        (Filter(about=["ada"]), {"m0", "m2"}),
    ]:
        hits = await index.search(vector, _LIVES, limit=3, where=where)
        assert {hit.id for hit in hits} == expected, where


async def test_replaces_removes_and_refuses() -> None:
    index, embedder = await _filled()
    (vector,) = await embedder.embed(["Ada lives in Oslo."])
    await index.put([Item("m0", "Ada lives in Oslo.", vector, 0, 0.0, "fact")])
    assert [hit.id for hit in await index.search(None, "Oslo", limit=3)] == ["m0"]
    assert not await index.search(None, "Rome", limit=3)
    await index.remove(["m0", "no such"])
    assert not await index.search(None, "Oslo", limit=3)
    with pytest.raises(ValueError, match="finite"):
        await index.put([Item("m9", "x", np.full(384, np.nan, np.float32), 0, 0.0, "fact")])
    index.closed = True
    with pytest.raises(IndexFailed):
        await index.search(None, "Oslo", limit=3)
