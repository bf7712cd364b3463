"""A document's structure into passages of a size that can be told: whole blocks where they fit, with overlap. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from cognition.rag.documents.blocks import Block
from cognition.store.documents import Passage

__all__ = ["LARGEST", "MOST_PASSAGES", "OVERLAP", "Chunk", "chunked", "cut", "excerpt", "sentences_of"]

LARGEST = 600
"""Characters of a passage: some 130 tokens, which the model of sentences reads whole."""
OVERLAP = 120
"""Characters of the passage before, whole sentences, that one under the same heading begins with."""
MOST_PASSAGES = 5000
"""Of one document; what follows them is left out."""

_ENDS = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage; its first `overlap` characters are the end of the one before."""

    passage: Passage
    overlap: int = 0


def cut(blocks: Iterable[Block]) -> tuple[list[Passage], bool]:
    """The passages with words in them, and whether there are more than are kept."""
    found = (chunk.passage for chunk in chunked(blocks) if any(map(str.isalnum, chunk.passage.text)))
    passages = list(islice(found, MOST_PASSAGES + 1))
    return passages[:MOST_PASSAGES], len(passages) > MOST_PASSAGES


def chunked(blocks: Iterable[Block]) -> Iterator[Chunk]:
    """Passages of at most `LARGEST` characters, in order; every word of the blocks is in them.

    Blocks under one heading share a passage as long as they fit. What is longer is cut between sentences, else between
    words, else anywhere.
    """
    text, overlap, begun, heading = "", 0, "", ""
    for block in blocks:
        if text and block.heading != heading:
            yield Chunk(Passage(text, heading, begun), overlap)
            text, overlap = "", 0
        heading = block.heading
        parting = "\n" if "\n" in block.text else " "
        for number, piece in enumerate(_pieces(block.text)):
            between = ("\n" if number == 0 else parting) if text else ""
            if text and len(text) + len(between) + len(piece) > LARGEST:
                yield Chunk(Passage(text, heading, begun), overlap)
                tail = _tail(text, min(OVERLAP, LARGEST - len(piece) - 1))
                text, overlap = (f"{tail}{between}", len(tail) + len(between)) if tail else ("", 0)
                begun = block.position
            elif text:
                text += between
            else:
                begun = block.position
            text += piece
    if text:
        yield Chunk(Passage(text, heading, begun), overlap)


def excerpt(text: str, weights: list[float], sentences: list[str], most: int) -> str:
    """The run of whole sentences within `most` characters that weighs most, with as many after it as there is room for.

    What answers a question often follows the sentence that has its words; where all weigh alike the run is the first.

    Args:
        text: returned as it is where it fits.
        weights: of each sentence, at least 0.
        sentences: of the text, in order.
        most: characters.
    """
    if len(text) <= most or not sentences:
        return text
    best, begin = 0.0, 0
    for first in (number for number, weight in enumerate(weights) if weight):
        length, weight = -1, 0.0
        for last in range(first, len(sentences)):
            length += 1 + len(sentences[last])
            if length > most and last > first:
                break
            weight += weights[last]
            if weight > best:
                best, begin = weight, first
    chosen = sentences[begin]
    for sentence in sentences[begin + 1 :]:
        if len(chosen) + 1 + len(sentence) > most:
            break
        chosen = f"{chosen} {sentence}"
    return chosen


def sentences_of(text: str) -> list[str]:
    """The sentences, or lines, of a text."""
    return [part for each in _ENDS.split(text) if each and (part := each.strip())]


def _tail(text: str, most: int) -> str:
    """The last whole sentences of a text within so many characters; empty where even one is longer."""
    tail = ""
    for sentence in reversed(sentences_of(text)):
        longer = f"{sentence} {tail}" if tail else sentence
        if len(longer) > most:
            break
        tail = longer
    return "" if tail == text else tail


def _pieces(text: str) -> Iterator[str]:
    """Stretches within `LARGEST`, as whole as can be."""
    if len(text) <= LARGEST:
        yield text
        return
    for sentence in sentences_of(text):
        begin = 0
        while len(sentence) - begin > LARGEST:
            blank = sentence.rfind(" ", begin + 1, begin + LARGEST + 1)
            end = blank if blank > 0 else begin + LARGEST
            yield sentence[begin:end].rstrip()
            begin = end
            while sentence[begin].isspace():
                begin += 1
        yield sentence[begin:]
