"""RTP clients in a process of their own: real ICE, DTLS and SRTP, packets made ahead, arrivals only counted."""

import asyncio
import fractions
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import uvloop
from aioice import Candidate
from aiortc.codecs.vpx import Vp8Encoder

from media.realtime.opus import OpusEncoder
from media.rtc.packets import build_rtp, parse_rtp
from media.rtc.private import RemoteTransport, SecureTransport
from media.rtc.sdp import parse_offer

__all__ = ["AUDIO", "LOAD_COMMAND", "VIDEO", "Clip", "Plan", "main", "offer", "write_offer"]

AUDIO, VIDEO = 111, 96
CLOCK = {AUDIO: 48_000, VIDEO: 90_000}
LOAD_COMMAND = (sys.executable, "-c", "from perf.rtp_load import main; main()")
PORTION_S = 0.005
MAX_PORTION = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What the clients send.

    Attributes:
        rooms: that there are.
        size: clients a room.
        senders: of them send.
        kind: `audio` or `video`.
        speed: 1 is real time: 50 packets of Opus a second, or 30 pictures.
        seconds: for so long.
    """

    rooms: int
    size: int
    senders: int
    kind: str
    speed: float
    seconds: float

    @property
    def clients(self) -> int:
        """In all rooms."""
        return self.rooms * self.size

    @property
    def streams_out(self) -> int:
        """Streams that the server sends."""
        return self.rooms * self.senders * (self.size - 1)

    def shown_to(self, client: int) -> list[int]:
        """The clients whose streams a client is sent."""
        room = client - client % self.size
        return [room + index for index in range(self.senders) if room + index != client]

    def sends(self, client: int) -> bool:
        """Whether a client sends."""
        return client % self.size < self.senders


@dataclass(frozen=True, slots=True)
class Clip:
    """Payloads of a second or two, to be sent over and over: (timestamp step before it, marker, payload)."""

    packets: tuple[tuple[int, bool, bytes], ...]
    seconds: float

    @staticmethod
    def speech() -> "Clip":
        """Opus of 20 ms a packet, of a sound that changes."""
        encoder = OpusEncoder()
        time_s = np.arange(960 * 50) / 48_000
        wave = np.sin(2 * np.pi * (200 + 150 * np.sin(7 * time_s)) * time_s) * 9000
        frames = wave.astype(np.int16).reshape(-1, 960)
        return Clip(tuple((960, False, encoder.encode(frame)) for frame in frames), 1.0)

    @staticmethod
    def picture(frames: int = 30) -> "Clip":
        """VP8 of 640 x 360 at 30 a second and aiortc's default bit rate, a keyframe first."""
        encoder = Vp8Encoder()
        random = np.random.default_rng(1)
        packets: list[tuple[int, bool, bytes]] = []
        for index in range(frames):
            picture = random.integers(110, 140, (360, 640, 3), dtype=np.uint8)
            picture[:, index * 16 : index * 16 + 160] = 30
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index * 3000, fractions.Fraction(1, 90_000)
            payloads, _ = encoder.encode(frame, force_keyframe=index == 0)
            for number, payload in enumerate(payloads):
                packets.append((3000 if number == 0 else 0, number == len(payloads) - 1, payload))
        return Clip(tuple(packets), frames / 30)


def offer(transport: SecureTransport, plan: Plan, sends: bool) -> str:
    """What a client offers: a voice, a camera, and a place for each stream that it is to be sent."""
    video = plan.kind == "video"
    sections = ["audio sendrecv" if sends and not video else "audio recvonly"]
    if video and sends:
        sections.append("video sendonly")
    slots = plan.senders - (1 if sends else 0)
    # The first voice is the room's mix: a single track comes in a place of its own.
    sections += [f"{plan.kind} recvonly"] * slots
    return write_offer(transport, sections, transport.candidates)


