"""What a person may do with what is known of them: see it, correct it, take it along, have it forgotten.

What is forgotten is gone from the timeline, the memories, what personas lived, the index and the cached vectors, and
from every backup made from then on: the words themselves, what was derived from them, and what personas said back.
Which words these are is decided in `redaction.py`; here it is done, in an order in which a process that is killed
leaves nothing half forgotten that the next start does not finish.
"""

import re
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from cognition.memory.consolidation import TURNS
from cognition.memory.currency import standings
from cognition.memory.erasing import erase_person, erase_person_in_steps, made_of, plan_of_person, text_of
from cognition.memory.extraction import extract
from cognition.memory.recall import Recall
from cognition.memory.redaction import (
    ECHO,
    called_one_of,
    echo_words,
    is_about,
    names_one_of,
    sentences_about,
    without,
    words_in,
    words_left,
)
from cognition.memory.speaking_of import Speaker
from cognition.memory.spoken import content_words
from cognition.memory.wishes import Forget, wish_about_memory
from cognition.store import erasure, memories, remembered
from cognition.store.erasure import Erased, Traces
from cognition.store.memories import Memory
from cognition.store.store import Storage
from cognition.store.timeline import Cursor, Place, Query, page
from cognition.store.visibility import readable

__all__ = [
    "Derived",
    "Known",
    "KnownPage",
    "NoSuchMemory",
    "SelfService",
    "echo_words",
    "erase_person",
    "names_one_of",
    "words_left",
]

PAGE = 50
MAX_KNOWN = 2000
"""Memories of one person that are shown."""

RECENT = timedelta(hours=1)
"""How long words are looked for among what was said, and not only among what is remembered of it."""

_FIRST_PERSON = re.compile(r"\b(?:I|me|my|mine|myself|we|us|our)\b", re.IGNORECASE)


_OWN_WORDS = (
    "SELECT e.seq, e.text FROM event e JOIN participant p ON p.key = e.participant AND p.kind = 'person'"
    " WHERE p.identity = ?1 AND e.kind IN ('heard', 'read') AND e.text <> '' AND e.audience IN"
    " (SELECT circle FROM circle_member m JOIN participant o ON o.key = m.participant WHERE o.identity = ?2)"
)


class NoSuchMemory(Exception):
    """There is no such memory of theirs; the message says which was asked for."""


