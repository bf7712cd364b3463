"""How a kernel is compiled: ahead, for the types it names, once a machine."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

__all__ = ["kernel"]

_Kernel = TypeVar("_Kernel", bound=Callable[..., object])


def kernel(signature: str) -> Callable[[_Kernel], _Kernel]:
    """Compiles a function when its module is imported and keeps the code on disk.

    Args:
        signature: numba's types of the arguments and the result.
    """
    # Sums may be reordered to fill vector registers; NaN and infinity keep their meaning.
    relaxed = {"reassoc", "contract", "nsz", "arcp"}
    return cast(Callable[[_Kernel], _Kernel], njit(signature, cache=True, fastmath=relaxed))
