"""Clients that misbehave: each gets its answer, and nobody else in the room hears any of it."""

import asyncio
import json
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import httpx
import jwt
import numpy as np
import numpy.typing as npt
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection
from websockets.asyncio.client import ClientConnection, connect

from perf.media_alone import MediaAlone, media_alone
from signaling.caller.caller import in_call
from signaling.caller.client import get_token
from signaling.caller.microphone import Microphone
from signaling.caller.outcome import CallOptions
from signaling.caller.wav import WavRecorder

ROOM = "lobby"
Samples = npt.NDArray[np.int16]
Stranger = Callable[[MediaAlone, "Witness"], Awaitable[None]]


def tone(seconds: float) -> Samples:
    at = np.arange(int(seconds * 48_000)) / 48_000
    sine: npt.NDArray[np.float64] = 9_000 * np.sin(2 * np.pi * 330 * at)
    return sine.astype(np.int16)


class Witness:
    """Two well-behaved callers in a process of their own, so that what this one does cannot disturb them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def of(cls, server: MediaAlone) -> AsyncIterator["Witness"]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.models.witnesses", server.url, ROOM),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield cls(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def tells(self, key: str, holds: Callable[[Any], bool], within: float) -> dict[str, Any]:
        """The next line with a key whose value is as it should be."""
        assert self._process.stdout is not None
        async with asyncio.timeout(within):
            while line := await self._process.stdout.readline():
                told: dict[str, Any] = json.loads(line)
                if key in told and holds(told[key]):
                    return told
        raise AssertionError(f"the witnesses ended before {key} was as it should be")

    async def ends(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.close()
        return await self.tells("frames", bool, 10)


@asynccontextmanager
async def socket_of(server: MediaAlone) -> AsyncIterator[ClientConnection]:
    async with connect(server.url.replace("http", "ws") + "/ws", proxy=None, max_size=2**20) as web_socket:
        yield web_socket


async def token_for(server: MediaAlone) -> str:
    return await get_token(CallOptions(room=ROOM, url=server.url))


async def told(web_socket: ClientConnection, kind: str) -> dict[str, object]:
    """The next message of a type."""
    async with asyncio.timeout(10):
        while True:
            message: dict[str, object] = json.loads(await web_socket.recv())
            if message["type"] == kind:
                return message


async def joined(web_socket: ClientConnection, token: str, name: str = "Stranger") -> dict[str, object]:
    await web_socket.send(json.dumps({"type": "join", "version": 1, "token": token, "name": name}))
    return await told(web_socket, "joined")


async def joins_twice(server: MediaAlone, witness: Witness) -> None:
    token = await token_for(server)
    async with socket_of(server) as first, socket_of(server) as second:
        you = (await joined(first, token))["you"]
        assert (await joined(second, token))["you"] == you
        assert (await told(first, "bye"))["code"] == "taken-over"


async def shows_bad_tokens(server: MediaAlone, witness: Witness) -> None:
    forged = jwt.encode(
        {"room": ROOM, "sub": "x", "use": "join", "can": [], "iat": 0, "exp": 2**33}, "k" * 32
    )
    unsigned = jwt.encode({"room": ROOM, "sub": "x", "use": "join"}, "", algorithm="none")
    for token in ("", "x", "a.b.c", forged, unsigned, "é" * 500):
        async with socket_of(server) as web_socket:
            await web_socket.send(
                json.dumps({"type": "join", "version": 1, "token": token, "name": "Mallory"})
            )
            assert (await told(web_socket, "bye"))["code"] in ("bad-token", "expired")


async def sends_malformed_messages(server: MediaAlone, witness: Witness) -> None:
    async with socket_of(server) as web_socket:
        await joined(web_socket, await token_for(server))
        for text, code in (
            ("{", "bad-message"),
            ("[]", "bad-message"),
            ('{"type": "sing"}', "unknown-type"),
            ('{"type": "chat", "id": "1", "text": ""}', "empty-text"),
            ('{"type": "offer", "id": "2", "sdp": "v=0"}', "bad-sdp"),
            ('{"type": "offer", "id": "3", "sdp": "\\u0000\\u0000"}', "bad-sdp"),
        ):
            await web_socket.send(text)
            assert (await told(web_socket, "error"))["code"] == code, text


async def offers_and_never_answers(server: MediaAlone, witness: Witness) -> None:
    """The seat is there, no check is answered, and then the connection breaks."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio", direction="sendrecv")
    await connection.setLocalDescription(await connection.createOffer())
    sdp = connection.localDescription.sdp
    await connection.close()
    async with socket_of(server) as web_socket:
        await joined(web_socket, await token_for(server), "Ghost")
        await web_socket.send(json.dumps({"type": "offer", "id": "1", "sdp": sdp}))
        await told(web_socket, "answer")
        for candidate in (
            "candidate:1 1 udp x y z",
            "a=b",
            "candidate:1 1 udp 1 999.1.1.1 99999 typ host",
            "\0",
        ):
            await web_socket.send(
                json.dumps({"type": "candidate", "candidate": candidate, "mid": "0", "mline": 0})
            )
            assert (await told(web_socket, "error"))["code"] == "bad-candidate", candidate
        web_socket.transport.abort()


