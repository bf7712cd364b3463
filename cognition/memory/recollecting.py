"""Recall over an embedder, an index and the store: found by meaning and words, then asked of SQL and put in order."""

import asyncio
import math
import sqlite3
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from cognition.memory.currency import Standing, standings
from cognition.memory.indexing import meaning
from cognition.memory.recall import Recalled, Shown, Source
from cognition.memory.relevance import LEAST, Question, questioned, relevance
from cognition.memory.when import When
from cognition.search.embedder import Embedder
from cognition.search.index import Filter, Hit, Index
from cognition.search.ranking import fuse
from cognition.store import memories, remembered
from cognition.store.errors import StoreError
from cognition.store.memories import Memory
from cognition.store.store import Storage
from cognition.store.timeline import Place, Query, page
from cognition.store.visibility import ScopeSet, Visibility, of_place, readable

__all__ = ["HybridRecall"]

DEPTH = 40
"""Hits of each way of searching that are looked at."""
HALF_LIFE = timedelta(days=30)
"""After which half of what recency gains is left."""
OPEN_FOR = timedelta(days=45)
"""After which nobody waits any more for something without a date."""
OVERDUE = timedelta(days=14)
"""After which a thing with a date is not waited for."""
AGAIN_AFTER = timedelta(minutes=1)
"""A memory that comes back more often than this counts as used once: partial transcripts ask many times."""
REMEMBERED_USES = 4096
_BARE = 0.55
"""Relevance of what happened at a time that was asked for by its time alone."""
_UNTIMELY = 0.65
"""What is left of the relevance of what was not in the time that is asked for."""
_PAST = 0.6
"""What is left of the relevance of what no longer holds, where nobody asks for the past."""
_PRESENT = 0.85
"""And of what holds, where the past is asked for."""
_RIVAL = 0.97
_FUSED = 0.1
_TALK = 0.85
"""What is left of the relevance of a whole talk where it is asked what was said."""
_LEADS = 3
"""Memories that lead on to others."""
_LED = 0.95
_NARROW = timedelta(days=10)
_DATED = 0.2
"""What the relevance of something that happened, or is due, in the time asked for gains."""
_THREADS = frozenset({"commitment", "thread"})


