"""The room protocol's messages (docs/protocol.md): typed values in and out of JSON text, nothing else."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from signaling.server.text import clean_line, clean_name

__all__ = [
    "MAX_MESSAGE_BYTES",
    "PROTOCOL_VERSION",
    "Ack",
    "Answer",
    "Bye",
    "CameraWanted",
    "Candidate",
    "Caption",
    "Chat",
    "ChatLine",
    "ClientMessage",
    "Error",
    "ErrorCode",
    "Join",
    "Joined",
    "Latency",
    "Leave",
    "Left",
    "Line",
    "MessageError",
    "Negotiate",
    "Offer",
    "Participant",
    "ParticipantChanged",
    "Pin",
    "Ping",
    "Pong",
    "ServerMessage",
    "Speaking",
    "State",
    "Video",
    "View",
    "Voices",
    "VoicesPassed",
    "Whisper",
    "Whispering",
    "parse",
    "parse_audience",
    "parse_latency",
    "parse_line",
    "plain",
    "serialize",
    "valid_room",
]

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 256 << 10
MAX_SDP_BYTES = 128 << 10
MAX_VIEWS = 64
MAX_VOICES = 16
MAX_LISTENERS = 16
MAX_AUDIENCE = 256
MAX_PIXELS = 16_384
MAX_TOKEN_CHARACTERS = 4096
MAX_CANDIDATE_CHARACTERS = 2048
MAX_CHAT_CHARACTERS = 2000
MAX_LINE_CHARACTERS = 8000
MAX_NAME_CHARACTERS = 40
MAX_ID_CHARACTERS = 64
MAX_MLINE = 255

_ROOM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)

ErrorCode = Literal[
    "bad-message",
    "unknown-type",
    "too-large",
    "too-fast",
    "bad-sdp",
    "bad-candidate",
    "not-allowed",
    "empty-text",
    "no-such-participant",
]
ByeCode = Literal[
    "bad-token",
    "expired",
    "bad-version",
    "room-full",
    "taken-over",
    "join-timeout",
    "too-fast",
    "restarting",
    "no-media",
]
Kind = Literal["person", "persona"]


class MessageError(Exception):
    """A message that cannot be acted on; the connection stays.

    Attributes:
        code: of the protocol's `error`.
        id: of the message, where it had one.
    """

    def __init__(self, code: ErrorCode, message: str, id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.id = id


@dataclass(frozen=True, slots=True)
class Join:
    """Take a seat."""

    version: int
    token: str
    name: str
    resume: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """The client's session description."""

    id: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trickled ICE candidate; an empty text ends them."""

    candidate: str
    mid: str | None
    mline: int | None


@dataclass(frozen=True, slots=True)
class Chat:
    """A written line."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class State:
    """What the client shows of itself; None leaves it as it is."""

    muted: bool | None = None
    camera: bool | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered by `Pong`."""

    id: str


@dataclass(frozen=True, slots=True)
class View:
    """The size in which each slot is shown: mid to width and height, in device pixels; 0 x 0 is hidden."""

    slots: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Pin:
    """Whom the client wants to see whatever happens; None for nobody."""

    id: str | None


@dataclass(frozen=True, slots=True)
class Voices:
    """Whose voices the client wants unmixed, beside the mix and left out of it; all of them, each once.

    Attributes:
        id: of the message, where it had one.
    """

    who: tuple[str, ...]
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Whisper:
    """Who alone is to hear the client from now on, each once; all again when it is empty.

    Attributes:
        id: of the message, where it had one.
    """

    to: tuple[str, ...]
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """Give the seat up."""


ClientMessage = Join | Offer | Candidate | Chat | State | View | Pin | Voices | Whisper | Ping | Leave


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody in the room, as all see them."""

    id: str
    name: str
    kind: Kind
    muted: bool
    camera: bool
    speaking: bool
    status: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the room's history. `at` is RFC 3339, UTC; `to` who alone heard it, the speaker too, None for all."""

    id: str
    sender: str
    name: str
    kind: Literal["speech", "chat"]
    text: str
    at: str
    interrupted: bool = False
    to: tuple[str, ...] | None = None

    def heard_by(self, id: str) -> bool:
        """Whether a participant may read it."""
        return self.to is None or id in self.to


