"""A program that works on a store until it is killed; run by test_store_killed.py. It tells what was acknowledged."""

import asyncio
import os
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

from cognition.persona.reputation import DAY_S
from cognition.persona.trust import Opinion, Trust
from cognition.store.backup import back_up, restore
from cognition.store.schema import Migration, shipped
from cognition.store.store import Store
from cognition.store.timeline import Event, Participant, Place, append

WRITERS = 8
WIDE = Migration(
    9000,
    "wide",
    "CREATE TABLE wide (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"
    "INSERT INTO wide SELECT seq, text || printf('%.*c', 500, 'x') FROM event;"
    "CREATE INDEX wide_text ON wide (text);"
    "INSERT INTO wide SELECT id + 1000000, text FROM wide;",
)
"""A step of the layout that takes long enough to be killed in."""

ADA = Participant("ada", "person", "Ada")


def event(id: str) -> Event:
    return Event(id, "heard", Place("lobby"), ADA, id, datetime(2026, 1, 5, tzinfo=UTC))


async def write(path: Path, run: str) -> None:
    store = await Store.open(path)
    os.write(1, b"ready\n")

    async def one(writer: int) -> None:
        number = 0
        while True:
            id = f"{run}-{writer}-{number}"

            def work(connection: sqlite3.Connection, id: str = id) -> None:
                append(connection, event(id))

            await store.write(work)
            # One system call: whoever reads it knows that the write had returned.
            os.write(1, f"{id}\n".encode())
            number += 1

    await asyncio.gather(*(one(writer) for writer in range(WRITERS)))


async def judge(path: Path, run: int) -> None:
    """People speak of a persona, well for a while and then badly; time passes more quickly than it does."""
    store, now = await Store.open(path), [float(20_000 + 10 * run) * DAY_S]
    trust = Trust(store, clock=lambda: now[0])
    os.write(1, b"ready\n")
    number = 0
    while True:
        now[0] += DAY_S / 3
        subject, value = f"{run}-{number}", 1 if run % 10 < 6 else -1
        await trust.take(Opinion(subject, "nova", f"p{number % 4}", subject, value), ("nova",))
        os.write(1, f"{subject}\n".encode())
        number += 1


async def grow(path: Path) -> None:
    os.write(1, b"ready\n")
    store = await Store.open(path, migrations=(*shipped(), WIDE))
    os.write(1, b"grown\n")
    await store.aclose()


def serve() -> None:
    """Forks a child for each line `what path other`: an interpreter's start is paid once."""
    for line in sys.stdin:
        what, path, other = line.split()
        child = os.fork()
        if child == 0:
            match what:
                case "write":
                    asyncio.run(write(Path(path), other))
                case "judge":
                    asyncio.run(judge(Path(path), int(other)))
                case "grow":
                    asyncio.run(grow(Path(path)))
                case "backup":
                    back_up(Path(path), Path(other))
                case "restore":
                    restore(Path(path), Path(other))
            os._exit(0)
        os.write(2, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"ended {status}\n".encode())


if __name__ == "__main__":
    serve()
