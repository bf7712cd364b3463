"""Which words go when something is forgotten: somebody's own, those that repeat them, and those about them. Pure."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from cognition.memory.spoken import content_words
from cognition.store.erasure import Said, Traces
from cognition.store.memories import Memory

__all__ = [
    "ECHO",
    "called_one_of",
    "echo_words",
    "goes",
    "is_about",
    "is_cut",
    "names_one_of",
    "sentences_about",
    "without",
    "words_in",
    "words_left",
]

ECHO = 5
"""Letters of a word that may be known again as somebody's own."""
_ALSO_WORDS = frozenset(
    """amber angel april art august autumn bank bay bill bishop blue bob brook carol cash chance charity chase chip
    chuck clay cliff cook cooper coral crystal dale dawn dean dee dick don drew duke earnest eve fable faith
    fern flora forest frank gale gene ginger glen grace grant grey guy harmony hazel heath heather holly honey
    hope hunter iris ivy jack jasmine jay jet jewel joy june junior kay king lance lane laurel lily link love
    lucky mark marshall mason max may mercy miles minister misty nick nova olive page patience pat pearl penny
    pepper petal pierce poppy prudence rain ray red reed rich river rob robin rocky rose ruby rusty sage sandy
    scarlet scout serenity shelly sky skip sonny star storm stormy sue summer sunny temple tiger trinity tucker
    victor violet wade ward warren will willow win winter wood wren""".split()
)
"""Names that are English words, or short for some."""
_RETOLD = frozenset({"turn", "episode"})

_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_WORD = re.compile(r"[^\W_]+")


def names_one_of(words: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text holds one of some words or names, as a word of its own and however it is written."""
    known = sorted({word.casefold() for word in words if word.strip()}, key=len, reverse=True)
    if not known:
        return lambda _text: False
    pattern = re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, known))})(?![^\W_])")
    return lambda text: pattern.search(text.casefold()) is not None


def called_one_of(names: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text names somebody, however the name is written.

    Many names are words ("Will", "Rose"): of those the capital is needed, in a text that has any; as those that say
    nothing by themselves they have one at the start of a sentence as well, where they are not taken for the name.
    """
    known = sorted({" ".join(name.split()) for name in names if name.strip()}, key=len, reverse=True)
    if not known:
        return lambda _text: False
    words = [name for name in known if name.casefold() in _ALSO_WORDS or not content_words(name)]
    anyhow = names_one_of(name for name in known if name not in words)
    if not words:
        return anyhow
    patterns = []
    for name in words:
        inside = "" if content_words(name) else r"(?<=[\w,;:]\s)"
        patterns.append(rf"{inside}(?<![^\W_]){re.escape(name)}(?![^\W_])")
    written = re.compile("|".join(patterns))
    flat = names_one_of(name for name in words if content_words(name))
    return lambda text: (
        anyhow(text) or written.search(text) is not None or (text == text.lower() and flat(text))
    )


def echo_words(traces: Traces) -> frozenset[str]:
    """Words of some length that only this person used where they were: who says them repeats what they said."""
    own = {word for said in traces.events if said.own for word in content_words(said.text)}
    others = {word for text in traces.others for word in words_in(text)}
    return frozenset(word for word in own if len(word) >= traces.echo and word not in others)


def words_left(
    said: Said, met: Collection[str], mentions: Callable[[str], bool], echoes: Callable[[str], bool]
) -> str | None:
    """What is left of an event's words once a person is forgotten; None where all of them are.

    Args:
        said: the event.
        met: identities of those who were somewhere together with them.
        mentions: whether a text names them.
        echoes: whether it holds words that only they used.
    """
    if said.own or said.answer or (said.persona and echoes(said.text)):
        return ""
    if said.author in met and mentions(said.text):
        return " ".join(one for one in _SENTENCE.split(said.text) if not mentions(one))
    return None


def without(text: str, quote: str) -> str:
    """A text without some words of it: without the sentences that hold them, or share most of them."""
    wanted = set(words_in(quote))
    if not wanted:
        return ""
    kept = []
    for sentence in _SENTENCE.split(text):
        there = set(words_in(sentence))
        if not (wanted <= there or (there and len(there & wanted) > len(there) / 2)):
            kept.append(sentence)
    left = " ".join(kept)
    # Words that run over several sentences, or were written otherwise: the whole of it goes.
    return left if left != text else ""


def sentences_about(text: str, topic: str) -> list[str]:
    """The sentences of a text that hold every word of a topic which says something: "my knee", "I was ill"."""
    wanted = set(content_words(topic))
    return [one for one in _SENTENCE.split(text) if wanted and wanted <= set(content_words(one))]


def goes(
    memory: Memory, person: str, traces: Traces, mentions: Callable[[str], bool], left: Mapping[int, str]
) -> bool:
    """Whether a memory is forgotten with a person: theirs, of them, naming them, or made of words that are gone.

    Args:
        memory: any.
        person: identity.
        traces: what there is of them.
        mentions: whether a text names them; somebody of their name whom they never met is somebody else.
        left: what is left of the events from which words are taken, by `seq`.
    """
    if memory.teller == person or is_about(memory, person):
        return True
    head, _, spoken_of = memory.subject.partition("/")
    if spoken_of and head in traces.met and mentions(spoken_of):
        return True
    said = f"{memory.subject_name} {memory.text} {memory.quote} {memory.value}"
    if mentions(said) and (not memory.teller or memory.teller in traces.met):
        return True
    return is_cut(memory, left)


def is_cut(memory: Memory, left: Mapping[int, str]) -> bool:
    """Whether words that a memory is made of are gone."""
    cut = [left[seq] for seq in memory.sources if seq in left]
    if not cut:
        return False
    if memory.kind in _RETOLD or not memory.quote:
        return True
    wanted = set(words_in(memory.quote))
    return not any(wanted <= set(words_in(text)) for text in cut)


def is_about(memory: Memory, person: str) -> bool:
    """Whether a memory is about a person, or about somebody they speak of."""
    return memory.subject == person or memory.subject.startswith(f"{person}/")


def words_in(text: str) -> list[str]:
    """Words and numbers, however they are written."""
    return [word.casefold() for word in _WORD.findall(text)]
