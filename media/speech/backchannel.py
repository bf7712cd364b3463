"""Backchannels: what a listener says to show that they listen, without wanting the turn (Yngve 1970)."""

import re

__all__ = ["is_backchannel"]

_SINGLE = frozenset(
    "mhm mm mmm hmm hm uh huh um ah oh yeah yep yup yes ya aha ok okay right sure true exactly totally "
    "indeed wow nice cool good great interesting really gotcha".split()
)
_PHRASES = frozenset(
    {
        "i see",
        "i know",
        "of course",
        "got it",
        "go on",
        "that's right",
        "makes sense",
        "that makes sense",
        "fair enough",
        "no way",
        "uh huh",
        "mm hmm",
        "mm hm",
        "all right",
        "alright",
        "oh i see",
        "you're right",
    }
)
_LONGEST = 4
_LAUGHTER = re.compile(r"(?:h(?:a|e|ee|o)h?[\s,.!-]*){2,}", re.IGNORECASE)


def is_backchannel(text: str) -> bool:
    """Whether the words only acknowledge what somebody else is saying.

    A question ("Really?", "Right?") asks for the turn and is none; nor is anything with more than four words, but
    laughter.
    """
    if _LAUGHTER.fullmatch(text.strip(" .,!")):
        return True
    if text.rstrip().endswith("?"):
        return False
    words = re.findall(r"[a-z']+", text.lower().replace("’", "'"))
    if not words or len(words) > _LONGEST:
        return False
    return " ".join(words) in _PHRASES or all(word in _SINGLE for word in words)
