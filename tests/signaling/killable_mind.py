"""The mind's process as the supervisor starts it, with the shipped fakes for its models; made to be killed.

What people say aloud are tones: `words_of` knows by its pitch which of them is which.

An interpreter's start and its imports are paid once: `python -m tests.signaling.killable_mind` forks a mind for each
line it reads, which is what the supervisor hands a mind as `CONTINUUM_LAUNCH`; it says `started PID`
and `ended STATUS`.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import numpy as np
import numpy.typing as npt

from cognition.inference.generator import FakeGenerator
from cognition.persona.profile import Persona
from media.speech.end_of_turn import FakeTurnModel
from media.speech.lane import FakeLane
from media.speech.listener import SpeechEngines
from media.speech.shared_microphone import Diarization
from media.speech.transcriber import FakeTranscriber
from media.speech.vad import RATE, FakeVoiceActivity, SileroModel
from media.speech.voice import FakeVoice, Voice
from media.speech.voiceprint import FakeVoiceprints
from signaling.engines import Engines
from signaling.mind_process import main
from signaling.settings import Settings

ANSWERS = ("I see.", "That is a fine thought.", "Yes, I think so too.", "Tell me more about it.")
SECONDS_PER_LETTER = 0.015


LOWEST, STEP = 300.0, 40.0
"""Hertz of the first tone, and between one and the next; a tone is known by its loudest frequency."""
REMIND_EVERY = 4
LOUD = 0.05


class Loud:
    """Stands in for Silero's weights: whatever is loud is a voice."""

    def run(
        self, window: npt.NDArray[np.float32], state: npt.NDArray[np.float32]
    ) -> tuple[float, npt.NDArray[np.float32]]:
        return 0.95 if float(np.sqrt(np.mean(np.square(window)))) > LOUD else 0.02, state


def pitch_of(number: int) -> float:
    """Hertz of a tone."""
    return LOWEST + STEP * number


def words_of(number: int) -> str:
    """What somebody says who plays a tone."""
    persona = ("Nova", "Robin")[number % 2]
    if number % REMIND_EVERY == 0:
        return f"{persona}, remind me in one second to play {number}."
    return f"{persona}, how is tone {number}?"


def hear(utterance: npt.NDArray[np.float32]) -> str:
    """The words of the tone that an utterance at 16 kHz holds."""
    loudest = int(np.argmax(np.abs(np.fft.rfft(utterance))))
    pitch = loudest * RATE / len(utterance)
    return words_of(max(0, round((pitch - LOWEST) / STEP)))


async def make_voice(persona: Persona) -> Voice:
    return FakeVoice(seconds_per_letter=SECONDS_PER_LETTER)


@asynccontextmanager
async def fake_engines(settings: Settings, personas: tuple[Persona, ...]) -> AsyncIterator[Engines]:
    """Engines that need no weights and answer at once."""
    yield Engines(
        FakeGenerator(ANSWERS * 1000),
        cast(SileroModel, Loud()),
        SpeechEngines(FakeTranscriber(hear), FakeTurnModel(), FakeLane(), FakeLane()),
        {persona.id: await make_voice(persona) for persona in personas},
        FakeLane(),
        Diarization(FakeVoiceprints(), FakeVoiceActivity, FakeLane()),
        make_voice,
    )


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.environ["CONTINUUM_LAUNCH"] = line
            status = main(fake_engines)
            sys.stderr.flush()
            os._exit(status)
        os.write(1, f"started {child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"ended {status}\n".encode())


if __name__ == "__main__":
    serve()
