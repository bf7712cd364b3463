"""Who a line is put to: names, groups, whoever knows, somebody else than before. Pure; reads one line's words only."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cognition.conversation.exclusion import without_excluded
from cognition.conversation.names import (
    Wording,
    addressed,
    mentions,
    name_words,
    nearly_like,
    sounds_like,
    words_of,
)
from cognition.conversation.withheld import withheld

__all__ = ["Asked", "Group", "asked", "ends_asking", "is_question"]

Group = Literal["two", "three", "all", "each", "others", "anyone", "another", "you", ""]
"""Whom a line is put to that names nobody.

two, three: that many ("you two"); all: everybody, some of whom answer; each: everybody, one by one; others: those who
have not answered; anyone: whoever knows; another: one more ("anyone else?"); you: given back ("and you?").
"""

BEGINNING = 80
"""Characters in which a question shows by its first word."""

_SOMEBODY = re.compile(r"\b(?:any|some)(?:one|body)\b")
_KNOWS = re.compile(r"\b(?:know|tell|explain|help|remember|heard|seen|say|think|idea|got|have)\b")
_OPEN = re.compile(
    r"""\b(?:can|could|does|do|has|did|is|would)\ (?:any|some)(?:one|body)\b|\bwho\ (?:knows|can\ tell)\b|
    ^any\ (?:ideas|thoughts|suggestions)\b|\b(?:any|either|one)\ of\ you\b""",
    re.VERBOSE,
)
_ALL = r"(?:every(?:one|body)|all\ of\ you|you\ all|y'all|you\ guys|you\ folks|you\ lot)"
_GROUP_PATTERNS: tuple[tuple[Group, str], ...] = (
    (
        "another",
        r"""\b(?:any|some)(?:one|body)\ else\b|^(?:and\ )?who\ else\b|
        \bany\ other\ (?:ideas|thoughts|opinions|views|takes)\b|\ba\ second\ opinion\b""",
    ),
    (
        "others",
        r"""\b(?:what|how)\ (?:about|do|would)\ the\ (?:others|rest\ of\ you|other\ (?:one|two))\b|
        ^(?:and\ )?the\ (?:others|rest\ of\ you)$|\bthe\ rest\ of\ you\b""",
    ),
    (
        "each",
        r"""\beach\ of\ you\b|\bone\ (?:by\ one|after\ the\ other|at\ a\ time)\b|\byou\ each\b|
        \bevery\ (?:single\ )?one\ of\ you\b|\b(?:go|going)\ (?:a)?round\ the\ (?:table|room|circle)\b""",
    ),
    (
        "two",
        r"\byou\ two\b|\bboth\ of\ you\b|\byou\ both\b|\bthe\ two\ of\ you\b|\bthe\ pair\ of\ you\b|\byou\ two's\b",
    ),
    ("three", r"\byou\ three\b|\bthe\ three\ of\ you\b|\ball\ three\ of\ you\b"),
    (
        "all",
        rf"""\b(?:do|does|would|are|is|can|could|will|have|has|did|what|about|from|hear|ask|tell|of)\ {_ALL}\b|
        ^(?:\w+\ )?{_ALL}\ (?:what|how|who|where|when|why|do|did|can|could|would|will|should|please|tell)\b""",
    ),
)
_GROUPS = tuple((group, re.compile(pattern, re.VERBOSE)) for group, pattern in _GROUP_PATTERNS)
_TELLTALE = frozenset(
    """you y'all everyone everybody anyone anybody someone somebody who any either all both each else other others rest
    one round around second guys folks your yours yourself""".split()
)
"""One of these is in whatever is put to a group, or to anyone."""
_ALL_CALLED = frozenset(
    tuple(words.split())
    for words in (
        "everyone",
        "everybody",
        "all of you",
        "you all",
        "all",
        "guys",
        "folks",
        "everyone here",
        "everybody here",
        "both",
    )
)
_BACK = re.compile(
    r"^(?:(?:good|fine|great|ok|okay|well|thanks|so|hm|right|yes|no|i'm)\W+)*"
    r"(?:and\ you|and\ yourself|and\ yours|(?:what|how)\ about\ (?:you|yourself|yours)|"
    r"your\ (?:view|take|turn|opinion))$"
)
_BACK_AT_END = re.compile(r"\b(?:and you|how about you|what about you|and yourself)$")
_PASSED_ON = (
    r"(?:\b(?:ask|tell|get|let|have|call|bring in|check with|talk to|work with|speak (?:to|with))|"
    r"\b(?:pass|hand|give|leave|send|forward)\b(?: \w+){0,8} to)"
)
_EXCHANGE = re.compile(
    r"\b(?:discuss|debate|argue|talk (?:it|this|that) (?:over|through)|among(?:st)? yourselves|between yourselves|"
    r"with each other|to each other|one another|convince each other)\b"
)
_QUESTION = frozenset(
    """what who whom whose where when why how which is are am was were do does did can could would will should shall
    have has had may might isn't aren't don't doesn't didn't can't won't""".split()
)
_REQUEST = frozenset(
    "tell give say explain describe name show help please introduce share let suggest".split()
)
_BIDDEN = frozenset("ask pass check hand get bring summarise summarize remember".split())
_ABOUT = frozenset(
    """is was said says told tells thinks thought has had did does knows knew mentioned will asked asks answered met saw
    gave went came got left found likes liked wanted""".split()
)
_DONE_TO = frozenset(
    """told met saw gave got found left took brought showed knew thanked helped called invited interrupted asked
    reminded warned taught beat sent paid caught visited watched liked loved missed joined mentioned answered quoted
    praised blamed introduced convinced followed messaged phoned emailed texted""".split()
)
"""Verbs of what is over; who stands after them is spoken about."""
_DONE_WITH = frozenset(
    """said told talked spoke listened wrote went sat worked agreed disagreed argued thought heard learnt learned
    laughed looked came played lived stayed waited gave sent brought showed explained mentioned belonged""".split()
)
"""The same, with a preposition between."""
_PREPOSITION = frozenset("to with at about of from for by on".split())
_JOINING = frozenset({"and", "or", "then"})
_GREETINGS = frozenset(
    "hey hi hello ok okay so well and but yo oh um thanks thank please no yes yeah sorry right".split()
)
_ASKS = frozenset(
    "do did does what how can could are have where why when would will is please which who should".split()
)

