"""The real speech models on virtual time: their answers are kept by what was asked, their costs are recorded."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from media.speech.end_of_turn import SmartTurn, TurnModel
from media.speech.lane import Cancelled, Superseded
from media.speech.transcriber import Transcriber, Transcript, WhisperTranscriber

__all__ = ["Answers", "RememberedTranscriber", "RememberedTurnModel"]

Sound = npt.NDArray[np.float32]


class Answers:
    """What models answered, one JSON object a line; a new answer is kept at once.

    Args:
        path: made when missing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._known: dict[str, dict[str, object]] = {
            entry["key"]: entry["answer"] for entry in map(json.loads, lines)
        }

    def of(self, model: str, sound: Sound, ask: Callable[[], dict[str, object]]) -> dict[str, object]:
        """The answer of a model to a sound, from the file where it is known."""
        key = hashlib.sha256(model.encode() + np.ascontiguousarray(sound).tobytes()).hexdigest()[:24]
        if key not in self._known:
            self._known[key] = ask()
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "answer": self._known[key]}) + "\n")
        return self._known[key]


class RememberedTranscriber:
    """Whisper, asked once for each utterance.

    Args:
        engine: loaded when it is first needed.
        model: its name and settings, part of what an answer is kept by.
        answers: where they are kept.
    """

    def __init__(self, engine: Callable[[], WhisperTranscriber], model: str, answers: Answers) -> None:
        self._load = engine
        self._engine: Transcriber | None = None
        self._model = model
        self._answers = answers

    def transcribe(self, utterance: Sound, cancelled: Cancelled = lambda: False) -> Transcript:
        """See `Transcriber`.

        Raises:
            Superseded: when the words are no longer wanted.
        """
        if cancelled():
            raise Superseded

        def ask() -> dict[str, object]:
            self._engine = self._engine or self._load()
            return asdict(self._engine.transcribe(utterance))

        return Transcript(**self._answers.of(self._model, utterance, ask))  # type: ignore[arg-type]


class RememberedTurnModel:
    """Smart Turn, asked once for each utterance.

    Args:
        engine: loaded when it is first needed.
        model: its name, part of what an answer is kept by.
        answers: where they are kept.
    """

    def __init__(self, engine: Callable[[], SmartTurn], model: str, answers: Answers) -> None:
        self._load = engine
        self._engine: TurnModel | None = None
        self._model = model
        self._answers = answers

    def complete(self, utterance: Sound) -> float:
        """See `TurnModel`."""

        def ask() -> dict[str, object]:
            self._engine = self._engine or self._load()
            return {"probability": self._engine.complete(utterance)}

        answer = self._answers.of(self._model, utterance, ask)["probability"]
        assert isinstance(answer, float)
        return answer
