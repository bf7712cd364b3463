"""Listeners who are sent the same sound: what is alike is done once, the rest in compiled code."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from media.rtc.burst import DONE, MAX_PAYLOAD, REPORT, burst, libc_functions, scratch
from media.rtc.outbound import OutboundAudio
from media.rtc.packets import send_time
from media.rtc.private import protect_address

__all__ = ["AudioGroup"]

_LIBC = libc_functions()
_PROTECT = protect_address()
_FUNCTIONS = np.array([_PROTECT, *_LIBC], np.int64) if _LIBC is not None and _PROTECT is not None else None
_MEMORY = scratch()


class HasOutbound(Protocol):
    """Somebody who hears."""

    @property
    def outbound(self) -> OutboundAudio:
        """The stream that is heard."""
        ...


class AudioGroup:
    """Streams that get the same packets.

    Args:
        peers: whose.
        clock: monotonic nanoseconds.
    """

    def __init__(self, peers: Sequence[HasOutbound], clock: Callable[[], int] = time.monotonic_ns) -> None:
        # They own the memory that the addresses lead to.
        self._streams = [peer.outbound for peer in peers]
        self._addresses = np.array([stream.address for stream in self._streams], np.int64)
        self._outcomes = np.zeros(len(self._streams), np.uint8)
        self._clock = clock

    def send(self, payload: bytes, timestamp: int) -> None:
        """Sends one packet to all; see `AudioPeer.send_audio`."""
        if _FUNCTIONS is None or len(payload) > MAX_PAYLOAD:
            for stream in self._streams:
                stream.send(payload, timestamp)
            return
        now_ns = self._clock()
        _MEMORY[: len(payload)] = np.frombuffer(payload, np.uint8)
        outcomes = self._outcomes
        if not burst(
            self._addresses,
            _FUNCTIONS,
            _MEMORY,
            len(payload),
            timestamp,
            send_time(now_ns),
            now_ns,
            outcomes,
        ):
            return
        for index in np.flatnonzero(outcomes != DONE):
            stream = self._streams[index]
            if outcomes[index] == REPORT:
                stream.report(now_ns, timestamp)
            else:
                stream.send(payload, timestamp)
