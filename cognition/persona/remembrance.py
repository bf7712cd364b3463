"""What the prompts of personas hold of earlier days: composed in idle time and while people speak, never after it.

What stands early in a prompt changes only in idle time; what the words of a line recall stands before that line and
is only added to while it is being said; what its last words recall comes after it, a few tokens at most. So the
model has evaluated nearly all of it when the speech ends, and nothing that it has evaluated moves.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cognition.persona.notes import InnerNote
from cognition.persona.recollection import Allowance, Recollection
from cognition.rag.context import Account, Context
from cognition.rag.source import Request

__all__ = ["Remembered", "Remembrance"]

IDLE_DEADLINE = 0.5
LISTEN_DEADLINE = 0.25
LATE_DEADLINE = 0.05
"""Seconds a composition has in idle time, while somebody speaks, and after that."""
WRITTEN_DEADLINE = 0.2
"""The same for a written line, which nobody was heard to write."""
WORTH = 0.3
"""Score below which nothing is recalled."""
CLEARLY = 0.6
"""Score below which nothing is added after the end of speech."""
ADDITIONS = 2
"""Times that something is put before a line while it is being said; each time its words are evaluated again."""
REFRESHED_AFTER = timedelta(minutes=10)
"""For so long what was learnt meanwhile is left to the conversation in which it was said: a prompt that begins
otherwise is evaluated anew, for each persona of the room."""
NEVER = datetime.min.replace(tzinfo=UTC)
SMALL = 12
"""Tokens with which nothing can be said."""
INNER = "What you think to yourself and tell nobody:"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a prompt says of earlier days, each part empty where it says nothing.

    Attributes:
        stable: before the conversation.
        fresh: before the line in question.
        late: after it.
        accounts: of how these came about.
        inner: what the persona thinks to itself; in no account.
    """

    stable: str = ""
    fresh: str = ""
    late: str = ""
    accounts: tuple[Account, ...] = ()
    inner: InnerNote | None = None

    def known(self, persona: str) -> str:
        """What stands before the conversation in this persona's own prompt."""
        if self.inner is None:
            return self.stable
        return f"{self.stable}\n{INNER} {self.inner.read_by(persona)}".strip()

    def unsaid(self, persona: str) -> tuple[str, ...]:
        """What the persona thinks and does not say."""
        return () if self.inner is None else (self.inner.read_by(persona),)


@dataclass(slots=True)
class _InMind:
    """Of one persona in one room."""

    stable: Context | None = None
    inner: InnerNote | None = None
    """What the persona thought when that was composed."""
    grown: int = 0
    """How much was remembered when that was composed."""
    composed: datetime = NEVER
    """When it was."""
    line: str = ""
    """The line for which the rest was recalled."""
    words: frozenset[str] = frozenset()
    """Of the line, those that were asked about."""
    heard: bool = False
    """Some of the line is evaluated."""
    fresh: list[Context] = field(default_factory=list)
    late: list[Context] = field(default_factory=list)
    told: frozenset[str] | None = None
    """Identities of the people for whom everything may be that the model has evaluated; None for anybody."""


