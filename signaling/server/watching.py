"""The operators' WebSocket: one snapshot a second for all who look, none while nobody does."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Literal

import structlog

from signaling.server.access import may_operate
from signaling.server.ports import Socket

__all__ = ["SnapshotFeed", "Watcher"]

PERIOD_S = 1.0
MAX_WATCHERS = 16
WATCH_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 10.0
MAX_KEY_CHARACTERS = 1024
VERSION = 1
BYE_STATUS = 4000
NORMAL_STATUS = 1000

Code = Literal["bad-message", "bad-version", "busy", "join-timeout", "restarting", "unauthorized"]

log = structlog.get_logger()


class SnapshotFeed:
    """Takes snapshots while somebody looks; whoever is slow is given the newest, and misses some.

    Args:
        take: takes one.
        drop: counts what went wrong, by reason.
    """

    def __init__(self, take: Callable[[], Awaitable[str]], drop: Callable[[str], None]) -> None:
        self._take = take
        self._drop = drop
        self._watched = asyncio.Event()
        self._changed = asyncio.Event()
        self._watchers = 0
        self._number = 0
        self._newest = ""
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Takes one each second while somebody looks; runs until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._watched.wait()
            due = loop.time() + PERIOD_S
            try:
                self._newest = await self._take()
            except Exception:
                # Calls go on, whatever is wrong with the picture of them.
                self._drop("snapshot-fault")
                log.exception("snapshot.fault")
            else:
                self._number += 1
                changed, self._changed = self._changed, asyncio.Event()
                changed.set()
            await asyncio.sleep(max(0.0, due - loop.time()))

    def enter(self) -> bool:
        """One more looks; False when there are too many."""
        if self._watchers >= MAX_WATCHERS:
            return False
        self._watchers += 1
        self._watched.set()
        return True

    def leave(self) -> None:
        """One less does."""
        self._watchers -= 1
        if not self._watchers:
            self._watched.clear()

    @property
    def number(self) -> int:
        """Of the newest snapshot."""
        return self._number

    async def after(self, number: int) -> tuple[int, str]:
        """Waits for a snapshot with a higher number; gives the newest and its number."""
        while self._number <= number:
            await self._changed.wait()
        return self._number, self._newest

    def end(self) -> None:
        """Sends all who look away: the server ends."""
        self.ended.set()


class _Refused(Exception):
    """The connection is to be ended for a reason."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class Watcher:
    """One operator's connection. `run` is its whole life.

    Args:
        socket: theirs.
        feed: what they are told.
        is_key: whether it is the server's key.
        local: whether they are on this machine, and need none.
        drop: counts a refusal by reason.
    """

    def __init__(
        self,
        socket: Socket,
        *,
        feed: SnapshotFeed,
        is_key: Callable[[str], bool],
        local: bool,
        drop: Callable[[str], None],
    ) -> None:
        self._socket = socket
        self._feed = feed
        self._is_key = is_key
        self._local = local
        self._drop = drop

    async def run(self) -> None:
        """Admits the operator and tells them until one of both ends it."""
        status = NORMAL_STATUS
        try:
            if await self._admitted():
                await self._tell()
        except _Refused as refused:
            status = BYE_STATUS
            if refused.code != "restarting":
                self._drop(f"operator-{refused.code}")
            await self._say_goodbye(refused)
        except ConnectionError:
            # They are gone, which is how this ends anyway.
            log.debug("operator.gone")
        finally:
            await self._socket.close(status)

    async def _say_goodbye(self, refused: _Refused) -> None:
        bye = {"type": "bye", "code": refused.code, "message": str(refused)}
        try:
            await self._send(json.dumps(bye))
        except (ConnectionError, _Refused):
            log.debug("operator.gone", code=refused.code)

    async def _admitted(self) -> bool:
        """Waits for the first message; False when the connection ends before it."""
        try:
            async with asyncio.timeout(WATCH_TIMEOUT_S):
                raw = await self._socket.receive()
        except TimeoutError:
            raise _Refused("join-timeout", f"no watch within {WATCH_TIMEOUT_S:.0f} s") from None
        if raw is None:
            return False
        key = _key_of(raw)
        if not may_operate(key, self._is_key, local=self._local):
            raise _Refused("unauthorized", "show the server's key")
        return True

    async def _tell(self) -> None:
        # What was taken for others may be old by now.
        seen = self._feed.number
        if not self._feed.enter():
            raise _Refused("busy", f"at most {MAX_WATCHERS} operators look at a time")
        tasks = (
            asyncio.create_task(self._send_snapshots(seen), name="operator-snapshots"),
            asyncio.create_task(self._read(), name="operator-reading"),
            asyncio.create_task(self._feed.ended.wait(), name="operator-ending"),
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if self._feed.ended.is_set():
                raise _Refused("restarting", "the server is restarting")
        finally:
            self._feed.leave()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_snapshots(self, number: int) -> None:
        while True:
            number, text = await self._feed.after(number)
            await self._send(text)

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._socket.send(text)
        except TimeoutError:
            self._drop("operator-slow")
            raise ConnectionError("a snapshot was not taken in time") from None

    async def _read(self) -> None:
        """Returns at the end of the connection; nothing else is to come."""
        if await self._socket.receive() is not None:
            raise _Refused("bad-message", "after watch there is nothing to be said")


def _key_of(raw: str | bytes) -> str | None:
    """The key in a `watch`.

    Raises:
        _Refused: it is none.
    """
    try:
        message = json.loads(raw) if isinstance(raw, str) else None
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or message.get("type") != "watch":
        raise _Refused("bad-message", "the first message is watch")
    if message.get("version") != VERSION:
        raise _Refused("bad-version", f"this server speaks version {VERSION}")
    key = message.get("key")
    if key is not None and (not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_CHARACTERS):
        raise _Refused("bad-message", f"a key has 1 to {MAX_KEY_CHARACTERS} characters")
    return key
