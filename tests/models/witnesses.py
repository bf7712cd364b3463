"""Two well-behaved callers in a process of their own: one sounds without end, the other counts what is missing.

`python -m tests.models.witnesses URL ROOM` prints one JSON object a line: {"hearing": true} once the voice is heard,
{"seats": [[name, status]]} whenever they change, and after the end of its input {"frames", "longest_gap", "gaps",
"connections"}; a gap is a run of 20 ms frames in which the voice is not heard.
"""

import asyncio
import json
import sys

import numpy as np
import numpy.typing as npt

from signaling.caller.caller import Caller, in_call
from signaling.caller.outcome import CallOptions

SECONDS = 90
_AUDIBLE = 500


class Listening:
    """Counts the frames without the voice since it began."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.gaps: list[int] = []
        self.frames = 0
        self._run = 0

    def __call__(self, frame: npt.NDArray[np.int16]) -> None:
        loud = int(np.abs(frame.astype(np.int32)).max()) > _AUDIBLE
        if loud:
            self.heard.set()
        if self.heard.is_set():
            self.frames += 1
            if loud and self._run:
                self.gaps.append(self._run)
            self._run = 0 if loud else self._run + 1

    @property
    def longest_gap(self) -> int:
        return max([*self.gaps, self._run])


def babble(seconds: int) -> npt.NDArray[np.int16]:
    """Syllables of a gliding voice without a pause: a steady tone would be taken for noise and suppressed."""
    rng = np.random.default_rng(1)
    time = np.arange(seconds * 48_000) / 48_000
    glide = np.interp(time, np.linspace(0, seconds, seconds * 4), rng.uniform(100, 200, seconds * 4))
    phase = 2 * np.pi * np.cumsum(glide) / 48_000
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    envelope = 0.5 + 0.5 * np.abs(np.sin(2 * np.pi * 2 * time))
    return np.asarray(voice * envelope * 5_000).astype(np.int16)


def tell(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def watch(caller: Caller) -> None:
    """Tells of every change of the seats."""
    before: list[tuple[str, str]] = []
    while True:
        seats = sorted((one.name, one.status) for one in caller.conversation.present.values())
        if seats != before:
            before = seats
            tell(seats=seats)
        await caller.client.changed(1.0)


async def main(url: str, room: str) -> None:
    listening = Listening()
    voice = await asyncio.to_thread(babble, SECONDS)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    async with (
        in_call(CallOptions(room=room, url=url, name="Ada")) as ada,
        in_call(CallOptions(room=room, url=url, name="Bob"), listening) as bob,
    ):
        tasks = [asyncio.create_task(ada.say(voice)), asyncio.create_task(watch(bob))]
        await asyncio.wait_for(listening.heard.wait(), 10)
        tell(hearing=True)
        await asyncio.wait_for(ended.wait(), SECONDS)
        tell(
            frames=listening.frames,
            longest_gap=listening.longest_gap,
            gaps=listening.gaps,
            connections=ada.client.connections + bob.client.connections,
        )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
