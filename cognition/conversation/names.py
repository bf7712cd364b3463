"""Names as they are called out and as a transcriber may spell them. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

__all__ = ["addressed", "mentions", "sounds_like", "words_of"]

_GREETINGS = frozenset(
    "hey hi hello ok okay so well and but yo oh um thanks thank please no yes yeah sorry".split()
)
_ASKS = frozenset(
    """do did does what how can could are have where why when would will is you please your tell who which should
    let's give say remember explain""".split()
)
_HOMOGRAPHS = frozenset(
    "art bill chase drew faith grace hope jack mark may pat rob rose sky sue will".split()
)
_SPELLINGS = (
    (r"ph", "f"),
    (r"gh", ""),
    (r"ck", "k"),
    (r"sch|sh|ch", "x"),
    (r"c(?=[eiy])", "s"),
    (r"[cqg]", "k"),
    (r"x", "ks"),
    (r"z", "s"),
    (r"^kn", "n"),
    (r"^wr", "r"),
    (r"wh", "w"),
    (r"v", "f"),
    (r"d\b", "t"),
)


def words_of(text: str) -> list[str]:
    """Lower-case words without accents and possessive endings."""
    flat = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    flat = "".join(character for character in flat if not unicodedata.combining(character))
    return [word.removesuffix("'s").strip("'") for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*", flat)]


def sounds_like(heard: str, name: str) -> bool:
    """Whether `heard` may be a misspelling of `name`: both single lower-case words.

    The same number of syllables, the same first sound, and either the same consonants or an edit distance of one
    (two from seven letters on). Names of up to three letters must be equal.
    """
    if heard == name:
        return True
    if min(len(heard), len(name)) < 4 or _syllables(heard) != _syllables(name):
        return False
    one, other = _consonants(heard), _consonants(name)
    if one[:1] != other[:1]:
        return False
    distance = _edits(heard, name)
    return distance <= (2 if len(name) >= 7 else 1) or (one == other and 2 * distance <= len(name) + 1)


def mentions(text: str, name: str, *, others: Iterable[str] = ()) -> bool:
    """Whether a name occurs, perhaps misspelt or in two pieces; a word that is exactly one of `others` is not it."""
    words = words_of(text)
    target = "".join(words_of(name))
    taken = {word for other in others for word in words_of(other)}
    singles = [word for word in words if word == target or word not in taken]
    pairs = [left + right for left, right in pairwise(words)]
    first = words_of(name)[:1]
    return (
        any(sounds_like(word, target) for word in singles)
        or target in pairs
        or any(_consonants(pair) == _consonants(target) and sounds_like(pair, target) for pair in pairs)
        or (len(words_of(name)) > 1 and len(first[0]) > 2 and first[0] in singles)
    )


def addressed(text: str, name: str) -> bool:
    """Whether somebody of this name is spoken to: the name opens or closes what is said."""
    called = words_of(name)
    if not called:
        return False
    forms = [called, called[:1]]
    stretches = [words_of(part) for part in re.split(r"[,;:.!?—–]+", text)]
    stretches = [stretch for stretch in stretches if stretch]
    if not stretches:
        return False
    # Set off by punctuation: "Ada, could you …", "… don't you think, Ada?", "Hey Ada!"
    for stretch in stretches:
        if _without(stretch, _GREETINGS) in forms:
            return True
    opening = _without(stretches[0], _GREETINGS)
    for form in forms:
        rest = opening[len(form) :]
        if opening[: len(form)] != form or not rest or form[0] in _HOMOGRAPHS:
            continue
        if rest[0] in _ASKS or len(opening) < len(stretches[0]):
            return rest[0] not in {"is", "was", "will", "does", "did"} or rest[1:2] == ["you"]
    closing = stretches[-1]
    return any(
        len(closing) > len(form)
        and closing[-len(form) :] == form
        and "you" in closing
        and form[0] not in _HOMOGRAPHS
        for form in forms
    )


def _without(words: Sequence[str], openers: frozenset[str]) -> list[str]:
    start = 0
    while start < len(words) - 1 and words[start] in openers:
        start += 1
    return list(words[start:])


def _consonants(word: str) -> str:
    for pattern, sound in _SPELLINGS:
        word = re.sub(pattern, sound, word)
    first = "a" if word[:1] in "aeiouy" else word[:1]
    rest = re.sub(r"[aeiouyhw]", "", word[1:])
    return re.sub(r"(.)\1+", r"\1", first + rest)


def _syllables(word: str) -> int:
    return len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouy])e$", "", word)))


def _edits(left: str, right: str) -> int:
    """Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours."""
    rows = [list(range(len(right) + 1))]
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
