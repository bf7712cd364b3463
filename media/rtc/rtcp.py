"""RTCP: what comes in as small facts, what goes out as bytes (RFC 3550 §6, RFC 4585, RFC 5104). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct, error, unpack_from

from media.rtc.reception import ReceptionReport

__all__ = [
    "BitrateLimit",
    "KeyframeRequest",
    "Nack",
    "NtpClock",
    "ReportBlock",
    "RtcpError",
    "SenderReport",
    "bitrate_limit",
    "keyframe_request",
    "nack",
    "parse_rtcp",
    "receiver_report",
    "sender_report",
]

_HEADER = Struct("!BBH")
_SENDER = Struct("!IQIII")
_BLOCK = Struct("!IIIIII")
_FEEDBACK = Struct("!BBHII")

_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 5905 §6)."""

MAX_NACKS = 512


class RtcpError(ValueError):
    """Bytes that are no RTCP packet; `str(error)` says why."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """Which wall-clock instant an RTP timestamp is (`ntp`: 32.32 fixed point seconds since 1900)."""

    ssrc: int
    ntp: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How the far side receives one stream of ours.

    Attributes:
        ssrc: of the stream.
        fraction_lost: since its last report, in 1/256.
        lost: since the beginning.
        jitter: in units of the RTP clock.
        last_report: middle 32 bits of the NTP time of our last sender report; 0 without one.
        delay: since it came, in 1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    lost: int
    jitter: int
    last_report: int
    delay: int


@dataclass(frozen=True, slots=True)
class Nack:
    """Sequence numbers of a stream that the far side misses; at most `MAX_NACKS`."""

    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """PLI or FIR for a stream."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class BitrateLimit:
    """REMB: what the far side believes that it can receive, in bit/s."""

    bitrate: int


Fact = SenderReport | ReportBlock | Nack | KeyframeRequest | BitrateLimit


def parse_rtcp(data: bytes) -> list[Fact]:
    """Takes a compound packet apart; packets of kinds that are not used here are passed over.

    Raises:
        RtcpError: it is malformed; nothing of it is to be believed.
    """
    facts: list[Fact] = []
    position = 0
    try:
        while position < len(data):
            flags, kind, words = _HEADER.unpack_from(data, position)
            end = position + 4 + 4 * words
            if flags >> 6 != 2:
                raise RtcpError("not RTCP version 2")
            if end > len(data):
                raise RtcpError("cut off")
            _parse_one(flags & 0x1F, kind, data[position + 4 : end], facts)
            position = end
    except error as cause:
        raise RtcpError("cut off") from cause
    return facts


def _parse_one(count: int, kind: int, body: bytes, facts: list[Fact]) -> None:
    if kind == 200:
        ssrc, ntp, timestamp, _, _ = _SENDER.unpack_from(body)
        facts.append(SenderReport(ssrc, ntp, timestamp))
        _parse_blocks(count, body, _SENDER.size, facts)
    elif kind == 201:
        _parse_blocks(count, body, 4, facts)
    elif kind == 205 and count == 1:
        (media,) = unpack_from("!4xI", body)
        sequences: list[int] = []
        for at in range(8, min(len(body) - 3, 8 + 4 * MAX_NACKS), 4):
            first, following = unpack_from("!HH", body, at)
            sequences.append(first)
            sequences += [(first + bit + 1) & 0xFFFF for bit in range(16) if following >> bit & 1]
            if len(sequences) >= MAX_NACKS:
                break
        facts.append(Nack(media, tuple(sequences[:MAX_NACKS])))
    elif kind == 206 and count == 1:
        (media,) = unpack_from("!4xI", body)
        facts.append(KeyframeRequest(media))
    elif kind == 206 and count == 4:
        facts += [KeyframeRequest(unpack_from("!I", body, at)[0]) for at in range(8, len(body) - 7, 8)]
    elif kind == 206 and count == 15 and body[8:12] == b"REMB":
        (packed,) = unpack_from("!I", body, 12)
        facts.append(BitrateLimit((packed & 0x3FFFF) << (packed >> 18 & 0x3F)))


