"""A process that ends when it is told to."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog

__all__ = ["until_signalled"]

_log = structlog.get_logger()


async def until_signalled(work: Callable[[], Awaitable[None]]) -> None:
    """Does the work until it is done, or SIGTERM or SIGINT comes, which cancels it."""
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(work())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        _log.info("ending")
