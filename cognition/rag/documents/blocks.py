"""The structure of a text: paragraphs, lists, code, each under its headings. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Block", "blocks_of", "blocks_of_code", "blocks_of_markdown", "blocks_of_text"]

BETWEEN = " › "
"""Between a heading and those under it."""
HEADING = 80
"""Characters of one heading."""

_ATX = re.compile(r" {0,3}(#{1,6})(\s.*)?$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+|~+|\^+)\s*$")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_DEFINITION = re.compile(
    r"(?:@|#\[|(?:export |default |public |private |protected |static |abstract |final |async |pub(?:\([a-z]+\))? |"
    r"inline |virtual |extern |unsafe )*(?:def|class|function|func|fn|interface|struct|enum|trait|impl|type|module|"
    r"namespace|object|record|protocol|extension|CREATE|create|SELECT|select)\b)"
)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a document that belongs together.

    Attributes:
        text: not empty; line breaks only where they mean something.
        heading: the headings it stands under, from the outermost.
        position: where it begins, for people.
    """

    text: str
    heading: str = ""
    position: str = ""


def blocks_of(kind: Literal["text", "markdown", "code"], text: str) -> Iterator[Block]:
    """What a text of some kind is made of; it takes time as it is long, whatever is in it."""
    match kind:
        case "text":
            return blocks_of_text(text)
        case "markdown":
            return blocks_of_markdown(text)
        case "code":
            return blocks_of_code(text)


def blocks_of_text(text: str) -> Iterator[Block]:
    """Paragraphs: what empty lines part."""
    for number, lines in _paragraphs(text.split("\n"), 1):
        yield Block(" ".join(" ".join(lines).split()), "", f"line {number}")


def blocks_of_markdown(text: str) -> Iterator[Block]:
    """Paragraphs and fenced code under their headings (CommonMark 0.31, sections 4.2, 4.3, 4.5).

    The underlined headings of reStructuredText are read alike. What is not closed goes on to the end.
    """
    headings: list[tuple[int, str]] = []
    underlines = ["=", "-"]
    waiting: list[str] = []
    began = 1
    fence = ""

    def flushed() -> Iterator[Block]:
        under = BETWEEN.join(title for _, title in headings)
        for number, lines in _paragraphs(waiting, began):
            yield Block(" ".join(" ".join(lines).split()), under, f"line {number}")
        waiting.clear()

    for number, line in enumerate(text.split("\n"), 1):
        if fence:
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
                code = "\n".join(waiting).strip("\n")
                waiting.clear()
                if code.strip():
                    yield Block(code, BETWEEN.join(title for _, title in headings), f"line {began}")
            else:
                waiting.append(line)
            continue
        if opened := _FENCE.match(line):
            yield from flushed()
            fence, began = opened[1], number + 1
            continue
        atx = _ATX.match(line)
        # A row of dashes after an empty line is a break, and no underline.
        underline = _UNDERLINE.match(line) if waiting and waiting[-1].strip() else None
        if atx is None and underline is None:
            if not waiting:
                began = number
            waiting.append(line)
            continue
        title = _unclosed(atx[2] or "") if atx is not None else waiting.pop().strip()
        yield from flushed()
        if atx is not None:
            level = len(atx[1])
        else:
            assert underline is not None
            character = underline[1][0]
            if character not in underlines:
                underlines.append(character)
            level = 1 + underlines.index(character)
        while headings and headings[-1][0] >= level:
            headings.pop()
        if title:
            headings.append((level, " ".join(title.split())[:HEADING]))
    if fence:
        code = "\n".join(waiting).strip("\n")
        if code.strip():
            yield Block(code, BETWEEN.join(title for _, title in headings), f"line {began}")
    else:
        yield from flushed()


def blocks_of_code(text: str) -> Iterator[Block]:
    """Definitions and what stands between them, each under its first line."""
    heading = ""
    for number, lines in _parts_of_code(text.split("\n")):
        first = next((line for line in lines if not line.startswith(("@", "#["))), "")
        heading = first.strip().rstrip("{:").strip()[:HEADING] if _DEFINITION.match(first) else heading
        yield Block("\n".join(line.rstrip() for line in lines), heading, f"line {number}")


def _parts_of_code(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """From one line at the margin that follows an empty one, or defines something, to the next."""
    part: list[str] = []
    began = 1
    decorated = False
    for number, line in enumerate(lines, 1):
        at_margin = bool(line) and not line[0].isspace()
        defines = at_margin and _DEFINITION.match(line) is not None
        if part and at_margin and not decorated and (defines or not part[-1].strip()):
            yield from _stripped(part, began)
            part, began = [], number
        decorated = at_margin and line.startswith(("@", "#["))
        part.append(line)
    yield from _stripped(part, began)


def _stripped(lines: list[str], began: int) -> Iterator[tuple[int, list[str]]]:
    written = [number for number, line in enumerate(lines) if line.strip()]
    if written:
        yield began + written[0], lines[written[0] : written[-1] + 1]


def _unclosed(title: str) -> str:
    """A heading without the signs that may close it."""
    words = title.strip()
    rest = words.rstrip("#")
    return rest.rstrip() if not rest or rest[-1].isspace() else words


def _paragraphs(lines: list[str], began: int) -> Iterator[tuple[int, list[str]]]:
    part: list[str] = []
    first = began
    for number, line in enumerate(lines, began):
        if line.strip():
            if not part:
                first = number
            part.append(line)
        elif part:
            yield first, part
            part = []
    if part:
        yield first, part
