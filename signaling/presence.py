"""A persona's presence in a room: its voice, and the one reply it has in flight.

A reply is *proposed* on a turn that may not be over, composed and synthesised at once, and kept back. It is
then *released* when the turn is committed, or *withdrawn* when the person goes on. Once it sounds it can be
*interrupted*: the voice stops, and the mind is told which words were heard.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import structlog

from cognition.conversation.reasons import Silence, Wish
from cognition.events import Said
from cognition.inference.generator import GenerationError
from cognition.persona.engine import FALLBACK, Clause
from cognition.persona.reputation import Level
from cognition.rag.context import Account
from media.participant import REWOUND
from media.realtime.ring import AudioRing
from media.speech.events import Speaker
from media.speech.lane import Lane, LaneBusy
from media.speech.voice import Piece, Voice, VoiceError
from signaling.reply import Cause, Reply
from signaling.spoken import Span, expected, text_begun, text_heard, word_begun

__all__ = ["Floor", "FreeFloor", "Presence", "RoomPort"]

CLIPS_AHEAD = 24
"""Pieces of clauses that may wait for the turn to be committed or for room in the ring; a clause has some four."""
MOST_PIECES = 256
"""Pieces of one clause, far more than a clause of the greatest length has."""
STALLED = 2.0
"""Seconds without a sample played after which nobody is taken to listen."""
POLL = 0.04
"""Seconds between looks at how far the voice has been played, while it plays."""

_log = structlog.get_logger()

Samples = npt.NDArray[np.int16]
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of a clause, synthesised.

    Attributes:
        text: the whole clause.
        samples: int16 (n,) at 48 kHz; None behind the last piece.
        words: where the words end that begin with this piece, in samples after its first one.
    """

    text: str
    samples: Samples | None
    words: tuple[int, ...] = ()


class RoomPort(Protocol):
    """What a presence needs of the media process, bound to one room."""

    def caption(
        self,
        who: str,
        utterance: str,
        text: str,
        *,
        final: bool,
        interrupted: bool = False,
        record: bool = True,
        listeners: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        began_ns: int | None = None,
        heard: int | None = None,
    ) -> None:
        """Shows what `who`, or a speaker at their shared microphone, is saying, to `listeners` alone if there are any.

        A final caption goes into the history unless told otherwise. It is for those who were there when the utterance
        began, `time.monotonic_ns`; that is with its first caption if it is not given.
        `heard` is the position in a person's ears ring before which nothing is to be heard again by another mind.
        """

    def post_chat(self, persona: str, text: str, line: str = "") -> None:
        """Writes a line in the persona's name, under this id; under one of media's if it is not given."""

    async def stop_voice(self, persona: str) -> int:
        """Silences the persona within a frame; returns the position of its ring up to which it was heard."""

    async def resume_voice(self, persona: str, position: int) -> None:
        """Lets a voice that media holds go on from a position of its ring."""

    def wake_voice(self, persona: str) -> None:
        """Says that there is sound again in a voice ring that had run dry."""

    async def whisper(self, persona: str, listeners: Sequence[str] | None) -> bool:
        """Lets only some hear the persona from now on, or all; false when that cannot be had."""

    def status(self, persona: str, status: str, listeners: Sequence[str] | None = None) -> None:
        """Shows, to `listeners` alone if there are any, what the persona does.

        It is one of listening, thinking, wants-to-speak, speaking, resting.
        """

    def floor(
        self,
        holder: str | None,
        queue: Sequence[tuple[str, Wish]],
        silent: Sequence[tuple[str, Silence]],
        listeners: Sequence[str] | None = None,
    ) -> None:
        """Shows who speaks among the personas, who waits for it, first first, and why the others are silent.

        With `listeners`, the circle of a whisper, they alone see it, and instead of what all see, until one is shown
        to the same circle in which nobody speaks or waits.
        """

    def presence(
        self, persona: str, *, energy: float, valence: float, arousal: float, level: Level, resting: bool
    ) -> None:
        """Shows how a persona is: energy from 0 to 1, valence and arousal from -1 to 1, and its level of trust.

        One that rests is shown to do so instead of to listen.
        """

    def latency(self, record: Mapping[str, object], listeners: Sequence[str] | None = None) -> None:
        """Publishes a turn's latency record, to `listeners` alone if there are any."""


class Floor(Protocol):
    """Who of a room may sound; `signaling.room_floor.RoomFloor` is the real one."""

    def hold(self, bid: str) -> AbstractAsyncContextManager[bool]:
        """Waits, with the first sound there, for the floor: true while it is held, false if it is refused."""

    def heard(self, bid: str) -> None:
        """The bid sounds."""


