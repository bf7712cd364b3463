"""The voices of a shared microphone: named by what is said, kept by consent, known again, forgotten for good."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
import pytest

from cognition.store.errors import StoreClosed
from cognition.store.memory_store import MemoryStore
from cognition.store.voiceprints import named_voices
from media.speech.diarizer import Book, Piece, Voice, attribute, forgotten, named, remembered
from media.speech.vad import RATE
from signaling.shared_voices import SharedVoices

pytestmark = pytest.mark.virtual_time


class FakeMicrophone:
    """A microphone whose voices are put in."""

    def __init__(self) -> None:
        self.book, self.shared = Book(), False

    def share(self, shared: bool) -> None:
        self.shared = shared
        if not shared:
            self.book = Book()

    def remember(self, voices: Sequence[Voice]) -> None:
        self.book = remembered(self.book, voices)

    def name(self, id: str, name: str) -> None:
        self.book = named(self.book, id, name)

    def forget(self, id: str) -> None:
        self.book = forgotten(self.book, id)

    def hear(self, seed: int) -> str:
        vector = np.abs(np.random.default_rng(seed).normal(size=256)) ** 3
        vector /= np.linalg.norm(vector)
        self.book, spans = attribute(self.book, [Piece(0, 3 * RATE, vector.astype(np.float32))])
        assert spans[0].speaker is not None
        return spans[0].speaker


class Call:
    """One call at a shared microphone in the room "studio"."""

    def __init__(self, store: MemoryStore) -> None:
        self.microphone = FakeMicrophone()
        self.tasks: list[asyncio.Task[None]] = []
        self.dropped: Counter[str] = Counter()
        self.voices = SharedVoices("studio", "owner", self.microphone, store, self.spawn, self.dropped)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    async def begin(self) -> None:
        self.voices.share(True)
        await self.done()

    async def done(self) -> None:
        await asyncio.gather(*self.tasks)

    def says(self, seed: int, text: str) -> str:
        speaker = self.microphone.hear(seed)
        self.voices.said(speaker, text)
        voice = self.microphone.book.voice(speaker)
        return voice.label if voice is not None else "-"


async def call(store: MemoryStore) -> Call:
    fresh = Call(store)
    await fresh.begin()
    return fresh


async def kept(store: MemoryStore) -> list[str]:
    return [voice.name for voice in await store.read(lambda connection: named_voices(connection, "studio"))]


async def test_who_gave_their_name_is_known_in_the_next_call() -> None:
    store = MemoryStore()
    first = await call(store)
    assert first.says(1, "Hello, I'm Maria.") == "Maria"
    assert first.says(2, "Good morning.") == "Speaker 2"
    first.voices.settle()
    await first.done()
    assert await kept(store) == ["Maria"]
    second = await call(store)
    assert second.says(2, "Good morning again.") == "Speaker 1"
    assert second.says(1, "Hi there.") == "Maria"


async def test_who_was_named_by_another_is_called_so_and_not_kept() -> None:
    store = MemoryStore()
    meeting = await call(store)
    meeting.says(1, "Shall we begin?")
    meeting.says(2, "That was Tom.")
    await meeting.done()
    assert meeting.says(1, "Yes.") == "Tom"
    assert await kept(store) == []


async def test_a_kept_name_is_corrected_where_it_is_kept() -> None:
    store = MemoryStore()
    meeting = await call(store)
    meeting.says(1, "I am Marie.")
    meeting.says(1, "No, I'm Maria.")
    await meeting.done()
    assert await kept(store) == ["Maria"]
    meeting.says(2, "Hello.")
    meeting.says(1, "Hello.")
    meeting.says(2, "No, that's Mary.")
    await meeting.done()
    assert await kept(store) == ["Mary"]


async def test_a_name_that_another_voice_takes_is_kept_once() -> None:
    store = MemoryStore()
    first = await call(store)
    first.says(1, "I am Maria.")
    await first.done()
    second = await call(store)
    second.says(2, "I am Maria.")
    await second.done()
    assert await kept(store) == ["Maria"]
    assert second.says(2, "Hello.") == "Maria"
    assert second.says(1, "Hello.") == "Speaker 2"


async def test_who_wants_to_be_forgotten_is_gone_from_memory_and_store() -> None:
    store = MemoryStore()
    meeting = await call(store)
    meeting.says(1, "I am Maria.")
    assert meeting.says(1, "Please forget my voice.") == "-"
    await meeting.done()
    assert await kept(store) == []
    assert meeting.microphone.book.voices == ()
    meeting.voices.settle()
    await meeting.done()
    assert await kept(store) == []


async def test_the_owner_renames_and_forgets() -> None:
    store = MemoryStore()
    meeting = await call(store)
    meeting.says(1, "Hello.")
    meeting.voices.name("s1", "  Maria   Magdalena ")
    assert meeting.says(1, "Yes.") == "Maria Magdalena"
    await meeting.done()
    assert await kept(store) == []
    meeting.voices.name("s1", None)
    assert meeting.microphone.book.voices == ()


@pytest.mark.parametrize(
    "wish",
    [
        lambda voices: voices.name("s9", "Tom"),
        lambda voices: voices.name("s1", " "),
        lambda voices: voices.name("s9", None),
    ],
)
async def test_what_is_about_nobody_is_counted(wish: Callable[[SharedVoices], None]) -> None:
    meeting = await call(MemoryStore())
    meeting.says(1, "Hello.")
    wish(meeting.voices)
    assert sum(meeting.dropped.values()) == 1


async def test_who_shares_no_longer_leaves_only_what_was_consented_to() -> None:
    store = MemoryStore()
    meeting = await call(store)
    meeting.says(1, "I am Maria.")
    meeting.says(2, "Hello.")
    meeting.voices.share(False)
    await meeting.done()
    assert meeting.microphone.book.voices == ()
    assert await kept(store) == ["Maria"]


async def test_a_store_that_fails_leaves_the_call_as_it_is_and_is_counted() -> None:
    class Closed(MemoryStore):
        async def read(self, work: Callable[..., Any]) -> Any:
            raise StoreClosed("closed")

        async def write(self, work: Callable[..., Any]) -> Any:
            raise StoreClosed("closed")

    meeting = await call(Closed())
    assert meeting.says(1, "I am Maria.") == "Maria"
    await meeting.done()
    assert meeting.dropped["voice: not stored"] == 2


async def test_another_room_does_not_know_the_voice() -> None:
    store = MemoryStore()
    meeting = await call(store)
    meeting.says(1, "I am Maria.")
    await meeting.done()
    other = Call(store)
    other.voices = SharedVoices("kitchen", "owner", other.microphone, store, other.spawn, other.dropped)
    await other.begin()
    assert other.says(1, "Hello.") == "Speaker 1"
