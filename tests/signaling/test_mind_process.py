"""The mind at the line to media: what rooms said survives the death of either, however much it was."""

import asyncio
import gc
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
import psutil
import pytest

from cognition.inference.generator import FakeGenerator
from cognition.persona.profile import Persona
from cognition.store.memory_store import MemoryStore
from cognition.store.store import Storage
from cognition.store.timeline import Entry, Query, page
from media.speech.end_of_turn import FakeTurnModel
from media.speech.lane import FakeLane
from media.speech.listener import SpeechEngines
from media.speech.shared_microphone import Diarization
from media.speech.transcriber import FakeTranscriber
from media.speech.vad import FakeVoiceActivity, SileroModel
from media.speech.voice import FakeVoice, Voice
from media.speech.voiceprint import FakeVoiceprints
from signaling.engines import Engines
from signaling.long_memory import OpenMemory
from signaling.mind_process import VACANT, MindProcess
from signaling.profiles import Profiles
from signaling.server.history import Line
from signaling.server.rooms import MAX_HISTORY, RESTORE_WITHIN_S
from signaling.server.server_messages import plain
from signaling.settings import Settings
from tests.signaling.house import Client, House, house, line_to
from tests.signaling.scene import NOVA

pytestmark = pytest.mark.virtual_time

T = TypeVar("T")

ALLOWED_MIB = 2.0


class Deaf:
    """Stands in for Silero's weights: nobody talks in these tests."""

    def run(
        self, window: npt.NDArray[np.float32], state: npt.NDArray[np.float32]
    ) -> tuple[float, npt.NDArray[np.float32]]:
        return 0.0, state


async def make_voice(persona: Persona) -> Voice:
    return FakeVoice()


def mind_process(
    store: Storage | None = None,
    profiles: Profiles | None = None,
    memory: OpenMemory | None = None,
    later: timedelta = timedelta(0),
) -> MindProcess:
    speech = SpeechEngines(FakeTranscriber(lambda _: ""), FakeTurnModel(), FakeLane(), FakeLane())
    engines = Engines(
        FakeGenerator(("I see.",)),
        cast(SileroModel, Deaf()),
        speech,
        {"nova": FakeVoice()},
        FakeLane(),
        Diarization(FakeVoiceprints(), FakeVoiceActivity, FakeLane()),
        make_voice,
        memory,
    )
    profiles = profiles or Profiles((), Path("unused"))
    return MindProcess(
        engines,
        (NOVA,),
        Settings(),
        store or MemoryStore(),
        profiles,
        now=lambda: datetime.now(UTC) + later,
    )


@asynccontextmanager
async def running(mind: MindProcess, socket: Path) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(mind.run(socket))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def long_lines(count: int) -> list[Line]:
    """As long as a chat line may be, 3.9 kB each in UTF-8."""
    return [
        Line(
            str(number),
            "p1",
            "Ада",
            "chat",
            f"{number} ".ljust(2000, "ж"),
            f"2026-01-05T12:{number // 60:02}:{number % 60:02}+00:00",
            there=frozenset({"ada"}),
        )
        for number in range(count)
    ]


async def seated(client: Client, name: str) -> None:
    """Waits until the persona listens."""
    while True:
        seat = (await client.expect("participant"))["participant"]
        if (seat["name"], seat["status"]) == (name, "listening"):
            return


