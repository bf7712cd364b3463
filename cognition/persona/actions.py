"""What a persona may do at which level of trust, and how a refusal is explained. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from cognition.persona.reputation import LEVELS, Level

__all__ = ["ACTIONS", "NEEDED", "WORDS", "Action", "Allowed", "Refused", "may", "needed"]

Action = Literal[
    "answer",
    "decline",
    "rest",
    "write-journal",
    "greet",
    "remind",
    "come-back",
    "pass-on",
    "interrupt",
    "propose",
]

ACTIONS: tuple[Action, ...] = get_args(Action)

NEEDED: Mapping[Action, Level] = {
    "answer": "novice",
    "decline": "novice",
    "rest": "novice",
    "write-journal": "novice",
    "greet": "novice",
    "remind": "novice",
    "come-back": "novice",
    "pass-on": "trusted",
    "interrupt": "expert",
    "propose": "autonomous",
}
"""The level that each action needs unless a person asks for it. To answer, decline, rest and write is a right."""

WORDS: Mapping[Action, str] = {
    "answer": "answer when it is asked",
    "decline": "decline, with a reason",
    "rest": "rest when it is tired",
    "write-journal": "write in its journal",
    "greet": "greet who arrives",
    "remind": "remind people of what they asked it to",
    "come-back": "come back to an open question",
    "pass-on": "turn to another persona unasked",
    "interrupt": "interrupt another persona when it matters",
    "propose": "propose something unasked",
}
"""What each action is, after "may"."""

_NEVER_EARLIER: frozenset[Action] = frozenset({"interrupt"})
"""What a person's request does not make allowed a level earlier: it would be at somebody else's cost."""
_BEING: Mapping[Level, str] = {
    "novice": "a novice",
    "trusted": "trusted",
    "expert": "an expert",
    "autonomous": "autonomous",
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """The persona may."""

    action: Action


@dataclass(frozen=True, slots=True)
class Refused:
    """The persona may not yet.

    Attributes:
        action: what it may not do.
        level: what it is.
        needed: what it would have to be.
    """

    action: Action
    level: Level
    needed: Level

    @property
    def reason(self) -> str:
        """Why not, for people: a whole sentence but for the persona's name in front."""
        return f"may {WORDS[self.action]} once it is {_BEING[self.needed]}; it is {_BEING[self.level]} now"

    @property
    def words(self) -> str:
        """The same in the persona's own words."""
        return f"I may {WORDS[self.action]} once I am {_BEING[self.needed]}; I am {_BEING[self.level]} now."


def needed(action: Action, *, asked: bool = False) -> Level:
    """The level that an action needs.

    Args:
        action: what is to be done.
        asked: whether a person asked for just this; most is then allowed a level earlier.
    """
    level = NEEDED[action]
    if not asked or action in _NEVER_EARLIER:
        return level
    return LEVELS[max(0, LEVELS.index(level) - 1)]


def may(action: Action, level: Level, *, asked: bool = False) -> Allowed | Refused:
    """Whether a persona of that level may do it; see `needed`."""
    least = needed(action, asked=asked)
    if LEVELS.index(level) >= LEVELS.index(least):
        return Allowed(action)
    return Refused(action, level, least)
