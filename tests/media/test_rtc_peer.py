"""A `Peer` and real aiortc clients on loopback: ICE, DTLS and SRTP are the real ones."""

import asyncio
import gc
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import numpy as np
import pylibsrtp
import pytest
from aiortc.rtp import RtcpPsfbPacket, RtpPacket
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from media.realtime.opus import OpusEncoder
from media.realtime.packet import FRAME, FrameKind
from media.rtc import peer as peer_module
from media.rtc import private
from media.rtc.ice import CandidateError, IceServer
from media.rtc.inbound import InboundStream, InboundTracks
from media.rtc.packets import build_rtp, parse_rtp
from media.rtc.peer import Peer, PeerState
from media.rtc.sdp import SdpError, parse_offer
from tests.media.rtc_client import MovingPicture, RtcClient, Tone, loopback_only, rtc_client


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with loopback_only():
        yield


OFFER = "\r\n".join(
    [
        "v=0",
        "a=group:BUNDLE a",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:a",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789012345678901",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
    ]
)


class Watched:
    """A peer, and its states as they come."""

    def __init__(self, video_slots: int = 4) -> None:
        self.states: list[PeerState] = []
        self._changed = asyncio.Event()
        self.peer = Peer(ice_servers=[], video_slots=video_slots, on_state=self._on_state)

    def _on_state(self, state: PeerState) -> None:
        self.states.append(state)
        self._changed.set()

    async def reaches(self, state: PeerState, seconds: float = 12.0) -> None:
        async with asyncio.timeout(seconds):
            while state not in self.states:
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def watched(video_slots: int = 4) -> AsyncIterator[Watched]:
    held = Watched(video_slots)
    try:
        yield held
    finally:
        await held.peer.close()


async def join(client: RtcClient, held: Watched) -> None:
    """Connects a client whose tracks are set."""
    await negotiate(client, held)
    await held.reaches(PeerState.CONNECTED)
    await client.connected()


async def negotiate(client: RtcClient, held: Watched) -> None:
    await client.accept(await held.peer.answer(await client.offer()))


async def ticks(condition: Callable[[], bool], tick: Callable[[int], None], seconds: float = 12.0) -> None:
    """Runs the room's clock, 20 ms a tick, until something holds."""
    began = time.monotonic()
    index = 0
    async with asyncio.timeout(seconds):
        while not condition():
            tick(index)
            index += 1
            await asyncio.sleep(max(0.0, began + index * 0.02 - time.monotonic()))


def spectrum_peak(samples: NDArray[np.float64]) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * 48_000 / len(samples))


def tone_packets(hertz: float) -> Callable[[int], bytes]:
    encoder = OpusEncoder()

    def packet(index: int) -> bytes:
        at = np.arange(index * FRAME, (index + 1) * FRAME) / 48_000
        return encoder.encode((np.sin(2 * np.pi * hertz * at) * 9000).astype(np.int16))

    return packet


def drops(held: Watched) -> dict[str, int]:
    return dict(held.peer.statistics().drops)


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

        await ticks(lambda: len(heard) >= 50 and len(client.audio) >= 50, tick)
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
            await client.until(lambda c=client, i=index: sees(c, "2", levels[(i + 1) % 3]))
            await client.until(lambda c=client, i=index: sees(c, "3", levels[(i + 2) % 3]))
        held, client = room[0]
        held.peer.watch(cameras[2], "2")
        await client.until(lambda: sees(client, "2", 200))
        held.peer.watch(None, "2")
        shown = held.peer.statistics().slots["2"]
        assert not shown.watching
        assert shown.packets > 0
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
        assert held.peer.camera is None
        client.show(MovingPicture(150))
        client.add_slots(1)
        await negotiate(client, held)
        camera = held.peer.camera
        assert camera is not None
        assert held.peer.slots == ("2",)
        held.peer.watch(camera, "2")
        await client.until(lambda: len(client.video.get("2", [])) > 2)
        client.pc.getTransceivers()[1].direction = "inactive"
        client.add_slots(1)
        await negotiate(client, held)
        assert held.peer.camera is None
        assert held.peer.slots == ("2", "3")
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


