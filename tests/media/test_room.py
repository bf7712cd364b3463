import numpy as np
import pytest

from media.events import GateClosed, GateOpened, SpeakingChanged, VoiceDrained, VoiceStarted
from media.realtime.opus import DTX_PACKET, FakeCodec
from media.realtime.packet import FRAME, RATE
from media.room import RoomError
from tests.media.room_script import run_room, tone, vowels

pytestmark = pytest.mark.virtual_time


async def test_three_people_and_a_persona_hear_each_other_and_nobody_hears_themselves() -> None:
    async with run_room() as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem")
        vox = scene.persona("vox")
        await scene.passes(0.5)
        ada.says(tone(440, 1.5))
        ben.says(tone(660, 1.5))
        vox.offer(tone(880, 1.5))
        await scene.passes(2.0)
        assert [person.hears(440) for person in (ada, ben, cem)] == [False, True, True]
        assert [person.hears(660) for person in (ada, ben, cem)] == [True, False, True]
        assert [person.hears(880) for person in (ada, ben, cem)] == [True, True, True]
        assert ada.loudness_of(440) < 0.002
        assert ben.loudness_of(660) < 0.002


@pytest.mark.parametrize("speakers", [2, 3, 5])
async def test_k_speakers_cost_k_plus_one_encodes_whatever_the_number_of_listeners(speakers: int) -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        people = [scene.person(f"person {number}") for number in range(speakers)]
        listeners = [scene.person(f"listener {number}", sending=False) for number in range(20)]
        for number, person in enumerate(people):
            person.says(tone(300 + 100 * number, 3.0, amplitude=0.05))
        await scene.passes(1.01)
        before, sent = scene.room.encodes, [len(listener.peer.sent) for listener in listeners]
        await scene.passes(1.0)
        assert scene.room.encodes - before == 50 * (speakers + 1)
        assert [len(listener.peer.sent) for listener in listeners] == [count + 50 for count in sent]
        payloads = {id(listener.peer.sent[-1][0]) for listener in listeners}
        assert len(payloads) == 1, "the very same bytes"


async def test_one_who_speaks_alone_costs_one_encode_and_hears_comfort_noise() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, ben = scene.person("ada"), scene.person("ben")
        ada.says(tone(440, 4.0))
        await scene.passes(1.01)
        before, sent = scene.room.encodes, len(ada.peer.sent)
        await scene.passes(2.0)
        assert scene.room.encodes - before == 100
        assert [payload for payload, _ in ada.peer.sent[sent:]] == [DTX_PACKET] * 5
        assert ben.hears(440)


async def test_a_silent_room_sends_a_packet_every_400_ms_and_its_timestamps_go_on() -> None:
    async with run_room() as scene:
        ada, ben = scene.person("ada"), scene.person("ben")
        ada.says(tone(440, 0.5))
        await scene.passes(3.01)
        before, encodes = len(ben.peer.sent), scene.room.encodes
        await scene.passes(4.0)
        comfort = ben.peer.sent[before:]
        assert [payload for payload, _ in comfort] == [DTX_PACKET] * 10
        assert set(np.diff([timestamp for _, timestamp in comfort])) == {20 * FRAME}
        assert scene.room.encodes == encodes


async def test_a_listener_hears_the_same_sound_while_others_come_and_go() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, ben = scene.person("ada"), scene.person("ben")
        spoken = tone(440, 5.0)
        await scene.passes(1.0)
        ada.says(spoken)
        for number in range(10):
            scene.person(f"guest {number}", phase=0.001 * number)
            scene.persona(f"persona {number}")
            await scene.passes(0.2)
            scene.leave(f"guest {number}")
            scene.leave(f"persona {number}")
            await scene.passes(0.1)
        await scene.passes(2.5)
        heard = ben.heard().astype(int)
        start = int(
            np.flatnonzero(np.abs(heard) > 100)[0] - np.flatnonzero(np.abs(spoken.astype(int)) > 100)[0]
        )
        assert np.abs(heard[start : start + len(spoken)] - spoken).max() <= 2, "to the last bit but one"


async def test_who_leaves_or_is_muted_in_the_middle_of_a_word_does_not_click() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem")
        await scene.passes(0.2)
        ada.says(tone(440, 3.0))
        cem.says(tone(300, 3.0))
        await scene.passes(1.0)
        scene.leave("ada")
        await scene.passes(0.5)
        scene.room.mute("cem", True)
        await scene.passes(0.5)
        scene.room.mute("cem", False)
        await scene.passes(0.5)
        smooth = max(2 * np.pi * frequency / RATE for frequency in (440, 300)) * 0.4 * 32767
        assert np.abs(np.diff(ben.heard().astype(int))).max() < smooth


