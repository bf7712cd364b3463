"""Where each word of a text ends in its phonemes: a phonemiser runs words together, splits numbers, drops marks."""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from itertools import accumulate

__all__ = ["word_ends"]

_UNSOUNDED = frozenset(" ˈˌ.,;:!?-—–…\"'()[]«»“”¡¿")


def word_ends(
    words: Sequence[str], phonemes: Sequence[str], pronounce: Callable[[str], Sequence[str]]
) -> list[int]:
    """Finds the words of a text in its phonemes.

    Where as many groups of phonemes are parted by spaces as there are words, each is one word. Else every word is
    pronounced by itself, and what is then heard in a row is matched with the phonemes.

    Args:
        words: of the text, in order.
        phonemes: of the whole text, one symbol each, `" "` between words.
        pronounce: phonemes of one word.

    Returns:
        For each word one past its last phoneme, not decreasing; the last is the length of `phonemes`.
    """
    if not words:
        return []
    groups = _groups(phonemes)
    if len(groups) == len(words):
        return [*groups[:-1], len(phonemes)]
    heard = [index for index, symbol in enumerate(phonemes) if symbol not in _UNSOUNDED]
    alone = [[symbol for symbol in pronounce(word) if symbol not in _UNSOUNDED] for word in words]
    bounds = list(accumulate(map(len, alone)))
    sounded = [symbol for word in alone for symbol in word]
    places = _places(sounded, [phonemes[index] for index in heard])
    ends = [heard[places[bound] - 1] + 1 if places[bound] else 0 for bound in bounds]
    return [*accumulate(ends[:-1], max), len(phonemes)]


def _groups(phonemes: Sequence[str]) -> list[int]:
    """Ends of the stretches between spaces in which anything sounds."""
    ends: list[int] = []
    sounds = False
    for index, symbol in enumerate(phonemes):
        if symbol == " ":
            if sounds:
                ends.append(index)
            sounds = False
        else:
            sounds = sounds or symbol not in _UNSOUNDED
    return [*ends, len(phonemes)] if sounds else ends


def _places(ours: Sequence[str], theirs: Sequence[str]) -> list[int]:
    """For each boundary of `ours`, 0 to its length, the one of `theirs`; between matches in proportion."""
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    places = [0] * (len(ours) + 1)
    at, there = 0, 0
    for block in blocks:
        gap = block.a - at
        for step in range(1, gap + 1):
            places[at + step] = there + round((block.b - there) * step / gap)
        for step in range(block.size + 1):
            places[block.a + step] = block.b + step
        at, there = block.a + block.size, block.b + block.size
    return places
