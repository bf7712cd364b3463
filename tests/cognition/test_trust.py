"""Trust as it is kept: every voice once, with the level that came of it, whatever dies meanwhile."""

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognition.persona.actions import Allowed, Refused
from cognition.persona.reputation import DAY_S, KNOWN_DAYS, LEVELS, Standing
from cognition.persona.trust import NotAPerson, Opinion, Trust, day_of, domain_of, giver_key, line_of
from cognition.store.connection import open_reader
from cognition.store.memory_store import MemoryStore
from cognition.store.reputation import Entry, history
from cognition.store.store import Store
from tests.cognition.test_store_killed import Nursery, nursery
from tests.virtual_time import VirtualTimeLoop

NOW = 20_000 * DAY_S + DAY_S / 2
PERSONAS = ("nova", "robin")


class Clock:
    """Seconds since 1970 that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now

    def pass_days(self, days: float) -> None:
        self.now += days * DAY_S


def opinion(id: str, giver: str = "ada", line: str = "u1", value: int = 1, **more: Any) -> Opinion:
    return Opinion(id, more.pop("persona", "nova"), giver, line_of("lobby", line), value, **more)


async def opened() -> tuple[Trust, MemoryStore, Clock]:
    store, clock = MemoryStore(), Clock()
    return await Trust.open(store, clock=clock), store, clock


async def rows(store: MemoryStore) -> list[tuple[Any, ...]]:
    return await store.read(
        lambda connection: connection.execute("SELECT * FROM reputation ORDER BY seq").fetchall()
    )


async def entries(trust: Trust, persona: str = "nova") -> list[tuple[str, int]]:
    return [(entry.kind, entry.value) for entry in (await trust.history(persona)).entries]


async def made_trusted(trust: Trust, clock: Clock) -> None:
    for day in range(KNOWN_DAYS + 2):
        for who in ("ada", "bob", "cleo"):
            await trust.take(opinion(f"{who}{day}", who, f"u-{who}{day}"), PERSONAS)
        clock.pass_days(1)


async def test_a_voice_counts_once_however_often_it_comes_and_the_newest_word_counts() -> None:
    trust, store, _ = await opened()
    assert (await trust.take(opinion("1"), PERSONAS)).praised == 1
    assert (await trust.take(opinion("1"), PERSONAS)).praised == 1
    assert len(await rows(store)) == 1
    changed = await trust.take(opinion("2", value=-1), PERSONAS)
    assert (changed.praised, changed.criticised) == (0, 1)
    late = await trust.take(opinion("1"), PERSONAS)
    assert (late.praised, late.criticised) == (0, 1), "what was said before does not come back as new"
    back = await trust.take(opinion("3", value=0), PERSONAS)
    assert (back.praised, back.criticised, back.givers) == (0, 0, 0)
    assert await entries(trust) == []


async def test_saying_the_same_again_or_taking_back_what_was_never_said_writes_nothing() -> None:
    trust, store, _ = await opened()
    await trust.take(opinion("0", value=0), PERSONAS)
    assert await rows(store) == []
    for number in range(50):
        await trust.take(opinion(str(number)), PERSONAS)
    assert len(await rows(store)) == 1


@pytest.mark.parametrize("giver", ["nova", "robin", ""])
async def test_no_persona_raises_itself_or_another(giver: str) -> None:
    trust, store, _ = await opened()
    for persona in PERSONAS:
        with pytest.raises(NotAPerson):
            await trust.take(opinion("1", giver, persona=persona), PERSONAS)
    assert await rows(store) == []
    assert trust.standing("nova") == await trust.refresh("nova")


async def test_the_same_line_id_in_two_rooms_is_two_lines_and_the_same_person_one_person() -> None:
    trust, _, _ = await opened()
    await trust.take(Opinion("1", "nova", "ada", line_of("lobby", "u1"), 1), PERSONAS)
    found = await trust.take(Opinion("2", "nova", "ada", line_of("attic", "u1"), 1), PERSONAS)
    assert (found.praised, found.givers) == (2, 1)


async def test_a_level_follows_the_persona_over_a_restart_and_is_in_its_history(tmp_path: Path) -> None:
    clock = Clock()
    store = await Store.open(tmp_path / "store.db")
    trust = await Trust.open(store, clock=clock)
    assert isinstance(trust.may("nova", "pass-on"), Refused)
    await made_trusted(trust, clock)
    assert trust.standing("nova").level == "trusted"
    assert trust.standing("robin").level == "novice"
    before = trust.standing("nova")
    await store.aclose()
    store = await Store.open(tmp_path / "store.db")
    again = await Trust.open(store, clock=clock)
    assert again.standing("nova").level == "trusted"
    assert again.standing("nova").praised == before.praised
    assert again.may("nova", "pass-on") == Allowed("pass-on")
    levels = [entry for entry in (await again.history("nova")).entries if entry.kind == "level"]
    assert [(entry.level, entry.value) for entry in levels] == [("trusted", 1)]
    clock.pass_days(400)
    assert (await again.refresh("nova")).level == "novice"
    assert (await again.history("nova")).entries[0].level == "novice"
    await store.aclose()


async def test_a_refused_action_is_counted() -> None:
    trust, _, _ = await opened()
    for _ in range(3):
        trust.may("nova", "interrupt")
    trust.may("nova", "answer")
    assert trust.refused == {"interrupt": 3}


async def test_history_comes_in_pages_without_a_gap_or_a_repetition() -> None:
    trust, _, clock = await opened()
    for number in range(25):
        await trust.take(opinion(str(number), line=f"u{number}"), PERSONAS)
        clock.pass_days(0.01)
    found: list[Entry] = []
    before = None
    while True:
        page = await trust.history("nova", before=before, limit=10)
        found += page.entries
        await trust.take(opinion(f"meanwhile-{len(found)}", line=f"v{len(found)}"), PERSONAS)
        if (before := page.before) is None:
            break
    assert [entry.subject for entry in found] == [
        line_of("lobby", f"u{number}") for number in range(24, -1, -1)
    ]
    assert (await trust.history("nova", limit=0)).entries != ()


async def test_the_ledger_is_never_rewritten() -> None:
    trust, store, _ = await opened()
    await trust.take(opinion("1"), PERSONAS)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        await store.write(lambda connection: connection.execute("UPDATE reputation SET value = -1"))


async def test_a_name_is_kept_only_while_it_may_be_shown() -> None:
    trust, _, _ = await opened()
    await trust.take(opinion("1", name="Ada"), PERSONAS)
    (entry,) = (await trust.history("nova")).entries
    assert (entry.name, entry.giver) == ("Ada", giver_key("ada"))
    assert "ada" not in entry.giver
    await trust.take(opinion("2"), PERSONAS)
    (entry,) = (await trust.history("nova")).entries
    assert entry.name is None


async def test_text_that_no_disk_takes_harms_nobody() -> None:
    trust, _, _ = await opened()
    found = await trust.take(opinion("\ud800", "\udfff"), PERSONAS)
    assert found.praised == 1


def test_the_domain_is_the_field_that_is_spoken_of() -> None:
    expertise = ("night sky", "stars and planets", "cooking")
    assert (
        domain_of(expertise, "Jupiter has 95 moons.", "How many planets and stars are there?") == expertise[1]
    )
    assert domain_of(expertise, "I cooked a soup.") == "cooking"
    assert domain_of(expertise, "Good morning!") == ""
    assert domain_of((), "stars") == ""
    assert day_of(datetime(2026, 1, 5, 23, 30, tzinfo=UTC)) == "day:2026-01-05"


moves = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob", "cleo", "dan", "sock-1", "sock-2"]),
        st.integers(0, 5),
        st.sampled_from([-1, 0, 1]),
        st.booleans(),
        st.sampled_from([0.0, 0.01, 0.6, 1.0, 30.0]),
        st.integers(0, 8),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(moves)
def test_in_whatever_order_voices_come_and_come_again_the_ledger_says_the_same(
    said: list[tuple[str, int, int, bool, float, int]],
) -> None:
    async def play() -> None:
        trust, store, clock = await opened()
        once: dict[str, Opinion] = {}
        for number, (giver, line, value, task, days, again) in enumerate(said):
            id = f"m{again}"
            given_now = once.setdefault(
                f"{giver}{id}", Opinion(id, "nova", giver, f"s{line}", value, task=task)
            )
            before = trust.standing("nova").level
            found = await trust.take(given_now, PERSONAS)
            assert abs(LEVELS.index(found.level) - LEVELS.index(before)) <= 1, number
            clock.pass_days(days)
        kept = await rows(store)
        assert len({row[1] for row in kept}) == len(kept)
        fresh = await Trust.open(store, clock=clock)
        assert fresh.standing("nova") == await trust.refresh("nova")
        page = await fresh.history("nova", limit=200)
        counted = [entry for entry in page.entries if entry.kind == "feedback"]
        standing = fresh.standing("nova")
        assert len(counted) == standing.praised + standing.criticised

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(play())


def levels_of(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT level, value, at FROM reputation WHERE kind = 'level' ORDER BY seq"
    ).fetchall()


async def retold(voices: list[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], Standing]:
    """The levels that the voices make when nothing dies."""
    store, clock = MemoryStore(), Clock()
    trust = Trust(store, clock=clock)
    for giver, subject, value, at in voices:
        clock.now = at / 1_000_000
        await trust.take(Opinion(f"{giver}{subject}", "nova", giver, subject, value), PERSONAS)
    return await store.read(levels_of), trust.standing("nova")


@pytest.mark.timeout(300)
def test_no_acknowledged_voice_and_no_level_is_lost_or_doubled_by_sigkill(tmp_path: Path) -> None:
    path, chance = tmp_path / "store.db", Random(5)
    acknowledged: set[str] = set()
    with nursery() as children:
        for run in range(50):
            acknowledged |= set(judged(children, path, run, chance))
    with closing(open_reader(path)) as connection:
        voices = connection.execute(
            "SELECT giver, subject, value, at FROM reputation WHERE kind = 'feedback' ORDER BY seq"
        ).fetchall()
        kept, page = levels_of(connection), history(connection, "nova", limit=10)
    subjects = [subject for _, subject, _, _ in voices]
    assert acknowledged <= set(subjects)
    assert len(subjects) == len(set(subjects))
    assert len(acknowledged) > 150
    again, _ = asyncio.run(retold(voices))
    assert kept == again, "each change of level is there with the voice that made it, once"
    assert len(kept) > 2
    assert page.entries


def judged(children: Nursery, path: Path, run: int, chance: Random) -> list[str]:
    """Subjects of the voices that a child had acknowledged before it was killed."""
    child = children.start("judge", path, run)
    assert children.line() == "ready"
    said = [children.line() for _ in range(chance.randint(0, 8))]
    time.sleep(chance.uniform(0.0, 0.02))  # the random point is what is tested
    return [*said, *children.kill(child)]
