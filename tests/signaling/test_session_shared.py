"""A microphone that several share, as a client says it: the mind is told, voices are named, captions say whose."""

from pathlib import Path
from typing import Any

import pytest

from tests.signaling.house import house, line_to, mind_of

pytestmark = pytest.mark.virtual_time


async def test_the_mind_is_told_that_a_microphone_is_shared_and_when_it_no_longer_is(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        ada.send(type="state", shared=True)
        told = {"room": "lobby", "id": ada.id}
        await ada.settled()
        assert await mind.news("microphone") == {**told, "shared": True}
        ada.send(type="state", shared=True, muted=False)
        ada.send(type="state", shared=False)
        await ada.settled()
        assert await mind.news("microphone") == {**told, "shared": False}


async def test_a_mind_that_comes_late_is_told_who_shares(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        ada.send(type="state", shared=True)
        await ada.settled()
        async with mind_of(path) as mind:
            await mind.attach()
            state = await mind.ask("room.state", room="lobby")
            shared = {each["id"]: each.get("shared", False) for each in state["participants"]}
            assert shared == {ada.id: True, bob.id: False}


async def test_a_voice_is_named_and_forgotten(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        ada.send(type="state", shared=True)
        ada.send(type="name-voice", voice="s2", name="  Maria\n Luz ")
        told = {"room": "lobby", "id": ada.id, "speaker": "s2"}
        await ada.settled()
        assert await mind.news("voice.named") == {**told, "name": "Maria Luz"}
        ada.send(type="name-voice", voice="s2", name=None)
        await ada.settled()
        assert await mind.news("voice.named") == {**told, "name": None}


async def test_who_asks_to_have_a_voice_forgotten_while_the_mind_is_away_is_told_that_it_was_not(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated("Ada")
        ada.send(type="state", shared=True)
        ada.send(type="name-voice", voice="s2", name=None, id="m1")
        assert (await ada.expect("error", id="m1"))["code"] == "mind-away"
        assert home.dropped("message-mind-away") == 1


async def test_nobody_names_voices_where_nobody_shares(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated("Ada")
        ada.send(type="name-voice", voice="s2", name="Maria", id="m1")
        assert (await ada.expect("error", id="m1"))["code"] == "not-allowed"


@pytest.mark.parametrize(
    "message",
    [
        {"type": "state", "shared": "yes"},
        {"type": "name-voice", "voice": "s2"},
        {"type": "name-voice", "voice": "", "name": "Maria"},
        {"type": "name-voice", "voice": "s2", "name": " "},
        {"type": "name-voice", "voice": "s2", "name": 3},
        {"type": "name-voice", "voice": ["s2"], "name": None},
        {"type": "name-voice", "voice": "s2", "name": ["Maria"]},
    ],
)
async def test_what_is_no_such_message_is_refused_and_harms_nobody(
    tmp_path: Path, message: dict[str, Any]
) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated("Ada")
        ada.send(type="state", shared=True)
        ada.send(**message)
        assert (await ada.expect("error"))["code"] == "bad-message"
        assert await ada.settled() == []


async def test_who_switches_to_and_fro_is_refused_and_the_mind_is_not_flooded(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        for number in range(60):
            ada.send(type="state", shared=number % 2 == 0)
        assert (await ada.expect("error"))["code"] == "too-fast"
        await ada.settled()
        assert sum(method == "microphone" for method, _ in mind.unheard()) <= 25


async def test_a_caption_says_whose_voice_it_is_and_the_history_calls_them_so(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        caption = {"room": "lobby", "id": ada.id, "utterance": "u1", "text": "Hello.", "final": True}
        await mind.ask("caption", **caption, speaker={"id": "s2", "label": "Maria"})
        shown = await ada.expect("caption")
        assert shown["speaker"] == {"id": "s2", "label": "Maria"}
        await mind.ask("caption", **{**caption, "utterance": "u2"})
        assert "speaker" not in await ada.expect("caption")
        history = (await home.arrive().join("Ada", resume=ada.resume))["history"]
        assert [(line["from"], line["name"]) for line in history] == [(ada.id, "Maria"), (ada.id, "Ada")]


@pytest.mark.parametrize(
    "speaker", ["Maria", {"id": "s2"}, {"id": 2, "label": "Maria"}, {"id": "s2", "label": "x" * 999}]
)
async def test_a_caption_of_no_speaker_is_refused(tmp_path: Path, speaker: Any) -> None:
    from signaling.ipc.endpoint import RpcError

    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        with pytest.raises(RpcError):
            await mind.ask(
                "caption", room="lobby", id=ada.id, utterance="u", text="Hi.", final=True, speaker=speaker
            )
