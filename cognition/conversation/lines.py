"""What a mind hears and reads, as lines of a transcript. Pure."""

from collections.abc import Container, Sequence

from cognition.conversation.transcript import MAX_NAME, MAX_TEXT, Line, plain
from cognition.events import Heard, Read, Said

__all__ = ["line_heard", "line_id", "line_said", "up_to"]


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


def line_said(event: Said, name: str, there: frozenset[str]) -> Line:
    """What was heard of a persona's words, as a line.

    Args:
        event: the words.
        name: the persona's.
        there: identities of the people who perceived it.
    """
    return Line(
        event.id or line_id(event.participant, event.at.isoformat()),
        event.participant,
        name,
        event.kind,
        plain(event.text, MAX_TEXT),
        event.at,
        event.interrupted,
        event.to,
        there,
    )


def line_id(participant: str, at: str) -> str:
    """The id of a line that has none of its own."""
    # At most 64 characters, the protocol's limit for ids.
    return f"{at}-{participant}"[:64]


def up_to(line: Line, lines: Sequence[Line], persona: str, personas: Container[str]) -> list[Line]:
    """The lines that a persona answers one of, which comes last unless only other personas have spoken since.

    Args:
        line: what is answered; it need not be among the lines.
        lines: oldest first.
        persona: who answers.
        personas: ids of all personas.
    """
    place = next((index for index, each in enumerate(lines) if each.id == line.id), None)
    if place is None:
        return [*lines, line]
    since = lines[place + 1 :]
    if any(each.speaker == persona or each.speaker not in personas for each in since):
        return [*lines[:place], *since, lines[place]]
    return list(lines)
