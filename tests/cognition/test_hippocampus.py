"""In idle time the timeline becomes memories, once; whoever speaks does not wait for it; what fades is let go."""

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from cognition.memory.consolidation import FADED_AT_ONCE
from cognition.memory.currency import standings
from cognition.memory.episodes import GAP, MOST_TURNS, Turn, segments, summary
from cognition.memory.extractor import FakeExtractor
from cognition.memory.facts import judge
from cognition.memory.forgetting import activation, fading
from cognition.memory.hippocampus import Hippocampus
from cognition.search.embedder import FakeEmbedder
from cognition.store import memories
from cognition.store.memories import Memory, fact_key
from cognition.store.memory_store import MemoryStore
from cognition.store.store import Storage, open_store
from cognition.store.timeline import Event, EventKind, Participant, Place, append

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADA = Participant("ada-1", "person", "Ada", "ada")
BEN = Participant("ben-1", "person", "Ben", "ben")
NOVA = Participant("nova", "persona", "Nova")


def event(
    number: int, text: str, *, who: Participant = ADA, at: datetime = T0, to: frozenset[str] | None = None
) -> Event:
    kind: EventKind = "said" if who.kind == "persona" else "heard"
    there = frozenset({ADA, BEN, NOVA})
    return Event(str(number), kind, Place("kitchen"), who, text, at + timedelta(seconds=number), there, to)


async def lived(store: Storage, *events: Event) -> None:
    for one in events:
        await store.write(partial(append, event=one))


class Elsewhere:
    """An embedder that holds the event loop no longer than one whose model runs in a thread."""

    name = "elsewhere"
    dimensions = 4

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        await asyncio.sleep(0)
        return np.full((len(texts), self.dimensions), 0.5, np.float32)


async def until(done: Callable[[], bool]) -> None:
    """Turns of the event loop, none of them waited for."""
    while not done():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def all_of(store: Storage, *kinds: memories.Kind) -> list[Memory]:
    return list(await store.read(partial(memories.page, kinds=kinds, limit=1000)))


def thinker(store: Storage, *, days: float = 1, **more: object) -> Hippocampus:
    clock = (T0 + timedelta(days=days)).timestamp()
    return Hippocampus(store, FakeEmbedder(), clock=lambda: clock, quiet=0.0, **more)  # type: ignore[arg-type]


async def test_words_that_assert_nothing_are_kept_as_such_and_those_of_a_persona_are_not_judged() -> None:
    store = MemoryStore()
    words = ("I dreamed I lived in a tower in Turin.", "They say Turin is full of tourists now.")
    await lived(
        store,
        *(event(number, text) for number, text in enumerate(words)),
        event(3, "I bought a lamp. Maybe I should sell it."),
        event(4, "You could try the mountains above Turin.", who=NOVA),
        event(5, "Aubergines are awful, I never eat them."),
    )
    await Hippocampus(store, FakeEmbedder(), clock=(T0 + timedelta(days=1)).timestamp).think()
    turns = await all_of(store, "turn")
    assert {turn.quote for turn in turns if turn.attribute == memories.IN_DOUBT} == set(words)
    assert [turn.quote for turn in turns if turn.attribute == memories.TASTE] == [
        "Aubergines are awful, I never eat them."
    ]
    assert len(turns) == 5
    corrected = await store.write(
        lambda connection: memories.correct(connection, turns[0].id, "I live in Turin.", "", T0)
    )
    assert (corrected.attribute, corrected.fact) == ("", "")


async def test_turns_facts_and_the_talk_are_remembered_with_their_sources() -> None:
    store = MemoryStore()
    await lived(
        store, event(1, "I live in Rome."), event(2, "Lovely!", who=NOVA), event(3, "I work as a nurse.")
    )
    done = await thinker(store).think()
    assert (done.events, done.episodes) == (3, 1)
    facts = await all_of(store, "fact")
    assert [(one.text, one.quote, one.sources) for one in facts] == [
        ("Ada lives in Rome.", "I live in Rome.", (1,)),
        ("Ada works as a nurse.", "I work as a nurse.", (3,)),
    ]
    (talk,) = await all_of(store, "episode")
    assert talk.sources == (1, 2, 3)
    assert (await all_of(store, "turn"))[0].text == "Ada: I live in Rome."


