"""Persons who speak over a persona's voice: it is lowered, held, and goes on where it was."""

import math

import numpy as np
import pytest

from media.events import GateOpened, VoiceHeld, VoiceStarted
from media.overlaps import DUCKED
from media.participant import REWOUND
from media.realtime import overlap
from media.realtime.opus import FakeCodec
from media.realtime.overlap_weights import STAGES
from media.realtime.packet import FRAME, RATE
from media.realtime.ring import AudioRing
from tests.media.room_script import Scene, Sound, amplitude_of, run_room, tone, vowels

pytestmark = pytest.mark.virtual_time


@pytest.fixture
def unjudged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sounds interrupt by how long they last alone, whatever they sound like."""
    monkeypatch.setattr(overlap, "THRESHOLDS", (math.inf,) * len(STAGES))


@pytest.fixture
def patient(unjudged: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing interrupts."""
    monkeypatch.setattr(overlap, "LASTING", 1 << 30)


def loudness(sound: Sound, frequency: float) -> list[float]:
    """Amplitude of a tone by frames of 20 ms."""
    whole = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    return [amplitude_of(frequency, frame) for frame in whole]


def steepest(sound: Sound) -> float:
    return float(np.abs(np.diff(sound.astype(np.float64))).max())


async def sounding(scene: Scene, seconds: float = 6.0) -> AudioRing:
    """The voice of a persona that speaks, for half a second by now."""
    voice = scene.persona("vox")
    await scene.passes(0.3)
    voice.offer(tone(3000, seconds))
    await scene.passes(0.5)
    return voice


@pytest.mark.usefixtures("patient")
async def test_a_voice_is_lowered_within_three_frames_of_speech_without_a_click_and_comes_back() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, ben = scene.person("ada"), scene.person("ben")
        await sounding(scene)
        ada.says(vowels(1.0))
        await scene.passes(3.0)
        ben_heard, ada_heard = ben.heard(), ada.heard()
        levels = loudness(ada_heard, 3000)
        lowered = next(index for index, level in enumerate(levels) if 0.01 < level < 0.12)
        began = next(index for index, level in enumerate(loudness(ben_heard, 130)) if level > 0.03)
        assert lowered - began <= 3
        assert levels[lowered + 3] == pytest.approx(0.2 * DUCKED, rel=0.1)
        assert levels[lowered + 50 + 20] == pytest.approx(0.2, rel=0.1), "back 300 ms after the last word"
        assert steepest(ada_heard[RATE:]) <= 1.02 * 0.2 * 32767 * 2 * np.pi * 3000 / RATE


@pytest.mark.usefixtures("patient")
async def test_a_voice_is_not_lowered_for_a_whisper_that_the_persona_does_not_hear() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, ben = scene.person("ada"), scene.person("ben")
        await scene.passes(0.1)
        scene.room.whisper("ada", ["ben"])
        await sounding(scene)
        ada.says(vowels(1.0))
        await scene.passes(1.5)
        assert min(loudness(ben.heard()[RATE:], 3000)[:60]) > 0.15


