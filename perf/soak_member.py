"""A client of a soak: joins by the room protocol over a network of its own, talks, looks, and goes as planned."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import aioice
import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from media.realtime.opus import DTX_PACKET, OpusEncoder
from media.rtc import rtcp
from media.rtc.inbound import InboundTracks
from media.rtc.packets import PacketError, build_rtp, parse_rtp
from media.rtc.private import RemoteTransport, SecureTransport, TransportError
from media.rtc.retransmission import RetransmissionRing
from media.rtc.sdp import parse_offer
from perf.lossy_relay import LossyRelay
from perf.rtp_load import AUDIO, VIDEO, Clip, write_offer
from perf.soak_plan import Ending, Visit

__all__ = ["Clips", "Member"]

FRAME_NS = 20_000_000
PICTURE_NS = 33_333_333
DTX_FRAMES = 20
MAX_BEHIND_NS = 200_000_000
CONNECT_S = 10.0
RETRY_S = 0.5
FAREWELL_S = 5.0
SLOTS = 3
AUDIO_SSRC, VIDEO_SSRC = 1000, 1001


@dataclass(frozen=True, slots=True)
class Clips:
    """What all clients send, encoded once."""

    speech: Clip
    picture: Clip
    silence: bytes

    @staticmethod
    def make() -> "Clips":
        """Takes a second or two."""
        return Clips(Clip.speech(), Clip.picture(), OpusEncoder().encode(np.zeros(960, np.int16)))


class Member:
    """One visit.

    Args:
        visit: what it does.
        url: of the server.
        http: asks for tokens.
        clips: what it sends.
        counts: what happened to all clients, by name.

    Attributes:
        came: it was connected.
    """

    def __init__(
        self, visit: Visit, url: str, http: httpx.AsyncClient, clips: Clips, counts: Counter[str]
    ) -> None:
        self._visit = visit
        self._url = url
        self._http = http
        self._clips = clips
        self._counts = counts
        self.came = False
        self._resume: str | None = None
        self._line: _Line | None = None
        self._gone: _Line | None = None

    def pace(self, now_ns: int) -> None:
        """Sends what is due."""
        if self._line is not None:
            self._line.pace(now_ns)

    def cut(self) -> None:
        """Its connections are cut, as when a router is switched off and on; it comes back by itself."""
        if self._line is not None:
            self._line.cut()

    async def run(self, began: float) -> None:
        """Comes and goes; `began` is the beginning of the cycle on the loop's clock."""
        visit = self._visit
        loop = asyncio.get_running_loop()
        await asyncio.sleep(began + visit.comes_s - loop.time())
        try:
            token: str | None = None
            while (goes_at := began + visit.goes_s) > loop.time():
                try:
                    async with asyncio.timeout(CONNECT_S):
                        token = token or await self._token()
                        self._line = await self._connect(token)
                except (OSError, WebSocketException, TransportError, TimeoutError, httpx.HTTPError) as error:
                    self._counts[f"not connected: {type(error).__name__}"] += 1
                    await asyncio.sleep(RETRY_S)
                    continue
                self.came = True
                try:
                    async with asyncio.timeout_at(goes_at):
                        await self._line.stay(visit, (began + visit.comes_s + goes_at) / 2)
                except TimeoutError:
                    break
                self._counts["connections lost"] += 1
                await self._line.drop()
                self._line = None
            if self._line is not None:
                await self._go(self._line)
        finally:
            if self._line is not None:
                await self._line.drop()
                self._line = None

    async def bury(self) -> None:
        """Gives back what one that vanished still holds on this side."""
        if self._gone is not None:
            await self._gone.drop()
            self._gone = None

    async def _token(self) -> str:
        answer = await self._http.post(
            f"{self._url}/api/token",
            json={"room": self._visit.room, "name": self._visit.name},
            # One that is kept may be closed by the server in the moment in which it is used again.
            headers={"Connection": "close"},
        )
        answer.raise_for_status()
        return str(answer.json()["token"])

    async def _connect(self, token: str) -> "_Line":
        line = await _Line.open(self._visit, self._url, self._clips, self._counts)
        try:
            self._resume = await line.join(token, self._visit.name, self._resume)
            if self._visit.ending is not Ending.ABANDON:
                await line.connect()
            else:
                await line.negotiate()
        except BaseException:
            await line.drop()
            raise
        self._counts["connections"] += 1
        return line

    async def _go(self, line: "_Line") -> None:
        ending = self._visit.ending
        self._counts[ending.value] += 1
        if ending is Ending.LEAVE:
            await line.leave()
        elif ending is Ending.VANISH:
            line.fall_silent()
            self._line, self._gone = None, line
        else:
            line.cut()


