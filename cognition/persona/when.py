"""Times as people say them in English: "in an hour and a half", "at half past five", "tomorrow morning". Pure.

A time of day is taken in the time zone of the moment handed in, and means the next time that it comes round.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

__all__ = ["LONGEST", "Moment", "moment"]

LONGEST = timedelta(days=366)
"""What lies further ahead is not taken to be meant."""
MAX_TEXT = 600
"""Characters that are read."""

_TOKEN = re.compile(r"[ap]\.?\s?m\b\.?|\d{1,2}:\d{2}|\d{1,6}(?:[.,]\d{1,2})?|[a-z]+(?:['’][a-z]+)?")
_SMALL = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: value
    for value, word in zip(
        range(20, 100, 10), "twenty thirty forty fifty sixty seventy eighty ninety".split(), strict=True
    )
}
_UNITS = {
    name: seconds
    for names, seconds in (
        ("second seconds sec secs s", 1),
        ("minute minutes min mins m", 60),
        ("hour hours hr hrs h", 3600),
        ("day days", 86_400),
        ("week weeks", 604_800),
        ("fortnight fortnights", 1_209_600),
        ("month months", 2_592_000),
    )
    for name in names.split()
}
_SHARES = {"half": 0.5, "quarter": 0.25}
_SOON = {"moment": 60.0, "sec": 60.0, "second": 60.0, "bit": 600.0, "while": 1800.0}
_ABOUT = frozenset("about around roughly exactly another like maybe say approximately just".split())
_DAYS = {
    day: number
    for number, day in enumerate("monday tuesday wednesday thursday friday saturday sunday".split())
}
_PARTS = {
    "morning": time(9),
    "noon": time(12),
    "midday": time(12),
    "lunchtime": time(12, 30),
    "lunch": time(12, 30),
    "afternoon": time(15),
    "evening": time(18),
    "tonight": time(20),
    "night": time(20),
    "midnight": time(0),
}
_LATER_HALF = frozenset("afternoon evening tonight night".split())
_USUAL = time(9)
"""When a day without a time is meant."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time somebody named.

    Attributes:
        start: where it begins in the text.
        end: where it ends.
        at: what is meant, in the time zone of the question.
    """

    start: int
    end: int
    at: datetime


@dataclass(frozen=True, slots=True)
class _Clock:
    hour: int
    minute: int
    settled: bool
    """It is known which half of the day is meant."""


@dataclass(slots=True)
class _Named:
    """What is known of a time of day so far."""

    days: int | None = None
    weekday: int | None = None
    part: str = ""
    clock: _Clock | None = None

    @property
    def empty(self) -> bool:
        return self.days is None and self.weekday is None and not self.part and self.clock is None


def moment(text: str, now: datetime) -> Moment | None:
    """The first time that is named in a text and lies ahead, a year at most; None if there is none.

    Args:
        text: what was said.
        now: when it was said, in the speaker's time zone.
    """
    words = _Words(text[:MAX_TEXT])
    start = 0
    while start < len(words):
        found = _span(words, start, now) or _later(words, start, now) or _day_and_clock(words, start, now)
        if found is None:
            start += 1
            continue
        at, end = found
        if now < at <= now + LONGEST:
            return Moment(words.start(start), words.end(end - 1), at)
        start = end
    return None


class _Words:
    """Words and numbers of a text with their places; past the end there are only empty ones."""

    def __init__(self, text: str) -> None:
        # Lower case may be longer than what it is of (İ); places are then those of another text.
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        self._tokens = [
            (match[0].replace("’", "'"), match.start(), match.end()) for match in _TOKEN.finditer(lowered)
        ]

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, index: int) -> str:
        return self._tokens[index][0] if 0 <= index < len(self._tokens) else ""

    def start(self, index: int) -> int:
        return self._tokens[index][1]

    def end(self, index: int) -> int:
        return self._tokens[index][2]

    def passed(self, index: int, *phrases: str) -> int:
        """Behind the first of the phrases that stands there, or where it was."""
        for phrase in phrases:
            wanted = phrase.split()
            if [self[index + place] for place in range(len(wanted))] == wanted:
                return index + len(wanted)
        return index


def _span(words: _Words, index: int, now: datetime) -> tuple[datetime, int] | None:
    """In ten minutes; a timer for ten minutes; in a while."""
    if words[index] == "for":
        if words[index - 1] not in ("timer", "alarm"):
            return None
    elif words[index] not in ("in", "after", "within"):
        return None
    elif words[index + 1] == "a" and (place := words.passed(index + 2, "little")) and words[place] in _SOON:
        return now + timedelta(seconds=_SOON[words[place]]), place + 1
    index = words.passed(index + 1, "the next")
    while words[index] in _ABOUT:
        index += 1
    found = _duration(words, index)
    if found is None:
        return None
    seconds, index = found
    return _ahead(now, seconds), words.passed(index, "from now", "time", "or so")


def _later(words: _Words, index: int, now: datetime) -> tuple[datetime, int] | None:
    """Ten minutes from now, ten minutes later."""
    found = _duration(words, index)
    if found is None:
        return None
    seconds, index = found
    end = words.passed(index, "from now", "later")
    return (_ahead(now, seconds), end) if end > index else None


def _ahead(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=min(seconds, 2 * LONGEST.total_seconds()))


def _duration(words: _Words, index: int) -> tuple[float, int] | None:
    """Pieces such as "an hour and", "ten minutes", summed."""
    piece = _piece(words, index)
    if piece is None:
        return None
    seconds, unit, index = piece
    while unit > 1.0:
        after = words.passed(index, "and")
        further = _piece(words, after)
        if further is None or further[1] >= unit:
            bare = _number(words, after)
            if (
                unit == 3600.0
                and after == index
                and bare is not None
                and words[index].isdigit()
                and bare[0] < 60.0
            ):
                # 1h30
                return seconds + 60.0 * bare[0], bare[1]
            break
        seconds, unit, index = seconds + further[0], further[1], further[2]
    return seconds, index


def _piece(words: _Words, index: int) -> tuple[float, float, int] | None:
    """An amount with its unit: seconds, the unit's seconds, and the place behind."""
    amount: float | None = None
    share = words.passed(index, "a", "an")
    for phrase, value in (("half", 0.5), ("three quarters", 0.75), ("quarter", 0.25)):
        if (behind := words.passed(share, phrase)) > share:
            index = words.passed(words.passed(behind, "of"), "an", "a")
            return _with_unit(words, index, value)
    if (behind := words.passed(index, "a couple", "couple")) > index:
        amount, index = 2.0, words.passed(behind, "of")
    elif (behind := words.passed(index, "a few", "few")) > index:
        amount, index = 3.0, behind
    elif (number := _number(words, index)) is not None:
        amount, index = number
        behind, more = _and_share(words, index)
        if words[behind] in _UNITS:
            index, amount = behind, amount + more
    if amount is None:
        return None
    return _with_unit(words, index, amount)