async def test_a_second_look_remembers_nothing_twice() -> None:
    store = MemoryStore()
    await lived(store, event(1, "I live in Rome."), event(2, "I live in Rome."))
    await thinker(store).think()
    before = await all_of(store)
    assert (await thinker(store).think()).events == 0
    assert await all_of(store) == before
    (home,) = [one for one in before if one.kind == "fact"]
    assert (home.strength, home.sources) == (2, (1, 2))


async def test_a_move_ends_the_old_home_and_the_dream_journal_says_so() -> None:
    store = MemoryStore()
    await lived(
        store,
        event(1, "I live in Paris."),
        event(2, "I moved from Paris to Rome yesterday.", at=T0 + timedelta(days=9)),
    )
    await thinker(store, days=10).think()
    dreams = await store.read(memories.dreams)
    closed = [one for one in dreams if one.change == "closed"]
    assert [one.text for one in closed] == ["Ada lives in Paris."]
    assert "no longer" in closed[0].why or "Rome" in closed[0].why


async def test_what_is_told_in_confidence_is_a_fact_of_its_own_scope_and_ends_nothing_elsewhere() -> None:
    store = MemoryStore()
    await lived(
        store,
        event(1, "I live in Paris."),
        event(2, "I live in Rome.", to=frozenset({"ada-1", "nova"}), at=T0 + timedelta(days=2)),
    )
    await thinker(store, days=3).think()
    aloud, whispered = await all_of(store, "fact")
    assert aloud.scope != whispered.scope
    assert not [one for one in await store.read(memories.dreams) if one.change == "closed"]


async def test_a_changed_taste_is_a_change() -> None:
    store = MemoryStore()
    await lived(
        store, event(1, "I love coffee."), event(2, "I don't like coffee anymore.", at=T0 + timedelta(days=2))
    )
    await thinker(store, days=3).think()
    assert [one.text for one in await store.read(memories.dreams) if one.change == "changed"] == [
        "Ada loves coffee."
    ]


async def test_chatter_and_presence_leave_nothing() -> None:
    store = MemoryStore()
    await lived(store, event(1, "Yeah, okay, thanks."), replace(event(2, ""), kind="arrived"))
    hippocampus = thinker(store)
    assert (await hippocampus.think()).kept == 0
    assert hippocampus.counts["passed over: no content"] == 1
    assert await all_of(store) == []


async def test_it_remembers_though_nothing_can_be_embedded() -> None:
    store = MemoryStore()
    await lived(store, event(1, "I live in Rome."))
    embedder = FakeEmbedder()
    embedder.error = "no model"
    hippocampus = Hippocampus(store, embedder, clock=lambda: T0.timestamp() + 86_400, quiet=0.0)
    await hippocampus.think()
    assert len(await all_of(store, "fact")) == 1
    assert hippocampus.counts["not embedded"] == 1


@pytest.mark.virtual_time
async def test_it_sleeps_without_a_timer_until_something_happens_and_a_talk_is_over() -> None:
    loop = asyncio.get_running_loop()
    store = MemoryStore()
    grew: list[float] = []
    hippocampus = Hippocampus(
        store,
        FakeEmbedder(),
        clock=lambda: T0.timestamp() + loop.time(),
        grew=lambda: grew.append(loop.time()),
    )
    running = asyncio.create_task(hippocampus.run())
    await lived(store, event(1, "I live in Rome."), event(2, "It is warm in Rome."))
    hippocampus.wake()
    await hippocampus.settled()
    assert await all_of(store, "episode") == []
    await asyncio.sleep(GAP.total_seconds() + 10)
    assert len(await all_of(store, "episode")) == 1
    assert len(grew) == 2
    assert len(asyncio.all_tasks()) == 2
    timers = [each for each in loop._scheduled if not each.cancelled()]  # type: ignore[attr-defined]
    assert timers == []
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.virtual_time
async def test_it_stops_at_once_when_somebody_speaks_and_goes_on_in_silence() -> None:
    loop = asyncio.get_running_loop()
    store = MemoryStore()
    extractor = FakeExtractor(seconds=1.0)
    hippocampus = thinker(store, extractor=extractor)
    await lived(store, *(event(n, f"The harbour was number {n} today.") for n in range(1, 20)))
    running = asyncio.create_task(hippocampus.run())
    hippocampus.wake()
    await asyncio.sleep(10.5)
    assert hippocampus.working
    asked, begun = len(extractor.asked), loop.time()
    hippocampus.pause("kitchen")
    hippocampus.pause("studio")
    await until(lambda: not hippocampus.working)
    assert loop.time() == begun
    hippocampus.resume("studio")
    await asyncio.sleep(100)
    assert len(extractor.asked) == asked
    assert hippocampus.counts["stopped: somebody spoke"] == 1
    hippocampus.resume("kitchen")
    await hippocampus.settled()
    assert len(await all_of(store, "turn")) == 19
    running.cancel()
    await asyncio.wait([running])


