"""llama.cpp's library: loaded once its threads are told how to wait, and silent."""

import ctypes
import os
from collections import deque

# OpenMP reads this once, when it is loaded. Its default spins for milliseconds at each of some thousand barriers a
# token: with a second busy process on the same cores an answer then takes minutes. Some 0.3 ms bridge the barriers
# where the cores are free.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import llama_cpp

__all__ = ["last_log", "llama_cpp", "silence"]

_log_tail: deque[str] = deque(maxlen=20)


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _keep_log(_level: int, text: bytes, _data: object) -> None:
    _log_tail.append(text.decode("utf-8", "replace").strip())


def silence() -> None:
    """Keeps what the library says to itself, from now on, for `last_log`."""
    llama_cpp.llama_log_set(_keep_log, ctypes.c_void_p(0))
    _log_tail.clear()


def last_log() -> str:
    """The last line the library said: why something failed."""
    return next((line for line in reversed(_log_tail) if line), "no reason given")
