"""Where speech begins, pauses, goes on and ends: a state machine over voice probabilities, one a participant.

Positions are samples of the participant's 16 kHz ears ring. The machine reads no clock and no sound.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from media.speech.vad import CHUNK, RATE

__all__ = ["Ended", "Onset", "Paused", "Resumed", "SegmentEvent", "Segmenter", "Thresholds"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a chunk counts as voice, and how many make a decision.

    Attributes:
        enter: probability from which on a chunk is voice, in silence.
        leave: probability below which a chunk is silence, in speech.
        confirm: voiced chunks that make a start of speech.
        forgive: silent chunks in a row that undo an unconfirmed start.
        pause: silent samples in speech that make a pause.
        resume: voiced chunks in a row that end a pause.
        voiced: voiced chunks without which a segment is too short to hold words.
        preroll: samples before the first voiced chunk that belong to the segment, for soft onsets.
        longest: samples after which a segment is ended by force.
    """

    enter: float = 0.5
    leave: float = 0.35
    confirm: int = 3
    forgive: int = 2
    pause: int = CHUNK
    resume: int = 2
    voiced: int = 5
    preroll: int = RATE // 4
    longest: int = 25 * RATE


@dataclass(frozen=True, slots=True)
class Onset:
    """Speech was confirmed."""

    start: int
    """First sample of the segment, pre-roll included."""
    voice: int
    """First sample of the first voiced chunk."""


@dataclass(frozen=True, slots=True)
class Paused:
    """Silence for as long as a pause takes."""

    start: int
    end: int
    """One past the last voiced sample."""
    voiced: int
    """Voiced samples in the segment."""
    brief: bool
    """Too little voice to hold words."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Speech went on after a pause of this many samples."""

    silence: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The segment is over; by force when it grew too long."""

    forced: bool


SegmentEvent = Onset | Paused | Resumed | Ended


class _State(Enum):
    QUIET = auto()
    SPEECH = auto()
    PAUSE = auto()
    OVERRUN = auto()


class Segmenter:
    """Turns one participant's chunk probabilities into segments.

    A pause does not end a segment by itself: whoever knows the words says with `finish_after` how much
    silence does.

    Args:
        thresholds: when a chunk counts as voice, and how many make a decision.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self._t = thresholds or Thresholds()
        self._state = _State.QUIET
        self._floor = 0
        self._start = 0
        self._voice = 0
        self._end = 0
        self._read = 0
        self._silence = 0
        self._voiced = 0
        self._run = 0
        self._finish: int | None = None

    @property
    def quiet(self) -> bool:
        """Whether no segment is open."""
        return self._state is _State.QUIET

    @property
    def speaking(self) -> bool:
        """Whether a segment is open and the last chunk was voiced."""
        return self._state is _State.SPEECH and self._silence == 0

    @property
    def overrun(self) -> bool:
        """Whether the segment was cut off for its length and waits for `finish_after`; read no further."""
        return self._state is _State.OVERRUN

    @property
    def start(self) -> int:
        """First sample of the open segment."""
        return self._start

    @property
    def end(self) -> int:
        """One past the last voiced sample of the open segment."""
        return self._end

    @property
    def voiced(self) -> int:
        """Voiced samples of the open segment."""
        return self._voiced * CHUNK

    @property
    def silence(self) -> int:
        """Samples of silence since the last voiced one."""
        return self._silence

    def restart(self) -> None:
        """Forgets an unconfirmed start: the next chunk does not follow the last one.

        Raises:
            RuntimeError: when a segment is open.
        """
        if self._state is not _State.QUIET:
            raise RuntimeError("a segment is open")
        self._voiced = self._run = 0

    def drop(self) -> None:
        """Closes an open segment whose sound was lost."""
        self._close()

    def step(self, position: int, probability: float) -> Iterator[SegmentEvent]:
        """Takes the next chunk, 512 samples from `position` on, and its probability of voice."""
        self._read = position + CHUNK
        match self._state:
            case _State.QUIET:
                yield from self._listen(position, probability >= self._t.enter)
            case _State.SPEECH:
                yield from self._follow(probability >= self._t.leave)
            case _State.PAUSE:
                yield from self._wait(probability >= self._t.enter)
            case _State.OVERRUN:
                raise RuntimeError("the overlong segment is not finished yet")

    def starve(self, samples: int) -> Iterator[SegmentEvent]:
        """Counts silence that was not read: nothing has come for this many samples' time."""
        if self._state in (_State.SPEECH, _State.PAUSE):
            yield from self._silent(max(self._silence, self._read - self._end + samples))

    def finish_after(self, silence: int) -> Iterator[SegmentEvent]:
        """Ends the segment once its pause has lasted `silence` samples, at once if it already has."""
        self._finish = silence
        if self._state is _State.OVERRUN:
            self._close()
            yield Ended(forced=True)
        elif self._state is _State.PAUSE:
            yield from self._silent(self._silence)

    def _listen(self, position: int, voiced: bool) -> Iterator[SegmentEvent]:
        if not voiced:
            self._run += 1
            if self._run >= self._t.forgive:
                self._voiced = 0
            return
        if self._voiced == 0:
            self._voice = position
        self._voiced += 1
        self._run = 0
        self._end = self._read
        if self._voiced >= self._t.confirm:
            self._state = _State.SPEECH
            self._silence = 0
            self._finish = None
            self._start = max(self._voice - self._t.preroll, self._floor, 0)
            yield Onset(self._start, self._voice)

    def _follow(self, voiced: bool) -> Iterator[SegmentEvent]:
        if voiced:
            self._voiced += 1
            self._silence = 0
            self._end = self._read
        if self._read - self._start >= self._t.longest:
            self._end = self._read
            self._state = _State.OVERRUN
            yield self._paused()
        elif not voiced:
            yield from self._silent(self._read - self._end)

    def _wait(self, voiced: bool) -> Iterator[SegmentEvent]:
        self._run = self._run + 1 if voiced else 0
        if self._run < self._t.resume:
            yield from self._silent(self._read - self._end)
            return
        silence = self._read - self._end - self._run * CHUNK
        self._voiced += self._run
        self._silence = 0
        self._end = self._read
        self._finish = None
        self._state = _State.SPEECH
        yield Resumed(silence)

    def _silent(self, silence: int) -> Iterator[SegmentEvent]:
        self._silence = max(self._silence, silence)
        if self._state is _State.SPEECH and self._silence >= self._t.pause:
            self._state = _State.PAUSE
            self._run = 0
            yield self._paused()
        if self._state is _State.PAUSE and self._finish is not None and self._silence >= self._finish:
            self._close()
            yield Ended(forced=False)

    def _paused(self) -> Paused:
        return Paused(self._start, self._end, self._voiced * CHUNK, self._voiced < self._t.voiced)

    def _close(self) -> None:
        self._floor = self._end
        self._state = _State.QUIET
        self._silence = self._voiced = self._run = 0
        self._finish = None
