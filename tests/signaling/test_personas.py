"""The mind at the other end of the line: its personas sit, speak and write in the rooms, and come back."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from media.events import GateClosed, GateOpened, SpeakingChanged, VoiceDrained, VoiceStarted
from media.realtime.ring import AudioRing
from signaling.ipc.endpoint import MessageTooLarge, RpcError
from signaling.ipc.jsonrpc import INVALID_PARAMS
from signaling.ipc.shared_memory import SharedFile
from signaling.ipc.transcript import latest
from signaling.server.history import Line
from signaling.server.live import MAX_OPEN_CAPTIONS
from signaling.server.mind_line import MAX_WAITING
from signaling.server.personas import (
    BAD_VERSION,
    NO_SUCH_PARTICIPANT,
    NO_SUCH_ROOM,
    NOT_ATTACHED,
    ROOM_FULL,
    SEAT_TAKEN,
)
from signaling.server.rooms import MAX_HISTORY
from signaling.server.server_messages import plain, witnessed
from signaling.server.tokens import EVERYTHING
from tests.signaling.house import house, line_to, mind_of

pytestmark = pytest.mark.virtual_time


async def refusal(asked: Any) -> int:
    with pytest.raises(RpcError) as error:
        await asked
    return error.value.code


async def test_the_mind_is_told_who_comes_hears_and_goes(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        before = home.mind.status
        assert await mind.attach() == {"rooms": []}
        assert await refusal(mind.ask("room.state")) == NO_SUCH_ROOM
        assert (before, home.mind.status) == ("starting", "up")
        ada = await home.seated("Ada")
        joined = await mind.news("participant.joined")
        assert (joined["room"], joined["id"], joined["name"]) == ("lobby", ada.id, "Ada")
        assert (joined["kind"], joined["connected"]) == ("person", False)
        ears = SharedFile.open(Path(joined["ears"]))
        assert AudioRing.attach(ears.buffer).rate == 16_000
        await ada.connect()
        assert await mind.news("participant.connected") == {"room": "lobby", "id": ada.id}
        ada.send(type="leave")
        assert await mind.news("participant.left") == {"room": "lobby", "id": ada.id, "reason": "left"}


async def test_a_mind_that_comes_late_is_told_what_is(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        await ada.connect()
        home.conference.on_media_event(GateOpened("lobby", ada.id, 1600))
        async with mind_of(path) as mind:
            assert await mind.attach() == {"rooms": ["lobby"]}
            (participant,) = (await mind.ask("room.state"))["participants"]
            assert (participant["room"], participant["id"], participant["connected"]) == (
                "lobby",
                ada.id,
                True,
            )
            assert await mind.news("gate.opened") == {
                "room": "lobby",
                "id": ada.id,
                "sample": 1600,
                "heard": 0,
            }
            home.conference.on_media_event(GateClosed("lobby", ada.id, 3200))
            assert await mind.news("gate.closed") == {"room": "lobby", "id": ada.id, "sample": 3200}


async def test_a_mind_that_comes_after_another_is_told_up_to_where_that_one_has_heard(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        await ada.connect()
        home.conference.on_media_event(GateOpened("lobby", ada.id, 1600))
        async with mind_of(path) as mind:
            await mind.attach()
            words = {"id": ada.id, "utterance": "u1", "text": "Hello?", "final": True}
            await mind.ask("caption", **words, heard=48_000)
            await mind.ask("caption", **words | {"utterance": "u2"}, heard=16_000)
            for wrong in (-1, "here", 1.5):
                with pytest.raises(RpcError, match="position"):
                    await mind.ask("caption", **words, heard=wrong)
        async with mind_of(path) as mind:
            await mind.attach()
            await mind.ask("room.state")
            assert (await mind.news("gate.opened"))["heard"] == 48_000


async def test_a_gate_that_is_open_is_closed_when_its_person_is_cut_off(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await ada.connect()
        home.conference.on_media_event(GateOpened("lobby", ada.id, 0))
        ada.socket.hang_up()
        assert (await mind.news("gate.closed"))["id"] == ada.id


async def test_a_persona_takes_a_seat_speaks_and_leaves(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        answer = await mind.ask("persona.join", id="echo", name=" Echo\u202e ")
        seat = (await ada.expect("participant"))["participant"]
        assert (seat["id"], seat["name"], seat["kind"], seat["status"]) == (
            "echo",
            "Echo",
            "persona",
            "listening",
        )
        voice = AudioRing.attach(SharedFile.open(Path(answer["voice"])).buffer)
        assert voice.rate == 48_000
        assert voice.offer(np.ones(960, np.int16)) == 960
        await mind.ask("persona.status", id="echo", status="thinking")
        assert (await ada.expect("participant"))["participant"]["status"] == "thinking"
        home.conference.on_media_event(SpeakingChanged("lobby", "echo", True))
        home.conference.on_media_event(VoiceStarted("lobby", "echo", 960, 123))
        home.conference.on_media_event(VoiceDrained("lobby", "echo", 1920))
        assert await ada.expect("speaking", id="echo", speaking=True)
        assert await mind.news("voice.progress") == {
            "room": "lobby",
            "id": "echo",
            "played": 960,
            "first_packet_ns": 123,
        }
        assert (await mind.news("voice.progress"))["first_packet_ns"] is None
        assert await mind.ask("voice.wake", id="echo") == {}
        assert (await mind.ask("voice.stop", id="echo"))["played"] >= 0
        assert voice.free == voice.capacity
        await mind.ask("persona.leave", id="echo")
        assert await ada.expect("left", id="echo")
        assert home.rings() == 1


async def test_captions_are_shown_and_final_ones_remembered(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await mind.ask("persona.join", id="echo", name="Echo")
        for text, final in (("hel", False), ("hello", True)):
            await mind.ask("caption", id=ada.id, utterance="u1", text=text, final=final)
            assert await ada.expect("caption") == {
                "type": "caption",
                "id": ada.id,
                "utterance": "u1",
                "text": text,
                "final": final,
            }
        await mind.ask("caption", id="echo", utterance="u2", text="Well", final=True, interrupted=True)
        assert (await ada.expect("caption"))["interrupted"]
        await mind.ask("caption", id="echo", utterance="u3", text="aloud", final=True, record=False)
        await mind.ask("caption", id="echo", utterance="u4", text="", final=True)
        await mind.ask("chat.post", id="echo", text="written\x00")
        chat = await ada.expect("chat")
        assert (chat["from"], chat["name"], chat["text"]) == ("echo", "Echo", "written")
        history = (await home.arrive().join("Ada", resume=ada.resume))["history"]
        assert [
            (line["name"], line["kind"], line["text"], line.get("interrupted", False)) for line in history
        ] == [
            ("Ada", "speech", "hello", False),
            ("Echo", "speech", "Well", True),
            ("Echo", "chat", "written", False),
        ]


async def test_latency_reaches_the_room_and_the_metrics(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await mind.ask("latency", turn="t", persona="echo", to=ada.id, speechEnd=0, onWire=640.0, words=None)
        said = await ada.expect("latency")
        assert (said["turn"], said["onWire"], said["words"], said["speechEnd"]) == ("t", 640.0, None, 0)
        sample = home.metrics.registry.get_sample_value
        assert sample("continuum_turn_seconds_sum", {"stage": "on_wire"}) == pytest.approx(0.64)
        assert sample("continuum_turn_seconds_count", {"stage": "words"}) is None


async def test_what_cannot_be_done_is_refused_with_its_code(tmp_path: Path) -> None:
    async with house(tmp_path, room_size=2) as home, line_to(home) as path, mind_of(path) as mind:
        assert await refusal(mind.ask("persona.join", id="echo", name="Echo")) == NOT_ATTACHED
        assert await refusal(mind.endpoint.call("attach", {"version": 9})) == BAD_VERSION
        await mind.attach()
        assert await refusal(mind.ask("room.restore", lines={"lobby": []})) == INVALID_PARAMS
        assert await refusal(mind.ask("room.restore", lines=[{"id": 1}])) == INVALID_PARAMS
        assert await refusal(mind.ask("persona.join", id="echo", name="Echo")) == NO_SUCH_ROOM
        ada = await home.seated("Ada")
        assert await refusal(mind.ask("persona.join", id=ada.id, name="Ada")) == SEAT_TAKEN
        assert await refusal(mind.ask("persona.join", id="", name="Echo")) == INVALID_PARAMS
        assert await refusal(mind.ask("persona.join", id="x" * 65, name="Echo")) == INVALID_PARAMS
        assert await refusal(mind.ask("persona.status", id="echo", status="thinking")) == NO_SUCH_PARTICIPANT
        assert await refusal(mind.ask("voice.stop", id=ada.id)) == NO_SUCH_PARTICIPANT
        assert await refusal(mind.ask("voice.wake", id=ada.id)) == NO_SUCH_PARTICIPANT
        assert await refusal(mind.ask("caption", id="nobody", utterance="u", text="x")) == NO_SUCH_PARTICIPANT
        await mind.ask("persona.join", id="echo", name="Echo")
        assert await refusal(mind.ask("persona.join", id="two", name="Two")) == ROOM_FULL
        assert await refusal(mind.ask("persona.status", id="echo", status="asleep")) == INVALID_PARAMS
        assert await refusal(mind.ask("chat.post", id="echo", text="\x00")) == INVALID_PARAMS
        assert await refusal(mind.ask("latency", turn=1)) == INVALID_PARAMS
        assert home.rings() == 2


async def test_a_mind_that_dies_leaves_its_personas_away_and_they_come_back(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with mind_of(path) as mind:
            await mind.attach()
            await mind.ask("persona.join", id="echo", name="Echo")
            home.conference.on_media_event(SpeakingChanged("lobby", "echo", True))
        assert await ada.expect("speaking", id="echo", speaking=False)
        assert (await ada.expect("participant"))["participant"]["status"] == "away"
        assert home.mind.status == "down"
        assert home.rings() == 1
        assert not ada.running.done()
        async with mind_of(path) as mind:
            await mind.attach()
            answer = await mind.ask("persona.join", id="echo", name="Echo")
            assert AudioRing.attach(SharedFile.open(Path(answer["voice"])).buffer).written == 0
            assert (await ada.expect("participant"))["participant"]["status"] == "listening"
            assert home.rings() == 2


async def test_captions_that_a_dead_mind_left_open_are_ended(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with mind_of(path) as mind:
            await mind.attach()
            await mind.ask("persona.join", id="echo", name="Echo")
            await mind.ask("caption", id="echo", utterance="u0", text="Done.", final=True)
            for text in ("The moon", "The moon is far"):
                await mind.ask("caption", id="echo", utterance="u1", text=text)
                await ada.expect("caption", text=text)
            await mind.ask("caption", id=ada.id, utterance="u2", text="and how")
            await ada.expect("caption", utterance="u2")
        ended = [await ada.expect("caption") for _ in range(2)]
        assert {
            each["utterance"]: (each["text"], each["final"], "interrupted" in each) for each in ended
        } == {
            "u1": ("The moon is far", True, True),
            "u2": ("", True, False),
        }
        history = (await home.arrive().join("Ada", resume=ada.resume))["history"]
        assert [(line["text"], line.get("interrupted", False)) for line in history] == [
            ("Done.", False),
            ("The moon is far", True),
        ]
        async with mind_of(path) as mind:
            await mind.attach()
            there = [{**line, "there": ["ada"]} for line in history]
            assert (await mind.ask("room.state"))["history"] == there


async def test_a_persona_that_takes_its_seat_anew_was_cut_off(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await mind.ask("persona.join", id="echo", name="Echo")
        await mind.ask("caption", id="echo", utterance="u1", text="Well")
        await mind.ask("persona.join", id="echo", name="Echo")
        assert await ada.expect("caption", utterance="u1", final=True, interrupted=True)


async def test_captions_that_are_never_ended_are_bounded(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        await home.seated("Ada")
        await mind.ask("persona.join", id="echo", name="Echo")
        for number in range(MAX_OPEN_CAPTIONS + 5):
            await mind.ask("caption", id="echo", utterance=str(number), text="Well")
        assert len(home.conference.room("lobby").captions) == MAX_OPEN_CAPTIONS


async def test_what_the_mind_counts_is_exported_under_a_bounded_number_of_reasons(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:

        def counted(reason: str) -> float | None:
            return home.metrics.registry.get_sample_value("continuum_mind_events_total", {"reason": reason})

        assert mind.endpoint.notify("counted", {"early": 1})
        await mind.attach()
        assert mind.endpoint.notify("counted", {"reply failed": 2, "x" * 100: 1})
        assert mind.endpoint.notify("counted", {"reply failed": 3})
        for bad in (-1, 0.5, True, "2", None, 1 << 60):
            assert await refusal(mind.endpoint.call("counted", {"fine": 1, "bad": bad})) == INVALID_PARAMS
        assert (counted("early"), counted("fine"), counted("bad")) == (None, None, None)
        assert (counted("reply failed"), counted("x" * 64)) == (5, 1)
        await mind.endpoint.call("counted", {f"reason {number}": 1 for number in range(300)})
        await mind.endpoint.call("counted", {"reply failed": 1})
        assert (counted("reply failed"), counted("reason 197"), counted("reason 198")) == (6, 1, None)
        assert counted("other") == 102
        assert b'continuum_mind_events_total{reason="other"} 102.0' in await home.metrics.exposition()


async def test_a_second_mind_replaces_the_first(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as old, mind_of(path) as new:
        ada = await home.seated("Ada")
        await old.attach()
        await old.ask("persona.join", id="echo", name="Echo")
        await new.attach()
        assert (await ada.expect("participant", participant={**_echo(), "status": "away"}))["type"]
        await old.endpoint.wait_closed()
        assert home.mind.status == "up"
        await new.ask("persona.join", id="echo", name="Echo")
        assert (await ada.expect("participant"))["participant"]["status"] == "listening"


def _echo() -> dict[str, Any]:
    return {
        "id": "echo",
        "name": "Echo",
        "kind": "persona",
        "muted": False,
        "camera": False,
        "speaking": False,
    }


async def test_lines_written_while_the_mind_is_away_reach_it_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        for number in range(3):
            ada.send(type="chat", id=str(number), text=f"line {number}")
            await ada.expect("ack")
        async with mind_of(path) as mind:
            await mind.attach()
            assert (await mind.ask("room.state"))["history"] == []
            told = [await mind.news("chat.received") for _ in range(3)]
            assert [(news["message"], news["id"], news["name"]) for news in told] == [
                (str(number), ada.id, "Ada") for number in range(3)
            ]
            ada.send(type="chat", id="3", text="and now")
            assert (await mind.news("chat.received"))["text"] == "and now"
        async with mind_of(path) as mind:
            await mind.attach()
            assert [line["id"] for line in (await mind.ask("room.state"))["history"]] == ["0", "1", "2", "3"]


async def test_between_attach_and_a_room_s_state_nothing_is_lost_and_nothing_told_twice(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await ada.connect()
        ada.send(type="chat", id="0", text="before")
        await ada.expect("ack")
        async with mind_of(path) as mind:
            await mind.attach()
            home.conference.on_media_event(GateOpened("lobby", ada.id, 1600))
            cyd = await home.seated("Cyd")
            bob.send(type="leave")
            await bob.ended()
            ada.send(type="chat", id="1", text="meanwhile")
            await ada.expect("ack")
            assert mind.unheard() == []
            state = await mind.ask("room.state")
            assert [(each["id"], each["connected"]) for each in state["participants"]] == [
                (ada.id, True),
                (cyd.id, False),
            ]
            assert state["history"] == []
            assert await refusal(mind.ask("room.state")) == NO_SUCH_ROOM
            cyd.send(type="leave")
            await cyd.ended()
            ada.send(type="chat", id="2", text="after")
            await ada.expect("ack")
            await mind.ask("persona.join", id="echo", name="Echo")
            assert [
                (method, params.get("sample") or params.get("message") or params["id"])
                for method, params in mind.unheard()
            ] == [
                ("gate.opened", 1600),
                ("chat.received", "0"),
                ("chat.received", "1"),
                ("participant.left", cyd.id),
                ("chat.received", "2"),
            ]


async def test_a_room_that_closes_and_opens_before_its_state_is_asked_is_told_as_a_new_one(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with mind_of(path) as mind:
            await mind.attach()
            ada.send(type="leave")
            await ada.ended()
            bob = await home.seated("Bob")
            assert (await mind.news("participant.joined"))["id"] == bob.id
            assert await refusal(mind.ask("room.state")) == NO_SUCH_ROOM


async def test_one_room_whose_state_is_not_asked_keeps_no_other_room_s_lines_waiting(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        ada.send(type="chat", id="0", text="before")
        await ada.expect("ack")
        async with mind_of(path) as mind:
            await mind.attach()
            bob = home.arrive()
            token = home.tokens.mint_join("attic", "bob", EVERYTHING)
            bob.send(type="join", version=1, token=token, name="Bob")
            bob.send(type="chat", id="1", text="up here")
            assert (await mind.news("chat.received"))["text"] == "up here"
            await mind.ask("room.state")
            assert (await mind.news("chat.received"))["text"] == "before"


def cyrillic(count: int) -> list[Line]:
    """As long as a chat line may be, 3.9 kB each in UTF-8."""
    return [
        Line(
            str(number),
            "p1",
            "Ада",
            "chat",
            f"{number} ".ljust(2000, "ж"),
            f"2026-01-05T12:{number // 60:02}:{number % 60:02}+00:00",
            there=frozenset({"ada"}),
        )
        for number in range(count)
    ]


async def test_a_full_room_of_long_lines_goes_both_ways_cut_to_the_newest(tmp_path: Path) -> None:
    lines = [witnessed(line) for line in cyrillic(MAX_HISTORY)]
    async with house(tmp_path) as home, line_to(home) as path:
        async with mind_of(path) as mind:
            await mind.attach()
            with pytest.raises(MessageTooLarge):
                await mind.ask("room.restore", lines=[*lines, *lines])
            await mind.ask("room.restore", lines=latest(lines))
        ada = home.arrive()
        kept = (await ada.join("Ada"))["history"]
        assert len(kept) == len(latest(lines)) > 100
        assert kept[-1] == plain(cyrillic(MAX_HISTORY)[-1])
        home.conference.room("lobby").state.merge(cyrillic(MAX_HISTORY))
        async with mind_of(path) as mind:
            await mind.attach()
            history = (await mind.ask("room.state"))["history"]
            assert history == lines[-len(history) :]
            assert len(history) > 100
            await mind.ask("persona.join", id="echo", name="Echo")


async def test_what_waits_for_the_mind_is_bounded_and_counted(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated("Ada")
        for number in range(MAX_WAITING + 5):
            ada.send(type="chat", id=str(number), text="hello")
            await ada.expect("ack")
            await asyncio.sleep(0.5)
        assert len(home.mind.waiting) == MAX_WAITING
        assert home.mind.forgotten == 5


async def test_after_a_restart_of_media_the_mind_brings_the_history_back(tmp_path: Path) -> None:
    lines = [
        {
            "id": "a",
            "from": "p1",
            "name": "Ada",
            "kind": "chat",
            "text": "before",
            "at": "2026-01-05T12:00:00+00:00",
            "there": ["ada"],
        }
    ]
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        assert await mind.attach() == {"rooms": []}
        await mind.ask("room.restore", lines=lines)
        (line,) = (await home.arrive().join("Ada"))["history"]
        assert line["text"] == "before"
        assert "there" not in line
        assert (await home.arrive().join("Bob"))["history"] == []


async def test_the_room_closes_with_its_last_person_and_takes_the_personas_along(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        await mind.ask("persona.join", id="echo", name="Echo")
        ada.send(type="leave")
        await mind.news("participant.left")
        assert await refusal(mind.ask("caption", id="echo", utterance="u", text="x")) == NO_SUCH_ROOM
        assert home.rings() == 0
        assert not home.conference.rooms


async def test_a_hundred_rooms_come_and_go_with_a_persona_each(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        for _ in range(100):
            ada = await home.seated("Ada")
            await mind.ask("persona.join", id="echo", name="Echo")
            ada.send(type="leave")
            await ada.ended()
        assert home.rings() == 0
        assert home.plane.statistics().rooms == 0


async def test_another_program_at_the_socket_is_not_taken_for_the_mind(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind, mind_of(path) as tool:
        await mind.attach()
        assert await refusal(tool.ask("persona.status", id="echo", status="thinking")) == NOT_ATTACHED
        assert home.mind.status == "up"
