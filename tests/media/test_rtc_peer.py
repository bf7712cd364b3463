"""A `Peer` and real aiortc clients on loopback: ICE, DTLS and SRTP are the real ones."""

import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from media.realtime.packet import FRAME, FrameKind
from media.rtc.ice import CandidateError, IceServer
from media.rtc.peer import Peer, PeerState
from tests.media.rtc_client import MovingPicture, RtcClient, Tone, loopback_only, rtc_client
from tests.media.watched_peer import (
    Watched,
    drops,
    join,
    negotiate,
    spectrum_peak,
    ticks,
    tone_packets,
    watched,
)


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with loopback_only():
        yield


async def test_sound_goes_both_ways_through_the_jitter_buffer_and_back() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak(Tone(440))
        await join(client, held)
        peer, packet = held.peer, tone_packets(700)
        out = np.zeros(FRAME, np.float32)
        heard: list[NDArray[np.float32]] = []

        def tick(index: int) -> None:
            if peer.jitter.pull(out, time.monotonic_ns()) is FrameKind.SPEECH:
                heard.append(out.copy())
            peer.send_audio(packet(index), index * FRAME)

        def reported() -> bool:
            """Whether a report has come beside the sound: both are counted, apart."""
            counts = peer.statistics()
            return any(voice.packets < counts.packets_in for voice in counts.received)

        await ticks(lambda: len(heard) >= 50 and len(client.audio) >= 50 and reported(), tick)
        assert spectrum_peak(np.concatenate(heard[-20:]).astype(np.float64)) == pytest.approx(440, abs=5)
        received = np.concatenate(client.audio[-20:]).astype(np.float64)
        assert spectrum_peak(received) == pytest.approx(700, abs=5)
        statistics = peer.statistics()
        assert statistics.packets_in > 50
        (voice,) = statistics.received
        assert (voice.kind, voice.active) == ("audio", True)
        assert 50 <= voice.packets < statistics.packets_in
        assert 10 * voice.packets < voice.octets < statistics.bytes_in
        assert statistics.mix_packets >= 50
        assert 10 * statistics.mix_packets < statistics.mix_octets < statistics.bytes_out


async def test_a_client_gets_sender_reports_and_the_peer_a_round_trip() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        await join(client, held)
        packet = tone_packets(300)
        await ticks(
            lambda: held.peer.statistics().rtt_ms is not None,
            lambda index: held.peer.send_audio(packet(index), index * FRAME),
        )
        report = await client.pc.getStats()
        remote = next(entry for entry in report.values() if entry.type == "remote-outbound-rtp")
        assert abs(remote.remoteTimestamp.timestamp() - time.time()) < 5
        statistics = held.peer.statistics()
        assert statistics.rtt_ms is not None
        assert 0 <= statistics.rtt_ms < 1000
        assert (statistics.remote_loss, statistics.remote_lost) == (0, 0)


async def test_a_listener_without_a_microphone_hears() -> None:
    async with watched() as held, rtc_client() as client:
        client.listen()
        await join(client, held)
        packet = tone_packets(300)
        await ticks(
            lambda: len(client.audio) > 5, lambda index: held.peer.send_audio(packet(index), index * FRAME)
        )
        assert held.peer.camera is None
        assert held.peer.slots == ()


async def test_sound_sent_too_early_is_counted_and_nothing_is_raised() -> None:
    async with watched() as held:
        held.peer.send_audio(b"\xf8", 0)
        assert drops(held) == {"audio-not-negotiated": 1}


async def test_three_see_each_other_and_a_slot_switches_without_a_new_offer() -> None:
    async with AsyncExitStack() as stack:
        room: list[tuple[Watched, RtcClient]] = []
        for brightness in (40, 120, 200):
            held = await stack.enter_async_context(watched())
            client = await stack.enter_async_context(rtc_client())
            client.speak()
            client.show(MovingPicture(brightness))
            client.add_slots(2)
            await join(client, held)
            assert held.peer.slots == ("2", "3")
            room.append((held, client))
        cameras = [held.peer.camera for held, _ in room]
        for index, (held, _) in enumerate(room):
            for slot, shown in zip(held.peer.slots, (index + 1, index + 2), strict=True):
                held.peer.watch(cameras[shown % 3], slot)

        def sees(client: RtcClient, mid: str, brightness: int) -> bool:
            return any(abs(seen - brightness) < 10 for seen in client.video.get(mid, [])[-3:])

        levels = (40, 120, 200)
        for index, (_, client) in enumerate(room):
            await client.until(partial(sees, client, "2", levels[(index + 1) % 3]))
            await client.until(partial(sees, client, "3", levels[(index + 2) % 3]))
        held, client = room[0]
        held.peer.watch(cameras[2], "2")
        await client.until(lambda: sees(client, "2", 200))
        held.peer.watch(None, "2")
        emptied = held.peer.statistics().slots["2"]
        assert not emptied.watching
        assert emptied.packets > 0
        assert held.peer.statistics().slots["3"].lost == 0
        with pytest.raises(KeyError):
            held.peer.watch(cameras[1], "9")


