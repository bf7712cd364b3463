"""Gives freed memory back to the system."""

import ctypes
import gc

__all__ = ["collect", "trim"]


def collect() -> None:
    """Frees what is only held by cycles, and gives it back; holds the interpreter meanwhile."""
    gc.collect()
    trim()


def trim() -> None:
    """Hands freed memory back where the C library can (glibc): it keeps it for itself else. Blocks for some 50 ms."""
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if give_back is not None:
        give_back(0)
