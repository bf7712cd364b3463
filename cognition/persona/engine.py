"""The mind: listens in every room, decides who answers, and lets the personas speak."""

import re
import time
import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from cognition.conversation.affinity import Affinity, WordAffinity
from cognition.conversation.clauses import ClauseSplitter, ends_sentence
from cognition.conversation.dialogue import over
from cognition.conversation.floor import Attendee, Decision, Disposition, decide, never
from cognition.conversation.quiet import Quiet
from cognition.conversation.reasons import Silence
from cognition.conversation.transcript import MAX_NAME, MAX_TEXT, Line, Transcript, line_of, plain
from cognition.events import Event, Heard, Kind, Read, Said
from cognition.inference.generator import Generator, Prompt
from cognition.inference.window import clip, first_kept
from cognition.persona.opening import disowned, opening
from cognition.persona.profile import Persona
from cognition.persona.prompt import labels_of, spoken_name, system_text, turns_of, with_partial
from cognition.persona.readiness import in_play, worth_preparing
from cognition.persona.rights import resting_words

__all__ = ["FALLBACK", "Clause", "Mind"]

FALLBACK = "Sorry, I lost my thread."
"""Said when the model gave nothing that can be spoken."""
SENTENCES = 2
"""Sentences of a reply; a third only while fewer than `ENOUGH_WORDS` were said."""
ENOUGH_WORDS = 8
MARGIN = 64
"""Tokens kept free for headers, names and opening words."""
MIN_BUDGET = 128
"""Tokens below which a conversation makes no sense."""
TURN_COST = 8
"""Tokens a turn costs beside its words."""
IDLE_SHARE = 0.85
"""Share of the context beyond which idle time is used to trim, so that no reply has to."""

_STOCK = re.compile(
    r"\bhow (?:can|may|could) i (?:help|assist|be of)\b|\bwhat can i (?:help|assist|do for)\b"
)

