"""What a call was asked to do and what came of it: plain values, ready for JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["AudioCounters", "CallError", "CallOptions", "CallResult", "CallerTiming", "Spoken", "TurnResult"]


class CallError(Exception):
    """The call could not be made or kept; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What `continuum call` is asked to do; spoken turns come before written ones.

    Attributes:
        room: the room to join.
        url: the server, `http://…` or `https://…`.
        wavs: spoken turns, in order; any PCM WAV.
        texts: turns written into the chat, in order, after the spoken ones.
        out: where to record what is heard (48 kHz mono, 16 bit), or None.
        name: the name shown to the others.
        token: a join or invite token; without one the server is asked for one.
        key: the server's key, for servers that do not give tokens away.
        wait_greeting: let a persona's greeting end before the first turn.
        greeting_timeout: seconds to wait for a greeting to begin.
        timeout: seconds a turn may take from its end to the end of the reply.
        insecure: accept a certificate that nobody signed.
    """

    room: str
    url: str = "http://127.0.0.1:8200"
    wavs: tuple[Path, ...] = ()
    texts: tuple[str, ...] = ()
    out: Path | None = None
    name: str = "Caller"
    token: str | None = None
    key: str | None = None
    wait_greeting: bool = True
    greeting_timeout: float = 5.0
    timeout: float = 45.0
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class CallerTiming:
    """The caller's own measure of a turn; instants are UTC, RFC 3339.

    Attributes:
        end_of_speech_at: when the last voiced sample was sent (for a chat turn: the message).
        first_sound_ms: from then to the playout of the first sound of the reply, after the jitter buffer.
        reply_seconds: how long the reply sounded, first to last sound.
    """

    end_of_speech_at: str
    first_sound_ms: float | None
    reply_seconds: float | None


@dataclass(frozen=True, slots=True)
class TurnResult:
    """One turn: what was said, what was understood of it, what was answered, and how fast.

    Attributes:
        said: the WAV's path or the chat text.
        heard: the caller's own words as the room captioned them, or None.
        reply: the personas' words, or None when none came in time.
        persona: who replied, or None.
        interrupted: the reply was cut off.
        latency: the server's *latency* record, or None.
        caller: the caller's own measure.
        spoken_again: times the turn was repeated because the connection was lost in it.
    """

    said: str
    heard: str | None
    reply: str | None
    persona: str | None
    interrupted: bool
    latency: Mapping[str, object] | None
    caller: CallerTiming
    spoken_again: int = 0


@dataclass(frozen=True, slots=True)
class Spoken:
    """One line of the transcript as captions and chat told it."""

    at: str
    speaker: str
    name: str
    kind: str
    text: str
    final: bool
    interrupted: bool


@dataclass(frozen=True, slots=True)
class AudioCounters:
    """What became of the sound: packets of 20 ms, frames of 20 ms."""

    sent: int = 0
    packets: int = 0
    lost: int = 0
    late: int = 0
    concealed: int = 0
    seconds: float = 0.0
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class CallResult:
    """A call that took place.

    Attributes:
        room: where.
        you: the caller's participant id.
        turns: what was said and answered.
        transcript: all captions and lines.
        greeting: a persona's words of welcome, or None.
        greeting_ms: from asking for the seat to the first sound of the greeting, or None.
        audio: counters.
    """

    room: str
    you: str
    turns: tuple[TurnResult, ...] = ()
    transcript: tuple[Spoken, ...] = ()
    greeting: str | None = None
    greeting_ms: float | None = None
    audio: AudioCounters = field(default_factory=AudioCounters)

    def to_json(self) -> dict[str, object]:
        """The object printed by `continuum call --json`."""
        return asdict(self)
