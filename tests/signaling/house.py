"""A server without a network: rooms, sessions over sockets in memory, peers that do what a test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from media.realtime.plane import Plane
from media.realtime.suppression import Suppressor
from media.rtc.peer import PeerState
from signaling.ipc.endpoint import Endpoint, Handlers, dial, listen
from signaling.ipc.jsonrpc import JsonObject
from signaling.ipc.shared_memory import SharedFile
from signaling.server.app import Sessions
from signaling.server.census import PeerCensus
from signaling.server.conference import Conference
from signaling.server.metrics import Metrics
from signaling.server.mind_line import MindLine
from signaling.server.overview import Overview
from signaling.server.personas import Personas
from signaling.server.plane_metrics import PlaneCollector
from signaling.server.ports import FakeSessionPeer, FakeSocket
from signaling.server.reports import PlaneReports
from signaling.server.rooms import Directory
from signaling.server.session import Session, SessionSettings
from signaling.server.tokens import EVERYTHING, Permission, Tokens

OFFER = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendrecv\r\n"
DEAF_OFFER = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=recvonly\r\n"
KEY = b"k" * 32

Message = dict[str, Any]


class Client:
    """One client of the house: sends messages, reads what it is told in order."""

    def __init__(self, house: "House", socket: FakeSocket, running: "asyncio.Task[None]") -> None:
        self.house = house
        self.socket = socket
        self.running = running
        self.id = ""
        self.resume = ""
        self._read = 0

    @property
    def peer(self) -> FakeSessionPeer:
        return self.house.peers[-1]

    def send(self, **message: Any) -> None:
        self.socket.push(json.dumps(message))

    async def next(self) -> Message:
        """The next message that has not been read yet."""
        async with asyncio.timeout(60), self.socket.changed:
            await self.socket.changed.wait_for(lambda: len(self.socket.sent) > self._read)
        self._read += 1
        return json.loads(self.socket.sent[self._read - 1])  # type: ignore[no-any-return]

    async def expect(self, type: str, **fields: Any) -> Message:
        """The next message of a type with these fields; others before it are passed over."""
        while True:
            message = await self.next()
            if message["type"] == type and fields.items() <= message.items():
                return message

    async def settled(self) -> list[Message]:
        """What it is told until its messages so far have all been handled."""
        self.send(type="ping", id="settled")
        told = []
        while (message := await self.next()) != {"type": "pong", "id": "settled"}:
            told.append(message)
        return told

    def unread(self) -> list[Message]:
        return [json.loads(text) for text in self.socket.sent[self._read :]]

    async def join(
        self,
        name: str = "Ada",
        identity: str | None = None,
        can: frozenset[Permission] = EVERYTHING,
        *,
        room: str = "lobby",
        person: str | None = None,
        **fields: Any,
    ) -> Message:
        token = self.house.tokens.mint_join(room, identity or name.lower(), can, person=person)
        self.send(**{"type": "join", "version": 1, "token": token, "name": name} | fields)
        joined = await self.expect("joined")
        self.id, self.resume = joined["you"], joined["resume"]
        return joined

    async def connect(self, sdp: str = OFFER) -> FakeSessionPeer:
        """Joins the media."""
        self.send(type="offer", id="o", sdp=sdp)
        await self.expect("answer", id="o")
        peer = self.peer
        peer.enter(PeerState.CONNECTED)
        return peer

    async def ended(self) -> Message:
        """Waits for the end; the last message."""
        async with asyncio.timeout(60):
            await self.running
        assert self.socket.closed is not None
        return json.loads(self.socket.sent[-1]) if self.socket.sent else {}


class House:
    """The rooms and those who are in them."""

    def __init__(
        self, directory: Path, room_size: int = 16, suppressor: Callable[[], Suppressor] | None = None
    ) -> None:
        make_file = partial(SharedFile.create, directory)
        self.directory = directory
        self.metrics = Metrics()
        self.mind = MindLine()
        self.reports = PlaneReports(lambda event: self.conference.on_media_event(event))
        self.plane = Plane(self.reports, suppressor=suppressor)
        self.conference = Conference(Directory(room_size), self.plane, make_file, self.mind, self.metrics)
        self.personas = Personas(self.conference, make_file)
        self.tokens = Tokens(KEY)
        self.sessions = Sessions()
        self.peers: list[FakeSessionPeer] = []
        self.census = PeerCensus(self.make_peer)
        self.metrics.registry.register(PlaneCollector(self.plane.statistics))
        self.overview = Overview(
            self.conference,
            self.census,
            self.plane.statistics,
            lambda: {"plane-reports-full": self.reports.dropped},
            "1.2.3",
        )
        self.clients: list[Client] = []

    def make_peer(self, on_state: Callable[[PeerState], None]) -> FakeSessionPeer:
        self.peers.append(FakeSessionPeer(on_state))
        return self.peers[-1]

    def arrive(self) -> Client:
        """A client opens a socket."""
        socket = FakeSocket()
        session = Session(
            socket,
            conference=self.conference,
            tokens=self.tokens,
            peers=self.census,
            settings=SessionSettings(),
        )
        client = Client(self, socket, asyncio.create_task(self.sessions.run(session)))
        self.clients.append(client)
        return client

    async def seated(self, name: str = "Ada") -> Client:
        client = self.arrive()
        await client.join(name)
        return client

    def dropped(self, reason: str) -> float:
        return self.metrics.registry.get_sample_value("continuum_dropped_total", {"reason": reason}) or 0.0

    def rings(self) -> int:
        return len(list(self.directory.glob("*.ring")))


@asynccontextmanager
async def house(
    directory: Path, room_size: int = 16, suppressor: Callable[[], Suppressor] | None = None
) -> AsyncIterator[House]:
    """A house that is empty again at the end."""
    made = House(directory, room_size, suppressor)
    try:
        yield made
    finally:
        made.conference.end("restarting", "the test is over")
        made.sessions.end()
        await made.sessions.all_ended()
        await asyncio.gather(*(client.running for client in made.clients))
        assert made.reports.faults == 0
        assert not made.conference.rooms
        assert made.plane.statistics().rooms == 0
        assert made.rings() == 0
        assert made.census.living == ()


class FakeMind:
    """The other end of the line: keeps what it is told, asks what a test asks."""

    def __init__(self, endpoint: Endpoint, news: "asyncio.Queue[tuple[str, JsonObject]]") -> None:
        self.endpoint = endpoint
        self._news = news

    async def attach(self, *opened: str) -> Any:
        return await self.endpoint.call("attach", {"version": 1, "opened": list(opened)})

    async def ask(self, method: str, **params: Any) -> Any:
        return await self.endpoint.call(method, {"room": "lobby"} | params)

    def unheard(self) -> list[tuple[str, JsonObject]]:
        """What it has been told and no `news` has asked for."""
        return [self._news.get_nowait() for _ in range(self._news.qsize())]

    async def news(self, method: str) -> JsonObject:
        """The next news of that kind; others before it are passed over."""
        async with asyncio.timeout(60):
            while True:
                told, params = await self._news.get()
                if told == method:
                    return params


NEWS = (
    "participant.joined",
    "participant.connected",
    "participant.left",
    "gate.opened",
    "gate.closed",
    "chat.received",
    "voice.progress",
    "whisper",
    "microphone",
    "voice.named",
)


@asynccontextmanager
async def line_to(house: House) -> AsyncIterator[Path]:
    """The house's socket."""
    path = house.directory / "media.sock"
    async with listen(path, house.personas.handlers):
        yield path


@asynccontextmanager
async def mind_of(path: Path, answers: Handlers | None = None) -> AsyncIterator[FakeMind]:
    """A mind at the other end of the socket, not yet attached, that answers what it is asked with these."""
    news: asyncio.Queue[tuple[str, JsonObject]] = asyncio.Queue()
    handlers: Handlers = {method: partial(_note, news, method) for method in NEWS}
    async with dial(path, {**handlers, **(answers or {})}) as endpoint:
        yield FakeMind(endpoint, news)


def _note(news: "asyncio.Queue[tuple[str, JsonObject]]", method: str, params: JsonObject) -> None:
    news.put_nowait((method, params))
