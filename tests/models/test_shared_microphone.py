"""Two voices at one microphone, with the real weights: who said what, a name learnt, a turn that changes hands."""

import asyncio
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import resample_poly

from cognition.store.memory_store import MemoryStore
from media.speech.events import TurnCommitted
from media.speech.lane import FakeLane
from media.speech.shared_microphone import Diarization, SharedMicrophone
from media.speech.transcriber import WhisperTranscriber
from media.speech.vad import SileroModel, SileroVoiceActivity
from media.speech.voiceprint import VoiceEncoder
from perf.speech_corpus import PiperSpeaker, cached_wav
from signaling.caller.wav import read_speech
from signaling.settings import Settings
from signaling.shared_voices import SharedVoices
from tests.media.speech_script import Person, silence
from tests.weights_fixture import WeightsOf, weights

__all__ = ["weights"]

pytestmark = [pytest.mark.models, pytest.mark.virtual_time, pytest.mark.timeout(240)]

Samples = npt.NDArray[np.int16]


class Scripted:
    """Lines of two voices at a shared microphone in virtual time, with the real weights."""

    def __init__(self, weights: WeightsOf) -> None:
        self._piper = weights("voice")
        self._cache = Settings().cache_dir.expanduser() / "speech-corpus"
        silero = SileroModel(weights("vad"))
        self.person = Person(
            lambda _: "",
            activity=SileroVoiceActivity(silero),
            transcriber=WhisperTranscriber(weights("speech-to-text")),
            partials=False,
        )
        diarization = Diarization(
            VoiceEncoder(weights("voiceprint")), lambda: SileroVoiceActivity(silero), FakeLane(0.1)
        )
        self.microphone = SharedMicrophone(
            self.person.listener, self.person.ring, self.person.engines, diarization
        )
        self.microphone.share(True)
        self.person.listener = self.microphone  # type: ignore[assignment]

    def line(self, text: str, pitch: float) -> Samples:
        path: Path = cached_wav(text, PiperSpeaker(self._piper, pitch), self._cache)
        samples: Samples = resample_poly(read_speech(path), 1, 3).astype(np.int16)
        return samples

    async def hears(self, *sounds: Samples) -> list[tuple[str, str]]:
        await self.person.live(sounds)
        turns = [event for event in self.person.events if isinstance(event, TurnCommitted)]
        return [(turn.speaker.label if turn.speaker else "-", turn.text) for turn in turns]


LOW, HIGH = 0.8, 1.4


async def test_each_of_two_voices_is_known_again(weights: WeightsOf) -> None:
    scripted = Scripted(weights)
    heard = await scripted.hears(
        scripted.line("We could move the meeting to Thursday afternoon.", LOW),
        silence(1.5),
        scripted.line("The numbers from last month look much better.", HIGH),
        silence(1.5),
        scripted.line("Can somebody send me the slides before lunch?", LOW),
        silence(1.5),
        scripted.line("Who is going to write the first draft of it?", HIGH),
    )
    assert [label for label, _ in heard] == ["Speaker 1", "Speaker 2", "Speaker 1", "Speaker 2"]
    assert "Thursday" in heard[0][1]


async def test_a_name_that_is_said_is_learnt(weights: WeightsOf) -> None:
    scripted = Scripted(weights)
    tasks: list[asyncio.Task[None]] = []
    voices = SharedVoices(
        "studio",
        "p1",
        scripted.microphone,
        MemoryStore(),
        lambda work: tasks.append(asyncio.ensure_future(work)),
        Counter(),
    )
    scripted.microphone.on_words = voices.said
    heard = await scripted.hears(
        scripted.line("Hello everybody, my name is Maria.", HIGH),
        silence(1.5),
        scripted.line("The numbers from last month look much better.", LOW),
        silence(1.5),
        scripted.line("Can somebody send me the slides before lunch?", HIGH),
    )
    await asyncio.gather(*tasks)
    assert [label for label, _ in heard] == ["Maria", "Speaker 2", "Maria"]


async def test_a_turn_that_changes_hands_is_two_turns_with_their_own_words(weights: WeightsOf) -> None:
    scripted = Scripted(weights)
    heard = await scripted.hears(
        scripted.line("We could move the meeting to Thursday afternoon.", LOW),
        silence(0.05),
        scripted.line("The numbers from last month look much better.", HIGH),
    )
    assert [label for label, _ in heard] == ["Speaker 1", "Speaker 2"]
    assert "Thursday" in heard[0][1]
    assert "numbers" not in heard[0][1]
    assert "numbers" in heard[1][1]
