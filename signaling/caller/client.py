"""A seat in a room: token, WebSocket and WebRTC by the room protocol, had again when they are lost."""

import asyncio
import contextlib
import json
import ssl
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
import jwt
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from signaling.caller.conversation import Conversation
from signaling.caller.ear import Ear
from signaling.caller.microphone import Microphone
from signaling.caller.outcome import CallError, CallOptions
from signaling.caller.reception import Reception, open_connection

__all__ = ["Client", "get_token"]

_VERSION = 1
_MESSAGE_BYTES = 256 * 1024
_ANSWER_SECONDS = 10.0
_MEDIA_SECONDS = 15.0
_BACKOFF_FIRST = 0.25
_BACKOFF_LAST = 5.0
_GIVE_UP_SECONDS = 60.0
_RESUMABLE = ("restarting",)


class _Lost(Exception):
    """The connection is gone and may be resumed."""


async def get_token(options: CallOptions) -> str:
    """The token to join with: the one given, or one asked of the server.

    An invite is exchanged; a join token is used as it is.

    Raises:
        CallError: nobody answers there, or the server refuses.
    """
    bearer = options.key
    if options.token is not None:
        if _use_of(options.token) != "invite":
            return options.token
        bearer = options.token
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    try:
        async with httpx.AsyncClient(verify=_tls(options) or True, timeout=10.0, trust_env=False) as http:
            response = await http.post(
                f"{options.url.rstrip('/')}/api/token",
                json={"room": options.room, "name": options.name},
                headers=headers,
            )
    except httpx.HTTPError as error:
        raise CallError(f"no answer from {options.url}: {error or type(error).__name__}") from error
    except (httpx.InvalidURL, ValueError) as error:
        raise CallError(f"{options.url} is no address: {error}") from error
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise CallError(f"{options.url} is no Continuum server (HTTP {response.status_code})")
    token = answer.get("token")
    if response.status_code != 200 or not isinstance(token, str):
        raise CallError(f"the server gives no token: {answer.get('message') or answer}")
    return token


