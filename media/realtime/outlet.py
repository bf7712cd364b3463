"""One mix on its way to packets: encodes it, and falls silent the way Opus DTX does."""

import numpy as np
from numpy.typing import NDArray

from media.realtime.opus import DTX_PACKET, AudioEncoder
from media.realtime.packet import FRAME

__all__ = ["MixHistory", "Outlet"]

_COMFORT_FRAMES = 20
_WARM_FRAMES = 3


class MixHistory:
    """The last frames of the mix that all silent listeners hear.

    Attributes:
        silent: for how many frames in a row it has been digital silence.
    """

    __slots__ = ("_frames", "_next", "silent")

    def __init__(self) -> None:
        self._frames = np.zeros((_WARM_FRAMES, FRAME), np.int16)
        self._next = 0
        self.silent = _COMFORT_FRAMES

    def keep(self, mix: NDArray[np.int16]) -> None:
        """Keeps int16[960] in the place of the oldest."""
        self._frames[self._next] = mix
        self._next = (self._next + 1) % _WARM_FRAMES
        self.silent = 0 if mix.any() else self.silent + 1

    def replay(self, encoder: AudioEncoder) -> None:
        """Brings an encoder to where its listeners' decoders are, so that taking over cannot be heard."""
        for offset in range(_WARM_FRAMES):
            encoder.encode(self._frames[(self._next + offset) % _WARM_FRAMES])


class Outlet:
    """An encoder and for how long its mix has been silent.

    400 ms of silence are encoded; then one comfort frame every 400 ms keeps receivers from stalling, at no
    encode and a twentieth of the packets, as Opus' own DTX does (RFC 7587 §3.1.3).

    Attributes:
        encodes: how many frames became packets.
        replays: how many times it took over a stream, at three encodes each.
    """

    __slots__ = ("_encoder", "_silent", "encodes", "replays")

    def __init__(self, encoder: AudioEncoder) -> None:
        self._encoder = encoder
        self._silent = _COMFORT_FRAMES
        self.encodes = 0
        self.replays = 0

    def packet(self, mix: NDArray[np.int16]) -> bytes | None:
        """The packet of int16[960], or None when nothing needs to be sent."""
        if mix.any():
            self._silent = 0
        else:
            self._silent += 1
            if self._silent >= _COMFORT_FRAMES:
                return DTX_PACKET if self._silent % _COMFORT_FRAMES == 0 else None
        self.encodes += 1
        return self._encoder.encode(mix)

    def take_over(self, history: MixHistory) -> None:
        """Continues the stream that listeners of the common mix have heard so far."""
        history.replay(self._encoder)
        self._silent = history.silent
        self.replays += 1
