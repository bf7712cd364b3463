"""Which cameras a client is shown, in which slots and sizes, and when its own is wanted."""

import asyncio
from pathlib import Path

import pytest

from media.events import SpeakingChanged
from media.rtc.forwarder import TrackForwarder
from media.rtc.source import TrackSource
from tests.signaling.house import OFFER, house

pytestmark = pytest.mark.virtual_time


class NoLine:
    """A transport that drops everything."""

    def send_rtp(self, packet: bytes) -> bytes | None:
        return None

    def send_rtcp(self, packet: bytes) -> bool:
        return False

    def send_datagram(self, protected: bytes) -> bool:
        return False


def camera() -> TrackSource:
    return TrackSource(lambda rid: True, lambda: 0)


async def test_cameras_are_shown_in_slots_and_leave_them(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        adas, bobs = await ada.connect(), await bob.connect()
        adas.camera = source = camera()
        ada.send(type="state", camera=True)
        assert (await bob.expect("video"))["slots"] == {"2": ada.id}
        assert bobs.watched.get("2") is source
        assert adas.watched == {}
        eve = await home.seated("Eve")
        eves = await eve.connect()
        assert (await eve.expect("video"))["slots"] == {"2": ada.id}
        eves.camera = camera()
        eve.send(type="state", camera=True)
        assert (await bob.expect("video"))["slots"] == {"2": ada.id, "3": eve.id}
        ada.send(type="state", camera=False)
        assert (await bob.expect("video"))["slots"] == {"3": eve.id}
        assert bobs.watched["2"] is None
        eve.socket.hang_up()
        assert (await bob.expect("video"))["slots"] == {}
        assert bobs.watched["3"] is None


async def test_a_slot_that_was_negotiated_away_is_not_watched(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        adas, bobs = await ada.connect(), await bob.connect()
        adas.camera = camera()
        ada.send(type="state", camera=True)
        await bob.expect("video")
        bobs._slots = ("3",)
        bob.send(type="offer", id="again", sdp=OFFER)
        assert (await bob.expect("video"))["slots"] == {"3": ada.id}


async def test_of_more_cameras_than_slots_the_pinned_and_the_last_who_spoke_are_shown(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated("Ada")
        adas = await ada.connect()
        others = {}
        for name in ("Bob", "Cleo", "Dan"):
            client = await home.seated(name)
            peer = await client.connect()
            peer.camera = camera()
            client.send(type="state", camera=True)
            others[name] = client.id
        shown: dict[str, str] = {}
        while len(shown) < 2:
            shown = (await ada.expect("video"))["slots"]
        assert shown == {"2": others["Bob"], "3": others["Cleo"]}
        home.conference.on_media_event(SpeakingChanged("lobby", others["Dan"], True))
        assert (await ada.expect("video"))["slots"] == {"2": others["Bob"], "3": others["Dan"]}
        ada.send(type="pin", id=others["Cleo"])
        assert (await ada.expect("video"))["slots"] == {"2": others["Cleo"], "3": others["Dan"]}
        ada.send(type="pin", id=None)
        assert (await ada.expect("video"))["slots"] == {"2": others["Bob"], "3": others["Dan"]}
        assert set(adas.watched) == {"2", "3"}


async def test_a_pin_ends_when_the_pinned_one_leaves_and_with_the_connection(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        attendee = home.conference.rooms["lobby"].attendees[ada.id]

        def pinned() -> str | None:
            return attendee.pinned

        ada.send(type="pin", id=bob.id)
        ada.send(type="ping", id="p")
        await ada.expect("pong")
        assert pinned() == bob.id
        bob.send(type="leave")
        await ada.expect("left")
        assert pinned() is None
        ada.send(type="pin", id=bob.id)
        refused = await ada.expect("error")
        assert (refused["code"], refused["id"]) == ("no-such-participant", bob.id)
        cleo = await home.seated("Cleo")
        ada.send(type="pin", id=cleo.id)
        ada.send(type="ping", id="q")
        await ada.expect("pong", id="q")
        again = home.arrive()
        await again.join("Ada", resume=ada.resume)
        assert home.conference.rooms["lobby"].attendees[ada.id] is attendee
        assert pinned() is None


async def test_a_pin_on_oneself_or_nobody_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        ada.send(type="pin", id=bob.id)
        for id, code in ((ada.id, "bad-message"), ("nobody", "no-such-participant")):
            ada.send(type="pin", id=id)
            refused = await ada.expect("error")
            assert (refused["code"], refused["id"]) == (code, id)
        assert home.conference.rooms["lobby"].attendees[ada.id].pinned == bob.id
        early = home.arrive()
        early.send(type="pin", id=bob.id)
        assert (await early.expect("error"))["code"] == "bad-message"
        assert all(message["type"] != "error" for message in bob.unread())


async def test_a_flood_of_pins_is_refused_and_disturbs_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await bob.connect()
        for number in range(250):
            ada.send(type="pin", id=bob.id if number % 2 else None)
        await ada.expect("error", code="too-fast")
        bob.send(type="ping", id="p")
        await bob.expect("pong")
        assert all(message["type"] == "participant" for message in bob.unread())


async def test_the_sizes_of_tiles_reach_the_peer_and_unknown_slots_are_passed_over(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated("Ada")
        ada.send(type="view", slots={"2": {"width": 5, "height": 5}})
        peer = await ada.connect()
        ada.send(type="view", slots={"2": {"width": 320, "height": 180}, "9": {"width": 1, "height": 1}})
        ada.send(type="ping", id="p")
        await ada.expect("pong")
        assert peer.sizes == {"2": (320, 180)}


async def test_a_camera_that_nobody_watches_is_paused_after_a_while_and_wanted_again_at_once(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated("Ada")
        adas = await ada.connect()
        adas.camera = source = TrackSource(lambda rid: True, lambda: 0, ("q", "h", "f"))
        ada.send(type="state", camera=True)
        began = asyncio.get_running_loop().time()
        assert await ada.expect("camera") == {"type": "camera", "wanted": False, "layers": []}
        assert asyncio.get_running_loop().time() - began == pytest.approx(2, abs=0.1)
        viewer = TrackForwarder(
            ssrc=1,
            cname="c",
            sender=NoLine(),
            count=lambda reason: None,
            clock=lambda: 0,
            sequence=0,
            timestamp=0,
        )
        began = asyncio.get_running_loop().time()
        viewer.watch(source)
        viewer.select(2)
        assert (await ada.expect("camera"))["layers"] == ["q"]
        assert (await ada.expect("camera"))["layers"] == ["q", "f"]
        viewer.select(1)
        assert (await ada.expect("camera"))["layers"] == ["q", "h"]
        assert asyncio.get_running_loop().time() - began < 0.1
        viewer.watch(None)
        viewer.watch(source)
        viewer.select(1)
        viewer.watch(None)
        assert not (await ada.expect("camera"))["wanted"]
        assert asyncio.get_running_loop().time() - began == pytest.approx(2, abs=0.1)