async def throws_garbage_at_every_media_port(server: MediaAlone, witness: Witness) -> None:
    ports = sorted(
        {one.laddr.port for one in server.process.net_connections("udp4") if one.laddr.ip == "127.0.0.1"}
    )
    assert len(ports) >= 2
    rng = np.random.default_rng(7)
    starts = (
        b"",
        b"\x80\x6f",
        b"\x80\xc8",
        b"\x16\xfe\xfd",
        b"\x00\x01\x00\x00\x21\x12\xa4\x42",
        b"\xff",
        b"\x40",
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thrower:
        for number in range(2_000):
            body = rng.bytes(int(rng.integers(0, 1_400)))
            thrower.sendto(starts[number % len(starts)] + body, ("127.0.0.1", ports[number % len(ports)]))
            if number % 50 == 0:
                await asyncio.sleep(0.005)


class Babble(Microphone):
    """A microphone of packets that are no Opus, encrypted as they should be."""

    def track(self) -> MediaStreamTrack:
        honest = super().track()
        recv = honest.recv
        rng = np.random.default_rng(11)

        async def garbage() -> "av.Packet[Any]":
            packet = await recv()
            assert packet.pts is not None
            assert packet.time_base is not None
            broken: av.Packet[Any] = av.Packet(rng.bytes(int(rng.integers(0, 300))))
            jump = int(rng.integers(0, 2**31)) if rng.random() < 0.1 else 0
            broken.pts, broken.time_base = packet.pts + jump, packet.time_base
            return broken

        honest.recv = garbage  # type: ignore[method-assign]
        return honest


async def sends_packets_that_are_no_sound(server: MediaAlone, witness: Witness) -> None:
    options = CallOptions(room=ROOM, url=server.url, name="Noise")
    async with in_call(options, microphone=Babble()) as caller:
        sent = caller.microphone.sent
        async with asyncio.timeout(10):
            while caller.microphone.sent < sent + 75:
                await caller.client.changed(0.1)


async def disappears_without_a_word(server: MediaAlone, witness: Witness) -> None:
    """A caller in a process of its own that is killed in mid-call."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "tone.wav"
        recorder = WavRecorder(wav)
        recorder.write(tone(60))
        recorder.close()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "signaling.cli", "call", ROOM),
            *("--url", server.url, "--name", "Gone", "--wav", str(wav), "--no-wait-greeting"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            await witness.tells("seats", lambda seats: ["Gone", "connected"] in seats, 30)
        finally:
            process.kill()
            await process.wait()


STRANGERS: tuple[Stranger, ...] = (
    joins_twice,
    shows_bad_tokens,
    sends_malformed_messages,
    offers_and_never_answers,
    throws_garbage_at_every_media_port,
    sends_packets_that_are_no_sound,
    disappears_without_a_word,
)


@pytest.mark.models  # no weights are needed, but more time than the quick suite has
@pytest.mark.timeout(120)
async def test_a_caller_keeps_hearing_without_a_gap_whatever_strangers_do_in_the_room() -> None:
    with media_alone() as server:
        async with Witness.of(server) as witness:
            await witness.tells("hearing", bool, 20)
            for stranger in STRANGERS:
                await stranger(server, witness)
            await witness.tells("seats", lambda seats: [name for name, _ in seats] == ["Ada", "Bob"], 30)
            seen = await witness.ends()
        assert seen["frames"] > 200
        assert seen["connections"] == 2
        assert seen["longest_gap"] <= 5, sorted(seen["gaps"])


async def test_a_stranger_without_a_key_gets_no_token_for_another_origin() -> None:
    with media_alone() as server:
        async with httpx.AsyncClient(trust_env=False) as http:
            for headers in (
                {"Origin": "https://evil.example"},
                {"Host": "evil.example"},
                {"Authorization": f"Bearer {secrets.token_hex(32)}"},
            ):
                answer = await http.post(
                    f"{server.url}/api/token", json={"room": ROOM, "name": "M"}, headers=headers
                )
                assert answer.status_code == 401, headers
            for body in (
                "",
                "{",
                "[]",
                "{}",
                '{"room": 5, "name": "x"}',
                '{"room": "lobby", "name": "\\u0000"}',
            ):
                answer = await http.post(f"{server.url}/api/token", content=body)
                assert answer.status_code == 422, body
