"""Which personas of a full room are kept evaluated up to the last word, and which may lag behind. Pure."""

from collections.abc import Collection, Mapping, Sequence

from cognition.conversation.transcript import Line

__all__ = ["in_play", "most_wanted_first", "worth_preparing"]

IN_PLAY = 3
"""Personas that are kept up to date: whoever spoke lately is asked again more often than others."""
LAG = 32
"""Tokens another one may be behind: evaluated in a quarter of a second, once the last words of a question choose it."""


def in_play(lines: Sequence[Line], personas: Collection[str]) -> frozenset[str]:
    """The personas that spoke last, `IN_PLAY` at most; all of them where there are no more.

    Args:
        lines: of the room, oldest first.
        personas: ids of those that are there.
    """
    if len(personas) <= IN_PLAY:
        return frozenset(personas)
    found: list[str] = []
    for line in reversed(lines):
        if line.speaker in personas and line.speaker not in found:
            found.append(line.speaker)
            if len(found) == IN_PLAY:
                break
    return frozenset(found)


def worth_preparing(persona: str, playing: Collection[str], behind: int) -> bool:
    """Whether idle time is spent on a persona that is `behind` tokens behind."""
    return persona in playing or behind > LAG


def most_wanted_first(playing: Collection[str], behind: Mapping[str, float]) -> list[str]:
    """In which order idle time is spent: on those in play, then on those furthest behind, so that none is left out.

    Args:
        playing: as `in_play` tells.
        behind: tokens each persona is behind.
    """
    return sorted(behind, key=lambda persona: (persona not in playing, -behind[persona]))
