"""The seam to where context comes from: a request in, pieces of text out; a scripted fake beside it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from cognition.store.timeline import Participant, Place

__all__ = ["FakeSource", "Part", "Piece", "Request", "Source"]

Part = Literal["stable", "fresh"]
"""`stable` changes only when somebody comes or something was learnt, and stands early in the prompt; `fresh` is what
the words of the moment recall, and stands right before the line that is answered."""


@dataclass(frozen=True, slots=True)
class Request:
    """For whom context is wanted.

    Attributes:
        place: where the answer will be heard.
        persona: who answers.
        present: who else will hear it, people and personas; of a whisper, its circle.
        now: timezone-aware.
        words: what is being said, perhaps unfinished; empty in idle time.
        speaker: identity of whose words they are.
        shown_since: when the oldest line was said that the prompt shows anyway; None where it shows none.
        parts: which are wanted.
        unknown: stand-ins for people who hear it too and of whom nothing is known, as at a shared microphone.

    Raises:
        ValueError: the time has no time zone, or nobody is to answer.
    """

    place: Place
    persona: Participant
    present: tuple[Participant, ...]
    now: datetime
    words: str = ""
    speaker: str = ""
    shown_since: datetime | None = None
    parts: frozenset[Part] = frozenset({"stable", "fresh"})
    unknown: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("a request's time has a time zone")
        if not identity_of(self.persona):
            # An empty set of listeners would make a query see everything.
            raise ValueError("a request names the persona that answers")

    @property
    def people(self) -> tuple[Participant, ...]:
        """The people among those who will hear it."""
        return tuple(one for one in self.present if one.kind == "person")

    @property
    def listeners(self) -> frozenset[str]:
        """Identities of the people who will hear it; what may be recalled follows from them."""
        return self.unknown.union(identity_of(one) for one in self.people)

    @property
    def known_to(self) -> frozenset[str]:
        """Identities that must all know what is recalled: the persona's and each listener's."""
        return self.listeners | {identity_of(self.persona)}


def identity_of(participant: Participant) -> str:
    """Who somebody is in every room."""
    return participant.identity or participant.id


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that may be told.

    Attributes:
        id: unique within its source.
        text: the words, as they are; composition makes them harmless.
        label: what introduces them ("Ada told you", "The file rome.md says"); pieces of one label may share a line.
        score: how much it matters, 0 to 1, comparable within its source.
        part: where in the prompt it belongs.
        quoted: somebody else's words, or taken from them; False only for what this program itself says.
        origin: where it comes from, for people.
        shorter: the same with less, the most first, for where there is no room for the whole; with none it is the
            beginning of the text that is told.
    """

    id: str
    text: str
    label: str
    score: float
    part: Part = "fresh"
    quoted: bool = True
    origin: str = ""
    shorter: tuple[str, ...] = ()


class Source(Protocol):
    """One place where context comes from."""

    @property
    def name(self) -> str:
        """Unique in an engine."""

    @property
    def parts(self) -> frozenset[Part]:
        """It is not asked where none of these is wanted."""

    async def load(self, request: Request) -> Sequence[Piece]:
        """What it has to tell, the most important first; ends when it is cancelled.

        Only what each of `request.known_to` may know.

        Raises:
            Exception: whatever goes wrong; the others do not notice.
        """


class FakeSource:
    """Gives what it was told to, after a while; keeps what it was asked.

    Args:
        name: as the protocol's.
        pieces: what it gives.
        seconds: of loop time until then.
        error: raised instead.
        parts: as the protocol's.
    """

    def __init__(
        self,
        name: str,
        pieces: Sequence[Piece] = (),
        *,
        seconds: float = 0.0,
        error: Exception | None = None,
        parts: frozenset[Part] = frozenset({"stable", "fresh"}),
    ) -> None:
        self.name = name
        self.parts = parts
        self.requests: list[Request] = []
        self.running = 0
        self._pieces = pieces
        self._seconds = seconds
        self._error = error

    async def load(self, request: Request) -> Sequence[Piece]:
        """See `Source`; `running` counts the calls under way."""
        self.requests.append(request)
        self.running += 1
        try:
            await asyncio.sleep(self._seconds)
            if self._error is not None:
                raise self._error
            return self._pieces
        finally:
            self.running -= 1
