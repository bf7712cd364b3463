"""The floor of one room: who speaks now, who waits, and what becomes of those who wait. A pure state machine.

Instants are seconds of one monotonic clock. Every method returns what has changed by it; `due_at` says when `advance`
is to be called next, and while that is None nothing happens by itself.

People have the floor whenever they speak. Among personas one holds it at a time, and leaves a gap as people do when
they take turns (Stivers et al., PNAS 2009: most within 200 ms of a median near 200 ms). A bid either gets the floor or
is refused, with a reason, at the latest `LONGEST` seconds after it was made, or after what it follows was over.
"""

import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from cognition.conversation.reasons import Silence, Wish

__all__ = ["Bid", "FloorControl", "Granted", "Outcome", "Refused", "Waiting", "Yielded"]

SHORTEST_GAP, LONGEST_GAP = 0.2, 0.42
"""Seconds between two personas; heard as up to 0.5, since the end of a voice is noticed a little late."""
TOGETHER = 0.25
"""Seconds within which a person and a persona start at one and the same moment, neither having heard the other."""
LULL = 1.5
"""Seconds of silence before somebody speaks who was not asked."""
AGEING = 0.1
"""Score that a bid gains a second: after ten seconds it goes before whatever comes anew."""
LONGEST = 60.0
"""Seconds that any bid waits at most."""
MATTERS = 0.25
"""Score by which a bid must outweigh the holder's to be let into its words."""
HEARD_OUT = 1.0
"""Seconds that a holder is heard before another persona may interrupt it."""
BACKLOG = 32
"""Bids that may wait."""


@dataclass(frozen=True, slots=True)
class Bid:
    """A wish to speak.

    Attributes:
        id: unique in the room.
        persona: whose it is.
        reason: why it wants to speak.
        score: how much it matters, 0 to 1.
        patience: seconds after which it is stale; those in which another persona speaks do not count, nor, where
            nobody speaks, those until its first sound is there.
        after: the bid that it follows; until that is over, it waits and does not age.
        asked: somebody asked for it; what nobody asked for waits for a lull, and for all that was asked.
        interrupts: it cannot wait, and its persona is trusted to interrupt another.
    """

    id: str
    persona: str
    reason: Wish
    score: float = 1.0
    patience: float = 8.0
    after: str = ""
    asked: bool = True
    interrupts: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """The bid has the floor: its first sound is to come at once."""

    bid: Bid


@dataclass(frozen=True, slots=True)
class Refused:
    """The bid will not have the floor."""

    bid: Bid
    reason: Silence


@dataclass(frozen=True, slots=True)
class Yielded:
    """The holder is to fall silent at once; it holds the floor until it is `over`.

    The reason is "yielded" where another persona has interrupted it, else "person-speaks": they began together.
    """

    bid: Bid
    reason: Silence

    @property
    def at_the_start(self) -> bool:
        """Whether nothing of it was understood yet, so that it is to be said again."""
        return self.reason != "yielded"


Outcome = Granted | Refused | Yielded


@dataclass(slots=True)
class Waiting:
    """A bid in the queue.

    Attributes:
        bid: what was asked for.
        made: when.
        ready: its first sound is there; only then it can be granted.
        since: when it began to age; None while it follows another.
        held: seconds since then in which personas spoke.
    """

    bid: Bid
    made: float
    ready: bool = False
    since: float | None = None
    held: float = 0.0

    def score(self, now: float) -> float:
        """What it has come to matter."""
        return self.bid.score + (0.0 if self.since is None else AGEING * (now - self.since))


