"""Times and reminders as people say them: what is meant, and that no words are too strange to be read."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.persona.reminder import Reminder, reminder_in, reminder_words
from cognition.persona.when import LONGEST, moment

NOW = datetime(2026, 3, 4, 14, 20, tzinfo=UTC)
"""A Wednesday."""


def minutes(text: str) -> float:
    found = moment(text, NOW)
    assert found is not None, text
    return (found.at - NOW) / timedelta(minutes=1)


def at(text: str, now: datetime = NOW) -> str:
    found = moment(text, now)
    assert found is not None, text
    return found.at.strftime("%d %H:%M")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in ten minutes", 10),
        ("in 10 min", 10),
        ("in 10-minute", 10),
        ("in half an hour", 30),
        ("in an hour and a half", 90),
        ("in one and a half hours", 90),
        ("in 1.5 hours", 90),
        ("in 1h30", 90),
        ("in a quarter of an hour", 15),
        ("in three quarters of an hour", 45),
        ("in two hours and ten minutes", 130),
        ("in twenty-five minutes or so", 25),
        ("in about an hour", 60),
        ("in a hundred and twenty minutes", 120),
        ("in 90 seconds", 1.5),
        ("in a couple of minutes", 2),
        ("in a moment", 1),
        ("ten minutes from now", 10),
        ("set a timer for five minutes", 5),
        ("in a week", 7 * 24 * 60),
    ],
)
def test_a_span_is_counted_from_now(text: str, expected: float) -> None:
    assert minutes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at five", "04 17:00"),
        ("at 5 p.m.", "04 17:00"),
        ("at 5 am", "05 05:00"),
        ("at 17:30", "04 17:30"),
        ("at half past three", "04 15:30"),
        ("at a quarter to six", "04 17:45"),
        ("at ten past four", "04 16:10"),
        ("at twenty to three", "04 14:40"),
        ("at five thirty", "04 17:30"),
        ("by six o'clock", "04 18:00"),
        ("at 9 in the morning", "05 09:00"),
        ("tomorrow", "05 09:00"),
        ("tomorrow at five", "05 17:00"),
        ("at nine tomorrow", "05 09:00"),
        ("tomorrow at 7 in the evening", "05 19:00"),
        ("tonight at eleven", "04 23:00"),
        ("on Monday at 3", "09 15:00"),
        ("on Wednesday at 2", "11 14:00"),
        ("at midnight", "05 00:00"),
        ("at noon", "05 12:00"),
        ("the day after tomorrow at 10:15", "06 10:15"),
    ],
)
def test_a_time_of_day_is_the_next_one_to_come(text: str, expected: str) -> None:
    assert at(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "in the kitchen",
        "at home",
        "in 2026",
        "after lunch",
        "the night was long",
        "at 25:00",
        "in 0 minutes",
        "in twenty",
        "today at two",
        "at 100 percent",
        "in 900000 weeks",
        "",
        "in",
        "at",
    ],
)
def test_what_names_no_time_ahead_is_not_taken_for_one(text: str) -> None:
    assert moment(text, NOW) is None


def test_a_time_of_day_is_that_of_where_the_speaker_is() -> None:
    berlin = NOW.astimezone(ZoneInfo("Europe/Berlin"))
    found = moment("at five", berlin)
    assert found is not None
    assert found.at == datetime(2026, 3, 4, 16, 0, tzinfo=UTC)


def test_the_night_in_which_the_clock_is_changed_keeps_the_hour_that_was_named() -> None:
    evening = datetime(2026, 3, 28, 20, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    found = moment("tomorrow at nine", evening)
    assert found is not None
    assert found.at.astimezone(UTC) == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)


words = st.sampled_from(
    "in at on a an the half quarter past to hour minutes ten five 5 17:30 9.15 pm tomorrow monday morning and "
    "remind me us to call 99999 0 h 1h30 noon midnight timer for from now ı İ ß".split()
)


@given(st.lists(words, max_size=14).map(" ".join) | st.text(max_size=80))
def test_whatever_is_said_a_time_lies_ahead_within_a_year_and_within_the_text(text: str) -> None:
    found = moment(text, NOW)
    if found is not None:
        assert NOW < found.at <= NOW + LONGEST
        assert 0 <= found.start < found.end <= len(text)


@given(st.lists(words, max_size=14).map(" ".join) | st.text(max_size=80))
def test_whatever_is_said_a_reminder_is_read_or_not_but_never_fails(text: str) -> None:
    wish = reminder_in(f"remind me {text}", NOW)
    if wish is not None:
        assert len(reminder_words(wish, "Ada")) < 300


@given(count=st.integers(1, 999), unit=st.sampled_from(["second", "minute", "hour"]))
def test_every_number_of_seconds_minutes_and_hours_is_understood(count: int, unit: str) -> None:
    span = timedelta(seconds=count * {"second": 1, "minute": 60, "hour": 3600}[unit])
    found = moment(f"in {count} {unit}s", NOW)
    assert found is not None
    assert found.at - NOW == span


def test_a_span_of_another_offset_stays_that_span() -> None:
    now = NOW.astimezone(timezone(timedelta(hours=-7)))
    found = moment("in ten minutes", now)
    assert found is not None
    assert found.at - NOW == timedelta(minutes=10)


@pytest.mark.parametrize(
    ("text", "whom", "what", "after"),
    [
        ("Remind me in ten minutes to call my mother.", "", "to call your mother", 10),
        ("Nova, can you remind me to call mom in 10 minutes, please?", "", "to call mom", 10),
        ("In an hour and a half, remind us that the meeting ends.", "all", "that the meeting ends", 90),
        ("Could you remind Bob to drink water in five minutes?", "Bob", "to drink water", 5),
        ("Remind me about the oven in 20 minutes, Nova.", "", "about the oven", 20),
        ("Remind me to call mum. In ten minutes.", "", "to call mum", 10),
        ("Remind me at 3 pm I'm late for my dentist", "", "that you're late for your dentist", 40),
        ("Set a ten minute timer.", "", "", 10),
        ("Let me know in five minutes.", "", "", 5),
        ("remind me in two hours and remind me in three hours", "", "", 120),
    ],
)
def test_a_wish_is_read_with_whom_what_and_when(text: str, whom: str, what: str, after: float) -> None:
    assert reminder_in(text, NOW, ["Nova"]) == Reminder(whom, what, NOW + timedelta(minutes=after))


def test_a_wish_without_a_time_is_one_to_be_asked_about() -> None:
    assert reminder_in("Remind me to breathe.", NOW) == Reminder("", "to breathe", None)


@pytest.mark.parametrize(
    "text",
    [
        "That reminds me of my mother.",
        "Don't remind me in ten minutes!",
        "Please don't ever remind me in ten minutes.",
        "Remind me what she said.",
        "Can you remind me where we met?",
        "I will remind you in ten minutes.",
        "Let me know what you think.",
        "It was a reminder of better days.",
    ],
)
def test_what_only_sounds_like_a_wish_is_none(text: str) -> None:
    assert reminder_in(text, NOW) is None


def test_a_reminder_names_who_asked_for_it() -> None:
    wish = Reminder("Bob", "to drink water", NOW)
    assert reminder_words(wish, "Ada", "Bob") == "Bob, Ada asked me to remind you to drink water."
    assert reminder_words(Reminder("", "to rest", NOW), "Ada") == "Ada, you asked me to remind you to rest."
    assert (
        reminder_words(Reminder("all", "to leave", NOW), "Ada")
        == "A reminder for everybody, from Ada: to leave."
    )
