"""What is known of one received RTP stream: loss, jitter, gaps (RFC 3550 §6.4.1, A.1, A.3, A.8). Pure."""

from dataclasses import dataclass

from media.rtc.packets import signed16, signed32

__all__ = ["MissingPackets", "ReceptionReport", "ReceptionStatistics"]

MAX_DROPOUT = 3000
"""A sequence number further ahead than this begins a new count (RFC 3550 A.1)."""

MAX_MISSING = 256
"""Gaps larger than this are not asked for again; a keyframe is cheaper."""

MAX_REQUESTS = 8
RETRY_NS = 50_000_000


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """The numbers of one RTCP report block.

    Attributes:
        fraction_lost: of the packets expected since the last report, in 1/256.
        lost: since counting began; negative with duplicates.
        highest: extended highest sequence number.
        jitter: interarrival jitter, in units of the RTP clock.
    """

    fraction_lost: int
    lost: int
    highest: int
    jitter: int


class ReceptionStatistics:
    """Counts of one stream.

    Args:
        clock_rate: of the RTP timestamps, in Hz.
    """

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._base: int | None = None
        self._highest = 0
        self._received = 0
        self._lost_before = 0
        self._transit: int | None = None
        self._timestamp = 0
        self._jitter = 0.0
        self._expected_before = 0
        self._received_before = 0

    def add(self, sequence: int, timestamp: int, arrival_ns: int) -> bool:
        """Counts one packet; False when its sequence number jumped so far that counting began anew."""
        continuous = True
        if self._base is not None:
            step = signed16(sequence - self._highest)
            if abs(step) > MAX_DROPOUT:
                continuous = False
                self._lost_before = self.lost
                self._base = None
            elif step > 0:
                self._highest += step
        if self._base is None:
            self._base = self._highest = sequence
            self._received = self._expected_before = self._received_before = 0
            self._transit = None
        self._received += 1
        transit = (arrival_ns * self._clock_rate // 1_000_000_000 - timestamp) & 0xFFFFFFFF
        if self._transit is not None and timestamp != self._timestamp:
            difference = abs(signed32(transit - self._transit))
            self._jitter += (min(difference, 10 * self._clock_rate) - self._jitter) / 16
        self._transit = transit
        self._timestamp = timestamp
        return continuous

    @property
    def expected(self) -> int:
        """Packets that should have come."""
        return 0 if self._base is None else self._highest - self._base + 1

    @property
    def lost(self) -> int:
        """Packets that did not come, also before a jump of the sequence number; negative with duplicates."""
        return self._lost_before + self.expected - self._received

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter."""
        return self._jitter * 1000 / self._clock_rate

    def report(self) -> ReceptionReport:
        """The next report; the fraction is counted from the one before."""
        expected = self.expected - self._expected_before
        lost = expected - (self._received - self._received_before)
        self._expected_before, self._received_before = self.expected, self._received
        fraction = 0 if expected <= 0 or lost <= 0 else min(255, (lost << 8) // expected)
        return ReceptionReport(
            fraction_lost=fraction,
            lost=max(-(1 << 23), min((1 << 23) - 1, self.lost - self._lost_before)),
            highest=self._highest & 0xFFFFFFFF,
            jitter=int(self._jitter) & 0xFFFFFFFF,
        )


class MissingPackets:
    """Which packets of a stream to ask for again (generic NACK, RFC 4585 §6.2.1)."""

    def __init__(self) -> None:
        self._highest: int | None = None
        self._missing: dict[int, tuple[int, int]] = {}
        self.given_up = 0

    def add(self, sequence: int, now_ns: int) -> tuple[list[int], bool]:
        """Notes one received packet.

        Returns:
            What to ask for now, in order; and whether a gap is too large or too old to be filled.
        """
        if self._highest is None:
            self._highest = sequence
            return [], False
        step = signed16(sequence - self._highest)
        hopeless = False
        if step <= 0:
            self._missing.pop(sequence, None)
        else:
            self._highest = sequence
            if step - 1 > MAX_MISSING:
                hopeless = True
                self.given_up += step - 1 + len(self._missing)
                self._missing.clear()
            else:
                for back in range(step - 1, 0, -1):
                    self._missing[(sequence - back) & 0xFFFF] = (0, 0)
                while len(self._missing) > MAX_MISSING:
                    del self._missing[next(iter(self._missing))]
                    self.given_up += 1
                    hopeless = True
        if not self._missing:
            return [], hopeless
        wanted: list[int] = []
        for number, (requests, due_ns) in list(self._missing.items()):
            if due_ns > now_ns:
                continue
            if requests == MAX_REQUESTS:
                del self._missing[number]
                self.given_up += 1
                hopeless = True
                continue
            self._missing[number] = (requests + 1, now_ns + RETRY_NS)
            wanted.append(number)
        return wanted, hopeless
