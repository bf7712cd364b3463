"""What is remembered is kept with its sources, found by what it says, and gone with the last event it came from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from cognition.store import memories
from cognition.store.memories import Dream, Memory, fact_key
from cognition.store.memory_store import MemoryStore
from cognition.store.timeline import Event, Participant, Place, append

T0 = datetime(2026, 3, 1, 9, tzinfo=UTC)
ADA = Participant("ada-1", "person", "Ada", "ada")
BEN = Participant("ben-1", "person", "Ben", "ben")
NOVA = Participant("nova", "persona", "Nova")


def said(
    id: str, text: str, *, who: Participant = ADA, minutes: float = 0, to: frozenset[str] | None = None
) -> Event:
    at = T0 + timedelta(minutes=minutes)
    return Event(id, "heard", Place("kitchen"), who, text, at, frozenset({ADA, BEN, NOVA}), to)


async def keep(store: MemoryStore, *events: Event) -> list[int]:
    return [seq for one in events if (seq := await store.write(partial(append, event=one))) is not None]


def home(scope: int, sources: tuple[int, ...], value: str = "Rome", **more: Any) -> Memory:
    memory = Memory(
        "",
        scope,
        "fact",
        f"Ada lives in {value}.",
        T0,
        subject="ada",
        subject_name="Ada",
        teller="ada",
        attribute="home",
        value=value,
        fact=fact_key("ada", "home", value),
        single=True,
        quote=f"I live in {value}",
        sources=sources,
        valid_from=T0,
    )
    return replace(memory, **more)


async def test_a_memory_is_read_as_it_was_put() -> None:
    store = MemoryStore()
    first, second = await keep(store, said("1", "I live in Rome"), said("2", "Rome it is"))
    scope = await store.write(lambda c: memories.scope_of(c, first))
    kept = await store.write(
        lambda c: memories.put(c, home(scope, (first, second), due=T0, valid_to=T0, used_at=T0))
    )
    assert kept.id
    assert await store.read(lambda c: memories.get(c, [kept.id, "nothing"])) == {kept.id: kept}


async def test_events_of_one_audience_and_place_share_a_scope_and_a_whisper_has_its_own() -> None:
    store = MemoryStore()
    whispered = said("3", "quietly", to=frozenset({"ada-1", "nova"}))
    seqs = await keep(store, said("1", "aloud"), said("2", "aloud again"), whispered)
    first, second, third = [await store.write(partial(memories.scope_of, seq=seq)) for seq in seqs]
    assert first == second != third
    with pytest.raises(KeyError):
        await store.write(lambda c: memories.scope_of(c, 99))


async def test_told_again_it_is_stronger_and_told_the_same_event_twice_it_is_not() -> None:
    store = MemoryStore()
    first, second = await keep(store, said("1", "I live in Rome"), said("2", "I live in Rome", minutes=5))
    scope = await store.write(lambda c: memories.scope_of(c, first))
    kept = await store.write(lambda c: memories.put(c, home(scope, (first,))))
    again = home(scope, (second,), at=T0 + timedelta(minutes=5), importance=0.9)
    for _ in range(2):
        await store.write(lambda c: memories.merge(c, kept.id, again))
    found = await store.read(lambda c: memories.same(c, scope, "", kept.fact))
    assert found is not None
    assert (found.strength, found.sources, found.at, found.told) == (2, (first, second), again.at, T0)
    assert found.importance == 0.9


async def test_a_memory_goes_with_the_last_event_it_came_from() -> None:
    store = MemoryStore()
    first, second = await keep(store, said("1", "I live in Rome"), said("2", "Rome", minutes=1))
    scope = await store.write(lambda c: memories.scope_of(c, first))
    kept = await store.write(lambda c: memories.put(c, home(scope, (first, second))))
    await store.write(lambda c: c.execute("DELETE FROM event WHERE seq = ?", (first,)))
    assert await store.read(lambda c: memories.get(c, [kept.id])) == {
        kept.id: replace(kept, sources=(second,))
    }
    await store.write(lambda c: c.execute("DELETE FROM event WHERE seq = ?", (second,)))
    assert await store.read(lambda c: memories.get(c, [kept.id])) == {}
    (last,) = await store.read(lambda c: memories.changes(c, 0))
    assert (last.id, last.memory) == (kept.id, None)


async def test_what_changed_is_told_once_by_its_last_change_and_use_is_no_change() -> None:
    store = MemoryStore()
    (seq,) = await keep(store, said("1", "I live in Rome, I lived in Oslo"))
    scope = await store.write(lambda c: memories.scope_of(c, seq))
    rome = await store.write(lambda c: memories.put(c, home(scope, (seq,))))
    oslo = await store.write(lambda c: memories.put(c, home(scope, (seq,), "Oslo")))
    before = await store.read(memories.change_number)
    assert [one.id for one in await store.read(lambda c: memories.changes(c, 0))] == [rome.id, oslo.id]
    await store.write(lambda c: memories.used(c, [rome.id], T0))
    assert await store.read(memories.change_number) == before
    await store.write(lambda c: memories.put(c, replace(rome, importance=1.0)))
    assert [one.id for one in await store.read(lambda c: memories.changes(c, 0))] == [oslo.id, rome.id]
    await store.write(lambda c: memories.delete(c, [oslo.id]))
    assert [
        (one.id, one.memory is None) for one in await store.read(lambda c: memories.changes(c, before))
    ] == [
        (rome.id, False),
        (oslo.id, True),
    ]
    assert await store.read(memories.change_number) > before


async def test_a_correction_stands_and_is_another_fact() -> None:
    store = MemoryStore()
    (seq,) = await keep(store, said("1", "I live in Rome"))
    scope = await store.write(lambda c: memories.scope_of(c, seq))
    kept = await store.write(lambda c: memories.put(c, home(scope, (seq,))))
    put_right = await store.write(lambda c: memories.correct(c, kept.id, "Ada lives in Roma.", "Roma", T0))
    assert put_right.corrected
    assert put_right.fact == fact_key("ada", "home", "roma")
    assert await store.read(lambda c: memories.same(c, scope, "", kept.fact)) is None
    with pytest.raises(KeyError):
        await store.write(lambda c: memories.correct(c, "nothing", "x", "x", T0))


async def test_pages_go_on_where_the_last_one_ended() -> None:
    store = MemoryStore()
    seqs = await keep(store, *(said(str(n), f"word {n}", minutes=n) for n in range(5)))
    scope = await store.write(lambda c: memories.scope_of(c, seqs[0]))
    for n, seq in enumerate(seqs):
        turn = Memory("", scope, "turn", f"word {n}", T0 + timedelta(minutes=n), teller="ada", sources=(seq,))
        await store.write(partial(memories.put, memory=turn))
    first = await store.read(lambda c: memories.page(c, limit=2, newest_first=True, scopes=[scope]))
    rest = await store.read(lambda c: memories.page(c, limit=9, newest_first=True, after=first[-1].id))
    assert [one.text for one in (*first, *rest)] == [f"word {n}" for n in (4, 3, 2, 1, 0)]
    assert await store.read(lambda c: memories.page(c, scopes=[])) == ()
    assert await store.read(lambda c: memories.page(c, kinds=["fact"])) == ()
    assert (
        len(await store.read(lambda c: memories.page(c, since=T0 + timedelta(minutes=3), teller="ada"))) == 2
    )


async def test_the_dream_journal_forgets_with_the_memory() -> None:
    store = MemoryStore()
    (seq,) = await keep(store, said("1", "I live in Rome"))
    scope = await store.write(lambda c: memories.scope_of(c, seq))
    kept = await store.write(lambda c: memories.put(c, home(scope, (seq,))))
    dream = Dream(T0, scope, "ada", kept.id, "kept", kept.text, "new")
    await store.write(lambda c: memories.note(c, dream))
    assert await store.read(lambda c: memories.dreams(c, subject="ada")) == (replace(dream, number=1),)
    assert await store.write(lambda c: memories.delete(c, [kept.id])) == 1
    assert await store.read(lambda c: memories.dreams(c)) == ()


async def test_the_watermark_only_grows() -> None:
    store = MemoryStore()
    assert await store.read(lambda c: memories.watermark(c, "turns")) == 0
    for seq in (7, 3):
        await store.write(partial(memories.advance, part="turns", seq=seq))
    assert await store.read(lambda c: memories.watermark(c, "turns")) == 7


@pytest.mark.parametrize("wrong", [{"text": " "}, {"sources": ()}, {"at": datetime(2026, 1, 1)}])
async def test_a_memory_has_a_sentence_a_source_and_a_time(wrong: dict[str, Any]) -> None:
    store = MemoryStore()
    (seq,) = await keep(store, said("1", "I live in Rome"))
    scope = await store.write(lambda c: memories.scope_of(c, seq))
    with pytest.raises(ValueError, match=r"a memory"):
        await store.write(lambda c: memories.put(c, replace(home(scope, (seq,)), **wrong)))
