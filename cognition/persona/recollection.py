"""The seam to what a persona remembers: context for its prompts, and what it knows of who is there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cognition.conversation.transcript import Line
from cognition.memory.recall import Recall, Recalled
from cognition.rag.context import Account, Context
from cognition.rag.engine import ContextEngine
from cognition.rag.source import Request
from cognition.search.embedder import EmbeddingError
from cognition.store.errors import StoreError

__all__ = ["Allowance", "NoRecollection", "NoWishes", "Recollection", "Remembering", "Wishes"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """Tokens of a prompt that what is remembered may have; none by default.

    Attributes:
        stable: early in the prompt: who is here, and what is known of them.
        fresh: before the line that is being said: what its words recall while they are said.
        late: after it: what only its last words recall. These alone are evaluated after the end of speech.
    """

    stable: int = 0
    fresh: int = 0
    late: int = 0

    @property
    def tokens(self) -> int:
        """Of all three."""
        return self.stable + self.fresh + self.late


class Recollection(Protocol):
    """What is remembered; `cognition.rag.engine.ContextEngine` and `cognition.memory.recall.Recall` together."""

    @property
    def grown(self) -> int:
        """Another number whenever more is remembered, or something else."""
        ...

    async def compose(
        self,
        request: Request,
        *,
        budget: int,
        deadline: float,
        standing: Sequence[Context] = (),
        least: float = 0.0,
    ) -> Context:
        """What may be told of it, in so many tokens and seconds; see `ContextEngine`."""
        ...

    async def about(
        self, persona: str, listeners: frozenset[str], person: str, *, now: datetime, limit: int = 6
    ) -> tuple[Recalled, ...]:
        """What a persona knows of a person; see `Recall`."""
        ...


class Wishes(Protocol):
    """Does what people want done with what is known of them; `signaling.self_service.SelfServing`."""

    async def answer(
        self,
        persona: str,
        line: Line,
        person: str,
        listeners: frozenset[str],
        before: Line | None,
        *,
        shared: bool,
    ) -> list[str] | None:
        """Does what a line wishes, once, and says so sentence by sentence; None where it wishes nothing.

        Args:
            persona: who answers.
            line: what was said; it is over, and will not be taken back.
            person: identity of who said it.
            listeners: identities of the people who hear the answer.
            before: what the same person said right before it.
            shared: several people speak at their microphone: nobody knows that it is they who wish it.
        """
        ...

    def is_wish(self, speaker: str, text: str) -> bool:
        """Whether something would be done at these words, which is not to be done on a guess that they are all.

        Args:
            speaker: participant id.
            text: what they said so far.
        """
        ...


class NoWishes:
    """Takes no words for a wish."""

    async def answer(
        self,
        persona: str,
        line: Line,
        person: str,
        listeners: frozenset[str],
        before: Line | None,
        *,
        shared: bool,
    ) -> list[str] | None:
        """See `Wishes`."""
        return None

    def is_wish(self, speaker: str, text: str) -> bool:
        """See `Wishes`."""
        return False


class NoRecollection:
    """Remembers nothing."""

    grown = 0

    async def compose(
        self,
        request: Request,
        *,
        budget: int,
        deadline: float,
        standing: Sequence[Context] = (),
        least: float = 0.0,
    ) -> Context:
        """See `Recollection`."""
        account = Account(
            request.persona.id,
            request.place.room,
            request.now,
            request.words,
            request.listeners,
            budget,
            {},
            deadline,
            0.0,
        )
        return Context("", "", account)

    async def about(
        self, persona: str, listeners: frozenset[str], person: str, *, now: datetime, limit: int = 6
    ) -> tuple[Recalled, ...]:
        """See `Recollection`."""
        return ()


class Remembering:
    """A context engine and a recall, as one.

    Attributes:
        counts: what could not be recalled, by reason.
        grown: how often it has grown, as who lets it grow says.
    """

    def __init__(self, engine: ContextEngine, recall: Recall) -> None:
        self.grown = 0
        self._engine = engine
        self._recall = recall
        self.counts: Counter[str] = Counter()

    async def compose(
        self,
        request: Request,
        *,
        budget: int,
        deadline: float,
        standing: Sequence[Context] = (),
        least: float = 0.0,
    ) -> Context:
        """See `Recollection`."""
        return await self._engine.compose(
            request, budget=budget, deadline=deadline, standing=standing, least=least
        )

    async def about(
        self, persona: str, listeners: frozenset[str], person: str, *, now: datetime, limit: int = 6
    ) -> tuple[Recalled, ...]:
        """See `Recollection`; nothing is known where the memory fails, which is counted."""
        try:
            return await self._recall.about(persona, listeners, person, now=now, limit=limit)
        except (StoreError, EmbeddingError) as error:
            self.counts[f"recall failed: {type(error).__name__}"] += 1
            return ()
