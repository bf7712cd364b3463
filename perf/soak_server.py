"""What is soaked, seen from outside: the whole server, or its media process with a plain mind at the line."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx
import numpy as np
import psutil
from prometheus_client.parser import text_string_to_metric_families

from media.realtime.ring import AudioRing
from perf.media_alone import MediaAlone, media_alone
from perf.running_server import RunningServer, running_server
from perf.timer_control import Lateness
from signaling.ipc.endpoint import Endpoint, Handler, RpcError, connect_forever
from signaling.ipc.jsonrpc import JsonObject
from signaling.ipc.shared_memory import SharedFile, SharedFileError

__all__ = [
    "Held",
    "Memory",
    "SoakedServer",
    "held",
    "media_with_plain_mind",
    "plane_lateness",
    "scrape",
    "whole_server",
]

MIB = 2**20
PERSONA = "echo"
GREETING_S = 1.0


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process, in MiB: resident, and of that its own.

    Its own is what it wrote itself (anonymous), where the system tells that apart: pages of a file of weights are one
    process's own or shared as other processes come and go.
    """

    resident: float
    own: float

    @classmethod
    def of(cls, process: psutil.Process) -> "Memory":
        """As it is now."""
        memory = process.memory_full_info()
        return cls(memory.rss / MIB, (_anonymous(process.pid) or memory.uss) / MIB)


