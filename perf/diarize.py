"""Who speaks at a shared microphone: generated meetings of two to five voices, heard as the mind hears them.

Beside it, on the same meetings: everybody taken for one speaker, and the whole meeting clustered at its end
(agglomerative, average linkage, cosine distance; its threshold is the best one for the tuning voices). The meetings'
voices are none of those that the thresholds were found with. All voices are synthetic.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from media.speech.diarizer import (
    Book,
    Piece,
    Span,
    Voice,
    attribute,
    named,
    pieces,
    remembered,
    voiced_runs,
    windows,
)
from media.speech.vad import CHUNK, RATE, SileroModel, SileroVoiceActivity
from media.speech.voiceprint import VoiceEncoder
from perf.diarization_error import Errors, Said, errors
from perf.meetings import TEST_VOICES, Meeting, Turn, meeting, said
from perf.report import Report, Result, run
from signaling.settings import Settings
from signaling.weights_cache import WeightsCache

__all__ = ["Heard", "hear", "measure"]

MEETINGS = 8
SECONDS = 90.0
FIRST_SEED = 7000
SILENCE = int(0.6 * RATE)
"""Silence that ends a turn."""
OFFLINE_DISTANCE = 0.3
PURE = 0.9
"""Share of a span that is one person's, for an introduction in it to be heard."""
INTRODUCTION = 1.5
"""Seconds that a sentence takes in which somebody gives their name."""
LEAST_HEARD = 3.0
"""Seconds of speech from which on a voice counts as a speaker."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A turn as a listener cuts it: its voiced runs, and the pieces they fall into."""

    runs: tuple[tuple[int, int], ...]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds that a processor worked, and seconds of speech that it worked on."""

    seconds: float
    speech: float


def hear(talk: Meeting, silero: SileroModel, encoder: VoiceEncoder) -> tuple[list[Heard], Cost]:
    """The turns of a meeting."""
    activity = SileroVoiceActivity(silero)
    chunks = range(0, len(talk.samples) - CHUNK + 1, CHUNK)
    runs = voiced_runs([activity.probability(talk.samples[at : at + CHUNK]) for at in chunks], 0)
    turns: list[list[tuple[int, int]]] = []
    for one in runs:
        if turns and one[0] - turns[-1][-1][1] < SILENCE:
            turns[-1].append(one)
        else:
            turns.append([one])
    heard, began = [], time.thread_time()
    for turn in turns:
        first, last = turn[0][0], turn[-1][1]
        stretches = windows(turn)
        vectors = encoder.embed(
            talk.samples[first:last], [(begin - first, end - first) for begin, end in stretches]
        )
        heard.append(Heard(tuple(turn), tuple(pieces(turn, stretches, vectors))))
    speech = sum(end - begin for begin, end in runs) / RATE
    return heard, Cost(time.thread_time() - began, speech)


def online(turns: Sequence[Heard], book: Book) -> tuple[Book, list[Said]]:
    """Who is heard, turn by turn; what was reported is not corrected afterwards."""
    found: list[Said] = []
    for turn in turns:
        book, spans = attribute(book, turn.pieces)
        found += [part for span in spans for part in _voiced(turn, span.begin, span.end, span.speaker)]
    return book, found


def offline(turns: Sequence[Heard]) -> list[Said]:
    """The whole meeting clustered at its end."""
    every = [(turn, piece) for turn in turns for piece in turn.pieces]
    if len(every) < 2:
        return [part for turn, piece in every for part in _voiced(turn, piece.begin, piece.end, "1")]
    tree = linkage(np.array([piece.vector for _, piece in every]), "average", "cosine")
    labels = fcluster(tree, OFFLINE_DISTANCE, "distance")
    return [
        part
        for (turn, piece), label in zip(every, labels, strict=True)
        for part in _voiced(turn, piece.begin, piece.end, str(label))
    ]


def _voiced(turn: Heard, begin: int, end: int, speaker: str | None) -> list[Said]:
    cut = [(max(begin, first), min(end, last)) for first, last in turn.runs]
    return [Said(first, last, speaker) for first, last in cut if last > first]


def _truth(talk: Meeting) -> list[Said]:
    return [Said(turn.begin, turn.end, turn.speaker) for turn in talk.turns]


def _whose(turns: Sequence[Turn], span: Span) -> tuple[str | None, float]:
    """Who spoke most in a span, and their share of it."""
    shares: dict[str, int] = {}
    for turn in turns:
        overlap = min(turn.end, span.end) - max(turn.begin, span.begin)
        if overlap > 0:
            shares[turn.speaker] = shares.get(turn.speaker, 0) + overlap
    who = max(shares, key=lambda name: shares[name], default=None)
    return who, 0.0 if who is None else shares[who] / (span.end - span.begin)


@dataclass(frozen=True, slots=True)
class Names:
    """Seconds of speech of people whose name was known: rightly named, and named as somebody else."""

    known: float
    right: float
    wrong: float
    strangers: float
    """Seconds of people whose name was not known, and of those the ones that were given a name."""
    misnamed: float
    alike: float
    """Seconds of all wrong names that stand between two of espeak-ng's voices: one synthesiser, other dialects."""


