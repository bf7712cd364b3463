"""From the sound of an utterance to its words.

Whisper pads everything to 30 s, and that padding is most of its time. Here the encoder sees the utterance and
3 s of silence, and 10 s at least. In a narrow window the decoder sometimes repeats itself, so a repetition is
looked for and the utterance is then transcribed in the full window; one that goes round in circles there as well is
transcribed in halves.
"""

import math
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from media.speech.lane import Cancelled, Superseded
from media.speech.mel import log_mel
from media.speech.sessions import ModelError
from media.speech.vad import RATE

__all__ = [
    "FakeTranscriber",
    "Transcriber",
    "Transcript",
    "TranscriptionError",
    "WhisperTranscriber",
    "degenerates",
    "repeats",
]

Window = Literal["fitted", "stock"]

FULL_WINDOW = 30 * RATE
TAIL = 3 * RATE
"""Samples of silence behind an utterance; with 1 s tiny.en repeats nearly everything."""
LONGEST_PIECE = 28 * RATE
SPLIT_FROM = 10 * RATE
"""Samples from which on an utterance is transcribed in halves where the decoder cannot follow it whole."""
SHORTEST_WINDOW = 10 * RATE
"""Of 105 utterances of 0.9 to 8 s tiny.en repeated 1 in 10 s, 4 in 8 s; of 57 short ones 9 in 6 s, 21 in 3 s."""
STEP = RATE
"""Windows are whole multiples of this: the engine keeps some memory for each shape that it has met."""
QUIET = RATE // 5
"""Samples of a stretch that is looked at for how quiet it is."""
TOKENS_PER_SECOND = 8
SPARE_TOKENS = 16
MOST_TOKENS = 224


class TranscriptionError(Exception):
    """The engine failed on this utterance."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard.

    Attributes:
        text: the words, stripped.
        logprob: mean natural log probability of the tokens.
        no_speech: probability that the window holds no speech.
        window: seconds that the encoder saw.
        fell_back: whether the fitted window had to be given up for the full one.
        rejected: why the words are not to be believed, or None.
    """

    text: str
    logprob: float = 0.0
    no_speech: float = 0.0
    window: float = 0.0
    fell_back: bool = False
    rejected: str | None = None

    @property
    def confidence(self) -> float:
        """Geometric mean of the tokens' probabilities, in [0, 1]."""
        return math.exp(min(self.logprob, 0.0))


class Transcriber(Protocol):
    """Transcribes one utterance at a time."""

    def transcribe(
        self, utterance: npt.NDArray[np.float32], cancelled: Cancelled = lambda: False
    ) -> Transcript:
        """Transcribes float32 (n,) in [-1, 1] at 16 kHz. Blocks; releases the interpreter.

        Raises:
            Superseded: when `cancelled` says that the words are no longer wanted.
            TranscriptionError: when the engine fails.
        """


def repeats(text: str) -> bool:
    """Whether the text says something twice, as people seldom do.

    True when two words or more stand twice in a row, or one four times, or when the last four words stand in it
    before: a decoder that starts over is often stopped before it is through.
    """
    return _starts_over(text) or any(count > (1 if size >= 2 else 3) for size, count in _runs(text))


def degenerates(text: str) -> bool:
    """Whether the text goes round in circles, as people never do.

    True when the same words stand six times in a row, or three or more of them four times, or when the text can be
    compressed as ordinary text cannot (Radford et al. 2022, section 4.5: by a factor above 2.4).
    """
    raw = text.encode()
    if len(raw) > 80 and len(raw) / len(zlib.compress(raw)) > 2.8:
        return True
    return any(count > (3 if size >= 3 else 5) for size, count in _runs(text))


