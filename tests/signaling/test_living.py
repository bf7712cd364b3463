"""The personas' life as the rooms of a process see it."""

from datetime import UTC, datetime

import pytest

from cognition.events import Heard
from cognition.inference.generator import FakeGenerator
from cognition.store.memory_store import MemoryStore
from signaling.living import Living
from tests.signaling.scene import NOVA, ROBIN

pytestmark = pytest.mark.virtual_time


async def test_what_a_persona_did_not_come_to_say_is_known_in_the_room_where_it_was_to_be_said() -> None:
    living = Living(MemoryStore(), FakeGenerator(["Fine."]), lambda: [])
    assert living.held_back("hall") == frozenset()
    await living.open([NOVA, ROBIN])
    assert living.life is not None
    living.life.held_back(
        "nova", "hall", Heard("hall", "ada", "Ada", "Who knows a star?", datetime.now(UTC), "l1")
    )
    assert living.held_back("hall") == {"nova"}
    assert living.held_back("kitchen") == frozenset()
