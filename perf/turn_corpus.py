"""Turns with pauses inside them, spoken by several voices with pause habits of their own; the same every time.

Pauses are drawn as measured ones are distributed: log-normally, brief ones aside between 0.2 and 1.5 s (Campione and
Véronis 2002, "A large-scale multilingual study of silent pause duration": medium pauses 0.2 to 1 s, longer ones in
spontaneous speech only), typically a quarter to half a second, and very different from speaker to speaker (Lundholm
Fors 2015, "Production and perception of pauses in speech").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from media.speech.vad import RATE
from perf.speech_corpus import EspeakSpeaker, KokoroSpeaker, PiperSpeaker, Speaker, spoken
from perf.turn_scripts import HELD_OUT, TUNE, Script
from signaling.caller.voiced import last_voiced
from signaling.caller.wav import RATE as WAV_RATE

__all__ = ["HALVES", "Habit", "Talk", "Turn", "talks"]

Samples = npt.NDArray[np.int16]

SHORTEST, LONGEST = 0.2, 1.5
SPREAD = 0.45
"""Standard deviation of the logarithm of one speaker's pauses."""
BETWEEN = 2.5
"""Seconds from the end of a turn to the next."""
NOISE = 8.0
"""Root mean square of the room's noise in units of int16: -72 dB of full scale."""
TURNS_EACH = 17
SHARING = 6
"""Speakers who share out two copies of the scripts among themselves."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How somebody pauses.

    Attributes:
        median: of their pauses within a turn, seconds.
        share: of the places for a pause where they make one.
    """

    median: float
    share: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a talk.

    Attributes:
        script: what is said.
        begin: first sample of the turn in the talk, 16 kHz.
        end: one past its last voiced sample.
        pauses: first sample and length of each pause within it, in samples.
    """

    script: Script
    begin: int
    end: int
    pauses: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Talk:
    """All turns of one speaker, one after the other.

    Attributes:
        speaker: voice, and how it pauses.
        sound: int16 (n,) at 16 kHz.
        turns: in their order.
    """

    speaker: str
    sound: Samples
    turns: tuple[Turn, ...]


HALVES = {
    "tune": (
        TUNE,
        (
            ("piper", "0.85", Habit(0.32, 0.6)),
            ("piper", "1.06", Habit(0.60, 0.8)),
            ("espeak", "en-us", Habit(0.45, 0.7)),
            ("kokoro", "af_heart", Habit(0.38, 0.7)),
            ("kokoro", "am_michael", Habit(0.75, 0.9)),
            ("kokoro", "bf_emma", Habit(0.50, 0.7)),
            ("piper", "0.98", Habit(0.90, 0.9)),
            ("piper", "1.26", Habit(0.42, 0.9)),
            ("piper", "0.78", Habit(0.62, 0.9)),
        ),
    ),
    "held out": (
        HELD_OUT,
        (
            ("piper", "0.94", Habit(0.55, 0.8)),
            ("piper", "1.16", Habit(0.35, 0.6)),
            ("espeak", "en-gb", Habit(0.40, 0.7)),
            ("kokoro", "af_bella", Habit(0.70, 0.9)),
            ("kokoro", "am_fenrir", Habit(0.34, 0.7)),
            ("kokoro", "bm_george", Habit(0.48, 0.7)),
            ("piper", "1.02", Habit(0.85, 0.9)),
            ("piper", "1.34", Habit(0.38, 0.9)),
            ("piper", "0.8", Habit(0.58, 0.9)),
        ),
    ),
}


def talks(half: str, piper: Path, kokoro: Path, cache: Path, *, seed: int = 1) -> list[Talk]:
    """The talks of one half.

    Args:
        half: a key of `HALVES`.
        piper: a piper voice.
        kokoro: the directory of Kokoro's weights.
        cache: a directory for what was synthesised.
        seed: of the pauses, and of who says what.
    """
    scripts, speakers = HALVES[half]
    made = []
    for first in range(0, len(speakers), SHARING):
        generator = np.random.default_rng([seed + first, len(half)])
        order = [scripts[index] for _ in range(2) for index in generator.permutation(len(scripts))]
        for number, (engine, voice, habit) in enumerate(speakers[first : first + SHARING]):
            said = order[number * TURNS_EACH : (number + 1) * TURNS_EACH]
            speaker = _speaker(engine, voice, piper, kokoro)
            made.append(_talk(speaker, habit, said, cache, generator))
    return made


def _speaker(engine: str, voice: str, piper: Path, kokoro: Path) -> Speaker:
    match engine:
        case "piper":
            return PiperSpeaker(piper, float(voice))
        case "espeak":
            return EspeakSpeaker(voice)
        case _:
            return KokoroSpeaker(kokoro, voice)


def _talk(
    speaker: Speaker, habit: Habit, scripts: Sequence[Script], cache: Path, generator: np.random.Generator
) -> Talk:
    fragments = [_fragments(script, habit, generator) for script in scripts]
    sentences = iter(spoken([(text, speaker) for turn in fragments for text in turn], cache))
    sound = [np.zeros(RATE, np.int16)]
    turns = []
    position = len(sound[0])
    for script, texts in zip(scripts, fragments, strict=True):
        begin, pauses = position, []
        for number, _ in enumerate(texts):
            if number:
                length = int(_pause(habit, generator) * RATE)
                pauses.append((position, length))
                sound.append(np.zeros(length, np.int16))
                position += length
            voiced = _to_ears(_trimmed(next(sentences).samples))
            sound.append(voiced)
            position += len(voiced)
        turns.append(Turn(script, begin, position, tuple(pauses)))
        sound.append(np.zeros(int(BETWEEN * RATE), np.int16))
        position += len(sound[-1])
    whole = np.concatenate(sound).astype(np.float32)
    whole += generator.normal(0.0, NOISE, len(whole)).astype(np.float32)
    return Talk(
        f"{speaker.name}, {habit.median:.2f} s", np.clip(whole, -32768, 32767).astype(np.int16), tuple(turns)
    )


def _fragments(script: Script, habit: Habit, generator: np.random.Generator) -> list[str]:
    """What is said in one breath: a comma behind what goes on makes the voice say it as such."""
    parts = [part.strip() for part in script.text.split("|")]
    joined = [parts[0]]
    for part in parts[1:]:
        if generator.random() < habit.share:
            joined.append(part)
        else:
            joined[-1] = f"{joined[-1]} {part}"
    return [text if text[-1] in ",.?!" else f"{text}," for text in joined]


def _pause(habit: Habit, generator: np.random.Generator) -> float:
    while True:
        seconds = float(habit.median * np.exp(SPREAD * generator.normal()))
        if SHORTEST <= seconds <= LONGEST:
            return seconds


def _trimmed(samples: Samples) -> Samples:
    end = last_voiced(samples)
    begin = len(samples) - last_voiced(samples[::-1])
    return samples[max(begin, 0) : end]


def _to_ears(samples: Samples) -> Samples:
    converter = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = WAV_RATE
    pieces = [piece.to_ndarray().reshape(-1) for one in (frame, None) for piece in converter.resample(one)]
    return np.concatenate(pieces).astype(np.int16, copy=False)
