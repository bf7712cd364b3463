"""What becomes of a voice that is held because somebody speaks over it."""

import asyncio
import time
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.speech.events import (
    PartialTranscript,
    SpeechDiscarded,
    SpeechEvent,
    SpeechPaused,
    SpeechStarted,
    TurnProposed,
    TurnWithdrawn,
)
from signaling.overlap import (
    ACKNOWLEDGING,
    UNCONFIRMED,
    WORDS_WITHIN,
    HeldVoices,
    Judgement,
    Overlap,
    judge,
    learn,
)

STARTED = SpeechStarted("ada-1", 0)
PAUSED = SpeechPaused("ada-1", 0, 0)


def proposed(text: str) -> TurnProposed:
    return TurnProposed("ada-1", text, 0, 0, 0)


def known(*events: tuple[float, SpeechEvent]) -> Overlap:
    """What is known of a voice held at 0 s after events at their instants."""
    overlap = Overlap(0.0)
    for at, event in events:
        overlap = learn(overlap, event, at)
    return overlap


def test_a_sound_that_is_not_confirmed_as_speech_lets_the_voice_go_on() -> None:
    assert judge(known(), 0.0) == (Judgement.WAIT, UNCONFIRMED)
    assert judge(known(), UNCONFIRMED)[0] is Judgement.RESUME


@pytest.mark.parametrize("text", ["Wait.", "Yeah, but that is not true.", "Really?"])
def test_words_that_want_the_turn_stop_the_voice_at_once(text: str) -> None:
    assert judge(known((0.1, STARTED), (0.5, PAUSED), (0.8, proposed(text))), 0.8)[0] is Judgement.STOP
    assert judge(known((0.1, STARTED), (0.5, PartialTranscript("ada-1", text))), 0.5)[0] is Judgement.STOP


@pytest.mark.parametrize("text", ["Mm-hmm.", "Yeah.", "Uh-huh.", "Right.", "Ha ha ha!"])
def test_words_that_only_acknowledge_let_it_go_on_once_they_are_over(text: str) -> None:
    speaking = known((0.1, STARTED), (0.5, PartialTranscript("ada-1", text)))
    assert judge(speaking, 0.5) == (Judgement.WAIT, 0.1 + ACKNOWLEDGING)
    over = known((0.1, STARTED), (0.5, PAUSED), (0.8, proposed(text)))
    assert judge(over, 0.8)[0] is Judgement.RESUME


def test_a_laugh_that_was_taken_for_words_lets_the_voice_go_on() -> None:
    partial = PartialTranscript("ada-1", "Saa saa saa", acknowledges=True)
    laughing = known((0.1, STARTED), (0.6, partial))
    assert judge(laughing, 0.6) == (Judgement.WAIT, 0.1 + ACKNOWLEDGING)
    whole = replace(proposed("Saa saa saa saa"), acknowledges=True)
    over = known((0.1, STARTED), (0.6, partial), (0.9, PAUSED), (1.2, whole))
    assert judge(over, 1.2)[0] is Judgement.RESUME
    went_on = known((0.1, STARTED), (0.6, partial), (1.2, PartialTranscript("ada-1", "Saa saa, but listen")))
    assert judge(went_on, 1.2)[0] is Judgement.STOP


def test_who_speaks_on_and_on_stops_it_before_any_word_is_known() -> None:
    assert judge(known((0.1, STARTED)), 0.2) == (Judgement.WAIT, 0.1 + ACKNOWLEDGING)
    assert judge(known((0.1, STARTED)), 0.1 + ACKNOWLEDGING)[0] is Judgement.STOP


def test_an_acknowledgement_that_goes_on_into_a_sentence_is_waited_for() -> None:
    heard = known((0.1, STARTED), (0.4, PAUSED), (0.6, TurnWithdrawn("ada-1")))
    assert judge(heard, 0.6) == (Judgement.WAIT, 0.1 + ACKNOWLEDGING)


@pytest.mark.parametrize("goes_on", [TurnWithdrawn("ada-1"), PartialTranscript("ada-1", "Yeah, but")])
def test_speech_that_goes_on_after_a_pause_before_the_voice_was_held_is_confirmed(
    goes_on: SpeechEvent,
) -> None:
    heard = known((0.1, goes_on), (0.4, PartialTranscript("ada-1", "Yeah, but that is not")))
    assert judge(heard, 0.4)[0] is Judgement.STOP


