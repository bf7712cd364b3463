"""The media process by itself, as the supervisor would start it: rooms without minds."""

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from signaling.run_directory import base_directory, run_directory
from signaling.settings import Launch, Settings

__all__ = ["MediaAlone", "media_alone"]


@dataclass(frozen=True)
class MediaAlone:
    """A media process and what it holds.

    Attributes:
        url: where it listens.
        run_dir: its rings and its socket are here.
        process: it.
    """

    url: str
    run_dir: Path
    process: psutil.Process

    def rings(self) -> list[str]:
        """Names of what lies in the run directory."""
        return sorted(path.name for path in self.run_dir.iterdir())

    def sockets(self) -> int:
        """UDP sockets, and TCP connections that are established."""
        return sum(
            one.type == 2 or one.status == "ESTABLISHED" for one in self.process.net_connections("inet")
        )

    def resident_mib(self) -> float:
        """Memory that is not swapped out, shared pages included."""
        return float(self.process.memory_info().rss) / 2**20


@contextmanager
def media_alone() -> Iterator[MediaAlone]:
    """Starts it and ends it; fails if it does not end within 5 s of SIGTERM or says something is wrong."""
    with (
        tempfile.TemporaryDirectory(prefix="continuum-") as state,
        run_directory(base_directory()) as run_dir,
    ):
        reading, writing = os.pipe()
        launch = Launch(
            settings=Settings(port=_free_port(), state_dir=Path(state)), run_dir=run_dir, ready_fd=writing
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "signaling.media_process"],
            env=launch.environment(),
            pass_fds=(writing,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.close(writing)
        printed: list[str] = []
        assert process.stdout is not None
        reader = threading.Thread(target=lambda: printed.extend(process.stdout), daemon=True)  # type: ignore[arg-type]
        reader.start()
        try:
            with os.fdopen(reading) as pipe:
                assert select.select([pipe], [], [], 30)[0], "the media process was not ready within 30 s"
                facts = json.loads(pipe.readline() or "{}")
            assert facts, f"the media process ended: {printed}"
            yield MediaAlone(f"http://127.0.0.1:{facts['port']}", run_dir, psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                status = process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
                raise AssertionError(f"the media process did not end: {printed}") from None
            finally:
                reader.join(5)
                process.stdout.close()
        assert status == 0, printed
        faults = [line for line in printed if "error" in line or "Traceback" in line]
        assert not faults, "".join(printed)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
