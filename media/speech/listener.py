"""One person's ears: from the sound in their ring to starts, pauses, words and turns.

While the cheap gate is open the ring is read chunk by chunk. At the first pause the whole turn is transcribed
on suspicion; how much silence ends the turn then follows from the words, the sound, and how this person
pauses (media/speech/patience.py).
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from media.realtime.ring import AudioRing
from media.speech.backchannel import murmurs
from media.speech.end_of_turn import Completeness, TurnModel, completeness
from media.speech.events import (
    PartialTranscript,
    SpeechDiscarded,
    SpeechEvent,
    SpeechPaused,
    SpeechStarted,
    TurnCommitted,
    TurnProposed,
    TurnWithdrawn,
)
from media.speech.lane import Lane, LaneBusy, Superseded
from media.speech.patience import AdaptivePatience, Patience
from media.speech.patience import Pause as Silence
from media.speech.phantom import Evidence, phantom_reason
from media.speech.segmenter import Ended, Onset, Paused, Resumed, Segmenter, SegmentEvent
from media.speech.transcriber import Transcriber, Transcript, TranscriptionError
from media.speech.vad import CHUNK, RATE, VoiceActivity

__all__ = ["Listener", "SpeechEngines"]

POLL = 0.016
"""Seconds between looks at the ring while the gate is open."""
LEAD_IN = RATE * 3 // 10
"""Samples before the gate's opening at which reading begins: the gate may be late for a soft onset."""
STARVED_NS = 120_000_000
"""Nothing written for this long counts as silence: a muted or lost microphone writes nothing."""
PARTIAL_EVERY = 0.4
"""Seconds from one intermediate transcript to the next."""
BRIEF_WAIT = RATE // 2
"""Samples of silence after which voice too brief for words is let go."""
REFUSED_WAIT = RATE * 6 // 10
"""Samples of silence after which a turn without believable words is let go."""
SETTLE = 6 * RATE
"""Samples of a turn that are worth settling: a complete sentence before a pause is not transcribed again."""
JUDGED = 8 * RATE
"""Samples that the turn model looks back."""
AGAIN = RATE
"""Samples of silence behind a turn in which its speaker has heard no answer: who speaks again had not finished."""
HURRY = 20 * RATE
"""Samples from which on a turn ends with its first pause."""
TRANSCRIPTION_LIMIT = 12.0
"""Seconds after which words that do not come are given up."""


@dataclass(frozen=True, slots=True)
class SpeechEngines:
    """What all listeners of a process share.

    Attributes:
        transcriber: its calls go through `words`.
        turn_model: its calls go through `turns`.
        words: one transcription at a time, last words before intermediate ones.
        turns: one judgement at a time, beside the transcription.
        speculative: whether words are sought at the first pause, and not only when the turn is over.
        partials: whether words are sought while the person talks.
    """

    transcriber: Transcriber
    turn_model: TurnModel
    words: Lane
    turns: Lane
    speculative: bool = True
    partials: bool = True


@dataclass(slots=True)
class _Turn:
    id: str
    since: int
    """Where transcription begins: what comes before is settled."""
    settled: str = ""
    settled_voiced: int = 0
    voiced: int = 0
    speech_end: int = 0
    speech_end_ns: int = 0
    paused_ns: int = 0
    words_ns: int = 0
    text: str | None = None
    acknowledges: bool = False
    refused: str | None = None
    over: bool = False
    probability: float | None = None
    words: "asyncio.Task[Transcript] | None" = None
    judgement: "asyncio.Task[float] | None" = None
    partial: "asyncio.Task[Transcript] | None" = None
    partial_due: float = 0.0
    tasks: "set[asyncio.Task[Transcript] | asyncio.Task[float]]" = field(default_factory=set)


