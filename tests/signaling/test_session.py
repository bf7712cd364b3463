"""One client after another comes, misbehaves or not, and goes; nobody else is disturbed."""

import asyncio
import gc
import json
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from media.events import GateOpened, SpeakingChanged
from media.rtc.peer import PeerState
from media.rtc.source import TrackSource
from media.rtc.statistics import ReceivedStream
from signaling.server.outbox import MAX_MESSAGES
from signaling.server.session import offers_microphone
from tests.signaling.house import DEAF_OFFER, OFFER, Client, house

pytestmark = pytest.mark.virtual_time


async def test_two_people_join_and_see_each_other(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = home.arrive()
        joined = await ada.join("Ada")
        assert [who["name"] for who in joined["participants"]] == ["Ada"]
        assert joined["videoSlots"] == 8
        bob = home.arrive()
        assert [who["name"] for who in (await bob.join("Bob"))["participants"]] == ["Ada", "Bob"]
        came = await ada.expect("participant")
        assert came["participant"] == {
            "id": bob.id,
            "name": "Bob",
            "kind": "person",
            "muted": False,
            "camera": False,
            "speaking": False,
            "status": "connecting",
        }
        bob.send(type="leave")
        await bob.ended()
        assert await ada.expect("left") == {"type": "left", "id": bob.id, "reason": "left"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token": "garbage"}, "bad-token"),
        ({"version": 7}, "bad-version"),
        ({"token": "invite"}, "bad-token"),
        ({"token": "expired"}, "expired"),
    ],
)
async def test_who_may_not_join_is_told_why(tmp_path: Path, change: dict[str, object], code: str) -> None:
    async with house(tmp_path) as home:
        made = {
            "invite": home.tokens.mint_invite("lobby"),
            "expired": home.tokens.mint_join("lobby", "ada", life=timedelta(seconds=-1)),
        }
        token = made.get(str(change.get("token")), change.get("token", home.tokens.mint_join("lobby", "ada")))
        client = home.arrive()
        client.send(**{"type": "join", "version": 1, "name": "Ada"} | change | {"token": token})
        bye = await client.ended()
        assert (bye["type"], bye["code"]) == ("bye", code)
        assert client.socket.closed == 4000
        assert home.dropped(f"session-{code}") == 1


async def test_a_full_room_says_so(tmp_path: Path) -> None:
    async with house(tmp_path, room_size=2) as home:
        for name in ("Ada", "Bob"):
            await home.seated(name)
        late = home.arrive()
        late.send(type="join", version=1, name="Eve", token=home.tokens.mint_join("lobby", "eve"))
        assert (await late.ended())["code"] == "room-full"


async def test_no_memory_for_ears_is_said_and_leaves_no_half_seat(tmp_path: Path) -> None:
    async with house(tmp_path / "gone") as home:
        client = home.arrive()
        client.send(type="join", version=1, name="Ada", token=home.tokens.mint_join("lobby", "ada"))
        assert (await client.ended())["code"] == "room-full"
        assert not home.conference.rooms


