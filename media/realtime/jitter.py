"""Adaptive jitter buffer: holds a sender's packets, decodes them in the tick, conceals what is missing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.realtime.opus import MAX_PACKET_SAMPLES, AudioDecoder, OpusDecoder
from media.realtime.packet import FRAME, FrameKind, ReceivedPacket

__all__ = ["JitterBuffer", "JitterStatistics"]


@dataclass(slots=True)
class JitterStatistics:
    """Counters since the buffer was made."""

    received: int = 0


class JitterBuffer:
    """One sender's sound."""

    def __init__(self, decoder: AudioDecoder | None = None) -> None:
        self._decoder: AudioDecoder = decoder if decoder is not None else OpusDecoder()
        self._packets: list[ReceivedPacket] = []
        self._scratch = np.zeros(MAX_PACKET_SAMPLES, np.float32)
        self.statistics = JitterStatistics()

    def push(self, packet: ReceivedPacket) -> None:
        """Takes a packet as it arrived; never raises."""
        self.statistics.received += 1
        self._packets.append(packet)
        del self._packets[:-8]

    def pull(self, out: NDArray[np.float32], now_ns: int) -> FrameKind:
        """Fills `out` (float32[960]) with the next 20 ms, as of `now_ns` (the clock of `arrival_ns`)."""
        if not self._packets:
            out[:] = 0.0
            return FrameKind.SILENCE
        self._decoder.decode(self._packets.pop(0).payload, self._scratch)
        out[:] = self._scratch[:FRAME]
        return FrameKind.SPEECH
