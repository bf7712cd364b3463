"""What an event means to one persona: how much it concerns it, what it does to its mood, what it costs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from cognition.conversation.floor import Attendee
from cognition.conversation.names import Wording, addressed, mentions
from cognition.events import Arrived, Declined, Event, Feedback, Heard, Left, Read, Said
from cognition.persona.profile import Persona
from cognition.persona.state import Impulse, State, moved, speaking_seconds, spent

__all__ = ["Appraisal", "applied", "appraise"]

ADDRESSED = 1.0
MENTIONED = 0.85
ALONE = 0.7
"""A line of the only person there."""
ANOTHERS = 0.3
"""A line to somebody else."""
PERSONAS = 0.2
"""A persona's line."""
THINKING_S = 20.0
"""What composing a reply costs, in seconds of thought."""


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What an event means to one persona.

    Attributes:
        priority: how much it is to be taken in, 0 to 1; 0: not at all.
        impulses: what it does to the mood.
        speaking: seconds of speech that it cost.
        thinking: seconds of thought that it cost.
    """

    priority: float = 0.0
    impulses: tuple[tuple[Impulse, float], ...] = ()
    speaking: float = 0.0
    thinking: float = 0.0


def appraise(event: Event, said: Wording, persona: Persona, present: Sequence[Attendee]) -> Appraisal:
    """What an event means to a persona that is there.

    Args:
        event: what happened.
        said: its words, taken apart.
        persona: to whom.
        present: everybody in the room.
    """
    match event:
        case Said() if event.participant == persona.id:
            speaking = speaking_seconds(event.text) if event.kind == "speech" else 0.0
            ended: Impulse = "interrupted" if event.interrupted else "done"
            return Appraisal(0.0, ((ended, 1.0 if event.interrupted else 0.3),), speaking, THINKING_S)
        case Said():
            return Appraisal(_concern(said, persona, present, event.participant, PERSONAS))
        case Heard() | Read():
            least = ALONE if _alone(event.participant, present) else ANOTHERS
            priority = _concern(said, persona, present, event.participant, least)
            called: Impulse = "addressed" if priority >= MENTIONED else "heard"
            return Appraisal(priority, ((called, 1.0),))
        case Feedback() if event.persona == persona.id:
            return Appraisal(0.0, (("praised" if event.value > 0 else "blamed", 1.0),))
        case Declined() if event.persona == persona.id:
            return Appraisal(0.0, (("declined", 1.0),))
        case Arrived():
            return Appraisal(0.0, (("arrived", 1.0),))
        case Left():
            return Appraisal(0.0, (("left", 1.0),))
        case _:
            return Appraisal()


def applied(state: State, appraisal: Appraisal) -> State:
    """The state after an event, at the same moment."""
    for impulse, weight in appraisal.impulses:
        state = moved(state, impulse, weight)
    return spent(state, speaking=appraisal.speaking, thinking=appraisal.thinking)


def _concern(
    said: Wording, persona: Persona, present: Sequence[Attendee], speaker: str, least: float
) -> float:
    others = [each.name for each in present if each.id not in (persona.id, speaker)]
    if addressed(said, persona.name):
        return ADDRESSED
    return MENTIONED if mentions(said, persona.name, others=others) else least


def _alone(speaker: str, present: Sequence[Attendee]) -> bool:
    return not any(each.kind == "person" and each.id != speaker for each in present)
