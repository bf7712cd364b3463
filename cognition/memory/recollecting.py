"""Recall over an embedder, an index and the store: found by meaning and words, then asked of SQL and put in order."""

import asyncio
import math
import sqlite3
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from cognition.memory.currency import Standing, standings
from cognition.memory.episodes import GAP
from cognition.memory.known_people import KnownPeople, Worth
from cognition.memory.recall import Recalled, Shown, Source
from cognition.memory.relevance import LEAST, Question, bearing, bears, names_in, questioned
from cognition.memory.when import When
from cognition.search.embedder import Embedder
from cognition.search.index import Filter, Hit, Index
from cognition.search.ranking import fuse
from cognition.store import memories, remembered, visibility
from cognition.store.errors import StoreError
from cognition.store.memories import TASTE, Memory
from cognition.store.remembered import Glance
from cognition.store.store import Storage
from cognition.store.timeline import Place, Query, page
from cognition.store.visibility import ScopeSet, Visibility, of_place, readable

__all__ = ["HybridRecall", "shown_of"]

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
_UNTIMELY = 0.65
"""What is left of the relevance of what was not in the time that is asked for."""
_PAST = 0.6
"""What is left of the relevance of what no longer holds, where nobody asks for the past."""
_PRESENT = 0.85
"""And of what holds, where the past is asked for."""
_RIVAL = 0.97
_FUSED = 0.1
_LEADS = 3
"""Memories that lead on to others."""
_LED = 0.95
_LEADS_FROM = 0.3
"""Relevance from which on what was said right before and after bears on a question too."""
_BEFORE, _AFTER = 0.2, 0.4
"""Share of a lead's relevance by which they gain: what was asked is answered by what comes next."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR = timedelta(hours=1)
_TASTES = frozenset({"preference", TASTE})
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
        self._people = KnownPeople()
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
        allowed, names, people, subjects = await self._store.read(
            lambda connection: (
                self._allowed(connection, persona, listeners, place),
                remembered.names_of(connection, listeners),
                remembered.people_called(connection, names_in(query)),
                remembered.subjects_of(connection, about),
            )
        )
        speaker = names.get(next(iter(listeners)), "") if len(listeners) == 1 else ""
        question = questioned(query, now, speaker=speaker, known=names.values(), people=people)
        asked = _Asked(persona, listeners, question, now, about, place)
        hits = {} if question.bare else await self._search(question, allowed.mask, subjects, listeners)
        before: _Weighed | None = None
        if question.wide and hits:
            first = hits
            before = await self._store.read(
                lambda connection: _weighed(
                    connection, self._now_allowed(connection, asked), asked, first, 0.0
                )
            )
            hits = await self._further(before.scored, hits, allowed.mask, subjects)

        def answer(connection: sqlite3.Connection) -> tuple[Recalled, ...]:
            scopes = self._now_allowed(connection, asked)
            weighed = _weighed(connection, scopes, asked, hits, self._least, before)
            best = _chosen(weighed.scored, self._least, limit)
            return _told(connection, persona, listeners, best, weighed.seen, weighed.standing)

        told = await self._store.read(answer)
        if not told:
            self.counts["nothing recalled"] += 1
        self._mark([each.id for each in told], now)
        return told

    async def about(
        self, persona: str, listeners: frozenset[str], person: str, *, now: datetime, limit: int = 6
    ) -> tuple[Recalled, ...]:
        """See `Recall`."""

        def look(connection: sqlite3.Connection) -> tuple[Recalled, ...]:
            def work_out() -> Worth:
                allowed = self._visibility.allowed(connection, persona, listeners)
                best, standing = _known_of(connection, allowed, persona, person, now, limit)
                return Worth(tuple(best), standing)

            state = (
                memories.change_number(connection),
                visibility.changes(connection),
                (now - _EPOCH) // _HOUR,
            )
            known = self._people.get((persona, listeners, person, limit), state, work_out)
            seen = memories.get(connection, [id for id, _ in known.best])
            return _told(connection, persona, listeners, known.best, seen, known.standing)

        told = await self._store.read(look)
        self._mark([each.id for each in told], now)
        return told

    async def shown(self, persona: str, listeners: frozenset[str], id: str, *, now: datetime) -> Shown | None:
        """See `Recall`."""
        return await self._store.read(
            lambda connection: shown_of(
                connection, self._visibility.allowed(connection, persona, listeners), persona, id, now
            )
        )

    async def settled(self) -> None:
        """Waits until everything that was recalled is marked as used, or could not be."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    def _allowed(
        self, connection: sqlite3.Connection, persona: str, listeners: frozenset[str], place: Place | None
    ) -> ScopeSet:
        allowed = self._visibility.allowed(connection, persona, listeners)
        return allowed if place is None else of_place(connection, allowed, place)

    def _now_allowed(self, connection: sqlite3.Connection, asked: "_Asked") -> ScopeSet:
        return self._visibility.allowed(connection, asked.persona, asked.listeners)

    async def _search(
        self,
        question: Question,
        allowed: npt.NDArray[np.bool_],
        about: Collection[str],
        listeners: frozenset[str],
    ) -> dict[str, tuple[float, float]]:
        """Likeness and place in the fused order of what is found, by id; also of the time asked for, and of tastes."""
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
        if question.advice:
            filters.append(replace(anywhere, kinds=_TASTES, about=about or listeners))
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
        vectors = await self._index.vectors([one.memory.id for one in leads])
        where = Filter(allowed=allowed, about=about or None)
        found = dict(hits)
        for lead in leads:
            if (vector := vectors.get(lead.memory.id)) is None:
                continue
            for hit in await self._index.search(vector, "", limit=DEPTH, where=where):
                near, place = found.get(hit.id, (math.nan, 0.0))
                found[hit.id] = (float(np.fmax(near, _LED * lead.bears * hit.similarity)), place)
        return found

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


