"""A microphone that several people share: what its listener reports, with who said it.

Each pause has the turn's sound looked at, in a lane, beside the transcription; a turn of several voices is reported as
one turn a voice. A microphone that is not shared is passed through as it is, at no cost.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from media.realtime.ring import AudioRing
from media.speech.diarizer import (
    Book,
    Piece,
    Span,
    Voice,
    attribute,
    forgotten,
    named,
    pieces,
    remembered,
    voiced_runs,
    windows,
)
from media.speech.events import (
    Speaker,
    SpeechDiscarded,
    SpeechEvent,
    SpeechPaused,
    SpeechStarted,
    TurnCommitted,
    TurnProposed,
    TurnWithdrawn,
)
from media.speech.lane import Lane, LaneBusy
from media.speech.listener import SpeechEngines
from media.speech.phantom import Evidence, phantom_reason
from media.speech.sessions import ModelError
from media.speech.transcriber import TranscriptionError
from media.speech.vad import CHUNK, RATE, VoiceActivity
from media.speech.voiceprint import Voiceprints

__all__ = ["Diarization", "Listening", "SharedMicrophone", "words_by_voice"]

LOOK_LIMIT = 1.5
"""Seconds that words wait for whose they are; without an answer they are somebody's."""
MARGIN = RATE // 10
"""Samples to either side of a part that are transcribed with it."""
LEAST_PART = RATE * 6 // 10
"""Samples below which what another voice said does not split a turn: too little to hold words of its own."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Diarization:
    """What all shared microphones of a process use.

    Attributes:
        voiceprints: tells voices; called in the lane.
        activity: makes a detector of voice activity; called in the lane.
        lane: one look at a time.
    """

    voiceprints: Voiceprints
    activity: Callable[[], VoiceActivity]
    lane: Lane


class Listening(Protocol):
    """What is wrapped: `media.speech.listener.Listener`."""

    discarded: Counter[str]

    def events(self) -> AsyncIterator[SpeechEvent]:
        """Yields what is heard, in order."""

    def gate_opened(self, sample: int, heard: int = 0) -> None:
        """The cheap gate heard something at this position of the ring; what lies before `heard` was heard already."""

    def gate_closed(self, sample: int) -> None:
        """The cheap gate closed at this position of the ring."""

    def asked(self, question: str) -> None:
        """The person has just heard this."""


@dataclass(frozen=True, slots=True)
class _Part:
    speaker: str | None
    confidence: float
    text: str


@dataclass(slots=True)
class _Look:
    begin: int
    began_ns: int
    end: int = 0
    task: "asyncio.Task[list[_Part]] | None" = None
    pieces: list[Piece] = field(default_factory=list)


def words_by_voice(spans: Sequence[Span]) -> list[Span]:
    """The parts of a turn that are transcribed on their own: neighbours of one voice joined, what is short given on.

    Args:
        spans: in order, as `attribute` gives them.
    """
    parts: list[Span] = []
    for span in spans:
        before = parts[-1] if parts else None
        if before is not None and (span.speaker == before.speaker or span.end - span.begin < LEAST_PART):
            parts[-1] = replace(before, end=span.end)
        elif before is not None and before.end - before.begin < LEAST_PART:
            parts[-1] = replace(span, begin=before.begin)
        else:
            parts.append(span)
    joined: list[Span] = []
    for part in parts:
        if joined and joined[-1].speaker == part.speaker:
            joined[-1] = replace(joined[-1], end=part.end)
        else:
            joined.append(part)
    return joined


class SharedMicrophone:
    """A listener's events, with speakers where the microphone is shared.

    Args:
        listener: hears the words.
        ears: the ring it reads.
        engines: the listener's; the parts of a turn are transcribed by them.
        diarization: tells voices.

    Attributes:
        on_words: told the voice's id and the words of a turn before it is reported: a name said in it counts there.
        book: the voices of this call.
    """

    def __init__(
        self,
        listener: Listening,
        ears: AudioRing,
        engines: SpeechEngines,
        diarization: Diarization,
    ) -> None:
        self._listener = listener
        self._ears = ears
        self._engines = engines
        self._diarization = diarization
        self.on_words: Callable[[str, str], None] = lambda speaker, text: None
        self.discarded = listener.discarded
        self._looks: dict[str, _Look] = {}
        self._leftover: set[asyncio.Task[list[_Part]]] = set()
        self.shared = False
        self.book = Book()

    def gate_opened(self, sample: int, heard: int = 0) -> None:
        """See `Listening`."""
        self._listener.gate_opened(sample, heard)

    def gate_closed(self, sample: int) -> None:
        """See `Listening`."""
        self._listener.gate_closed(sample)

    def asked(self, question: str) -> None:
        """See `Listening`."""
        self._listener.asked(question)

    def share(self, shared: bool) -> None:
        """From now on several people speak here, or one again, and then every voiceprint is forgotten."""
        self.shared = shared
        if not shared:
            self.book = Book()
            for look in self._looks.values():
                self._give_up(look)
            self._looks.clear()

    def remember(self, voices: Sequence[Voice]) -> None:
        """Voices that are known from before."""
        self.book = remembered(self.book, voices)

    def name(self, id: str, name: str) -> None:
        """Gives a voice a name."""
        self.book = named(self.book, id, name)

    def forget(self, id: str) -> None:
        """Forgets a voice."""
        self.book = forgotten(self.book, id)

    async def events(self) -> AsyncIterator[SpeechEvent]:
        """See `Listening`; ends what is being looked at when it is closed."""
        events = self._listener.events()
        try:
            async for event in events:
                if self.shared:
                    for told in await self._told(event):
                        yield told
                else:
                    yield event
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()
            tasks = self._leftover | {look.task for look in self._looks.values() if look.task is not None}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _told(self, event: SpeechEvent) -> Sequence[SpeechEvent]:
        """What is reported in place of a listener's event."""
        look = self._looks.get(event.turn)
        match event:
            case SpeechStarted():
                self._looks[event.turn] = _Look(self._position(event.at_ns), event.at_ns)
            case SpeechPaused():
                if look is not None:
                    self._look_at(look, event)
            case TurnWithdrawn():
                if look is not None:
                    self._give_up(look)
            case SpeechDiscarded():
                if look is not None:
                    self._give_up(self._looks.pop(event.turn))
            case TurnProposed():
                parts = await self._parts(look)
                if len({part.speaker for part in parts}) > 1:
                    # What several said is answered part by part, once it is sure.
                    return ()
                return (replace(event, speaker=self._speaker(parts[0] if parts else None)),)
            case TurnCommitted():
                return await self._committed(event, self._looks.pop(event.turn, None))
        return (event,)

    def _position(self, instant_ns: int) -> int:
        return (instant_ns - self._ears.instant_ns(0)) * RATE // 1_000_000_000

    def _look_at(self, look: _Look, pause: SpeechPaused) -> None:
        self._give_up(look)
        look.end = min(self._position(pause.speech_end_ns) + CHUNK, self._ears.written)
        look.task = asyncio.create_task(self._look(look))

    def _give_up(self, look: _Look) -> None:
        task, look.task = look.task, None
        if task is not None:
            task.cancel()
            self._leftover.add(task)
            task.add_done_callback(self._retire)

    def _retire(self, task: "asyncio.Task[list[_Part]]") -> None:
        self._leftover.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.discarded[f"speaker given up: {type(error).__name__}"] += 1

    async def _look(self, look: _Look) -> list[_Part]:
        begin = max(look.begin, self._ears.written - self._ears.capacity + CHUNK, 0)
        sound = self._sound(begin, look.end)
        engines = self._diarization
        look.pieces = await engines.lane.run(
            lambda _: _voices(sound, begin, engines.activity(), engines.voiceprints)
        )
        _, spans = attribute(self.book, look.pieces)
        parts = words_by_voice(spans)
        if len(parts) < 2:
            span = parts[0] if parts else Span(begin, look.end, None, 0.0)
            return [_Part(span.speaker, span.confidence, "")]
        found = []
        for part in parts:
            words = self._sound(max(begin, part.begin - MARGIN), min(look.end, part.end + MARGIN))
            text = await self._words(words, part.end - part.begin)
            if text:
                found.append(_Part(part.speaker, part.confidence, text))
        return found

    async def _words(self, sound: Floats, voiced: int) -> str:
        transcript = await self._engines.words.run(
            lambda cancelled: self._engines.transcriber.transcribe(sound, cancelled)
        )
        evidence = Evidence(voiced / RATE, transcript.logprob, transcript.no_speech)
        if transcript.rejected or phantom_reason(transcript.text, evidence):
            return ""
        return transcript.text

    def _sound(self, begin: int, end: int) -> Floats:
        samples = np.zeros(max(0, end - begin), np.int16)
        if not self._ears.read_at(begin, samples):
            self.discarded["speaker: overwritten"] += 1
            samples[:] = 0
        return samples.astype(np.float32) * np.float32(1 / 32768)

    async def _parts(self, look: _Look | None) -> list[_Part]:
        """Who said what of a turn; nothing where that is not known in time."""
        if look is None or look.task is None:
            return []
        done, _ = await asyncio.wait([look.task], timeout=LOOK_LIMIT)
        if not done:
            self.discarded["speaker: late"] += 1
            self._give_up(look)
            return []
        try:
            return look.task.result()
        except (LaneBusy, ModelError, TranscriptionError, TimeoutError) as error:
            self.discarded[f"speaker: {type(error).__name__}"] += 1
            look.task = None
            return []

    async def _committed(self, event: TurnCommitted, look: _Look | None) -> list[SpeechEvent]:
        parts = await self._parts(look)
        if look is None or not self.shared:
            # Nobody shares any more: then no voiceprint is kept either.
            return [self._turn(event, None)] if self.shared else [event]
        self._give_up(look)
        if look.pieces:
            self.book, spans = attribute(self.book, look.pieces)
            # Another turn may have ended since, and voices have been found, merged or forgotten.
            sure = words_by_voice(spans)
            if len(sure) == len(parts):
                parts = [
                    replace(part, speaker=span.speaker, confidence=span.confidence)
                    for part, span in zip(parts, sure, strict=True)
                ]
        if len(parts) < 2:
            return [self._turn(event, parts[0] if parts else None)]
        told: list[SpeechEvent] = []
        for number, part in enumerate(parts):
            turn = replace(event, text=part.text)
            if number:
                turn = replace(turn, turn=f"{event.turn}-{number + 1}")
                # As early as the whole began: whom a whisper was for is looked up by that.
                told.append(SpeechStarted(turn.turn, look.began_ns))
            told.append(self._turn(turn, part))
        return told

    def _turn(self, event: TurnCommitted, part: _Part | None) -> TurnCommitted:
        if part is None or (voice := self.book.voice(part.speaker or "")) is None:
            return replace(event, speaker=self._speaker(None))
        self.on_words(voice.id, event.text)
        gone = self.book.voice(voice.id) is None
        return replace(event, speaker=self._speaker(None if gone else part))

    def _speaker(self, part: _Part | None) -> Speaker:
        if part is None or part.speaker is None:
            return Speaker("", "Somebody", None, 0.0)
        voice = self.book.voice(part.speaker)
        if voice is None:
            # Founded by this very turn, whose words are not yet sure to stay: its number is the next one.
            return Speaker(part.speaker, f"Speaker {self.book.numbered + 1}", None, part.confidence)
        number = voice.number or self.book.numbered + 1
        return Speaker(voice.id, replace(voice, number=number).label, voice.name, part.confidence)


def _voices(sound: Floats, begin: int, activity: VoiceActivity, voiceprints: Voiceprints) -> list[Piece]:
    """The pieces of a sound that begins at a sample of the ring. Blocks."""
    chunks = range(0, len(sound) - CHUNK + 1, CHUNK)
    runs = voiced_runs([activity.probability(sound[at : at + CHUNK]) for at in chunks], 0)
    stretches = windows(runs)
    found = pieces(runs, stretches, voiceprints.embed(sound, stretches))
    return [replace(piece, begin=piece.begin + begin, end=piece.end + begin) for piece in found]