def _parse_blocks(count: int, body: bytes, position: int, facts: list[Fact]) -> None:
    for _ in range(count):
        ssrc, packed, _, jitter, last_report, delay = _BLOCK.unpack_from(body, position)
        lost = packed & 0xFFFFFF
        facts.append(
            ReportBlock(
                ssrc, packed >> 24, lost - (1 << 24) if lost >> 23 else lost, jitter, last_report, delay
            )
        )
        position += _BLOCK.size


class NtpClock:
    """NTP time that never jumps: the wall clock once, the monotonic clock from then on.

    Args:
        wall_ns: `time.time_ns()` of an instant.
        monotonic_ns: `time.monotonic_ns()` of the same instant.
    """

    def __init__(self, wall_ns: int, monotonic_ns: int) -> None:
        self._offset_ns = wall_ns + _NTP_EPOCH * 1_000_000_000 - monotonic_ns

    def ntp(self, now_ns: int) -> int:
        """32.32 fixed point seconds since 1900 at a monotonic instant."""
        return (((now_ns + self._offset_ns) << 32) // 1_000_000_000) & 0xFFFFFFFFFFFFFFFF


def sender_report(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int, cname: str) -> bytes:
    """A compound packet of a sender report and its SDES CNAME (RFC 3550 §6.4.1, §6.5.1)."""
    name = cname.encode()[:255]
    item = ssrc.to_bytes(4, "big") + bytes([1, len(name)]) + name
    item += bytes(4 - len(item) % 4)
    return (
        _HEADER.pack(0x80, 200, 6)
        + _SENDER.pack(ssrc, ntp, timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
        + _HEADER.pack(0x81, 202, len(item) // 4)
        + item
    )


def receiver_report(ssrc: int, blocks: Sequence[tuple[int, ReceptionReport, int, int]]) -> bytes:
    """A receiver report; a block is (ssrc, report, last sender report, delay in 1/65536 s); at most 31."""
    parts = [_HEADER.pack(0x80 | len(blocks), 201, 1 + 6 * len(blocks)), ssrc.to_bytes(4, "big")]
    for stream, report, last_report, delay in blocks:
        packed = report.fraction_lost << 24 | report.lost & 0xFFFFFF
        parts.append(
            _BLOCK.pack(stream, packed, report.highest, report.jitter, last_report, min(delay, 0xFFFFFFFF))
        )
    return b"".join(parts)


def nack(ssrc: int, media: int, sequences: Sequence[int]) -> bytes:
    """A generic NACK; the sequence numbers in the order in which they were sent."""
    pairs = bytearray()
    index = 0
    while index < len(sequences):
        first = sequences[index]
        bits = 0
        index += 1
        while index < len(sequences) and 1 <= (distance := (sequences[index] - first) & 0xFFFF) <= 16:
            bits |= 1 << (distance - 1)
            index += 1
        pairs += first.to_bytes(2, "big") + bits.to_bytes(2, "big")
    return _FEEDBACK.pack(0x81, 205, 2 + len(pairs) // 4, ssrc, media) + bytes(pairs)


def keyframe_request(ssrc: int, media: int) -> bytes:
    """A picture loss indication (RFC 4585 §6.3.1)."""
    return _FEEDBACK.pack(0x81, 206, 2, ssrc, media)


def bitrate_limit(ssrc: int, bitrate: int, sources: Sequence[int]) -> bytes:
    """A receiver estimated maximum bitrate, in bit/s (draft-alvestrand-rmcat-remb-03)."""
    exponent = max(0, bitrate.bit_length() - 18)
    packed = len(sources) << 24 | exponent << 18 | bitrate >> exponent
    body = b"REMB" + packed.to_bytes(4, "big") + b"".join(s.to_bytes(4, "big") for s in sources)
    return _FEEDBACK.pack(0x8F, 206, 2 + len(body) // 4, ssrc, 0) + body
