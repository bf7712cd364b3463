"""What a listener would write down: transcription of recorded sound, and how many words of it are wrong."""

import re
from functools import cache
from pathlib import Path

import jiwer
import numpy as np
import numpy.typing as npt

from media.speech.transcriber import WhisperTranscriber
from signaling.settings import load_settings
from signaling.weights_cache import WeightsCache

RATE = 48_000
_LONGEST = 12 * RATE
_PAUSE = RATE // 2
_QUIET = 0.004


def weights(role: str) -> Path:
    """The weights a server would use."""
    settings = load_settings()
    return WeightsCache(settings.weights_dir).resolve(role, settings.weights.given())


def corpus_cache() -> Path:
    """Where synthesised speech is kept between runs."""
    return load_settings().cache_dir.expanduser() / "speech-corpus"


@cache
def _transcriber() -> WhisperTranscriber:
    return WhisperTranscriber(weights("speech-to-text"))


def sounding(samples: npt.NDArray[np.int16]) -> list[tuple[int, int]]:
    """Stretches of sound in int16[n], 48 kHz, without a pause of half a second: (first, last) samples."""
    blocks = samples[: samples.size // 480 * 480].reshape(-1, 480).astype(np.float32) / 32768
    loud = np.flatnonzero(np.sqrt(np.mean(np.square(blocks), axis=1)) > _QUIET) * 480
    stretches: list[tuple[int, int]] = []
    for start in loud:
        if stretches and start - stretches[-1][1] < _PAUSE:
            stretches[-1] = (stretches[-1][0], int(start) + 480)
        else:
            stretches.append((int(start), int(start) + 480))
    return stretches


def transcribe(samples: npt.NDArray[np.int16]) -> str:
    """The words in int16[n], 48 kHz, stretch by stretch."""
    words = []
    for first, last in sounding(samples):
        for start in range(first, last, _LONGEST):
            piece = samples[max(start - RATE // 10, 0) : min(start + _LONGEST, last + RATE // 10)]
            if piece.size > RATE // 4:
                sixteen = piece[: piece.size // 3 * 3].reshape(-1, 3).astype(np.float32).mean(axis=1) / 32768
                words.append(_transcriber().transcribe(sixteen).text)
    return " ".join(words)


def word_error_rate(said: str, heard: str) -> float:
    """Wrong words by words said; case and punctuation do not count."""
    return float(jiwer.wer(_plain(said), _plain(heard) or "nothing"))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower().replace("’", "'")).split())
