"""RTP pass-through: packets a second that a core forwards, against aiortc's relay in the same run.

The server is this process, its CPU time is what counts; the clients are another (`perf.rtp_load`). Packets go the
real way: UDP in on loopback, SRTP off, rewritten, SRTP on for each subscriber, UDP out.
"""

import asyncio
import fractions
import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import aioice.ice
import av
import uvloop
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.contrib.media import MediaRelay

from media.rtc.peer import Peer
from perf.report import Report, Result, run
from perf.rtp_load import LOAD_COMMAND, Clip, Plan

__all__ = ["measure"]

TARGET_PPS = 15_000
TARGET_RATIO = 20
SECONDS = 4.0


class Server(Protocol):
    """What answers the clients."""

    async def answer(self, sdp: str) -> str:
        """Answers the next client's offer."""
        ...

    def wire(self) -> None:
        """Lets everybody be sent everybody else of the room."""
        ...

    def sent(self) -> int | None:
        """Packets that it has sent, None where it does not count them."""
        ...

    async def close(self) -> None:
        """Ends all connections."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One run: packets that the server sent, for how much CPU.

    Attributes:
        out: by the server; where it does not count them, as many as reached a client.
        received: by all clients.
        sent: by all clients.
        counted: the server counts; one that encodes anew sends other packets than came.
        cpu_s: that the server used meanwhile.
        plan: what was to be done.
    """

    out: int
    received: int
    sent: int
    counted: bool
    cpu_s: float
    plan: Plan

    @property
    def pps(self) -> float:
        """Packets out for a second of CPU."""
        return self.out / self.cpu_s

    @property
    def streams(self) -> float:
        """Streams out, in real time, that a core would carry."""
        return self.plan.streams_out * self.plan.speed * self.plan.seconds * self.done / self.cpu_s

    @property
    def done(self) -> float:
        """The share of the packets due that the server sent."""
        return min(1.0, self.out / (self.sent * (self.plan.size - 1))) if self.counted else 1.0

    @property
    def delivered(self) -> float:
        """The share of the packets due that arrived."""
        return self.received / (self.sent * (self.plan.size - 1))


class PassThrough:
    """Rooms of `Peer`s that watch each other."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._peers: list[Peer] = []

    async def answer(self, sdp: str) -> str:
        """Answers the next client's offer."""
        peer = Peer(ice_servers=[], video_slots=self._plan.size, on_state=lambda state: None)
        self._peers.append(peer)
        return await peer.answer(sdp)

    def wire(self) -> None:
        """Shows everybody to everybody else of the room."""
        for index, peer in enumerate(self._peers):
            video = self._plan.kind == "video"
            slots = peer.slots if video else peer.voice_slots
            for slot, shown in zip(slots, self._plan.shown_to(index), strict=True):
                other = self._peers[shown]
                peer.watch(other.camera if video else other.microphone, slot)

    def sent(self) -> int:
        """Packets that the peers have sent; one in some hundreds is RTCP."""
        return sum(peer.statistics().packets_out for peer in self._peers)

    async def close(self) -> None:
        """Ends all connections."""
        for peer in self._peers:
            await peer.close()


class Relay:
    """The same rooms of aiortc's peer connections: `MediaRelay` hands decoded frames to an encoder each."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._connections: list[RTCPeerConnection] = []
        self._relay = MediaRelay()

    async def answer(self, sdp: str) -> str:
        """Answers the next client's offer."""
        connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._connections.append(connection)
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        for transceiver in connection.getTransceivers():
            transceiver.direction = "sendrecv"
        await connection.setLocalDescription(await connection.createAnswer())
        return str(connection.localDescription.sdp)

    def wire(self) -> None:
        """Sends everybody's track to everybody else of the room."""
        for index, connection in enumerate(self._connections):
            slots = [t for t in connection.getTransceivers() if t.currentDirection == "sendonly"]
            slots = slots[-(self._plan.senders - self._plan.sends(index)) :]
            for slot, shown in zip(slots, self._plan.shown_to(index), strict=True):
                slot.sender.replaceTrack(self._source(shown))

    def _source(self, client: int) -> MediaStreamTrack:
        transceivers = self._connections[client].getTransceivers()
        tracks = [t.receiver.track for t in transceivers if t.currentDirection in ("recvonly", "sendrecv")]
        return self._relay.subscribe(next(t for t in tracks if t.kind == self._plan.kind))

    def sent(self) -> None:
        """It does not tell."""

    async def close(self) -> None:
        """Ends all connections."""
        for connection in self._connections:
            await connection.close()


