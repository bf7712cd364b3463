"""What words tell of people, by rules: facts, tastes, relations, events, plans, and what they wait for.

Pure. Each finding is a sentence that stands alone, with the words it comes from. What is asked, supposed or passed on
as somebody else's words makes none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cognition.memory.dating import Dated, dated, spoken_date
from cognition.memory.finding import ADVERBS, MAX_WORDS, Finding, cut, third
from cognition.memory.plans import outcomes, plans, waiting
from cognition.memory.rules import EVENT_VERBS, OCCUPATION, RULES, THING_RULES, Draft
from cognition.memory.speaking_of import SINGLE_RELATIONS, Speaker, Statement, named_in, statement
from cognition.memory.spoken import Clause, clauses, content_words

__all__ = ["MAX_FINDINGS", "extract"]

MAX_FINDINGS = 12
"""Of one turn."""

_NOTHING = frozenset(
    "it that this them him her you me us there here one so something anything everything"
    " nothing someone what how these those "
    "yours mine".split()
)
_NO_PLACE = frozenset(
    "fear hope peace denial pain love trouble silence poverty luxury sin chaos mind touch style".split()
)
_NO_OCCUPATION = frozenset(
    """
    number bother winner loser believer customer member lover owner stranger foreigner father mother brother
    sister hater other former later beginner bigger better daughter morning nerd person water partner dinner
    computer letter order eater supporter listener sleeper wanderer newcomer survivor monster neighbour
    neighbor christian vegetarian different important sure listener talker twin listener parent patient reader
    runner gamer hiker climber collector
    """.split()
)
_FLEETING = re.compile(
    r"^(?:an? )?(?:bit|little|lot|tad|mess|wreck|joke|shame|pity|moment|while|minute"
    r"|second|couple|few|one|same|only|first|last|best"
    r"|worst|problem|question|idea|point|thing|day)\b",
    re.IGNORECASE,
)
_WISH = re.compile(r"^(?:I|we) would (?:really )?(?:love|like) to\b(?!.*\bif\b)", re.IGNORECASE)
_ANSWERS = (
    (
        re.compile(r"\bwhere (?:do|are|is) you (?:live|living|based|staying)\b", re.IGNORECASE),
        "I live in {}",
        r"(?:in|at) ",
    ),
    (
        re.compile(r"\bwhere (?:are|were) you (?:from|born|raised)|where did you grow up", re.IGNORECASE),
        "I am from {}",
        r"(?:from|in) ",
    ),
    (
        re.compile(
            r"\bwhat (?:do you do(?: for (?:a living|work))?|is your job|'s your job)\s*\?", re.IGNORECASE
        ),
        "I work as {}",
        r"(?:as|I'm|I am) ",
    ),
    (re.compile(r"\bwhere do you work\b", re.IGNORECASE), "I work at {}", r"(?:at|for|in) "),
    (
        re.compile(r"\bwh(?:at|ich)(?:'s| is) your favou?rite (?P<t>[\w ]+?)\s*\?", re.IGNORECASE),
        "my favourite {t} is {}",
        r"(?:probably|definitely|it's|it is) ",
    ),
    (re.compile(r"\bwhen(?:'s| is) your birthday\b", re.IGNORECASE), "my birthday is {}", r"(?:it's|it is) "),
    (re.compile(r"\bhow old are you\b", re.IGNORECASE), "I am {} years old", r"(?:I'm|I am) "),
    (
        re.compile(
            r"\bwhat(?:'s| is) your (?P<t>dog|cat|sister|brother|wife|husband|partner|son|daughter)(?:'s name| called)",
            re.IGNORECASE,
        ),
        "my {t} is called {}",
        r"(?:it's|his name is|her name is|he's called|she's called|she's|he's) ",
    ),
)
_OWN = (
    (re.compile(r"\b(?:my|our)\b", re.IGNORECASE), "{0}'s"),
    (re.compile(r"\b(?:I|me|[Ww]e|us)\b"), "{0}"),
)
_DAYS_OF_EVENT = timedelta(days=10)
_PAST = re.compile(
    r"\b(?:\w+ed|was|were|had|did|got|came|went|saw|ran|broke|won|lost|met|found|left"
    r"|took|made|began|fell|stole|sang|swam|drove"
    r"|rang|grew|threw|caught|taught|bought|sold|built|cut|hit|hurt|put|spent|sent"
    r"|slept|stood|struck|burst|gave|wrote|flew|rode)\b",
    re.IGNORECASE,
)
_MOMENTOUS = re.compile(
    r"\b(?:died|passed away|death|baby|born|married|engaged|divorced|cancer|surgery"
    r"|hospital|accident|fired|laid off|promoted|promotion|pregnant|graduated|won"
    r"|miscarriage|funeral|burglary|robbed|scholarship|heart attack|stroke)\b",
    re.IGNORECASE,
)


def extract(text: str, speaker: Speaker, said: datetime, *, question: str = "") -> tuple[Finding, ...]:
    """Everything that a turn tells.

    Args:
        text: what was said.
        speaker: by whom.
        said: when, in the speaker's time zone.
        question: what they were asked right before, of which the answer may be half a sentence.

    Returns:
        What is told, each thing once, in order; at most `MAX_FINDINGS`.
    """
    found: dict[tuple[str, str, str, bool], Finding] = {}
    before: Statement | None = None
    for clause in (*_completed(text, question), *clauses(text)):
        said_of = statement(clause.text, speaker, before)
        for finding in _of_clause(clause, said_of, speaker, said):
            key = (finding.subject, finding.attribute, finding.value.casefold(), finding.valid_to is not None)
            found.setdefault(key, finding)
        if said_of is not None and not said_of.own:
            before = said_of
        elif named := named_in(clause.text):
            before = _statement_of(named[-1].name, named[-1].relation, speaker)
    return tuple(found.values())[:MAX_FINDINGS]


def _of_clause(
    clause: Clause, said_of: Statement | None, speaker: Speaker, said: datetime
) -> Iterator[Finding]:
    if clause.doubt and not (clause.doubt == "supposed" and _WISH.match(clause.text)):
        return
    if not clause.doubt:
        yield from _relations(clause, speaker)
        yield from outcomes(clause, said_of, speaker, said)
    if said_of is None:
        yield from _dated_event(clause, speaker, said)
        return
    plain = " ".join((f"{said_of.lead} " + ADVERBS.sub("", said_of.rest)).split())
    told = [*waiting(clause, said_of, said), *plans(clause, said_of, said)]
    if not told:
        told = list(_by_rules(clause, said_of, plain, said))
    if not told:
        told = list(_events(clause, said_of, plain, said))
    yield from told or _dated_event(clause, speaker, said)


def _by_rules(clause: Clause, said_of: Statement, plain: str, said: datetime) -> Iterator[Finding]:
    time = dated(plain, said, ahead=False)
    words = time.text[len(said_of.lead) :].strip(" ,") if time.text.startswith(said_of.lead) else time.text
    rules, subject = (THING_RULES, f"{said_of.thing} {words}") if said_of.thing else (RULES, words)
    # "My birthday is on the third of May" names a time that is the value.
    whole = f"{said_of.thing} {said_of.rest}" if said_of.thing else subject
    for rule in rules:
        match = rule.pattern.match(whole if said_of.thing else subject)
        if match is None:
            continue
        drawn = [one for draft in rule.drafts if (one := _filled(draft, match, clause, said_of, time, said))]
        if drawn:
            yield from drawn
            return
    yield from _being(clause, said_of, words, time, said)


def _filled(
    draft: Draft, match: re.Match[str], clause: Clause, said_of: Statement, time: Dated, said: datetime
) -> Finding | None:
    groups = {key: cut(value or "") for key, value in match.groupdict().items()} | {"0": match[0]}
    value = _formed(draft.value, groups)
    if not _fits(value if "{" in draft.value else groups["v"], draft.check, clause):
        return None
    if draft.check == "occupation" and re.match(r"(?:an?|the) ", value) is None and " " not in value:
        groups["v"] = f"{'an' if value[0] in 'aeiou' else 'a'} {value}"
    groups = {key: third(group) for key, group in groups.items()}
    name = said_of.name
    if draft.when == "until":
        valid_from, valid_to = None, time.until or time.since or said
        if time.lasting or (time.since is not None and time.until is None):
            valid_to = said
        if time.since is not None and time.until is not None:
            # "I lived in Paris in 2015": while it was so; "I left in May": when it ended.
            ended = draft.attribute != "home" or "no longer" in draft.text
            valid_from, valid_to = (None, time.since) if ended else (time.since, time.until)
        valid_to = min(valid_to, said)
    else:
        valid_from = time.since if draft.when in ("since", "at") else None
        valid_to = None
    date = spoken_date(time.since, time.until) if time.named and draft.when else ""
    sentence = _formed(draft.text, groups | {"name": name})
    if date:
        sentence = f"{sentence.rstrip('.')} ({date})."
    return Finding(
        draft.kind,
        said_of.subject,
        name,
        _formed(draft.attribute, groups).casefold(),
        re.sub(r"^(?:an?|the) ", "", value, flags=re.IGNORECASE),
        sentence,
        clause.quote,
        draft.single,
        valid_from,
        valid_to,
        None,
        draft.importance if said_of.own else 0.8 * draft.importance,
    )


def _being(clause: Clause, said_of: Statement, words: str, time: Dated, said: datetime) -> Iterator[Finding]:
    """Of "I am a morning person" no more than what it says."""
    match = re.match(r"(?:am|is|are) (?P<v>an? [\w' -]+)", words)
    if match is None or said_of.thing:
        return
    value = cut(match["v"])
    if _FLEETING.match(value) or not 2 <= len(value.split()) <= 6:
        return
    text = f"{said_of.name} is {third(value)}."
    yield Finding("fact", said_of.subject, said_of.name, "is", value, text, clause.quote, importance=0.45)


def _relations(clause: Clause, speaker: Speaker) -> Iterator[Finding]:
    for named in named_in(clause.text):
        head = named.relation.split()[-1]
        text = f"{named.name} is {speaker.name}'s {named.relation}."
        yield Finding(
            "relation",
            speaker.identity,
            speaker.name,
            named.relation,
            named.name,
            text,
            clause.quote,
            head in SINGLE_RELATIONS,
            importance=0.8,
        )


def _events(clause: Clause, said_of: Statement, plain: str, said: datetime) -> Iterator[Finding]:
    rest = said_of.rest
    if said_of.thing:
        if not re.search(
            r"\b(?:died|broke|was stolen|got stolen|was born|arrived|was broken|crashed|burned down|was cancelled)\b",
            rest,
        ):
            return
        rest, name = f"{said_of.thing} {rest}", f"{said_of.name}'s"
    else:
        name = said_of.name
        if EVENT_VERBS.match(rest) is None or rest.startswith(("have to", "has to", "had to", "got to")):
            return
    time = dated(f"{said_of.lead} {rest}".strip(), said, ahead=False)
    words = (
        time.text[len(said_of.lead) :].strip(" ,")
        if said_of.lead and time.text.startswith(said_of.lead)
        else time.text
    )
    if len(content_words(words)) < (2 if said_of.own else 1):
        return
    shortened = " ".join(words.split()[:24])
    date = spoken_date(time.since, time.until)
    text = f"{name} {third(shortened)}{f' ({date})' if date else ''}."
    momentous = _MOMENTOUS.search(words) is not None
    yield Finding(
        "event",
        said_of.subject,
        said_of.name,
        "event",
        shortened,
        text,
        clause.quote,
        valid_from=time.since or time.until,
        importance=0.9 if momentous else 0.5 if time.named else 0.4,
    )


def _dated_event(clause: Clause, speaker: Speaker, said: datetime) -> Iterator[Finding]:
    """Whatever else is said to have happened on a day: "the roof started leaking on Monday"."""
    if clause.doubt:
        return
    time = dated(clause.text, said, ahead=False)
    if time.since is None or time.until is None or not content_words(time.text):
        return
    if time.until - time.since > _DAYS_OF_EVENT or time.since > said or _PAST.search(time.text) is None:
        return
    words = " ".join(time.text.split()[:24])
    for pattern, plain in _OWN:
        words = pattern.sub(plain.format(speaker.name), words)
    text = f"{words[:1].upper()}{words[1:]} ({spoken_date(time.since, time.until)})."
    importance = 0.85 if _MOMENTOUS.search(words) is not None else 0.5
    yield Finding(
        "event",
        speaker.identity,
        speaker.name,
        "event",
        time.text,
        text,
        clause.quote,
        valid_from=time.since,
        importance=importance,
    )


def _completed(text: str, question: str) -> Sequence[Clause]:
    """A short answer, made a sentence of with the words of its question."""
    words = re.sub(
        r",? (?:probably|I (?:think|guess|suppose)|definitely|of course)$", "", text.strip().rstrip(".!")
    )
    if not question or not words or len(words.split()) > 6 or "?" in text:
        return ()
    for pattern, sentence, opening in _ANSWERS:
        asked = pattern.search(question)
        if asked is None:
            continue
        answer = re.sub(
            rf"^(?:(?:um|uh|well|oh|yeah|so)[, ]+)*(?:{opening})?", "", words, flags=re.IGNORECASE
        )
        if not content_words(answer) or re.match(r"(?:I|we|my|no|none|not)\b", answer, re.IGNORECASE):
            return ()
        whole = sentence.format(answer, **asked.groupdict())
        return [replace(one, quote=text) for one in clauses(whole)]
    return ()


def _statement_of(name: str, relation: str, speaker: Speaker) -> Statement:
    return Statement(
        f"{speaker.identity}/{name.casefold()}", f"{speaker.name}'s {relation} {name}", False, "", ""
    )


def _fits(value: str, check: str, clause: Clause) -> bool:
    words = value.split()
    if not words or len(words) > MAX_WORDS or words[0].casefold() in _NOTHING or not content_words(value):
        return False
    if check == "place":
        cased = any(character.isupper() for character in clause.quote.replace("I", ""))
        lower = words[0].casefold()
        return lower not in _NO_PLACE and (
            value[0].isupper() or lower in ("a", "an", "the", "my", "our") or not cased
        )
    if check == "occupation":
        return OCCUPATION.search(words[-1]) is not None and words[-1].casefold() not in _NO_OCCUPATION
    return check != "thing" or _FLEETING.match(value) is None


def _formed(template: str, groups: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: groups.get(match[1], ""), template).strip()