class HybridRecall:
    """A `Recall`. What it recalls is marked as used in writes of its own, for which nobody waits.

    Args:
        store: the truth.
        embedder: shared by all; questions of all personas are embedded together.
        index: of the memories.
        least: relevance below which nothing is recalled.

    Attributes:
        counts: what could not be done, by reason, and "nothing recalled".
    """

    def __init__(self, store: Storage, embedder: Embedder, index: Index, *, least: float = LEAST) -> None:
        self._store = store
        self._embedder = embedder
        self._index = index
        self._least = least
        self._visibility = Visibility()
        self._uses: OrderedDict[str, datetime] = OrderedDict()
        self._unwritten: dict[str, datetime] = {}
        self._writing: asyncio.Future[None] | None = None
        self.counts: Counter[str] = Counter()

    async def recall(
        self,
        persona: str,
        listeners: frozenset[str],
        query: str,
        *,
        now: datetime,
        about: frozenset[str] = frozenset(),
        place: Place | None = None,
        limit: int = 8,
    ) -> tuple[Recalled, ...]:
        """See `Recall`."""
        if not query.strip():
            return ()
        allowed, names, subjects = await self._store.read(
            lambda connection: (
                self._allowed(connection, persona, listeners, place),
                remembered.names_of(connection, listeners),
                remembered.subjects_of(connection, about),
            )
        )
        speaker = names.get(next(iter(listeners)), "") if len(listeners) == 1 else ""
        question = questioned(query, now, speaker=speaker, known=names.values())
        hits = {} if question.bare else await self._search(question, allowed.mask, subjects)
        found, seen = await self._store.read(
            lambda connection: _look_up(connection, persona, listeners, question, hits, about, place)
        )
        standing = standings(seen.values(), now)
        scored = _scored(question, found, seen, hits, standing, now, about)
        if question.wide and hits:
            hits = await self._further(scored, hits, allowed.mask, subjects)
            found, seen = await self._store.read(
                lambda connection: _look_up(connection, persona, listeners, question, hits, about, place)
            )
            standing = standings(seen.values(), now)
            scored = _scored(question, found, seen, hits, standing, now, about)
        best = _chosen(scored, self._least, limit)
        if not best:
            self.counts["nothing recalled"] += 1
        return await self._told(best, seen, standing, now)

    async def about(
        self, persona: str, listeners: frozenset[str], person: str, *, now: datetime, limit: int = 6
    ) -> tuple[Recalled, ...]:
        """See `Recall`."""
        seen = await self._store.read(
            lambda connection: memories.get(
                connection,
                readable(
                    connection, remembered.about(connection, persona, listeners, person), persona, listeners
                ),
            )
        )
        standing = standings(seen.values(), now)
        worth = [
            _Scored(memory, 1.0, value := _worth(memory, now), value)
            for memory in seen.values()
            if standing[memory.id].current and (memory.kind not in _THREADS or _is_open(memory, now))
        ]
        return await self._told(_chosen(worth, 0.0, limit), seen, standing, now)

    async def shown(self, persona: str, listeners: frozenset[str], id: str, *, now: datetime) -> Shown | None:
        """See `Recall`."""
        hearers = listeners | {persona}

        def look(connection: sqlite3.Connection) -> dict[str, Memory]:
            found = memories.get(connection, readable(connection, [id], persona, listeners))
            return found | _with_rivals(connection, persona, listeners, found.values())

        seen = await self._store.read(look)
        if id not in seen:
            return None
        (told,) = await self._told([(id, 1.0)], seen, standings(seen.values(), now), now, used=False)
        entries = await self._store.read(
            lambda connection: (
                page(connection, Query(known_to=hearers, seqs=frozenset(told.source.seqs))).entries
            )
        )
        return Shown(told, entries)

    async def settled(self) -> None:
        """Waits until everything that was recalled is marked as used, or could not be."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    def _allowed(
        self, connection: sqlite3.Connection, persona: str, listeners: frozenset[str], place: Place | None
    ) -> ScopeSet:
        allowed = self._visibility.allowed(connection, persona, listeners)
        return allowed if place is None else of_place(connection, allowed, place)

    async def _search(
        self, question: Question, allowed: npt.NDArray[np.bool_], about: Collection[str]
    ) -> dict[str, tuple[float, float]]:
        """Likeness and place in the fused order of what is found, by id; also among what is of the time asked for."""
        vectors = await self._embedder.embed(question.texts)
        anywhere = Filter(allowed=allowed, about=about or None)
        filters = [anywhere]
        if (time := question.when) is not None:
            filters.append(
                replace(
                    anywhere,
                    since=-math.inf if time.since is None else time.since.timestamp(),
                    until=math.inf if time.until is None else time.until.timestamp(),
                )
            )
        try:
            async with asyncio.TaskGroup() as group:
                searches = [
                    group.create_task(self._index.search(vector, text, limit=DEPTH, where=where))
                    for vector, text in zip(vectors, question.texts, strict=True)
                    for where in filters
                ]
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        found: dict[str, tuple[float, float]] = {}
        for search in searches:
            for id, near, place in _measured(search.result()):
                known = found.get(id, (math.nan, 0.0))
                found[id] = (float(np.fmax(known[0], near)), max(known[1], place))
        return found

    async def _further(
        self,
        scored: Sequence["_Scored"],
        hits: Mapping[str, tuple[float, float]],
        allowed: npt.NDArray[np.bool_],
        about: Collection[str],
    ) -> dict[str, tuple[float, float]]:
        """Also what is like the best that was found: the others of their kind, and what came before (Rocchio 1971)."""
        leads = [one for one in sorted(scored, key=lambda one: -one.order) if one.memory.kind != "episode"]
        leads = leads[:_LEADS]
        vectors = await self._embedder.embed([meaning(one.memory) for one in leads])
        where = Filter(allowed=allowed, about=about or None)
        found = dict(hits)
        for lead, vector in zip(leads, vectors, strict=True):
            for hit in await self._index.search(vector, "", limit=DEPTH, where=where):
                near, place = found.get(hit.id, (math.nan, 0.0))
                found[hit.id] = (float(np.fmax(near, _LED * lead.bears * hit.similarity)), place)
        return found

    async def _told(
        self,
        chosen: Sequence[tuple[str, float]],
        seen: Mapping[str, Memory],
        standing: Mapping[str, Standing],
        now: datetime,
        *,
        used: bool = True,
    ) -> tuple[Recalled, ...]:
        if not chosen:
            return ()
        wanted = [seen[id] for id, _ in chosen]
        origins = await self._store.read(
            lambda connection: remembered.origins(connection, [(each.scope, each.sources) for each in wanted])
        )
        if used:
            self._mark([each.id for each in wanted], now)
        return tuple(
            Recalled(
                each.id,
                each.text,
                each.quote,
                each.at,
                each.subject,
                each.kind,
                min(max(score, 0.0), 1.0),
                Source(each.sources, place, who),
                standing[each.id].current,
                standing[each.id].since,
                standing[each.id].until,
                each.due,
            )
            for (_, score), each, (place, who) in zip(chosen, wanted, origins, strict=True)
        )

    def _mark(self, ids: Iterable[str], now: datetime) -> None:
        for id in ids:
            last = self._uses.get(id)
            if last is None or abs(now - last) >= AGAIN_AFTER:
                self._uses[id] = self._unwritten[id] = now
                self._uses.move_to_end(id)
        while len(self._uses) > REMEMBERED_USES:
            self._uses.popitem(last=False)
        self._write_uses()

    def _write_uses(self) -> None:
        if self._writing is not None or not self._unwritten:
            return
        batch, self._unwritten = self._unwritten, {}
        at = max(batch.values())
        try:
            self._writing = self._store.submit(lambda connection: memories.used(connection, batch, at))
        except StoreError as error:
            self.counts[f"use not kept: {type(error).__name__}"] += len(batch)
            return
        self._writing.add_done_callback(self._written)

    def _written(self, done: "asyncio.Future[None]") -> None:
        self._writing = None
        if done.cancelled():
            return
        if (error := done.exception()) is not None:
            self.counts[f"use not kept: {type(error).__name__}"] += 1
        self._write_uses()


def _look_up(
    connection: sqlite3.Connection,
    persona: str,
    listeners: frozenset[str],
    question: Question,
    hits: Mapping[str, tuple[float, float]],
    about: frozenset[str],
    place: Place | None,
) -> tuple[dict[str, Memory], dict[str, Memory]]:
    """Of what was found, and of what lies in the time asked for, all that may be known; and that with its rivals."""
    ids = list(hits)
    if question.when is not None or question.bare:
        time = question.when
        ids += remembered.of_time(
            connection,
            persona,
            listeners,
            since=None if time is None else time.since,
            until=None if time is None else time.until,
            place=place,
            about=about,
            limit=2 * DEPTH,
        )
    known = readable(connection, dict.fromkeys(ids), persona, listeners)
    found = memories.get(connection, known)
    if about:
        found = {id: each for id, each in found.items() if _is_about(each, about)}
    return found, found | _with_rivals(connection, persona, listeners, found.values())


def _with_rivals(
    connection: sqlite3.Connection, persona: str, listeners: frozenset[str], found: Iterable[Memory]
) -> dict[str, Memory]:
    """These, and all else that may be known of their attributes: whether they still hold is decided among them."""
    attributes = dict.fromkeys(
        (each.subject, each.attribute) for each in found if each.single and each.attribute
    )
    ids = remembered.rivals_of(connection, attributes, persona, listeners)
    return memories.get(connection, ids)


def _is_about(memory: Memory, about: Collection[str]) -> bool:
    return memory.subject in about or memory.subject.split("/")[0] in about


def _measured(hits: Sequence[Hit]) -> list[tuple[str, float, float]]:
    return [(one.hit.id, one.hit.similarity, one.score) for one in fuse(hits)]


@dataclass(frozen=True, slots=True)
class _Scored:
    """A memory that may come back.

    Attributes:
        bears: how much it bears on the question.
        score: the same, less where it is past and nobody asked for the past.
        order: by what it is put in order.
    """

    memory: Memory
    bears: float
    score: float
    order: float


def _scored(
    question: Question,
    found: Mapping[str, Memory],
    seen: Mapping[str, Memory],
    hits: Mapping[str, tuple[float, float]],
    standing: Mapping[str, Standing],
    now: datetime,
    about: Collection[str],
) -> list[_Scored]:
    near: dict[str, float] = {}
    for id, memory in found.items():
        near[id] = relevance(question, memory, hits[id][0] if id in hits else math.nan)
        if question.bare:
            near[id] = (_BARE + 0.3 * memory.importance) * (0.9 if memory.kind == "turn" else 1.0)
        elif memory.kind == "episode":
            # It tells of a whole talk; what was said in it is remembered in its own words.
            near[id] *= _TALK
        if question.when is not None and _happened_in(memory, question.when):
            near[id] = max(near[id], _BARE) + _DATED
    group: dict[tuple[str, str], float] = {}
    for id, memory in found.items():
        if memory.single and memory.attribute:
            which = memory.subject, memory.attribute
            group[which] = max(group.get(which, 0.0), near[id])
    scored = []
    for id, memory in seen.items():
        # What is said of the same thing is as near, whichever value the question happens to resemble.
        score = max(near.get(id, 0.0), _RIVAL * group.get((memory.subject, memory.attribute), 0.0))
        bears = score * (
            1.0 if question.when is None or _in_time(memory, standing[id], question.when) else _UNTIMELY
        )
        score = bears * _of_its_time(question, memory, standing[id])
        age = max(now - memory.at, timedelta(0))
        gain = 0.1 * 0.5 ** (age / HALF_LIFE) + 0.1 * memory.importance + 0.1 * _is_about(memory, about)
        fused = hits[id][1] if id in hits else 0.0
        scored.append(_Scored(memory, bears, score, score * (1.0 + gain) + _FUSED * fused))
    return scored


def _of_its_time(question: Question, memory: Memory, standing: Standing) -> float:
    """What is left of a memory's worth for an answer where the question is of another time than it."""
    if standing.current:
        return _PRESENT if question.of_before and memory.single else 1.0
    asked_for = question.when is not None and _in_time(memory, standing, question.when)
    return 1.0 if question.of_before or asked_for else _PAST


