"""A publisher of weights on loopback that can be told to misbehave, by path."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Mood = Literal["well", "breaks-once", "breaks", "hangs", "missing", "endless", "no-ranges"]


@dataclass
class Served:
    """What is at a path, and how it is served."""

    body: bytes
    mood: Mood = "well"
    etag: str = '"one"'


@dataclass
class Publisher:
    """The server's address, its files, and the requests it got."""

    url: str
    port: int
    files: dict[str, Served] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    sent: int = 0

    def asked(self, path: str) -> list[str | None]:
        """The `Range` of each request for a path."""
        return [asked_range for asked, asked_range in self.requests if asked == path]


@contextmanager
def publisher() -> Iterator[Publisher]:
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked_range = self.headers.get("Range")
            state.requests.append((self.path, asked_range))
            served = state.files.get(self.path)
            if served is None or served.mood == "missing":
                self.send_error(404)
                return
            if served.mood == "hangs":
                released.wait(30)
                return
            body, status, start = served.body, 200, 0
            ranged = asked_range is not None and served.mood != "no-ranges"
            if ranged and self.headers.get("If-Range") == served.etag:
                start = int(str(asked_range).removeprefix("bytes=").removesuffix("-"))
                status = 206
            self.send_response(status)
            self.send_header("ETag", served.etag)
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if served.mood != "endless":
                self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            rest = body[start:]
            if served.mood.startswith("breaks"):
                rest = rest[: len(rest) // 2]
                if served.mood == "breaks-once":
                    served.mood = "well"
            try:
                self.wfile.write(rest)
            except OSError:
                # The client has hung up on what it did not want.
                return
            finally:
                self.close_connection = True
            state.sent += len(rest)

        def log_message(self, format: str, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    state = Publisher(f"http://127.0.0.1:{port}", port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        thread.join()
