"""An event loop whose clock jumps to the next timer: long conversations in milliseconds, the same each time."""

import asyncio
import selectors

__all__ = ["VirtualTimeLoop"]


class _JumpingSelector(selectors.DefaultSelector):
    """Polls without waiting and tells the loop how long it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("deadlock in virtual time: nothing is scheduled and nothing is ready")
        ready = super().select(0)
        if not ready:
            self.now += max(timeout, 0.0)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`loop.time()` starts at 0 s and jumps to the next timer as soon as nothing else is ready.

    Threads are not waited for: work handed to an executor belongs to a fake in a virtual-time test.

    Raises:
        RuntimeError: from the running call, when every task waits for something that no timer brings.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now
