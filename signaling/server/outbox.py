"""What waits to be sent to one client: bounded, in order, written by one task."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

__all__ = ["Outbox", "SlowClient"]

MAX_MESSAGES = 512
MAX_CHARACTERS = 4 << 20
SEND_TIMEOUT_S = 10.0


class SlowClient(Exception):
    """The client does not read as fast as the room speaks."""


class Outbox:
    """A queue of texts; `put` never waits."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._characters = 0
        self._changed = asyncio.Event()
        self._finished = False
        self._overflown = False

    def put(self, text: str) -> None:
        """Appends a text; after `finish` or an overflow it is forgotten."""
        if self._finished or self._overflown:
            return
        if len(self._texts) >= MAX_MESSAGES or self._characters + len(text) > MAX_CHARACTERS:
            self._overflown = True
        else:
            self._texts.append(text)
            self._characters += len(text)
        self._changed.set()

    def finish(self) -> None:
        """Lets `drain` return after what was put so far."""
        self._finished = True
        self._changed.set()

    async def drain(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Sends until `finish`.

        Raises:
            SlowClient: the queue overflowed, or one text took longer than `SEND_TIMEOUT_S`.
            ConnectionError: from `send`.
        """
        while True:
            while self._texts and not self._overflown:
                text = self._texts.popleft()
                self._characters -= len(text)
                try:
                    async with asyncio.timeout(SEND_TIMEOUT_S):
                        await send(text)
                except TimeoutError:
                    raise SlowClient(f"a message was not taken within {SEND_TIMEOUT_S} s") from None
            if self._overflown:
                raise SlowClient(f"more than {MAX_MESSAGES} messages or {MAX_CHARACTERS} characters waited")
            if self._finished:
                return
            self._changed.clear()
            await self._changed.wait()
