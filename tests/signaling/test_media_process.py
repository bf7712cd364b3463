"""The media process as a whole: a server on a loopback port, real WebSockets, real WebRTC, real sound."""

import asyncio
import fractions
import ipaddress
import json
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from aiortc import (
    AudioStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin
from websockets.uri import parse_uri

from media.realtime.ring import AudioRing
from signaling import media_process
from signaling.ipc.shared_memory import SharedFile
from signaling.lan import certificate_for
from signaling.media_process import StartError, run_media
from signaling.server.tokens import Tokens
from signaling.settings import Launch, Settings, Tls, signing_key
from tests.signaling.house import mind_of


def launch_in(directory: Path, origins: tuple[str, ...] = (), **changes: Any) -> Launch:
    run_dir = directory / "run"
    run_dir.mkdir(exist_ok=True)
    # The callers' steady tones are noise to a suppressor.
    settings = Settings(state_dir=directory / "state", origins=origins, noise_suppression=False).model_copy(
        update={"port": 0}
    )
    return Launch(settings=settings, run_dir=run_dir, **changes)


class Server:
    """A running media process inside the test's loop."""

    def __init__(self, launch: Launch, port: int, stop: asyncio.Event, running: "asyncio.Task[None]") -> None:
        self.launch = launch
        self.port = port
        self.stop = stop
        self.running = running
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    def websocket(self, **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/ws", proxy=None, **options)

    async def token(self, name: str = "Ada", room: str = "lobby") -> str:
        answer = await self.http.post("/api/token", json={"room": room, "name": name})
        assert answer.status_code == 200
        return str(answer.json()["token"])


@asynccontextmanager
async def server(directory: Path, **changes: Any) -> AsyncIterator[Server]:
    launch = launch_in(directory, **changes)
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_media(launch, stop, port.set_result))
    first: set[asyncio.Future[Any]] = {running, port}
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    made = Server(launch, port.result(), stop, running)
    try:
        yield made
    finally:
        stop.set()
        await made.http.aclose()
        async with asyncio.timeout(5):
            await running
        assert list(launch.run_dir.iterdir()) == []


async def expect(socket: ClientConnection, type: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == type:
                return message


async def join(at: Server, socket: ClientConnection, name: str) -> dict[str, Any]:
    join = {"type": "join", "version": 1, "token": await at.token(name), "name": name}
    await socket.send(json.dumps(join))
    return await expect(socket, "joined")


async def test_a_token_is_given_on_this_machine_and_to_whoever_has_a_key(tmp_path: Path) -> None:
    async with server(tmp_path) as at:
        tokens = Tokens(signing_key(at.launch.settings))
        body = {"room": "lobby", "name": "Ada"}
        answer = (await at.http.post("/api/token", json=body)).json()
        claims = tokens.verify(answer["token"], "join", room="lobby")
        assert (claims.identity, claims.expires.isoformat()) == (answer["identity"], answer["expires"])

        known = [
            (await at.http.post("/api/token", json=body | {"person": "s" * 22})).json() for _ in range(2)
        ]
        first, second = (tokens.verify(each["token"], "join") for each in known)
        assert first.identity != second.identity
        assert first.person == second.person == tokens.person_of("s" * 22)

        async def status(headers: dict[str, str], room: str = "lobby") -> int:
            asked = await at.http.post("/api/token", json=body | {"room": room}, headers=headers)
            return asked.status_code

        rebound = {"Host": "evil.example:8200"}
        assert await status(rebound) == 401
        assert await status({"Origin": "https://evil.example"}) == 401
        assert await status({"X-Forwarded-For": "127.0.0.1"}) == 401
        assert (
            await status(rebound | {"Authorization": f"Bearer {signing_key(at.launch.settings).decode()}"})
            == 200
        )
        assert await status(rebound | {"Authorization": "Bearer wrong"}) == 401
        assert await status({"Authorization": "Bearer wrong"}) == 401
        invitation = rebound | {"Authorization": f"Bearer {tokens.mint_invite('lobby')}"}
        assert await status(invitation) == 200
        assert await status(invitation, room="attic") == 401
        assert await status(rebound | {"Authorization": f"Bearer {tokens.mint_join('lobby', 'ada')}"}) == 401


BAD_REQUESTS = (
    b"",
    b"{",
    b"[]",
    b'{"room": "lobby"}',
    b'{"room": "../x", "name": "Ada"}',
    b'{"room": "lobby", "name": "Ada", "person": "short"}',
    b'{"room": "lobby", "name": "Ada", "person": 7}',
    b'{"room": "lobby", "name": "  "}',
    b'{"room": "lobby", "name": "' + b"x" * 41 + b'"}',
    b"x" * 100_000,
    b"[" * 10_000,
)


async def test_a_bad_request_for_a_token_is_said_to_be_one(tmp_path: Path) -> None:
    async with server(tmp_path) as at:
        for body in BAD_REQUESTS:
            answer = await at.http.post("/api/token", content=body)
            assert (answer.status_code, answer.json()["code"]) == (422, "bad-request")
            assert answer.json()["message"]


async def test_health_metrics_and_the_missing_page(tmp_path: Path) -> None:
    async with server(tmp_path) as at:
        health = (await at.http.get("/api/health")).json()
        assert (health["status"], health["mind"]) == ("ok", "starting")
        async with mind_of(at.launch.run_dir / "media.sock") as mind:
            await mind.attach()
            assert (await at.http.get("/api/health")).json()["mind"] == "up"
        page = await at.http.get("/")
        assert page.status_code == 200
        assert "make web" in page.text
        assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]
        assert (await at.http.get("/nothing.js")).status_code == 404
        assert (await at.http.get("/..%2f..%2fstate/key")).status_code == 404
        metrics = (await at.http.get("/metrics")).text
        assert "continuum_plane_ticks_total 0.0" in metrics
        assert 'continuum_plane_lateness_seconds_bucket{le="+Inf"} 0.0' in metrics


async def test_how_the_server_does_is_told_on_this_machine_and_to_whoever_has_the_key(tmp_path: Path) -> None:
    async with server(tmp_path) as at:
        key = signing_key(at.launch.settings).decode()
        elsewhere = {"Host": "example.org:8200"}

        async def status(**headers: str) -> int:
            return (await at.http.get("/metrics", headers=headers)).status_code

        assert await status() == 200
        assert await status(**elsewhere) == 401
        assert await status(**{"X-Forwarded-For": "127.0.0.1"}) == 401
        assert await status(Origin="https://evil.example") == 401
        assert await status(**elsewhere, Authorization=f"Bearer {key}") == 200
        assert await status(Authorization="Bearer wrong") == 401
        invite = Tokens(key.encode()).mint_invite("lobby")
        assert await status(**elsewhere, Authorization=f"Bearer {invite}") == 401
        told = await at.http.get("/metrics")
        assert told.headers["Cache-Control"] == "no-store"
        families = {family.name for family in text_string_to_metric_families(told.text)}
        assert {
            "continuum_plane_lateness_seconds",
            "continuum_media_dropped",
            "continuum_rtc_peers",
        } <= families
        assert 'continuum_dropped_total{reason="metrics-unauthorized"} 5.0' in told.text


async def test_an_operator_looks_on_while_people_talk(tmp_path: Path) -> None:
    async with server(tmp_path) as at, at.websocket() as one:
        address = f"ws://127.0.0.1:{at.port}/ws/operator"
        joined = await join(at, one, "Ada")
        ada = Caller(one, 440)
        try:
            await ada.offer()
            async with connect(address, proxy=None) as operator:
                await operator.send(json.dumps({"type": "watch", "version": 1}))
                async with asyncio.timeout(15):
                    while True:
                        told = await expect(operator, "snapshot")
                        peers = told["rooms"][0]["peers"]
                        tracks = {track["name"]: track for peer in peers for track in peer["tracks"]}
                        if tracks.get("microphone", {}).get("packets", 0) > 50:
                            break
                assert [peer["id"] for peer in peers] == [joined["you"]]
                assert 50 * 20 < tracks["microphone"]["bytes"] < told["network"]["bytesIn"]
                assert told["plane"]["ticks"] == sum(told["plane"]["lateness"]["counts"]) > 0
                at.stop.set()
                assert (await expect(operator, "bye"))["code"] == "restarting"
        finally:
            await ada.peer.close()


async def test_a_foreign_page_and_a_stranger_do_not_look_on(tmp_path: Path) -> None:
    friend = "https://friend.example"
    async with server(tmp_path, origins=(friend,)) as at:
        address = f"ws://127.0.0.1:{at.port}/ws/operator"
        for origin in (friend, "https://evil.example"):
            with pytest.raises(InvalidStatus):
                await connect(address, proxy=None, origin=Origin(origin))
        forwarded = {"X-Forwarded-For": "127.0.0.1"}
        async with connect(address, proxy=None, additional_headers=forwarded) as operator:
            await operator.send(json.dumps({"type": "watch", "version": 1}))
            assert (await expect(operator, "bye"))["code"] == "unauthorized"
        async with connect(address, proxy=None, additional_headers=forwarded) as operator:
            key = signing_key(at.launch.settings).decode()
            await operator.send(json.dumps({"type": "watch", "version": 1, "key": key}))
            assert (await expect(operator, "snapshot"))["rooms"] == []


async def test_the_built_page_is_served_for_every_room(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "index.html").write_text("<!doctype html>the page")
    (dist / "continuum.js").write_text("export {}")
    (dist / "operator.html").write_text("<!doctype html>for operators")
    async with server(tmp_path, page=dist) as at:
        assert (await at.http.get("/operator")).text == "<!doctype html>for operators"
        for path in ("/", "/r/lobby"):
            assert (await at.http.get(path)).text == "<!doctype html>the page"
        first = await at.http.get("/continuum.js")
        again = await at.http.get("/continuum.js", headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code) == (200, 304)


async def test_a_foreign_page_does_not_get_a_websocket(tmp_path: Path) -> None:
    async with server(tmp_path) as at:
        with pytest.raises(InvalidStatus):
            await at.websocket(origin="https://evil.example")
        async with at.websocket(origin=f"http://127.0.0.1:{at.port}") as socket:
            await join(at, socket, "Ada")


async def test_a_page_that_is_allowed_to_embed_the_call_gets_tokens_and_a_websocket(tmp_path: Path) -> None:
    friend = "https://friend.example"
    async with server(tmp_path, origins=(friend,)) as at:
        asked = {"Origin": friend, "Authorization": f"Bearer {signing_key(at.launch.settings).decode()}"}
        answer = await at.http.post("/api/token", json={"room": "lobby", "name": "Ada"}, headers=asked)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, friend)
        assert friend in answer.headers["Content-Security-Policy"]
        stranger = await at.http.get("/api/health", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in stranger.headers
        async with at.websocket(origin=friend) as socket:
            await join(at, socket, "Ada")


async def test_garbage_on_the_wire_harms_nobody_else(tmp_path: Path) -> None:
    async with server(tmp_path) as at, at.websocket() as ada, at.websocket() as eve:
        await join(at, ada, "Ada")
        await join(at, eve, "Eve")
        await eve.send("x" * (300 << 10))
        assert (await expect(eve, "error"))["code"] == "too-large"
        await eve.send(b"\x00")
        assert (await expect(eve, "error"))["code"] == "bad-message"
        await eve.send("x" * (600 << 10))
        with pytest.raises(ConnectionClosed):
            await expect(eve, "nothing")
        assert (await expect(ada, "participant"))["participant"]["name"] == "Eve"
        await ada.send(json.dumps({"type": "ping", "id": "p"}))
        assert await expect(ada, "pong")


async def test_a_stop_says_goodbye_and_a_resume_finds_the_seat_again(tmp_path: Path) -> None:
    async with server(tmp_path) as at, at.websocket() as ada, at.websocket() as nobody:
        joined = await join(at, ada, "Ada")
        at.stop.set()
        for socket in (ada, nobody):
            assert (await expect(socket, "bye"))["code"] == "restarting"
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4000
    async with server(tmp_path) as at, at.websocket() as ada:
        message = {"type": "join", "version": 1, "token": "lost", "name": "Ada", "resume": joined["resume"]}
        await ada.send(json.dumps(message))
        assert (await expect(ada, "joined"))["you"] == joined["you"]


async def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    async with server(tmp_path) as at:
        (tmp_path / "other").mkdir()
        other = launch_in(tmp_path / "other")
        taken = other.model_copy(update={"settings": other.settings.model_copy(update={"port": at.port})})
        with pytest.raises(StartError, match=f"port {at.port}"):
            await run_media(taken, asyncio.Event(), lambda _: None)


async def test_a_client_that_does_not_answer_pings_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_process, "PING_EVERY_S", 0.2)
    monkeypatch.setattr(media_process, "PONG_WITHIN_S", 0.2)
    async with server(tmp_path) as at, at.websocket() as ada:
        await join(at, ada, "Ada")
        client = ClientProtocol(parse_uri(f"ws://127.0.0.1:{at.port}/ws"))
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        client.send_request(client.connect())
        writer.writelines(client.data_to_send())
        client.receive_data(await reader.readuntil(b"\r\n\r\n"))
        body = {"type": "join", "version": 1, "token": await at.token("Dead"), "name": "Dead"}
        client.send_text(json.dumps(body).encode())
        writer.writelines(client.data_to_send())
        assert (await expect(ada, "participant"))["participant"]["name"] == "Dead"
        async with asyncio.timeout(5):
            await reader.read()
            assert (await expect(ada, "participant"))["participant"]["status"] == "connecting"
        writer.close()


