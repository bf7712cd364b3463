"""Streams joined end to end into one: sequence numbers, timestamps and VP8's running numbers. Pure."""

from collections import deque

from media.rtc.keyframes import Vp8Descriptor, renumber_vp8
from media.rtc.packets import signed16, signed32

__all__ = ["StreamRewriter"]

REORDER_WINDOW = 1024
MAX_SKIPPED = 256
"""Left-out packets that are remembered, for packets that come late from before them."""


class StreamRewriter:
    """Joins streams end to end into one with continuous numbers.

    A stream begins at its first keyframe packet. Gaps inside it stay gaps, so that the receiver asks for what
    is lost; packets that are left out on purpose leave none.

    Args:
        sequence: first sequence number out; in the lower half, so that SRTP is in step before it wraps.
        timestamp: first timestamp out.
        clock_rate: of timestamps, in Hz.
    """

    def __init__(self, sequence: int, timestamp: int, clock_rate: int = 90_000) -> None:
        self._clock_rate = clock_rate
        self._sequence = (sequence - 1) & 0xFFFF
        self._timestamp = timestamp
        self._sent_ns: int | None = None
        self._running = False
        self._fresh = False
        self._first = 0
        self._highest = 0
        self._sequence_shift = 0
        self._skipped: deque[int] = deque(maxlen=MAX_SKIPPED)
        self._timestamp_shift = 0
        self._picture = 0
        self._level_index = 0
        self._picture_shift = 0
        self._level_index_shift = 0

    @property
    def running(self) -> bool:
        """A keyframe has begun the current stream."""
        return self._running

    def restart(self) -> None:
        """The next packets are of another stream."""
        self._running = False

    def numbers(self, sequence: int, timestamp: int, keyframe: bool, now_ns: int) -> tuple[int, int] | str:
        """Sequence number and timestamp out, or the reason why the packet is not for the receiver.

        Reasons: `before-keyframe`, `too-old`.
        """
        if not self._running:
            if not keyframe:
                return "before-keyframe"
            self._begin(sequence, timestamp, now_ns)
        step = signed16(sequence - self._highest)
        extended = self._highest + step
        shift = self._sequence_shift
        if step > 0:
            self._highest = extended
        else:
            if extended < self._first:
                return "before-keyframe"
            if step < -REORDER_WINDOW:
                return "too-old"
            for skipped in reversed(self._skipped):
                if skipped <= extended:
                    break
                shift += 1
        sequence = (extended + shift) & 0xFFFF
        timestamp = (timestamp + self._timestamp_shift) & 0xFFFFFFFF
        if step >= 0:
            self._sequence, self._timestamp, self._sent_ns = sequence, timestamp, now_ns
        return sequence, timestamp

    def skip(self, sequence: int) -> None:
        """Leaves a packet of the current stream out; if a later one is out already, it stays a gap."""
        if self._running and signed16(sequence - self._highest) == 1:
            self._highest += 1
            self._sequence_shift -= 1
            self._skipped.append(self._highest)

    def vp8_head(self, head: bytes, descriptor: Vp8Descriptor, keyframe: bool) -> bytes:
        """The descriptor with the picture id continuing the one before (RFC 7741 §4.2); after `numbers`."""
        picture, level_index = descriptor.picture, descriptor.level_index
        if self._fresh and keyframe:
            self._fresh = False
            if picture is not None:
                self._picture_shift = self._picture + 1 - picture
            if level_index is not None:
                self._level_index_shift = self._level_index + 1 - level_index
        if picture is not None:
            self._picture = _later(self._picture, (picture + self._picture_shift) & 0x7FFF, 0x7FFF)
        if level_index is not None:
            self._level_index = _later(
                self._level_index, (level_index + self._level_index_shift) & 0xFF, 0xFF
            )
        if self._picture_shift or self._level_index_shift:
            return renumber_vp8(head, descriptor, self._picture_shift, self._level_index_shift)
        return head

    def timestamp_out(self, timestamp: int) -> int | None:
        """Where a timestamp of the current stream is in the outgoing one; None before it began."""
        return (timestamp + self._timestamp_shift) & 0xFFFFFFFF if self._running else None

    def _begin(self, sequence: int, timestamp: int, now_ns: int) -> None:
        following = self._timestamp
        if self._sent_ns is not None:
            elapsed = (now_ns - self._sent_ns) * self._clock_rate // 1_000_000_000
            following = (following + max(1, elapsed)) & 0xFFFFFFFF
        self._timestamp_shift = signed32(following - timestamp)
        # The extended number is kept far from zero, so that reordering never makes it negative.
        self._first = self._highest = sequence + 0x10000
        self._sequence_shift = self._sequence + 1 - self._first
        self._skipped.clear()
        self._running = self._fresh = True


def _later(one: int, other: int, mask: int) -> int:
    """The later of two running numbers, so that a packet that comes late does not turn them back."""
    return other if (other - one) & mask <= mask >> 1 else one
