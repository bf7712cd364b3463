"""The inboxes of all personas: what waits, what was dropped, and that it is kept."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from cognition.conversation.addressing import is_question
from cognition.events import Heard, Read, Said
from cognition.persona.appraisal import ADDRESSED
from cognition.persona.inbox import DropReason, Inbox, Message, missed_words
from cognition.persona.scheduler import CADENCES
from cognition.persona.tasks import asks_for_something
from cognition.store.personas import Change

__all__ = ["Mail"]

BATCH = 8
"""Messages that are taken in at one look."""
LATE_S = CADENCES[-1] + 5.0
"""Seconds for which no message waits that a persona could look at."""


class Mail:
    """Inboxes by persona.

    Args:
        change: where it is noted what is different.
        waiting: what waits, by persona.
        missed: how many messages were dropped, by persona, room and reason.
        dropped: counts what was dropped, by reason.
    """

    def __init__(
        self,
        change: Change,
        waiting: Mapping[str, Iterable[Message]],
        missed: Mapping[str, Mapping[tuple[str, DropReason], int]],
        dropped: "Counter[str]",
    ) -> None:
        self._change = change
        self._dropped = dropped
        self._inboxes = {persona: Inbox(messages) for persona, messages in waiting.items()}
        for persona, counts in missed.items():
            self.of(persona).dropped.update(counts)

    def of(self, persona: str) -> Inbox:
        """A persona's inbox."""
        inbox = self._inboxes.get(persona)
        if inbox is None:
            inbox = self._inboxes[persona] = Inbox()
        return inbox

    def put(self, persona: str, line: Heard | Read | Said, name: str, priority: float) -> None:
        """Somebody's line waits to be taken in."""
        message = Message(
            line.id or line.at.isoformat(),
            line.room,
            line.participant,
            name,
            line.text,
            line.at.timestamp(),
            priority,
            None if isinstance(line, Read) else line.to,
        )
        self._change.messages[persona, message.room, message.id] = message
        lost = self.of(persona).put(message)
        if lost is not None:
            self._lost(persona, *lost)

    def spoke(self, persona: str, said: Said, *, resting: bool) -> None:
        """A persona has spoken: it knows what was said in the room before, and may have said what it missed.

        One that says that it rests has looked at nothing.
        """
        inbox = self.of(persona)
        if not resting:
            self._taken(persona, inbox.take_room(said.room, said.at.timestamp()))
        missed = inbox.missed(said.room)
        if missed and missed_words(missed) in said.text:
            for reason in missed:
                self._change.dropped[persona, said.room, reason] = 0
            inbox.admitted(said.room)

    def answered(self, said: Said) -> None:
        """A persona's words answer a line: nobody has to come back to it."""
        for persona, inbox in self._inboxes.items():
            self._taken(
                persona,
                inbox.forget(lambda each: each.room == said.room and (each.sender, each.id) == said.answers),
            )

    def look(self, persona: str, now: float) -> list[Message]:
        """A persona takes in what is most urgent.

        Returns:
            What it was asked so long ago that it cannot have heard it: it rested, or spoke in another room. Of each
            room the last of that.
        """
        inbox = self.of(persona)
        for stale in inbox.expire(now):
            self._lost(persona, stale, "stale")
        taken = [message for _ in range(BATCH) if (message := inbox.take()) is not None]
        self._taken(persona, taken)
        late = [each for each in taken if now - each.at > LATE_S and each.priority >= ADDRESSED]
        asked = [each for each in late if is_question(each.text) or asks_for_something(each.text)]
        return list({each.room: each for each in sorted(asked, key=lambda each: each.at)}.values())

    def forget(self, wanted: Callable[[Message], bool]) -> None:
        """Takes out of all inboxes what is to be forgotten."""
        for persona, inbox in self._inboxes.items():
            self._taken(persona, inbox.forget(wanted))

    def _taken(self, persona: str, messages: Sequence[Message]) -> None:
        for each in messages:
            self._change.messages[persona, each.room, each.id] = None

    def _lost(self, persona: str, message: Message, reason: DropReason) -> None:
        self._dropped[f"inbox: {reason}"] += 1
        self._change.messages[persona, message.room, message.id] = None
        self._change.dropped[persona, message.room, reason] = self.of(persona).dropped[message.room, reason]
