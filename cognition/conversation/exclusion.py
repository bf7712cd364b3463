"""Who a line leaves out ("everyone but Nova", "not you, Felix"), and the line without them. Pure."""

import re
from collections.abc import Collection

from cognition.conversation.names import name_words, sounds_like, words_of

__all__ = ["names_at", "without_excluded"]

_EXCLUDING = re.compile(
    r"""
    (?P<only>\b(?:no[ ]one|nobody|none[ ]of[ ]you|nothing)[ ](?:else[ ])?)?
    (?:
      \b(?:except(?:[ ]for)?|excepting|excluding|(?:apart|aside)[ ]from|other[ ]than)
      |(?P<group>\b(?:every|any|some)(?:one|body)|\b(?:all|each|any|both)[ ]of[ ]you|\by'all|\b(?:you[ ])?all
        |\byou[ ](?:guys|folks|lot)|\ball[ ]three[ ]of[ ]you)(?:[ ]here)?,?[ ](?:but|besides|minus|save|not)(?:[ ]for)?
      |(?P<why>\b(?:why|or|if)[ ])?\bnot
    )
    (?:[ ]you,?)?[ ]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_AND = re.compile(r"\s*(?:,\s*)?\b(?:and|or|nor)\s+(?:not\s+)?", re.IGNORECASE)


def without_excluded(text: str, names: Collection[str]) -> tuple[str, frozenset[str]]:
    """The text without those parts that leave somebody out, and whom they leave out.

    Args:
        text: a line.
        names: of those who might be meant.

    Returns:
        "Everyone, what do you think?" and {"Nova"} for "Everyone but Nova, what do you think?"; where nobody is left
        out, the text itself.
    """
    excluded: set[str] = set()
    kept: list[str] = []
    done = 0
    for match in _EXCLUDING.finditer(text):
        if match["only"] or match["why"] or match.start() < done:
            continue
        end, row = names_at(text, match.end(), names)
        if row:
            excluded.update(row)
            kept += [text[done : match.start()], match["group"] or ""]
            done = end
    return ("".join([*kept, text[done:]]) if excluded else text), frozenset(excluded)


def names_at(text: str, start: int, names: Collection[str]) -> tuple[int, list[str]]:
    """The end of the names joined by "and" that begin at a place, and these names."""
    row: list[str] = []
    end = start
    while (found := _name_at(text, start, names)) is not None:
        end, name = found
        row.append(name)
        joined = _AND.match(text, end)
        if joined is None:
            break
        start = joined.end()
    return end, row


def _name_at(text: str, start: int, names: Collection[str]) -> tuple[int, str] | None:
    words = [word for _, word in zip(range(4), _WORD.finditer(text, start), strict=False)]
    if not words or words[0].start() != start:
        return None
    for name in names:
        parts = name_words(name)
        for form in (parts, parts[:1]):
            heard = [said for word in words[: len(form)] for said in words_of(word[0])]
            # "not Nova's idea" is about what is hers.
            if form and len(heard) == len(form) and all(map(sounds_like, heard, form)):
                last = words[len(form) - 1]
                return None if last[0].casefold().endswith(("'s", "’s")) else (last.end(), name)
    return None
