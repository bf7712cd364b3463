"""Trust in personas, kept: takes people's voices into the ledger and says what each persona may do.

A voice is a person's: whoever is a persona here can give none, neither for itself nor for another.
"""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from cognition.conversation.affinity import stem
from cognition.conversation.names import words_of
from cognition.persona.actions import Action, Allowed, Refused, may
from cognition.persona.reputation import DAY_S, Standing, Voice
from cognition.persona.tally import Tally
from cognition.store.reputation import Page, Record, count, history, judge, judged, keep
from cognition.store.store import Storage

__all__ = ["NotAPerson", "Opinion", "Trust", "day_of", "domain_of", "giver_key", "line_of"]


_NEW = Tally().standing(now=0.0)


class NotAPerson(ValueError):
    """The voice is a persona's, and counts for nothing."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person let know of a persona.

    Attributes:
        id: the same when it comes again.
        persona: whom it is about.
        giver: whose it is: the same for the same person in every room and on every host.
        subject: what it is on: see `line_of`, `day_of`; for a task its id.
        value: 1 for good, -1 for not, 0 to take it back; of a task 0 when it is done and nobody has said how well.
        domain: the field of expertise that it is about; empty for none.
        task: whether it is on a task.
        name: the giver's, where others may see it; None where not.
    """

    id: str
    persona: str
    giver: str
    subject: str
    value: int
    domain: str = ""
    task: bool = False
    name: str | None = None


def line_of(room: str, line: str) -> str:
    """The subject that a line of a room is."""
    return f"line:{room}/{line}"


def day_of(at: datetime) -> str:
    """The subject that a persona is on the day of this moment, UTC."""
    return f"day:{at.astimezone(UTC).date().isoformat()}"


def giver_key(identity: str) -> str:
    """What the ledger knows a person by: it tells two people apart and names nobody."""
    return hashlib.blake2s(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def domain_of(expertise: Iterable[str], *texts: str) -> str:
    """The one of a persona's fields of which most words occur in what was said; empty when none does.

    Args:
        expertise: its fields, see `Persona`; of equals the first.
        texts: an answer, and what was asked.
    """
    said = {stem(word) for text in texts for word in words_of(text)}
    best, most = "", 0.0
    for field in expertise:
        words = {stem(word) for word in words_of(field)}
        share = len(words & said) / len(words) if words else 0.0
        if share > most:
            best, most = field, share
    return best


class Trust:
    """The standings of all personas; `open` makes one.

    Args:
        store: where the ledger is.
        clock: seconds since 1970, UTC.

    Attributes:
        refused: actions that were not allowed, by action.
    """

    def __init__(self, store: Storage, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._standings: dict[str, Standing] = {}
        self._judging = asyncio.Lock()
        self._tallies: dict[str, tuple[int, Tally]] = {}
        """What was counted of each persona's voices, and on which day, since 1970, they were read."""
        self.refused: Counter[Action] = Counter()

    @classmethod
    async def open(cls, store: Storage, *, clock: Callable[[], float] = time.time) -> "Trust":
        """With the standings that all personas have now.

        Raises:
            StoreError: the store cannot be read or written.
        """
        trust = cls(store, clock=clock)
        await trust.load()
        return trust

    async def load(self) -> None:
        """Brings every persona of which anything was ever said to the present, seated or not.

        Raises:
            StoreError: the store cannot be read or written.
        """
        for persona in await self._store.read(judged):
            await self.refresh(persona)

    def now(self) -> datetime:
        """The moment by the ledger's clock, UTC."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def standing(self, persona: str) -> Standing:
        """How a persona stands, as of its last voice or `refresh`; one that is new is a novice."""
        return self._standings.get(persona, _NEW)

    async def refresh(self, persona: str) -> Standing:
        """How a persona stands now: voices fade.

        Raises:
            StoreError: the store cannot be read or written.
        """
        return await self._judge(persona, None)

    def may(self, persona: str, action: Action, *, asked: bool = False) -> Allowed | Refused:
        """Whether a persona may do something; a refusal is counted.

        Args:
            persona: who.
            action: what.
            asked: whether a person asked for just this.
        """
        outcome = may(action, self.standing(persona).level, asked=asked)
        if isinstance(outcome, Refused):
            self.refused[action] += 1
        return outcome

    async def take(self, opinion: Opinion, personas: Collection[str]) -> Standing:
        """Takes an opinion into the ledger, once for each id; durable when it returns.

        Args:
            opinion: what a person let know.
            personas: ids of all personas there are.

        Returns:
            The persona's standing after it.

        Raises:
            NotAPerson: the giver is a persona, or nobody.
            StoreError: it could not be kept.
        """
        if not opinion.giver or opinion.giver in personas:
            raise NotAPerson(f"{opinion.giver or 'nobody'} is no person")
        now = self._clock()
        voice = Voice(
            giver_key(opinion.giver), opinion.subject, opinion.value, now, opinion.domain, opinion.task
        )
        given = Record(giver_key(f"{opinion.giver}\0{opinion.id}"), opinion.persona, voice, opinion.name)
        return await self._judge(opinion.persona, given)

    async def history(self, persona: str, *, before: int | None = None, limit: int = 50) -> Page:
        """A page of what came to pass with a persona's reputation, newest first.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.read(partial(history, persona=persona, before=before, limit=limit))

    async def _judge(self, persona: str, given: Record | None) -> Standing:
        # What is judged is read beside the writer, for which everybody waits; one at a time, so that it stays true.
        async with self._judging:
            # Counted with a voice that is not on the disk in the end it would be wrong, so it is put back only then.
            read_on, tally = self._tallies.pop(persona, (0, None))
            now = self._clock()
            today = int(now // DAY_S)
            if tally is None or read_on != today:
                tally = await self._store.read(partial(count, persona=persona, now=now))
            judgement = await self._store.read(
                partial(judge, persona=persona, now=now, tally=tally, given=given)
            )
            if judgement.changes:
                await self._store.write(partial(keep, judgement=judgement))
            self._tallies[persona] = today, tally
            self._standings[persona] = judgement.standing
            if judgement.given is not None:
                for _, each in self._tallies.values():
                    each.knows(judgement.given.voice.giver, judgement.days)
        return judgement.standing
