"""The mind: listens in every room, decides who answers, and lets the personas speak."""

import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from cognition.conversation.affinity import WordAffinity
from cognition.conversation.clauses import ClauseSplitter
from cognition.conversation.dialogue import over
from cognition.conversation.floor import Attendee, Decision, Disposition, decide, never
from cognition.conversation.lines import line_heard, line_said, up_to
from cognition.conversation.meaning import MeaningAffinity
from cognition.conversation.quiet import Quiet
from cognition.conversation.reasons import Silence
from cognition.conversation.transcript import MAX_NAME, Line, line_of, plain
from cognition.events import Event, Heard, Kind, Read, Said
from cognition.inference.generator import Generator, Prompt, Turn
from cognition.inference.window import clip
from cognition.persona.budget import MIN_BUDGET, TURN_COST, conversation_budget
from cognition.persona.delivery import Clause, Delivery
from cognition.persona.mind_room import MindRoom
from cognition.persona.notes import InnerNote
from cognition.persona.opening import opening
from cognition.persona.profile import Persona
from cognition.persona.prompt import labels_of, spoken_name, system_text, turns_of, unfinished, with_partial
from cognition.persona.recollection import Allowance, NoRecollection, NoWishes, Recollection, Wishes
from cognition.persona.remembrance import Remembrance
from cognition.persona.rights import DeclineReason, declining
from cognition.persona.welcoming import Welcoming
from cognition.rag.source import Request
from cognition.search.embedder import Embedder
from cognition.store.timeline import Participant, Place

__all__ = ["FALLBACK", "Clause", "Mind"]

FALLBACK = "Sorry, I lost my thread."
"""Said when the model gave nothing that can be spoken."""
NO_RECOLLECTION, NO_ALLOWANCE, NO_WISHES = NoRecollection(), Allowance(), NoWishes()
IDLE_SHARE = 0.85
"""Share of the context beyond which idle time is used to trim, so that no reply has to."""


