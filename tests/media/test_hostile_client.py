"""A client that lies, floods, jumps and replays: its peer stays within its bounds, counts why, and disturbs nobody."""

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.realtime.opus import DTX_PACKET, OpusEncoder
from media.realtime.packet import FRAME
from media.realtime.ring import AudioRing
from media.rtc import rtcp
from media.rtc.packets import build_rtp, parse_rtp
from media.rtc.peer import Peer
from media.rtc.sdp import parse_offer
from media.rtc.source import KEYFRAME_INTERVAL_NS, TrackSource
from tests.media.room_script import Scene, amplitude_of, run_room, tone
from tests.media.rtc_client import loopback_only
from tests.media.test_rtc_forwarder import Camera, Line, vp8

MS = 1_000_000
AUDIO, VIDEO, UNKNOWN_TYPE = 111, 96, 35
VOICE, PICTURE = 1000, 2000
NUMBER_EXTENSION = 5

_TRANSPORT = (
    "a=rtcp-mux",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:0123456789012345678901",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    "a=setup:actpass",
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
    f"a=extmap:{NUMBER_EXTENSION} http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
)
_VIDEO = ("a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 transport-cc")
OFFER = "\r\n".join(
    [
        "v=0",
        "a=group:BUNDLE a v s",
        *("m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:a", "a=rtpmap:111 opus/48000/2", *_TRANSPORT),
        *("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:v", "a=sendonly", *_VIDEO, *_TRANSPORT),
        *("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:s", "a=recvonly", *_VIDEO, *_TRANSPORT),
    ]
)


