"""Who is told not to answer something, or to leave it to somebody ("nobody answer that", "let Robin answer"). Pure.

It is about one question, asked before or in the same breath: whoever was told so answers the next one again. That
somebody is to be quiet until they are called is told in other words (`cognition.conversation.quiet`).
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cognition.conversation.exclusion import names_at
from cognition.conversation.names import Wording, mentions, words_of

__all__ = ["Withheld", "withheld"]

_HINT = re.compile(r"\b(?:answers?|reply|respond|take|handle)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?;]+[.!?;]*")
_ANSWER = r"(?:answer|reply|respond)(?: to)?"
_THAT = r"(?: (?:that|this|it|me|him|her|them|us)(?: one| question)?)"
_AFTER = r"(?: (?:yet|now|please|for now|here|at all|just yet))*"
_NOBODY = re.compile(
    rf"(?:(?:nobody|no one|none of you)(?: (?:please|should|has to|have to|needs to|is to|must))? {_ANSWER}{_THAT}?|"
    rf"(?:do not|don't) (?:anyone|anybody|any of you) {_ANSWER}{_THAT}?|"
    rf"(?:do not|don't) {_ANSWER}{_THAT} (?:anyone|anybody|any of you)|no answers?){_AFTER}"
)
_NOT = re.compile(
    rf"(?:you )?(?:do not|don't|no need to|needn't|do not have to|don't have to|don't need to|must not|mustn't) "
    rf"{_ANSWER}(?P<that>{_THAT})?{_AFTER}"
)
_LET = re.compile(r"\blet\s+", re.IGNORECASE)
_SPEAKER = re.compile(r"(?:me|us)\b", re.IGNORECASE)
_ANSWERS = re.compile(
    r"\s+(?:answer|reply|respond|handle|take\s+(?:that|this|it|the\s+(?:question|next))|have\s+a\s+go)\b",
    re.IGNORECASE,
)
_FILLERS = frozenset(
    """hey hi ok okay please no now just so well but and then oh um can could would will you why don't do not wait
    actually maybe stop answer""".split()
)
_OPENERS = frozenset("hey ok okay please no now just so well but and oh".split())
_DENIALS = frozenset({"don't", "not"})


@dataclass(frozen=True, slots=True)
class Withheld:
    """Who is to answer something, and who is not.

    Attributes:
        text: the line without the sentences that say so.
        silent: names of those who are told not to answer.
        let: names of those to whom it is left, in order; empty where nobody in particular.
        kept: the speaker answers it.
        lasting: nothing tells that it is about one question.
    """

    text: str
    silent: frozenset[str]
    let: tuple[str, ...] = ()
    kept: bool = False
    lasting: bool = False


def withheld(text: str, personas: Collection[str], people: Collection[str]) -> Withheld | None:
    """Reads who is not to answer; None where a line says nothing of that.

    Args:
        text: the line.
        personas: names of those who might answer.
        people: names of the other people who hear it.
    """
    if _HINT.search(text) is None:
        return None
    kept: list[str] = []
    silent: set[str] = set()
    let: list[str] = []
    own = lasting = False
    for sentence in _SENTENCE.findall(text):
        found = _left_to(sentence, (*personas, *people))
        if found is not None:
            to, denied = found
            if denied:
                silent.update(name for name in to if name in personas)
                continue
            let += to
            own = own or not to
            silent.update(name for name in personas if name not in let)
            continue
        named = [name for name in (*personas, *people) if mentions(Wording.of(sentence), name)]
        rest = _without_names(sentence, named)
        match = _NOT.fullmatch(rest)
        if _NOBODY.fullmatch(rest) is not None and not named:
            silent.update(personas)
        elif match is not None and all(name in personas for name in named):
            silent.update(named or personas)
            lasting = lasting or match["that"] is None
        else:
            kept.append(sentence)
    if not silent and not let and not own:
        return None
    return Withheld("".join(kept).strip(), frozenset(silent) - set(let), tuple(let), own, lasting)


def _left_to(sentence: str, names: Collection[str]) -> tuple[list[str], bool] | None:
    """To whom a sentence leaves an answer, nobody being the speaker, and whether it says the contrary."""
    match = _LET.search(sentence)
    if match is None:
        return None
    spoken = {word for name in names for word in words_of(name)}
    before = words_of(sentence[: match.start()])
    if not all(word in _FILLERS or word in spoken for word in before):
        return None
    own = _SPEAKER.match(sentence, match.end())
    end, row = (own.end(), []) if own is not None else names_at(sentence, match.end(), names)
    if (own is None and not row) or _ANSWERS.match(sentence, end) is None:
        return None
    # "Why don't you let Robin answer?" asks for it.
    return row, bool(before) and before[-1] in _DENIALS


def _without_names(sentence: str, names: Sequence[str]) -> str:
    """The words of a sentence without names and without what goes before a request."""
    spoken = {word for name in names for word in words_of(name)}
    words = [word for word in words_of(sentence) if word not in spoken]
    while (
        words
        and words[0] in _OPENERS
        and words[:2] not in (["no", "one"], ["no", "answer"], ["no", "answers"])
    ):
        words.pop(0)
    return " ".join(words)
