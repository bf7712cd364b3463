"""One client's connection: from its join to its end, whatever it sends."""

import asyncio
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from media.rtc.ice import CandidateError
from media.rtc.peer import PeerState
from media.rtc.sdp import SdpError
from signaling.ipc.shared_memory import SharedFileError
from signaling.server.client_messages import (
    PROTOCOL_VERSION,
    AskCard,
    AskMemories,
    Candidate,
    Chat,
    ClientMessage,
    CorrectMemory,
    Explain,
    Feedback,
    ForgetMemory,
    Join,
    Leave,
    MessageError,
    NameVoice,
    Offer,
    Pin,
    Ping,
    State,
    View,
    Voices,
    Whisper,
    parse,
)
from signaling.server.conference import Conference
from signaling.server.limits import TokenBucket
from signaling.server.live import Attendee
from signaling.server.outbox import Outbox, SlowClient
from signaling.server.ports import PeerFactory, SessionPeer, Socket
from signaling.server.questions import Questions
from signaling.server.rooms import RoomFull
from signaling.server.server_messages import (
    Ack,
    Answer,
    Bye,
    ByeCode,
    Error,
    ErrorCode,
    FloorChanged,
    Joined,
    Pong,
    ServerMessage,
    serialize,
)
from signaling.server.tokens import Claims, TokenError, Tokens

__all__ = ["BYE_STATUS", "VIDEO_SLOTS", "Session", "SessionSettings", "offers_microphone"]

BYE_STATUS = 4000
NORMAL_STATUS = 1000
VIDEO_SLOTS = 8
JOIN_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 10.0
MEDIA_TIMEOUT_S = 20.0
FAREWELL_S = 1.0
MESSAGES_PER_S = 50.0
BURST = 200.0
LINES_PER_S = 2.0
LINES_BURST = 10.0
ASKS_PER_S = 5.0
ASKS_BURST = 20.0
MAX_REFUSED = 200
MAX_EARLY_CANDIDATES = 64

_AUDIO_SECTION = re.compile(r"^m=audio (\d+) .*?(?=^m=|\Z)", re.MULTILINE | re.DOTALL)

log = structlog.get_logger()


