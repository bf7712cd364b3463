"""A durable append to the timeline: many who wait share a commit, against one commit an event."""

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from cognition.store.connection import connect, make_durable
from cognition.store.schema import migrate, shipped
from cognition.store.store import Store
from cognition.store.timeline import Event, Participant, Place, append
from perf.report import Report, Result, run
from signaling.settings import load_settings

__all__ = ["file_system", "measure"]

_WRITERS = (1, 10, 100)
_ROUNDS = 20
_APPENDS = {1: 20, 10: 80, 100: 400}
"""Of ours, by writers, in a round; the baseline makes as many up to `_BASELINE_APPENDS`, which take seconds."""
_BASELINE_APPENDS = 100
_TARGET_MS = 5.0
_SYNCS = 200
_PAGE = 4096
_START = datetime(2026, 1, 5, tzinfo=UTC)
_PERSONAS = frozenset(Participant(f"persona-{n}", "persona", f"Persona {n}") for n in range(14))
_PEOPLE = tuple(Participant(f"person-{n}", "person", f"Person {n}") for n in range(6))

Keep = Callable[[Event], Awaitable[object]]


def file_system(path: Path, mounts: str) -> str:
    """The kind of file system a path is on.

    Args:
        path: absolute, without symbolic links.
        mounts: as `/proc/mounts` has it.
    """
    found = {fields[1]: fields[2] for fields in (line.split() for line in mounts.splitlines())}
    for place in (path, *path.parents):
        if str(place) in found:
            return found[str(place)]
    return "unknown"


def _event(number: int) -> Event:
    """A sentence said in a full room."""
    return Event(
        f"u{number}",
        "heard",
        Place(f"room-{number % 3}"),
        _PEOPLE[number % len(_PEOPLE)],
        f"What I meant with the harbour is that number {number} would have been cheaper last year.",
        _START,
        _PERSONAS | frozenset(_PEOPLE),
        media=48_000 * number,
    )


async def _latencies_ms(keep: Keep, writers: int, first: int, count: int) -> list[float]:
    """Milliseconds from the call to its durable end, of each; every writer waits for one before the next."""
    taken: list[float] = []

    async def writer(mine: range) -> None:
        for number in mine:
            event = _event(number)
            start = time.perf_counter()
            await keep(event)
            taken.append(1000 * (time.perf_counter() - start))

    await asyncio.gather(
        *(writer(range(first + each, first + count, writers)) for each in range(writers)),
    )
    return taken


def _alone(connection: sqlite3.Connection, event: Event) -> None:
    connection.execute("BEGIN IMMEDIATE")
    append(connection, event)
    connection.execute("COMMIT")


def _sync_ms(directory: Path) -> float:
    """Median of writing a page at the end of a file and waiting for the disk: what no append can be below."""
    taken: list[float] = []
    with (directory / "probe").open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            start = time.perf_counter()
            file.write(bytes(_PAGE))
            os.fdatasync(file.fileno())
            taken.append(1000 * (time.perf_counter() - start))
    return float(np.median(taken))


async def _measured(directory: Path) -> tuple[list[Result], list[str]]:
    store = await Store.open(directory / "ours.db")
    loop = asyncio.get_running_loop()
    results: list[Result] = []
    notes: list[str] = []
    with closing(connect(directory / "baseline.db")) as connection, ThreadPoolExecutor(1) as thread:
        make_durable(connection)
        migrate(connection, shipped(), directory / "baseline.db")

        async def ours(event: Event) -> object:
            return await store.write(partial(append, event=event))

        async def alone(event: Event) -> object:
            return await loop.run_in_executor(thread, _alone, connection, event)

        number = 0
        for writers in _WRITERS:
            mine: list[float] = []
            theirs: list[float] = []
            writes, commits = store.writes, store.commits
            count, fewer = _APPENDS[writers], min(_APPENDS[writers], _BASELINE_APPENDS)
            seconds = 0.0
            for _ in range(_ROUNDS):
                start = time.perf_counter()
                mine += await _latencies_ms(ours, writers, number, count)
                seconds += time.perf_counter() - start
                theirs += await _latencies_ms(alone, writers, number, fewer)
                number += count
            for percent in (50, 95, 99):
                target = _TARGET_MS if percent == 95 else None
                ms, baseline_ms = (float(np.percentile(each, percent)) for each in (mine, theirs))
                results.append(
                    Result(f"append, {writers} at once, p{percent}", "ms", ms, baseline_ms, target)
                )
            share = (store.writes - writes) / (store.commits - commits)
            notes.append(
                f"{writers} at once: {share:.1f} appends a commit, {len(mine) / seconds:.0f} appends/s ours."
            )
        kept = await store.read(lambda c: c.execute("SELECT count(*) FROM event").fetchone()[0])
        assert kept == number, f"{kept} of {number} events are there"
    await store.aclose()
    return results, notes


def measure() -> Report:
    """Times appends where the store of this machine's settings is, or would be."""
    place = load_settings().store_path.parent
    existing = next(each for each in (place, *place.parents) if each.exists()).resolve()
    with tempfile.TemporaryDirectory(prefix="continuum-append-", dir=existing) as name:
        directory = Path(name)
        sync_ms = _sync_ms(directory)
        results, notes = asyncio.run(_measured(directory))
    mounts = Path("/proc/mounts")
    kind = file_system(existing, mounts.read_text()) if mounts.exists() else "unknown"
    return Report(
        "append",
        results,
        (
            "From the call to its durable end (WAL, synchronous=FULL): one sentence in a room of 20, present and",
            "audience looked up. Baseline: the same, a transaction and a commit for each. Both ways take turns.",
            *notes,
            f"File system: {kind}. A page written and synced alone takes {sync_ms:.2f} ms there (median).",
        ),
    )


if __name__ == "__main__":
    run(measure)