def _starts_over(text: str) -> bool:
    words = re.findall(r"[\w']+", text.lower())
    return any(words[start : start + 4] == words[-4:] for start in range(len(words) - 7))


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """For every run of words that follows itself: its size, and how often it stands in a row."""
    words = re.findall(r"[\w']+", text.lower())
    for size in range(1, len(words) // 2 + 1):
        count, position = 1, size
        while position + size <= len(words):
            if words[position : position + size] == words[position - size : position]:
                count += 1
                yield size, count
                position += size
            else:
                count = 1
                position += 1


class WhisperTranscriber:
    """Whisper on CTranslate2.

    Args:
        path: directory with `model.bin`, `config.json`, `tokenizer.json` and a vocabulary.
        language: what is spoken, for a multilingual model.
        threads: cores of one run; with tiny.en a second one takes a third off encoding and adds half to decoding.
        window: `fitted` to the utterance, or `stock`: 30 s, by faster-whisper's own way.

    Raises:
        ModelError: when the model cannot be loaded.
    """

    def __init__(
        self, path: Path, *, language: str = "en", threads: int = 2, window: Window = "fitted"
    ) -> None:
        if not (path / "model.bin").is_file() or not (path / "tokenizer.json").is_file():
            raise ModelError(f"no Whisper model in {path}")
        try:
            self._model = WhisperModel(
                str(path), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(f"{path} cannot be loaded: {error}") from error
        self._window = window
        self._language = language
        self._engine = self._model.model
        self._bands = int(self._engine.n_mels)
        self._tokenizer = Tokenizer(
            self._model.hf_tokenizer, self._engine.is_multilingual, task="transcribe", language=language
        )
        self._prompt = [*self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]

    def warm_up(self) -> None:
        """Makes the first transcription as fast as the others."""
        self.transcribe(np.zeros(RATE, np.float32))

    def transcribe(
        self, utterance: npt.NDArray[np.float32], cancelled: Cancelled = lambda: False
    ) -> Transcript:
        """See `Transcriber`.

        Raises:
            ValueError: when the utterance is no sound: empty, of more than one dimension, or not finite.
            Superseded: when the words are no longer wanted.
            TranscriptionError: when the engine fails.
        """
        if utterance.ndim != 1 or not len(utterance) or not np.isfinite(utterance).all():
            raise ValueError("an utterance is a non-empty, finite, one-dimensional float32 array")
        try:
            if self._window == "stock":
                return self._stock(utterance)
            return _join([self._fitted(piece, cancelled) for piece in _pieces(utterance)])
        except RuntimeError as error:
            raise TranscriptionError(str(error)) from error

    def _fitted(self, utterance: npt.NDArray[np.float32], cancelled: Cancelled) -> Transcript:
        wanted = max(SHORTEST_WINDOW, -(-(len(utterance) + TAIL) // STEP) * STEP)
        transcript = self._decode(utterance, min(wanted, FULL_WINDOW), cancelled)
        if wanted < FULL_WINDOW and (transcript.rejected is not None or repeats(transcript.text)):
            transcript = replace(self._decode(utterance, FULL_WINDOW, cancelled), fell_back=True)
        if transcript.rejected is not None and len(utterance) >= SPLIT_FROM:
            cut = _quietest(utterance, len(utterance) // 3, len(utterance) * 2 // 3)
            halves = [self._fitted(half, cancelled) for half in (utterance[:cut], utterance[cut:])]
            transcript = replace(_join(halves), fell_back=True)
        return transcript

    def _decode(self, utterance: npt.NDArray[np.float32], window: int, cancelled: Cancelled) -> Transcript:
        padded = np.zeros(window, np.float32)
        padded[: len(utterance)] = utterance
        features = ctranslate2.StorageView.from_array(log_mel(padded, self._bands)[None])
        if cancelled():
            raise Superseded
        encoded = self._engine.encode(features)
        if cancelled():
            raise Superseded
        most = min(MOST_TOKENS, SPARE_TOKENS + TOKENS_PER_SECOND * len(utterance) // RATE)
        result = self._engine.generate(
            encoded,
            [self._prompt],
            beam_size=1,
            max_length=most,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        text = self._tokenizer.decode(result.sequences_ids[0]).strip()
        cut_off = len(result.sequences_ids[0]) >= most - len(self._prompt)
        return Transcript(
            text,
            float(result.scores[0]),
            float(result.no_speech_prob),
            window / RATE,
            False,
            "repetition" if cut_off or degenerates(text) else None,
        )

    def _stock(self, utterance: npt.NDArray[np.float32]) -> Transcript:
        segments, _ = self._model.transcribe(
            utterance,
            language=self._language,
            beam_size=1,
            temperature=0.0,
            without_timestamps=True,
            condition_on_previous_text=False,
            vad_filter=False,
        )
        found = list(segments)
        text = " ".join(segment.text.strip() for segment in found).strip()
        return Transcript(
            text,
            min((segment.avg_logprob for segment in found), default=0.0),
            max((segment.no_speech_prob for segment in found), default=1.0),
            FULL_WINDOW / RATE,
            False,
            "repetition" if degenerates(text) else None,
        )


def _pieces(utterance: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Cuts what no window holds at its quietest place in the last quarter of each piece."""
    pieces = []
    rest = utterance
    while len(rest) > LONGEST_PIECE:
        cut = _quietest(rest, LONGEST_PIECE * 3 // 4, LONGEST_PIECE)
        pieces.append(rest[:cut])
        rest = rest[cut:]
    return [*pieces, rest]


def _quietest(sound: npt.NDArray[np.float32], begin: int, end: int) -> int:
    """The middle of the quietest fifth of a second between two samples."""
    frames = sound[begin : begin + (end - begin) // QUIET * QUIET].reshape(-1, QUIET)
    return begin + int(np.square(frames).mean(axis=1).argmin()) * QUIET + QUIET // 2


def _join(parts: list[Transcript]) -> Transcript:
    if len(parts) == 1:
        return parts[0]
    return Transcript(
        " ".join(part.text for part in parts if part.text),
        min(part.logprob for part in parts),
        max(part.no_speech for part in parts),
        sum(part.window for part in parts),
        any(part.fell_back for part in parts),
        next((part.rejected for part in parts if part.rejected), None),
    )


class FakeTranscriber:
    """Hears what it is told to.

    Args:
        hear: from the utterance to its words, or to a whole transcript.
    """

    def __init__(self, hear: Callable[[npt.NDArray[np.float32]], str | Transcript]) -> None:
        self._hear = hear
        self.heard: list[float] = []
        """Seconds of each utterance transcribed."""

    def transcribe(
        self, utterance: npt.NDArray[np.float32], cancelled: Cancelled = lambda: False
    ) -> Transcript:
        """See `Transcriber`."""
        if cancelled():
            raise Superseded
        self.heard.append(len(utterance) / RATE)
        heard = self._hear(utterance)
        return heard if isinstance(heard, Transcript) else Transcript(heard, logprob=-0.2)