_ASKED_FOR = _REQUEST | frozenset("what who whose where when why how which please remind".split())
_TOLD = frozenset("is was will does did can could have are would".split())
"""After a name they ask the one who is called only before "you"."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one line asks of whom.

    Attributes:
        called: personas spoken to by name, in the order of their names.
        passed_on: personas that those are to turn to ("Nova, ask Felix …"), in order.
        to_person: another person is spoken to by name.
        one_of: any one of those called by name will do.
        group: whom else it is put to; "" for nobody in particular.
        exchange: they are to talk to each other.
        question: it is a question or a request.
        excluded: personas that it leaves out ("everyone but Nova", "Nova, don't answer that"), in order.
        left: it leaves something to those called, or to the speaker ("let Robin answer").
        withheld: none is to answer it ("nobody answer that").
    """

    called: tuple[str, ...] = ()
    passed_on: tuple[str, ...] = ()
    to_person: bool = False
    one_of: bool = False
    group: Group = ""
    exchange: bool = False
    question: bool = False
    excluded: tuple[str, ...] = ()
    left: bool = False
    withheld: bool = False


def asked(said: Wording, text: str, personas: Mapping[str, str], people: Sequence[str]) -> Asked:
    """Reads whom a line is put to.

    Args:
        said: the line's words.
        text: the line.
        personas: names by id, of those who might answer.
        people: names of the other people who hear it.
    """
    if (meant := _as_called(said, text, (*personas.values(), *people))) is not None:
        text, said = meant, Wording.of(meant)
    told = withheld(text, personas.values(), people)
    text, left_out = without_excluded(text if told is None else told.text, (*personas.values(), *people))
    if told is not None:
        left_out |= told.silent
        said = Wording.of(text)
    excluded = tuple(id for id, name in personas.items() if name in left_out)
    if left_out:
        said = Wording.of(text)
        personas = {id: name for id, name in personas.items() if name not in left_out}
        people = [name for name in people if name not in left_out]
    if told is not None and (told.let or told.kept):
        ids = {name: id for id, name in personas.items()}
        let = tuple(ids[name] for name in told.let if name in ids)
        return Asked(let, to_person=not let, question=True, excluded=excluded, left=True)
    if told is not None and not personas:
        return Asked(excluded=excluded, withheld=True)
    words = " ".join(said.words)
    heard = {name for name in (*personas.values(), *people) if mentions(said, name)}
    listed = _listed(said, heard)
    to_person = any(name in listed or addressed(said, name) for name in people)
    called, passed_on = _called(said, text, words, personas, people, heard, listed, to_person)
    question = is_question(text) or any(word in _REQUEST for word in said.words[:6])
    exchange = _EXCHANGE.search(words) is not None
    one_of = len(called) > 1 and (
        "or" in said.words
        or not (exchange or ends_asking(text) or any(personas[id] in listed for id in called))
    )
    return Asked(called, passed_on, to_person, one_of, _group(said, words), exchange, question, excluded)


