"""The media process: builds the plane, the rooms, the HTTP face and the IPC, and runs them on one loop."""

import asyncio
import gc
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import structlog
import uvicorn
import uvloop

from media.events import MediaEvent
from media.realtime.plane import Plane
from media.realtime.suppression import WebRtcSuppressor
from media.rtc.ice import IceServer
from media.rtc.peer import Peer, PeerState
from signaling.heap import collect
from signaling.ipc.endpoint import listen
from signaling.ipc.shared_memory import SharedFile
from signaling.logs import configure_logs
from signaling.server.app import Sessions, create_app
from signaling.server.census import PeerCensus
from signaling.server.client_messages import MAX_MESSAGE_BYTES
from signaling.server.conference import Conference
from signaling.server.metrics import Metrics
from signaling.server.mind_line import MindLine
from signaling.server.overview import Overview
from signaling.server.page import load_page, security_headers
from signaling.server.personas import Personas
from signaling.server.plane_metrics import PlaneCollector
from signaling.server.reports import PlaneReports
from signaling.server.rooms import Directory
from signaling.server.session import VIDEO_SLOTS, SessionSettings
from signaling.server.tokens import Tokens
from signaling.server.watching import SnapshotFeed
from signaling.settings import Launch, Settings, SettingsError, signing_key

__all__ = ["main", "run_media"]

DISTRIBUTION = "continuum-presence"
EX_CONFIG = 78
SOCKET_NAME = "media.sock"
FAREWELL_S = 1.5
SHUTDOWN_S = 1
GC_THRESHOLDS = (20_000, 10, 10)
QUIET_S = 1.0
PING_EVERY_S = 10
PONG_WITHIN_S = 20
MAX_CONNECTIONS = 2048
MAX_OPEN_FILES = 65_536

log = structlog.get_logger()


class StartError(Exception):
    """The process cannot do its work, and starting it again will not help."""


@dataclass(frozen=True, slots=True)
class _Parts:
    plane: Plane
    conference: Conference
    personas: Personas
    sessions: Sessions
    census: PeerCensus
    overview: Overview
    feed: SnapshotFeed


def _build(launch: Launch) -> _Parts:
    make_file = partial(SharedFile.create, launch.run_dir)
    mind = MindLine()
    metrics = Metrics()
    metrics.tasks.set_function(partial(_count_tasks, asyncio.get_running_loop()))

    def handle(event: MediaEvent) -> None:
        conference.on_media_event(event)

    reports = PlaneReports(handle)
    plane = Plane(
        reports,
        suppressor=WebRtcSuppressor if launch.settings.noise_suppression else None,
        automatic_gain=True,
    )
    conference = Conference(Directory(launch.settings.room_size), plane, make_file, mind, metrics)
    metrics.registry.register(PlaneCollector(plane.statistics))
    census = PeerCensus(_peer_factory(launch.settings))
    overview = Overview(
        conference,
        census,
        plane.statistics,
        lambda: {
            "plane-reports-full": reports.dropped,
            "plane-report-fault": reports.faults,
            "chat-mind-down": mind.forgotten,
            "chat-not-kept": mind.unkept.dropped,
        },
        version(DISTRIBUTION),
    )
    return _Parts(
        plane,
        conference,
        Personas(conference, make_file),
        Sessions(),
        census,
        overview,
        SnapshotFeed(overview.snapshot, metrics.drop),
    )


def _count_tasks(loop: asyncio.AbstractEventLoop) -> int:
    return len(asyncio.all_tasks(loop))


def _peer_factory(settings: Settings) -> Callable[[Callable[[PeerState], None]], Peer]:
    servers = [IceServer(server.urls, server.username, server.credential) for server in settings.ice_servers]

    def make(on_state: Callable[[PeerState], None]) -> Peer:
        return Peer(ice_servers=servers, video_slots=VIDEO_SLOTS, on_state=on_state)

    return make