class FloorControl:
    """See the module.

    Args:
        gap: seconds of silence before a bid, from 0 to 1; by its id if it is not given.
    """

    def __init__(self, gap: Callable[[str], float] | None = None) -> None:
        self._gap = gap or _by_id
        self._queue: list[Waiting] = []
        self._people: dict[str, float] = {}
        self._holder: Waiting | None = None
        self._granted_at = 0.0
        self._began: float | None = None
        """When the holder was first heard."""
        self._yielding: Silence | None = None
        """Why the holder falls silent, if it does."""
        self._interrupter = ""
        """The bid that another persona yielded to; it goes first until it is granted or over."""
        self._persona_ended = float("-inf")
        self._active = float("-inf")
        """When anybody was last heard."""
        self.refused: Counter[str] = Counter()
        """Bids that did not get the floor, by reason."""

    @property
    def holder(self) -> Bid | None:
        """Who has the floor."""
        return None if self._holder is None else self._holder.bid

    @property
    def people(self) -> frozenset[str]:
        """The people who speak."""
        return frozenset(self._people)

    def queue(self, now: float) -> list[Bid]:
        """Who waits, the first to be let first."""
        return [each.bid for each in sorted(self._queue, key=lambda each: self._order(each, now))]

    def bid(self, bid: Bid, now: float) -> list[Outcome]:
        """Somebody wants to speak.

        Raises:
            ValueError: there is a bid of this id.
        """
        if any(each.bid.id == bid.id for each in self._held()):
            raise ValueError(f"there is a bid {bid.id} already")
        waiting = Waiting(bid, now)
        if not bid.after or not any(each.bid.id == bid.after for each in self._held()):
            waiting.since = now
        self._queue.append(waiting)
        outcomes: list[Outcome] = []
        if len(self._queue) > BACKLOG:
            least = min(self._queue, key=lambda each: each.score(now))
            outcomes += self._refuse(least, "overtaken", now)
        return outcomes + self.advance(now)

    def ready(self, id: str, now: float) -> list[Outcome]:
        """The first sound of a bid is there."""
        for each in self._queue:
            if each.bid.id == id and not each.ready:
                each.ready = True
                if each.since is not None:
                    each.held = max(each.held, now - each.since)
        return self.advance(now)

    def heard(self, id: str, now: float) -> list[Outcome]:
        """The holder is heard from now on; it yields when somebody else has begun since it was granted."""
        if self._holder is None or self._holder.bid.id != id:
            return []
        self._began = self._active = now
        if self._yielding is not None:
            return [Yielded(self._holder.bid, self._yielding)]
        return self._collision(now)

    def over(self, id: str, now: float) -> list[Outcome]:
        """A bid is done with: said, stopped or taken back."""
        if self._holder is not None and self._holder.bid.id == id:
            for each in self._queue:
                if each.since is not None:
                    each.held += now - max(each.since, self._granted_at)
            if self._began is not None:
                self._persona_ended = self._active = now
            self._holder, self._began, self._yielding = None, None, None
        self._queue = [each for each in self._queue if each.bid.id != id]
        self._done(id, now)
        return self.advance(now)

    def refuse(self, id: str, reason: Silence, now: float) -> list[Outcome]:
        """A bid is no longer to be heard, for a reason from outside."""
        outcomes: list[Outcome] = []
        for each in [each for each in self._queue if each.bid.id == id]:
            outcomes += self._refuse(each, reason, now)
        return outcomes + self.advance(now)

    def person_started(self, person: str, now: float) -> list[Outcome]:
        """A person speaks."""
        self._people.setdefault(person, now)
        self._active = now
        return self._collision(now)

    def person_stopped(self, person: str, now: float) -> list[Outcome]:
        """A person has finished."""
        if self._people.pop(person, None) is not None:
            self._active = now
        return self.advance(now)

    def advance(self, now: float) -> list[Outcome]:
        """Grants, refuses and takes back what is due by now."""
        outcomes: list[Outcome] = []
        for each in [each for each in self._queue if now >= self._deadline(each)]:
            outcomes += self._refuse(each, self._why_stale(each), now)
        if self._holder is not None:
            pressing = self._pressing(now)
            if pressing is not None and self._heard_out_at() <= now:
                self._yielding, self._interrupter = "yielded", pressing.bid.id
                outcomes.append(Yielded(self._holder.bid, "yielded"))
            return outcomes
        first = self._first(now)
        if first is not None and now >= self._opens(first):
            self._queue.remove(first)
            self._holder, self._granted_at, self._began = first, now, None
            outcomes.append(Granted(first.bid))
        return outcomes

    def due_at(self, now: float) -> float | None:
        """When something happens by itself."""
        instants = [deadline for each in self._queue if (deadline := self._deadline(each)) != float("inf")]
        if self._holder is None:
            first = self._first(now)
            if first is not None:
                instants.append(self._opens(first))
        elif self._began is not None and self._pressing(now) is not None:
            instants.append(self._heard_out_at())
        return max(now, min(instants)) if instants else None

    def _held(self) -> list[Waiting]:
        return self._queue if self._holder is None else [self._holder, *self._queue]

    def _order(self, waiting: Waiting, now: float) -> tuple[bool, bool, bool, float, float]:
        later = waiting.bid.id != self._interrupter
        return later, waiting.since is None, not waiting.bid.asked, -waiting.score(now), waiting.made

    def _first(self, now: float) -> Waiting | None:
        """Who is let next, if nobody spoke; what was not asked for waits for all that was.

        Whoever another has yielded to is first.
        """
        if self._people:
            return None
        waiting = [each for each in self._queue if each.since is not None]
        asked = [each for each in waiting if each.bid.asked or each.bid.id == self._interrupter]
        ready = [each for each in asked or waiting if each.ready]
        return min(ready, key=lambda each: self._order(each, now), default=None)

    def _pressing(self, now: float) -> Waiting | None:
        """Who may speak into the holder's words, whatever else waits: what it wants to say cannot."""
        if self._people or self._holder is None or self._yielding is not None:
            return None
        enough = self._holder.bid.score + MATTERS
        pressing = [
            each
            for each in self._queue
            if each.ready and each.since is not None and each.bid.interrupts and each.bid.score >= enough
        ]
        return min(pressing, key=lambda each: self._order(each, now), default=None)

    def _heard_out_at(self) -> float:
        return float("inf") if self._began is None else self._began + HEARD_OUT

    def _opens(self, waiting: Waiting) -> float:
        """When the silence before a bid has been long enough."""
        opens = self._persona_ended + SHORTEST_GAP + (LONGEST_GAP - SHORTEST_GAP) * self._gap(waiting.bid.id)
        at_once = waiting.bid.asked or waiting.bid.id == self._interrupter
        return opens if at_once else max(opens, self._active + LULL)

    def _deadline(self, waiting: Waiting) -> float:
        """When a bid is stale; not while another persona speaks, or its own first sound is all that it waits for.

        It is stale after `LONGEST` in any case.
        """
        if waiting.since is None:
            return float("inf")
        last = waiting.since + LONGEST
        composing = waiting.bid.asked and not waiting.ready and not self._people
        if self._holder is not None or composing:
            return last
        return min(last, waiting.since + waiting.held + waiting.bid.patience)

    def _why_stale(self, waiting: Waiting) -> Silence:
        if self._people:
            return "person-speaks"
        if not waiting.ready:
            return "took-too-long"
        return "overtaken" if self._holder is None else "another-speaks"

    def _collision(self, now: float) -> list[Outcome]:
        """Has the holder yield to a person who starts with it."""
        if self._holder is None or self._yielding is not None:
            return []
        began = self._granted_at if self._began is None else self._began
        person = any(abs(start - began) <= TOGETHER or self._began is None for start in self._people.values())
        if not person:
            return []
        self._yielding = "person-speaks"
        return [Yielded(self._holder.bid, self._yielding)]

    def _done(self, id: str, now: float) -> None:
        if id == self._interrupter:
            self._interrupter = ""
        for each in self._queue:
            if each.bid.after == id and each.since is None:
                each.since = now

    def _refuse(self, waiting: Waiting, reason: Silence, now: float) -> list[Outcome]:
        self._queue.remove(waiting)
        self.refused[reason] += 1
        self._done(waiting.bid.id, now)
        return [Refused(waiting.bid, reason)]


def _by_id(id: str) -> float:
    """As if at random, and the same each time."""
    return zlib.crc32(id.encode()) % 1000 / 999
