"""A room as a mind knows it."""

import math
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cognition.conversation.floor import Attendee
from cognition.conversation.quiet import Quiet
from cognition.conversation.transcript import Line, Transcript
from cognition.conversation.witnesses import witnesses
from cognition.events import Heard, Read, Said
from cognition.inference.window import clip, first_kept
from cognition.persona.budget import TURN_COST
from cognition.persona.greeting import Newcomer
from cognition.persona.prompt import spoken_name
from cognition.persona.readiness import in_play, most_wanted_first, worth_preparing
from cognition.rag.source import Request
from cognition.store.timeline import Participant, Place

__all__ = ["MindRoom"]


@dataclass(slots=True)
class MindRoom:
    """What is known of a room while somebody is in it."""

    quiet: Quiet
    transcript: Transcript = field(default_factory=Transcript)
    present: dict[str, Attendee] = field(default_factory=dict)
    greeted: set[str] = field(default_factory=set)
    """Ids of the participants that were greeted or have spoken."""
    kept_from: dict[str, str] = field(default_factory=dict)
    """Id of the first line in the prompt, by persona, where older ones are left out for want of room."""
    taken_in: dict[str, str] = field(default_factory=dict)
    """Id of the last line evaluated in idle time, by persona."""
    costs: dict[str, int] = field(default_factory=dict)
    """Tokens by line id."""
    told: dict[str, frozenset[str]] = field(default_factory=dict)
    """Identities of the people who may know all lines that the model has evaluated, by persona; else it is anybody."""
    identities: dict[str, str] = field(default_factory=dict)
    """Who those are who are present, in every room."""
    shared: set[str] = field(default_factory=set)
    """Ids of the participants at whose microphones several people are."""

    def listeners(self, to: frozenset[str] | None) -> frozenset[str]:
        """Identities of the people who hear what is said to all, or to these participants alone."""
        return self._known_as(
            each.id
            for each in self.present.values()
            if each.kind == "person" and (to is None or each.id in to)
        )

    def unknown(self, to: frozenset[str] | None) -> frozenset[str]:
        """Those of the listeners of whom only the microphone is known."""
        there = self.shared & self.present.keys()
        return frozenset(map(_somebody_else, there if to is None else there & to))

    def _known_as(self, people: Iterable[str]) -> frozenset[str]:
        """Identities of people; somebody whom nobody is hears along where a microphone is shared."""
        there = frozenset(people)
        return frozenset(self.identities[each] for each in there) | self.unknown(there)

    def people(self, event: Heard | Read | Said) -> frozenset[str]:
        """Identities of the people who perceive a line."""
        there = [each.id for each in witnesses(event, self.present.values()) if each.kind == "person"]
        to = None if isinstance(event, Read) else event.to
        return self._known_as(id for id in there if to is None or id in to)

    def restore(self, lines: Sequence[Line], personas: Container[str]) -> None:
        """Takes over lines kept elsewhere, of which some may be there already."""
        known = {line.id for line in self.transcript.lines}
        self.transcript.restore(lines)
        people = {line.speaker: line.name for line in lines if line.speaker not in personas}
        self.greeted |= people.keys()
        for line in self.transcript.lines:
            if line.id not in known and line.to is None:
                self.quiet.note(line, [name for id, name in people.items() if id != line.speaker])

    def known(self, audience: frozenset[str] | None, *, is_open: bool) -> list[Line]:
        """The lines that all of an audience know.

        Args:
            audience: ids; None is everybody.
            is_open: people may know what was said before they came.
        """
        if is_open:
            return self.transcript.known_to(audience)
        return self.transcript.known_to(audience, self.listeners(audience))

    def told_to_all(self, persona: str, audience: frozenset[str] | None) -> bool:
        """Whether all that the model has evaluated for a persona is for everybody of an audience."""
        told = self.told.get(persona)
        return told is None or self.listeners(audience) <= told

    def tell(self, persona: str, lines: Iterable[Line], *, is_open: bool) -> None:
        """Notes for whom lines are that the model is about to evaluate for a persona."""
        for line in lines:
            if not is_open or line.to is not None:
                there = line.there or frozenset()
                told = self.told.get(persona)
                self.told[persona] = there if told is None else told & there

    def fitting(
        self, persona: str, lines: Sequence[Line], budget: int, limit: int, count: Callable[[str], int]
    ) -> list[Line]:
        """The newest lines that fit a prompt, starting where the last one started if possible.

        Args:
            persona: whose prompt.
            lines: oldest first.
            budget: tokens there are for lines; one has a quarter of them at most.
            limit: tokens beyond which old lines go.
            count: tokens of a text.
        """
        longest = budget // 4
        costs = []
        for line in lines:
            if line.id not in self.costs:
                self.costs[line.id] = min(count(line.text), longest) + count(line.name) + TURN_COST
            costs.append(self.costs[line.id])
        first = self.kept_from.get(persona)
        start = next((index for index, line in enumerate(lines) if line.id == first), 0)
        start = first_kept(costs, start, limit=limit, budget=budget)
        if 0 < start < len(lines):
            self.kept_from[persona] = lines[start].id
        else:
            self.kept_from.pop(persona, None)
        if len(self.costs) > 4 * len(lines) + 64:
            current = {line.id for line in lines}
            self.costs = {id: cost for id, cost in self.costs.items() if id in current}
        return [
            replace(line, text=clip(line.text, longest, count)) if cost >= longest else line
            for line, cost in zip(lines[start:], costs[start:], strict=True)
        ]

    def worth_preparing(self, persona: str, lines: Sequence[Line], known: int) -> bool:
        """Whether idle time is spent on evaluating a prompt.

        Args:
            persona: whose.
            lines: of it, oldest first.
            known: tokens before the lines that tell what is known; those of instructions and examples are evaluated.
        """
        first = persona not in self.taken_in
        behind = self._behind(persona, lines) + (known if first else 0)
        return (first and not known) or worth_preparing(persona, self._in_play(lines), behind)

    def most_wanted_first(self, personas: Iterable[str], lines: Sequence[Line]) -> list[str]:
        """In which order idle time is spent on these personas; lines as in `worth_preparing`."""
        behind = {each: self._behind(each, lines) if each in self.taken_in else math.inf for each in personas}
        return most_wanted_first(self._in_play(lines), behind)

    def _in_play(self, lines: Sequence[Line]) -> frozenset[str]:
        return in_play(lines, [each.id for each in self.present.values() if each.kind == "persona"])

    def _behind(self, persona: str, lines: Sequence[Line]) -> int:
        """Tokens of the lines that were not evaluated for a persona in idle time."""
        read = self.taken_in.get(persona)
        unread = lines[next((place for place, line in enumerate(lines, 1) if line.id == read), 0) :]
        return sum(self.costs.get(line.id, 0) for line in unread)

    def request(
        self,
        place: Place,
        persona: Participant,
        to: frozenset[str] | None,
        now: datetime,
        words: str,
        speaker: str,
        *,
        shown_since: datetime | None,
    ) -> Request:
        """What context is wanted for, where a persona speaks to all or to these participants alone.

        Args:
            place: this room.
            persona: who speaks.
            to: ids; None for all.
            now: UTC.
            words: as in `Request`.
            speaker: participant id, or the name, of whose words they are.
            shown_since: as in `Request`.
        """
        there = [each for each in self.present.values() if to is None or each.id in to]
        present = tuple(
            Participant(each.id, each.kind, each.name, self.identities[each.id])
            for each in there
            if each.id != persona.id
        )
        whose = self.identities.get(speaker, speaker)
        return Request(place, persona, present, now, words, whose, shown_since, unknown=self.unknown(to))

    def newcomer(self, room: str, participant: str) -> Newcomer:
        """Somebody who is to be greeted; without a name if they have left meanwhile."""
        name = spoken_name(self.present[participant].name) if participant in self.present else ""
        return Newcomer(name, self._others(participant), participant in self.greeted, f"{room} {participant}")

    def _others(self, participant: str) -> list[str]:
        """Names of the other people there."""
        return [
            spoken_name(each.name) or "somebody"
            for each in self.present.values()
            if each.id != participant and each.kind == "person"
        ]


def _somebody_else(participant: str) -> str:
    """Identity of who shares a participant's microphone: nothing that is kept is for them."""
    return f"somebody else at {participant}"
