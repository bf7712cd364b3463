"""How many listeners one core serves: one room, K people speaking, listeners added until ticks are late.

Everything from the speakers' packets on is the server's own: SRTP, parsing, jitter buffers, decoding, noise
suppression, levels, the mix, K + 1 encodes, RTP headers, SRTP, one UDP socket a listener. Left out are ICE and DTLS:
each peer is given its keys and its address. The load runs in a process of its own, on another core where there is one.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import uvloop

from media.events import MediaEvent
from media.realtime.plane import LATENESS_BOUNDS_MS, Plane, PlaneStatistics
from media.realtime.ring import AudioRing
from media.realtime.suppression import WebRtcSuppressor
from media.rtc.peer import Peer, PeerState
from media.rtc.sdp import parse_offer
from perf.listener_load import Load, audio_session
from perf.report import Report, Result, run

__all__ = ["Step", "measure"]

SPEAKERS = (1, 3, 5)
STEPS = (100, 300, 500, 700, 1000, 1500)
TARGET = 500
LATE_MS = 20.0
MOST_LATE = 0.01
LEAST_RECEIVED = 0.99
_SETTLE_S = 1.5
_SECONDS = 6.0
_CHART = Path(__file__).parent.parent / "docs" / "listeners.svg"

_OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789012345678901",
        f"a=fingerprint:sha-256 {':'.join(['00'] * 32)}",
        "a=setup:actpass",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
        "a=sendrecv",
        "a=rtcp-mux",
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=rtpmap:111 opus/48000/2",
        "",
    ]
)


@dataclass(frozen=True, slots=True)
class Step:
    """What was seen with so many listeners.

    Attributes:
        listeners: who only hear.
        core: share of a core that the server took.
        late: share of ticks that were more than 20 ms late, or left out.
        sent: packets a second that were handed to the sockets.
        received: packets a second that reached the load.
        repeated: it was measured once more, after it had not been carried the first time.
    """

    listeners: int
    core: float
    late: float
    sent: float
    received: float
    repeated: bool = False

    @property
    def carried(self) -> bool:
        """Whether all were served in time, and nearly all of it arrived."""
        return self.late <= MOST_LATE and self.received >= LEAST_RECEIVED * self.sent


class _Wire(asyncio.DatagramProtocol):
    """A peer's own socket."""

    def __init__(self, peer: Peer) -> None:
        self._take = peer._transport._on_media

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._take(data)


async def _connected(key: str, remote: tuple[str, int]) -> tuple[Peer, asyncio.DatagramTransport]:
    """A peer whose keys and path are given instead of agreed upon."""
    peer = Peer(ice_servers=(), video_slots=0, on_state=lambda state: None)
    peer._apply(peer._plan(parse_offer(_OFFER)))
    secured = peer._transport
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Wire(peer), local_addr=("127.0.0.1", 0)
    )
    protocol = SimpleNamespace(transport=transport)
    secured._connection._nominated = {1: SimpleNamespace(protocol=protocol, remote_addr=remote)}  # type: ignore[dict-item]
    secured.secure(audio_session(key, inbound=False), audio_session(key, inbound=True))
    peer.state = PeerState.CONNECTED
    return peer, transport


def _ears() -> AudioRing:
    return AudioRing.format(bytearray(AudioRing.nbytes(16_000)), rate=16_000, capacity=16_000)


@asynccontextmanager
async def _load(command: Load) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[tuple[str, int]]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "perf.listener_load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 22,
    )
    cores = sorted(os.sched_getaffinity(0))
    try:
        await _tell(process, command.to_json())
        told = await _told(process)
        yield process, [(host, port) for host, port in told["ears"]]
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 10)
        os.sched_setaffinity(0, cores)


async def _tell(process: asyncio.subprocess.Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line.encode() + b"\n")
    await process.stdin.drain()


