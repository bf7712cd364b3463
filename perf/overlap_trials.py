"""Overlaps as media hears them in its first tenths of a second: for fitting what decides, and for judging it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from media.realtime.overlap_weights import STAGES
from media.realtime.packet import FRAME, RATE
from perf.overlap_chain import Chain
from perf.overlap_corpus import Kind, Overlap, OverlapCorpus, Split

__all__ = ["LEVELS", "Trial", "at_level", "trials", "usual_powers"]

LEVELS: dict[Kind, tuple[float, float]] = {
    "interruption": (-9.0, 5.0),
    "backchannel": (-16.0, 0.0),
    "noise": (-20.0, 2.0),
}
"""By how many dB each kind is louder than the speaker usually is: an assumption, backchannels being the softer ones."""

_LEAD = 0.4
_LISTENED = 0.42
_SEEDS: dict[Split, int] = {"tune": 7, "held-out": 11}


@dataclass(slots=True)
class Trial:
    """One overlap, listened to from its onset on.

    Attributes:
        overlap: what was uttered.
        speech: frames of 20 ms from its first sample until it was speech to the gate; infinite if it never was.
        features: what the decision of each stage was made on, by the stage's number.
        instants: frames from the first sample to the decision.
        speaking: whether it was speech to the gate by then.
        held: frames until media would hold a voice; infinite if it would not within `_LISTENED`.
    """

    overlap: Overlap
    speech: float = float("inf")
    features: dict[int, npt.NDArray[np.float32]] = field(default_factory=dict)
    instants: dict[int, float] = field(default_factory=dict)
    speaking: dict[int, bool] = field(default_factory=dict)
    held: float = float("inf")


def usual_powers(corpus: OverlapCorpus, split: Split) -> dict[str, float]:
    """Mean square of each speaker's speech as a room knows it after one sentence."""
    powers = {}
    for speaker, samples in corpus.usual(split):
        chain = Chain()
        for _ in chain.hear(samples, over=False):
            pass
        powers[speaker] = chain.power
    return powers


def at_level(overlap: Overlap, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """The overlap's sound, float64[n], as loud as its kind may be."""
    gain: float = random.uniform(*LEVELS[overlap.kind])
    return overlap.samples.astype(np.float64) * 10 ** (gain / 20)


def trials(
    corpus: OverlapCorpus, split: Split, repeats: int = 2, thresholds: Sequence[float] | None = None
) -> Iterator[Trial]:
    """Every overlap of one half, each so many times, at other levels, phases and in other noise.

    Args:
        corpus: what is uttered.
        split: which half of it.
        repeats: how often each.
        thresholds: see `media.realtime.overlap.Overlap`.
    """
    powers = usual_powers(corpus, split)
    ordinary = float(np.median(list(powers.values())))
    random = np.random.default_rng(_SEEDS[split])
    for overlap in corpus.overlaps(split):
        for _ in range(repeats):
            lead = int(_LEAD * RATE) + int(random.integers(0, FRAME))
            count = int(_LISTENED * RATE)
            sound = np.zeros(lead + count)
            clip = at_level(overlap, random)[:count]
            sound[lead : lead + len(clip)] = clip
            sound += random.normal(0, 32768 * 10 ** (random.uniform(-75, -58) / 20), len(sound))
            samples = np.clip(sound, -32768, 32767).astype(np.int16)
            power = powers.get(overlap.speaker, ordinary)
            yield _listen(overlap, samples, lead / FRAME, power, Chain(thresholds))


def _listen(
    overlap: Overlap, samples: npt.NDArray[np.int16], onset: float, power: float, chain: Chain
) -> Trial:
    trial = Trial(overlap)
    chain.power = power
    decided = 0
    for index in chain.hear(samples, over=True):
        if index < onset - 3:
            chain.overlap.reset()
            decided = 0
            continue
        after = index + 1 - onset
        if chain.overlap.speaking:
            trial.speech = min(trial.speech, after)
        if chain.overlap.interrupts:
            trial.held = min(trial.held, after)
        if chain.overlap.stage > decided:
            decided = chain.overlap.stage
            trial.features[decided - 1] = chain.overlap.features.copy()
            trial.instants[decided - 1] = after
            trial.speaking[decided - 1] = chain.overlap.speaking
    assert len(trial.features) <= len(STAGES)
    return trial
