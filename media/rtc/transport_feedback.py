"""When each packet came, told to its sender, who estimates the path from it. Pure.

Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01): the sender numbers all its
packets in a header extension, we answer with the instant of each arrival.
"""

from struct import Struct

from media.rtc.packets import signed16

__all__ = ["ArrivalLog", "transport_feedback"]

FEEDBACK_INTERVAL_NS = 50_000_000
MAX_PACKETS = 400
"""Arrivals in one report; more are reported at once, so that a report stays below 1200 bytes."""

MAX_SPAN = 1000
"""Numbers further apart than this are of another count."""

_TICK_NS = 250_000
_REFERENCE_TICKS = 256
_HEAD = Struct("!BBHIIHHI")


class ArrivalLog:
    """Notes arrivals, and tells when they are to be reported: with a packet, never by a timer."""

    def __init__(self) -> None:
        self._arrivals: dict[int, int] = {}
        self._highest = 0
        self._next: int | None = None
        self._reported_ns: int | None = None
        self._reports = 0

    def add(self, number: int, arrival_ns: int) -> None:
        """Notes the packet with that transport-wide number (16 bit)."""
        if self._next is None:
            self._restart(number)
        extended = self._highest + signed16(number - self._highest)
        assert self._next is not None
        if abs(extended - self._highest) > MAX_SPAN or extended - self._next > MAX_SPAN:
            self._restart(number)
            extended = self._highest
        self._highest = max(self._highest, extended)
        self._arrivals.setdefault(extended, arrival_ns)

    def report(self, sender: int, media: int, now_ns: int) -> bytes | None:
        """The report that is due now, None when none is.

        Args:
            sender: our SSRC.
            media: an SSRC of the client's.
            now_ns: the instant.
        """
        if self._reported_ns is None:
            self._reported_ns = now_ns
        due = now_ns - self._reported_ns >= FEEDBACK_INTERVAL_NS
        if not self._arrivals or not (due or len(self._arrivals) >= MAX_PACKETS):
            return None
        self._reported_ns = now_ns
        assert self._next is not None
        base = min(self._next, min(self._arrivals))
        arrivals = [self._arrivals.get(number) for number in range(base, max(self._arrivals) + 1)]
        packet = transport_feedback(sender, media, base & 0xFFFF, self._reports & 0xFF, arrivals)
        self._arrivals.clear()
        self._next = self._highest + 1
        self._reports += 1
        return packet

    def _restart(self, number: int) -> None:
        # Kept far from zero, so that reordering never makes a number negative.
        self._highest = number + 0x10000
        self._next = self._highest
        self._arrivals.clear()


def transport_feedback(sender: int, media: int, base: int, count: int, arrivals: list[int | None]) -> bytes:
    """A transport-wide feedback packet (§3.1).

    Args:
        sender: our SSRC.
        media: an SSRC of the sender's.
        base: number of the first packet.
        count: of feedback packets, modulo 256.
        arrivals: instants in nanoseconds from `base` on, None for what did not come; one at least did.
    """
    first = next(arrival for arrival in arrivals if arrival is not None)
    reference = first // _TICK_NS // _REFERENCE_TICKS
    before = reference * _REFERENCE_TICKS
    symbols: list[int] = []
    deltas = bytearray()
    for arrival in arrivals:
        if arrival is None:
            symbols.append(0)
            continue
        tick = arrival // _TICK_NS
        delta = max(-0x8000, min(0x7FFF, tick - before))
        before += delta
        if 0 <= delta <= 0xFF:
            symbols.append(1)
            deltas.append(delta)
        else:
            symbols.append(2)
            deltas += (delta & 0xFFFF).to_bytes(2, "big")
    body = _chunks(symbols) + bytes(deltas)
    body += bytes(-len(body) % 4)
    packed = (reference & 0xFFFFFF) << 8 | count
    words = (_HEAD.size + len(body)) // 4 - 1
    return _HEAD.pack(0x8F, 205, words, sender, media, base, len(arrivals), packed) + body


def _chunks(symbols: list[int]) -> bytes:
    """Packet chunks (§3.1.3, §3.1.4): runs where there are any, otherwise seven symbols of two bits."""
    chunks = bytearray()
    at = 0
    while at < len(symbols):
        symbol = symbols[at]
        run = 1
        while at + run < len(symbols) and run < 0x1FFF and symbols[at + run] == symbol:
            run += 1
        if run >= 7 or at + run == len(symbols):
            chunk = symbol << 13 | run
        else:
            run = 7
            chunk = 0xC000
            for offset, each in enumerate(symbols[at : at + 7]):
                chunk |= each << (12 - 2 * offset)
        chunks += chunk.to_bytes(2, "big")
        at += run
    return bytes(chunks)
