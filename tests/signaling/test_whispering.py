"""What is whispered is heard, shown and remembered by those it is for, and by nobody else."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.events import Heard
from cognition.persona.due import Due, DueKind
from media.events import SpeakingChanged
from signaling.audience import LEAD_NS, Audiences
from signaling.ipc.endpoint import RpcError
from signaling.server.history import Line, parse_line
from signaling.server.server_messages import plain
from tests.signaling.house import Client, FakeMind, House, house, line_to, mind_of
from tests.signaling.scene import NOVA, ROBIN, Scene, scene

pytestmark = pytest.mark.virtual_time

SECRET = "the cake is in the cellar"


def audience(home: House, id: str) -> frozenset[str] | None:
    return home.conference.rooms["lobby"].whispers.get(id)


async def people(home: House, *names: str) -> list[Client]:
    clients = [await home.seated(name) for name in names]
    for client in clients:
        await client.connect()
    return clients


async def test_a_whisper_is_told_to_those_who_hear_it_and_to_nobody_else(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob, cleo = await people(home, "Ada", "Bob", "Cleo")
        home.conference.on_media_event(SpeakingChanged("lobby", ada.id, True))
        assert (await cleo.expect("speaking"))["speaking"]
        ada.send(type="whisper", to=[bob.id])
        for client in (ada, bob):
            assert await client.expect("whisper") == {"type": "whisper", "from": ada.id, "to": [bob.id]}
        assert [message["type"] for message in await cleo.settled()] == ["speaking"]
        home.conference.on_media_event(SpeakingChanged("lobby", ada.id, False))
        home.conference.on_media_event(SpeakingChanged("lobby", ada.id, True))
        ada.send(type="state", muted=False, camera=True)
        await ada.expect("participant")
        assert (
            await bob.expect(
                "participant",
            )
        )["participant"]["speaking"]
        late = home.arrive()
        joined = await late.join("Dan")
        assert not any(who["speaking"] for who in joined["participants"])
        told = await cleo.settled()
        assert "speaking" not in {message["type"] for message in told}
        assert not any(
            message["participant"]["speaking"] for message in told if message["type"] == "participant"
        )
        ada.send(type="whisper", to=[])
        for client in (ada, bob):
            assert await client.expect("whisper") == {"type": "whisper", "from": ada.id, "to": None}
        assert audience(home, ada.id) is None
        assert not any(message["type"] == "whisper" for message in await late.settled())


def speaks(home: House, client: Client, speaking: bool, *audience: Client) -> None:
    """The plane reports that a client is or is not heard, by these alone or by all."""
    to = frozenset(each.id for each in audience) if audience else None
    home.conference.on_media_event(SpeakingChanged("lobby", client.id, speaking, to))


async def shown(*clients: Client) -> list[list[bool]]:
    """What each of them was told since the last time of who is speaking."""
    return [
        [message["speaking"] for message in await client.settled() if message["type"] == "speaking"]
        for client in clients
    ]


async def test_who_speaks_within_a_whisper_is_shown_in_its_circle_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob, cleo = await people(home, "Ada", "Bob", "Cleo")
        ada.send(type="whisper", to=[bob.id])
        await ada.expect("whisper")
        await shown(ada, bob, cleo)
        speaks(home, ada, True, bob)
        assert await shown(ada, bob, cleo) == [[True], [True], []]
        late = await home.seated("Dan")
        assert not any(who["speaking"] for who in (await home.arrive().join("Eve"))["participants"])
        speaks(home, ada, False, bob)
        assert await shown(ada, bob, cleo, late) == [[False], [False], [], []]


async def test_the_last_words_of_a_whisper_are_shown_to_nobody_new_when_it_is_over(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob, cleo = await people(home, "Ada", "Bob", "Cleo")
        ada.send(type="whisper", to=[bob.id])
        await ada.expect("whisper")
        await shown(ada, bob, cleo)
        ada.send(type="whisper", to=[])
        await ada.expect("whisper", to=None)
        speaks(home, ada, True, bob)
        assert await shown(ada, bob, cleo) == [[True], [True], []]
        ada.send(type="state", camera=True)
        assert (await bob.expect("participant"))["participant"]["speaking"]
        assert not (await cleo.expect("participant"))["participant"]["speaking"]
        speaks(home, ada, False, bob)
        speaks(home, ada, True)
        assert await shown(ada, bob, cleo) == [[False, True], [False, True], [True]]


async def test_a_whisper_to_one_more_shows_them_who_speaks_once_they_hear_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob, cleo, dan = await people(home, "Ada", "Bob", "Cleo", "Dan")
        ada.send(type="whisper", to=[bob.id])
        await ada.expect("whisper")
        speaks(home, ada, True, bob)
        await shown(ada, bob, cleo, dan)
        ada.send(type="whisper", to=[bob.id, cleo.id])
        await cleo.expect("whisper")
        assert await shown(bob, cleo, dan) == [[], [], []], "what she says by now is not for Cleo"
        speaks(home, ada, False, bob)
        speaks(home, ada, True, bob, cleo)
        assert await shown(bob, cleo, dan) == [[False, True], [True], []]
        ada.send(type="whisper", to=[cleo.id])
        await bob.expect("whisper", to=None)
        assert await shown(cleo, dan) == [[], []]
        speaks(home, ada, False, bob, cleo)
        assert await shown(bob, cleo, dan) == [[], [False], []], "Bob was told when it ceased to be for him"


async def test_what_was_reported_before_a_whisper_began_is_shown_to_those_in_it_only(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob, cleo = await people(home, "Ada", "Bob", "Cleo")
        ada.send(type="whisper", to=[bob.id])
        await ada.expect("whisper")
        await shown(ada, bob, cleo)
        speaks(home, ada, True)
        speaks(home, ada, False)
        assert await shown(ada, bob, cleo) == [[True, False], [True, False], []]


async def test_when_all_who_were_whispered_to_have_left_nobody_hears_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob, cleo = await people(home, "Ada", "Bob", "Cleo")
        ada.send(type="whisper", to=[bob.id])
        await ada.expect("whisper", to=[bob.id])
        bob.send(type="leave")
        await ada.expect("whisper", to=[])
        assert audience(home, ada.id) == frozenset()
        assert not any(message["type"] == "whisper" for message in await cleo.settled())
        ada.send(type="whisper", to=[])
        await ada.expect("whisper", to=None)
        assert audience(home, ada.id) is None


async def test_a_whisper_lasts_over_a_broken_path_and_ends_with_the_connection(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await people(home, "Ada", "Bob")
        plane = home.plane.open("lobby")
        ada.send(type="whisper", to=[bob.id])
        await ada.expect("whisper")
        await ada.connect()
        assert plane.audience(ada.id) == frozenset({bob.id})
        again = home.arrive()
        await again.join("Ada", resume=ada.resume)
        assert audience(home, ada.id) is None
        assert (await bob.expect("whisper", to=None))["from"] == ada.id
        again.send(type="whisper", to=[bob.id])
        await again.connect()
        assert plane.audience(ada.id) == frozenset({bob.id}), (
            "asked before the offer, it holds from the first frame"
        )


async def test_a_single_voice_is_not_passed_on_to_whom_it_is_not_for(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        clients = await people(home, "Ada", "Bob", "Cleo")
        ada, bob, cleo = clients
        peers = {client.id: home.conference.rooms["lobby"].attendees[client.id].peer for client in clients}
        for listener in (bob, cleo):
            listener.send(type="voices", who=[ada.id])
            await listener.expect("voices")
        ada.send(type="whisper", to=[bob.id])
        await ada.expect("whisper")
        assert peers[bob.id].watched["4"] is peers[ada.id].microphone  # type: ignore[union-attr]
        assert peers[cleo.id].watched["4"] is None  # type: ignore[union-attr]
        ada.send(type="whisper", to=[])
        await ada.expect("whisper")
        assert peers[cleo.id].watched["4"] is peers[ada.id].microphone  # type: ignore[union-attr]


async def test_whispers_that_cannot_be_are_refused_with_a_code_and_change_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await people(home, "Ada", "Bob")
        ada.send(type="whisper", to=[bob.id])
        await ada.expect("whisper")
        refusals: list[tuple[Any, str]] = [
            ([ada.id], "bad-message"),
            ([bob.id, "nobody"], "no-such-participant"),
            ([bob.id, bob.id], "bad-message"),
            ([str(number) for number in range(17)], "too-large"),
            ("everybody", "bad-message"),
            (None, "bad-message"),
        ]
        for to, code in refusals:
            ada.send(type="whisper", to=to, id="w")
            assert (await ada.expect("error", id="w"))["code"] == code
        assert audience(home, ada.id) == frozenset({bob.id})
        mute, early = home.arrive(), home.arrive()
        await mute.join("Dan", can=frozenset({"listen"}))
        mute.send(type="whisper", to=[bob.id], id="w")
        assert (await mute.expect("error", id="w"))["code"] == "not-allowed"
        early.send(type="whisper", to=[bob.id])
        assert (await early.expect("error"))["code"] == "bad-message"
        for number in range(30):
            ada.send(type="whisper", to=[bob.id] if number % 2 else [])
        assert (await ada.expect("error"))["code"] == "too-fast"
        assert not any(message["type"] == "error" for message in await bob.settled())


async def whispered(home: House, mind: FakeMind) -> list[Client]:
    """Echo has whispered the secret to Ada; Bob was there, and did not hear it."""
    await mind.attach()
    ada, bob = await people(home, "Ada", "Bob")
    await mind.ask("persona.join", id="echo", name="Echo")
    circle = [ada.id, "echo"]
    await mind.ask("persona.status", id="echo", status="thinking", listeners=circle)
    await mind.ask("voice.whisper", id="echo", listeners=[ada.id, "gone"])
    await mind.ask("persona.status", id="echo", status="speaking", listeners=circle)
    home.conference.on_media_event(SpeakingChanged("lobby", "echo", True))
    for final in (False, True):
        await mind.ask("caption", id="echo", utterance="u", text=SECRET, final=final, listeners=circle)
    stages = {"paused", "decided", "words", "firstToken", "firstClause", "firstSound", "onWire"}
    record = {"turn": "t", "persona": "echo", "to": ada.id, "speechEnd": 0} | dict.fromkeys(stages)
    await mind.ask("latency", **record, listeners=circle)
    return [ada, bob]


async def test_what_a_persona_whispers_is_shown_to_its_listener_and_leaves_no_trace_elsewhere(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        ada, bob = await whispered(home, mind)
        assert audience(home, "echo") == frozenset({ada.id})
        told = await ada.settled()
        statuses = [
            message["participant"]["status"]
            for message in told
            if message["type"] == "participant" and message["participant"]["id"] == "echo"
        ]
        assert statuses == ["listening", "thinking", "speaking"]
        shown = [message for message in told if message["type"] == "caption"]
        assert [(each["text"], each["final"], each["to"]) for each in shown] == [
            (SECRET, False, sorted([ada.id, "echo"])),
            (SECRET, True, sorted([ada.id, "echo"])),
        ]
        assert any(message["type"] == "latency" for message in told)
        elsewhere = await bob.settled()
        late = home.arrive()
        elsewhere.append(await late.join("Dan"))
        assert SECRET not in json.dumps(elsewhere)
        assert not {message["type"] for message in elsewhere} & {"caption", "latency", "whisper", "speaking"}
        for message in elsewhere:
            seen = message.get("participants", [message.get("participant", {})])
            assert all(
                (who["status"], who["speaking"]) == ("listening", False)
                for who in seen
                if who.get("id") == "echo"
            )
        again = home.arrive()
        assert [line["text"] for line in (await again.join("Ada", resume=ada.resume))["history"]] == [SECRET]


async def test_a_mind_that_comes_back_is_told_to_whom_lines_were_said_and_who_whispers(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        async with mind_of(path) as mind:
            ada, bob = await whispered(home, mind)
            bob.send(type="whisper", to=["echo"])
            await bob.expect("whisper", to=["echo"])
            assert (await mind.news("whisper"))["listeners"] == ["echo"]
        async with mind_of(path) as mind:
            await mind.attach()
            state = await mind.ask("room.state")
            assert [line["to"] for line in state["history"]] == [sorted([ada.id, "echo"])]
            listeners = {who["id"]: who.get("listeners") for who in state["participants"]}
            assert listeners == {ada.id: None, bob.id: ["echo"]}
            assert audience(home, "echo") is None, "its voice is gone, and what it whispered to"


async def test_a_caption_that_turns_out_to_be_a_whisper_is_taken_back_from_the_others(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada, bob = await people(home, "Ada", "Bob")
        await mind.ask("caption", id=ada.id, utterance="u", text="So", final=False)
        await bob.expect("caption", text="So")
        await mind.ask(
            "caption", id=ada.id, utterance="u", text=f"So {SECRET}", final=True, listeners=[ada.id]
        )
        taken = await bob.expect("caption")
        assert (taken["text"], taken["final"], "to" in taken) == ("", True, False)
        assert SECRET not in json.dumps(await bob.settled())


async def test_who_hears_a_persona_is_checked(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await mind.ask("persona.join", id="echo", name="Echo")
        for id, listeners in ((ada.id, [ada.id]), ("echo", "all"), ("echo", [1]), ("echo", ["x"] * 300)):
            with pytest.raises(RpcError):
                await mind.ask("voice.whisper", id=id, listeners=listeners)
        assert audience(home, "echo") is None


@given(st.none() | st.lists(st.text(min_size=1, max_size=64), max_size=5))
def test_a_line_keeps_to_whom_it_was_said(to: list[str] | None) -> None:
    audience = None if to is None else tuple(sorted(set(to)))
    line = Line("u", "ada", "Ada", "speech", "Hush.", "2025-11-22T19:04:00+00:00", to=audience)
    assert parse_line(json.loads(json.dumps(plain(line)))) == line


# The mind


async def test_a_whispered_question_is_answered_to_those_who_heard_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Who turns to whom is dated by the real clock, by which hardly any time passes here.
    monkeypatch.setattr("signaling.audience.LEAD_NS", 0)
    async with scene("In the cellar.") as held:
        ada, bob = held.join("ada", "Ada"), held.join("bob", "Bob")
        held.attendance.turn_to("ada", frozenset({"nova"}))
        await ada.say("Where is the cake?")
        await held.until_quiet()
        circle = ["ada", "nova"]
        assert ("whisper", ["ada"]) in held.port.told
        assert {who for what, who in map(_named, held.port.told) if what != "whisper"} == {tuple(circle)}
        assert [line.get("to") for line in held.mind.lines("room")] == [circle, circle]
        held.attendance.turn_to("ada", None)
        await asyncio.sleep(1)
        held.port.told.clear()
        await bob.say("Nova, what do you know?")
        await held.until_quiet()
        assert held.port.told.index(("whisper", None)) < held.port.told.index(("speaking", None))
        assert {who for _, who in map(_named, held.port.told)} == {None}
        _, prompt, *_ = held.generator.streamed[-1]
        assert "cake" not in str(prompt)
        assert "cellar" not in str(prompt)
        await ada.say("Nova, tell me more.")
        await held.until_quiet()
        assert "cake" not in str(held.generator.streamed[-1][1]), "this answer too is for all"
        held.attendance.turn_to("ada", frozenset({"nova"}))
        await ada.say("And the cake?")
        await held.until_quiet()
        assert "cellar" in str(held.generator.streamed[-1][1])


def _named(told: Any) -> tuple[str, tuple[str, ...] | None]:
    what, who = told
    return what, None if who is None else tuple(who)


async def test_another_persona_learns_nothing_and_is_not_interrupted() -> None:
    async with scene(
        "A long story about stars. It goes on. " * 3, "Hush.", "Nothing.", personas=(NOVA, ROBIN)
    ) as held:
        ada, bob = held.join("ada", "Ada"), held.join("bob", "Bob")
        await bob.say("Robin, tell me of birds.")
        await asyncio.sleep(1)
        held.attendance.turn_to("ada", frozenset({"nova"}))
        await ada.say("Nova, where is the cake?")
        assert not any(cut for _, _, _, cut in held.port.captions)
        await asyncio.sleep(20)
        held.attendance.turn_to("ada", None)
        await asyncio.sleep(1)
        await bob.say("Robin, what did she say?")
        await asyncio.sleep(10)
        key, prompt = held.generator.streamed[-1][:2]
        assert "robin" in key
        assert "cake" not in str(prompt)


async def test_a_whisper_that_media_refuses_is_not_said_aloud() -> None:
    async with scene("In the cellar.") as held:
        held.port.turns = False
        ada = held.join("ada", "Ada")
        held.attendance.turn_to("ada", frozenset({"nova"}))
        await ada.say("Where is the cake?")
        await held.until_quiet()
        assert held.port.ring.written == 0
        assert held.attendance.dropped["nobody to turn to"] == 1


def whispered_due(kind: DueKind = "question", text: str = "") -> Due:
    """Nova comes back to what Ada whispered to it."""
    at = datetime.now(UTC)
    line = Heard("room", "ada", "Ada", "Nova, where is the cake?", at, "ada-1", frozenset({"ada", "nova"}))
    return Due(f"{kind}-1", "nova", "room", kind, text, "ada", line, 0.7)


def circles(held: Scene) -> set[tuple[str, ...] | None]:
    """To whom anything was shown."""
    return {who for what, who in map(_named, held.port.told) if what != "whisper"}


@pytest.mark.parametrize(
    ("kind", "text"), [("question", ""), ("held-back", ""), ("remind", "Ada, look into the cellar.")]
)
async def test_what_comes_of_a_whisper_is_said_by_itself_to_those_who_heard_it(
    kind: DueKind, text: str
) -> None:
    async with scene("In the cellar.") as held:
        held.join("ada", "Ada")
        held.join("bob", "Bob")
        held.attendance.due(whispered_due(kind, text))
        await asyncio.sleep(15)
        assert circles(held) == {("ada", "nova")}
        assert ("whisper", ["ada"]) in held.port.told
        (line,) = held.mind.lines("room")
        assert "cellar" in str(line["text"])
        assert line["to"] == ["ada", "nova"]


async def test_a_whispered_reminder_and_an_answer_that_bob_talked_over_are_whispered() -> None:
    async with scene("In the cellar.", personas=(NOVA, ROBIN), alive=True) as held:
        ada, bob = held.join("ada", "Ada"), held.join("bob", "Bob")
        await asyncio.sleep(1)
        held.attendance.turn_to("ada", frozenset({"ada", "nova"}))
        await asyncio.sleep(1)
        bob.start()
        await ada.say("Nova, remind me in one minute to fetch the cake.")
        await asyncio.sleep(30)
        bob.end("And so on and so on, that was all I had.")
        held.attendance.turn_to("ada", None)
        await asyncio.sleep(60)
        said = [line for line in held.mind.lines("room") if line["from"] in ("nova", "robin")]
        assert any("fetch the cake" in str(line["text"]) for line in said)
        assert all(line.get("to") == ["ada", "nova"] for line in said)
        assert not held.port.chat


@pytest.mark.parametrize("goes", [0.0, 2.0])
async def test_what_comes_of_a_whisper_is_not_said_once_nobody_is_there_who_heard_it(goes: float) -> None:
    async with scene("In the cellar.") as held:
        held.join("ada", "Ada")
        bob = held.join("bob", "Bob")
        bob.start()
        if not goes:
            held.attendance.leave("ada")
        held.attendance.due(whispered_due())
        await asyncio.sleep(goes)
        if goes:
            held.attendance.leave("ada")
        bob.discard()
        await asyncio.sleep(15)
        assert held.port.ring.written == 0
        assert "nova" not in {line["from"] for line in held.mind.lines("room")}
        assert held.attendance.dropped["question refused: away"] == 1


async def test_a_turn_in_which_somebody_turned_away_is_the_whisper_s_as_a_whole() -> None:
    async with scene("Yes.") as held:
        ada = held.join("ada", "Ada")
        ada.start()
        await asyncio.sleep(0.5)
        held.attendance.turn_to("ada", frozenset({"nova"}))
        await asyncio.sleep(0.2)
        held.attendance.turn_to("ada", None)
        ada.pause("Between us")
        await asyncio.sleep(0.3)
        ada.end("Between us")
        await held.until_quiet()
        assert held.mind.lines("room")[0]["to"] == ["ada", "nova"]


async def test_what_is_whispered_to_a_persona_that_has_no_seat_yet_is_a_whisper_all_the_same() -> None:
    async with scene("Yes.") as held:
        ada = held.join("ada", "Ada")
        held.attendance.turn_to("ada", frozenset({"robin"}))
        await ada.say(SECRET)
        await held.until_quiet()
        assert held.mind.lines("room")[0]["to"] == ["ada", "robin"]
        assert all(
            set(listeners or "all") <= {"ada", "robin"}
            for what, listeners in held.port.told
            if what == "caption"
        )


async def test_a_whisper_among_people_makes_no_whisper_of_what_is_said_before_and_after_it() -> None:
    async with scene("Yes.") as held:
        ada, _ = held.join("ada", "Ada"), held.join("bob", "Bob")
        ada.start()
        await asyncio.sleep(0.5)
        held.attendance.turn_to("ada", frozenset({"bob"}))
        held.attendance.turn_to("ada", None)
        ada.pause("Hello all")
        await asyncio.sleep(0.3)
        ada.end("Hello all")
        await held.until_quiet()
        assert "to" not in held.mind.lines("room")[0]


async def test_what_was_said_while_nobody_knows_to_whom_is_for_nobody() -> None:
    async with scene("Yes.") as held:
        ada = held.join("ada", "Ada")
        held.attendance.turn_to("ada", frozenset())
        await ada.say(SECRET)
        await held.until_quiet()
        assert held.mind.lines("room")[0]["to"] == ["ada"]


def test_a_word_whispered_and_let_go_before_it_was_noticed_stays_a_whisper() -> None:
    audiences = Audiences()
    audiences.turn_to(frozenset({"nova"}), 1_000_000_000)
    audiences.turn_to(None, 1_200_000_000)
    assert audiences.of_turn(1_100_000_000) == frozenset({"nova"})
    assert audiences.of_turn(1_200_000_000 + LEAD_NS + 1) is None


@given(st.lists(st.none() | st.frozensets(st.sampled_from("abc")), max_size=60), st.integers(0, 60))
def test_nobody_is_ever_taken_to_have_heard_what_they_did_not(turns: list[Any], start: int) -> None:
    audiences = Audiences()
    for number, listeners in enumerate(turns):
        audiences.turn_to(listeners, (number + 1) * 1_000_000_000)
    heard = audiences.of_turn(start * 1_000_000_000)
    for listeners in [None, *turns][start:] if start <= len(turns) else [[None, *turns][-1]]:
        assert listeners is None or (heard is not None and heard <= listeners)
