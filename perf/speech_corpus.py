"""Everyday questions, spoken: synthesised once, the same every time, for benchmarks and tests.

Piper speaks without its random noise, at two pitches that no persona has; espeak-ng, where it is installed,
speaks a third of the sentences. What was made is cached by what it was made from.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import numpy as np
import numpy.typing as npt

from signaling.caller.voiced import last_voiced
from signaling.caller.wav import RATE, WavRecorder, read_speech

__all__ = [
    "PAUSED",
    "SENTENCES",
    "EspeakSpeaker",
    "KokoroSpeaker",
    "PiperSpeaker",
    "Speaker",
    "SpokenSentence",
    "cached_wav",
    "corpus",
    "paused_corpus",
    "speakers",
    "spoken",
]

Samples = npt.NDArray[np.int16]

SENTENCES: tuple[str, ...] = (
    "What is the weather usually like in London in November?",
    "Can you tell me how to make a good cup of tea?",
    "I would like to learn how to play the piano.",
    "What is the capital city of Australia?",
    "How do I get a red wine stain out of a white shirt?",
    "Could you recommend a good book for a long train journey?",
    "Can you tell me why the sky is blue during the day?",
    "What should I cook for my family for dinner tonight?",
    "How long does it take to boil an egg?",
    "Do you think I should take an umbrella with me today?",
    "What is the difference between a frog and a toad?",
    "A little dog barks outside all night, what can I do about it?",
    "How many hours of sleep does an adult need?",
    "Can you explain how a rainbow is made?",
    "Where is the best place in the garden to plant tomatoes?",
    "What is a good present for my mother's birthday?",
    "I have a headache, what should I do?",
    "How do birds know where to fly in winter?",
    "Could you help me plan a weekend by the sea?",
    "What is it that makes bread rise in the oven?",
    "Which is heavier, a pound of feathers or a pound of gold?",
    "How can I remember people's names at a party?",
    "Is it better to run in the morning or in the evening?",
    "What do you like most about talking with people?",
)

PAUSED: tuple[tuple[str, str], ...] = (
    ("I was thinking about my holiday, and", "I wonder where I should go this summer."),
    ("If it does not rain tomorrow", "do you think we could have a picnic in the park?"),
    ("My daughter has a new school project", "can you tell her something about the moon?"),
    ("I bought a new bicycle last week, but", "how often should I clean the chain?"),
)
_PAUSE_SECONDS = 0.45


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """One sentence, spoken.

    Attributes:
        text: the words.
        speaker: which voice said them.
        samples: int16[n], 48 kHz mono.
    """

    text: str
    speaker: str
    samples: Samples


class Speaker(Protocol):
    """A voice that says the same words the same way every time."""

    @property
    def name(self) -> str:
        """What the voice was made from; part of the name of what is cached."""

    def speak(self, texts: Sequence[str]) -> list[Samples]:
        """Each text spoken: int16[n] at 48 kHz."""


@dataclass(frozen=True, slots=True)
class PiperSpeaker:
    """A piper voice, without its noise, at a factor on pitch and formants."""

    model: Path
    pitch: float

    @property
    def name(self) -> str:
        """See `Speaker`."""
        return f"piper-{self.model.stem}-{self.pitch}"

    def speak(self, texts: Sequence[str]) -> list[Samples]:
        """See `Speaker`."""
        from piper import PiperVoice
        from piper.config import SynthesisConfig

        voice = PiperVoice.load(self.model)
        style = SynthesisConfig(length_scale=self.pitch, noise_scale=0.0, noise_w_scale=0.0)
        return [
            _at_48_khz(
                np.concatenate([chunk.audio_int16_array for chunk in voice.synthesize(text, style)]),
                round(voice.config.sample_rate * self.pitch),
            )
            for text in texts
        ]


@dataclass(frozen=True, slots=True)
class EspeakSpeaker:
    """A voice of espeak-ng's."""

    voice: str

    @property
    def name(self) -> str:
        """See `Speaker`."""
        return f"espeak-ng-{self.voice}"

    def speak(self, texts: Sequence[str]) -> list[Samples]:
        """See `Speaker`."""
        sounds = []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "spoken.wav"
            for text in texts:
                subprocess.run(
                    ["espeak-ng", "-v", self.voice, "-s", "150", "-w", str(path), text],
                    check=True,
                    timeout=30,
                )
                sounds.append(read_speech(path))
        return sounds


