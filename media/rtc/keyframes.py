"""Where a picture that needs no other begins, in VP8 and H264 payloads; and VP8's running numbers. Pure."""

from typing import NamedTuple

__all__ = [
    "Vp8Descriptor",
    "h264_begins_keyframe",
    "parse_vp8",
    "renumber_vp8",
    "vp8_begins_keyframe",
    "vp8_picture_size",
]

_SPS = 7
_IDR = 5


class Vp8Descriptor(NamedTuple):
    """The VP8 payload descriptor (RFC 7741 §4.2) as far as forwarding needs it.

    Attributes:
        size: bytes of the descriptor; the VP8 payload follows.
        first: the packet begins the first partition of a picture.
        picture: picture id, None without one.
        picture_at: its offset.
        long: it has 15 bits, otherwise 7.
        level_index: TL0PICIDX, None without one.
        level_index_at: its offset.
    """

    size: int
    first: bool
    picture: int | None
    picture_at: int
    long: bool
    level_index: int | None
    level_index_at: int


def parse_vp8(payload: bytes) -> Vp8Descriptor | None:
    """Takes the payload descriptor apart; None when it is cut off."""
    size = len(payload)
    if size < 1:
        return None
    lead = payload[0]
    first = lead & 0x10 != 0 and lead & 0x07 == 0
    if not lead & 0x80:
        return Vp8Descriptor(1, first, None, 0, False, None, 0)
    if size < 2:
        return None
    present = payload[1]
    position = 2
    picture: int | None = None
    picture_at = position
    long = False
    if present & 0x80:
        if size <= position:
            return None
        picture = payload[position]
        long = picture > 0x7F
        if long:
            if size <= position + 1:
                return None
            picture = (picture & 0x7F) << 8 | payload[position + 1]
            position += 1
        position += 1
    level_index: int | None = None
    level_index_at = position
    if present & 0x40:
        if size <= position:
            return None
        level_index = payload[position]
        position += 1
    if present & 0x30:
        position += 1
    if position > size:
        return None
    return Vp8Descriptor(position, first, picture, picture_at, long, level_index, level_index_at)


def renumber_vp8(head: bytes, descriptor: Vp8Descriptor, pictures: int, level_indexes: int) -> bytes:
    """The bytes of the descriptor with picture id and TL0PICIDX moved on by as many, in the width they have."""
    out = bytearray(head)
    if descriptor.picture is not None:
        at = descriptor.picture_at
        if descriptor.long:
            picture = (descriptor.picture + pictures) & 0x7FFF
            out[at] = 0x80 | picture >> 8
            out[at + 1] = picture & 0xFF
        else:
            out[at] = (descriptor.picture + pictures) & 0x7F
    if descriptor.level_index is not None:
        out[descriptor.level_index_at] = (descriptor.level_index + level_indexes) & 0xFF
    return bytes(out)


def vp8_begins_keyframe(payload: bytes, descriptor: Vp8Descriptor) -> bool:
    """Whether this packet is the first one of a VP8 key frame (RFC 7741 §4.3: P bit clear)."""
    return descriptor.first and len(payload) > descriptor.size and payload[descriptor.size] & 0x01 == 0


def vp8_picture_size(payload: bytes, descriptor: Vp8Descriptor) -> tuple[int, int] | None:
    """Width and height that the first packet of a key frame tells (RFC 6386 §9.1), None when it does not."""
    at = descriptor.size
    if payload[at + 3 : at + 6] != b"\x9d\x01\x2a" or len(payload) < at + 10:
        return None
    width = (payload[at + 6] | payload[at + 7] << 8) & 0x3FFF
    height = (payload[at + 8] | payload[at + 9] << 8) & 0x3FFF
    return (width, height) if width and height else None


def h264_begins_keyframe(payload: bytes) -> bool:
    """Whether an H264 decoder can begin at this packet: at a parameter set or the first of an IDR slice.

    Single NAL units, STAP-A and FU-A (RFC 6184 §5.6, §5.7.1, §5.8) are looked into.
    """
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind == 24:
        position = 1
        while position + 2 < len(payload):
            if payload[position + 2] & 0x1F in (_SPS, _IDR):
                return True
            position += 2 + (payload[position] << 8 | payload[position + 1])
        return False
    if kind == 28:
        return len(payload) > 1 and payload[1] & 0x80 != 0 and payload[1] & 0x1F in (_SPS, _IDR)
    return kind in (_SPS, _IDR)
