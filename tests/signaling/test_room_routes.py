"""What an operator sets of a room over HTTP, and what follows from it for what personas may tell."""

from pathlib import Path

import pytest

from cognition.store.memory_store import MemoryStore
from tests.signaling.house import KEY, house, line_to
from tests.signaling.test_mind_process import mind_process, running
from tests.signaling.test_next_week import come, fake_memory, go, greeting
from tests.signaling.test_persona_card import browser
from tests.signaling.test_self_service import asked, settled

pytestmark = pytest.mark.virtual_time

LOGIN = {"Authorization": f"Bearer {KEY.decode()}"}


async def test_an_operator_opens_a_room_and_what_was_said_there_may_be_told_elsewhere(tmp_path: Path) -> None:
    store = MemoryStore()
    async with house(tmp_path) as home, line_to(home) as path, browser(home) as http:
        mind = mind_process(store, memory=fake_memory)
        async with running(mind, path):
            ada = await come(home, "lobby", "Ada", "person-ada")
            await greeting(ada)
            await asked(ada, "m1", "I live in Rome.")
            await go(ada)
            await settled(mind)
            bob = await come(home, "attic", "Bob", "person-bob")
            hearers = frozenset({"person-bob"})
            recall = mind._memory.recall
            now = mind._mind._now()
            assert await recall.recall("nova", hearers, "Where does Ada live?", now=now) == ()
            assert (await http.post("/api/rooms/lobby", json={"openness": "open"})).status_code == 401
            for wrong in ({"openness": "shut"}, {}, {"openness": "open", "colour": 3}):
                assert (await http.post("/api/rooms/lobby", json=wrong, headers=LOGIN)).status_code == 422
            assert (await http.get("/api/rooms/lobby", headers=LOGIN)).json()["openness"] == "present"
            answer = await http.post("/api/rooms/lobby", json={"openness": "open"}, headers=LOGIN)
            assert answer.json() == {"room": "lobby", "openness": "open"}
            told = await recall.recall("nova", hearers, "Where does Ada live?", now=now)
            assert any("Rome" in each.text for each in told)
            await http.post("/api/rooms/lobby", json={"openness": "present"}, headers=LOGIN)
            assert await recall.recall("nova", hearers, "Where does Ada live?", now=now) == ()
            await go(bob)


async def test_while_no_mind_is_there_an_operator_is_told_so(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home), browser(home) as http:
        assert (await http.get("/api/rooms/lobby", headers=LOGIN)).status_code == 503
        assert (await http.get("/api/rooms/lobby")).status_code == 401