class _Line:
    """One WebSocket and one WebRTC connection; a `PacketSink`."""

    def __init__(self, visit: Visit, socket: ClientConnection, clips: Clips, counts: Counter[str]) -> None:
        self._visit = visit
        self._socket = socket
        self._counts = counts
        self._transport = SecureTransport(ice_servers=[], sink=self, clock=time.monotonic_ns)
        self._inbound = InboundTracks(1, self._transport.send_rtcp)
        self._relay: LossyRelay | None = None
        self._joined: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()
        self._voice = _Voice(visit, clips, self._send)
        self._camera = _Camera(clips.picture, self._send_picture) if visit.camera else None
        self._ring = RetransmissionRing()
        self._wanted = True
        self._up = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, visit: Visit, url: str, clips: Clips, counts: Counter[str]) -> "_Line":
        socket = await connect(
            url.replace("http", "ws", 1) + "/ws", proxy=None, compression=None, ping_interval=None
        )
        return cls(visit, socket, clips, counts)

    async def join(self, token: str, name: str, resume: str | None) -> str:
        await self._say(type="join", version=1, token=token, name=name, resume=resume)
        return await self._joined

    async def negotiate(self) -> str:
        await self._transport.gather()
        sections = ["audio sendrecv"]
        if self._visit.camera:
            sections += ["video sendonly"] + ["video recvonly"] * SLOTS
        # Without candidates: the server learns where we are from what comes through the relay.
        await self._say(type="offer", id="1", sdp=write_offer(self._transport, sections, ()))
        return await self._answer

    async def connect(self) -> None:
        answer = parse_offer(await self.negotiate())
        self._inbound.negotiate([one for one in answer.sections if one.direction in ("sendrecv", "sendonly")])
        server = next(one for one in answer.candidates if one.host == "127.0.0.1")
        self._relay = await LossyRelay.open((server.host, server.port), self._visit.network, self._visit.seed)
        host, port = self._relay.address
        await self._transport.add_candidate(
            aioice.Candidate("relay", 1, "udp", server.priority, host, port, "host")
        )
        await self._transport.connect(
            RemoteTransport(answer.username, answer.password, True, answer.fingerprints, False)
        )
        self._up = True
        await self._say(type="state", muted=self._visit.muted, camera=self._visit.camera)

    async def stay(self, visit: Visit, middle: float) -> None:
        """Waits for the end of the connection, and does at the middle of the visit what is to be done."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(middle):
                await self._ended.wait()
        with suppress(WebSocketException):
            if visit.muted and not self._ended.is_set():
                await self._say(type="state", muted=False)
            if visit.asks is not None and not self._ended.is_set():
                await self._say(type="chat", id=f"{visit.seed}", text=visit.asks)
        await self._ended.wait()

    async def leave(self) -> None:
        with suppress(WebSocketException, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._say(type="leave")
                await self._ended.wait()

    def cut(self) -> None:
        """The system resets the TCP connection, packets cease."""
        self._up = False
        if self._relay is not None:
            self._relay.cut()
        self._socket.transport.abort()

    def fall_silent(self) -> None:
        """Nothing comes from here any more, not even an acknowledgement of what is read."""
        self._up = False
        if self._relay is not None:
            self._relay.cut()
        self._socket.transport.pause_reading()

    async def drop(self) -> None:
        """Gives everything back."""
        self._up = False
        self._socket.transport.abort()
        await asyncio.wait([self._reading])
        for future in (self._joined, self._answer):
            future.cancel()
        await self._transport.close()
        if self._relay is not None:
            await self._relay.close()
            self._counts["datagrams lost"] += self._relay.lost
            self._relay = None

    def pace(self, now_ns: int) -> None:
        if self._up:
            self._voice.pace(now_ns)
            if self._camera is not None and self._wanted:
                self._camera.pace(now_ns)

    def on_rtp(self, data: bytes, arrival_ns: int) -> None:
        """See `PacketSink`: received as a browser would, with reports and requests for what is missing."""
        try:
            header = parse_rtp(data)
        except PacketError:
            self._counts["not an RTP packet"] += 1
            return
        stream = self._inbound.route(header, data, arrival_ns)
        if isinstance(stream, str):
            self._counts[f"received: {stream}"] += 1
            return
        self._counts[f"{stream.track.kind} packets received"] += 1
        self._inbound.received(stream, header, data, arrival_ns)

    def on_rtcp(self, data: bytes, arrival_ns: int) -> None:
        """See `PacketSink`."""
        for fact in rtcp.parse_rtcp(data):
            if isinstance(fact, rtcp.KeyframeRequest) and self._camera is not None:
                self._counts["keyframes asked for"] += 1
                self._camera.begin_anew()
            elif isinstance(fact, rtcp.Nack):
                for sequence in fact.sequences:
                    held = self._ring.fetch(sequence, arrival_ns)
                    if isinstance(held, bytes):
                        self._transport.send_datagram(held)

    def count(self, reason: str) -> None:
        """See `PacketSink`."""
        self._counts[f"dropped: {reason}"] += 1

    def _send(self, packet: bytes) -> bytes | None:
        self._counts["packets sent"] += 1
        return self._transport.send_rtp(packet)

    def _send_picture(self, sequence: int, packet: bytes, now_ns: int) -> None:
        protected = self._send(packet)
        if protected is not None:
            self._ring.store(sequence, protected, now_ns)

    async def _say(self, **message: Any) -> None:
        await self._socket.send(
            json.dumps({key: value for key, value in message.items() if value is not None})
        )

    async def _read(self) -> None:
        try:
            async for raw in self._socket:
                message = json.loads(raw)
                match message["type"]:
                    case "joined" if not self._joined.done():
                        self._joined.set_result(message["resume"])
                    case "answer" if not self._answer.done():
                        self._answer.set_result(message["sdp"])
                    case "camera":
                        self._wanted = message["wanted"]
                    case "error" | "bye":
                        self._counts[f"{message['type']}: {message['code']}"] += 1
        except WebSocketException as error:
            self._counts[f"socket: {type(error).__name__}"] += 1
        finally:
            self._ended.set()
            for future in (self._joined, self._answer):
                if not future.done():
                    future.set_exception(ConnectionResetError("the server has closed the connection"))
                    future.exception()  # looked at here: nobody may wait for it


class _Voice:
    """Speaks and is silent by turns."""

    def __init__(self, visit: Visit, clips: Clips, send: Callable[[bytes], object]) -> None:
        self._random = Random(visit.seed)
        self._dtx = visit.dtx
        self._clips = clips
        self._send = send
        self._due_ns: int | None = None
        self._left = 0
        self._speaking = False
        self._sequence = self._random.getrandbits(15)
        self._timestamp = self._random.getrandbits(32)
        self._position = 0

    def pace(self, now_ns: int) -> None:
        if self._due_ns is None or now_ns - self._due_ns > MAX_BEHIND_NS:
            self._due_ns = now_ns
        while self._due_ns <= now_ns:
            self._due_ns += FRAME_NS
            self._frame()

    def _frame(self) -> None:
        if self._left == 0:
            self._speaking = not self._speaking
            self._left = int(self._random.uniform(1.0, 4.0) * 50)
        self._left -= 1
        self._timestamp = (self._timestamp + 960) & 0xFFFFFFFF
        if self._speaking:
            payload = self._clips.speech.packets[self._position % len(self._clips.speech.packets)][2]
            self._position += 1
        elif not self._dtx:
            payload = self._clips.silence
        elif self._left % DTX_FRAMES == 0:
            payload = DTX_PACKET
        else:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._send(build_rtp(AUDIO, False, self._sequence, self._timestamp, AUDIO_SSRC, b"", payload))


class _Camera:
    """Shows a clip over and over; it begins with a keyframe."""

    def __init__(self, clip: Clip, send: Callable[[int, bytes, int], None]) -> None:
        self._clip = clip
        self._send = send
        self._due_ns: int | None = None
        self._position = 0
        self._sequence = 1
        self._timestamp = 1

    def begin_anew(self) -> None:
        self._position = 0

    def pace(self, now_ns: int) -> None:
        if self._due_ns is None or now_ns - self._due_ns > MAX_BEHIND_NS:
            self._due_ns = now_ns
        while self._due_ns <= now_ns:
            self._due_ns += PICTURE_NS
            self._picture(now_ns)

    def _picture(self, now_ns: int) -> None:
        packets = self._clip.packets
        self._timestamp = (self._timestamp + 3000) & 0xFFFFFFFF
        marker = False
        while not marker:
            _, marker, payload = packets[self._position % len(packets)]
            self._position += 1
            self._sequence = (self._sequence + 1) & 0xFFFF
            packet = build_rtp(VIDEO, marker, self._sequence, self._timestamp, VIDEO_SSRC, b"", payload)
            self._send(self._sequence, packet, now_ns)
