"""A shared microphone: who said it stands with the words, and a turn of two voices becomes two."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest

from media.speech.diarizer import Span, Voice
from media.speech.events import SpeechStarted, TurnCommitted, TurnProposed
from media.speech.lane import FakeLane, LaneBusy
from media.speech.sessions import ModelError
from media.speech.shared_microphone import Diarization, SharedMicrophone, words_by_voice
from media.speech.vad import RATE, FakeVoiceActivity
from media.speech.voiceprint import FakeVoiceprints
from tests.media.speech_script import Person, silence

pytestmark = pytest.mark.virtual_time

Samples = npt.NDArray[np.int16]
LOW, HIGH = 110.0, 330.0


def tone(hertz: float, seconds: float) -> Samples:
    instants = np.arange(int(seconds * RATE)) / RATE
    return (12_000 * np.sin(2 * np.pi * hertz * instants)).astype(np.int16)


def pitch(sound: npt.NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(sound))
    return float(np.argmax(spectrum) * RATE / len(sound))


def by_pitch(sound: npt.NDArray[np.float32]) -> str:
    """What the fake transcriber understands: what stands out."""
    return "Low words here." if pitch(sound) < 200 else "High words here."


@dataclass
class Meeting:
    """A shared microphone in virtual time."""

    hear: Callable[[npt.NDArray[np.float32]], str] = by_pitch
    shared: bool = True
    lane: FakeLane = field(default_factory=lambda: FakeLane(0.05))
    said: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.person = Person(self.hear)
        self.voiceprints = Counted()
        self.microphone = SharedMicrophone(
            self.person.listener,
            self.person.ring,
            self.person.engines,
            Diarization(self.voiceprints, FakeVoiceActivity, self.lane),
        )
        self.microphone.on_words = lambda speaker, text: self.said.append((speaker, text))
        self.microphone.share(self.shared)
        self.person.listener = self.microphone  # type: ignore[assignment]

    async def hears(self, *sounds: Samples) -> None:
        await self.person.live(sounds)

    @property
    def turns(self) -> list[TurnCommitted]:
        return [event for event in self.person.events if isinstance(event, TurnCommitted)]

    @property
    def labels(self) -> list[str]:
        return [turn.speaker.label if turn.speaker else "-" for turn in self.turns]


class Counted(FakeVoiceprints):
    def __init__(self) -> None:
        self.calls = 0

    def embed(
        self, sound: npt.NDArray[np.float32], stretches: Sequence[tuple[int, int]]
    ) -> npt.NDArray[np.float32]:
        self.calls += 1
        return super().embed(sound, stretches)


async def test_a_microphone_that_is_not_shared_costs_nothing_and_names_nobody() -> None:
    meeting = Meeting(shared=False)
    await meeting.hears(tone(LOW, 2), silence(1.5), tone(HIGH, 2))
    assert meeting.labels == ["-", "-"]
    assert meeting.voiceprints.calls == 0


async def test_each_turn_has_its_speaker() -> None:
    meeting = Meeting()
    await meeting.hears(tone(LOW, 2), silence(2), tone(HIGH, 2), silence(2), tone(LOW, 2))
    assert meeting.labels == ["Speaker 1", "Speaker 2", "Speaker 1"]
    assert [speaker for speaker, _ in meeting.said] == ["s1", "s2", "s1"]


async def test_the_proposal_has_the_speaker_that_the_turn_has() -> None:
    meeting = Meeting()
    await meeting.hears(tone(LOW, 2), silence(2), tone(HIGH, 2))
    proposed = [event for event in meeting.person.events if isinstance(event, TurnProposed)]
    assert [event.speaker.id for event in proposed if event.speaker] == ["s1", "s2"]


async def test_a_turn_of_two_voices_becomes_two_turns_with_their_own_words() -> None:
    meeting = Meeting()
    await meeting.hears(tone(LOW, 2.4), tone(HIGH, 2.4))
    assert [(turn.text, turn.speaker.id if turn.speaker else "") for turn in meeting.turns] == [
        ("Low words here.", "s1"),
        ("High words here.", "s2"),
    ]
    first, second = meeting.turns
    started = [event.turn for event in meeting.person.events if isinstance(event, SpeechStarted)]
    assert started == [first.turn, second.turn]
    assert len(set(started)) == 2


async def test_every_start_has_one_end() -> None:
    meeting = Meeting()
    await meeting.hears(tone(LOW, 2.4), tone(HIGH, 2.4), silence(2), tone(LOW, 1.5))
    started = [event.turn for event in meeting.person.events if isinstance(event, SpeechStarted)]
    assert sorted(started) == sorted(turn.turn for turn in meeting.turns)


async def test_a_name_said_in_a_turn_is_that_turns_already() -> None:
    meeting = Meeting()
    names = iter(["Maria", "Tom"])
    meeting.microphone.on_words = lambda speaker, text: meeting.microphone.name(speaker, next(names))
    await meeting.hears(tone(LOW, 2), silence(2), tone(HIGH, 2))
    assert meeting.labels == ["Maria", "Tom"]


async def test_a_remembered_voice_is_called_by_its_name() -> None:
    meeting = Meeting()
    sound = tone(HIGH, 2).astype(np.float32)
    vector = FakeVoiceprints().embed(sound, [(0, len(sound))])[0]
    meeting.microphone.remember([Voice("kept", vector, 10.0, "Maria")])
    await meeting.hears(tone(LOW, 2), silence(2), tone(HIGH, 2))
    assert meeting.labels == ["Speaker 1", "Maria"]


async def test_a_forgotten_voice_is_a_stranger_again() -> None:
    meeting = Meeting()
    await meeting.hears(tone(LOW, 2), silence(1))
    meeting.microphone.name("s1", "Maria")
    meeting.microphone.forget("s1")
    assert meeting.microphone.book.voices == ()


async def test_one_who_shares_no_longer_leaves_no_voiceprint() -> None:
    meeting = Meeting()
    await meeting.hears(tone(LOW, 2))
    meeting.microphone.share(False)
    assert meeting.microphone.book.voices == ()
    assert meeting.microphone.book.pending == ()


async def test_a_turn_under_way_when_sharing_ends_leaves_no_voiceprint_either() -> None:
    meeting = Meeting()
    task = asyncio.create_task(meeting.hears(tone(LOW, 3), silence(2)))
    await asyncio.sleep(2)
    meeting.microphone.share(False)
    await task
    assert meeting.labels == ["-"]
    assert meeting.microphone.book.voices == ()


async def test_who_asks_to_be_forgotten_is_nobody_already_in_that_turn() -> None:
    meeting = Meeting()
    meeting.microphone.on_words = lambda speaker, text: meeting.microphone.forget(speaker)
    await meeting.hears(tone(LOW, 2))
    assert meeting.labels == ["Somebody"]


async def test_the_second_half_of_a_turn_began_when_the_whole_did() -> None:
    meeting = Meeting()
    await meeting.hears(tone(LOW, 2.4), tone(HIGH, 2.4))
    first, second = (event.at_ns for event in meeting.person.events if isinstance(event, SpeechStarted))
    assert first == second


async def test_words_are_somebodys_when_the_lane_is_too_slow_and_that_is_counted() -> None:
    meeting = Meeting(lane=FakeLane(30.0))
    await meeting.hears(tone(LOW, 2), silence(6))
    assert meeting.labels == ["Somebody"]
    assert meeting.microphone.discarded["speaker: late"] >= 1


async def test_words_are_somebodys_when_the_lane_is_full_and_that_is_counted() -> None:
    class Full(FakeLane):
        async def run(self, work: object, *, urgent: bool = True) -> object:  # type: ignore[override]
            raise LaneBusy("64 wait")

    meeting = Meeting(lane=Full())
    await meeting.hears(tone(LOW, 2))
    assert meeting.labels == ["Somebody"]
    assert meeting.microphone.discarded["speaker: LaneBusy"] >= 1


async def test_an_encoder_that_fails_leaves_the_words_and_is_counted() -> None:
    class Failing(Counted):
        def embed(self, sound: object, stretches: object) -> npt.NDArray[np.float32]:
            raise ModelError("the weights for voiceprint are missing")

    meeting = Meeting()
    meeting.microphone._diarization = Diarization(Failing(), FakeVoiceActivity, meeting.lane)
    await meeting.hears(tone(LOW, 2), silence(2), tone(HIGH, 0.1))
    assert [(turn.text, turn.speaker.label if turn.speaker else "-") for turn in meeting.turns] == [
        ("Low words here.", "Somebody")
    ]
    assert meeting.microphone.discarded["speaker: ModelError"] == 1


async def test_closing_it_ends_what_is_looked_at() -> None:
    meeting = Meeting(lane=FakeLane(1000.0))
    await meeting.person.live([tone(LOW, 2)], after=0.05)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in others if "_look" in repr(task)]


def span(begin: float, end: float, speaker: str | None) -> Span:
    return Span(int(begin * RATE), int(end * RATE), speaker, 0.9)


def test_what_is_too_short_to_hold_words_is_given_to_its_neighbour() -> None:
    parts = words_by_voice([span(0, 2, "a"), span(2, 2.3, "b"), span(2.4, 4, "a"), span(4, 6, "b")])
    assert [(part.speaker, part.end / RATE) for part in parts] == [("a", 4.0), ("b", 6.0)]
    parts = words_by_voice([span(0, 0.3, None), span(0.4, 4, "a")])
    assert [(part.speaker, part.begin) for part in parts] == [("a", 0)]
    assert words_by_voice([]) == []
