"""One mind, many places: nothing said where somebody was absent ever reaches them, and what they were present at can.

Random rooms, people, whispers, visits and openness go through the timeline, the work of idle time, the index and
recall, as they do in a server.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cognition.events import Heard, Read, Said
from cognition.inference.generator import FakeGenerator
from cognition.memory.hippocampus import Hippocampus
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona, PersonaVoice
from cognition.store.timeline import Event, Participant, Place, append, open_place
from tests.cognition.remembering import NOON, World
from tests.virtual_time import VirtualTimeLoop

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


class Room:
    """One room of a mind: who is there under which id, what was said, and what the model was given."""

    def __init__(self) -> None:
        self.generator = FakeGenerator(["Fine."])
        self.mind = self._begun()
        self.there: dict[str, str] = {}
        self.secrets: list[Secret] = []
        self.is_open = False
        self.visits = 0
        self.now = NOON

    def _begun(self) -> Mind:
        mind = Mind([Persona(id, id.title(), PersonaVoice(), "", ()) for id in PERSONAS], self.generator)
        for persona in PERSONAS:
            mind.enter("lobby", persona, persona.title(), "persona")
        return mind

    async def come(self, who: str) -> None:
        if who not in self.there:
            self.visits += 1
            self.there[who] = f"seat{self.visits}"
            self.mind.enter("lobby", self.there[who], who.title(), "person", who)

    async def go(self, who: str) -> None:
        if who in self.there:
            self.mind.leave("lobby", self.there.pop(who))

    async def turn(self, is_open: bool) -> None:
        self.is_open = is_open
        self.mind.open_up("lobby", is_open)

    async def restart(self) -> None:
        """The mind dies, and takes over what it had."""
        kept = self.mind.lines("lobby")
        self.mind = self._begun()
        self.mind.restore("lobby", kept)
        self.mind.open_up("lobby", self.is_open)
        for who, seat in self.there.items():
            self.mind.enter("lobby", seat, who.title(), "person", who)

    async def say(
        self, who: str, how: str, to: frozenset[str] | None, late: frozenset[str], persona: str
    ) -> None:
        """Says something and is answered; who is late came while it was being said."""
        if who not in self.there and who not in PERSONAS:
            return
        self.now += timedelta(minutes=1)
        said, id = word(len(self.secrets)), f"u{len(self.secrets)}"
        hearers, circle = frozenset(self.there), None
        if to is not None and how == "heard":
            hearers &= to | {who}
            circle = frozenset(self.there[one] for one in hearers) | {persona} | ({who} & set(PERSONAS))
        heard = hearers - (late - {who})
        began = frozenset(seat for one, seat in self.there.items() if one not in late)
        line: Heard | Read | Said
        if who in PERSONAS:
            line = Said("lobby", who, said, self.now, id=id, to=circle, there=began)
        elif how == "read":
            line = Read("lobby", self.there[who], who.title(), said, self.now, id, began)
        else:
            line = Heard("lobby", self.there[who], who.title(), said, self.now, id, circle, there=began)
        self.mind.record(line)
        self.secrets.append(Secret(said, said, heard, PLACES[0], circle is not None))
        await self.asked(persona, line, hearers)

    async def asked(self, persona: str, line: Heard | Read | Said, hearers: frozenset[str]) -> None:
        to = None if isinstance(line, Read) else line.to
        await self.reach(frozenset(self.there), self.mind.prepare("lobby", persona))
        if not isinstance(line, Said):
            await self.reach(
                hearers, self.mind.anticipate("lobby", persona, line.participant, "What", to, "later")
            )
            greeting = await self.mind.welcome("lobby", persona, line.participant)
            assert not any(one.word in greeting for one in self.secrets)
        await self.reach(hearers, self._answer(persona, line), line.text)

    async def _answer(self, persona: str, line: Heard | Read | Said) -> None:
        async for _ in self.mind.reply("lobby", persona, line):
            pass

    async def reach(self, hearers: frozenset[str], work: Awaitable[None], answered: str = "") -> None:
        """Nothing reaches the model that not all may know who hear what it makes, but for what is answered."""
        prefilled, streamed = len(self.generator.prefilled), len(self.generator.streamed)
        await work
        prompts = [prompt for _, prompt in self.generator.prefilled[prefilled:]]
        prompts += [prompt for _, prompt, *_ in self.generator.streamed[streamed:]]
        opened = PLACES[:1] if self.is_open else ()
        for one in self.secrets:
            if one.word != answered and not one.may_reach(hearers, opened):
                assert one.word not in str(prompts), f"{one} reached {sorted(hearers)}"
            elif prompts and one.word != answered and not one.whispered:
                assert one.word in str(prompts), f"{one} is kept from {sorted(hearers)}"


people = st.sampled_from(PEOPLE)
moments = st.one_of(
    st.tuples(st.just("come"), people),
    st.tuples(st.just("go"), people),
    st.tuples(st.just("turn"), st.booleans()),
    st.tuples(st.just("restart")),
    st.tuples(
        st.just("say"),
        everybody,
        st.sampled_from(["heard", "read"]),
        st.none() | st.none() | st.frozensets(people, max_size=2),
        st.just(frozenset()) | st.frozensets(people, max_size=2),
        st.sampled_from(PERSONAS),
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(moments, min_size=4, max_size=30))
def test_no_prompt_of_what_somebody_hears_holds_what_was_said_where_they_were_absent(
    happening: list[tuple[object, ...]],
) -> None:
    async def live_through() -> None:
        room = Room()
        await room.come("ada")
        for step, *arguments in happening:
            await getattr(room, str(step))(*arguments)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(live_through())


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
