"""What the server says to a client (docs/protocol.md): typed values to JSON text, nothing else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from signaling.server.history import Line
from signaling.server.names import MAX_ID_CHARACTERS

__all__ = [
    "Ack",
    "Answer",
    "Bye",
    "ByeCode",
    "CameraWanted",
    "Caption",
    "ChatLine",
    "Error",
    "ErrorCode",
    "Joined",
    "Kind",
    "Latency",
    "Left",
    "Negotiate",
    "Participant",
    "ParticipantChanged",
    "Pong",
    "ServerMessage",
    "Speaking",
    "Video",
    "VoicesPassed",
    "Whispering",
    "parse_latency",
    "plain",
    "serialize",
]

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
