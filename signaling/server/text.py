"""What may stand in a name and in a written line: plain text that does not change how other text is shown."""

import re
import unicodedata
from datetime import UTC, datetime

__all__ = ["clean_line", "clean_name", "timestamp"]

# Bidirectional marks, embeddings, overrides and isolates: in a name they would reorder the text beside it.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean_line(text: str) -> str:
    """Removes control characters (line feeds and tabs stay), lone surrogates, and space at both ends."""
    kept = (
        character
        for character in text.replace("\r\n", "\n")
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
    )
    return "".join(kept).strip()


def clean_name(text: str) -> str:
    """As `clean_line`, on one line, runs of space made one, without bidirectional controls."""
    return " ".join(_BIDI.sub("", clean_line(unicodedata.normalize("NFC", text))).split())


def timestamp() -> str:
    """The present, UTC, RFC 3339 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
