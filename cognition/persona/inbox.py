"""What a persona has yet to take in: a bounded queue by priority, then age; it knows what it had to drop."""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cognition.events import Heard

__all__ = ["CAPACITY", "STALE_S", "DropReason", "Inbox", "Message", "missed_words"]

CAPACITY = 64
SHARE = 16
"""Messages of one sender that may wait: whoever floods loses their own."""
STALE_S = 600.0
"""Seconds after which a message is no longer worth taking in."""

DropReason = Literal["full", "flood", "stale"]


@dataclass(frozen=True, slots=True)
class Message:
    """Something said or written that a persona has not taken in.

    Attributes:
        id: of the line, unique in its room.
        room: where.
        sender: participant id; `name` is what they are called.
        text: the line.
        at: when, seconds since 1970.
        priority: 0 to 1, how much it concerns the persona.
        to: who alone heard it; None for all.
    """

    id: str
    room: str
    sender: str
    name: str
    text: str
    at: float
    priority: float
    to: frozenset[str] | None = None

    def line(self) -> Heard:
        """As it was when it was said or written."""
        at = datetime.fromtimestamp(self.at, UTC)
        return Heard(self.room, self.sender, self.name, self.text, at, self.id, self.to)


def _order(message: Message) -> tuple[float, float]:
    return -message.priority, message.at


class Inbox:
    """One persona's queue.

    Attributes:
        dropped: how many messages were dropped, by room and reason, since the persona last said so there.
    """

    def __init__(self, messages: Iterable[Message] = (), *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._messages = sorted(messages, key=_order)[:capacity]
        self._waiting = {(each.room, each.id) for each in self._messages}
        self._senders = Counter(each.sender for each in self._messages)
        self.dropped: Counter[tuple[str, DropReason]] = Counter()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What waits, in the order in which it is taken in."""
        return tuple(self._messages)

    @property
    def priority(self) -> float:
        """Of the most urgent message; 0 when there is none."""
        return self._messages[0].priority if self._messages else 0.0

    def put(self, message: Message) -> tuple[Message, DropReason] | None:
        """Takes a message in; returns the one that was dropped for it, perhaps itself, and why.

        A sender with many messages waiting loses their own least; in a full queue the least urgent goes, the oldest of
        several. One that waits already is not taken twice.
        """
        if (message.room, message.id) in self._waiting:
            return None
        insort(self._messages, message, key=_order)
        self._waiting.add((message.room, message.id))
        self._senders[message.sender] += 1
        if self._senders[message.sender] > SHARE:
            own = [each for each in self._messages if each.sender == message.sender]
            return self._drop(own, "flood")
        if len(self._messages) > self._capacity:
            return self._drop(self._messages, "full")
        return None

    def take(self) -> Message | None:
        """The most urgent message, which waits no longer; None when there is none."""
        if not self._messages:
            return None
        self._gone(self._messages[0])
        return self._messages.pop(0)

    def take_room(self, room: str, until: float) -> list[Message]:
        """All messages of a room up to a moment: the persona has just spoken there, so it knows them."""
        taken = [each for each in self._messages if each.room == room and each.at <= until]
        for each in taken:
            self._gone(each)
        self._messages = [each for each in self._messages if each.room != room or each.at > until]
        return taken

    def expire(self, now: float) -> list[Message]:
        """Drops what has waited too long; returns it."""
        stale = [each for each in self._messages if now - each.at > STALE_S]
        if stale:
            self._messages = [each for each in self._messages if now - each.at <= STALE_S]
            self.dropped.update([(each.room, "stale") for each in stale])
            for each in stale:
                self._gone(each)
        return stale

    def forget(self, wanted: Callable[[Message], bool]) -> list[Message]:
        """Takes out what is to be forgotten; returns it. Nobody is told that it was missed."""
        gone = [each for each in self._messages if wanted(each)]
        self._messages = [each for each in self._messages if not wanted(each)]
        for each in gone:
            self._gone(each)
        return gone

    def missed(self, room: str) -> dict[DropReason, int]:
        """What the persona does not know of a room, by reason."""
        return {reason: count for (where, reason), count in self.dropped.items() if where == room}

    def admitted(self, room: str) -> None:
        """The persona has said in the room that it missed something."""
        for key in [key for key in self.dropped if key[0] == room]:
            del self.dropped[key]

    def _drop(self, among: list[Message], reason: DropReason) -> tuple[Message, DropReason]:
        least = min(among, key=lambda each: (each.priority, each.at))
        self._messages.remove(least)
        self._gone(least)
        self.dropped[least.room, reason] += 1
        return least, reason

    def _gone(self, message: Message) -> None:
        self._waiting.discard((message.room, message.id))
        self._senders[message.sender] -= 1
        if not self._senders[message.sender]:
            del self._senders[message.sender]


def missed_words(missed: dict[DropReason, int]) -> str:
    """What a persona says of what it missed; nothing when it missed nothing."""
    count = sum(missed.values())
    if not count:
        return ""
    if missed.get("flood", 0) * 2 > count:
        return "That was a lot at once, I missed some of it."
    return "I missed some of that." if count > 1 else "I missed something you said."
