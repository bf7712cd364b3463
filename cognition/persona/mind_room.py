"""A room as a mind knows it."""

from dataclasses import dataclass, field

from cognition.conversation.floor import Attendee
from cognition.conversation.quiet import Quiet
from cognition.conversation.transcript import Transcript
from cognition.events import Event, Heard, Said
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
    """Id of the first line in the prompt, by persona."""
    taken_in: dict[str, str] = field(default_factory=dict)
    """Id of the last line evaluated in idle time, by persona."""
    costs: dict[str, int] = field(default_factory=dict)
    """Tokens by line id."""
    identities: dict[str, str] = field(default_factory=dict)
    """Who those are who are present, in every room."""

    def listeners(self, to: frozenset[str] | None) -> frozenset[str]:
        """Identities of the people who hear what is said to all, or to these participants alone."""
        return frozenset(
            self.identities[each.id]
            for each in self.present.values()
            if each.kind == "person" and (to is None or each.id in to)
        )

    def perceiving(self, event: Event) -> tuple[Attendee, ...]:
        """Who perceives what happens: of the people only those who were there when it began."""
        if not isinstance(event, Heard | Said) or (there := event.there) is None:
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
