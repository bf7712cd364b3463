"""Which words of a reply were heard: clauses and their words mapped to positions of the voice ring."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Span", "expected", "text_begun", "text_heard", "word_begun"]

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
    words: tuple[int, ...] = ()
    """Where its words end, the first of them first, as far as the voice has told."""


def expected(text: str) -> int:
    """Samples at 48 kHz that a clause is likely to take."""
    return len(text) * _SAMPLES_A_LETTER


def text_begun(spans: Iterable[Span], played: int) -> str:
    """The clauses of which at least one sample was played, in order."""
    return " ".join(span.text for span in spans if span.start < played)


def text_heard(spans: Iterable[Span], played: int) -> str:
    """The words heard when playing stopped at position `played`; one of which most was played counts.

    Where the voice has not told how long its words are, they are taken to be as long as their letters.
    """
    words: list[str] = []
    for span in spans:
        if played >= span.end:
            words.append(span.text)
        elif played > span.start:
            words.extend(word for word, begin, end in _words(span) if 2 * played >= begin + end)
    return " ".join(words)


def word_begun(spans: Sequence[Span], played: int) -> int:
    """Where the word begins that is cut at position `played`; `played` itself between two words."""
    for span in spans:
        if span.start < played < span.end:
            return next((begin for _, begin, end in _words(span) if begin < played < end), played)
    return played


def _words(span: Span) -> Iterator[tuple[str, int, int]]:
    """The words of a clause, each with where it begins and ends."""
    pieces = span.text.split()
    told = span.words if len(span.words) <= len(pieces) else ()
    begin = span.start
    for piece, end in zip(pieces, told, strict=False):
        yield piece, begin, max(begin, end)
        begin = max(begin, end)
    rest = pieces[len(told) :]
    first, letters, position = begin, sum(len(piece) + 1 for piece in rest), 0
    for piece in rest:
        position += len(piece) + 1
        end = first + (span.end - first) * position // letters
        yield piece, begin, end
        begin = end
