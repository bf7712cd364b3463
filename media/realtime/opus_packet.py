"""How long an Opus packet is, from its first bytes."""

from media.realtime.packet import RATE

__all__ = ["MAX_PACKET_SAMPLES", "OpusError", "packet_samples"]

MAX_PACKET_SAMPLES = 5760
"""Samples of the longest Opus packet: 120 ms at 48 kHz."""

_SILK_MS = (10.0, 20.0, 40.0, 60.0)
_CELT_MS = (2.5, 5.0, 10.0, 20.0)


class OpusError(ValueError):
    """A payload is not an Opus packet."""


def packet_samples(payload: bytes) -> int:
    """How long an Opus packet is, from its table of contents (RFC 6716 §3.1).

    Args:
        payload: one Opus packet.

    Returns:
        Samples at 48 kHz: 120 to 5760.

    Raises:
        OpusError: empty, or longer than 120 ms.
    """
    if not payload:
        raise OpusError("an Opus packet has at least one byte")
    configuration = payload[0] >> 3
    if configuration < 12:
        milliseconds = _SILK_MS[configuration & 3]
    elif configuration < 16:
        milliseconds = 20.0 if configuration & 1 else 10.0
    else:
        milliseconds = _CELT_MS[configuration & 3]
    code = payload[0] & 3
    frames = 1 if code == 0 else 2
    if code == 3:
        if len(payload) < 2:
            raise OpusError("an Opus packet of code 3 has at least two bytes")
        frames = payload[1] & 63
    samples = int(milliseconds * RATE / 1000) * frames
    if not 0 < samples <= MAX_PACKET_SAMPLES:
        raise OpusError(f"an Opus packet of {frames} frames of {milliseconds} ms is not allowed")
    return samples