@pytest.mark.usefixtures("unjudged")
async def test_speech_that_lasts_holds_the_voice_and_what_is_left_of_it_stays_in_the_ring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(overlap, "LASTING", 10)
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada = scene.person("ada")
        ring = await sounding(scene)
        ada.says(vowels(1.0))
        await scene.passes(2.0)
        (held,) = [event for event in scene.events if isinstance(event, VoiceHeld)]
        assert (held.participant, held.by, held.played) == ("vox", "ada", ring.pulled)
        assert ring.written - ring.pulled > 4 * RATE
        heard = ada.heard()
        silent = np.flatnonzero(np.abs(heard) > 10)[-1]
        assert len(heard) - silent > RATE
        assert steepest(heard[RATE // 2 :]) <= 1.02 * 0.2 * 32767 * 2 * np.pi * 3000 / RATE


@pytest.mark.usefixtures("patient")
async def test_a_voice_that_was_held_goes_on_from_where_it_is_told_to() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada = scene.person("ada")
        ring = await sounding(scene)
        position = scene.room.hold_voice("vox")
        await scene.passes(0.5)
        assert ring.pulled == position
        at = scene.room.resume_voice("vox", position - RATE // 2)
        assert at == position - RATE // 2
        await scene.passes(0.5)
        assert ring.pulled == pytest.approx(at + RATE // 2, abs=FRAME)
        assert len([event for event in scene.events if isinstance(event, VoiceStarted)]) == 2
        levels = loudness(ada.heard(), 3000)
        assert levels[-1] == pytest.approx(0.2, rel=0.1)
        first = next(index for index, level in enumerate(levels) if level > 0.1)
        assert sum(level < 0.01 for level in levels[first:]) == pytest.approx(25, abs=2)


@pytest.mark.usefixtures("patient")
async def test_a_voice_goes_back_no_further_than_its_writer_keeps_for_it() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        scene.person("ada")
        await sounding(scene)
        await scene.passes(3.0)
        position = scene.room.hold_voice("vox")
        await scene.passes(0.1)
        assert scene.room.resume_voice("vox", 0) == position - REWOUND


@pytest.mark.usefixtures("patient")
async def test_a_voice_that_is_held_can_be_stopped_for_good() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada = scene.person("ada")
        ring = await sounding(scene)
        position = scene.room.hold_voice("vox")
        await scene.passes(0.3)
        assert scene.room.stop_voice("vox") == position
        assert ring.pulled == ring.written
        ring.offer(tone(1000, 0.5))
        scene.room.wake("vox")
        await scene.passes(0.7)
        assert ada.hears(1000)


async def test_what_holds_no_voice_any_more_may_go_on_and_what_begins_anew_holds_it_again(
    unjudged: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap, "LASTING", 10)
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada = scene.person("ada")
        ring = await sounding(scene, 9.0)
        ada.says(vowels(1.5))
        await scene.passes(0.6)
        assert len([event for event in scene.events if isinstance(event, VoiceHeld)]) == 1
        scene.room.resume_voice("vox", ring.pulled)
        await scene.passes(2.0)
        assert len([event for event in scene.events if isinstance(event, VoiceHeld)]) == 1
        ada.says(vowels(0.6))
        await scene.passes(1.0)
        assert len([event for event in scene.events if isinstance(event, VoiceHeld)]) == 2


@pytest.mark.usefixtures("unjudged")
async def test_a_noise_without_a_voice_in_it_holds_nothing_however_long_it_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(overlap, "LASTING", 10)
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada = scene.person("ada")
        await sounding(scene)
        hiss = np.random.default_rng(2).standard_normal(RATE) * 2000
        ada.says(hiss.astype(np.int16))
        await scene.passes(1.5)
        assert scene.told(GateOpened)
        assert not scene.told(VoiceHeld)


@pytest.mark.usefixtures("patient")
async def test_a_voice_that_begins_is_not_lowered_for_what_was_said_over_its_last_words() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        ada, ben = scene.person("ada"), scene.person("ben", sending=False)
        await sounding(scene, 9.0)
        other = scene.persona("other")
        other.offer(tone(1000, 0.8))
        await scene.passes(0.2)
        ada.says(vowels(1.0))
        await scene.passes(2.5)
        other.offer(tone(1000, 0.5))
        scene.room.wake("other")
        await scene.passes(0.7)
        levels = loudness(ben.heard(), 1000)
        last = len(levels) - 1 - next(index for index, level in enumerate(levels[::-1]) if level > 0.1)
        assert levels[last - 22] == pytest.approx(0.2, rel=0.1), "from its second frame on"


async def test_a_voice_that_had_run_dry_is_held_as_well_and_what_comes_waits() -> None:
    async with run_room(FakeCodec, FakeCodec) as scene:
        scene.person("ada", sending=False)
        voice = scene.persona("vox")
        await scene.passes(3.0)
        assert scene.room.idle
        assert scene.room.hold_voice("vox") == 0
        await scene.passes(0.1)
        held = [event for event in scene.events if isinstance(event, VoiceHeld)]
        assert [(event.participant, event.by, event.played) for event in held] == [("vox", None, 0)]
        voice.offer(tone(1000, 0.5))
        scene.room.wake("vox")
        await scene.passes(0.3)
        assert voice.pulled == 0
        scene.room.resume_voice("vox", 0)
        await scene.passes(0.7)
        assert voice.pulled == voice.written
