"""Keeps the two processes of a server running, and ends them together.

What a child is handed and owes:

- `CONTINUUM_LAUNCH` in its environment, read by `signaling.settings.Launch.from_environment`;
- one JSON object on one line on the pipe `ready_fd` once it does its work (`Launch.report_ready`);
- on SIGTERM it ends by itself within 5 s, or is killed;
- exit status 78 (EX_CONFIG of sysexits.h) says that starting it again will not help; it has printed why.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from signaling import guard
from signaling.errors import UserError
from signaling.settings import Launch

__all__ = [
    "CHILDREN",
    "Child",
    "Policy",
    "RecordingWatcher",
    "Restarts",
    "SupervisorError",
    "Watcher",
    "supervise",
]

EX_CONFIG = 78

_READ = 1 << 16
_LINE_LIMIT = 1 << 16


class SupervisorError(UserError):
    """A child cannot be kept running; the message is one line."""


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep.

    Attributes:
        name: for people and for the prefix of its log lines.
        command: what is run.
        nice: added to the niceness; a negative one only where it is permitted.
        tls: whether it is handed the certificate.
    """

    name: str
    command: tuple[str, ...]
    nice: int = 0
    tls: bool = False


CHILDREN = (
    Child("media", (sys.executable, "-m", "signaling.media_process"), nice=-5, tls=True),
    Child("mind", (sys.executable, "-m", "signaling.mind_process"), nice=5),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """When a child is started again; seconds."""

    first_delay_s: float = 0.2
    longest_delay_s: float = 5.0
    healthy_s: float = 30.0
    attempts: int = 5
    ready_s: float = 180.0
    stop_s: float = 5.0


@dataclass(slots=True)
class Restarts:
    """Counts a child's deaths and says how long to wait; pure, times are handed in."""

    policy: Policy
    _delay_s: float = field(init=False)
    _never_ready: int = 0
    _ever_ready: bool = False

    def __post_init__(self) -> None:
        self._delay_s = self.policy.first_delay_s

    def ready(self) -> None:
        """The child does its work."""
        self._ever_ready = True

    def died(self, lived_s: float) -> float | None:
        """How long to wait before the next start, or None to give up."""
        if not self._ever_ready:
            self._never_ready += 1
            if self._never_ready >= self.policy.attempts:
                return None
        if lived_s >= self.policy.healthy_s:
            self._delay_s = self.policy.first_delay_s
        delay = self._delay_s
        self._delay_s = min(self._delay_s * 2, self.policy.longest_delay_s)
        return delay


class Watcher(Protocol):
    """Who is told what the children do."""

    def log(self, child: str, line: str) -> None:
        """A child printed a line."""
        ...

    def started(self, child: str, pid: int) -> None:
        """A child was started."""
        ...

    def ready(self, child: str, facts: Mapping[str, Any]) -> None:
        """A child does its work."""
        ...

    def say(self, line: str) -> None:
        """One line for people."""
        ...


class RecordingWatcher:
    """A `Watcher` that keeps what it is told, and calls `changed` after each."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.logs: list[tuple[str, str]] = []
        self.pids: list[tuple[str, int]] = []
        self.readies: list[tuple[str, Mapping[str, Any]]] = []
        self.lines: list[str] = []
        self._changed = changed

    def log(self, child: str, line: str) -> None:
        """See `Watcher`."""
        self.logs.append((child, line))
        self._changed()

    def started(self, child: str, pid: int) -> None:
        """See `Watcher`."""
        self.pids.append((child, pid))
        self._changed()

    def ready(self, child: str, facts: Mapping[str, Any]) -> None:
        """See `Watcher`."""
        self.readies.append((child, facts))
        self._changed()

    def say(self, line: str) -> None:
        """See `Watcher`."""
        self.lines.append(line)
        self._changed()


async def supervise(
    launch: Launch,
    watcher: Watcher,
    stop: asyncio.Event,
    *,
    children: Sequence[Child] = CHILDREN,
    policy: Policy | None = None,
) -> None:
    """Runs the children until `stop` is set, starting again who dies.

    Raises:
        SupervisorError: if a child cannot be kept running; the others have been ended then.
    """
    rules = policy if policy is not None else Policy()
    try:
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(_keep(child, launch, watcher, rules)) for child in children]
            await stop.wait()
            for keeper in keepers:
                keeper.cancel()
    except* SupervisorError as errors:
        raise SupervisorError("; ".join(str(error) for error in errors.exceptions)) from None


async def _keep(child: Child, launch: Launch, watcher: Watcher, policy: Policy) -> None:
    restarts = Restarts(policy)
    while True:
        began = time.monotonic()
        status = await _run(child, launch, watcher, policy, restarts)
        how = _described(status)
        if status == EX_CONFIG:
            raise SupervisorError(f"{child.name} cannot start; it said why above")
        delay = restarts.died(time.monotonic() - began)
        if delay is None:
            raise SupervisorError(
                f"{child.name} died {policy.attempts} times before it was ready (last: {how})"
            )
        watcher.say(f"{child.name} ended ({how}); it is started again in {delay:.1f} s")
        await asyncio.sleep(delay)


async def _run(child: Child, launch: Launch, watcher: Watcher, policy: Policy, restarts: Restarts) -> int:
    """Runs a child once, to its end; when cancelled, ends it.

    Returns:
        Its exit status, negative after a signal.
    """
    ready_out, ready_in = os.pipe()
    handed = launch.model_copy(update={"ready_fd": ready_in, "tls": launch.tls if child.tls else None})
    guarded = [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), str(child.nice), *child.command]
    try:
        process = await asyncio.create_subprocess_exec(
            *guarded,
            env=handed.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=(ready_in,),
            # Ctrl-C in the terminal is for the supervisor, which ends the children in order.
            start_new_session=True,
        )
    except BaseException:
        os.close(ready_out)
        raise
    finally:
        os.close(ready_in)
    watcher.started(child.name, process.pid)
    output = process.stdout
    assert output is not None  # asked for above
    log = asyncio.create_task(_log(child.name, output, watcher))
    ready = asyncio.create_task(_ready(child.name, ready_out, watcher, policy, restarts, process))
    try:
        status = await process.wait()
    finally:
        await _end(process, policy.stop_s)
        # A grandchild may still hold the pipe: what was printed is read, but nobody waited for.
        await asyncio.wait([log], timeout=0.5)
        for task in (log, ready):
            task.cancel()
        await asyncio.gather(log, ready, return_exceptions=True)
    return status


async def _ready(
    name: str,
    descriptor: int,
    watcher: Watcher,
    policy: Policy,
    restarts: Restarts,
    process: asyncio.subprocess.Process,
) -> None:
    reader = asyncio.StreamReader(limit=_LINE_LIMIT)
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        async with asyncio.timeout(policy.ready_s):
            line = await reader.readline()
        if not line.endswith(b"\n"):
            return
        facts = json.loads(line)
        restarts.ready()
        watcher.ready(name, facts if isinstance(facts, dict) else {})
    except TimeoutError:
        watcher.say(f"{name} was not ready after {policy.ready_s:.0f} s; it is killed")
        _signal(process, signal.SIGKILL)
    except ValueError as error:
        watcher.say(f"{name} said something else than that it is ready ({error}); it is killed")
        _signal(process, signal.SIGKILL)
    finally:
        transport.close()


async def _log(name: str, output: asyncio.StreamReader, watcher: Watcher) -> None:
    rest = b""
    while block := await output.read(_READ):
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > _LINE_LIMIT:
            lines, rest = [*lines, rest], b""
        for line in lines:
            watcher.log(name, line.decode(errors="replace"))
    if rest:
        watcher.log(name, rest.decode(errors="replace"))


async def _end(process: asyncio.subprocess.Process, patience_s: float) -> None:
    if process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(patience_s):
            await process.wait()
    except TimeoutError:
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def _described(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
