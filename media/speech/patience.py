"""Patience: how much silence ends a speaker's turn, from what is known of a pause and of the one who makes it.

The turn is over with a probability that grows with the silence: what the words (a logistic model) and the sound (the
turn model, by what it is worth for this voice) say of it at first, against the chance that a pause of this speaker's
would still be going on (log-normal, Campione and Véronis 2002; its median learnt from each of their pauses). It ends
when that probability reaches `CERTAINTY`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Protocol

from media.speech.wording import Cue, Question, cues
from media.speech.wording import question as asked_for

__all__ = ["FITTED", "AdaptivePatience", "FixedPatience", "Patience", "Pause", "Pauses", "Tune", "TurnOdds"]

CERTAINTY = 0.9
"""Probability at which a turn is taken to be over."""
SOONEST = 0.25
"""Seconds: shorter silences end no turn, and say nothing of how long somebody's pauses are."""
LONGEST = 1.1
"""Seconds of silence that end any turn."""
TUNE, TUNE_SPREAD = 2.0, 3.0
"""Log odds of Smart Turn's: mean at people's ends and, negated, at their pauses; standard deviation at each."""
HEARD_BEFORE = 2.0
"""Ends and pauses of one's own after which a speaker counts as much as these."""
_LEAST = 0.018
"""Bound of the turn model's probability, and of its complement: a log odds of 4."""
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Pause:
    """What is known of a pause that may be the end of a turn.

    Attributes:
        text: the words of the turn so far; empty while they are not known.
        probability: the turn model's, that the speaker has finished; None while it has not answered.
    """

    text: str
    probability: float | None


class Patience(Protocol):
    """One speaker's. Asked again whenever more is known of a pause."""

    def wait(self, pause: Pause) -> float:
        """Seconds of silence, from the last voiced sample on, that end the turn."""

    def asked(self, question: str) -> None:
        """Somebody has just said this to the speaker: what comes next may be the answer."""

    def went_on(self, silence: float) -> None:
        """The speaker went on after so many seconds of silence."""

    def ended(self) -> None:
        """The turn is over."""


class FixedPatience:
    """A plain silence timeout.

    Args:
        seconds: of silence that end every turn.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def wait(self, pause: Pause) -> float:
        """See `Patience`."""
        return self._seconds

    def asked(self, question: str) -> None:
        """See `Patience`."""

    def went_on(self, silence: float) -> None:
        """See `Patience`."""

    def ended(self) -> None:
        """See `Patience`."""


@dataclass(frozen=True, slots=True)
class TurnOdds:
    """Log odds by the words that a turn is over once its speaker has been silent for `SOONEST`.

    Attributes:
        bias: of a statement of which nothing else is known.
        cues: for each cue in the words.
    """

    bias: float
    cues: Mapping[Cue, float] = field(default_factory=dict)

    def of(self, text: str, asked: Question) -> float:
        """Natural logarithm of the odds."""
        return self.bias + math.fsum(self.cues.get(cue, 0.0) for cue in cues(text, asked))


FITTED = TurnOdds(
    0.53,
    {
        Cue.UNFINISHED: -1.97,
        Cue.OPEN: -1.49,
        Cue.UNMARKED: -0.04,
        Cue.QUESTION: 2.68,
        Cue.DEPENDENT: -2.39,
        Cue.LIST: -1.37,
        Cue.NUMBER: -1.09,
        Cue.OPENER: -1.97,
        Cue.ANSWER: 0.51,
    },
)
"""Ridge regression on 151 ends and 102 pauses of nine synthesised speakers (`python -m perf.turns_fit`).

How long the words are was left out on purpose. It would tell ends from pauses better than all else there, because the
scripted turns are of much the same length; people's are not.
"""
MEDIAN = 0.5
"""Seconds: of the speakers' median pauses, fitted likewise."""
AMONG, WITHIN = 0.35, 0.46
"""Standard deviations of the logarithm: of a speaker's median among speakers, of a pause within a speaker.

The second is fitted. The first says how fast a speaker is learnt; fitted it would be 0.13, which is too little, because
pauses too short to end a turn are not seen. On the same talks 0.05 gives 23 false ends, 0.13 gives 19, this 15, for
22 ms of delay.
"""


