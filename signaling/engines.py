"""The mind's engines, loaded from the weights that the settings name."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog

from cognition.inference.generator import GenerationError, Generator
from cognition.inference.llama import LlamaGenerator
from cognition.persona.profile import Persona
from media.speech.end_of_turn import SmartTurn
from media.speech.kokoro import KokoroModel, KokoroVoice
from media.speech.lane import Lane, ThreadLane
from media.speech.listener import SpeechEngines
from media.speech.piper import PiperModel, PiperVoice
from media.speech.sessions import ModelError
from media.speech.shared_microphone import Diarization
from media.speech.transcriber import WhisperTranscriber
from media.speech.vad import SileroModel, SileroVoiceActivity
from media.speech.voice import Voice, VoiceCharacter
from media.speech.voiceprint import VoiceEncoder
from signaling.given_documents import given_documents
from signaling.long_memory import OpenMemory
from signaling.memory_engines import open_memory
from signaling.quick_model import quick_model
from signaling.settings import Settings
from signaling.weights_cache import WeightsCache, WeightsError

__all__ = ["Engines", "load_engines", "load_generator"]

_log = structlog.get_logger()

KOKORO_DEFAULT = "af_heart"
"""Kokoro's voice of a persona whose profile names none."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What the mind of one process thinks, hears and speaks with.

    Attributes:
        generator: the language model.
        activity: shared weights of the voice activity detectors.
        speech: what all listeners share.
        voices: of the personas, by their ids.
        speaking: the lane of the voices.
        diarization: tells the voices at a shared microphone; its weights are read with the first one.
        memory: how what remembers is opened, once the rest is at work; None: nothing is remembered.
        make_voice: loads the voice of one more persona; raises WeightsError, ModelError, VoiceError.
    """

    generator: Generator
    activity: SileroModel
    speech: SpeechEngines
    voices: Mapping[str, Voice]
    speaking: Lane
    diarization: Diarization
    make_voice: Callable[[Persona], Awaitable[Voice]]
    memory: OpenMemory | None = None


class _VoiceprintsOnDemand:
    """The speaker encoder, loaded when it is first asked, in the lane: most rooms have no shared microphone."""

    def __init__(self, weights: Callable[[], Path]) -> None:
        self._weights = weights
        self._encoder: VoiceEncoder | None = None

    def embed(
        self, sound: npt.NDArray[np.float32], stretches: Sequence[tuple[int, int]]
    ) -> npt.NDArray[np.float32]:
        """See `Voiceprints`.

        Raises:
            ModelError: the weights are missing or damaged.
        """
        if self._encoder is None:
            try:
                self._encoder = VoiceEncoder(self._weights())
            except WeightsError as error:
                raise ModelError(str(error)) from error
        return self._encoder.embed(sound, stretches)


@asynccontextmanager
async def load_engines(settings: Settings, personas: tuple[Persona, ...]) -> AsyncIterator[Engines]:
    """Loads every engine, warmed up, the voice first; frees them at the end.

    Raises:
        WeightsError: weights are missing or damaged.
        ModelError, GenerationError: weights that an engine cannot use.
    """
    cache = WeightsCache(settings.weights_dir)
    given = settings.weights.given()

    def transcriber() -> WhisperTranscriber:
        window = settings.speech.window
        engine = WhisperTranscriber(
            cache.resolve("speech-to-text", given), window=window, threads=2 if window == "stock" else 1
        )
        engine.warm_up()
        return engine

    def turn_model() -> SmartTurn:
        engine = SmartTurn(cache.resolve("turn", given))
        engine.warm_up()
        return engine

    loader = _Voices(settings, cache)

    async def load_voice(persona: Persona) -> Voice:
        return await asyncio.to_thread(loader.load, persona)

    voices = await asyncio.to_thread(lambda: {each.id: loader.load(each) for each in personas})
    words, turns, speaking = ThreadLane("words"), ThreadLane("turns", nice=10), ThreadLane("voice")
    speakers = ThreadLane("speakers", nice=10)
    try:
        activity = SileroModel(cache.resolve("vad", given))
        generator = await asyncio.to_thread(load_generator, cache, given, settings.beginnings_dir)
        try:
            speech = SpeechEngines(
                await asyncio.to_thread(transcriber),
                await asyncio.to_thread(turn_model),
                words,
                turns,
                speculative=settings.reply.speculative,
                partials=settings.reply.prefill,
            )
            voiceprints = _VoiceprintsOnDemand(partial(cache.resolve, "voiceprint", given))
            diarization = Diarization(voiceprints, partial(SileroVoiceActivity, activity), speakers)
            memory = partial(
                open_memory,
                cache=cache,
                given=given,
                directory=settings.store_path.with_name("memory"),
                location=settings.index,
                documents=given_documents(settings),
            )
            yield Engines(generator, activity, speech, voices, speaking, diarization, load_voice, memory)
        finally:
            await generator.aclose()
    finally:
        for lane in (words, turns, speaking, speakers):
            await asyncio.to_thread(lane.close)


def load_generator(cache: WeightsCache, given: Mapping[str, Path], beginnings: Path) -> LlamaGenerator:
    """The language model, from its quick copy; a copy that cannot be read is removed and done without.

    Args:
        cache: of the weights.
        given: the user's own weights.
        beginnings: a folder for what prompts begin with, evaluated.

    Raises:
        WeightsError: the weights are missing or damaged.
        GenerationError: they cannot be read.
    """
    model = quick_model(cache, given, threads=_threads())
    source = cache.resolve("language-model", given)
    try:
        return LlamaGenerator(model, threads=_threads(), beginnings=beginnings)
    except GenerationError as error:
        if model == source:
            raise
        _log.warning("the quick copy of the language model is damaged", reason=str(error))
        model.unlink(missing_ok=True)
        return LlamaGenerator(source, threads=_threads(), beginnings=beginnings)


def _threads() -> int:
    """Compute threads of the language model: more than a few slow each other down at one token a step."""
    return max(
        1, min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)
    )


class _Voices:
    """Loads personas' voices; those of one engine share its model."""

    def __init__(self, settings: Settings, cache: WeightsCache) -> None:
        self._kokoro_always = settings.speech.voice == "kokoro"
        self._given = settings.weights.given()
        self._cache = cache
        self._piper: PiperModel | None = None
        self._kokoro: KokoroModel | None = None

    def load(self, persona: Persona) -> PiperVoice | KokoroVoice:
        """The voice of a persona, warmed up: Kokoro's where the settings or its profile ask for it, else piper's.

        Raises:
            WeightsError: weights are missing or damaged.
            ModelError, VoiceError: they cannot be used.
        """
        voice = self._kokoro_voice(persona) if self._is_kokoro(persona) else self._piper_voice(persona)
        voice.warm_up()
        return voice

    def _is_kokoro(self, persona: Persona) -> bool:
        return self._kokoro_always or persona.voice.engine == "kokoro"

    def _kokoro_voice(self, persona: Persona) -> KokoroVoice:
        directory = self._cache.resolve("voice-kokoro", self._given)
        self._kokoro = self._kokoro or KokoroModel(directory / "model.onnx", directory / "vocab.json")
        character = persona.voice.character or KOKORO_DEFAULT
        styles = directory / "voices" / f"{character}.bin"
        return KokoroVoice(self._kokoro, styles, british=character.startswith("b"))

    def _piper_voice(self, persona: Persona) -> PiperVoice:
        model = self._cache.resolve("voice", self._given)
        self._piper = self._piper or PiperModel(model, model.with_name(f"{model.name}.json"))
        return PiperVoice(self._piper, VoiceCharacter(persona.voice.pitch))
