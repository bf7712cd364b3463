"""Fits what decides whether a sound interrupts: `python -m perf.overlap_fit` writes media/realtime/overlap_weights.py.

For each stage a logistic regression (ridge 0.01, classes weighted alike) on the tune half of the corpus, by gradient
descent on standardised features. A stage's threshold lets a share of the interruptions of the tune half through to
the next stage: the early stages take what is plain, the later ones all but the most unlike.
"""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

import media.realtime.overlap as deciding
from media.realtime.overlap import FEATURES
from media.realtime.overlap_weights import STAGES
from perf.overlap_corpus import overlap_corpus
from perf.overlap_trials import Trial, trials

__all__ = ["fit"]

PASSED = (1.0, 0.5, 0.3, 0.04, 0.03, 0.03, 0.03, 0.03, 0.03)
"""Share of interruptions that each stage leaves to the next; 1 decides nothing."""
_RIDGE = 0.01
_STEPS = 4000
_RATE = 0.5

Vector = npt.NDArray[np.float64]


def fit(features: npt.NDArray[np.float32], wanted: npt.NDArray[np.bool_]) -> tuple[Vector, float]:
    """Weights and bias, for features as they come, of float32[n, features] against bool[n]."""
    mean, spread = features.mean(0), features.std(0) + 1e-6
    scaled = (features - mean) / spread
    share = wanted.mean()
    importance = np.where(wanted, 0.5 / share, 0.5 / (1 - share))
    weights, bias = np.zeros(scaled.shape[1]), 0.0
    for _ in range(_STEPS):
        excess = importance * (1 / (1 + np.exp(-(scaled @ weights + bias))) - wanted)
        weights -= _RATE * (scaled.T @ excess / len(wanted) + _RIDGE * weights)
        bias -= _RATE * excess.mean()
    raw: Vector = weights / spread
    return raw, float(bias - raw @ mean)


def _stage(number: int, tuned: list[Trial]) -> tuple[Vector, float, float]:
    reached = [trial for trial in tuned if number in trial.features]
    features = np.array([trial.features[number] for trial in reached])
    wanted = np.array([trial.overlap.kind == "interruption" for trial in reached])
    weights, bias = fit(features, wanted)
    scores = features[wanted] @ weights + bias
    return weights, bias, math.inf if PASSED[number] >= 1 else float(np.quantile(scores, PASSED[number]))


def main() -> None:
    """The command line."""
    tuned = list(trials(overlap_corpus(), "tune", thresholds=(math.inf,) * len(STAGES)))
    rows, biases, thresholds = [], [], []
    for number in range(len(STAGES)):
        weights, bias, threshold = _stage(number, tuned)
        rows.append("        (" + ", ".join(f"{value:.4f}" for value in weights) + "),")
        biases.append(f"{bias:.4f}")
        thresholds.append("math.inf" if math.isinf(threshold) else f"{threshold:.4f}")
    text = f'''"""What tells an interruption by its first frames: logistic regressions, by perf/overlap_fit.py."""

import math

import numpy as np

__all__ = ["BIAS", "STAGES", "THRESHOLDS", "WEIGHTS"]

STAGES = {STAGES}
"""Frames of 20 ms after which a decision is made."""

WEIGHTS = np.array(
    (
{chr(10).join(rows)}
    ),
    np.float32,
)
"""float32[{len(STAGES)}, {FEATURES}], of `Overlap.features`."""

BIAS = ({", ".join(biases)})

THRESHOLDS = ({", ".join(thresholds)})
"""Sum from which on a sound interrupts."""
'''
    Path(deciding.__file__).with_name("overlap_weights.py").write_text(text)


if __name__ == "__main__":
    main()
