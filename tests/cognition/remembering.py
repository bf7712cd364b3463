"""A small world for tests of memory: people say things before others, and what they say is remembered as it is."""

import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cognition.memory.indexing import Indexing
from cognition.memory.recollecting import HybridRecall
from cognition.search.embedder import Embedder, FakeEmbedder
from cognition.search.fake_index import FakeIndex
from cognition.search.index import Index
from cognition.store.memories import Memory, fact_key, put, scope_of
from cognition.store.memory_store import MemoryStore
from cognition.store.store import Storage
from cognition.store.timeline import Event, Participant, Place, append

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LOBBY, ATTIC = Place("lobby"), Place("attic")
ADA, BOB, EVE = (Participant(name.lower(), "person", name) for name in ("Ada", "Bob", "Eve"))
NOVA, ROBIN = (Participant(name.lower(), "persona", name) for name in ("Nova", "Robin"))


@dataclass
class World:
    """A store, an index of it, and what recalls from both."""

    store: Storage = field(default_factory=MemoryStore)
    embedder: Embedder = field(default_factory=FakeEmbedder)
    index: Index = field(default_factory=FakeIndex)
    number: int = 0

    def __post_init__(self) -> None:
        self.recall = HybridRecall(self.store, self.embedder, self.index)
        self.indexing = Indexing(self.store, self.embedder, self.index)

    async def heard(
        self,
        who: Participant,
        text: str,
        *there: Participant,
        at: datetime = NOON,
        place: Place = LOBBY,
        to: frozenset[str] | None = None,
    ) -> int:
        self.number += 1
        event = Event(f"u{self.number}", "heard", place, who, text, at, frozenset(there), to)
        seq = await self.store.write(lambda connection: append(connection, event))
        assert seq is not None
        return seq

    async def fact(
        self,
        who: Participant,
        text: str,
        attribute: str,
        value: str,
        *there: Participant,
        at: datetime = NOON,
        place: Place = LOBBY,
        to: frozenset[str] | None = None,
        subject: str | None = None,
        words: str = "",
        **more: Any,
    ) -> str:
        """Somebody says something; it is remembered as a fact about them. The memory's id."""
        seq = await self.heard(who, words or text, *there, at=at, place=place, to=to)
        about = who.id if subject is None else subject

        def keep(connection: sqlite3.Connection) -> Memory:
            memory = Memory(
                "",
                scope_of(connection, seq),
                more.pop("kind", "fact"),
                text,
                at,
                subject=about,
                subject_name=more.pop("subject_name", who.name),
                teller=who.id,
                attribute=attribute,
                value=value,
                fact=fact_key(about, attribute, value),
                single=more.pop("single", True),
                quote=words or text,
                sources=(seq,),
                **more,
            )
            return put(connection, memory)

        return (await self.store.write(keep)).id

    async def indexed(self) -> None:
        await self.indexing.catch_up()

    async def texts(self, query: str, *listeners: str, persona: str = "nova", **more: Any) -> list[str]:
        await self.indexed()
        now = more.pop("now", NOON + timedelta(days=1))
        found = await self.recall.recall(persona, frozenset(listeners), query, now=now, **more)
        return [each.text for each in found]
