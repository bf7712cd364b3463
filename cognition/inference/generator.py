"""The seam to a language model: prompts in, pieces of text out; a scripted fake beside it."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["FakeGenerator", "GenerationError", "Generator", "Prompt", "Script", "Turn"]


class GenerationError(Exception):
    """A model could not be loaded or could not answer; the message says why. The generator stays usable."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a chat; `text` is data and never becomes a control token. A `system` one tells what is the case."""

    role: Literal["user", "assistant", "system"]
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model reads: who it is, then the chat so far.

    Attributes:
        system: the instructions at the top; stable for one key, so that its evaluation is kept.
        turns: oldest first, grown only at the end where that is possible.
        unfinished: the last turn is still being spoken and stays open at its end.
        opening: words the answer starts with; the model goes on after them, and they are not repeated in the stream.
    """

    system: str
    turns: tuple[Turn, ...] = ()
    unfinished: bool = False
    opening: str = ""


class Generator(Protocol):
    """A language model with one cached conversation per key; what one key holds is never seen by another."""

    @property
    def capacity(self) -> int:
        """Tokens that prompt and reply of one key may have together."""

    def count(self, text: str) -> int:
        """Tokens of a text; cheap, callable from any thread."""

    async def prefill(self, key: str, prompt: Prompt) -> None:
        """Evaluates a prompt ahead of time; a later call for the same key replaces one that still waits.

        Raises:
            GenerationError: the prompt does not fit, or the model failed.
        """

    async def begin(self, key: str, prompt: Prompt) -> None:
        """As `prefill`, of what the prompts of other keys begin with; what is evaluated may outlast the process.

        Raises:
            GenerationError: as `prefill`.
        """

    def stream(self, key: str, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Answers a prompt piece by piece; `aclose()` stops it within one token.

        Raises:
            GenerationError: while iterating, as for `prefill`, or when too many replies wait.
        """

    def forget(self, key: str) -> None:
        """Drops what is cached for a key; nothing happens when there is nothing."""

    async def aclose(self) -> None:
        """Ends everything that runs, with GenerationError for who waits, and frees the model."""


@dataclass(frozen=True, slots=True)
class Script:
    """One answer of the fake: pieces, and seconds of loop time before the first and before each other.

    With `error` set it is raised after the pieces.
    """

    pieces: Sequence[str]
    first: float = 0.15
    each: float = 0.03
    error: str | None = None


class FakeGenerator:
    """Answers with scripts, one a stream, the last one again and again; keeps what it was asked.

    Args:
        scripts: answers in order; a plain string is cut into words.
        prefill_seconds: how long a prefill takes, in loop time.
        capacity: as the protocol's; one word counts as one token.
    """

    def __init__(
        self, scripts: Iterable[Script | str], *, prefill_seconds: float = 0.0, capacity: int = 2048
    ) -> None:
        self._scripts = [
            Script([word if i == 0 else f" {word}" for i, word in enumerate(s.split())])
            if isinstance(s, str)
            else s
            for s in scripts
        ]
        if not self._scripts:
            raise ValueError("a fake generator needs at least one script")
        self._prefill_seconds = prefill_seconds
        self._capacity = capacity
        self._next = 0
        self.prefilled: list[tuple[str, Prompt]] = []
        self.streamed: list[tuple[str, Prompt]] = []
        self.forgotten: list[str] = []
        self.running = 0
        self.closed = False

    @property
    def capacity(self) -> int:
        """Tokens (words) a prompt and its reply may have together."""
        return self._capacity

    def count(self, text: str) -> int:
        """Words of the text."""
        return len(text.split())

    async def prefill(self, key: str, prompt: Prompt) -> None:
        """Takes `prefill_seconds` and is kept in `prefilled` once done."""
        self._check(prompt, 0)
        await asyncio.sleep(self._prefill_seconds)
        self.prefilled.append((key, prompt))

    async def begin(self, key: str, prompt: Prompt) -> None:
        """As `prefill`."""
        await self.prefill(key, prompt)

    async def stream(self, key: str, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Plays the next script; `running` counts the streams that are under way."""
        self._check(prompt, max_tokens)
        script = self._scripts[min(self._next, len(self._scripts) - 1)]
        self._next += 1
        self.streamed.append((key, prompt))
        self.running += 1
        try:
            for index, piece in enumerate(script.pieces[:max_tokens]):
                await asyncio.sleep(script.first if index == 0 else script.each)
                yield piece
            if script.error is not None:
                raise GenerationError(script.error)
        finally:
            self.running -= 1

    def forget(self, key: str) -> None:
        """Is kept in `forgotten`."""
        self.forgotten.append(key)

    async def aclose(self) -> None:
        """After it nothing is answered any more."""
        self.closed = True

    def _check(self, prompt: Prompt, max_tokens: int) -> None:
        if self.closed:
            raise GenerationError("the generator is closed")
        size = self.count(prompt.system) + sum(self.count(turn.text) for turn in prompt.turns)
        if size + max_tokens > self._capacity:
            raise GenerationError(f"{size} tokens and {max_tokens} to answer exceed {self._capacity}")
