"""The seam to what reads facts out of words: rules ship; a language model may add to them, within a budget."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Protocol

from cognition.inference.generator import GenerationError, Generator, Prompt, Turn
from cognition.memory.extraction import MAX_FINDINGS, extract
from cognition.memory.finding import Finding
from cognition.memory.speaking_of import Speaker
from cognition.memory.spoken import clauses, content_words, parts

__all__ = ["Budget", "Extractor", "FakeExtractor", "ModelExtractor", "RuleExtractor"]

_MAX_TOKENS = 48
_LEAST_WORDS = 6
"""Content words of a turn that is worth asking a model about."""
_SYSTEM = (
    "You note what a sentence says about the person who spoke it. Write one line for each fact, as `attribute: value`, "
    "with words of the sentence. Write `none` if it says nothing about the person."
)
_EXAMPLES = (
    Turn("user", "Ada: Last summer I spent weeks restoring an old wooden rowing boat with my uncle."),
    Turn("assistant", "restored: old wooden rowing boat"),
    Turn("user", "Ben: The weather report says that it will rain all weekend in the mountains."),
    Turn("assistant", "none"),
)


class Extractor(Protocol):
    """Reads what a turn tells."""

    async def extract(self, text: str, speaker: Speaker, said: datetime, question: str) -> Sequence[Finding]:
        """Everything that a turn tells; may be cancelled at any time.

        Args:
            text: what was said.
            speaker: by whom.
            said: when, in the speaker's time zone.
            question: what they were asked right before; empty for nothing.
        """
        ...


class RuleExtractor:
    """An `Extractor` by rules alone; no longer than a millisecond or so a sentence."""

    async def extract(self, text: str, speaker: Speaker, said: datetime, question: str) -> Sequence[Finding]:
        """See `Extractor`. Of a long turn a few sentences at a time: whoever is to be heard waits for no more."""
        found: list[Finding] = []
        for part in parts(text):
            found += extract(part, speaker, said, question=question)
            await asyncio.sleep(0)
        return found[:MAX_FINDINGS]


class FakeExtractor:
    """An `Extractor` that finds what it is told to, for tests.

    Args:
        found: by text.
        seconds: it takes, in the loop's time.
    """

    def __init__(self, found: dict[str, Sequence[Finding]] | None = None, *, seconds: float = 0.0) -> None:
        self.found = found or {}
        self.seconds = seconds
        self.asked: list[str] = []

    async def extract(self, text: str, speaker: Speaker, said: datetime, question: str) -> Sequence[Finding]:
        """See `Extractor`."""
        self.asked.append(text)
        await asyncio.sleep(self.seconds)
        return self.found.get(text, ())


class Budget:
    """Tokens and seconds that a model may have in an hour.

    Args:
        tokens: made in an hour at most.
        seconds: of its time in an hour at most.
        clock: seconds, of any beginning.
    """

    def __init__(
        self, tokens: int = 2000, seconds: float = 120.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tokens = tokens
        self._seconds = seconds
        self._clock = clock
        self._since = clock()
        self._spent_tokens = 0
        self._spent_seconds = 0.0

    def left(self) -> bool:
        """Whether another turn may be asked about."""
        if self._clock() - self._since >= 3600.0:
            self._since, self._spent_tokens, self._spent_seconds = self._clock(), 0, 0.0
        return self._spent_tokens < self._tokens and self._spent_seconds < self._seconds

    def spend(self, tokens: int, seconds: float) -> None:
        """So much went into one turn."""
        self._spent_tokens += tokens
        self._spent_seconds += seconds


class ModelExtractor:
    """An `Extractor` that asks a language model about those turns of which the rules make nothing.

    What it says is kept only where the words say it too: each word of a value stands in the turn. A question, and
    what was
    passed on as somebody else's words, is not shown to it.

    Args:
        generator: the model.
        budget: of tokens and time; once it is spent, rules do.
        rules: what is asked first.
        clock: seconds, of any beginning.
    """

    def __init__(
        self,
        generator: Generator,
        budget: Budget | None = None,
        *,
        rules: Extractor | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._generator = generator
        self._budget = budget or Budget(clock=clock)
        self._rules = rules or RuleExtractor()
        self._clock = clock
        self.counts: Counter[str] = Counter()

    async def extract(self, text: str, speaker: Speaker, said: datetime, question: str) -> Sequence[Finding]:
        """See `Extractor`."""
        found = await self._rules.extract(text, speaker, said, question)
        asserted = ". ".join(clause.quote for clause in clauses(text) if not clause.doubt)
        if found or len(content_words(asserted)) < _LEAST_WORDS:
            return found
        if not self._budget.left():
            self.counts["model: budget spent"] += 1
            return found
        return self._grounded(await self._lines(asserted, speaker), asserted, speaker)

    async def _lines(self, asserted: str, speaker: Speaker) -> list[str]:
        prompt = Prompt(_SYSTEM, (*_EXAMPLES, Turn("user", f"{speaker.name}: {asserted}")))
        pieces: list[str] = []
        begun = self._clock()
        try:
            async with aclosing(
                self._generator.stream("hippocampus", prompt, max_tokens=_MAX_TOKENS)
            ) as stream:
                async for piece in stream:
                    pieces.append(piece)
        except GenerationError:
            self.counts["model: failed"] += 1
            return []
        finally:
            self._budget.spend(len(pieces), self._clock() - begun)
            self._generator.forget("hippocampus")
        return "".join(pieces).splitlines()

    def _grounded(self, lines: Sequence[str], asserted: str, speaker: Speaker) -> list[Finding]:
        there = set(content_words(asserted))
        found = []
        for line in lines:
            attribute, colon, value = (part.strip(" -*`.") for part in line.partition(":"))
            words = content_words(value)
            if not colon or not words or not attribute or len(attribute) > 40:
                continue
            if not there.issuperset(words):
                self.counts["model: not in the words"] += 1
                continue
            text = f"{speaker.name}, {attribute.lower()}: {value}."
            found.append(
                Finding(
                    "fact",
                    speaker.identity,
                    speaker.name,
                    attribute.casefold(),
                    value,
                    text,
                    asserted,
                    importance=0.4,
                )
            )
        return found
