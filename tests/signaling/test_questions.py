"""Feedback and cards: what a client asks the personas, and what it is told when they cannot answer."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.ipc.endpoint import RpcError
from signaling.ipc.jsonrpc import JsonObject
from signaling.server.card import parse_card
from signaling.server.personas import NO_SUCH_PARTICIPANT
from signaling.server.questions import MAX_UNANSWERED, QUESTIONS_BURST
from signaling.server.tokens import Permission
from tests.signaling.house import Client, FakeMind, house, line_to, mind_of

pytestmark = pytest.mark.virtual_time

AT = "2026-01-05T12:00:00+00:00"
CARD: dict[str, Any] = {
    "persona": "nova",
    "level": "trusted",
    "standing": {
        "quality": 0.61234,
        "completed": 3,
        "succeeded": 2,
        "failed": 1,
        "praised": 4,
        "criticised": 0,
        "givers": 3,
    },
    "expertise": [{"domain": "stars", "quality": 0.7, "count": 3}],
    "actions": [{"action": "remind", "words": "remind people", "needed": "novice", "allowed": True}],
    "history": [
        {
            "id": "9",
            "at": AT,
            "kind": "feedback",
            "value": 1,
            "domain": None,
            "level": None,
            "by": "Ada",
            "mine": True,
            "line": "u1",
        }
    ],
    "journal": [{"id": "j1", "at": AT, "text": "A quiet day."}],
    "before": "9",
}


class Ledger:
    """A mind's end of the questions: notes what it is asked, answers what a test wants."""

    def __init__(self) -> None:
        self.asked: list[JsonObject] = []
        self.answer: Callable[[], Awaitable[JsonObject]] = self.card

    async def card(self) -> JsonObject:
        return CARD

    async def __call__(self, params: JsonObject) -> JsonObject:
        self.asked.append(params)
        return await self.answer()


async def heard(mind: FakeMind, *clients: Client, listeners: list[str] | None = None, id: str = "u1") -> None:
    await mind.ask(
        "caption", id="nova", utterance=id, text="It is 17.", final=True, record=True, listeners=listeners
    )
    for client in clients:
        await client.expect("caption", utterance=id)


async def test_feedback_is_acknowledged_only_once_the_mind_has_kept_it(tmp_path: Path) -> None:
    ledger, kept = Ledger(), asyncio.Event()

    async def keep() -> JsonObject:
        await kept.wait()
        return {}

    ledger.answer = keep
    async with (
        house(tmp_path) as home,
        line_to(home) as path,
        mind_of(path, {"feedback": ledger}) as mind,
    ):
        await mind.attach()
        ada = await home.seated("Ada")
        await mind.ask("persona.join", id="nova", name="Nova")
        await heard(mind, ada)
        ada.send(type="feedback", id="f", persona="nova", line="u1", value=1)
        assert "ack" not in {message["type"] for message in await ada.settled()}, "and is served meanwhile"
        kept.set()
        assert await ada.expect("ack", id="f")
        assert ledger.asked == [
            {
                "room": "lobby",
                "id": ada.id,
                "message": "f",
                "giver": "ada",
                "name": "Ada",
                "persona": "nova",
                "line": "u1",
                "value": 1,
                "signed": False,
            }
        ]


async def test_a_line_that_was_not_heard_is_like_one_that_never_was(tmp_path: Path) -> None:
    ledger = Ledger()
    async with (
        house(tmp_path) as home,
        line_to(home) as path,
        mind_of(path, {"feedback": ledger}) as mind,
    ):
        await mind.attach()
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await mind.ask("persona.join", id="nova", name="Nova")
        await heard(mind, ada, listeners=[ada.id, "nova"])
        refusals = []
        for line in ("u1", "u2"):
            bob.send(type="feedback", id="f", persona="nova", line=line, value=1)
            refusals.append(await bob.expect("error"))
        assert refusals[0] == refusals[1]
        assert refusals[0]["code"] == "no-such-line"
        ada.send(type="feedback", id="f", persona="nova", line="u1", value=1)
        assert await ada.expect("ack", id="f")
        assert len(ledger.asked) == 1


@pytest.mark.parametrize("kind", ["feedback", "card"])
async def test_while_the_mind_is_away_people_are_told_so_and_may_ask_again(tmp_path: Path, kind: str) -> None:
    ledger = Ledger()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with mind_of(path) as mind:
            await mind.attach()
            await mind.ask("room.state")
            await mind.ask("persona.join", id="nova", name="Nova")
        while (await ada.expect("participant"))["participant"]["status"] != "away":
            pass
        ada.send(type=kind, id="q", persona="nova", value=1)
        assert (await ada.expect("error", id="q"))["code"] == "mind-away"
        async with mind_of(path, {"feedback": ledger, "persona.card": ledger}) as mind:
            await mind.attach()
            ada.send(type=kind, id="q", persona="nova", value=1)
            assert (await ada.expect("error", id="q"))["code"] == "mind-away", "it does not know the room yet"
            await mind.ask("room.state")
            await mind.ask("persona.join", id="nova", name="Nova")
            ada.send(type=kind, id="q", persona="nova", value=1)
            assert await ada.expect("ack" if kind == "feedback" else "card", id="q")