def shown_of(
    connection: sqlite3.Connection, allowed: ScopeSet, persona: str, id: str, now: datetime
) -> Shown | None:
    """`Recall.shown`, of a store that may be in use."""
    listeners = allowed.hearers - {persona}
    found = memories.get(connection, readable(connection, [id], persona, listeners))
    seen = found | _rivals(connection, allowed, persona, found)
    standing = standings(seen.values(), now)
    told = _told(connection, persona, listeners, [(one, 1.0) for one in found], seen, standing)
    if not told:
        return None
    events = Query(known_to=allowed.hearers, seqs=frozenset(told[0].source.seqs))
    return Shown(told[0], page(connection, events).entries)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked, by whom and before whom; see `Recall.recall`."""

    persona: str
    listeners: frozenset[str]
    question: Question
    now: datetime
    about: frozenset[str]
    place: Place | None


@dataclass(frozen=True, slots=True)
class _Weighed:
    """All that was looked at, as of one moment.

    Attributes:
        number: of the last change of any memory then.
        seen: what was found, and its rivals.
        standing: of these.
        scored: of these.
    """

    number: int
    seen: Mapping[str, Memory]
    standing: Mapping[str, Standing]
    scored: Sequence["_Scored"]


def _weighed(
    connection: sqlite3.Connection,
    allowed: ScopeSet,
    asked: _Asked,
    hits: Mapping[str, tuple[float, float]],
    least: float,
    before: _Weighed | None = None,
) -> _Weighed:
    """Of what was found, and of what lies in the time asked for, all that may be known; weighed with its rivals.

    Args:
        connection: the store.
        allowed: what may be known, as of this transaction.
        asked: the question.
        hits: what was found.
        least: what cannot bear on it as much as this is not weighed closely.
        before: what was read a moment ago, and is not read again where nothing has changed since.
    """
    question, persona = asked.question, asked.persona
    ids = set(hits)
    if question.when is not None or question.bare:
        time = question.when
        ids.update(
            remembered.of_time(
                connection,
                allowed,
                persona,
                since=None if time is None else time.since,
                until=None if time is None else time.until,
                place=asked.place,
                about=asked.about,
                limit=2 * DEPTH,
            )
        )
    number = memories.change_number(connection)
    known = before.seen if before is not None and before.number == number else {}
    read = memories.get(connection, ids - known.keys())
    found: dict[str, Memory] = {}
    for id in sorted(ids):
        memory = known.get(id) or read.get(id)
        if (
            memory is not None
            and memory.scope in allowed
            and memory.persona in ("", persona)
            and (not asked.about or _is_about(memory, asked.about))
        ):
            found[id] = memory
    near = bearing(question, found, hits, least)
    if question.when is None and not question.bare and not asked.about:
        found |= _adjoining(connection, question, persona, found, near, hits, least)
    seen = found | _rivals(connection, allowed, persona, found)
    standing = standings(seen.values(), asked.now)
    return _Weighed(number, seen, standing, _scored(asked, near, found, seen, hits, standing))


def _adjoining(
    connection: sqlite3.Connection,
    question: Question,
    persona: str,
    found: Mapping[str, Memory],
    near: dict[str, float],
    hits: Mapping[str, tuple[float, float]],
    least: float,
) -> dict[str, Memory]:
    """What was said right before and after the best that was found, in the same scope; `near` is told what it gains."""
    leads = [
        id for id, worth in near.items() if worth >= max(least, _LEADS_FROM) and found[id].kind != "episode"
    ]
    shares: dict[str, float] = {}
    for id in sorted(leads, key=lambda id: (-near[id], id))[:_LEADS]:
        beside = remembered.adjoining(connection, found[id].scope, found[id].at, GAP)
        for other, share in zip(beside, (_BEFORE, _AFTER), strict=True):
            if other is not None:
                shares[other] = max(shares.get(other, 0.0), share * near[id])
    turns = {id: one for id, one in memories.get(connection, shares).items() if one.persona in ("", persona)}
    for id, turn in turns.items():
        own = near.get(id, 0.0) or bears(question, turn, hits)
        near[id] = own + (1.0 - own) * shares[id]
    return turns


def _rivals(
    connection: sqlite3.Connection, allowed: ScopeSet, persona: str, found: Mapping[str, Memory]
) -> dict[str, Memory]:
    """All else that may be known of the attributes of these: whether they still hold is decided among them."""
    attributes = dict.fromkeys(
        (each.subject, each.attribute) for each in found.values() if each.single and each.attribute
    )
    ids = remembered.rivals_of(connection, attributes, allowed, persona)
    return memories.get(connection, [id for id in ids if id not in found])


def _known_of(
    connection: sqlite3.Connection, allowed: ScopeSet, persona: str, person: str, now: datetime, limit: int
) -> tuple[list[tuple[str, float]], dict[str, Standing]]:
    """What is best to know of a person, and how each of that stands.

    All are weighed by a glance; only from the best downwards are they read, until there are enough.
    """
    glances = remembered.glances(connection, allowed, persona, person)
    ending: dict[str, list[str]] = {}
    for each in glances:
        if each.ends and each.fact:
            ending.setdefault(each.fact, []).append(each.id)
    at = (now - _EPOCH) // _MICROSECOND
    order = sorted(
        (-_worth(each, at), each.id, each.fact)
        for each in glances
        if each.kind not in _THREADS or _is_open(each, at)
    )
    chosen: list[tuple[str, float]] = []
    seen: dict[str, Memory] = {}
    standing: dict[str, Standing] = {}
    candidates: list[tuple[float, str]] = []
    for first in range(0, len(order), 2 * limit):
        part = order[first : first + 2 * limit]
        wanted = {one for _, id, fact in part for one in (id, *ending.get(fact, ()))}
        read = memories.get(connection, wanted - seen.keys())
        seen |= read | _rivals(connection, allowed, persona, seen | read)
        standing = standings(seen.values(), now)
        candidates += [(-below, id) for below, id, _ in part]
        current = [(worth, id) for worth, id in candidates if standing[id].current]
        chosen = _chosen([_Scored(seen[id], 1.0, worth, worth) for worth, id in current], 0.0, limit)
        if len(chosen) >= limit:
            break
    return chosen, {id: standing[id] for id, _ in chosen}


def _told(
    connection: sqlite3.Connection,
    persona: str,
    listeners: frozenset[str],
    chosen: Sequence[tuple[str, float]],
    seen: Mapping[str, Memory],
    standing: Mapping[str, Standing],
) -> tuple[Recalled, ...]:
    """What comes back of what was chosen; SQL is asked of each once more whether it may be known."""
    known = set(readable(connection, [id for id, _ in chosen], persona, listeners))
    wanted = [(seen[id], score) for id, score in chosen if id in known]
    origins = remembered.origins(connection, [(each.scope, each.sources) for each, _ in wanted])
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
        for (each, score), (place, who) in zip(wanted, origins, strict=True)
    )


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
    asked: _Asked,
    near: Mapping[str, float],
    found: Mapping[str, Memory],
    seen: Mapping[str, Memory],
    hits: Mapping[str, tuple[float, float]],
    standing: Mapping[str, Standing],
) -> list[_Scored]:
    question, now, about = asked.question, asked.now, asked.about
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


def _worth(each: Glance, now: int) -> float:
    """What it is worth to know of somebody who is there: open threads before everything else."""
    if each.kind in _THREADS or (each.kind == "event" and _is_open(each, now)):
        return 0.75 + 0.25 * each.importance
    recent = float(0.5 ** (max(now - each.at, 0) / (HALF_LIFE // _MICROSECOND)))
    return 0.7 * (0.6 * each.importance + 0.25 * recent + 0.15 * min(each.strength, 5) / 5)


def _is_open(each: Glance, now: int) -> bool:
    if each.due is not None:
        return each.due >= now - OVERDUE // _MICROSECOND
    return now - each.at <= (OVERDUE if each.kind == "event" else OPEN_FOR) // _MICROSECOND


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