@dataclass(frozen=True, slots=True)
class Joined:
    """The seat is taken."""

    type: ClassVar[str] = "joined"
    version: int
    room: str
    you: str
    participants: Sequence[Participant]
    history: Sequence[Line]
    ice_servers: Sequence[Mapping[str, Any]]
    resume: str
    video_slots: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's session description, with all its candidates."""

    type: ClassVar[str] = "answer"
    id: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Negotiate:
    """A new offer is wished for."""

    type: ClassVar[str] = "negotiate"
    video_slots: int


@dataclass(frozen=True, slots=True)
class ParticipantChanged:
    """Somebody joined or changed."""

    type: ClassVar[str] = "participant"
    participant: Participant


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody left."""

    type: ClassVar[str] = "left"
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Speaking:
    """Somebody began or ceased to be heard."""

    type: ClassVar[str] = "speaking"
    id: str
    speaking: bool


@dataclass(frozen=True, slots=True)
class Caption:
    """What somebody is saying; `to` are those who alone hear it, the speaker too, None for all."""

    type: ClassVar[str] = "caption"
    id: str
    utterance: str
    text: str
    final: bool
    interrupted: bool = False
    to: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ChatLine:
    """What somebody wrote."""

    type: ClassVar[str] = "chat"
    id: str
    sender: str
    name: str
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class Ack:
    """The client's chat line is in the transcript."""

    type: ClassVar[str] = "ack"
    id: str


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a turn took: milliseconds after the end of speech, None where a stage did not happen."""

    type: ClassVar[str] = "latency"
    turn: str
    persona: str
    to: str
    speech_end: float | None
    paused: float | None
    decided: float | None
    words: float | None
    first_token: float | None
    first_clause: float | None
    first_sound: float | None
    on_wire: float | None


@dataclass(frozen=True, slots=True)
class Video:
    """Whose camera is shown in which slot: mid to participant id."""

    type: ClassVar[str] = "video"
    slots: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class VoicesPassed:
    """Whose voice is passed on unmixed in which slot: mid to participant id."""

    type: ClassVar[str] = "voices"
    slots: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Whispering:
    """To whom alone somebody speaks; None when the one who is told is no longer spoken to alone."""

    type: ClassVar[str] = "whisper"
    sender: str
    to: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class CameraWanted:
    """Whether anybody watches the client's camera, and which of its simulcast layers (rids)."""

    type: ClassVar[str] = "camera"
    wanted: bool
    layers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to `Ping`."""

    type: ClassVar[str] = "pong"
    id: str


@dataclass(frozen=True, slots=True)
class Error:
    """Something is wrong with one message."""

    type: ClassVar[str] = "error"
    code: ErrorCode
    message: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Bye:
    """The connection is closed next."""

    type: ClassVar[str] = "bye"
    code: ByeCode
    message: str


ServerMessage = (
    Joined
    | Answer
    | Negotiate
    | ParticipantChanged
    | Left
    | Speaking
    | Caption
    | ChatLine
    | Ack
    | Latency
    | Video
    | VoicesPassed
    | Whispering
    | CameraWanted
    | Pong
    | Error
    | Bye
)

_WIRE_NAMES = {
    "sender": "from",
    "ice_servers": "iceServers",
    "video_slots": "videoSlots",
    "speech_end": "speechEnd",
    "first_token": "firstToken",
    "first_clause": "firstClause",
    "first_sound": "firstSound",
    "on_wire": "onWire",
}


def plain(value: Participant | Line | ServerMessage) -> dict[str, Any]:
    """The value as JSON says it, with the protocol's field names; `interrupted` only where it is true."""
    body: dict[str, Any] = {}
    for field in fields(value):
        content = getattr(value, field.name)
        if field.name == "interrupted" and not content:
            continue
        if field.name == "id" and content is None:
            continue
        if field.name == "to" and content is None and isinstance(value, Line | Caption):
            continue
        body[_WIRE_NAMES.get(field.name, field.name)] = _plain_content(content)
    return body


def _plain_content(content: Any) -> Any:
    if isinstance(content, Participant | Line):
        return plain(content)
    if isinstance(content, list | tuple):
        return [_plain_content(item) for item in content]
    return content


def serialize(message: ServerMessage) -> str:
    """The message as JSON text."""
    return json.dumps({"type": message.type} | plain(message), separators=(",", ":"), allow_nan=False)


