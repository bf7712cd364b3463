"""One mind, many places: nothing said where somebody was absent ever reaches them, and what they were present at can.

Random rooms, people, whispers, visits and openness go through the timeline, the work of idle time, the index and
recall, as they do in a server.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cognition.memory.hippocampus import Hippocampus
from cognition.store.timeline import Event, Participant, Place, append, open_place
from tests.cognition.remembering import NOON, World

PLACES = (Place("lobby"), Place("attic"), Place("general", "general", "slack"))
PEOPLE = ("ada", "bob", "eve")
PERSONAS = ("nova", "robin")
SAYINGS = (
    "I live in {}.",
    "I moved from {} to Berlin.",
    "My sister {} is ill.",
    "I have to visit {} on Friday.",
    "I work at {}.",
    "We met in {} and it was lovely.",
)
ASKED = (
    "Where does Ada live?",
    "Where did Bob live before?",
    "What does Eve do?",
    "Who is ill?",
    "What happened lately?",
)


def word(number: int) -> str:
    """A name that occurs nowhere else."""
    letters = ""
    while True:
        letters = "abcdefghijklmnopqrstuvwxyz"[number % 26] + letters
        number //= 26
        if number == 0:
            return f"Zorq{letters}vik"


@dataclass
class Secret:
    """A word, who perceived it, and where."""

    word: str
    said: str
    audience: frozenset[str]
    place: Place
    whispered: bool

    def may_reach(self, hearers: frozenset[str], opened: Iterable[Place]) -> bool:
        return hearers <= self.audience or (not self.whispered and self.place in opened)


@dataclass
class Life:
    """What is going on: who is where, and what was said."""

    world: World = field(default_factory=World)
    there: dict[Place, dict[str, Participant]] = field(
        default_factory=lambda: {place: {} for place in PLACES}
    )
    opened: set[Place] = field(default_factory=set)
    secrets: list[Secret] = field(default_factory=list)
    visits: int = 0
    now: datetime = NOON

    async def come(self, who: str, place: Place) -> None:
        self.visits += 1
        persona = who in PERSONAS
        visit = (
            Participant(who, "persona", who.title())
            if persona
            else Participant(f"seat{self.visits}", "person", who.title(), who)
        )
        self.there[place].setdefault(who, visit)

    async def go(self, who: str, place: Place) -> None:
        self.there[place].pop(who, None)

    async def turn(self, place: Place, is_open: bool) -> None:
        (self.opened.add if is_open else self.opened.discard)(place)
        await self.world.store.write(lambda connection: open_place(connection, place, is_open))

    async def say(self, who: str, place: Place, saying: int, to: frozenset[str] | None) -> None:
        there = self.there[place]
        if who not in there:
            return
        number = len(self.secrets)
        self.now += timedelta(minutes=3)
        text = SAYINGS[saying].format(word(number))
        listening = frozenset(there) if to is None else (to & frozenset(there)) | {who}
        event = Event(
            f"u{number}",
            "said" if who in PERSONAS else "heard",
            place,
            there[who],
            text,
            self.now,
            frozenset(there.values()),
            None if to is None else frozenset(there[one].id for one in listening),
        )
        assert await self.world.store.write(lambda connection: append(connection, event)) is not None
        self.secrets.append(Secret(word(number), text, listening, place, to is not None))

    async def consolidate(self) -> None:
        clock = (self.now + timedelta(hours=6)).timestamp()
        await Hippocampus(self.world.store, self.world.embedder, clock=lambda: clock).think()
        await self.world.indexed()

    async def reached(self, persona: str, listeners: frozenset[str], query: str) -> str:
        """Everything that comes back, as one text."""
        recall, later = self.world.recall, self.now + timedelta(days=1)
        found = list(await recall.recall(persona, listeners, query, now=later, limit=50))
        for who in PEOPLE:
            found += await recall.about(persona, listeners, who, now=later, limit=50)
        shown = [await recall.shown(persona, listeners, one.id, now=later) for one in found]
        assert None not in shown, "what comes back can be shown"
        entries = [entry.text for one in shown if one is not None for entry in one.entries]
        return " ".join([*(f"{one.text} {one.quote}" for one in found), *entries])

    async def check(self) -> None:
        circles = [frozenset(some) for count in (1, 2, 3) for some in combinations(PEOPLE, count)]
        for persona in PERSONAS:
            for listeners in circles:
                hearers = listeners | {persona}
                may = [one for one in self.secrets if one.may_reach(hearers, self.opened)]
                may_not = [one for one in self.secrets if not one.may_reach(hearers, self.opened)]
                for query in (*ASKED, " ".join(one.word for one in may_not)):
                    reached = await self.reached(persona, listeners, query)
                    leaked = [one for one in may_not if one.word in reached]
                    assert not leaked, f"{leaked} reached {sorted(hearers)} by {query!r}"
                for one in may[-4:]:
                    assert one.word in await self.reached(persona, listeners, one.said)


places = st.sampled_from(PLACES)
everybody = st.sampled_from(PEOPLE + PERSONAS)
steps = st.one_of(
    st.tuples(st.just("come"), everybody, places),
    st.tuples(st.just("go"), everybody, places),
    st.tuples(st.just("turn"), places, st.booleans()),
    st.tuples(
        st.just("say"),
        everybody,
        places,
        st.integers(0, len(SAYINGS) - 1),
        st.none() | st.none() | st.frozensets(everybody, max_size=2),
    ),
    st.tuples(st.just("consolidate")),
)


lives = (
    st.lists(st.tuples(everybody, places), min_size=3, max_size=8),
    st.lists(steps, min_size=4, max_size=24),
    st.lists(st.tuples(places, st.booleans()), max_size=2),
)


async def live(
    first: list[tuple[str, Place]], then: list[tuple[object, ...]], at_last: list[tuple[Place, bool]]
) -> None:
    life = Life()
    for who, place in first:
        await life.come(who, place)
    for step, *arguments in then:
        await getattr(life, str(step))(*arguments)
    await life.consolidate()
    await life.check()
    for place, is_open in at_last:
        await life.turn(place, is_open)
        await life.check()


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(*lives)
def test_nothing_reaches_who_was_absent_and_everything_reaches_who_was_there(
    first: list[tuple[str, Place]], then: list[tuple[object, ...]], at_last: list[tuple[Place, bool]]
) -> None:
    asyncio.run(live(first, then, at_last))


@pytest.mark.models
@pytest.mark.timeout(600)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(*lives)
def test_nor_in_many_more_lives(
    first: list[tuple[str, Place]], then: list[tuple[object, ...]], at_last: list[tuple[Place, bool]]
) -> None:
    asyncio.run(live(first, then, at_last))


async def test_what_was_said_in_one_place_is_known_in_another_by_those_who_were_there() -> None:
    life = Life()
    for who in ("ada", "nova"):
        await life.come(who, PLACES[2])
    await life.say("ada", PLACES[2], 0, None)
    await life.consolidate()
    (secret,) = life.secrets
    assert secret.word in await life.reached("nova", frozenset({"ada"}), "Where does Ada live?")
    assert secret.word not in await life.reached("nova", frozenset({"ada", "bob"}), "Where does Ada live?")
    assert secret.word not in await life.reached("robin", frozenset({"ada"}), "Where does Ada live?")
    await life.turn(PLACES[2], True)
    assert secret.word in await life.reached("robin", frozenset({"bob"}), "Where does Ada live?")
    assert replace(secret, whispered=True).may_reach(frozenset({"bob"}), life.opened) is False
