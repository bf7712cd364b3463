"""Takes a person out of the store in steps short enough that nobody else's writes wait for it.

Which words and memories go is worked out by a reader; they go a few at a time; what was said meanwhile, and whatever
tells whose it was, goes last. Until then it is on record whom to forget, so that a killed process finishes it.
"""

import secrets
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from cognition.memory.redaction import (
    called_one_of,
    echo_words,
    goes,
    is_cut,
    names_one_of,
    without,
    words_left,
)
from cognition.persona.trust import giver_key
from cognition.store import erasure, memories
from cognition.store.erasure import Erased, Traces
from cognition.store.memories import Memory
from cognition.store.store import Storage

__all__ = ["PersonPlan", "erase_person", "erase_person_in_steps", "made_of", "plan_of_person", "text_of"]

STEP = 256
"""Events or memories that go in one write: a few hundredths of a second."""


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """What is to go with a person.

    Attributes:
        person: identity.
        traces: what there is of them.
        upto: `seq` of the last event that was looked at.
        left: what is left of the text of each event, by `seq`.
        gone: ids of the memories.
        echoes: words that only they used.
    """

    person: str
    traces: Traces
    upto: int
    left: Mapping[int, str] = field(repr=False)
    gone: tuple[str, ...]
    echoes: frozenset[str] = field(repr=False)


def plan_of_person(
    connection: sqlite3.Connection, person: str, before: PersonPlan | None = None
) -> PersonPlan:
    """What is to go with a person; with a plan of `before`, what came behind its last event."""
    (upto,) = connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    since = 0 if before is None else before.upto
    traces = erasure.traces_of(connection, person, since=since)
    mentions = called_one_of(traces.names)
    words = echo_words(traces) if before is None else before.echoes
    echoes = names_one_of(words)
    left = {
        said.seq: kept
        for said in traces.events
        if (kept := words_left(said, traces.met, mentions, echoes)) is not None
    }
    candidates = memories.get(connection, erasure.memory_ids_of(connection, traces))
    gone = [one for one in candidates.values() if goes(one, person, traces, mentions, left)]
    # What others said of them goes where it is a memory about them, and with the sentence that it comes from.
    for one in gone:
        for seq in one.sources:
            if seq not in left and (said := text_of(connection, seq)) is not None and one.kind != "episode":
                left[seq] = without(said, one.quote or one.text)
    # The words of other things that were said with it may be gone by then.
    gone += made_of(connection, left, {one.id for one in gone})
    return PersonPlan(person, traces, upto, left, tuple(one.id for one in gone), words)


def erase_person(connection: sqlite3.Connection, person: str, *, by: str, at: datetime) -> Erased:
    """All of it at once, in the transaction of the caller."""
    plan = plan_of_person(connection, person)
    number = erasure.record(
        connection, at=at, by=by, what="person", events=len(plan.left), memories=len(plan.gone)
    )
    texts = erasure.erase_words(connection, number, plan.left)
    texts |= erasure.erase_memories(connection, plan.gone)
    _unname(connection, plan)
    return Erased(number, frozenset(plan.left), frozenset(plan.gone), frozenset(texts))


async def erase_person_in_steps(store: Storage, plan: PersonPlan, *, by: str, at: datetime) -> Erased:
    """The same in many transactions; where it is cut short, `erasure.begun` knows.

    Args:
        store: where.
        plan: as of some moment before.
        by: at whose word.
        at: timezone-aware.

    Raises:
        StoreError: the store cannot be written; what is gone is gone.
    """

    def begin(connection: sqlite3.Connection) -> int:
        erasure.begin(connection, plan.person, by=by, at=at)
        _forget_lives(connection, plan)
        return erasure.record(
            connection, at=at, by=by, what="person", events=len(plan.left), memories=len(plan.gone)
        )

    number = await store.write(begin)
    texts: set[str] = set()
    for place in range(0, len(plan.gone), STEP):
        ids = plan.gone[place : place + STEP]
        texts |= await store.write(partial(erasure.erase_memories, ids=ids))
    # Their own words last: from these it follows which others repeat them, whenever this is begun anew.
    own = {said.seq for said in plan.traces.events if said.own}
    seqs = sorted(plan.left, key=lambda seq: (seq in own, seq))
    for place in range(0, len(seqs), STEP):
        events = {seq: plan.left[seq] for seq in seqs[place : place + STEP]}
        texts |= await store.write(partial(erasure.erase_words, number=number, events=events))

    def end(connection: sqlite3.Connection) -> PersonPlan:
        late = plan_of_person(connection, plan.person, plan)
        texts.update(erasure.erase_words(connection, number, late.left))
        texts.update(erasure.erase_memories(connection, late.gone))
        _unname(connection, plan)
        erasure.ended(connection, plan.person)
        return late

    late = await store.write(end)
    from_which, gone = plan.left.keys() | late.left.keys(), {*plan.gone, *late.gone}
    return Erased(number, frozenset(from_which), frozenset(gone), frozenset(texts))


def _forget_lives(connection: sqlite3.Connection, plan: PersonPlan) -> None:
    erasure.erase_lives(connection, plan.traces, called_one_of(plan.traces.names), names_one_of(plan.echoes))


def _unname(connection: sqlite3.Connection, plan: PersonPlan) -> None:
    """Takes them out of what personas lived, and whose it was from everything that stays."""
    _forget_lives(connection, plan)
    erasure.erase_names(connection, plan.traces, giver_key(plan.person), f"forgotten-{secrets.token_hex(8)}")


def made_of(connection: sqlite3.Connection, left: Mapping[int, str], known: Collection[str]) -> list[Memory]:
    """Memories that are made of words that go, without those that are known to go."""
    ids = {
        id
        for seq in left
        for (id,) in connection.execute(
            "SELECT m.id FROM memory m JOIN memory_source s ON s.memory = m.key WHERE s.event = ?", (seq,)
        )
    }
    found = memories.get(connection, sorted(ids - set(known)))
    return [one for one in found.values() if is_cut(one, left)]


def text_of(connection: sqlite3.Connection, seq: int) -> str | None:
    """The words of an event; None where there are none any more."""
    row = connection.execute("SELECT text FROM event WHERE seq = ? AND text <> ''", (seq,)).fetchone()
    return None if row is None else str(row[0])