async def test_a_client_that_does_not_join_is_sent_away_after_ten_seconds(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        client = home.arrive()
        client.send(type="chat", id="c", text="hello?")
        assert (await client.expect("error"))["id"] == "c"
        began = asyncio.get_running_loop().time()
        assert (await client.ended())["code"] == "join-timeout"
        assert asyncio.get_running_loop().time() - began == pytest.approx(10, abs=0.1)


async def test_a_wrong_message_is_answered_and_the_connection_stays(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated()
        ada.socket.push(b"\x00\x01")
        ada.socket.push("{")
        ada.send(type="dance", id="d")
        ada.send(type="chat", id="e", text="  ")
        ada.send(type="join", version=1, token="x", name="Ada")
        ada.send(type="offer", id="o", sdp="garbage")
        codes = [(await ada.expect("error"))["code"] for _ in range(6)]
        assert codes == ["bad-message", "bad-message", "unknown-type", "empty-text", "bad-message", "bad-sdp"]
        ada.send(type="ping", id="p")
        assert await ada.expect("pong") == {"type": "pong", "id": "p"}
        assert home.dropped("message-bad-message") == 3


async def test_a_flood_is_refused_and_then_ended_and_the_others_notice_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, eve = await home.seated("Ada"), await home.seated("Eve")
        for number in range(250):
            eve.send(type="ping", id=str(number))
        await eve.expect("error", code="too-fast")
        for number in range(300):
            eve.send(type="ping", id=str(number))
        assert (await eve.ended())["code"] == "too-fast"
        assert (await ada.expect("left"))["reason"] == "removed"
        assert {message["type"] for message in ada.unread()} == set()


async def test_a_client_that_does_not_read_is_dropped_and_counted(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, slow = await home.seated("Ada"), await home.seated("Slow")
        await ada.connect(DEAF_OFFER)
        slow.socket.stalled = True
        room = home.conference.room("lobby")
        for _ in range(MAX_MESSAGES + 2):
            home.conference.on_media_event(SpeakingChanged("lobby", ada.id, True))
            await ada.expect("speaking")
        await slow.ended()
        assert home.dropped("slow-client") == 1
        assert room.state.seats[slow.id].status == "connecting"
        assert (await ada.expect("left", id=slow.id))["reason"] == "lost"


async def test_a_message_that_is_not_taken_in_time_drops_the_client(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        slow = await home.seated("Slow")
        slow.socket.stalled = True
        slow.send(type="ping", id="p")
        await slow.ended()
        assert home.dropped("slow-client") == 1


async def test_lines_faster_than_people_write_are_refused_and_the_connection_stays(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, eve = await home.seated("Ada"), await home.seated("Eve")
        for number in range(12):
            eve.send(type="chat", id=str(number), text="hello")
        for number in range(10):
            await eve.expect("ack", id=str(number))
        for number in (10, 11):
            assert (await eve.expect("error", id=str(number)))["code"] == "too-fast"
        ada.send(type="chat", id="a", text="hello")
        await ada.expect("ack", id="a")
        await asyncio.sleep(0.5)
        eve.send(type="chat", id="11", text="hello")
        await eve.expect("ack", id="11")
        assert home.dropped("message-too-fast") == 2
        again = await home.arrive().join("Ada", resume=ada.resume)
        assert [line["id"] for line in again["history"]][-3:] == ["9", "a", "11"]


async def test_chat_is_acknowledged_and_reaches_everybody_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        for _ in range(2):
            ada.send(type="chat", id="c1", text="hello <b>\u0000")
            assert await ada.expect("ack") == {"type": "ack", "id": "c1"}
        said = await bob.expect("chat")
        assert (said["id"], said["from"], said["name"], said["text"]) == ("c1", ada.id, "Ada", "hello <b>")
        bob.send(type="chat", id="c1", text="hi")
        await bob.expect("ack")
        history = (await home.arrive().join("Ada", resume=ada.resume))["history"]
        assert [(line["from"], line["text"], line["kind"]) for line in history] == [
            (ada.id, "hello <b>", "chat"),
            (bob.id, "hi", "chat"),
        ]


async def test_media_is_up_when_the_peer_is_and_down_with_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        peer = await ada.connect()
        connected = await bob.expect("participant")
        assert (connected["participant"]["id"], connected["participant"]["status"]) == (ada.id, "connected")
        assert ada.id in home.plane.open("lobby")
        home.conference.on_media_event(SpeakingChanged("lobby", ada.id, True))
        assert await bob.expect("speaking") == {"type": "speaking", "id": ada.id, "speaking": True}
        peer.enter(PeerState.FAILED)
        assert ada.id not in home.plane.open("lobby")
        assert await bob.expect("speaking") == {"type": "speaking", "id": ada.id, "speaking": False}
        assert (await bob.expect("participant"))["participant"]["status"] == "connecting"
        again = await ada.connect()
        assert again is not peer
        assert ada.id in home.plane.open("lobby")


async def test_candidates_may_come_before_the_offer(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated()
        ada.send(type="candidate", candidate="candidate:1", mid="0", mline=0)
        ada.send(type="candidate", candidate="nonsense", mid="0")
        peer = await ada.connect()
        ada.send(type="candidate", candidate="", mid=None)
        assert (await ada.expect("error"))["code"] == "bad-candidate"
        ada.send(type="ping", id="p")
        await ada.expect("pong")
        assert peer.candidates == [("candidate:1", "0", 0), ("", None, None)]


async def test_early_candidates_are_bounded(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated()
        for number in range(65):
            ada.send(type="candidate", candidate=f"candidate:{number}", mid="0")
        assert (await ada.expect("error"))["code"] == "bad-candidate"


async def test_a_bad_first_offer_can_be_followed_by_a_good_one_and_that_by_another(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated()
        ada.send(type="offer", id="1", sdp="garbage")
        assert (await ada.expect("error"))["id"] == "1"
        assert home.peers[0].state is PeerState.CLOSED
        peer = await ada.connect()
        ada.send(type="offer", id="2", sdp=OFFER)
        await ada.expect("answer", id="2")
        assert peer.offers == [OFFER, OFFER]
        assert len(home.peers) == 2


async def test_a_microphone_that_never_sends_ends_the_call_and_one_that_does_not(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob, deaf = await home.seated("Ada"), await home.seated("Bob"), await home.seated("Deaf")
        await ada.connect()
        bobs = await bob.connect()
        bobs.streams = (ReceivedStream("audio", 1, 0, 0.0),)
        await deaf.connect(DEAF_OFFER)
        assert (await ada.ended())["code"] == "no-media"
        assert (await bob.expect("left", id=ada.id))["reason"] == "removed"
        await asyncio.sleep(60)
        assert not bob.running.done()
        assert not deaf.running.done()


async def test_what_a_token_does_not_allow_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        bob = await home.seated("Bob")
        bobs = await bob.connect()
        guest = home.arrive()
        await guest.join("Guest", can=frozenset({"listen"}))
        peer = await guest.connect()
        peer.camera = TrackSource(lambda rid: True, lambda: 0)
        guest.send(type="chat", id="c", text="hello")
        guest.send(type="state", camera=True)
        guest.send(type="state", muted=False)
        for _ in range(3):
            assert (await guest.expect("error"))["code"] == "not-allowed"
        room = home.plane.open("lobby")
        assert room._persons[guest.id].muted
        assert not room._persons[bob.id].muted
        assert bobs.watched == {}
        await asyncio.sleep(30)
        assert not guest.running.done()


async def test_who_may_not_listen_hears_nothing_and_is_heard(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        guest = home.arrive()
        await guest.join("Guest", can=frozenset({"speak"}))
        peer = await guest.connect()
        person = home.plane.open("lobby")._persons[guest.id]
        person.peer.send_audio(b"opus", 0)
        assert peer.sent == []
        assert person.peer.jitter is peer.jitter
        assert not person.muted


async def test_mute_reaches_the_others_and_the_mix(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        ada.send(type="state", muted=True)
        assert (await bob.expect("participant"))["participant"]["muted"]
        await ada.connect()
        assert home.plane.open("lobby")._persons[ada.id].muted
        ada.send(type="state", muted=False)
        ada.send(type="ping", id="p")
        await ada.expect("pong")
        assert not home.plane.open("lobby")._persons[ada.id].muted


async def test_calls_leave_nothing_behind(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        process = psutil.Process()
        resident: list[int] = []
        for _ in range(3):
            for _ in range(50):
                client = await home.seated()
                await client.connect()
                client.send(type="leave")
                await client.ended()
            home.clients.clear()
            home.peers.clear()
            gc.collect()
            resident.append(process.memory_info().rss)
        assert resident[2] - resident[1] < 2 << 20
        assert home.rings() == 0
        assert not home.conference.rooms
        assert len(asyncio.all_tasks()) == 1


async def test_a_session_that_is_cancelled_gives_everything_back(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated()
        peer = await ada.connect()
        ada.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ada.running
        assert peer.state is PeerState.CLOSED
        assert home.conference.room("lobby").state.seats[ada.id].status == "connecting"
        home.clients.clear()


async def test_an_open_gate_of_somebody_who_is_gone_is_forgotten(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await ada.connect()
        ada.send(type="leave")
        await ada.ended()
        home.conference.on_media_event(GateOpened("lobby", ada.id, 7))
        home.conference.on_media_event(GateOpened("attic", ada.id, 7))
        assert not bob.running.done()


def test_a_microphone_is_seen_in_an_offer() -> None:
    video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendrecv\r\n"
    assert offers_microphone(OFFER)
    assert offers_microphone("v=0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\nm=video 9 X 96\na=recvonly\n")
    assert not offers_microphone(DEAF_OFFER + video)
    assert not offers_microphone("v=0\r\n" + video)
    assert not offers_microphone("v=0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=sendrecv\r\n")


async def test_everything_sent_is_json_with_a_type(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada: Client = await home.seated("Ada \ud83d\ude00")
        ada.send(type="chat", id="\ud800", text="\udfff ok")
        await ada.expect("ack")
        assert all("type" in json.loads(text) for text in ada.socket.sent)
