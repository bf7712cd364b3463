"""Times that questions about the past name: "last Tuesday", "two weeks ago", "before the summer", "since Christmas".

A pure function of the words and of when they are said. A time is an interval, half-open, in the time zone of who asks,
as wide as the words are vague. Seasons are those of the northern hemisphere, by whole months. What lies ahead is read
too ("next week"); a name that comes back every year or week means its last time or, in a question about what is to
come, its next. What only people know ("on my birthday") is no time here.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

__all__ = ["When", "when"]

MAX_TEXT = 2000
"""Characters that are read."""
_LONGEST_DAYS = 150 * 365

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty"
).split()
_NUMBERS: dict[str, float] = {word: float(value) for value, word in enumerate(_SMALL)} | {
    "a": 1.0,
    "an": 1.0,
    "half a": 0.5,
    "half an": 0.5,
    "a couple": 2.0,
    "couple": 2.0,
    "a few": 3.0,
    "few": 3.0,
    "several": 4.0,
    "thirty": 30.0,
    "forty": 40.0,
    "fifty": 50.0,
    "ninety": 90.0,
}
_VAGUE = frozenset(("a couple", "couple", "a few", "few", "several"))
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_MONTHS = "january february march april may june july august september october november december".split()
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_DISTANCE = {"last": -1, "this": 0, "next": 1}
_VAGUELY = {
    "recently": (21, 0),
    "lately": (21, 0),
    "the other day": (10, 0),
    "the other week": (24, 0),
    "just now": (0, 0),
    "a moment ago": (0, 0),
    "moments ago": (0, 0),
    "weeks ago": (75, 12),
    "a while ago": (365, 5),
    "a while back": (365, 5),
    "some time ago": (730, 5),
    "months ago": (730, 50),
    "years ago": (_LONGEST_DAYS, 2 * 365),
    "a long time ago": (_LONGEST_DAYS, 180),
    "ages ago": (_LONGEST_DAYS, 180),
}
"""From how many days ago until how many days ago."""
_UNIT_DAYS = {
    "day": 1,
    "night": 1,
    "week": 7,
    "fortnight": 14,
    "month": 30.44,
    "year": 365.25,
    "decade": 3652.5,
}

_NUMBER = r"(?P<number>\d{1,4}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")(?: of)?"
_UNIT = r"(?P<unit>minute|hour|day|night|week|fortnight|month|year|decade)s?"
_DAY = rf"(?P<day>{'|'.join(_WEEKDAYS)})"
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_SHORT_MONTH = r"(?P<month>" + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in _MONTHS) + r"|sept)"
_SEASON = rf"(?P<season>{'|'.join(_SEASONS)})"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_PART = r"(?P<part>morning|afternoon|evening|night)"
_NTH = r"(?P<nth>\d{1,2})(?:st|nd|rd|th)?"
_FEAST = (
    r"(?P<feast>christmas eve|christmas(?: day)?|xmas|new year['’]?s eve|new year(?:['’]?s(?: day)?)?|easter|halloween"
    r"|thanksgiving|valentine['’]?s(?: day)?)"
)
_WHICH = r"(?:the )?(?P<which>last|this|next|past) "
_WITHIN = r"(?:the )?(?P<within>early|mid|late|beginning|start|middle|end)(?:[- ]| of )(?:the )?"
_NOT_TOLD = "".join(
    rf"(?<!{verb}\x20)" for verb in "talk talked chat chatted told tell speak spoke know".split()
)
"""Before an "about" that is not "roughly"."""
_FRAMES = "back in|in|during|over|by|before|prior to|after|since|until|till|between"
_SURELY_IN = rf"(?P<lead>(?:{_FRAMES}) (?:the )?)"
_IN = rf"(?P<lead>(?:{_FRAMES}|of|and|to|through|from) (?:the )?)"
_AT = r"(?P<lead>(?:at|on|over|around|for|during|by|before|after|since|until|till|between|and|to|from) (?:the )?)"

_QUALIFIER = re.compile(
    r"\b(?P<word>before|prior to|earlier than|since|ever since|after|following|until|till|up to|from|between|by)"
    r"(?:\s+(?:the|about|around))?\s*$"
)
_TO = re.compile(r"\s*,?\s*(?:and|to|until|till|through)\s+(?:the\s+)?")
_PAST = re.compile(
    r"\b(?:did|was|were|had|said|told|talked|spoke|mentioned|happened|went|have (?:i|we|you)|has|been|used to)\b"
)
_AHEAD = re.compile(
    r"\b(?:will|['’]ll|going to|gonna|plans?|planning|planned|upcoming|coming up|have to|need to|supposed to|scheduled"
    r"|due|to do|do (?:i|we|you) have|am i doing|are (?:we|you) doing|is (?:there|happening))\b"
)


@dataclass(frozen=True, slots=True)
class When:
    """A time that somebody named.

    Attributes:
        start: where the words begin in the text.
        end: where they end.
        since: from when on; None: from the beginning. In the time zone of the question.
        until: up to before when; None: without end. One of them is there.
    """

    start: int
    end: int
    since: datetime | None
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in it."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class _Asked:
    """When a question is asked, and whether it is about what is to come."""

    now: datetime
    ahead: bool

    @property
    def today(self) -> date:
        return self.now.date()


_Period = tuple[datetime, datetime]
_Words = Mapping[str, str]
"""What the parts of a pattern matched; a part that is missing is not in it."""
_Reader = Callable[[_Words, _Asked], _Period | None]


@dataclass(frozen=True, slots=True)
class _Found:
    """A time in the text: where it begins with its preposition and without it, where it ends, what it means."""

    start: int
    core: int
    end: int
    period: _Period


def when(text: str, now: datetime) -> When | None:
    """The first time that a question names; None if it names none.

    Args:
        text: what was asked.
        now: when, in the time zone of who asks.

    Raises:
        ValueError: `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("the instant of a question has a time zone")
    # Lower case may be longer than what it is of (İ); places would then be those of another text.
    lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text[:MAX_TEXT])
    asked = _Asked(now, _AHEAD.search(lowered) is not None and _PAST.search(lowered) is None)
    found = _first(lowered, 0, asked)
    if found is None:
        return None
    since, until = found.period
    qualifier = _QUALIFIER.search(lowered, 0, found.core)
    if qualifier is None:
        return When(found.start, found.end, since, until)
    start = min(found.start, qualifier.start())
    match qualifier["word"]:
        case "from" | "between":
            return _range(lowered, start, found, asked)
        case "before" | "prior to" | "earlier than":
            return When(start, found.end, None, since)
        case "until" | "till" | "up to" | "by":
            return When(start, found.end, None, until)
        case "after" | "following":
            return When(start, found.end, until, None)
        case _:
            return When(start, found.end, since, None)


def _range(text: str, start: int, found: _Found, asked: _Asked) -> When:
    """From one time to another."""
    joint = _TO.match(text, found.end)
    other = _first(text, found.end, asked) if joint is not None else None
    if joint is None or other is None or other.core > joint.end():
        until = None if text.startswith("from", start) else found.period[1]
        return When(start, found.end, found.period[0], until)
    since = found.period[0]
    if since > other.period[0]:
        # "From November to February", "from Friday to Monday": each by itself was read as its last time.
        weekly = since - other.period[0] <= timedelta(7)
        since = since - timedelta(7) if weekly else since.replace(year=since.year - 1, day=min(since.day, 28))
    return When(start, other.end, since, other.period[1])


def _first(text: str, since: int, asked: _Asked) -> _Found | None:
    """The time that begins first, the longest of several."""
    best: _Found | None = None
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(text, since):
            if best is not None and match.start() > best.start:
                break
            words = {name: words for name, words in match.groupdict().items() if words is not None}
            try:
                period = read(words, asked)
            except (OverflowError, ValueError):
                # A day or a year that there is not.
                continue
            if period is None:
                continue
            found = _Found(match.start(), match.start() + len(words.get("lead", "")), match.end(), period)
            if best is None or (found.start, -found.end) < (best.start, -best.end):
                best = found
            break
    return best


def _midnight(day: date, asked: _Asked) -> datetime:
    return datetime.combine(day, time(0), asked.now.tzinfo)


def _days(first: date, count: int, asked: _Asked) -> _Period:
    return _midnight(first, asked), _midnight(first + timedelta(count), asked)


def _months(year: int, month: int, count: int, asked: _Asked) -> _Period:
    return _midnight(_month(year, month), asked), _midnight(_month(year, month + count), asked)


def _month(year: int, month: int) -> date:
    """The first day of a month; months beyond 1 to 12 are those of other years."""
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def _part_of(day: date, part: str | None, asked: _Asked) -> _Period:
    hours = {
        "morning": (4, 12),
        "afternoon": (12, 18),
        "evening": (17, 24),
        "night": (18, 30),
        "tonight": (17, 28),
    }
    if not part:
        return _days(day, 1, asked)
    begin, end = hours[part]
    return _hour(day, begin, asked), _hour(day, end, asked)


def _hour(day: date, hour: int, asked: _Asked) -> datetime:
    return datetime.combine(day + timedelta(hour // 24), time(hour % 24), asked.now.tzinfo)


def _named_day(words: _Words, asked: _Asked) -> _Period | None:
    named = words["named"].removeprefix("the ")
    distance = {"today": 0, "tonight": 0, "yesterday": -1, "tomorrow": 1, "day before yesterday": -2}.get(
        named, 2
    )
    part = "tonight" if named == "tonight" else words.get("part")
    return _part_of(asked.today + timedelta(distance), part, asked)


def _this_part(words: _Words, asked: _Asked) -> _Period | None:
    return _part_of(asked.today - timedelta(words["which"] == "last"), words["part"], asked)


def _ago(words: _Words, asked: _Asked) -> _Period | None:
    amount = _amount(words["number"]) + (0.5 if "more" in words else 0.0)
    return _around(asked, -amount, words["unit"], vague="about" in words or words["number"] in _VAGUE)


def _in_future(words: _Words, asked: _Asked) -> _Period | None:
    if words["unit"] in ("minute", "hour", "night"):
        return None
    return _around(asked, _amount(words["number"]), words["unit"], vague=words["number"] in _VAGUE)


def _around(asked: _Asked, amount: float, unit: str, *, vague: bool) -> _Period | None:
    """What lies so many units from now, as wide as people mean it."""
    if unit in ("minute", "hour"):
        length = timedelta(minutes=1) if unit == "minute" else timedelta(hours=1)
        slack = length * max(1.0, abs(amount)) * (0.5 if vague or unit == "minute" else 0.25) + length / 2
        return asked.now + length * amount - slack, min(asked.now + length * amount + slack, asked.now)
    days = amount * _UNIT_DAYS[unit]
    if abs(days) > _LONGEST_DAYS:
        return None
    if unit in ("day", "night") and amount.is_integer() and not vague:
        slack_days = 0 if abs(amount) <= 4 else 1
    else:
        share = {"day": 1.0, "night": 1.0, "week": 0.6, "fortnight": 0.4}.get(unit, 0.5) * (
            2.0 if vague else 1.0
        )
        slack_days = max(1, round(share * min(1.0, abs(amount)) * _UNIT_DAYS[unit]))
    # However vague, it does not reach to the other side of today.
    distance = round(days)
    first, last = distance - slack_days, distance + slack_days
    if amount > 0:
        first = max(first, min(distance, 1))
    else:
        last = min(last, max(distance, -1))
    return _days(asked.today + timedelta(first), last - first + 1, asked)


def _rolling(words: _Words, asked: _Asked) -> _Period | None:
    amount, unit = _amount(words.get("number", "a")), words["unit"]
    if unit in ("minute", "hour"):
        return asked.now - timedelta(hours=amount if unit == "hour" else amount / 60), asked.now
    days = amount * _UNIT_DAYS[unit]
    if days > _LONGEST_DAYS:
        return None
    return _midnight(asked.today - timedelta(round(days)), asked), _until_now(asked)


def _amount(word: str) -> float:
    return float(word) if word.isdigit() else _NUMBERS[" ".join(word.split())]


def _until_now(asked: _Asked) -> datetime:
    """The end of a time that reaches up to the question, which belongs to it."""
    return asked.now + timedelta(seconds=1)


def _calendar(words: _Words, asked: _Asked) -> _Period | None:
    """Last week, this month, next year; the week before last."""
    distance = _DISTANCE.get(words.get("which", ""), -2)
    today = asked.today
    monday = today - timedelta(today.weekday())
    match words["unit"]:
        case "week":
            return _days(monday + timedelta(weeks=distance), 7, asked)
        case "month":
            return _months(today.year, today.month + distance, 1, asked)
        case "year":
            return _months(today.year + distance, 1, 12, asked)
        case _:
            return _days(monday + timedelta(weeks=distance) + timedelta(5), 2, asked)


def _weekend(_words: _Words, asked: _Asked) -> _Period:
    saturday = asked.today - timedelta(asked.today.weekday()) + timedelta(5)
    if not asked.ahead and saturday > asked.today:
        saturday -= timedelta(7)
    return _days(saturday, 2, asked)


def _weekday(words: _Words, asked: _Asked) -> _Period | None:
    today, wanted = asked.today, _WEEKDAYS.index(words["day"])
    day = today - timedelta(today.weekday()) + timedelta(wanted)
    if "week" in words:
        day += timedelta(weeks=_DISTANCE[words["week"]])
    elif words.get("which") == "next":
        day = today + timedelta((wanted - today.weekday() - 1) % 7 + 1)
    elif "which" not in words and asked.ahead:
        day = today + timedelta((wanted - today.weekday()) % 7)
    elif words.get("which") != "this":
        day = today - timedelta((today.weekday() - wanted - 1) % 7 + 1)
    return _part_of(day - timedelta(7 if "before" in words else 0), words.get("part"), asked)


def _season(words: _Words, asked: _Asked) -> _Period | None:
    return _yearly(words, lambda year: _months(year, _SEASONS[words["season"]], 3, asked), asked)


def _month_named(words: _Words, asked: _Asked) -> _Period | None:
    number = _MONTHS.index(words["month"]) + 1
    return _within(_yearly(words, lambda year: _months(year, number, 1, asked), asked), words.get("within"))


def _feast(words: _Words, asked: _Asked) -> _Period | None:
    return _yearly(words, lambda year: _feast_of(words["feast"], year, asked), asked)


def _yearly(words: _Words, of_year: Callable[[int], _Period], asked: _Asked) -> _Period:
    """Of what comes every year the one that is meant."""
    now, this_year, which = asked.now, asked.today.year, words.get("which")
    if "year" in words:
        return of_year(int(words["year"]))
    if "distance" in words:
        return of_year(this_year + _DISTANCE[words["distance"]])
    around = [of_year(this_year + distance) for distance in range(-3, 4)]
    if which == "this":
        return next((one for one in around if one[0] <= now < one[1]), around[3])
    if which == "next":
        return next(one for one in around if one[0] > now)
    if which is None and "before" not in words and asked.ahead:
        return next(one for one in around if one[1] > now)
    past = [one for one in around if (one[0] if which is None else one[1]) <= now]
    return past[-2 if "before" in words else -1]


def _within(period: _Period, word: str | None) -> _Period:
    """Early in it, in its middle, late."""
    if word is None:
        return period
    third = (period[1] - period[0]) / 3
    place = 0 if word in ("early", "beginning", "start") else 1 if word in ("mid", "middle") else 2
    return period[0] + third * place, period[1] - third * (2 - place)


def _date(words: _Words, asked: _Asked) -> _Period | None:
    month, day = [name[:3] for name in _MONTHS].index(words["month"][:3]) + 1, int(words["nth"])
    if "year" in words:
        return _days(date(int(words["year"]), month, day), 1, asked)
    found: list[date] = []
    for distance in range(-8, 9):
        with suppress(ValueError):
            # There is no 29th of February, most years.
            found.append(date(asked.today.year + distance, month, day))
    if asked.ahead:
        return next((_days(one, 1, asked) for one in found if one >= asked.today), None)
    return next((_days(one, 1, asked) for one in reversed(found) if one <= asked.today), None)


def _iso(words: _Words, asked: _Asked) -> _Period | None:
    return _days(date(int(words["year"]), int(words["mm"]), int(words["dd"])), 1, asked)


def _day_of_month(words: _Words, asked: _Asked) -> _Period | None:
    number, today = int(words["nth"]), asked.today
    for distance in range(13) if asked.ahead else range(0, -13, -1):
        day = _month(today.year, today.month + distance) + timedelta(number - 1)
        there_is = number >= 1 and day.day == number
        if there_is and (day >= today if asked.ahead else day <= today):
            return _days(day, 1, asked)
    return None


def _year(words: _Words, asked: _Asked) -> _Period | None:
    return _within(_months(int(words["year"]), 1, 12, asked), words.get("within"))


def _feast_of(name: str, year: int, asked: _Asked) -> _Period:
    if name == "christmas eve":
        return _days(date(year, 12, 24), 1, asked)
    if name.startswith(("christmas", "xmas")):
        return _days(date(year, 12, 24), 3, asked)
    if name.startswith("new year"):
        return _days(date(year, 12, 31) if name.endswith("eve") else date(year, 1, 1), 1, asked)
    if name == "easter":
        return _days(_easter(year) - timedelta(2), 4, asked)
    if name == "halloween":
        return _days(date(year, 10, 31), 1, asked)
    if name == "thanksgiving":
        first = date(year, 11, 1)
        return _days(first + timedelta((3 - first.weekday()) % 7 + 21), 1, asked)
    return _days(date(year, 2, 14), 1, asked)


def _easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian computus (Nature, 20 April 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * e) // 451
    month, day = divmod(h + e - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _a_year_ago(_words: _Words, asked: _Asked) -> _Period | None:
    return _days(asked.today - timedelta(365 + 21), 43, asked)


def _vaguely(words: _Words, asked: _Asked) -> _Period | None:
    most, least = _VAGUELY[" ".join(words["vague"].split())]
    until = _until_now(asked) if least == 0 else _midnight(asked.today - timedelta(least), asked)
    return _midnight(asked.today - timedelta(most), asked), until


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'’])(?:{pattern})(?![\w'’])".replace(" ", r"\s+"))


_PATTERNS: tuple[tuple[re.Pattern[str], _Reader], ...] = tuple(
    (_compiled(pattern), read)
    for pattern, read in (
        (
            r"(?:earlier |later )?(?P<named>(?:the )?day before yesterday|(?:the )?day after tomorrow|today|yesterday"
            rf"|tomorrow|tonight)(?: {_PART})?",
            _named_day,
        ),
        (r"(?:earlier )?(?P<which>this) (?P<part>morning|afternoon|evening)", _this_part),
        (r"(?P<which>last) (?P<part>night|evening)", _this_part),
        (r"(?:around |about )?(?:at )?this time last year", _a_year_ago),
        (
            rf"(?P<about>{_NOT_TOLD}about |around |roughly |almost |nearly |over |more than |some |maybe )?"
            rf"{_NUMBER} {_UNIT}(?P<more> and a half)? (?:ago|back)",
            _ago,
        ),
        (rf"in (?:about )?{_NUMBER} {_UNIT}(?: time|['’] time)?", _in_future),
        (rf"(?:(?:in|over|during|within|for) )?(?:the |these )?(?:last|past) {_NUMBER} {_UNIT}", _rolling),
        (
            r"(?:in|over|during|within|for) the (?:last|past) (?P<unit>hour|day|week|month|year|decade)",
            _rolling,
        ),
        (r"the past (?P<unit>hour|day|week|month|year|decade)", _rolling),
        (
            r"(?:earlier |later |so far )?(?P<which>last|this|next) (?P<unit>week|month|year|weekend)",
            _calendar,
        ),
        (r"the (?P<unit>week|month|year|weekend) before last", _calendar),
        (r"(?P<lead>(?:at|on|over|during|before|after|since) )the weekend", _weekend),
        (rf"(?:on )?(?:{_WHICH}|the )?{_DAY}(?: {_PART})?(?P<before> before last)?", _weekday),
        (rf"(?:on )?{_DAY}(?: {_PART})?,? (?:of )?(?P<week>last|this|next) week", _weekday),
        (rf"(?P<week>last|this|next) week,? (?:on )?{_DAY}(?: {_PART})?", _weekday),
        (rf"{_WHICH}{_SEASON}", _season),
        (rf"(?:the )?{_SEASON}(?: of)? {_YEAR}", _season),
        (rf"the {_SEASON} (?P<before>before last)", _season),
        (rf"{_IN}{_SEASON}", _season),
        (rf"{_WHICH}{_MONTH}", _month_named),
        (rf"{_MONTH},?(?: of)? {_YEAR}", _month_named),
        (rf"{_MONTH} (?P<distance>last|this|next) year", _month_named),
        (rf"{_SURELY_IN}{_MONTH}", _month_named),
        (
            rf"{_IN}(?P<month>{'|'.join(name for name in _MONTHS if name not in ('march', 'may'))})",
            _month_named,
        ),
        (rf"(?:in |at |around |since |by )?{_WITHIN}{_MONTH}(?:,?(?: of)? {_YEAR})?", _month_named),
        (rf"(?:on )?(?:the )?{_SHORT_MONTH}\.? (?:the )?{_NTH}(?:,? {_YEAR})?", _date),
        (rf"(?:on )?(?:the )?{_NTH}(?: of)? {_SHORT_MONTH}(?:,? {_YEAR})?", _date),
        (r"(?:on )?(?P<year>\d{4})-(?P<mm>\d{2})-(?P<dd>\d{2})", _iso),
        (r"(?P<lead>(?:on|since|before|after|until|by) )the (?P<nth>\d{1,2})(?:st|nd|rd|th)", _day_of_month),
        (rf"{_SURELY_IN}{_YEAR}", _year),
        (rf"(?P<lead>(?:from|between|and|to) ){_YEAR}", _year),
        (rf"(?:in |at |around |since |by )?{_WITHIN}{_YEAR}", _year),
        (rf"{_AT}{_FEAST}(?: {_YEAR})?", _feast),
        (rf"{_WHICH}{_FEAST}", _feast),
        (rf"{_FEAST} {_YEAR}", _feast),
        (rf"(?P<vague>{'|'.join(_VAGUELY)})", _vaguely),
    )
)
