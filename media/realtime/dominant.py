"""Who leads the conversation, by speech activity over three time scales (Volfin and Cohen, 2012).

I. Volfin, I. Cohen: Dominant speaker identification for multipoint videoconferencing, Computer Speech & Language
27(4), with the constants of the paper's experiments as they are known from practice: 13 sub-levels a frame, 5
frames a medium and 10 mediums a long interval, decisions every 300 ms. Levels are RFC 6464's.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

__all__ = ["DECISION_FRAMES", "DominantSpeaker"]

DECISION_FRAMES = 15
"""Frames of 20 ms between decisions."""

_SILENCE = 127
_SUBLEVELS = 13
_STEP = 10
_MEDIUM, _LONG = 5, 10
_FRAMES = _MEDIUM * _LONG
_MEDIUM_THRESHOLD = 7
_LONG_THRESHOLD = 4
_RELATIVE = (3.0, 2.0, 0.0)
_LEAST = 1e-10
_FLOOR_FRAMES = 750
_PROBABILITY = 0.5
_RATES = (0.78, 24.0, 47.0)

Scores = tuple[float, float, float]


@cache
def _score(active: int, of: int, rate: float) -> float:
    """Log likelihood ratio of speech to silence when so many of so many parts are active (equations 9 to 14)."""
    score = (
        math.log(math.comb(of, active))
        + active * math.log(_PROBABILITY)
        + (of - active) * math.log(1 - _PROBABILITY)
        - math.log(rate)
        + rate * active
    )
    return max(score, _LEAST)


@dataclass(slots=True)
class _Talker:
    """The last second of one participant: loudness of each frame, newest first, 0 (silence) to 127."""

    loudness: list[int] = field(default_factory=lambda: [0] * _FRAMES)
    floor: int = 0
    rising: int = _SILENCE
    frames: int = 0

    def hear(self, loudness: int) -> None:
        self.loudness.insert(0, loudness)
        self.loudness.pop()
        if loudness:
            # The floor is the least of 15 s: steady noise is no speech, however loud.
            self.rising = min(self.rising, loudness)
            self.frames += 1
            self.floor = min(self.floor, loudness) if self.floor else 0
            if self.frames >= _FLOOR_FRAMES:
                self.floor, self.rising, self.frames = self.rising, _SILENCE, 0

    def scores(self) -> Scores:
        least = self.floor + _STEP
        parts = [min(one // _STEP, _SUBLEVELS) if one >= least else 0 for one in self.loudness]
        mediums = [
            sum(part > _MEDIUM_THRESHOLD for part in parts[at : at + _MEDIUM])
            for at in range(0, _FRAMES, _MEDIUM)
        ]
        long = sum(medium >= _LONG_THRESHOLD for medium in mediums)
        return (
            _score(parts[0], _SUBLEVELS, _RATES[0]),
            _score(mediums[0], _MEDIUM, _RATES[1]),
            _score(long, _LONG, _RATES[2]),
        )


class DominantSpeaker:
    """Follows a room's conversation.

    Attributes:
        current: who leads it; the last who did while all are silent, None before anybody has spoken.
    """

    def __init__(self) -> None:
        self.current: str | None = None
        self._talkers: dict[str, _Talker] = {}
        self._until_decision = DECISION_FRAMES

    def hear(self, levels: Iterable[tuple[str, int]]) -> bool:
        """Takes a frame of 20 ms.

        Args:
            levels: of those who send, identity and level in -dBov: 0 (loudest) to 127 (silence). Who is missing is
                silent.

        Returns:
            Whether `current` changed.
        """
        heard = set()
        for id, level in levels:
            talker = self._talkers.get(id)
            if talker is None:
                talker = self._talkers[id] = _Talker()
            talker.hear(_SILENCE - level)
            heard.add(id)
        if len(heard) < len(self._talkers):
            for id, talker in list(self._talkers.items()):
                if id not in heard:
                    talker.hear(0)
                    if not any(talker.loudness):
                        del self._talkers[id]
        self._until_decision -= 1
        if self._until_decision > 0:
            return False
        self._until_decision = DECISION_FRAMES
        return self._decide()

    def forget(self, id: str) -> bool:
        """Someone left; returns whether `current` changed, to nobody."""
        self._talkers.pop(id, None)
        if self.current != id:
            return False
        self.current = None
        return True

    def _decide(self) -> bool:
        """A challenger has to beat the leader in every interval; of those who do, the one ahead in the medium one."""
        silent = (
            _score(0, _SUBLEVELS, _RATES[0]),
            _score(0, _MEDIUM, _RATES[1]),
            _score(0, _LONG, _RATES[2]),
        )
        leader = self._talkers.get(self.current) if self.current is not None else None
        least = leader.scores() if leader is not None else silent
        best, lead = self.current, _RELATIVE[1]
        for id, talker in self._talkers.items():
            if id == self.current:
                continue
            ahead = [math.log(own / his) for own, his in zip(talker.scores(), least, strict=True)]
            beats = all(one > needed for one, needed in zip(ahead, _RELATIVE, strict=True))
            if beats and ahead[1] > lead:
                best, lead = id, ahead[1]
        changed = best != self.current
        self.current = best
        return changed
