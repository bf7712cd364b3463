"""Words of a text, cut to what their forms share: enough to find "moved" by "moving"."""

import re
import unicodedata
from functools import lru_cache

__all__ = ["MAX_WORD", "stem", "words"]

MAX_WORD = 40
"""Characters of a word that count."""

_WORD = re.compile(r"[^\W_]+")
_ENDINGS = ("ingly", "edly", "ness", "ies", "ing", "ed", "es", "ly", "s")
_SHORTEST = 3


@lru_cache(maxsize=1 << 14)
def stem(word: str) -> str:
    """A word without its English ending; coarse, and the same for every form of most words."""
    for ending in _ENDINGS if word.endswith(_ENDINGS) else ():
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word[: -len(ending)]
            break
    if len(word) > _SHORTEST and word[-1] in "ey":
        word = word[:-1]
    return word[:-1] if len(word) > _SHORTEST and word[-1] == word[-2] else word


def words(text: str) -> list[str]:
    """Words in lower case, without accents and apostrophes, in their order."""
    plain = text.casefold().replace("'", "")
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain).replace("’", "")
        plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return [word[:MAX_WORD] for word in _WORD.findall(plain)]
