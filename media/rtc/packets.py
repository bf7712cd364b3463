"""RTP packets as bytes: taken apart, put together, renumbered. Pure (RFC 3550, RFC 8285)."""

from struct import Struct
from typing import NamedTuple

__all__ = [
    "ExtensionWriter",
    "PacketError",
    "RtpHeader",
    "absolute_send_time",
    "build_rtp",
    "header_extension",
    "parse_rtp",
    "send_time",
    "signed16",
    "signed32",
]

_FIXED = Struct("!BBHII")
_WORDS = Struct("!HH")
_ONE_BYTE = 0xBEDE
_TWO_BYTE = 0x1000


class PacketError(ValueError):
    """Bytes that are no RTP packet; `str(error)` says why."""


class RtpHeader(NamedTuple):
    """The header of an RTP packet, and where its parts are (RFC 3550 §5.1).

    Attributes:
        payload_type: 7 bit.
        marker: the marker bit.
        sequence: 16 bit.
        timestamp: 32 bit, in units of the codec's clock.
        ssrc: 32 bit.
        profile: of the header extension, 0 without one.
        extension: offset of the first extension element.
        payload: offset of the payload, which is also the end of the extension.
        end: offset behind the payload; what follows is padding.
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    profile: int
    extension: int
    payload: int
    end: int


def parse_rtp(data: bytes) -> RtpHeader:
    """Takes the header of one RTP packet apart.

    Raises:
        PacketError: the bytes are no RTP packet, or it is cut off.
    """
    size = len(data)
    if size < 12:
        raise PacketError("shorter than an RTP header")
    flags, kind, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if flags >> 6 != 2:
        raise PacketError("not RTP version 2")
    position = 12 + 4 * (flags & 0x0F)
    profile = 0
    extension = position
    if flags & 0x10:
        if size < position + 4:
            raise PacketError("cut off in the header extension")
        profile, words = _WORDS.unpack_from(data, position)
        extension = position + 4
        position = extension + 4 * words
    end = size
    if flags & 0x20:
        end -= data[-1]
        if data[-1] == 0:
            raise PacketError("padding of no length")
    if position > end:
        raise PacketError("cut off before the payload")
    return RtpHeader(kind & 0x7F, kind > 0x7F, sequence, timestamp, ssrc, profile, extension, position, end)


def header_extension(data: bytes, header: RtpHeader, number: int) -> bytes | None:
    """The value of one header extension element, None when it is not there (RFC 8285 §4.2, §4.3)."""
    position, end = header.extension, header.payload
    if header.profile == _ONE_BYTE:
        while position < end:
            first = data[position]
            if first == 0:
                position += 1
                continue
            if first >> 4 == 15:
                return None
            following = position + 2 + (first & 0x0F)
            if following > end:
                return None
            if first >> 4 == number:
                return data[position + 1 : following]
            position = following
    elif header.profile & 0xFFF0 == _TWO_BYTE:
        while position + 1 < end:
            if data[position] == 0:
                position += 1
                continue
            following = position + 2 + data[position + 1]
            if following > end:
                return None
            if data[position] == number:
                return data[position + 2 : following]
            position = following
    return None


def build_rtp(
    payload_type: int,
    marker: bool,
    sequence: int,
    timestamp: int,
    ssrc: int,
    extension: bytes,
    *payload: bytes,
) -> bytes:
    """Puts an RTP packet together; `extension` is a whole block with profile and length, or empty."""
    fixed = _FIXED.pack(0x90 if extension else 0x80, payload_type | marker << 7, sequence, timestamp, ssrc)
    return b"".join((fixed, extension, *payload))


def absolute_send_time(now_ns: int) -> bytes:
    """The value of abs-send-time: seconds as 6.18 fixed point, modulo 64 s."""
    return send_time(now_ns).to_bytes(3, "big")


def send_time(now_ns: int) -> int:
    """The 24 bits of `absolute_send_time`."""
    return ((now_ns << 18) // 1_000_000_000) & 0xFFFFFF


class ExtensionWriter:
    """Writes the extension block of the packets of one stream: its mid (RFC 9143 §15) and abs-send-time.

    Args:
        mid: the m-line's identification.
        mid_number: negotiated number of the mid extension, None where it was not negotiated.
        send_time_number: negotiated number of abs-send-time, None where it was not negotiated.
    """

    def __init__(self, mid: str, mid_number: int | None, send_time_number: int | None) -> None:
        elements = b""
        name = mid.encode()
        if mid_number is not None and 1 <= len(name) <= 16:
            elements += bytes([mid_number << 4 | len(name) - 1]) + name
        self._stamped = send_time_number is not None
        if send_time_number is not None:
            elements += bytes([send_time_number << 4 | 2])
        size = len(elements) + (3 if self._stamped else 0)
        self._tail = bytes(-size % 4)
        self._head = _WORDS.pack(_ONE_BYTE, (size + 3) // 4) + elements if elements else b""

    @property
    def stamp_at(self) -> int | None:
        """Where in a block abs-send-time is; None where it was not negotiated."""
        return len(self._head) if self._stamped else None

    def block(self, stamp: bytes) -> bytes:
        """The extension block for a packet sent at an `absolute_send_time`; empty where nothing was negotiated."""
        if self._stamped:
            return self._head + stamp + self._tail
        return self._head + self._tail


def signed16(difference: int) -> int:
    """A difference of two sequence numbers as -32768 … 32767."""
    return ((difference + 0x8000) & 0xFFFF) - 0x8000


def signed32(difference: int) -> int:
    """A difference of two timestamps as -2**31 … 2**31 - 1."""
    return ((difference + 0x80000000) & 0xFFFFFFFF) - 0x80000000
