"""Personas in a room of their own: they work on a task in text, and stop when nothing new is said.

There is no voice, and no floor to wait for: one speaks after the other, each having read what was said before. Without
a task nothing happens and no word is composed. What they have said goes into the room's transcript as it is said.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

from cognition.conversation.floor import Decision
from cognition.events import Heard, Said
from cognition.persona.engine import Mind

__all__ = ["converse"]


def _now() -> datetime:
    return datetime.now(UTC)


async def converse(
    mind: Mind,
    room: str,
    personas: Sequence[tuple[str, str]],
    task: Heard,
    *,
    now: Callable[[], datetime] = _now,
) -> AsyncGenerator[Said]:
    """Lets personas talk about a task with each other; ends by itself, `aclose()` stops it within a token.

    Args:
        mind: composes, and keeps what is said; the room is its caller's to forget.
        room: the room, in which nobody else is.
        personas: ids and names of those who take part, two at least.
        task: what they are to do, by whoever asked for it, an operator or a persona's intention. Who is called in it
            begins, in the order of the names.
        now: tells the time, UTC.

    Yields:
        What each says, recorded by then.

    Raises:
        ValueError: there is nothing to do, or fewer than two to do it.
        GenerationError: the model failed.
    """
    if not task.text.strip():
        raise ValueError("personas talk with each other about something: the task is empty")
    if len({id for id, _ in personas}) < 2:
        raise ValueError("a conversation takes two")
    for id, name in personas:
        mind.enter(room, id, name, "persona")
    mind.record(task)
    names = dict(personas)
    waiting = _first(mind.consider(task), list(names))
    spoke: list[str] = []
    line: Heard | Said = task
    while True:
        able = [id for id in names if not _unable(mind, id)]
        waiting = [id for id in waiting if id in able] or _longest_silent(able, spoke)
        if not waiting or len(able) < 2:
            return
        persona = waiting.pop(0)
        if mind.over(room, persona, on_task=True) is not None:
            return
        said = await _say(mind, room, persona, line, number=len(spoke), now=now)
        spoke.append(persona)
        line = said
        yield said
        if (asked := mind.consider(said).persona) is not None:
            waiting = [asked, *(id for id in waiting if id != asked)]


def _first(decision: Decision, everybody: list[str]) -> list[str]:
    chosen = [answer.persona for answer in decision.answers]
    return chosen + [id for id in everybody if id not in chosen]


def _longest_silent(able: Sequence[str], spoke: Sequence[str]) -> list[str]:
    """Whoever has not spoken for longest; nobody twice in a row."""
    last = {id: at for at, id in enumerate(spoke)}
    others = [id for id in able if not spoke or id != spoke[-1]]
    return [min(others, key=lambda id: last.get(id, -1))] if others else []


def _unable(mind: Mind, persona: str) -> bool:
    how = mind.disposition(persona)
    return how.resting or how.paused


async def _say(
    mind: Mind, room: str, persona: str, line: Heard | Said, *, number: int, now: Callable[[], datetime]
) -> Said:
    words = []
    async with aclosing(mind.reply(room, persona, line)) as clauses:
        async for clause in clauses:
            words.append(clause.text)
    said = Said(room, persona, " ".join(words), now(), id=f"{line.id[:40]}~{number}", kind="chat")
    mind.record(said)
    return said
