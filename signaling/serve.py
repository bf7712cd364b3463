"""`continuum serve`: what has to be in order before the supervisor starts, and what it tells people."""

import asyncio
import contextlib
import errno
import signal
import socket
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cognition.persona.profile import ProfileError
from signaling import lan
from signaling.errors import UserError
from signaling.fetching import Fetcher
from signaling.profiles import Profiles
from signaling.progress import BarProgress
from signaling.run_directory import base_directory, run_directory
from signaling.server.names import FRONT_ROOM
from signaling.server.tokens import Tokens
from signaling.settings import Launch, Settings, signing_key
from signaling.supervisor import supervise
from signaling.weights import Entry, defaults, entry_for
from signaling.weights_cache import WeightsCache

__all__ = ["Announcer", "needed", "port_in_use", "serve"]


def needed(settings: Settings) -> tuple[Entry, ...]:
    """The entries this server and its personas run with, less those the user has given a path for.

    Raises:
        UserError: a persona's profile cannot be used.
    """
    try:
        personas = Profiles(settings.persona_paths(), settings.profiles_dir).load()
    except ProfileError as error:
        raise UserError(str(error)) from error
    engines = {"kokoro" if settings.speech.voice == "kokoro" else each.voice.engine for each in personas}
    given = settings.weights.given()
    entries = [entry for entry in defaults() if entry.role != "voice" or "piper" in engines]
    if "kokoro" in engines:
        entries.append(entry_for("voice-kokoro"))
    return tuple(entry for entry in entries if entry.role not in given)


def port_in_use(host: str, port: int) -> bool:
    """Whether somebody listens there already.

    Raises:
        UserError: if the address is not one of this machine, or the port needs other rights.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return True
        raise UserError(f"cannot listen on {host} port {port}: {error}") from error
    return False


class Announcer:
    """A `signaling.supervisor.Watcher` that writes to the terminal.

    Args:
        addresses: what to print once media is ready.
        echo: prints for people.
        log: prints what the children say.
        open_first: open the first address in a browser.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        echo: Callable[[str], None],
        log: Callable[[str], None],
        qr: str | None = None,
        open_first: bool = False,
    ) -> None:
        self._addresses = addresses
        self._echo = echo
        self._log = log
        self._qr = qr
        self._open_first = open_first

    def log(self, child: str, line: str) -> None:
        """See `Watcher`."""
        self._log(f"{child:>5} | {line}")

    def started(self, child: str, pid: int) -> None:
        """See `Watcher`."""
        self._log(f"{child:>5} | started, process {pid}")

    def ready(self, child: str, facts: Mapping[str, Any]) -> None:
        """See `Watcher`."""
        if child != "media":
            self._echo(f"The {child} is ready.")
            return
        for address in self._addresses:
            self._echo(f"Open {address}")
        if self._qr is not None:
            self._echo(self._qr)
        if self._open_first:
            self._open_first = False
            webbrowser.open(self._addresses[0])

    def say(self, line: str) -> None:
        """See `Watcher`."""
        self._echo(line)


def serve(
    settings: Settings,
    *,
    page: Path,
    echo: Callable[[str], None],
    log: Callable[[str], None],
    open_page: bool,
) -> None:
    """Runs a server until SIGINT, SIGTERM or SIGHUP.

    Raises:
        UserError: if it cannot start or cannot go on.
    """
    entries = needed(settings)
    key = signing_key(settings)
    if port_in_use(settings.listen, settings.port):
        raise UserError(
            f"port {settings.port} of {settings.listen} is in use: end what listens there, or choose another "
            "with --port"
        )
    cache = WeightsCache(settings.weights_dir)
    if any(cache.state(entry, file) != "verified" for entry in entries for file in entry.files):
        with BarProgress() as progress:
            Fetcher(cache, progress, hugging_face=settings.weights.hugging_face).fetch(entries)
    for role in settings.weights.given():
        cache.resolve(role, settings.weights.given())
    built = page if (page / "index.html").is_file() else None
    if built is None:
        echo(f"The page is not built ({page}): `make web` builds it; the API is served without it.")

    tls, qr = None, None
    addresses = [f"http://{_shown(settings.host)}:{settings.port}/"]
    if settings.lan:
        local = lan.local_addresses()
        tls = lan.certificate_for(
            settings.state_dir.expanduser(), local, socket.gethostname(), datetime.now(UTC)
        )
        invite = Tokens(key).mint_invite(FRONT_ROOM)
        addresses = [lan.invite_url(str(address), settings.port, invite) for address in local]
        addresses = addresses or [lan.invite_url("127.0.0.1", settings.port, invite)]
        qr = lan.qr_code(addresses[0])
    announcer = Announcer(addresses, echo=echo, log=log, qr=qr, open_first=open_page)
    with run_directory(base_directory()) as directory:
        asyncio.run(
            _until_signalled(Launch(settings=settings, run_dir=directory, tls=tls, page=built), announcer)
        )


async def _until_signalled(launch: Launch, announcer: Announcer) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    with contextlib.suppress(asyncio.CancelledError):
        await supervise(launch, announcer, stop)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else "localhost" if host in ("127.0.0.1", "0.0.0.0") else host
