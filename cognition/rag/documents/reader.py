"""From a file to its passages: read, decoded, cut by its structure."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

from cognition.rag.documents.blocks import (
    BETWEEN,
    HEADING,
    Block,
    blocks_of_code,
    blocks_of_markdown,
    blocks_of_text,
)
from cognition.rag.documents.chunking import chunked
from cognition.rag.documents.decoding import decode
from cognition.rag.documents.extractor import Extractor
from cognition.rag.documents.files import FileKind, Refused, Stamp, kind_of, read
from cognition.store.documents import Passage

__all__ = ["Content", "load", "passages_of"]

MOST_PASSAGES = 5000
"""Of one document; what follows them is left out."""

_BLOCKS = {"text": blocks_of_text, "markdown": blocks_of_markdown, "code": blocks_of_code}


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it was read."""

    kind: FileKind
    content: bytes
    stamp: Stamp
    digest: bytes


async def load(path: Path) -> Content:
    """Reads a file, in a thread.

    Raises:
        Refused: it is of no kind that is read, or cannot be.
    """
    kind = kind_of(path.name)
    if kind is None:
        raise Refused("kind not read")
    content, stamp = await asyncio.to_thread(read, path)
    return Content(kind, content, stamp, sha256(content).digest())


async def passages_of(content: Content, extractor: Extractor) -> tuple[list[Passage], bool]:
    """The passages of a file, and whether there are more than are kept.

    Raises:
        Refused: it is not what its name says, or there are no words in it.
    """
    if content.kind == "pdf" or content.kind == "html":
        extracted = await extractor.extract(content.kind, content.content)
        title = " ".join(extracted.title.split())[:HEADING]
        blocks = [
            Block(block.text, BETWEEN.join(filter(None, (title, block.heading))), block.position)
            for block in extracted.blocks
        ]
        passages = await asyncio.to_thread(_cut, blocks)
    else:
        passages = await asyncio.to_thread(_parsed, content)
    if not passages:
        raise Refused("no words in it")
    return passages[:MOST_PASSAGES], len(passages) > MOST_PASSAGES


def _parsed(content: Content) -> list[Passage]:
    return _cut(_BLOCKS[content.kind](decode(content.content)))


def _cut(blocks: Iterable[Block]) -> list[Passage]:
    found = (chunk.passage for chunk in chunked(blocks) if any(map(str.isalnum, chunk.passage.text)))
    return list(islice(found, MOST_PASSAGES + 1))
