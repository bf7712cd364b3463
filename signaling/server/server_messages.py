"""What the server says to a client (docs/protocol.md): typed values to JSON text, nothing else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from cognition.conversation.reasons import words_for
from cognition.persona.reputation import LEVELS
from signaling.server.floor import Circle, Floor, Place
from signaling.server.history import Line
from signaling.server.names import MAX_ID_CHARACTERS

__all__ = [
    "Ack",
    "Answer",
    "Bye",
    "ByeCode",
    "CameraWanted",
    "Caption",
    "Card",
    "ChatLine",
    "Error",
    "ErrorCode",
    "Explanation",
    "FloorChanged",
    "Joined",
    "Kind",
    "Latency",
    "Left",
    "Memories",
    "Negotiate",
    "Participant",
    "ParticipantChanged",
    "PersonaPresence",
    "Pong",
    "ServerMessage",
    "Speaking",
    "Video",
    "Voice",
    "VoicesPassed",
    "Whispering",
    "parse_latency",
    "parse_presence",
    "plain",
    "serialize",
    "witnessed",
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
    "no-such-line",
    "no-such-memory",
    "memory-away",
    "mind-away",
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
PRESENCE_STEP = 0.05


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
class PersonaPresence:
    """How a persona is: energy from 0 to 1, valence and arousal of its mood from -1 to 1, and its level of trust."""

    type: ClassVar[str] = "presence"
    id: str
    energy: float
    valence: float
    arousal: float
    level: str


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A persona, and why it wants to speak or stays silent: the reason's code, and the words that people are shown."""

    id: str
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class FloorChanged:
    """Who speaks among the personas, who waits and why, and why the others are silent; `to` as in `Caption`."""

    type: ClassVar[str] = "floor"
    holder: str | None
    queue: tuple[Reasoned, ...]
    silent: tuple[Reasoned, ...]
    to: tuple[str, ...] | None = None

    @classmethod
    def of(cls, floor: Floor, circle: Circle | None) -> "FloorChanged":
        """As those in the circle are told of it, or all."""
        to = None if circle is None else tuple(sorted(circle))
        return cls(floor.holder, _reasoned(floor.queue), _reasoned(floor.silent), to)


def _reasoned(places: Sequence[Place]) -> tuple[Reasoned, ...]:
    return tuple(Reasoned(id, reason, words_for(reason)) for id, reason in places)


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
    floor: FloorChanged = FloorChanged(None, (), ())
    presences: Sequence[PersonaPresence] = ()


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
class Voice:
    """One of those who share a microphone: the voice's id there, and what it is called, "Maria" or "Speaker 2"."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Caption:
    """What somebody is saying; `to` are those who alone hear it, the speaker too, None for all.

    At a microphone that several share `speaker` is whose voice it is.
    """

    type: ClassVar[str] = "caption"
    id: str
    utterance: str
    text: str
    final: bool
    interrupted: bool = False
    to: tuple[str, ...] | None = None
    speaker: Voice | None = None


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
    """The client's chat line is in the transcript, or its feedback is kept."""

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
class Card:
    """A persona's card, as `parse_card` has read it; `id` is that of the request."""

    type: ClassVar[str] = "card"
    id: str
    card: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Memories:
    """What a persona knows of the client's person, as `parse_memories` has read it; `id` is that of the request."""

    type: ClassVar[str] = "memories"
    id: str
    memories: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What went into a reply, as `parse_explanation` has read it; `id` is that of the request."""

    type: ClassVar[str] = "explanation"
    id: str
    explanation: Mapping[str, Any]


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
    | FloorChanged
    | PersonaPresence
    | Card
    | Memories
    | Explanation
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


def plain(value: Participant | Line | Reasoned | Voice | ServerMessage) -> dict[str, Any]:
    """The value as JSON says it, with the protocol's field names; `interrupted` only where it is true."""
    body: dict[str, Any] = {}
    for field in fields(value):
        content = getattr(value, field.name)
        if field.name == "interrupted" and not content:
            continue
        if field.name == "id" and content is None:
            continue
        if field.name == "speaker" and content is None:
            continue
        if field.name == "to" and content is None and isinstance(value, Line | Caption | FloorChanged):
            continue
        if field.name == "there":
            continue
        if isinstance(value, Card | Memories | Explanation) and field.name != "id":
            body |= content
            continue
        body[_WIRE_NAMES.get(field.name, field.name)] = _plain_content(content)
    return body


def witnessed(line: Line) -> dict[str, Any]:
    """A line as the mind is told of it: with who was there, which no client is told."""
    return plain(line) | ({} if line.there is None else {"there": sorted(line.there)})


def _plain_content(content: Any) -> Any:
    if isinstance(content, Participant | Line | Reasoned | Voice | FloorChanged | PersonaPresence):
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


def parse_presence(body: Mapping[str, Any]) -> PersonaPresence:
    """Reads a *presence*, in steps of `PRESENCE_STEP`: how somebody feels is not a measurement.

    Raises:
        ValueError: when it is none.
    """
    values: dict[str, float] = {}
    for name, least in (("energy", 0.0), ("valence", -1.0), ("arousal", -1.0)):
        value = body.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= 1:
            raise ValueError(f"{name} is a number from {least:.0f} to 1")
        # A sum with 0.0, so that nothing is ever told as -0.0.
        values[name] = round(round(value / PRESENCE_STEP) * PRESENCE_STEP, 2) + 0.0
    id, level = body.get("id"), body.get("level")
    if not isinstance(id, str) or not 0 < len(id) <= MAX_ID_CHARACTERS:
        raise ValueError("id is a persona's")
    if level not in LEVELS:
        raise ValueError(f"level is one of {', '.join(LEVELS)}")
    return PersonaPresence(id, values["energy"], values["valence"], values["arousal"], str(level))
