import asyncio
import time
from itertools import groupby

import numpy as np
import pytest
from numpy.typing import NDArray

from media.events import GateClosed, GateOpened, SpeakingChanged
from media.participant import Person
from media.realtime.jitter import JitterBuffer
from media.realtime.opus import FakeCodec
from media.realtime.packet import FRAME, RATE, ReceivedPacket
from media.realtime.peer_port import FakePeer
from media.realtime.ring import AudioRing
from media.room import RoomError
from media.whispers import Whispers
from tests.media.room_script import Caller, Scene, Sound, amplitude_of, run_room, tone, vowels

pytestmark = pytest.mark.virtual_time


def strengths(caller: Caller, frequency: float) -> NDArray[np.float64]:
    """How loud a tone is in each tenth of a second of what was heard."""
    sound = caller.heard()
    part = RATE // 10
    parts = sound[: len(sound) // part * part].reshape(-1, part) * np.hanning(part)
    loudness: NDArray[np.float64] = np.abs(np.fft.rfft(parts)[:, round(frequency * part / RATE)])
    return loudness * 4 / part / 32768


def hears(caller: Caller, frequency: float) -> bool:
    """Whether a tone is anywhere in what was heard, however softly and however short."""
    return bool(strengths(caller, frequency).max(initial=0.0) > 0.004)


def seconds_of(caller: Caller, frequency: float) -> float:
    """From when to when a tone is heard well."""
    parts = np.flatnonzero(strengths(caller, frequency) > 0.03)
    return float(parts[-1] - parts[0] + 1) / 10 if len(parts) else 0.0


async def test_a_persona_whispers_to_one_and_nobody_else_hears_a_trace_of_it() -> None:
    async with run_room() as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem", sending=False)
        vox = scene.persona("vox")
        scene.room.whisper("vox", ["cem"])
        await scene.passes(0.3)
        ada.says(tone(440, 3.0))
        await scene.passes(0.3)
        vox.offer(tone(880, 2.0))
        await scene.passes(3.0)
        assert cem.hears(880)
        assert cem.hears(440), "beside what all hear"
        assert ben.hears(440)
        assert not hears(ben, 880)
        assert not hears(ada, 880)


async def test_two_who_speak_can_be_whispered_to_and_still_do_not_hear_themselves() -> None:
    async with run_room() as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem")
        scene.room.whisper("cem", ["ada"])
        await scene.passes(0.3)
        ada.says(tone(440, 3.0))
        ben.says(tone(660, 3.0))
        cem.says(tone(880, 2.5))
        await scene.passes(3.5)
        assert [ada.hears(frequency) for frequency in (440, 660, 880)] == [False, True, True]
        assert [hears(ben, frequency) for frequency in (440, 660, 880)] == [True, False, False]


@pytest.mark.parametrize("listeners", [1, 5, 20])
async def test_a_whisper_costs_one_encode_more_however_many_hear_it(listeners: int) -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada = scene.person("ada")
        people = [scene.person(f"listener {number}", sending=False) for number in range(25)]
        vox = scene.persona("vox")
        ada.says(tone(440, 9.0))
        await scene.passes(1.01)
        before = scene.room.encodes
        await scene.passes(1.0)
        publicly = scene.room.encodes - before
        scene.room.whisper("vox", [person.id for person in people[:listeners]])
        vox.offer(tone(880, 3.0))
        scene.room.wake("vox")
        await scene.passes(1.0)
        before, sent = scene.room.encodes, [len(person.peer.sent) for person in people]
        await scene.passes(1.0)
        assert scene.room.encodes - before == publicly + 50
        assert [len(person.peer.sent) for person in people] == [count + 50 for count in sent]
        assert len({id(person.peer.sent[-1][0]) for person in people}) == 2, "two different packets"
        assert all(hears(person, 880) for person in people[:listeners])
        assert not any(hears(person, 880) for person in people[listeners:])
        await scene.passes(2.5)
        before = scene.room.encodes
        await scene.passes(0.3)
        assert scene.room.encodes - before == 15, "and nothing once it is over"


async def test_two_whisperers_to_different_people_make_a_mix_for_each_circle() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        names = ("ada", "ben", "cem", "dan")
        ada, ben, cem, dan = (scene.person(name, sending=False) for name in names)
        low, high = scene.persona("low"), scene.persona("high")
        scene.room.whisper("low", ["ada", "ben"])
        scene.room.whisper("high", ["ben", "cem"])
        low.offer(tone(500, 2.0))
        high.offer(tone(900, 2.0))
        await scene.passes(0.51)
        before = scene.room.encodes
        await scene.passes(1.0)
        assert scene.room.encodes - before == 150, "one, the other, and both; what all hear is silence"
        await scene.passes(1.0)
        heard = [(hears(person, 500), hears(person, 900)) for person in (ada, ben, cem, dan)]
        assert heard == [(True, False), (True, True), (False, True), (False, False)]


async def test_a_person_who_whispers_is_written_into_no_ears_but_those_of_whom_she_confides_in() -> None:
    async with run_room() as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem")
        scene.persona("vox")
        await scene.passes(0.3)
        scene.room.whisper("ada", ["ben"])
        ada.says(vowels(2.0))
        await scene.passes(2.5)
        ears = np.zeros(2 * 16_000, np.int16)
        assert ada.ears.read_at(ada.ears.written - len(ears), ears)
        assert not ears.any()
        assert np.abs(ben.heard().astype(int)).max() > 3000
        assert np.abs(cem.heard().astype(int)).max() < 100
        scene.room.whisper("ada", ["vox"])
        ada.says(vowels(2.0))
        await scene.passes(2.0)
        assert ada.ears.read_at(ada.ears.written - len(ears), ears)
        assert np.abs(ears.astype(int)).max() > 3000
        assert np.abs(cem.heard().astype(int)).max() < 100


async def test_turning_to_one_in_the_middle_of_a_word_leaks_nothing_and_clicks_nowhere() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem")
        await scene.passes(0.2)
        ada.says(tone(440, 3.0))
        await scene.passes(1.0)
        scene.room.whisper("ada", ["ben"])
        await scene.passes(0.1)
        since = len(cem.peer.sent)
        await scene.passes(0.9)
        del cem.peer.sent[:since]
        assert not np.any(cem.heard())
        scene.room.whisper("ada", None)
        await scene.passes(1.0)
        assert cem.hears(440)
        steepest = 2 * np.pi * 440 / RATE * 0.2 * 32767
        assert np.abs(np.diff(ben.heard().astype(int))).max() < 1.5 * steepest


async def test_who_leaves_while_whispering_is_not_heard_by_the_others_and_an_empty_circle_by_nobody() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem")
        vox = scene.persona("vox")
        scene.room.whisper("vox", ["ben"])
        scene.room.whisper("ada", [])
        await scene.passes(0.3)
        vox.offer(tone(880, 3.0))
        ada.says(tone(440, 3.0))
        await scene.passes(1.0)
        scene.leave("vox")
        scene.leave("ben")
        await scene.passes(0.5)
        assert hears(ben, 880)
        assert not np.any(cem.heard())
        assert not hears(ben, 440)
        with pytest.raises(RoomError):
            scene.room.whisper("nobody", ["cem"])
        assert ada.id in scene.room


async def test_who_is_left_out_of_a_mix_is_missing_there_and_nowhere_else() -> None:
    async with run_room() as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem", sending=False)
        dan = scene.person("dan")
        scene.room.leave_out("cem", ["ada", "gone"])
        scene.room.leave_out("ben", ["dan"])
        await scene.passes(0.3)
        ada.says(tone(440, 3.0))
        ben.says(tone(660, 3.0))
        dan.says(tone(880, 2.5))
        await scene.passes(3.5)
        assert [cem.hears(frequency) for frequency in (440, 660, 880)] == [False, True, True]
        assert [ben.hears(frequency) for frequency in (440, 660, 880)] == [True, False, False]
        assert [ada.hears(frequency) for frequency in (440, 660, 880)] == [False, True, True]


async def test_a_persona_that_comes_later_is_left_out_as_well_and_whispers_go_on() -> None:
    async with run_room() as scene:
        ada, ben, cem = (scene.person(name, sending=False) for name in ("ada", "ben", "cem"))
        low = scene.persona("low")
        scene.room.whisper("low", ["ada"])
        scene.room.leave_out("ben", ["vox"])
        await scene.passes(0.1)
        low.offer(tone(440, 2.0))
        vox = scene.persona("vox")
        vox.offer(tone(880, 2.0))
        await scene.passes(2.5)
        heard = [[hears(person, frequency) for frequency in (440, 880)] for person in (ada, ben, cem)]
        assert heard == [[True, True], [False, False], [False, True]]


async def test_within_a_whisper_among_people_it_is_told_who_speaks_and_to_nobody_else() -> None:
    async with run_room() as scene:
        ada, ben = scene.person("ada"), scene.person("ben")
        scene.person("cem")
        scene.persona("vox")
        await scene.passes(0.3)
        scene.room.whisper("ada", ["ben"])
        await scene.passes(0.1)
        ada.says(vowels(1.0))
        await scene.passes(2.5)
        circle = frozenset({"ben"})
        assert scene.told(SpeakingChanged) == [
            SpeakingChanged("kitchen", "ada", True, circle),
            SpeakingChanged("kitchen", "ada", False, circle),
        ]
        assert not scene.told(GateOpened), "there is nothing in her ears that could be listened to"
        assert scene.room.dominant is None
        ears = np.zeros(2 * 16_000, np.int16)
        assert ada.ears.read_at(ada.ears.written - len(ears), ears)
        assert not ears.any()
        assert np.abs(ben.heard().astype(int)).max() > 3000


async def test_who_turns_to_others_while_she_speaks_is_told_to_speak_to_each_of_them_in_turn() -> None:
    async with run_room() as scene:
        ada = scene.person("ada")
        scene.person("ben")
        scene.persona("vox")
        await scene.passes(0.3)
        ada.says(vowels(8.0))
        for to in (None, ["ben"], ["ben", "vox"], None):
            scene.room.whisper("ada", to)
            await scene.passes(2.0)
        audiences = [None, frozenset({"ben"}), frozenset({"ben", "vox"}), None]
        told = [
            (event.speaking, event.audience)
            for event in scene.told(SpeakingChanged)
            if isinstance(event, SpeakingChanged)
        ]
        begun, ended = told[::2], told[1::2]
        assert all(speaking for speaking, _ in begun)
        assert [(False, audience) for _, audience in begun][: len(ended)] == ended, (
            "whoever was told hears of the end"
        )
        assert [audience for audience, _ in groupby(audience for _, audience in begun)] == audiences
        gates = [type(event) for event in scene.events if isinstance(event, GateOpened | GateClosed)]
        assert gates[:4] == [GateOpened, GateClosed, GateOpened, GateClosed], (
            "closed among people, and only there"
        )


async def test_the_end_of_a_whisper_is_told_to_its_circle_though_the_next_words_are_for_all() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        scene.person("ada", sending=False)
        scene.person("ben", sending=False)
        vox = scene.persona("vox")
        scene.room.whisper("vox", ["ben"])
        vox.offer(tone(440, 0.5))
        while vox.pulled < vox.written:
            await scene.passes(0.001)
        scene.room.whisper("vox", None)
        await scene.passes(0.1)
        vox.offer(tone(440, 0.5))
        await scene.passes(1.0)
        circle = frozenset({"ben"})
        assert scene.told(SpeakingChanged) == [
            SpeakingChanged("kitchen", "vox", speaking, audience)
            for audience in (circle, None)
            for speaking in (True, False)
        ]


async def test_of_a_whisper_that_is_stopped_before_it_sounds_nobody_new_hears_a_frame() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ben, cem = scene.person("ben", sending=False), scene.person("cem", sending=False)
        vox = scene.persona("vox")
        scene.room.whisper("vox", ["ben"])
        vox.offer(np.zeros(2 * FRAME, np.int16))
        vox.offer(np.full(RATE, 6000, np.int16))
        while vox.pulled < 2 * FRAME:
            await scene.passes(0.001)
        scene.room.stop_voice("vox")
        scene.room.whisper("vox", None)
        await scene.passes(0.2)
        assert not np.any(cem.heard())
        vox.offer(tone(440, 0.5))
        await scene.passes(0.7)
        assert ben.hears(440)
        assert cem.hears(440)


async def test_who_is_left_out_can_be_heard_again_and_costs_a_mix_only_while_she_sounds() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, ben = scene.person("ada"), scene.person("ben")
        others = [scene.person(f"listener {number}", sending=False) for number in range(6)]
        for one in others[:3]:
            scene.room.leave_out(one.id, ["ada"])
        ada.says(tone(440, 2.0))
        ben.says(tone(660, 2.0))
        await scene.passes(1.01)
        before = scene.room.encodes
        await scene.passes(0.5)
        assert scene.room.encodes - before == 100, "hers, his, what all hear, what the three hear without her"
        assert not any(hears(one, 440) for one in others[:3])
        assert all(hears(one, 440) for one in others[3:])
        await scene.passes(2.5)
        before = scene.room.encodes
        await scene.passes(0.3)
        assert scene.room.encodes == before
        scene.room.leave_out(others[0].id, [])
        ada.says(tone(440, 1.0))
        await scene.passes(1.0)
        assert [hears(one, 440) for one in others[:3]] == [True, False, False]


async def test_a_whisper_of_one_who_is_left_out_is_not_in_the_mix_either() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem")
        scene.room.leave_out("ben", ["ada"])
        scene.room.whisper("ada", ["ben"])
        await scene.passes(0.2)
        ada.says(tone(440, 1.0))
        await scene.passes(1.2)
        assert not np.any(ben.heard())
        assert not np.any(cem.heard())
        with pytest.raises(RoomError):
            scene.room.leave_out("nobody", [])


def on_a_bad_network(scene: Scene, caller: Caller, sound: Sound, spread: float) -> None:
    """Sends sound, and silence after it, each packet up to so many seconds late, and waits for nothing."""
    random = np.random.default_rng(3)
    silence = np.zeros(2 * RATE, np.int16)
    frames = np.concatenate([sound, silence]).reshape(-1, FRAME)
    loop = asyncio.get_running_loop()
    for number, frame in enumerate(frames):
        payload = caller.encoder.encode(frame)
        at = loop.time() + number * 0.02 + random.uniform(0.0, spread)

        def arrive(number: int = number, payload: bytes = payload) -> None:
            packet = ReceivedPacket(100 + number, 5_000 + number * FRAME, payload, scene.clock())
            caller.peer.jitter.push(packet)

        loop.call_at(at, arrive)


def whispered_and_said() -> Sound:
    """3 s for one alone, of which the last 0.4 s sound higher, the tail of a client, and something for all."""
    return np.concatenate(
        [tone(880, 2.6), tone(1320, 0.4), np.zeros(round(0.4 * RATE), np.int16), tone(440, 1.2)]
    )


async def seconds_of_a_whisper_that_does_not_end(spread: float) -> float:
    async with run_room() as scene:
        ada, ben = scene.person("ada", sending=False), scene.person("ben", sending=False)
        scene.room.whisper("ada", ["ben"])
        on_a_bad_network(scene, ada, whispered_and_said(), spread)
        await scene.passes(7.0)
        return seconds_of(ben, 1320)


@pytest.mark.parametrize("after", [None, ["ben", "cem"], ["cem"]])
@pytest.mark.parametrize("spread", [0.0, 0.1, 0.5, 0.8])
async def test_who_did_not_hear_a_whisper_does_not_hear_the_end_of_it_on_a_bad_network(
    spread: float, after: list[str] | None
) -> None:
    async with run_room() as scene:
        ada, ben, cem = (scene.person(name, sending=False) for name in ("ada", "ben", "cem"))
        scene.persona("vox")
        scene.room.whisper("ada", ["ben"])
        on_a_bad_network(scene, ada, whispered_and_said(), spread)
        await scene.passes(3.4)
        scene.room.whisper("ada", after)
        assert scene.room.audience("ada") == (None if after is None else frozenset(after))
        await scene.passes(0.1)
        scene.room.whisper("ada", after)
        await scene.passes(3.5)
        assert not hears(cem, 880)
        assert not hears(cem, 1320)
        assert cem.hears(440)
        ears = np.zeros(6 * 16_000, np.int16)
        assert ada.ears.read_at(ada.ears.written - len(ears), ears)
        assert amplitude_of(880, ears, 16_000) < 0.001, "nor does who listens to the words"
        if after == ["cem"]:
            assert not seconds_of(ben, 440), "what is for the other alone"
        else:
            heard = seconds_of(ben, 1320)
            assert heard >= 0.2, "to its end"
            assert heard == await seconds_of_a_whisper_that_does_not_end(spread)


async def test_a_whisper_is_over_at_once_where_nothing_is_held_and_may_begin_again_while_it_ends() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, cem = scene.person("ada", sending=False), scene.person("cem", sending=False)
        scene.room.whisper("ada", ["ben"])
        scene.room.whisper("ada", None)
        ada.sending = True
        ada.says(tone(440, 1.0))
        await scene.passes(1.5)
        assert cem.hears(440)
        scene.room.whisper("ada", ["ben"])
        since = len(cem.peer.sent) + 1
        await scene.passes(0.2)
        ada.says(tone(880, 2.0))
        await scene.passes(1.0)
        scene.room.whisper("ada", None)
        scene.room.whisper("ada", ["ben"])
        await scene.passes(1.5)
        del cem.peer.sent[:since]
        assert not np.any(cem.heard())
        ada.says(tone(880, 1.0))
        await scene.passes(0.5)
        scene.room.whisper("ada", None)
        scene.leave("ada")
        await scene.passes(0.5)
        assert not np.any(cem.heard())


def test_a_coming_or_going_costs_by_the_people_there_are_and_not_by_their_square() -> None:
    def cost(people: int) -> float:
        rings = AudioRing.format(bytearray(AudioRing.nbytes(RATE)), rate=16_000, capacity=RATE)
        persons = {f"p{number}": Person(f"p{number}", number, FakePeer(), rings) for number in range(people)}
        whispers = Whispers()
        took = []
        for _ in range(9):
            began = time.process_time_ns()
            whispers.regroup(list(persons.values()), persons)
            took.append(time.process_time_ns() - began)
        return min(took)

    assert cost(800) < 8 * cost(200), "four times where it is linear, sixteen where it is not"


class Grouped(FakePeer):
    """A peer that is sent to together with others; how many there were is kept with each packet."""

    grouping: "type[Company]"

    def __init__(self, jitter: JitterBuffer | None = None) -> None:
        super().__init__(jitter)
        self.together: list[int] = []


class Company:
    """Sends to a group, and notes how large it is."""

    formed = 0

    def __init__(self, peers: list[Grouped]) -> None:
        Company.formed += 1
        self._peers = peers

    def send(self, payload: bytes, timestamp: int) -> None:
        for peer in self._peers:
            peer.send_audio(payload, timestamp)
            peer.together.append(len(self._peers))


Grouped.grouping = Company


async def test_those_who_are_whispered_to_are_sent_to_together() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        people = [scene.person(f"p{number}", sending=False, peer_kind=Grouped) for number in range(8)]
        vox = scene.persona("vox")
        scene.room.whisper("vox", [person.id for person in people[:5]])
        vox.offer(tone(880, 2.0))
        await scene.passes(0.5)
        formed, at = Company.formed, [len(person.peer.sent) for person in people]
        await scene.passes(1.0)
        assert Company.formed == formed, "a group lasts as long as those in it"
        peers = [person.peer for person in people if isinstance(person.peer, Grouped)]
        assert all(set(peer.together[start:]) == {5} for peer, start in zip(peers[:5], at, strict=False))
        assert all(len(peer.together) == len(peer.sent) for peer in peers), (
            "and nobody is sent anything by herself"
        )
        assert all(hears(person, 880) for person in people[:5])
        assert not any(hears(person, 880) for person in people[5:])
        scene.leave("p1")
        before = len(peers[1].sent)
        await scene.passes(0.2)
        assert peers[0].together[-1] == 4
        assert len(peers[1].sent) == before
