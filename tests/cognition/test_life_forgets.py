"""Personas let go of who is forgotten: nothing of them is kept again, and what is of others stays."""

import sqlite3

import pytest

from cognition.memory.redaction import names_one_of
from cognition.store.memory_store import MemoryStore
from tests.cognition.lives import ADA, BOB, NOVA, ROBIN, hall

pytestmark = pytest.mark.virtual_time


def kept(connection: sqlite3.Connection) -> str:
    tables = ("intention", "inbox_message", "experience", "inner_note")
    return " ".join(str(row) for table in tables for row in connection.execute(f"SELECT * FROM {table}"))


async def test_what_personas_have_of_a_person_in_memory_is_not_kept_again() -> None:
    store = MemoryStore()
    async with hall(NOVA, ROBIN, store=store, people=(ADA, BOB)) as here:
        here.deaf = True
        here.hear(ADA, "Nova, remind me in ten minutes to feed the axolotl.")
        here.hear(BOB, "Nova, remind me in ten minutes to water the ferns.")
        for _ in range(8):
            here.hear(ADA, "Zymurgy is wonderful, is it not?")
        await here.life.settled()
        before = await store.read(kept)
        assert "axolotl" in before
        assert "ferns" in before
        here.life.forget({"ada"}, {"hall"}, names_one_of({"Ada"}), names_one_of({"axolotl", "zymurgy"}))
        await here.life.settled()
        after = (await store.read(kept)).casefold()
        assert [word for word in ("axolotl", "zymurgy", "ada") if word in after] == []
        assert "ferns" in after
        here.hear(BOB, "Nova, how are you today?")
        await here.life.settled()
        assert "zymurgy" not in (await store.read(kept)).casefold()
        assert [each.to for each in here.life.intentions("nova") if each.kind == "remind"] == ["bob"]
