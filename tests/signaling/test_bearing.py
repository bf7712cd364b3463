"""How personas are, as a room's people see it: whoever rests is seen to rest, and not to listen."""

from pathlib import Path

import pytest

from cognition.conversation.disposition import Disposition
from signaling.bearing import Bearings
from signaling.room_line import RoomLine
from tests.signaling.house import Client, house, line_to, mind_of

pytestmark = pytest.mark.virtual_time


async def statuses(client: Client, number: int) -> list[str]:
    return [(await client.expect("participant"))["participant"]["status"] for _ in range(number)]


async def test_a_persona_that_rests_is_seen_to_rest_whenever_it_does_nothing_else(tmp_path: Path) -> None:
    tired = Disposition(energy=0.1)
    now = {"nova": tired, "robin": Disposition()}
    bearings = Bearings(lambda persona: now[persona], lambda persona: "novice")
    async with house(tmp_path) as home, line_to(home) as path, mind_of(path) as mind:
        await mind.attach()
        ada = await home.seated("Ada")
        port = RoomLine(mind.endpoint, "lobby")
        for id in now:
            await mind.ask("persona.join", id=id, name=id.title())
            bearings.seat("lobby", id, port)
        await statuses(ada, len(now))

        # It says that it will rest, and rests once it has said so.
        port.status("nova", "speaking")
        now["nova"] = Disposition(energy=0.1, resting=True)
        bearings.show()
        port.status("nova", "listening")
        assert await statuses(ada, 2) == ["speaking", "resting"]

        # Called by name it answers, and rests on; then it wakes.
        port.status("nova", "thinking")
        port.status("nova", "listening")
        now["nova"] = Disposition(energy=0.6)
        bearings.show()
        port.status("robin", "thinking")
        assert await statuses(ada, 4) == ["thinking", "resting", "listening", "thinking"]

        # Where a mind takes over, it is seen at once.
        now["nova"] = Disposition(energy=0.1, resting=True)
        bearings.leave("lobby")
        bearings.seat("lobby", "nova", RoomLine(mind.endpoint, "lobby"))
        assert await statuses(ada, 1) == ["resting"]
