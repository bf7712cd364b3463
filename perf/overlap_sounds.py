"""Sounds that are no words, made anew from a seed: coughs, laughter, hums, and what else a microphone takes up.

All are int16 at 48 kHz, some -23 dB of full scale where they are loudest for 50 ms; how loud each is played is up to
who plays it. The hums and the laughter are made by a pulse train through resonances (Fant 1960), the others of
shaped noise.
"""

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from signaling.caller.wav import RATE

__all__ = ["NOISES", "VOCAL", "levelled", "noise"]

Samples = npt.NDArray[np.int16]
Sound = npt.NDArray[np.float64]

LEVEL = 0.07
"""Root mean square of the loudest 50 ms."""
VOCAL = ("hum", "hum-twice", "laugh")
"""What a listener utters to show that they listen."""
NOISES = ("cough", "throat", "sniff", "keys", "knock", "rustle", "breath", "click")
"""What is no utterance at all."""


def noise(kind: str, seed: int) -> Samples:
    """One sound of a kind of `VOCAL` or `NOISES`, another for each seed.

    Raises:
        ValueError: there is no such kind.
    """
    random = np.random.default_rng([seed, sum(map(ord, kind))])
    match kind:
        case "hum":
            sound = _hum(random, 0.28)
        case "hum-twice":
            sound = np.concatenate([_hum(random, 0.16), _rest(0.05), _hum(random, 0.26)])
        case "laugh":
            pitch = random.uniform(140, 320)
            rate = random.uniform(4.2, 5.6)
            sound = np.concatenate(
                [_ha(random, pitch * 0.96**index, 1 / rate) for index in range(random.integers(3, 7))]
            )
        case "cough":
            sound = np.concatenate([_cough(random) for _ in range(random.integers(1, 3))])
        case "throat":
            sound = _voiced(random, random.uniform(70, 110), 0.35, (300, 900)) * 0.5
            sound += 0.7 * _shaped(random, 0.35, 200, 2500)[: len(sound)]
        case "sniff":
            sound = _shaped(random, random.uniform(0.2, 0.4), 2500, 7000)
        case "keys":
            sound = np.concatenate(
                [
                    np.concatenate([_burst(random, 0.012, 1500, 7000), _rest(random.uniform(0.05, 0.16))])
                    for _ in range(random.integers(3, 9))
                ]
            )
        case "knock":
            sound = np.concatenate(
                [
                    np.concatenate([_burst(random, 0.05, 60, 500), _rest(random.uniform(0.09, 0.2))])
                    for _ in range(random.integers(1, 4))
                ]
            )
        case "rustle":
            sound = (
                _shaped(random, random.uniform(0.3, 0.8), 1000, 9000)
                * np.repeat(random.uniform(0.1, 1.0, 200), RATE // 200)[: int(RATE * 0.3)].mean()
            )
        case "breath":
            sound = _shaped(random, random.uniform(0.4, 0.8), 400, 3000)
        case "click":
            sound = _burst(random, 0.02, 300, 8000)
        case _:
            raise ValueError(f"no sound is called {kind!r}")
    return levelled(sound)


def levelled(sound: npt.NDArray[np.generic]) -> Samples:
    """Brings the loudest 50 ms of a sound to `LEVEL`, as int16."""
    values = sound.astype(np.float64)
    size = RATE // 20
    padded = np.concatenate([values, np.zeros(-len(values) % size)]).reshape(-1, size)
    loudest = float(np.sqrt(np.max(np.mean(np.square(padded), axis=1))))
    scaled: Samples = np.clip(values * (LEVEL / max(loudest, 1e-9)) * 32767, -32767, 32767).astype(np.int16)
    return scaled


def _rest(seconds: float) -> Sound:
    return np.zeros(int(seconds * RATE))


def _resonant(sound: Sound, frequency: float, width: float) -> Sound:
    radius = np.exp(-np.pi * width / RATE)
    angle = 2 * np.pi * frequency / RATE
    out: Sound = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], sound)
    return out


def _voiced(
    random: np.random.Generator, pitch: float, seconds: float, formants: tuple[float, ...], fall: float = 0.9
) -> Sound:
    count = int(seconds * RATE)
    glide = pitch * np.linspace(1.0, fall, count) * (1 + 0.01 * random.standard_normal(count).cumsum() / RATE)
    phase = np.cumsum(glide) / RATE
    pulses = np.diff(np.floor(phase), prepend=0.0)
    source = lfilter([1], [1, -0.97], pulses) + 0.003 * random.standard_normal(count)
    voiced = sum((_resonant(source, formant, 60 + formant / 12) for formant in formants), np.zeros(count))
    return _swelled(voiced, 0.03, 0.06)


def _hum(random: np.random.Generator, seconds: float) -> Sound:
    pitch = random.uniform(95, 230)
    length = seconds * random.uniform(0.8, 1.4)
    return _voiced(random, pitch, length, (random.uniform(230, 300), 1000.0), random.uniform(0.85, 1.25))


def _ha(random: np.random.Generator, pitch: float, seconds: float) -> Sound:
    breathy = 0.4 * _shaped(random, 0.4 * seconds, 600, 4000)
    vowel = _voiced(random, pitch, 0.6 * seconds, (750.0, 1250.0, 2600.0))
    return np.concatenate([breathy * np.abs(vowel).max() / max(np.abs(breathy).max(), 1e-9) * 0.3, vowel])


def _cough(random: np.random.Generator) -> Sound:
    burst = _shaped(random, random.uniform(0.12, 0.28), 300, 5000)
    burst *= np.exp(-np.arange(len(burst)) / (0.06 * RATE))
    return np.concatenate([burst, _rest(random.uniform(0.08, 0.2))])


def _burst(random: np.random.Generator, seconds: float, low: float, high: float) -> Sound:
    sound = _shaped(random, 4 * seconds, low, high)
    return sound * np.exp(-np.arange(len(sound)) / (seconds * RATE))


def _shaped(random: np.random.Generator, seconds: float, low: float, high: float) -> Sound:
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(random.standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    spectrum *= (frequencies >= low) & (frequencies <= high)
    return _swelled(np.fft.irfft(spectrum, count), 0.004, 0.03)


def _swelled(sound: Sound, rise: float, fall: float) -> Sound:
    first, last = min(int(rise * RATE), len(sound) // 2), min(int(fall * RATE), len(sound) // 2)
    sound[:first] *= np.linspace(0, 1, first)
    sound[len(sound) - last :] *= np.linspace(1, 0, last)
    return sound