@pytest.mark.parametrize(
    "mangle",
    [
        lambda sdp: sdp[:40],
        lambda sdp: sdp.replace("opus/48000/2", "speex/16000"),
        lambda sdp: (
            sdp.replace("a=fingerprint:sha-256", "a=fingerprint:sha-257")
            .replace("sha-384", "x")
            .replace("sha-512", "x")
        ),
        lambda sdp: sdp + "a=x\r\n" * 100_000,
        lambda sdp: sdp.replace("m=audio", "m=video"),
    ],
    ids=["cut off", "no Opus", "no fingerprint", "too large", "no audio"],
)
async def test_an_offer_that_cannot_be_answered_leaves_nothing_and_a_good_one_still_works(
    mangle: Callable[[str], str],
) -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        offer = await client.offer()
        before = len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())
        with pytest.raises(SdpError):
            await held.peer.answer(mangle(offer))
        assert (len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())) == before
        assert held.states == []
        await client.accept(await held.peer.answer(offer))
        await held.reaches(PeerState.CONNECTED)


async def test_a_bad_offer_in_mid_call_changes_nothing() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        client.add_slots(1)
        await join(client, held)
        offer = await client.offer()
        for wrong in (
            "v=0",
            offer.replace("a=ice-ufrag:", "a=ice-ufrag:x"),
            offer.replace("a=mid:0", "a=mid:7").replace("BUNDLE 0", "BUNDLE 7"),
        ):
            with pytest.raises(SdpError):
                await held.peer.answer(wrong)
        assert held.peer.slots == ("1",)
        assert held.peer.state is PeerState.CONNECTED
        await client.accept(await held.peer.answer(offer))


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


async def test_garbage_on_the_port_is_counted_and_the_call_goes_on() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        client.show(MovingPicture(100))
        answer = await held.peer.answer(await client.offer())
        await client.accept(answer)
        await held.reaches(PeerState.CONNECTED)
        port = next(int(line.split()[5]) for line in answer.splitlines() if line.startswith("a=candidate"))
        noise = random.Random(5)
        cookie = b"\x21\x12\xa4\x42" + bytes(12)
        stun = [
            b"\x00\x01\x00\x08" + cookie + b"\x00\x24\x00\x01\xff\x00\x00\x00",
            b"\x00\x01\x00\x08" + cookie + b"\x00\x06\x00\x04\xff\xfe\xfd\xfc",
            b"\x00\x01\x00\x00" + cookie,
            b"\x3f\xff\x00\x00" + cookie,
        ]
        before = held.peer.statistics().packets_in
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
            attacker.bind(("127.0.0.1", 0))
            for datagram in (b"", b"\x00", b"\xff" * 40, b"\x80" * 5, b"\x90" * 1600, *stun):
                attacker.sendto(datagram, ("127.0.0.1", port))
            for first in (0x16, 0x17, 0x80, 0x80, 0x81, 0x00, 0x50):
                for _ in range(40):
                    attacker.sendto(
                        bytes([first]) + noise.randbytes(noise.randrange(60)), ("127.0.0.1", port)
                    )
            await ticks(lambda: held.peer.statistics().packets_in > before + 40, lambda _: None)
        counted = drops(held)
        for reason in ("unknown-protocol", "bad-length", "srtp-authentication", "stun-unparsable"):
            assert counted[reason] > 0
        assert held.peer.state is PeerState.CONNECTED


async def test_nonsense_from_the_client_itself_is_counted_by_reason() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        await join(client, held)
        transport = client.pc.getTransceivers()[0].sender.transport
        assert transport is not None
        good = RtpPacket(payload_type=96, ssrc=4242, payload=b"\xf8")
        strange = RtpPacket(payload_type=120, sequence_number=1, ssrc=4242, payload=b"\xf8")
        for packet in (
            good.serialize(),
            strange.serialize(),
            b"\x81\xc8\x00\x02" + bytes(8),
            bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=99)),
            b"\x8f\xce\x00\x04" + bytes(8) + b"REMB\xff\xff\xff\xff",
        ):
            await transport._send_rtp(packet)
        expected = {"unknown-ssrc", "unknown-payload-type", "rtcp-unparsable", "rtcp-unknown-ssrc"}
        await ticks(lambda: expected <= set(drops(held)), lambda _: None)
        noise = random.Random(9)
        before = held.peer.statistics().packets_in
        sent = 0
        while sent < 300:
            kind = noise.choice([96, 224, 200, 201, 205, 206])
            packet = bytes([noise.randrange(128, 192), kind]) + noise.randbytes(10 + noise.randrange(60))
            try:
                await transport._send_rtp(packet)
            except pylibsrtp.Error:
                continue
            sent += 1
        await ticks(lambda: held.peer.statistics().packets_in > before + 200, lambda _: None)
        assert held.peer.state is PeerState.CONNECTED