async def test_it_stops_within_fifty_milliseconds_on_a_real_clock(tmp_path: Path) -> None:
    """Long turns, the real store, the rules: the loop is never held for long, and the work ends when it is told to."""
    story = (
        "I moved from Paris to Rome last March, and then I worked as a nurse for my sister Clara in Oslo. "
        * 30
    )
    async with open_store(tmp_path / "life.db") as store:
        await lived(store, *(event(n, f"{n} {story}") for n in range(1, 9)))
        hippocampus = Hippocampus(store, Elsewhere(), clock=lambda: T0.timestamp() + 86_400, quiet=0.0)
        running = asyncio.create_task(hippocampus.run())
        held = []
        for _ in range(6):
            await until(lambda: hippocampus.working)
            for _ in range(40):
                begun = time.thread_time()
                await asyncio.sleep(0)
                held.append(time.thread_time() - begun)
            begun = time.thread_time()
            hippocampus.pause("kitchen")
            await until(lambda: not hippocampus.working)
            held.append(time.thread_time() - begun)
            hippocampus.resume("kitchen")
        running.cancel()
        await asyncio.wait([running])
    assert max(held) < 0.05


async def test_a_store_that_takes_nothing_is_tried_again_with_the_next_event(tmp_path: Path) -> None:
    async with open_store(tmp_path / "life.db") as store:
        await lived(store, event(1, "I live in Rome."))
    hippocampus = thinker(store)  # it is closed
    running = asyncio.create_task(hippocampus.run())
    hippocampus.wake()
    await hippocampus.settled()
    assert hippocampus.counts["store takes nothing"] >= 1
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


async def test_old_chatter_fades_and_what_matters_stays() -> None:
    store = MemoryStore()
    words = ["The tram was late again.", "I'm allergic to peanuts.", "My father died yesterday."]
    await lived(store, *(event(n, text) for n, text in enumerate(words, start=1)))
    await thinker(store, days=1).think()
    gone = await thinker(store, days=900).think()
    assert gone.forgotten > 0
    left = {one.text for one in await all_of(store)}
    assert "Ada is allergic to peanuts." in left
    assert "Ada: The tram was late again." not in left
    assert [one.change for one in await store.read(memories.dreams)].count("forgotten") == gone.forgotten


async def test_what_is_to_stay_does_not_keep_what_comes_behind_it_from_fading() -> None:
    store = MemoryStore()
    await lived(store, event(1, "The tram was late again."))
    await thinker(store, days=1).think()

    def keep(connection: sqlite3.Connection) -> None:
        scope = memories.scope_of(connection, 1)
        for number in range(FADED_AT_ONCE + 50):
            old = number >= FADED_AT_ONCE
            memories.put(
                connection,
                memory(
                    f"{number}",
                    scope=scope,
                    single=False,
                    at=T0 - timedelta(days=3650 if old else 200),
                    importance=0.15 if old else 0.1,
                ),
            )

    await store.write(keep)
    assert (await thinker(store, days=2).think()).forgotten == 50
    assert (await thinker(store, days=2).think()).forgotten == 0
    assert (await thinker(store, days=2000).think()).forgotten >= FADED_AT_ONCE


def memory(value: str = "Rome", **more: object) -> Memory:
    base = Memory(
        value,
        1,
        "fact",
        f"Ada lives in {value}.",
        T0,
        subject="ada",
        attribute="home",
        value=value,
        fact=fact_key("ada", "home", value),
        single=True,
        sources=(1,),
    )
    return replace(base, **more)  # type: ignore[arg-type]


