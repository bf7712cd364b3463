import asyncio

import numpy as np
import numpy.typing as npt
import pytest

from media.realtime.ring import AudioRing
from media.speech.events import (
    PartialTranscript,
    SpeechDiscarded,
    SpeechPaused,
    SpeechStarted,
    TurnCommitted,
    TurnProposed,
)
from media.speech.lane import FakeLane, LaneBusy
from media.speech.listener import Listener
from media.speech.patience import FixedPatience, Pause
from media.speech.transcriber import Transcript, TranscriptionError
from media.speech.vad import RATE
from tests.media.speech_script import TICK, Person, silence, voice


def question(_: npt.NDArray[np.float32]) -> str:
    return "What is the weather like?"


@pytest.mark.virtual_time
async def test_a_spoken_question_is_started_paused_proposed_and_committed() -> None:
    ada = Person(question)
    await ada.live([silence(0.4), voice(1.5), silence(1.5)])
    assert ada.names() == ["SpeechStarted", "SpeechPaused", "TurnProposed", "TurnCommitted"]
    assert ada.listener.discarded == {}


@pytest.mark.virtual_time
async def test_the_start_of_speech_is_told_within_150_ms_of_the_first_sound() -> None:
    ada = Person(question)
    await ada.live([silence(0.4), voice(1.5), silence(1.5)])
    started = ada.events[0]
    assert isinstance(started, SpeechStarted)
    assert 0.4 <= ada.instants[0] <= 0.4 + 0.15
    assert started.at_ns / 1e9 == pytest.approx(0.4, abs=0.04)


@pytest.mark.virtual_time
async def test_words_are_sought_at_the_pause_and_not_at_the_end_of_the_turn() -> None:
    ada = Person(question, takes=0.2, patience=FixedPatience(0.6))
    await ada.live([silence(0.4), voice(1.6), silence(1.5)])
    proposed = next(event for event in ada.events if isinstance(event, TurnProposed))
    committed = next(event for event in ada.events if isinstance(event, TurnCommitted))
    end = proposed.speech_end_ns / 1e9
    assert end == pytest.approx(2.0, abs=0.05)
    assert proposed.paused_ns / 1e9 - end <= 0.14
    assert proposed.words_ns / 1e9 - end <= 0.14 + 0.2 + 0.02
    assert committed.decided_ns / 1e9 - end == pytest.approx(0.6, abs=0.05)
    assert committed.words_ns == proposed.words_ns


@pytest.mark.virtual_time
async def test_a_sure_turn_is_committed_as_soon_as_its_words_are_there() -> None:
    ada = Person(question, takes=0.25)
    await ada.live([silence(0.4), voice(1.6), silence(1.5)])
    committed = next(event for event in ada.events if isinstance(event, TurnCommitted))
    assert committed.decided_ns / 1e9 - committed.speech_end_ns / 1e9 <= 0.42


