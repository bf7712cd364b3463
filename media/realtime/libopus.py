"""libopus by its C interface: what FFmpeg's wrapper leaves out, the decoder's half of in-band FEC (RFC 6716 §2.1.7).

The library is the one that PyAV's binary packages carry beside FFmpeg; where PyAV was built otherwise, the
system's.
"""

import ctypes
import ctypes.util
from ctypes import CDLL, POINTER, c_char_p, c_int, c_int32, c_void_p
from functools import cache
from pathlib import Path
from weakref import finalize

import av
import numpy as np
from numpy.typing import NDArray

from media.realtime.opus_packet import MAX_PACKET_SAMPLES, OpusError

__all__ = ["CDecoder", "libopus"]

_RESET_STATE = 4028
_OK = 0
_BUNDLED = ("../av.libs/libopus*", ".dylibs/libopus*", "../av.libs/opus*.dll")


@cache
def libopus() -> CDLL | None:
    """The library with its prototypes, or None where there is none to be had."""
    home = Path(av.__file__).parent
    named = [str(path) for pattern in _BUNDLED for path in sorted(home.glob(pattern))]
    system = ctypes.util.find_library("opus")
    for name in [*named, *([system] if system else [])]:
        try:
            library = ctypes.CDLL(name)
            library.opus_decoder_create.restype = c_void_p
            library.opus_decoder_create.argtypes = [c_int32, c_int, POINTER(c_int)]
            library.opus_decode_float.restype = c_int
            library.opus_decode_float.argtypes = [c_void_p, c_char_p, c_int32, c_void_p, c_int, c_int]
            library.opus_decoder_destroy.argtypes = [c_void_p]
            library.opus_packet_has_lbrr.argtypes = [c_char_p, c_int32]
            library.opus_packet_has_lbrr.restype = c_int
        except (OSError, AttributeError):
            # Another libopus may do: `opus_packet_has_lbrr` is there from 1.4 on.
            continue
        return library
    return None


class CDecoder:
    """One mono decoder at 48 kHz that writes float32 samples.

    Args:
        library: as `libopus` gives it.

    Raises:
        MemoryError: there is no memory for its state.
    """

    def __init__(self, library: CDLL) -> None:
        self._library = library
        self._decode = library.opus_decode_float
        self._has_copy = library.opus_packet_has_lbrr
        failed = c_int(_OK)
        self._state = c_void_p(library.opus_decoder_create(48_000, 1, ctypes.byref(failed)))
        if failed.value != _OK or not self._state.value:
            raise MemoryError("libopus has no memory for a decoder")
        self._freed = finalize(self, library.opus_decoder_destroy, self._state)

    def decode(self, payload: bytes, out: NDArray[np.float32]) -> int:
        """Decodes a packet into the front of float32[>= 5760], contiguous; returns how many samples it had.

        Raises:
            OpusError: it is no Opus packet.
        """
        return self._call(payload, out, min(len(out), MAX_PACKET_SAMPLES), copy=False)

    def conceal(self, frame: bytes, out: NDArray[np.float32]) -> int:
        """Makes up float32[n]; returns n."""
        return self._call(None, out, len(out), copy=False)

    def copies(self, payload: bytes) -> bool:
        """Whether a packet carries a copy of the one before it."""
        return int(self._has_copy(payload, len(payload))) == 1

    def recover(self, payload: bytes, out: NDArray[np.float32]) -> int:
        """Fills float32[n] with the copy that a packet carries of the one before it; 0 when it carries none.

        Raises:
            OpusError: it is no Opus packet, or no packet is of length n.
        """
        return self._call(payload, out, len(out), copy=True) if self.copies(payload) else 0

    def reset(self) -> None:
        """Forgets what was decoded."""
        self._library.opus_decoder_ctl(self._state, c_int(_RESET_STATE))

    def _call(self, payload: bytes | None, out: NDArray[np.float32], samples: int, *, copy: bool) -> int:
        size = 0 if payload is None else len(payload)
        written = int(self._decode(self._state, payload, size, out.ctypes.data, samples, copy))
        if written < 0:
            raise OpusError(f"not an Opus packet (libopus error {written})")
        np.clip(out[:written], -1.0, 1.0, out=out[:written])
        return written