def ends_asking(text: str) -> bool:
    """Whether it ends in a question mark."""
    return text.rstrip().endswith("?")


def is_question(text: str) -> bool:
    """Whether it ends or begins as a question does."""
    words = words_of(text[:BEGINNING])
    while len(words) > 1 and words[0] in {"and", "but", "so", "ok", "okay", "well", "then"}:
        words = words[1:]
    return ends_asking(text) or (bool(words) and words[0] in _QUESTION)


def _as_called(said: Wording, text: str, names: Sequence[str]) -> str | None:
    """The text with the one name that the word must be with which a question begins, where nobody there is called so.

    None where it begins with no such word: "Peter what is the capital of France?", with Petra and no Peter in the room.
    Beside the name of somebody who is there either word may be it: "Oscar and Peter, what do you think?"
    """
    first = list(said.first)
    while len(first) > 1 and first[0] in _GREETINGS:
        first.pop(0)
    paired = len(first) > 2 and first[1] in _JOINING
    called = first[:3:2] if paired else first[:1]
    strange = [
        word
        for word in called
        if not any(sounds_like(word, part) for name in names for part in name_words(name))
    ]
    if len(strange) != 1:
        return None
    rest = first[2 * len(called) - 1 :] or [word for part in said.stretches[1:2] for word in part]
    asks = bool(rest) and (rest[0] in _ASKED_FOR or (ends_asking(text) and rest[0] in _ASKS))
    if not asks or (rest[0] in _TOLD and rest[1:2] != ["you"]):
        return None
    alike = [name for name in names if nearly_like(strange[0], "".join(name_words(name)[:1]))]
    if len(alike) != 1:
        return None
    return re.sub(rf"\b{re.escape(strange[0])}\b", alike[0], text, count=1, flags=re.IGNORECASE)


def _group(said: Wording, words: str) -> Group:
    if _TELLTALE.isdisjoint(said.words):
        return ""
    for group, pattern in _GROUPS:
        if pattern.search(words) is not None:
            return group
    if not said.calls.isdisjoint(_ALL_CALLED):
        return "all"
    if _is_open(words):
        return "anyone"
    if _BACK.match(words) is not None or _BACK_AT_END.search(words) is not None:
        return "you"
    return ""


def _is_open(words: str) -> bool:
    """Whether it is put to whoever can answer."""
    somebody = _SOMEBODY.search(words)
    return _OPEN.search(words) is not None or (
        somebody is not None and _KNOWS.search(words, somebody.end()) is not None
    )


