"""Seats and history: who sits where, what was said, what a restart brings back."""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.server.history import Line
from signaling.server.rooms import (
    MAX_HISTORY,
    MAX_ROOMS,
    Directory,
    NoSuchRoom,
    RoomFull,
    RoomState,
    SeatTaken,
)
from signaling.server.tokens import EVERYTHING
from signaling.server.video import assign_slots, choose_cameras, rank_cameras

ids = count()


def new_id() -> str:
    return f"id-{next(ids)}"


def line(id: str, at: str = "2026-01-05T12:00:00+00:00", sender: str = "p") -> Line:
    return Line(id, sender, "Ada", "chat", id, at)


def test_an_identity_has_one_seat_however_often_it_joins() -> None:
    room = RoomState("lobby")
    first, new = room.take_seat("ada", "Ada", EVERYTHING, new_id)
    again, new_again = room.take_seat("ada", "Ada L.", ["chat"], new_id, "wished")
    assert (new, new_again) == (True, False)
    assert again is first
    assert (again.name, again.can) == ("Ada L.", frozenset({"chat"}))


def test_a_wished_id_is_kept_when_it_is_free_and_not_taken_from_another() -> None:
    room = RoomState("lobby")
    ada, _ = room.take_seat("ada", "Ada", EVERYTHING, new_id, "p1")
    bob, _ = room.take_seat("bob", "Bob", EVERYTHING, new_id, "p1")
    assert ada.id == "p1"
    assert bob.id != "p1"


def test_a_full_room_takes_back_whoever_has_a_seat_and_nobody_else() -> None:
    room = RoomState("lobby", size=2)
    room.take_seat("ada", "Ada", EVERYTHING, new_id)
    room.take_persona_seat("echo", "Echo")
    room.take_seat("ada", "Ada", EVERYTHING, new_id)
    room.take_persona_seat("echo", "Echo")
    with pytest.raises(RoomFull):
        room.take_seat("bob", "Bob", EVERYTHING, new_id)
    with pytest.raises(RoomFull):
        room.take_persona_seat("other", "Other")
    assert len(room.seats) == 2


def test_a_persona_cannot_take_the_seat_of_a_person() -> None:
    room = RoomState("lobby")
    ada, _ = room.take_seat("ada", "Ada", EVERYTHING, new_id)
    with pytest.raises(SeatTaken):
        room.take_persona_seat(ada.id, "Ada")


def test_words_that_arrive_after_their_speaker_left_still_have_a_name() -> None:
    room = RoomState("lobby")
    ada, _ = room.take_seat("ada", "Ada", EVERYTHING, new_id)
    room.give_up(ada.id)
    assert room.name_of(ada.id) == "Ada"
    assert room.name_of("nobody") is None


def test_the_history_is_bounded_and_a_later_line_of_an_id_replaces_the_earlier() -> None:
    room = RoomState("lobby")
    for number in range(MAX_HISTORY + 50):
        room.add_line(line(str(number)))
    assert len(room.history) == MAX_HISTORY
    assert room.history[0].id == "50"
    room.add_line(line("60", sender="somebody else"))
    assert [each.id for each in room.history].count("60") == 2


def test_what_was_before_a_restart_is_merged_in_time_and_once() -> None:
    room = RoomState("lobby")
    room.add_line(line("b", "2026-01-05T12:00:02+00:00"))
    room.merge([line("a", "2026-01-05T12:00:01+00:00"), line("b", "2026-01-05T12:00:02+00:00")])
    assert [each.id for each in room.history] == ["a", "b"]


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 59))), st.lists(st.integers(0, 300), max_size=5)
)
def test_merging_twice_is_merging_once(old: list[tuple[int, int]], new: list[int]) -> None:
    room = RoomState("lobby")
    for number in new:
        room.add_line(line(str(number), "2026-01-05T12:01:00+00:00"))
    lines = [line(str(number), f"2026-01-05T12:00:{second:02}+00:00") for number, second in old]
    room.merge(lines)
    once = room.history
    room.merge(lines)
    assert room.history == once
    assert {str(number) for number in new} <= {each.id for each in once}
    assert len(once) <= MAX_HISTORY


