"""The HTTP and WebSocket face: page, tokens, health, metrics, and the WebSockets of rooms and operators."""

import asyncio
import secrets
from collections.abc import Collection, Mapping

from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.middleware.cors import CORSMiddleware
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError

from signaling.server.access import bearer, is_local_request, may_connect, may_operate
from signaling.server.client_messages import MAX_TOKEN_CHARACTERS
from signaling.server.conference import Conference
from signaling.server.memory_routes import memory_routes
from signaling.server.metrics import CONTENT_TYPE
from signaling.server.names import MAX_NAME_CHARACTERS, valid_room
from signaling.server.orders import UNAUTHORIZED, UNPROCESSABLE, described, first_problem, problem
from signaling.server.overview import Overview
from signaling.server.page import Asset, Page
from signaling.server.persona_routes import persona_routes
from signaling.server.ports import PeerFactory
from signaling.server.room_routes import room_routes
from signaling.server.session import Session, SessionSettings
from signaling.server.text import clean_name
from signaling.server.tokens import EVERYTHING, Permission, TokenError, Tokens
from signaling.server.watching import SnapshotFeed, Watcher

__all__ = ["Sessions", "create_app"]

MAX_BODY_BYTES = 16 << 10
OPERATOR_PAGE = "operator.html"
_FORWARDING = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Sessions:
    """The sessions that run; what a shutdown waits for."""

    def __init__(self) -> None:
        self._running: set[Session] = set()
        self._none = asyncio.Event()
        self._none.set()

    async def run(self, session: Session) -> None:
        """Runs one to its end."""
        self._running.add(session)
        self._none.clear()
        try:
            await session.run()
        finally:
            self._running.discard(session)
            if not self._running:
                self._none.set()

    async def all_ended(self) -> None:
        """Waits until none runs."""
        await self._none.wait()

    def end(self) -> None:
        """Sends those away that have not joined; the others are the conference's."""
        for session in self._running:
            session.end("restarting", "the server is restarting")


class TokenRequest(BaseModel):
    """The body of `POST /api/token`."""

    room: str = Field(max_length=64)
    name: str = Field(max_length=1024)
    person: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{22,64}$")


class TokenResponse(BaseModel):
    """What it is answered with."""

    token: str
    room: str
    identity: str
    expires: str


class Health(BaseModel):
    """What `GET /api/health` is answered with."""

    status: str
    version: str
    mind: str