async def test_a_lost_picture_packet_is_sent_again_on_request() -> None:
    async with watched() as held, rtc_client() as client, watched() as other, rtc_client() as sender:
        client.listen()
        client.add_slots(1)
        sender.speak()
        sender.show(MovingPicture(90))
        await join(client, held)
        await join(sender, other)
        seen: list[int] = []
        lost: list[int] = []

        def fate(datagram: bytes) -> bool:
            sequence = int.from_bytes(datagram[2:4], "big")
            if datagram[1] & 0x7F != 97:
                return False
            seen.append(sequence)
            # Nobody can miss the very first one.
            if len(seen) == 1 or sequence % 4 or sequence in lost or len(lost) == 3:
                return False
            lost.append(sequence)
            return True

        client.lose(fate)
        held.peer.watch(other.peer.camera, "1")
        await client.until(lambda: len(client.video.get("1", [])) > 20)
        assert len(lost) == 3
        statistics = held.peer.statistics()
        assert statistics.slots["1"].retransmissions >= 3
        assert statistics.nacks_received >= 3


async def test_a_camera_and_slots_can_be_added_later_and_the_camera_turned_off() -> None:
    async with watched() as held, rtc_client() as client:
        client.listen()
        await join(client, held)
        at_first = held.peer.camera
        assert at_first is None
        client.show(MovingPicture(150))
        client.add_slots(1)
        await negotiate(client, held)
        camera = held.peer.camera
        assert camera is not None
        assert list(held.peer.slots) == ["2"]
        held.peer.watch(camera, "2")
        await client.until(lambda: len(client.video.get("2", [])) > 2)
        client.pc.getTransceivers()[1].direction = "inactive"
        client.add_slots(1)
        await negotiate(client, held)
        assert held.peer.camera is None
        assert list(held.peer.slots) == ["2", "3"]
        assert held.peer.statistics().slots["2"].watching
        packet = tone_packets(300)
        await ticks(
            lambda: len(client.audio) > 5, lambda index: held.peer.send_audio(packet(index), index * FRAME)
        )


async def test_a_microphone_can_be_added_later() -> None:
    async with watched() as held, rtc_client() as client:
        client.listen()
        await join(client, held)
        transceiver = client.pc.getTransceivers()[0]
        transceiver.direction = "sendrecv"
        transceiver.sender.replaceTrack(Tone())
        await negotiate(client, held)
        out = np.zeros(FRAME, np.float32)
        peaks: list[float] = []

        def tick(_: int) -> None:
            held.peer.jitter.pull(out, time.monotonic_ns())
            peaks.append(float(np.abs(out).max()))

        await ticks(lambda: bool(peaks) and max(peaks) > 0.1, tick)


async def test_more_slots_than_are_served_stay_inactive() -> None:
    async with watched(video_slots=1) as held, rtc_client() as client:
        client.listen()
        client.add_slots(3)
        await join(client, held)
        assert held.peer.slots == ("1",)


async def test_a_subscriber_without_the_cameras_codec_is_told_so() -> None:
    async with watched() as held, rtc_client() as client, watched() as other, rtc_client() as sender:
        client.listen()
        client.add_slots(1)
        sender.listen()
        sender.show(MovingPicture(90))
        await join(sender, other)
        offer = (await client.offer()).replace("VP8/90000", "VP9/90000")
        await held.peer.answer(offer)
        held.peer.watch(other.peer.camera, "1")
        await ticks(lambda: "codec-not-negotiated" in drops(held), lambda _: None)
        assert held.peer.statistics().slots["1"].unsupported


async def test_candidates_come_after_the_offer_for_a_known_line_and_not_without_end() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        with pytest.raises(CandidateError, match="after the offer"):
            await held.peer.add_candidate("candidate:1 1 udp 5 127.0.0.1 9 typ host", "0", 0)
        await held.peer.answer(await client.offer())
        for mid, line, reason in (("9", None, "mid"), (None, 5, "m-line 5"), (None, None, "mid or")):
            with pytest.raises(CandidateError, match=reason):
                await held.peer.add_candidate("candidate:1 1 udp 5 127.0.0.1 9 typ host", mid, line)
        with pytest.raises(CandidateError, match="a candidate is"):
            await held.peer.add_candidate("garbage", "0", 0)
        await held.peer.add_candidate("", "0", 0)
        await held.peer.add_candidate("candidate:1 1 udp 5 abc.local 9 typ host", "0", 0)
        assert drops(held) == {"candidate-mdns": 1}
        for port in range(1001, 1064):
            await held.peer.add_candidate(f"candidate:1 1 udp 5 127.0.0.1 {port} typ host", "0", 0)
        with pytest.raises(CandidateError, match="at most"):
            await held.peer.add_candidate("candidate:1 1 udp 5 127.0.0.1 1064 typ host", "0", 0)


async def test_candidates_may_be_trickled_after_an_offer_without_any() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        lines = (await client.offer()).splitlines(keepends=True)
        bare = "".join(line for line in lines if "candidate" not in line)
        answer = await held.peer.answer(bare)
        silent = "".join(line for line in answer.splitlines(keepends=True) if "candidate" not in line)
        await client.accept(silent)
        for line in lines:
            if line.startswith("a=candidate"):
                await held.peer.add_candidate(line.strip().removeprefix("a="), "0", 0)
        await held.reaches(PeerState.CONNECTED)


async def test_the_answer_offers_loopback_though_the_library_leaves_it_out() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        answer = await held.peer.answer(await client.offer())
        hosts = {line.split()[4] for line in answer.splitlines() if line.startswith("a=candidate")}
        assert "127.0.0.1" in hosts


async def test_a_wrong_ice_server_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="STUN or TURN"):
        Peer(ice_servers=[IceServer(("nonsense",))], video_slots=1, on_state=lambda state: None)