async def _told(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    return dict(json.loads(await asyncio.wait_for(process.stdout.readline(), 30)))


def _share_late(before: PlaneStatistics, after: PlaneStatistics) -> float:
    first = LATENESS_BOUNDS_MS.index(LATE_MS) + 1
    late = sum(after.lateness[first:]) - sum(before.lateness[first:])
    skipped = after.skipped - before.skipped
    return (late + skipped) / (after.ticks - before.ticks + skipped)


async def _climb(speakers: int, steps: Sequence[int], seconds: float) -> list[Step]:
    key = secrets.token_hex(28)
    found: list[Step] = []
    events: list[MediaEvent] = []
    plane = Plane(events.append, suppressor=WebRtcSuppressor, automatic_gain=True)
    room = plane.open("hall")
    peers: list[Peer] = []
    wires: list[asyncio.DatagramTransport] = []
    # The speakers' sockets come first: the load has to know them, and they where the ears are.
    for _ in range(speakers):
        peer, wire = await _connected(key, ("127.0.0.1", 9))
        peers.append(peer)
        wires.append(wire)
    command = Load(key, [wire.get_extra_info("sockname") for wire in wires])
    async with _load(command) as (process, ears), asyncio.TaskGroup() as tasks:
        for number, peer in enumerate(peers):
            peer._transport._connection._nominated[1].remote_addr = ears[number % len(ears)]  # type: ignore[misc]
            peer._transport.reroute()
            room.add_person(f"speaker {number}", ears=_ears(), peer=peer)
        _take_cores(process.pid)
        ticking = tasks.create_task(plane.run())
        for listeners in steps:
            while len(peers) < speakers + listeners:
                peer, wire = await _connected(key, ears[len(peers) % len(ears)])
                room.add_person(f"listener {len(peers)}", ears=_ears(), peer=peer)
                peers.append(peer)
                wires.append(wire)
            addresses = [wire.get_extra_info("sockname") for wire in wires[speakers:]]
            await _tell(process, json.dumps({"listening": addresses}))
            await asyncio.sleep(_SETTLE_S)
            step = await _watch(plane, process, listeners, seconds)
            print(f"K = {speakers}: {step}", file=sys.stderr)
            if not step.carried:
                # One hiccup of a shared machine is no limit of the server.
                step = replace(await _watch(plane, process, listeners, seconds), repeated=True)
                print(f"K = {speakers}: {step}", file=sys.stderr)
            found.append(step)
            if not step.carried:
                break
        ticking.cancel()
    for wire in wires:
        wire.close()
    return found


def _take_cores(load: int) -> None:
    """One core is the server's; the load has the others, where there are others."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    os.sched_setaffinity(load, cores[1:] or cores)


async def _watch(plane: Plane, process: asyncio.subprocess.Process, listeners: int, seconds: float) -> Step:
    await _tell(process, '{"count": true}')
    heard = (await _told(process))["received"]
    before, cpu, begun = plane.statistics(), time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    after, cpu, took = plane.statistics(), time.process_time() - cpu, time.perf_counter() - begun
    await _tell(process, '{"count": true}')
    received = (await _told(process))["received"] - heard
    return Step(
        listeners, cpu / took, _share_late(before, after), (after.sent - before.sent) / took, received / took
    )


def _slope(steps: Sequence[Step]) -> float:
    """Seconds of a core that one packet to one more listener costs."""
    if len(steps) < 2:
        return float("nan")
    fit = np.polyfit([step.listeners for step in steps], [step.core for step in steps], 1)
    return float(fit[0]) / 50


def _carried(steps: Sequence[Step]) -> int:
    return max((step.listeners for step in steps if step.carried), default=0)


def _repeated(climbs: dict[int, list[Step]]) -> str:
    """Which steps had a second try, and what came of it."""
    tried = [
        f"{step.listeners} at K = {speakers} ({'carried' if step.carried else 'not carried again'})"
        for speakers, steps in climbs.items()
        for step in steps
        if step.repeated
    ]
    return ", ".join(tried) or "none"


def _draw(climbs: dict[int, list[Step]], path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, (growth, fixed) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for speakers, steps in climbs.items():
        growth.plot(
            [step.listeners for step in steps],
            [100 * step.core for step in steps],
            marker="o",
            label=f"{speakers} speaking",
        )
    growth.set(xlabel="listeners", ylabel="% of a core", xlim=0, ylim=0, title="cost against listeners")
    growth.legend()
    for listeners in (100, 300, 500):
        points = [
            (speakers, 100 * step.core)
            for speakers, steps in climbs.items()
            for step in steps
            if step.listeners == listeners
        ]
        fixed.plot([x for x, _ in points], [y for _, y in points], marker="o", label=f"{listeners} listeners")
    fixed.set(xlabel="speakers", ylabel="% of a core", xlim=0, ylim=0, title="cost against speakers")
    fixed.legend()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def measure(speakers: Sequence[int] = SPEAKERS, seconds: float = _SECONDS) -> Report:
    """Climbs once for each number of speakers, and draws the picture for docs/."""
    climbs: dict[int, list[Step]] = {}
    for number in speakers:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            climbs[number] = runner.run(_climb(number, STEPS, seconds))
    _draw(climbs, _CHART)
    results: list[Result] = []
    for number, steps in climbs.items():
        target = TARGET if number == 3 else None
        lost = 1 - min(step.received / step.sent for step in steps)
        results += [
            Result(
                f"K = {number}: listeners carried", "", _carried(steps), target=target, higher_is_better=True
            ),
            Result(f"K = {number}: each packet to a listener", "µs", 1e6 * _slope(steps)),
            Result(f"K = {number}: sent and not received, at worst", "%", 100 * lost),
        ]
    return Report(
        "listeners",
        results,
        [
            f"Carried: no more than {MOST_LATE:.0%} of ticks late by over {LATE_MS:.0f} ms or left out, in "
            f"{seconds:.0f} s; at most {STEPS[-1]} are tried.",
            "The server on one core, without ICE's consent checks and DTLS; receiver reports every 5 s a listener.",
            f"Measured once more, not having been carried at first: {_repeated(climbs)}.",
            f"The growth is drawn in docs/{_CHART.name}.",
        ],
    )


if __name__ == "__main__":
    run(measure)
