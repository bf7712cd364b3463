"""A `Peer` and a real Chromium on loopback: what it hears and sees, by its own statistics."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import BrowserContext, Page, async_playwright

from media.realtime.opus import OpusEncoder
from media.realtime.packet import FRAME, FrameKind
from media.rtc.peer import Peer, PeerState

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
]

OFFER = """async ([slots, codec]) => {
    window.pc = new RTCPeerConnection({iceServers: []});
    const media = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 480}});
    pc.addTransceiver(media.getAudioTracks()[0], {direction: 'sendrecv', streams: [media]});
    const camera = pc.addTransceiver(media.getVideoTracks()[0], {direction: 'sendonly', streams: [media]});
    camera.setCodecPreferences(
        RTCRtpSender.getCapabilities('video').codecs.filter(each => each.mimeType === 'video/' + codec));
    for (let i = 0; i < slots; i++) pc.addTransceiver('video', {direction: 'recvonly'});
    pc.ontrack = event => {
        const element = document.createElement(event.track.kind);
        element.autoplay = true;
        element.srcObject = new MediaStream([event.track]);
        document.body.append(element);
    };
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
}"""

ACCEPT = "async answer => pc.setRemoteDescription({type: 'answer', sdp: answer})"

INBOUND = """async () => {
    const found = [];
    for (const report of (await pc.getStats()).values())
        if (report.type === 'inbound-rtp') found.push({...report});
    return found;
}"""


@asynccontextmanager
async def chromium(directory: Path) -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            str(directory),
            executable_path="/usr/bin/chromium",
            headless=False,
            args=FLAGS,
            chromium_sandbox=False,
        )
        await context.route(
            "http://localhost/**",
            lambda route: route.fulfill(body="<body></body>", content_type="text/html"),
        )
        try:
            yield context
        finally:
            await asyncio.wait_for(context.close(), 20)


async def join(context: BrowserContext, slots: int, codec: str) -> tuple[Page, Peer]:
    page = await context.new_page()
    await page.goto("http://localhost/")
    connected = asyncio.Event()
    peer = Peer(
        ice_servers=[],
        video_slots=slots,
        on_state=lambda state: connected.set() if state is PeerState.CONNECTED else None,
    )
    # The offer carries no candidate: the browser's checks are what tells where it is.
    await page.evaluate(ACCEPT, await peer.answer(await page.evaluate(OFFER, [slots, codec])))
    await asyncio.wait_for(connected.wait(), 20)
    return page, peer


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_browsers_hear_the_mix_and_see_each_other(tmp_path: Path, codec: str) -> None:
    async with chromium(tmp_path) as context:
        pages: list[Page] = []
        peers: list[Peer] = []
        try:
            for _ in range(2):
                page, peer = await join(context, 1, codec)
                pages.append(page)
                peers.append(peer)
            for peer, other in zip(peers, reversed(peers), strict=True):
                peer.watch(other.camera, peer.slots[0])
            spoken = await call(peers, pages)
        finally:
            for peer in peers:
                await peer.close()
    assert spoken


async def call(peers: list[Peer], pages: list[Page]) -> bool:
    """Runs the clock until every page has seen 40 pictures and heard sound."""
    encoder = OpusEncoder()
    out = np.zeros(FRAME, np.float32)
    spoken = [False] * len(peers)
    reports: list[list[dict[str, Any]]] = []

    async def look() -> None:
        while True:
            reports[:] = [await page.evaluate(INBOUND) for page in pages]
            if all(satisfied(report) for report in reports):
                return
            await asyncio.sleep(0.25)

    async with asyncio.timeout(60):
        looking = asyncio.create_task(look())
        began, index = time.monotonic(), 0
        try:
            while not looking.done():
                at = np.arange(index * FRAME, (index + 1) * FRAME) / 48_000
                packet = encoder.encode((np.sin(2 * np.pi * 440 * at) * 9000).astype(np.int16))
                for number, peer in enumerate(peers):
                    kind = peer.jitter.pull(out, time.monotonic_ns())
                    spoken[number] |= kind is FrameKind.SPEECH and float(np.abs(out).max()) > 0.1
                    peer.send_audio(packet, index * FRAME)
                index += 1
                await asyncio.sleep(max(0.0, began + index * 0.02 - time.monotonic()))
        finally:
            looking.cancel()
        await looking
    for report in reports:
        video = next(each for each in report if each["kind"] == "video")
        assert video["packetsLost"] == 0
        assert video["keyFramesDecoded"] >= 1
    return all(spoken)


def satisfied(report: list[dict[str, Any]]) -> bool:
    kinds = {each["kind"]: each for each in report}
    if {"audio", "video"} - set(kinds):
        return False
    heard = kinds["audio"].get("totalAudioEnergy", 0) > 0.01
    return heard and kinds["video"].get("framesDecoded", 0) >= 40
