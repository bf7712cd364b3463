"""Times as questions name them, and what is no time."""

from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.memory.when import MAX_TEXT, when

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 15, 30, tzinfo=BERLIN)
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
instants = st.datetimes(
    datetime(1990, 1, 1),
    datetime(2150, 1, 1),
    timezones=st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")]),
)


def read(text: str, now: datetime = MONDAY) -> tuple[str, str, str]:
    """The words, and the days or minutes from and before which."""
    found = when(text, now)
    assert found is not None, text

    def shown(at: datetime | None) -> str:
        return (
            ""
            if at is None
            else f"{at:%Y-%m-%d}"
            if (at.hour, at.minute) == (0, 0)
            else f"{at:%Y-%m-%dT%H:%M}"
        )

    return text[found.start : found.end], shown(found.since), shown(found.until)


@pytest.mark.parametrize(
    ("text", "words", "since", "until"),
    [
        ("What did we talk about last Tuesday?", "last Tuesday", "2026-11-17", "2026-11-18"),
        ("and on Monday?", "on Monday", "2026-11-16", "2026-11-17"),
        ("the day before yesterday", "the day before yesterday", "2026-11-21", "2026-11-22"),
        ("Did I call you last night?", "last night", "2026-11-22T18:00", "2026-11-23T06:00"),
        ("this morning", "this morning", "2026-11-23T04:00", "2026-11-23T12:00"),
        (
            "Who was here Thursday morning last week?",
            "Thursday morning last week",
            "2026-11-19T04:00",
            "2026-11-19T12:00",
        ),
        ("Where did she live before the summer?", "before the summer", "", "2026-06-01"),
        ("since last winter", "since last winter", "2025-12-01", ""),
        ("What did I plan in March?", "in March", "2026-03-01", "2026-04-01"),
        ("May I ask what I said in May?", "in May", "2026-05-01", "2026-06-01"),
        ("last December", "last December", "2025-12-01", "2026-01-01"),
        ("March last year", "March last year", "2025-03-01", "2025-04-01"),
        ("two weeks ago", "two weeks ago", "2026-11-05", "2026-11-14"),
        ("about three days ago", "about three days ago", "2026-11-18", "2026-11-23"),
        ("What did we talk about two days ago?", "two days ago", "2026-11-21", "2026-11-22"),
        ("two years ago", "two years ago", "2024-05-24", "2025-05-26"),
        ("last year", "last year", "2025-01-01", "2026-01-01"),
        ("the week before last", "the week before last", "2026-11-09", "2026-11-16"),
        ("over the last three days", "over the last three days", "2026-11-20", "2026-11-23T15:30"),
        ("What did Tom give me for Christmas?", "for Christmas", "2025-12-24", "2025-12-27"),
        ("since Easter", "since Easter", "2026-04-03", ""),
        ("between March and May 2025", "between March and May 2025", "2025-03-01", "2025-06-01"),
        ("from November to February", "from November to February", "2025-11-01", "2026-03-01"),
        ("on the 3rd of July, 2024", "on the 3rd of July, 2024", "2024-07-03", "2024-07-04"),
        ("on the 31st", "on the 31st", "2026-10-31", "2026-11-01"),
        ("Feb 29", "Feb 29", "2024-02-29", "2024-03-01"),
        ("on 2026-02-03", "on 2026-02-03", "2026-02-03", "2026-02-04"),
        ("at the beginning of June", "at the beginning of June", "2026-06-01", "2026-06-11"),
        ("until 2023", "until 2023", "", "2024-01-01"),
        ("What is planned for next week?", "next week", "2026-11-30", "2026-12-07"),
        ("İİİ what was yesterday?", "yesterday", "2026-11-22", "2026-11-23"),
    ],
)
def test_a_time_is_read_as_people_mean_it(text: str, words: str, since: str, until: str) -> None:
    assert read(text) == (words, since, until)