def _called(
    said: Wording,
    text: str,
    words: str,
    personas: Mapping[str, str],
    people: Sequence[str],
    heard: Collection[str],
    listed: Collection[str],
    to_person: bool,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Personas spoken to by name: anywhere, unless another person is spoken to or they are only spoken about."""
    names = list(personas.values())
    found = [
        id
        for id, name in personas.items()
        if name in heard
        and mentions(said, name, others=[*people, *(other for other in names if other != name)])
    ]
    if not found:
        return (), ()
    found.sort(key=lambda id: _place(said.words, personas[id]))
    directly = [id for id in found if personas[id] in listed or addressed(said, personas[id])]
    if directly or to_person:
        handed = [id for id in found if _handed_to(words, personas[id])] if directly else []
        first = [id for id in directly if id not in handed]
        return tuple(first or directly), tuple(id for id in handed if id not in directly or first)
    if len(found) > 1 and ends_asking(text):
        # "What does Nova think of Felix?" is about all of them but put to nobody; "Do Nova and Felix know?" to both.
        spoken = [id for id in found if not _is_object(words, personas[id])]
        found = spoken or found
    about = _objects(said, heard)
    found = [id for id in found if personas[id] not in about]
    if (len(found) + len(about) == 1 and not people) or ends_asking(text):
        return tuple(found), ()
    return tuple(id for id in found if not _is_about(said, personas[id])), ()


def _listed(said: Wording, names: Collection[str]) -> set[str]:
    """Names that are called in a row: "Nova and Felix, …", "… Ada, Nova and Felix?", "Nova and Felix what do …"."""
    listed: set[str] = set()
    if not names:
        return listed
    for part in said.stretches:
        words = list(part)
        while len(words) > 1 and words[0] in _GREETINGS:
            words.pop(0)
        row, rest = _row(words, names)
        if row and (
            not rest or (rest[0] in _ASKS | _REQUEST | _BIDDEN and (len(row) > 1 or rest[0] not in _ABOUT))
        ):
            listed.update(row)
    last = list(said.last)
    for start in range(len(last) - 1):
        row, rest = _row(last[start:], names)
        if len(row) > 1 and not rest and "you" in last[:start]:
            listed.update(row)
            break
    return listed


def _row(words: Sequence[str], names: Collection[str]) -> tuple[list[str], Sequence[str]]:
    """The names that words begin with, and what follows."""
    row: list[str] = []
    at = 0
    while at < len(words):
        if words[at] in _JOINING and row:
            at += 1
            continue
        match = next(
            (
                (name, len(parts))
                for name in names
                for parts in (name_words(name), name_words(name)[:1])
                if parts and _same(words[at : at + len(parts)], parts)
            ),
            None,
        )
        if match is None:
            break
        row.append(match[0])
        at += match[1]
    if at < len(words) and at and words[at - 1] in _JOINING:
        return [], words
    return row, words[at:]


def _same(heard: Sequence[str], parts: Sequence[str]) -> bool:
    return len(heard) == len(parts) and all(map(sounds_like, heard, parts))


def _place(words: Sequence[str], name: str) -> int:
    """Where a name first stands."""
    parts = name_words(name)[:1]
    return next((at for at, word in enumerate(words) if parts and sounds_like(word, parts[0])), len(words))


def _handed_to(words: str, name: str) -> bool:
    first = name_words(name)[:1]
    return any(
        first and sounds_like(match[1], first[0]) for match in re.finditer(rf"{_PASSED_ON} (\w+)", words)
    )


def _is_object(words: str, name: str) -> bool:
    """Whether something is said or asked about somebody ("… what Nova said", "… of Nova's idea")."""
    first = name_words(name)[:1]
    if not first:
        return False
    other = re.escape(first[0])
    return (
        re.search(
            rf"\b(?:of|about|with|than|like|to|by) (?:what )?{other}\b|\bwhat {other} (?:said|says|thinks)\b",
            words,
        )
        is not None
    )


def _objects(said: Wording, names: Collection[str]) -> set[str]:
    """Names to which something was done ("I asked Nova and Felix …", "… said hello to Nova"): they are spoken about."""
    objects: set[str] = set()
    for part in said.stretches:
        for at, word in enumerate(part):
            if word == "if":
                break
            if word in _DONE_TO:
                objects.update(_names_first(part[at + 1 :], names))
            if word in _DONE_WITH:
                for to in range(at + 1, min(at + 3, len(part))):
                    if part[to] in _PREPOSITION:
                        objects.update(_names_first(part[to + 1 :], names))
    return objects


def _names_first(words: Sequence[str], names: Collection[str]) -> list[str]:
    """The names that words begin with, whatever is said after them."""
    return _row(words, names)[0] or _row(words[:1], names)[0] or _row(words[:2], names)[0]


def _is_about(said: Wording, name: str) -> bool:
    words, target = said.words, name_words(name)
    return bool(target) and any(
        _same(words[index : index + len(target)], target) and words[index + len(target)] in _ABOUT
        for index in range(len(words) - len(target))
    )
