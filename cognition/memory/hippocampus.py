"""Makes memories of what was lived, while nobody speaks: one owned loop, no timer while there is nothing to do.

Each step takes a few events behind the watermark, and keeps what came of them together with the new watermark in one
transaction: killed at any moment it goes on where it was, and nothing is remembered twice. When somebody speaks, the
step is dropped at its next turn of the event loop.
"""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial

import numpy as np
import numpy.typing as npt

from cognition.memory.consolidation import (
    EPISODE,
    TURNS,
    Draft,
    Pass,
    beside,
    drafted,
    keep,
    let_go,
    pieces_of,
    speaker_of,
    tell,
)
from cognition.memory.episodes import MOST_TURNS, Turn, segments
from cognition.memory.extractor import Extractor, RuleExtractor
from cognition.memory.finding import Finding
from cognition.memory.spoken import content_words
from cognition.search.embedder import Embedder, EmbeddingError
from cognition.store import lived, memories
from cognition.store.errors import StoreError
from cognition.store.lived import Lived
from cognition.store.memories import Memory
from cognition.store.store import Storage

__all__ = ["Hippocampus"]

BATCH = 8
"""Events of one step: few enough that what is dropped when somebody speaks is soon done again."""
QUIET_S = 2.0
"""Seconds nobody has spoken before work begins."""
_WORDS = frozenset(("heard", "read", "said"))


