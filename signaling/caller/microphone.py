"""The caller's microphone: Opus packets of 20 ms on an absolute clock, silence where nothing is said."""

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from aiortc import MediaStreamTrack

from media.realtime.opus import OpusEncoder
from media.realtime.packet import FRAME
from signaling.caller.voiced import last_voiced
from signaling.caller.wav import RATE

__all__ = ["Microphone", "SpeechCut"]

_PERIOD = FRAME / RATE
_TIME_BASE = Fraction(1, RATE)
_HOPELESSLY_LATE = 1.0  # seconds behind after which the clock starts anew instead of sending a burst


class SpeechCut(Exception):
    """The utterance was not sent to its end: the connection was lost, or it was cut on purpose."""


class _Utterance:
    def __init__(self, samples: npt.NDArray[np.int16], done: asyncio.Future[float]) -> None:
        padding = -samples.size % FRAME
        self.samples = np.concatenate([samples, np.zeros(padding, np.int16)]) if padding else samples
        self.position = 0
        self.last_voiced = last_voiced(samples)
        self.last_voiced_at: float | None = None
        self.done = done


class Microphone:
    """What is said into a call; outlives the connections that carry it.

    A track made by `track()` paces itself: each `recv` waits for its 20 ms. A sample counts as spoken when a
    microphone would have taken it up: its packet is sent when the packet's last sample has been spoken.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.sent = 0
        self._utterance: _Utterance | None = None
        self._track: _MicrophoneTrack | None = None

    def track(self) -> MediaStreamTrack:
        """A new track for a new connection; the one before is stopped."""
        if self._track is not None:
            self._track.stop()
        self._track = _MicrophoneTrack(self)
        return self._track

    @property
    def speaking(self) -> bool:
        """An utterance is on its way out."""
        return self._utterance is not None

    async def say(self, samples: npt.NDArray[np.int16]) -> float:
        """Speaks int16[n] (48 kHz mono) and returns once the last packet is sent.

        Returns:
            The instant (`clock`, seconds) at which the last voiced sample was spoken.

        Raises:
            SpeechCut: the utterance was cut off by `cut`.
        """
        if self._utterance is not None:
            raise RuntimeError("already speaking")
        utterance = _Utterance(samples, asyncio.get_running_loop().create_future())
        self._utterance = utterance
        try:
            return await utterance.done
        finally:
            if self._utterance is utterance:
                self._utterance = None

    def cut(self) -> None:
        """Ends the running utterance, if any, where it is."""
        if self._utterance is not None and not self._utterance.done.done():
            self._utterance.done.set_exception(SpeechCut())
        self._utterance = None

    def next_frame(self, sent_at: float) -> npt.NDArray[np.int16] | None:
        """The next 960 samples, or None for silence; `sent_at` is the instant at which they are sent."""
        utterance = self._utterance
        if utterance is None or utterance.done.done():
            return None
        start = utterance.position
        frame = utterance.samples[start : start + FRAME]
        utterance.position += FRAME
        if start < utterance.last_voiced <= utterance.position:
            utterance.last_voiced_at = sent_at - (utterance.position - utterance.last_voiced) / RATE
        if utterance.position >= utterance.samples.size:
            utterance.done.set_result(
                utterance.last_voiced_at if utterance.last_voiced_at is not None else sent_at
            )
        return frame


class _MicrophoneTrack(MediaStreamTrack):
    kind = "audio"

    def __init__(self, microphone: Microphone) -> None:
        super().__init__()
        self._microphone = microphone
        self._encoder = OpusEncoder()
        self._silence = np.zeros(FRAME, np.int16)
        self._due: float | None = None
        self._timestamp = 0

    async def recv(self) -> "av.Packet[Any]":
        """The next packet, once it is due; encoded here, so that the sender only packs it."""
        clock = self._microphone.clock
        now = clock()
        if self._due is None or now - self._due > _HOPELESSLY_LATE:
            self._due = now
        if self._due > now:
            await asyncio.sleep(self._due - now)
        self._due += _PERIOD
        samples = self._microphone.next_frame(clock())
        packet = av.Packet(self._encoder.encode(self._silence if samples is None else samples))
        packet.pts = self._timestamp
        packet.time_base = _TIME_BASE
        self._timestamp += FRAME
        self._microphone.sent += 1
        return packet