@dataclass(frozen=True, slots=True)
class KokoroSpeaker:
    """One of Kokoro's voices.

    Attributes:
        directory: of the weights, as the catalogue lays them out.
        voice: as `am_adam`.
    """

    directory: Path
    voice: str

    @property
    def name(self) -> str:
        """See `Speaker`."""
        return f"kokoro-{self.voice}"

    def speak(self, texts: Sequence[str]) -> list[Samples]:
        """See `Speaker`."""
        from media.speech.kokoro import KokoroModel, KokoroVoice

        model = KokoroModel(self.directory / "model.onnx", self.directory / "vocab.json")
        styles = self.directory / "voices" / f"{self.voice}.bin"
        voice = KokoroVoice(model, styles, british=self.voice.startswith("b"))
        return [
            np.concatenate([piece.samples for piece in voice.synthesize(text, lambda: False)])
            for text in texts
        ]


def speakers(piper_model: Path) -> tuple[Speaker, ...]:
    """The voices there are: piper at two pitches, and espeak-ng where it is installed.

    Args:
        piper_model: a piper voice (`.onnx`, its `.onnx.json` beside it).
    """
    low, high = PiperSpeaker(piper_model, 0.9), PiperSpeaker(piper_model, 1.14)
    return (low, high, EspeakSpeaker("en-us")) if shutil.which("espeak-ng") else (low, high)


def corpus(piper_model: Path, cache: Path, *, sentences: Sequence[str] = SENTENCES) -> list[SpokenSentence]:
    """Each sentence by one of the speakers, in turn.

    Args:
        piper_model: a piper voice.
        cache: a directory for what was synthesised; made when missing.
        sentences: what is to be said.
    """
    voices = speakers(piper_model)
    return spoken([(text, voices[index % len(voices)]) for index, text in enumerate(sentences)], cache)


def paused_corpus(piper_model: Path, cache: Path) -> list[SpokenSentence]:
    """Sentences with a pause of 0.45 s in their midst, where a speaker thinks but has not finished."""
    voices = speakers(piper_model)[:2]
    halves = spoken(
        [(half, voices[index % 2]) for index, pair in enumerate(PAUSED) for half in pair],
        cache,
    )
    pause = np.zeros(int(_PAUSE_SECONDS * RATE), np.int16)
    return [
        SpokenSentence(
            f"{first.text} {second.text}",
            first.speaker,
            np.concatenate([_trimmed(first.samples), pause, second.samples]),
        )
        for first, second in zip(halves[::2], halves[1::2], strict=True)
    ]


def cached_wav(text: str, speaker: Speaker, cache: Path) -> Path:
    """The WAV of one sentence, made if it is not there yet."""
    path = _path(text, speaker, cache)
    if not path.exists():
        _make([text], speaker, cache)
    return path


def spoken(wanted: Sequence[tuple[str, Speaker]], cache: Path) -> list[SpokenSentence]:
    """Each text by its voice; what is not in the cache is synthesised."""
    for speaker in dict.fromkeys(speaker for _, speaker in wanted):
        missing = [text for text, by in wanted if by == speaker and not _path(text, speaker, cache).exists()]
        if missing:
            _make(missing, speaker, cache)
    return [
        SpokenSentence(text, speaker.name, read_speech(_path(text, speaker, cache)))
        for text, speaker in wanted
    ]


def _make(texts: Sequence[str], speaker: Speaker, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    for text, samples in zip(texts, speaker.speak(texts), strict=True):
        path = _path(text, speaker, cache)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            fresh = Path(folder) / path.name
            recorder = WavRecorder(fresh)
            recorder.write(samples)
            recorder.close()
            fresh.replace(path)


def _path(text: str, speaker: Speaker, cache: Path) -> Path:
    return cache / f"{hashlib.sha256(f'{speaker.name}|{text}'.encode()).hexdigest()[:20]}.wav"


def _at_48_khz(samples: Samples, rate: int) -> Samples:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    pieces = [piece.to_ndarray().reshape(-1) for one in (frame, None) for piece in resampler.resample(one)]
    return np.concatenate(pieces).astype(np.int16, copy=False)


def _trimmed(samples: Samples) -> Samples:
    return samples[: last_voiced(samples)]
