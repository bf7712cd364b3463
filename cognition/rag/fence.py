"""Text of others made harmless: one line in quotation marks that it cannot leave, without a chat's layout. Pure.

A language model reads one stream of characters, and what was recalled, written in a file or shown on a screen may have
been written to be taken for instructions (Greshake et al. 2023, "Not what you've signed up for: Compromising
Real-World LLM-Integrated Applications with Indirect Prompt Injection", arXiv:2302.12173). What composition can do is
done here: such text keeps to its place, cannot look like a turn of the chat or a line of the transcript, and is named
as what it is (marking data by where it comes from: Hines et al. 2024, "Defending Against Indirect Prompt Injection
Attacks With Spotlighting", arXiv:2403.14720).
"""

import re
import unicodedata

__all__ = ["harmless", "quoted", "titled"]

TITLE = 60
"""Characters of a name or title."""

_CHANGED = dict.fromkeys(map(ord, '"“”„‟«»❝❞〝〞〟＂‶″˝'), "'") | {ord("<"): "‹", ord(">"): "›"}
_ROLE = re.compile(
    r"\b(system|assistant|user|human|developer|tool|function|model|instruction|response|input|output)\s*:+",
    re.I,
)
_LABEL = re.compile(r"(?<=\w)\s*:+(?=\s|$)")
_BRACKETED = re.compile(r"\[\s*(/?\s*[A-Z][A-Z_ ]{2,})\]")
_RUNS = re.compile(r"#{2,}|`{2,}|={3,}|-{3,}|\*{2,}|~{3,}")
_SUSPECT = re.compile(r"[:\[#`=*~]|---")
"""Without one of these none of the patterns above is there."""


def harmless(text: str) -> str:
    """One printable line that holds no quotation mark, no control token of a chat template and no speaker's label.

    Compatibility characters are taken for what they stand for, so that a full-width `<|im_start|>` is none either;
    invisible ones go. `harmless` of what it returns is the same again.
    """
    words = unicodedata.normalize("NFKC", text)
    if not words.isprintable():
        # Removing what is invisible may bring characters together that compose.
        words = unicodedata.normalize("NFKC", "".join(map(_visible, words)))
    words = words.translate(_CHANGED)
    if _SUSPECT.search(words):
        words = _BRACKETED.sub(r"(\1)", words)
        words = _RUNS.sub(" ", words)
        words = _ROLE.sub(r"\1 -", words)
        words = _LABEL.sub(" -", words)
    return " ".join(words.split())


def quoted(text: str) -> str:
    """Between quotation marks that nothing in it can close; empty for what has nothing to show."""
    inside = harmless(text)
    return f'"{inside}"' if inside else ""


def titled(title: str) -> str:
    """A name or title that others chose, to stand outside of quotation marks; perhaps empty."""
    inside = harmless(title).replace("'", "’")
    return inside if len(inside) <= TITLE else f"{inside[: TITLE - 1].rstrip()}…"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cf", "Cn", "Co", "Cs"):
        return ""
    return " " if category[0] in "ZC" else character
