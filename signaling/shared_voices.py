"""The voices of one shared microphone: what is said about them is done, and who consented is kept and known again."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import structlog

from cognition.conversation.introductions import Forgetting, Naming, wish_about_voices
from cognition.store.errors import StoreError
from cognition.store.store import Storage
from cognition.store.voiceprints import NamedVoice, forget, keep, named_voices
from media.speech.diarizer import Book, Voice

__all__ = ["Microphone", "SharedVoices"]

LONGEST_NAME = 64

_log = structlog.get_logger()


class Microphone(Protocol):
    """What is named and forgotten at: `media.speech.shared_microphone.SharedMicrophone`."""

    book: Book
    shared: bool

    def share(self, shared: bool) -> None:
        """Several people speak here from now on, or one again."""

    def remember(self, voices: Sequence[Voice]) -> None:
        """Voices that are known from before."""

    def name(self, id: str, name: str) -> None:
        """Gives a voice a name."""

    def forget(self, id: str) -> None:
        """Forgets a voice."""


class SharedVoices:
    """One microphone's voices.

    Args:
        room: where they are known again.
        participant: whose microphone it is.
        microphone: holds the voiceprints of this call.
        store: keeps those of who gave their own name.
        spawn: starts a task that the room owns.
        dropped: what could not be done, by reason.
        clock: the time, timezone-aware.
    """

    def __init__(
        self,
        room: str,
        participant: str,
        microphone: Microphone,
        store: Storage,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        dropped: Counter[str],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._room = room
        self._participant = participant
        self._microphone = microphone
        self._store = store
        self._spawn = spawn
        self._clock = clock
        self._kept: dict[str, str] = {}
        """Ids in the store, by the voice's id at the microphone."""
        self._last: str | None = None
        self._before: str | None = None
        self._order = asyncio.Lock()
        self._dropped = dropped

    def share(self, shared: bool) -> None:
        """Several people speak here from now on, or one again."""
        if shared == self._microphone.shared:
            return
        if not shared:
            self.settle()
            self._kept.clear()
            self._last = self._before = None
        self._microphone.share(shared)
        if shared:
            self._spawn(self._recall())

    def said(self, speaker: str, text: str) -> None:
        """A voice said this: a name in it is given, who wants to be forgotten is."""
        if speaker != self._last:
            self._before, self._last = self._last, speaker
        names = {voice.id: voice.name for voice in self._microphone.book.voices}
        match wish_about_voices(text, speaker, self._before, names):
            case Naming(voice, name, own):
                self._succeed(voice, name)
                self._microphone.name(voice, name)
                if own or voice in self._kept:
                    self._keep(voice)
            case Forgetting(voices):
                for voice in voices:
                    self._forget(voice)
            case "nobody":
                self._dropped["voice: nobody to name"] += 1
            case None:
                pass

    def name(self, speaker: str, name: str | None) -> None:
        """The microphone's owner says what a voice is called, or has it forgotten; kept is what was kept before."""
        if name is None:
            self._forget(speaker)
            return
        name = " ".join(name.split())[:LONGEST_NAME]
        voice = self._microphone.book.voice(speaker)
        if not name or voice is None:
            self._dropped["voice: nobody to name"] += 1
            return
        self._succeed(voice.id, name)
        self._microphone.name(voice.id, name)
        if voice.id in self._kept:
            self._keep(voice.id)

    def settle(self) -> None:
        """Keeps what was learnt of the voices that are kept, at the end of a call."""
        for speaker in list(self._kept):
            voice = self._microphone.book.voice(speaker)
            if voice is not None and voice.number:
                self._keep(speaker)

    def _forget(self, speaker: str) -> None:
        voice = self._microphone.book.voice(speaker)
        if voice is None:
            self._dropped["voice: nobody to forget"] += 1
            return
        self._microphone.forget(voice.id)
        kept = self._kept.pop(voice.id, None)
        if kept is not None:
            self._spawn(self._write(partial(forget, room=self._room, id=kept), "forgotten"))

    def _succeed(self, speaker: str, name: str) -> None:
        """A name is one voice's: whoever is kept under it makes room for this one."""
        for voice in self._microphone.book.voices:
            if voice.name == name and voice.id != speaker and voice.id in self._kept:
                kept = self._kept.pop(voice.id)
                if speaker in self._kept:
                    self._spawn(self._write(partial(forget, room=self._room, id=kept), "forgotten"))
                else:
                    self._kept[speaker] = kept

    def _keep(self, speaker: str) -> None:
        voice = self._microphone.book.voice(speaker)
        if voice is None or voice.name is None:
            return
        if speaker != voice.id and speaker in self._kept:
            # It was found to be the same as another.
            self._kept.setdefault(voice.id, self._kept.pop(speaker))
        kept = self._kept.setdefault(voice.id, secrets.token_hex(8))
        row = NamedVoice(
            kept, self._room, voice.name, voice.vector, voice.seconds, self._participant, self._clock()
        )
        self._spawn(self._write(partial(keep, voice=row), "kept"))

    async def _recall(self) -> None:
        try:
            rows = await self._store.read(partial(named_voices, room=self._room))
        except StoreError as error:
            self._trouble(error)
            return
        if not self._microphone.shared:
            return
        self._kept |= {row.id: row.id for row in rows}
        self._microphone.remember([Voice(row.id, row.print, row.seconds, row.name) for row in reversed(rows)])

    async def _write(self, work: Callable[..., object], what: str) -> None:
        try:
            # In order: who is kept and then forgotten is forgotten.
            async with self._order:
                await self._store.write(work)
        except StoreError as error:
            self._trouble(error)
        else:
            _log.info(f"voice {what}", room=self._room)

    def _trouble(self, error: StoreError) -> None:
        self._dropped["voice: not stored"] += 1
        _log.warning("voices cannot be stored", room=self._room, reason=str(error))