class Pauses:
    """How long one speaker pauses within a turn: log-normally, about a median of their own.

    That median is itself log-normal among speakers, and known the better the more of their pauses were seen.
    """

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0

    def saw(self, seconds: float) -> None:
        """Learns from a pause; from one that is shorter than any that could end a turn, nothing."""
        if seconds >= SOONEST:
            self._count += 1
            self._sum += math.log(min(seconds, LONGEST))

    def outlast(self, seconds: float) -> float:
        """Share of the speaker's pauses that last so long, of those that last for `SOONEST`."""
        expected = self._expected()
        lasting = 1 - expected.cdf(math.log(SOONEST))
        return min(1.0, (1 - expected.cdf(math.log(max(seconds, SOONEST)))) / lasting)

    def lasted_by(self, share: float) -> float:
        """Seconds that only this share of them outlasts: the inverse of `outlast`."""
        expected = self._expected()
        lasting = 1 - expected.cdf(math.log(SOONEST))
        return math.exp(expected.inv_cdf(1 - min(max(share, 1e-6), 1 - 1e-6) * lasting))

    def _expected(self) -> NormalDist:
        """The logarithm of the next pause: the posterior predictive of a normal with a normal mean."""
        precision = 1 / AMONG**2 + self._count / WITHIN**2
        mean = (math.log(MEDIAN) / AMONG**2 + self._sum / WITHIN**2) / precision
        return NormalDist(mean, math.sqrt(1 / precision + WITHIN**2))


class Tune:
    """What the turn model says at one speaker's pauses and at their ends: how much it is worth for this voice.

    Its log odds are taken as normal about two means, which are what they are for people until the speaker has been
    heard; where both come to lie together, as with a synthesised voice, the sound tells nothing any more.
    """

    def __init__(self) -> None:
        self._counts = [HEARD_BEFORE, HEARD_BEFORE]
        self._sums = [-HEARD_BEFORE * TUNE, HEARD_BEFORE * TUNE]

    def odds(self, probability: float | None) -> float:
        """Natural logarithm of how much likelier this answer of the model's is at an end than at a pause."""
        pause, end = (total / count for total, count in zip(self._sums, self._counts, strict=True))
        if probability is None or end <= pause:
            return 0.0
        heard = _log_odds(probability)
        return ((heard - pause) ** 2 - (heard - end) ** 2) / (2 * TUNE_SPREAD**2)

    def saw(self, probability: float | None, *, over: bool) -> None:
        """Learns from an answer by what became of the pause."""
        if probability is not None:
            self._counts[over] += 1
            self._sums[over] += _log_odds(probability)


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(bounded / (1 - bounded))


class AdaptivePatience:
    """Waits by the words, the sound, what was asked, and the speaker's own pauses.

    Args:
        odds: what a pause itself tells.
        certainty: probability at which a turn is taken to be over.
        longest: seconds of silence that end any turn.
    """

    def __init__(
        self, *, odds: TurnOdds = FITTED, certainty: float = CERTAINTY, longest: float = LONGEST
    ) -> None:
        self._odds = odds
        self._certainty = certainty
        self._longest = longest
        self._pauses = Pauses()
        self._tune = Tune()
        self._asked = Question.NONE
        self._pause: Pause | None = None
        self._end: Pause | None = None

    def over(self, pause: Pause, silence: float) -> float:
        """Probability that the turn is over when the pause has lasted so many seconds."""
        return 1 / (1 + math.exp(-self._log_odds(pause)) * self._pauses.outlast(silence))

    def wait(self, pause: Pause) -> float:
        """See `Patience`: the silence at which `over` reaches the certainty."""
        if self._end is not None:
            self._tune.saw(self._end.probability, over=True)
        self._pause, self._end = pause, None
        share = math.exp(self._log_odds(pause)) * (1 - self._certainty) / self._certainty
        return SOONEST if share >= 1 else min(self._pauses.lasted_by(share), self._longest)

    def asked(self, question: str) -> None:
        """See `Patience`."""
        self._asked = asked_for(question)

    def went_on(self, silence: float) -> None:
        """See `Patience`; after an end that was none, too."""
        pause = self._pause or self._end
        if pause is not None and silence >= SOONEST:
            self._tune.saw(pause.probability, over=False)
        self._pauses.saw(silence)
        self._pause = self._end = None

    def ended(self) -> None:
        """See `Patience`."""
        self._pause, self._end = None, self._pause
        self._asked = Question.NONE

    def _log_odds(self, pause: Pause) -> float:
        return self._odds.of(pause.text, self._asked) + self._tune.odds(pause.probability)
