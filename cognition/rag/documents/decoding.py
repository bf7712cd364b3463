"""Bytes of a file into text, or why they are none. Pure."""

import codecs
import re

from cognition.rag.documents.files import Refused

__all__ = ["decode"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before that of UTF-16, which begins alike.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_NOT_TEXT = 0.02
"""Share of control characters beyond which something is no text."""
_LOOKED_AT = 1 << 16


def decode(content: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 or UTF-32 that says so at its beginning; line breaks are made alike.

    Raises:
        Refused: "binary" or "encoding unknown"; a guess would be read aloud.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content.removeprefix(mark) if encoding == "utf-8" else content, encoding)
    head = content[:_LOOKED_AT]
    if b"\0" in head or len(_CONTROLS.findall(head)) > _NOT_TEXT * len(head):
        raise Refused("binary")
    return _decoded(content, "utf-8")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused("encoding unknown") from error
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
