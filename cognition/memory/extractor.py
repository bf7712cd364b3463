"""The seam to what reads facts out of words: rules."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cognition.memory.extraction import MAX_FINDINGS, extract
from cognition.memory.finding import Finding
from cognition.memory.speaking_of import Speaker
from cognition.memory.spoken import parts

__all__ = ["Extractor", "FakeExtractor", "RuleExtractor"]


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