def introduced(talk: Meeting, turns: Sequence[Heard], book: Book, *, learning: bool) -> tuple[Book, Names]:
    """Everybody gives their name in their first span that is long enough for it; then names are compared.

    Where that span was taken for another's voice it is that voice which gets the name, as it would in a call.

    Args:
        talk: who really spoke.
        turns: as heard.
        book: what is known before.
        learning: whether names are given at all, or only those of before count.
    """
    known = {voice.name for voice in book.voices if voice.name is not None}
    counts = {"known": 0.0, "right": 0.0, "wrong": 0.0, "strangers": 0.0, "misnamed": 0.0, "alike": 0.0}
    for turn in turns:
        book, spans = attribute(book, turn.pieces)
        for span in spans:
            who, share = _whose(talk.turns, span)
            voice = book.voice(span.speaker) if span.speaker is not None else None
            seconds = (span.end - span.begin) / RATE
            name = voice.name if voice is not None else None
            if name is not None and who is not None and name != who:
                counts["alike"] += seconds * (name.startswith("espeak") and who.startswith("espeak"))
            if who in known:
                counts["known"] += seconds
                counts["right"] += seconds * (name == who)
                counts["wrong"] += seconds * (name is not None and name != who)
            elif who is not None:
                counts["strangers"] += seconds
                counts["misnamed"] += seconds * (name is not None)
            if (
                learning
                and who is not None
                and who not in known
                and voice is not None
                and share >= PURE
                and seconds >= INTRODUCTION
            ):
                book, known = named(book, voice.id, who), known | {who}
    return book, Names(**counts)


def _voiceprint_ms(encoder: VoiceEncoder, talk: Meeting) -> float:
    """CPU time of one voiceprint of 2 s, the middle one of 15."""
    times = []
    for number in range(15):
        began = time.thread_time()
        encoder.embed(talk.samples[number * RATE : (number + 2) * RATE], [(0, 2 * RATE)])
        times.append(time.thread_time() - began)
    return 1000 * sorted(times)[7]


def _rate(found: Sequence[Errors]) -> float:
    wrong = sum(one.missed + one.invented + one.confused for one in found)
    return wrong / sum(one.speech for one in found)


