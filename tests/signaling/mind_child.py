"""A mind with fake engines and a real store, to be killed; run by test_mind_killed.py."""

import asyncio
import os
import sys
from pathlib import Path

from cognition.store.store import Store
from tests.signaling.test_mind_process import mind_process


async def live(socket: Path, path: Path) -> None:
    await mind_process(await Store.open(path)).run(socket)


def serve() -> None:
    """Forks a mind for each command line `socket store`: the imports are paid once."""
    for line in sys.stdin:
        socket, path = line.split()
        child = os.fork()
        if child == 0:
            # What it logs is nobody's answer.
            os.dup2(2, 1)
            asyncio.run(live(Path(socket), Path(path)))
            os._exit(0)
        os.write(1, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"ended {status}\n".encode())


if __name__ == "__main__":
    serve()
