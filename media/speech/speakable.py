"""Text made fit for a voice: without markup, pictographs and what a synthesiser takes for commands."""

import re
import unicodedata
from collections.abc import Iterator

__all__ = ["pieces", "speakable"]

_LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*\)")  # no bracket within: many open ones are read once
_URL = re.compile(r"https?://\S+")
_MARKUP = re.compile(r"[*_#`~|<>\[\]{}\\^=]+")
_LONGEST = 300


def speakable(text: str) -> str:
    """The text as it is to be read out; empty when nothing in it can be pronounced."""
    text = _URL.sub("a link", _LINK.sub(r"\1", unicodedata.normalize("NFC", text)))
    text = _MARKUP.sub(" ", text)
    kept = "".join(
        " " if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Cn", "So", "Sk") else character
        for character in text
    )
    kept = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(kept.split()))
    return kept if any(character.isalnum() for character in kept) else ""


def pieces(text: str, longest: int = _LONGEST) -> Iterator[str]:
    """Cuts a text that is too long for one run of a synthesiser, at sentence ends, commas or spaces."""
    while len(text) > longest:
        window = text[:longest]
        ends = (window.rfind(mark) + 1 for mark in (". ", "? ", "! ", "; ", ", ", " "))
        cut = next((end for end in ends if end > longest // 3), longest)
        yield text[:cut].strip()
        text = text[cut:].strip()
    if text:
        yield text
