"""Who has the floor and how personas are, as a room's people are shown it; a whisper's floor stays in its circle."""

import asyncio
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.conversation.reasons import SILENCES, WISHES, WORDS, Silence, Wish
from signaling.ipc.endpoint import RpcError
from signaling.ipc.jsonrpc import INVALID_PARAMS
from signaling.server.floor import MAX_CIRCLES, NOBODY, Floor, Floors, parse_floor
from tests.signaling.house import FakeMind, house, line_to, mind_of

pytestmark = pytest.mark.virtual_time


async def seat_personas(mind: FakeMind, *ids: str) -> None:
    for id in ids:
        await mind.ask("persona.join", id=id, name=id.title())


def waits(id: str, reason: str = "addressed") -> dict[str, str]:
    return {"id": id, "reason": reason}


async def floors_of(client: Any) -> list[dict[str, Any]]:
    return [message for message in await client.settled() if message["type"] == "floor"]


async def test_all_are_told_who_has_the_floor_who_waits_and_why_in_words(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await seat_personas(mind, "nova", "echo", "mira")
        said = {"holder": "nova", "queue": [waits("echo")], "silent": [waits("mira", "resting")]}
        await mind.ask("floor", **said)
        await mind.ask("floor", **said)
        shown = {
            "holder": "nova",
            "queue": [{"id": "echo", "reason": "addressed", "words": "was called by name"}],
            "silent": [{"id": "mira", "reason": "resting", "words": "is resting"}],
        }
        assert await floors_of(ada) == [{"type": "floor", **shown}], "and once only"
        assert (await home.arrive().join("Bob"))["floor"] == shown
        await mind.ask("persona.leave", id="nova")
        assert (await floors_of(ada))[-1]["holder"] is None


async def test_a_whispers_floor_is_shown_to_its_circle_alone_also_to_who_comes_back(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await seat_personas(mind, "nova", "echo")
        circle = [ada.id, "nova"]
        await mind.ask("floor", holder="nova", queue=[], silent=[], listeners=circle)
        assert await floors_of(bob) == []
        (told,) = await floors_of(ada)
        assert (told["holder"], told["to"]) == ("nova", sorted(circle))
        await mind.ask("floor", holder="echo", queue=[], silent=[])
        assert [each["holder"] for each in await floors_of(bob)] == ["echo"]
        assert await floors_of(ada) == [], "she is shown her whisper's while it lasts"
        assert (await home.arrive().join("Carl"))["floor"]["holder"] == "echo"
        ada.socket.hang_up()
        again = home.arrive()
        back = await again.join("Ada", resume=ada.resume)
        assert (again.id, back["floor"]["holder"], back["floor"]["to"]) == (ada.id, "nova", sorted(circle))
        await mind.ask("floor", holder=None, queue=[], silent=[], listeners=circle)
        (told,) = await floors_of(again)
        assert (told["holder"], "to" in told) == ("echo", False)


async def test_nobody_has_the_floor_once_the_mind_is_gone(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with mind_of(path) as mind:
            await mind.attach()
            await seat_personas(mind, "nova")
            await mind.ask("floor", holder="nova", queue=[], silent=[])
            await mind.ask("floor", holder="nova", queue=[], silent=[], listeners=[ada.id, "nova"])
        told = await ada.expect("floor", holder=None)
        assert "to" not in told


async def test_how_a_persona_is_is_told_in_steps_when_it_changes_and_to_who_joins(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await seat_personas(mind, "nova")
        for energy in (0.512, 0.49, 0.44):
            await mind.ask(
                "persona.presence", id="nova", energy=energy, valence=-0.01, arousal=1, level="trusted"
            )
        told = [message for message in await ada.settled() if message["type"] == "presence"]
        assert [each["energy"] for each in told] == [0.5, 0.45]
        assert told[0] == {
            "type": "presence",
            "id": "nova",
            "energy": 0.5,
            "valence": 0.0,
            "arousal": 1.0,
            "level": "trusted",
        }
        (known,) = (await home.arrive().join("Bob"))["presences"]
        assert (known["id"], known["energy"]) == ("nova", 0.45)
        await mind.ask("persona.leave", id="nova")
        assert (await home.arrive().join("Carl"))["presences"] == []


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("floor", {"holder": 1}),
        ("floor", {"queue": None}),
        ("floor", {"queue": [{"id": "nova", "reason": "because"}]}),
        ("floor", {"queue": [{"id": "nova", "reason": "resting"}]}),
        ("floor", {"silent": [{"id": "nova", "reason": "addressed"}]}),
        ("floor", {"silent": [{"id": "nova", "reason": ["resting"]}]}),
        ("floor", {"silent": [{"reason": "resting"}]}),
        ("floor", {"silent": [{"id": "nova", "reason": "resting"}] * 257}),
        ("floor", {"listeners": "all"}),
        ("persona.presence", {"energy": 1.1}),
        ("persona.presence", {"energy": True}),
        ("persona.presence", {"valence": "good"}),
        ("persona.presence", {"arousal": None}),
        ("persona.presence", {"level": "god"}),
        ("persona.status", {"status": "asleep"}),
    ],
)
async def test_what_is_no_floor_and_no_presence_is_refused_and_shown_to_nobody(
    tmp_path: Path, method: str, wrong: dict[str, Any]
) -> None:
    good: dict[str, dict[str, Any]] = {
        "floor": {"holder": None, "queue": [], "silent": []},
        "persona.presence": {"energy": 0.5, "valence": 0, "arousal": 0, "level": "novice"},
        "persona.status": {},
    }
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await seat_personas(mind, "nova")
        await ada.settled()
        with pytest.raises(RpcError) as refused:
            await mind.ask(method, **({"id": "nova"} | good[method] | wrong))
        assert refused.value.code == INVALID_PARAMS
        assert await ada.settled() == []


@pytest.mark.parametrize("status", ["wants-to-speak", "resting"])
async def test_a_persona_is_seen_to_want_to_speak_and_to_rest(tmp_path: Path, status: str) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await seat_personas(mind, "nova")
        await ada.settled()
        await mind.ask("persona.status", id="nova", status=status)
        assert (await ada.expect("participant"))["participant"]["status"] == status


async def test_a_persona_that_has_left_meanwhile_is_passed_over(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await seat_personas(mind, "nova")
        await mind.ask("floor", holder="echo", queue=[waits("echo"), waits(ada.id), waits("nova")], silent=[])
        (told,) = await floors_of(ada)
        assert (told["holder"], [each["id"] for each in told["queue"]]) == (None, ["nova"])


def test_every_reason_has_words_and_no_words_are_left_over() -> None:
    assert set(WORDS) == {*get_args(Wish), *get_args(Silence)} == WISHES | SILENCES
    assert not WISHES & SILENCES
    assert all(words and words == words.strip() and words[0].islower() for words in WORDS.values())


people = st.sampled_from(["p1", "p2", "p3", "nova", "echo"])
floors = st.builds(
    Floor,
    st.none() | st.sampled_from(["nova", "echo"]),
    st.just(()) | st.just((("nova", "addressed"),)),
    st.just(()) | st.just((("echo", "resting"),)),
)


@given(st.lists(st.tuples(floors, st.none() | st.frozensets(people, min_size=1))))
def test_nobody_ever_sees_a_floor_of_a_circle_that_they_are_not_in(
    changes: list[tuple[Floor, frozenset[str] | None]],
) -> None:
    held = Floors()
    last: dict[frozenset[str] | None, Floor] = {None: NOBODY}
    for floor, circle in changes:
        held.set(floor, circle)
        last[circle] = floor
        for viewer in ("p1", "p2", "p3", "stranger"):
            seen, of = held.seen_by(viewer)
            assert of is None or viewer in of
            assert seen == last[of]
            if of is None:
                assert all(floor.idle for circle, floor in last.items() if circle and viewer in circle)


def test_whispers_that_never_end_are_bounded() -> None:
    held = Floors()
    for number in range(MAX_CIRCLES + 5):
        held.set(Floor("nova"), frozenset({f"p{number}"}))
    assert held.seen_by("p0") == (NOBODY, None)
    assert held.seen_by(f"p{MAX_CIRCLES + 4}")[0].holder == "nova"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


@given(
    st.fixed_dictionaries(
        {},
        optional={"holder": values, "queue": values | st.lists(values), "silent": values | st.lists(values)},
    )
)
def test_whatever_is_said_to_be_a_floor_is_one_or_is_refused(body: dict[str, Any]) -> None:
    try:
        floor = parse_floor(body, lambda id: True)
    except ValueError:
        return
    assert all(reason in WISHES for _, reason in floor.queue)
    assert all(reason in SILENCES for _, reason in floor.silent)


async def test_a_storm_of_floors_reaches_people_and_fills_no_memory(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await seat_personas(mind, "nova")
        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(
                    mind.ask("floor", holder="nova" if number % 2 else None, queue=[], silent=[])
                )
        assert len(await floors_of(ada)) == 99
