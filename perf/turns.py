"""False ends of turn and delay, on speech with pauses inside its turns, beside plain silence timeouts.

`python -m perf.turns --json`: nine voices with pause habits of their own say scripted turns (perf/turn_corpus.py);
Silero, the segmenter, Whisper and Smart Turn hear them through the real listener. The clock is virtual and what the
models take is recorded, so that a figure depends on no other load; what they answer is kept from run to run.
Constants were fitted to other sentences in other voices (`python -m perf.turns_fit`).
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from media.speech.end_of_turn import FakeTurnModel, SmartTurn
from media.speech.lane import FakeLane
from media.speech.listener import SpeechEngines
from media.speech.patience import AdaptivePatience, FixedPatience, Patience, Pause
from media.speech.transcriber import FakeTranscriber, WhisperTranscriber
from media.speech.vad import RATE, SileroModel
from perf.report import Report, Result, run
from perf.turn_corpus import Talk, talks
from perf.turn_engines import Answers, RememberedTranscriber, RememberedTurnModel
from perf.turn_talks import Heard, RecordedActivity, heard, listen_to, voice_probabilities
from signaling.settings import load_settings
from signaling.weights_cache import WeightsCache
from tests.virtual_time import VirtualTimeLoop

__all__ = ["Bench", "Rule", "bench", "measure"]

TRANSCRIPTION = 0.225
"""Seconds of one transcription: p50 from the pause to its words in `perf.reply`, on two idle cores of an AMD EPYC."""
JUDGEMENT = 0.095
"""Seconds of one of Smart Turn's decisions on the same machine."""
REPLY = 0.447
"""Seconds from the words to the first sound of the reply, p50 in `perf.reply`."""
TIMEOUTS = (0.3, 0.5, 0.8)


@dataclass(frozen=True, slots=True)
class Bench:
    """A half of the talks and the models that hear it.

    Attributes:
        talks: one a speaker.
        voices: Silero's probabilities of each talk.
        transcriber: Whisper.
        turn_model: Smart Turn.
    """

    talks: Sequence[Talk]
    voices: Sequence["np.ndarray[tuple[int], np.dtype[np.float32]]"]
    transcriber: RememberedTranscriber
    turn_model: RememberedTurnModel

    def hear(self, talk: Talk, patience: Patience, *, speculative: bool = True) -> Heard:
        """One talk on virtual time; without speculation no rule may look at the words, which are then made up."""
        engines = SpeechEngines(
            self.transcriber if speculative else FakeTranscriber(lambda _: "Some words."),
            self.turn_model if speculative else FakeTurnModel(),
            FakeLane(TRANSCRIPTION),
            FakeLane(JUDGEMENT),
            speculative=speculative,
            partials=False,
        )
        activity = RecordedActivity(self.voices[self.talks.index(talk)])
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            events, discarded = runner.run(listen_to(talk, engines, activity, patience))
        return heard(talk, events, discarded)


def bench(half: str) -> Bench:
    """Speaks a half of the scripts, or takes it from the cache, and finds the models."""
    settings = load_settings()
    weights, given = WeightsCache(settings.weights_dir), settings.weights.given()
    cache = settings.cache_dir.expanduser()
    spoken = talks(
        half,
        weights.resolve("voice", given),
        weights.resolve("voice-kokoro", given),
        cache / "speech-corpus",
    )
    silero = SileroModel(weights.resolve("vad", given))
    whisper, turn = weights.resolve("speech-to-text", given), weights.resolve("turn", given)
    answers = Answers(cache / "turn-answers.jsonl")
    return Bench(
        spoken,
        [voice_probabilities(talk, silero) for talk in spoken],
        RememberedTranscriber(lambda: WhisperTranscriber(whisper, threads=1), str(whisper.name), answers),
        RememberedTurnModel(lambda: SmartTurn(turn), f"{turn.name} + {SmartTurn.TRAILING / RATE} s", answers),
    )