class Derived(Protocol):
    """What is kept of words beside the store: an index, a cache of vectors."""

    async def forget(self, ids: Collection[str], texts: Collection[str]) -> None:
        """Nothing of these memories and texts is left in any of its files, old versions too; again does nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """Something a persona knows of a person, as that person sees it."""

    id: str
    text: str
    quote: str
    at: datetime
    kind: str
    place: Place
    current: bool


@dataclass(frozen=True, slots=True)
class KnownPage:
    """The newest first; `before` brings the next page, and is None on the last."""

    known: tuple[Known, ...]
    before: str | None


class SelfService:
    """Lets people see, correct, export and delete what is known of them.

    Args:
        store: the truth.
        recall: finds what a topic is about.
        derived: what is kept beside the store.
        let_go: called first with who is to be forgotten: whoever holds something of them in memory lets go of it.
    """

    def __init__(
        self,
        store: Storage,
        recall: Recall,
        derived: Sequence[Derived] = (),
        *,
        let_go: Callable[[Traces], Awaitable[None]] | None = None,
    ) -> None:
        self._store = store
        self._recall = recall
        self._derived = tuple(derived)
        self._let_go = let_go

    async def known(
        self, persona: str, person: str, *, now: datetime, before: str | None = None, limit: int = PAGE
    ) -> KnownPage:
        """What a persona knows of a person and may say to them.

        Args:
            persona: identity.
            person: identity.
            now: timezone-aware.
            before: of the page before.
            limit: how many at most.
        """
        return await self._store.read(
            lambda connection: known_of(connection, persona, person, now=now, before=before, limit=limit)
        )

    async def export(self, person: str, *, personas: Iterable[str], now: datetime) -> list[dict[str, Any]]:
        """Everything about a person that they may take along: what each persona knows, and what they said and did.

        Args:
            person: identity.
            personas: identities.
            now: timezone-aware.
        """
        wanted = tuple(personas)
        return await self._store.read(lambda connection: export_of(connection, person, wanted, now=now))

    async def correct(self, persona: str, person: str, id: str, text: str, *, now: datetime) -> Memory:
        """Puts a memory right, wherever the same was told; returns it as it is now.

        Args:
            persona: which is asked.
            person: of whom it is.
            id: of the memory.
            text: how it is, in the person's own words.
            now: in the person's time zone.

        Raises:
            NoSuchMemory: there is none of theirs that the persona may say to them.
            ValueError: nothing is said.
        """
        text = " ".join(text.split())
        if not text:
            raise ValueError("nothing is said")
        listeners = frozenset({person})

        return await self._store.write(
            lambda connection: _put_right(
                connection, persona, _theirs(connection, persona, person, id), listeners, text, now
            )
        )

    async def correct_in_words(self, persona: str, person: str, text: str, *, now: datetime) -> Memory | None:
        """Puts right what words contradict: the one thing known of the same; None where there is none, or several.

        Args:
            persona: which is told.
            person: who says it.
            text: how it is: "I live in Oslo."
            now: in the person's time zone.
        """
        listeners = frozenset({person})

        def put_right(connection: sqlite3.Connection) -> Memory | None:
            target = _contradicted(connection, persona, person, text, now)
            return None if target is None else _put_right(connection, persona, target, listeners, text, now)

        return await self._store.write(put_right)

    async def forget(self, persona: str, person: str, id: str, *, now: datetime) -> Erased:
        """Forgets one memory of a person, wherever the same was told, and the words it comes from.

        Raises:
            NoSuchMemory: see `correct`.
        """
        return await self._forget_some(persona, person, [id], now)

    async def forget_about(self, persona: str, person: str, topic: str, *, now: datetime) -> tuple[str, ...]:
        """Forgets what a person told about something, or was told about them; returns what it was.

        What was said lately need not be remembered yet: these words go with their sentence.

        Args:
            persona: which is asked.
            person: who asks.
            topic: in their words: "my knee".
            now: in their time zone.
        """
        found = await self._recall.recall(persona, frozenset({person}), topic, now=now, limit=20)

        def chosen_of(connection: sqlite3.Connection) -> tuple[list[Memory], dict[int, list[str]]]:
            there = memories.get(connection, [each.id for each in found])
            theirs = [one for one in there.values() if one.teller == person or is_about(one, person)]
            return theirs, _said_about(connection, persona, person, topic, now)

        chosen, said = await self._store.read(chosen_of)
        if chosen or said:
            await self._forget_some(persona, person, [each.id for each in chosen], now, said)
        # That they ask for it is said about it too.
        told = [one for each in said.values() for one in each if wish_about_memory(one) is None]
        return tuple(dict.fromkeys([each.text for each in chosen] + told))

    async def forget_line(self, persona: str, person: str, line: str, *, now: datetime) -> bool:
        """Forgets something that a person has said before a persona; whether there was anything.

        Args:
            persona: identity.
            person: who said it.
            line: its id in the room.
            now: in their time zone.
        """
        said = await self._store.read(lambda connection: _said_in(connection, persona, person, line))
        if said:
            await self._forget_some(persona, person, (), now, said)
        return bool(said)

    async def forget_person(self, person: str, *, by: str, now: datetime) -> Erased:
        """Forgets a person: what they said, what was made of it, what others told of them where they have met.

        Args:
            person: identity.
            by: at whose word; "themselves", or an operator.
            now: timezone-aware.

        Raises:
            StoreError: the store cannot be read or written; nothing is forgotten, or `finish` has something to do.
        """
        plan = await self._store.read(lambda connection: plan_of_person(connection, person))
        if self._let_go is not None:
            await self._let_go(plan.traces)
        done = await erase_person_in_steps(self._store, plan, by=by, at=now)
        await self._finished(done)
        return done

    async def finish(self) -> int:
        """At the start: finishes what a killed process has left to be forgotten; how many erasures that were."""
        left = await self._store.read(erasure.pending)
        for person, by, at in await self._store.read(erasure.begun):
            await self.forget_person(person, by=by, now=at)
        if left:
            for one in self._derived:
                await one.forget((), ())
            await self._store.scrub()
            await self._store.write(erasure.scrubbed)
        return left

    async def _forget_some(
        self,
        persona: str,
        person: str,
        ids: Sequence[str],
        now: datetime,
        said: Mapping[int, Sequence[str]] | None = None,
    ) -> Erased:
        words = said or {}
        if self._let_go is not None:
            await self._let_go(
                await self._store.read(
                    lambda connection: _plan_of(connection, persona, person, ids, words).traces
                )
            )
        done = await self._store.write(
            lambda connection: erase_memories(
                connection, persona, person, ids, words, by="themselves", at=now
            )
        )
        await self._finished(done)
        return done

    async def _finished(self, done: Erased) -> None:
        for one in self._derived:
            await one.forget(done.memories, done.texts)
        await self._store.scrub()
        await self._store.write(lambda connection: erasure.scrubbed(connection, done.number))


def known_of(
    connection: sqlite3.Connection,
    persona: str,
    person: str,
    *,
    now: datetime,
    before: str | None = None,
    limit: int = PAGE,
) -> KnownPage:
    """`SelfService.known`, of a store that may be in use."""
    listeners = frozenset({person})
    ids = remembered.about(connection, persona, listeners, person, limit=MAX_KNOWN)
    found = memories.get(connection, readable(connection, ids, persona, listeners))
    origins = remembered.origins(connection, [(one.scope, one.sources) for one in found.values()])
    standing = standings(found.values(), now)
    shown = [
        Known(one.id, one.text, one.quote, one.at, one.kind, place, standing[one.id].current)
        for one, (place, _) in zip(found.values(), origins, strict=True)
    ]
    shown.sort(key=lambda one: (one.at, one.id), reverse=True)
    start = int(before) if before is not None and before.isdigit() else 0
    end = start + limit
    return KnownPage(tuple(shown[start:end]), str(end) if end < len(shown) else None)


def export_of(
    connection: sqlite3.Connection, person: str, personas: Iterable[str], *, now: datetime
) -> list[dict[str, Any]]:
    """`SelfService.export`, of a store that may be in use."""
    told: list[dict[str, Any]] = []
    for persona in personas:
        known = known_of(connection, persona, person, now=now, limit=MAX_KNOWN).known
        told += [_as_json(persona, one) for one in known]
    after: Cursor | None = None
    while True:
        found = page(connection, Query(participant=person), after=after, limit=500)
        told += [{"what": "event", **entry.as_json()} for entry in found.entries]
        after = found.next
        if after is None:
            return told


def erase_memories(
    connection: sqlite3.Connection,
    persona: str,
    person: str,
    ids: Iterable[str],
    words: Mapping[int, Sequence[str]],
    *,
    by: str,
    at: datetime,
) -> Erased:
    """`SelfService.forget` in the store, as `erase_person`; `words` of events, by `seq`, are forgotten with them."""
    plan = _plan_of(connection, persona, person, ids, words)
    done = erasure.erase(connection, at=at, by=by, what="memories", events=plan.left, gone=plan.gone)
    erasure.erase_lives(connection, plan.traces, called_one_of(()), names_one_of(echo_words(plan.traces)))
    for one in plan.gone:
        memories.undream(connection, one.id, (one.text, one.quote))
    return done


@dataclass(frozen=True, slots=True)
class _Plan:
    """What goes with some memories and words: what is left of the events, the memories, and the traces elsewhere."""

    left: dict[int, str]
    gone: list[Memory]
    traces: Traces


def _plan_of(
    connection: sqlite3.Connection,
    persona: str,
    person: str,
    ids: Iterable[str],
    words: Mapping[int, Sequence[str]],
) -> _Plan:
    listeners = frozenset({person})
    targets = [_theirs(connection, persona, person, id) for id in ids]
    gone = {one.id: one for one in targets}
    for target in targets:
        if target.fact:
            # The same words may tell several things, and the same thing may be told in several places.
            same = _all_of(connection, persona, listeners, target)
            gone |= {one.id: one for one in same if one.fact == target.fact}
    cuts = [(seq, one.quote or one.text) for one in gone.values() for seq in one.sources]
    cuts += [(seq, quote) for seq, quotes in words.items() for quote in quotes]
    left: dict[int, str] = {}
    for seq, quote in cuts:
        repeats = names_one_of({word for word in content_words(quote) if len(word) >= ECHO})
        if (said := text_of(connection, seq)) is not None:
            left[seq] = without(left.get(seq, said), quote)
        for answer, text in _answers(connection, seq):
            if repeats(text):
                left[answer] = ""
    made = made_of(connection, left, set(gone))
    told: dict[int, list[str]] = {}
    for seq, quote in cuts:
        told.setdefault(seq, []).append(quote)
    return _Plan(left, [*gone.values(), *made], erasure.traces_of_words(connection, told, left))


def _contradicted(
    connection: sqlite3.Connection, persona: str, person: str, text: str, now: datetime
) -> Memory | None:
    """What a persona takes for so, and words say of the same subject and attribute."""
    listeners = frozenset({person})
    ids = remembered.about(connection, persona, listeners, person, limit=MAX_KNOWN)
    known = memories.get(connection, readable(connection, ids, persona, listeners))
    standing = standings(known.values(), now)
    name = next((one.subject_name for one in known.values() if one.subject == person), "Somebody")
    for said in extract(text, Speaker(person, name), now, question=""):
        same = {
            one.fact: one
            for one in known.values()
            if said.valid_to is None
            and (one.subject, one.attribute) == (said.subject, said.attribute)
            and one.fact
            and standing[one.id].current
        }
        if len(same) == 1:
            return next(iter(same.values()))
    return None


def _put_right(
    connection: sqlite3.Connection,
    persona: str,
    target: Memory,
    listeners: frozenset[str],
    text: str,
    now: datetime,
) -> Memory:
    said, value = corrected(target, text, now)
    for one in _all_of(connection, persona, listeners, target) or [target]:
        _outdate(connection, one)
        memories.correct(connection, one.id, said, value, now)
    return memories.get(connection, [target.id])[target.id]


def _outdate(connection: sqlite3.Connection, memory: Memory) -> None:
    """Lets nothing tell any more as it was said what is about to be put right; the timeline keeps that it was said."""
    quote = memory.quote or memory.text
    for one in _retold(connection, memory.sources):
        if not set(words_in(quote)) <= set(words_in(one.text)):
            continue
        left = without(one.text, quote) if one.kind == "turn" else ""
        memories.delete(connection, [one.id])
        if left:
            head = one.text.partition(": ")[0]
            kept = left if left.startswith(f"{head}: ") else f"{head}: {left}"
            memories.put(connection, replace(one, text=kept, quote=without(one.quote, quote)))
    memories.undream(connection, memory.id, (memory.text, memory.quote))


def _retold(connection: sqlite3.Connection, sources: Iterable[int]) -> list[Memory]:
    """The turns and talks that are remembered of events."""
    ids = {
        id
        for seq in sources
        for (id,) in connection.execute(
            "SELECT m.id FROM memory m JOIN memory_source s ON s.memory = m.key"
            " WHERE s.event = ? AND m.kind IN ('turn', 'episode')",
            (seq,),
        )
    }
    return list(memories.get(connection, sorted(ids)).values())


def corrected(memory: Memory, text: str, now: datetime) -> tuple[str, str]:
    """The sentence and the value of a memory that is put right in its subject's own words."""
    head, _, spoken_of = memory.subject.partition("/")
    if not spoken_of:
        for found in extract(text, Speaker(head, memory.subject_name), now, question=""):
            if found.attribute == memory.attribute and found.valid_to is None:
                return found.text, found.value
    # What cannot be read as a sentence about them is told as theirs.
    return (f'{memory.subject_name}: "{text}"' if _FIRST_PERSON.search(text) else text), text