class Tone(AudioStreamTrack):
    """A steady tone, 48 kHz mono, in real time."""

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self._hertz = hertz
        self._position = 0
        self._began = 0.0

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        if self.readyState != "live":
            raise MediaStreamError
        self._began = self._began or loop.time()
        await asyncio.sleep(max(0.0, self._began + self._position / 48_000 - loop.time()))
        phase = 2 * np.pi * self._hertz * (self._position + np.arange(960)) / 48_000
        frame = av.AudioFrame.from_ndarray((8000 * np.sin(phase)).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._position, fractions.Fraction(1, 48_000)
        self._position += 960
        return frame


class Caller:
    """A WebRTC client that sends a tone and listens."""

    def __init__(self, socket: ClientConnection, hertz: float, voices: int = 0) -> None:
        self.socket = socket
        # With aiortc's default policy a second audio stays on a transport that the bundle has given up.
        self.peer = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.peer.addTrack(Tone(hertz))
        self.peer.addTransceiver("video", direction="recvonly")
        for _ in range(voices):
            self.peer.addTransceiver("audio", direction="recvonly")
        self.tracks: asyncio.Queue[Any] = asyncio.Queue()
        self.peer.on("track", self.tracks.put_nowait)

    async def offer(self) -> None:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        sdp = self.peer.localDescription.sdp
        await self.socket.send(json.dumps({"type": "offer", "id": "o", "sdp": sdp}))
        answer = await expect(self.socket, "answer")
        await self.peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))

    async def hear(self, loud_enough: Callable[[NDArray[np.float64]], bool]) -> NDArray[np.float64]:
        """Listens until half a second of the next audio is as wished; the strengths at each hertz up to 2000."""
        track = await self.tracks.get()
        while track.kind != "audio":
            track = await self.tracks.get()
        heard = np.zeros(24_000)
        async with asyncio.timeout(20):
            while True:
                frame = await track.recv()
                samples = frame.to_ndarray().reshape(-1)
                mono = samples[:: len(frame.layout.channels)].astype(float) / 32768
                heard = np.concatenate([heard, mono])[-24_000:]
                strengths = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))[:1000]
                if loud_enough(strengths):
                    return strengths


