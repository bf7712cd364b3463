"""A life that lasts: over restarts and SIGKILL, over a disk that is full, without a timer while nothing is due."""

import asyncio
import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cognition.persona.intentions import Scene
from cognition.persona.journal import Experience
from cognition.persona.life import Life
from cognition.persona.state import advanced
from cognition.store.errors import DiskError
from cognition.store.memory_store import MemoryStore
from cognition.store.store import Store
from tests.cognition.life_in_a_process import LINES, NOVA, PRESENT, REMINDERS_EVERY, Room
from tests.cognition.lives import ADA, BOB, ROBIN, hall, now

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.virtual_time
async def test_everything_a_persona_is_survives_a_restart() -> None:
    store = MemoryStore()
    async with hall(NOVA, ROBIN, people=[ADA], store=store) as room:
        room.hear(ADA, "Nova, remind me in ten minutes to stretch.")
        room.hear(ADA, "The stars are lovely.")
        room.judge(ADA, "nova", good=True)
        room.say("nova", "They are. " * 40)
        room.life.order("pause", "robin", "ops", "maintenance")
        before, waiting = room.life.state("nova"), room.life.inbox("robin")
        planned = room.life.intentions("nova")
        await room.life.settled()
    async with hall(NOVA, ROBIN, store=store) as room:
        after = room.life.state("nova")
        assert (after.energy, after.valence) == pytest.approx((before.energy, before.valence), abs=1e-6)
        assert room.life.inbox("robin") == waiting
        assert room.life.intentions("nova") == planned
        assert room.life.disposition("robin").paused


@pytest.mark.virtual_time
async def test_time_that_passed_while_it_was_down_has_passed_for_it_too() -> None:
    store = MemoryStore()
    async with hall(NOVA, store=store) as room:
        room.tire("nova")
        await asyncio.sleep(1)
        assert room.life.disposition("nova").resting
    await asyncio.sleep(3600)
    async with hall(NOVA, store=store, people=[ADA]) as room:
        await asyncio.sleep(1)
        assert room.life.state("nova").energy > 0.99
        assert not room.life.disposition("nova").resting


@pytest.mark.virtual_time
@pytest.mark.parametrize("down", [0.0, 900.0])
async def test_a_mood_returns_to_the_same_home_while_it_was_down(down: float) -> None:
    store = MemoryStore()
    async with hall(NOVA, store=store, people=[ADA]) as room:
        room.judge(ADA, "nova", good=True)
        before = room.life.state("nova")
        assert before.valence > before.home_valence
        await asyncio.sleep(900.0 - down)
    await asyncio.sleep(down)
    async with hall(NOVA, store=store, people=[ADA]) as room:
        after = advanced(before, now())
        assert room.life.state("nova").valence == pytest.approx(after.valence, abs=1e-9)
        assert after.home_valence < after.valence < before.valence


@pytest.mark.virtual_time
async def test_what_was_being_said_when_it_died_is_said_again_unless_the_room_has_it() -> None:
    for heard in (False, True):
        store = MemoryStore()
        async with hall(NOVA, people=[ADA], store=store) as room:
            room.deaf = True
            line = room.hear(ADA, "Remind me in one minute to stretch.")
            await asyncio.sleep(61)
            due = next(each for each in room.bids if each.kind == "remind")
        async with hall(NOVA, store=store) as room:
            room.people.append(ADA)
            room.told(line)
            if heard:
                room.say("nova", due.text, id=due.id)
            room.life.present("hall", room.present)
            await asyncio.sleep(600)
            assert [each.id for each in room.bids if each.kind == "remind"] == ([] if heard else [due.id])