def offers_microphone(sdp: str) -> bool:
    """Whether an offer's first audio is `sendrecv` (also when it does not say, RFC 8866) or `sendonly`."""
    section = _AUDIO_SECTION.search(sdp.replace("\r\n", "\n"))
    if section is None or section[1] == "0":
        return False
    direction = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)$", section[0], re.MULTILINE)
    return direction is None or direction[1] in ("sendrecv", "sendonly")


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What every session shares.

    Attributes:
        ice_servers: as a browser's `RTCIceServer` says them; told to clients.
        video_slots: how many cameras a client is shown at a time.
    """

    ice_servers: Sequence[Mapping[str, Any]] = ()
    video_slots: int = VIDEO_SLOTS


class Session:
    """A `Connection` over a socket. `run` is its whole life."""

    def __init__(
        self,
        socket: Socket,
        *,
        conference: Conference,
        tokens: Tokens,
        peers: PeerFactory,
        settings: SessionSettings,
    ) -> None:
        self._socket = socket
        self._conference = conference
        self._metrics = conference.metrics
        self._tokens = tokens
        self._peers = peers
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._bucket = TokenBucket(MESSAGES_PER_S, BURST, self._loop.time())
        self._lines = TokenBucket(LINES_PER_S, LINES_BURST, self._loop.time())
        self._asks = TokenBucket(ASKS_PER_S, ASKS_BURST, self._loop.time())
        self._questions = Questions(conference, self._send, self._loop.time)
        self._refused = 0
        self._outbox = Outbox()
        self._ended = asyncio.Event()
        self._status = NORMAL_STATUS
        self._removed = False
        self._attendee: Attendee | None = None
        self._peer: SessionPeer | None = None
        self._closing: list[SessionPeer] = []
        self._early: deque[Candidate] = deque()
        self._media_timer: asyncio.TimerHandle | None = None

    def put(self, kind: str, text: str) -> None:
        """Sends a message in time; never waits."""
        self._metrics.sent.labels(kind).inc()
        self._outbox.put(text)

    def _send(self, message: ServerMessage) -> None:
        self.put(message.type, serialize(message))

    def end(self, code: ByeCode, message: str) -> None:
        """Says `bye` and closes. The first reason counts."""
        if self._ended.is_set():
            return
        if code not in ("restarting", "taken-over"):
            self._metrics.drop(f"session-{code}")
        self._send(Bye(code, message))
        self._outbox.finish()
        self._status = BYE_STATUS
        self._removed = code in ("too-fast", "no-media")
        self._ended.set()

    async def run(self) -> None:
        """Serves the client until it or the server ends the connection; its seat may outlive it a while."""
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._outbox.drain(self._socket.send))
        ending = asyncio.create_task(self._ended.wait())
        left = False
        try:
            await asyncio.wait({reading, writing, ending}, return_when=asyncio.FIRST_COMPLETED)
            left = (
                reading.done()
                and not reading.cancelled()
                and reading.exception() is None
                and reading.result()
            )
        finally:
            reading.cancel()
            ending.cancel()
            self._give_back(left)
            self._outbox.finish()
            await self._questions.end()
            await asyncio.wait({writing}, timeout=FAREWELL_S)
            writing.cancel()
            results = await asyncio.gather(reading, writing, ending, return_exceptions=True)
            await self._close_peers()
            await self._socket.close(self._status)
            self._account(results)

    def _give_back(self, left: bool) -> None:
        if self._media_timer is not None:
            self._media_timer.cancel()
        if self._attendee is not None:
            reason = "left" if left else "removed" if self._removed else None
            self._conference.release(self._attendee, self, reason)
            self._attendee = None
        if self._peer is not None:
            self._closing.append(self._peer)
            self._peer = None

    async def _close_peers(self) -> None:
        # One that is being closed stays in the list, so that a cancelled close is begun again.
        while self._closing:
            await self._closing[-1].close()
            self._closing.pop()

    def _account(self, results: Sequence[object]) -> None:
        for result in results:
            if isinstance(result, SlowClient):
                self._metrics.drop("slow-client")
                log.warning("session.dropped", reason="slow-client", detail=str(result))
            elif isinstance(result, Exception) and not isinstance(result, ConnectionError):
                self._metrics.drop("session-fault")
                log.error("session.fault", exc_info=result)

    async def _read(self) -> bool:
        """Handles messages; True when the client said that it leaves."""
        try:
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                while self._attendee is None:
                    message = await self._receive()
                    if message is None:
                        return False
                    self._before_join(message)
        except TimeoutError:
            self.end("join-timeout", f"no join within {JOIN_TIMEOUT_S:.0f} s")
            return False
        while (message := await self._receive()) is not None:
            if isinstance(message, Leave):
                return True
            try:
                await self._handle(self._attendee, message)
            except MessageError as error:
                self._refuse(error.code, str(error), error.id)
        return False

    async def _receive(self) -> ClientMessage | None:
        """The next message that is one; None at the end."""
        while True:
            raw = await self._socket.receive()
            if raw is None or self._ended.is_set():
                return None
            if not self._bucket.take(self._loop.time()):
                self._refused += 1
                if self._refused > MAX_REFUSED:
                    self.end("too-fast", f"more than {MESSAGES_PER_S:.0f} messages a second")
                    return None
                self._refuse("too-fast", f"at most {MESSAGES_PER_S:.0f} messages a second", None)
                continue
            self._refused = 0
            if isinstance(raw, bytes):
                self._refuse("bad-message", "a message is text", None)
                continue
            try:
                message = parse(raw)
            except MessageError as error:
                self._refuse(error.code, str(error), error.id)
                continue
            self._metrics.received.labels(type(message).__name__.lower()).inc()
            return message

    def _refuse(self, code: ErrorCode, text: str, id: str | None) -> None:
        self._metrics.drop(f"message-{code}")
        self._send(Error(code, text, id))

    def _before_join(self, message: ClientMessage) -> None:
        if not isinstance(message, Join):
            self._refuse("bad-message", "the first message is join", getattr(message, "id", None))
            return
        if message.version != PROTOCOL_VERSION:
            self.end("bad-version", f"this server speaks version {PROTOCOL_VERSION}")
            return
        try:
            claims = self._claims(message)
            attendee = self._conference.enter(claims, message.name, self)
        except TokenError as error:
            self.end("expired" if error.code == "expired" else "bad-token", str(error))
            return
        except RoomFull as error:
            self.end("room-full", str(error))
            return
        except SharedFileError as error:
            log.error("session.no_memory", error=str(error))
            self.end("room-full", "the server has no memory left for another participant")
            return
        self._attendee = attendee
        room = self._conference.room(attendee.room)
        self._send(
            Joined(
                version=PROTOCOL_VERSION,
                room=attendee.room,
                you=attendee.seat.id,
                participants=[room.seen(seat, attendee.seat.id) for seat in room.state.seats.values()],
                history=[line for line in room.state.history if room.state.may_read(attendee.seat, line)],
                ice_servers=self._settings.ice_servers,
                resume=self._tokens.mint_resume(claims, attendee.seat.id),
                video_slots=self._settings.video_slots,
                floor=FloorChanged.of(*room.floors.seen_by(attendee.seat.id)),
                presences=list(room.presences.values()),
            )
        )

    def _claims(self, join: Join) -> Claims:
        if join.resume is not None:
            try:
                return self._tokens.verify(join.resume, "resume")
            except TokenError as error:
                log.info("session.resume_refused", code=error.code)
        return self._tokens.verify(join.token, "join")

    async def _handle(self, attendee: Attendee, message: ClientMessage) -> None:
        match message:
            case Offer():
                await self._answer(attendee, message)
            case Candidate():
                await self._add_candidate(message)
            case Chat(id, _):
                if "chat" not in attendee.seat.can:
                    raise MessageError("not-allowed", "you may not write in this room", id)
                if not self._lines.take(self._loop.time()):
                    raise MessageError("too-fast", f"at most {LINES_PER_S:.0f} lines a second", id)
                self._conference.write(attendee, message)
                self._send(Ack(id))
            case State(muted, camera, noise_suppression, shared):
                if camera and "show" not in attendee.seat.can:
                    raise MessageError("not-allowed", "you may not show a camera in this room")
                if muted is False and "speak" not in attendee.seat.can:
                    raise MessageError("not-allowed", "you may not speak in this room")
                self._conference.show(attendee, muted=muted, camera=camera)
                if noise_suppression is not None:
                    self._conference.suppress_noise(attendee, noise_suppression)
                if shared is not None and shared != attendee.seat.shared:
                    self._check_pace(None)
                    self._conference.share_microphone(attendee, shared)
            case NameVoice(voice, name, id):
                if not attendee.seat.shared:
                    raise MessageError("not-allowed", "nobody shares your microphone", id)
                self._check_pace(id)
                if not self._conference.name_voice(attendee, voice, name):
                    raise MessageError("mind-away", "the personas are away for a moment; try again", id)
            case View(slots):
                self._conference.view(attendee, slots)
            case Pin(id):
                if id is not None:
                    self._check_others(attendee, [id], id)
                self._conference.pin(attendee, id)
            case Voices(who, id):
                if "listen" not in attendee.seat.can:
                    raise MessageError("not-allowed", "you may not listen in this room", id)
                self._check_others(attendee, who, id)
                seats = self._conference.room(attendee.room).state.seats
                if any(seats[each].kind == "persona" for each in who):
                    raise MessageError("not-allowed", "a persona is heard in the mix only", id)
                self._check_pace(id)
                self._conference.ask_voices(attendee, who)
            case Whisper(to, id):
                if "speak" not in attendee.seat.can:
                    raise MessageError("not-allowed", "you may not speak in this room", id)
                self._check_others(attendee, to, id)
                self._check_pace(id)
                self._conference.whisper(attendee, to)
            case Feedback() | AskCard() | AskMemories() | CorrectMemory() | ForgetMemory() | Explain():
                self._questions.ask(attendee, message)
            case Ping(id):
                self._send(Pong(id))
            case Join():
                raise MessageError("bad-message", "you have joined already")

    def _check_pace(self, message: str | None) -> None:
        """Refuses what would form the room's mixes anew too often."""
        if not self._asks.take(self._loop.time()):
            raise MessageError("too-fast", f"at most {ASKS_PER_S:.0f} such requests a second", message)

    def _check_others(self, attendee: Attendee, ids: Sequence[str], message: str | None) -> None:
        """Refuses a message that names somebody who is not here, or the client itself."""
        seats = self._conference.room(attendee.room).state.seats
        for id in ids:
            if id == attendee.seat.id:
                raise MessageError("bad-message", "that is you", message)
            if id not in seats:
                raise MessageError("no-such-participant", "nobody of that id is here", message)

    async def _answer(self, attendee: Attendee, offer: Offer) -> None:
        peer = self._peer
        if peer is None or peer.state in (PeerState.FAILED, PeerState.CLOSED):
            if peer is not None:
                self._closing.append(peer)
                await self._close_peers()
            peer = self._peer = self._peers(self._on_peer_state)
        fresh = peer.state is PeerState.NEW
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                sdp = await peer.answer(offer.sdp)
        except (SdpError, TimeoutError) as error:
            if fresh:
                self._closing.append(peer)
                self._peer = None
                await self._close_peers()
            reason = str(error) or f"no answer within {ANSWER_TIMEOUT_S:.0f} s"
            raise MessageError("bad-sdp", reason, offer.id) from None
        self._send(Answer(offer.id, sdp))
        while self._early:
            await self._try_candidate(peer, self._early.popleft())
        if self._media_timer is None and "speak" in attendee.seat.can and offers_microphone(offer.sdp):
            self._media_timer = self._loop.call_later(MEDIA_TIMEOUT_S, self._expect_media, peer)
        self._conference.negotiated(attendee, self)

    def _on_peer_state(self, state: PeerState) -> None:
        # A method, not a closure over the peer: a cycle would keep its memory until the collector comes by.
        peer, attendee = self._peer, self._attendee
        if peer is None or attendee is None:
            return
        if state is PeerState.CONNECTED:
            self._conference.connect(attendee, self, peer)
        elif state in (PeerState.FAILED, PeerState.CLOSED):
            if state is PeerState.FAILED:
                self._metrics.drop("peer-failed")
            self._conference.disconnect(attendee, peer)

    def _expect_media(self, peer: SessionPeer) -> None:
        if peer is self._peer and not any(stream.kind == "audio" for stream in peer.statistics().received):
            self.end("no-media", f"no sound arrived within {MEDIA_TIMEOUT_S:.0f} s of the answer")

    async def _add_candidate(self, candidate: Candidate) -> None:
        if self._peer is not None:
            await self._try_candidate(self._peer, candidate)
        elif len(self._early) < MAX_EARLY_CANDIDATES:
            self._early.append(candidate)
        else:
            raise MessageError("bad-candidate", f"at most {MAX_EARLY_CANDIDATES} candidates before the offer")

    async def _try_candidate(self, peer: SessionPeer, candidate: Candidate) -> None:
        try:
            await peer.add_candidate(candidate.candidate, candidate.mid, candidate.mline)
        except CandidateError as error:
            self._refuse("bad-candidate", str(error), None)
