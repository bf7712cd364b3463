"""Names as they are called out and as a transcriber may spell them. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import add
from typing import Self

__all__ = ["Wording", "addressed", "mentions", "name_words", "nearly_like", "sounds_like", "words_of"]

MATCHED = 300
"""Characters at each end of a longer text that are looked at: who wants to be heard says so there."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_PUNCTUATION = re.compile(r"[,;:.!?—–]+")
_GREETINGS = frozenset(
    "hey hi hello ok okay so well and but yo oh um thanks thank please no yes yeah sorry".split()
)
_ASKS = frozenset(
    """do did does what how can could are have where why when would will is you please your tell who which should
    let's give say remember explain ask pass check hand get show describe introduce help bring summarise
    summarize""".split()
)
_HOMOGRAPHS = frozenset(
    "art bill chase drew faith grace hope jack mark may pat rob rose sky sue will".split()
)
_SPELLINGS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
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
)
_LEAST_CALLED = 5
"""Letters of a name below which too many words are nearly like it."""
_LONGEST_ONSET = 4
"""Letters that decide a word's first sound."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A text taken apart once, for every name and request that is looked for in it.

    Attributes:
        words: as `words_of` gives them; of a long text those of its two ends.
        by_onset: words and pairs of neighbouring words, written as one, by their first sound.
        calls: what stands between punctuation, greeting words before it left out.
        first: the words up to the first punctuation.
        last: the words after the last punctuation with any.
        stretches: the words between punctuation, in order.
    """

    words: tuple[str, ...]
    by_onset: Mapping[str, frozenset[str]]
    calls: frozenset[tuple[str, ...]]
    first: tuple[str, ...]
    last: tuple[str, ...]
    stretches: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Takes a text apart."""
        parts = [tuple(_words(part)) for part in _PUNCTUATION.split(_flat(_ends(text)))]
        stretches = [part for part in parts if part]
        words = tuple(word for stretch in stretches for word in stretch)
        by_onset: dict[str, set[str]] = {}
        for form in {*words, *map(add, words, words[1:])}:
            by_onset.setdefault(_onset(form[:_LONGEST_ONSET]), set()).add(form)
        return cls(
            words,
            {onset: frozenset(forms) for onset, forms in by_onset.items()},
            frozenset(_without(stretch, _GREETINGS) for stretch in stretches),
            stretches[0] if stretches else (),
            stretches[-1] if stretches else (),
            tuple(stretches),
        )


def words_of(text: str) -> list[str]:
    """Lower-case words without accents and possessive endings."""
    return _words(_flat(text))


@lru_cache(maxsize=8192)
def sounds_like(heard: str, name: str) -> bool:
    """Whether `heard` may be a misspelling of `name`: both single lower-case words.

    The same number of syllables, the same first sound, and an edit distance of one (two from seven letters on), as
    written or, where the consonants are the same, as spelt in one way. Names of up to three letters must be equal.
    """
    if heard == name or _without_h(heard, name):
        return True
    within = 2 if len(name) >= 7 else 1
    if (
        min(len(heard), len(name)) < 4
        or abs(len(heard) - len(name)) > max(within, (len(name) + 1) // 2)
        or _onset(heard[:_LONGEST_ONSET]) != _onset(name[:_LONGEST_ONSET])
        or _syllables(heard) != _syllables(name)
    ):
        return False
    if _edits(heard, name) <= within:
        return True
    return _consonants(heard) == _consonants(name) and _edits(_spelled(heard), _spelled(name)) <= within


@lru_cache(maxsize=8192)
def nearly_like(heard: str, name: str) -> bool:
    """Whether `heard` may be `name` where a name is called: "Peter" for "Petra". Both single lower-case words.

    As `sounds_like`, with two edits: the same consonants in the same order, five letters at least.
    """
    return sounds_like(heard, name) or (
        min(len(heard), len(name)) >= _LEAST_CALLED
        and _consonants(heard) == _consonants(name)
        and _syllables(heard) == _syllables(name)
        and _edits(heard, name) <= 2
    )


def mentions(said: Wording, name: str, *, others: Iterable[str] = ()) -> bool:
    """Whether a name occurs, perhaps misspelt or in two pieces; a word that is exactly one of `others` is not it."""
    called = name_words(name)
    target = "".join(called)
    found = {called[0]} if len(called) > 1 and len(called[0]) > 2 and called[0] in said.words else set()
    found |= {word for word in said.by_onset.get("a", ()) if _without_h(word, target)}
    found |= {
        form
        for form in said.by_onset.get(_onset(target[:_LONGEST_ONSET]), ())
        if sounds_like(form, target) and (form in said.words or _consonants(form) == _consonants(target))
    }
    if not found:
        return False
    # Most lines name nobody, and the names of all the others need not be looked at.
    taken = {word for other in others for word in name_words(other)} - {target}
    return not found <= taken


def addressed(said: Wording, name: str) -> bool:
    """Whether somebody of this name is spoken to: the name opens or closes what is said."""
    called = name_words(name)
    if not called:
        return False
    forms = (called, called[:1])
    # Set off by punctuation: "Ada, could you …", "… don't you think, Ada?", "Hey Ada!"
    if any(form in said.calls for form in forms):
        return True
    opening = _without(said.first, _GREETINGS)
    for form in forms:
        rest = opening[len(form) :]
        if opening[: len(form)] != form or not rest or form[0] in _HOMOGRAPHS:
            continue
        if rest[0] in _ASKS or len(opening) < len(said.first):
            return rest[0] not in {"is", "was", "will", "does", "did"} or rest[1:2] == ("you",)
    closing = said.last
    return any(
        len(closing) > len(form)
        and closing[-len(form) :] == form
        and "you" in closing
        and form[0] not in _HOMOGRAPHS
        for form in forms
    )


def _without_h(heard: str, name: str) -> bool:
    """Whether only an H was swallowed: "Ugo" for "Hugo"."""
    return len(name) >= 4 and name[0] == "h" and name[1] in "aeiou" and heard == name[1:]


def _ends(text: str) -> str:
    """A long text without its middle, cut between words."""
    if len(text) <= 2 * MATCHED:
        return text
    head, tail = text[:MATCHED].rpartition(" "), text[-MATCHED:].partition(" ")
    return f"{head[0] or head[2]} — {tail[2] or tail[0]}"


def _flat(text: str) -> str:
    """Lower case, plain apostrophes, no accents."""
    flat = text.casefold()
    if flat.isascii():
        return flat
    flat = unicodedata.normalize("NFKD", flat.replace("’", "'"))
    return "".join(character for character in flat if not unicodedata.combining(character))


def _words(flat: str) -> list[str]:
    return [word.removesuffix("'s").strip("'") for word in _WORD.findall(flat)]


@lru_cache(maxsize=1024)
def name_words(name: str) -> tuple[str, ...]:
    """The words of a name, as `words_of` gives them."""
    return tuple(words_of(name))


def _without(words: tuple[str, ...], openers: frozenset[str]) -> tuple[str, ...]:
    start = 0
    while start < len(words) - 1 and words[start] in openers:
        start += 1
    return words[start:]


@lru_cache(maxsize=4096)
def _onset(letters: str) -> str:
    """The first sound of a word that begins with these letters."""
    return _consonants(letters)[:1]


@lru_cache(maxsize=1024)
def _spelled(word: str) -> str:
    """A word with one spelling for each of its consonants."""
    for pattern, sound in _SPELLINGS:
        word = pattern.sub(sound, word)
    return word


@lru_cache(maxsize=1024)
def _consonants(word: str) -> str:
    word = _spelled(word)
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