async def test_a_client_that_closes_is_noticed_at_once() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        await join(client, held)
        await client.close()
        await held.reaches(PeerState.CLOSED, seconds=3)
        assert held.states == [PeerState.CONNECTING, PeerState.CONNECTED, PeerState.CLOSED]
        with pytest.raises(SdpError, match="join again"):
            await held.peer.answer(await _fresh_offer())


async def _fresh_offer() -> str:
    async with rtc_client() as client:
        client.speak()
        return await client.offer()


async def test_a_client_that_vanishes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "CONSENT_INTERVAL_S", 0.2)
    monkeypatch.setattr(private, "LOST_AFTER_S", 1.0)
    async with watched() as held, rtc_client() as client:
        client.speak()
        await join(client, held)
        client.vanish()
        began = time.monotonic()
        await held.reaches(PeerState.FAILED, seconds=5)
        assert time.monotonic() - began > 0.9
        assert drops(held)["consent-expired"] == 1
        held.peer.send_audio(b"\xf8", 0)
        assert drops(held)["not-connected"] >= 1


def test_a_vanished_client_is_noticed_within_ten_seconds() -> None:
    worst = private.LOST_AFTER_S + private.CONSENT_INTERVAL_S * 1.2 + 0.5
    assert worst < 10


async def test_a_client_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "CONNECT_TIMEOUT_S", 0.3)
    async with watched() as held, rtc_client() as client:
        client.speak()
        await held.peer.answer(await client.offer())
        await held.reaches(PeerState.FAILED, seconds=3)
        assert drops(held)["connect-timeout"] == 1


async def test_closing_in_the_middle_of_connecting_is_clean() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        await held.peer.answer(await client.offer())
        await held.peer.close()
        await held.peer.close()
        assert held.states == [PeerState.CONNECTING, PeerState.CLOSED]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_twenty_calls_leave_no_task_no_thread_and_no_socket_behind() -> None:
    async def call() -> None:
        async with watched() as held, rtc_client() as client:
            client.speak()
            client.show(MovingPicture(100))
            client.add_slots(1)
            await join(client, held)
            held.peer.watch(held.peer.camera, held.peer.slots[0])
            packet = tone_packets(300)
            await ticks(
                lambda: len(client.audio) > 2 and held.peer.statistics().packets_in > 5,
                lambda index: held.peer.send_audio(packet(index), index * FRAME),
                seconds=30,
            )

    await call()
    gc.collect()
    before = open_files(), len(asyncio.all_tasks())
    for _ in range(4):
        await asyncio.gather(*(call() for _ in range(5)))
    gc.collect()
    assert (open_files(), len(asyncio.all_tasks())) == before
    # The clients' encoders share the loop's executor; the peers start no thread.
    named = [thread.name for thread in threading.enumerate()]
    assert all(name == "MainThread" or name.startswith("asyncio_") for name in named)


async def test_a_peer_starts_no_thread_and_owns_three_tasks() -> None:
    async with watched() as held, rtc_client() as client:
        client.speak()
        client.show(MovingPicture(100))
        await join(client, held)
        await ticks(lambda: held.peer.statistics().packets_in > 20, lambda _: None)
        decoders = [t.name for t in threading.enumerate() if t.name.endswith("-decoder")]
        assert decoders == ["audio-decoder"], "the client's own, for what it hears"
        tasks = Counter(task.get_coro().__qualname__ for task in asyncio.all_tasks())
        assert tasks["Peer._connect"] == 1
        assert tasks["_Connection.query_consent"] == 1
        assert tasks["RTCDtlsTransport.__run"] == 2, "one of them is the client's"
        assert not any(name.startswith(("RTCRtp", "Video", "Inbound")) for name in tasks if tasks[name] > 4)


async def test_closing_while_sockets_are_opened_leaves_none() -> None:
    async with rtc_client() as client:
        client.speak()
        offer = await client.offer()
        before = open_files()
        for cancelled in (False, True):
            async with watched() as held:
                answering = asyncio.create_task(held.peer.answer(offer))
                await asyncio.sleep(0)
                if cancelled:
                    answering.cancel()
                await held.peer.close()
                with pytest.raises((SdpError, asyncio.CancelledError)):
                    await answering
            assert open_files() == before