class Mind:
    """Every room a process attends, with the personas in it.

    Args:
        personas: who may be seated; a room holds those that `enter` it.
        generator: the language model.
        max_tokens: length of a reply.
        is_backchannel: whether words only acknowledge what somebody else says; they are not answered.
        disposition: how a persona is disposed to speak just now, by its id.
        missed: what a persona says first of what it could not take in in a room, both by id; empty where it did.
        held_back: ids of the personas that have held something back in a room.
        embedder: tells by meaning who knows about what; by the words of their expertise alone if it is not given.
        observe: told of everything that happens in a room, with who is there; it neither waits nor raises.
        clock_ns: the clock of `Clause.token_ns`.
        recollection: what is remembered of earlier days.
        allowance: tokens of each prompt that may have; a persona whose profile leaves no room for it has none.
        now: UTC.
        wishes: does what people want done with what is known of them.
        thinks: what a persona thinks to itself in a room, both by id.
        replying: told when a reply of a room begins to be made (with its number, and true), and when that is over.

    Raises:
        ValueError: a persona and a reply of `max_tokens` leave the model no room for a conversation.
    """

    def __init__(
        self,
        personas: Iterable[Persona],
        generator: Generator,
        *,
        max_tokens: int = 80,
        is_backchannel: Callable[[str], bool] = never,
        disposition: Callable[[str], Disposition] = lambda _persona: Disposition(),
        missed: Callable[[str, str], str] = lambda _persona, _room: "",
        held_back: Callable[[str], Collection[str]] = lambda _room: (),
        embedder: Embedder | None = None,
        observe: Callable[[Event, Sequence[Attendee]], None] = lambda _event, _present: None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        recollection: Recollection = NO_RECOLLECTION,
        allowance: Allowance = NO_ALLOWANCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        replying: Callable[[str, int, bool], None] = lambda _room, _reply, _on: None,
        wishes: Wishes = NO_WISHES,
        thinks: Callable[[str, str], InnerNote | None] = lambda _persona, _room: None,
    ) -> None:
        self._personas = {persona.id: persona for persona in personas}
        self._systems = {id: system_text(persona) for id, persona in self._personas.items()}
        self._generator = generator
        self._max_tokens = max_tokens
        self._recollection = recollection
        self._memory = Remembrance(recollection, allowance, self._unlearn, thinks, generator.count)
        self._reserved = allowance.tokens + 3 * TURN_COST if allowance.tokens else 0
        self._remembers: set[str] = set()
        """Personas whose prompts have room for what is remembered."""
        self._now = now
        self._replying = replying
        self._wishes = wishes
        self._numbers = itertools.count()
        self._budgets = {
            id: self._budget(persona, self._systems[id]) for id, persona in self._personas.items()
        }
        """Tokens for the lines of a conversation, by persona."""
        self._is_backchannel = is_backchannel
        self._disposition = disposition
        self._missed = missed
        self._held_back = held_back
        self.counts: Counter[str] = Counter()
        """What was cut, dropped or replaced in replies, by reason, and what was not overheard."""
        self._welcoming = Welcoming(recollection, now, self.counts)
        self._embedder = embedder
        self._affinity = self._knowing()
        self._observe = observe
        self._clock_ns = clock_ns
        self._rooms: dict[str, MindRoom] = {}
        self._opened: set[str] = set()
        """Rooms in which people may know what was said before they came."""

    def rooms(self) -> list[str]:
        """Rooms with something in them."""
        return list(self._rooms)

    def lines(self, room: str) -> list[dict[str, object]]:
        """The room's transcript as *line* objects of the room protocol, oldest first."""
        return [line.as_wire() for line in self._room(room).transcript.lines]

    def enter(self, room: str, participant: str, name: str, kind: Kind, identity: str = "") -> None:
        """Somebody is there; a persona under the id of its profile, a person also as who they are on every day."""
        state = self._open(room)
        state.present[participant] = Attendee(participant, plain(name, MAX_NAME), kind)
        state.identities[participant] = identity or participant

    def share(self, room: str, participant: str, shared: bool) -> None:
        """Several people are at a participant's microphone from now on, or one again.

        While they are, nothing is told aloud that not everybody may know: nobody knows who they are.
        """
        if room in self._rooms:
            state = self._rooms[room]
            (state.shared.add if shared else state.shared.discard)(participant)

    @property
    def opened(self) -> frozenset[str]:
        """Rooms in which what is said aloud is for whoever comes there."""
        return frozenset(self._opened)

    def open_up(self, room: str, is_open: bool) -> None:
        """Whether what is said aloud in a room is for whoever comes there, or for those who are present."""
        if is_open == (room in self._opened):
            return
        (self._opened.add if is_open else self._opened.discard)(room)
        if room in self._rooms:
            for persona in self._personas:
                self._unlearn(room, persona)

    def leave(self, room: str, participant: str) -> None:
        """Somebody is no longer there; what they said stays."""
        state = self._room(room)
        state.present.pop(participant, None)
        state.identities.pop(participant, None)
        state.shared.discard(participant)

    def restore(self, room: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Takes over *line* objects kept elsewhere; those that are none are counted and left out."""
        state = self._open(room)
        read: list[Line] = []
        for wire in lines:
            try:
                read.append(line_of(wire))
            except (ValueError, AttributeError):
                self.counts["restored line unreadable"] += 1
        state.restore(read, self._personas)

    def forget(self, room: str) -> None:
        """Drops everything of a room, the model's cache of it too."""
        self._memory.forget(room)
        if self._rooms.pop(room, None) is not None:
            for persona in self._personas:
                self._generator.forget(_key(room, persona))

    def consider(self, line: Heard | Read | Said) -> Decision:
        """Who would answer this, in which order, and why the others would not; changes nothing."""
        state = self._room(line.room)
        said = self._line(line)
        # A whisper is a conversation among those who hear it.
        present = [each for each in state.present.values() if said.to is None or each.id in said.to]
        seated = {each.id: self._personas[each.id] for each in present if each.id in self._personas}
        return decide(
            state.transcript.known_to(said.to),
            seated,
            tuple(present),
            said,
            quiet=state.quiet.before(said),
            dispositions={id: self._disposition(id) for id in seated},
            held_back=self._held_back(line.room),
            affinity=self._affinity,
            is_backchannel=self._is_backchannel,
        )

    def record(self, event: Heard | Read | Said) -> None:
        """Puts a line into the transcript; a Said holds what was heard of it. A room never entered keeps none."""
        if event.room not in self._rooms:
            self.counts["line of no room"] += 1
            return
        state, line = self._rooms[event.room], self._line(event)
        if state.transcript.add(line) and line.to is None:
            people = (each for each in state.present.values() if each.kind == "person")
            state.quiet.note(line, [each.name for each in people if each.id != line.speaker])
        self.note(event)

    def admit(self, persona: Persona) -> None:
        """Somebody new who may be seated, or a new profile of a persona; what was said to it stays said.

        Raises:
            ValueError: its profile leaves the model no room for a conversation; nothing is changed.
        """
        system = system_text(persona)
        self._budgets[persona.id] = self._budget(persona, system)
        self._systems[persona.id] = system
        self._personas[persona.id] = persona
        self._renewed(persona.id)

    def dismiss(self, persona: str) -> None:
        """A persona that is seated nowhere any more may be seated no longer."""
        if self._personas.pop(persona, None) is not None:
            del self._systems[persona], self._budgets[persona]
            self._renewed(persona)

    def _renewed(self, persona: str) -> None:
        """Lets go of what was worked out with another profile, or with other personas."""
        self._affinity = self._knowing()
        self._generator.forget(_key("", persona))
        for room, state in self._rooms.items():
            self._unlearn(room, persona)
            self._memory.forget(room, persona)
            state.kept_from.pop(persona, None)
            state.taken_in.pop(persona, None)

    def forget_memories(self) -> None:
        """Something that is remembered was corrected or deleted: no prompt says any more what it said before."""
        self._memory.forget_all()

    def let_go(self, participants: Collection[str], lines: Collection[str] = ()) -> None:
        """Forgets what these have said in the open rooms, and these lines; nothing remembered is said again either.

        Args:
            participants: ids.
            lines: ids.
        """
        self._memory.forget_all()
        for room, state in self._rooms.items():
            if state.transcript.drop(participants, lines):
                for persona in self._personas:
                    self._unlearn(room, persona)
                    state.kept_from.pop(persona, None)

    def _unlearn(self, room: str, persona: str) -> None:
        self._generator.forget(_key(room, persona))
        if (state := self._rooms.get(room)) is not None:
            state.taken_in.pop(persona, None)
            state.told.pop(persona, None)

    def note(self, event: Event) -> None:
        """Lets it be known that something happened in a room, and who is there; lines are known by `record`."""
        self._observe(event, tuple(self._room(event.room).present.values()))

    async def warm_up(self, most: int | None = None) -> None:
        """Evaluates what the prompts of each persona begin with, so that a new room starts on it.

        Args:
            most: of the first so many personas; of all by default.

        Raises:
            GenerationError: the model failed.
        """
        for id, system in islice(self._systems.items(), most):
            await self._generator.begin(_key("", id), Prompt(system, turns_of((), id)))

    async def prepare(self, room: str, persona: str) -> None:
        """Evaluates what a persona knows by now; in idle time, after somebody came or spoke.

        Of many personas those that have not spoken lately take in several lines at a time.

        Raises:
            GenerationError: the model failed.
        """
        if persona in self._remembers:
            changed = await self._memory.settle(self._request(room, persona, None))
            if room not in self._rooms or persona not in self._personas:
                return
            if changed:
                self._rooms[room].taken_in.pop(persona, None)
        known = self._memory.of(room, persona, self._room(room).listeners(None)).known(persona)
        lines = self._fitting(room, persona, self._known(room, None), idle=True)
        state = self._room(room)
        self._keep_apart(room, persona, None)
        if not state.worth_preparing(persona, lines, self._generator.count(known)):
            return
        self._tell(room, persona, lines)
        await self._generator.prefill(
            _key(room, persona), Prompt(self._systems[persona], turns_of(lines, persona, known=known))
        )
        state.taken_in[persona] = lines[-1].id if lines else ""

    def most_wanted_first(self, room: str, personas: Collection[str]) -> list[str]:
        """In which order `prepare` is to be called for personas of a room."""
        return self._room(room).most_wanted_first(personas, self._known(room, None))

    async def overhear(self, text: str) -> None:
        """Works out what somebody who is still speaking speaks about, so that `consider` knows who knows about it.

        Args:
            text: their words so far.
        """
        if isinstance(self._affinity, MeaningAffinity):
            # The very words that `anticipate` looks for in memory, so that they are embedded once.
            await self._affinity.read(unfinished(text))

    def _knowing(self) -> MeaningAffinity | WordAffinity:
        """Who knows about what."""
        personas = self._personas.values()
        if self._embedder is None:
            return WordAffinity(personas)
        return MeaningAffinity(personas, self._embedder, self.counts)

    async def anticipate(
        self,
        room: str,
        persona: str,
        speaker: str,
        partial: str,
        to: frozenset[str] | None = None,
        turn: str = "",
    ) -> None:
        """Evaluates the words of somebody who is still speaking, and what they call to mind before them.

        Args:
            room: the room.
            persona: who may have to answer.
            speaker: participant id, or the name, of who speaks.
            partial: their words so far; the last ones may still change.
            to: who alone hears them, as in `Heard`.
            turn: the id that `Heard` will have; nothing is recalled without.

        Raises:
            GenerationError: the model failed.
        """
        state = self._room(room)
        attendee = state.present.get(speaker)
        name = attendee.name if attendee is not None else speaker
        words = unfinished(partial)
        if turn and persona in self._remembers:
            await self._memory.listen(self._request(room, persona, to, words, speaker), turn)
            if room not in self._rooms or persona not in self._personas:
                return
        memory = self._memory.of(room, persona, self._room(room).listeners(to), turn)
        kept = self._fitting(room, persona, self._known(room, to), idle=False)
        turns = turns_of(kept, persona, known=memory.known(persona))
        clipped = clip(words, self._budgets[persona] // 4, self._generator.count)
        said = with_partial(turns, name, clipped, memory.fresh)
        prompt = Prompt(self._systems[persona], said, unfinished=True)
        self._keep_apart(room, persona, to)
        self._tell(room, persona, kept)
        await self._generator.prefill(_key(room, persona), prompt)

    async def reply(
        self, room: str, persona: str, to: Heard | Read | Said, planned: Sequence[Said] = ()
    ) -> AsyncGenerator[Clause]:
        """Answers a line, clause by clause, for those who heard it; records nothing, `aclose()` stops it.

        What was whispered is known to the model only when all who will hear the answer have heard it. A persona that
        rests says so, without the model.

        Args:
            room: the room.
            persona: who answers.
            to: the line; another persona's as well.
            planned: what other personas are about to say before it, or are saying. Nobody has heard it to its end:
                an answer made with it is good only if it was said just so.

        Raises:
            GenerationError: the model failed.
        """
        if (reason := self.declines(persona)) is not None:
            yield Clause(declining(reason, self._awake(room, persona)), first=True, last=True)
            return
        if not isinstance(to, Said) and (words := await self._wished(room, persona, to)) is not None:
            for place, sentence in enumerate(words):
                yield Clause(sentence, first=place == 0, last=place == len(words) - 1)
            return
        if missed := self._missed(persona, room):
            yield Clause(missed, first=True, last=False)
        number = next(self._numbers)
        self._replying(room, number, True)
        try:
            async with aclosing(self._composed(room, persona, to, planned)) as clauses:
                async for clause in clauses:
                    yield replace(clause, first=clause.first and not missed)
        finally:
            self._replying(room, number, False)

    def is_wish(self, speaker: str, text: str) -> bool:
        """Whether something would be done with what is known of somebody at these words; see `Wishes`."""
        return self._wishes.is_wish(speaker, text)

    async def _wished(self, room: str, persona: str, to: Heard | Read) -> list[str] | None:
        """What is answered to a line that wants something done with what is known of who said it."""
        state, line = self._room(room), self._line(to)
        own = [each for each in state.transcript.known_to(line.to) if each.speaker == line.speaker]
        # They may have spoken on by now.
        earlier = own[: next((place for place, each in enumerate(own) if each.id == line.id), len(own))]
        return await self._wishes.answer(
            persona,
            line,
            state.identities.get(line.speaker, line.speaker),
            state.listeners(line.to),
            earlier[-1] if earlier else None,
            shared=isinstance(to, Heard) and (to.speaker != "" or line.speaker in state.shared),
        )

    async def _composed(
        self, room: str, persona: str, to: Heard | Read | Said, planned: Sequence[Said]
    ) -> AsyncGenerator[Clause]:
        line, who = self._line(to), self._personas[persona]
        if persona in self._remembers and not isinstance(to, Said):
            request = self._request(room, persona, line.to, line.text, line.speaker)
            await self._memory.conclude(request, line.id, written=isinstance(to, Read))
        memory = self._memory.of(room, persona, self._room(room).listeners(line.to), line.id)
        state = self._room(room)
        lines = [*up_to(line, self._known(room, line.to), persona, self._personas), *map(self._line, planned)]
        spoken = opening(line.text, persona=who.name, speaker=spoken_name(line.name) or "Guest")
        kept = self._fitting(room, persona, lines, idle=False)
        turns = turns_of(kept, persona, known=memory.known(persona), recalled={line.id: memory.fresh})
        if memory.late:
            turns += (Turn("system", memory.late),)
        prompt = Prompt(self._systems[persona], turns, opening=spoken)
        people = labels_of([*(each.name for each in kept), *(each.name for each in state.present.values())])
        self._keep_apart(room, persona, line.to)
        self._tell(room, persona, kept)
        splitter = ClauseSplitter([who.name], people)
        own = [each.text for each in kept if each.speaker == persona]
        delivery = Delivery(who.name, people, own, memory.unsaid(persona), memory.accounts)
        token_ns: int | None = None
        try:
            for clause in delivery.take(splitter.feed(spoken), token_ns):
                yield clause
            stream = self._generator.stream(_key(room, persona), prompt, max_tokens=self._max_tokens)
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    token_ns = token_ns or self._clock_ns()
                    for clause in delivery.take(splitter.feed(piece), token_ns):
                        yield clause
                    if splitter.done or delivery.done:
                        break
            for clause in delivery.take_rest(splitter.finish(), token_ns):
                yield clause
            if not delivery.given:
                self.counts["nothing to say"] += 1
                yield Clause(FALLBACK, first=True, last=True, token_ns=token_ns)
        finally:
            self.counts.update(delivery.counts)

    def hushed(self, room: str) -> frozenset[str]:
        """Ids of the personas that were told to be quiet and not called since."""
        return self._room(room).quiet.now

    def declines(self, persona: str) -> DeclineReason | None:
        """Why a persona says that it does not do what it is asked; None where it does."""
        return "resting" if self._disposition(persona).resting else None

    def disposition(self, persona: str) -> Disposition:
        """How a persona is disposed to speak just now."""
        return self._disposition(persona)

    def over(self, room: str, persona: str) -> Silence | None:
        """Why a persona does not go on talking with other personas; None while it may."""
        state = self._room(room)
        personas = [(each.id, each.name) for each in state.present.values() if each.id in self._personas]
        heard = any(each.kind == "person" for each in state.present.values())
        energy = self._disposition(persona).energy
        return over(state.transcript.known_to(None), personas, energy=energy, heard=heard)

    def greeted(self, room: str, participant: str) -> None:
        """Somebody was greeted; words may be made several times before they are said."""
        self._room(room).greeted.add(participant)

    async def welcome(self, room: str, persona: str, participant: str) -> str:
        """Words to greet somebody with, without the model: as one who is known from another day, if they are.

        Only what all who are there may know is made use of.
        """
        who, remembers = self._personas[persona], persona in self._remembers
        return await self._welcoming.words(room, self._room(room), who, participant, remembers=remembers)

    def _request(
        self, room: str, persona: str, to: frozenset[str] | None, words: str = "", speaker: str = ""
    ) -> Request:
        lines = self._known(room, to)
        return self._room(room).request(
            Place(room),
            Participant(persona, "persona", self._personas[persona].name),
            to,
            self._now(),
            words,
            speaker,
            shown_since=lines[0].at if lines else None,
        )

    def _awake(self, room: str, persona: str) -> list[str]:
        """Names of the other personas there that do not rest."""
        others = [id for id in self._room(room).present if id in self._personas and id != persona]
        return [self._personas[id].name for id in others if not self._disposition(id).resting]

    def _line(self, event: Heard | Read | Said) -> Line:
        there = self._room(event.room).people(event)
        if not isinstance(event, Said):
            return replace(line_heard(event), there=there)
        persona = self._personas.get(event.participant)
        return line_said(event, persona.name if persona is not None else event.participant, there)

    def _known(self, room: str, audience: frozenset[str] | None) -> list[Line]:
        """The lines that all of an audience know; of other personas it does not matter whether they were there."""
        return self._room(room).known(audience, is_open=room in self._opened)

    def _keep_apart(self, room: str, persona: str, audience: frozenset[str] | None) -> None:
        """Makes the model forget what it has evaluated, if that was not for all who hear what is made now.

        Moved up in its cache, what follows a line would keep traces of it.
        """
        if not self._room(room).told_to_all(persona, audience):
            self._unlearn(room, persona)

    def _tell(self, room: str, persona: str, lines: Iterable[Line]) -> None:
        """Notes for whom lines are that the model is about to evaluate."""
        self._room(room).tell(persona, lines, is_open=room in self._opened)

    def _open(self, room: str) -> MindRoom:
        return self._rooms.setdefault(room, self._room(room))

    def _room(self, room: str) -> MindRoom:
        """The room as it is known; one never entered is empty, and is not kept."""
        return self._rooms.get(room) or MindRoom(Quiet(self._personas))

    def _budget(self, persona: Persona, instructions: str) -> int:
        """Tokens for the lines of a conversation; what is remembered has its share where there is room for it."""
        budget = conversation_budget(persona, instructions, self._generator, self._max_tokens)
        self._remembers.discard(persona.id)
        if self._reserved and budget - self._reserved >= MIN_BUDGET:
            self._remembers.add(persona.id)
            budget -= self._reserved
        return budget

    def _fitting(self, room: str, persona: str, lines: Sequence[Line], *, idle: bool) -> list[Line]:
        """The newest lines that fit, starting where the last prompt started if possible."""
        budget = self._budgets[persona]
        limit = int(budget * IDLE_SHARE) if idle else budget
        return self._room(room).fitting(persona, lines, budget, limit, self._generator.count)


def _key(room: str, persona: str) -> str:
    return f"{len(room)}:{room}/{persona}"
