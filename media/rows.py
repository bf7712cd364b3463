"""What is known of each participant of a room, by row: arrays that a pass over the room fills and reads."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from media.realtime.decimator import EARS_FRAME, HISTORY
from media.realtime.packet import FRAME

__all__ = ["Rows"]

_INITIAL_ROWS = 8

_Scalar = TypeVar("_Scalar", bound=np.generic)


class Rows:
    """Arrays with a row for each participant; they are replaced by larger ones when more come than ever before.

    Attributes:
        frames: float32[rows, 960], the frame at 48 kHz.
        ears: int16[rows, 320], the frame of people at 16 kHz.
        filter: float32[rows, HISTORY], what the decimator keeps.
        levels: float32[rows], root mean square of the frame.
        before: float32[rows], that of the frame before.
        audible: float32[rows], the same, zero for what nobody is to hear.
        raw: float32[rows], that of people's frames as they came.
        loudness: float32[rows], smoothed, kept by `choose`.
        hangover: int64[rows], kept by `choose`.
        heard: bool[rows], chosen to be heard.
        gains_from: float32[rows], gain at the first sample of the frame.
        gains_to: float32[rows], gain after the last.
        voiced: bool[rows], speech to the gate.
        speech_power: float32[rows], mean square of people's speech as it usually is.
        speech_weight: float32[rows], how much of it is known.
        faders: float32[rows], gain that brings people to the same loudness.
        order: int64[rows], the rows that hold a frame, people's first.
        sources: int64[rows], the rows that are mixed.
        mixes: int16[rows + 1, 960], the mixes.
    """

    __slots__ = (
        "_free",
        "audible",
        "before",
        "ears",
        "faders",
        "filter",
        "frames",
        "gains_from",
        "gains_to",
        "hangover",
        "heard",
        "levels",
        "loudness",
        "mixes",
        "order",
        "raw",
        "sources",
        "speech_power",
        "speech_weight",
        "voiced",
    )

    def __init__(self) -> None:
        self.frames = np.zeros((0, FRAME), np.float32)
        self.ears = np.zeros((0, EARS_FRAME), np.int16)
        self.filter = np.zeros((0, HISTORY), np.float32)
        self.levels = np.zeros(0, np.float32)
        self.before = np.zeros(0, np.float32)
        self.audible = np.zeros(0, np.float32)
        self.raw = np.zeros(0, np.float32)
        self.loudness = np.zeros(0, np.float32)
        self.hangover = np.zeros(0, np.int64)
        self.heard = np.zeros(0, np.bool_)
        self.gains_from = np.zeros(0, np.float32)
        self.gains_to = np.zeros(0, np.float32)
        self.voiced = np.zeros(0, np.bool_)
        self.speech_power = np.zeros(0, np.float32)
        self.speech_weight = np.zeros(0, np.float32)
        self.faders = np.zeros(0, np.float32)
        self.order = np.zeros(0, np.int64)
        self.sources = np.zeros(0, np.int64)
        self._free: list[int] = []
        self._allocate(_INITIAL_ROWS)

    def take(self) -> int:
        """A row for somebody new, of whom nothing is known."""
        if not self._free:
            self._allocate(2 * len(self.frames))
        row = self._free.pop()
        for state in (self.levels, self.before, self.loudness, self.hangover, self.heard):
            state[row] = 0
        self.speech_power[row] = self.speech_weight[row] = 0.0
        self.faders[row] = 1.0
        self.gains_from[row] = self.gains_to[row] = 0.0
        self.filter[row] = 0.0
        return row

    def free(self, row: int) -> None:
        """Gives a row back."""
        self._free.append(row)

    def _allocate(self, rows: int) -> None:
        """Makes room for more participants, keeping the state of those who are here."""
        before = len(self.frames)
        self.frames = _grown(self.frames, rows)
        self.ears = _grown(self.ears, rows)
        self.filter = _grown(self.filter, rows)
        self.levels = _grown(self.levels, rows)
        self.before = _grown(self.before, rows)
        self.audible = _grown(self.audible, rows)
        self.raw = _grown(self.raw, rows)
        self.loudness = _grown(self.loudness, rows)
        self.hangover = _grown(self.hangover, rows)
        self.heard = _grown(self.heard, rows)
        self.gains_from = _grown(self.gains_from, rows)
        self.gains_to = _grown(self.gains_to, rows)
        self.voiced = _grown(self.voiced, rows)
        self.speech_power = _grown(self.speech_power, rows)
        self.speech_weight = _grown(self.speech_weight, rows)
        self.faders = _grown(self.faders, rows)
        self.order = _grown(self.order, rows)
        self.sources = _grown(self.sources, rows)
        self.mixes = np.zeros((rows + 1, FRAME), np.int16)
        self._free.extend(range(rows - 1, before - 1, -1))


def _grown(array: NDArray[_Scalar], rows: int) -> NDArray[_Scalar]:
    larger = np.zeros((rows, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
