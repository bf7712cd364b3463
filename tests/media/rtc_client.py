"""A plain aiortc client on loopback: the far side of a `Peer` in tests."""

import asyncio
import fractions
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aioice.ice
import av
import numpy as np
from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError

__all__ = ["MovingPicture", "RtcClient", "Tone", "loopback_only", "rtc_client"]


@contextmanager
def loopback_only() -> Iterator[None]:
    """Makes aioice use 127.0.0.1 alone, which it leaves out by itself."""
    original = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = original


class Tone(AudioStreamTrack):
    """A sine wave of mono 48 kHz in frames of 20 ms, in real time."""

    def __init__(self, hertz: float = 440.0) -> None:
        super().__init__()
        self._hertz = hertz
        self._samples = 0
        self._began = time.monotonic()

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(max(0.0, self._began + self._samples / 48_000 - time.monotonic()))
        at = np.arange(self._samples, self._samples + 960) / 48_000
        wave = (np.sin(2 * np.pi * self._hertz * at) * 8000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 48_000
        frame.pts = self._samples
        frame.time_base = fractions.Fraction(1, 48_000)
        self._samples += 960
        return frame


class MovingPicture(VideoStreamTrack):
    """A plain picture whose brightness tells whose it is, with a moving bar; 160 x 120, 10 a second."""

    def __init__(self, brightness: int) -> None:
        super().__init__()
        self._brightness = brightness
        self._frames = 0
        self._began = time.monotonic()

    async def recv(self) -> av.VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(max(0.0, self._began + self._frames / 10 - time.monotonic()))
        picture = np.full((120, 160, 3), self._brightness, dtype=np.uint8)
        column = self._frames * 4 % 160
        picture[50:70, column : column + 4] = 255 - self._brightness
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = self._frames * 9000
        frame.time_base = fractions.Fraction(1, 90_000)
        self._frames += 1
        return frame


async def _nothing(data: bytes, address: object) -> None:
    return None


class RtcClient:
    """An aiortc peer connection that keeps what it receives.

    Attributes:
        pc: the connection.
        audio: decoded frames, as they arrive.
        video: by mid, the mean brightness of each decoded picture.
    """

    def __init__(self) -> None:
        # With aiortc's default policy a second video stays on a transport that the bundle has given up.
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.audio: list[np.ndarray] = []
        self.video: dict[str, list[float]] = {}
        self._changed = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self.pc.on("track", self._on_track)
        self.pc.on("connectionstatechange", self._on_change)

    def speak(self, track: MediaStreamTrack | None = None) -> None:
        """Offers a microphone."""
        self.pc.addTransceiver(track or Tone(), direction="sendrecv")

    def listen(self) -> None:
        """Offers to hear only."""
        self.pc.addTransceiver("audio", direction="recvonly")

    def show(self, track: MediaStreamTrack) -> None:
        """Offers a camera."""
        self.pc.addTransceiver(track, direction="sendonly")

    def add_slots(self, count: int) -> None:
        """Offers to be shown so many cameras."""
        for _ in range(count):
            self.pc.addTransceiver("video", direction="recvonly")

    async def offer(self) -> str:
        """An offer with all candidates."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        # aiortc left a task that must not meet the description half replaced by the answer.
        await asyncio.sleep(0)
        return str(self.pc.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        """Takes the answer."""
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))

    async def until(self, condition: Callable[[], bool], seconds: float = 15.0) -> None:
        """Waits until a condition on what was received holds."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def connected(self) -> None:
        """Waits for the connection."""
        await self.until(lambda: self.pc.connectionState == "connected")

    def lose(self, fate: Callable[[bytes], bool]) -> None:
        """Loses each received media datagram of which `fate` says so."""
        for transport in {t.receiver.transport for t in self.pc.getTransceivers()}:
            protocols: list[Any] = transport.transport._connection._protocols
            for protocol in protocols:
                forward = protocol.datagram_received

                def received(data: bytes, address: object, forward: Any = forward) -> None:
                    if not (128 <= data[0] <= 191 and fate(data)):
                        forward(data, address)

                protocol.datagram_received = received

    def vanish(self) -> None:
        """Is gone without a word: its sockets fall silent, both ways."""
        for transport in {t.receiver.transport for t in self.pc.getTransceivers()}:
            protocols: list[Any] = transport.transport._connection._protocols
            for protocol in protocols:
                protocol.send_data = _nothing
                protocol.send_stun = lambda message, address: None
                protocol.datagram_received = lambda data, address: None

    async def close(self) -> None:
        """Closes the connection and waits for what reads from it."""
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def _on_track(self, track: MediaStreamTrack) -> None:
        transceiver = next(t for t in self.pc.getTransceivers() if t.receiver.track is track)
        read = self._hear(track) if track.kind == "audio" else self._see(track, str(transceiver.mid))
        self._tasks.append(asyncio.create_task(read))

    def _on_change(self) -> None:
        self._tasks.append(asyncio.create_task(self._notify()))

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _hear(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                self.audio.append(frame.to_ndarray().reshape(-1, 2)[:, 0])
                await self._notify()
        except MediaStreamError:
            return

    async def _see(self, track: MediaStreamTrack, mid: str) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.VideoFrame)
                self.video.setdefault(mid, []).append(float(frame.to_ndarray(format="gray").mean()))
                await self._notify()
        except MediaStreamError:
            return


@asynccontextmanager
async def rtc_client() -> AsyncIterator[RtcClient]:
    """A client that is closed at the end."""
    client = RtcClient()
    try:
        yield client
    finally:
        await client.close()
