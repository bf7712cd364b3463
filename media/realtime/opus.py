"""Opus in and out (RFC 6716), called inline: no thread, no queue."""

from typing import Protocol

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from media.realtime.libopus import CDecoder, libopus
from media.realtime.opus_packet import MAX_PACKET_SAMPLES, OpusError, packet_samples
from media.realtime.packet import FRAME, RATE

__all__ = [
    "DTX_PACKET",
    "MAX_PACKET_SAMPLES",
    "AudioDecoder",
    "AudioEncoder",
    "FakeCodec",
    "OpusDecoder",
    "OpusEncoder",
    "OpusError",
    "packet_samples",
]

DTX_PACKET = b"\x68"
"""A 20 ms hybrid frame of length zero, mono: the receiver plays comfort noise (RFC 6716 §3.1)."""


class AudioEncoder(Protocol):
    """One stream of packets from one mix."""

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """Encodes a frame.

        Args:
            samples: int16[960], mono, 48 kHz.

        Returns:
            One packet of 20 ms.
        """
        ...


class AudioDecoder(Protocol):
    """One stream of sound from one sender's packets."""

    def decode(self, payload: bytes, out: NDArray[np.float32]) -> int:
        """Decodes a packet into the front of `out`.

        Args:
            payload: one packet.
            out: float32[>= 5760], mono, 48 kHz, in [-1, 1].

        Returns:
            How many samples were written.

        Raises:
            OpusError: the payload cannot be decoded.
        """
        ...

    def conceal(self, out: NDArray[np.float32]) -> int:
        """Makes up a frame for one that is missing, continuing what was decoded last.

        Returns:
            How many samples were written to the front of `out`; 0 before anything was decoded.
        """
        ...

    def copies(self, payload: bytes) -> bool:
        """Whether a packet carries a copy of the one before it (in-band FEC)."""
        ...

    def recover(self, payload: bytes, out: NDArray[np.float32]) -> int:
        """Decodes the copy that the packet after the missing one carries; then that packet can be decoded.

        Args:
            payload: the packet after the missing one.
            out: float32[n], as long as the missing one, of which it is filled whole.

        Returns:
            How many samples were written; 0 when there is no copy.
        """
        ...

    def reset(self) -> None:
        """Forgets what was decoded: the next packet begins a new stream."""
        ...


class OpusEncoder:
    """libopus, mono, 32 kbit/s, complexity 5 (a third cheaper than 10).

    Args:
        expected_loss: percentage; from about 10 on, libopus spends part of the bits on copies (in-band FEC).
    """

    def __init__(self, expected_loss: int = 5) -> None:
        context = av.CodecContext.create("libopus", "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = RATE
        context.layout = "mono"
        context.format = "s16"
        context.bit_rate = 32_000
        context.options = {
            "application": "voip",
            "compression_level": "5",
            "fec": "1",
            "packet_loss": str(expected_loss),
            "frame_duration": "20",
        }
        context.open()
        self._context = context
        self._frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME)
        self._frame.sample_rate = RATE
        self._plane = np.frombuffer(memoryview(self._frame.planes[0]), np.int16, FRAME)

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """Encodes int16[960] to one packet of 20 ms."""
        self._plane[:] = samples
        packets = self._context.encode(self._frame)
        return bytes(packets[0])


class OpusDecoder:
    """libopus, mono at 48 kHz whatever the sender sends; without its C interface, through PyAV and with no copies."""

    def __init__(self) -> None:
        library = libopus()
        self._engine: CDecoder | _WrappedDecoder = (
            CDecoder(library) if library is not None else _WrappedDecoder()
        )
        self._last: bytes | None = None

    def decode(self, payload: bytes, out: NDArray[np.float32]) -> int:
        """Decodes one packet; see `AudioDecoder`."""
        packet_samples(payload)
        written = self._engine.decode(payload, out)
        self._last = payload
        return written

    def conceal(self, out: NDArray[np.float32]) -> int:
        """Continues the last packet by one frame of its length; see `AudioDecoder`."""
        if self._last is None:
            return 0
        frame = bytes((self._last[0] & 0xFC,))
        return self._engine.conceal(frame, out[: packet_samples(frame)])

    def copies(self, payload: bytes) -> bool:
        """Whether a packet carries a copy of the one before it; see `AudioDecoder`."""
        return self._engine.copies(payload)

    def recover(self, payload: bytes, out: NDArray[np.float32]) -> int:
        """Decodes the copy in a packet; see `AudioDecoder`."""
        return self._engine.recover(payload, out)

    def reset(self) -> None:
        """Begins anew."""
        self._engine.reset()
        self._last = None


class _WrappedDecoder:
    """FFmpeg's wrapper around libopus.

    Concealment needs no private access: a packet of the table-of-contents byte alone is a frame of length zero,
    which libopus takes for a lost one (RFC 6716 §3.2.1, §4.4). The copies are not within reach.
    """

    def __init__(self) -> None:
        self.reset()

    def decode(self, payload: bytes, out: NDArray[np.float32]) -> int:
        try:
            frames = self._context.decode(av.Packet(payload))
        except av.error.FFmpegError as error:
            raise OpusError(f"not an Opus packet: {error.strerror}") from error
        written = 0
        for frame in frames:
            samples = np.frombuffer(memoryview(frame.planes[0]), np.int16, frame.samples)
            np.multiply(samples, np.float32(1 / 32768), out=out[written : written + frame.samples])
            written += frame.samples
        return written

    def conceal(self, frame: bytes, out: NDArray[np.float32]) -> int:
        return self.decode(frame, out)

    def copies(self, payload: bytes) -> bool:
        return False

    def recover(self, payload: bytes, out: NDArray[np.float32]) -> int:
        return 0

    def reset(self) -> None:
        context = av.CodecContext.create("libopus", "r")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = RATE
        context.layout = "mono"
        context.open()
        self._context = context


class FakeCodec:
    """Both ends of a codec that keeps samples as they are; conceals with silence.

    Attributes:
        encoded: how many frames were encoded.
    """

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """The samples behind a table of contents of 20 ms."""
        self.encoded += 1
        return b"\xf8" + samples.tobytes()

    def decode(self, payload: bytes, out: NDArray[np.float32]) -> int:
        """The samples that were encoded."""
        if len(payload) == 1:
            out[:FRAME] = 0.0
            return FRAME
        if not payload or len(payload) % 2 == 0:
            raise OpusError("not a packet of the fake codec")
        samples = np.frombuffer(payload, np.int16, offset=1)
        out[: len(samples)] = samples.astype(np.float32) / 32768
        return len(samples)

    def copies(self, payload: bytes) -> bool:
        """Never."""
        return False

    def recover(self, payload: bytes, out: NDArray[np.float32]) -> int:
        """Nothing."""
        return 0

    def conceal(self, out: NDArray[np.float32]) -> int:
        """A frame of silence."""
        out[:FRAME] = 0.0
        return FRAME

    def reset(self) -> None:
        """Nothing is kept."""