def valid_room(value: Any) -> bool:
    """Whether it is a room's name: 1 to 64 ASCII letters, digits, dots, underscores, hyphens."""
    return isinstance(value, str) and _ROOM.fullmatch(value) is not None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def parse(text: str) -> ClientMessage:
    """Reads one client message. Unknown fields are ignored.

    Raises:
        MessageError: for anything that is none; never another exception.
    """
    if len(text) > MAX_MESSAGE_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_MESSAGE_BYTES:
        raise MessageError("too-large", f"a message has at most {MAX_MESSAGE_BYTES} bytes")
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise MessageError("bad-message", "not JSON") from None
    if not isinstance(body, dict):
        raise MessageError("bad-message", "a message is one JSON object")
    return _Fields(body).message()


class _Fields:
    """The fields of one message; each accessor returns a checked value or raises MessageError."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        id = body.get("id")
        self._id = id if isinstance(id, str) and 0 < len(id) <= MAX_ID_CHARACTERS else None

    def message(self) -> ClientMessage:
        match self._body.get("type"):
            case "join":
                return self._join()
            case "offer":
                id, sdp = self._own_id(), self._text("sdp", MAX_SDP_BYTES)
                if len(sdp.encode("utf-8", "surrogatepass")) > MAX_SDP_BYTES:
                    raise MessageError("too-large", f"an SDP has at most {MAX_SDP_BYTES} bytes", id)
                return Offer(id, sdp)
            case "candidate":
                return Candidate(
                    self._text("candidate", MAX_CANDIDATE_CHARACTERS), self._mid(), self._mline()
                )
            case "chat":
                return self._chat()
            case "state":
                return State(self._flag("muted"), self._flag("camera"))
            case "view":
                return self._view()
            case "pin":
                if self._body.get("id") is not None and self._id is None:
                    raise MessageError("bad-message", "id is a participant's, or null")
                return Pin(self._id)
            case "voices":
                return Voices(self._participants("who", MAX_VOICES), self._id)
            case "whisper":
                return Whisper(self._participants("to", MAX_LISTENERS), self._id)
            case "ping":
                return Ping(self._own_id())
            case "leave":
                return Leave()
            case str() as kind:
                raise MessageError("unknown-type", f"there is no message {clean_name(kind)[:40]!r}", self._id)
            case _:
                raise MessageError("bad-message", "a message has a type", self._id)

    def _join(self) -> Join:
        version = self._body.get("version")
        if type(version) is not int:
            raise MessageError("bad-message", "version is an integer")
        name = clean_name(self._text("name", MAX_TOKEN_CHARACTERS))
        if not 0 < len(name) <= MAX_NAME_CHARACTERS:
            raise MessageError("bad-message", f"a name has 1 to {MAX_NAME_CHARACTERS} characters")
        resume = None
        if self._body.get("resume") is not None:
            resume = self._text("resume", MAX_TOKEN_CHARACTERS)
        return Join(version, self._text("token", MAX_TOKEN_CHARACTERS), name, resume)

    def _chat(self) -> Chat:
        id, text = self._own_id(), self._body.get("text")
        if not isinstance(text, str):
            raise MessageError("bad-message", "text is a text", id)
        text = clean_line(text)
        if not text:
            raise MessageError("empty-text", "nothing is written", id)
        if len(text) > MAX_CHAT_CHARACTERS:
            raise MessageError("too-large", f"a line has at most {MAX_CHAT_CHARACTERS} characters", id)
        return Chat(id, text)

    def _view(self) -> View:
        slots = self._body.get("slots")
        if not isinstance(slots, dict) or len(slots) > MAX_VIEWS:
            raise MessageError("bad-message", f"slots is an object of at most {MAX_VIEWS} sizes", self._id)
        sizes: dict[str, tuple[int, int]] = {}
        for mid, size in slots.items():
            if not isinstance(size, dict) or len(mid) > MAX_ID_CHARACTERS:
                raise MessageError("bad-message", "a slot's size is an object", self._id)
            sizes[mid] = (self._pixels(size.get("width")), self._pixels(size.get("height")))
        return View(sizes)

    def _participants(self, name: str, most: int) -> tuple[str, ...]:
        """A list of participant ids, each once."""
        ids = self._body.get(name)
        if not isinstance(ids, list):
            raise MessageError("bad-message", f"{name} is a list of participant ids", self._id)
        if len(ids) > most:
            raise MessageError("too-large", f"{name} has at most {most} ids", self._id)
        if not all(isinstance(id, str) and 0 < len(id) <= MAX_ID_CHARACTERS for id in ids):
            raise MessageError("bad-message", f"{name} is a list of participant ids", self._id)
        if len(set(ids)) < len(ids):
            raise MessageError("bad-message", f"{name} has an id twice", self._id)
        return tuple(ids)

    def _pixels(self, value: Any) -> int:
        if type(value) is not int or not 0 <= value <= MAX_PIXELS:
            raise MessageError(
                "bad-message", f"width and height are integers from 0 to {MAX_PIXELS}", self._id
            )
        return value

    def _own_id(self) -> str:
        if self._id is None:
            raise MessageError("bad-message", f"id is a text of 1 to {MAX_ID_CHARACTERS} characters")
        return self._id

    def _text(self, name: str, longest: int) -> str:
        value = self._body.get(name)
        if not isinstance(value, str):
            raise MessageError("bad-message", f"{name} is a text", self._id)
        if len(value) > longest:
            raise MessageError("too-large", f"{name} has at most {longest} characters", self._id)
        return value

    def _flag(self, name: str) -> bool | None:
        value = self._body.get(name)
        if value is not None and type(value) is not bool:
            raise MessageError("bad-message", f"{name} is true or false", self._id)
        return value

    def _mid(self) -> str | None:
        return None if self._body.get("mid") is None else self._text("mid", MAX_ID_CHARACTERS)

    def _mline(self) -> int | None:
        value = self._body.get("mline")
        if value is None:
            return None
        if type(value) is not int or not 0 <= value <= MAX_MLINE:
            raise MessageError("bad-message", f"mline is an integer from 0 to {MAX_MLINE}")
        return value


def parse_line(body: Any) -> Line:
    """Reads a *line* as the mind keeps it.

    Raises:
        ValueError: when it is none.
    """
    if not isinstance(body, Mapping):
        raise ValueError("a line is an object")
    texts = [body.get(name) for name in ("id", "from", "name", "text", "at")]
    kind = body.get("kind")
    if not all(isinstance(text, str) for text in texts) or kind not in ("speech", "chat"):
        raise ValueError("a line has id, from, name, kind, text, at")
    id, sender, name, text, at = (str(text) for text in texts)
    if len(id) > MAX_ID_CHARACTERS or len(sender) > MAX_ID_CHARACTERS or len(text) > MAX_LINE_CHARACTERS:
        raise ValueError("a line's field is too long")
    moment = datetime.fromisoformat(at)
    if moment.tzinfo is None:
        raise ValueError("a line's time has a time zone")
    try:
        at = moment.astimezone(UTC).isoformat()
    except OverflowError as error:
        raise ValueError("a line's time lies within the years 1 to 9999 of UTC") from error
    interrupted, to = body.get("interrupted") is True, parse_audience(body.get("to"))
    return Line(id, sender, clean_name(name), kind, clean_line(text), at, interrupted, to)


def parse_audience(value: Any) -> tuple[str, ...] | None:
    """Reads who alone hears something; None is all.

    Raises:
        ValueError: when it is neither.
    """
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_AUDIENCE:
        raise ValueError(f"an audience is a list of at most {MAX_AUDIENCE} ids")
    if not all(isinstance(id, str) and 0 < len(id) <= MAX_ID_CHARACTERS for id in value):
        raise ValueError("an audience is a list of ids")
    return tuple(sorted(set(value)))


def parse_latency(body: Mapping[str, Any]) -> Latency:
    """Reads a *latency* record.

    Raises:
        ValueError: when it is none.
    """
    values: dict[str, Any] = {}
    for field in fields(Latency):
        value = body.get(_WIRE_NAMES.get(field.name, field.name))
        if field.name in ("turn", "persona", "to"):
            if not isinstance(value, str) or len(value) > MAX_ID_CHARACTERS:
                raise ValueError(f"{field.name} is a short text")
        elif value is not None and (type(value) not in (int, float) or not -1e6 < value < 1e6):
            raise ValueError(f"{field.name} is milliseconds or null")
        values[field.name] = value
    return Latency(**values)
