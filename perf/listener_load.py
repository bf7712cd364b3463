"""The far side of `perf.listeners`, in a process of its own: people who speak, and ears that take packets in.

Reads one JSON object a line from standard input: first `Load` by its fields, then `{"listening": [[host, port],
…]}` whenever the listeners change, `{"count": true}` to be told what was received, nothing more at the end.
"""

import asyncio
import json
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pylibsrtp

from media.realtime.opus import OpusEncoder
from media.realtime.packet import FRAME, RATE
from media.rtc.packets import build_rtp
from media.rtc.rtcp import receiver_report

__all__ = ["EARS", "Load", "audio_session", "main"]

EARS = 8
"""Sockets that take in what is sent to all the listeners."""

REPORT_S = 5.0
"""Between a listener's receiver reports, as a browser sends them for audio."""

_TICK_S = 0.02
_DRAIN_S = 0.004
_BUFFER = 16 << 20
_LOOP_S = 8


@dataclass(frozen=True, slots=True)
class Load:
    """What the load is to do.

    Attributes:
        key: of all SRTP sessions: 28 bytes in hexadecimal.
        speakers: addresses of the peers of those who speak.
    """

    key: str
    speakers: Sequence[tuple[str, int]]

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


def audio_session(key: str, *, inbound: bool) -> pylibsrtp.Session:
    """An SRTP session of AES-128-GCM, the profile that browsers agree on."""
    policy = pylibsrtp.Policy(
        key=bytes.fromhex(key),
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND if inbound else pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    return pylibsrtp.Session(policy)


def _speech(seed: int) -> list[bytes]:
    """Eight seconds of buzz in syllables, encoded; each speaker at a pitch of her own, and never silent for long."""
    time_s = np.arange(_LOOP_S * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(110 + 25 * seed + 20 * np.sin(2 * np.pi * 0.6 * time_s)) / RATE
    buzz = np.zeros(len(time_s))
    for harmonic in range(1, 12):
        buzz += np.sin(harmonic * phase) / harmonic
    loudness = 0.15 + 0.85 * np.clip(np.sin(2 * np.pi * (2.1 + 0.3 * seed) * time_s), 0.0, 1.0)
    frames = (3000 * buzz * loudness).astype(np.int16).reshape(-1, FRAME)
    encoder = OpusEncoder()
    return [encoder.encode(frame) for frame in frames]


class _Ears:
    """Sockets that nobody waits at: to wake who waits is the work of the sender, and real ears are elsewhere."""

    def __init__(self) -> None:
        self.packets = 0
        self._sockets = [_ear() for _ in range(EARS)]
        self.addresses = [ear.getsockname() for ear in self._sockets]

    async def listen(self) -> None:
        room = bytearray(2048)
        while True:
            await asyncio.sleep(_DRAIN_S)
            for ear in self._sockets:
                try:
                    while True:
                        ear.recv_into(room)
                        self.packets += 1
                except BlockingIOError:
                    continue


def _ear() -> socket.socket:
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # Beyond the system's ordinary limit where that is allowed; what overflows is seen in the count.
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    ear.bind(("127.0.0.1", 0))
    ear.setblocking(False)
    return ear


async def _speak(load: Load, number: int, mouth: socket.socket) -> None:
    session = audio_session(load.key, inbound=False)
    payloads = _speech(number)
    address = tuple(load.speakers[number])
    begun = time.monotonic() + _TICK_S * number / max(1, len(load.speakers))
    sent = 0
    while True:
        await asyncio.sleep(max(0.0, begun + sent * _TICK_S - time.monotonic()))
        payload = payloads[sent % len(payloads)]
        packet = build_rtp(
            111, sent == 0, sent & 0xFFFF, sent * FRAME & 0xFFFFFFFF, 1000 + number, b"", payload
        )
        mouth.sendto(session.protect(packet), address)
        sent += 1


async def _report(key: str, listening: list[tuple[str, int]], mouth: socket.socket) -> None:
    sessions: list[pylibsrtp.Session] = []
    turn = 0
    while True:
        await asyncio.sleep(0.05)
        while len(sessions) < len(listening):
            sessions.append(audio_session(key, inbound=False))
        share = max(1, round(len(listening) * 0.05 / REPORT_S)) if listening else 0
        for _ in range(share):
            turn = (turn + 1) % len(listening)
            report = receiver_report(50_000 + turn, [])
            mouth.sendto(sessions[turn].protect_rtcp(report), listening[turn])


async def main() -> None:
    """Runs until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    given = json.loads(await reader.readline())
    load = Load(given["key"], [(host, port) for host, port in given["speakers"]])
    ears = _Ears()
    print(json.dumps({"ears": ears.addresses}), flush=True)
    mouth = _ear()
    listening: list[tuple[str, int]] = []
    async with asyncio.TaskGroup() as tasks:
        busy = [tasks.create_task(_speak(load, number, mouth)) for number in range(len(load.speakers))]
        busy.append(tasks.create_task(ears.listen()))
        busy.append(tasks.create_task(_report(load.key, listening, mouth)))
        while line := await reader.readline():
            order = json.loads(line)
            if "listening" in order:
                listening[:] = [(host, port) for host, port in order["listening"]]
            else:
                print(json.dumps({"received": ears.packets}), flush=True)
        for task in busy:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
