"""What becomes of a voice that media holds because a person speaks over it: it goes on, or stops for good.

Media has judged by the first tenth of a second of the sound (media/realtime/overlap.py); here its words and its
length are known. What is no speech, or only acknowledges, lets the persona go on from the word that was cut.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from media.speech.backchannel import is_backchannel, wants_turn
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

__all__ = ["HeldVoices", "Judgement", "Overlap", "SpeakingVoice", "judge", "learn"]

UNCONFIRMED = 0.25
"""Seconds after which a sound that is not confirmed to be speech was nothing."""
ACKNOWLEDGING = 1.6
"""Seconds for which somebody may go on acknowledging, whether or not the words are known."""
WORDS_WITHIN = 2.0
"""Seconds after a pause in which the words of what was said are waited for."""
BRIEF = 0.45
"""Seconds of speech below which words that do not come were an acknowledgement."""


class Judgement(Enum):
    """What is to become of the voice."""

    WAIT = auto()
    STOP = auto()
    RESUME = auto()


@dataclass(frozen=True, slots=True)
class Overlap:
    """What is known of somebody's sound over a voice that is held; instants in seconds of one clock.

    Attributes:
        held_at: when the voice was held.
        began: when the sound was confirmed to be speech; None while it is not.
        paused: when the speech paused; None while it goes on.
        words: as far as they are known.
        whole: they are all that was said before the pause.
        nothing: it is known to hold no words.
        acknowledges: it sounded like a laugh or a murmur, whatever the words.
    """

    held_at: float
    began: float | None = None
    paused: float | None = None
    words: str = ""
    whole: bool = False
    nothing: bool = False
    acknowledges: bool = False


def judge(overlap: Overlap, now: float) -> tuple[Judgement, float]:
    """Decides, or tells the instant at which it will be decided unless more is known by then."""
    if overlap.nothing:
        return Judgement.RESUME, now
    if overlap.began is None:
        return _at(overlap.held_at + UNCONFIRMED, now, Judgement.RESUME)
    wants = wants_turn(overlap.words) or (overlap.whole and not is_backchannel(overlap.words))
    if overlap.words and wants and not overlap.acknowledges:
        return Judgement.STOP, now
    if overlap.paused is None:
        return _at(overlap.began + ACKNOWLEDGING, now, Judgement.STOP)
    if overlap.whole:
        return Judgement.RESUME, now
    brief = overlap.paused - overlap.began < BRIEF
    return _at(overlap.paused + WORDS_WITHIN, now, Judgement.RESUME if brief else Judgement.STOP)


def _at(instant: float, now: float, judgement: Judgement) -> tuple[Judgement, float]:
    return (judgement, now) if now >= instant else (Judgement.WAIT, instant)


def learn(overlap: Overlap, event: SpeechEvent, now: float) -> Overlap:
    """What is known after an event of the person's ears."""
    held_at, began, words = overlap.held_at, overlap.began, overlap.words
    match event:
        case SpeechStarted():
            return Overlap(held_at, now)
        case PartialTranscript():
            return Overlap(
                held_at,
                now if began is None else began,
                overlap.paused,
                event.text,
                acknowledges=event.acknowledges,
            )
        case SpeechPaused():
            return Overlap(held_at, began, now, words, acknowledges=overlap.acknowledges)
        case TurnWithdrawn():
            # Speech goes on that had paused before the voice was held.
            return Overlap(
                held_at, now if began is None else began, None, words, acknowledges=overlap.acknowledges
            )
        case TurnProposed() | TurnCommitted():
            paused = overlap.paused or now
            return Overlap(held_at, began, paused, event.text, whole=True, acknowledges=event.acknowledges)
        case SpeechDiscarded():
            return Overlap(held_at, began, overlap.paused, words, nothing=True)


class SpeakingVoice(Protocol):
    """A persona's voice as it is decided on; `signaling.presence.Presence` is the real one."""

    def hold(self) -> bool:
        """Notes that media holds the voice; false when nothing sounds."""

    async def let_go(self) -> None:
        """Drops what media holds of a reply that is over."""

    async def resume(self) -> None:
        """Goes on where the voice was held."""

    async def interrupt(self) -> None:
        """Stops for good."""


@dataclass(slots=True)
class _Held:
    voice: SpeakingVoice
    by: str
    overlap: Overlap
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class HeldVoices:
    """The voices of one room that media holds, each decided on by a task of the room.

    Args:
        spawn: starts a task owned by the room.
        counted: told what became of each.
    """

    def __init__(
        self,
        spawn: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
        counted: Callable[[str], None],
    ) -> None:
        self._spawn = spawn
        self._counted = counted
        self._held: dict[str, _Held] = {}

    def held(self, persona: str, voice: SpeakingVoice, by: str, *, speaking: bool) -> None:
        """Media holds a persona's voice.

        Args:
            persona: its id.
            voice: the voice.
            by: id of the person who speaks over it.
            speaking: whether that person's speech is confirmed already, and goes on.
        """
        if not voice.hold():
            self._spawn(voice.let_go())
            return
        known = self._held.get(persona)
        now = self._now()
        held = _Held(voice, by, Overlap(now, now if speaking else None))
        self._held[persona] = held
        if known is not None:
            known.changed.set()
        self._spawn(self._decide(persona, held))

    def heard(self, person: str, event: SpeechEvent) -> None:
        """Something was heard of a person."""
        for held in self._held.values():
            if held.by == person:
                held.overlap = learn(held.overlap, event, self._now())
                held.changed.set()

    def left(self, person: str) -> None:
        """A person has left, whose words will not come."""
        for held in self._held.values():
            if held.by == person:
                held.overlap = Overlap(held.overlap.held_at, nothing=True)
                held.changed.set()

    def close(self) -> None:
        """Decides nothing more: the room is no longer attended."""
        voices, self._held = self._held, {}
        for held in voices.values():
            held.changed.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _decide(self, persona: str, held: _Held) -> None:
        while self._held.get(persona) is held:
            now = self._now()
            judgement, until = judge(held.overlap, now)
            if judgement is Judgement.WAIT:
                held.changed.clear()
                try:
                    async with asyncio.timeout(until - now):
                        await held.changed.wait()
                except TimeoutError:
                    pass
                continue
            del self._held[persona]
            if judgement is Judgement.RESUME:
                self._counted("overlap: voice went on")
                await held.voice.resume()
            else:
                self._counted("overlap: interrupted")
                await held.voice.interrupt()
