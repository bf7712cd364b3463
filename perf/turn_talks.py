"""One speaker's talk heard by a real listener on virtual time, and what its turns were taken for."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from media.realtime.ring import AudioRing
from media.speech.events import SpeechEvent, SpeechPaused, TurnCommitted
from media.speech.listener import Listener, SpeechEngines
from media.speech.patience import Patience
from media.speech.vad import CHUNK, RATE, SileroModel, SileroVoiceActivity, VoiceActivity
from perf.turn_corpus import Talk, Turn

__all__ = ["Ending", "Heard", "RecordedActivity", "heard", "listen_to", "voice_probabilities"]

TICK = RATE // 50
RING = 30 * RATE


class RecordedActivity:
    """Voice probabilities of a whole talk, computed once for all that hear it.

    Args:
        probabilities: one a chunk, from the talk's first sample on.
    """

    def __init__(self, probabilities: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
        self._probabilities = iter(probabilities.tolist())

    def probability(self, chunk: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
        """See `VoiceActivity`."""
        return next(self._probabilities)

    def reset(self) -> None:
        """See `VoiceActivity`."""


def voice_probabilities(talk: Talk, model: SileroModel) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Silero's probabilities of a talk's chunks."""
    activity = SileroVoiceActivity(model)
    chunks = talk.sound[: len(talk.sound) // CHUNK * CHUNK].reshape(-1, CHUNK)
    return np.array(
        [activity.probability(chunk.astype(np.float32) / np.float32(32768)) for chunk in chunks], np.float32
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """How one turn was heard to end.

    Attributes:
        false: how often it was taken to be over within a pause.
        delay: seconds from its last voiced sample to the decision that it is over, words in hand; None when its end led
            to no words.
        words: seconds from its last voiced sample to its words.
        paused: seconds from its last voiced sample to the notice of silence.
    """

    false: int
    delay: float | None
    words: float | None
    paused: float | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a listener made of a talk.

    Attributes:
        talk: what was said.
        endings: one a turn.
        noticed: silences at which words were sought.
        discarded: what led to no words, by reason.
    """

    talk: Talk
    endings: tuple[Ending, ...]
    noticed: int
    discarded: Mapping[str, int]


async def listen_to(
    talk: Talk, engines: SpeechEngines, activity: VoiceActivity, patience: Patience
) -> tuple[list[SpeechEvent], Mapping[str, int]]:
    """Plays a talk into a person's ring, a frame every 20 ms, and returns what the listener reports."""
    loop = asyncio.get_running_loop()

    def clock() -> int:
        return round(loop.time() * 1e9)

    ring = AudioRing.format(bytearray(AudioRing.nbytes(RING)), rate=RATE, capacity=RING, clock=clock)
    listener = Listener("speaker", ring, activity, engines, patience=patience, clock=clock)
    events: list[SpeechEvent] = []

    async def collect() -> None:
        async with aclosing(listener.events()) as reported:  # type: ignore[type-var]
            async for event in reported:
                events.append(event)

    collecting = asyncio.create_task(collect())
    await asyncio.sleep(0)
    listener.gate_opened(0)
    begin = loop.time()
    questions = [(turn.begin - RATE // 4, turn.script.asked) for turn in talk.turns if turn.script.asked]
    for start in range(0, len(talk.sound), TICK):
        await asyncio.sleep(begin + (start + TICK) / RATE - loop.time())
        ring.write(talk.sound[start : start + TICK])
        if questions and start >= questions[0][0]:
            listener.asked(questions.pop(0)[1])
    await asyncio.sleep(2.0)
    collecting.cancel()
    await asyncio.gather(collecting, return_exceptions=True)
    return events, dict(listener.discarded)


def heard(talk: Talk, events: list[SpeechEvent], discarded: Mapping[str, int]) -> Heard:
    """Compares what a listener reported with what was said."""
    noticed = sum(isinstance(event, SpeechPaused) for event in events)
    return Heard(talk, tuple(_ending(turn, events) for turn in talk.turns), noticed, discarded)


def _ending(turn: Turn, events: list[SpeechEvent]) -> Ending:
    end, last = turn.end / RATE, _last_words(turn) / RATE
    false = 0
    for event in events:
        if not isinstance(event, TurnCommitted):
            continue
        speech_end = event.speech_end_ns / 1e9
        if turn.begin / RATE < speech_end < last:
            false += 1
        elif last <= speech_end < end + 1.0:
            return Ending(
                false, event.decided_ns / 1e9 - end, event.words_ns / 1e9 - end, event.paused_ns / 1e9 - end
            )
    return Ending(false, None, None, None)


def _last_words(turn: Turn) -> int:
    """Where the last stretch of speech begins: a segment that ends behind it is the turn's end."""
    if not turn.pauses:
        return turn.begin
    start, length = turn.pauses[-1]
    return start + length