def _anonymous(pid: int) -> int | None:
    """Bytes; None where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    found = re.search(r"^RssAnon:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


@dataclass(frozen=True, slots=True)
class Held:
    """What the media process holds.

    Attributes:
        rooms: open.
        persons: with a seat.
        tasks: on its loop.
        threads: of the system.
        files: descriptors.
        sockets: of UDP, and TCP connections.
        rings: files of shared memory.
    """

    rooms: int
    persons: int
    tasks: int
    threads: int
    files: int
    sockets: int
    rings: int

    def beyond(self, other: "Held") -> dict[str, tuple[int, int]]:
        """What there is more of than in another, by name: how many there were, and are."""
        pairs = {name: (getattr(other, name), getattr(self, name)) for name in self.__slots__}
        return {name: (before, now) for name, (before, now) in pairs.items() if now > before}


class SoakedServer(Protocol):
    """A server that a soak is run against."""

    @property
    def url(self) -> str:
        """Where it listens."""
        ...

    @property
    def run_dir(self) -> Path:
        """Where its rings are."""
        ...

    @property
    def media(self) -> psutil.Process:
        """The media process."""
        ...

    @property
    def mind(self) -> psutil.Process | None:
        """The mind, as it is now; None where there is none of its own."""
        ...

    def kill_mind(self) -> None:
        """Ends the mind without a word."""
        ...


class _WholeServer:
    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self.media = psutil.Process(server.pid("media"))
        self.run_dir = Path(json.loads(self.media.environ()["CONTINUUM_LAUNCH"])["run_dir"])

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def mind(self) -> psutil.Process | None:
        return psutil.Process(self._server.pid("mind"))

    def kill_mind(self) -> None:
        self._server.kill("mind")


@contextmanager
def whole_server() -> Iterator[SoakedServer]:
    """`continuum serve` with its embedded models; fails if media was ever started again or a child is left."""
    with running_server() as server:
        yield _WholeServer(server)
        if server.starts("media") != 1:
            raise AssertionError(f"the media process died\n{server.tail()}")


class _MediaWithPlainMind:
    mind = None

    def __init__(self, server: MediaAlone) -> None:
        self.url = server.url
        self.run_dir = server.run_dir
        self.media = server.process
        self._endpoint: Endpoint | None = None
        self._persons: dict[str, set[str]] = {}
        self._voices: dict[str, SharedFile] = {}
        self._news: asyncio.Queue[str] = asyncio.Queue()

    def kill_mind(self) -> None:
        if self._endpoint is not None:
            self._endpoint.close()

    async def run(self) -> None:
        """Seats a persona in every room and has it greet each person with a tone, until cancelled."""
        handlers: dict[str, Handler] = {
            name: self._pass_over
            for name in (
                "participant.connected",
                "gate.opened",
                "gate.closed",
                "chat.received",
                "voice.progress",
            )
        }
        handlers |= {"participant.joined": self._on_joined, "participant.left": self._on_left}
        await connect_forever(self.run_dir / "media.sock", handlers, self._session)

    @staticmethod
    def _pass_over(params: JsonObject) -> None:
        return None

    def _on_joined(self, params: JsonObject) -> None:
        if params["kind"] == "person":
            self._persons.setdefault(params["room"], set()).add(params["id"])
            self._news.put_nowait(params["room"])

    def _on_left(self, params: JsonObject) -> None:
        room = params["room"]
        persons = self._persons.get(room, set())
        persons.discard(params["id"])
        if not persons and (voice := self._voices.pop(room, None)) is not None:
            voice.close()

    async def _session(self, endpoint: Endpoint) -> None:
        self._endpoint, self._news, self._persons = endpoint, asyncio.Queue(), {}
        for voice in self._voices.values():
            voice.close()
        self._voices.clear()
        attached = await endpoint.call("attach", {"version": 1})
        for room in attached["rooms"]:
            state = await endpoint.call("room.state", {"room": room})
            for participant in state["participants"]:
                self._on_joined({**participant, "room": room})
        while True:
            await self._greet(endpoint, await self._news.get())

    async def _greet(self, endpoint: Endpoint, room: str) -> None:
        who = {"room": room, "id": PERSONA}
        try:
            if room not in self._voices:
                answer = await endpoint.call("persona.join", {**who, "name": "Echo"})
                self._voices[room] = SharedFile.open(Path(answer["voice"]))
            at = np.arange(int(GREETING_S * 48_000)) / 48_000
            tone = (np.sin(2 * np.pi * 330 * at) * 6000).astype(np.int16)
            AudioRing.attach(self._voices[room].buffer).offer(tone)
            await endpoint.call("voice.wake", who)
        except (RpcError, SharedFileError, KeyError):
            # The room has closed meanwhile; the news of that follows, or came while we waited.
            return


@asynccontextmanager
async def media_with_plain_mind() -> AsyncIterator[SoakedServer]:
    """The media process alone, and in this process a mind that needs no models: it greets with a tone."""
    with media_alone() as server:
        soaked = _MediaWithPlainMind(server)
        minding = asyncio.create_task(soaked.run())
        try:
            yield soaked
        finally:
            minding.cancel()
            await asyncio.wait([minding])
        if not minding.cancelled():
            minding.result()


async def scrape(server: SoakedServer, http: httpx.AsyncClient) -> dict[str, float]:
    """The counters and gauges of the server, by name and labels as Prometheus writes them."""
    # The connection is closed each time: one that is kept would be held, and counted.
    answer = await http.get(f"{server.url}/metrics", headers={"Connection": "close"})
    answer.raise_for_status()
    return {
        sample.name + "".join(f"|{value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def held(server: SoakedServer, metrics: dict[str, float]) -> Held:
    """What the media process holds now."""
    media = server.media
    connections = media.net_connections("inet")
    return Held(
        rooms=int(metrics["continuum_rooms"]),
        persons=int(metrics["continuum_participants|person"]),
        tasks=int(metrics["continuum_tasks"]),
        threads=media.num_threads(),
        files=media.num_fds(),
        sockets=sum(one.type == 2 or one.status == "ESTABLISHED" for one in connections),
        rings=len(list(server.run_dir.glob("*.ring"))),
    )


def plane_lateness(metrics: dict[str, float]) -> Lateness:
    """The media plane's, since its beginning."""
    name = "continuum_plane_lateness_seconds_bucket|"
    return Lateness.of_cumulative([value for key, value in metrics.items() if key.startswith(name)])