def test_a_kept_transcript_waits_for_its_people_and_not_for_ever() -> None:
    directory = Directory()
    directory.restore("lobby", [line("a")], now=0.0)
    directory.restore("attic", [line("b")], now=0.0)
    assert [each.id for each in directory.open("lobby", now=5.0)[0].history] == ["a"]
    assert directory.open("attic", now=500.0)[0].history == []
    directory.close("lobby")
    assert directory.open("lobby", now=6.0)[0].history == []


def test_an_open_room_gets_its_transcript_at_once() -> None:
    directory = Directory()
    directory.open("lobby", now=0.0)
    directory.restore("lobby", [line("a")], now=1.0)
    assert [each.id for each in directory.room("lobby").history] == ["a"]


def test_rooms_are_bounded_and_closed_ones_are_gone() -> None:
    directory = Directory()
    for number in range(MAX_ROOMS):
        directory.open(str(number), now=0.0)
    with pytest.raises(RoomFull):
        directory.open("one more", now=0.0)
    directory.close("0")
    with pytest.raises(NoSuchRoom):
        directory.room("0")
    directory.open("one more", now=0.0)


def test_transcripts_that_wait_are_bounded_and_outdated_ones_make_room() -> None:
    directory = Directory()
    for number in range(MAX_ROOMS):
        directory.restore(str(number), [line("a")], now=0.0)
    directory.restore("0", [line("b")], now=1.0)
    with pytest.raises(RoomFull):
        directory.restore("one more", [line("a")], now=1.0)
    directory.restore("one more", [line("a")], now=60.5)
    assert [each.id for each in directory.open("0", now=60.6)[0].history] == ["b"]


names = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(names, names, names)
def test_each_camera_is_shown_once_and_stays_where_it_is(
    slots: list[str], before: list[str], after: list[str]
) -> None:
    first = assign_slots(slots, {}, before)
    second = assign_slots(slots, first, after)
    assert set(second) <= set(slots)
    assert len(set(second.values())) == len(second) == min(len(slots), len(after))
    wanted = after[: len(slots)]
    assert all(second[slot] == who for slot, who in first.items() if who in wanted)


def test_the_dominant_and_those_who_spoke_last_come_first() -> None:
    seats = ["a", "b", "c", "d", "e"]
    spoken = {"b": 1.0, "c": 3.0, "d": 2.0}
    assert rank_cameras(seats, dominant="b", spoken=spoken) == ["b", "c", "d", "a", "e"]
    assert rank_cameras(seats, dominant=None, spoken={}) == seats
    assert rank_cameras(seats, dominant="y", spoken={"z": 1.0}) == seats


def test_a_viewer_is_shown_the_pinned_one_first_and_never_their_own_camera() -> None:
    ranked = ["a", "b", "c", "d", "e"]
    assert choose_cameras(ranked, "b", pinned=None, places=3) == ["a", "c", "d"]
    assert choose_cameras(ranked, "x", pinned="e", places=3) == ["e", "a", "b"]
    assert choose_cameras(ranked, "b", pinned="b", places=9) == ["a", "c", "d", "e"]
    assert choose_cameras(ranked, "b", pinned="gone", places=1) == ["a"]
    assert choose_cameras(ranked, "b", pinned="e", places=0) == []


def test_whom_to_show_in_a_large_room_is_found_by_the_places_and_not_by_the_cameras() -> None:
    cameras = [f"p{number}" for number in range(200)]
    looked: list[str] = []

    class Watched(list[str]):
        def __iter__(self) -> Iterator[str]:
            for one in list.__iter__(self):
                looked.append(one)
                yield one

    assert choose_cameras(Watched(cameras), "p0", pinned=None, places=8) == cameras[1:9]
    assert len(looked) <= 10


@given(
    names,
    st.sampled_from("abcdefgh"),
    st.none() | st.sampled_from("abcdefgh"),
    st.none() | st.sampled_from("abcdefgh"),
)
def test_ranking_loses_nobody(
    cameras: list[str], viewer: str, pinned: str | None, dominant: str | None
) -> None:
    ranked = rank_cameras(cameras, dominant=dominant, spoken={"a": 2.0, "h": 1.0})
    assert sorted(ranked) == sorted(cameras)
    if dominant in cameras:
        assert ranked[0] == dominant
    chosen = choose_cameras(ranked, viewer, pinned=pinned, places=len(cameras))
    assert sorted(chosen) == sorted(who for who in cameras if who != viewer)
    if pinned in chosen:
        assert chosen[0] == pinned
