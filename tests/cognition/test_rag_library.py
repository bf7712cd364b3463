"""The library keeps in step with the folders it was given, and shows them where they belong."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
import structlog

from cognition.rag.documents.extractor import Extracted, Extractor, FakeExtractor
from cognition.rag.documents.files import FileKind, PutOff, Refused
from cognition.rag.documents.library import BETWEEN_WORDS, MOST_TRIES, Folder, Library
from cognition.rag.documents.watcher import FakeWatcher, FileWatcher, Watcher
from cognition.search.embedder import FakeEmbedder
from cognition.search.fake_index import FakeIndex
from cognition.search.index import Item
from cognition.store import documents
from cognition.store.memory_store import MemoryStore
from cognition.store.timeline import Place

LOBBY, ATTIC, SLACK = Place("lobby"), Place("attic"), Place("lobby", "general", "slack")


@dataclass
class Shelf:
    store: MemoryStore
    embedder: FakeEmbedder
    index: FakeIndex
    watcher: FakeWatcher
    library: Library

    async def texts(self, words: str, place: Place = LOBBY) -> list[str]:
        return [match.found.passage.text for match in await self.library.search(place, words, limit=9)]

    async def indexed(self) -> set[int]:
        rows = await self.store.read(lambda c: c.execute("SELECT key FROM passage").fetchall())
        assert {str(key) for (key,) in rows} == set(self.index.items), "index and store hold the same"
        return {key for (key,) in rows}

    async def change(self, *paths: Path) -> None:
        await self.watcher.change(*paths)
        await self.library.settled()


class Telling(FileWatcher):
    """The real one, with an event that is set once a change was taken in."""

    def __init__(self) -> None:
        self.taken_in = asyncio.Event()

    async def changes(self, paths: Collection[Path]) -> AsyncIterator[frozenset[Path]]:
        async for changed in super().changes(paths):
            yield changed
            self.taken_in.set()


@asynccontextmanager
async def shelf(
    *folders: Folder,
    watcher: Watcher | None = None,
    store: MemoryStore | None = None,
    extractor: Extractor | None = None,
) -> AsyncIterator[Shelf]:
    fake = FakeWatcher()
    store, embedder, index = store or MemoryStore(), FakeEmbedder(), FakeIndex()
    library = Library(store, embedder, index, extractor or FakeExtractor(), watcher or fake, lull=0)
    running = asyncio.create_task(library.run())
    try:
        library.give(folders)
        await library.settled()
        yield Shelf(store, embedder, index, fake, library)
    finally:
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled(), running.exception()
        await store.aclose()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


async def test_what_is_in_a_folder_is_found_with_its_place(tmp_path: Path) -> None:
    write(
        tmp_path / "travel" / "rome.md",
        "# Rome\n## Trains\nThe train leaves at nine.\n## Food\nEat artichokes.",
    )
    async with shelf(Folder(tmp_path)) as kept:
        (match, *_) = await kept.library.search(LOBBY, "when does the train leave", limit=3)
    assert match.found.path == "travel/rome.md"
    assert match.found.title == "rome.md"
    assert match.found.passage == documents.Passage("The train leaves at nine.", "Rome › Trains", "line 3")
    assert match.similarity > 0


async def test_a_change_is_noticed_and_what_was_is_forgotten(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "The train leaves at nine.")
    write(tmp_path / "b.txt", "Bread is baked at six.")
    async with shelf(Folder(tmp_path)) as kept:
        before = await kept.indexed()
        write(path, "The train leaves at ten, not earlier.")
        await kept.change(path)
        assert await kept.texts("train") == [
            "The train leaves at ten, not earlier.",
            "Bread is baked at six.",
        ]
        path.unlink()
        await kept.change(path)
        assert await kept.texts("train") == ["Bread is baked at six."]
        assert len(await kept.indexed() & before) == 1, "what did not change was not read again"


async def test_a_file_that_was_only_touched_is_not_embedded_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "The train leaves at nine.")
    async with shelf(Folder(tmp_path)) as kept:
        asked = len(kept.embedder.asked)
        os.utime(path, ns=(5, 5))
        await kept.change(path)
        assert len(kept.embedder.asked) == asked
        assert await kept.indexed()


async def test_a_folder_bound_to_a_room_is_known_there_alone(tmp_path: Path) -> None:
    write(tmp_path / "all" / "a.txt", "The train leaves at nine.")
    write(tmp_path / "attic" / "b.txt", "The secret train leaves at midnight.")
    async with shelf(Folder(tmp_path / "all"), Folder(tmp_path / "attic", "attic")) as kept:
        assert await kept.texts("train", LOBBY) == ["The train leaves at nine."]
        assert len(await kept.texts("train", ATTIC)) == 2
        assert await kept.texts("train", SLACK) == [], "another host's people were not given these files"


async def test_the_store_refuses_what_a_wrong_filter_lets_through(tmp_path: Path) -> None:
    write(tmp_path / "b.txt", "The secret train.")
    async with shelf(Folder(tmp_path, "attic")) as kept:
        (key,) = await kept.indexed()
        assert await kept.store.read(lambda c: documents.find(c, [key], "lobby")) == []
        assert len(await kept.store.read(lambda c: documents.find(c, [key], "attic"))) == 1


async def test_a_folder_taken_back_is_forgotten_and_one_rebound_is_known_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "The train leaves at nine.")
    async with shelf(Folder(tmp_path)) as kept:
        assert await kept.texts("train")
        kept.library.give([Folder(tmp_path, "attic")])
        await kept.library.settled()
        assert await kept.texts("train", LOBBY) == []
        assert await kept.texts("train", ATTIC)
        kept.library.give([])
        await kept.library.settled()
        assert await kept.texts("train", ATTIC) == []
        assert await kept.indexed() == set()


async def test_bad_files_are_refused_with_a_reason_and_harm_no_other(tmp_path: Path) -> None:
    write(tmp_path / "good.txt", "The train leaves at nine.")
    (tmp_path / "binary.txt").write_bytes(b"\x7fELF\0\0\0")
    (tmp_path / "latin.txt").write_bytes("Zoë".encode("latin-1"))
    (tmp_path / "empty.txt").write_bytes(b" \n")
    (tmp_path / "no.pdf").write_text("refuse no PDF")
    (tmp_path / "image.png").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.txt")
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(1 << 30)
    async with shelf(Folder(tmp_path)) as kept:
        assert await kept.texts("train") == ["The train leaves at nine."]
        (summary,) = await kept.store.read(documents.summaries)
        assert dict(kept.library.counts) == {
            "document refused: binary": 1,
            "document refused: encoding unknown": 1,
            "document refused: no words in it": 1,
            "document refused: no PDF": 1,
            "document refused: not a regular file": 1,
            "document refused: too large": 1,
            "document passed over: kind not read": 1,
        }
    assert (summary.documents, summary.passages) == (1, 1)
    assert dict(summary.refused) == {
        reason.removeprefix("document refused: "): 1 for reason in kept.library.counts if "refused" in reason
    }


async def test_a_refused_file_is_tried_again_once_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\0\0")
    async with shelf(Folder(tmp_path)) as kept:
        assert await kept.texts("train") == []
        write(path, "The train leaves at nine.")
        await kept.change(path)
        assert await kept.texts("train") == ["The train leaves at nine."]


async def test_what_fails_is_counted_and_done_at_the_next_look(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "The train leaves at nine.")
    async with shelf() as kept:
        kept.embedder.error = "no memory"
        kept.library.give([Folder(tmp_path)])
        await kept.library.settled()
        assert kept.library.counts["documents not embedded"] >= 1
        assert kept.index.items == {}
        kept.embedder.error = None
        await kept.change(path)
        assert await kept.texts("train") == ["The train leaves at nine."]
        kept.embedder.error = "no memory"
        assert await kept.texts("train") == ["The train leaves at nine."], "by words alone"


async def test_an_index_that_was_lost_is_built_again_from_the_store(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "The train leaves at nine.")
    write(tmp_path / "b.txt", "The boat leaves at ten.")
    async with shelf(Folder(tmp_path)) as kept:
        (tmp_path / "b.txt").unlink()
        await kept.change(tmp_path / "b.txt")
        anew, fresh = FakeIndex(), FakeEmbedder()
        library = Library(kept.store, fresh, anew, FakeExtractor(), FakeWatcher())
        running = asyncio.create_task(library.run())
        library.give([Folder(tmp_path)])
        await library.settled()
        assert anew.items.keys() == kept.index.items.keys()
        assert anew.number == kept.index.number == await kept.store.read(documents.change_number)
        running.cancel()
        await asyncio.wait([running])
        again = Library(kept.store, fresh, anew, FakeExtractor(), FakeWatcher())
        asked = len(fresh.asked)
        running = asyncio.create_task(again.run())
        again.give([Folder(tmp_path)])
        await again.settled()
        assert len(fresh.asked) == asked, "what is in the index is not embedded again"
        running.cancel()
        await asyncio.wait([running])


async def test_nothing_is_taken_back_before_it_is_known_what_is_given(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "The train leaves at nine.")
    async with shelf(Folder(tmp_path)) as kept:
        again = Library(kept.store, kept.embedder, kept.index, FakeExtractor(), FakeWatcher())
        running = asyncio.create_task(again.run())
        await again.settled()
        assert len(await kept.indexed()) == 1
        running.cancel()
        await asyncio.wait([running])


async def test_without_documents_nothing_is_embedded() -> None:
    async with shelf() as kept:
        assert await kept.library.search(LOBBY, "where is the train", limit=3) == []
        assert kept.embedder.asked == []


async def test_what_cannot_be_watched_is_read_all_the_same(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "The train leaves at nine.")
    watcher = FakeWatcher()
    watcher.error = OSError("no watches left")
    async with shelf(Folder(tmp_path), watcher=watcher) as kept:
        assert await kept.texts("train")
        assert kept.library.counts["documents not watched"] == 1


async def test_a_file_dated_beyond_what_can_be_kept_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    os.utime(write(tmp_path / "a.txt", "The boat leaves at ten."), (2**40, 2**40))
    write(tmp_path / "b.txt", "The train leaves at nine.")
    async with shelf(Folder(tmp_path), Folder(tmp_path / "a.txt")) as kept:
        assert await kept.texts("train") == ["The train leaves at nine."]
        assert kept.library.counts["document passed over: date out of range"] == 2


class Odd(FakeExtractor):
    """Fails as nobody foresaw."""

    def __init__(self) -> None:
        self.asked = 0

    async def extract(self, kind: str, content: bytes) -> NoReturn:
        self.asked += 1
        raise ZeroDivisionError(kind)


async def test_a_file_that_fails_as_nobody_foresaw_is_refused_told_of_once_and_harms_no_other(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a.html", "<p>odd</p>")
    write(tmp_path / "b.txt", "The train leaves at nine.")
    odd = Odd()
    with structlog.testing.capture_logs() as logged:
        async with shelf(Folder(tmp_path), extractor=odd) as kept:
            assert await kept.texts("train") == ["The train leaves at nine."]
            await kept.change(tmp_path / "b.txt")
            assert kept.library.counts["document refused: failed: ZeroDivisionError"] == 1
            seen = await kept.store.read(lambda c: documents.seen(c, 1))
            assert seen["a.html"].refused == "failed: ZeroDivisionError"
    assert odd.asked == 1, "it is not tried again before it changes"
    assert [entry["document"] for entry in logged] == ["a.html"]


class Pressed(FakeExtractor):
    """Has no time, as often as there are such times left."""

    def __init__(self, times: int) -> None:
        self.asked, self.times = 0, times
        self.waited_for = asyncio.Event()

    async def extract(self, kind: FileKind, content: bytes) -> Extracted:
        self.asked += 1
        if self.asked >= self.times:
            self.waited_for.set()
        if self.asked <= self.times:
            raise PutOff("took too long")
        return await super().extract(kind, content)


async def test_a_file_for_which_there_was_no_time_is_tried_again_although_it_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cognition.rag.documents.library.PUT_OFF", 0.2)
    monkeypatch.setattr("cognition.rag.documents.library.SHORTLY", 0.0)
    path = write(tmp_path / "a.html", "The train leaves at nine.")
    pressed = Pressed(2)
    with structlog.testing.capture_logs() as logged:
        async with shelf(Folder(tmp_path), extractor=pressed) as kept:
            assert await kept.texts("train") == []
            (summary,) = await kept.store.read(documents.summaries)
            assert dict(summary.refused) == {"took too long": 1}
            await kept.change(path)
            assert pressed.asked == 1, "not at once"
            async with asyncio.timeout(30):
                # Nobody is told when it is known.
                while not await kept.texts("train"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert pressed.asked == 3
            assert kept.library.counts["document put off: took too long"] == 2
    assert [(one["document"], one["tries"], one["again_after"]) for one in logged] == [
        ("a.html", 1, 0.2),
        ("a.html", 2, 0.4),
    ]


async def test_a_file_that_always_takes_too_long_is_given_up_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cognition.rag.documents.library.PUT_OFF", 0.0)
    monkeypatch.setattr("cognition.rag.documents.library.SHORTLY", 0.0)
    path = write(tmp_path / "a.html", "The train leaves at nine.")
    pressed = Pressed(MOST_TRIES)
    async with shelf(Folder(tmp_path), extractor=pressed) as kept:
        async with asyncio.timeout(30):
            await pressed.waited_for.wait()
        for _ in range(3):
            await kept.change(path)
        assert pressed.asked == MOST_TRIES
        write(path, "The train leaves at ten, perhaps.")
        await kept.change(path)
        assert await kept.texts("train") == ["The train leaves at ten, perhaps."]


async def test_a_file_that_could_not_be_read_is_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.txt", "The train leaves at nine.")

    def refused(path: Path) -> NoReturn:
        raise Refused("not permitted")

    with monkeypatch.context() as locked:
        locked.setattr("cognition.rag.documents.reader.read", refused)
        async with shelf(Folder(tmp_path)) as kept:
            assert await kept.texts("train") == []
            await kept.change(path)
            assert kept.library.counts["document refused: not permitted"] == 1, "told once"
            locked.undo()
            await kept.change(path)
            assert await kept.texts("train") == ["The train leaves at nine."]


class OddIndex(FakeIndex):
    """Fails as nobody foresaw, as often as there are errors left."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times
        self.kept = asyncio.Event()

    async def put(self, items: Sequence[Item]) -> None:
        if self.times:
            self.times -= 1
            raise ZeroDivisionError
        await super().put(items)
        self.kept.set()


