"""From a file to its passages: read, decoded, cut by its structure."""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from cognition.rag.documents.blocks import blocks_of
from cognition.rag.documents.chunking import cut
from cognition.rag.documents.decoding import decode
from cognition.rag.documents.extractor import Extractor
from cognition.rag.documents.files import FileKind, Refused, Stamp, kind_of, read
from cognition.store.documents import Passage

__all__ = ["Content", "load", "passages_of"]

SMALL = 1 << 14
"""Bytes of text that are cut here: that takes some milliseconds, and a process some hundred to start."""


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
    return await asyncio.to_thread(_loaded, kind, path)


def _loaded(kind: FileKind, path: Path) -> Content:
    content, stamp = read(path)
    return Content(kind, content, stamp, sha256(content).digest())


async def passages_of(content: Content, extractor: Extractor) -> tuple[list[Passage], bool]:
    """The passages of a file, and whether there are more than are kept.

    Raises:
        Refused: it is not what its name says, or there are no words in it.
    """
    if content.kind == "pdf" or content.kind == "html" or len(content.content) > SMALL:
        extracted = await extractor.extract(content.kind, content.content)
        passages, more = extracted.passages, extracted.more
    else:
        passages, more = await asyncio.to_thread(_parsed, content.kind, content.content)
    if not passages:
        raise Refused("no words in it")
    return passages, more


def _parsed(kind: Literal["text", "markdown", "code"], content: bytes) -> tuple[list[Passage], bool]:
    return cut(blocks_of(kind, decode(content)))
