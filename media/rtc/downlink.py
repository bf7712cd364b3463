"""What a viewer can receive: from the estimate and the loss that its browser reports. Pure.

A browser estimates from the packets that it gets (draft-ietf-rmcat-gcc-02): while it gets little it cannot know of
more than half as much again. So the budget grows while nothing speaks against it, until a layer more is tried; when
that was too much it falls to what was measured, and the next attempt waits, each time for twice as long.
"""

__all__ = ["Downlink"]

INITIAL = 8_000_000
LEAST = 50_000
MOST = 50_000_000
GROWTH = 1.3
"""A second, while nothing speaks against it."""

HEAVY_LOSS = 0.10
LIGHT_LOSS = 0.02
"""Between them the budget stays (draft-ietf-rmcat-gcc-02 §6)."""

UPDATE_NS = 1_000_000_000
HOLD_NS = 4_000_000_000
LONGEST_HOLD_NS = 64_000_000_000
FORGIVEN_AFTER_NS = 120_000_000_000
STALE_NS = 5_000_000_000


class Downlink:
    """The budget of one viewer's cameras, in bit/s.

    Attributes:
        budget: for all video.
        estimate: the browser's last, None before one.
        loss: share of the packets lost, by the last reports.
    """

    def __init__(self) -> None:
        self.budget = INITIAL
        self.estimate: int | None = None
        self.loss = 0.0
        self._estimated_ns = 0
        self._updated_ns: int | None = None
        self._held_until_ns = 0
        self._hold_ns = HOLD_NS
        self._cut_ns: int | None = None

    def on_estimate(self, bitrate: int, now_ns: int) -> None:
        """Takes the browser's estimate (REMB)."""
        self.estimate = max(LEAST, min(bitrate, MOST))
        self._estimated_ns = now_ns

    def on_loss(self, share: float) -> None:
        """Takes the loss of one video stream in one report."""
        self.loss += (share - self.loss) / 2

    def update(self, sent: int, now_ns: int) -> bool:
        """Looks once a second whether the budget is right.

        Args:
            sent: bit/s of video that is sent at present.
            now_ns: the instant.

        Returns:
            Whether it looked.
        """
        if self._updated_ns is not None and now_ns - self._updated_ns < UPDATE_NS:
            return False
        elapsed = UPDATE_NS if self._updated_ns is None else now_ns - self._updated_ns
        self._updated_ns = now_ns
        fresh = self.estimate is not None and now_ns - self._estimated_ns < STALE_NS
        if fresh and self.estimate is not None and self.estimate < 0.95 * sent:
            self._cut(self.estimate, now_ns)
        elif self.loss > HEAVY_LOSS:
            self._cut(int(min(self.budget, max(sent, LEAST)) * (1 - 0.5 * self.loss)), now_ns)
        elif self.loss < LIGHT_LOSS and now_ns >= self._held_until_ns:
            # What is not used need not grow: it would say nothing.
            if self.budget < INITIAL or sent > self.budget // 2:
                self.budget = min(MOST, int(self.budget * GROWTH ** min(elapsed / 1e9, 5.0)))
            if self._cut_ns is not None and now_ns - self._cut_ns > FORGIVEN_AFTER_NS:
                self._hold_ns = HOLD_NS
        return True

    def _cut(self, budget: int, now_ns: int) -> None:
        if budget < self.budget:
            self.budget = max(LEAST, budget)
            # Cuts that follow each other closely are one failed attempt.
            if self._cut_ns is not None and now_ns - self._cut_ns >= HOLD_NS:
                self._hold_ns = min(2 * self._hold_ns, LONGEST_HOLD_NS)
            self._held_until_ns = now_ns + self._hold_ns
            self._cut_ns = now_ns
