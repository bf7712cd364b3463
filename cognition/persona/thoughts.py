"""What all personas think to themselves in each room: kept as inner notes, and for a while in mind.

A thought names nobody and repeats nothing that was said, so that a reply which is coloured by it tells nobody of
another: not who gave feedback, and not that anything was whispered.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence

from cognition.events import Event, Feedback, Said
from cognition.persona.notes import InnerNote
from cognition.store.personas import NOTES, Change

__all__ = ["CUT_OFF", "DISLIKED", "KEPT_BACK", "LIKED", "Thoughts"]

CUT_OFF = "I was cut off before I was done."
DISLIKED = "Somebody did not like what I said. I will take more care."
LIKED = "Somebody liked what I said."
KEPT_BACK = "I had something to say and kept it back."

IN_MIND_S = 3600.0
"""Seconds for which a thought colours what a persona says."""
AT_ONCE = 2
"""Thoughts in mind at one time."""
WHISPERS = 256
"""Whispered replies that are remembered for the feedback that is given to them."""


class Thoughts:
    """See the module.

    Args:
        clock: seconds since 1970.
        change: where it is noted what is different.
        notes: what was thought before, by persona and room, oldest first.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        change: Change,
        notes: Mapping[tuple[str, str], Sequence[InnerNote]],
    ) -> None:
        self._clock = clock
        self._change = change
        self._notes = {key: list(each) for key, each in notes.items()}
        self._whispers: OrderedDict[tuple[str, str], None] = OrderedDict()

    def of(self, persona: str, room: str) -> tuple[InnerNote, ...]:
        """What a persona has thought in a room, the latest last."""
        return tuple(self._notes.get((persona, room), ()))

    def in_mind(self, persona: str, room: str) -> InnerNote | None:
        """The latest thoughts of a persona in a room that still colour what it says there, as one; None for none."""
        since = self._clock() - IN_MIND_S
        lately = [each.read_by(persona) for each in self.of(persona, room) if each.at > since]
        latest = list(dict.fromkeys(reversed(lately)))[:AT_ONCE]
        return InnerNote(persona, " ".join(reversed(latest)), self._clock()) if latest else None

    def told(self, event: Event) -> None:
        """Remembers which replies were whispered; to be called with every event, however often it is told."""
        if isinstance(event, Said) and event.to is not None:
            self._whispers[event.room, event.id] = None
            while len(self._whispers) > WHISPERS:
                self._whispers.popitem(last=False)

    def reflect(self, event: Event, personas: Collection[str]) -> None:
        """What a persona thinks of an event."""
        match event:
            case Said(interrupted=True, to=None) if event.participant in personas:
                self.think(event.participant, event.room, CUT_OFF)
            case Feedback() if event.persona in personas and (event.room, event.line) not in self._whispers:
                self.think(event.persona, event.room, LIKED if event.value > 0 else DISLIKED)

    def think(self, persona: str, room: str, text: str) -> None:
        """A persona thinks something to itself."""
        note = InnerNote(persona, text, self._clock())
        notes = self._notes.setdefault((persona, room), [])
        notes.append(note)
        del notes[:-NOTES]
        self._change.notes[persona, room, note.at] = note

    def forget(self, wanted: Callable[[str, str], bool]) -> None:
        """Takes out the notes of which room and text are to be forgotten."""
        for (persona, room), notes in self._notes.items():
            self._notes[persona, room] = [each for each in notes if not wanted(room, each.read_by(persona))]
