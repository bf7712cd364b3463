"""Saves what personas live through: each change once, in order, and whatever the disk refuses again later."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cognition.store.errors import QueueFull, StoreClosed, StoreError
from cognition.store.personas import Change, OutOfTurn, save, saved_changes
from cognition.store.store import Storage

__all__ = ["Keeper"]

RETRY_AFTER = 1.0
"""Seconds before what the disk refused is tried again."""
UNFIT = 3
"""Attempts after which a change is given up that the store, not the disk, refuses."""


@dataclass(slots=True)
class _Sent:
    number: int
    change: Change


class Keeper:
    """The line of changes to the store.

    Changes are numbered in the store; one is saved only after the one before it. Where one fails, so do those behind
    it, and all of them are saved again as one, those left out that did get through.

    Args:
        store: where they are kept.
        changes: how many there are in the store.
        troubled: told in one line when the store begins to refuse, and None when it takes again.
    """

    def __init__(
        self, store: Storage, changes: int, troubled: Callable[[str | None], None] = lambda reason: None
    ) -> None:
        self._store = store
        self._number = changes
        self._troubled = troubled
        self._sent: deque[_Sent] = deque()
        self._failed = False
        self._refusing = False
        self._unfit = 0
        """How often in a row something was refused by its own fault and not the disk's."""
        self._stirred = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self.counts: Counter[str] = Counter()
        """What was refused, by reason."""

    def keep(self, change: Change) -> None:
        """Sends a change on its way; where another has just failed it waits with that one."""
        if not change:
            return
        self._number += 1
        sent = _Sent(self._number, change)
        self._sent.append(sent)
        self._settled.clear()
        if not self._failed:
            self._submit(sent)

    async def settled(self) -> None:
        """Waits until all changes so far are durable."""
        await self._settled.wait()

    async def run(self) -> None:
        """Tries again what was refused, until cancelled or the store is closed."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            await asyncio.sleep(RETRY_AFTER)
            try:
                await self._again()
            except StoreClosed:
                return
            except StoreError as error:
                self._refused(error)
                self._stirred.set()

    async def _again(self) -> None:
        done = await self._store.read(saved_changes)
        while self._sent and self._sent[0].number <= done:
            self._sent.popleft()
        self._number = done
        self._failed = False
        if not self._sent:
            self._settled.set()
            return
        merged = self._sent.popleft().change
        while self._sent:
            merged.add(self._sent.popleft().change)
        if self._unfit > UNFIT:
            # What is wrong with it will not get better, and what comes after it is not to be lost as well.
            self._unfit = 0
            self.counts["personas: changes that cannot be kept"] += 1
            self._settled.set()
            return
        self.keep(merged)

    def _submit(self, sent: _Sent) -> None:
        try:
            future = self._store.submit(partial(save, number=sent.number, change=sent.change))
        except (QueueFull, StoreClosed) as error:
            self._refused(error)
            return
        future.add_done_callback(partial(self._done, sent))

    def _done(self, sent: _Sent, future: "asyncio.Future[None]") -> None:
        error = None if future.cancelled() else future.exception()
        if future.cancelled() or error is not None:
            if not isinstance(error, OutOfTurn):
                self._refused(error)
            return
        self._unfit = 0
        self._sent.remove(sent)
        if not self._sent:
            self._settled.set()
        if self._refusing and not self._failed:
            self._refusing = False
            self._troubled(None)

    def _refused(self, error: BaseException | None) -> None:
        self.counts["personas: attempts that the store refused"] += 1
        self._unfit += not isinstance(error, StoreError)
        if not self._refusing:
            self._troubled(str(error))
        self._refusing = self._failed = True
        self._stirred.set()
