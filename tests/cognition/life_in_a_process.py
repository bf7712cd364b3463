"""A life in a process of its own, to be killed at any moment: `python -m tests.cognition.life_in_a_process`.

An interpreter's start and its imports are paid once: a life is forked for each directory it reads; it says
`started PID`, the life `alive`, and then it says `ended STATUS`.

The room is a file, to which what is said is appended, and flushed, before the life is told of it: so a room that
outlives its mind remembers. At each start all of it is told again.
"""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from cognition.conversation.floor import Attendee
from cognition.events import Event, Heard, Said
from cognition.persona.due import Due
from cognition.persona.life import Life
from cognition.persona.profile import Persona, PersonaVoice
from cognition.store.store import Store

NOVA = Persona("nova", "Nova", PersonaVoice(), "You are brief.", ())
PRESENT = (Attendee("nova", "Nova", "persona"), Attendee("ada", "Ada", "person"))
LINES = 64
REMINDERS_EVERY = 8
PAUSE = 0.003


class Room:
    """The room's memory: one JSON line for each thing said, on the disk before anybody is told."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+", encoding="utf-8")
        self._file.seek(0)
        # The last line is cut off where the process was killed while it was written: it was never said.
        whole = [line for line in self._file.read().splitlines(keepends=True) if line.endswith("\n")]
        self._file.truncate(sum(len(line.encode()) for line in whole))
        self.said = [json.loads(line) for line in whole]

    def add(self, who: str, id: str, text: str) -> Event:
        spoken = {"who": who, "id": id, "text": text, "at": datetime.now(UTC).isoformat()}
        self._file.write(json.dumps(spoken) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.said.append(spoken)
        return event_of(spoken)

    def close(self) -> None:
        self._file.close()


def event_of(spoken: dict[str, str]) -> Event:
    at = datetime.fromisoformat(spoken["at"])
    if spoken["who"] == "nova":
        return Said("hall", "nova", spoken["text"], at, id=spoken["id"])
    return Heard("hall", "ada", "Ada", spoken["text"], at, spoken["id"])


def line(number: int) -> str:
    if number % REMINDERS_EVERY == 0:
        return "Nova, remind me in one second to stretch."
    return f"Nova, the stars of {number} were lovely."


async def main(directory: Path) -> None:
    room = Room(directory / "room.jsonl")
    store = await Store.open(directory / "store.db")
    life = await Life.open((NOVA,), store)
    for spoken in room.said:
        life.observe(event_of(spoken), PRESENT)

    def grant(due: Due) -> None:
        if due.kind in ("remind", "question"):
            life.observe(room.add("nova", due.id, due.text or "Here I am."), PRESENT)

    os.write(1, b"alive\n")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(life.run(grant))
        for number in range(LINES):
            id = f"line-{number}"
            if all(each["id"] != id for each in room.said):
                life.observe(room.add("ada", id, line(number)), PRESENT)
                await asyncio.sleep(PAUSE)
        # Nobody is told when the last reminder has been given; the process ends once it has.
        while any(each.kind == "remind" for each in life.intentions("nova")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        running.cancel()
    await life.settled()
    await store.aclose()
    room.close()


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                asyncio.run(main(Path(line.strip())))
                status = 0
            finally:
                os._exit(status)
        os.write(1, f"started {child}\n".encode())
        _, ended = os.waitpid(child, 0)
        os.write(1, f"ended {os.waitstatus_to_exitcode(ended)}\n".encode())


if __name__ == "__main__":
    serve()