def measure() -> Report:
    """Generates the meetings, hears them, and compares."""
    settings = Settings()
    cache = WeightsCache(settings.weights_dir)
    lines = said(
        TEST_VOICES,
        cache.resolve("voice-kokoro"),
        cache.resolve("voice"),
        settings.cache_dir.expanduser() / "speech-corpus",
    )
    silero, encoder = SileroModel(cache.resolve("vad")), VoiceEncoder(cache.resolve("voiceprint"))
    ours: list[Errors] = []
    one: list[Errors] = []
    late: list[Errors] = []
    costs: list[Cost] = []
    names: list[Names] = []
    again: list[Names] = []
    off = right = 0
    sizes: dict[int, list[Errors]] = {}
    for number in range(MEETINGS):
        people = 2 + number % 4
        talk = meeting(lines, FIRST_SEED + number, people=people, seconds=SECONDS)
        turns, cost = hear(talk, silero, encoder)
        costs.append(cost)
        truth = _truth(talk)
        book, found = online(turns, Book())
        ours.append(errors(truth, found))
        sizes.setdefault(people, []).append(ours[-1])
        every = [part for turn in turns for part in _voiced(turn, turn.runs[0][0], turn.runs[-1][1], "all")]
        one.append(errors(truth, every))
        late.append(errors(truth, offline(turns)))
        heard = sum(voice.seconds >= LEAST_HEARD for voice in book.voices)
        off += abs(heard - len(talk.speakers))
        right += heard == len(talk.speakers)
        knowing, learnt = introduced(talk, turns, Book(), learning=True)
        names.append(learnt)
        kept = [
            Voice(f"kept-{voice.id}", voice.vector, voice.seconds, voice.name)
            for voice in knowing.voices
            if voice.name
        ]
        # The same people and one more, in another room, of whom half gave their names in the call before.
        kept = kept[: max(1, len(kept) // 2)]
        next_talk = meeting(
            {name: lines[name] for name in sorted({*talk.speakers, _stranger(talk)})},
            FIRST_SEED + 500 + number,
            people=people + 1,
            seconds=SECONDS,
        )
        next_turns, _ = hear(next_talk, silero, encoder)
        again.append(introduced(next_talk, next_turns, remembered(Book(), kept), learning=False)[1])
    known, known_again = sum(one.known for one in names), sum(one.known for one in again)
    results = [
        Result("diarization error rate, against one speaker for all", "", _rate(ours), _rate(one), 0.15),
        Result("diarization error rate, against clustering at the end", "", _rate(ours), _rate(late)),
        *(
            Result(f"diarization error rate, {size} people", "", _rate(found))
            for size, found in sorted(sizes.items())
        ),
        Result(
            "of it: speech taken for somebody else's",
            "",
            sum(e.confused for e in ours) / sum(e.speech for e in ours),
        ),
        Result(
            "of it: speech missed (most of it where two speak)",
            "",
            sum(e.missed for e in ours) / sum(e.speech for e in ours),
        ),
        Result(
            "meetings with the right number of speakers", "", right / MEETINGS, 0.0, higher_is_better=True
        ),
        Result("speakers too many or too few, a meeting", "", off / MEETINGS, _missing(MEETINGS)),
        Result(
            "rightly named, after the name was given",
            "",
            sum(n.right for n in names) / known,
            None,
            0.9,
            higher_is_better=True,
        ),
        Result("named as somebody else, after the name was given", "", sum(n.wrong for n in names) / known),
        Result(
            "rightly named in the next call",
            "",
            sum(n.right for n in again) / known_again,
            None,
            0.9,
            higher_is_better=True,
        ),
        Result(
            "strangers taken for a known voice in the next call",
            "",
            sum(n.misnamed for n in again) / sum(n.strangers for n in again),
        ),
        Result(
            "of all wrong names: between two of espeak-ng's voices",
            "",
            sum(n.alike for n in (*names, *again))
            / max(1e-9, sum(n.wrong + n.misnamed for n in (*names, *again))),
        ),
        Result("voiceprint of 2 s, CPU time", "ms", _voiceprint_ms(encoder, talk), None, 30.0),
        Result(
            "CPU time a second of speech",
            "ms",
            1000 * sum(c.seconds for c in costs) / sum(c.speech for c in costs),
        ),
    ]
    return Report(
        "diarize",
        results,
        (
            f"{MEETINGS} meetings of {SECONDS:.0f} s, 2 to 5 of {len(TEST_VOICES)} synthetic voices (Kokoro, piper, "
            "espeak-ng) with echo, noise and overlap; none of them was used to find a threshold. Nothing here says how "
            "real voices fare.",
            "Error rates with a collar of 0.25 s (NIST RT-09); where two speak at once one is always missed.",
            "The next call: the same people and one more, in another room; half of them had given their names before.",
        ),
    )


def _stranger(talk: Meeting) -> str:
    """A voice that is not in a meeting, of Kokoro's where there is one."""
    others = [name for name in TEST_VOICES if name not in talk.speakers]
    return next((name for name in others if name.startswith("kokoro")), others[0])


def _missing(meetings: int) -> float:
    """How many speakers are missed, a meeting, by who takes everybody for one."""
    return sum(1 + number % 4 for number in range(meetings)) / meetings


if __name__ == "__main__":
    run(measure)
