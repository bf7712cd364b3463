"""Talk cut into episodes: by pauses, place and who was there; each told in a sentence of its own words. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cognition.memory.spoken import content_words

__all__ = ["GAP", "LEAST_TURNS", "MOST_TURNS", "Turn", "segments", "summary"]

GAP = timedelta(minutes=10)
"""A pause that ends an episode."""
MOST_TURNS = 40
LEAST_TURNS = 2
_TOPICS = 3
_LONGEST_QUOTE = 160
_DULL = frozenset(
    """
    something anything everything nothing people time today yesterday tomorrow week month year day days lot bit
    way kind sure think thought said told tell talk talking really little long new old last next first great
    good bad nice best better much many work come came take took make made want wanted need use used look
    looking feel feeling started start
    """.split()
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a talk.

    Attributes:
        seq: of its event.
        at: timezone-aware.
        name: who spoke.
        text: the words.
        persona: a persona spoke.
        importance: of its memory.
    """

    seq: int
    at: datetime
    name: str
    text: str
    persona: bool = False
    importance: float = 0.5


def segments(turns: Sequence[Turn], now: datetime) -> tuple[list[list[Turn]], datetime | None]:
    """The episodes that are over, of turns that all had one place and one audience.

    Args:
        turns: in the order in which they were kept.
        now: timezone-aware.

    Returns:
        Those that are over, and when the last one, still open, will be; None where none is open.
    """
    found: list[list[Turn]] = []
    for turn in turns:
        if found and turn.at - found[-1][-1].at <= GAP and len(found[-1]) < MOST_TURNS:
            found[-1].append(turn)
        else:
            found.append([turn])
    if found and len(found[-1]) < MOST_TURNS and found[-1][-1].at + GAP > now:
        return found[:-1], found[-1][-1].at + GAP
    return found, None


def summary(episode: Sequence[Turn], room: str) -> str:
    """Who talked about what, and the words that say the most of it, as one sentence.

    Args:
        episode: its turns.
        room: where it was.
    """
    counts: Counter[str] = Counter()
    for turn in episode:
        # A word counts once a turn: what several turns share is what the talk was about.
        counts.update({word for word in content_words(turn.text) if not word.isdigit()})
    names = list(dict.fromkeys(turn.name for turn in episode))
    said = {part.casefold() for name in names for part in name.split()}
    people = [turn for turn in episode if not turn.persona] or list(episode)
    key = max(people, key=lambda turn: _weight(turn, counts))
    words = [word for word in content_words(key.text) if word not in said | _DULL and len(word) > 3]
    topics = sorted(dict.fromkeys(words), key=lambda word: (-counts[word], words.index(word)))[:_TOPICS]
    about = f" about {_listed(topics)}" if topics else ""
    quote = (
        key.text if len(key.text) <= _LONGEST_QUOTE else key.text[:_LONGEST_QUOTE].rpartition(" ")[0] + " …"
    )
    day = episode[0].at
    return f"{_listed(names)} talked{about} in {room} on {day.day} {day:%B %Y}. {key.name}: “{quote}”"


def _weight(turn: Turn, counts: Counter[str]) -> float:
    words = {word for word in content_words(turn.text) if word not in _DULL}
    if not words:
        return 0.0
    asks = 0.6 if turn.text.rstrip().endswith("?") else 1.0
    shared = sum(counts[word] for word in words) / (len(words) + 4)
    return turn.importance**2 * asks * shared * math.sqrt(min(len(words), 12))


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
