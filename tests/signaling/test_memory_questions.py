"""What a client asks of its memory with the personas, and of how a reply came about, and what it is told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.ipc.endpoint import RpcError
from signaling.ipc.jsonrpc import JsonObject
from signaling.server.memories import parse_explanation, parse_memories
from signaling.server.questions import FORGETTING_S, NO_MEMORY, NO_SUCH_LINE, NO_SUCH_MEMORY
from tests.signaling.house import house, line_to, mind_of
from tests.signaling.test_questions import heard

pytestmark = pytest.mark.virtual_time

AT = "2026-01-05T12:00:00+00:00"
KNOWN: dict[str, Any] = {
    "persona": "nova",
    "openness": "present",
    "known": [
        {
            "id": "m1",
            "text": "Ada lives in Rome.",
            "quote": "I live in Rome",
            "at": AT,
            "kind": "fact",
            "where": "attic",
            "current": True,
        }
    ],
    "before": "50",
}
EXPLANATION: dict[str, Any] = {
    "persona": "nova",
    "line": "u1",
    "parts": [
        {
            "words": "Where do I live?",
            "budget": 60,
            "tokens": 12,
            "ms": 8.1,
            "deadlineMs": 250.0,
            "sources": [{"source": "memory", "state": "loaded", "ms": 7.9, "pieces": 3, "tokens": 12}],
            "used": [
                {
                    "source": "memory",
                    "part": "fresh",
                    "tokens": 12,
                    "score": 0.8,
                    "text": "Ada lives in Rome.",
                    "origin": "Ada in attic, 2026-01-05",
                }
            ],
            "leftOut": 2,
        }
    ],
}


class Mind:
    """Answers what a test wants, and notes what it was asked."""

    def __init__(self, answer: JsonObject | RpcError) -> None:
        self.answer = answer
        self.asked: list[JsonObject] = []

    async def __call__(self, params: JsonObject) -> JsonObject:
        self.asked.append(params)
        if isinstance(self.answer, RpcError):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("method", "message", "answer", "told"),
    [
        (
            "memory.known",
            {"type": "memories", "before": "50"},
            KNOWN | {"journal": "secret"},
            {"type": "memories"} | KNOWN,
        ),
        (
            "memory.correct",
            {"type": "correct", "memory": "m1", "text": "I live in Oslo."},
            {},
            {"type": "ack"},
        ),
        ("memory.forget", {"type": "forget", "memory": "m1"}, {}, {"type": "ack"}),
        ("memory.forget", {"type": "forget", "memory": None}, {}, {"type": "ack"}),
        (
            "explain",
            {"type": "explain", "line": "u1"},
            EXPLANATION | {"prompt": "secret"},
            {"type": "explanation"} | EXPLANATION,
        ),
    ],
)
async def test_what_is_asked_goes_to_the_mind_for_who_asks_and_the_answer_comes_back_field_by_field(
    tmp_path: Path, method: str, message: dict[str, Any], answer: JsonObject, told: dict[str, Any]
) -> None:
    mind = Mind(answer)
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path, {method: mind}) as line:
        await line.attach()
        ada = home.arrive()
        await ada.join("Ada", "guest-1", person="person-ada")
        await line.ask("persona.join", id="nova", name="Nova")
        await heard(line, ada)
        ada.send(**message, id="q", persona="nova")
        assert await ada.expect(told["type"]) == told | {"id": "q"}
    fields = {name: value for name, value in message.items() if name != "type"}
    assert mind.asked == [{"room": "lobby", "id": ada.id, "giver": "person-ada", "persona": "nova"} | fields]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (NO_SUCH_MEMORY, "no-such-memory"),
        (NO_SUCH_LINE, "no-such-line"),
        (NO_MEMORY, "memory-away"),
        (9, "not-allowed"),
    ],
)
async def test_what_the_mind_refuses_is_said_in_the_protocols_words(
    tmp_path: Path, code: int, error: str
) -> None:
    mind = Mind(RpcError(code, "internals"))
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path, {"memory.forget": mind}) as line:
        await line.attach()
        ada = await home.seated("Ada")
        await line.ask("persona.join", id="nova", name="Nova")
        ada.send(type="forget", id="q", persona="nova", memory="m1")
        refusal = await ada.expect("error", id="q")
    assert refusal["code"] == error
    assert "internals" not in refusal["message"]


async def test_who_has_lived_long_with_the_personas_is_told_when_all_of_it_is_forgotten(
    tmp_path: Path,
) -> None:
    async def slowly(params: JsonObject) -> JsonObject:
        await asyncio.sleep(FORGETTING_S / 2)
        return {}

    async with (
        house(tmp_path) as home,
        line_to(home) as path,
        mind_of(path, {"memory.forget": slowly}) as line,
    ):
        await line.attach()
        ada = await home.seated("Ada")
        await line.ask("persona.join", id="nova", name="Nova")
        ada.send(type="forget", id="q", persona="nova", memory=None)
        ada.send(type="chat", id="c", text="meanwhile")
        assert (await ada.expect("ack"))["id"] == "c", "nobody waits for it"
        await asyncio.sleep(FORGETTING_S / 2 + 1)
        told = [json.loads(text) for text in ada.socket.sent]
        assert {"type": "ack", "id": "q"} in told


async def test_how_a_whisper_came_about_is_shown_to_nobody_who_did_not_hear_it(tmp_path: Path) -> None:
    mind = Mind(EXPLANATION)
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path, {"explain": mind}) as line:
        await line.attach()
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await line.ask("persona.join", id="nova", name="Nova")
        await heard(line, ada, listeners=[ada.id, "nova"])
        bob.send(type="explain", id="q", persona="nova", line="u1")
        assert (await bob.expect("error", id="q"))["code"] == "no-such-line"
        assert mind.asked == []


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(KNOWN)), anything)
def test_no_answer_of_the_mind_brings_anything_but_memories_or_an_error(field: str, value: object) -> None:
    try:
        shown = parse_memories(KNOWN | {field: value})
    except ValueError:
        return
    assert shown.keys() == KNOWN.keys()


@given(st.sampled_from(sorted(EXPLANATION["parts"][0])), anything)
def test_no_answer_of_the_mind_brings_anything_but_an_explanation_or_an_error(
    field: str, value: object
) -> None:
    part = EXPLANATION["parts"][0] | {field: value}
    try:
        shown = parse_explanation(EXPLANATION | {"parts": [part]})
    except ValueError:
        return
    assert shown["parts"][0].keys() == EXPLANATION["parts"][0].keys()
