"""How fast one client may send: a token bucket."""

__all__ = ["TokenBucket"]


class TokenBucket:
    """Holds `burst` tokens and gains `rate` a second; each message takes one.

    Args:
        rate: tokens a second.
        burst: tokens when full, as at the start.
        now: the instant of the start, in seconds of any steady clock.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._then = now

    def take(self, now: float) -> bool:
        """Takes one token at the instant `now`; False when there is none."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._then) * self._rate)
        self._then = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
