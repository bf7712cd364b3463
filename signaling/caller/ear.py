"""The caller's ear: pulls a jitter buffer by its own clock, as a sound card would, and marks what sounds."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from media.realtime.jitter import JitterBuffer
from media.realtime.packet import FRAME, FrameKind
from signaling.caller.voiced import onset
from signaling.caller.wav import RATE

__all__ = ["Ear", "Sound"]

_PERIOD = FRAME / RATE
_PAUSE = 0.4  # seconds of quiet that end a stretch of sound
_HOPELESSLY_LATE = 1.0  # seconds behind after which the clock starts anew instead of catching up
_MARKS = 512  # stretches of sound remembered


@dataclass(slots=True)
class Sound:
    """A stretch of sound without a pause: instants of its first and last sample, by the ear's clock."""

    begun: float
    ended: float


class Ear:
    """Hears one call, whatever connections carry it.

    Args:
        sink: gets each frame heard, int16[960], the same array every time.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        sink: Callable[[npt.NDArray[np.int16]], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.sounds: deque[Sound] = deque(maxlen=_MARKS)
        self.frames = 0
        self.concealed = 0
        self._sink = sink
        self._buffer: JitterBuffer | None = None
        self._heard = np.zeros(FRAME, np.float32)
        self._pcm = np.zeros(FRAME, np.int16)

    def listen(self, buffer: JitterBuffer | None) -> None:
        """Pulls from another buffer from now on; None is silence."""
        self._buffer = buffer

    async def run(self) -> None:
        """Ticks until cancelled."""
        due = self.clock()
        while True:
            due += _PERIOD
            late = self.clock() - due
            if late > _HOPELESSLY_LATE:
                due = self.clock()
            elif late < 0:
                await asyncio.sleep(-late)
            self.tick()

    def tick(self) -> None:
        """Plays one frame; what is in it sounds from now on."""
        now = self.clock()
        if self._buffer is None:
            self._heard.fill(0.0)
        elif self._buffer.pull(self._heard, int(now * 1e9)) is FrameKind.CONCEALED:
            self.concealed += 1
        self.frames += 1
        start = onset(self._heard)
        if start is not None:
            begun = now + start / RATE
            if self.sounds and begun - self.sounds[-1].ended < _PAUSE:
                self.sounds[-1].ended = now + _PERIOD
            else:
                self.sounds.append(Sound(begun, now + _PERIOD))
        np.multiply(self._heard, 32767.0, out=self._heard)
        np.clip(self._heard, -32768.0, 32767.0, out=self._heard)
        np.copyto(self._pcm, self._heard, casting="unsafe")
        self._sink(self._pcm)

    def first_sound(self, *, since: float) -> Sound | None:
        """The first stretch of sound that began at or after an instant."""
        return next((sound for sound in self.sounds if sound.begun >= since), None)

    def quiet_for(self) -> float:
        """Seconds since the last sample that sounded; infinite when nothing ever did."""
        return self.clock() - self.sounds[-1].ended if self.sounds else float("inf")
