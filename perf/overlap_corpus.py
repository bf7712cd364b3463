"""What people say and utter while somebody else speaks: interruptions, backchannels, and sounds that are neither.

The words are spoken by Kokoro, by piper at pitches that no persona has, and by espeak-ng where it is installed;
the other sounds are made (perf/overlap_sounds.py). Voices, and seeds of sounds, are split in two: what a rule was
fitted on is not what it is judged by. Words that are spoken are kept in the cache.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from perf.overlap_sounds import NOISES, VOCAL, Samples, levelled, noise
from perf.speech_corpus import EspeakSpeaker, KokoroSpeaker, PiperSpeaker, Speaker, spoken
from signaling.caller.voiced import BLOCK
from signaling.caller.wav import RATE
from signaling.settings import load_settings
from signaling.weights_cache import WeightsCache

__all__ = ["BACKCHANNELS", "INTERRUPTIONS", "Kind", "Overlap", "OverlapCorpus", "Split", "overlap_corpus"]

Kind = Literal["interruption", "backchannel", "noise"]
Split = Literal["tune", "held-out"]

INTERRUPTIONS: tuple[str, ...] = (
    "Wait.",
    "Stop.",
    "Hold on a second.",
    "No, that's not what I meant.",
    "Sorry, can I ask you something?",
    "Actually, I wanted to know about the price.",
    "But what about the other one?",
    "Excuse me, how long does it take?",
    "Felix, stop it, please.",
    "Okay, but how much does it cost?",
    "Yeah, but that is not true.",
    "Right, so what should I do then?",
    "Let me stop you there.",
    "What do you mean by that?",
    "I don't think so.",
    "Can you say that again?",
    "One moment, please.",
    "That's enough, thank you.",
    "Never mind, tell me something else.",
    "Hang on, that was too fast.",
    "Why is that?",
    "Oh, that reminds me of my holiday.",
    "And where can I buy it?",
    "Please be quiet for a moment.",
)
BACKCHANNELS: tuple[str, ...] = (
    "Mhm.",
    "Uh-huh.",
    "Yeah.",
    "Right.",
    "Okay.",
    "I see.",
    "Sure.",
    "Hmm.",
    "Oh, wow.",
    "Exactly.",
    "Yep.",
    "Got it.",
    "Of course.",
    "Yeah, yeah.",
    "Ah, okay.",
    "Really nice.",
)
_KOKORO: dict[Split, tuple[str, ...]] = {
    "tune": ("af_bella", "am_michael", "bf_emma"),
    "held-out": ("af_heart", "am_fenrir", "bm_lewis"),
}
_ESPEAK: dict[Split, tuple[str, ...]] = {
    "tune": ("en-us", "en-gb+f3", "en-us+m7"),
    "held-out": ("en-gb+m3", "en-us+f2", "en-gb-scotland"),
}
_PIPER: dict[Split, tuple[float, ...]] = {"tune": (0.86, 1.12, 1.3), "held-out": (0.92, 1.06, 1.22)}
_SEEDS: dict[Split, range] = {"tune": range(12), "held-out": range(100, 112)}


@dataclass(frozen=True, slots=True)
class Overlap:
    """A sound to be made over a persona's voice.

    Attributes:
        kind: what it is.
        name: its words, or what makes it.
        speaker: whose voice.
        samples: int16[n], 48 kHz mono, without silence at its ends, `overlap_sounds.LEVEL` loud.
    """

    kind: Kind
    name: str
    speaker: str
    samples: Samples


class OverlapCorpus:
    """All overlaps there are.

    Args:
        piper: a piper voice (`.onnx`).
        kokoro: Kokoro's directory.
        folder: where spoken words are kept.
    """

    def __init__(self, piper: Path, kokoro: Path, folder: Path) -> None:
        self._piper = piper
        self._kokoro = kokoro
        self._folder = folder

    def overlaps(self, split: Split) -> Iterator[Overlap]:
        """Those of one half; each speaker says a third of the words, others than the next one."""
        for index, speaker in enumerate(self._speakers(split)):
            yield from self._spoken("interruption", INTERRUPTIONS[index % 3 :: 3], speaker)
            yield from self._spoken("backchannel", BACKCHANNELS[index % 2 :: 2], speaker)
        for seed in _SEEDS[split]:
            for name in VOCAL:
                yield Overlap("backchannel", name, f"seed-{seed}", noise(name, seed))
            for name in NOISES:
                yield Overlap("noise", name, f"seed-{seed}", noise(name, seed))

    def usual(self, split: Split) -> Iterator[tuple[str, Samples]]:
        """For each speaker a sentence of ordinary length, by which their usual level is known."""
        for speaker in self._speakers(split):
            for overlap in self._spoken(
                "interruption", ["Good morning, I have a question about the garden."], speaker
            ):
                yield overlap.speaker, overlap.samples

    def _speakers(self, split: Split) -> list[Speaker]:
        speakers: list[Speaker] = [PiperSpeaker(self._piper, pitch) for pitch in _PIPER[split]]
        if shutil.which("espeak-ng"):
            speakers += [EspeakSpeaker(voice) for voice in _ESPEAK[split]]
        speakers += [KokoroSpeaker(self._kokoro, name) for name in _KOKORO[split]]
        return speakers

    def _spoken(self, kind: Kind, texts: Sequence[str], speaker: Speaker) -> Iterator[Overlap]:
        for sentence in spoken([(text, speaker) for text in texts], self._folder):
            yield Overlap(kind, sentence.text, sentence.speaker, levelled(_voiced_part(sentence.samples)))


def overlap_corpus() -> OverlapCorpus:
    """The corpus with the weights and the cache that the settings name."""
    settings = load_settings()
    cache, given = WeightsCache(settings.weights_dir), settings.weights.given()
    folder = settings.cache_dir.expanduser() / "overlap-corpus"
    return OverlapCorpus(cache.resolve("voice", given), cache.resolve("voice-kokoro", given), folder)


def _voiced_part(samples: Samples) -> Samples:
    """From the first block that can be heard to the last: within 30 dB of the loudest."""
    whole = samples[: len(samples) // BLOCK * BLOCK].astype(np.float64).reshape(-1, BLOCK)
    levels = np.sqrt(np.mean(np.square(whole), axis=1))
    heard = np.flatnonzero(levels >= 0.03 * levels.max())
    return samples[heard[0] * BLOCK : min(len(samples), (heard[-1] + 1) * BLOCK + RATE // 50)]
