"""A `Peer` and a real Chromium on loopback: what it hears and sees, by its own statistics."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
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

SIMULCAST = """async () => {
    window.pc = new RTCPeerConnection({iceServers: []});
    const media = await navigator.mediaDevices.getUserMedia(
        {audio: true, video: {width: 960, height: 540, frameRate: 15}});
    pc.addTransceiver(media.getAudioTracks()[0], {direction: 'sendrecv', streams: [media]});
    window.camera = pc.addTransceiver(media.getVideoTracks()[0], {direction: 'sendonly', sendEncodings: [
        {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150000},
        {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500000},
        {rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1200000}]});
    camera.setCodecPreferences(
        RTCRtpSender.getCapabilities('video').codecs.filter(each => each.mimeType === 'video/VP8'));
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
}"""

ACTIVATE = """async rids => {
    const parameters = camera.sender.getParameters();
    for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid);
    await camera.sender.setParameters(parameters);
}"""

OUTBOUND = """async () => {
    const found = {};
    for (const report of (await pc.getStats()).values())
        if (report.type === 'outbound-rtp' && report.kind === 'video') found[report.rid] = report.framesSent;
    return found;
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


async def join(context: BrowserContext, slots: int, codec: str, script: str = OFFER) -> tuple[Page, Peer]:
    page = await context.new_page()
    await page.goto("http://localhost/")
    connected = asyncio.Event()
    peer = Peer(
        ice_servers=[],
        video_slots=slots,
        on_state=lambda state: connected.set() if state is PeerState.CONNECTED else None,
    )
    # The offer carries no candidate: the browser's checks are what tells where it is.
    await page.evaluate(ACCEPT, await peer.answer(await page.evaluate(script, [slots, codec])))
    await asyncio.wait_for(connected.wait(), 20)
    return page, peer


async def shown(page: Page, width: int, seconds: float = 40.0) -> dict[str, Any]:
    """Waits until a page decodes pictures of that width; gives its report on them."""
    seen: list[dict[str, Any]] = []
    async with asyncio.timeout(seconds):
        while True:
            seen = [each for each in await page.evaluate(INBOUND) if each["kind"] == "video"]
            if seen and seen[0].get("frameWidth") == width:
                return seen[0]
            await asyncio.sleep(0.2)


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


async def call(peers: list[Peer], pages: list[Page], lossless: bool = True) -> bool:
    """Runs the clock until every page has seen 40 pictures and heard sound, and every peer has heard its page."""
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
            # The fake microphone beeps once a second: a call may be looked at before the first beep.
            while not (looking.done() and all(spoken)):
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
        assert video["packetsLost"] == 0 or not lossless
        assert video["keyFramesDecoded"] >= 1
    return all(spoken)


def satisfied(report: list[dict[str, Any]]) -> bool:
    kinds = {each["kind"]: each for each in report}
    if {"audio", "video"} - set(kinds):
        return False
    heard = kinds["audio"].get("totalAudioEnergy", 0) > 0.01
    return bool(heard and kinds["video"].get("framesDecoded", 0) >= 40)


async def test_three_pages_see_each_other_through_pass_through(tmp_path: Path) -> None:
    async with chromium(tmp_path) as context:
        joined = [await join(context, 2, "VP8") for _ in range(3)]
        pages, peers = [page for page, _ in joined], [peer for _, peer in joined]
        try:
            for index, peer in enumerate(peers):
                for slot, other in zip(peer.slots, (peers[index - 1], peers[index - 2]), strict=True):
                    peer.watch(other.camera, slot)
            spoken = await call(peers, pages)
            for page in pages:
                videos = [each for each in await page.evaluate(INBOUND) if each["kind"] == "video"]
                assert len([each for each in videos if each.get("framesDecoded", 0) >= 20]) == 2
        finally:
            for peer in peers:
                await peer.close()
    assert spoken


async def test_a_layer_fits_the_tile_and_an_unwatched_one_is_paused_at_its_sender(tmp_path: Path) -> None:
    async with chromium(tmp_path) as context:
        sender, filming = await join(context, 0, "VP8", SIMULCAST)
        viewer, watching = await join(context, 1, "VP8")
        try:
            camera, slot = filming.camera, watching.slots[0]
            assert camera is not None
            assert camera.rids == ("q", "h", "f")
            watching.view({slot: (200, 120)})
            watching.watch(camera, slot)
            small = await shown(viewer, 240)
            assert list(camera.wanted) == ["q"]
            watching.view({slot: (960, 540)})
            assert list(camera.wanted) == ["q", "f"]
            large = await shown(viewer, 960)
            watching.view({slot: (400, 230)})
            await shown(viewer, 480)
            watching.view({slot: (200, 120)})
            last = await shown(viewer, 240)
            assert watching.statistics().slots[slot].switches >= 3
            assert small["ssrc"] == large["ssrc"] == last["ssrc"]
            assert last["packetsLost"] == 0
            assert last["framesDecoded"] > large["framesDecoded"] > small["framesDecoded"]
            await sender.evaluate(ACTIVATE, list(camera.wanted))
            before = await sender.evaluate(OUTBOUND)
            await sender.wait_for_function(f"async () => (await ({OUTBOUND})()).q >= {before['q'] + 10}")
            sent = await sender.evaluate(OUTBOUND)
            assert sent["f"] <= before["f"] + 1
            assert "transport-cc" in await sender.evaluate("() => pc.remoteDescription.sdp")
        finally:
            for peer in (filming, watching):
                await peer.close()


async def test_pictures_survive_a_loss_of_one_packet_in_twenty(tmp_path: Path) -> None:
    async with chromium(tmp_path) as context:
        pages: list[Page] = []
        peers: list[Peer] = []
        dice = random.Random(7)
        lost = 0
        try:
            for _ in range(2):
                page, peer = await join(context, 1, "VP8")
                pages.append(page)
                peers.append(peer)

            def lossy(send: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
                def send_datagram(protected: bytes) -> bool:
                    nonlocal lost
                    if dice.random() < 0.05:
                        lost += 1
                        return True
                    return send(protected)

                return send_datagram

            for peer, other in zip(peers, reversed(peers), strict=True):
                transport = peer._transport
                transport.send_datagram = lossy(transport.send_datagram)  # type: ignore[method-assign, assignment]
                peer.watch(other.camera, peer.slots[0])
            spoken = await call(peers, pages, lossless=False)
            assert lost > 20
            assert all(peer.statistics().slots[peer.slots[0]].retransmissions > 0 for peer in peers)
            for page in pages:
                video = next(each for each in await page.evaluate(INBOUND) if each["kind"] == "video")
                assert video.get("freezeCount", 0) <= 3
        finally:
            for peer in peers:
                await peer.close()
    assert spoken
