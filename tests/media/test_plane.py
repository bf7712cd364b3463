import asyncio
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from media.events import GateOpened, MediaEvent
from media.realtime.jitter import JitterBuffer
from media.realtime.opus import FakeCodec
from media.realtime.packet import FRAME, ReceivedPacket
from media.realtime.peer_port import FakePeer
from media.realtime.plane import LATENESS_BOUNDS_MS, Plane
from media.realtime.ring import AudioRing
from tests.media.room_script import run_room, tone, vowels

pytestmark = pytest.mark.virtual_time


async def test_the_clock_does_not_drift_and_is_never_late_when_nothing_holds_it_up() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ben = scene.person("ben")
        scene.persona("vox").offer(tone(440, 58.0))
        await scene.passes(60.0)
        statistics = scene.plane.statistics()
        assert statistics.ticks == pytest.approx(3000, abs=1)
        assert (statistics.late, statistics.skipped, statistics.faults) == (0, 0, 0)
        assert statistics.lateness[0] == statistics.ticks
        timestamps = [timestamp for _, timestamp in ben.peer.sent[:2800]]
        assert timestamps == [timestamps[0] + number * FRAME for number in range(2800)]


async def test_a_slow_tick_is_skipped_and_counted_and_does_not_accumulate() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ben = scene.person("ben")
        scene.persona("vox").offer(tone(440, 5.0))
        await scene.passes(1.005)
        before = scene.plane.statistics()
        scene.hold_up(0.070)
        await scene.passes(0.930)
        after = scene.plane.statistics()
        assert after.skipped - before.skipped == 2
        assert after.ticks - before.ticks == 50 - 2
        assert after.late - before.late == 1, "the next is on time again"
        bucket = next(index for index, bound in enumerate(LATENESS_BOUNDS_MS) if bound >= 55)
        assert after.lateness[bucket] - before.lateness[bucket] == 1
        timestamps = [timestamp for _, timestamp in ben.peer.sent]
        gaps = [later - earlier for earlier, later in pairwise(timestamps)]
        assert sorted(set(gaps)) == [FRAME, 3 * FRAME], "media time goes on"


async def test_an_idle_room_has_no_timer_and_wakes_with_the_first_packet() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        await scene.passes(1.0)
        assert scene.plane.statistics().ticks == 0, "nobody is there"
        ada = scene.person("ada", sending=False)
        ben = scene.person("ben", sending=False)
        await scene.passes(2.0)
        asleep = scene.plane.statistics()
        assert (asleep.rooms, asleep.active) == (1, 0)
        await scene.passes(60.0)
        assert scene.plane.statistics().ticks == asleep.ticks, "a minute without a tick"
        ada.says(tone(440, 1.0))
        ada.sending = True
        await scene.passes(2.0)
        assert scene.plane.statistics().active == 1
        assert ben.hears(440)
        assert scene.plane.statistics().skipped == 0, "sleeping is not being late"


async def test_a_room_of_personas_alone_is_idle() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        scene.persona("vox").offer(tone(440, 1.0))
        await scene.passes(5.0)
        assert scene.plane.statistics().ticks == 0


async def test_a_silent_persona_and_a_listener_cost_no_timer_until_the_voice_is_woken() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada = scene.person("ada", sending=False)
        vox = scene.persona("vox")
        await scene.passes(3.0)
        asleep = scene.plane.statistics()
        assert asleep.active == 0
        await scene.passes(10.0)
        assert scene.plane.statistics().ticks == asleep.ticks, "ten seconds without a tick"
        vox.offer(tone(440, 1.0))
        scene.room.wake("vox")
        await scene.passes(0.06)
        assert ada.peer.sent, "within three ticks"
        await scene.passes(1.5)
        vox.offer(tone(880, 1.0))
        await scene.passes(3.0)
        assert ada.hears(440)
        assert ada.hears(880), "a ring that ran dry is looked at for a second"
        assert scene.plane.statistics().active == 0