class Listener:
    """One person's ears.

    `events` runs in one task; `gate_opened` and `gate_closed` are called from the same loop.

    Args:
        participant: their id; part of each turn's id.
        ears: their ring, 16 kHz.
        activity: their own voice activity detector.
        engines: shared by all listeners.
        segmenter: finds speech in the probabilities.
        patience: says how much silence ends their turns.
        clock: `time.monotonic_ns`, the clock that stamps the ring.
    """

    def __init__(
        self,
        participant: str,
        ears: AudioRing,
        activity: VoiceActivity,
        engines: SpeechEngines,
        *,
        segmenter: Segmenter | None = None,
        patience: Patience | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._participant = participant
        self._ears = ears
        self._activity = activity
        self._engines = engines
        self._segmenter = segmenter or Segmenter()
        self._patience = patience or AdaptivePatience()
        self._clock = clock
        self._chunk = np.zeros(CHUNK, np.int16)
        self._position = 0
        self._open = False
        self._until = 0
        self._reading = False
        self._woken = asyncio.Event()
        self._started = False
        self._count = 0
        self._committed = -AGAIN
        self._turn: _Turn | None = None
        self._ended: deque[_Turn] = deque()
        self._leftover: set[asyncio.Task[Transcript] | asyncio.Task[float]] = set()
        self._out: deque[SpeechEvent] = deque()
        self.discarded: Counter[str] = Counter()
        """What was heard and led to no words, by reason; `unconfirmed` is a gate that opened for no voice."""

    def gate_opened(self, sample: int, heard: int = 0) -> None:
        """The cheap gate heard something at this position of the ring.

        Args:
            sample: the position.
            heard: what lies before it was heard already, by whoever listened before.
        """
        self._open = True
        if not self._reading:
            begin = max(sample - LEAD_IN, heard, self._ears.written - self._ears.capacity + CHUNK, 0)
            if begin > self._position:
                self._position = begin
                self._activity.reset()
                self._segmenter.restart()
            self._reading = True
            self._started = False
        self._woken.set()

    def gate_closed(self, sample: int) -> None:
        """The cheap gate has heard nothing for a while, up to this position of the ring."""
        self._open = False
        self._until = sample
        self._woken.set()

    def asked(self, question: str) -> None:
        """Somebody has just said this to the person: what they say next may be the answer."""
        self._patience.asked(question)

    async def events(self) -> AsyncIterator[SpeechEvent]:
        """Yields what is heard, in order, without end; closing it gives up what is being transcribed."""
        try:
            while True:
                while self._out:
                    yield self._out.popleft()
                if not self._reading:
                    self._woken.clear()
                    await self._woken.wait()
                self._read()
                self._collect()
                self._go_idle()
                if not self._out and self._reading:
                    await self._wait()
        finally:
            await self._abandon()

    async def _wait(self) -> None:
        pending = {task for turn in self._turns() for task in turn.tasks if not task.done()}
        if pending:
            await asyncio.wait(pending, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(POLL)

    async def _abandon(self) -> None:
        tasks = self._leftover.union(*(turn.tasks for turn in self._turns()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _turns(self) -> list[_Turn]:
        """Those that ended and wait for their words, the oldest first, and the present one."""
        return [*self._ended, *([self._turn] if self._turn is not None else [])]

    def _go_idle(self) -> None:
        if self._open or not self._segmenter.quiet or self._turns() or self._position < self._until:
            return
        self._reading = False
        if not self._started:
            self.discarded["unconfirmed"] += 1

    def _read(self) -> None:
        while not self._segmenter.overrun:
            if not self._ears.read_at(self._position, self._chunk):
                # Media may have written since: that the chunk is there now does not say that it was overwritten.
                if self._ears.written - self._position > self._ears.capacity:
                    self._lost()
                    continue
                self._starve()
                return
            probability = self._activity.probability(_floats(self._chunk))
            position = self._position
            self._position += CHUNK
            self._take(self._segmenter.step(position, probability))

    def _lost(self) -> None:
        """The ring was overwritten before it was read."""
        if self._turn is not None:
            self._segmenter.drop()
            turn, self._turn = self._turn, None
            self._discard(turn, "overwritten")
        else:
            self.discarded["overwritten"] += 1
        self._position = max(0, self._ears.written - RATE)
        self._activity.reset()
        self._segmenter.restart()

    def _starve(self) -> None:
        if self._clock() - self._ears.stamp_ns < STARVED_NS:
            return
        if self._segmenter.quiet:
            self._until = min(self._until, self._position)
            return
        silence = self._clock() - self._ears.instant_ns(self._position)
        self._take(self._segmenter.starve(max(0, silence) * RATE // 1_000_000_000))

    def _take(self, events: Iterable[SegmentEvent]) -> None:
        for event in events:
            match event:
                case Onset():
                    self._begin(event)
                case Paused():
                    self._pause(event)
                case Resumed():
                    self._resume(event)
                case Ended():
                    self._end()

    def _begin(self, onset: Onset) -> None:
        if 0 <= (silence := onset.voice - self._committed) < AGAIN:
            self._patience.went_on(silence / RATE)
        self._count += 1
        self._started = True
        started_ns = self._ears.instant_ns(onset.voice)
        self._turn = _Turn(f"{self._participant}-{started_ns:x}-{self._count}", onset.start)
        self._turn.partial_due = self._now() + PARTIAL_EVERY
        self._out.append(SpeechStarted(self._turn.id, started_ns))

    def _pause(self, pause: Paused) -> None:
        turn = self._turn
        if turn is None:
            return
        turn.voiced = pause.voiced
        turn.speech_end = pause.end
        turn.speech_end_ns = self._ears.instant_ns(pause.end)
        turn.paused_ns = self._clock()
        self._out.append(SpeechPaused(turn.id, turn.speech_end_ns, turn.paused_ns))
        if pause.brief:
            turn.refused = "too-brief"
            self._take(self._segmenter.finish_after(BRIEF_WAIT))
            return
        if self._engines.speculative or self._segmenter.overrun:
            self._seek_words(turn)
        utterance = self._sound(max(self._segmenter.start, self._position - JUDGED))
        turn.judgement = asyncio.create_task(
            self._engines.turns.run(lambda _: self._engines.turn_model.complete(utterance))
        )
        turn.tasks.add(turn.judgement)

    def _seek_words(self, turn: _Turn) -> None:
        utterance = self._sound(turn.since)
        turn.words = asyncio.create_task(self._transcribe(utterance, urgent=True))
        turn.tasks.add(turn.words)

    def _resume(self, resumed: Resumed) -> None:
        turn = self._turn
        if turn is None:
            return
        self._patience.went_on(resumed.silence / RATE)
        self._settle(turn, resumed.silence)
        self._give_up(turn)
        turn.words = turn.judgement = None
        turn.text = turn.refused = None
        turn.probability = None
        turn.partial_due = self._now() + PARTIAL_EVERY
        self._out.append(TurnWithdrawn(turn.id))

    def _settle(self, turn: _Turn, silence: int) -> None:
        """Keeps the words before the pause if they are whole sentences, so that a long turn stays quick to end."""
        middle = turn.speech_end + silence // 2
        if turn.text is None or middle - turn.since < SETTLE:
            return
        if completeness(turn.text) is Completeness.COMPLETE:
            turn.settled, turn.since, turn.settled_voiced = turn.text, middle, turn.voiced

    def _end(self) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        if turn.text is not None or turn.refused is not None:
            self._conclude(turn)
        else:
            turn.over = True
            self._ended.append(turn)
            if turn.words is None:
                self._seek_words(turn)

    def _conclude(self, turn: _Turn) -> None:
        if turn.refused is not None:
            self._discard(turn, turn.refused)
        else:
            self._commit(turn)

    def _commit(self, turn: _Turn) -> None:
        assert turn.text is not None
        self._committed = turn.speech_end
        self._patience.ended()
        self._out.append(
            TurnCommitted(
                turn.id,
                turn.text,
                turn.speech_end_ns,
                turn.paused_ns,
                turn.words_ns,
                self._clock(),
                acknowledges=turn.acknowledges,
                speech_end=turn.speech_end,
            )
        )
        self._give_up(turn)

    def _discard(self, turn: _Turn, reason: str) -> None:
        self.discarded[reason] += 1
        self._out.append(SpeechDiscarded(turn.id, reason))
        self._give_up(turn)

    def _give_up(self, turn: _Turn) -> None:
        for task in turn.tasks:
            task.cancel()
            self._leftover.add(task)
            task.add_done_callback(self._retire)
        turn.tasks = set()
        turn.partial = None

    def _retire(self, task: "asyncio.Task[Transcript] | asyncio.Task[float]") -> None:
        self._leftover.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.discarded[f"given up: {type(error).__name__}"] += 1

    def _collect(self) -> None:
        while self._ended and (words := self._ended[0].words) is not None and words.done():
            self._understood(self._ended.popleft(), words)
        turn = self._turn
        if turn is None:
            return
        if turn.judgement is not None and turn.judgement.done():
            self._judged(turn, turn.judgement)
        if turn.words is not None and turn.words.done() and not self._ended:
            self._understood(turn, turn.words)
        if self._turn is turn:
            self._follow_along(turn)

    def _judged(self, turn: _Turn, judgement: "asyncio.Task[float]") -> None:
        turn.judgement = None
        turn.tasks.discard(judgement)
        try:
            turn.probability = judgement.result()
        except LaneBusy:
            self.discarded["judgement: busy"] += 1
        if not self._engines.speculative:
            self._take(self._segmenter.finish_after(self._silence(turn, "")))
        elif turn.text is not None:
            self._take(self._segmenter.finish_after(self._silence(turn, turn.text)))

    def _understood(self, turn: _Turn, words: "asyncio.Task[Transcript]") -> None:
        turn.words = None
        turn.tasks.discard(words)
        turn.words_ns = self._clock()
        try:
            transcript = words.result()
        except LaneBusy:
            turn.refused = "overloaded"
        except TranscriptionError:
            turn.refused = "transcription-failed"
        except TimeoutError:
            turn.refused = "transcription-late"
        else:
            refused = self._refusal(transcript, turn.voiced - turn.settled_voiced)
            if refused is None:
                turn.text = f"{turn.settled} {transcript.text}".strip()
                turn.acknowledges = not turn.settled and _murmurs(transcript)
            elif turn.settled:
                self.discarded[f"behind a sentence: {refused}"] += 1
                turn.text = turn.settled
            else:
                turn.refused = refused
        if turn.text is not None:
            self._out.append(
                TurnProposed(
                    turn.id,
                    turn.text,
                    turn.speech_end_ns,
                    turn.paused_ns,
                    turn.words_ns,
                    acknowledges=turn.acknowledges,
                )
            )
        if turn.over:
            self._conclude(turn)
        elif turn.text is not None:
            self._take(self._segmenter.finish_after(self._silence(turn, turn.text)))
        else:
            self._take(self._segmenter.finish_after(REFUSED_WAIT))

    def _silence(self, turn: _Turn, text: str) -> int:
        if self._segmenter.end - self._segmenter.start > HURRY:
            return 0
        return int(self._patience.wait(Silence(text, turn.probability)) * RATE)

    def _follow_along(self, turn: _Turn) -> None:
        if turn.partial is not None and turn.partial.done():
            partial, turn.partial = turn.partial, None
            turn.tasks.discard(partial)
            turn.partial_due = self._now() + PARTIAL_EVERY
            try:
                transcript = partial.result()
            except (Superseded, LaneBusy, TimeoutError, TranscriptionError) as error:
                self.discarded[f"partial: {type(error).__name__}"] += 1
            else:
                if self._refusal(transcript, self._segmenter.voiced - turn.settled_voiced) is None:
                    text = f"{turn.settled} {transcript.text}".strip()
                    acknowledges = not turn.settled and _murmurs(transcript)
                    self._out.append(PartialTranscript(turn.id, text, acknowledges))
        if (
            self._engines.partials
            and turn.partial is None
            and self._segmenter.speaking
            and self._now() >= turn.partial_due
            and self._engines.words.idle
        ):
            turn.partial = asyncio.create_task(self._transcribe(self._sound(turn.since), urgent=False))
            turn.tasks.add(turn.partial)

    async def _transcribe(self, utterance: npt.NDArray[np.float32], *, urgent: bool) -> Transcript:
        async with asyncio.timeout(TRANSCRIPTION_LIMIT):
            return await self._engines.words.run(
                lambda cancelled: self._engines.transcriber.transcribe(utterance, cancelled), urgent=urgent
            )

    def _refusal(self, transcript: Transcript, voiced: int) -> str | None:
        evidence = Evidence(voiced / RATE, transcript.logprob, transcript.no_speech)
        return transcript.rejected or phantom_reason(transcript.text, evidence)

    def _sound(self, start: int) -> npt.NDArray[np.float32]:
        """What was read since a position of the ring."""
        samples = np.zeros(self._position - start, np.int16)
        if not self._ears.read_at(start, samples):
            self.discarded["overwritten"] += 1
        return _floats(samples)

    def _now(self) -> float:
        return self._clock() / 1e9


def _floats(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    return samples.astype(np.float32) * np.float32(1 / 32768)


def _murmurs(transcript: Transcript) -> bool:
    return murmurs(transcript.text, transcript.logprob, transcript.no_speech)