async def test_what_fails_as_nobody_foresaw_is_done_later_and_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cognition.rag.documents.library.RETRY_AFTER", 0.01)
    write(tmp_path / "a.txt", "The train leaves at nine.")
    index = OddIndex(3)
    library = Library(MemoryStore(), FakeEmbedder(), index, FakeExtractor(), FakeWatcher())
    with structlog.testing.capture_logs() as logged:
        running = asyncio.create_task(library.run())
        library.give([Folder(tmp_path)])
        async with asyncio.timeout(30):
            await index.kept.wait()
        running.cancel()
        await asyncio.wait([running])
    assert running.cancelled()
    assert library.counts["documents failed"] == 3
    assert len(logged) == 1


async def test_a_reading_library_gives_way(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.txt", f"Sentence number {number}.")
    gate = asyncio.Event()
    waited = asyncio.Event()

    async def quiet() -> bool:
        waited.set()
        return await gate.wait()

    embedder = FakeEmbedder()
    library = Library(MemoryStore(), embedder, FakeIndex(), FakeExtractor(), FakeWatcher(), quiet=quiet)
    running = asyncio.create_task(library.run())
    library.give([Folder(tmp_path)])
    await waited.wait()
    assert embedder.asked == []
    gate.set()
    await library.settled()
    assert len(embedder.asked) == 3
    running.cancel()
    await asyncio.wait([running])


async def test_where_it_is_never_quiet_a_little_is_read_at_a_time(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "\n".join(f"# Chapter {n}\nSentence number {n}." for n in range(9)))

    async def never() -> bool:
        return False

    embedder = FakeEmbedder()
    library = Library(MemoryStore(), embedder, FakeIndex(), FakeExtractor(), FakeWatcher(), quiet=never)
    running = asyncio.create_task(library.run())
    library.give([Folder(tmp_path)])
    await library.settled()
    assert max(map(len, embedder.asked)) == BETWEEN_WORDS
    assert sum(map(len, embedder.asked)) == 9
    running.cancel()
    await asyncio.wait([running])


async def test_the_system_tells_of_new_changed_and_removed_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "The train leaves at nine.")
    watcher = Telling()
    async with shelf(Folder(tmp_path), watcher=watcher) as kept:
        assert await kept.texts("train") == ["The train leaves at nine."]

        async def noticed() -> None:
            await watcher.taken_in.wait()
            watcher.taken_in.clear()
            await kept.library.settled()

        write(tmp_path / "sub" / "b.txt", "The boat leaves at ten.")
        while "The boat leaves at ten." not in await kept.texts("boat"):
            await noticed()
        path.unlink()
        while await kept.texts("boat") != ["The boat leaves at ten."]:
            await noticed()


async def test_a_single_file_is_followed_through_being_replaced(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "The train leaves at nine.")
    watcher = Telling()
    async with shelf(Folder(path), watcher=watcher) as kept:
        for words in ("The train leaves at ten.", "The train leaves at eleven, or later."):
            write(tmp_path / "a.txt.new", words).replace(path)
            while await kept.texts("train") != [words]:
                await watcher.taken_in.wait()
                watcher.taken_in.clear()
                await kept.library.settled()


async def test_a_library_of_files_that_are_not_there_waits_for_them(tmp_path: Path) -> None:
    async with shelf(Folder(tmp_path / "none"), watcher=FileWatcher()) as kept:
        assert kept.library.counts["document passed over: not there"] == 1
        assert await kept.texts("train") == []
