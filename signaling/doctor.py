"""`continuum doctor`: is everything well that a call needs here, and what to do where it is not."""

import asyncio
import http.client
import json
import os
import platform
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import aioice
from aioice.ice import get_host_addresses

from cognition.store.backup import inspect
from cognition.store.errors import StoreError, StoreNewer
from media.rtc.ice import LOOPBACK, IceServer, server_arguments
from signaling.errors import UserError
from signaling.run_directory import base_directory, run_directory
from signaling.serve import needed, port_in_use
from signaling.settings import Settings
from signaling.weights_cache import WeightsCache

__all__ = [
    "Finding",
    "browser_build",
    "cpu",
    "disk",
    "engine",
    "examine",
    "memory",
    "network",
    "optional_program",
    "port",
    "python_version",
    "run_base",
    "store",
    "weights",
]

State = Literal["ok", "warn", "fail"]

_COLOURS = {"ok": "32", "warn": "33", "fail": "31"}
_ENGINES = (
    ("llama_cpp", "llama-cpp-python", "mind"),
    ("faster_whisper", "faster-whisper", "mind"),
    ("onnxruntime", "onnxruntime", "mind"),
    ("piper", "piper-tts", "voice"),
)
_IMPORT_S = 60.0
_ICE_S = 3
_SOURCES = ("src/**/*", "index.html", "package.json", "package-lock.json", "vite*.ts")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        state: `fail` means that no call is possible, `warn` that it is worse than it could be.
        detail: what was found.
        advice: what to do; empty where nothing has to be done.
    """

    name: str
    state: State
    detail: str
    advice: str = ""

    def line(self, *, colour: bool = False) -> str:
        """For people."""
        mark = f"\x1b[{_COLOURS[self.state]}m{self.state:4}\x1b[0m" if colour else f"{self.state:4}"
        return f"{mark}  {self.name}: {self.detail}" + (f" -> {self.advice}" if self.advice else "")

    def to_json(self) -> dict[str, str]:
        """For programs."""
        return asdict(self)


def examine(settings: Settings, page: Path) -> list[Finding]:
    """Looks at everything; takes seconds, as engines are really loaded and candidates really gathered."""
    cache = WeightsCache(settings.weights_dir)
    checks: list[Callable[[], Finding]] = [
        lambda: python_version(sys.version_info[:3]),
        lambda: cpu(platform.machine(), _cpu_flags(), _cores()),
        lambda: memory(_available_memory()),
        lambda: disk(settings.weights_dir, _missing_bytes(settings, cache)),
        lambda: run_base(base_directory()),
        lambda: store(settings.store_path),
        lambda: port(settings.listen, settings.port, tls=settings.lan),
        lambda: network(settings),
        lambda: weights(settings, cache),
        lambda: browser_build(page),
        *((lambda one=one: engine(*one)) for one in _ENGINES),
        lambda: optional_program(["tesseract"], "reading text in what is shown"),
        lambda: optional_program(
            ["chromium", "chromium-browser", "google-chrome"], "the browser tests of `make test`"
        ),
    ]
    with ThreadPoolExecutor(4, thread_name_prefix="doctor") as threads:
        return list(threads.map(lambda check: check(), checks))


def python_version(version: Sequence[int]) -> Finding:
    """Python 3.11 or newer."""
    said = ".".join(str(part) for part in version)
    if tuple(version) < (3, 11):
        return Finding("python", "fail", said, "install Python 3.11 or newer")
    return Finding("python", "ok", said)


def cpu(machine: str, flags: frozenset[str] | None, cores: int) -> Finding:
    """Cores and vector instructions; `flags` is None where the system does not tell."""
    detail = f"{machine}, {cores} core{'s' if cores != 1 else ''}"
    if machine in ("x86_64", "AMD64") and flags is not None:
        if "avx2" not in flags:
            return Finding(
                "cpu", "warn", f"{detail}, no AVX2", "replies will be slow: use a processor with AVX2"
            )
        detail += ", AVX2" + (", AVX-512" if "avx512f" in flags else "")
    if cores < 2:
        return Finding("cpu", "warn", detail, "two cores are the least for a fluent call")
    return Finding("cpu", "ok", detail)


def memory(available: int | None) -> Finding:
    """Memory that can be had, in bytes; None where the system does not tell."""
    if available is None:
        return Finding("memory", "ok", "not told by this system")
    detail = f"{available / 1e9:.1f} GB available"
    if available < 1_000_000_000:
        return Finding("memory", "fail", detail, "the default models need about 1.5 GB: close something")
    if available < 2_000_000_000:
        return Finding("memory", "warn", detail, "2 GB are comfortable: close something")
    return Finding("memory", "ok", detail)


def disk(directory: Path, missing: int) -> Finding:
    """Room for the weights still to be fetched, twice: archives lie beside what is joined of them."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 1e9:.1f} GB free at {existing}"
    if free < 2 * missing:
        return Finding("disk", "fail", detail, f"{2 * missing / 1e9:.1f} GB are needed to fetch the weights")
    return Finding("disk", "ok", detail)