async def test_a_mind_that_died_comes_back_to_a_room_full_of_long_lines(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        home.conference.room("lobby").state.merge(long_lines(MAX_HISTORY))
        for _ in range(2):
            async with running(mind_process(), path) as task:
                await seated(ada, "Nova")
                assert not task.done()
            assert (await ada.expect("participant"))["participant"]["status"] == "away"


async def test_what_the_mind_remembers_comes_back_to_a_media_that_has_lost_it(tmp_path: Path) -> None:
    lines = long_lines(MAX_HISTORY)
    async with running(mind_process(), tmp_path / "media.sock") as task:
        async with house(tmp_path) as home:
            ada = await home.seated("Ada")
            home.conference.room("lobby").state.merge(lines)
            async with line_to(home):
                await seated(ada, "Nova")
        async with house(tmp_path) as home, line_to(home):
            ada = home.arrive()
            await ada.join("Ada")
            await seated(ada, "Nova")
            assert (await home.arrive().join("Bob"))["history"] == []
            history = (await home.arrive().join("Ada", resume=ada.resume))["history"]
            assert len(history) > 20
            assert history == [plain(line) for line in lines[-len(history) :]]
        assert not task.done()


async def test_rooms_to_which_nobody_returns_after_a_restart_of_media_are_forgotten(tmp_path: Path) -> None:
    assert VACANT == RESTORE_WITHIN_S, "media and the mind forget at the same time"
    mind = mind_process()
    async with running(mind, tmp_path / "media.sock") as task:
        async with house(tmp_path) as home:
            ada = await home.seated("Ada")
            home.conference.room("lobby").state.merge(long_lines(3))
            async with line_to(home):
                await seated(ada, "Nova")
        async with house(tmp_path) as home, line_to(home):
            await asyncio.sleep(VACANT - 10.0)
            assert mind._mind.rooms() == ["lobby"]
            await asyncio.sleep(20.0)
            assert mind._mind.rooms() == []
            assert (await home.arrive().join("Ada"))["history"] == []
        assert not task.done()


async def test_a_room_to_which_somebody_returns_is_remembered_however_long_they_stay(tmp_path: Path) -> None:
    mind = mind_process()
    async with running(mind, tmp_path / "media.sock"):
        async with house(tmp_path) as home:
            ada = await home.seated("Ada")
            await home.seated("Bob")
            home.conference.room("lobby").state.merge(long_lines(3))
            async with line_to(home):
                await seated(ada, "Nova")
        async with house(tmp_path) as home, line_to(home):
            await asyncio.sleep(VACANT - 10.0)
            ada = home.arrive()
            await ada.join("Ada")
            await seated(ada, "Nova")
            await asyncio.sleep(10 * VACANT)
            assert mind._mind.rooms() == ["lobby"]
            assert {each.name for each in mind._mind._rooms["lobby"].present.values()} == {"Ada", "Nova"}, (
                "Bob has not come back"
            )


async def one_call(home: House, mind: MindProcess, number: int) -> None:
    """Somebody comes alone, is greeted, writes, is answered and leaves; the mind has closed the room after it."""
    client = home.arrive()
    await client.join(f"Caller {number}")
    await client.connect()
    await seated(client, "Nova")
    client.send(type="chat", id=f"line-{number}", text="Nova, are you there?")
    while (await client.expect("chat"))["name"] != "Nova":
        pass
    client.send(type="leave")
    await client.ended()
    home.clients.remove(client)
    home.peers.clear()
    generator = cast(FakeGenerator, mind._engines.generator)
    for kept in (generator.prefilled, generator.streamed, generator.forgotten):
        kept.clear()
    async with asyncio.timeout(60):
        # Nobody is told when the mind has done with a room: it has to be asked, on the virtual clock.
        while mind._rooms or mind._attending.attendances:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def held(directory: Path) -> dict[str, int]:
    process = psutil.Process()
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": process.num_threads(),
        "files and sockets": process.num_fds(),
        "shared memory": len(list(directory.glob("*.ring"))),
        "mappings of shared memory": sum(".ring" in each.path for each in process.memory_maps(grouped=False)),
    }


@pytest.mark.models  # no weights are needed, but more time than the quick suite has
async def test_after_a_hundred_callers_the_mind_holds_what_it_held_before(tmp_path: Path) -> None:
    mind = mind_process()
    async with house(tmp_path) as home, line_to(home) as path, running(mind, path) as task:
        for number in range(40):
            await one_call(home, mind, number)
        gc.collect()
        before, warm_mib = held(tmp_path), psutil.Process().memory_info().rss / 2**20
        for number in range(100):
            await one_call(home, mind, number)
        gc.collect()
        assert held(tmp_path) == before
        assert psutil.Process().memory_info().rss / 2**20 < warm_mib + ALLOWED_MIB
        assert mind._mind.rooms() == []
        assert not task.done()


def kept(connection: sqlite3.Connection) -> list[Entry]:
    return list(page(connection, Query(), limit=1000).entries)