async def test_another_ssrc_takes_over_only_when_the_first_is_silent() -> None:
    section = parse_offer(OFFER).sections[0]
    tracks = InboundTracks(1, lambda packet: True)
    tracks.negotiate([section])
    first = parse_rtp(build_rtp(111, False, 1, 0, 7, b"", b"x"))
    second = parse_rtp(build_rtp(111, False, 1, 0, 8, b"", b"x"))
    stream = tracks.route(first, b"", 0)
    assert isinstance(stream, InboundStream)
    assert tracks.received(stream, first, b"", 0) == (True, False)
    assert tracks.route(second, b"", 100_000_000) == "parallel-stream"
    successor = tracks.route(second, b"", 600_000_000)
    assert isinstance(successor, InboundStream)
    assert tracks.received(successor, second, b"", 600_000_000) == (False, False)
    for ssrc in range(100, 200):
        header = parse_rtp(build_rtp(111, False, 1, 0, ssrc, b"", b"x"))
        tracks.route(header, b"", 700_000_000)
    assert len(tracks.streams) <= 8


async def test_replayed_and_flooding_packets_are_dropped_counted_and_shown_to_nobody() -> None:
    async with watched() as held, rtc_client() as client, watched() as viewer, rtc_client() as far:
        client.speak()
        client.show(MovingPicture(100))
        far.listen()
        far.add_slots(1)
        await join(client, held)
        await join(far, viewer)
        viewer.peer.watch(held.peer.camera, "1")
        await far.until(lambda: len(far.video.get("1", [])) > 2)
        transport = client.pc.getTransceivers()[0].sender.transport
        assert transport is not None
        captured: list[bytes] = []
        original = held.peer._transport._on_media

        def tapped(data: bytes) -> None:
            captured.append(data)
            original(data)

        held.peer._transport._on_media = tapped  # type: ignore[method-assign]
        await ticks(lambda: len(captured) > 20, lambda _: None)
        for data in captured[-10:]:
            original(data)
        assert drops(held)["srtp-replay"] >= 10
        now = time.monotonic_ns()
        packet = build_rtp(96, False, 1, 1, 4242, b"", b"x")
        for index in range(6000):
            held.peer.on_rtp(packet, now + index)
            held.peer.on_rtcp(packet, now + index)
        counted = drops(held)
        assert counted["flood"] > 12_000 - 2 * peer_module.MAX_BURST
        held.peer._allowed_ns = now - 1_000_000_000
        seen = len(far.video["1"])
        await far.until(lambda: len(far.video["1"]) > seen + 5)
        assert viewer.peer.statistics().slots["1"].lost == 0


def test_layers_are_told_apart_by_their_first_packets() -> None:
    lines = [
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "a=mid:v",
        "a=rtcp-mux",
        "a=rtpmap:96 VP8/90000",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        "a=rid:q send",
        "a=rid:f send",
        "a=simulcast:send q;f",
    ]
    offer = OFFER + "\r\n" + "\r\n".join(lines)
    tracks = InboundTracks(1, lambda packet: True)
    tracks.negotiate(list(parse_offer(offer).sections))

    def arrive(ssrc: int, rid: bytes | None, now_ns: int = 0) -> InboundStream | str:
        elements = b"\x40v" + (bytes([0xA0 | len(rid) - 1]) + rid if rid is not None else b"")
        elements += bytes(-len(elements) % 4)
        block = b"\xbe\xde" + (len(elements) // 4).to_bytes(2, "big") + elements
        data = build_rtp(96, False, 1, 0, ssrc, block, b"x")
        stream = tracks.route(parse_rtp(data), data, now_ns)
        if isinstance(stream, InboundStream):
            tracks.received(stream, parse_rtp(data), data, now_ns)
        return stream

    assert arrive(7, None) == "unknown-rid"
    assert arrive(7, b"x") == "unknown-rid"
    assert arrive(7, b"\xff") == "unknown-rid"
    low, high = arrive(7, b"q"), arrive(8, b"f")
    assert isinstance(low, InboundStream)
    assert isinstance(high, InboundStream)
    assert (low.rid, high.rid) == ("q", "f")
    assert arrive(7, None) is low, "once it is known, an SSRC says all"
    assert arrive(9, b"q", 100_000_000) == "parallel-stream"
    successor = arrive(9, b"q", 700_000_000)
    assert isinstance(successor, InboundStream)
    assert tracks.tracks["v"].current["f"] is high


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=80)), max_size=30))
def test_no_bytes_from_a_client_make_its_peer_fail(packets: list[tuple[bool, bytes]]) -> None:
    async def receive() -> None:
        held = Watched()
        held.peer._inbound.negotiate(list(parse_offer(OFFER).sections))
        for index, (control, data) in enumerate(packets):
            (held.peer.on_rtcp if control else held.peer.on_rtp)(b"\x80\x6f" * (not control) + data, index)
        assert sum(drops(held).values()) + len(held.peer.statistics().received) <= 600 * len(packets) + 1
        await held.peer.close()

    asyncio.run(receive())
