"""Which words of a reply were heard: clauses mapped to positions of the voice ring."""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Span", "expected", "text_begun", "text_heard"]

_SAMPLES_A_LETTER = 48_000 * 6 // 100
"""An unhurried voice speaks some 16 letters a second."""


@dataclass(frozen=True, slots=True)
class Span:
    """A clause and where its sound lies in the voice ring."""

    text: str
    start: int
    """First sample, a position of the voice ring."""
    end: int
    """One past the last sample; an estimate until the clause is wholly synthesised."""


def expected(text: str) -> int:
    """Samples at 48 kHz that a clause is likely to take."""
    return len(text) * _SAMPLES_A_LETTER


def text_begun(spans: Iterable[Span], played: int) -> str:
    """The clauses of which at least one sample was played, in order."""
    return " ".join(span.text for span in spans if span.start < played)


def text_heard(spans: Iterable[Span], played: int) -> str:
    """The words heard when playing stopped at position `played`.

    Within a clause the words are taken to be as long as their letters; one of which most was played counts.
    """
    words: list[str] = []
    for span in spans:
        if played >= span.end:
            words.append(span.text)
        elif played > span.start:
            words.extend(_words_within(span, (played - span.start) / (span.end - span.start)))
    return " ".join(words)


def _words_within(span: Span, share: float) -> list[str]:
    pieces = span.text.split()
    letters = sum(len(piece) + 1 for piece in pieces)
    heard: list[str] = []
    position = 0.0
    for piece in pieces:
        if (position + 0.5 * (len(piece) + 1)) / letters > share:
            break
        heard.append(piece)
        position += len(piece) + 1
    return heard