def test_a_question_about_what_is_to_come_means_the_next_time_and_one_about_the_past_the_last() -> None:
    assert read("What am I doing on Tuesday?")[1] == "2026-11-24"
    assert read("What did I do on Tuesday?")[1] == "2026-11-17"
    assert read("What do I have to do before Christmas?")[2] == "2026-12-24"
    assert read("What did I do before Christmas?")[2] == "2025-12-24"


@pytest.mark.parametrize(
    "text",
    [
        "What did I get on my birthday?",
        "Does April like June?",
        "What does May think?",
        "May I come in?",
        "Do we meet on Tuesdays?",
        "Wait a second.",
        "The spring is broken.",
        "February 30",
        "Where does she live?",
        "How long ago was it?",
        "",
    ],
)
def test_what_names_no_time_is_read_as_none(text: str) -> None:
    assert when(text, MONDAY) is None


def test_an_instant_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        when("yesterday", datetime(2026, 1, 1))


@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(
            "last this next the two ago before after since week month year years Tuesday March summer Christmas in on"
            " from to and between 3rd 2024 31 45 0 9999 half a couple of few days May tomorrow until early".split()
        ),
        max_size=12,
    ).map(" ".join),
    instants,
)
def test_whatever_is_said_gives_an_interval_in_the_zone_of_the_question_or_none(
    text: str, now: datetime
) -> None:
    found = when(text, now)
    if found is None:
        return
    assert 0 <= found.start < found.end <= len(text)
    assert found.since is not None or found.until is not None
    for bound in (found.since, found.until):
        assert bound is None or bound.tzinfo is now.tzinfo
    if found.since is not None and found.until is not None:
        assert found.since < found.until
        assert found.holds(found.since)
        assert not found.holds(found.until)


@given(st.integers(1, 120), st.sampled_from(["day", "week", "month", "year"]), instants)
def test_so_long_ago_holds_the_instant_that_was_meant_and_never_now(
    count: int, unit: str, now: datetime
) -> None:
    found = when(f"{count} {unit}{'s' * (count > 1)} ago", now)
    days = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}[unit] * count
    assert found is not None
    assert found.holds(now - timedelta(days=round(days)))
    assert not found.holds(now)


@given(st.integers(0, 6), instants)
def test_last_weekday_is_the_one_day_of_that_name_within_the_week_before_today(
    day: int, now: datetime
) -> None:
    found = when(f"last {WEEKDAYS[day]}", now)
    assert found is not None
    assert found.since is not None
    assert found.since.weekday() == day
    assert 1 <= (now.date() - found.since.date()).days <= 7
    assert (found.until or now).date() == found.since.date() + timedelta(1)


@given(st.dates(date(1950, 1, 1), date(2099, 12, 31)), instants)
def test_a_date_with_its_year_is_that_day_wherever_one_is_whatever_the_clock_did_that_day(
    day: date, now: datetime
) -> None:
    for text in (
        f"on {MONTHS[day.month - 1]} {day.day}, {day.year}",
        f"{day.day} {MONTHS[day.month - 1]} {day.year}",
        f"{day}",
    ):
        found = when(text, now)
        assert found is not None
        assert found.since is not None
        assert found.until is not None
        assert (found.since.date(), found.until.date()) == (day, day + timedelta(1))
        assert (found.since.hour, found.until.hour) == (0, 0)


@given(st.sampled_from(MONTHS), instants)
def test_the_last_of_a_month_is_over_and_began_within_the_two_years_before(month: str, now: datetime) -> None:
    found = when(f"last {month}", now)
    assert found is not None
    assert found.since is not None
    assert found.until is not None
    assert found.until <= now
    assert now - found.since < timedelta(days=2 * 366)
    assert MONTHS[found.since.month - 1] == month


@pytest.mark.parametrize(
    "piece", ["the ", "half a couple of ", "in the last ", "1 ", "Tuesday last ", "  ", "and the 3 "]
)
def test_a_long_text_takes_no_long_time(piece: str) -> None:
    began = perf_counter()
    when(piece * (MAX_TEXT // len(piece)), MONDAY)
    assert perf_counter() - began < 1.0