_GREETINGS = (
    "Hi {name}! I'm {persona}. What's on your mind?",
    "Hello {name}, good to have you here. I'm {persona}. How are you today?",
    "Hey {name}! {persona} here. How's your day going?",
)
_GREETINGS_AMONG = (
    "Hi {name}! I'm {persona}. {others} here too.",
    "Hello {name}, good to have you here. I'm {persona}, and {others} here with us.",
    "Hey {name}! {persona} here. You'll find {others} here as well.",
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of a reply to be spoken.

    Attributes:
        text: what to speak.
        first: the reply begins with it.
        last: known to be the end when it was given out; a reply may also end after a clause without it.
        token_ns: when the model's first token came (`time.monotonic_ns`); None before that, and without a model.
    """

    text: str
    first: bool
    last: bool
    token_ns: int | None = None


@dataclass(slots=True)
class _Room:
    quiet: Quiet
    transcript: Transcript = field(default_factory=Transcript)
    present: dict[str, Attendee] = field(default_factory=dict)
    greeted: set[str] = field(default_factory=set)
    """Ids of the participants that were greeted or have spoken."""
    kept_from: dict[str, str] = field(default_factory=dict)
    """Id of the first line in the prompt, by persona."""
    taken_in: dict[str, str] = field(default_factory=dict)
    """Id of the last line evaluated in idle time, by persona."""
    costs: dict[str, int] = field(default_factory=dict)
    """Tokens by line id."""


def _fresh(_persona: str) -> Disposition:
    return Disposition()


def _nothing(_room: str) -> Collection[str]:
    return ()


def _unobserved(_event: Event, _present: Sequence[Attendee]) -> None:
    return None


class Mind:
    """Every room a process attends, with the personas in it.

    Args:
        personas: who may be seated; a room holds those that `enter` it.
        generator: the language model.
        max_tokens: length of a reply.
        is_backchannel: whether words only acknowledge what somebody else says; they are not answered.
        disposition: how a persona is disposed to speak just now, by its id.
        held_back: ids of the personas that have held something back in a room.
        affinity: who knows about what; by the words of their expertise if it is not given.
        observe: told of everything that happens in a room, with who is there; it neither waits nor raises.
        clock_ns: the clock of `Clause.token_ns`.

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
        disposition: Callable[[str], Disposition] = _fresh,
        held_back: Callable[[str], Collection[str]] = _nothing,
        affinity: Affinity | None = None,
        observe: Callable[[Event, Sequence[Attendee]], None] = _unobserved,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._personas = {persona.id: persona for persona in personas}
        self._systems = {id: system_text(persona) for id, persona in self._personas.items()}
        self._generator = generator
        self._max_tokens = max_tokens
        self._budgets = {
            id: self._budget(persona, self._systems[id]) for id, persona in self._personas.items()
        }
        """Tokens for the lines of a conversation, by persona."""
        self._is_backchannel = is_backchannel
        self._disposition = disposition
        self._held_back = held_back
        self._by_words = affinity is None
        self._affinity = WordAffinity(self._personas.values()) if affinity is None else affinity
        self._observe = observe
        self._clock_ns = clock_ns
        self._rooms: dict[str, _Room] = {}
        self.counts: Counter[str] = Counter()
        """What was cut, dropped or replaced in replies, by reason."""

    def rooms(self) -> list[str]:
        """Rooms with something in them."""
        return list(self._rooms)

    def lines(self, room: str) -> list[dict[str, object]]:
        """The room's transcript as *line* objects of the room protocol, oldest first."""
        return [line.as_wire() for line in self._room(room).transcript.lines]

    def enter(self, room: str, participant: str, name: str, kind: Kind) -> None:
        """Somebody is there; a persona under the id of its profile."""
        self._open(room).present[participant] = Attendee(participant, plain(name, MAX_NAME), kind)

    def leave(self, room: str, participant: str) -> None:
        """Somebody is no longer there; what they said stays."""
        self._room(room).present.pop(participant, None)

    def restore(self, room: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Takes over *line* objects kept elsewhere; those that are none are counted and left out."""
        state = self._open(room)
        read: list[Line] = []
        for wire in lines:
            try:
                read.append(line_of(wire))
            except (ValueError, AttributeError):
                self.counts["restored line unreadable"] += 1
        known = {line.id for line in state.transcript.lines}
        state.transcript.restore(read)
        state.greeted |= {line.speaker for line in read if line.speaker not in self._personas}
        people = {line.speaker: line.name for line in read if line.speaker not in self._personas}
        for line in state.transcript.lines:
            if line.id not in known and line.to is None:
                state.quiet.note(line, [name for id, name in people.items() if id != line.speaker])

    def forget(self, room: str) -> None:
        """Drops everything of a room, the model's cache of it too."""
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
        line = self._line(event)
        state = self._rooms[event.room]
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
        if self._by_words:
            self._affinity = WordAffinity(self._personas.values())
        self._generator.forget(_key("", persona))
        for room, state in self._rooms.items():
            self._generator.forget(_key(room, persona))
            state.kept_from.pop(persona, None)
            state.taken_in.pop(persona, None)

    def note(self, event: Event) -> None:
        """Lets it be known that something happened in a room, with who is there; lines are known by `record`."""
        self._observe(event, tuple(self._room(event.room).present.values()))

    async def warm_up(self, most: int | None = None) -> None:
        """Evaluates what the prompts of each persona begin with, so that a new room starts on it.

        Args:
            most: of the first so many personas; of all by default.

        Raises:
            GenerationError: the model failed.
        """
        for id, system in islice(self._systems.items(), most):
            await self._generator.prefill(_key("", id), Prompt(system, turns_of((), id)))

    async def prepare(self, room: str, persona: str) -> None:
        """Evaluates what a persona knows by now; in idle time, after somebody came or spoke.

        In a room of many personas those that have not spoken lately take in several lines at a time.

        Raises:
            GenerationError: the model failed.
        """
        lines = self._fitting(room, persona, self._known(room, None), idle=True)
        state = self._room(room)
        read = state.taken_in.get(persona)
        unread = lines[next((place for place, line in enumerate(lines, 1) if line.id == read), 0) :]
        personas = [id for id in state.present if id in self._personas]
        behind = sum(state.costs.get(line.id, 0) for line in unread)
        if read is not None and not worth_preparing(persona, in_play(lines, personas), behind):
            return
        await self._generator.prefill(
            _key(room, persona), Prompt(self._systems[persona], turns_of(lines, persona))
        )
        state.taken_in[persona] = lines[-1].id if lines else ""

    async def anticipate(
        self, room: str, persona: str, speaker: str, partial: str, to: frozenset[str] | None = None
    ) -> None:
        """Evaluates the words of somebody who is still speaking.

        Args:
            room: the room.
            persona: who may have to answer.
            speaker: participant id, or the name, of who speaks.
            partial: their words so far; the last ones may still change.
            to: who alone hears them, as in `Heard`.

        Raises:
            GenerationError: the model failed.
        """
        state = self._room(room)
        attendee = state.present.get(speaker)
        name = attendee.name if attendee is not None else speaker
        words = plain(partial, MAX_TEXT).rstrip(".,;:!?…- ")
        turns = turns_of(self._fitting(room, persona, self._known(room, to), idle=False), persona)
        clipped = clip(words, self._budgets[persona] // 4, self._generator.count)
        prompt = Prompt(self._systems[persona], with_partial(turns, name, clipped), unfinished=True)
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
        state = self._room(room)
        line = self._line(to)
        lines = self._known(room, line.to)
        who = self._personas[persona]
        if self._disposition(persona).resting:
            yield Clause(resting_words(who.name, self._awake(room, persona)), first=True, last=True)
            return
        place = next((index for index, each in enumerate(lines) if each.id == line.id), None)
        if place is None:
            lines.append(line)
        elif any(
            each.speaker == persona or each.speaker not in self._personas for each in lines[place + 1 :]
        ):
            # It has spoken since, or a person has, about something else: what it answers now comes last.
            lines.append(lines.pop(place))
        lines += [self._line(each) for each in planned]
        spoken = opening(line.text, persona=who.name, speaker=spoken_name(line.name) or "Guest")
        kept = self._fitting(room, persona, lines, idle=False)
        prompt = Prompt(self._systems[persona], turns_of(kept, persona), opening=spoken)
        people = labels_of([*(each.name for each in kept), *(each.name for each in state.present.values())])
        splitter = ClauseSplitter([who.name], people)
        delivery = _Delivery(who.name, people, [each.text for each in kept if each.speaker == persona])
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

    def disposition(self, persona: str) -> Disposition:
        """How a persona is disposed to speak just now."""
        return self._disposition(persona)

    def over(self, room: str, persona: str, *, on_task: bool = False) -> Silence | None:
        """Why a persona does not go on talking with other personas; None while it may."""
        state = self._room(room)
        personas = [(each.id, each.name) for each in state.present.values() if each.id in self._personas]
        heard = any(each.kind == "person" for each in state.present.values())
        energy = self._disposition(persona).energy
        return over(self._known(room, None), personas, energy=energy, on_task=on_task, heard=heard)

    def greeting(self, room: str, persona: str, participant: str) -> str:
        """Words to greet somebody with, at once and without the model."""
        state = self._room(room)
        attendee = state.present.get(participant)
        known = participant in state.greeted
        state.greeted.add(participant)
        name = (spoken_name(attendee.name) if attendee is not None else "") or "there"
        mine = self._personas[persona].name
        if known:
            return f"Welcome back, {name}!" if name != "there" else "Welcome back!"
        others = [
            spoken_name(each.name) or "somebody"
            for each in state.present.values()
            if each.id != participant and each.kind == "person"
        ]
        choices = _GREETINGS_AMONG if others else _GREETINGS
        words = choices[zlib.crc32(f"{room} {participant}".encode()) % len(choices)]
        return words.format(name=name, persona=mine, others=_company(others) if others else "")

    def _awake(self, room: str, persona: str) -> list[str]:
        """Names of the other personas there that do not rest."""
        others = [id for id in self._room(room).present if id in self._personas and id != persona]
        return [self._personas[id].name for id in others if not self._disposition(id).resting]

    def _line(self, event: Heard | Read | Said) -> Line:
        if not isinstance(event, Said):
            return _line(event)
        persona = self._personas.get(event.participant)
        return Line(
            event.id or _line_id(event.participant, event.at.isoformat()),
            event.participant,
            persona.name if persona is not None else event.participant,
            event.kind,
            plain(event.text, MAX_TEXT),
            event.at,
            event.interrupted,
            event.to,
        )

    def _known(self, room: str, audience: frozenset[str] | None) -> list[Line]:
        """The lines that all of an audience know."""
        return self._room(room).transcript.known_to(audience)

    def _open(self, room: str) -> _Room:
        if room not in self._rooms:
            self._rooms[room] = self._room(room)
        return self._rooms[room]

    def _room(self, room: str) -> _Room:
        """The room as it is known; one never entered is empty, and is not kept."""
        return self._rooms.get(room) or _Room(Quiet(self._personas))

    def _budget(self, persona: Persona, instructions: str) -> int:
        system = Prompt(instructions, turns_of((), persona.id))
        used = self._generator.count(system.system) + sum(
            self._generator.count(turn.text) + TURN_COST for turn in system.turns
        )
        capacity = self._generator.capacity
        budget = capacity - used - self._max_tokens - MARGIN
        if budget < MIN_BUDGET:
            raise ValueError(
                f"{persona.name}'s instructions ({used} tokens) and a reply of {self._max_tokens} leave {budget} of "
                f"the model's {capacity} tokens for the conversation, which needs {MIN_BUDGET}: ask for at most "
                f"{max(0, self._max_tokens + budget - MIN_BUDGET)} tokens a reply, shorten the profile, or give the "
                "model a longer context"
            )
        return budget

    def _fitting(self, room: str, persona: str, lines: Sequence[Line], *, idle: bool) -> list[Line]:
        """The newest lines that fit, starting where the last prompt started if possible."""
        state = self._room(room)
        budget = self._budgets[persona]
        count = self._generator.count
        longest = budget // 4
        costs = []
        for line in lines:
            if line.id not in state.costs:
                state.costs[line.id] = min(count(line.text), longest) + count(line.name) + TURN_COST
            costs.append(state.costs[line.id])
        first = state.kept_from.get(persona)
        start = next((index for index, line in enumerate(lines) if line.id == first), 0)
        limit = int(budget * IDLE_SHARE) if idle else budget
        start = first_kept(costs, start, limit=limit, budget=budget)
        if start < len(lines):
            state.kept_from[persona] = lines[start].id
        if len(state.costs) > 4 * len(lines) + 64:
            current = {line.id for line in lines}
            state.costs = {id: cost for id, cost in state.costs.items() if id in current}
        return [
            replace(line, text=clip(line.text, longest, count)) if cost >= longest else line
            for line, cost in zip(lines[start:], costs[start:], strict=True)
        ]


class _Delivery:
    """Decides which clauses of one reply are given out, and when it is long enough."""

    def __init__(self, name: str, people: set[str], earlier: Iterable[str]) -> None:
        self._people = people - {name}
        self._name = name
        self._earlier = " ".join(earlier).casefold()
        self._said: set[str] = set()
        self._sentences = 0
        self._words = 0
        self.done = False
        self.counts: Counter[str] = Counter()

    @property
    def given(self) -> bool:
        """Whether anything was given out."""
        return bool(self._said)

    def take(self, clauses: Iterable[str], token_ns: int | None) -> list[Clause]:
        """Those of the clauses to be spoken."""
        given: list[Clause] = []
        for text in clauses:
            if self.done:
                break
            if disowned(text, self._people):
                self.counts["identity kept"] += 1
                text, self.done = f"I'm {self._name}.", True
            key = text.casefold()
            again = key in self._said or (self.given and key in self._earlier)
            if again and (self.done or len(key.split()) > 3):
                self.counts["repetition dropped"] += 1
                continue
            if self.given and _STOCK.search(key):
                self.counts["stock phrase dropped"] += 1
                continue
            first = not self.given
            self._said.add(key)
            self._words += len(text.split())
            self._sentences += ends_sentence(text)
            enough = self._words >= ENOUGH_WORDS or self._sentences > SENTENCES
            self.done = self.done or (self._sentences >= SENTENCES and enough)
            given.append(Clause(text, first, self.done, token_ns))
        return given

    def take_rest(self, clauses: Sequence[str], token_ns: int | None) -> list[Clause]:
        """What is left at the end; half a sentence only if nothing else was said."""
        begun = self._sentences > 0
        given = self.take(clauses, token_ns)
        if given and begun and not ends_sentence(given[-1].text):
            self.counts["unfinished sentence dropped"] += 1
            given.pop()
        return [*given[:-1], replace(given[-1], last=True)] if given else []


def _company(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} is"
    if len(names) <= 3:
        return f"{', '.join(names[:-1])} and {names[-1]} are"
    return f"{len(names)} others are"


def _line(event: Heard | Read) -> Line:
    return Line(
        event.id or _line_id(event.participant, event.at.isoformat()),
        event.participant,
        plain(event.name, MAX_NAME),
        "chat" if isinstance(event, Read) else "speech",
        plain(event.text, MAX_TEXT),
        event.at,
        to=event.to if isinstance(event, Heard) else None,
    )


def _line_id(participant: str, at: str) -> str:
    # At most 64 characters, the protocol's limit for ids.
    return f"{at}-{participant}"[:64]


def _key(room: str, persona: str) -> str:
    return f"{len(room)}:{room}/{persona}"