class Remembrance:
    """Keeps what is in mind of each persona in each room.

    Args:
        recollection: composes it.
        allowance: tokens it may have.
        forget: makes the model forget what it has evaluated of a room and persona.
        thinks: what a persona thinks to itself in a room, both by id.
        count: tokens of a text.
    """

    def __init__(
        self,
        recollection: Recollection,
        allowance: Allowance,
        forget: Callable[[str, str], None],
        thinks: Callable[[str, str], InnerNote | None] = lambda _persona, _room: None,
        count: Callable[[str], int] = len,
    ) -> None:
        self._recollection = recollection
        self._allowance = allowance
        self._forget = forget
        self._thinks = thinks
        self._count = count
        self._held: dict[tuple[str, str], _InMind] = {}

    async def settle(self, request: Request) -> bool:
        """In idle time: composes what stands early in prompts, unless that is up to date.

        It is not if other people are there now, if something could not be had in time, or if it is `REFRESHED_AFTER`
        old and more is remembered, or the persona thinks something else.

        Returns:
            Whether it is another text than before, so that whatever follows it is to be evaluated again.
        """
        held = self._of(request)
        before = held.stable
        if not self._allowance.stable:
            return False
        grown, persona = self._recollection.grown, request.persona.id
        inner = self._thinks(persona, request.place.room)
        thought, thinks = (Remembered(inner=each).known(persona) for each in (held.inner, inner))
        if (cost := self._count(thinks) if thinks else 0) > self._allowance.stable // 2:
            inner, thinks, cost = None, "", 0
        same = held.grown == grown and thinks == thought
        if (
            before is not None
            and before.account.listeners == request.listeners
            and (same or request.now - held.composed < REFRESHED_AFTER)
            and _complete(before)
        ):
            return False
        found = await self._recollection.compose(
            replace(request, words="", speaker="", parts=frozenset({"stable"})),
            budget=self._allowance.stable - cost,
            deadline=IDLE_DEADLINE,
        )
        if before is not None and before.account.listeners == request.listeners:
            if _complete(before) and not _complete(found):
                # The older is better than a part of the newer; the next idle time asks again.
                return False
        held.stable, held.grown, held.composed, held.inner = found, grown, request.now, inner
        return (found.stable, thinks) != ("" if before is None else before.stable, thought)

    async def listen(self, request: Request, line: str) -> None:
        """While a line is being said: recalls what its words so far call to mind."""
        held = self._begin(request, line)
        spent = sum(each.account.tokens.get("fresh", 0) for each in held.fresh)
        budget = self._allowance.fresh - spent
        held.heard = True
        if len(held.fresh) >= ADDITIONS or budget < SMALL or not self._news(held, request):
            return
        if not held.fresh:
            # Its first words are not the most telling ones.
            budget -= budget // 3
        found = await self._recalled(held, request, budget, LISTEN_DEADLINE, WORTH)
        if found is not None and held.line == line:
            held.fresh.append(found)

    async def conclude(self, request: Request, line: str, *, written: bool) -> None:
        """A line is over and will be answered: recalls what only its last words call to mind."""
        held = self._begin(request, line)
        if not self._news(held, request):
            return
        if not held.heard:
            # Nothing of it is evaluated, so that it makes no difference on which side of it this stands.
            budget, deadline = self._allowance.late, LATE_DEADLINE
            if written:
                budget, deadline = self._allowance.fresh, WRITTEN_DEADLINE
            found = await self._recalled(held, request, budget, deadline, WORTH if written else CLEARLY)
            if found is not None and held.line == line:
                held.fresh.append(found)
        elif not held.late:
            found = await self._recalled(held, request, self._allowance.late, LATE_DEADLINE, CLEARLY)
            if found is not None and held.line == line:
                held.late.append(found)

    def of(self, room: str, persona: str, listeners: frozenset[str], line: str = "") -> Remembered:
        """What a prompt is to say that is evaluated now; the model forgets what not all listeners may know.

        Args:
            room: the room.
            persona: whose prompt.
            listeners: identities of the people who will hear what is made of it.
            line: the line that will be answered, if there is one.
        """
        held = self._held.get((room, persona))
        if held is None:
            return Remembered()
        if held.told is not None and not listeners <= held.told:
            # Moved up in its cache, what follows something would keep traces of it.
            self._forget(room, persona)
            held.told = None
        stable = [held.stable] if held.stable is not None else []
        fresh, late = (held.fresh, held.late) if line and held.line == line else ([], [])
        stable, fresh, late = (
            [each for each in part if listeners <= each.account.listeners] for part in (stable, fresh, late)
        )
        for each in (*stable, *fresh, *late):
            if each.stable or each.fresh:
                known = each.account.listeners
                held.told = known if held.told is None else held.told & known
        return Remembered(
            stable[0].stable if stable else "",
            "\n".join(each.fresh for each in fresh),
            "\n".join(each.fresh for each in late),
            tuple(each.account for each in (*stable, *fresh, *late)),
            held.inner if stable else None,
        )

    def forget(self, room: str, persona: str | None = None) -> None:
        """The room has closed, or the persona is another one."""
        for key in [key for key in self._held if key[0] == room and persona in (None, key[1])]:
            del self._held[key]

    def forget_all(self) -> None:
        """Something was corrected or deleted: nothing of what is in mind is used again."""
        for (room, persona), held in list(self._held.items()):
            if held.told is not None:
                self._forget(room, persona)
        self._held.clear()

    def _of(self, request: Request) -> _InMind:
        return self._held.setdefault((request.place.room, request.persona.id), _InMind())

    def _begin(self, request: Request, line: str) -> _InMind:
        held = self._of(request)
        if held.line != line:
            held.line, held.words, held.heard, held.fresh, held.late = line, frozenset(), False, [], []
        return held

    def _news(self, held: _InMind, request: Request) -> bool:
        """Whether words have come that were not asked about."""
        return bool(self._allowance.fresh and frozenset(_bare(request.words)) - held.words)

    async def _recalled(
        self, held: _InMind, request: Request, budget: int, deadline: float, least: float
    ) -> Context | None:
        if budget < SMALL:
            return None
        line = held.line
        # What is left out of the prompt before these listeners says nothing in it, nor that quotations are no orders.
        standing = [
            each
            for each in (held.stable, *held.fresh, *held.late)
            if each is not None and request.listeners <= each.account.listeners
        ]
        found = await self._recollection.compose(
            replace(request, parts=frozenset({"fresh"})),
            budget=budget,
            deadline=deadline,
            standing=standing,
            least=least,
        )
        if held.line == line and _complete(found):
            # What is cancelled, late or failed is asked about again with the next words, or at the end.
            held.words |= frozenset(_bare(request.words))
        return found if found.fresh else None


def _complete(context: Context) -> bool:
    """Whether every source was heard of which something is wanted."""
    return all(load.state not in ("late", "failed") for load in context.account.loads)


def _bare(words: str) -> list[str]:
    """The words of more than two letters."""
    return [
        word for word in "".join(c if c.isalnum() else " " for c in words.casefold()).split() if len(word) > 2
    ]
