"""What a client says to the server (docs/protocol.md): JSON text to typed values, nothing else."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signaling.server.names import MAX_ID_CHARACTERS, MAX_NAME_CHARACTERS
from signaling.server.server_messages import ErrorCode
from signaling.server.text import clean_line, clean_name

__all__ = [
    "MAX_CHAT_CHARACTERS",
    "MAX_MESSAGE_BYTES",
    "MAX_SDP_BYTES",
    "MAX_TOKEN_CHARACTERS",
    "PROTOCOL_VERSION",
    "AskCard",
    "AskMemories",
    "Candidate",
    "Chat",
    "ClientMessage",
    "CorrectMemory",
    "Explain",
    "Feedback",
    "ForgetMemory",
    "Join",
    "Leave",
    "MessageError",
    "NameVoice",
    "Offer",
    "Pin",
    "Ping",
    "State",
    "View",
    "Voices",
    "Whisper",
    "parse",
]

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 256 << 10
MAX_SDP_BYTES = 128 << 10
MAX_VIEWS = 64
MAX_VOICES = 16
MAX_LISTENERS = 16
MAX_PIXELS = 16_384
MAX_TOKEN_CHARACTERS = 4096
MAX_CANDIDATE_CHARACTERS = 2048
MAX_CHAT_CHARACTERS = 2000
MAX_MEMORY_CHARACTERS = 300
MAX_MLINE = 255
MAX_CURSOR_CHARACTERS = 18

_CURSOR = re.compile(r"[0-9]+")


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
    """What the client shows of itself, and how its sound is treated; None leaves it as it is."""

    muted: bool | None = None
    camera: bool | None = None
    noise_suppression: bool | None = None
    shared: bool | None = None


@dataclass(frozen=True, slots=True)
class NameVoice:
    """What one of those who share the client's microphone is called; forget the voice where there is no name.

    Attributes:
        voice: its id, as captions say it.
        id: of the message, where it had one.
    """

    voice: str
    name: str | None
    id: str | None = None


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
class Feedback:
    """What a person thinks of what a persona said.

    Attributes:
        id: of the message.
        persona: whom it is for.
        value: 1 for good, -1 for not, 0 to take back what was given before.
        line: the line that it is about; None for the persona as it is today.
        signed: whether others may see who gave it.
    """

    id: str
    persona: str
    value: int
    line: str | None = None
    signed: bool = False


@dataclass(frozen=True, slots=True)
class AskCard:
    """Show me a persona's card; with `before`, the older part of its history from there on."""

    id: str
    persona: str
    before: str | None = None


@dataclass(frozen=True, slots=True)
class AskMemories:
    """Show me what a persona knows about me; with `before`, what comes after that page."""

    id: str
    persona: str
    before: str | None = None


@dataclass(frozen=True, slots=True)
class CorrectMemory:
    """This is not so, but as `text` says."""

    id: str
    persona: str
    memory: str
    text: str


@dataclass(frozen=True, slots=True)
class ForgetMemory:
    """Forget this about me; everything, and by all personas, where `memory` is None."""

    id: str
    persona: str
    memory: str | None


@dataclass(frozen=True, slots=True)
class Explain:
    """Show me what went into what a persona said; `line` is its id, or the utterance's of a final caption."""

    id: str
    persona: str
    line: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Give the seat up."""


ClientMessage = (
    Join
    | Offer
    | Candidate
    | Chat
    | State
    | View
    | Pin
    | Voices
    | Whisper
    | Feedback
    | AskCard
    | AskMemories
    | CorrectMemory
    | ForgetMemory
    | Explain
    | NameVoice
    | Ping
    | Leave
)


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
                return State(
                    self._flag("muted"),
                    self._flag("camera"),
                    self._flag("noiseSuppression"),
                    self._flag("shared"),
                )
            case "name-voice":
                return self._name_voice()
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
            case "feedback":
                return self._feedback()
            case "card":
                return AskCard(self._own_id(), self._participant("persona"), self._cursor())
            case "memories":
                return AskMemories(self._own_id(), self._participant("persona"), self._cursor())
            case "correct":
                return self._correction()
            case "forget":
                if "memory" not in self._body:
                    raise MessageError("bad-message", "memory is an id, or null", self._id)
                memory = None if self._body["memory"] is None else self._participant("memory")
                return ForgetMemory(self._own_id(), self._participant("persona"), memory)
            case "explain":
                return Explain(self._own_id(), self._participant("persona"), self._participant("line"))
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

    def _feedback(self) -> Feedback:
        id, value = self._own_id(), self._body.get("value")
        if type(value) is not int or not -1 <= value <= 1:
            raise MessageError("bad-message", "value is -1, 0 or 1", id)
        line = None if self._body.get("line") is None else self._participant("line")
        return Feedback(id, self._participant("persona"), value, line, self._flag("signed") is True)

    def _correction(self) -> CorrectMemory:
        id, persona, memory = self._own_id(), self._participant("persona"), self._participant("memory")
        text = " ".join(clean_line(self._text("text", MAX_CHAT_CHARACTERS)).split())
        if not text:
            raise MessageError("empty-text", "nothing is written", id)
        if len(text) > MAX_MEMORY_CHARACTERS:
            raise MessageError("too-large", f"a memory has at most {MAX_MEMORY_CHARACTERS} characters", id)
        return CorrectMemory(id, persona, memory, text)

    def _cursor(self) -> str | None:
        """Where an earlier page ended; None for the first."""
        if self._body.get("before") is None:
            return None
        before = self._text("before", MAX_CURSOR_CHARACTERS)
        if not _CURSOR.fullmatch(before):
            raise MessageError("bad-message", "before is that of an earlier page", self._id)
        return before

    def _name_voice(self) -> NameVoice:
        if "name" not in self._body:
            raise MessageError("bad-message", "name is a text, or null", self._id)
        if self._body["name"] is None:
            return NameVoice(self._participant("voice"), None, self._id)
        name = clean_name(self._text("name", MAX_NAME_CHARACTERS))
        if not name:
            raise MessageError("bad-message", f"a name has 1 to {MAX_NAME_CHARACTERS} characters", self._id)
        return NameVoice(self._participant("voice"), name, self._id)

    def _participant(self, name: str) -> str:
        """One id, of somebody or something that is named."""
        id = self._text(name, MAX_ID_CHARACTERS)
        if not id:
            raise MessageError("bad-message", f"{name} is an id", self._id)
        return id

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
