"""What tells the events of a room apart, and what may be kept of them. Pure."""

from dataclasses import replace
from typing import Any, TypeVar, cast

from cognition.conversation.transcript import MAX_NAME, MAX_TEXT, plain
from cognition.events import Arrived, Declined, Event, Feedback, Heard, Left, Read, Said

__all__ = ["cleaned", "key_of"]

E = TypeVar("E", bound=Event)


def key_of(event: Event) -> str:
    """What tells an event from all others of its room, whoever tells it again.

    A written line's id is its writer's choice and may be used again another day; spoken words' ids are unique, but the
    instant at which they were heard is told in two ways.
    """
    moment = f"{event.at.timestamp():.6f}"
    match event:
        case Arrived() | Left():
            return f"{'arrived' if isinstance(event, Arrived) else 'left'}@{event.participant}"
        case Read():
            return f"{event.participant}/{event.id}@{moment}"
        case Heard() | Said():
            return f"{event.participant}/{event.id or moment}"
        case Declined():
            return f"declined/{event.persona}/{event.line}@{event.id or moment}"
        case Feedback():
            return f"feedback/{event.participant}/{event.persona}/{event.line}@{event.id or moment}"


def cleaned(event: E) -> E:
    """The event with texts of a bounded length that can be stored and shown."""
    changes = {
        field: plain(getattr(event, field), limit)
        for field, limit in (("text", MAX_TEXT), ("name", MAX_NAME))
        if hasattr(event, field)
    }
    cleaned: E = replace(cast(Any, event), **changes)
    return cleaned