def run_base(base: Path) -> Finding:
    """Whether a run directory can be made."""
    try:
        with run_directory(base) as directory, (directory / "probe").open("wb") as probe:
            probe.write(bytes(4096))
    except OSError as error:
        return Finding("run directory", "fail", f"{base}: {error}", f"make {base} writable")
    return Finding("run directory", "ok", f"{base} can be written")


def store(path: Path) -> Finding:
    """Whether what the personas remember is sound, and whether there is room for more."""
    directory = next(each for each in path.parents if each.exists())
    if not os.access(directory, os.W_OK | os.X_OK):
        return Finding("store", "fail", f"{directory} cannot be written", f"make {directory} writable")
    free = shutil.disk_usage(directory).free
    if not path.exists():
        return Finding("store", "ok", f"none yet; it will be made at {path}")
    try:
        found = inspect(path)
    except StoreNewer as error:
        return Finding("store", "fail", str(error), "update, or restore a backup made before the update")
    except StoreError as error:
        return Finding("store", "fail", str(error), "`continuum restore BACKUP` brings a backup back")
    detail = f"{path}: {found.events} events, {found.size / 1e6:.1f} MB, sound; {free / 1e9:.1f} GB free"
    if free < max(100_000_000, 2 * found.size):
        return Finding("store", "warn", detail, "make room: what the personas live will soon have none")
    return Finding("store", "ok", detail)


def port(host: str, number: int, *, tls: bool = False) -> Finding:
    """Whether the port is free, or taken by a server of ours."""
    name = f"port {number}"
    try:
        if not port_in_use(host, number):
            return Finding(name, "ok", f"free on {host}")
    except UserError as error:
        return Finding(name, "fail", str(error), "set another host or port")
    health = _health(LOOPBACK if host in ("0.0.0.0", "::") else host, number, tls=tls)
    if health is not None:
        return Finding(name, "ok", f"a server runs there already (mind: {health.get('mind', 'unknown')})")
    return Finding(
        name, "fail", "taken by another program", f"end it, or set CONTINUUM_PORT to another than {number}"
    )


def network(settings: Settings) -> Finding:
    """The ways by which sound can reach this machine: ICE candidates (RFC 8445), really gathered."""
    servers = [IceServer(server.urls, server.username, server.credential) for server in settings.ice_servers]
    try:
        arguments = server_arguments(servers)
    except ValueError as error:
        return Finding("network path", "fail", str(error), "mend ice_servers in the settings")
    try:
        candidates = asyncio.run(_gather(arguments))
    except OSError as error:
        return Finding("network path", "fail", f"no UDP socket: {error}", "allow UDP on this machine")
    kinds = {kind: [c for c in candidates if c.type == kind] for kind in ("host", "srflx", "relay")}
    hosts = [candidate.host for candidate in kinds["host"]]
    detail = f"{len(candidates)} candidates: " + ", ".join(
        [*hosts, *(f"{c.host} ({kind})" for kind in ("srflx", "relay") for c in kinds[kind])]
    )
    if not candidates:
        return Finding("network path", "fail", "no candidates", "allow UDP on this machine")
    if "stun_server" in arguments and not kinds["srflx"] and not kinds["relay"]:
        return Finding(
            "network path", "warn", detail, "the STUN server gave no address: is it reachable by UDP?"
        )
    if "turn_server" in arguments and not kinds["relay"]:
        return Finding(
            "network path", "warn", detail, "the TURN server gave no relay: check address and credentials"
        )
    if settings.lan and set(hosts) <= {LOOPBACK}:
        return Finding(
            "network path", "warn", detail, "others cannot reach it: connect this machine to a network"
        )
    return Finding("network path", "ok", detail)


