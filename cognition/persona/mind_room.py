"""A room as a mind knows it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cognition.conversation.floor import Attendee
from cognition.conversation.quiet import Quiet
from cognition.conversation.transcript import Transcript
from cognition.events import Event, Heard, Read, Said
from cognition.persona.prompt import spoken_name

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
        there = [each.id for each in self.perceiving(event) if each.kind == "person"]
        to = None if isinstance(event, Read) else event.to
        return self._known_as(id for id in there if to is None or id in to)

    def perceiving(self, event: Event) -> tuple[Attendee, ...]:
        """Who perceives what happens: of the people only those who were there when it began."""
        if not isinstance(event, Heard | Read | Said) or (there := event.there) is None:
            return tuple(self.present.values())
        heard = there | {event.participant}
        return tuple(each for each in self.present.values() if each.kind == "persona" or each.id in heard)

    def others(self, participant: str) -> list[str]:
        """Names of the other people there."""
        return [
            spoken_name(each.name) or "somebody"
            for each in self.present.values()
            if each.id != participant and each.kind == "person"
        ]


def _somebody_else(participant: str) -> str:
    """Identity of who shares a participant's microphone: nothing that is kept is for them."""
    return f"somebody else at {participant}"
