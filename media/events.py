"""What the media plane reports, synchronously, from inside a tick.

A receiver of these events runs inside the 20 ms pass over all rooms: it notes what it was told and returns.
"""

from dataclasses import dataclass

__all__ = [
    "DominantChanged",
    "GateClosed",
    "GateOpened",
    "MediaEvent",
    "SpeakingChanged",
    "VoiceDrained",
    "VoiceHeld",
    "VoiceStarted",
]


@dataclass(frozen=True, slots=True)
class GateOpened:
    """The cheap gate heard something in a person's sound.

    Attributes:
        room: identity of the room.
        participant: identity of the person.
        sample: position in the person's ears ring (16 kHz) from which to listen, pre-roll included.
    """

    room: str
    participant: str
    sample: int


@dataclass(frozen=True, slots=True)
class GateClosed:
    """The gate heard nothing for 600 ms, or the person was muted.

    Attributes:
        room: identity of the room.
        participant: identity of the person.
        sample: position in the person's ears ring (16 kHz) up to which it was open.
    """

    room: str
    participant: str
    sample: int


@dataclass(frozen=True, slots=True)
class SpeakingChanged:
    """A participant began or ceased to be heard in the room.

    Attributes:
        room: identity of the room.
        participant: identity of the participant.
        speaking: whether they are heard now.
        audience: identities of those who alone hear it, or heard it begin; None for all.
    """

    room: str
    participant: str
    speaking: bool
    audience: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class DominantChanged:
    """Another participant leads the conversation; None when who led it has left."""

    room: str
    participant: str | None


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """The first frame of a persona's utterance was handed to the listeners' peers.

    Attributes:
        room: identity of the room.
        participant: identity of the persona.
        played: position in the voice ring (48 kHz) up to which it was played, this frame included.
        at_ns: the instant, on the clock of the plane (`time.monotonic_ns`).
    """

    room: str
    participant: str
    played: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class VoiceDrained:
    """A persona's voice ring ran dry.

    Attributes:
        room: identity of the room.
        participant: identity of the persona.
        played: position in the voice ring (48 kHz) up to which it was played.
    """

    room: str
    participant: str
    played: int


@dataclass(frozen=True, slots=True)
class VoiceHeld:
    """A persona's voice has faded out and is held: the rest of it waits in its ring.

    Attributes:
        room: identity of the room.
        participant: identity of the persona.
        by: identity of the person who spoke over it; None when it was asked for.
        played: position in the voice ring (48 kHz) up to which it was played, the fading frame included.
        at_ns: the instant, on the clock of the plane (`time.monotonic_ns`).
    """

    room: str
    participant: str
    by: str | None
    played: int
    at_ns: int


MediaEvent = (
    GateOpened | GateClosed | SpeakingChanged | DominantChanged | VoiceStarted | VoiceDrained | VoiceHeld
)
