"""What the plane reports in a tick reaches the rooms after it, each event by itself."""

import asyncio
from pathlib import Path

import pytest

from media.events import GateOpened, MediaEvent, SpeakingChanged
from media.rtc.peer import PeerState
from signaling.server.reports import MAX_WAITING, PlaneReports
from tests.signaling.house import house, line_to, mind_of

pytestmark = pytest.mark.virtual_time


async def test_an_event_that_cannot_be_handled_is_counted_and_the_others_are_told() -> None:
    told: list[MediaEvent] = []

    def handle(event: MediaEvent) -> None:
        if event.room == "broken":
            raise KeyError("slot")
        told.append(event)

    reports = PlaneReports(handle)
    for room in ("kitchen", "broken", "attic"):
        reports(SpeakingChanged(room, "ada", True))
    await asyncio.sleep(0)
    assert [event.room for event in told] == ["kitchen", "attic"]
    assert (reports.faults, reports.dropped) == (1, 0)
    reports(SpeakingChanged("attic", "ada", False))
    await asyncio.sleep(0)
    assert told[-1] == SpeakingChanged("attic", "ada", False)


async def test_beyond_a_bound_events_are_dropped_and_counted() -> None:
    told: list[MediaEvent] = []
    reports = PlaneReports(told.append)
    for _ in range(MAX_WAITING + 3):
        reports(SpeakingChanged("attic", "ada", True))
    await asyncio.sleep(0)
    assert (len(told), reports.dropped) == (MAX_WAITING, 3)


async def test_news_of_one_who_was_taken_out_meanwhile_is_not_the_last_that_is_told_of_them(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        peer = await ada.connect()
        await bob.settled()
        home.reports(SpeakingChanged("lobby", ada.id, True))
        home.reports(GateOpened("lobby", ada.id, 0))
        peer.enter(PeerState.FAILED)
        told = await bob.settled()
        assert not [message for message in told if message["type"] == "speaking"]
        seats = home.conference.rooms["lobby"].state.seats
        assert not seats[ada.id].speaking
        assert home.conference.rooms["lobby"].attendees[ada.id].gate is None
        assert "gate.opened" not in [method for method, _ in mind.unheard()]
