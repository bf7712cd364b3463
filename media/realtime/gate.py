"""The cheap gate: WebRTC's voice-activity detector above a tracked noise floor. It only rejects."""

from typing import Protocol

import webrtcvad

from media.realtime.decimator import EARS_RATE

__all__ = ["CLOSE_FRAMES", "PREROLL", "FakeFrameActivity", "FrameActivity", "Gate", "WebRtcActivity"]

OPEN_FRAMES = 2
"""Speech frames in a row that open the gate; one alone is a click."""

CLOSE_FRAMES = 30
"""Frames without speech that close it: 600 ms."""

PREROLL = EARS_RATE // 5
"""Samples of the ears ring that are to be heard before the first speech frame: 200 ms."""

_AUDIBLE = 0.001
_FLOOR_FACTOR = 2.0
_WINDOW_FRAMES = 25
_WINDOWS = 6
_ROUGH_WINDOWS = 2


class FrameActivity(Protocol):
    """Whether 20 ms of sound may be speech."""

    def is_speech(self, pcm: memoryview) -> bool:
        """Judges 640 bytes: int16[320] at 16 kHz."""
        ...


class WebRtcActivity:
    """webrtcvad in its mode 2. It takes any steady noise for speech, hence the floor in `Gate`."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(2)

    def is_speech(self, pcm: memoryview) -> bool:
        """Judges 640 bytes; 5 us."""
        return bool(self._vad.is_speech(pcm, EARS_RATE))


class FakeFrameActivity:
    """Takes everything for speech that is not digital silence."""

    def is_speech(self, pcm: memoryview) -> bool:
        """True when any byte differs from zero."""
        return any(pcm)


class _NoiseFloor:
    """Minimum statistics (Martin 2001), in the small: the least smoothed level of the last three seconds."""

    __slots__ = ("_frames", "_least", "_smoothed", "_windows", "level")

    def __init__(self) -> None:
        self._smoothed = 0.0
        self._least = 1.0
        self._frames = 0
        self._windows: list[float] = []
        self.level = 0.0

    def hear(self, level: float) -> None:
        self._smoothed += 0.3 * (level - self._smoothed)
        self._least = min(self._least, self._smoothed)
        self._frames += 1
        if self._frames < _WINDOW_FRAMES:
            return
        self._windows.append(self._least)
        del self._windows[:-_WINDOWS]
        self._frames, self._least = 0, 1.0
        if len(self._windows) >= _ROUGH_WINDOWS:
            self.level = min(self._windows)


class Gate:
    """Opens within two frames of speech and closes after 600 ms of none.

    Attributes:
        opened: whether it is open.
        loud: whether the last frame was well above the noise.
    """

    __slots__ = ("_activity", "_floor", "_silent", "_speech", "loud", "opened")

    def __init__(self, activity: FrameActivity | None = None) -> None:
        self._activity = activity if activity is not None else WebRtcActivity()
        self._floor = _NoiseFloor()
        self._speech = 0
        self._silent = 0
        self.opened = self.loud = False

    @property
    def speech(self) -> int:
        """How many frames in a row were speech, up to the last one."""
        return self._speech

    @property
    def voiced(self) -> bool:
        """Whether it is open and the last frame itself was speech."""
        return self.opened and self._speech > 0

    def hear(self, pcm: memoryview, level: float) -> bool:
        """Hears a frame.

        Args:
            pcm: 640 bytes, int16[320] at 16 kHz.
            level: its root mean square, 0 to 1.

        Returns:
            Whether `opened` changed.
        """
        self._floor.hear(level)
        self.loud = level > max(_AUDIBLE, _FLOOR_FACTOR * self._floor.level)
        if self.loud and self._activity.is_speech(pcm):
            self._speech += 1
            self._silent = 0
        else:
            self._speech = 0
            self._silent += 1
        if not self.opened and self._speech >= OPEN_FRAMES:
            self.opened = True
            return True
        if self.opened and self._silent >= CLOSE_FRAMES:
            self.opened = False
            return True
        return False

    def close(self) -> bool:
        """Closes at once; returns whether it was open."""
        was_open = self.opened
        self.opened = self.loud = False
        self._speech = self._silent = 0
        return was_open
