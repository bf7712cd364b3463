"""The context engine: all sources at once, none past its deadline, none at another's cost, nothing left behind."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.rag.composition import PREAMBLE, Offer, compose_text
from cognition.rag.context import Accounts, Context
from cognition.rag.engine import ContextEngine, Feed
from cognition.rag.source import FakeSource, Piece, Request
from cognition.store.timeline import Participant, Place

NOVA = Participant("nova", "persona", "Nova")
ADA = Participant("seat-1", "person", "Ada", "ada")
REQUEST = Request(
    Place("lobby"), NOVA, (ADA,), datetime(2026, 1, 5, 12, tzinfo=UTC), "where does Bob live?", "ada"
)


def count(text: str) -> int:
    return len(text.split())


def piece(id: str, text: str = "", score: float = 0.5, **changes: object) -> Piece:
    return replace(Piece(id, text or f"fact {id}", "You remember", score), **changes)  # type: ignore[arg-type]


def engine(*sources: FakeSource, seconds: float = 0.04) -> ContextEngine:
    return ContextEngine([Feed(source, seconds) for source in sources], count)


async def composed(engine: ContextEngine, request: Request = REQUEST, **changes: object) -> Context:
    wanted: dict[str, object] = {"budget": 200, "deadline": 0.1, **changes}
    return await engine.compose(request, **wanted)  # type: ignore[arg-type]


@pytest.mark.virtual_time
async def test_sources_are_loaded_at_once() -> None:
    sources = [FakeSource(f"s{n}", [piece(f"{n}")], seconds=0.03) for n in range(7)]
    began = asyncio.get_running_loop().time()
    context = await composed(engine(*sources))
    assert asyncio.get_running_loop().time() - began == pytest.approx(0.03)
    assert {used.source for used in context.account.used} == {f"s{n}" for n in range(7)}


@pytest.mark.virtual_time
async def test_a_source_that_hangs_is_left_out_named_and_counted() -> None:
    hanging = FakeSource("slow", [piece("1")], seconds=3600)
    made = engine(FakeSource("quick", [piece("2")]), hanging, seconds=9)
    began = asyncio.get_running_loop().time()
    context = await composed(made, deadline=0.05)
    assert asyncio.get_running_loop().time() - began <= 0.05
    assert [(load.source, load.state) for load in context.account.loads] == [
        ("quick", "loaded"),
        ("slow", "late"),
    ]
    assert made.counts["context source late: slow"] == 1
    assert '"fact 2"' in context.fresh
    assert hanging.running == 0


@pytest.mark.virtual_time
async def test_a_source_has_a_deadline_of_its_own() -> None:
    made = ContextEngine(
        [
            Feed(FakeSource("a", [piece("1")], seconds=0.02), seconds=0.01),
            Feed(FakeSource("b", [piece("2")], seconds=0.02), seconds=0.03),
        ],
        count,
    )
    began = asyncio.get_running_loop().time()
    context = await composed(made, deadline=10)
    assert asyncio.get_running_loop().time() - began == pytest.approx(0.02)
    assert [load.state for load in context.account.loads] == ["late", "loaded"]
    assert context.account.loads[0].milliseconds == pytest.approx(10)


class Cancelled(FakeSource):
    async def load(self, request: Request) -> Sequence[Piece]:
        future: asyncio.Future[Sequence[Piece]] = asyncio.get_running_loop().create_future()
        future.cancel()
        return await future


@pytest.mark.virtual_time
async def test_a_source_that_raises_costs_the_others_nothing() -> None:
    broken = [
        FakeSource("broken", error=RuntimeError("no such table\nsecond line")),
        FakeSource("own timeout", error=TimeoutError()),
        Cancelled("cancelled"),
    ]
    made = engine(*broken, FakeSource("sound", [piece("1")], seconds=0.01))
    context = await composed(made)
    assert [(load.state, load.reason) for load in context.account.loads] == [
        ("failed", "RuntimeError: no such table"),
        ("failed", "TimeoutError"),
        ("failed", "CancelledError"),
        ("loaded", ""),
    ]
    assert made.counts["context source failed: broken"] == 1
    assert '"fact 1"' in context.fresh


@pytest.mark.virtual_time
async def test_a_cancelled_composition_leaves_no_task() -> None:
    sources = [FakeSource(f"s{n}", seconds=3600) for n in range(3)]
    composing = asyncio.create_task(composed(engine(*sources, seconds=7200), deadline=7200))
    await asyncio.sleep(1)
    assert [source.running for source in sources] == [1, 1, 1]
    composing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await composing
    assert [source.running for source in sources] == [0, 0, 0]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.virtual_time
async def test_only_the_sources_of_the_wanted_parts_are_asked() -> None:
    stable = FakeSource("identity", [piece("1", part="stable")], parts=frozenset({"stable"}))
    fresh = FakeSource("memory", [piece("2"), piece("3", part="stable")], parts=frozenset({"fresh"}))
    context = await composed(engine(stable, fresh), replace(REQUEST, parts=frozenset({"fresh"})))
    assert (len(stable.requests), len(fresh.requests)) == (0, 1)
    assert context.stable == ""
    assert [used.id for used in context.account.used] == ["2"]


@pytest.mark.virtual_time
async def test_nothing_that_stands_in_the_prompt_is_said_again() -> None:
    memory = FakeSource("memory", [piece("1", "Ada lives in Rome.", part="stable")])
    made = engine(memory)
    standing = await composed(made)
    again = FakeSource("memory", [piece("1", "other words"), piece("9", "ADA lives in Rome"), piece("3")])
    context = await composed(engine(again), standing=[standing])
    assert [used.id for used in context.account.used] == ["3"]
    assert dict(context.account.counts) == {"said already": 2}
    assert PREAMBLE in standing.stable
    assert PREAMBLE not in context.fresh


@pytest.mark.virtual_time
async def test_what_scores_too_little_is_not_worth_its_tokens() -> None:
    context = await composed(
        engine(FakeSource("memory", [piece("1", score=0.9), piece("2", score=0.2)])), least=0.5
    )
    assert [used.id for used in context.account.used] == ["1"]
    assert [(one.id, one.why) for one in context.account.left_out] == [("2", "scores too little")]


@pytest.mark.virtual_time
async def test_an_account_is_readable_and_shown_to_who_heard_the_reply_alone() -> None:
    made = engine(FakeSource("memory", [piece("1", origin="lobby, Monday")]), FakeSource("slow", seconds=9))
    account = (await composed(made)).account
    told = json.loads(json.dumps(account.as_json()))
    assert told["used"] == [
        {
            "source": "memory",
            "id": "1",
            "part": "fresh",
            "tokens": 4,
            "score": 0.5,
            "text": '"fact 1"',
            "origin": "lobby, Monday",
        }
    ]
    assert told["sources"][1] == {"source": "slow", "state": "late", "ms": 40.0, "pieces": 0, "tokens": 0}
    accounts = Accounts(2)
    for reply in ("r1", "r2", "r3"):
        accounts.keep(reply, [account])
    assert accounts.of("r1", "ada") is None, "only the latest are kept"
    assert accounts.of("r3", "ada") == (account,)
    assert accounts.of("r3", "bob") is None
    accounts.clear()
    assert accounts.of("r3", "ada") is None


def test_two_sources_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="different names"):
        engine(FakeSource("a"), FakeSource("a"))


def test_a_request_without_who_answers_is_refused() -> None:
    with pytest.raises(ValueError, match="names the persona"):
        replace(REQUEST, persona=Participant("", "persona", ""))


PIECES = st.lists(
    st.builds(
        Piece,
        st.integers(0, 30).map(str),
        st.lists(
            st.sampled_from(["rome", "luna", "train", "I", "<|im_end|>", '"', "\n", ":"]), max_size=30
        ).map(" ".join),
        st.sampled_from(["", "You remember", "The file a says", 'x"\n<y']),
        st.floats(0, 1),
        st.sampled_from(["stable", "fresh"]),
        st.booleans(),
        shorter=st.lists(st.sampled_from(["", "the train", 'to "rome" <|im_end|>']), max_size=2).map(tuple),
    ),
    max_size=8,
)
OFFERS = st.lists(
    st.builds(Offer, st.sampled_from(["a", "b", "c"]), PIECES, st.integers(1, 5), st.integers(0, 40)),
    max_size=4,
)


@given(OFFERS, st.integers(0, 120), st.sampled_from([count, len]))
def test_the_text_is_within_the_budget_and_each_piece_is_accounted_for(
    offers: list[Offer], budget: int, counted: object
) -> None:
    assert callable(counted)
    made = compose_text(offers, budget, counted)
    text = "\n".join(part for part in (made.stable, made.fresh) if part)
    assert made.stable_tokens + made.fresh_tokens <= budget
    assert (made.stable_tokens, made.fresh_tokens) == tuple(
        counted(part) if part else 0 for part in (made.stable, made.fresh)
    )
    assert len(made.used) + len(made.left_out) == sum(len(offer.pieces) for offer in offers)
    assert all(used.text in text for used in made.used)
    assert "<" not in text
    for line in text.splitlines():
        assert line.count('"') % 2 == 0


def test_a_piece_that_is_too_long_is_cut_and_not_dropped_where_nothing_else_is_there() -> None:
    long = Offer("documents", [piece("1", "word " * 100)])
    made = compose_text([long], 60, count)
    assert made.fresh.endswith('word…"')
    assert 40 <= made.fresh_tokens <= 60


def test_where_there_is_no_room_the_best_piece_is_told_shorter_and_no_lesser_one_instead() -> None:
    best = piece("1", "the whole " * 10, score=0.9, shorter=("what matters of it", "it"))
    offer = Offer("documents", [best, piece("2", "something else", score=0.4)])
    preamble = count(PREAMBLE)
    assert 'remember: "what matters of it"' in compose_text([offer], preamble + 6, count).fresh
    assert compose_text([offer], preamble + 3, count).fresh.endswith('remember: "it"')
    assert "the whole the whole" in compose_text([offer], preamble + 30, count).fresh


def test_a_token_more_where_texts_are_joined_takes_a_word_and_not_the_whole_piece() -> None:
    def joined_costs_one(text: str) -> int:
        return count(text) + ("\n" in text.strip())

    made = compose_text([Offer("documents", [piece("1", "word " * 100)])], 60, joined_costs_one)
    assert made.fresh.endswith('word…"')
    assert 40 <= made.fresh_tokens <= 60


def test_what_matters_most_stands_last_and_one_label_is_one_line() -> None:
    pieces = [piece("1", score=0.9), piece("2", score=0.3, label="The file a says"), piece("3", score=0.8)]
    made = compose_text([Offer("memory", pieces)], 100, count, said=())
    assert made.fresh.splitlines()[1:] == [
        'The file a says: "fact 2"',
        'You remember: "fact 3" "fact 1"',
    ]
