"""A persona's voice: heard while it is still being made."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

import numpy as np
import pytest

from cognition.events import Said
from cognition.persona.engine import Clause
from media.realtime.ring import AudioRing
from media.speech.clip import VOICE_RATE
from media.speech.lane import FakeLane, ThreadLane
from media.speech.voice import FakeVoice, Piece, VoiceError
from signaling.presence import FreeFloor, Presence
from tests.signaling.scene import FakePort

PIECE = VOICE_RATE // 10


class SlowVoice:
    """Gives one piece of sound, and the other only when it is told to; fails then, if asked."""

    rate = VOICE_RATE

    def __init__(self, *, fails: bool = False) -> None:
        self.go_on = threading.Event()
        self._fails = fails

    def synthesize(self, text: str, cancelled: Callable[[], bool]) -> Iterator[Piece]:
        yield Piece(np.full(PIECE, 1000, np.int16))
        assert self.go_on.wait(10)
        if self._fails:
            raise VoiceError("no breath")
        yield Piece(np.full(PIECE, 2000, np.int16))


class TurningPort(FakePort):
    """A port whose media takes its time to turn the voice, and may have done so when nobody waits any more."""

    def __init__(self, rings: dict[str, AudioRing]) -> None:
        super().__init__(rings)
        self.heard_by: Sequence[str] | None = None
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()

    async def whisper(self, persona: str, listeners: Sequence[str] | None) -> bool:
        self.heard_by = listeners
        self.asked.set()
        await self.answers.wait()
        return True


async def one_clause() -> AsyncGenerator[Clause]:
    yield Clause("A clause of some length.", first=True, last=True)


class WakingPort(FakePort):
    """A port that can be waited for."""

    def __init__(self, rings: dict[str, AudioRing]) -> None:
        super().__init__(rings)
        self.woken = asyncio.Event()

    def wake_voice(self, persona: str) -> None:
        self.woken.set()


class Stage:
    """A presence on a real lane, and a listener who plays what is in the ring."""

    def __init__(self, voice: SlowVoice, lane: ThreadLane, group: asyncio.TaskGroup) -> None:
        size = 2 * VOICE_RATE
        self.ring = AudioRing.format(bytearray(AudioRing.nbytes(size)), rate=VOICE_RATE, capacity=size)
        self.said: list[Said] = []
        self.dropped: list[str] = []
        self.port = WakingPort({"nova": self.ring})

        self.sounds: list[bool] = []
        self.presence = Presence(
            "nova",
            "room",
            voice=voice,
            ring=self.ring,
            port=self.port,
            lane=lane,
            spawn=group.create_task,
            floor=FreeFloor(),
            said=self.said.append,
            dropped=self.dropped.append,
            sounds=self.sounds.append,
        )

    async def written(self) -> None:
        """Waits for the first sound, of which media is told."""
        await asyncio.wait_for(self.port.woken.wait(), 10)

    async def play(self) -> None:
        """Plays all there is until the reply is over."""
        frame = np.zeros(960, np.int16)
        async with asyncio.timeout(10):
            while self.presence.reply is not None:
                self.ring.pull(frame)
                await asyncio.sleep(0.002)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_clause_sounds_before_it_is_wholly_synthesised(fails: bool) -> None:
    voice, lane = SlowVoice(fails=fails), ThreadLane("voice")
    try:
        async with asyncio.TaskGroup() as group:
            stage = Stage(voice, lane, group)
            reply = stage.presence.propose(one_clause(), None)
            stage.presence.release(reply)
            await stage.written()
            assert stage.ring.written == PIECE
            assert stage.presence.sounding
            voice.go_on.set()
            await stage.play()
    finally:
        await asyncio.to_thread(lane.close)
    if fails:
        assert stage.ring.written == PIECE
        assert stage.dropped == ["reply failed"]
    else:
        assert stage.ring.written == 2 * PIECE
        assert [said.text for said in stage.said] == ["A clause of some length."]


async def test_of_a_clause_cut_off_while_it_is_made_only_the_words_played_are_remembered() -> None:
    voice, lane = SlowVoice(), ThreadLane("voice")
    frame = np.zeros(PIECE, np.int16)
    try:
        async with asyncio.TaskGroup() as group:
            stage = Stage(voice, lane, group)
            reply = stage.presence.propose(one_clause(), None)
            stage.presence.release(reply)
            await stage.written()
            stage.ring.pull(frame)
            await stage.presence.interrupt()
            voice.go_on.set()
    finally:
        await asyncio.to_thread(lane.close)
    assert [said.text for said in stage.said] == ["A"]
    assert stage.sounds == [True, False], "whatever ends a voice, it is told"


class Confidant:
    """A presence that whispers, at a media process that can be held up; what it says is drained at once."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        size = 20 * VOICE_RATE
        self.ring = AudioRing.format(bytearray(AudioRing.nbytes(size)), rate=VOICE_RATE, capacity=size)
        self.port = TurningPort({"nova": self.ring})
        self.overheard: list[Sequence[str] | None] = []
        self.group = group

        self.presence = Presence(
            "nova",
            "room",
            voice=FakeVoice(),
            ring=self.ring,
            port=self.port,
            lane=FakeLane(),
            spawn=group.create_task,
            floor=FreeFloor(),
            said=lambda said: None,
            dropped=lambda reason: None,
        )

    async def say(self, to: frozenset[str] | None) -> Sequence[str] | None:
        """Lets a reply be heard to its end; tells whom media let hear it."""
        self.port.answers.set()
        self.presence.release(self.presence.propose(one_clause(), None, to))
        frame = np.zeros(VOICE_RATE, np.int16)
        heard_by: list[Sequence[str] | None] = []
        while self.presence.reply is not None:
            if self.ring.pull(frame):
                heard_by.append(self.port.heard_by)
            await asyncio.sleep(0.02)
        assert heard_by
        assert all(each == heard_by[0] for each in heard_by)
        return heard_by[0]

    async def is_cut_off_while_it_turns(self, to: frozenset[str] | None) -> None:
        """Withdraws a reply between the question to media and its answer."""
        self.port.answers.clear()
        self.port.asked.clear()
        reply = self.presence.propose(one_clause(), None, to)
        self.presence.release(reply)
        await self.port.asked.wait()
        self.presence.withdraw(reply)
        assert reply.task is not None
        await asyncio.wait([reply.task])


@pytest.mark.virtual_time
async def test_a_whisper_after_a_reply_that_was_cut_off_while_the_voice_turned_to_all_is_for_the_few() -> (
    None
):
    async with asyncio.TaskGroup() as group:
        nova = Confidant(group)
        assert await nova.say(frozenset({"ada", "nova"})) == ["ada"]
        await nova.is_cut_off_while_it_turns(None)
        assert await nova.say(frozenset({"ada", "nova"})) == ["ada"]


@pytest.mark.virtual_time
async def test_an_answer_to_all_after_a_whisper_that_was_cut_off_while_the_voice_turned_is_for_all() -> None:
    async with asyncio.TaskGroup() as group:
        nova = Confidant(group)
        await nova.is_cut_off_while_it_turns(frozenset({"ada", "nova"}))
        assert await nova.say(None) is None


@pytest.mark.virtual_time
async def test_who_left_and_came_back_is_whispered_to_again() -> None:
    async with asyncio.TaskGroup() as group:
        nova = Confidant(group)
        assert await nova.say(frozenset({"ada", "nova"})) == ["ada"]
        # What media does when a listener leaves.
        nova.port.heard_by = []
        nova.presence.left("ada")
        assert await nova.say(frozenset({"ada", "nova"})) == ["ada"]
