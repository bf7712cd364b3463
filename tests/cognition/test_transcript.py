"""The transcript of a room: bounded, in order, without duplicates, restored from what others kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.conversation.transcript import Line, Transcript, line_of, plain

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(number: int, text: str = "", speaker: str = "ada") -> Line:
    at = START + timedelta(seconds=10 * number)
    return Line(f"l{number}", speaker, speaker.title(), "speech", text or f"words {number}", at)


def texts(transcript: Transcript) -> list[str]:
    return [each.text for each in transcript.lines]


def test_the_oldest_lines_go_when_it_is_full() -> None:
    transcript = Transcript(limit=3)
    for number in range(5):
        assert transcript.add(line(number))
    assert texts(transcript) == ["words 2", "words 3", "words 4"]
    assert not transcript.add(line(1)), "older than all that is kept"


def test_a_late_line_stands_where_its_time_belongs() -> None:
    transcript = Transcript()
    for number in (0, 2, 1):
        transcript.add(line(number))
    assert texts(transcript) == ["words 0", "words 1", "words 2"]


def test_a_line_is_kept_once_and_an_empty_one_not_at_all() -> None:
    transcript = Transcript()
    assert transcript.add(line(0))
    assert not transcript.add(replace(line(0), text="changed"))
    assert not transcript.add(replace(line(1), text=""))
    assert texts(transcript) == ["words 0"]


def test_the_same_word_said_twice_is_two_lines() -> None:
    transcript = Transcript()
    transcript.add(line(0, "Yes."))
    assert transcript.add(replace(line(0, "Yes."), id="other", at=START + timedelta(seconds=1)))


def test_restored_lines_are_merged_by_id_or_by_words_and_time() -> None:
    transcript = Transcript()
    transcript.add(line(1))
    elsewhere = [
        line(2),
        replace(line(1), text="known by its id"),
        replace(line(1), id="other", at=line(1).at + timedelta(seconds=1)),
        line(0),
    ]
    assert transcript.restore(elsewhere) == 2
    assert texts(transcript) == ["words 0", "words 1", "words 2"]


def test_a_line_survives_the_wire() -> None:
    spoken = replace(line(0), interrupted=True)
    assert line_of(spoken.as_wire()) == spoken
    assert "interrupted" not in line(0).as_wire()


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"from": 3},
        {"kind": "song"},
        {"kind": None},
        {"at": "yesterday"},
        {"at": "2026-03-01T12:00:00"},
        {"text": ["x"]},
    ],
)
def test_what_is_no_line_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        line_of({**line(0).as_wire(), **change})


@given(st.text(max_size=200), st.integers(1, 50))
def test_plain_text_is_one_printable_line_within_its_limit(text: str, limit: int) -> None:
    made = plain(text, limit)
    assert len(made) <= limit
    assert made.isprintable()
    assert made == made.strip()
