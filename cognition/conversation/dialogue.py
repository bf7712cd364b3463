"""When personas that talk with each other stop by themselves. Pure.

What two of them say to each other goes on while it brings something new. Newness is measured: the share of a turn's
content words that were not said before in the same exchange. Two turns in a row that bring little end it, as do turns
without content (thanks, agreement, farewells), a tired persona, and a limit of turns with nobody of the people taking
part.
"""

from collections.abc import Iterable, Sequence

from cognition.conversation.affinity import stem
from cognition.conversation.names import words_of
from cognition.conversation.reasons import Silence
from cognition.conversation.transcript import Line

__all__ = ["content", "exchange_since", "novelty", "over"]

NEW_ENOUGH = 0.4
"""Mean novelty of the last two turns below which an exchange has nothing more to say."""
CONTENT_WORDS = 3
"""A turn with fewer content words says nothing."""
TURNS = 8
"""Turns of personas, with no person between, after which they leave the word to people."""
TIRED = 0.25
"""Energy below which a persona lets a conversation rest that no person takes part in."""

_EMPTY = frozenset(
    """a an the and or but so if then than that this these those there here it its is are was were be been being am do
    does did done have has had having will would can could should shall may might must not no yes i you he she we they
    me him her us them my your his our their mine yours to of in on at by for with from as about into over up out off
    what which who whom whose when where why how very really quite just also too well oh ah um okay ok right sure yeah
    good great nice lovely fine wonderful excellent interesting thanks thank please welcome sorry agree agreed
    absolutely exactly indeed course definitely certainly totally true glad happy pleasure bye goodbye talk soon see
    let let's let's i'm i've i'll you're you've we're we've it's that's don't isn't think know like say said tell get
    got go going come much many more most some any all each both one thing things something everything""".split()
)


def content(text: str, names: Iterable[str] = ()) -> frozenset[str]:
    """The stems of the words that carry what is said; names of those who talk are none."""
    left_out = {word for name in names for word in words_of(name)}
    return frozenset(
        stem(word)
        for word in words_of(text)
        if word not in _EMPTY and word not in left_out and (len(word) > 2 or word.isdigit())
    )


def novelty(text: str, before: Iterable[str], names: Sequence[str] = ()) -> float:
    """The share of a turn's content that was not said before, 0 to 1; 0 for a turn without content."""
    said = content(text, names)
    if len(said) < CONTENT_WORDS:
        return 0.0
    known: set[str] = set()
    for each in before:
        known |= content(each, names)
    return len(said - known) / len(said)


def exchange_since(lines: Sequence[Line], personas: Iterable[str]) -> tuple[Line | None, list[Line]]:
    """What a person said last, and what personas have said to each other since, oldest first."""
    ids = frozenset(personas)
    since: list[Line] = []
    for line in reversed(lines):
        if line.speaker not in ids:
            return line, since[::-1]
        since.append(line)
    return None, since[::-1]


def over(
    lines: Sequence[Line],
    personas: Sequence[tuple[str, str]],
    *,
    energy: float = 1.0,
    heard: bool = True,
) -> Silence | None:
    """Why the personas' conversation is over, or None while it may go on.

    Args:
        lines: of the room, oldest first.
        personas: ids and names of those who are there.
        energy: of whoever would speak next.
        heard: whether a person is there to hear it.
    """
    if not heard:
        return "conversation-over"
    if energy < TIRED:
        return "low-energy"
    opening, turns = exchange_since(lines, [id for id, _ in personas])
    if len(turns) >= TURNS:
        return "conversation-over"
    if len(turns) < 2:
        return None
    names = [name for _, name in personas]
    texts = ([opening.text] if opening is not None else []) + [line.text for line in turns]
    first = len(texts) - 2
    fresh = [novelty(texts[at], texts[:at], names) for at in range(first, len(texts))]
    return "nothing-new" if sum(fresh) / 2 < NEW_ENOUGH or max(fresh) == 0.0 else None
