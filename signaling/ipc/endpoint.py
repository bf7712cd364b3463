"""A JSON-RPC connection over a Unix socket: both sides call, notify and answer.

The listening side (media)::

    async with listen(path, lambda endpoint: {"attach": partial(attach, endpoint), ...}):
        ...

The connecting side (the mind), for ever, through restarts of the other::

    async def session(endpoint: Endpoint) -> None:
        attached = await endpoint.call("attach", {"version": 1})
        ...                                  # may return at once or stay; cancelled when the connection ends

    await connect_forever(path, {"participant.joined": joined, ...}, session)

A handler takes the params and returns the result (None for `{}`) or raises `RpcError`; with `Then` it also says
what is to be done once the answer is written, before anything else happens. Plain functions run in the order in
which the lines arrive, before the next line is read: use them for whatever depends on order. Coroutine functions
are started in that order, too, but overlap; at most `MAX_CONCURRENT` at a time, then reading waits.

`call` waits at most `timeout_s` (5 by default) and raises `RequestTimeout`, `EndpointClosed`, `MessageTooLarge`
or `RpcError` (what the other side answered); all are `CallError`. `notify` never waits, is dropped when the
connection has ended, and raises `MessageTooLarge`. What is not yet written is bounded (`MAX_UNWRITTEN_BYTES`): a
side that does not read is dropped, with the reason `slow`. `Endpoint.reason` says why a connection ended:
`closed` (by us), `ended` (by them), `slow`, `malformed`, `line-too-long`.
"""

import asyncio
import inspect
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import structlog

from signaling.ipc import jsonrpc
from signaling.ipc.jsonrpc import (
    INTERNAL_ERROR,
    MAX_LINE_BYTES,
    METHOD_NOT_FOUND,
    Failure,
    JsonObject,
    LineTooLong,
    MalformedMessage,
    Message,
    Notification,
    Request,
    Result,
)

__all__ = [
    "CallError",
    "Endpoint",
    "EndpointClosed",
    "Handler",
    "Handlers",
    "MessageTooLarge",
    "RequestTimeout",
    "RpcError",
    "Then",
    "connect_forever",
    "dial",
    "listen",
]


@dataclass(frozen=True, slots=True)
class Then:
    """An answer, and what is to be done once it is written: nothing comes in between."""

    result: JsonObject | None
    do: Callable[[], None]


Handler = Callable[[JsonObject], JsonObject | Then | Awaitable[JsonObject | None] | None]
Handlers = Mapping[str, Handler]

REQUEST_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 1.0
MAX_CONCURRENT = 64
MAX_UNWRITTEN_BYTES = 4 << 20
MAX_MALFORMED_LINES = 8

log = structlog.get_logger()


class CallError(Exception):
    """A call that brought no result."""


