"""A person's sound over a persona's voice: whether it is speech, and whether it is meant to interrupt.

Decided in the tick that brings the sound, for each tick and each hop to another process would be heard. What is
decided here is only whether the voice is lowered, or held: whoever hears the words decides what becomes of it.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from media.realtime.gate import OPEN_FRAMES, Gate
from media.realtime.onset import BANDS, DESCRIPTION, LOW_PASSES, describe
from media.realtime.overlap_weights import BIAS, STAGES, THRESHOLDS, WEIGHTS

__all__ = ["FEATURES", "LASTING", "VOICED", "Overlap"]

FEATURES = DESCRIPTION + 4
"""Means of the description over the frames so far; the greatest and the last level, the greatest voicing, and how
much of it was speech to the gate."""

LASTING = 20
"""Frames of speech with a voice in it that are an interruption whatever else they sound like: 400 ms."""

VOICED = 0.7
"""Greatest voicing in the first 300 ms of all but a hundredth of what was spoken, and of a quarter of the noises."""

_QUIET = 10
"""Frames of quiet that end a sound, and the lowering of a voice for it: 200 ms."""
_USUAL = 10 ** (-24 / 10)
"""Mean square of a speaker who is not known yet."""


class Overlap:
    """One person's sound from its onset on, while a persona's voice sounds.

    Args:
        thresholds: what each stage decides by; None for those that were fitted.

    Attributes:
        frames: since the onset, 0 without one.
        speaking: it is, or was 200 ms ago at most, speech to the gate.
        interrupts: it sounds as if meant to interrupt.
        features: float32[12] of the sound so far, see `FEATURES`.
        stage: how many decisions were made.
    """

    __slots__ = (
        "_before",
        "_description",
        "_forgiven",
        "_quiet",
        "_shares",
        "_speech",
        "_states",
        "_sums",
        "_thresholds",
        "features",
        "frames",
        "interrupts",
        "speaking",
        "stage",
    )

    def __init__(self, thresholds: Sequence[float] | None = None) -> None:
        self._thresholds = THRESHOLDS if thresholds is None else thresholds
        self._before = np.zeros(160, np.float32)
        self._description = np.zeros(DESCRIPTION, np.float32)
        self._shares = np.zeros(BANDS, np.float32)
        self._states = np.zeros((len(LOW_PASSES), 2), np.float32)
        self._sums = np.zeros(FEATURES, np.float32)
        self.features = np.zeros(FEATURES, np.float32)
        self.frames = self._quiet = self._speech = self.stage = 0
        self.speaking = self.interrupts = self._forgiven = False

    def hear(self, ears: NDArray[np.int16], gate: Gate, power: float) -> None:
        """Hears a frame that the gate has heard.

        Args:
            ears: int16[320], 16 kHz.
            gate: the person's.
            power: mean square of the person's speech as it usually is; 0 while that is not known.
        """
        if not self.frames:
            if not gate.loud:
                return
            self._begin()
        self.frames += 1
        self._quiet = 0 if gate.loud else self._quiet + 1
        if gate.speech:
            self._speech += 1
            self.speaking = self.speaking or gate.speech >= OPEN_FRAMES
        if self._quiet >= _QUIET:
            self._end()
        elif not self.interrupts and not self._forgiven:
            self._judge(ears, power)

    def forgive(self) -> None:
        """The sound that goes on now interrupts nobody."""
        self.interrupts, self._forgiven = False, self.frames > 0

    def reset(self) -> None:
        """Forgets the sound: there is nothing that it could interrupt."""
        if self.frames:
            self._end()

    def _begin(self) -> None:
        for kept in (self._before, self._shares, self._states, self._sums):
            kept[:] = 0.0
        self._sums[DESCRIPTION] = -120.0

    def _end(self) -> None:
        self.frames = self._quiet = self._speech = self.stage = 0
        self.speaking = self.interrupts = self._forgiven = False

    def _judge(self, ears: NDArray[np.int16], power: float) -> None:
        if self._speech >= LASTING and self._sums[DESCRIPTION + 2] >= VOICED:
            self.interrupts = True
        if self.stage >= len(STAGES):
            return
        description, sums = self._description, self._sums
        describe(ears, self._before, LOW_PASSES, self._states, self._shares, description)
        description[0] -= 10 * math.log10(power or _USUAL)
        sums[:DESCRIPTION] += description
        sums[DESCRIPTION] = max(sums[DESCRIPTION], description[0])
        sums[DESCRIPTION + 1] = description[0]
        sums[DESCRIPTION + 2] = max(sums[DESCRIPTION + 2], description[1])
        if self.frames < STAGES[self.stage]:
            return
        np.divide(sums, self.frames, out=self.features)
        self.features[DESCRIPTION : DESCRIPTION + 3] = sums[DESCRIPTION : DESCRIPTION + 3]
        self.features[DESCRIPTION + 3] = self._speech / self.frames
        likely = float(np.dot(WEIGHTS[self.stage], self.features)) + BIAS[self.stage]
        self.interrupts = self.interrupts or (self.speaking and likely >= self._thresholds[self.stage])
        self.stage += 1
