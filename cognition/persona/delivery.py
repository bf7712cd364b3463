"""Which stretches of what a model writes are given out to be spoken, and when a reply is long enough. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cognition.conversation.clauses import ends_sentence
from cognition.conversation.names import words_of
from cognition.persona.opening import disowned
from cognition.rag.context import Account

__all__ = ["Clause", "Delivery"]

SENTENCES = 2
"""Sentences of a reply; a third only while fewer than `ENOUGH_WORDS` were said."""
ENOUGH_WORDS = 8

_STOCK = re.compile(
    r"\bhow (?:can|may|could) i (?:help|assist|be of)\b|\bwhat can i (?:help|assist|do for)\b"
)


_SENTENCE = re.compile(r"[.!?]+")


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of a reply to be spoken.

    Attributes:
        text: what to speak.
        first: the reply begins with it.
        last: known to be the end when it was given out; a reply may also end after a clause without it.
        token_ns: when the model's first token came (`time.monotonic_ns`); None before that, and without a model.
        accounts: of the first one: of what was remembered for the reply.
    """

    text: str
    first: bool
    last: bool
    token_ns: int | None = None
    accounts: tuple[Account, ...] = ()


class Delivery:
    """Decides which clauses of one reply are given out, and when it is long enough.

    Args:
        name: the persona's.
        people: names that are not its own.
        earlier: what it has said before.
        unsaid: what it thinks and does not say.
        accounts: what the first clause is given.
    """

    def __init__(
        self,
        name: str,
        people: set[str],
        earlier: Iterable[str],
        unsaid: Iterable[str] = (),
        accounts: tuple[Account, ...] = (),
    ) -> None:
        self._people = people - {name}
        self._name = name
        self._earlier = " ".join(earlier).casefold()
        self._said: set[str] = set()
        self._sentences = 0
        self._words = 0
        self._unsaid = {tuple(words_of(part)) for text in unsaid for part in _SENTENCE.split(text)} - {()}
        self._accounts = accounts
        self.done = False
        self.counts: Counter[str] = Counter()

    @property
    def given(self) -> bool:
        """Whether anything was given out."""
        return bool(self._said)

    def take(self, clauses: Iterable[str], token_ns: int | None) -> list[Clause]:
        """Those of the clauses to be spoken."""
        given: list[Clause] = []
        for text in clauses:
            if self.done:
                break
            if disowned(text, self._people):
                self.counts["identity kept"] += 1
                text, self.done = f"I'm {self._name}.", True
            key = text.casefold()
            if self._unsaid and _holds(words_of(text), self._unsaid):
                self.counts["inner note kept"] += 1
                continue
            again = key in self._said or (self.given and key in self._earlier)
            if again and (self.done or len(key.split()) > 3):
                self.counts["repetition dropped"] += 1
                continue
            if self.given and _STOCK.search(key):
                self.counts["stock phrase dropped"] += 1
                continue
            first = not self.given
            self._said.add(key)
            self._words += len(text.split())
            self._sentences += ends_sentence(text)
            enough = self._words >= ENOUGH_WORDS or self._sentences > SENTENCES
            self.done = self.done or (self._sentences >= SENTENCES and enough)
            given.append(Clause(text, first, self.done, token_ns, self._accounts if first else ()))
        return given

    def take_rest(self, clauses: Sequence[str], token_ns: int | None) -> list[Clause]:
        """What is left at the end; half a sentence only if nothing else was said."""
        begun = self._sentences > 0
        given = self.take(clauses, token_ns)
        if given and begun and not ends_sentence(given[-1].text):
            self.counts["unfinished sentence dropped"] += 1
            given.pop()
        return [*given[:-1], replace(given[-1], last=True)] if given else []


def _holds(words: Sequence[str], sentences: Iterable[tuple[str, ...]]) -> bool:
    """Whether one of these sentences is among the words, word by word."""
    return any(
        tuple(words[at : at + len(sentence)]) == sentence
        for sentence in sentences
        for at in range(len(words) - len(sentence) + 1)
    )