class Watched(MemoryStore):
    """Says when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self._written = asyncio.Event()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        done = super().submit(work)
        self._written.set()
        return done

    async def until(self, enough: Callable[[list[Entry]], bool]) -> list[Entry]:
        async with asyncio.timeout(60):
            while not enough(entries := await self.read(kept)):
                self._written.clear()
                await self._written.wait()
        return entries

    async def told(self, *texts: str) -> list[Entry]:
        return await self.until(lambda entries: set(texts) <= {entry.text for entry in entries})


async def nothing_unkept(home: House) -> None:
    async with asyncio.timeout(60):
        # Nobody is told when media lets go of a line: it has to be asked, on the virtual clock.
        while len(home.mind.unkept):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def write(client: Client, id: str, text: str) -> None:
    client.send(type="chat", id=id, text=text)
    assert (await client.expect("ack"))["id"] == id


async def test_everything_that_happens_in_a_room_is_in_the_timeline_with_who_was_there(
    tmp_path: Path,
) -> None:
    store = Watched()
    async with house(tmp_path) as home, line_to(home) as path, running(mind_process(store), path):
        ada = await home.seated("Ada")
        await seated(ada, "Nova")
        await write(ada, "m1", "Nova, hello")
        await store.told("Nova, hello", "I see.")
        await home.seated("Bob")
        ada.send(type="leave")
        await ada.ended()
        entries = await store.until(lambda entries: any(entry.kind == "left" for entry in entries))
    by_kind = {kind: [each for each in entries if each.kind == kind] for kind in ("arrived", "read", "left")}
    assert [entry.name for entry in by_kind["arrived"]] == ["Ada", "Bob"]
    assert [entry.name for entry in by_kind["left"]] == ["Ada"]
    (line,) = by_kind["read"]
    assert line.audience == {line.participant, "nova"}
    assert line.identity != line.participant
    assert line.media is not None
    assert 0 <= line.media < 48_000 * 60
    assert [entry.text for entry in entries if entry.kind == "said" and entry.detail["medium"] == "chat"][
        -1
    ] == "I see."


async def test_who_comes_with_the_same_secret_is_the_same_in_every_room_and_others_are_strangers(
    tmp_path: Path,
) -> None:
    store = Watched()
    visits = (
        ("lobby", "guest-1", "person-ada"),
        ("attic", "guest-2", "person-ada"),
        ("attic", "guest-3", None),
    )
    async with house(tmp_path) as home, line_to(home) as path, running(mind_process(store), path):
        for room, seat, person in visits:
            ada = home.arrive()
            await ada.join("Ada", seat, room=room, person=person)
            await seated(ada, "Nova")
            ada.send(type="leave")
            await ada.ended()
        entries = await store.until(lambda entries: [each.kind for each in entries].count("left") == 3)
    arrived = [(entry.place.room, entry.identity) for entry in entries if entry.kind == "arrived"]
    assert arrived == [("lobby", "person-ada"), ("attic", "person-ada"), ("attic", "guest-3")]
    assert len({entry.participant for entry in entries if entry.kind == "arrived"}) == 3


async def test_a_written_line_that_waited_for_the_mind_is_that_of_the_person_whose_secret_it_came_with(
    tmp_path: Path,
) -> None:
    store = Watched()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = home.arrive()
        await ada.join("Ada", "guest-1", person="person-ada")
        await write(ada, "m1", "Is anybody there?")
        ada.send(type="leave")
        await ada.ended()
        async with running(mind_process(store), path):
            (entry,) = await store.told("Is anybody there?")
    assert entry.identity == "person-ada"


async def test_a_line_acknowledged_while_the_mind_was_dead_is_kept_though_its_room_has_closed(
    tmp_path: Path,
) -> None:
    store = Watched()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        await write(ada, "m1", "Is anybody there?")
        ada.send(type="leave")
        await ada.ended()
        assert not home.conference.rooms
        assert len(home.mind.unkept) == 1
        async with running(mind_process(store), path):
            (entry,) = await store.told("Is anybody there?")
            await nothing_unkept(home)
    assert (entry.kind, entry.name) == ("read", "Ada")
    assert entry.present == {entry.participant, "nova"}


async def test_who_came_after_a_line_was_written_is_not_taken_to_have_been_there(tmp_path: Path) -> None:
    store = Watched()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        await write(ada, "m1", "Before Bob comes: he is to know nothing")
        await home.seated("Bob")
        async with running(mind_process(store), path):
            await seated(ada, "Nova")
            await write(ada, "m2", "Hello Bob")
            entries = await store.told("Before Bob comes: he is to know nothing", "Hello Bob")
    heard = {entry.text: len(entry.audience) for entry in entries if entry.kind == "read"}
    assert heard == {"Before Bob comes: he is to know nothing": 2, "Hello Bob": 3}


async def test_a_line_that_a_mind_heard_and_did_not_live_to_keep_is_kept_once_by_the_next(
    tmp_path: Path,
) -> None:
    lost, store = MemoryStore(), Watched()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with running(mind_process(lost), path):
            await seated(ada, "Nova")
            # A disk that takes nothing: what the first mind knows dies with it.
            await lost.aclose()
            await write(ada, "m1", "Remember this")
        assert len(home.mind.unkept) == 1
        for _ in range(2):
            async with running(mind_process(store), path):
                entries = await store.told("Remember this")
                await seated(ada, "Nova")
                await nothing_unkept(home)
    assert [entry.text for entry in entries].count("Remember this") == 1
    assert [entry.kind for entry in await store.read(kept)].count("arrived") == 1


async def test_what_a_persona_wrote_and_media_tells_the_next_mind_is_kept_once(tmp_path: Path) -> None:
    store = Watched()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with running(mind_process(store), path):
            await seated(ada, "Nova")
            await write(ada, "m1", "Nova, hello")
            before = await store.told("Nova, hello", "I see.")
        async with running(mind_process(store), path):
            await seated(ada, "Nova")
            await write(ada, "m2", "Still there?")
            after = await store.told("Still there?")
    texts = [entry.text for entry in after]
    assert texts.count("Nova, hello") == 1
    assert [entry for entry in after if entry.seq <= before[-1].seq] == before
    written = [entry.text for entry in after if entry.kind == "said" and entry.detail["medium"] == "chat"]
    assert written.count("I see.") == 1, "the second answer has not come yet"


async def test_a_transcript_comes_back_from_the_disk_when_both_sides_have_died(tmp_path: Path) -> None:
    store = Watched()
    async with house(tmp_path) as home, line_to(home) as path, running(mind_process(store), path):
        ada = await home.seated("Ada")
        await seated(ada, "Nova")
        await write(ada, "m1", "Where were we?")
        await store.told("Where were we?", "I see.")
    async with house(tmp_path) as home, line_to(home) as path, running(mind_process(store), path):
        await asyncio.sleep(5.0)
        history = (await home.arrive().join("Ada"))["history"]
    written = [(line["id"], line["text"]) for line in history if line["kind"] == "chat"]
    assert ("m1", "Where were we?") in written


async def test_praise_that_comes_before_the_personas_are_seated_again_moves_whom_it_is_for(
    tmp_path: Path,
) -> None:
    store = Watched()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with running(mind_process(store), path):
            await seated(ada, "Nova")
        mind = mind_process(store)
        async with asyncio.timeout(60), running(mind, path):
            # Nobody is told when media has told the mind of the room.
            while home.mind.status != "up" or home.mind.awaits("lobby"):  # noqa: ASYNC110
                await asyncio.sleep(0)
            ada.send(type="feedback", id="f1", persona="nova", value=1)
            await ada.expect("ack", id="f1")
            assert mind._living.life is not None
            assert mind._living.life.state("nova").valence > 0.4


class SlowTimeline(Watched):
    """The ledger is quick; what is appended to the timeline takes a second."""

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if "Recorder" in getattr(work, "__qualname__", ""):
            await asyncio.sleep(1.0)
        return await super().write(work)


async def test_feedback_is_acknowledged_once_the_timeline_holds_it_as_well(tmp_path: Path) -> None:
    store = SlowTimeline()
    async with house(tmp_path) as home, line_to(home) as path, running(mind_process(store), path):
        ada = await home.seated("Ada")
        await seated(ada, "Nova")
        ada.send(type="feedback", id="f1", persona="nova", value=1)
        await ada.expect("ack", id="f1")
        (given,) = [entry for entry in await store.read(kept) if entry.kind == "did"]
        assert (given.participant, given.detail["persona"]) == (ada.id, "nova")
