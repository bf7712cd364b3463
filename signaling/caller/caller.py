"""A caller in a room: waits for the greeting, takes turns by voice or in writing, measures them."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from signaling.caller.client import Client, get_token
from signaling.caller.conversation import Conversation, Line
from signaling.caller.ear import Ear
from signaling.caller.microphone import Microphone, SpeechCut
from signaling.caller.outcome import (
    AudioCounters,
    CallError,
    CallerTiming,
    CallOptions,
    CallResult,
    Spoken,
    TurnResult,
)
from signaling.caller.wav import RATE

__all__ = ["Caller", "in_call"]

_JOIN_SECONDS = 20.0
_ACK_SECONDS = 10.0
_QUIET_SECONDS = 1.0
_LEAD = np.zeros(RATE // 5, np.int16)
_SEND_MARGIN_SECONDS = 10.0
_REPEATS = 3

Samples = npt.NDArray[np.int16]


class _ConnectionLost(Exception):
    """The turn was cut by a lost connection."""


class Caller:
    """One participant of a call, driven by code."""

    def __init__(
        self, options: CallOptions, token: str, sink: Callable[[Samples], None], microphone: Microphone
    ) -> None:
        self.options = options
        self.conversation = Conversation()
        self.microphone = microphone
        self.ear = Ear(sink)
        self.client = Client(
            options, token, conversation=self.conversation, microphone=self.microphone, ear=self.ear
        )
        self.turns: list[TurnResult] = []
        self._greeting: str | None = None
        self.greeting_ms: float | None = None
        """From asking for the seat to the first sound of a persona's greeting; None before that and without one."""
        self._joined_at = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Takes the seat and returns once sound flows both ways.

        Raises:
            CallError: the seat cannot be had.
        """
        self._tasks = [asyncio.create_task(self.ear.run()), asyncio.create_task(self.client.run())]
        for task in self._tasks:
            task.add_done_callback(lambda _: self.client.notify())
        await self.until(self.client.connected.is_set, _JOIN_SECONDS, "the call was not connected")

    async def close(self) -> None:
        """Leaves the room and ends what runs."""
        await self.client.leave()
        if self._tasks:
            await asyncio.wait(self._tasks[1:], timeout=5.0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until(self, holds: Callable[[], bool], within: float, otherwise: str) -> None:
        """Waits for something the server tells.

        Raises:
            CallError: it did not come in time (`otherwise`), or the call ended.
        """
        if not await self._wait(holds, time.monotonic() + within):
            raise CallError(f"{otherwise} within {within:.0f} s")

    async def greeted(self) -> str | None:
        """Waits for a persona's greeting to begin, and then to end.

        Returns:
            Its words, or None when nobody greeted.
        """
        since = self._joined_at
        begun = time.monotonic() + self.options.greeting_timeout
        if await self._wait(lambda: bool(self.conversation.persona_lines(since=since)), begun):
            lines, _ = await self._reply(
                since, time.monotonic() + self.options.timeout, self.client.connections
            )
            self._greeting = _words(lines)
            self.greeting_ms = self._since_joined()
        return self._greeting

    async def greeting_begun(self) -> float | None:
        """Waits for the first sound of a persona's greeting.

        Returns:
            Milliseconds from asking for the seat to it, or None when nobody greeted.
        """
        since = self._joined_at
        heard = time.monotonic() + self.options.greeting_timeout
        if not await self._wait(lambda: self.ear.first_sound(since=since) is not None, heard):
            return None
        return self._since_joined()

    def _since_joined(self) -> float | None:
        sound = self.ear.first_sound(since=self._joined_at)
        return None if sound is None else round((sound.begun - self._joined_at) * 1000, 1)

    async def say(self, samples: Samples) -> float:
        """Speaks int16[n], 48 kHz mono, behind 0.2 s of silence.

        Returns:
            The instant (monotonic seconds) at which the last voiced sample was spoken.

        Raises:
            SpeechCut: the connection was lost on the way.
            CallError: the call ended.
        """
        self._check()
        try:
            async with asyncio.timeout(samples.size / RATE + _SEND_MARGIN_SECONDS):
                return await self.microphone.say(np.concatenate([_LEAD, samples]))
        except TimeoutError:
            raise CallError("nothing could be sent: the connection does not take sound") from None

    async def speak_turn(self, samples: Samples, said: str) -> TurnResult:
        """Speaks and waits for the reply to end; says it again when the connection was lost on the way."""
        for repeats in range(_REPEATS):
            await self.until(
                self.client.connected.is_set, _JOIN_SECONDS * 3, "the connection was not had again"
            )
            begun = time.monotonic()
            connections = self.client.connections
            try:
                ended = await self.say(samples)
                return await self._turn(said, begun, ended, connections, repeats)
            except (SpeechCut, _ConnectionLost):
                continue
        raise CallError(f"the connection was lost {_REPEATS} times in one turn")

    async def write_turn(self, text: str) -> TurnResult:
        """Writes into the chat and waits for the reply to end; what was not acknowledged is sent again."""
        begun, message = time.monotonic(), uuid.uuid4().hex
        for repeats in range(_REPEATS):
            await self.until(
                self.client.connected.is_set, _JOIN_SECONDS * 3, "the connection was not had again"
            )
            written, connections = time.monotonic(), self.client.connections
            await self.client.chat(message, text)
            await self.until(
                lambda: self._answered(message) or not self.client.connected.is_set(),
                _ACK_SECONDS,
                "the chat message was not acknowledged",
            )
            for error in self.client.errors:
                if error.get("id") == message:
                    raise CallError(
                        f"the server refused the message: {error.get('message')} ({error.get('code')})"
                    )
            if message in self.conversation.acknowledged:
                try:
                    return await self._turn(text, begun, written, connections, repeats)
                except _ConnectionLost:
                    return await self._turn(text, begun, written, None, repeats)
        raise CallError(f"the connection was lost {_REPEATS} times in one turn")

    def _answered(self, message: str) -> bool:
        refused = any(error.get("id") == message for error in self.client.errors)
        return refused or message in self.conversation.acknowledged

    def result(self) -> CallResult:
        """What came of the call so far."""
        receptions = self.client.receptions
        return CallResult(
            room=self.conversation.room,
            you=self.conversation.you,
            turns=tuple(self.turns),
            transcript=tuple(
                Spoken(line.at, line.speaker, line.name, line.kind, line.text, line.final, line.interrupted)
                for line in self.conversation.lines
            ),
            greeting=self._greeting,
            greeting_ms=self.greeting_ms,
            audio=AudioCounters(
                sent=self.microphone.sent,
                packets=sum(one.packets for one in receptions),
                lost=sum(max(one.statistics.lost, 0) for one in receptions),
                concealed=self.ear.concealed,
                seconds=round(self.ear.frames * 0.02, 2),
                reconnects=max(self.client.connections - 1, 0),
            ),
        )

    async def _turn(
        self, said: str, begun: float, ended: float, connections: int | None, repeats: int
    ) -> TurnResult:
        lines, complete = await self._reply(ended, ended + self.options.timeout, connections)
        sound = self.ear.first_sound(since=ended)
        own = self.conversation.own_lines(since=begun)
        turn = TurnResult(
            said=said,
            heard=_words(own),
            reply=_words(lines) if complete else None,
            persona=lines[0].name if lines else None,
            interrupted=any(line.interrupted for line in lines),
            latency=self.conversation.latency_since(begun),
            caller=CallerTiming(
                end_of_speech_at=_wall(ended),
                first_sound_ms=round((sound.begun - ended) * 1000, 1) if sound else None,
                reply_seconds=round(self.ear.sounds[-1].ended - sound.begun, 2) if sound else None,
            ),
            spoken_again=repeats,
        )
        self.turns.append(turn)
        return turn

    async def _reply(self, since: float, deadline: float, connections: int | None) -> tuple[list[Line], bool]:
        """Waits until personas have said what they had to say and a second of quiet has passed."""
        while True:
            self._check()
            lines = self.conversation.persona_lines(since=since)
            if not lines and connections is not None and self.client.connections != connections:
                raise _ConnectionLost()
            now = time.monotonic()
            if now >= deadline:
                return lines, False
            if not self.conversation.settled(lines):
                await self.client.changed(deadline - now)
                continue
            missing = _QUIET_SECONDS - self.ear.quiet_for()
            if missing <= 0:
                return lines, True
            await asyncio.sleep(min(missing, deadline - now))

    async def _wait(self, holds: Callable[[], bool], deadline: float) -> bool:
        while not holds():
            self._check()
            now = time.monotonic()
            if now >= deadline:
                return False
            await self.client.changed(deadline - now)
        return True

    def _check(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()
                raise CallError("the call has ended")


@asynccontextmanager
async def in_call(
    options: CallOptions,
    sink: Callable[[Samples], None] = lambda _: None,
    *,
    microphone: Microphone | None = None,
) -> AsyncIterator[Caller]:
    """A connected caller; leaves the room at the end.

    Args:
        options: where to call; its turns are not taken here.
        sink: gets each frame heard, int16[960] at 48 kHz, the same array every time.
        microphone: what to speak with; a plain one when None.

    Raises:
        CallError: the seat cannot be had.
    """
    caller = Caller(options, await get_token(options), sink, microphone or Microphone())
    try:
        await caller.start()
        yield caller
    finally:
        await caller.close()


def _words(lines: list[Line]) -> str | None:
    spoken = [line.text for line in lines if line.kind == "speech" and line.text]
    return " ".join(spoken or [line.text for line in lines if line.text]) or None


def _wall(instant: float) -> str:
    at = datetime.now(UTC) - timedelta(seconds=time.monotonic() - instant)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
