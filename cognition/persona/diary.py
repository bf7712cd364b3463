"""The journals of all personas: what each has lived through, and the writing of it while nobody talks."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, tzinfo

from cognition.conversation.names import words_of
from cognition.events import Event, Feedback, Heard, Read, Said
from cognition.inference.generator import Generator
from cognition.persona.intentions import Intention
from cognition.persona.journal import Entry, Experience, compose, worded
from cognition.persona.profile import Persona
from cognition.persona.rights import Work
from cognition.persona.state import State
from cognition.store.personas import Change

__all__ = ["Diary"]

IDLE_S = 90.0
"""Seconds without an event in its room after which a persona writes of it."""
ATTEMPTS = 2
"""Times the language model is let word a piece; interrupted as often, rules do."""


class Diary:
    """What is lived and not written of yet, by persona and room.

    Args:
        clock: seconds since 1970.
        change: where it is noted what is different.
        experiences: what was lived through before.
        generator: words the pieces; None: rules do.
        zone: the people's time zone.
        dropped: counts what was not written, by reason.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        change: Change,
        experiences: dict[tuple[str, str], Experience],
        generator: Generator | None,
        zone: tzinfo,
        dropped: "Counter[str]",
    ) -> None:
        self._clock = clock
        self._change = change
        self._lived = experiences
        self._generator = generator
        self._zone = zone
        self._dropped = dropped
        self._at: dict[tuple[str, str], float] = dict.fromkeys(experiences, clock())
        """When something happened last, by persona and room."""
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._writing: dict[str, asyncio.Task[None]] = {}
        self._talking: set[str] = set()
        self._unsaved: set[tuple[str, str]] = set()

    def note(self, persona: str, event: Event, name: str, topics: Sequence[str]) -> None:
        """A persona lives through an event; what was whispered is not written about.

        Args:
            persona: its id.
            event: what happened.
            name: of who said it, as it is spoken.
            topics: of its words.
        """
        if isinstance(event, Heard | Said) and event.to is not None:
            return
        lived = self._lived.setdefault((persona, event.room), Experience())
        match event:
            case Said() if event.participant == persona:
                lived.spoke += 1
                lived.interrupted += event.interrupted
            case Heard() | Read() | Said():
                lived.heard(name, topics)
            case Feedback() if event.persona == persona:
                lived.praised += event.value
            case _:
                return
        self._noted(persona, event.room)

    def did(self, intention: Intention, name: str) -> None:
        """A persona has done something by itself.

        Args:
            intention: what it meant to do.
            name: of whom it was for; may be empty.
        """
        deed = {"greet": f"I greeted {name}", "remind": f"I reminded {name or 'everybody'} as I was asked"}
        words = deed.get(intention.kind)
        whispered = isinstance(intention.line, Heard) and intention.line.to is not None
        if words is None or whispered or (intention.kind == "greet" and not name):
            return
        self._lived.setdefault((intention.persona, intention.room), Experience()).did(words)
        self._noted(intention.persona, intention.room)

    def due(self, persona: str) -> float:
        """When a persona has idle time to write about something; `inf` if there is nothing."""
        if persona in self._writing:
            return float("inf")
        return min(
            (
                self._at.get(key, 0.0) + IDLE_S
                for key, lived in self._lived.items()
                if key[0] == persona and lived.enough and key[1] not in self._talking
            ),
            default=float("inf"),
        )

    def hush(self, room: str, on: bool) -> None:
        """Somebody speaks in a room, and whoever writes stops at once; or nobody does any more."""
        if on:
            self._talking.add(room)
            for task in self._writing.values():
                task.cancel()
        else:
            self._talking.discard(room)
            for key in self._lived:
                if key[1] == room:
                    self._at[key] = self._clock()

    def stop(self, persona: str) -> None:
        """A persona is paused or goes."""
        if (task := self._writing.get(persona)) is not None:
            task.cancel()

    def forget(self, rooms: Collection[str]) -> None:
        """What was lived through in some rooms is written about no more, nor is what is being written finished."""
        for task in self._writing.values():
            task.cancel()
        for key in [key for key in self._lived if key[1] in rooms]:
            del self._lived[key]
            self._at.pop(key, None)
            self._attempts.pop(key, None)
            self._unsaved.discard(key)
            self._change.experiences[key] = None

    def write(
        self, persona: Persona, state: State, group: asyncio.TaskGroup, done: Callable[[str], None]
    ) -> None:
        """Begins to write about the room of which it is time to; `done` is told when it is written or was stopped.

        Args:
            persona: who writes.
            state: how it is.
            group: owns the task.
            done: told its id.
        """
        now = self._clock()
        ready = [
            key
            for key, lived in self._lived.items()
            if key[0] == persona.id
            and lived.enough
            and key[1] not in self._talking
            and self._at.get(key, 0.0) + IDLE_S <= now
        ]
        if not ready or persona.id in self._writing:
            return
        key, at = ready[0], datetime.fromtimestamp(now, UTC)
        facts = compose(self._lived[key], state, at.astimezone(self._zone))
        if self._generator is None or self._attempts[key] >= ATTEMPTS:
            self._keep(persona, key, facts, at)
            return
        self._attempts[key] += 1
        task = group.create_task(self._word(self._generator, persona, key, facts, at))
        self._writing[persona.id] = task

        def over(_: "asyncio.Task[None]") -> None:
            del self._writing[persona.id]
            done(persona.id)

        task.add_done_callback(over)

    async def _word(
        self, generator: Generator, persona: Persona, key: tuple[str, str], facts: str, at: datetime
    ) -> None:
        try:
            known = {*words_of(facts), *words_of(persona.name), "i"}
            text = await worded(generator, persona.id, persona.name, facts, lambda text: _holds(text, known))
        except asyncio.CancelledError:
            self._dropped["journal: somebody spoke"] += 1
            self._at[key] = self._clock()
            raise
        if text is None:
            self._dropped["journal: model's words not kept"] += 1
        self._keep(persona, key, text or facts, at)

    def _keep(self, persona: Persona, key: tuple[str, str], text: str, at: datetime) -> None:
        self._lived.pop(key, None)
        self._at.pop(key, None)
        self._attempts.pop(key, None)
        entry = Entry(
            f"journal-{persona.id}-{int(at.timestamp() * 1000):x}"[:64],
            key[1],
            Work(persona.id, persona.name, text, at),
        )
        self._change.entries[entry.id] = entry
        self._change.experiences[key] = None
        self._unsaved.discard(key)

    def save(self) -> None:
        """Has saved what was lived through since the last time."""
        for key in self._unsaved:
            self._change.experiences[key] = self._lived[key].copy()
        self._unsaved.clear()

    def _noted(self, persona: str, room: str) -> None:
        self._at[persona, room] = self._clock()
        self._unsaved.add((persona, room))


def _holds(text: str, known: set[str]) -> bool:
    """Whether a text names nobody and nothing by name that the facts do not name."""
    sentences = [sentence.split() for sentence in text.replace("!", ".").replace("?", ".").split(".")]
    names = {
        word.strip(",;:'\"-—")
        for words in sentences
        for word in words[1:]
        if word[:1].isupper() and not word.startswith("I")
    }
    return all(part in known for name in names for part in words_of(name))