async def test_a_muted_person_is_neither_heard_nor_listened_to() -> None:
    async with run_room() as scene:
        ada, ben = scene.person("ada"), scene.person("ben")
        await scene.passes(0.3)
        ada.says(vowels(3.0))
        await scene.passes(1.0)
        assert scene.told(GateOpened)
        scene.room.mute("ada", True)
        await scene.passes(0.1)
        assert [event.participant for event in scene.told(GateClosed)] == ["ada"]
        written, sent = ada.ears.written, len(ben.peer.sent)
        await scene.passes(1.0)
        heard = np.zeros(16_000, np.int16)
        assert ada.ears.written - written == pytest.approx(16_000, abs=320), "positions stay a clock"
        assert ada.ears.read_at(ada.ears.written - len(heard), heard)
        assert not heard.any()
        assert np.abs(ben.heard()[-RATE // 2 :]).max() < 20
        assert len(ben.peer.sent) - sent < 30
        assert len(scene.told(GateOpened)) == 1
        assert scene.events[-1] == SpeakingChanged("kitchen", "ada", False)


async def test_ears_hold_what_was_said_and_the_gate_tells_where_it_begins() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada = scene.person("ada")
        await scene.passes(1.0)
        begun = ada.ears.written
        ada.says(vowels(1.0))
        await scene.passes(3.0)
        (opened,) = scene.told(GateOpened)
        (closed,) = scene.told(GateClosed)
        assert isinstance(opened, GateOpened)
        assert isinstance(closed, GateClosed)
        assert begun - 0.2 * 16_000 <= opened.sample <= begun - 0.1 * 16_000, "pre-roll"
        assert closed.sample - begun == pytest.approx(1.6 * 16_000, abs=0.15 * 16_000)
        assert ada.ears.written == pytest.approx(4.0 * 16_000, abs=640)
        spoken = np.zeros(16_000, np.int16)
        assert ada.ears.read_at(opened.sample, spoken)
        assert np.abs(spoken[:1600]).max() < 300, "nothing is cut off at the front"
        assert np.abs(spoken).max() > 5000
        speaking = [
            event.speaking for event in scene.told(SpeakingChanged) if isinstance(event, SpeakingChanged)
        ]
        assert speaking == [True, False]
        instant = ada.ears.instant_ns(ada.ears.written)
        assert scene.clock() - instant <= 20_000_000


async def test_a_stopped_voice_is_silent_after_a_frame_and_says_how_much_was_heard() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ben = scene.person("ben")
        vox = scene.persona("vox")
        await scene.passes(0.3)
        vox.offer(tone(500, 3.0))
        await scene.passes(1.0)
        at = scene.clock()
        played = scene.room.stop_voice("vox")
        assert played == pytest.approx(1.0 * RATE, abs=2 * FRAME)
        assert vox.pulled == vox.written
        await scene.passes(0.5)
        heard = ben.heard().astype(int)
        assert len(np.flatnonzero(heard)) <= played
        stopped = int(np.flatnonzero(heard)[-1]) + ben.peer.sent[0][1]
        assert stopped <= at * RATE // 1_000_000_000 + FRAME
        assert np.abs(np.diff(heard)).max() < 2 * np.pi * 500 / RATE * 0.25 * 32767, "no click"
        assert not scene.told(VoiceDrained), "who stopped it was told"
        vox.offer(tone(500, 0.5))
        await scene.passes(1.0)
        started, drained = scene.told(VoiceStarted), scene.told(VoiceDrained)
        assert len(started) == 2
        assert isinstance(started[1], VoiceStarted)
        assert started[1].played == 3 * RATE + FRAME
        assert drained == [VoiceDrained("kitchen", "vox", 3 * RATE + RATE // 2)]


async def test_a_voice_reports_its_first_frame_and_its_end_even_when_it_is_shorter_than_a_frame() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        scene.person("ben")
        vox = scene.persona("vox")
        await scene.passes(0.3)
        vox.offer(np.full(100, 3000, np.int16))
        asked = scene.clock()
        await scene.passes(0.1)
        (started,) = scene.told(VoiceStarted)
        assert isinstance(started, VoiceStarted)
        assert started.played == 100
        assert asked <= started.at_ns <= asked + 20_000_000
        kinds = [type(event) for event in scene.events if not isinstance(event, SpeakingChanged)]
        assert kinds == [VoiceStarted, VoiceDrained]


async def test_two_people_who_take_turns_hear_no_click_at_the_turns() -> None:
    async with run_room() as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem")
        cem.says(tone(350, 9.0, amplitude=0.1))
        for _ in range(4):
            ada.says(tone(440, 0.6, amplitude=0.1))
            await scene.passes(1.3)
            ben.says(tone(520, 0.4, amplitude=0.1))
            await scene.passes(0.9)
        steepest = 2 * np.pi * 520 / RATE * 0.3 * 32767
        for person in (ada, ben):
            heard = person.heard()[RATE // 2 :].astype(int)
            assert np.abs(np.diff(heard)).max() < 1.5 * steepest
        assert scene.room.replays >= 8


async def test_nobody_is_in_a_room_twice_and_only_who_is_there_can_leave() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada = scene.person("ada")
        with pytest.raises(RoomError):
            scene.room.add_person("ada", ears=ada.ears, peer=ada.peer)
        with pytest.raises(RoomError):
            scene.room.add_persona("ada", voice=ada.ears)
        for action in (scene.room.remove, scene.room.stop_voice, lambda id: scene.room.mute(id, True)):
            with pytest.raises(RoomError):
                action("nobody")
        with pytest.raises(RoomError):
            scene.room.stop_voice("ada")
        assert len(scene.room) == 1
        assert "ada" in scene.room


async def test_a_hundred_comings_and_goings_leave_no_row_and_no_encoder_behind() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        scene.person("ben")
        for number in range(100):
            guest = scene.person(f"guest {number}")
            guest.says(tone(440, 0.2))
            await scene.passes(0.1)
            scene.leave(f"guest {number}")
        await scene.passes(0.1)
        assert len(scene.room._rows.frames) == 8
        assert len(scene.room._distribution._outlets) <= 3
        assert len(scene.room) == 1
        assert scene.room.jitter.received > 400, "what the departed were counted stays"