class _Unlearning:
    """Our rule, with every speaker taken for an unknown one at each pause."""

    def __init__(self) -> None:
        self._question = ""

    def wait(self, pause: Pause) -> float:
        """See `Patience`."""
        unknown = AdaptivePatience()
        unknown.asked(self._question)
        return unknown.wait(pause)

    def asked(self, question: str) -> None:
        """See `Patience`."""
        self._question = question

    def went_on(self, silence: float) -> None:
        """See `Patience`."""

    def ended(self) -> None:
        """See `Patience`."""
        self._question = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one way to end turns did on all talks.

    Attributes:
        heard: one a talk.
        ahead: whether words and reply are sought in the silence, or only once the turn is over.
    """

    heard: Sequence[Heard]
    ahead: bool

    @property
    def false_ends(self) -> float:
        """Turns taken to be over within a pause, a hundred pauses."""
        pauses = sum(len(turn.pauses) for each in self.heard for turn in each.talk.turns)
        return 100 * sum(ending.false for each in self.heard for ending in each.endings) / pauses

    @property
    def lost(self) -> int:
        """Turns that led to no words."""
        return sum(ending.delay is None for each in self.heard for ending in each.endings)

    @property
    def delays(self) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """Seconds from the last voiced sample of a turn to the decision that it is over, its words in hand."""
        return np.array(
            [ending.delay for each in self.heard for ending in each.endings if ending.delay is not None]
        )

    @property
    def first_sounds(self) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """Seconds from the last voiced sample of a turn to the first sound of a reply that takes `REPLY`."""
        return np.array(
            [
                max(ending.delay, ending.words + REPLY) if self.ahead else ending.delay + REPLY
                for each in self.heard
                for ending in each.endings
                if ending.delay is not None and ending.words is not None
            ]
        )


def _heard_by(half: Bench, patience: Callable[[], Patience], *, ahead: bool) -> Rule:
    return Rule([half.hear(talk, patience(), speculative=ahead) for talk in half.talks], ahead)


def measure() -> Report:
    """Hears the held-out half by our rule and by each timeout, with and without work done ahead."""
    results: list[Result] = []
    half = bench("held out")
    ours = _heard_by(half, AdaptivePatience, ahead=True)
    for seconds in TIMEOUTS:
        name = f"{seconds * 1000:.0f} ms"
        plain, ahead = (
            _heard_by(half, lambda seconds=seconds: FixedPatience(seconds), ahead=how)  # type: ignore[misc]
            for how in (False, True)
        )
        results += _beside(ours, plain, ahead, name)
        print(f"heard with a timeout of {name}", file=sys.stderr)
    turns = sum(len(talk.turns) for talk in half.talks)
    pauses = sum(len(turn.pauses) for talk in half.talks for turn in talk.turns)
    # Without work done ahead a timeout ends the same turns, a transcription later.
    equal = TIMEOUTS[-1] + float(np.mean(ours.delays)) - float(np.mean(ahead.delays))
    as_late = _heard_by(half, lambda: FixedPatience(equal), ahead=False)
    unlearnt = _heard_by(half, _Unlearning, ahead=True)
    results += [
        Result(
            f"false ends, a hundred pauses, beside {equal * 1000:.0f} ms, as early, of the same delay",
            "%",
            ours.false_ends,
            as_late.false_ends,
        ),
        Result(
            "false ends, a hundred pauses, beside nothing learnt", "%", ours.false_ends, unlearnt.false_ends
        ),
        Result(
            "delay of the decision, mean, beside nothing learnt",
            "s",
            float(np.mean(ours.delays)),
            float(np.mean(unlearnt.delays)),
        ),
        Result("turns that led to no words", "turns", ours.lost),
        Result("transcriptions begun, a turn", "", sum(each.noticed for each in ours.heard) / turns),
        Result(
            "last voiced sample to the notice of silence, p50",
            "s",
            float(
                np.median(
                    [one.paused for each in ours.heard for one in each.endings if one.paused is not None]
                )
            ),
        ),
    ]
    return Report(
        "turns",
        results,
        [
            f"{turns} turns of {len(half.talks)} speakers, {pauses} pauses of 0.2 to 1.5 s in them, all synthesised.",
            "A delay runs from the last voiced sample of a turn, by energy, to the decision that it is over, words in "
            "hand. A plain timeout does nothing before it has run out; `as early` is the same timeout with the words "
            "sought at the first silence, as ours.",
            f"Recorded: {TRANSCRIPTION} s a transcription, {JUDGEMENT} s a judgement, {REPLY} s from the words to the "
            "first sound.",
        ],
    )


def _beside(ours: Rule, plain: Rule, ahead: Rule, name: str) -> Iterator[Result]:
    """Our figures beside a timeout's: met where ours is less."""

    def less(metric: str, unit: str, value: float, baseline: float) -> Result:
        return Result(f"{metric}, beside {name}", unit, value, baseline, float(np.nextafter(baseline, 0.0)))

    yield less("false ends, a hundred pauses", "%", ours.false_ends, plain.false_ends)
    for what, of in (("mean", np.mean), ("p50", np.median), ("p95", _p95)):
        yield less(f"delay of the decision, {what}", "s", float(of(ours.delays)), float(of(plain.delays)))
    yield less(
        "delay of the first sound, mean",
        "s",
        float(np.mean(ours.first_sounds)),
        float(np.mean(plain.first_sounds)),
    )
    yield less("false ends, as early, a hundred pauses", "%", ours.false_ends, ahead.false_ends)
    for what, of in (("mean", np.mean), ("p50", np.median)):
        yield less(
            f"delay of the decision, as early, {what}", "s", float(of(ours.delays)), float(of(ahead.delays))
        )
    yield less(
        "delay of the first sound, as early, mean",
        "s",
        float(np.mean(ours.first_sounds)),
        float(np.mean(ahead.first_sounds)),
    )


def _p95(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    return float(np.percentile(values, 95))


if __name__ == "__main__":
    run(measure)