class Hostile:
    """A peer whose keys are known to whoever holds this: each packet reaches it as if it had been decrypted."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.peer = Peer(ice_servers=[], video_slots=2, on_state=lambda state: None, clock=clock)
        self.peer._apply(self.peer._plan(parse_offer(OFFER)))
        self.sent: list[bytes] = []
        self.sequence = {AUDIO: 100, VIDEO: 200, UNKNOWN_TYPE: 1}
        self.timestamp = {AUDIO: 0, VIDEO: 0, UNKNOWN_TYPE: 0}
        self.ssrc = {AUDIO: VOICE, VIDEO: PICTURE, UNKNOWN_TYPE: 5}

    def accounted(self) -> int:
        """What became of the packets so far: each of them must be found in one of these."""
        peer = self.peer
        camera = peer.camera
        assert camera is not None
        octets = sum(layer._octets + layer.rate for layer in camera.layers)
        last = [layer.last_ns or 0 for layer in camera.layers]
        sound = peer.jitter.statistics
        return hash((sum(peer.statistics().drops.values()), sound.received, octets, *last, camera.keyframes))

    def packet(self, kind: int, payload: bytes, marker: bool = False) -> bytes:
        """The next packet of a stream."""
        self.sequence[kind] = (self.sequence[kind] + 1) & 0xFFFF
        self.timestamp[kind] = (self.timestamp[kind] + (960 if kind == AUDIO else 3000)) & 0xFFFFFFFF
        number = self.sequence[kind].to_bytes(2, "big")
        extension = b"\xbe\xde\x00\x01" + bytes([NUMBER_EXTENSION << 4 | 1]) + number + b"\0"
        return build_rtp(
            kind, marker, self.sequence[kind], self.timestamp[kind], self.ssrc[kind], extension, payload
        )

    def rtp(self, data: bytes) -> None:
        """Sends a packet."""
        self.sent = [*self.sent[-63:], data]
        self.peer.on_rtp(data, self.clock())

    def rtcp(self, data: bytes) -> None:
        """Sends a compound packet."""
        self.peer.on_rtcp(data, self.clock())

    def stays_bounded(self) -> None:
        """What it holds of what the client sent."""
        inbound = self.peer._inbound
        assert self.peer.jitter.held <= 400
        assert len(inbound.streams) <= 8
        assert len(inbound.tracks) == 2
        assert all(len(stream.missing._missing) <= 256 for stream in inbound.streams.values())
        assert len(inbound._arrivals._arrivals) <= 1001
        assert len(self.peer.statistics().drops) < 60, "reasons are names, not what a client makes of them"


@contextmanager
def hostile(clock: Callable[[], int]) -> Iterator[Hostile]:
    """Needs a running loop, as the connection does that is never made."""
    yield Hostile(clock)


jumps = st.sampled_from([1, 2, 99, 101, 2999, 3001, 0x7FFF, 0x8000, 0xFFFF])
kinds = st.sampled_from([AUDIO, VIDEO, UNKNOWN_TYPE])
media_payloads = st.binary(max_size=40) | st.sampled_from(
    [
        DTX_PACKET,
        b"",
        vp8(7, True),
        vp8(8, False),
        b"\xff" * 1400,
        OpusEncoder().encode(np.ones(FRAME, np.int16)),
    ]
)
numbers = st.integers(0, 0xFFFFFFFF) | st.sampled_from([VOICE, PICTURE, 0, 1])
lies = st.one_of(
    st.builds(rtcp.nack, numbers, numbers, st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=200)),
    st.builds(rtcp.keyframe_request, numbers, numbers),
    st.builds(rtcp.bitrate_limit, numbers, st.integers(0, 1 << 62), st.just([])),
    st.builds(
        rtcp.sender_report,
        numbers,
        st.integers(0, (1 << 64) - 1),
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 100),
        st.integers(0, 100),
        st.just("cname"),
    ),
    # Receiver reports, goodbyes, descriptions, feedback of any kind, whole and cut off.
    st.builds(
        lambda kind, count, body: bytes([0x80 | count, kind]) + (len(body) // 4).to_bytes(2, "big") + body,
        st.sampled_from([200, 201, 202, 203, 204, 205, 206, 207]),
        st.sampled_from([0, 1, 4, 15, 31]),
        st.binary(max_size=80),
    ),
)
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("send"), kinds, media_payloads),
        st.tuples(st.just("jump-sequence"), kinds, jumps),
        st.tuples(st.just("jump-timestamp"), kinds, st.integers(0, 0xFFFFFFFF)),
        st.tuples(st.just("change-ssrc"), kinds, numbers),
        st.tuples(st.just("replay"), st.integers(0, 63), st.integers(1, 5)),
        st.tuples(st.just("cut"), st.integers(0, 63), st.integers(0, 30)),
        st.tuples(st.just("lie"), lies, st.just(0)),
        st.tuples(st.just("flood"), kinds, st.integers(1, 400)),
        st.tuples(st.just("wait"), st.integers(0, 3000), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(deeds=deeds)
def test_whatever_a_client_does_its_peer_is_bounded_and_accounts_for_each_packet(
    deeds: list[tuple[str, object, object]],
) -> None:
    async def suffer() -> None:
        now = 10**12
        with hostile(lambda: now) as client:
            watcher = Line()
            forwarder = watcher.forwarder()
            camera = client.peer.camera
            assert camera is not None
            forwarder.watch(camera)
            out = np.zeros(FRAME, np.float32)
            for deed in deeds:
                match deed:
                    case "send", int(kind), bytes(payload):
                        before = client.accounted()
                        client.rtp(client.packet(kind, payload))
                        assert client.accounted() != before, "a packet vanished without a trace"
                    case "jump-sequence", int(kind), int(by):
                        client.sequence[kind] = (client.sequence[kind] + by) & 0xFFFF
                    case "jump-timestamp", int(kind), int(by):
                        client.timestamp[kind] = (client.timestamp[kind] + by) & 0xFFFFFFFF
                    case "change-ssrc", int(kind), int(ssrc):
                        client.ssrc[kind] = ssrc
                    case "replay", int(which), int(times) if client.sent:
                        for _ in range(times):
                            client.rtp(client.sent[which % len(client.sent)])
                    case "cut", int(which), int(size) if client.sent:
                        client.rtp(client.sent[which % len(client.sent)][:size])
                    case "lie", bytes(data), _:
                        client.rtcp(data)
                    case "flood", int(kind), int(packets):
                        for _ in range(packets):
                            client.rtp(client.packet(kind, b"\x68" * 20))
                    case "wait", int(milliseconds), _:
                        now += milliseconds * MS
                client.stays_bounded()
                client.peer.jitter.pull(out, now)
                assert np.isfinite(out).all()
            sequences = [parse_rtp(packet).sequence for packet in watcher.rtp]
            assert len(watcher.rtp) <= len(client.sent) + 400 * len(deeds)
            assert len(sequences) == len(watcher.rtp)

    asyncio.run(suffer())


def _jump_timestamps(client: Hostile, random: Random, silence: bytes) -> None:
    client.timestamp[AUDIO] = random.getrandbits(32)
    client.rtp(client.packet(AUDIO, silence))


def _jump_sequence(client: Hostile, random: Random, silence: bytes) -> None:
    client.sequence[AUDIO] = random.getrandbits(16)
    client.rtp(client.packet(AUDIO, silence))


def _change_ssrc(client: Hostile, random: Random, silence: bytes) -> None:
    client.ssrc[AUDIO] = random.getrandbits(32)
    client.rtp(client.packet(AUDIO, silence))


def _flood(client: Hostile, random: Random, silence: bytes) -> None:
    for _ in range(200):
        client.rtp(client.packet(random.choice([AUDIO, VIDEO]), silence))


def _replay(client: Hostile, random: Random, silence: bytes) -> None:
    client.rtp(client.packet(AUDIO, silence))
    for _ in range(20):
        client.rtp(random.choice(client.sent))


def _send_garbage(client: Hostile, random: Random, silence: bytes) -> None:
    for _ in range(5):
        client.rtp(random.randbytes(random.randrange(60)))
        client.rtp(b"\x80\x6f" + random.randbytes(random.randrange(60)))
    client.rtp(client.packet(AUDIO, b"\x03\xff" + random.randbytes(20)))  # 63 frames: no Opus packet


def _lie(client: Hostile, random: Random, silence: bytes) -> None:
    client.rtp(client.packet(AUDIO, silence))
    client.rtcp(rtcp.sender_report(VOICE, random.getrandbits(64), random.getrandbits(32), 1, 1, "c"))
    client.rtcp(rtcp.nack(1, client.peer._audio.ssrc, [random.getrandbits(16) for _ in range(100)]))
    client.rtcp(rtcp.bitrate_limit(1, random.getrandbits(40), []))
    client.rtcp(b"\x81\xc9\x00\x07" + random.randbytes(28))
    client.rtcp(b"\x81\xcb\x00\x01" + VOICE.to_bytes(4, "big"))  # goodbye


def _all_of_it(client: Hostile, random: Random, silence: bytes) -> None:
    random.choice(DEEDS)(client, random, silence)


DEEDS = (_jump_timestamps, _jump_sequence, _change_ssrc, _flood, _replay, _send_garbage, _lie)


@pytest.mark.virtual_time
@pytest.mark.parametrize("deed", [*DEEDS, _all_of_it], ids=lambda deed: deed.__name__.strip("_"))
async def test_two_who_talk_hear_each_other_without_a_gap_whatever_a_third_sends(
    deed: Callable[[Hostile, Random, bytes], None],
) -> None:
    async with run_room() as scene:
        ada, ben = scene.person("ada"), scene.person("ben")
        with hostile(scene.clock) as client:
            scene.room.add_person("mallory", ears=_ears(scene), peer=client.peer)
            await scene.passes(0.5)
            ada.says(tone(440, 3.0))
            sending = scene.tasks.create_task(_send(scene, client, deed))
            await scene.passes(3.5)
            sending.cancel()
            client.stays_bounded()
            heard = ben.heard().astype(np.float64)
            began = int(np.argmax(np.abs(heard) > 1000))
            # The 40 ms at either end of the tone are its soft edges and the codec's.
            windows = [
                amplitude_of(440, heard[at : at + 2400])
                for at in range(began + 2400, began + 3 * 48_000 - 4800, 2400)
            ]
            assert min(windows) > 0.7 * float(np.median(windows)) > 0.07
            assert scene.plane.statistics().faults == 0
            spoken = [timestamp for _, timestamp in ben.peer.sent if began < timestamp - ben.peer.sent[0][1]]
            steps = np.diff(spoken)[: 3 * 50 - 5]
            assert set(steps) == {FRAME}, "one packet every 20 ms"
            scene.room.remove("mallory")


def _ears(scene: Scene) -> AudioRing:
    capacity = 30 * 16_000
    buffer = bytearray(AudioRing.nbytes(capacity))
    return AudioRing.format(buffer, rate=16_000, capacity=capacity, clock=scene.clock)


async def _send(scene: Scene, client: Hostile, deed: Callable[[Hostile, Random, bytes], None]) -> None:
    random, encoder = Random(deed.__name__), OpusEncoder()
    silence = encoder.encode(np.zeros(FRAME, np.int16))
    while True:
        deed(client, random, silence)
        await scene.passes(0.02)


@settings(max_examples=40, deadline=None)
@given(
    lied=st.lists(st.tuples(st.booleans(), lies, st.integers(0, 200)), max_size=60),
    keyframes=st.booleans(),
)
def test_a_viewer_who_lies_changes_nothing_for_another_viewer_of_the_same_camera(
    lied: list[tuple[bool, bytes, int]], keyframes: bool
) -> None:
    async def look() -> None:
        now = 10**12
        asked = 0

        def ask(rid: str) -> bool:
            nonlocal asked
            asked += 1
            return True

        with hostile(lambda: now) as client:
            camera = Camera(TrackSource(ask, lambda: now), now_ns=now)
            good = Line()
            good.now_ns = now
            forwarder = good.forwarder()
            forwarder.watch(camera.source)
            client.peer.watch(camera.source, "s")
            camera.frame(key=True)
            began = now
            slot = client.peer._slots.videos["s"]
            for about_slot, data, wait in lied:
                now += wait * MS
                camera.now_ns = now
                if about_slot:
                    client.rtcp(rtcp.keyframe_request(1, slot.ssrc))
                    client.rtcp(rtcp.nack(1, slot.ssrc, [now & 0xFFFF]))
                client.rtcp(data)
                camera.frame(key=keyframes)
                client.stays_bounded()
            sequences = [parse_rtp(packet).sequence for packet in good.rtp]
            steps = {(after - before) & 0xFFFF for before, after in pairwise(sequences)}
            assert steps <= {1}
            assert len(good.rtp) == 2 * (len(lied) + 1)
            assert asked <= 2 + (now - began) // KEYFRAME_INTERVAL_NS

    asyncio.run(look())


def test_a_camera_that_never_sends_a_keyframe_is_asked_seldom_and_shown_to_nobody() -> None:
    async def look() -> None:
        now = 10**12
        with hostile(lambda: now) as client:
            watcher = Line()
            forwarder = watcher.forwarder()
            camera = client.peer.camera
            assert camera is not None
            asked: list[int] = []

            def ask(rid: str) -> bool:
                asked.append(now)
                return True

            camera._request_keyframe = ask
            forwarder.watch(camera)
            for _ in range(60 * 30):
                now += 33 * MS
                client.rtp(client.packet(VIDEO, vp8(7, False)))
                client.stays_bounded()
            assert watcher.rtp == []
            assert watcher.drops == ["before-keyframe"] * 60 * 30
            # Twice a second at first, then ever more rarely: a minute of it costs less than 30 requests.
            assert 4 <= len(asked) < 30
            assert asked[-1] - asked[-2] > 4 * KEYFRAME_INTERVAL_NS

    asyncio.run(look())


cookies = st.sampled_from([b"\x21\x12\xa4\x42", b"\0\0\0\0"])
datagrams = st.one_of(
    st.binary(max_size=80),
    # STUN of any kind with attributes of any kind, of lengths that may lie.
    st.builds(
        lambda kind, length, cookie, body: kind + length.to_bytes(2, "big") + cookie + bytes(12) + body,
        st.sampled_from([b"\x00\x01", b"\x01\x01", b"\x01\x11", b"\x00\x03", b"\x3f\xff"]),
        st.integers(0, 80) | st.just(0xFFFF),
        cookies,
        st.binary(max_size=80),
    ),
    st.builds(
        bytes.__add__,
        st.sampled_from([b"\x16\xfe\xff", b"\x17\xfe\xfd", b"\x80", b"\x80\xc8"]),
        st.binary(max_size=80),
    ),
)


@settings(max_examples=25, deadline=None)
@given(sent=st.lists(datagrams, max_size=150))
def test_no_datagram_of_a_stranger_ends_a_connection_or_is_kept_for_long(sent: list[bytes]) -> None:
    async def suffer() -> None:
        unhandled: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        with hostile(lambda: 10**12) as client:
            transport = client.peer._transport
            await transport.gather()
            connection = transport._connection
            for data in sent:
                for protocol in connection._protocols[:1]:
                    protocol.datagram_received(data, ("192.0.2.1", 9))
            assert connection.queue_length() <= 64
            # Only who knows our password is given a place among the pairs.
            assert not connection._check_list
            assert not connection._nominated
            assert not client.peer._inbound.streams
            await client.peer.close()
        assert not unhandled

    with loopback_only():
        asyncio.run(suffer())


def test_a_client_who_goes_on_with_it_makes_its_peer_no_larger() -> None:
    async def suffer() -> None:
        now = 10**12
        random, silence = Random(4), OpusEncoder().encode(np.zeros(FRAME, np.int16))
        out = np.zeros(FRAME, np.float32)
        with hostile(lambda: now) as client:
            watcher = Line()
            camera = client.peer.camera
            assert camera is not None
            forwarder = watcher.forwarder()
            forwarder.watch(camera)

            def go_on(deeds: int) -> int:
                nonlocal now
                for _ in range(deeds):
                    now += 20 * MS
                    _all_of_it(client, random, silence)
                    client.rtp(client.packet(VIDEO, vp8(7, random.random() < 0.1)))
                    client.peer.jitter.pull(out, now)
                    client.stays_bounded()
                    for kept in (watcher.rtp, watcher.rtcp, watcher.again, watcher.drops):
                        kept.clear()
                gc.collect()
                return tracemalloc.get_traced_memory()[0]

            tracemalloc.start()
            try:
                go_on(60)
                before = go_on(60)
                assert go_on(150) - before < 100_000
            finally:
                tracemalloc.stop()

    asyncio.run(suffer())
