from pathlib import Path

import numpy as np
import pytest

from media.speech.events import SpeechDiscarded, SpeechEvent, SpeechPaused, TurnCommitted
from media.speech.patience import FixedPatience, Pause
from media.speech.vad import RATE
from media.speech.wording import Cue
from perf.turn_corpus import HALVES, Talk, Turn
from perf.turn_engines import Answers
from perf.turn_scripts import HELD_OUT, TUNE, Script
from perf.turn_talks import heard
from perf.turns_fit import Sample, fit, replay

TURN = Turn(Script("I went to the shop and | bought bread."), RATE, 4 * RATE, ((2 * RATE, RATE // 2),))
TALK = Talk("ada", np.zeros(8 * RATE, np.int16), (TURN,))


def committed(speech_end: float, decided: float) -> TurnCommitted:
    end = int(speech_end * 1e9)
    return TurnCommitted("t", "words", end, end + 50_000_000, end + 300_000_000, int(decided * 1e9))


def test_an_end_in_a_pause_is_false_and_the_delay_is_that_of_the_true_one() -> None:
    ending = heard(TALK, [committed(2.05, 2.4), committed(4.04, 4.6)], {}).endings[0]
    assert ending.false == 1
    assert ending.delay == pytest.approx(0.6)
    assert ending.words == pytest.approx(0.34)


def test_a_turn_that_leads_to_no_words_has_no_delay() -> None:
    events: list[SpeechEvent] = [SpeechPaused("t", 4 * 10**9, 4 * 10**9), SpeechDiscarded("t", "filler-line")]
    talk = heard(TALK, events, {"filler-line": 1})
    assert talk.endings[0].delay is None
    assert talk.noticed == 1


def test_the_halves_share_neither_sentences_nor_voices() -> None:
    assert not {script.text for script in TUNE} & {script.text for script in HELD_OUT}
    voices = [{(engine, voice) for engine, voice, _ in speakers} for _, speakers in HALVES.values()]
    assert not voices[0] & voices[1]


def test_a_cue_at_pauses_alone_is_fitted_to_speak_against_the_end() -> None:
    pauses = [Sample(Pause("I was looking for the", None), "", 0.5)] * 20
    ends = [Sample(Pause("I like it here.", None), "", None)] * 20
    odds = fit([pauses + ends])
    assert odds.cues[Cue.UNFINISHED] < -1
    assert odds.bias > 1


def test_a_replay_counts_pauses_that_outlast_the_wait_and_the_delay_at_ends() -> None:
    pause = Pause("I like it here.", None)
    samples = [Sample(pause, "", 0.4), Sample(pause, "", 0.6), Sample(pause, "", None)]
    assert replay(samples, FixedPatience(0.5)) == (1, [0.5])


def test_what_a_model_has_answered_once_it_is_not_asked_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask() -> dict[str, object]:
        asked.append("again")
        return {"text": "yes"}

    for _ in range(2):
        answers = Answers(tmp_path / "answers.jsonl")
        assert answers.of("a", np.ones(10, np.float32), ask) == {"text": "yes"}
        assert answers.of("b", np.ones(10, np.float32), ask) == {"text": "yes"}
    assert len(asked) == 2