class RpcError(CallError):
    """A failure that is told to the caller; raised by handlers, and by `call` for what the other side told.

    Attributes:
        code: a JSON-RPC error code; the application's own are positive.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class RequestTimeout(CallError):
    """The other side did not answer in time; it may still do what was asked."""


class EndpointClosed(CallError):
    """The connection has ended; whether the other side did what was asked is not known."""


class MessageTooLarge(CallError):
    """What was to be said does not fit into a line; nothing was said, and the connection lasts."""


class Endpoint:
    """One connection. Made by `listen` and `dial`, which run it.

    Attributes:
        reason: None while the connection lasts, then why it ended.
        on_end: called once when it ends.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reason: str | None = None
        self.on_end: Callable[[], None] | None = None
        self._reader = reader
        self._writer = writer
        self._ended = asyncio.Event()
        self._last_id = 0
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)

    async def call(
        self, method: str, params: JsonObject | None = None, *, timeout_s: float = REQUEST_TIMEOUT_S
    ) -> Any:
        """Asks the other side and returns its result.

        Raises:
            RpcError: it answered with an error.
            RequestTimeout: it did not answer within `timeout_s`.
            EndpointClosed: the connection ended before it answered.
            MessageTooLarge: the params do not fit into a line.
        """
        if self.reason is not None:
            raise EndpointClosed(f"{method}: the connection has ended ({self.reason})")
        self._last_id += 1
        id = self._last_id
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[id] = answer
        try:
            self._say(Request(id, method, params or {}))
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            raise RequestTimeout(f"{method}: no answer within {timeout_s} s") from None
        finally:
            del self._pending[id]

    def notify(self, method: str, params: JsonObject | None = None) -> bool:
        """Tells the other side, without waiting. False when the connection has ended.

        Raises:
            MessageTooLarge: the params do not fit into a line.
        """
        if self.reason is not None:
            return False
        self._say(Notification(method, params or {}))
        return self.reason is None

    def close(self, reason: str = "closed") -> None:
        """Ends the connection after what is already sent; pending calls raise `EndpointClosed`."""
        if self.reason is not None:
            return
        self.reason = reason
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(EndpointClosed(f"the connection has ended ({reason})"))
        if reason == "slow":
            self._writer.transport.abort()
        else:
            self._writer.close()
        self._ended.set()
        if self.on_end is not None:
            self.on_end()

    async def wait_closed(self) -> str:
        """Waits for the connection's end and returns its reason."""
        await self._ended.wait()
        assert self.reason is not None
        return self.reason

    async def run(self, handlers: Handlers) -> None:
        """Reads and answers until the connection ends; then no handler of it runs any more."""
        reading = asyncio.ensure_future(self._read(handlers))
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({reading, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.close()
            for task in (reading, ended, *self._running):
                task.cancel()
            await asyncio.gather(reading, ended, *self._running, return_exceptions=True)
            await self._drain()
        if not reading.cancelled() and (error := reading.exception()) is not None:
            raise error

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._writer.wait_closed()
        except (TimeoutError, OSError):
            self._writer.transport.abort()

    async def _read(self, handlers: Handlers) -> None:
        malformed = 0
        while self.reason is None:
            try:
                line = await self._reader.readline()
            except ValueError:
                self.close("line-too-long")
                return
            except ConnectionError:
                line = b""
            if not line.endswith(b"\n"):
                self.close("ended")
                return
            try:
                message = jsonrpc.parse(line)
            except MalformedMessage as error:
                malformed += 1
                self._send(Failure(error.id, error.code, str(error)))
                if malformed >= MAX_MALFORMED_LINES:
                    self.close("malformed")
                continue
            await self._receive(message, handlers)

    async def _receive(self, message: Message, handlers: Handlers) -> None:
        match message:
            case Result(id, result):
                self._settle(id, result, None)
            case Failure(id, code, text):
                self._settle(id, None, RpcError(code, text))
            case Request() | Notification():
                handler = handlers.get(message.method)
                if handler is None:
                    self._answer(message, RpcError(METHOD_NOT_FOUND, f"there is no {message.method}"[:200]))
                    return
                try:
                    outcome = handler(message.params)
                except Exception as error:
                    self._answer(message, error)
                    return
                if isinstance(outcome, Then):
                    self._answer(message, outcome.result)
                    outcome.do()
                    return
                if not inspect.isawaitable(outcome):
                    self._answer(message, outcome)
                    return
                await self._slots.acquire()
                task = asyncio.ensure_future(self._finish(message, outcome))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                task.add_done_callback(lambda _: self._slots.release())

    async def _finish(self, message: Request | Notification, outcome: Awaitable[JsonObject | None]) -> None:
        try:
            self._answer(message, await outcome)
        except Exception as error:
            self._answer(message, error)

    def _answer(self, message: Request | Notification, outcome: JsonObject | Exception | None) -> None:
        if isinstance(outcome, Exception) and not isinstance(outcome, RpcError):
            log.error("ipc.handler_failed", method=message.method, exc_info=outcome)
            outcome = RpcError(INTERNAL_ERROR, f"{type(outcome).__name__}: {outcome}"[:200])
        if isinstance(message, Notification):
            if isinstance(outcome, RpcError):
                log.warning("ipc.notification_refused", method=message.method, error=str(outcome))
        elif isinstance(outcome, RpcError):
            self._send(Failure(message.id, outcome.code, str(outcome)))
        else:
            try:
                self._send(Result(message.id, outcome or {}))
            except (TypeError, ValueError) as error:
                self._answer(message, error)

    def _settle(self, id: int | str | None, result: Any, error: RpcError | None) -> None:
        answer = self._pending.get(id) if isinstance(id, int) else None
        if answer is None or answer.done():
            log.info("ipc.late_answer", id=id, error=None if error is None else str(error))
        elif error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    def _say(self, message: Request | Notification) -> None:
        try:
            self._send(message)
        except LineTooLong as error:
            raise MessageTooLarge(f"{message.method}: {error}") from None

    def _send(self, message: Message) -> None:
        if self.reason is not None:
            return
        self._writer.write(jsonrpc.serialize(message))
        if self._writer.transport.get_write_buffer_size() > MAX_UNWRITTEN_BYTES:
            log.error("ipc.dropped", reason="slow")
            self.close("slow")


@asynccontextmanager
async def listen(path: Path, handlers_for: Callable[[Endpoint], Handlers]) -> AsyncIterator[None]:
    """Serves connections on a Unix socket that only this user may use (0600), until the block is left.

    Args:
        path: of the socket; a stale one is replaced.
        handlers_for: called for each connection, before its first line is read.

    Raises:
        OSError: the socket cannot be made.
    """
    endpoints: dict[asyncio.Task[None], Endpoint] = {}

    async def serve(endpoint: Endpoint) -> None:
        try:
            await endpoint.run(handlers_for(endpoint))
        except Exception as error:
            log.error("ipc.connection_failed", exc_info=error)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        endpoint = Endpoint(reader, writer)
        task = asyncio.ensure_future(serve(endpoint))
        endpoints[task] = endpoint
        task.add_done_callback(endpoints.pop)

    server = await asyncio.start_unix_server(accept, sock=_bind(path), limit=MAX_LINE_BYTES)
    try:
        yield
    finally:
        server.close()
        for task in list(endpoints):
            endpoints[task].close()
        await asyncio.gather(*endpoints, return_exceptions=True)
        _remove(path)


def _bind(path: Path) -> socket.socket:
    _remove(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The run directory is 0700: nobody else reaches the socket between bind and chmod.
        listening.bind(str(path))
        os.chmod(path, 0o600)
    except OSError:
        listening.close()
        raise
    return listening


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


@asynccontextmanager
async def dial(path: Path, handlers: Handlers) -> AsyncIterator[Endpoint]:
    """Connects once; the connection is closed when the block is left.

    Raises:
        OSError: nobody listens.
    """
    reader, writer = await asyncio.open_unix_connection(str(path), limit=MAX_LINE_BYTES)
    endpoint = Endpoint(reader, writer)
    running = asyncio.ensure_future(endpoint.run(handlers))
    try:
        yield endpoint
    finally:
        endpoint.close()
        await running


async def connect_forever(
    path: Path,
    handlers: Handlers,
    session: Callable[[Endpoint], Awaitable[None]],
    *,
    first_delay: float = 0.05,
    longest_delay: float = 1.0,
) -> NoReturn:
    """Keeps a connection: when it ends, connects again after a delay, doubled up to `longest_delay` seconds.

    Args:
        path: of the socket.
        handlers: the same for each connection.
        session: run for each connection from its start, cancelled at its end. A `CallError` that it raises
            ends this connection; any other exception ends `connect_forever`.
        first_delay: seconds before the second attempt.
        longest_delay: seconds between attempts at most.
    """
    delay = first_delay
    while True:
        try:
            async with dial(path, handlers) as endpoint:
                delay = first_delay
                await _hold(endpoint, session)
                log.warning("ipc.connection_ended", reason=endpoint.reason)
        except OSError as error:
            log.debug("ipc.cannot_connect", path=str(path), error=str(error))
        await asyncio.sleep(delay)
        delay = min(delay * 2, longest_delay)


async def _hold(endpoint: Endpoint, session: Callable[[Endpoint], Awaitable[None]]) -> None:
    working = asyncio.ensure_future(session(endpoint))
    ended = asyncio.ensure_future(endpoint.wait_closed())
    try:
        await asyncio.wait({working, ended}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            try:
                await working
                await ended
            except CallError as error:
                log.warning("ipc.session_ended", error=str(error))
    finally:
        for task in (working, ended):
            task.cancel()
        await asyncio.gather(working, ended, return_exceptions=True)