async def test_rooms_do_not_hear_each_other() -> None:
    async with run_room() as scene:
        ada = scene.person("ada")
        other = scene.plane.open("attic")
        peer = FakePeer(JitterBuffer(FakeCodec()))
        ears = AudioRing.format(bytearray(AudioRing.nbytes(16_000)), rate=16_000, capacity=16_000)
        other.add_person("ada", ears=ears, peer=peer)
        voice = AudioRing.format(bytearray(AudioRing.nbytes(96_000)), rate=48_000, capacity=96_000)
        other.add_persona("vox", voice=voice)
        voice.offer(tone(440, 1.0))
        await scene.passes(2.0)
        assert len(peer.sent) > 50
        assert not ada.hears(440)
        assert scene.plane.statistics().rooms == 2


def _open_with_a_voice(plane: Plane, name: str) -> None:
    """Opens a room in which a persona speaks to a person for half a second."""
    room = plane.open(name)
    ears = AudioRing.format(bytearray(AudioRing.nbytes(16_000)), rate=16_000, capacity=16_000)
    room.add_person("ben", ears=ears, peer=FakePeer(JitterBuffer(FakeCodec())))
    voice = AudioRing.format(bytearray(AudioRing.nbytes(48_000)), rate=48_000, capacity=48_000)
    room.add_persona("vox", voice=voice)
    voice.offer(tone(440, 0.5))


async def test_a_fault_in_a_room_is_counted_told_once_a_room_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.get_running_loop()
    seen: list[MediaEvent] = []

    def report(event: MediaEvent) -> None:
        if event.room.startswith("broken"):
            raise RuntimeError("the listener to events failed")
        seen.append(event)

    plane = Plane(report, clock=lambda: round(loop.time() * 1e9), encoder=FakeCodec)
    async with asyncio.TaskGroup() as tasks:
        clockwork = tasks.create_task(plane.run())
        for name in ("broken", "broken too", "sound"):
            _open_with_a_voice(plane, name)
        await asyncio.sleep(2.0)
        clockwork.cancel()
    assert plane.statistics().faults > 2
    assert [type(event).__name__ for event in seen] == [
        "SpeakingChanged",
        "VoiceStarted",
        "DominantChanged",
        "SpeakingChanged",
        "VoiceDrained",
    ]
    assert [record.message for record in caplog.records] == [
        "tick of room broken failed",
        "tick of room broken too failed",
    ]


async def test_a_room_that_fails_at_every_tick_gathers_nothing() -> None:
    class Broken(FakeCodec):
        def encode(self, samples: NDArray[np.int16]) -> bytes:
            raise RuntimeError("the encoder failed")

    async with run_room(Broken, FakeCodec) as scene:
        ada = scene.person("ada", sending=False)
        scene.person("ben", sending=False)
        ada.peer.jitter.push(ReceivedPacket(1, 0, FakeCodec().encode(tone(440, 0.02)), scene.clock()))
        scene.persona("vox").offer(tone(440, 0.5))
        await scene.passes(10.0)
        assert scene.plane.statistics().faults > 400
        assert len(scene.room._ceased) + len(scene.room._hushed) <= 3


async def test_rooms_that_fail_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()

    def report(event: MediaEvent) -> None:
        raise RuntimeError("the listener to events failed")

    plane = Plane(report, clock=lambda: round(loop.time() * 1e9), encoder=FakeCodec)
    async with asyncio.TaskGroup() as tasks:
        clockwork = tasks.create_task(plane.run())
        for number in range(100):
            _open_with_a_voice(plane, f"broken {number}")
        await asyncio.sleep(1.0)
        clockwork.cancel()
    assert plane.statistics().faults >= 100
    assert len(caplog.records) == len({record.message for record in caplog.records}) == 64


async def test_a_closed_room_is_forgotten_but_for_its_counters() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, _ = scene.person("ada"), scene.person("ben")
        ada.says(vowels(1.0))
        await scene.passes(1.0)
        before = scene.plane.statistics()
        scene.plane.close("kitchen")
        scene.plane.close("never opened")
        await scene.passes(1.0)
        after = scene.plane.statistics()
        assert (after.rooms, after.active) == (0, 0)
        assert (after.encodes, after.sent) == (before.encodes, before.sent)
        assert after.jitter.received == before.jitter.received
        assert after.drops == {"late": 0, "duplicate": 0, "invalid": 0, "overflow": 0}
        assert scene.plane.open("kitchen") is not scene.room
        assert any(isinstance(event, GateOpened) for event in scene.events)
