"""An audio packet as the network side hands it to the jitter buffer, and what a pulled frame is made of."""

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["FRAME", "RATE", "FrameKind", "ReceivedPacket"]

RATE = 48_000
"""Sample rate of sound inside media, in Hz."""

FRAME = 960
"""Samples of one tick: 20 ms at 48 kHz."""


@dataclass(frozen=True, slots=True)
class ReceivedPacket:
    """One RTP packet of an Opus stream (RFC 7587), taken apart.

    Attributes:
        sequence: RTP sequence number, 16 bit, as received.
        timestamp: RTP timestamp, 32 bit, 48 kHz, as received.
        payload: one Opus packet (RFC 6716), 2.5 to 120 ms.
        arrival_ns: when it arrived, `time.monotonic_ns()`.
        level: the sender's audio level in -dBov (RFC 6464), 0 (loudest) to 127 (digital silence); None when
            not sent.
    """

    sequence: int
    timestamp: int
    payload: bytes
    arrival_ns: int
    level: int | None = None


class FrameKind(IntEnum):
    """What the samples of a pulled frame are."""

    SPEECH = 0
    """Decoded from what the sender sent."""
    CONCEALED = 1
    """Made up for a packet that was lost or is late."""
    COMFORT = 2
    """Silence that the sender declared (DTX, or a level of 127)."""
    SILENCE = 3
    """Nothing is there: no stream yet, it is being buffered, or it ceased."""
