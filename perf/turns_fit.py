"""Fits the constants of `media.speech.patience` to the tuning half of the talks of `perf.turns`.

`python -m perf.turns_fit` hears every pause of the half to its end, prints the constants, how well they tell ends from
pauses, and what each certainty and longest wait would cost and save on the same half.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from media.speech.patience import SOONEST, AdaptivePatience, Patience, Pause, Tune, TurnOdds
from media.speech.wording import Cue, cues, question
from perf.turns import Bench, bench

__all__ = ["RecordingPatience", "Sample", "fit", "main"]

HEARD_OUT = 1.7
"""Seconds of silence that end a turn while pauses are recorded: longer than any pause of the talks."""
RIDGE = 0.3
"""Weight of the squared coefficients, the bias aside: a Gaussian prior."""
WORDS_KNOWN = 0.30
"""Seconds after the last voiced sample from which on a turn can end: its words are known."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """A pause that lasted until its words were known.

    Attributes:
        pause: what was known of it.
        asked: what had been asked before the turn.
        silence: seconds after which the speaker went on; None at the end of the turn.
    """

    pause: Pause
    asked: str
    silence: float | None


class RecordingPatience:
    """Hears every pause out and notes what was known of it."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._asked = ""
        self._pause: Pause | None = None

    def wait(self, pause: Pause) -> float:
        """See `Patience`."""
        self._pause = pause
        return HEARD_OUT

    def asked(self, question: str) -> None:
        """See `Patience`."""
        self._asked = question

    def went_on(self, silence: float) -> None:
        """See `Patience`."""
        if self._pause is not None:
            self.samples.append(Sample(self._pause, self._asked, silence))
        self._pause = None

    def ended(self) -> None:
        """See `Patience`."""
        if self._pause is not None:
            self.samples.append(Sample(self._pause, self._asked, None))
        self._pause, self._asked = None, ""


def rows(samples: Sequence[Sample]) -> tuple[Floats, Floats]:
    """The words' cues at each of one speaker's pauses, a one before them; what the sound says by what came before."""
    seen = [
        [1.0, *(float(cue in cues(each.pause.text, question(each.asked))) for cue in Cue)] for each in samples
    ]
    tune, sound = Tune(), []
    for sample in samples:
        sound.append(tune.odds(sample.pause.probability))
        tune.saw(sample.pause.probability, over=sample.silence is None)
    return np.array(seen), np.array(sound)


def fit(recorded: Sequence[Sequence[Sample]]) -> TurnOdds:
    """The most probable coefficients of the words under a Gaussian prior, by Newton's method, given the sound."""
    seen, sound = (np.concatenate(parts) for parts in zip(*map(rows, recorded), strict=True))
    over = ends(recorded)
    weights = np.zeros(seen.shape[1])
    ridge = np.full(len(weights), RIDGE)
    ridge[0] = 1e-3
    for _ in range(50):
        expected = 1 / (1 + np.exp(-seen @ weights - sound))
        gradient = seen.T @ (over - expected) - ridge * weights
        curvature = (seen * (expected * (1 - expected))[:, None]).T @ seen + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    return TurnOdds(
        round(float(weights[0]), 2),
        {cue: round(float(weight), 2) for cue, weight in zip(Cue, weights[1:], strict=True)},
    )


def ends(recorded: Sequence[Sequence[Sample]]) -> Floats:
    """One for each end and zero for each pause."""
    return np.array([float(sample.silence is None) for each in recorded for sample in each])


def pause_lengths(samples: Sequence[Sequence[Sample]]) -> tuple[float, float, float]:
    """Median of the speakers' median pauses, and spread of the logarithm among and within speakers."""
    logs = [
        np.log(
            [sample.silence for sample in each if sample.silence is not None and sample.silence >= SOONEST]
        )
        for each in samples
    ]
    within = math.sqrt(
        sum(float(((each - each.mean()) ** 2).sum()) for each in logs) / sum(len(each) - 1 for each in logs)
    )
    means = np.array([float(each.mean()) for each in logs])
    noise = float(np.mean([within**2 / len(each) for each in logs]))
    among = math.sqrt(max(float(means.var(ddof=1)) - noise, 0.01))
    return math.exp(float(means.mean())), among, within


def replay(samples: Sequence[Sample], patience: Patience) -> tuple[int, list[float]]:
    """False ends, and seconds to the decision at true ends, of one speaker in their order."""
    false, delays = 0, []
    for sample in samples:
        patience.asked(sample.asked)
        wait = max(patience.wait(sample.pause), WORDS_KNOWN)
        if sample.silence is None:
            delays.append(wait)
            patience.ended()
            continue
        false += sample.silence > wait
        patience.went_on(sample.silence)
    return false, delays


def record(half: Bench) -> list[list[Sample]]:
    """Every pause of each speaker of a half."""
    recorded = []
    for talk in half.talks:
        patience = RecordingPatience()
        half.hear(talk, patience)
        recorded.append(patience.samples)
        print(f"{talk.speaker}: {len(patience.samples)} pauses", file=sys.stderr)
    return recorded


def _auc(odds: Floats, over: Floats) -> float:
    """Probability that an end has higher odds than a pause."""
    ends, others = odds[over == 1], odds[over == 0]
    return float(np.mean((ends[:, None] > others[None]) + 0.5 * (ends[:, None] == others[None])))


def main() -> None:
    """The command line."""
    recorded = record(bench("tune"))
    fitted = fit(recorded)
    over = ends(recorded)
    sound = np.concatenate([rows(each)[1] for each in recorded])
    everything = [sample for each in recorded for sample in each]
    words = np.array([fitted.of(sample.pause.text, question(sample.asked)) for sample in everything])
    median, among, within = pause_lengths(recorded)
    print(f"{int(over.sum())} ends, {int((1 - over).sum())} pauses")
    print(f"pauses: median {median:.2f} s, spread {among:.2f} among speakers, {within:.2f} within")
    print(fitted)
    print(
        f"ends told from pauses (area under the curve): sound {_auc(sound, over):.2f}, words {_auc(words, over):.2f}, "
        f"both {_auc(words + sound, over):.2f}"
    )
    for longest in (0.9, 1.0, 1.2, 1.4):
        for certainty in (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97):
            found = [
                replay(each, AdaptivePatience(odds=fitted, certainty=certainty, longest=longest))
                for each in recorded
            ]
            delays = np.array([delay for _, each in found for delay in each])
            false = sum(count for count, _ in found)
            print(
                f"longest {longest}, certainty {certainty}: {false} false ends, delay mean {delays.mean():.3f} s, "
                f"p50 {np.median(delays):.3f} s, p95 {np.percentile(delays, 95):.3f} s"
            )
    for seconds in (0.3, 0.5, 0.8):
        false = sum(sample.silence is not None and sample.silence > seconds for sample in everything)
        print(f"silence of {seconds} s: {false} false ends")


if __name__ == "__main__":
    main()