def weights(settings: Settings, cache: WeightsCache) -> Finding:
    """Whether all weights of this configuration are there and what they should be."""
    wrong: list[str] = []
    for role, path in settings.weights.given().items():
        if not path.expanduser().exists():
            wrong.append(f"{role}: {path} is not there")
    try:
        entries = needed(settings)
    except UserError as error:
        return Finding(
            "weights", "fail", str(error), "mend the profile, or name another in CONTINUUM_PERSONAS"
        )
    for entry in entries:
        states = {cache.state(entry, file) for file in entry.files} - {"verified"}
        if states:
            wrong.append(f"{entry.role}: {' and '.join(sorted(states))}")
    if wrong:
        return Finding("weights", "fail", "; ".join(wrong), "run `continuum weights fetch`")
    return Finding("weights", "ok", f"{len(entries)} of {len(entries)} verified in {cache.root}")


def browser_build(page: Path) -> Finding:
    """Whether the page is built, and later than its sources were changed."""
    index = page / "index.html"
    if not index.is_file():
        return Finding("page", "fail", f"not built: {page}", "run `make web`")
    built = max(path.stat().st_mtime for path in page.rglob("*") if path.is_file())
    sources = [path for pattern in _SOURCES for path in page.parent.glob(pattern) if path.is_file()]
    newer = sorted(path for path in sources if path.stat().st_mtime > built)
    if newer:
        others = f" and {len(newer) - 1} more" if len(newer) > 1 else ""
        which = f"{newer[0].relative_to(page.parent)}{others}"
        return Finding("page", "warn", f"older than {which}", "run `make web`")
    return Finding("page", "ok", f"built in {page}")


def engine(module: str, distribution: str, extra: str) -> Finding:
    """Whether an engine can be loaded; in a process of its own, as a wrong build may crash it."""
    try:
        tried = subprocess.run(
            [sys.executable, "-c", f"import {module}; print(getattr({module}, '__version__', ''))"],
            capture_output=True,
            text=True,
            timeout=_IMPORT_S,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Finding(
            distribution, "fail", f"did not load in {_IMPORT_S:.0f} s", "is the machine overloaded?"
        )
    if tried.returncode == 0:
        return Finding(distribution, "ok", f"loads {tried.stdout.strip()}".strip())
    if tried.returncode < 0:
        return Finding(
            distribution,
            "fail",
            f"crashes on loading (signal {-tried.returncode})",
            f"it was built for another processor: reinstall {distribution} without cached wheels",
        )
    reason = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
    return Finding(distribution, "fail", reason, f"pip install 'continuum-presence[{extra}]'")


def optional_program(names: Iterable[str], use: str) -> Finding:
    """A program that no call needs."""
    wanted = list(names)
    found = next((path for path in map(shutil.which, wanted) if path), None)
    if found is None:
        return Finding(wanted[0], "ok", f"not installed; optional, for {use}")
    return Finding(wanted[0], "ok", found)


async def _gather(arguments: dict[str, object]) -> list[aioice.Candidate]:
    connection = aioice.Connection(ice_controlling=False, **arguments)  # type: ignore[arg-type]
    try:
        addresses = [*get_host_addresses(use_ipv4=True, use_ipv6=True), LOOPBACK]
        return await connection.get_component_candidates(1, addresses, _ICE_S)
    finally:
        await connection.close()


def _health(host: str, number: int, *, tls: bool) -> dict[str, object] | None:
    """What `/api/health` says there, if it is a server of ours."""
    # Only asked whether it is ours, nothing is told to it: the certificate it made itself is accepted.
    context = ssl._create_unverified_context() if tls else None
    connection = (
        http.client.HTTPSConnection(host, number, timeout=2, context=context)
        if tls
        else http.client.HTTPConnection(host, number, timeout=2)
    )
    try:
        connection.request("GET", "/api/health")
        body = json.loads(connection.getresponse().read(65536))
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if isinstance(body, dict) and body.get("status") == "ok" else None


def _cpu_flags() -> frozenset[str] | None:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return None
    lines = (line.partition(":") for line in text.splitlines())
    return next(
        (frozenset(value.split()) for name, _, value in lines if name.strip() in ("flags", "Features")), None
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _available_memory() -> int | None:
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    found = next((line.split() for line in text.splitlines() if line.startswith("MemAvailable:")), None)
    return int(found[1]) * 1024 if found is not None else None


def _missing_bytes(settings: Settings, cache: WeightsCache) -> int:
    try:
        entries = needed(settings)
    except UserError:
        return 0  # `weights` says so
    return sum(file.size for entry in entries for file in entry.files if not cache.path(entry, file).exists())
