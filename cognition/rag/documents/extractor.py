"""The seam to what reads PDF and HTML; the real one gives each file to a process of its own, with limits."""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from cognition.rag.documents.blocks import Block
from cognition.rag.documents.files import Refused

__all__ = ["ChildExtractor", "Extracted", "Extractor", "FakeExtractor"]

SECONDS = 40.0
"""A file may take, all in all."""
MOST_OUTPUT = 64 << 20
"""Bytes that are read of what a child writes."""

_MODULE = "cognition.rag.documents.extraction"
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a file says: its own title, perhaps empty, and its blocks."""

    title: str
    blocks: tuple[Block, ...]


class Extractor(Protocol):
    """Reads files whose parsers are large and were often broken."""

    async def extract(self, kind: Literal["pdf", "html"], content: bytes) -> Extracted:
        """What a file says.

        Raises:
            Refused: it is none, is damaged or encrypted, or took too long or too much memory.
        """
        ...


class ChildExtractor:
    """Starts a process for each file; whatever it does to its parser ends with that process.

    Args:
        seconds: until it is killed.
        command: what is started, with the kind as its last argument.
    """

    def __init__(self, seconds: float = SECONDS, command: Sequence[str] = ()) -> None:
        self._seconds = seconds
        self._command = tuple(command) or (sys.executable, "-P", "-m", _MODULE)

    async def extract(self, kind: Literal["pdf", "html"], content: bytes) -> Extracted:
        """See `Extractor`; cancelled, it leaves no process behind."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            kind,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._seconds), asyncio.TaskGroup() as group:
                group.create_task(_feed(process, content))
                reading = group.create_task(_read(process))
            async with asyncio.timeout(self._seconds):
                status = await process.wait()
        except TimeoutError as error:
            raise Refused("took too long") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if len(reading.result()) > MOST_OUTPUT:
            raise Refused("too large")
        if status in (-signal.SIGXCPU, -signal.SIGKILL):
            raise Refused("took too long")
        if status != 0:
            raise Refused("parser failed")
        return _checked(reading.result())


async def _feed(process: asyncio.subprocess.Process, content: bytes) -> None:
    assert process.stdin is not None
    # One that ends before it has read all tells why by its status.
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(content)
        await process.stdin.drain()
    process.stdin.close()
    with suppress(BrokenPipeError, ConnectionResetError):
        await process.stdin.wait_closed()


async def _read(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    output = bytearray()
    while piece := await process.stdout.read(_PIECE):
        output += piece
        if len(output) > MOST_OUTPUT:
            process.kill()
            break
    return bytes(output)


def _checked(output: bytes) -> Extracted:
    """A process that a file may have taken over says what it likes: it is read as one reads a stranger.

    Raises:
        Refused: what it gave as its reason, or "parser failed".
    """
    try:
        said: Any = json.loads(output)
        refused = said.get("refused")
        if refused is not None:
            raise Refused(str(refused)[:40])
        blocks = [
            Block(text, heading, position)
            for text, heading, position in said["blocks"]
            if isinstance(text, str) and isinstance(heading, str) and isinstance(position, str) and text
        ]
        return Extracted(str(said["title"]), tuple(blocks))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused("parser failed") from error


class FakeExtractor:
    """Takes a file for one paragraph a line; what begins with "refuse " is refused for the rest of that line."""

    async def extract(self, kind: Literal["pdf", "html"], content: bytes) -> Extracted:
        """See `Extractor`."""
        text = content.decode("utf-8", "replace")
        if text.startswith("refuse "):
            raise Refused(text.removeprefix("refuse ").strip())
        return Extracted("", tuple(Block(line, "", "page 1") for line in text.splitlines() if line.strip()))