def test_words_that_may_still_become_an_acknowledgement_are_waited_for() -> None:
    begun = known((0.1, STARTED), (0.5, PartialTranscript("ada-1", "That")))
    assert judge(begun, 0.5) == (Judgement.WAIT, 0.1 + ACKNOWLEDGING)
    over = known((0.1, STARTED), (0.5, PAUSED), (0.8, proposed("That.")))
    assert judge(over, 0.8)[0] is Judgement.STOP


def test_speech_that_turns_out_to_hold_no_words_lets_it_go_on() -> None:
    heard = known((0.1, STARTED), (0.4, PAUSED), (0.7, SpeechDiscarded("ada-1", "too-brief")))
    assert judge(heard, 0.7)[0] is Judgement.RESUME


@pytest.mark.parametrize(("paused", "judgement"), [(0.4, Judgement.RESUME), (0.8, Judgement.STOP)])
def test_words_that_do_not_come_are_told_by_how_long_they_took_to_say(
    paused: float, judgement: Judgement
) -> None:
    heard = known((0.1, STARTED), (paused, PAUSED))
    assert judge(heard, paused)[0] is Judgement.WAIT
    assert judge(heard, paused + WORDS_WITHIN)[0] is judgement


events = st.sampled_from(
    [
        STARTED,
        PAUSED,
        TurnWithdrawn("ada-1"),
        proposed("Yeah."),
        PartialTranscript("ada-1", "Uh-huh."),
        PartialTranscript("ada-1", "Saa saa", acknowledges=True),
        SpeechDiscarded("ada-1", "noise"),
    ]
)


@given(st.lists(st.tuples(st.floats(0, 1), events), max_size=8))
def test_whatever_is_heard_no_voice_is_held_for_ever(heard: list[tuple[float, SpeechEvent]]) -> None:
    heard = sorted(heard, key=lambda each: each[0])
    overlap, now = known(*heard), max((at for at, _ in heard), default=0.0)
    judgement, until = judge(overlap, now)
    if judgement is Judgement.WAIT:
        assert until <= now + 3.0
        assert judge(overlap, until)[0] is not Judgement.WAIT


@dataclass
class Voice:
    """A voice that notes what is done with it."""

    sounds: bool = True
    done: list[tuple[float, str]] = field(default_factory=list)

    def _note(self, what: str) -> None:
        self.done.append((round(asyncio.get_running_loop().time(), 2), what))

    def hold(self) -> bool:
        return self.sounds

    async def let_go(self) -> None:
        self._note("let go")

    async def resume(self) -> None:
        self._note("resumed")

    async def interrupt(self) -> None:
        self._note("interrupted")


@pytest.mark.virtual_time
async def test_a_cough_holds_the_voice_for_a_moment_and_a_question_stops_it() -> None:
    counted: list[str] = []
    voice = Voice()
    async with asyncio.TaskGroup() as group:
        voices = HeldVoices(group.create_task, counted.append)
        voices.held("nova", voice, "ada", speaking=False)
        await asyncio.sleep(1.0)
        voices.held("nova", voice, "ada", speaking=True)
        await asyncio.sleep(0.3)
        voices.heard("ben", proposed("Yeah."))
        voices.heard("ada", PAUSED)
        await asyncio.sleep(0.3)
        voices.heard("ada", proposed("Why is that?"))
    assert voice.done == [(0.25, "resumed"), (1.6, "interrupted")]
    assert counted == ["overlap: voice went on", "overlap: interrupted"]


@pytest.mark.virtual_time
async def test_who_leaves_while_a_voice_is_held_for_them_lets_it_go_on() -> None:
    voice = Voice()
    async with asyncio.TaskGroup() as group:
        voices = HeldVoices(group.create_task, lambda _: None)
        voices.held("nova", voice, "ada", speaking=True)
        await asyncio.sleep(0.1)
        voices.left("ada")
    assert voice.done == [(0.1, "resumed")]


@pytest.mark.virtual_time
async def test_what_is_held_of_a_reply_that_is_over_is_dropped() -> None:
    voice = Voice(sounds=False)
    async with asyncio.TaskGroup() as group:
        HeldVoices(group.create_task, lambda _: None).held("nova", voice, "ada", speaking=True)
    assert voice.done == [(0.0, "let go")]


@pytest.mark.virtual_time
async def test_nothing_is_decided_any_more_once_the_room_is_closed() -> None:
    voice = Voice()
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        voices = HeldVoices(group.create_task, lambda _: None)
        voices.held("nova", voice, "ada", speaking=True)
        await asyncio.sleep(0.1)
        voices.close()
    assert voice.done == []
    assert time.monotonic() - began < 10
