"""The diarization error rate (NIST, Rich Transcription 2009 Evaluation Plan, section 6.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

__all__ = ["Errors", "Said", "errors"]

STEP = 160
RATE = 16_000


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody spoke from one sample, at 16 kHz, to another; None: nobody knows who."""

    begin: int
    end: int
    speaker: str | None


@dataclass(frozen=True, slots=True)
class Errors:
    """Seconds of speech, and of it what was missed, invented or given to another.

    Attributes:
        speech: scored seconds of the truth, of two who speak at once twice.
        missed: nobody was heard where somebody spoke, or one where two did.
        invented: somebody was heard where nobody spoke.
        confused: another was heard.
        mapping: from who was heard to who it was.
    """

    speech: float
    missed: float
    invented: float
    confused: float
    mapping: dict[str, str]

    @property
    def rate(self) -> float:
        """All errors by the seconds of speech."""
        return (self.missed + self.invented + self.confused) / self.speech if self.speech else 0.0


def errors(truth: Sequence[Said], heard: Sequence[Said], *, collar: float = 0.25) -> Errors:
    """Compares who was heard with who spoke, under the mapping of names that is best for what was heard.

    Args:
        truth: who spoke; may overlap.
        heard: who was heard; does not overlap.
        collar: seconds to either side of each boundary of the truth that are not scored.
    """
    count = max((one.end for one in (*truth, *heard)), default=0) // STEP + 1
    people = sorted({one.speaker for one in truth if one.speaker is not None})
    names = sorted({one.speaker for one in heard if one.speaker is not None})
    spoke = np.zeros((len(people), count), bool)
    scored = np.ones(count, bool)
    for one in truth:
        if one.speaker is not None:
            spoke[people.index(one.speaker), one.begin // STEP : one.end // STEP] = True
        for edge in (one.begin, one.end):
            reach = int(collar * RATE)
            scored[max(0, (edge - reach) // STEP) : (edge + reach) // STEP] = False
    sounded = np.zeros(count, bool)
    who = np.full(count, -1)
    for one in heard:
        sounded[one.begin // STEP : one.end // STEP] = True
        who[one.begin // STEP : one.end // STEP] = -1 if one.speaker is None else names.index(one.speaker)
    together = np.array(
        [
            [np.sum(spoke[row] & (who == column) & scored) for column in range(len(names))]
            for row in range(len(people))
        ]
    ).reshape(len(people), len(names))
    rows, columns = linear_sum_assignment(-together)
    right = int(together[rows, columns].sum())
    speakers = spoke.sum(axis=0) * scored
    speech = int(speakers.sum())
    one_heard = (sounded & scored).astype(int)
    missed = int(np.maximum(speakers - one_heard, 0).sum())
    invented = int(np.maximum(one_heard - speakers, 0).sum())
    confused = int(np.minimum(speakers, one_heard).sum()) - right
    mapping = {
        names[column]: people[row] for row, column in zip(rows, columns, strict=True) if together[row, column]
    }
    per = STEP / RATE
    return Errors(speech * per, missed * per, invented * per, confused * per, mapping)
