"""Meetings at one microphone, made by a seed: several voices in a room that echoes and is not silent.

The voices are synthetic (Kokoro, piper at other pitches, espeak-ng): what is measured on them holds for such voices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve, resample_poly

from perf.speech_corpus import EspeakSpeaker, KokoroSpeaker, PiperSpeaker, Speaker, spoken
from signaling.caller.voiced import last_voiced

__all__ = ["LINES", "TEST_VOICES", "TUNE_VOICES", "Line", "Meeting", "Turn", "meeting", "said"]

RATE = 16_000
Floats = npt.NDArray[np.float32]

LINES: tuple[str, ...] = (
    "Yes, exactly.",
    "No, not really.",
    "I think so too.",
    "Right, let's do that.",
    "We could move the meeting to Thursday afternoon.",
    "The numbers from last month look much better.",
    "Who is going to write the first draft of it?",
    "I talked to the customer yesterday, and they were quite happy.",
    "Can somebody send me the slides before lunch?",
    "What worries me a little is the schedule, because two of us are away in August and nobody has taken over the "
    "tests so far.",
    "When we tried this a year ago it took us three weeks to get the first version out, and then another month to "
    "make it quick enough.",
)
TUNE_VOICES = (
    *("kokoro-am_adam", "kokoro-af_bella", "kokoro-bm_george", "kokoro-af_nicole"),
    *("piper-0.8", "piper-1.25", "espeak-en-us+f3", "espeak-en-gb", "espeak-en-us+m7"),
)
TEST_VOICES = (
    *("kokoro-am_michael", "kokoro-af_heart", "kokoro-bm_daniel", "kokoro-af_sarah"),
    *("piper-0.9", "piper-1.4", "espeak-en-us", "espeak-en-gb+f2", "espeak-en-gb-scotland+m3"),
)
"""Of these none is among those that thresholds were found with."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line by one voice: float32 (n,) at 16 kHz, without silence at its ends, as loud as all others."""

    text: str
    samples: Floats


@dataclass(frozen=True, slots=True)
class Turn:
    """Who spoke from which sample to which."""

    begin: int
    end: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """A meeting: float32 (n,) at 16 kHz, and who spoke when."""

    samples: Floats
    turns: tuple[Turn, ...]

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who spoke, in the order of their first words."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns))


def said(voices: Sequence[str], weights: Path, piper: Path, cache: Path) -> dict[str, tuple[Line, ...]]:
    """Every line by every voice.

    Args:
        voices: as in `TUNE_VOICES`.
        weights: Kokoro's directory.
        piper: piper's model.
        cache: for what is synthesised; what is there is not made again.
    """
    found = {}
    for name in voices:
        kind, _, which = name.partition("-")
        voice: Speaker
        if kind == "kokoro":
            voice = KokoroSpeaker(weights, which)
        elif kind == "piper":
            voice = PiperSpeaker(piper, float(which))
        else:
            voice = EspeakSpeaker(which)
        lines = spoken([(text, voice) for text in LINES], cache)
        found[name] = tuple(Line(line.text, _levelled(line.samples)) for line in lines)
    return found


def meeting(lines: Mapping[str, Sequence[Line]], seed: int, *, people: int, seconds: float) -> Meeting:
    """A meeting of some of the voices.

    Each stands elsewhere in the room (level and echo of their own). One turn in seven begins before the last one is
    over, one in four within 0.15 s of its end, the others after up to 1.5 s. Noise lies 15 to 25 dB below.

    Args:
        lines: by voice; two of piper's voices or more than two of espeak's are not in one meeting.
        seed: of everything that is drawn.
        people: how many voices.
        seconds: of the meeting, about.
    """
    random = np.random.default_rng(seed)
    present = _company(sorted(lines), people, random)
    sound = np.zeros(int((seconds + 15) * RATE), np.float32)
    places = {name: (_echo(random), 10 ** (random.uniform(-6, 0) / 20)) for name in present}
    turns: list[Turn] = []
    end, order = RATE // 2, list(present)
    while end < seconds * RATE:
        others = [name for name in present if not turns or name != turns[-1].speaker or random.random() < 0.1]
        # Everybody speaks in the first round; after that who likes.
        speaker = order.pop(0) if order else str(random.choice(others))
        line = lines[speaker][int(random.integers(len(lines[speaker])))]
        kind = random.random()
        if turns and kind < 1 / 7:
            gap = -random.uniform(0.2, 0.6)
        elif kind < 1 / 7 + 1 / 4:
            gap = random.uniform(0.0, 0.15)
        else:
            gap = random.uniform(0.15, 1.5)
        begin = max(end + int(gap * RATE), turns[-1].begin + RATE // 4 if turns else 0)
        echo, gain = places[speaker]
        heard = fftconvolve(line.samples, echo).astype(np.float32) * np.float32(gain)
        sound[begin : begin + len(heard)] += heard[: len(sound) - begin]
        turns.append(Turn(begin, begin + len(line.samples), speaker, line.text))
        end = max(end, turns[-1].end)
    sound = sound[: end + RATE]
    noise = _noise(len(sound), random)
    noise *= float(np.sqrt(np.mean(np.square(sound)))) * 10 ** (-random.uniform(15, 25) / 20)
    sound += noise
    return Meeting(sound * np.float32(0.7 / np.abs(sound).max()), tuple(turns))


def _company(voices: Sequence[str], people: int, random: np.random.Generator) -> list[str]:
    present: list[str] = []
    for name in random.permutation(voices):
        kind = str(name).partition("-")[0]
        alike = sum(other.startswith(kind) for other in present)
        if len(present) < people and alike < {"piper": 1, "espeak": 2}.get(kind, people):
            present.append(str(name))
    return present


def _levelled(samples: npt.NDArray[np.int16]) -> Floats:
    sound = samples[: last_voiced(samples)].astype(np.float32) / 32768
    sound = sound[::-1][: last_voiced(samples[: last_voiced(samples)][::-1])][::-1]
    low = resample_poly(sound, 1, 3).astype(np.float32)
    levelled: Floats = low * np.float32(0.06 / np.sqrt(np.mean(np.square(low))))
    return levelled


def _echo(random: np.random.Generator) -> Floats:
    """A direct path and a tail of noise that falls by 60 dB in 0.2 to 0.5 s, 6 to 14 dB below it."""
    fall = random.uniform(0.2, 0.5)
    instants = np.arange(int(fall * RATE)) / RATE
    tail = random.normal(size=len(instants)) * 10 ** (-3 * instants / fall)
    tail[: RATE // 200] = 0
    tail *= 10 ** (-random.uniform(6, 14) / 20) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1.0
    return tail.astype(np.float32)


def _noise(count: int, random: np.random.Generator) -> Floats:
    """Noise whose power falls with frequency, as that of rooms does, of mean square one."""
    spectrum = np.fft.rfft(random.normal(size=count))
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    spectrum /= np.sqrt(np.maximum(frequencies, 50.0))
    noise = np.fft.irfft(spectrum, count)
    scaled: Floats = (noise / np.sqrt(np.mean(np.square(noise)))).astype(np.float32)
    return scaled
