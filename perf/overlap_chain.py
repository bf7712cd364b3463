"""What the media plane does with a microphone's sound before it decides, without network and clock."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from media.realtime.decimator import EARS_FRAME, HISTORY, TAPS, decimate
from media.realtime.gain import adapt
from media.realtime.gate import Gate
from media.realtime.levels import measure
from media.realtime.opus import OpusDecoder, OpusEncoder
from media.realtime.overlap import Overlap
from media.realtime.packet import FRAME
from media.realtime.suppression import WebRtcSuppressor

__all__ = ["Chain"]


class Chain:
    """One person's way through codec, noise suppression, level, gate and overlap: what decides in a tick.

    Args:
        thresholds: see `Overlap`.

    Attributes:
        gate: the cheap gate.
        overlap: decides; hears only where `over` is said.
        ears: int16[1, 320], the last frame at 16 kHz.
    """

    def __init__(self, thresholds: Sequence[float] | None = None) -> None:
        self._encoder, self._decoder = OpusEncoder(), OpusDecoder()
        self._suppressor = WebRtcSuppressor()
        self._decoded = np.zeros(5760, np.float32)
        self._frames = np.zeros((1, FRAME), np.float32)
        self._rows = np.zeros(1, np.int64)
        self._levels = np.zeros(1, np.float32)
        self._filter = np.zeros((1, HISTORY), np.float32)
        self._scratch = np.zeros(HISTORY + FRAME, np.float32)
        self._voiced = np.zeros(1, np.bool_)
        self._power, self._weight = np.zeros(1, np.float32), np.zeros(1, np.float32)
        self._fader = np.ones(1, np.float32)
        self.ears = np.zeros((1, EARS_FRAME), np.int16)
        self.gate = Gate()
        self.overlap = Overlap(thresholds)

    @property
    def power(self) -> float:
        """Mean square of the person's speech as it usually is."""
        return float(self._power[0])

    @power.setter
    def power(self, power: float) -> None:
        self._power[0], self._weight[0] = power, 100.0

    def hear(self, samples: npt.NDArray[np.int16], *, over: bool) -> Iterator[int]:
        """Hears int16[n], 48 kHz, and stops after each frame of 20 ms for whoever looks.

        Args:
            samples: what the microphone takes up.
            over: whether a persona's voice sounds meanwhile.
        """
        for index in range(len(samples) // FRAME):
            packet = self._encoder.encode(np.ascontiguousarray(samples[index * FRAME : (index + 1) * FRAME]))
            self._decoder.decode(packet, self._decoded)
            self._frames[0] = self._decoded[:FRAME]
            self._suppressor.clean(self._frames[0])
            measure(self._frames, self._rows, 1, self._levels)
            decimate(self._frames, self._rows, 1, TAPS, self._filter, self._scratch, self.ears)
            self.gate.hear(self.ears[0].data.cast("B"), float(self._levels[0]))
            self._voiced[0] = self.gate.voiced
            if over:
                self.overlap.hear(self.ears[0], self.gate, float(self._power[0]))
            adapt(self._levels, self._rows, 1, self._voiced, self._power, self._weight, self._fader)
            yield index
