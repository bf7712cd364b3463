"""A room of one participant and a parrot, on stock aiortc: something to call without models.

The parrot greets with a tone, repeats what it hears once that is quiet, and captions what it says.
"""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import uvicorn
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

FRAME = 960
RATE = 48_000
QUIET_FRAMES = 20
PARROT = {
    "id": "parrot",
    "name": "Polly <b>",
    "kind": "persona",
    "muted": False,
    "camera": False,
    "speaking": False,
    "status": "listening",
}


class Beak(MediaStreamTrack):
    """The parrot's voice."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._samples = np.zeros(0, np.int16)
        self._position = 0
        self._due: float | None = None
        self.empty = asyncio.Event()

    def play(self, samples: npt.NDArray[np.int16]) -> None:
        self._samples = samples
        self.empty.clear()

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._due = loop.time() if self._due is None else self._due + FRAME / RATE
        await asyncio.sleep(max(self._due - loop.time(), 0))
        samples = np.zeros(FRAME, np.int16)
        taken = self._samples[:FRAME]
        samples[: taken.size] = taken
        self._samples = self._samples[FRAME:]
        if not self._samples.size:
            self.empty.set()
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._position, Fraction(1, RATE)
        self._position += FRAME
        return frame


@dataclass
class TinyRoom:
    """What the server does and what it saw; tests change the former while it runs."""

    url: str = ""
    greet: bool = True
    answer: bool = True
    acknowledge: bool = True
    token_status: int = 200
    joins: list[dict[str, object]] = field(default_factory=list)
    heard: list[npt.NDArray[np.int16]] = field(default_factory=list)
    sockets: list[WebSocket] = field(default_factory=list)
    first_message: dict[str, object] | None = None
    raw_first: str | None = None
    hearing: asyncio.Event = field(default_factory=asyncio.Event)
    written: asyncio.Event = field(default_factory=asyncio.Event)
    utterances: "itertools.count[int]" = field(default_factory=itertools.count)

    async def restart(self) -> None:
        """Says goodbye as a server that restarts its media."""
        for one in list(self.sockets):
            await one.send_json({"type": "bye", "code": "restarting", "message": "back in a moment"})
            await one.close(4000)


class _Seat:
    def __init__(self, room: TinyRoom, web_socket: WebSocket) -> None:
        self.room, self.socket, self.beak = room, web_socket, Beak()
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.tasks: list[asyncio.Task[None]] = []
        self.connection.on("track", self.on_track)

    def on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self.tasks.append(asyncio.create_task(self.listen(track)))

    async def caption(self, id: str, utterance: str, text: str, final: bool) -> None:
        await self.socket.send_json(
            {"type": "caption", "id": id, "utterance": utterance, "text": text, "final": final}
        )

    async def speak(self, samples: npt.NDArray[np.int16], words: str) -> None:
        utterance = f"p{next(self.room.utterances)}"
        self.beak.play(samples)
        await self.caption("parrot", utterance, words.split()[0], False)
        await self.beak.empty.wait()
        await self.caption("parrot", utterance, words, True)

    async def listen(self, track: MediaStreamTrack) -> None:
        if self.room.greet:
            tone = 8000 * np.sin(np.arange(RATE // 2) * 2 * np.pi * 440 / RATE)
            await self.speak(tone.astype(np.int16), "Hello there!")
        said: list[npt.NDArray[np.int16]] = []
        quiet = 0
        while True:
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            samples = frame.to_ndarray().reshape(-1)[::2].astype(np.int16)
            loud = np.abs(samples.astype(np.int32)).max() > 300
            quiet = 0 if loud else quiet + 1
            if loud:
                self.room.hearing.set()
            if loud or said:
                said.append(samples)
            if said and quiet == QUIET_FRAMES:
                whole = np.concatenate(said)
                said = []
                self.room.heard.append(whole)
                await self.caption("you", f"u{next(self.room.utterances)}", f"speech {whole.size}", True)
                if self.room.answer:
                    await self.reply(whole)

    async def reply(self, samples: npt.NDArray[np.int16]) -> None:
        await self.socket.send_json(
            {"type": "latency", "turn": "t", "persona": "parrot", "to": "you", "speechEnd": 0, "decided": 400}
        )
        await self.speak(samples, "I say the same.")

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        for result in await asyncio.gather(*self.tasks, return_exceptions=True):
            if isinstance(result, Exception) and type(result).__name__ != "MediaStreamError":
                raise result
        await self.connection.close()


def _app(room: TinyRoom) -> FastAPI:
    app = FastAPI()

    @app.post("/api/token")
    async def token(request: Request) -> JSONResponse:
        if room.token_status != 200:
            return JSONResponse({"code": "unauthorized", "message": "no key"}, room.token_status)
        asked = await request.json()
        return JSONResponse(
            {"token": "t", "room": asked["room"], "identity": "i", "expires": "2030-01-01T00:00:00Z"}
        )

    @app.websocket("/ws")
    async def ws(web_socket: WebSocket) -> None:
        await web_socket.accept()
        room.sockets.append(web_socket)
        seat = _Seat(room, web_socket)
        try:
            await _serve(room, seat)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            room.sockets.remove(web_socket)
            await seat.close()

    return app


async def _serve(room: TinyRoom, seat: _Seat) -> None:
    room.joins.append(await seat.socket.receive_json())
    if room.raw_first is not None:
        await seat.socket.send_text(room.raw_first)
        return
    if room.first_message is not None:
        await seat.socket.send_json(room.first_message)
        return
    await seat.socket.send_json(
        {
            "type": "joined",
            "version": 1,
            "room": "lobby",
            "you": "you",
            "participants": [PARROT],
            "history": [],
            "iceServers": [],
            "resume": "resume-token",
            "videoSlots": 0,
        }
    )
    while True:
        message = await seat.socket.receive_json()
        if message["type"] == "offer":
            seat.connection.addTrack(seat.beak)
            await seat.connection.setRemoteDescription(RTCSessionDescription(message["sdp"], "offer"))
            await seat.connection.setLocalDescription(await seat.connection.createAnswer())
            sdp = seat.connection.localDescription.sdp
            await seat.socket.send_json({"type": "answer", "id": message["id"], "sdp": sdp})
        elif message["type"] == "chat":
            if not message["text"].strip():
                await seat.socket.send_json(
                    {
                        "type": "error",
                        "code": "empty-text",
                        "message": "nothing is written",
                        "id": message["id"],
                    }
                )
                continue
            room.written.set()
            if not room.acknowledge:
                continue
            await seat.socket.send_json(
                {**message, "from": "you", "name": "Caller", "at": "2026-01-01T00:00:00Z"}
            )
            await seat.socket.send_json({"type": "ack", "id": message["id"]})
            tone = 8000 * np.sin(np.arange(RATE // 4) * 2 * np.pi * 660 / RATE)
            seat.tasks.append(asyncio.create_task(seat.reply(tone.astype(np.int16))))
        elif message["type"] == "leave":
            return


@contextlib.asynccontextmanager
async def tiny_room(**settings: object) -> AsyncIterator[TinyRoom]:
    """Serves a `TinyRoom` on a loopback port."""
    room = TinyRoom(**settings)  # type: ignore[arg-type]
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.bind(("127.0.0.1", 0))
    room.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(_app(room), log_level="error", lifespan="off", timeout_graceful_shutdown=2)
    )
    serving = asyncio.create_task(server._serve([listening]))
    try:
        yield room
    finally:
        server.should_exit = True
        await serving
        listening.close()
