"""A shared microphone from the client's switch to the mind's attendance, over the real line between the processes."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cognition.store.memory_store import MemoryStore
from cognition.store.voiceprints import NamedVoice, keep, named_voices
from media.speech.shared_microphone import SharedMicrophone
from signaling.mind_process import MindProcess
from tests.signaling.house import house, line_to
from tests.signaling.test_mind_process import mind_process, running

pytestmark = pytest.mark.virtual_time


def microphone(mind: MindProcess, id: str) -> SharedMicrophone | None:
    """What the mind hears a person by; None as long as it does not."""
    for attendance in mind._attending.attendances:
        person = attendance.persons.get(id)
        if person is not None and isinstance(person.listener, SharedMicrophone):
            return person.listener
    return None


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        # Nobody is told what the mind has taken in: it has to be asked, on the virtual clock.
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def maria() -> NamedVoice:
    vector = np.zeros(256, np.float32)
    vector[7] = 1.0
    return NamedVoice("kept", "lobby", "Maria", vector, 9.0, "p0", datetime(2026, 3, 1, tzinfo=UTC))


async def test_a_kept_voice_waits_to_be_heard_as_long_as_the_microphone_is_shared(tmp_path: Path) -> None:
    store = MemoryStore()
    await store.write(partial(keep, voice=maria()))
    mind = mind_process(store)
    async with house(tmp_path) as home, line_to(home) as path, running(mind, path):
        ada = await home.seated("Ada")
        await until(lambda: microphone(mind, ada.id) is not None)
        ears = microphone(mind, ada.id)
        assert ears is not None
        assert not ears.shared
        ada.send(type="state", shared=True)
        await until(lambda: bool(ears.book.voices))
        assert [voice.name for voice in ears.book.voices] == ["Maria"]
        state = mind._mind._room("lobby")
        assert len(state.listeners(None)) == 2, "nobody knows who else hears it"
        ada.send(type="state", shared=False)
        await until(lambda: not ears.book.voices)
        assert len(state.listeners(None)) == 1
        assert len(await store.read(partial(named_voices, room="lobby"))) == 1


async def test_a_voice_that_the_client_has_forgotten_is_gone_from_the_store(tmp_path: Path) -> None:
    store = MemoryStore()
    await store.write(partial(keep, voice=maria()))
    mind = mind_process(store)
    async with house(tmp_path) as home, line_to(home) as path, running(mind, path):
        ada = await home.seated("Ada")
        ada.send(type="state", shared=True)
        await until(lambda: (ears := microphone(mind, ada.id)) is not None and bool(ears.book.voices))
        ada.send(type="name-voice", voice="kept", name=None)
        await until(lambda: (ears := microphone(mind, ada.id)) is not None and not ears.book.voices)
        await asyncio.sleep(0.1)
        assert await store.read(partial(named_voices, room="lobby")) == ()


async def test_a_mind_that_comes_late_knows_who_shares(tmp_path: Path) -> None:
    mind = mind_process()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        ada.send(type="state", shared=True)
        await ada.settled()
        async with running(mind, path):
            await until(lambda: (ears := microphone(mind, ada.id)) is not None and ears.shared)
