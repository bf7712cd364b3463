"""The seam to what reads what is long or not to be trusted; the real one gives each file to a limited process."""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from cognition.rag.documents.blocks import Block
from cognition.rag.documents.chunking import LARGEST, MOST_PASSAGES, cut
from cognition.rag.documents.files import FileKind, PutOff, Refused
from cognition.store.documents import Passage

__all__ = ["ChildExtractor", "Extracted", "Extractor", "FakeExtractor"]

SECONDS = 40.0
"""A file may take, all in all, before it is put off."""
MOST_OUTPUT = 32 << 20
"""Bytes that are read of what a child writes."""
LONGEST_HEADING = 2000
"""Characters of a passage's headings together."""

_MODULE = "cognition.rag.documents.extraction"
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a file says, perhaps nothing, and whether it says more than is kept."""

    passages: list[Passage]
    more: bool


class Extractor(Protocol):
    """Reads files, some by parsers that are large and were often broken."""

    async def extract(self, kind: FileKind, content: bytes) -> Extracted:
        """What a file says.

        Raises:
            Refused: it is none, is damaged or encrypted, or took too much time or memory.
            PutOff: there was no time for it, or no process.
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

    async def extract(self, kind: FileKind, content: bytes) -> Extracted:
        """See `Extractor`; cancelled, it leaves no process behind."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                kind,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise PutOff("no process for it") from error
        try:
            async with asyncio.timeout(self._seconds), asyncio.TaskGroup() as group:
                group.create_task(_feed(process, content))
                reading = group.create_task(_read(process))
            async with asyncio.timeout(self._seconds):
                status = await process.wait()
        except TimeoutError as error:
            # It stands back for all others, so that this may say more of them than of the file.
            raise PutOff("took too long") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if len(reading.result()) > MOST_OUTPUT:
            raise Refused("too large")
        if status == -signal.SIGXCPU:
            raise Refused("took too much time")
        if status == -signal.SIGKILL:
            # Most likely the system, for want of memory.
            raise PutOff("was killed")
        if status != 0:
            raise Refused("parser failed")
        # In a thread: parsed on the loop, much of it would keep others waiting.
        return await asyncio.to_thread(_checked, reading.result())


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
    first, *lines = islice(output.splitlines(), MOST_PASSAGES + 1) if output else [b""]
    try:
        said: Any = json.loads(first)
        refused = said.get("refused")
        if refused is not None:
            raise Refused(str(refused)[:40])
        passages = [_passage(json.loads(line)) for line in lines]
        return Extracted(passages, bool(said["more"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused("parser failed") from error


def _passage(said: Any) -> Passage:
    text, heading, position = said
    for words, most in ((text, LARGEST), (heading, LONGEST_HEADING), (position, LONGEST_HEADING)):
        if not isinstance(words, str) or len(words) > most:
            raise ValueError
        # Half a surrogate pair can be kept nowhere; UnicodeEncodeError is a ValueError.
        words.encode()
    if not text:
        raise ValueError
    return Passage(text, heading, position)


class FakeExtractor:
    """Takes a file for one paragraph a line; what begins with "refuse " is refused for the rest of that line."""

    async def extract(self, kind: FileKind, content: bytes) -> Extracted:
        """See `Extractor`."""
        text = content.decode("utf-8", "replace")
        if text.startswith("refuse "):
            raise Refused(text.removeprefix("refuse ").strip())
        return Extracted(*cut(Block(line, "", "page 1") for line in text.splitlines() if line.strip()))
