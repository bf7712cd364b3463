"""What a mind hears and reads, as lines of a transcript. Pure."""

from cognition.conversation.transcript import MAX_NAME, MAX_TEXT, Line, plain
from cognition.events import Heard, Read

__all__ = ["line_heard", "line_id"]


def line_heard(event: Heard | Read) -> Line:
    """What a person said or wrote, as a line."""
    return Line(
        event.id or line_id(event.participant, event.at.isoformat()),
        event.participant,
        plain(event.name, MAX_NAME),
        "chat" if isinstance(event, Read) else "speech",
        plain(event.text, MAX_TEXT),
        event.at,
        to=event.to if isinstance(event, Heard) else None,
    )


def line_id(participant: str, at: str) -> str:
    """The id of a line that has none of its own."""
    # At most 64 characters, the protocol's limit for ids.
    return f"{at}-{participant}"[:64]