def _theirs(connection: sqlite3.Connection, persona: str, person: str, id: str) -> Memory:
    found = memories.get(connection, readable(connection, [id], persona, frozenset({person})))
    if id not in found or not (found[id].teller == person or is_about(found[id], person)):
        raise NoSuchMemory(f"nothing of the id {id[:64]!r} is known of them")
    return found[id]


def _all_of(
    connection: sqlite3.Connection, persona: str, listeners: frozenset[str], memory: Memory
) -> list[Memory]:
    rows = connection.execute(
        "SELECT id FROM memory WHERE subject = ? AND fact = ? AND fact <> ''", (memory.subject, memory.fact)
    ).fetchall()
    ids = readable(connection, [id for (id,) in rows], persona, listeners)
    return list(memories.get(connection, ids).values())


def _said_about(
    connection: sqlite3.Connection, persona: str, person: str, topic: str, now: datetime
) -> dict[int, list[str]]:
    """What a person has said about something before a persona lately, or so that it is not remembered yet."""
    rows = connection.execute(
        f"{_OWN_WORDS} AND (e.seq > ?3 OR e.at >= ?4)",
        (person, persona, memories.watermark(connection, TURNS), (now - RECENT).timestamp() * 1_000_000),
    ).fetchall()
    found = {
        seq: [text] if isinstance(wish_about_memory(text), Forget) else sentences
        for seq, text in rows
        if (sentences := sentences_about(text, topic))
    }
    return found


