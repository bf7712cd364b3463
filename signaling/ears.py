"""The seam to a person's ears: what a room needs of whatever tells what one person says."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Protocol

from media.speech.events import SpeechEvent

__all__ = ["Ears", "ScriptedEars"]


class Ears(Protocol):
    """Tells what one person says; `media.speech.listener.Listener` is the real one."""

    discarded: Counter[str]
    """What was heard and led to no words, by reason."""

    def events(self) -> AsyncIterator[SpeechEvent]:
        """Yields what is heard, in order."""

    def gate_opened(self, sample: int, heard: int = 0) -> None:
        """The cheap gate heard something at this position of the ring; what lies before `heard` was heard already."""

    def gate_closed(self, sample: int) -> None:
        """The cheap gate closed at this position of the ring."""

    def asked(self, question: str) -> None:
        """The person has just heard this: what they say next may be the answer."""


class ScriptedEars:
    """Hears what is put in."""

    def __init__(self) -> None:
        self.discarded: Counter[str] = Counter()
        self._events: asyncio.Queue[SpeechEvent] = asyncio.Queue()
        self.questions: list[str] = []
        """What the person has heard."""

    async def events(self) -> AsyncIterator[SpeechEvent]:
        """See `Ears`; never ends."""
        while True:
            yield await self._events.get()

    def gate_opened(self, sample: int, heard: int = 0) -> None:
        """Changes nothing: what is heard was put in."""

    def gate_closed(self, sample: int) -> None:
        """Changes nothing either."""

    def asked(self, question: str) -> None:
        """See `Ears`."""
        self.questions.append(question)

    def put(self, event: SpeechEvent) -> None:
        """The next thing to be heard."""
        self._events.put_nowait(event)