class _WebSocketSocket:
    """Starlette's WebSocket as a `Socket`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | bytes | None:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return text if text is not None else data

    async def send(self, text: str) -> None:
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise ConnectionError("the connection has ended") from error

    async def close(self, code: int) -> None:
        try:
            await self._websocket.close(code)
        except (WebSocketDisconnect, RuntimeError):
            # It is closed, which is all that was wanted; Starlette has no quieter way to ask.
            return


def create_app(
    *,
    conference: Conference,
    sessions: Sessions,
    tokens: Tokens,
    peers: PeerFactory,
    overview: Overview,
    feed: SnapshotFeed,
    page: Page,
    headers: Mapping[str, str],
    settings: SessionSettings,
    version: str,
    origins: Collection[str] = (),
) -> FastAPI:
    """Puts the face together.

    Args:
        conference: the rooms.
        sessions: where running sessions are kept.
        tokens: mints and verifies.
        peers: makes a client's WebRTC peer.
        overview: how the server does.
        feed: the same, each second.
        page: what `/` shows.
        headers: sent with every response, see `security_headers`.
        settings: of each session.
        version: of the server.
        origins: whose pages may ask for tokens and join beside our own, such as `https://example.org`.
    """
    app = FastAPI(title="Continuum", version=version, docs_url=None, redoc_url=None)

    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["POST"],
            allow_headers=["Authorization", "Content-Type"],
        )

    @app.middleware("http")
    async def add_headers(request: Request, call_next):  # type: ignore[no-untyped-def]
        response = await call_next(request)
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    @app.get("/api/health")
    async def health() -> Health:
        return Health(status="ok", version=version, mind=conference.mind.status)

    def may_ask(request: Request) -> bool:
        shown = bearer(request.headers.get("authorization"))
        return may_operate(shown, tokens.is_key, local=_is_local(request))

    app.include_router(persona_routes(conference, may_ask))
    app.include_router(room_routes(conference, may_ask))
    app.include_router(memory_routes(conference, may_ask))

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        if not may_ask(request):
            conference.metrics.drop("metrics-unauthorized")
            return problem(UNAUTHORIZED, "unauthorized", "show the server's key")
        return Response(
            await overview.exposition(), media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"}
        )

    @app.post(
        "/api/token",
        response_model=TokenResponse,
        openapi_extra=described(TokenRequest),
    )
    async def token(request: Request) -> Response:
        body = await _read_body(request)
        if body is None:
            return problem(UNPROCESSABLE, "bad-request", f"the body has at most {MAX_BODY_BYTES} bytes")
        try:
            wanted = TokenRequest.model_validate_json(body)
        except ValidationError as error:
            return problem(UNPROCESSABLE, "bad-request", first_problem(error))
        if not valid_room(wanted.room):
            return problem(
                UNPROCESSABLE,
                "bad-request",
                "a room's name has 1 to 64 letters, digits, dots, underscores, hyphens",
            )
        if not 0 < len(clean_name(wanted.name)) <= MAX_NAME_CHARACTERS:
            return problem(UNPROCESSABLE, "bad-request", f"a name has 1 to {MAX_NAME_CHARACTERS} characters")
        can = _granted(request, tokens, wanted.room)
        if can is None:
            conference.metrics.drop("token-unauthorized")
            return problem(
                UNAUTHORIZED, "unauthorized", "show the server's key, or an invitation to this room"
            )
        identity = f"guest-{secrets.token_urlsafe(9)}"
        person = None if wanted.person is None else tokens.person_of(wanted.person)
        minted = tokens.mint_join(wanted.room, identity, can, person=person)
        expires = tokens.verify(minted, "join").expires.isoformat()
        answer = TokenResponse(token=minted, room=wanted.room, identity=identity, expires=expires)
        return JSONResponse(answer.model_dump(), headers={"Cache-Control": "no-store"})

    @app.websocket("/ws")
    async def room(websocket: WebSocket) -> None:
        if not may_connect(websocket.headers.get("host"), websocket.headers.get("origin"), origins):
            conference.metrics.drop("origin-refused")
            await websocket.close()
            return
        await websocket.accept()
        socket = _WebSocketSocket(websocket)
        await sessions.run(
            Session(socket, conference=conference, tokens=tokens, peers=peers, settings=settings)
        )

    @app.websocket("/ws/operator")
    async def operator(websocket: WebSocket) -> None:
        # No other page is let near it, not even one that may embed calls.
        if not may_connect(websocket.headers.get("host"), websocket.headers.get("origin"), ()):
            conference.metrics.drop("origin-refused")
            await websocket.close()
            return
        await websocket.accept()
        watcher = Watcher(
            _WebSocketSocket(websocket),
            feed=feed,
            is_key=tokens.is_key,
            local=_is_local(websocket),
            drop=conference.metrics.drop,
        )
        await watcher.run()

    @app.get("/{path:path}", include_in_schema=False)
    async def file(path: str, request: Request) -> Response:
        asset = _asset(page, path)
        if asset is None:
            return problem(404, "not-found", "there is nothing here")
        return _file(asset, request)

    return app


def _asset(page: Page, path: str) -> Asset | None:
    if path == "" or path.startswith("r/"):
        return page.index
    if path == "operator":
        return page.assets.get(OPERATOR_PAGE, page.index)
    return page.assets.get(path)


def _file(asset: Asset, request: Request) -> Response:
    tag = asset.headers.get("ETag")
    if tag is not None and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=dict(asset.headers))
    return Response(asset.body, media_type=asset.media_type, headers=dict(asset.headers))


async def _read_body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return body


def _is_local(request: HTTPConnection) -> bool:
    return is_local_request(
        request.client.host if request.client is not None else None,
        request.headers.get("host"),
        request.headers.get("origin"),
        forwarded=any(name in request.headers for name in _FORWARDING),
    )


def _granted(request: Request, tokens: Tokens, room: str) -> frozenset[Permission] | None:
    """What the one who asks may do in the room; None when they may not enter it."""
    credentials = bearer(request.headers.get("authorization"))
    if credentials is None:
        return EVERYTHING if _is_local(request) else None
    if tokens.is_key(credentials):
        return EVERYTHING
    if len(credentials) > MAX_TOKEN_CHARACTERS:
        return None
    try:
        return tokens.verify(credentials, "invite", room=room).can
    except TokenError:
        return None