def at_hertz(strengths: NDArray[np.float64], hertz: int) -> float:
    return float(strengths[hertz // 2 - 3 : hertz // 2 + 4].max())


async def test_two_callers_hear_each_other_and_never_themselves(tmp_path: Path) -> None:
    async with server(tmp_path) as at, at.websocket() as one, at.websocket() as two:
        await join(at, one, "Ada")
        await join(at, two, "Bob")
        ada, bob = Caller(one, 440), Caller(two, 1000)
        try:
            await ada.offer()
            await bob.offer()
            for_ada, for_bob = await asyncio.gather(
                ada.hear(lambda heard: at_hertz(heard, 1000) > 300),
                bob.hear(lambda heard: at_hertz(heard, 440) > 300),
            )
            assert at_hertz(for_ada, 440) < at_hertz(for_ada, 1000) / 50
            assert at_hertz(for_bob, 1000) < at_hertz(for_bob, 440) / 50
            assert (await expect(one, "speaking"))["speaking"]
        finally:
            await asyncio.gather(ada.peer.close(), bob.peer.close())


async def test_a_single_voice_is_heard_in_its_own_track_and_not_in_the_mix(tmp_path: Path) -> None:
    async with (
        server(tmp_path) as at,
        at.websocket() as one,
        at.websocket() as two,
        at.websocket() as three,
    ):
        await join(at, one, "Ada")
        bobs = (await join(at, two, "Bob"))["you"]
        await join(at, three, "Cleo")
        ada, bob, cleo = Caller(one, 440, voices=1), Caller(two, 1000), Caller(three, 700)
        callers = (ada, bob, cleo)
        try:
            for caller in callers:
                await caller.offer()
            await one.send(json.dumps({"type": "voices", "who": [bobs]}))
            # Told at once, and again when a voice asked for has begun.
            slots = (await expect(one, "voices"))["slots"] or (await expect(one, "voices"))["slots"]
            assert list(slots.values()) == [bobs]
            await ada.hear(lambda heard: at_hertz(heard, 700) > 300 > 50 * at_hertz(heard, 1000))
            alone = await ada.hear(lambda heard: at_hertz(heard, 1000) > 300)
            assert max(at_hertz(alone, 700), at_hertz(alone, 440)) < at_hertz(alone, 1000) / 50
            await cleo.hear(lambda heard: min(at_hertz(heard, 1000), at_hertz(heard, 440)) > 300)
            await one.send(json.dumps({"type": "voices", "who": []}))
            assert (await expect(one, "voices"))["slots"] == {}
        finally:
            await asyncio.gather(*(caller.peer.close() for caller in callers))


async def test_a_persona_is_heard_and_hears_through_shared_memory(tmp_path: Path) -> None:
    async with (
        server(tmp_path) as at,
        at.websocket() as socket,
        mind_of(at.launch.run_dir / "media.sock") as mind,
    ):
        await mind.attach()
        joined = await join(at, socket, "Ada")
        ears = AudioRing.attach(SharedFile.open(Path((await mind.news("participant.joined"))["ears"])).buffer)
        answer = await mind.ask("persona.join", id="echo", name="Echo")
        voice = AudioRing.attach(SharedFile.open(Path(answer["voice"])).buffer)
        ada = Caller(socket, 440)
        try:
            await ada.offer()
            assert (await mind.news("participant.connected"))["id"] == joined["you"]
            phase = 2 * np.pi * 1000 * np.arange(3 * 48_000) / 48_000
            voice.offer((8000 * np.sin(phase)).astype(np.int16))
            await mind.ask("voice.wake", id="echo")
            heard = await ada.hear(lambda strengths: at_hertz(strengths, 1000) > 300)
            assert at_hertz(heard, 440) < at_hertz(heard, 1000) / 50
            assert (await mind.news("voice.progress"))["first_packet_ns"] > 0
            played = (await mind.ask("voice.stop", id="echo"))["played"]
            assert 4_800 <= played < 3 * 48_000
            assert voice.free == voice.capacity
            said = np.zeros(3_200, np.int16)
            assert ears.read_at(ears.written - len(said), said)
            strengths = np.abs(np.fft.rfft(said * np.hanning(len(said)) / 32768))
            assert int(strengths.argmax()) * 5 == 440
            assert strengths[200] < strengths[88] / 50
        finally:
            await ada.peer.close()


async def test_https_serves_pages_and_websockets(tmp_path: Path) -> None:
    certificate = certificate_for(
        tmp_path, [ipaddress.ip_address("127.0.0.1")], "localhost", datetime.now(UTC)
    )
    trusted = ssl.create_default_context(cafile=str(certificate.certificate))
    async with server(tmp_path, tls=certificate) as at:
        async with httpx.AsyncClient(verify=trusted, trust_env=False) as http:
            body = {"room": "lobby", "name": "Ada"}
            answer = await http.post(f"https://127.0.0.1:{at.port}/api/token", json=body)
        address = f"wss://127.0.0.1:{at.port}/ws"
        origin = Origin(f"https://127.0.0.1:{at.port}")
        async with connect(address, ssl=trusted, origin=origin, proxy=None) as socket:
            message = {"type": "join", "version": 1, "token": answer.json()["token"], "name": "Ada"}
            await socket.send(json.dumps(message))
            assert (await expect(socket, "joined"))["room"] == "lobby"


async def test_the_process_starts_says_so_and_ends_in_time(tmp_path: Path) -> None:
    ready_out, ready_in = os.pipe()
    launch = launch_in(tmp_path, ready_fd=ready_in)
    async with httpx.AsyncClient(trust_env=False) as http:
        port = _free_port()
        launch = launch.model_copy(update={"settings": launch.settings.model_copy(update={"port": port})})
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "signaling.media_process", env=launch.environment(), pass_fds=(ready_in,)
        )
        os.close(ready_in)
        try:
            with os.fdopen(ready_out) as pipe:
                line = await asyncio.get_running_loop().run_in_executor(None, pipe.readline)
            assert json.loads(line) == {"port": port, "pid": process.pid}
            assert (await http.get(f"http://127.0.0.1:{port}/api/health")).status_code == 200
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(3):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_process_started_by_hand_says_what_starts_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CONTINUUM_LAUNCH", raising=False)
    assert media_process.main() == 78
    assert "continuum serve" in capsys.readouterr().err


def test_a_start_that_cannot_succeed_is_told_from_a_fault_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(media_process, "configure_logs", lambda: None)
    launch = launch_in(tmp_path)
    torn = Tls(certificate=tmp_path / "none.pem", key=tmp_path / "none.key")
    monkeypatch.setattr(Launch, "from_environment", lambda: launch.model_copy(update={"tls": torn}))
    assert media_process.main() == 78
    assert "No such file" in capsys.readouterr().err

    async def fault(*_: object) -> None:
        raise OSError("too many open files")

    monkeypatch.setattr(Launch, "from_environment", lambda: launch)
    monkeypatch.setattr(media_process, "_collect_when_quiet", fault)
    with pytest.raises(ExceptionGroup) as faults:
        media_process.main()
    assert faults.group_contains(OSError, match="too many open files")


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ((256, resource.RLIM_INFINITY), (65_536, resource.RLIM_INFINITY)),
        ((256, 4096), (4096, 4096)),
        ((1024, 1 << 20), (65_536, 1 << 20)),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None),
        ((1 << 17, 1 << 20), None),
    ],
)
def test_open_files_are_raised_as_far_as_is_sensible_and_never_fail(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], wanted: tuple[int, int] | None
) -> None:
    asked: list[tuple[int, int]] = []

    def refuse(_: int, limits: tuple[int, int]) -> None:
        asked.append(limits)
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", refuse)
    media_process._raise_open_files()
    assert asked == ([] if wanted is None else [wanted])
