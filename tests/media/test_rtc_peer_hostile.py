"""What a `Peer` makes of clients that send nonsense: real aiortc clients on loopback."""

import asyncio
import os
import random
import socket
import time
from collections.abc import Callable, Iterator

import pylibsrtp
import pytest
from aiortc.rtp import RtcpPsfbPacket, RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from media.rtc import peer as peer_module
from media.rtc.inbound import InboundStream, InboundTracks
from media.rtc.packets import build_rtp, parse_rtp
from media.rtc.peer import PeerState
from media.rtc.sdp import SdpError, parse_offer
from tests.media.rtc_client import MovingPicture, loopback_only, rtc_client
from tests.media.watched_peer import (
    OFFER,
    Watched,
    drops,
    join,
    ticks,
    watched,
)


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with loopback_only():
        yield


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
