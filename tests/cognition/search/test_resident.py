"""Rows in memory give what looking at each of them gives, whatever was added, removed and put in order before."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cognition.search import resident
from cognition.search.clusters import Stopped
from cognition.search.columns import Batch, as_codes, as_query
from cognition.search.index import EVERYTHING, Filter
from cognition.search.postings import terms_of
from cognition.search.resident import Resident

D = 16


@contextmanager
def _small() -> Iterator[None]:
    """Thresholds that a few rows pass."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resident, "_MERGE_PAIRS", 25)
        patch.setattr(resident, "_DEAD_ROWS", 10)
        yield


def _vectors(numbers: list[int]) -> npt.NDArray[np.float32]:
    rows = np.stack([np.random.default_rng(number).standard_normal(D) for number in numbers])
    vectors: npt.NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def _batch(numbers: list[int], version: int) -> Batch:
    terms = [terms_of(f"word{number % 7} of version{version}") for number in numbers]
    return Batch(
        [f"m{number}" for number in numbers],
        _vectors([1000 * version + number for number in numbers]),
        np.concatenate(terms),
        np.array([len(one) for one in terms], np.int64),
        np.array([number % 3 for number in numbers], np.int32),
        np.array(numbers, np.float64),
        ["fact"] * len(numbers),
        np.full(len(numbers), 0.5, np.float32),
        [""] * len(numbers),
    )


_numbers = st.lists(st.integers(0, 80), min_size=1, max_size=40, unique=True)
_steps = st.lists(st.tuples(st.sampled_from(("add", "remove", "upkeep")), _numbers), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_steps, st.integers(0, 3))
def test_any_history_leaves_what_is_there_and_nothing_else(
    steps: list[tuple[str, list[int]]], denied: int
) -> None:
    with _small():
        rows = Resident(D, exact=30, probed=10_000)
        there: dict[int, int] = {}
        for version, (step, numbers) in enumerate(steps):
            if step == "upkeep":
                while rows.upkeep_due():
                    rows.upkeep(lambda: False)
            elif step == "add":
                rows.add(_batch(numbers, version))
                there |= dict.fromkeys(numbers, version)
            else:
                rows.remove([f"m{number}" for number in numbers])
                for number in numbers:
                    there.pop(number, None)
        assert len(rows) == len(there)
        allowed = np.arange(3) != denied
        hits = rows.search(
            _vectors([5])[0], terms_of("word3").tolist(), limit=200, where=Filter(allowed=allowed)
        )
        visible = {number: version for number, version in there.items() if number % 3 != denied}
        assert {hit.id for hit in hits} == {f"m{number}" for number in visible}
        assert {hit.id for hit in hits if hit.text_rank is not None} == {
            f"m{number}" for number in visible if number % 7 == 3
        }
        for hit in hits:
            number = int(hit.id[1:])
            (vector,) = _vectors([1000 * visible[number] + number])
            assert hit.similarity == pytest.approx(float(vector @ _vectors([5])[0]), abs=0.01)
            assert hit.at == number
            assert rows.vectors([hit.id])[hit.id] == pytest.approx(vector, abs=0.01)
        assert not rows.vectors([f"m{number}" for number in range(90) if number not in there])
        ranks = sorted(hit.vector_rank for hit in hits if hit.vector_rank is not None)
        assert ranks == list(range(len(visible)))


def test_removed_rows_are_made_room_of_also_where_there_are_clusters() -> None:
    with _small():
        rows = Resident(D, exact=30, probed=10_000)
        rows.add(_batch(list(range(100)), 0))
        rows.upkeep(lambda: False)
        assert rows.approximate
        rows.remove([f"m{number}" for number in range(60)])
        rows.upkeep(lambda: False)
        assert rows._view.count == 40
        (nearest, *_) = sorted(
            rows.search(_vectors([77])[0], [], limit=40), key=lambda hit: hit.vector_rank or 0
        )
        assert nearest.id == "m77"


def test_upkeep_that_is_stopped_leaves_what_there_was() -> None:
    with _small():
        rows = Resident(D, exact=30, probed=10)
        rows.add(_batch(list(range(100)), 0))
        with pytest.raises(Stopped):
            rows.upkeep(lambda: True)
        assert not rows.approximate
        assert rows.upkeep_due()
        assert len(rows.search(_vectors([1])[0], [], limit=100)) == 100


def test_what_is_replaced_without_end_is_found_once_by_every_search_at_any_moment() -> None:
    with _small():
        rows = Resident(D, exact=50, probed=10_000)
        rows.add(_batch(list(range(80)), 0))
        ending = threading.Event()
        wrong: list[str] = []

        def write() -> None:
            for version in range(1, 120):
                rows.add(_batch(list(range(80)), version))
                if rows.upkeep_due():
                    rows.upkeep(lambda: False)
            ending.set()

        def read() -> None:
            while not ending.is_set():
                hits = rows.search(_vectors([3])[0], terms_of("word3").tolist(), limit=200)
                ids = [hit.id for hit in hits]
                if sorted(ids) != sorted(f"m{number}" for number in range(80)):
                    wrong.append(f"{len(ids)} of 80, {len(set(ids))} of them different")

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        write()
        for thread in threads:
            thread.join()
        assert not wrong


def test_codes_lose_little_and_queries_do_not_overflow_in_many_dimensions() -> None:
    for dimensions in (1, 384, 768, 4096):
        rng = np.random.default_rng(dimensions)
        rows = rng.standard_normal((50, dimensions)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        extreme = np.full((1, dimensions), 1 / math.sqrt(dimensions), np.float32)
        every = np.concatenate((rows, extreme))
        codes, scales = as_codes(every)
        query, scale = as_query(extreme[0])
        sums = codes.astype(np.int64) @ query.astype(np.int64)
        assert np.abs(sums).max() < 2**31
        assert np.allclose(sums * scales * scale, every @ extreme[0], atol=0.005)
    codes, scales = as_codes(np.zeros((1, 4), np.float32))
    assert not codes.any()
    assert np.isfinite(scales).all()


def test_a_word_that_very_many_have_is_passed_over_where_a_rarer_one_is_asked() -> None:
    rows = Resident(D)
    count = 10_000
    terms = [terms_of("common rare" if number == 5 else "common") for number in range(count)]
    rows.add(
        Batch(
            [f"m{number}" for number in range(count)],
            np.tile(_vectors([1]), (count, 1)),
            np.concatenate(terms),
            np.array([len(one) for one in terms], np.int64),
            np.zeros(count, np.int32),
            np.zeros(count),
            ["fact"] * count,
            np.zeros(count, np.float32),
            [""] * count,
        )
    )
    assert [hit.id for hit in rows.search(None, terms_of("common rare").tolist(), limit=9)] == ["m5"]
    assert len(rows.search(None, terms_of("common").tolist(), limit=9, where=EVERYTHING)) == 9
