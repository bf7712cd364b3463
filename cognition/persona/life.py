"""All personas of a process: what they live through, how they are, and what they want to do by themselves.

An event and its effect are one change, saved under the event's key: told again after a crash it has no effect, and
where it was not saved the room tells it again. What was due and has been said is known by its id, which the room keeps.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

from cognition.conversation.disposition import Disposition
from cognition.conversation.floor import Attendee
from cognition.conversation.names import Wording
from cognition.conversation.transcript import plain
from cognition.events import Arrived, Declined, Event, Heard, Left, Read, Said
from cognition.inference.generator import Generator
from cognition.persona.agenda import Agenda
from cognition.persona.appraisal import applied, appraise
from cognition.persona.diary import Diary
from cognition.persona.due import Due
from cognition.persona.event_keys import cleaned, key_of
from cognition.persona.inbox import Message, missed_words
from cognition.persona.intentions import Intention, Scene, held_back, wanted
from cognition.persona.journal import Entry, topics_of
from cognition.persona.keeper import Keeper
from cognition.persona.mail import Mail
from cognition.persona.notes import InnerNote
from cognition.persona.profile import Persona
from cognition.persona.prompt import spoken_name
from cognition.persona.rights import REST_UNTIL, Override, RightsError, resting_words
from cognition.persona.roster import Roster
from cognition.persona.scheduler import Why
from cognition.persona.state import State, time_to_charge
from cognition.persona.thoughts import KEPT_BACK, Thoughts
from cognition.store.personas import (
    Change,
    Loaded,
    Order,
    OrderKind,
    Saved,
    journal_of,
    load,
    orders_of,
)
from cognition.store.store import Storage

__all__ = ["Life"]

LIVED = 1000
"""Events of a room that are known to have been lived through: more than a room tells again."""
ROOMS = 256
"""Rooms of which that is known."""
LINES = 64
"""Lines of a room that are remembered for what comes back to them."""
WAKING = "I have rested and am back."
MAX_ID = 64
MAX_BY = 120
MAX_WHY = 300


class Life:
    """Every persona that may be seated, alive between the rooms and between two runs; `open` makes one.

    All methods are called from one event loop; `run` owns what happens by itself.

    Args:
        store: where all of it is kept.
        kept: what is there.
        clock: seconds since 1970, UTC, which never goes back.
        generator: words the journal while nobody talks; None: rules do.
        zone: the people's time zone.
        troubled: told in one line when the store refuses, and None when it takes again.
    """

    def __init__(
        self,
        store: Storage,
        kept: Loaded,
        *,
        clock: Callable[[], float],
        generator: Generator | None,
        zone: tzinfo,
        troubled: Callable[[str | None], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._dropped: Counter[str] = Counter()
        self._change = Change()
        self._keeper = Keeper(store, kept.changes, troubled)
        self._personas: dict[str, Persona] = {}
        self._roster = Roster(clock, self._change)
        self._withdrawn: Callable[[str, str], None] = lambda _room, _id: None
        self._agenda = Agenda(
            clock,
            self._change,
            kept.intentions,
            kept.ended,
            self._dropped,
            lambda over: self._withdrawn(over.room, over.id),
        )
        self._mail = Mail(self._change, kept.messages, kept.dropped, self._dropped)
        self._diary = Diary(clock, self._change, kept.experiences, generator, zone, self._dropped)
        self._thoughts = Thoughts(clock, self._change, kept.notes)
        self._lived: dict[str, OrderedDict[str, None]] = {}
        for room, key in kept.lived:
            self._lived.setdefault(room, OrderedDict())[key] = None
        self._present: dict[str, tuple[Attendee, ...]] = {}
        self._aloud: dict[str, set[str]] = {}
        """In which rooms each persona speaks now."""
        self._lines: dict[str, OrderedDict[str, Heard | Read]] = {}
        self._changed = asyncio.Event()
        for persona, saved in kept.states.items():
            self._roster.add(persona, saved)

    @classmethod
    async def open(
        cls,
        personas: Iterable[Persona],
        store: Storage,
        *,
        clock: Callable[[], float] | None = None,
        generator: Generator | None = None,
        zone: tzinfo | None = None,
        troubled: Callable[[str | None], None] = lambda reason: None,
    ) -> "Life":
        """The personas as they were left, brought to the present.

        Args:
            personas: who there is.
            store: where all of it is kept.
            clock: seconds since 1970, UTC; by default this machine's.
            generator: see the class.
            zone: the people's time zone; by default this machine's.
            troubled: see the class.

        Raises:
            StoreError: the store cannot be read.
        """
        clock = clock or _steady_clock()
        zone = zone or datetime.now().astimezone().tzinfo or UTC
        kept = await store.write(partial(load, now=clock()))
        life = cls(store, kept, clock=clock, generator=generator, zone=zone, troubled=troubled)
        for persona in personas:
            life.seat(persona)
        return life

    @property
    def personas(self) -> Mapping[str, Persona]:
        """Who may be seated now, by id."""
        return self._personas

    def counts(self) -> Counter[str]:
        """What was dropped or refused, by reason."""
        return self._dropped + self._keeper.counts

    def seat(self, persona: Persona) -> None:
        """A new persona, one that comes back, or a new profile of one that is there: what it has lived stays."""
        self._personas[persona.id] = persona
        if persona.id not in self._roster:
            self._roster.add(persona.id, Saved(State(at=self._clock())))
        self._roster.seat(persona.id, (State().home_valence, State().home_arousal))
        self._expect(persona.id)
        self._save()

    def unseat(self, persona: str) -> None:
        """A persona goes: others take what it has promised, and what it has lived is kept for its return."""
        if self._personas.pop(persona, None) is not None:
            self._roster.seat(persona, None)
            self._diary.stop(persona)
            self._hand_over(persona, float("inf"))
            self._save()

    def order(self, kind: OrderKind, persona: str, by: str, why: str) -> None:
        """Puts on record what an operator ordered; "pause" and "resume" are obeyed at once.

        Raises:
            KeyError: there is no such persona.
            RightsError: nobody answers for it.
        """
        if not by.strip():
            raise RightsError("an order says who gives it")
        if kind in ("pause", "resume"):
            self._roster.pause(persona, kind == "pause")
            if kind == "pause":
                self._diary.stop(persona)
                self._hand_over(persona, float("inf"))
            self._expect(persona)
        self._record(Order(persona, kind, by, why, self._clock()))

    def keep_awake(self, persona: str, by: str, why: str, seconds: float) -> None:
        """An operator keeps a persona from its rest for a while; who, when and why is on record.

        Raises:
            KeyError: there is no such persona.
            RightsError: nobody answers for it, no reason is given, or it is for too long.
        """
        at = datetime.fromtimestamp(self._clock(), UTC)
        given = Override(persona, by, why, at, at + timedelta(seconds=seconds))
        self._roster.keep_awake(persona, given.until.timestamp())
        self._expect(persona)
        self._record(Order(persona, "keep-awake", by, why, at.timestamp(), given.until.timestamp()))

    def state(self, persona: str) -> State:
        """How a persona is now.

        Raises:
            KeyError: there is no such persona.
        """
        return self._roster.state(persona)

    def disposition(self, persona: str) -> Disposition:
        """How a persona is disposed to speak now; one that is not known is at its best."""
        if persona not in self._roster:
            return Disposition()
        state = self._roster.state(persona)
        return Disposition(
            state.energy, state.valence, state.arousal, state.resting, self._roster.paused(persona)
        )

    def intentions(self, persona: str) -> list[Intention]:
        """What a persona means to do, the next first."""
        return self._agenda.of(persona)

    def inbox(self, persona: str) -> Sequence[Message]:
        """What a persona has yet to take in, the most urgent first."""
        return self._mail.of(persona).messages

    def missed(self, persona: str, room: str) -> str:
        """What a persona says of what it could not take in, empty when it missed nothing; said, it is over."""
        return missed_words(self._mail.of(persona).missed(room))

    def notes(self, persona: str, room: str) -> Sequence[InnerNote]:
        """What a persona has thought to itself in a room."""
        return self._thoughts.of(persona, room)

    def in_mind(self, persona: str, room: str) -> InnerNote | None:
        """What of that colours what it says there now, for its own prompt; None for nothing."""
        return self._thoughts.in_mind(persona, room)

    async def journal(
        self, persona: str, rooms: Collection[str], *, limit: int = 20, before: float = float("inf")
    ) -> list[Entry]:
        """What a persona wrote of some rooms, the latest first.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.read(
            partial(journal_of, persona=persona, rooms=rooms, limit=limit, before=before)
        )

    async def orders(self, persona: str, *, limit: int = 50) -> list[Order]:
        """What operators ordered of a persona, the latest first.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.read(partial(orders_of, persona=persona, limit=limit))

    async def settled(self) -> None:
        """Waits until everything so far is durable."""
        await self._keeper.settled()

    def forget(
        self,
        ids: Collection[str],
        rooms: Collection[str],
        mentions: Callable[[str], bool],
        echoes: Callable[[str], bool],
    ) -> None:
        """Lets go of a person: of what is in memory nothing is saved again; the store forgets what it has by itself.

        Args:
            ids: theirs, in rooms.
            rooms: where they were; what was lived through there is not written about.
            mentions: whether a text names them.
            echoes: whether a text of these rooms holds words that only they used.
        """

        def theirs(who: str, room: str, *texts: str) -> bool:
            return who in ids or any(mentions(each) or (room in rooms and echoes(each)) for each in texts)

        def of_line(line: Heard | Read | None) -> tuple[str, ...]:
            return () if line is None else (line.name, line.text)

        self._agenda.forget(
            lambda each: (
                theirs(each.to, each.room, each.text, *of_line(each.line))
                or (each.line is not None and each.line.participant in ids)
            )
        )
        self._mail.forget(lambda each: theirs(each.sender, each.room, each.name, each.text))
        self._diary.forget(rooms)
        self._thoughts.forget(lambda room, text: theirs("", room, text))
        for room, lines in self._lines.items():
            for id in [id for id, each in lines.items() if theirs(each.participant, room, *of_line(each))]:
                del lines[id]
        for persona in self._personas:
            self._expect(persona)
        self._save()

    def present(self, room: str, present: Sequence[Attendee]) -> None:
        """Who is in a room now; an empty one is forgotten but for what is kept."""
        if present:
            self._present[room] = tuple(present)
        else:
            self._present.pop(room, None)
            self._lines.pop(room, None)
            self._diary.hush(room, False)
            for persona, rooms in self._aloud.items():
                if room in rooms:
                    self.speaking(persona, room, False)
        for persona in self._personas:
            self._expect(persona)
        self._save()

    def observe(self, event: Event, present: Sequence[Attendee]) -> None:
        """Lets the personas of a room live through an event, once, and keeps what comes of it.

        It is on its way to the store when this returns, before anything that is written there later.

        Args:
            event: what happened; it may be told again.
            present: everybody in the room, personas too.
        """
        before = self._present.get(event.room)
        self._present[event.room] = tuple(present)
        self._thoughts.told(event)
        if self._is_new(event):
            self._live_through(cleaned(event))
        elif before != self._present[event.room]:
            # After a restart all that is told is known, and yet people are there for whom something is due.
            for id in self._there(event.room):
                self._expect(id)
        self._save()

    def held_back(self, persona: str, room: str, line: Heard | Read) -> None:
        """A persona had something to say to a line and did not get the floor: it may say it in the next gap."""
        if persona not in self._personas:
            return
        self._agenda.intend(held_back(persona, cleaned(line), self._clock()))
        if not isinstance(line, Heard) or line.to is None:
            self._thoughts.think(persona, room, KEPT_BACK)
        self._expect(persona)
        self._save()

    def refused(self, due: Due, reason: str) -> None:
        """A bid was not granted: the persona knows why, and tries again later or lets it be."""
        self._dropped[f"refused: {due.kind}: {reason}"] += 1
        self._agenda.refuse(due.persona, due.id, reason)
        self._expect(due.persona)
        self._save()

    def speaking(self, persona: str, room: str, on: bool) -> None:
        """A persona has begun or ended to speak in a room; while it speaks in any it is not serviced."""
        rooms = self._aloud.setdefault(persona, set())
        if on:
            rooms.add(room)
        else:
            rooms.discard(room)
        if persona in self._roster:
            self._roster.speak(persona, bool(rooms))
            self._changed.set()

    def talking(self, room: str, on: bool) -> None:
        """Somebody has begun to speak in a room, so that whoever writes stops; or nobody speaks any more."""
        self._diary.hush(room, on)
        for persona in self._there(room):
            self._expect(persona)

    async def run(
        self, due: Callable[[Due], None], withdrawn: Callable[[str, str], None] = lambda _room, _id: None
    ) -> None:
        """Serves the personas until cancelled. There is no timer while nothing is due.

        Args:
            due: takes their bids.
            withdrawn: told of the room and id of a bid that is over, whoever has ended it: somebody answered, whom it
                was for has left, another persona has taken it. What is heard of it by then is heard to its end.
        """
        self._withdrawn = withdrawn
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keeper.run())
            while True:
                self._changed.clear()
                for persona, why in self._roster.due():
                    self._serve(persona, why, due, group)
                self._save()
                delay = self._roster.horizon - self._clock()
                if delay == float("inf"):
                    await self._changed.wait()
                elif delay <= 0.0:
                    await asyncio.sleep(0)
                else:
                    try:
                        async with asyncio.timeout(delay):
                            await self._changed.wait()
                    except TimeoutError:
                        continue

    def _serve(self, persona: str, why: Why, due: Callable[[Due], None], group: asyncio.TaskGroup) -> None:
        match why:
            case Why.REST:
                self._roster.touch(persona)
                energy = self._roster.state(persona).energy
                self._hand_over(persona, self._clock() + time_to_charge(energy, REST_UNTIL, resting=True))
                for room in self._rooms_of(persona):
                    due(self._tired(persona, room))
            case Why.WAKE:
                self._roster.touch(persona)
                answering = self._catch_up(persona)
                for room in self._rooms_of(persona):
                    if room not in answering:
                        due(Due(self._own_id("wake", persona), persona, room, "wake", WAKING, priority=0.2))
                for other in self._personas:
                    self._expect(other)
            case Why.INTENTION:
                if (chosen := self._agenda.offer(persona, self._scene)) is not None:
                    due(
                        Due(
                            chosen.id,
                            persona,
                            chosen.room,
                            chosen.kind,
                            chosen.text,
                            chosen.to,
                            chosen.line,
                            chosen.priority,
                        )
                    )
            case Why.MESSAGE:
                self._catch_up(persona)
                self._roster.touch(persona)
            case Why.REFLECT:
                state = self._roster.state(persona)
                self._diary.write(self._personas[persona], state, group, self._written)
        self._expect(persona)

    def _catch_up(self, persona: str) -> set[str]:
        """A persona looks at what waits; what it was asked while it could not hear it, it comes back to.

        Returns:
            The rooms in which it does.
        """
        rooms: set[str] = set()
        meant = {each.line.id for each in self._agenda.of(persona) if each.line is not None}
        for message in self._mail.look(persona, self._clock()):
            scene = self._scene(message.room)
            if all(each.id != message.sender for each in scene.people()):
                continue
            if message.id not in meant:
                line = scene.lines.get(message.id) or message.line()
                self._agenda.intend(held_back(persona, line, self._clock()))
            rooms.add(message.room)
        return rooms

    def _is_new(self, event: Event) -> bool:
        """Whether it has not been lived through; from now on it has."""
        room, key = event.room, key_of(event)
        lived = self._lived.setdefault(room, OrderedDict())
        if key in lived:
            return False
        lived[key] = None
        self._change.lived[room, key] = self._clock()
        if isinstance(event, Arrived | Left):
            # Whoever has left may come again.
            opposite = f"{'left' if isinstance(event, Arrived) else 'arrived'}@{event.participant}"
            if lived.pop(opposite, True) is None:
                self._change.lived[room, opposite] = None
        while len(lived) > LIVED:
            lived.popitem(last=False)
        while len(self._lived) > ROOMS:
            del self._lived[next(each for each in self._lived if each != room)]
        return True

    def _written(self, persona: str) -> None:
        self._expect(persona)
        self._save()

    def _tired(self, persona: str, room: str) -> Due:
        others = [self._personas[id].name for id in self._awake(room) if id != persona]
        words = resting_words(self._personas[persona].name, others)
        return Due(self._own_id("rest", persona), persona, room, "rest", words, priority=0.9)

    def _own_id(self, kind: str, persona: str) -> str:
        return f"{kind}-{self._clock():.3f}-{persona}"[:MAX_ID]

    def _live_through(self, event: Event) -> None:
        room = event.room
        text = event.text if isinstance(event, Heard | Read | Said) else ""
        said = Wording.of(text)
        to = event.to if isinstance(event, Heard | Said) else None
        names = {each.id: each.name for each in self._present[room]}
        who = "" if isinstance(event, Declined) else event.participant
        name = event.name if isinstance(event, Heard | Read | Arrived | Left) else names.get(who, who)
        there, spoken, topics = self._there(room), spoken_name(name), topics_of(text)
        for id in there:
            if to is not None and id not in to:
                continue
            meaning = appraise(event, said, self._personas[id], self._present[room])
            self._roster.set_state(id, applied(self._roster.state(id), meaning))
            self._diary.note(id, event, spoken, topics)
            if isinstance(event, Said) and event.participant == id:
                self._mail.spoke(id, event, resting=self._roster.resting(id))
            elif isinstance(event, Heard | Read | Said) and meaning.priority > 0.0:
                self._mail.put(id, event, name, meaning.priority)
        self._thoughts.reflect(event, self._personas)
        if isinstance(event, Said) and event.answers is not None and not event.interrupted:
            self._mail.answered(event)
        if isinstance(event, Heard | Read):
            lines = self._lines.setdefault(room, OrderedDict())
            lines[event.id] = event
            while len(lines) > LINES:
                lines.popitem(last=False)
        scene = self._scene(room)
        for done in self._agenda.follow(event, said, scene):
            self._diary.did(done, scene.name_of(done.to))
        for wish in wanted(event, said, scene):
            self._agenda.intend(wish)
        for id in there:
            self._expect(id, lambda where: scene if where == room else self._scene(where))

    def _hand_over(self, persona: str, until: float) -> None:
        for other in self._agenda.hand_over(persona, self._awake, until):
            self._expect(other)

    def _record(self, order: Order) -> None:
        self._change.orders.append(replace(order, by=plain(order.by, MAX_BY), why=plain(order.why, MAX_WHY)))
        self._save()

    def _expect(self, persona: str, scene: Callable[[str], Scene] | None = None) -> None:
        """Tells the scheduler what is next for a persona, in a room as it is now unless it is given."""
        if persona in self._personas:
            inbox = self._mail.of(persona)
            self._roster.expect(
                persona,
                intention=self._agenda.next_due(persona, scene or self._scene),
                reflect=self._diary.due(persona),
                inbox=(len(inbox), inbox.priority),
            )
            self._changed.set()

    def _save(self) -> None:
        self._roster.save()
        self._diary.save()
        self._keeper.keep(self._change.take())

    def _scene(self, room: str) -> Scene:
        there = self._there(room)
        return Scene(
            self._present.get(room, ()),
            {id: self._personas[id].name for id in there if not self._roster.paused(id)},
            self._awake(room),
            {id: self._personas[id].expertise for id in there},
            self._lines.get(room, {}),
            self._zone,
        )

    def _there(self, room: str) -> list[str]:
        present = {each.id for each in self._present.get(room, ())}
        return [id for id in self._personas if id in present]

    def _awake(self, room: str) -> list[str]:
        """Personas there that neither rest nor are paused."""
        return [id for id in self._there(room) if not (self._roster.paused(id) or self._roster.resting(id))]

    def _rooms_of(self, persona: str) -> list[str]:
        return [room for room in self._present if persona in self._there(room)]


def _steady_clock() -> Callable[[], float]:
    """UTC as it was at the start, going on with the loop's clock, without the jumps of one that is set."""
    loop = asyncio.get_running_loop()
    offset = time.time() - loop.time()
    return lambda: offset + loop.time()
