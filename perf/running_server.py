"""A real server on a loopback port for the length of a block: `continuum serve` with a state of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

__all__ = ["RunningServer", "ServerDied", "running_server"]

_STARTED = re.compile(r"^\s*(media|mind) \| started, process (\d+)")
_READY = re.compile(r"^The mind is ready")
_LINES = 4000


class ServerDied(Exception):
    """The server ended, or did not get as far as it should; the message holds the end of its output."""


class RunningServer:
    """What is known of a server from outside.

    Attributes:
        url: where it listens.
        state_dir: its key is there.
        process: the supervisor.
    """

    def __init__(self, process: "subprocess.Popen[str]", url: str, state_dir: Path) -> None:
        self.process = process
        self.url = url
        self.state_dir = state_dir
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._children: dict[str, list[int]] = {"media": [], "mind": []}
        self._ready = {"media": 0, "mind": 0}
        self._told = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (process.stdout, process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def key(self) -> str:
        """The server's key."""
        return (self.state_dir / "key").read_text().strip()

    def pid(self, child: str) -> int:
        """The process id of `media` or `mind`, as it is now."""
        with self._told:
            return self._children[child][-1]

    def starts(self, child: str) -> int:
        """How often `media` or `mind` was started."""
        with self._told:
            return len(self._children[child])

    def times_ready(self, child: str) -> int:
        """How often `media` or `mind` said that it does its work."""
        with self._told:
            return self._ready[child]

    def kill(self, child: str) -> int:
        """Kills `media` or `mind` with SIGKILL; returns how often it had been ready by then."""
        with self._told:
            ready = self._ready[child]
            os.kill(self._children[child][-1], signal.SIGKILL)
        return ready

    def wait_until(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        """Waits for something the server prints.

        Raises:
            ServerDied: it ended, or the time is over.
        """
        end = time.monotonic() + seconds
        with self._told:
            while not holds():
                left = end - time.monotonic()
                if self.process.poll() is not None or left <= 0:
                    raise ServerDied(f"{what} did not come\n{self.tail()}")
                self._told.wait(min(left, 1.0))

    def wait_ready(self, child: str, times: int, seconds: float) -> None:
        """Waits until `media` or `mind` has been ready so many times.

        Raises:
            ServerDied: it ended, or the time is over.
        """
        self.wait_until(lambda: self._ready[child] >= times, seconds, f"{child} ready for the {times}. time")

    def tail(self, lines: int = 60) -> str:
        """The end of what it printed."""
        return "\n".join(list(self._lines)[-lines:])

    def stop(self) -> None:
        """Ends it as Ctrl-C does.

        Raises:
            ServerDied: it did not end in time, or left a process behind.
        """
        if self.process.poll() is None:
            children = psutil.Process(self.process.pid).children(recursive=True)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                for child in [*children, psutil.Process(self.process.pid)]:
                    child.kill()
                self.process.wait(5)
                raise ServerDied(f"it did not end within 15 s\n{self.tail()}") from None
            finally:
                for reader in self._readers:
                    reader.join(5)
            left = [child for child in children if child.is_running()]
            if left:
                raise ServerDied(f"it left processes behind: {left}\n{self.tail()}")

    def _read(self, stream: "object") -> None:
        for line in stream:  # type: ignore[attr-defined]
            with self._told:
                self._lines.append(line.rstrip())
                if started := _STARTED.match(line):
                    self._children[started[1]].append(int(started[2]))
                elif _READY.match(line):
                    self._ready["mind"] += 1
                elif line.startswith("Open "):
                    self._ready["media"] += 1
                self._told.notify_all()


@contextmanager
def running_server(
    settings: Mapping[str, str] | None = None, *, mind_seconds: float | None = 180.0
) -> Iterator[RunningServer]:
    """Starts a server and ends it.

    Args:
        settings: environment variables `CONTINUUM_…`; those of this process are not handed on.
        mind_seconds: how long to wait for the mind; None waits for the media process only.

    Raises:
        ServerDied: it did not start, or did not end cleanly.
    """
    with tempfile.TemporaryDirectory(prefix="continuum-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        state_dir = Path(folder) / "state"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CONTINUUM_")}
        environment |= {
            "PYTHONUNBUFFERED": "1",
            "XDG_CONFIG_HOME": folder,
            "CONTINUUM_STATE_DIR": str(state_dir),
            **(settings or {}),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "signaling.cli", "serve", "--port", str(port)],
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        server = RunningServer(process, f"http://127.0.0.1:{port}", state_dir)
        try:
            server.wait_ready("media", 1, 60.0)
            if mind_seconds is not None:
                server.wait_ready("mind", 1, mind_seconds)
            yield server
        finally:
            server.stop()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
