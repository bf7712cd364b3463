"""A media process that serves the built page and can be killed and started again at the same address."""

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signaling.run_directory import base_directory, run_directory
from signaling.settings import Launch, Settings

DIST = Path(__file__).resolve().parents[2] / "web" / "dist"
START_S = 30.0
STOP_S = 10.0


class MediaServer:
    """The process; `url` stays the same over restarts, and so does the key that signs its tokens."""

    def __init__(self, run_dir: Path, state_dir: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self._port}"
        self._run_dir = run_dir
        self._state_dir = state_dir
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it accepts connections."""
        reading, writing = os.pipe()
        launch = Launch(
            settings=Settings(port=self._port, state_dir=self._state_dir),
            run_dir=self._run_dir,
            page=DIST,
            ready_fd=writing,
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "signaling.media_process"], env=launch.environment(), pass_fds=(writing,)
        )
        os.close(writing)
        with os.fdopen(reading) as pipe:
            assert select.select([pipe], [], [], START_S)[0], "the media process is not ready in time"
            assert json.loads(pipe.readline())["port"] == self._port

    @property
    def run_dir(self) -> Path:
        """Where its socket is."""
        return self._run_dir

    @property
    def key(self) -> str:
        """What signs its tokens, and opens the operators' page from elsewhere."""
        return (self._state_dir / "key").read_text().strip()

    def kill(self) -> None:
        """SIGKILL: nothing is said to anybody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOP_S)
        for left in self._run_dir.iterdir():
            left.unlink()

    def stop(self) -> None:
        """Asks it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(STOP_S)


@contextmanager
def media_server() -> Iterator[MediaServer]:
    """A running one; it is stopped at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="continuum-") as state,
        run_directory(base_directory()) as run_dir,
    ):
        server = MediaServer(run_dir, Path(state))
        server.start()
        try:
            yield server
        finally:
            server.stop()
