"""One long talk of spoken sentences, and how well what was made of it is understood: delay, scores, words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
import pesq
from numpy.typing import NDArray
from pystoi import stoi
from scipy.signal import fftconvolve, resample_poly

from media.realtime.packet import FRAME, RATE
from media.speech.transcriber import WhisperTranscriber
from perf.speech_corpus import SENTENCES, corpus
from signaling.settings import load_settings
from signaling.weights_cache import WeightsCache

__all__ = [
    "Sound",
    "Talk",
    "lag",
    "mos",
    "open_transcriber",
    "stoi_score",
    "talk",
    "transcribe",
    "word_errors",
]

Sound = NDArray[np.float32]

_PAUSE_S = 0.7
_MARGIN_S = 0.3
_RATE16 = 16_000
_NO_SPEECH = 1.0


@dataclass(frozen=True, slots=True)
class Talk:
    """Sentences one after the other, as they were spoken.

    Attributes:
        sound: float32[n], 48 kHz, whole frames; 0.7 s of silence before, between and after the sentences.
        spans: where each sentence begins and ends.
        texts: what was said.
    """

    sound: Sound
    spans: Sequence[tuple[int, int]]
    texts: Sequence[str]


def talk(sentences: Sequence[str] = SENTENCES) -> Talk:
    """The corpus' sentences, by its speakers in turn."""
    settings = load_settings()
    voice = WeightsCache(settings.weights_dir).resolve("voice", settings.weights.given())
    spoken = corpus(voice, settings.cache_dir.expanduser() / "speech-corpus", sentences=sentences)
    pause = np.zeros(round(_PAUSE_S * RATE), np.float32)
    pieces: list[Sound] = [pause]
    spans, at = [], len(pause)
    for sentence in spoken:
        samples: Sound = (sentence.samples / np.float32(32768)).astype(np.float32)
        pieces += [samples, pause]
        spans.append((at, at + len(samples)))
        at += len(samples) + len(pause)
    sound = np.concatenate(pieces)
    sound = np.concatenate([sound, np.zeros(-len(sound) % FRAME, np.float32)])
    return Talk(sound, spans, [sentence.text for sentence in spoken])


def lag(spoken: Sound, heard: Sound) -> int:
    """How many samples later `spoken` is found in `heard`."""
    return int(np.argmax(fftconvolve(heard, spoken[::-1], mode="valid")))


def stoi_score(spoken: Sound, heard: Sound) -> float:
    """Short-time objective intelligibility, 0 to 1 (Taal et al. 2011), of sounds of the same length at 48 kHz."""
    return float(stoi(_at_16_khz(spoken), _at_16_khz(heard), _RATE16))


def mos(spoken: Sound, heard: Sound) -> float:
    """PESQ, wide band (ITU-T P.862.2), 1 to 4.6, of sounds of the same length at 48 kHz."""
    try:
        return float(pesq.pesq(_RATE16, _at_16_khz(spoken), _at_16_khz(heard), "wb"))
    except pesq.NoUtterancesError:
        return _NO_SPEECH


def open_transcriber() -> WhisperTranscriber:
    """The one that the server would use."""
    settings = load_settings()
    return WhisperTranscriber(
        WeightsCache(settings.weights_dir).resolve("speech-to-text", settings.weights.given())
    )


def transcribe(transcriber: WhisperTranscriber, heard: Sound, start: int, end: int) -> str:
    """The words of a stretch of sound, with 0.3 s of what is around it."""
    margin = round(_MARGIN_S * RATE)
    return transcriber.transcribe(_at_16_khz(heard[max(0, start - margin) : end + margin])).text


def word_errors(texts: Sequence[str], said: Sequence[str]) -> float:
    """Share of words that are wrong, missing or too many."""
    return float(jiwer.wer([_plain(text) for text in texts], [_plain(text) or "silence" for text in said]))


def _at_16_khz(sound: Sound) -> Sound:
    resampled: Sound = resample_poly(sound, 1, 3).astype(np.float32)
    return resampled


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9']+", text.lower()))