class FreeFloor:
    """A floor that is anybody's; keeps who has held it."""

    def __init__(self) -> None:
        self.held: list[str] = []

    @asynccontextmanager
    async def hold(self, bid: str) -> AsyncGenerator[bool]:
        """See `Floor`."""
        self.held.append(bid)
        yield True

    def heard(self, bid: str) -> None:
        """Changes nothing."""


class Presence:
    """One persona in one room.

    Args:
        persona: the persona's id in the room.
        room: the room's id.
        voice: its voice; called in a thread.
        ring: its voice ring, 48 kHz.
        port: the room.
        lane: where the voice's blocking calls run; shared by the personas of a process.
        spawn: starts a task owned by the room.
        floor: of the room; a reply holds it while it sounds.
        said: told what was heard of a reply, or written.
        dropped: told why a reply, or the rest of one, was not heard.
        sounds: told when the voice begins to sound, and when it has ended, whatever ended it.
        explains: told how a reply came about of which something was heard, with its id.
    """

    def __init__(
        self,
        persona: str,
        room: str,
        *,
        voice: Voice,
        ring: AudioRing,
        port: RoomPort,
        lane: Lane,
        spawn: Spawn,
        floor: Floor,
        said: Callable[[Said], None],
        dropped: Callable[[str], None],
        sounds: Callable[[bool], None] = lambda _on: None,
        explains: Callable[[str, tuple[Account, ...]], None] = lambda _reply, _accounts: None,
    ) -> None:
        self.persona = persona
        self._sounds = sounds
        self._explains = explains
        self._room = room
        self._voice = voice
        self._ring = ring
        self._port = port
        self._lane = lane
        self._spawn = spawn
        self._floor = floor
        self._said = said
        self._dropped = dropped
        self._count = 0
        self._heard_by: frozenset[str] | Literal["unknown"] | None = None
        """Who alone hears what is put into the ring now; None for all."""
        self.reply: Reply | None = None

    @property
    def sounding(self) -> bool:
        """Whether the persona is heard now, or is about to be within a frame."""
        return self.reply is not None and self.reply.sounding

    def propose(
        self,
        words: AsyncGenerator[Clause],
        cause: Cause | None,
        to: frozenset[str] | None = None,
        utterance: str = "",
    ) -> Reply:
        """Starts composing a reply and keeps it back; an unheard earlier one is withdrawn.

        Args:
            words: what to say.
            cause: what it answers.
            to: who alone is to hear it, the persona too; None for all.
            utterance: its id; a new one if it is not given.

        Raises:
            RuntimeError: when the persona is speaking; interrupt or wait first.
        """
        if self.sounding:
            raise RuntimeError(f"{self.persona} is speaking")
        if self.reply is not None:
            self.withdraw(self.reply)
        self._count += 1
        reply = Reply(utterance or f"{self.persona}-{time.monotonic_ns():x}-{self._count}", cause, to)
        if cause is not None:
            for stage, instant in (("paused", cause.paused_ns), ("words", cause.words_ns)):
                if instant is not None:
                    reply.mark(stage, instant)
        self.reply = reply
        reply.task = self._spawn(self._perform(reply, words))
        reply.task.add_done_callback(lambda _: reply.complete.set())
        return reply

    def release(self, reply: Reply, decided_ns: int | None = None) -> None:
        """Lets a reply be heard: its turn is over."""
        reply.mark("decided", decided_ns)
        reply.released.set()
        if reply is self.reply and not reply.sounding:
            self._port.status(self.persona, "thinking", reply.listeners)

    def withdraw(self, reply: Reply) -> None:
        """Drops a reply of which nothing was heard yet; one that sounds, or is over, is left alone."""
        if reply is not self.reply or reply.sounding:
            return
        if reply.released.is_set():
            self._dropped("superseded")
            self._port.status(self.persona, "listening", reply.listeners)
        self._cancel(reply)

    async def interrupt(self) -> None:
        """Stops the voice at once and tells the mind what was heard of it.

        An answer to a written line is still written to its end.
        """
        reply = self.reply
        if reply is None or not reply.sounding:
            return
        if reply.written:
            reply.silenced = True
            self.reply = None
        else:
            self._cancel(reply)
        self._sounds(False)
        try:
            await self._stop(reply)
        finally:
            reply.settled.set()

    async def _stop(self, reply: Reply) -> None:
        played = await self._port.stop_voice(self.persona)
        heard = text_heard(reply.spans, played)
        self._port.caption(
            self.persona,
            reply.utterance,
            heard,
            final=True,
            interrupted=True,
            record=bool(heard) and not reply.written,
            listeners=reply.listeners,
        )
        self._port.status(self.persona, "listening", reply.listeners)
        if heard and not reply.written:
            self._remember(reply, heard, interrupted=True)

    def hold(self) -> bool:
        """Media holds the voice: nothing more is played until `resume` or `interrupt`; false when nothing sounds."""
        if self.reply is None or not self.reply.sounding:
            return False
        self.reply.held = True
        return True

    async def resume(self) -> None:
        """Goes on where the voice was held, with the word that was cut."""
        reply = self.reply
        if reply is None or not reply.held:
            return
        reply.held = False
        await self._port.resume_voice(self.persona, word_begun(reply.spans, self._ring.pulled))

    async def let_go(self) -> None:
        """Drops what media holds of a reply that is over."""
        if self.reply is None or not self.reply.sounding:
            await self._port.stop_voice(self.persona)

    def progressed(self, played: int, first_packet_ns: int | None) -> None:
        """Takes news of the voice from media: an utterance's first frame went out at that instant."""
        reply = self.reply
        if reply is not None and reply.sounding and first_packet_ns is not None:
            reply.mark("onWire", first_packet_ns)

    def left(self, participant: str) -> None:
        """Forgets whom the voice is turned to if media has let go of one of them, who may come back."""
        if isinstance(self._heard_by, frozenset) and participant in self._heard_by:
            self._heard_by = "unknown"

    async def finished(self) -> None:
        """Waits until nothing is in flight."""
        while self.reply is not None and self.reply.task is not None:
            await asyncio.wait([self.reply.task])

    def _remember(self, reply: Reply, text: str, *, interrupted: bool = False) -> None:
        reply.heard = reply.heard or bool(text)
        kind: Literal["speech", "chat"] = "chat" if reply.written else "speech"
        if reply.accounts:
            self._explains(reply.utterance, reply.accounts)
        self._said(
            Said(
                self._room,
                self.persona,
                text,
                datetime.now(UTC),
                interrupted,
                reply.utterance,
                kind,
                reply.to,
                None if reply.composed == [FALLBACK] else reply.answers,
            )
        )

    def _cancel(self, reply: Reply) -> None:
        reply.silenced = True
        if self.reply is reply:
            self.reply = None
        if reply.task is not None:
            reply.task.cancel()

    async def _perform(self, reply: Reply, words: AsyncGenerator[Clause]) -> None:
        clips: asyncio.Queue[Clip | None] = asyncio.Queue(CLIPS_AHEAD)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._compose(reply, words, clips))
                group.create_task(self._play(reply, clips))
        except* (GenerationError, VoiceError, LaneBusy) as failures:
            self._fail(failures.exceptions[0])
        finally:
            if self.reply is reply:
                self.reply = None
                self._sounds(False)
                self._port.status(self.persona, "listening", reply.listeners)

    def _fail(self, error: BaseException) -> None:
        _log.warning("reply failed", persona=self.persona, reason=str(error))
        self._dropped("reply failed")

    async def _compose(
        self, reply: Reply, words: AsyncGenerator[Clause], clips: "asyncio.Queue[Clip | None]"
    ) -> None:
        try:
            async with aclosing(words) as clauses:
                async for clause in clauses:
                    if clause.token_ns is not None:
                        reply.mark("firstToken", clause.token_ns)
                    reply.mark("firstClause")
                    async with aclosing(self._synthesize(clause.text)) as pieces:
                        async for clip in pieces:
                            await clips.put(clip)
                    reply.composed.append(clause.text)
                    reply.accounts = reply.accounts or clause.accounts
        except (GenerationError, VoiceError, LaneBusy) as error:
            if not reply.composed:
                raise
            # What is already on its way to be heard is still heard to its end.
            self._fail(error)
        reply.complete.set()
        await clips.put(None)
        await reply.released.wait()
        if reply.written and reply.composed:
            reply.posted = True
            text = " ".join(reply.composed)
            self._port.post_chat(self.persona, text, reply.utterance)
            self._remember(reply, text)

    async def _synthesize(self, text: str) -> AsyncGenerator[Clip]:
        """A clause, piece by piece as the voice makes it."""
        loop = asyncio.get_running_loop()
        made: asyncio.Queue[Piece | None] = asyncio.Queue(MOST_PIECES + 1)

        def speak(cancelled: Callable[[], bool]) -> None:
            count = 0
            for piece in self._voice.synthesize(text, cancelled):
                if not len(piece.samples):
                    continue
                if (count := count + 1) > MOST_PIECES:
                    raise VoiceError(f"a clause of more than {MOST_PIECES} pieces")
                loop.call_soon_threadsafe(made.put_nowait, piece)

        speaking = asyncio.ensure_future(self._lane.run(speak))
        speaking.add_done_callback(lambda _: made.put_nowait(None))
        try:
            while (piece := await made.get()) is not None:
                yield Clip(text, piece.samples, piece.words)
            await speaking
            yield Clip(text, None)
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def _play(self, reply: Reply, clips: "asyncio.Queue[Clip | None]") -> None:
        await reply.released.wait()
        clip = await clips.get()
        ended = clip is None
        if clip is not None:
            # With its first sound in hand, nobody waits for it once it has the floor.
            async with self._floor.hold(reply.bid) as granted:
                if not granted:
                    reply.silenced = True
                elif not await self._turn_to(reply.to):
                    reply.silenced = True
                    self._dropped("nobody to turn to")
                else:
                    ended = await self._sound(reply, clip, clips)
        while not ended:
            ended = await clips.get() is None

    async def _turn_to(self, to: frozenset[str] | None) -> bool:
        """Sees to it, before anything is put into the ring, that only those hear it who are meant to."""
        if to == self._heard_by:
            return True
        if self._ring.pulled < self._ring.written:
            # What is left there of another reply was meant for others.
            await self._port.stop_voice(self.persona)
        # Cut off while it waits, this would not know whether media did what it was asked for.
        self._heard_by = "unknown"
        turned = await self._port.whisper(self.persona, None if to is None else sorted(to - {self.persona}))
        if turned:
            self._heard_by = to
        return turned

    async def _sound(self, reply: Reply, first: Clip | None, clips: "asyncio.Queue[Clip | None]") -> bool:
        """Plays clips, one of which is taken already, until no more come (true) or are to be heard (false)."""
        ended = True
        while (clip := first or await clips.get()) is not None:
            first = None
            if reply.silenced:
                return False
            begins, at = ended, self._ring.written
            ended = clip.samples is None
            if clip.samples is None:
                if not begins:
                    reply.spans[-1] = replace(reply.spans[-1], end=at)
                continue
            samples = clip.samples
            if not reply.sounding:
                reply.mark("firstSound")
                self._sounds(True)
                self._port.status(self.persona, "speaking", reply.listeners)
            if begins:
                reply.spans.append(Span(clip.text, at, at + expected(clip.text)))
            span = reply.spans[-1]
            words = (*span.words, *(at + end for end in clip.words))
            reply.spans[-1] = replace(span, end=max(span.end, at + len(samples)), words=words)
            done = self._offer(samples)
            self._floor.heard(reply.bid)
            self._show(reply)
            while done < len(samples):
                if not await self._played_on(reply):
                    return False
                done += self._offer(samples[done:])
        if not ended:
            # The voice failed in the middle of a clause.
            reply.spans[-1] = replace(reply.spans[-1], end=self._ring.written)
        while reply.spans and self._ring.pulled < reply.spans[-1].end:
            if not await self._played_on(reply):
                return True
        if reply.spans and not reply.silenced:
            self._close(reply)
        return True

    async def _played_on(self, reply: Reply) -> bool:
        """Waits for a little of what was written to be played; false when no more is to be heard."""
        pulled, waited = self._ring.pulled, 0.0
        while self._ring.pulled == pulled:
            if reply.silenced:
                return False
            if waited >= STALLED:
                reply.silenced = True
                self._dropped("nobody listens")
                await self._port.stop_voice(self.persona)
                self._port.caption(
                    self.persona,
                    reply.utterance,
                    reply.shown,
                    final=True,
                    record=False,
                    listeners=reply.listeners,
                )
                return False
            await asyncio.sleep(POLL)
            waited = 0.0 if reply.held else waited + POLL
        if not reply.silenced:
            self._show(reply)
        return not reply.silenced

    def _offer(self, samples: Samples) -> int:
        """Writes what there is room for; a ring that had run dry is no longer looked at, so media is told."""
        dry = self._ring.pulled == self._ring.written
        taken = self._ring.offer(samples, kept=REWOUND)
        if dry and taken:
            self._port.wake_voice(self.persona)
        return taken

    def _show(self, reply: Reply) -> None:
        """Shows the clauses that have begun, and the latency once the first frame is on the wire."""
        if not reply.reported and "onWire" in reply.marks:
            reply.reported = True
            record = reply.latency(self.persona)
            if record:
                self._port.latency(record, reply.listeners)
        begun = text_begun(reply.spans, self._ring.pulled + 1)
        # A voice that has gone back by a word may be in the clause before; what was shown stays.
        if len(begun) > len(reply.shown):
            reply.shown = begun
            self._port.caption(self.persona, reply.utterance, begun, final=False, listeners=reply.listeners)

    def _close(self, reply: Reply) -> None:
        self._show(reply)
        text = text_heard(reply.spans, self._ring.pulled)
        self._port.caption(
            self.persona,
            reply.utterance,
            text,
            final=True,
            record=not reply.written,
            listeners=reply.listeners,
        )
        if not reply.written:
            self._remember(reply, text)
