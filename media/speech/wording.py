"""What the words of an utterance tell of whether its speaker has finished: cues for `media.speech.patience`."""

import re
from collections.abc import Iterator
from enum import StrEnum

from media.speech.end_of_turn import Completeness, completeness

__all__ = ["Cue", "Question", "cues", "question"]


class Cue(StrEnum):
    """Something in the words that speaks for the end of a turn, or against it."""

    UNFINISHED = "unfinished"
    """They stop at a word or mark that ends no sentence: "and", "the", a comma."""
    OPEN = "open"
    """They stop at a word that seldom ends a sentence, "to", "for", "is", or that another clause has to follow."""
    UNMARKED = "unmarked"
    """They could be finished, but the transcriber put no mark behind them."""
    QUESTION = "question"
    """They are a complete question."""
    DEPENDENT = "dependent"
    """The last sentence is a clause that another one has to follow: "If you have time"."""
    LIST = "list"
    """They stop within a list whose last item is still to come: "eggs, milk"."""
    NUMBER = "number"
    """They stop with digits, of which more may come."""
    OPENER = "opener"
    """They are no more than a beginning: "Well", "So, um"."""
    ANSWER = "answer"
    """They answer the yes-no question that was asked, and no more."""


class Question(StrEnum):
    """What kind of answer somebody waits for."""

    NONE = "none"
    YES_NO = "yes-no"
    NUMBER = "number"
    OPEN = "open"


_AUXILIARY = frozenset(
    "do does did is are was were am have has had can could will would shall should may might must "
    "don't doesn't didn't isn't aren't wasn't weren't haven't hasn't hadn't can't couldn't won't wouldn't "
    "shouldn't mustn't".split()
)
_NUMBER_ASKED = re.compile(r"\b(number|code|digits|pin|postcode|zip)\b")
_SUBORDINATE = frozenset(
    "if when whenever after before while because although though since unless until once as".split()
)
_OPENERS = frozenset(
    "well so um uh er erm hmm okay ok right now then maybe perhaps actually anyway look listen oh and but i mean "
    "you know let me see think".split()
)
_YES_NO = frozenset(
    "yes yeah yep yup no nope not really sure certainly definitely absolutely exactly right please thanks thank you "
    "of course i do don't did didn't am am'nt will won't would wouldn't can can't could have haven't is it isn't "
    "it's think so hope guess suppose never always sometimes often yet already okay ok why maybe perhaps a bit "
    "little course all".split()
)
_DIGITS = frozenset("zero oh one two three four five six seven eight nine double".split())
_INTRODUCES = re.compile(
    r"\b(can|could|would|will) you (please )?(tell|show|explain|ask|remind) (me|us|them|him|her)$"
    r"|\bdo you (happen to )?know$|\bthe (thing|problem|question|point) is( that)?$"
    r"|\bi (wanted|want|need|would like) to$"
)
"""What another clause has to follow, though a transcriber writes a full stop or a question mark behind it."""
_ANSWER_WORDS = 4


def question(text: str) -> Question:
    """What kind of answer the last sentence of what was said asks for."""
    sentences = _sentences(text)
    if not sentences or not text.rstrip().rstrip("\"'”’)").endswith("?"):
        return Question.NONE
    last = sentences[-1]
    if _NUMBER_ASKED.search(" ".join(last)):
        return Question.NUMBER
    clause = _words(re.split(r"[,;:]", text.rstrip(" ?\"'”’)"))[-1])
    starts = (last[0], clause[0] if clause else "")
    return Question.YES_NO if any(word in _AUXILIARY for word in starts) else Question.OPEN


def cues(text: str, asked: Question = Question.NONE) -> frozenset[Cue]:
    """The cues in the words of a turn so far.

    Args:
        text: as the transcriber wrote it.
        asked: what was asked just before.
    """
    return frozenset(_found(text, asked))


def _found(text: str, asked: Question) -> Iterator[Cue]:
    words = _words(text)
    if not words:
        return
    finished = completeness(text)
    answer = asked is Question.YES_NO and len(words) <= _ANSWER_WORDS and set(words) <= _YES_NO
    if answer:
        yield Cue.ANSWER
    if set(words) <= _OPENERS and not answer:
        yield Cue.OPENER
    elif finished is Completeness.UNFINISHED:
        yield Cue.UNFINISHED
    elif _INTRODUCES.search(" ".join(words)):
        yield Cue.OPEN
    elif finished is Completeness.OPEN:
        marked = completeness(f"{text.rstrip()}.")
        yield Cue.UNMARKED if marked is Completeness.COMPLETE else Cue.OPEN
    elif text.rstrip().endswith("?"):
        yield Cue.QUESTION
    if _dependent(text):
        yield Cue.DEPENDENT
    if _number(words, asked):
        yield Cue.NUMBER
    elif _list(text):
        yield Cue.LIST


def _dependent(text: str) -> bool:
    """Whether the last sentence begins as a subordinate clause and has no main one behind a comma."""
    last = [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part][-1]
    if last.endswith("?"):
        return False
    clauses = [words for part in last.split(",") if (words := _words(part))]
    if not clauses or clauses[0][0] not in _SUBORDINATE:
        return False
    return sum(len(clause) >= 2 for clause in clauses) < 2 and "then" not in clauses[0]


def _number(words: list[str], asked: Question) -> bool:
    """Whether it ends in digits: two at least, or any where a number was asked for."""
    digits = 0
    for word in reversed(words):
        if word.isdigit():
            digits += len(word)
        elif word in _DIGITS:
            digits += 1
        else:
            break
    return digits >= (1 if asked is Question.NUMBER else 2) and (
        asked is Question.NUMBER or digits != 4 or len(words) < 3
    )


def _list(text: str) -> bool:
    """Whether the last sentence ends in a short item behind a comma, or is one, and no "and" announced the last."""
    parts = [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part]
    items = [words for part in parts[-1].split(",") if (words := _words(part))]
    if not items:
        return False
    last = items[-1]
    if parts[-1].rstrip().endswith("?") or {"and", "or", "too", "please", "thanks"} & set(last):
        return False
    behind_comma = len(items) > 1 and len(items[0]) > 1
    item_alone = len(parts) > 1 and len(items) == 1
    return len(last) <= 3 and (behind_comma or item_alone)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+|\d+", text.lower().replace("’", "'"))


def _sentences(text: str) -> list[list[str]]:
    return [words for part in re.split(r"[.!?]+", text) if (words := _words(part))]
