"""The last packets of a stream, as they were sent, to be sent again when a receiver asks for them. Pure."""

__all__ = ["RetransmissionRing"]

RESEND_AFTER_NS = 20_000_000


class RetransmissionRing:
    """Holds the protected packets by sequence number.

    A packet is sent again exactly as it was: protecting other bytes under the same sequence number would use
    an AES-GCM nonce twice (RFC 7714 §8.4).

    Args:
        capacity: packets held, a power of two; 512 are some 3 s of video at 1.5 Mbit/s.
    """

    def __init__(self, capacity: int = 512) -> None:
        self._mask = capacity - 1
        self._sequences = [-1] * capacity
        self._packets: list[bytes] = [b""] * capacity
        self._sent_ns = [0] * capacity

    def store(self, sequence: int, protected: bytes, now_ns: int) -> None:
        """Keeps a packet, in place of the one `capacity` before it."""
        slot = sequence & self._mask
        self._sequences[slot] = sequence
        self._packets[slot] = protected
        self._sent_ns[slot] = now_ns

    def fetch(self, sequence: int, now_ns: int) -> bytes | str:
        """The packet to send again, or the reason why not: `nack-unknown`, `nack-too-soon`."""
        slot = sequence & self._mask
        if self._sequences[slot] != sequence:
            return "nack-unknown"
        if now_ns - self._sent_ns[slot] < RESEND_AFTER_NS:
            return "nack-too-soon"
        self._sent_ns[slot] = now_ns
        return self._packets[slot]