def _with_unit(words: _Words, index: int, amount: float) -> tuple[float, float, int] | None:
    unit = _UNITS.get(words[index])
    if unit is None:
        return None
    index, more = _and_share(words, index + 1)
    return (amount + more) * unit, float(unit), index


def _and_share(words: _Words, index: int) -> tuple[int, float]:
    """Behind "and a half" and what it is worth; a half of something else is not meant."""
    for phrase, share in (("and a half", 0.5), ("and a quarter", 0.25), ("and three quarters", 0.75)):
        behind = words.passed(index, phrase)
        if behind > index and words[behind] not in ("an", "a", "of"):
            return behind, share
    return index, 0.0


def _number(words: _Words, index: int) -> tuple[float, int] | None:
    word = words[index]
    if word[:1].isdigit():
        return None if ":" in word else (float(word.replace(",", ".")), index + 1)
    if word in ("a", "an"):
        value, index = 1, index + 1
        if words[index] != "hundred":
            return 1.0, index
    elif word in _TENS:
        value, index = _TENS[word], index + 1
        if 0 < _SMALL.get(words[index], 0) < 10:
            value, index = value + _SMALL[words[index]], index + 1
        return float(value), index
    elif word in _SMALL:
        value, index = _SMALL[word], index + 1
    else:
        return None
    if words[index] == "hundred" and 0 < value < 10:
        value, index = 100 * value, index + 1
        rest = _number(words, words.passed(index, "and"))
        if rest is not None and rest[0] < 100 and words[words.passed(index, "and")] not in ("a", "an"):
            return value + rest[0], rest[1]
    return float(value), index


def _day_and_clock(words: _Words, index: int, now: datetime) -> tuple[datetime, int] | None:
    """A day, a part of it, and a time of day, in any order, some of them."""
    named = _Named()
    begun = index
    while True:
        behind = _day(words, index, named) or _clock(words, index, named) or _part(words, index, named)
        if behind is None:
            break
        index = behind
    if named.empty or index == begun:
        return None
    return _meant(named, now) or now, index


def _day(words: _Words, index: int, named: _Named) -> int | None:
    if named.days is not None or named.weekday is not None:
        return None
    for phrase, days in (("the day after tomorrow", 2), ("tomorrow", 1), ("today", 0)):
        if (behind := words.passed(index, phrase)) > index:
            named.days = days
            return behind
    place = words.passed(index, "on next", "on", "next", "this")
    if words[place] in _DAYS:
        named.weekday = _DAYS[words[place]]
        return place + 1
    return None


