"""Who speaks at a shared microphone: online clustering of voiceprints, as values in and values out.

A turn's voiced runs are looked at in windows; where the windows before and after an instant differ, the speaker
changed. Neighbouring pieces that sound alike are joined. Each piece then goes to the voice that it is like, to nobody
where it is like none, or it founds a new voice once there is enough of it. How alike two voiceprints have to be
follows from how much speech they were made of; the figures were found by logistic regression on generated meetings.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from media.speech.vad import CHUNK, RATE

__all__ = [
    "MOST_VOICES",
    "Book",
    "Piece",
    "Span",
    "Voice",
    "attribute",
    "forgotten",
    "likeness",
    "named",
    "pieces",
    "remembered",
    "voiced_runs",
    "windows",
]

Vector = npt.NDArray[np.float32]

WINDOW = RATE * 6 // 5
HOP = RATE * 2 // 5
SHORTEST = RATE * 3 // 10
"""Samples of voice below which a run is not looked at."""
ENTER, BRIDGE = 0.5, 4
"""Probability of voice from which on a chunk counts, and silent chunks inside a run."""
CHANGE = 0.68
"""Cosine of the windows before and after an instant below which the speaker may have changed there."""
STEEPNESS, ALIKE, BRIEF, FRESH = 40.0, 0.87, 0.17, 0.13
"""P(same voice) = 1 / (1 + exp(-STEEPNESS · (cosine - (ALIKE - BRIEF / seconds - FRESH / known))))."""
RECALL = 0.05
"""By how much more alike a piece has to be to a voice that is remembered and was not yet heard in this call."""
JOIN = 0.8
"""Probability from which on two neighbouring pieces are one."""
NEW_AFTER = 1.0
"""Seconds of speech without which a voice is not founded."""
SURE = 0.8
"""Confidence from which on a piece adds to its voice."""
MERGE = 0.86
"""Cosine from which on two voices are one, where each was heard for 3 s."""
MERGE_AFTER = 3.0
MOST_VOICES = 8
"""Voices heard at one microphone; the least heard without a name gives way."""
MOST_REMEMBERED = 64
"""Voices that are known from before and wait to be heard, with those that were heard."""
MOST_PENDING = 8
MEMORY = 40.0
"""Seconds of speech that a voice is the mean of; what came before fades."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Speech of one voice: first sample, end, and its voiceprint, float32 (256,), of length one."""

    begin: int
    end: int
    vector: Vector

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.begin) / RATE


@dataclass(frozen=True, slots=True)
class Span:
    """Who spoke from one sample to another.

    Attributes:
        begin: first sample.
        end: one past the last.
        speaker: id of the voice; None where nobody knows.
        confidence: probability that it is this voice, of all known ones and a new one; of None, that it is none.
    """

    begin: int
    end: int
    speaker: str | None
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """A voice that was heard.

    Attributes:
        id: within the microphone, or the one it was kept under.
        vector: float32 (256,) of length one, the mean of what was heard.
        seconds: of speech in the mean.
        name: what it is called, where it was told.
        number: its place among those heard here, from 1; 0 for one that was remembered and not yet heard.
        heard: number of the turn it was heard in last.
    """

    id: str
    vector: Vector
    seconds: float
    name: str | None = None
    number: int = 0
    heard: int = 0

    @property
    def label(self) -> str:
        """For people: the name, or "Speaker 2"."""
        return self.name or f"Speaker {self.number}"


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """The voices of one microphone.

    Attributes:
        voices: known, in the order in which they were first heard.
        pending: pieces like no voice, too short to found one.
        numbered: how many voices were given a number.
        turns: how many turns were looked at.
        merged: ids that are now another's, by old id; the last `MOST_VOICES`.
        refused: pieces that would have founded one voice too many.
    """

    voices: tuple[Voice, ...] = ()
    pending: tuple[Piece, ...] = ()
    numbered: int = 0
    turns: int = 0
    merged: dict[str, str] = field(default_factory=dict)
    refused: int = 0

    def voice(self, id: str) -> Voice | None:
        """The voice of an id, also of one that was found to be the same."""
        id = self.merged.get(id, id)
        return next((voice for voice in self.voices if voice.id == id), None)


def likeness(cosine: float, seconds: float, known: float) -> float:
    """Probability that two voiceprints are of one voice, made of so many seconds of speech."""
    threshold = ALIKE - BRIEF / max(seconds, 0.6) - FRESH / max(known, 0.6)
    return 1.0 / (1.0 + math.exp(max(-30.0, min(30.0, STEEPNESS * (threshold - cosine)))))