async def test_a_mind_that_dies_over_a_question_or_never_answers_is_away(tmp_path: Path) -> None:
    ledger = Ledger()

    async def never() -> JsonObject:
        await asyncio.Event().wait()
        return {}

    ledger.answer = never
    async with house(tmp_path) as home, line_to(home) as path:
        async with mind_of(path, {"feedback": ledger}) as mind:
            await mind.attach()
            ada = await home.seated("Ada")
            await mind.ask("persona.join", id="nova", name="Nova")
            ada.send(type="feedback", id="slow", persona="nova", value=1)
            assert (await ada.expect("error", id="slow"))["code"] == "mind-away"
            ada.send(type="feedback", id="cut", persona="nova", value=1)
            await ada.settled()
        assert (await ada.expect("error", id="cut"))["code"] == "mind-away"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (RpcError(NO_SUCH_PARTICIPANT, "no such persona"), "no-such-participant"),
        (RuntimeError("the disk is full"), "mind-away"),
    ],
)
async def test_what_the_mind_refuses_has_a_name(tmp_path: Path, raised: Exception, code: str) -> None:
    ledger = Ledger()

    async def fail() -> JsonObject:
        raise raised

    ledger.answer = fail
    async with (
        house(tmp_path) as home,
        line_to(home) as path,
        mind_of(path, {"persona.card": ledger}) as mind,
    ):
        await mind.attach()
        ada = await home.seated("Ada")
        await mind.ask("persona.join", id="nova", name="Nova")
        ada.send(type="card", id="q", persona="nova")
        assert (await ada.expect("error", id="q"))["code"] == code


async def test_a_card_shows_what_it_should_and_nothing_else_that_the_mind_may_have_sent(
    tmp_path: Path,
) -> None:
    ledger = Ledger()

    async def indiscreet() -> JsonObject:
        event = {**CARD["history"][0], "giver": "ada"}
        return {**CARD, "notes": "I fear the dark.", "history": [event]}

    ledger.answer = indiscreet
    async with (
        house(tmp_path) as home,
        line_to(home) as path,
        mind_of(path, {"persona.card": ledger}) as mind,
    ):
        await mind.attach()
        ada = await home.seated("Ada")
        await mind.ask("persona.join", id="nova", name="Nova")
        ada.send(type="card", id="q", persona="nova", before="12")
        shown = await ada.expect("card", id="q")
        assert shown == {"type": "card", "id": "q"} | CARD | {
            "standing": {**CARD["standing"], "quality": 0.612}
        }
        assert ledger.asked == [
            {"room": "lobby", "id": ada.id, "giver": "ada", "persona": "nova", "before": "12"}
        ]


async def test_only_a_persona_that_is_here_can_be_judged_and_only_by_who_listens(tmp_path: Path) -> None:
    ledger = Ledger()
    async with (
        house(tmp_path) as home,
        line_to(home) as path,
        mind_of(path, {"feedback": ledger}) as mind,
    ):
        await mind.attach()
        ada, deaf = await home.seated("Ada"), home.arrive()
        mute: frozenset[Permission] = frozenset({"speak"})
        await deaf.join("Dee", can=mute)
        await mind.ask("persona.join", id="nova", name="Nova")
        for whom in ("nobody", ada.id, deaf.id):
            ada.send(type="feedback", id="f", persona=whom, value=1)
            assert (await ada.expect("error", id="f"))["code"] == "no-such-participant"
        deaf.send(type="feedback", id="f", persona="nova", value=1)
        assert (await deaf.expect("error", id="f"))["code"] == "not-allowed"
        assert ledger.asked == []


async def test_a_flood_of_feedback_is_refused_and_few_wait_at_a_time(tmp_path: Path) -> None:
    ledger, open_gate = Ledger(), asyncio.Event()

    async def wait() -> JsonObject:
        await open_gate.wait()
        return {}

    ledger.answer = wait
    async with (
        house(tmp_path) as home,
        line_to(home) as path,
        mind_of(path, {"feedback": ledger}) as mind,
    ):
        await mind.attach()
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await mind.ask("persona.join", id="nova", name="Nova")
        for number in range(60):
            ada.send(type="feedback", id=str(number), persona="nova", value=1)
        refused = [message for message in await ada.settled() if message["type"] == "error"]
        assert {each["code"] for each in refused} == {"too-fast"}
        assert len(refused) == 60 - MAX_UNANSWERED
        open_gate.set()
        bob.send(type="feedback", id="f", persona="nova", value=-1)
        assert await bob.expect("ack", id="f")
        assert len(ledger.asked) <= QUESTIONS_BURST


async def test_who_leaves_before_the_answer_disturbs_nobody(tmp_path: Path) -> None:
    ledger = Ledger()

    async def late() -> JsonObject:
        await asyncio.sleep(1)
        return {}

    ledger.answer = late
    async with (
        house(tmp_path) as home,
        line_to(home) as path,
        mind_of(path, {"feedback": ledger}) as mind,
    ):
        await mind.attach()
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await mind.ask("persona.join", id="nova", name="Nova")
        ada.send(type="feedback", id="f", persona="nova", value=1)
        ada.send(type="leave")
        await ada.ended()
        bob.send(type="feedback", id="g", persona="nova", value=1)
        assert await bob.expect("ack", id="g")
        assert home.dropped("session-fault") == 0


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


@given(
    values,
    st.sampled_from(sorted(CARD)),
    st.sampled_from(["", "standing", "expertise", "actions", "history", "journal"]),
    st.text(max_size=8),
)
def test_whatever_is_said_to_be_a_card_is_one_or_is_refused(
    value: Any, field: str, inside: str, key: str
) -> None:
    changed: dict[str, Any] = {**CARD, field: value}
    if inside:
        held = CARD[inside]
        changed[inside] = {**held, key: value} if isinstance(held, dict) else [{**held[0], key: value}]
    for body in (value, changed):
        try:
            card = parse_card(body)
        except ValueError:
            continue
        assert parse_card(card) == card
        assert set(card) == set(CARD)
