"""What somebody means to do, and what they wait for until it has come: plans, promises, open threads. Pure."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from cognition.memory.dating import Dated, dated, spoken_date
from cognition.memory.finding import ADVERBS, MAX_WORDS, Finding, cut, third
from cognition.memory.speaking_of import Speaker, Statement
from cognition.memory.spoken import Clause, content_words

__all__ = ["outcomes", "plans", "waiting"]

_PLAN = re.compile(
    r"^(?P<way>will|shall|(?:am|is|are) (?:going|planning|about|hoping|supposed|meant"
    r"|expected|due|aiming|determined|looking) to|plans? (?:to|on)"
    r"|(?:am|is|are) (?:planning|thinking) (?:on|of|about)|(?:have|has|need|needs"
    r"|intend|intends|hope|hopes|want|wants|aim|aims|expect|expects|ought) to"
    r"|(?:(?:have|has) )?(?:promised|decided|agreed|vowed|resolved|committed|pledged)(?:"
    r" [A-Z]\w+| you| my \w+| them| her| him)? to) (?P<what>.+)",
    re.IGNORECASE,
)
_NO_PLAN = re.compile(
    r"^(?:will not|(?:am|is|are) (?:not|no longer) (?:going|planning) to|(?:(?:have"
    r"|has) )?decided (?:not to|against)|(?:have|has) (?:cancelled|canceled|dropped)"
    r" (?:my|our|the) plans? to"
    r"|(?:cancelled|canceled|called off|gave up on) (?:my|our|the)) (?P<what>.+)",
    re.IGNORECASE,
)
_SOON = re.compile(
    r"^(?P<be>am|is|are) (?P<what>(?:moving|flying|meeting|visiting|starting|getting"
    r"|seeing|going|having|taking|leaving|coming|running|giving|doing|hosting"
    r"|celebrating|presenting|driving|joining|marrying|finishing|throwing|picking"
    r"|playing|performing|launching|opening|returning)\b.*)",
    re.IGNORECASE,
)
_EMPTY_PLAN = re.compile(
    r"^(?:be (?:fine|okay|ok|back|there|right|honest|late|quick|brief)|see|think|try"
    r"|do (?:it|that|so)|know|say|ask|go(?: now)?|have to|let you know|tell you"
    r"|admit|leave it|find out|never|be|sleep|eat|take (?:it|that)|keep (?:it|that)"
    r"|get (?:it|that|there))\b(?: (?:it|that|about it|you|so|now))*$",
    re.IGNORECASE,
)
_AWAITED = (
    r"(?:job |driving |piano |final |math |maths |history |dentist |doctor's |dental"
    r" |medical |blood |eye |knee |heart |phone |second |first |big |important |work"
    r" "
    r"|performance |house |flat |court |visa |citizenship |chess |school |entrance |bar )*"
    r"(?P<noun>interview|appointment|exam|test|meeting|deadline|flight|surgery|operation"
    r"|presentation|wedding|audition|date|race|marathon|half[- ]marathon|concert|match"
    r"|tournament|competition|viewing|trial|hearing|conference|trip|viva|scan|check-?up"
    r"|recital|performance|exhibition|defen[cs]e|review|party|talk|gig|lecture|inspection"
    r"|application|results?|offer|holiday|vacation|due date|move|ceremony|reunion"
    r"|opening|premiere|move-in|biopsy|examination|checkup|finals?|operation|graduation"
    r"|retreat)"
)
_THREADS = (
    re.compile(
        r"^(?:have|has|will have|am having|is having|are having|get|gets)(?: to go to"
        rf"| to give| to take)? (?P<a>an?|my|our|the|this|another|two|some) (?P<what>{_AWAITED}\b.*)",
        re.IGNORECASE,
    ),
    re.compile(
        r"^(?:am|is|are)(?: \w+)? (?:waiting|expecting|nervous|anxious|excited|worried"
        r"|looking forward|waiting to hear)(?: for| to hear(?: back)?(?: from| about)?"
        r"| about| on| to| from)? (?P<what>.+)",
        re.IGNORECASE,
    ),
    re.compile(r"^(?:(?:have|has) )?applied (?:for|to) (?P<what>.+)", re.IGNORECASE),
    re.compile(r"^(?:am|is|are) (?P<what>(?:having|expecting) (?:a baby|twins|a child).*)", re.IGNORECASE),
)
_MY_THREAD = re.compile(rf"^(?P<what>{_AWAITED}(?: [\w' ]+?)?)$", re.IGNORECASE)
_OVER = re.compile(
    rf"\b(?:the|my|our|that|her|his) (?P<what>{_AWAITED})(?: [\w' ]+?)? (?P<how>(?:went"
    r"|was|were|turned out|got (?:cancelled|canceled|postponed)|is over|is done|has"
    r" been|came (?:back|in|out|through)|are (?:in|back|out)|is behind).*)",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"^(?:(?:have|has) )?(?P<how>passed|failed|aced|nailed|survived|finished|had|did"
    rf"|ran|got|won|messed up|blew|completed|made it through) (?:my|the|our|that) (?P<what>{_AWAITED}"
    r"|job|place|position|part|role|visa|house|flat|apartment|scholarship)\b(?P<more>.*)",
    re.IGNORECASE,
)
_GOT = {
    "job": "interview",
    "position": "interview",
    "part": "audition",
    "role": "audition",
    "visa": "application",
    "flat": "viewing",
}


def plans(clause: Clause, said_of: Statement, said: datetime) -> Iterator[Finding]:
    """What they mean to do, have promised, or have given up."""
    if said_of.thing:
        return
    words = f"{said_of.lead} {said_of.rest}".strip()
    given_up = _NO_PLAN.match(said_of.rest)
    plan = _PLAN.match(said_of.rest) or _SOON.match(said_of.rest)
    if given_up is None and plan is None:
        return
    time = dated(words, said, ahead=True)
    if given_up is not None:
        what = cut(_trimmed(given_up["what"], said))
        text = f"{said_of.name} no longer plans to {third(what)}."
        yield _plan_of(said_of, clause, what, text, said, Dated(""), 0.5)
        return
    assert plan is not None
    soon = "be" in plan.groupdict()
    if (soon and not _ahead(time, said)) or plan["what"].startswith("not "):
        return
    what = _trimmed(plan["what"], said)
    what = re.sub(r"\s*(?:[,;]|\b(?:because|since|but|so that|if|unless)\b).*$", "", what).strip()
    way = "" if soon else plan["way"].lower()
    if _EMPTY_PLAN.match(what) or not content_words(what):
        return
    if way in ("will", "shall") and not time.named and len(content_words(what)) < 2:
        return
    if (
        not soon
        and re.fullmatch(r"(?:have|has|need|needs) to", way)
        and not time.named
        and len(content_words(what)) < 2
    ):
        return
    date = f" {spoken_date(time.since, time.until)}" if _ahead(time, said) else ""
    verb = (
        "is" if soon else "promised to" if "promised" in way else "wants to" if "want" in way else "plans to"
    )
    what = re.sub(r"^(\w+ing)\b", r"\1", what)
    text = f"{said_of.name} {verb} {third(what)}{date}."
    yield _plan_of(
        said_of, clause, what, text, None, time if _ahead(time, said) else Dated(""), 0.65 if date else 0.5
    )


def _plan_of(
    said_of: Statement,
    clause: Clause,
    what: str,
    text: str,
    ended: datetime | None,
    time: Dated,
    importance: float,
) -> Finding:
    return Finding(
        "commitment",
        said_of.subject,
        said_of.name,
        "plan",
        _gerundless(what),
        text,
        clause.quote,
        valid_to=ended,
        due=time.instant,
        importance=importance if said_of.own else 0.8 * importance,
    )


def waiting(clause: Clause, said_of: Statement, said: datetime) -> Iterator[Finding]:
    """What lies ahead of them and is worth asking about: "I have an interview on Friday"."""
    words = f"{said_of.lead} {said_of.rest}".strip()
    time = dated(words, said, ahead=True)
    bare = time.text[len(said_of.lead) :].strip(" ,") if time.text.startswith(said_of.lead) else time.text
    bare = ADVERBS.sub("", bare).strip()
    if said_of.thing:
        mine = _MY_THREAD.match(said_of.thing)
        if (
            mine is None
            or not _ahead(time, said)
            or not re.match(
                r"(?:is|are|starts?|begins?|will be|got moved|has been moved|was moved|comes?)\b", bare
            )
        ):
            return
        text = f"{said_of.name}'s {third(mine['what'])} is {spoken_date(time.since, time.until)}."
        yield _thread(said_of, clause, mine["noun"], text, time, 0.85)
        return
    for pattern in _THREADS:
        match = pattern.match(bare)
        if match is None:
            continue
        what = cut(match["what"])
        noun = match.groupdict().get("noun") or _head(what)
        if not content_words(what) or len(what.split()) > MAX_WORDS + 3:
            return
        if "noun" in match.groupdict() and not _ahead(time, said):
            return
        article = f"{match['a']} " if "a" in match.groupdict() else ""
        date = f" {spoken_date(time.since, time.until)}" if _ahead(time, said) else ""
        lead = (
            f"{said_of.name} has {article}"
            if "a" in match.groupdict()
            else f"{said_of.name} {third(bare[: match.start('what')]).strip()} "
        )
        text = f"{lead}{third(what)}{date}."
        yield _thread(said_of, clause, noun, text, time if date else Dated(""), 0.8 if date else 0.65)
        return


def outcomes(
    clause: Clause, said_of: Statement | None, speaker: Speaker, said: datetime
) -> Iterator[Finding]:
    """What was waited for has come."""
    over = _OVER.search(clause.text)
    if over is not None:
        text = f"{speaker.name}'s {over['what']} {over['how']}"
        subject, name, noun = speaker.identity, speaker.name, over["noun"]
    elif said_of is not None and not said_of.thing and (done := _DONE.match(said_of.rest)) is not None:
        noun = done["noun"] or _GOT.get(done["what"].lower(), done["what"])
        text = f"{said_of.name} {done['how']} their {done['what']}{done['more']}"
        subject, name = said_of.subject, said_of.name
    else:
        return
    time = dated(text, said, ahead=False)
    date = spoken_date(time.since, time.until) or spoken_date(said, said + timedelta(days=1))
    text = (
        f"{third(time.text).rstrip('.')} (told {date})."
        if not time.named
        else f"{third(time.text)} ({date})."
    )
    yield Finding(
        "thread", subject, name, "awaits", noun.casefold(), text, clause.quote, valid_to=said, importance=0.7
    )


def _thread(
    said_of: Statement, clause: Clause, noun: str, text: str, time: Dated, importance: float
) -> Finding:
    return Finding(
        "thread",
        said_of.subject,
        said_of.name,
        "awaits",
        noun.casefold(),
        text,
        clause.quote,
        due=time.instant,
        importance=importance if said_of.own else 0.8 * importance,
    )


def _trimmed(what: str, said: datetime) -> str:
    return dated(what, said, ahead=True).text


def _ahead(time: Dated, said: datetime) -> bool:
    last = time.until or time.since
    return last is not None and last > said


def _gerundless(what: str) -> str:
    """The same plan under one key, however it is announced: "starting a job", "start a job"."""
    return " ".join(re.sub(r"(?<=\w{3})ing$", "", word).rstrip("e") for word in content_words(what)[:6])


def _head(what: str) -> str:
    words = content_words(what)
    return " ".join(words[:4])
