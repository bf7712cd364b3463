"""A person's ears in virtual time: a few words of script become sound, events and instants."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

import numpy as np
import numpy.typing as npt

from media.realtime.ring import AudioRing
from media.speech.end_of_turn import FakeTurnModel, TurnModel
from media.speech.events import SpeechEvent
from media.speech.lane import FakeLane
from media.speech.listener import Listener, SpeechEngines
from media.speech.patience import Patience
from media.speech.transcriber import FakeTranscriber, Transcriber, Transcript
from media.speech.vad import RATE, FakeVoiceActivity, VoiceActivity

TICK = RATE // 50


def voice(seconds: float, amplitude: float = 0.3) -> npt.NDArray[np.int16]:
    """Something that the fake detector takes for a voice, int16 at 16 kHz."""
    return np.full(int(seconds * RATE), amplitude * 32767, np.int16)


def silence(seconds: float) -> npt.NDArray[np.int16]:
    """Nothing, int16 at 16 kHz."""
    return np.zeros(int(seconds * RATE), np.int16)


class Person:
    """One person's microphone, ring and listener on the running loop's clock.

    Args:
        hear: what the transcriber makes of an utterance.
        probability: the turn model's answer.
        takes: seconds of one transcription.
        judges: seconds of one judgement.
        capacity: seconds that the ring holds.
        words: the transcriber's lane.
        activity: a real detector instead of the fake one; so are the next two.
        transcriber: turns utterances into words.
        turn_model: judges whether they are finished.
        speculative: see `SpeechEngines`.
        partials: see `SpeechEngines`.
        patience: says how much silence ends a turn.
    """

    def __init__(
        self,
        hear: Callable[[npt.NDArray[np.float32]], str | Transcript],
        *,
        probability: float = 0.95,
        takes: float = 0.2,
        judges: float = 0.08,
        capacity: float = 30.0,
        words: FakeLane | None = None,
        activity: VoiceActivity | None = None,
        transcriber: Transcriber | None = None,
        turn_model: TurnModel | None = None,
        speculative: bool = True,
        partials: bool = True,
        patience: Patience | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.clock = lambda: int(loop.time() * 1e9)
        size = int(capacity * RATE)
        self.ring = AudioRing.format(
            bytearray(AudioRing.nbytes(size)), rate=RATE, capacity=size, clock=self.clock
        )
        self.activity = activity or FakeVoiceActivity()
        self.transcriber = FakeTranscriber(hear)
        self.words = words or FakeLane(takes)
        self.engines = SpeechEngines(
            transcriber or self.transcriber,
            turn_model or FakeTurnModel(lambda _: probability),
            self.words,
            FakeLane(judges),
            speculative=speculative,
            partials=partials,
        )
        self.listener = Listener(
            "ada", self.ring, self.activity, self.engines, patience=patience, clock=self.clock
        )
        self.events: list[SpeechEvent] = []
        self.instants: list[float] = []

    async def listen(self) -> None:
        """Collects what the listener reports, until cancelled."""
        async with aclosing(self.listener.events()) as events:  # type: ignore[type-var]
            async for event in events:
                self.events.append(event)
                self.instants.append(asyncio.get_running_loop().time())

    async def microphone(self, sound: npt.NDArray[np.int16]) -> None:
        """Writes sound into the ring as media does, a frame every 20 ms."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for number, start in enumerate(range(0, len(sound), TICK), 1):
            await asyncio.sleep(begin + number * TICK / RATE - loop.time())
            self.ring.write(sound[start : start + TICK])

    async def live(self, sounds: Sequence[npt.NDArray[np.int16]], *, after: float = 3.0) -> None:
        """Opens the gate, plays the sounds, closes the gate and lets some time go by."""
        task = asyncio.create_task(self.listen())
        await asyncio.sleep(0)
        self.listener.gate_opened(self.ring.written)
        await self.microphone(np.concatenate(sounds))
        self.listener.gate_closed(self.ring.written)
        await self.microphone(silence(after))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def names(self) -> list[str]:
        """Kinds of the events, in order, without intermediate transcripts."""
        kinds = [type(event).__name__ for event in self.events]
        return [kind for kind in kinds if kind != "PartialTranscript"]