def write_offer(transport: SecureTransport, sections: Sequence[str], candidates: Sequence[Candidate]) -> str:
    """An offer with these m-lines (`audio sendrecv`), whose mids and SSRCs count up from 0 and 1000."""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(map(str, range(len(sections)))),
        "a=msid-semantic: WMS *",
    ]
    for mid, section in enumerate(sections):
        kind, direction = section.split()
        number = AUDIO if kind == "audio" else VIDEO
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}",
            "c=IN IP4 0.0.0.0",
            "a=rtcp:9 IN IP4 0.0.0.0",
            f"a={direction}",
            f"a=mid:{mid}",
            "a=rtcp-mux",
            "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
            "a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            "a=rtpmap:111 opus/48000/2" if kind == "audio" else "a=rtpmap:96 VP8/90000",
        ]
        if kind == "video":
            lines += ["a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli"]
        if direction.startswith("send"):
            lines += [f"a=ssrc:{1000 + mid} cname:load", f"a=msid:s{mid} t{mid}"]
        lines += [
            *(f"a=candidate:{candidate.to_sdp()}" for candidate in candidates),
            f"a=ice-ufrag:{transport.username}",
            f"a=ice-pwd:{transport.password}",
            f"a=fingerprint:sha-256 {transport.fingerprint}",
            "a=setup:active",
        ]
    return "\r\n".join(lines) + "\r\n"


class _CountingTransport(SecureTransport):
    """Decrypts one packet in 16; the others are only counted, so that one process can be many clients."""

    arrived = 0

    def _on_media(self, data: bytes) -> None:
        if 192 <= data[1] <= 223:
            return
        self.arrived += 1
        if self.arrived % 16 == 1:
            super()._on_media(data)


class _Client:
    """One client; what it decrypts it checks."""

    def __init__(self, plan: Plan, index: int) -> None:
        self.plan = plan
        self.sends = plan.sends(index)
        self.transport = _CountingTransport(ice_servers=[], sink=self, clock=time.monotonic_ns)
        self.faults: dict[str, int] = {}
        self._sequence = 1
        self._timestamp = 1
        self._position = 0

    def on_rtp(self, data: bytes, arrival_ns: int) -> None:
        """See `PacketSink`."""
        parse_rtp(data)

    def on_rtcp(self, data: bytes, arrival_ns: int) -> None:
        """See `PacketSink`."""

    def count(self, reason: str) -> None:
        """See `PacketSink`."""
        self.faults[reason] = self.faults.get(reason, 0) + 1

    async def gather(self) -> str:
        await self.transport.gather()
        return offer(self.transport, self.plan, self.sends)

    async def connect(self, answer: str) -> None:
        remote = parse_offer(answer)
        for candidate in remote.candidates:
            await self.transport.add_candidate(candidate)
        # The one who offers controls (RFC 8445 §6.1.1); `lite` is how the transport is told so.
        await self.transport.connect(
            RemoteTransport(remote.username, remote.password, True, remote.fingerprints, False)
        )

    def send(self, clip: Clip) -> None:
        video = self.plan.kind == "video"
        step, marker, payload = clip.packets[self._position % len(clip.packets)]
        self._position += 1
        self._timestamp = (self._timestamp + step) & 0xFFFFFFFF
        ssrc, number = (1001, VIDEO) if video else (1000, AUDIO)
        self.transport.send_rtp(
            build_rtp(number, marker, self._sequence, self._timestamp, ssrc, b"", payload)
        )
        self._sequence = (self._sequence + 1) & 0xFFFF


def _say(message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def _load() -> None:
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(0), "rb")
    )

    async def hear() -> Any:
        return json.loads(await reader.readline())

    plan = Plan(**await hear())
    clients = [_Client(plan, index) for index in range(plan.clients)]
    clip = Clip.picture() if plan.kind == "video" else Clip.speech()
    for client in clients:
        _say(await client.gather())
        await client.connect(await hear())
    _say("connected")
    assert await hear() == "send"
    sent = await _send(plan, clip, [client for client in clients if client.sends])
    await asyncio.sleep(0.2)
    _say(
        {
            "sent": sent,
            "received": sum(client.transport.arrived for client in clients),
            "faults": _total([client.faults for client in clients]),
        }
    )
    assert await hear() == "close"
    for client in clients:
        await client.transport.close()


async def _send(plan: Plan, clip: Clip, senders: Sequence[_Client]) -> int:
    """Sends at the plan's pace, in portions of 5 ms; a late one is made up for, a little at a time."""
    rate = plan.speed * len(clip.packets) / clip.seconds
    began = time.perf_counter()
    sent = 0
    while (now := time.perf_counter() - began) < plan.seconds:
        due = int(now * rate * len(senders))
        for _ in range(min(due - sent, MAX_PORTION)):
            senders[sent % len(senders)].send(clip)
            sent += 1
        await asyncio.sleep(PORTION_S)
    return sent


def _total(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for reason, count in each.items():
            total[reason] = total.get(reason, 0) + count
    return total


def main() -> None:
    """Takes a plan, answers, `send` and `close` on standard input; offers and counts go to standard output."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_load())