class Hippocampus:
    """Turns the timeline into memories.

    Args:
        store: the truth.
        embedder: tells what is new.
        extractor: reads what words tell; None: rules do.
        clock: seconds since 1970.
        zone: the people's time zone.
        quiet: seconds without speech before it begins.
        grew: called when memories have changed; who keeps an index of them puts it right.

    Attributes:
        counts: what was passed over or stopped, by reason.
    """

    def __init__(
        self,
        store: Storage,
        embedder: Embedder,
        *,
        extractor: Extractor | None = None,
        clock: Callable[[], float] = time.time,
        zone: tzinfo = UTC,
        quiet: float = QUIET_S,
        grew: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._extractor = extractor or RuleExtractor()
        self._clock = clock
        self._zone = zone
        self._quiet = quiet
        self._grew = grew
        self._speaking: set[str] = set()
        self._silent = asyncio.Event()
        self._silent.set()
        self._woken = asyncio.Event()
        self._woken.set()
        self._settled = asyncio.Event()
        self._open_until: dict[int, datetime] = {}
        self._task: asyncio.Task[None] | None = None
        self.counts: Counter[str] = Counter()

    @property
    def working(self) -> bool:
        """Whether it is at work just now."""
        return self._task is not None

    def wake(self) -> None:
        """The timeline grew."""
        self._settled.clear()
        self._woken.set()

    def pause(self, room: str) -> None:
        """Somebody speaks in a room: what is under way stops at its next turn of the event loop."""
        self._speaking.add(room)
        self._silent.clear()
        if self._task is not None:
            self._task.cancel()

    def resume(self, room: str) -> None:
        """Nobody speaks in a room any more, or it is closed."""
        self._speaking.discard(room)
        if not self._speaking:
            self._silent.set()

    async def settled(self) -> None:
        """Waits until everything up to the last `wake` has been thought about, as far as the store takes it."""
        await self._settled.wait()

    async def run(self) -> None:
        """Works whenever there is something to do and nobody speaks, until it is cancelled."""
        while True:
            await self._due()
            await self._silent.wait()
            self._woken.clear()
            self._task = asyncio.ensure_future(self._work())
            try:
                await asyncio.wait([self._task])
            except asyncio.CancelledError:
                self._task.cancel()
                await asyncio.wait([self._task])
                raise
            finally:
                task, self._task = self._task, None
            if task.cancelled():
                self.counts["stopped: somebody spoke"] += 1
                self._woken.set()
            elif (error := task.exception()) is None:
                if not self._woken.is_set():
                    self._settled.set()
            elif isinstance(error, StoreError):
                # What was not kept is done again with the next event.
                self.counts["store takes nothing"] += 1
                self._settled.set()
            else:
                raise error

    async def think(self) -> Pass:
        """Thinks about everything that is left, at once and whoever speaks: for a command, or a measurement.

        Raises:
            StoreError: the store cannot be read or written.
        """
        done = Pass()
        while (step := await self._step()) is not None:
            done += step
        done += await self._episodes()
        return done + await self._forget()

    async def _due(self) -> None:
        """Until something has happened, or a talk is over; a timer only for the latter."""
        while not self._woken.is_set():
            due = min(self._open_until.values(), default=None)
            if due is None:
                await self._woken.wait()
                return
            left = (due - self._now()).total_seconds()
            if left <= 0:
                return
            try:
                async with asyncio.timeout(left):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _work(self) -> None:
        if self._quiet > 0:
            await asyncio.sleep(self._quiet)
        done = Pass()
        try:
            while (step := await self._step()) is not None:
                done += step
            done += await self._episodes()
            done += await self._forget()
        finally:
            if done.changed:
                self._grew()

    async def _step(self) -> Pass | None:
        """A few events; None when none are left."""

        def unread(connection: sqlite3.Connection) -> tuple[int, list[tuple[Lived, tuple[Memory, ...]]]]:
            after = memories.watermark(connection, TURNS)
            events = lived.lived_after(connection, after, BATCH)
            return after, [
                (event, beside(connection, event) if _has_content(event) else ()) for event in events
            ]

        after, events = await self._store.read(unread)
        if not events:
            return None
        drafts = [await self._draft(event, known) for event, known in events]
        now = self._now()
        return await self._store.write(lambda connection: keep(connection, after, drafts, now))

    async def _draft(self, event: Lived, known: Sequence[Memory]) -> Draft:
        # Each event is a turn of the event loop of its own: whoever is to be heard waits for one at most.
        await asyncio.sleep(0)
        if not _has_content(event):
            if event.kind in _WORDS:
                self.counts["passed over: no content"] += 1
            return Draft(event)
        findings: Sequence[Finding] = ()
        if not event.persona:
            said = event.at.astimezone(self._zone)
            findings = await self._extractor.extract(event.text, speaker_of(event), said, event.question)
        pieces = pieces_of(event)
        texts = [*pieces, *(one.text for one in findings), *(one.text for one in known)]
        vectors: npt.NDArray[np.float32] | None = None
        try:
            vectors = await self._embedder.embed(texts)
        except EmbeddingError:
            self.counts["not embedded"] += 1
        return drafted(event, pieces, findings, vectors, known)

    async def _episodes(self) -> Pass:
        done = Pass()
        self._open_until.clear()
        for scope in await self._store.read(lived.unfinished_scopes):
            done += await self._of_scope(scope)
        return done

    async def _of_scope(self, scope: int) -> Pass:
        done = Pass()

        def unread(connection: sqlite3.Connection) -> tuple[int, list[tuple[Turn, str]]]:
            after = memories.watermark(connection, EPISODE.format(scope))
            rows = lived.turns_after(connection, scope, after, 2 * MOST_TURNS)
            return after, [
                (Turn(seq, at, name, text, persona, importance), room)
                for seq, at, name, text, persona, importance, room in rows
            ]

        while True:
            after, turns = await self._store.read(unread)
            over, until = segments([turn for turn, _ in turns], self._now())
            if not over:
                if until is not None:
                    self._open_until[scope] = until
                return done
            told = partial(tell, scope=scope, room=turns[0][1], now=self._now())
            for episode in over:
                done += await self._store.write(partial(told, after=after, episode=episode))
                after = episode[-1].seq

    async def _forget(self) -> Pass:
        now, done = self._now(), Pass()
        while (page := await self._store.write(lambda connection: let_go(connection, now))) is not None:
            done += page
        return done

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _has_content(event: Lived) -> bool:
    return event.kind in _WORDS and bool(content_words(event.text))
