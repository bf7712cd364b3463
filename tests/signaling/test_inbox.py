"""What waits for the mind is bounded, and who comes, goes and whispers is never left out of it."""

import asyncio
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from signaling.inbox import KEPT_WHISPERS, Inbox, News


def news(method: str, id: str = "ada", **params: Any) -> News:
    return method, {"room": "lobby", "id": id} | params


def filled(inbox: Inbox, *told: News) -> list[str]:
    return [lost for method, params in told for lost in inbox.put(method, params)]


async def read(inbox: Inbox) -> list[News]:
    return [await inbox.get() for _ in range(len(inbox))]


async def test_news_comes_out_in_order_and_whoever_waits_is_woken() -> None:
    inbox = Inbox(4)
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    told = [news("participant.joined"), news("chat.received", text="hello"), news("gate.opened", sample=1)]
    assert filled(inbox, *told) == []
    assert await waiting == told[0]
    assert await read(inbox) == told[1:]


async def test_a_flood_of_lines_is_refused_and_a_whisper_is_not() -> None:
    inbox = Inbox(4)
    assert (
        filled(inbox, *[news("chat.received", text=str(number)) for number in range(6)])
        == ["chat.received"] * 2
    )
    assert (
        filled(inbox, news("whisper", listeners=["nova"]), news("participant.joined", "bob"))
        == ["chat.received"] * 2
    )
    assert [(method, params.get("text")) for method, params in await read(inbox)] == [
        ("chat.received", "2"),
        ("chat.received", "3"),
        ("whisper", None),
        ("participant.joined", None),
    ]


async def test_what_has_to_be_known_is_kept_beyond_the_capacity() -> None:
    inbox = Inbox(2)
    told = [news("participant.joined", f"p{number}") for number in range(64)]
    told += [news("whisper", f"p{number}", listeners=["nova"]) for number in range(64)]
    assert filled(inbox, *told) == []
    assert await read(inbox) == told


async def test_of_a_gate_and_of_a_voice_the_newest_is_enough_when_there_is_no_room() -> None:
    inbox = Inbox(3)
    filled(inbox, news("gate.opened", sample=1), news("voice.progress", "nova", played=1, first_packet_ns=9))
    filled(inbox, news("voice.progress", "nova", played=2, first_packet_ns=None))
    later = [
        news("gate.closed", sample=2),
        news("voice.progress", "nova", played=3, first_packet_ns=11),
        news("voice.progress", "nova", played=4, first_packet_ns=None),
    ]
    assert filled(inbox, *later) == []
    assert await read(inbox) == later


async def test_one_who_came_and_went_unnoticed_leaves_nothing_but_one_news_for_all_of_them() -> None:
    inbox = Inbox(8)
    filled(inbox, news("participant.joined", "ada"))
    for number in range(1000):
        id = f"p{number}"
        filled(inbox, news("participant.joined", id), news("whisper", id, listeners=["nova"]))
        filled(inbox, news("chat.received", id, text="hi")) if number == 7 else None
        filled(inbox, news("participant.left", id, reason="left"))
    assert [(method, params["id"]) for method, params in await read(inbox)] == [
        ("participant.joined", "ada"),
        ("chat.received", "p7"),
        ("participant.left", "p999"),
    ]


async def test_one_who_is_known_and_comes_and_goes_again_is_told_to_have_left() -> None:
    inbox = Inbox(8)
    filled(inbox, news("whisper", listeners=["nova"]), news("participant.left", reason="lost"))
    filled(inbox, news("participant.joined"), news("participant.connected"))
    filled(inbox, news("participant.left", reason="left"))
    assert await read(inbox) == [news("participant.left", reason="left")]


async def test_who_turns_around_too_often_is_held_to_have_spoken_to_nobody_meanwhile() -> None:
    inbox = Inbox(1024)
    for number in range(1000):
        filled(inbox, news("whisper", listeners=["nova"] if number % 2 else None))
    kept = [params["listeners"] for _, params in await read(inbox)]
    assert len(kept) == KEPT_WHISPERS
    assert kept[0] == []
    assert kept[1:] == [["nova"] if number % 2 else None for number in range(985, 1000)]


MUST = ("participant.joined", "participant.connected", "participant.left", "whisper", "voice.progress")


@given(
    st.lists(
        st.tuples(st.sampled_from([*MUST, "gate.opened", "gate.closed", "chat.received"]), st.integers(0, 4)),
        max_size=300,
    )
)
def test_whatever_comes_it_is_bounded_and_each_persons_last_state_is_told(
    told: list[tuple[str, int]],
) -> None:
    inbox = Inbox(8)
    present: dict[str, list[str] | None] = {}
    lost: Counter[str] = Counter()
    known: dict[str, list[str] | None] = {}
    for number, (method, index) in enumerate(told):
        id = f"p{index}"
        if (method == "participant.joined") is (id in present) and method != "voice.progress":
            continue
        listeners = [str(number)] if number % 3 else None
        if method == "participant.joined":
            present[id] = None
        elif method == "participant.left":
            del present[id]
        elif method == "whisper":
            present[id] = listeners
        lost.update(
            inbox.put(method, {"id": id, "listeners": listeners, "first_packet_ns": number % 2 or None})
        )
        assert len(inbox) <= 8 + 5 * (KEPT_WHISPERS + 5)
    for method, params in asyncio.run(read(inbox)):
        match method:
            case "participant.joined":
                known[params["id"]] = None
            case "participant.left":
                known.pop(params["id"], None)
            case "whisper":
                known[params["id"]] = params["listeners"]
    assert known == present
    assert not set(lost).intersection(MUST)