class PacketRelay(Relay):
    """aiortc's sending half alone: `MediaRelay` hands out Opus packets that need no encoder."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._tracks: dict[int, _Packets] = {}

    def _source(self, client: int) -> MediaStreamTrack:
        return self._relay.subscribe(self._tracks.setdefault(client, _Packets()))


class _Packets(MediaStreamTrack):
    """Opus packets in real time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._payloads = [payload for _, _, payload in Clip.speech().packets]
        self._index = 0
        self._began = time.monotonic()

    async def recv(self) -> "av.Packet[Any]":
        await asyncio.sleep(max(0.0, self._began + self._index * 0.02 - time.monotonic()))
        packet = av.Packet(self._payloads[self._index % len(self._payloads)])
        packet.pts, packet.time_base = self._index * 960, fractions.Fraction(1, 48_000)
        self._index += 1
        return packet


@contextmanager
def _loopback_only() -> Iterator[None]:
    original = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = original


async def _run(server: Server, plan: Plan) -> Run:
    process = await asyncio.create_subprocess_exec(
        *LOAD_COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24
    )
    listening, speaking = process.stdout, process.stdin
    assert listening is not None
    assert speaking is not None

    async def hear() -> Any:
        line = await listening.readline()
        if not line:
            raise RuntimeError("the load client died")
        return json.loads(line)

    def say(message: object) -> None:
        speaking.write(json.dumps(message).encode() + b"\n")

    async with asyncio.timeout(60 + plan.seconds):
        try:
            say(asdict(plan))
            for _ in range(plan.clients):
                say(await server.answer(await hear()))
            await hear()
            server.wire()
            gc.collect()
            gc.freeze()
            before = server.sent()
            began = time.process_time()
            say("send")
            counts = await hear()
            cpu_s = time.process_time() - began
            after = server.sent()
            say("close")
        finally:
            await server.close()
            gc.unfreeze()
            speaking.close()
            if await process.wait():
                raise RuntimeError("the load client failed")
    if counts["faults"]:
        raise RuntimeError(f"packets were not what they should be: {counts['faults']}")
    received = counts["received"]
    out = received if before is None or after is None else after - before
    return Run(out, received, counts["sent"], before is not None, cpu_s, plan)


def _measure(server: type[PassThrough] | type[Relay], plan: Plan) -> Run:
    with _loopback_only(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(server(plan), plan))


def measure() -> Report:
    """Audio and video, rooms of four in which everybody sees everybody, and one who is shown to many."""
    results: list[Result] = []
    notes = [
        "Packets out, or streams out (in real time), for each second of the server's CPU; the target of streams is",
        f"{TARGET_RATIO} times the baseline. Ours sends faster than real time, to fill its core; what did not arrive",
        "was lost in the two processes' socket buffers where the machine had no time for one of them.",
    ]
    for kind, rooms, baseline in (("audio", 8, 1), ("video", 3, 1)):
        ours = _measure(PassThrough, Plan(rooms, 4, 4, kind, 3.0, SECONDS))
        stock = _measure(Relay, Plan(baseline, 2, 2, kind, 1.0, SECONDS))
        label = f"{kind}, rooms of 4"
        results += [
            Result(f"{label}; MediaRelay", "packets/s a core", ours.pps, stock.pps, TARGET_PPS, True),
            Result(
                f"{label}; MediaRelay",
                "streams a core",
                ours.streams,
                stock.streams,
                TARGET_RATIO * stock.streams,
                True,
            ),
        ]
        notes.append(
            f"{label}: {ours.delivered:.1%} of the packets arrived; MediaRelay {stock.delivered:.1%}."
        )
    packets = _measure(PacketRelay, Plan(1, 4, 4, "audio", 1.0, SECONDS))
    results.append(
        Result(
            "audio; MediaRelay of packets, sending half",
            "packets/s a core",
            results[0].value,
            packets.pps,
            None,
            True,
        )
    )
    for kind in ("audio", "video"):
        many = _measure(PassThrough, Plan(1, 21, 1, kind, 6.0, SECONDS))
        results.append(Result(f"{kind}, one to 20", "packets/s a core", many.pps, None, TARGET_PPS, True))
        notes.append(f"{kind}, one to 20: {many.delivered:.1%} arrived.")
    return Report("forward", results, notes)


if __name__ == "__main__":
    run(measure)