def _server(launch: Launch, parts: _Parts) -> uvicorn.Server:
    settings = launch.settings
    app = create_app(
        conference=parts.conference,
        sessions=parts.sessions,
        tokens=Tokens(signing_key(settings)),
        peers=parts.census,
        overview=parts.overview,
        feed=parts.feed,
        page=load_page(launch.page),
        headers=security_headers(("'self'", *settings.origins)),
        origins=settings.origins,
        settings=SessionSettings(
            ice_servers=[server.model_dump(mode="json", exclude_none=True) for server in settings.ice_servers]
        ),
        version=version(DISTRIBUTION),
    )
    tls = launch.tls
    config = uvicorn.Config(
        app,
        host=settings.listen,
        port=settings.port,
        ssl_certfile=str(tls.certificate) if tls is not None else None,
        ssl_keyfile=str(tls.key) if tls is not None else None,
        loop="none",
        http="httptools",
        ws="websockets-sansio",
        # Twice what a message may have: one a little too large gets a clear error, a larger one is cut off.
        ws_max_size=2 * MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PONG_WITHIN_S,
        ws_per_message_deflate=False,
        # What a proxy says of a client would decide who counts as local.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="off",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    return uvicorn.Server(config)


async def run_media(launch: Launch, stop: asyncio.Event, ready: Callable[[int], None]) -> None:
    """Serves until `stop` is set; then says goodbye, closes every peer, and ends.

    Args:
        launch: settings, run directory, certificate, page.
        stop: when to end.
        ready: called once, with the port, when connections are accepted.

    Raises:
        StartError: the certificate, the page or the key cannot be used, or the address not be listened on.
    """
    async with AsyncExitStack() as stack:
        try:
            parts = _build(launch)
            server = _server(launch, parts)
            server.config.load()
            await stack.enter_async_context(listen(launch.run_dir / SOCKET_NAME, parts.personas.handlers))
        except (OSError, ValueError) as error:
            raise StartError(str(error)) from error
        await _serve_until(stop, parts, server, ready)


async def _serve_until(
    stop: asyncio.Event, parts: _Parts, server: uvicorn.Server, ready: Callable[[int], None]
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(parts.plane.run(), name="plane")
            group.create_task(_serve(server, ready), name="http")
            collecting = group.create_task(_collect_when_quiet(parts.conference), name="collector")
            watching = group.create_task(parts.feed.run(), name="snapshots")
            await stop.wait()
            await _say_goodbye(parts)
            server.should_exit = True
            ticking.cancel()
            collecting.cancel()
            watching.cancel()
    except* StartError as failed:
        raise failed.exceptions[0] from None


async def _serve(server: uvicorn.Server, ready: Callable[[int], None]) -> None:
    config = server.config
    server.lifespan = config.lifespan_class(config)
    with _listening_socket(config.host, config.port) as listening:
        try:
            await server.startup(sockets=[listening])
            port = listening.getsockname()[1]
            log.info("media.ready", host=config.host, port=port, https=config.is_ssl)
            ready(port)
            await server.main_loop()
        finally:
            # Also after a fault: a loop with an open server would never close, and the process not end.
            if server.started:
                await server.shutdown(sockets=[listening])


def _listening_socket(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        raise StartError(f"cannot listen on {host} port {port}: {error}") from error


async def _say_goodbye(parts: _Parts) -> None:
    parts.conference.end("restarting", "the server is restarting")
    parts.sessions.end()
    parts.feed.end()
    with suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_S):
            await parts.sessions.all_ended()


def _calm_the_collector() -> None:
    """What is there at the start is not looked at again, and what comes after it seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def _collect_when_quiet(conference: Conference) -> None:
    """Gives the memory of ended calls back when nobody is there to be kept waiting by it.

    Connections of aioice and aiortc are cycles, which only the collector frees.
    """
    while True:
        await conference.emptied.wait()
        conference.emptied.clear()
        await asyncio.sleep(QUIET_S)
        if not conference.rooms:
            collect()


def _raise_open_files() -> None:
    """As many as may be, up to `MAX_OPEN_FILES`; what the system gave stays when it gives no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        # macOS refuses more than kern.maxfilesperproc, whatever the hard limit says.
        log.warning("media.open_files", limit=soft, wanted=wanted, error=str(error))


async def _run(launch: Launch) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def ready(port: int) -> None:
        _calm_the_collector()
        launch.report_ready(json.dumps({"port": port, "pid": os.getpid()}))

    await run_media(launch, stop, ready)


def main() -> int:
    """Runs the media process as the supervisor launched it; 78 (EX_CONFIG) when that cannot succeed."""
    try:
        launch = Launch.from_environment()
        configure_logs()
        _raise_open_files()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(launch))
    except SettingsError as error:
        print(*error.lines, sep="\n", file=sys.stderr)  # noqa: T201
        return EX_CONFIG
    except StartError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return EX_CONFIG
    return 0


if __name__ == "__main__":
    sys.exit(main())
