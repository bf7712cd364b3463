"""When something told was or will be: times in its words, and dates as people write them. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from cognition.memory.when import when
from cognition.persona.when import moment

__all__ = ["Dated", "dated", "spoken_date"]

_TIMELY = re.compile(
    r"\d|\b(?:ago|last|past|next|this|yesterday|today|tonight|tomorrow|now|since|before"
    r"|after|until|till|later|recently|weekend|noon"
    r"|midnight|(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:minute|hour|day|week"
    r"|fortnight|month|year|decade)s?|morning|afternoon"
    r"|evening|night|spring|summer|autumn|fall|winter|january|february|march|april"
    r"|may|june|july|august|september|october|november"
    r"|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|christmas|xmas|easter"
    r"|halloween|thanksgiving|valentine|in|at|by|for)\b",
    re.IGNORECASE,
)
"""Without one of these words no time is named; looked for first, for the times are many."""
_AHEAD = "upcoming "
"""Makes names that come round again mean their next time."""
_NUMBERS: dict[str, float] = {
    word: n
    for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
_NUMBERS |= {"a": 1, "an": 1, "a couple of": 2, "a few": 3, "several": 4, "many": 10, "half a": 0.5}
_DURATION = re.compile(
    rf"\bfor (?:about |around |almost |nearly |over |more than |the (?:last|past) )?(?P<number>\d{{1,3}}"
    rf"|{'|'.join(_NUMBERS)})"
    r" (?P<unit>day|week|month|year|decade)s?(?: now| already)?\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"\bat\b|:|o'?clock|\d ?[ap]\.?m|noon|midnight|morning|afternoon|evening|tonight|hour|minute",
    re.IGNORECASE,
)
_DAYS_AGO = re.compile(
    r"\b(?P<number>\d{1,2}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven"
    r"|twelve) (?P<unit>day|week)s? ago\b",
    re.IGNORECASE,
)
"""Told so, a day is meant, though not always remembered right."""
_UNIT_DAYS = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25, "decade": 3652.5}


@dataclass(frozen=True, slots=True)
class Dated:
    """Words without the time they name.

    Attributes:
        text: the words that are left.
        since: the time's beginning; None for an open one, and where none is named.
        until: its end, not included.
        lasting: it is for how long something has been going on, up to now.
    """

    text: str
    since: datetime | None = None
    until: datetime | None = None
    lasting: bool = False

    @property
    def instant(self) -> datetime | None:
        """The one instant that stands for it: its beginning, or its last, as in "by Friday"."""
        if self.since is None and self.until is not None:
            return self.until - timedelta(seconds=1)
        return self.since

    @property
    def named(self) -> bool:
        """Whether any time was."""
        return self.since is not None or self.until is not None


def dated(text: str, said: datetime, *, ahead: bool) -> Dated:
    """Reads the first time out of a clause.

    Args:
        text: of the clause.
        said: when, in the zone of who said it.
        ahead: what it speaks of lies ahead.
    """
    if _TIMELY.search(text) is None:
        return Dated(text)
    ago = None if ahead else _DAYS_AGO.search(text)
    if ago is not None:
        number = ago["number"].lower()
        days = (float(number) if number.isdigit() else _NUMBERS[number]) * _UNIT_DAYS[ago["unit"].lower()]
        day = (said - timedelta(days)).replace(hour=0, minute=0, second=0, microsecond=0)
        return Dated(_without(text, ago.start(), ago.end()), day, day + timedelta(days=1))
    lasting = _DURATION.search(text)
    if lasting is not None and not ahead:
        number = lasting["number"].lower()
        amount = float(number) if number.isdigit() else float(_NUMBERS[number])
        since = said - timedelta(amount * _UNIT_DAYS[lasting["unit"].lower()])
        return Dated(_without(text, lasting.start(), lasting.end()), since, None, lasting=True)
    shift = len(_AHEAD) if ahead else 0
    found = when(_AHEAD + text if ahead else text, said)
    if ahead and (soon := moment(text, said)) is not None and _CLOCK.search(text, soon.start, soon.end):
        if found is None:
            return Dated(_without(text, soon.start, soon.end), soon.at, soon.at + timedelta(hours=1))
        # A day of the one and an hour of the other are said side by side.
        start, end = min(soon.start, found.start - shift), max(soon.end, found.end - shift)
        if found.holds(soon.at) and end - start <= soon.end - soon.start + found.end - found.start + 8:
            return Dated(_without(text, start, end), soon.at, soon.at + timedelta(hours=1))
    if found is None or found.end <= shift:
        return Dated(text)
    return Dated(_without(text, max(found.start - shift, 0), found.end - shift), found.since, found.until)


def spoken_date(since: datetime | None, until: datetime | None) -> str:
    """A time as people write it: "on 14 March 2026", "in March 2026", "since 2015"; empty for none."""
    if since is None:
        return "" if until is None else f"by {_day(until - timedelta(seconds=1))}"
    if until is None:
        first_of_year = (since.month, since.day) == (1, 1) and since.time() == time(0)
        return f"since {since.year}" if first_of_year else f"since {_day(since)}"
    length = until - since
    if length < timedelta(hours=2) and since.time() != time(0):
        return f"on {_weekday(since)} at {since:%H:%M}"
    if length <= timedelta(hours=36):
        return f"on {_weekday(since)}"
    if length <= timedelta(days=10):
        return f"in the week of {_day(since)}"
    if length <= timedelta(days=45):
        middle = since + length / 2
        return f"in {middle:%B %Y}"
    if length >= timedelta(days=300):
        middle = since + length / 2
        return f"in {middle:%Y}"
    return f"between {since:%B %Y} and {until - timedelta(days=1):%B %Y}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _weekday(at: datetime) -> str:
    return f"{at:%A}, {_day(at)}"


def _without(text: str, start: int, end: int) -> str:
    return re.sub(r"\s+([,.])", r"\1", " ".join((text[:start] + " " + text[end:]).split())).strip(" ,")