class _Noting:
    """Waits a fixed time and notes what it is told."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.told: list[str] = []
        self.silences: list[float] = []

    def wait(self, pause: Pause) -> float:
        self.told.append(f"{pause.text} {pause.probability}")
        return self._seconds

    def asked(self, question: str) -> None:
        self.told.append(f"asked {question}")

    def went_on(self, silence: float) -> None:
        self.silences.append(silence)

    def ended(self) -> None:
        self.told.append("ended")


@pytest.mark.virtual_time
async def test_how_long_to_wait_is_asked_again_when_more_is_known_and_told_what_became_of_it() -> None:
    patience = _Noting(0.6)
    ada = Person(question, takes=0.2, judges=0.3, probability=0.7, patience=patience)
    ada.listener.asked("Anything else?")
    await ada.live([silence(0.3), voice(1.5), silence(0.5), voice(1.0), silence(1.5)])
    heard = "What is the weather like?"
    assert patience.told == [
        "asked Anything else?",
        *[f"{heard} None", f"{heard} 0.7"] * 2,
        "ended",
    ]
    assert patience.silences == [pytest.approx(0.5, abs=0.07)]


@pytest.mark.virtual_time
async def test_who_speaks_again_before_an_answer_can_be_heard_is_learnt_to_pause_that_long() -> None:
    patience = _Noting(0.3)
    ada = Person(question, patience=patience)
    await ada.live(
        [silence(0.3), voice(1.5), silence(0.8), voice(1.0), silence(1.6), voice(1.0), silence(1.5)]
    )
    assert ada.names().count("TurnCommitted") == 3
    assert patience.silences == [pytest.approx(0.8, abs=0.07)]


@pytest.mark.virtual_time
async def test_a_turn_that_goes_on_is_withdrawn_and_the_later_one_holds_all_of_it() -> None:
    def hear(utterance: npt.NDArray[np.float32]) -> str:
        return (
            "I went to the shop and"
            if len(utterance) < 2.2 * RATE
            else "I went to the shop and bought bread."
        )

    ada = Person(hear)
    await ada.live([silence(0.3), voice(1.5), silence(0.6), voice(1.2), silence(1.5)])
    assert ada.names() == [
        "SpeechStarted",
        "SpeechPaused",
        "TurnProposed",
        "TurnWithdrawn",
        "SpeechPaused",
        "TurnProposed",
        "TurnCommitted",
    ]
    committed = ada.events[-1]
    assert isinstance(committed, TurnCommitted)
    assert committed.text == "I went to the shop and bought bread."
    assert len({event.turn for event in ada.events}) == 1


@pytest.mark.virtual_time
async def test_two_turns_have_ids_of_their_own() -> None:
    ada = Person(question)
    await ada.live([silence(0.3), voice(1.0), silence(1.5), voice(1.0), silence(1.5)])
    turns = [event.turn for event in ada.events if isinstance(event, TurnCommitted)]
    assert len(turns) == len(set(turns)) == 2


@pytest.mark.virtual_time
async def test_sound_without_voice_leads_to_no_event_and_is_counted() -> None:
    ada = Person(question)
    await ada.live([voice(1.0, amplitude=0.01), silence(1.0)])
    assert ada.events == []
    assert ada.transcriber.heard == []
    assert ada.listener.discarded == {"unconfirmed": 1}


@pytest.mark.virtual_time
async def test_a_cough_is_started_and_let_go_without_being_transcribed() -> None:
    ada = Person(question)
    await ada.live([silence(0.32), voice(0.128), silence(1.5)])
    assert ada.names() == ["SpeechStarted", "SpeechPaused", "SpeechDiscarded"]
    assert ada.transcriber.heard == []
    assert ada.listener.discarded == {"too-brief": 1}


@pytest.mark.virtual_time
async def test_made_up_words_are_never_proposed() -> None:
    ada = Person(lambda _: Transcript("Thanks for watching!", logprob=-1.2, no_speech=0.8))
    await ada.live([silence(0.3), voice(0.6), silence(1.5)])
    assert ada.names() == ["SpeechStarted", "SpeechPaused", "SpeechDiscarded"]
    assert ada.events[-1] == SpeechDiscarded(ada.events[0].turn, "subtitle-line")


@pytest.mark.virtual_time
async def test_intermediate_words_come_a_pause_after_the_ones_before_and_never_delay_the_last_ones() -> None:
    ada = Person(lambda utterance: f"heard {len(utterance) // RATE} seconds.", takes=0.3)
    await ada.live([silence(0.3), voice(4.25), silence(1.5)])
    partials = [event for event in ada.events if isinstance(event, PartialTranscript)]
    assert 5 <= len(partials) <= 7
    paused = next(event for event in ada.events if isinstance(event, SpeechPaused))
    proposed = next(event for event in ada.events if isinstance(event, TurnProposed))
    assert (proposed.words_ns - paused.paused_ns) / 1e9 == pytest.approx(0.3, abs=0.01)


@pytest.mark.virtual_time
async def test_a_microphone_that_falls_silent_at_once_still_ends_its_turn() -> None:
    ada = Person(question)
    task = asyncio.create_task(ada.listen())
    await asyncio.sleep(0)
    ada.listener.gate_opened(0)
    await ada.microphone(np.concatenate([silence(0.3), voice(1.5)]))
    await asyncio.sleep(3.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert ada.names() == ["SpeechStarted", "SpeechPaused", "TurnProposed", "TurnCommitted"]


@pytest.mark.virtual_time
async def test_who_listens_after_another_hears_only_what_was_not_heard_to_its_end() -> None:
    ada = Person(question)
    await ada.live([silence(0.3), voice(1.5), silence(1.5)])
    committed = next(event for event in ada.events if isinstance(event, TurnCommitted))
    assert committed.speech_end / RATE == pytest.approx(1.8, abs=0.1)
    for before, expected in ((0, ada.names()), (committed.speech_end, [])):
        ada.events.clear()
        ada.listener = Listener("ada", ada.ring, ada.activity, ada.engines, clock=ada.clock)
        task = asyncio.create_task(ada.listen())
        await asyncio.sleep(0)
        ada.listener.gate_opened(0, before)
        await asyncio.sleep(3.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert ada.names() == expected


@pytest.mark.virtual_time
async def test_endless_speech_is_committed_in_pieces_that_lose_nothing() -> None:
    ada = Person(lambda utterance: f"piece of {len(utterance)} samples.", takes=1.0)
    await ada.live([silence(0.3), voice(60.0), silence(1.5)])
    committed = [event for event in ada.events if isinstance(event, TurnCommitted)]
    assert len(committed) == 3
    samples = sum(int(event.text.split()[2]) for event in committed)
    assert samples / RATE == pytest.approx(60.3, abs=0.3)


@pytest.mark.virtual_time
async def test_whole_sentences_before_a_pause_are_not_transcribed_again() -> None:
    ada = Person(lambda utterance: "One sentence." if len(utterance) > 5 * RATE else "Another.")
    ada.engines.turn_model._judge = lambda _: 0.1  # type: ignore[attr-defined]
    await ada.live([silence(0.3), voice(7.0), silence(0.45), voice(1.5), silence(1.5)])
    committed = next(event for event in ada.events if isinstance(event, TurnCommitted))
    assert committed.text == "One sentence. Another."
    assert ada.transcriber.heard[-1] < 2.2


@pytest.mark.virtual_time
async def test_a_failing_transcriber_costs_the_turn_and_not_the_listener() -> None:
    failures = iter([True, False])

    def hear(_: npt.NDArray[np.float32]) -> str:
        if next(failures):
            raise TranscriptionError("out of memory")
        return "Hello there."

    ada = Person(hear, partials=False)
    await ada.live([silence(0.3), voice(0.7), silence(1.5), voice(0.7), silence(1.5)])
    assert ada.names()[2] == "SpeechDiscarded"
    assert ada.names()[-1] == "TurnCommitted"
    assert ada.listener.discarded == {"transcription-failed": 1}


@pytest.mark.virtual_time
async def test_a_transcriber_that_hangs_is_given_up() -> None:
    ada = Person(question, takes=60.0, partials=False)
    await ada.live([silence(0.3), voice(0.7), silence(1.5)], after=14.0)
    assert ada.names() == ["SpeechStarted", "SpeechPaused", "SpeechDiscarded"]
    assert ada.listener.discarded == {"transcription-late": 1}


@pytest.mark.virtual_time
async def test_an_overloaded_lane_discards_the_turn_by_name() -> None:
    class FullLane(FakeLane):
        async def run(self, work: object, *, urgent: bool = True) -> object:  # type: ignore[override]
            raise LaneBusy("64 wait")

    ada = Person(question, words=FullLane(), partials=False)
    await ada.live([silence(0.3), voice(0.7), silence(1.5)])
    assert ada.events[-1] == SpeechDiscarded(ada.events[0].turn, "overloaded")


@pytest.mark.virtual_time
async def test_nothing_runs_while_the_gate_is_closed() -> None:
    ada = Person(question)
    task = asyncio.create_task(ada.listen())
    await asyncio.sleep(0)
    ada.listener.gate_opened(0)
    await ada.microphone(np.concatenate([silence(0.3), voice(1.0), silence(1.2)]))
    ada.listener.gate_closed(ada.ring.written)
    await asyncio.sleep(1.0)
    assert asyncio.get_running_loop()._scheduled == []  # type: ignore[attr-defined]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.virtual_time
async def test_a_listener_closed_in_mid_turn_leaves_no_task_behind() -> None:
    ada = Person(question, takes=5.0)
    await ada.live([silence(0.3), voice(1.0), silence(0.3)], after=0.1)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.virtual_time
async def test_sound_overwritten_before_it_was_read_is_counted_and_speech_after_it_is_heard() -> None:
    ada = Person(question, capacity=2.0)
    ada.ring.write(voice(1.5))
    ada.listener.gate_opened(0)
    ada.listener._position = 0
    ada.ring.write(silence(1.5))
    await ada.live([silence(0.1), voice(1.0), silence(1.2)])
    assert ada.listener.discarded["overwritten"] == 1
    assert ada.names()[-1] == "TurnCommitted"


class _WrittenBetweenLooks:
    """A ring into which media writes its next frame right after the listener has looked and found nothing."""

    def __init__(self, ring: AudioRing, sound: npt.NDArray[np.int16]) -> None:
        self._ring = ring
        self._frames = iter(sound[: len(sound) // TICK * TICK].reshape(-1, TICK))

    def __getattr__(self, name: str) -> object:
        return getattr(self._ring, name)

    def read_at(self, position: int, out: npt.NDArray[np.int16]) -> bool:
        found = self._ring.read_at(position, out)
        if not found and (frame := next(self._frames, None)) is not None:
            self._ring.write(frame)
        return found


@pytest.mark.virtual_time
async def test_a_frame_that_comes_between_two_looks_is_not_taken_for_an_overwritten_one() -> None:
    ada = Person(question)
    sound = np.concatenate([silence(0.3), voice(1.0), silence(2.0)])
    ada.listener._ears = _WrittenBetweenLooks(ada.ring, sound)  # type: ignore[assignment]
    task = asyncio.create_task(ada.listen())
    await asyncio.sleep(0)
    ada.listener.gate_opened(0)
    await asyncio.sleep(6.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert ada.listener.discarded == {}
    assert ada.names()[0] == "SpeechStarted"
    assert ada.names()[-1] == "TurnCommitted"
    assert ada.names().count("SpeechStarted") == 1


@pytest.mark.virtual_time
async def test_without_speculation_words_are_sought_only_once_the_turn_is_over() -> None:
    ada = Person(question, speculative=False, partials=False, takes=0.2, probability=0.95)
    await ada.live([silence(0.4), voice(1.6), silence(1.5)])
    committed = next(event for event in ada.events if isinstance(event, TurnCommitted))
    assert (committed.words_ns - committed.speech_end_ns) / 1e9 >= 0.45 + 0.2


@pytest.mark.virtual_time
async def test_speech_that_begins_again_while_a_turn_is_transcribed_does_not_cost_that_turn_its_words() -> (
    None
):
    ada = Person(
        lambda utterance: "First." if len(utterance) < 2 * RATE else "Second, and longer.",
        speculative=False,
        partials=False,
        takes=2.0,
    )
    await ada.live([silence(0.3), voice(0.8), silence(1.0), voice(2.0), silence(1.5)], after=6.0)
    committed = [event for event in ada.events if isinstance(event, TurnCommitted)]
    assert [event.text for event in committed] == ["First.", "Second, and longer."]
    started = [event for event in ada.events if isinstance(event, SpeechStarted)]
    assert [event.turn for event in committed] == [event.turn for event in started]
    # Who speaks again is seen to speak at once, not when the earlier words are there.
    assert ada.instants[ada.events.index(started[1])] < ada.instants[ada.events.index(committed[0])]
    assert committed[0].speech_end_ns / 1e9 == pytest.approx(1.1, abs=0.05)
    assert ada.listener.discarded == {}


@pytest.mark.virtual_time
async def test_turns_that_wait_for_their_words_are_committed_in_their_order() -> None:
    heard: list[int] = []

    def hear(utterance: npt.NDArray[np.float32]) -> str:
        heard.append(len(utterance))
        return f"Turn {len(heard)}."

    ada = Person(hear, speculative=False, partials=False, takes=4.0)
    await ada.live([silence(0.3), *[voice(0.6), silence(0.9)] * 3], after=14.0)
    texts = [event.text for event in ada.events if isinstance(event, TurnCommitted)]
    assert texts == ["Turn 1.", "Turn 2.", "Turn 3."]
    assert len({event.turn for event in ada.events}) == 3


@pytest.mark.virtual_time
async def test_sound_lost_while_an_earlier_turn_is_transcribed_does_not_cost_that_turn() -> None:
    ada = Person(question, speculative=False, partials=False, takes=2.0, capacity=2.0)
    task = asyncio.create_task(ada.listen())
    await asyncio.sleep(0)
    ada.listener.gate_opened(0)
    await ada.microphone(np.concatenate([silence(0.3), voice(0.8), silence(1.0)]))
    ada.ring.write(silence(1.9))
    ada.ring.write(silence(1.9))
    await ada.microphone(silence(4.0))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert ada.names()[-1] == "TurnCommitted"
    assert ada.listener.discarded == {"overwritten": 1}


@pytest.mark.virtual_time
async def test_endless_speech_without_speculation_loses_no_piece() -> None:
    ada = Person(
        lambda utterance: f"piece of {len(utterance)} samples.", takes=1.0, speculative=False, partials=False
    )
    await ada.live([silence(0.3), voice(60.0), silence(1.5)], after=6.0)
    committed = [event for event in ada.events if isinstance(event, TurnCommitted)]
    samples = sum(int(event.text.split()[2]) for event in committed)
    assert samples / RATE == pytest.approx(60.3, abs=1.0)
