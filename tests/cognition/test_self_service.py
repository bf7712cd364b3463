"""People see, correct, take along and delete what is known of them; what is forgotten is in no file any more."""

import shutil
import sqlite3
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pytest

from cognition.memory import erasing
from cognition.memory.erasing import STEP
from cognition.memory.hippocampus import Hippocampus
from cognition.memory.redaction import called_one_of, echo_words, names_one_of, without, words_left
from cognition.memory.self_service import NoSuchMemory, SelfService, corrected, erase_person
from cognition.search.embedder import FakeEmbedder
from cognition.search.fake_index import FakeIndex
from cognition.search.lance_index import LanceIndex
from cognition.store.backup import back_up
from cognition.store.erasure import Said, Traces, pending, traces_of
from cognition.store.errors import DiskError
from cognition.store.memories import Memory, get, page
from cognition.store.memory_store import MemoryStore
from cognition.store.store import Store
from cognition.store.timeline import Event, Participant, Query, append, depart, present_in
from cognition.store.timeline import page as timeline_page
from tests.cognition.remembering import ADA, ATTIC, BOB, EVE, LOBBY, NOON, NOVA, World

DAY = timedelta(days=1)
T = TypeVar("T")


class Beside:
    """What is kept beside the store, and what it was told to forget."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.texts: set[str] = set()
        self.calls = 0

    async def forget(self, ids: Collection[str], texts: Collection[str]) -> None:
        self.calls += 1
        self.texts |= set(texts)
        await self.world.index.remove(ids)


async def lived(world: World) -> None:
    """Ada and Bob talk with Nova, of each other too."""
    minute = 0

    async def said(who: Participant, text: str, *there: Participant, place=LOBBY) -> None:  # type: ignore[no-untyped-def]
        nonlocal minute
        minute += 5
        event = Event(
            f"e{minute}",
            "said" if who.kind == "persona" else "heard",
            place,
            who,
            text,
            NOON + timedelta(minutes=minute),
            frozenset(there),
        )
        await world.store.write(lambda connection: append(connection, event))

    await said(ADA, "I live in Quillhaven. My hobby is zymurgy, I love it.", NOVA)
    minute -= 4
    await said(NOVA, "How lovely, zymurgy in Quillhaven!", ADA)
    await said(ADA, "My sister Petronilla is a glaciologist.", NOVA, BOB)
    await said(BOB, "I live in Marrowdale. Ada has a secret tattoo of a narwhal.", NOVA, ADA)
    await said(BOB, "Ada snores like a walrus.", NOVA, place=ATTIC)
    await said(NOVA, "Glaciologist, what a profession, and zymurgy too.", ADA, BOB)
    await said(BOB, "I am allergic to hazelnuts.", NOVA, ADA)
    await said(EVE, "My neighbour Ada sells marzipan.", NOVA, place=ATTIC)
    clock = (NOON + DAY).timestamp()
    await Hippocampus(world.store, world.embedder, clock=lambda: clock).think()
    await world.indexed()


ADAS = ("Quillhaven", "zymurgy", "Petronilla", "laciologist", "narwhal", "walrus")
OTHERS = ("Marrowdale", "hazelnuts", "marzipan")


def found_in(directory: Path, *words: str) -> set[str]:
    """Which words are in any file, whatever it is."""
    content = b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file()).lower()
    return {word for word in words if word.lower().encode() in content}


async def test_who_is_forgotten_is_in_no_file_of_the_store_nor_in_a_backup_and_the_others_are(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "store"
    store = await Store.open(directory / "continuum.db")
    try:
        world = World(store)
        await lived(world)
        await store.write(_lived_through)
        assert found_in(directory, *ADAS) == set(ADAS)
        beside = Beside(world)
        service = SelfService(store, world.recall, [beside])
        done = await service.forget_person("ada", by="themselves", now=NOON + DAY)
        assert done.memories
        assert "Quillhaven" in " ".join(beside.texts)
        assert found_in(directory, *ADAS, "Ada") == {"Ada"}, "Eve's neighbour is another Ada"
        assert found_in(directory, *OTHERS) == set(OTHERS)
        assert found_in(directory, "stargazing", "wombat") == {"wombat"}
        back_up(store.path, tmp_path / "backup.db")
        copy = (tmp_path / "backup.db").read_bytes().lower()
        assert not [word for word in ADAS if word.lower().encode() in copy]
        assert await store.read(pending) == 0
        # What was forgotten does not come back with the index, nor with the work of idle time.
        rebuilt = World(store)
        await Hippocampus(store, rebuilt.embedder, clock=lambda: (NOON + 2 * DAY).timestamp()).think()
        await rebuilt.indexed()
        assert isinstance(rebuilt.index, FakeIndex)
        kept = " ".join(item.text for item in rebuilt.index.items.values())
        assert [word for word in ADAS if word in kept] == []
        assert all(word in kept for word in OTHERS)
        assert found_in(directory, *ADAS) == set()
        # That something happened stays, and who could know of it.
        entries = await store.read(
            lambda connection: timeline_page(connection, Query(lived_by="bob")).entries
        )
        assert len(entries) == 5
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            await store.write(
                lambda connection: connection.execute("UPDATE event SET text = 'x' WHERE seq = 1")
            )
    finally:
        await store.aclose()
    assert found_in(directory, *ADAS) == set()


async def test_nor_is_anything_left_in_the_files_of_the_index(tmp_path: Path) -> None:
    directory = tmp_path / "store"
    store = await Store.open(directory / "continuum.db")
    embedder = FakeEmbedder()

    async def opened() -> LanceIndex:
        return await LanceIndex.open(
            str(directory / "index"), name="memories", model=embedder.name, dimensions=embedder.dimensions
        )

    index = await opened()
    try:
        world = World(store, embedder, index)
        await lived(world)
        memories = await store.read(page)
        vectors = await embedder.embed([one.text for one in memories if one.subject == "ada"])
        assert found_in(directory / "index", *ADAS) == set(ADAS)
        assert any(held(directory / "index", vector) for vector in vectors)
        service = SelfService(store, world.recall, [world.indexing])
        await service.forget_person("ada", by="themselves", now=NOON + DAY)
        assert found_in(directory, *ADAS) == set()
        assert not any(held(directory, vector) for vector in vectors)
        assert found_in(directory / "index", *OTHERS) == set(OTHERS)
        assert await world.texts("What is Bob allergic to?", "bob") != []
        # A restart, and an index that is built anew, bring nothing back.
        await index.aclose()
        shutil.rmtree(directory / "index")
        index = await opened()
        again = World(store, embedder, index)
        await again.indexed()
        assert found_in(directory, *ADAS) == set()
        assert await again.texts("What is Bob allergic to?", "bob") != []
        assert await again.texts("Where does Ada live?", "ada") == []
    finally:
        await index.aclose()
        await store.aclose()


def held(directory: Path, vector: npt.NDArray[np.float32]) -> bool:
    """Whether a vector is in any file, as its bytes."""
    wanted = vector.tobytes()
    return any(wanted in file.read_bytes() for file in directory.rglob("*") if file.is_file())


def _lived_through(connection: sqlite3.Connection) -> None:
    """What personas keep of their lives: of Ada, and of others."""
    connection.execute(
        "INSERT INTO journal VALUES ('j1', 'nova', 'nova', 'lobby', 'We spoke of zymurgy.', 0),"
        " ('j2', 'nova', 'nova', 'lobby', 'A wombat came.', 1)"
    )
    connection.execute("INSERT INTO inner_note VALUES ('nova', 'lobby', 2, 'Ada likes stargazing.')")
    connection.execute("INSERT INTO experience VALUES ('nova', 'lobby', '{\"topics\": {\"zymurgy\": 2}}')")
    connection.execute(
        "INSERT INTO intention VALUES"
        " ('i1', 'nova', 'lobby', 'remind', 'Drink zymurgy', 'ada', 0, 1, 2, 0.5, NULL, 0, 0, '')"
    )
    connection.execute("INSERT INTO voiceprint VALUES ('v1', 'lobby', 'Ada', zeroblob(1024), 3.0, 'ada', 0)")


async def test_a_persona_tells_a_person_what_it_knows_of_them_and_may_say_to_them() -> None:
    world = World()
    await lived(world)
    service = SelfService(world.store, world.recall)
    known = (await service.known("nova", "ada", now=NOON + DAY)).known
    texts = " ".join(one.text for one in known)
    assert "Quillhaven" in texts
    assert "walrus" not in texts, "Bob said it where Ada was not"
    assert "hazelnuts" not in texts, "it is not about her"
    assert [one.at for one in known] == sorted((one.at for one in known), reverse=True)
    first = await service.known("nova", "ada", now=NOON + DAY, limit=1)
    second = await service.known("nova", "ada", now=NOON + DAY, limit=1, before=first.before)
    assert (*first.known, *second.known) == known[:2]
    assert (await service.known("robin", "ada", now=NOON + DAY)).known == ()
    taken = await service.export("ada", personas=("nova",), now=NOON + DAY)
    assert {one["what"] for one in taken} == {"memory", "event"}
    assert "My sister Petronilla is a glaciologist." in [one["text"] for one in taken]
    assert "walrus" not in str(taken)


async def test_a_correction_in_a_persons_own_words_holds_wherever_it_was_told_and_for_nobody_elses_memories() -> (
    None
):
    world = World()
    first = await world.fact(ADA, "Ada lives in Oslo.", "home", "Oslo", NOVA)
    second = await world.fact(ADA, "Ada lives in Oslo.", "home", "Oslo", BOB, NOVA, place=ATTIC)
    service = SelfService(world.store, world.recall)
    kept = await service.correct("nova", "ada", first, "I live in Rome.", now=NOON + DAY)
    assert (kept.value, kept.corrected) == ("Rome", True)
    assert kept.text == "Ada lives in Rome."
    both = await world.store.read(lambda connection: get(connection, [first, second]))
    assert {one.value for one in both.values()} == {"Rome"}
    assert await world.texts("Where does Ada live?", "ada", now=NOON + 2 * DAY) == ["Ada lives in Rome."]
    for person, id in (("bob", second), ("eve", first), ("ada", "none")):
        with pytest.raises(NoSuchMemory):
            await service.correct("nova", person, id, "She lives in Bonn.", now=NOON + DAY)
    with pytest.raises(ValueError, match="nothing"):
        await service.correct("nova", "ada", first, "  ", now=NOON + DAY)


def test_what_cannot_be_read_as_a_sentence_about_them_is_kept_as_theirs() -> None:
    memory = Memory(
        "m", 1, "fact", "Ada lives in Oslo.", NOON, subject="ada", subject_name="Ada", attribute="home"
    )
    assert corrected(memory, "I never told you that.", NOON) == (
        'Ada: "I never told you that."',
        "I never told you that.",
    )


async def test_one_memory_is_forgotten_with_the_words_it_comes_from_and_the_rest_stays(
    tmp_path: Path,
) -> None:
    store = await Store.open(tmp_path / "continuum.db")
    try:
        world = World(store)
        await lived(world)
        service = SelfService(store, world.recall, [Beside(world)])
        known = (await service.known("nova", "ada", now=NOON + DAY)).known
        (home,) = [one for one in known if "Quillhaven" in one.text and one.kind == "fact"]
        with pytest.raises(NoSuchMemory):
            await service.forget("nova", "bob", home.id, now=NOON + DAY)
        await service.forget("nova", "ada", home.id, now=NOON + DAY)
        assert found_in(tmp_path, "Quillhaven") == set()
        assert found_in(tmp_path, *ADAS[1:]) == set(ADAS[1:])
        (event,) = await store.read(
            lambda connection: timeline_page(connection, Query(seqs=frozenset({1}))).entries
        )
        assert event.text == "My hobby is zymurgy, I love it."
    finally:
        await store.aclose()


async def test_with_a_memory_go_its_words_wherever_they_are_repeated() -> None:
    world = World()
    told: list[Traces] = []

    async def let_go(traces: Traces) -> None:
        told.append(traces)

    await world.heard(ADA, "I live in Berlin.", ADA, NOVA)
    await world.heard(ADA, "I live in Xanadu.", ADA, NOVA, at=NOON + timedelta(minutes=5))
    await world.heard(BOB, "I love chess.", ADA, BOB, NOVA, at=NOON + timedelta(minutes=6))
    await Hippocampus(world.store, world.embedder, clock=lambda: (NOON + DAY / 4).timestamp()).think()
    await world.indexed()

    def lived_through(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO intention VALUES"
            " ('i1', 'nova', 'lobby', 'ask', 'Ada, how is it in Xanadu?', 'ada', 0, 0, 0, 0.5, NULL, 0, 0, ''),"
            " ('i2', 'nova', 'lobby', 'ask', 'Bob, a game of chess?', 'bob', 0, 0, 0, 0.5, NULL, 0, 0, '')"
        )
        connection.execute(
            "INSERT INTO inbox_message VALUES"
            " ('nova', 'lobby', 'u2', 'ada', 'Ada', 'I live in Xanadu.', 0, 0.5, NULL)"
        )

    def repeating(connection: sqlite3.Connection) -> set[str]:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            table
            for (table,) in tables
            if any("xanadu" in str(row).lower() for row in connection.execute(f"SELECT * FROM {table}"))
        }

    await world.store.write(lived_through)
    (home,) = [one for one in await world.store.read(page) if one.text == "Ada lives in Xanadu."]
    assert await world.store.read(repeating) >= {"intention", "inbox_message", "dream", "memory", "event"}
    service = SelfService(world.store, world.recall, [Beside(world)], let_go=let_go)
    await service.forget("nova", "ada", home.id, now=NOON + DAY)
    assert await world.store.read(repeating) == set()
    left = await world.store.read(
        lambda connection: connection.execute("SELECT id FROM intention").fetchall()
    )
    assert left == [("i2",)]
    assert not told[0].ids
    assert told[0].lines == {"u2"}
    assert echo_words(told[0]) == {"xanadu"}


async def test_what_was_told_about_something_is_forgotten_by_what_it_was_about() -> None:
    world = World()
    await world.fact(ADA, "Ada has a bad knee.", "health", "bad knee", NOVA, single=False)
    await world.fact(ADA, "Ada lives in Rome.", "home", "Rome", NOVA)
    await world.fact(BOB, "Bob has a bad knee.", "health", "bad knee", ADA, NOVA, single=False)
    await world.indexed()
    service = SelfService(world.store, world.recall, [Beside(world)])
    gone = await service.forget_about("nova", "ada", "my bad knee", now=NOON + DAY)
    assert gone == ("Ada has a bad knee.",)
    left = await world.store.read(page)
    assert {one.text for one in left} == {"Ada lives in Rome.", "Bob has a bad knee."}
    assert await service.forget_about("nova", "ada", "the weather in Peru", now=NOON + DAY) == ()


async def test_a_process_killed_between_the_erasure_and_the_scrubbing_finishes_at_its_next_start(
    tmp_path: Path,
) -> None:
    store = await Store.open(tmp_path / "continuum.db")
    world = World(store)
    await lived(world)
    await store.write(lambda connection: erase_person(connection, "ada", by="themselves", at=NOON + DAY))
    await store.aclose()
    store = await Store.open(tmp_path / "continuum.db")
    try:
        world = World(store)
        beside = Beside(world)
        service = SelfService(store, world.recall, [beside])
        assert await service.finish() == 1
        assert beside.calls == 1
        assert found_in(tmp_path, *ADAS) == set()
        assert await service.finish() == 0
    finally:
        await store.aclose()


class Observed(MemoryStore):
    """Counts from how many events each write takes words; dies before one of them, if told to."""

    def __init__(self) -> None:
        super().__init__()
        self.erased: list[int] = []
        self.dies_before: int | None = None

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self.dies_before == len(self.erased):
            raise DiskError("killed")

        def counted(connection: sqlite3.Connection) -> T:
            (before,) = connection.execute("SELECT count(*) FROM erased").fetchone()
            result = work(connection)
            self.erased.append(connection.execute("SELECT count(*) FROM erased").fetchone()[0] - before)
            return result

        return await super().write(counted)


async def test_a_long_life_is_forgotten_a_few_events_at_a_time_so_that_nobody_elses_words_wait() -> None:
    store = Observed()
    world = World(store)
    there = frozenset({ADA, NOVA})

    def lived_long(connection: sqlite3.Connection) -> None:
        for number in range(2 * STEP + 10):
            append(connection, Event(f"e{number}", "heard", LOBBY, ADA, f"Word {number}.", NOON, there))

    await store.write(lived_long)
    store.erased.clear()
    done = await SelfService(store, world.recall).forget_person("ada", by="themselves", now=NOON)
    assert len(done.events) == 2 * STEP + 10
    assert [count for count in store.erased if count] == [STEP, STEP, 10]


@pytest.mark.parametrize("writes", range(6))
async def test_a_process_killed_while_it_forgets_somebody_finishes_at_its_next_start(
    monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    monkeypatch.setattr(erasing, "STEP", 3)
    store = Observed()
    world = World(store)
    await lived(world)
    await store.write(_lived_through)
    store.erased.clear()
    store.dies_before = writes
    service = SelfService(store, world.recall, [Beside(world)])
    with pytest.raises(DiskError):
        await service.forget_person("ada", by="themselves", now=NOON + DAY)
    store.dies_before = None
    again = SelfService(store, world.recall, [Beside(world)])
    if writes == 0:
        assert await again.finish() == 0, "nothing had gone"
        return
    assert await again.finish() == 1
    rows = await store.read(
        lambda connection: [
            str(row)
            for (table,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall()
            for row in connection.execute(f"SELECT * FROM {table}")
        ]
    )
    assert [row for row in rows if any(word.lower() in row.lower() for word in ADAS)] == []
    assert await again.finish() == 0


async def test_who_speaks_on_after_being_forgotten_is_somebody_new_and_nothing_comes_back_twice() -> None:
    world = World()
    seat = Participant("seat1", "person", "Ada", "ada")
    event = Event("e1", "heard", LOBBY, seat, "I live in Quillhaven.", NOON, frozenset({seat, NOVA}))
    await world.store.write(lambda connection: append(connection, event))
    service = SelfService(world.store, world.recall)
    await service.forget_person("ada", by="themselves", now=NOON)
    again = await world.store.write(lambda connection: append(connection, event))
    assert again is None, "the room tells again what it remembers, and it is known"
    names = "SELECT count(*) FROM participant WHERE name = 'Ada' OR identity = 'ada'"
    rows = await world.store.read(lambda connection: connection.execute(names).fetchone())
    assert rows == (0,), "nor does that write again whose it was"
    (entry,) = (await world.store.read(lambda connection: timeline_page(connection, Query()))).entries
    assert entry.text == ""
    await service.forget_person("ada", by="themselves", now=NOON)
    await service.forget_person("nobody", by="an operator", now=NOON)
    traces = await world.store.read(lambda connection: traces_of(connection, "nova"))
    assert traces.events == (), "a persona is no person"


async def test_what_somebody_says_after_being_forgotten_is_not_tied_to_what_was_before() -> None:
    world = World()
    seat = Participant("seat1", "person", "Ada", "ada")
    there = frozenset({seat, BOB, NOVA})
    came = Event("a1", "arrived", LOBBY, seat, "", NOON, there)
    before = Event("e1", "heard", LOBBY, seat, "I live in Quillhaven.", NOON, there)
    for event in (came, before):
        await world.store.write(partial(append, event=event))
    service = SelfService(world.store, world.recall)
    await service.forget_person("ada", by="themselves", now=NOON)
    here = await world.store.read(lambda connection: present_in(connection, LOBBY))
    assert here["seat1"].name == "", "somebody still sits there, and nobody knows who"
    after = Event("e2", "heard", LOBBY, seat, "I like tea.", NOON + timedelta(minutes=1), there)
    assert await world.store.write(partial(append, event=after)) is not None

    def of(identity: str) -> Callable[[sqlite3.Connection], list[str]]:
        return lambda connection: [
            entry.text for entry in timeline_page(connection, Query(present=identity)).entries
        ]

    assert await world.store.read(of("ada")) == ["I like tea."]
    assert await world.store.read(of("bob")) == ["", "", "I like tea."]
    assert [await world.store.write(partial(append, event=event)) for event in (came, before, after)] == 3 * [
        None
    ]
    gone = Event("l1", "left", LOBBY, seat, "", NOON + timedelta(minutes=2), there)
    assert await world.store.write(partial(depart, event=gone)) is not None
    assert "seat1" not in await world.store.read(lambda connection: present_in(connection, LOBBY))
    await service.forget_person("ada", by="themselves", now=NOON)
    assert await world.store.read(of("ada")) == []


async def test_who_holds_something_in_memory_lets_go_of_it_first() -> None:
    world = World()
    await lived(world)
    told: list[Traces] = []

    async def let_go(traces: Traces) -> None:
        told.append(traces)

    await SelfService(world.store, world.recall, let_go=let_go).forget_person(
        "ada", by="themselves", now=NOON
    )
    assert told[0].names == {"Ada"}
    assert told[0].rooms == {"lobby"}


def test_words_are_taken_by_whose_and_about_whom_they_are() -> None:
    mentions, echoes = called_one_of({"Ada"}), names_one_of({"zymurgy"})
    met = {"bob", "nova"}

    def left(said: Said) -> str | None:
        return words_left(said, met, mentions, echoes)

    assert left(Said(1, "Anything.", "ada", own=True)) == ""
    assert left(Said(1, "I see.", "nova", persona=True, answer=True)) == ""
    assert left(Said(1, "Zymurgy!", "nova", persona=True)) == ""
    assert left(Said(1, "Zymurgy!", "bob")) is None
    assert left(Said(1, "I am ill. Ada's cat is, too. Bye.", "bob")) == "I am ill. Bye."
    assert left(Said(1, "Ada is my neighbour.", "eve")) is None, "she never met this one"
    assert left(Said(1, "Adamant.", "bob")) is None
    assert without("I am ill. I live in Rome. Bye.", "I live in Rome") == "I am ill. Bye."
    assert without("I live, in Rome!", "something else entirely") == ""
    traces = Traces(
        "ada",
        frozenset(),
        frozenset(),
        frozenset(),
        frozenset(),
        (Said(1, "Zymurgy today", "ada", own=True),),
    )
    assert echo_words(traces) == {"zymurgy", "today"}
    will, rose = called_one_of({"Will"}), called_one_of({"Rose"})
    assert [will(text) for text in ("I met Will.", "Will you come?", "I will.", "then will came")] == [
        True,
        False,
        False,
        False,
    ]
    assert [rose(text) for text in ("Rose is ill.", "The sun rose, Bob said.", "did rose call?")] == [
        True,
        False,
        True,
    ]
    ada, ozge = called_one_of({"Ada"}), called_one_of({"Özge"})
    assert [ada(text) for text in ("I think ada lives in Rome.", "ADA has a lover.", "Adamant.")] == [
        True,
        True,
        False,
    ]
    assert ozge("Then özge came.")
    assert ozge("ÖZGE, come!")
    assert names_one_of(())("anything") is False