def test_the_same_again_is_merged_and_another_value_closes() -> None:
    old = memory("Paris")
    assert judge(memory("Paris", id="", at=T0 + timedelta(days=1)), [old]).merge == "Paris"
    verdict = judge(memory("Rome", id="", at=T0 + timedelta(days=1)), [old])
    assert (verdict.merge, verdict.closed) == (None, ("Paris",))


def test_who_moves_back_has_moved_twice() -> None:
    away = memory("Rome", at=T0 + timedelta(days=10))
    back = judge(memory("Paris", id="", at=T0 + timedelta(days=20)), [memory("Paris"), away])
    assert back.merge is None
    assert back.closed == ("Rome",)


def test_use_and_repetition_keep_a_memory_present() -> None:
    now = T0 + timedelta(days=200)
    once, used = memory(), memory(used=5, used_at=T0 + timedelta(days=190))
    again = memory(strength=3, at=T0 + timedelta(days=100), told=T0)
    assert activation(once, now) < activation(again, now) < activation(used, now)


def test_what_was_put_right_never_fades() -> None:
    old = T0 + timedelta(days=5000)
    assert [
        one.memory.id
        for one in fading([memory(importance=0.1), memory("x", importance=0.1, corrected=True)], old)
    ] == ["Rome"]


def turn(minute: float, text: str = "The harbour is cheaper.", name: str = "Ada") -> Turn:
    return Turn(int(minute * 60), T0 + timedelta(minutes=minute), name, text)


def test_a_pause_ends_an_episode_and_the_last_one_is_open_until_it_is_long_enough() -> None:
    turns = [turn(0), turn(5), turn(16), turn(17)]
    over, until = segments(turns, T0 + timedelta(minutes=20))
    assert [len(each) for each in over] == [2]
    assert until == T0 + timedelta(minutes=27)
    assert segments(turns, T0 + timedelta(minutes=27))[1] is None
    assert len(segments([turn(n / 60) for n in range(MOST_TURNS + 1)], T0)[0]) == 1


def test_a_summary_quotes_what_the_talk_was_about() -> None:
    talk = [
        turn(0, "Hello!"),
        turn(1, "The harbour in Genoa is too expensive."),
        turn(2, "Is the harbour nice?", "Ben"),
    ]
    said = summary(talk, "kitchen")
    assert "“The harbour in Genoa is too expensive.”" in said
    assert "harbour" in said.partition("about ")[2].partition(" in kitchen")[0]


@pytest.mark.parametrize("seed", range(4))
async def test_stopped_at_any_moment_it_comes_to_the_same(seed: int) -> None:
    drawn = random.Random(seed)
    lines = [
        "I live in Rome.",
        "I love coffee.",
        "I don't like coffee anymore.",
        "I work as a nurse.",
        "I live in Oslo.",
    ]
    events = [event(n, drawn.choice(lines), at=T0 + timedelta(hours=n)) for n in range(1, 25)]

    async def remembered(stops: bool) -> Callable[[], list[tuple[str, str, int]]]:
        store = MemoryStore()
        await lived(store, *events)
        hippocampus = thinker(store, days=3, extractor=None)
        if stops:
            running = asyncio.create_task(hippocampus.run())
            for _ in range(30):
                for _ in range(drawn.randrange(12)):
                    await asyncio.sleep(0)
                hippocampus.pause("kitchen")
                await asyncio.sleep(0)
                hippocampus.resume("kitchen")
            running.cancel()
            await asyncio.wait([running])
        await hippocampus.think()
        found = [(one.id, one.text, one.strength) for one in await all_of(store)]
        return lambda: found

    assert (await remembered(True))() == (await remembered(False))()


async def test_what_was_awaited_is_open_until_its_outcome_is_told() -> None:
    store = MemoryStore()
    await lived(store, event(1, "I have an interview on Friday."))
    await thinker(store, days=1).think()
    now = T0 + timedelta(days=6)
    (waiting,) = standings(await all_of(store, "thread"), now).values()
    assert waiting.current
    await lived(store, event(2, "The interview went well!", at=T0 + timedelta(days=5)))
    await thinker(store, days=6).think()
    threads = await all_of(store, "thread")
    assert len(threads) == 2
    assert not any(one.current for one in standings(threads, now).values())
