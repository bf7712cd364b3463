"""Recall reads no more than it must; what comes back is what comes back where all is read and weighed."""

import asyncio
import sqlite3
from collections.abc import Collection
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cognition.memory import relevance
from cognition.memory.currency import standings
from cognition.memory.recollecting import HALF_LIFE, OPEN_FOR, OVERDUE
from cognition.store import memories, remembered
from cognition.store.memories import Memory, fact_key, put, scope_of
from cognition.store.visibility import allowed_scopes, readable
from tests.cognition.remembering import ADA, ATTIC, BOB, EVE, NOON, NOVA, ROBIN, World

LISTENERS = frozenset({"ada", "bob"})
KINDS = ("turn", "episode", "fact", "preference", "relation", "event", "commitment", "thread")

moments = st.integers(-60, 60).map(lambda days: NOON + timedelta(days=days, minutes=days % 7))
perhaps = st.one_of(st.none(), moments)
made: st.SearchStrategy[dict[str, object]] = st.builds(
    dict,
    kind=st.sampled_from(KINDS),
    subject=st.sampled_from(["ada", "ada/bruno", "bob"]),
    attribute=st.sampled_from(["home", "job", "pet", ""]),
    value=st.sampled_from(["Rome", "Oslo", "Bern"]),
    single=st.booleans(),
    persona=st.sampled_from(["", "", "nova", "robin"]),
    at=moments,
    told=perhaps,
    valid_from=perhaps,
    valid_to=perhaps,
    due=perhaps,
    importance=st.floats(0, 1, width=16),
    strength=st.integers(1, 7),
    scope=st.integers(0, 3),
)
worlds = st.lists(made, min_size=1, max_size=40)
thorough = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


async def world_of(drawn: list[dict[str, object]]) -> World:
    world = World()
    seqs = [
        await world.heard(ADA, "Hello.", ADA, BOB, NOVA, ROBIN),
        await world.heard(ADA, "Hello.", ADA, NOVA, place=ATTIC),
        await world.heard(ADA, "Hello.", ADA, BOB, EVE, NOVA, place=ATTIC),
        await world.heard(ADA, "Hello.", ADA, BOB, NOVA, to=frozenset({"ada", "nova"})),
    ]

    def keep(connection: sqlite3.Connection) -> None:
        for number, one in enumerate(drawn):
            given = dict(one)
            seq = seqs[int(str(given.pop("scope")))]
            subject, attribute, value = (str(given[part]) for part in ("subject", "attribute", "value"))
            put(
                connection,
                Memory(
                    f"m{number}",
                    scope_of(connection, seq),
                    text=f"{subject.rpartition('/')[2].title()} has {attribute or 'been to'} {value}.",
                    subject_name=subject.rpartition("/")[2].title(),
                    fact=fact_key(subject, attribute, value) if attribute else "",
                    sources=(seq,),
                    **given,  # type: ignore[arg-type]
                ),
            )

    await world.store.write(keep)
    await world.indexed()
    return world


def worth(memory: Memory, now: datetime) -> float:
    if memory.kind in ("commitment", "thread") or (memory.kind == "event" and is_open(memory, now)):
        return 0.75 + 0.25 * memory.importance
    recent = float(0.5 ** (max(now - memory.at, timedelta(0)) / HALF_LIFE))
    return 0.7 * (0.6 * memory.importance + 0.25 * recent + 0.15 * min(memory.strength, 5) / 5)


def is_open(memory: Memory, now: datetime) -> bool:
    if memory.due is not None:
        return memory.due >= now - OVERDUE
    return now - memory.at <= (OVERDUE if memory.kind == "event" else OPEN_FOR)


def plainly_known(connection: sqlite3.Connection, person: str, now: datetime, limit: int) -> list[str]:
    """Everything is read, and put in order."""
    ids = remembered.about(connection, "nova", LISTENERS, person, limit=1000)
    seen = memories.get(connection, readable(connection, ids, "nova", LISTENERS))
    standing = standings(seen.values(), now)
    chosen: list[Memory] = []
    for one in sorted(seen.values(), key=lambda one: (-worth(one, now), one.id)):
        is_over = one.kind in ("commitment", "thread") and not is_open(one, now)
        if (
            standing[one.id].current
            and not is_over
            and one.fact not in {each.fact for each in chosen if each.fact}
        ):
            chosen.append(one)
    return [one.id for one in chosen[:limit]]


@thorough
@given(worlds, st.integers(1, 6))
def test_what_is_known_of_a_person_is_the_same_as_where_all_is_read(
    drawn: list[dict[str, object]], limit: int
) -> None:
    async def compare() -> None:
        world = await world_of(drawn)
        for person in ("ada", "bob"):
            told = await world.recall.about("nova", LISTENERS, person, now=NOON, limit=limit)
            plain = await world.store.read(lambda c, person=person: plainly_known(c, person, NOON, limit))  # type: ignore[misc]
            assert [each.id for each in told] == plain

    asyncio.run(compare())


@thorough
@given(
    worlds, st.sampled_from(["Where has Ada her home?", "Oslo", "What has Bruno been to?", "Ada has a pet"])
)
def test_what_is_not_weighed_closely_would_not_have_come_back(
    drawn: list[dict[str, object]], query: str
) -> None:
    async def compare() -> None:
        world = await world_of(drawn)
        told = await world.recall.recall("nova", LISTENERS, query, now=NOON)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(relevance, "at_most", lambda _: 1.0)
            assert await world.recall.recall("nova", LISTENERS, query, now=NOON) == told

    asyncio.run(compare())


@thorough
@given(worlds, perhaps, perhaps, st.sampled_from([(), ("ada",), ("ada", "bob")]), st.integers(1, 20))
@pytest.mark.parametrize("dense", [1, 1000])
def test_what_is_of_a_time_is_found_whichever_way_is_quicker(
    dense: int,
    drawn: list[dict[str, object]],
    since: datetime | None,
    until: datetime | None,
    about: Collection[str],
    limit: int,
) -> None:
    def plainly(connection: sqlite3.Connection) -> list[tuple[bool, float, datetime]]:
        every = memories.get(connection, [f"m{number}" for number in range(len(drawn))])
        known = readable(connection, every, "nova", LISTENERS)
        found = [
            (one.kind == "turn", -one.importance, one.at)
            for one in map(every.__getitem__, known)
            if any(
                at is not None and (since is None or since <= at) and (until is None or at < until)
                for at in (one.at, one.due, one.valid_from)
            )
            and (not about or one.subject.split("/")[0] in about)
        ]
        return sorted(found, key=lambda one: (one[0], one[1], NOON - one[2]))[:limit]

    def quickly(connection: sqlite3.Connection) -> list[tuple[bool, float, datetime]]:
        allowed = allowed_scopes(connection, "nova", LISTENERS)
        ids = remembered.of_time(
            connection, allowed, "nova", since=since, until=until, about=about, limit=limit
        )
        every = memories.get(connection, ids)
        return [(one.kind == "turn", -one.importance, one.at) for one in map(every.__getitem__, ids)]

    async def compare() -> None:
        world = await world_of(drawn)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(remembered, "_DENSE", dense)
            assert await world.store.read(quickly) == await world.store.read(plainly)

    asyncio.run(compare())
