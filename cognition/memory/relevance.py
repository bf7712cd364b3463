"""How much a memory bears on a question: its meaning, its words, whom it names, what time is asked for. Pure."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cognition.memory.phrasing import in_first_person
from cognition.memory.when import When, when
from cognition.search.words import stem, words
from cognition.store.memories import IN_DOUBT, TASTE, Memory

__all__ = ["LEAST", "Question", "at_most", "bearing", "bears", "names_in", "questioned", "relevance"]

LEAST = 0.42
"""Relevance below which nothing is recalled; for MiniLM, see `tests/cognition/test_recall_models.py`."""
MAX_WORDS = 60
"""Words of a question that are looked at, its last: a partial transcript only grows."""

_BARE = 0.55
"""Relevance of what happened at a time that was asked for by its time alone."""
_LIKED = 0.2
"""What the relevance of somebody's taste gains of what it lacks, where advice is asked for."""
_TALK = 0.7
"""What is left of the relevance of a whole talk where it is asked what was said."""
_DOUBTED = 0.85
"""And of words that assert nothing, as "I dreamed I lived in Rome"."""
_NARROW = timedelta(days=10)
_DATED = 0.2
"""What the relevance of something that happened, or is due, in the time asked for gains."""
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_CAPITAL = re.compile(r"(?<![\w'’])[A-Z][\w]*(?:['’][a-z]+)?")
_OF_NAME = re.compile(r"['’]s?$")
_FIRST_PERSON = re.compile(r"\b(?:i|me|my|mine|myself|i['’](?:m|ve|d|ll))\b", re.IGNORECASE)
_BEFORE = re.compile(
    r"\b(?:before|used to|previous(?:ly)?|former(?:ly)?|earlier|in the past|back then|originally|at first|no longer"
    r"|any ?more|so far|the old|my old|ex|formerly|over the years|ever)\b",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"\b(?:recommend(?:s|ed|ation|ations)?|suggest(?:s|ed|ion|ions)?|advi[sc]e|ideas?|tips?|any thoughts|should"
    r"|(?:help|find|get|pick) me|plan (?:an?|my|our|some)|(?:what|where|how) (?:could|can|might)"
    r"|would (?:suit|(?:i|we) (?:like|enjoy))|(?:best|good|nice) (?:way|place|time|choice))\b",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\b(?:how (?:many|often)|(?:which|what) (?:\w+ )?[a-z]{2,}s\b|what (?:have|has"
    r"|did|all|else)|who (?:among|has|have|all)|which of"
    r"|list|every|all (?:the|my|of)|so far|altogether|in total)\b",
    re.IGNORECASE,
)
_NOWADAYS = re.compile(r"\b(?:do|does|am|is|are|have|has)\b", re.IGNORECASE)
_NO_NAMES = frozenset(
    """
    i i'm i've i'd i'll monday tuesday wednesday thursday friday saturday sunday january february march april
    may june july august september october november december what when where who whose which why how do does
    did is are was were can could would will should have has had tell remember and but so the a an in on at to
    of for with my your our ok okay hey hi hello yes no well please any also
    """.split()
)
_EMPTY = frozenset(
    map(
        stem,
        """
    a an the and or but so if then than that this these those it its he him his she her hers they them their
    theirs we us our ours you your yours i me my mine im ive id ill to of in on at by for with from about into
    over up down out off is are was were be been being am do does did done doing have has had having will would
    can could should shall may might must not no yes there here what which who whom whose when where why how
    all any some just like very too also again ever still now please okay ok well hey hi hello tell told
    telling say said saying talk talked talking speak spoke know knew known remember recall mention mentioned
    discuss discussed happen happened happening anything something everything thing things time times think
    thought really much many more most one get got going go last first before after ago today yesterday week
    month year day used remind summary
    """.split(),
    )
)


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody says, as what it might call to mind is looked for.

    Attributes:
        texts: to be embedded: the words without the time, and their last sentence where there are several.
        stems: of the words that say something.
        names: stems of the names in it.
        when: the time it names.
        of_before: it asks for what is no longer so.
        wide: it asks for several things, or for what came before: what is like the best that is found bears on it.
        advice: it asks what would be good for somebody: what they like, shun or need bears on it.
        bare: it says nothing but a time, a place or a person: "what did we talk about yesterday?"
    """

    texts: tuple[str, ...]
    stems: frozenset[str]
    names: frozenset[str]
    when: When | None
    of_before: bool
    wide: bool
    advice: bool
    bare: bool


def names_in(query: str) -> list[str]:
    """Words of a question that may be names, in their order and as they are written."""
    return [_OF_NAME.sub("", word.strip('.,;:!?…"“”()')) for word in query.split()[-MAX_WORDS:]]


def questioned(
    query: str,
    now: datetime,
    *,
    speaker: str = "",
    known: Collection[str] = (),
    people: Collection[str] = (),
) -> Question:
    """Reads a question.

    Args:
        query: words, also half a sentence.
        now: timezone-aware.
        speaker: name of whoever says "I", where there is but one who may.
        known: names that people here go by; found however they are written.
        people: names of others whom it may be about.
    """
    query = " ".join(query.split()[-MAX_WORDS:])
    time = when(query, now)
    if time is not None and query[time.start : time.end].casefold() == "today" and _NOWADAYS.search(query):
        # "How do I eat today?" asks for what holds, and not for what was said since midnight.
        time = None
    rest = (
        query if time is None else f"{query[: time.start].rstrip()} {query[time.end :].lstrip()}".strip(" ,")
    )
    rest = rest or query
    called = _names(rest, known)
    own = rest
    if speaker and _FIRST_PERSON.search(rest):
        rest = _in_third_person(rest, speaker)
        called |= set(map(stem, words(speaker)))
    # Likeness is measured without names, or whatever is about somebody would be like all that is: see `meaning`.
    own = in_first_person(own, {*known, *people})
    sentences = [each for each in _SENTENCE.split(own) if each.strip()]
    texts = (own,) if len(sentences) < 2 else (own, sentences[-1])
    said = frozenset(one for one in map(stem, words(rest)) if one not in _EMPTY)
    before = _BEFORE.search(query) is not None
    wide = before or _SEVERAL.search(query) is not None
    advice = _ADVICE.search(query) is not None
    return Question(texts, said, frozenset(called), time, before, wide, advice, not said - called)


def relevance(question: Question, memory: Memory, similarity: float) -> float:
    """How much a memory bears on a question, from 0 to 1, whatever time it is of.

    Args:
        question: what was asked.
        memory: what might come back.
        similarity: of its meaning and the question's, in [-1, 1]; NaN where nobody has measured it.
    """
    there = set(map(stem, words(f"{memory.subject_name} {memory.text} {memory.quote}")))
    asked = question.stems - question.names
    shared = len(asked & there) / len(asked) if asked else 0.0
    near = _near(similarity, shared)
    if question.names:
        # Words about another person are as near in meaning as those about the one who is asked for.
        least = 0.6 if memory.kind == "turn" else 0.4
        near *= least + (1.0 - least) * len(question.names & there) / len(question.names)
    return min(near, 1.0)


def at_most(similarity: float) -> float:
    """More than this no `relevance` is, whatever the words of a memory of this likeness are."""
    return _near(similarity, 1.0)


def bears(question: Question, memory: Memory, hits: Mapping[str, tuple[float, float]]) -> float:
    """`relevance` of a memory for what it is; of all that was found the likeness is the first in `hits`."""
    worth = relevance(question, memory, hits[memory.id][0] if memory.id in hits else math.nan)
    if memory.kind == "episode":
        # It tells of a whole talk; what was said in it is remembered in its own words.
        return worth * _TALK
    if question.advice and (memory.kind == "preference" or memory.attribute == TASTE):
        return worth + _LIKED * (1.0 - worth)
    return worth * _DOUBTED if memory.kind == "turn" and memory.attribute == IN_DOUBT else worth


def bearing(
    question: Question, found: Mapping[str, Memory], hits: Mapping[str, tuple[float, float]], least: float
) -> dict[str, float]:
    """How much each memory bears on a question by itself, from 0 to 1, or a little more where a day was asked for.

    Args:
        question: what was asked.
        found: by id.
        hits: likeness, and place in the fused order, of those that the index found.
        least: what cannot bear on it as much as this is not weighed closely.
    """
    near: dict[str, float] = {}
    for id, memory in found.items():
        similarity = hits[id][0] if id in hits else math.nan
        if (
            question.when is None
            and not question.bare
            and not question.advice
            and at_most(similarity) < least
        ):
            near[id] = 0.0
            continue
        if question.bare:
            near[id] = (_BARE + 0.3 * memory.importance) * (0.9 if memory.kind == "turn" else 1.0)
        else:
            near[id] = bears(question, memory, hits)
        if question.when is not None and _happened_in(memory, question.when):
            near[id] = max(near[id], _BARE) + _DATED
    return near


def _happened_in(memory: Memory, time: When) -> bool:
    """Whether a day that its words name lies in a time that was asked for as narrowly."""
    if time.since is None or time.until is None or time.until - time.since > _NARROW:
        return False
    return any(each is not None and time.holds(each) for each in (memory.valid_from, memory.due))


def _near(similarity: float, shared: float) -> float:
    meant = 0.0 if similarity != similarity else min(max(similarity, 0.0), 1.0)
    return meant + 0.3 * shared * (1.0 - meant)


def _names(text: str, known: Collection[str]) -> set[str]:
    called = {stem(word) for name in known for word in words(name)} & set(map(stem, words(text)))
    for sentence in _SENTENCE.split(text):
        for match in _CAPITAL.finditer(sentence):
            word = match[0].casefold().replace("’", "'").removesuffix("'s")
            if match.start() > 0 and word not in _NO_NAMES:
                called |= set(map(stem, words(word)))
    return called


_THIRD: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"\bam i\b", "is {0}"),
        (r"\bdo i\b", "does {0}"),
        (r"\bhave i\b", "has {0}"),
        (r"\bi am\b|\bi['’]m\b", "{0} is"),
        (r"\bi have\b|\bi['’]ve\b", "{0} has"),
        (r"\bi['’]d\b", "{0} would"),
        (r"\bi['’]ll\b", "{0} will"),
        (r"\b(?:my|mine)\b", "{0}'s"),
        (r"\b(?:i|me|myself)\b", "{0}"),
    )
)


def _in_third_person(text: str, name: str) -> str:
    """As a memory would say it."""
    for pattern, said in _THIRD:
        text = pattern.sub(lambda _, said=said: said.format(name), text)  # type: ignore[misc]
    return text
