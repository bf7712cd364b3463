"""Who of those in a room perceives what happens there. Pure."""

from collections.abc import Iterable

from cognition.conversation.floor import Attendee
from cognition.events import Event, Heard, Read, Said

__all__ = ["witnesses"]


def witnesses(event: Event, present: Iterable[Attendee]) -> tuple[Attendee, ...]:
    """Of the people in a room only those who were there when it began, and every persona.

    Args:
        event: what happened; a line that does not tell who was there is perceived by all.
        present: everybody in the room now.
    """
    if not isinstance(event, Heard | Read | Said) or event.there is None:
        return tuple(present)
    heard = event.there | {event.participant}
    return tuple(each for each in present if each.kind == "persona" or each.id in heard)
