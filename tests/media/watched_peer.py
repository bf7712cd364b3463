"""A peer whose states a test waits for, and what tests of peers do with it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray

from media.realtime.opus import OpusEncoder
from media.realtime.packet import FRAME
from media.rtc.peer import Peer, PeerState
from tests.media.rtc_client import RtcClient

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