def voiced_runs(probabilities: Sequence[float], start: int) -> list[tuple[int, int]]:
    """Runs of voice, as first sample and end.

    Args:
        probabilities: of voice, one a chunk of 512 samples.
        start: first sample of the first chunk.
    """
    runs: list[tuple[int, int]] = []
    for index, probability in enumerate(probabilities):
        if probability < ENTER:
            continue
        begin = start + index * CHUNK
        if runs and begin - runs[-1][1] <= BRIDGE * CHUNK:
            runs[-1] = (runs[-1][0], begin + CHUNK)
        else:
            runs.append((begin, begin + CHUNK))
    return [(begin, end) for begin, end in runs if end - begin >= SHORTEST]


def windows(runs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches of the runs to be embedded: 1.2 s every 0.4 s, the last one ending with the run."""
    found: list[tuple[int, int]] = []
    for begin, end in runs:
        starts = list(range(begin, end - WINDOW, HOP))
        found += [(at, at + WINDOW) for at in starts]
        found.append((max(begin, end - WINDOW), end))
    return found


def pieces(
    runs: Sequence[tuple[int, int]], stretches: Sequence[tuple[int, int]], vectors: npt.NDArray[np.float32]
) -> list[Piece]:
    """What was said by one voice without another in between.

    Args:
        runs: as `voiced_runs` gives them.
        stretches: as `windows` gives them for these runs.
        vectors: float32 (len(stretches), 256), of length one each.
    """
    found: list[Piece] = []
    for begin, end in runs:
        inside = [
            index for index, stretch in enumerate(stretches) if begin <= stretch[0] and stretch[1] <= end
        ]
        found += _cut(begin, end, [stretches[index] for index in inside], vectors[inside])
    return _joined(found)


def _cut(begin: int, end: int, stretches: Sequence[tuple[int, int]], vectors: Vector) -> list[Piece]:
    """A run, cut where the speaker changed inside it."""
    reach = WINDOW // HOP
    alike = [float(vectors[index] @ vectors[index + reach]) for index in range(len(stretches) - reach)]
    cuts = [begin]
    for index, cosine in enumerate(alike):
        lowest = min(alike[max(0, index - reach + 1) : index + reach])
        instant = (stretches[index][1] + stretches[index + reach][0]) // 2
        if cosine < CHANGE and cosine == lowest and instant - cuts[-1] >= WINDOW // 2:
            cuts.append(instant)
    cuts.append(end)
    found = []
    for first, last in itertools.pairwise(cuts):
        share = np.array([max(0, min(last, b) - max(first, a)) / (b - a) for a, b in stretches])
        # Only windows that hardly reach over the cut say how this piece sounds.
        weights = np.where(share >= min(0.9, float(share.max())), share, 0.0)
        found.append(Piece(first, last, _unit(weights @ vectors)))
    return found


def _joined(found: list[Piece]) -> list[Piece]:
    """Neighbours that sound alike made one, the most alike first."""
    joined = list(found)
    while len(joined) > 1:
        chances = [
            likeness(float(a.vector @ b.vector), a.seconds, b.seconds)
            if a.vector.any() and b.vector.any()
            else 0.0
            for a, b in itertools.pairwise(joined)
        ]
        at = int(np.argmax(chances))
        if chances[at] < JOIN:
            break
        a, b = joined[at], joined[at + 1]
        joined[at : at + 2] = [Piece(a.begin, b.end, _unit(a.vector * a.seconds + b.vector * b.seconds))]
    return joined


def attribute(book: Book, turn: Sequence[Piece]) -> tuple[Book, list[Span]]:
    """Says who spoke, and learns from it.

    Args:
        book: what is known of the microphone's voices.
        turn: the pieces of one turn, in order.

    Returns:
        What is known now, and a span for each piece.
    """
    book = _merged(replace(book, turns=book.turns + 1))
    spans = []
    for piece in turn:
        book, speaker, confidence = _attribute(book, piece)
        spans.append(Span(piece.begin, piece.end, speaker, confidence))
    book = _merged(book)
    return book, [
        replace(span, speaker=book.merged.get(span.speaker, span.speaker)) if span.speaker else span
        for span in spans
    ]


def _attribute(book: Book, piece: Piece) -> tuple[Book, str | None, float]:
    if not piece.vector.any():
        return book, None, 0.0
    chances = [_chance(voice, piece) for voice in book.voices]
    odds = [chance / (1.0 - chance) for chance in chances]
    total = 1.0 + sum(odds)
    if odds and max(odds) >= 1.0:
        at = int(np.argmax(odds))
        confidence = odds[at] / total
        if confidence < 0.5:
            return book, None, confidence
        voice = _heard(book, book.voices[at], piece, learns=confidence >= SURE)
        numbered = max(book.numbered, voice.number)
        voices = (*book.voices[:at], voice, *book.voices[at + 1 :])
        return replace(book, voices=voices, numbered=numbered), voice.id, confidence
    return _found(book, piece, 1.0 / total)


def _chance(voice: Voice, piece: Piece) -> float:
    cosine = float(voice.vector @ piece.vector)
    # To call a stranger by a name is worse than not to know somebody at their first word.
    return likeness(cosine if voice.number else cosine - RECALL, piece.seconds, voice.seconds)


def _heard(book: Book, voice: Voice, piece: Piece, *, learns: bool) -> Voice:
    number = voice.number or book.numbered + 1
    if not learns:
        return replace(voice, number=number, heard=book.turns)
    vector = _unit(voice.vector * min(voice.seconds, MEMORY) + piece.vector * piece.seconds)
    seconds = min(voice.seconds + piece.seconds, MEMORY)
    return replace(voice, vector=vector, seconds=seconds, number=number, heard=book.turns)


def _found(book: Book, piece: Piece, confidence: float) -> tuple[Book, str | None, float]:
    """A piece like no voice: with the pending ones that it is like it may found one."""
    alike = [
        other
        for other in book.pending
        if likeness(float(other.vector @ piece.vector), piece.seconds, other.seconds) >= JOIN
    ]
    seconds = piece.seconds + sum(other.seconds for other in alike)
    if seconds < NEW_AFTER:
        return replace(book, pending=(*book.pending, piece)[-MOST_PENDING:]), None, confidence
    pending = tuple(other for other in book.pending if other not in alike)
    voices = book.voices
    if sum(voice.number > 0 for voice in voices) >= MOST_VOICES:
        unnamed = [voice for voice in voices if voice.name is None]
        least = min(unnamed, key=lambda voice: (voice.seconds, voice.heard), default=None)
        if least is None or least.seconds > seconds + MERGE_AFTER:
            return replace(book, pending=pending, refused=book.refused + 1), None, confidence
        voices = tuple(voice for voice in voices if voice is not least)
    number = book.numbered + 1
    vector = _unit(sum((other.vector * other.seconds for other in alike), piece.vector * piece.seconds))
    voice = Voice(f"s{number}", vector, seconds, None, number, book.turns)
    return replace(book, voices=(*voices, voice), pending=pending, numbered=number), voice.id, confidence


def _merged(book: Book) -> Book:
    """Makes one of two voices that turned out to be the same; never of two that have different names."""
    for first in book.voices:
        for second in book.voices:
            if first is second or (first.name and second.name and first.name != second.name):
                continue
            if (
                min(first.seconds, second.seconds) < MERGE_AFTER
                or float(first.vector @ second.vector) < MERGE
            ):
                continue
            kept, gone = (second, first) if second.name and not first.name else (first, second)
            vector = _unit(kept.vector * kept.seconds + gone.vector * gone.seconds)
            number = min(filter(None, (kept.number, gone.number)), default=0)
            one = replace(
                kept,
                vector=vector,
                seconds=min(kept.seconds + gone.seconds, MEMORY),
                number=number,
                heard=max(kept.heard, gone.heard),
            )
            voices = tuple(one if voice is kept else voice for voice in book.voices if voice is not gone)
            return _merged(replace(book, voices=voices, merged=_pointing(book.merged, gone.id, kept.id)))
    return book


def _pointing(merged: dict[str, str], gone: str, kept: str) -> dict[str, str]:
    pointing = {old: kept if new == gone else new for old, new in merged.items()} | {gone: kept}
    return dict(list(pointing.items())[-MOST_VOICES:])


def named(book: Book, id: str, name: str) -> Book:
    """Gives a voice a name; another voice that had it loses it. Nothing happens when there is none of that id."""
    voice = book.voice(id)
    if voice is None:
        return book

    def renamed(each: Voice) -> Voice:
        if each is voice:
            return replace(each, name=name)
        return replace(each, name=None) if each.name == name else each

    return replace(
        book,
        voices=tuple(
            renamed(each) for each in book.voices if each is voice or each.number or each.name != name
        ),
    )


def forgotten(book: Book, id: str) -> Book:
    """Forgets a voice, and all that was kept aside, for it may be of that voice."""
    voice = book.voice(id)
    if voice is None:
        return book
    return replace(
        book,
        voices=tuple(each for each in book.voices if each is not voice),
        pending=(),
        merged={old: new for old, new in book.merged.items() if new != voice.id},
    )


def remembered(book: Book, voices: Iterable[Voice]) -> Book:
    """Adds voices that are known from before, as many as there is room for; one whose id is there stays as it is."""
    there = {voice.id for voice in book.voices}
    fresh = [voice for voice in voices if voice.id not in there]
    return replace(book, voices=(*book.voices, *fresh)[: max(MOST_REMEMBERED, len(book.voices))])


def _unit(vector: npt.NDArray[np.floating]) -> Vector:
    norm = float(np.linalg.norm(vector))
    return (vector / norm).astype(np.float32) if norm > 0.0 else np.zeros(vector.shape, np.float32)
