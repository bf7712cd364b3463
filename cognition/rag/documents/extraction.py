"""A file into passages, in a process of its own: what parsers are given is not to be trusted, and some is long.

`python -m cognition.rag.documents.extraction pdf|html|text|markdown|code` reads the file from standard input and writes
a JSON object, `{"more": whether some is left out}` or `{"refused": reason}`, then a line `[text, heading, position]`
for each passage. Its memory, its processor time and what it may write are limited before a parser is imported.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from cognition.rag.documents.blocks import BETWEEN, HEADING, Block, blocks_of
from cognition.rag.documents.chunking import cut
from cognition.rag.documents.decoding import decode
from cognition.rag.documents.files import FileKind, Refused

MEMORY = 768 << 20
"""Bytes of address space."""
SECONDS = 20
"""Of processor time."""
MOST_TEXT = 4_000_000
"""Characters; what follows is left out."""
MOST_PAGES = 3000

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.I)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d])", re.I
)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer"
    " form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol option p pre section summary table tbody td tfoot th"
    " thead tr ul".split()
)
_UNREAD = frozenset(
    "script style noscript template svg math iframe object embed head select button input textarea".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def limit() -> None:
    """From now on this process has little memory, little time, and writes no file (setrlimit(2))."""
    import os
    import resource

    os.nice(10)
    for what, most, beyond in (
        (resource.RLIMIT_AS, MEMORY, 0),
        # At the first it is told by SIGXCPU, which says why; at the second it is killed.
        (resource.RLIMIT_CPU, SECONDS, 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, 64, 0),
    ):
        _, hard = resource.getrlimit(what)
        hard = most + beyond if hard == resource.RLIM_INFINITY else min(most + beyond, hard)
        resource.setrlimit(what, (min(most, hard), hard))


def pdf(content: bytes) -> dict[str, Any]:
    """The paragraphs of a PDF's pages, as far as its text can be told (ISO 32000-1, section 9.10)."""
    import io
    import logging

    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

    logging.disable(logging.CRITICAL)
    if b"%PDF-" not in content[:1024]:
        return {"refused": "no PDF"}
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            return {"refused": "encrypted"}
        blocks: list[tuple[str, str, str]] = []
        left = MOST_TEXT
        for number, page in enumerate(reader.pages, 1):
            if number > MOST_PAGES or left <= 0:
                break
            text = (page.extract_text() or "")[:left]
            left -= len(text)
            blocks += [(paragraph, "", f"page {number}") for paragraph in _paragraphs(text)]
        title = reader.metadata.title if reader.metadata is not None else None
    except (FileNotDecryptedError, DependencyError):
        return {"refused": "encrypted"}
    except PyPdfError:
        return {"refused": "damaged"}
    return {"title": str(title or "")[:200], "blocks": blocks}


def _paragraphs(text: str) -> list[str]:
    """Lines joined, with words that were parted at a line's end made whole."""
    joined = re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", text)
    return [
        words for part in re.split(r"\n\s*\n", joined) if (words := " ".join(part.replace("\0", "").split()))
    ]


def html(content: bytes) -> dict[str, Any]:
    """The visible text of a page, block by block, each under its headings."""
    from selectolax.lexbor import LexborHTMLParser

    text = _decoded(content)
    if text.count("\0") > len(text) // 50:
        return {"refused": "binary"}
    tree = LexborHTMLParser(text[: 4 * MOST_TEXT])
    if tree.body is None:
        return {"title": "", "blocks": []}
    title = tree.css_first("title")
    headings: list[tuple[int, str]] = []
    blocks: list[tuple[str, str, str]] = []
    # Depth first without recursion: a page may be nested as deep as it is long.
    words: list[str] = []
    left = MOST_TEXT

    def end(level: int | None = None) -> None:
        nonlocal left
        said = " ".join("".join(words).split())
        words.clear()
        if not said or left <= 0:
            return
        if level is not None:
            while headings and headings[-1][0] >= level:
                headings.pop()
            headings.append((level, said[:80]))
            return
        left -= len(said)
        blocks.append((said, " › ".join(name for _, name in headings), ""))

    node = tree.body.child
    stack = [tree.body]
    while stack:
        if node is None:
            closing = stack.pop()
            tag = closing.tag
            if tag in _BLOCKS:
                end(_HEADINGS.get(tag or ""))
            node = closing.next if stack else None
            continue
        tag = node.tag
        if tag == "-text":
            words.append(node.text(deep=True) or "")
            node = node.next
        elif tag is None or tag.startswith(("-", "_", "!")) or tag in _UNREAD or _is_hidden(node.attributes):
            node = node.next
        else:
            if tag in _BLOCKS:
                end()
            elif tag == "br":
                words.append("\n")
            stack.append(node)
            node = node.child
    end()
    return {
        "title": " ".join(title.text().split())[:200] if title is not None else "",
        "blocks": blocks,
    }


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    """What a reader of the page would not see is not what the page says."""
    return (
        "hidden" in attributes
        or (attributes.get("aria-hidden") or "").lower() == "true"
        or _HIDDEN.search(attributes.get("style") or "") is not None
    )


def _decoded(content: bytes) -> str:
    """As browsers do: a mark at the beginning, what the page says, UTF-8, else windows-1252 (WHATWG HTML, 13.2.3)."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    said = _CHARSET.search(content[:2048])
    for encoding in ([said[1].decode("ascii")] if said else []) + ["utf-8"]:
        try:
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
    return content.decode("cp1252", "replace")


def lines_of(kind: FileKind, content: bytes) -> Iterator[object]:
    """What is written of a file.

    Raises:
        Refused: it is not what its name says.
    """
    if kind != "pdf" and kind != "html":
        text = decode(content)
        passages, more = cut(blocks_of(kind, text[:MOST_TEXT]))
        more = more or len(text) > MOST_TEXT
    else:
        found = {"pdf": pdf, "html": html}[kind](content)
        if "refused" in found:
            raise Refused(found["refused"])
        title = " ".join(found["title"].split())[:HEADING]
        passages, more = cut(
            Block(text, BETWEEN.join(filter(None, (title, heading))), position)
            for text, heading, position in found["blocks"]
        )
    yield {"more": more}
    for passage in passages:
        yield [passage.text, passage.heading, passage.position]


def main() -> int:
    """Reads, extracts, writes; a parser that fails on the content is an answer as well."""
    limit()
    content = sys.stdin.buffer.read()
    kind: Any = sys.argv[1]
    lines: list[object]
    try:
        lines = list(lines_of(kind, content))
    except Refused as refused:
        lines = [{"refused": str(refused)}]
    except MemoryError:
        lines = [{"refused": "took too much memory"}]
    except RecursionError:
        lines = [{"refused": "nested too deeply"}]
    except Exception:  # whatever a parser makes of hostile bytes, it is the file that is at fault
        lines = [{"refused": "damaged"}]
    for line in lines:
        # Half a surrogate pair, as some PDF has it, is no text.
        sys.stdout.buffer.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