class Client:
    """One seat, kept across lost connections until `leave`.

    Attributes:
        connected: set while sound can flow.
        connections: how many connections there have been; 1 after the first.
        receptions: what arrived over each of them.
        errors: the server's `error` messages.
    """

    def __init__(
        self,
        options: CallOptions,
        token: str,
        *,
        conversation: Conversation,
        microphone: Microphone,
        ear: Ear,
    ) -> None:
        self._options = options
        self._token = token
        self._conversation = conversation
        self._microphone = microphone
        self._ear = ear
        self._resume: str | None = None
        self._socket: ClientConnection | None = None
        self._pulse = asyncio.Event()
        self._leaving = False
        self.receptions: list[Reception] = []
        self.connected = asyncio.Event()
        self.connections = 0
        self.errors: list[Mapping[str, object]] = []

    async def run(self) -> None:
        """Keeps the seat until `leave`.

        Raises:
            CallError: it cannot be had, or not be had again.
        """
        pause, lost_at = _BACKOFF_FIRST, 0.0
        while not self._leaving:
            before = self.connections
            try:
                await self._connection()
            except (_Lost, WebSocketException, OSError, TimeoutError) as error:
                if self._resume is None:
                    raise CallError(f"cannot join at {self._options.url}: {_reason(error)}") from error
                now = time.monotonic()
                if self.connections > before:
                    pause, lost_at = _BACKOFF_FIRST, now
                elif now - lost_at > _GIVE_UP_SECONDS:
                    raise CallError(f"the connection was lost and not had again: {_reason(error)}") from error
                await asyncio.sleep(pause)
                pause = min(2 * pause, _BACKOFF_LAST)
            finally:
                self.connected.clear()
                self._microphone.cut()
                self._ear.listen(None)
                self.notify()

    async def changed(self, within: float) -> None:
        """Returns when the server told anything or the connection changed, `within` seconds at the latest."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(within, 0.0)):
                await self._pulse.wait()

    async def chat(self, message: str, text: str) -> None:
        """Writes into the room's chat. Whether it got there is told by the `ack` of the id `message` alone."""
        with contextlib.suppress(ConnectionClosed):
            await self._send({"type": "chat", "id": message, "text": text})

    async def state(self, *, muted: bool) -> None:
        """Tells the others whether the microphone is muted."""
        await self._send({"type": "state", "muted": muted})

    async def leave(self) -> None:
        """Gives the seat up; `run` returns."""
        self._leaving = True
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed, TimeoutError):
                async with asyncio.timeout(2.0):
                    await self._send({"type": "leave"})
                    await self._socket.close()

    def notify(self) -> None:
        """Wakes who waits in `changed`."""
        self._pulse.set()
        self._pulse = asyncio.Event()

    async def _send(self, message: Mapping[str, object]) -> None:
        if self._socket is not None:
            await self._socket.send(json.dumps(message))

    async def _connection(self) -> None:
        address = "ws" + self._options.url.rstrip("/").removeprefix("http") + "/ws"
        async with connect(
            address,
            ssl=_tls(self._options),
            max_size=_MESSAGE_BYTES,
            open_timeout=_ANSWER_SECONDS,
            close_timeout=2.0,
            proxy=None,
        ) as socket:
            self._socket = socket
            try:
                await self._converse(socket)
            except ConnectionClosed as closed:
                if not self._leaving:
                    raise _Lost(f"connection lost ({closed})") from closed
            finally:
                self._socket = None

    async def _converse(self, socket: ClientConnection) -> None:
        join: dict[str, object] = {
            "type": "join",
            "version": _VERSION,
            "token": self._token,
            "name": self._options.name,
        }
        if self._resume is not None:
            join["resume"] = self._resume
        await self._send(join)
        async with asyncio.timeout(_ANSWER_SECONDS):
            joined = await self._receive(socket)
        if joined.get("type") != "joined":
            raise CallError(f"the server did not let us in: {joined.get('message') or joined.get('type')}")
        resume = joined.get("resume")
        self._resume = resume if isinstance(resume, str) else None
        reception = Reception()
        connection = open_connection(joined.get("iceServers"))
        self.receptions.append(reception)
        failed = asyncio.Event()

        @connection.on("connectionstatechange")
        def changed() -> None:
            if connection.connectionState == "connected":
                self.connections += 1
                self._ear.listen(reception.jitter)
                self.connected.set()
                self.notify()
            elif connection.connectionState in ("failed", "closed"):
                failed.set()

        try:
            await self._offer(connection, reception)
            watch = asyncio.create_task(self._watch(failed, socket))
            try:
                await self._listen(socket, connection)
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
        except ConnectionClosed:
            if self.connections == 0 and not self._leaving:
                raise CallError(
                    "no sound can be exchanged: no network path to the server's media port"
                ) from None
            raise
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5.0):
                    await connection.close()

    async def _watch(self, failed: asyncio.Event, socket: ClientConnection) -> None:
        """Closes the signalling of a connection whose media path is not had in time, or is lost."""
        try:
            async with asyncio.timeout(_MEDIA_SECONDS):
                await self.connected.wait()
        except TimeoutError:
            await socket.close()
            return
        await failed.wait()
        await socket.close()

    async def _offer(self, connection: RTCPeerConnection, reception: Reception) -> None:
        sound = connection.addTransceiver(self._microphone.track(), direction="sendrecv")
        reception.attach(sound)
        connection.addTransceiver("video", direction="inactive")
        await connection.setLocalDescription(await connection.createOffer())
        await self._send({"type": "offer", "id": uuid.uuid4().hex, "sdp": connection.localDescription.sdp})

    async def _listen(self, socket: ClientConnection, connection: RTCPeerConnection) -> None:
        while True:
            message = await self._receive(socket)
            match message.get("type"):
                case "answer":
                    sdp = message.get("sdp")
                    try:
                        await connection.setRemoteDescription(
                            RTCSessionDescription(sdp=str(sdp), type="answer")
                        )
                    except (ValueError, InvalidStateError) as error:
                        raise CallError(f"the server's answer is no SDP: {error}") from error
                case "bye":
                    if message.get("code") in _RESUMABLE:
                        raise _Lost(str(message.get("message")))
                    raise CallError(
                        f"the server ended the call: {message.get('message')} ({message.get('code')})"
                    )
                case _:
                    pass

    async def _receive(self, socket: ClientConnection) -> Mapping[str, object]:
        text = await socket.recv()
        try:
            message = json.loads(text)
        except ValueError as error:
            raise CallError("the server sent what is no JSON") from error
        if not isinstance(message, dict):
            raise CallError("the server sent what is no message")
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._conversation.apply(message, now=time.monotonic(), at=at)
        if message.get("type") == "error":
            self.errors.append(message)
        self.notify()
        return message


def _use_of(token: str) -> object:
    try:
        return jwt.decode(token, options={"verify_signature": False}).get("use")
    except jwt.PyJWTError:
        return None


def _tls(options: CallOptions) -> ssl.SSLContext | None:
    if not options.url.startswith("https:"):
        return None
    context = ssl.create_default_context()
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