def _said_in(connection: sqlite3.Connection, persona: str, person: str, line: str) -> dict[int, list[str]]:
    """The words of one line of a person."""
    rows = connection.execute(
        f"{_OWN_WORDS} AND ?3 IN (e.id, json_extract(e.detail, '$.line')) ORDER BY e.seq DESC LIMIT 1",
        (person, persona, line),
    )
    return {seq: [text] for seq, text in rows}


def _answers(connection: sqlite3.Connection, seq: int) -> list[tuple[int, str]]:
    """What personas said soon after an event, before those who perceived it."""
    return connection.execute(
        "SELECT a.seq, a.text FROM event e JOIN event a ON a.place = e.place AND a.kind = 'said' AND a.text <> ''"
        " AND a.at BETWEEN e.at AND e.at + ? WHERE e.seq = ?",
        (erasure.REPLY_S * 1_000_000, seq),
    ).fetchall()


def _as_json(persona: str, known: Known) -> dict[str, Any]:
    return {
        "what": "memory",
        "persona": persona,
        "id": known.id,
        "text": known.text,
        "quote": known.quote,
        "at": known.at.isoformat(),
        "kind": known.kind,
        "room": known.place.room,
        "channel": known.place.channel,
        "host": known.place.host,
        "current": known.current,
    }