def _in_time(memory: Memory, standing: Standing, time: When) -> bool:
    if any(
        each is not None and time.holds(each)
        for each in (memory.at, memory.told, memory.due, memory.valid_from)
    ):
        return True
    if not memory.single or standing.since is None:
        return False
    began_before_its_end = time.until is None or standing.since < time.until
    return began_before_its_end and (
        standing.until is None or time.since is None or standing.until > time.since
    )


def _happened_in(memory: Memory, time: When) -> bool:
    """Whether a day that its words name lies in a time that was asked for as narrowly."""
    if time.since is None or time.until is None or time.until - time.since > _NARROW:
        return False
    return any(each is not None and time.holds(each) for each in (memory.valid_from, memory.due))


def _worth(memory: Memory, now: datetime) -> float:
    """What it is worth to know of somebody who is there: open threads before everything else."""
    if memory.kind in _THREADS or (memory.kind == "event" and _is_open(memory, now)):
        return 0.75 + 0.25 * memory.importance
    recent = float(0.5 ** (max(now - memory.at, timedelta(0)) / HALF_LIFE))
    return 0.7 * (0.6 * memory.importance + 0.25 * recent + 0.15 * min(memory.strength, 5) / 5)


def _is_open(memory: Memory, now: datetime) -> bool:
    if memory.due is not None:
        return memory.due >= now - OVERDUE
    return now - memory.at <= (OVERDUE if memory.kind == "event" else OPEN_FOR)


def _chosen(scored: Iterable[_Scored], least: float, limit: int) -> list[tuple[str, float]]:
    """The best, each thing once: the same fact told twice, and the words a fact was taken from, are one."""
    chosen: list[tuple[str, float]] = []
    facts: set[str] = set()
    events: set[int] = set()
    for one in sorted(scored, key=lambda one: (-one.order, one.memory.id)):
        memory = one.memory
        if one.bears < least or (memory.fact and memory.fact in facts):
            continue
        if memory.kind == "turn" and memory.sources and events.issuperset(memory.sources):
            continue
        if len(chosen) >= limit:
            break
        chosen.append((memory.id, one.score))
        facts.add(memory.fact)
        if memory.kind != "episode":
            events.update(memory.sources)
    return chosen