def _part(words: _Words, index: int, named: _Named) -> int | None:
    place = words.passed(index, "in the", "this", "at")
    part = words[place]
    if named.part or part not in _PARTS:
        return None
    if place == index and part != "tonight" and (named.empty or named.clock is not None):
        # "The night was long" names no time.
        return None
    if part == "lunch" and words[index] != "at":
        return None
    named.part = part
    return place + 1


def _clock(words: _Words, index: int, named: _Named) -> int | None:
    if named.clock is not None:
        return None
    place = words.passed(index, "at around", "at about", "at", "by", "around")
    if place == index:
        return None
    read = _hour_and_minute(words, place)
    if read is None:
        return None
    hour, minute, place = read
    if not (0 <= hour <= 24 and 0 <= minute < 60):
        return None
    place = words.passed(place, "o'clock", "oclock", "o clock", "sharp", "hours")
    half = words[place].replace(".", "").replace(" ", "")
    if half in ("am", "pm"):
        if not 1 <= hour <= 12:
            return None
        named.clock = _Clock(hour % 12 + (12 if half == "pm" else 0), minute, True)
        return place + 1
    if words[place] in _UNITS or words[place] == "percent":
        # "At ten minutes" is no time of day.
        return None
    written = words[place - 1]
    named.clock = _Clock(hour % 24, minute, hour == 0 or hour > 12 or (":" in written and written[0] == "0"))
    return place


def _hour_and_minute(words: _Words, index: int) -> tuple[int, int, int] | None:
    word = words[index]
    if ":" in word:
        hour, minute = word.split(":")
        return int(hour), int(minute), index + 1
    if match := re.fullmatch(r"(\d{1,2})\.(\d{2})", word):
        return int(match[1]), int(match[2]), index + 1
    for phrase, minutes in (("half past", 30), ("quarter past", 15), ("a quarter past", 15), ("half", 30)):
        if (behind := words.passed(index, phrase)) > index:
            hour_read = _number(words, behind)
            return None if hour_read is None else (int(hour_read[0]), minutes, hour_read[1])
    if (behind := words.passed(index, "a quarter to", "quarter to")) > index:
        hour_read = _number(words, behind)
        return None if hour_read is None else ((int(hour_read[0]) - 1) % 24 or 12, 45, hour_read[1])
    first = _number(words, index)
    if first is None or first[0] != int(first[0]) or word in ("a", "an"):
        return None
    value, place = int(first[0]), first[1]
    turned = words.passed(place, "minutes past", "minutes to", "past", "to")
    if turned > place and 0 < value < 60 and (hour_read := _number(words, turned)) is not None:
        if words[turned - 1] == "past":
            return int(hour_read[0]), value, hour_read[1]
        return (int(hour_read[0]) - 1) % 24 or 12, 60 - value, hour_read[1]
    if value <= 24 and not words[place][:1].isdigit() and words[place] not in ("a", "an"):
        second = _number(words, place)
        if second is not None and 10 <= second[0] < 60:
            return value, int(second[0]), second[1]
    return value, 0, place


def _meant(named: _Named, now: datetime) -> datetime | None:
    clock = _time_of(named)
    if named.days is None and named.weekday is None:
        return _next(clock, named, now)
    days = named.days if named.days is not None else ((named.weekday or 0) - now.weekday()) % 7
    at = _on(now, days, clock)
    if at <= now and named.weekday is not None:
        return _on(now, days + 7, clock)
    if at <= now and named.clock is not None and not named.clock.settled and clock.hour < 12:
        at = _on(now, days, clock.replace(hour=clock.hour + 12))
    return at if at > now else None


def _next(clock: time, named: _Named, now: datetime) -> datetime | None:
    """The next time it comes round, by day or by night where that is open."""
    hours = [clock.hour]
    if named.clock is not None and not named.clock.settled and not named.part:
        hours = sorted({named.clock.hour % 12, named.clock.hour % 12 + 12})
    found = [_on(now, days, clock.replace(hour=hour)) for days in (0, 1) for hour in hours]
    return min((at for at in found if at > now), default=None)


def _time_of(named: _Named) -> time:
    clock = named.clock
    if clock is None:
        return _PARTS[named.part] if named.part else _USUAL
    hour = clock.hour
    if not clock.settled:
        if named.part in _LATER_HALF and hour < 12:
            hour += 12
        elif named.part == "morning" and hour == 12:
            hour = 0
        elif not named.part and 1 <= hour < 8:
            # Of an unsettled hour on another day the one people are awake in is meant.
            hour += 12
    return time(hour, clock.minute)


def _on(now: datetime, days: int, clock: time) -> datetime:
    day = now.date() + timedelta(days=days + (clock == time(0) and days == 0))
    return datetime.combine(day, clock, now.tzinfo)
