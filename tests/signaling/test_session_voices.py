"""Single voices are passed on to whoever asks for them, and left out of that mix alone."""

from pathlib import Path

import pytest

from media.rtc.peer import PeerState
from media.rtc.source import TrackSource
from tests.signaling.house import house

pytestmark = pytest.mark.virtual_time


async def test_voices_asked_for_are_passed_on_and_left_out_of_that_mix_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = {name: await home.seated(name) for name in ("Ada", "Bob", "Cleo", "Dan")}
        peers = {name: await client.connect() for name, client in people.items()}
        ada, bob, cleo, dan = people.values()
        ada.send(type="voices", who=[bob.id, cleo.id, dan.id])
        assert (await ada.expect("voices"))["slots"] == {"4": bob.id, "5": cleo.id}
        assert peers["Ada"].watched == {"4": peers["Bob"].microphone, "5": peers["Cleo"].microphone}
        plane = home.plane.open("lobby")
        assert plane.left_out(ada.id) == {bob.id, cleo.id}, "who has no slot is heard in the mix"
        assert not plane.left_out(bob.id)
        bob.send(type="leave")
        assert (await ada.expect("voices"))["slots"] == {"4": dan.id, "5": cleo.id}
        assert peers["Ada"].watched["4"] is peers["Dan"].microphone
        ada.send(type="voices", who=[])
        assert (await ada.expect("voices"))["slots"] == {}
        assert peers["Ada"].watched == {"4": None, "5": None}
        assert not plane.left_out(ada.id)
        for other in (cleo, dan):
            assert not any(message["type"] in ("voices", "error") for message in await other.settled())


async def test_a_voice_is_not_passed_on_while_its_owner_is_muted_or_away(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        adas, bobs = await ada.connect(), await bob.connect()
        bob.send(type="state", muted=True)
        await bob.settled()
        ada.send(type="voices", who=[bob.id])
        assert (await ada.expect("voices"))["slots"] == {"4": bob.id}
        assert adas.watched.get("4") is None
        bob.send(type="state", muted=False)
        await bob.settled()
        assert adas.watched.get("4") is bobs.microphone
        bobs.enter(PeerState.FAILED)
        assert adas.watched["4"] is None
        anew = await bob.connect()
        assert anew is not bobs
        assert adas.watched.get("4") is anew.microphone
        adas.enter(PeerState.FAILED)
        again = await ada.connect()
        assert (await ada.expect("voices"))["slots"] == {"4": bob.id}
        assert again.watched["4"] is anew.microphone
        assert home.plane.open("lobby").left_out(ada.id) == {bob.id}


async def test_nothing_of_a_connection_that_was_taken_over_is_passed_on_while_it_closes(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        adas = await ada.connect()
        bobs = await bob.connect()
        bobs.camera = TrackSource(lambda rid: True, lambda: 0)
        bob.send(type="state", camera=True)
        ada.send(type="voices", who=[bob.id])
        await ada.expect("voices")
        await bob.settled()
        shown = {slot for slot, source in adas.watched.items() if source is not None}
        assert len(shown) == 2
        again = home.arrive()
        await again.join("Bob")
        assert again.id == bob.id
        assert not [slot for slot, source in adas.watched.items() if source is not None]


async def test_voices_that_cannot_be_had_are_refused_with_a_code_and_nothing_changes(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        home.conference.rooms["lobby"].state.take_persona_seat("nova", "Nova")
        await ada.connect()
        early, deaf = home.arrive(), home.arrive()
        await deaf.join("Dan", can=frozenset({"speak"}))
        ada.send(type="voices", who=[bob.id])
        await ada.expect("voices")
        refusals = {
            "bad-message": (ada, [ada.id]),
            "no-such-participant": (ada, [bob.id, "nobody"]),
            "too-large": (ada, [str(number) for number in range(17)]),
            "not-allowed": (ada, ["nova"]),
        }
        for code, (client, who) in refusals.items():
            client.send(type="voices", who=who, id=code)
            assert (await client.expect("error"))["code"] == code
        deaf.send(type="voices", who=[bob.id], id="d")
        assert (await deaf.expect("error", id="d"))["code"] == "not-allowed"
        early.send(type="voices", who=[bob.id])
        assert (await early.expect("error"))["code"] == "bad-message"
        assert home.conference.rooms["lobby"].attendees[ada.id].voices == (bob.id,)
        for _ in range(30):
            ada.send(type="voices", who=[])
        assert (await ada.expect("error"))["code"] == "too-fast"
        assert all(message["type"] != "error" for message in await bob.settled())