@pytest.mark.virtual_time
async def test_a_house_in_which_nothing_is_due_wakes_nobody() -> None:
    life = await Life.open([NOVA, ROBIN], MemoryStore(), clock=now)
    running = asyncio.create_task(life.run(lambda due: None))
    loop = asyncio.get_running_loop()
    await asyncio.sleep(1)
    timers = [each for each in loop._scheduled if not each.cancelled()]  # type: ignore[attr-defined]
    assert timers == []
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class RefusingStore(MemoryStore):
    """A store whose disk is full while a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    def submit(self, work: Callable[[sqlite3.Connection], Any]) -> "asyncio.Future[Any]":
        if not self.full:
            return super().submit(work)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.set_exception(DiskError("the disk is full"))
        return future


@pytest.mark.virtual_time
async def test_what_a_full_disk_refuses_is_kept_once_there_is_room_again() -> None:
    store = RefusingStore()
    async with hall(NOVA, ROBIN, people=[ADA, BOB], store=store) as room:
        store.full = True
        for number in range(5):
            room.hear(ADA, f"Number {number} of the stars.")
            room.say("nova", f"Number {number} indeed.")
        await asyncio.sleep(10)
        assert room.life.counts()["personas: attempts that the store refused"] > 1
        store.full = False
        async with asyncio.timeout(5):
            await room.life.settled()
        state = room.life.state("nova")
    async with hall(NOVA, ROBIN, store=store) as room:
        assert room.life.state("nova").energy == pytest.approx(state.energy, abs=1e-6)
        kept = await store.read(
            lambda c: c.execute("SELECT count(*) FROM lived WHERE id LIKE 'nova/%'").fetchone()
        )
        assert kept == (5,)


async def test_with_a_real_store_what_was_told_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    room = Room(tmp_path / "room.jsonl")
    lines = [room.add("ada", f"line-{number}", "Nova, the stars were lovely.") for number in range(50)]
    room.close()
    for _ in range(2):
        store = await Store.open(tmp_path / "store.db")
        life = await Life.open((NOVA,), store)
        for line in lines:
            life.observe(line, PRESENT)
        await life.settled()
        await store.aclose()
    assert experience(tmp_path / "store.db").lines == 50


WITHIN_S = 40.0
"""Seconds in which a life starts, or comes to its end; some 2 where nothing else runs."""


def experience(path: Path) -> Experience:
    with sqlite3.connect(path) as connection:
        (lived,) = connection.execute("SELECT lived FROM experience WHERE persona = 'nova'").fetchone()
    connection.close()
    fields = json.loads(lived)
    return Experience(**{**fields, "people": Counter(fields["people"]), "topics": Counter(fields["topics"])})


class Nursery:
    """Starts lives and kills them; nothing is waited for without an end."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.cognition.life_in_a_process"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._read = b""

    def live(self, directory: Path, kill_after: float | None) -> bool:
        """Lets a life go on; true when it came to its end, false when it was killed."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{directory}\n".encode())
        told = sorted(str(self._line(WITHIN_S)) for _ in range(2))
        assert told[0] == "alive", told
        ended = self._line(WITHIN_S if kill_after is None else kill_after)
        if ended is None:
            os.kill(int(told[1].removeprefix("started ")), signal.SIGKILL)
            ended = self._line(WITHIN_S)
        assert ended in ("ended 0", f"ended {-signal.SIGKILL}"), ended
        return ended == "ended 0"

    def close(self) -> None:
        with self.process:
            self.process.kill()

    def _line(self, seconds: float) -> str | None:
        """The next line it says; None when none comes in time."""
        assert self.process.stdout is not None
        until = time.monotonic() + seconds
        while b"\n" not in self._read:
            if not select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                return None
            part = self.process.stdout.read(4096)
            assert part, "it ended by itself"
            self._read += part
        line, _, self._read = self._read.partition(b"\n")
        return line.decode()


def killed_at_random(directory: Path, kills: int) -> None:
    chance = random.Random(kills)
    with closing(Nursery()) as nursery:
        # A life lasts somewhat over a second in all: most of them hit one that is not over.
        ended = [nursery.live(directory, chance.uniform(0.0, 1.2 / kills)) for _ in range(kills)]
        assert ended.count(False) >= kills / 2
        assert nursery.live(directory, None)
    said = [json.loads(line) for line in (directory / "room.jsonl").read_text().splitlines()]
    assert len({each["id"] for each in said}) == len(said), "nothing is said twice"
    reminders = [each["id"] for each in said if each["id"].startswith("remind-")]
    assert len(reminders) == LINES // REMINDERS_EVERY, "each promise is kept"
    lived = experience(directory / "store.db")
    assert lived.lines == LINES, "each line was lived through once"
    assert lived.spoke == sum(each["who"] == "nova" for each in said)


def test_killed_twice_a_life_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    killed_at_random(tmp_path, 2)


@pytest.mark.models  # no weights are needed, but more time than the quick suite has
@pytest.mark.timeout(120)
@pytest.mark.parametrize("kills", [5, 15, 30])
def test_killed_at_random_moments_a_life_loses_nothing_and_doubles_nothing(
    tmp_path: Path, kills: int
) -> None:
    killed_at_random(tmp_path, kills)


@pytest.mark.virtual_time
async def test_a_voice_cut_off_when_its_room_closed_does_not_keep_a_persona_from_another_room() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        room.life.speaking("nova", "another room", True)
        room.hear(ADA, "Nova, remind me in one minute to stretch.")
        await asyncio.sleep(120)
        assert "remind" not in room.kinds()
        room.life.present("another room", ())
        await asyncio.sleep(30)
        assert "remind" in room.kinds()


@pytest.mark.virtual_time
async def test_a_line_costs_one_look_at_the_room_however_many_live_through_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [replace(NOVA, id=f"nova{number}", name=f"Nova{number}") for number in range(14)]
    async with hall(*many, people=[ADA, BOB]) as room:
        for number in range(3):
            room.hear(ADA, f"Nova{number}, what is a comet?")
        looks: list[str] = []
        look = Life._scene

        def counted(life: Life, where: str) -> Scene:
            looks.append(where)
            return look(life, where)

        monkeypatch.setattr(Life, "_scene", counted)
        room.hear(BOB, "I do not know, to be honest.")
        assert len(looks) == 1
