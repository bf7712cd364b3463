"""What comes back: by words, person, place and time, before those who may know it; what holds, what was."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from cognition.memory import recollecting
from cognition.memory.recall import FakeRecall, Recalled, Source
from cognition.memory.recollecting import HybridRecall
from cognition.search.embedder import EmbeddingError, FakeEmbedder
from cognition.search.fake_index import FakeIndex
from cognition.search.index import IndexFailed
from cognition.store.memories import IN_DOUBT, TASTE, delete, get
from cognition.store.timeline import Participant, open_place
from tests.cognition.remembering import ADA, ATTIC, BOB, LOBBY, NOON, NOVA, World

DAY = timedelta(days=1)


async def test_a_question_brings_back_what_was_said_with_its_words_source_and_time() -> None:
    world = World()
    await world.fact(ADA, "Ada's cat is called Luna.", "cat", "Luna", NOVA, words="My cat is called Luna.")
    await world.fact(ADA, "Ada works at the harbour.", "work", "harbour", NOVA)
    await world.indexed()
    (found,) = await world.recall.recall(
        "nova", frozenset({"ada"}), "What is my cat called?", now=NOON + DAY, limit=1
    )
    assert (found.text, found.quote) == ("Ada's cat is called Luna.", "My cat is called Luna.")
    assert found.source == Source((1,), LOBBY, ("Ada",))
    assert (found.at, found.subject, found.current) == (NOON, "ada", True)
    assert 0.0 < found.score <= 1.0
    shown = await world.recall.shown("nova", frozenset({"ada"}), found.id, now=NOON + DAY)
    assert shown is not None
    assert [entry.text for entry in shown.entries] == ["My cat is called Luna."]
    assert await world.recall.shown("nova", frozenset({"ada", "eve"}), found.id, now=NOON + DAY) is None


async def test_what_nobody_said_is_not_made_up() -> None:
    world = World()
    await world.fact(ADA, "Ada's cat is called Luna.", "cat", "Luna", NOVA)
    assert await world.texts("How tall is the Eiffel tower?", "ada") == []
    assert await world.texts("  ", "ada") == []
    assert world.recall.counts["nothing recalled"] == 1


async def test_what_was_said_before_some_comes_back_before_them_and_before_nobody_else() -> None:
    world = World()
    await world.fact(ADA, "Ada's cat is called Luna.", "cat", "Luna", BOB, NOVA)
    await world.fact(ADA, "Ada's cat is ill.", "cat health", "ill", BOB, NOVA, to=frozenset({"ada", "nova"}))
    for listeners, expected in (
        (("ada",), 2),
        (("bob",), 1),
        (("ada", "bob"), 1),
        (("eve",), 0),
        (("ada", "eve"), 0),
    ):
        assert len(await world.texts("How is Ada's cat?", *listeners)) == expected
    assert await world.texts("How is Ada's cat?", "ada", persona="robin") == [], "who was not there"
    await world.store.write(lambda connection: open_place(connection, LOBBY, True))
    assert await world.texts("How is Ada's cat?", "eve") == ["Ada's cat is called Luna."]


async def test_an_index_that_finds_too_much_gives_nothing_away() -> None:
    world = World()
    id = await world.fact(ADA, "Ada's cat is called Luna.", "cat", "Luna", NOVA)
    await world.indexed()
    search = world.index.search

    async def careless(vector, text, *, limit, where):  # type: ignore[no-untyped-def]
        return await search(vector, text, limit=limit)

    world.index.search = careless  # type: ignore[method-assign,assignment]
    assert await world.texts("What is Ada's cat called?", "eve") == []
    await world.store.write(lambda connection: delete(connection, [id]))
    assert await world.recall.recall("nova", frozenset({"ada"}), "Ada's cat", now=NOON + DAY) == (), (
        "nor what is gone and the index has not heard of it"
    )


async def test_a_move_shows_where_it_was_told_and_nowhere_else() -> None:
    world = World()
    await world.fact(ADA, "Ada lives in Oslo.", "home", "Oslo", BOB, NOVA)
    await world.fact(ADA, "Ada lives in Rome.", "home", "Rome", NOVA, at=NOON + 10 * DAY)
    later = NOON + 20 * DAY
    await world.indexed()
    now, past = await world.recall.recall("nova", frozenset({"ada"}), "Where does Ada live?", now=later)
    assert (now.text, now.current) == ("Ada lives in Rome.", True)
    assert (past.text, past.current, past.valid_to) == ("Ada lives in Oslo.", False, NOON + 10 * DAY)
    (told,) = await world.recall.recall("nova", frozenset({"bob"}), "Where does Ada live?", now=later)
    assert (told.text, told.current, told.valid_to) == ("Ada lives in Oslo.", True, None)


async def test_where_she_lived_before_is_answered_with_the_past() -> None:
    world = World()
    for number, city in enumerate(("Oslo", "Rome", "Bonn")):
        await world.fact(ADA, f"Ada lives in {city}.", "home", city, NOVA, at=NOON + 100 * number * DAY)
    texts = await world.texts("Where did Ada live before?", "ada", now=NOON + 400 * DAY)
    assert set(texts[:2]) == {"Ada lives in Oslo.", "Ada lives in Rome."}
    texts = await world.texts("Where does Ada live now?", "ada", now=NOON + 400 * DAY)
    assert texts[0] == "Ada lives in Bonn."
    texts = await world.texts("Where did Ada live last July?", "ada", now=NOON + 400 * DAY, limit=1)
    assert texts == ["Ada lives in Oslo."]


async def test_who_asks_about_the_old_value_is_told_what_holds_as_well() -> None:
    world = World()
    await world.fact(ADA, "Ada lives in Oslo.", "home", "Oslo", NOVA)
    await world.fact(ADA, "Ada has moved to Rome.", "home", "Rome", NOVA, at=NOON + DAY)
    await world.indexed()
    found = await world.recall.recall(
        "nova", frozenset({"ada"}), "Does Ada live in Oslo?", now=NOON + 3 * DAY
    )
    assert {(each.text, each.current) for each in found} == {
        ("Ada lives in Oslo.", False),
        ("Ada has moved to Rome.", True),
    }


async def test_the_same_fact_told_in_two_rooms_comes_back_once() -> None:
    world = World()
    await world.fact(ADA, "Ada lives in Rome.", "home", "Rome", NOVA)
    await world.fact(ADA, "Ada lives in Rome.", "home", "Rome", BOB, NOVA, at=NOON + DAY, place=ATTIC)
    assert await world.texts("Where does Ada live?", "ada", now=NOON + 2 * DAY) == ["Ada lives in Rome."]


async def test_a_time_and_a_place_choose_among_what_is_alike() -> None:
    world = World()
    for day, (place, what) in enumerate(((LOBBY, "pottery"), (ATTIC, "sailing"), (LOBBY, "chess"))):
        await world.fact(
            ADA,
            f"Ada went to the {what} club.",
            f"did {what}",
            what,
            NOVA,
            at=NOON + day * DAY,
            place=place,
            single=False,
            kind="event",
        )
    now = NOON + 3 * DAY
    assert await world.texts("Which club did Ada go to yesterday?", "ada", now=now, limit=1) == [
        "Ada went to the chess club."
    ]
    assert await world.texts("What did we talk about two days ago?", "ada", now=now) == [
        "Ada went to the sailing club."
    ]
    assert await world.texts("Which club did Ada go to?", "ada", now=now, place=ATTIC) == [
        "Ada went to the sailing club."
    ]


async def test_of_two_people_the_one_who_is_asked_for_comes_first_and_a_filter_leaves_the_other_out() -> None:
    world = World()
    await world.fact(ADA, "Ada lives in Rome.", "home", "Rome", BOB, NOVA)
    await world.fact(BOB, "Bob lives in Oslo.", "home", "Oslo", ADA, NOVA)
    assert (await world.texts("Where does Bob live?", "ada", "bob"))[0] == "Bob lives in Oslo."
    found = await world.texts("Where do they live?", "ada", "bob", about=frozenset({"ada"}))
    assert found == ["Ada lives in Rome."]


async def test_i_is_whoever_asks_where_there_is_but_one_who_may() -> None:
    world = World()
    await world.fact(ADA, "Ada lives in Rome.", "home", "Rome", BOB, NOVA)
    await world.fact(BOB, "Bob lives in Oslo.", "home", "Oslo", ADA, NOVA)
    assert (await world.texts("Where do I live?", "bob"))[0] == "Bob lives in Oslo."
    assert (await world.texts("Where do I live?", "ada"))[0] == "Ada lives in Rome."


async def test_who_is_asked_about_need_not_be_there_to_be_asked_about_in_their_own_words() -> None:
    world = World()
    asked: list[str] = []
    embed = world.embedder.embed

    async def heard(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        asked.extend(texts)
        return await embed(texts)

    await world.fact(BOB, "Bob lives in Oslo.", "home", "Oslo", ADA, NOVA)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world.embedder, "embed", heard)
        assert await world.texts("Where does Bob live?", "ada") == ["Bob lives in Oslo."]
    assert asked[-1] == "Where do I live?"


async def test_what_was_asserted_comes_before_what_was_supposed() -> None:
    world = World()
    for words, doubt in (("Maybe the flat was in Turin.", IN_DOUBT), ("Well, the flat was in Turin.", "")):
        await world.fact(ADA, f"Ada: {words}", doubt, "", BOB, NOVA, kind="turn", words=words, single=False)
    found = await world.texts("Was the flat in Turin?", "ada")
    assert found == ["Ada: Well, the flat was in Turin.", "Ada: Maybe the flat was in Turin."]


async def test_an_answer_comes_with_the_question_that_it_answers_and_not_from_another_audience_or_talk() -> (
    None
):
    world = World()

    async def said(text: str, seconds: int, **more: Any) -> None:
        at = NOON + timedelta(seconds=seconds)
        await world.fact(
            ADA, f"Ada: {text}", "", text, BOB, NOVA, at=at, kind="turn", words=text, single=False, **more
        )

    await said("It was on a wet beach in Wales.", -3600)
    await said("How long have you two been married now?", 0)
    await said("Ten, behind his back.", 5, to=frozenset({"ada", "nova"}))
    await said("Five years already!", 10)
    await said("Time flies, does it not?", 30)
    await world.indexed()
    query = "How long have they been married?"
    found = await HybridRecall(world.store, world.embedder, world.index, least=0.2).recall(
        "nova", frozenset({"ada", "bob"}), query, now=NOON + DAY
    )
    assert [one.quote for one in found][:2] == [
        "How long have you two been married now?",
        "Five years already!",
    ]
    assert "Ten, behind his back." not in [one.quote for one in found]


async def test_advice_looks_among_the_tastes_of_those_who_ask_however_much_else_is_nearer() -> None:
    world = World()

    async def said(who: Participant, text: str, attribute: str = "") -> None:
        words = f"{who.name}: {text}"
        await world.fact(who, words, attribute, text, ADA, BOB, NOVA, kind="turn", words=text, single=False)

    for number in range(recollecting.DEPTH + 5):
        await said(ADA, f"I should order a curry with the others on day {number}.")
    await said(BOB, "For me the milder the better, always.", TASTE)
    await said(ADA, "Nothing is too hot for me.", TASTE)
    await world.indexed()
    recall = HybridRecall(world.store, world.embedder, world.index, least=0.0)
    question = "What curry should I order with the others?"
    found = await recall.recall("nova", frozenset({"ada"}), question, now=NOON + DAY, limit=100)
    quotes = [one.quote for one in found]
    assert "Nothing is too hot for me." in quotes
    assert "For me the milder the better, always." not in quotes
    plain = "Which curry did I order with the others?"
    found = await recall.recall("nova", frozenset({"ada"}), plain, now=NOON + DAY, limit=100)
    assert "Nothing is too hot for me." not in [one.quote for one in found]


async def test_of_a_person_open_threads_come_first_and_what_is_over_does_not_come() -> None:
    world = World()
    await world.fact(ADA, "Ada lives in Oslo.", "home", "Oslo", NOVA, importance=0.9)
    await world.fact(ADA, "Ada lives in Rome.", "home", "Rome", NOVA, at=NOON + DAY, importance=0.9)
    await world.fact(
        ADA,
        "Ada has an interview.",
        "plan",
        "interview",
        NOVA,
        kind="commitment",
        single=False,
        due=NOON + 5 * DAY,
    )
    await world.fact(
        ADA, "Ada will call Tom.", "plan", "Tom", NOVA, kind="commitment", single=False, due=NOON - 90 * DAY
    )
    await world.fact(
        ADA, "Lena is ill.", "health", "ill", NOVA, subject="ada/Lena", subject_name="Lena", single=False
    )
    found = await world.recall.about("nova", frozenset({"ada"}), "ada", now=NOON + 3 * DAY)
    assert [each.text for each in found] == ["Ada has an interview.", "Ada lives in Rome.", "Lena is ill."]
    assert found[0].due == NOON + 5 * DAY
    assert await world.recall.about("nova", frozenset({"bob"}), "ada", now=NOON + 3 * DAY) == ()


async def test_what_comes_back_is_marked_as_used_once_however_often_a_transcript_asks() -> None:
    world = World()
    id = await world.fact(ADA, "Ada's cat is called Luna.", "cat", "Luna", NOVA)
    for length in range(12, 22):
        await world.texts("What is Ada's cat called?"[:length], "ada")
    await world.texts("What is Ada's cat called?", "ada", now=NOON + 2 * DAY)
    await world.recall.settled()
    kept = await world.store.read(lambda connection: get(connection, [id])[id])
    assert (kept.used, kept.used_at) == (2, NOON + 2 * DAY)


async def test_recall_that_is_cancelled_leaves_nothing_behind_and_the_next_one_works() -> None:
    world = World()
    await world.fact(ADA, "Ada's cat is called Luna.", "cat", "Luna", NOVA)
    await world.indexed()
    gate, search = asyncio.Event(), world.index.search

    async def slow(*arguments, **more):  # type: ignore[no-untyped-def]
        await gate.wait()
        return await search(*arguments, **more)

    world.index.search = slow  # type: ignore[method-assign]
    asking = asyncio.create_task(world.texts("What is Ada's cat called?", "ada"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    gate.set()
    assert await world.texts("What is Ada's cat called?", "ada") == ["Ada's cat is called Luna."]


async def test_an_embedder_or_an_index_that_fails_is_named_and_not_taken_for_no_memory() -> None:
    world = World()
    await world.fact(ADA, "Ada's cat is called Luna.", "cat", "Luna", NOVA)
    await world.indexed()
    assert isinstance(world.embedder, FakeEmbedder)
    world.embedder.error = "no model"
    with pytest.raises(EmbeddingError, match="no model"):
        await world.recall.recall("nova", frozenset({"ada"}), "cat", now=NOON)
    assert isinstance(world.index, FakeIndex)
    world.embedder.error, world.index.closed = None, True
    with pytest.raises(IndexFailed, match="closed"):
        await world.recall.recall("nova", frozenset({"ada"}), "cat", now=NOON)


async def test_the_fake_keeps_the_promises_of_recall() -> None:
    luna = Recalled(
        "m1", "Ada's cat is called Luna.", "", NOON, "ada", "fact", 0.0, Source((1,), LOBBY, ("Ada",))
    )
    fake = FakeRecall([(luna, frozenset({"ada", "nova"}))])
    (found,) = await fake.recall("nova", frozenset({"ada"}), "How is the cat?", now=NOON)
    assert found.id == "m1"
    assert found.score > 0.0
    assert await fake.recall("nova", frozenset({"ada", "eve"}), "How is the cat?", now=NOON) == ()
    assert await fake.recall("nova", frozenset({"ada"}), "Weather?", now=NOON) == ()
    assert [each.id for each in await fake.about("nova", frozenset({"ada"}), "ada", now=NOON)] == ["m1"]
    assert await fake.shown("robin", frozenset({"ada"}), "m1", now=NOON) is None


async def test_what_is_known_of_a_person_is_worked_out_once_until_something_changes() -> None:
    world = World()
    await world.fact(ADA, "Ada's cat is called Luna.", "cat", "Luna", NOVA)

    async def known(now: datetime = NOON) -> list[str]:
        told = await world.recall.about("nova", frozenset({"ada"}), "ada", now=now)
        return [each.text for each in told]

    assert await known() == await known() == ["Ada's cat is called Luna."]
    assert world.recall._people.computed == 1
    await world.fact(ADA, "Ada lives in Rome.", "home", "Rome", NOVA)
    assert sorted(await known()) == ["Ada lives in Rome.", "Ada's cat is called Luna."]
    assert world.recall._people.computed == 2
    await known(NOON + DAY)
    assert world.recall._people.computed == 3
    await world.store.write(lambda connection: open_place(connection, LOBBY, True))
    await known(NOON + DAY)
    assert world.recall._people.computed == 4
