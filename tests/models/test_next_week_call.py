"""A call today, another a week later in another room, with the real server and its models."""

import asyncio
import contextlib
import sqlite3
import time
from datetime import timedelta
from pathlib import Path

import pytest

from perf.running_server import RunningServer, running_server
from signaling.call import call
from signaling.caller.outcome import CallOptions, CallResult
from signaling.server.tokens import Tokens
from signaling.settings import Settings, signing_key

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]

WEEK = timedelta(days=7)
TIMES = {
    "event": ("at",),
    "memory": ("at", "told", "valid_from", "valid_to", "due", "used_at"),
}
"""Columns in microseconds since 1970."""


def one_call(server: RunningServer, tokens: Tokens, room: str, person: str | None, *texts: str) -> CallResult:
    token = tokens.mint_join(room, f"seat-{room}", person=person)
    options = CallOptions(room, server.url, texts=texts, name="Ada", token=token, greeting_timeout=20.0)
    return asyncio.run(call(options))


def remembered(store: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM memory WHERE kind = 'thread'")]


def until_remembered(store: Path, seconds: float) -> None:
    """Waits for idle time to make a memory of it; the server tells nobody when it has."""
    end = time.monotonic() + seconds
    while not remembered(store):
        assert time.monotonic() < end, "nothing was remembered"
        time.sleep(0.5)


def let_a_week_pass(store: Path) -> None:
    """Dates everything a week back, in a store that nobody has open."""
    back = int(WEEK.total_seconds() * 1_000_000)
    with contextlib.closing(sqlite3.connect(store)) as connection, connection:
        (trigger,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'event_is_append_only'"
        ).fetchone()
        connection.execute("DROP TRIGGER event_is_append_only")
        for table, columns in TIMES.items():
            shifted = ", ".join(f"{column} = {column} - {back}" for column in columns)
            connection.execute(f"UPDATE {table} SET {shifted}")
        connection.execute(trigger)


def test_who_calls_again_next_week_is_greeted_by_name_with_what_was_open(tmp_path: Path) -> None:
    tokens = Tokens(signing_key(Settings(state_dir=tmp_path)))
    store = Settings(state_dir=tmp_path).store_path
    with running_server({"CONTINUUM_STATE_DIR": str(tmp_path)}) as server:
        first = one_call(
            server, tokens, "lobby", "person-ada", "I have a job interview on Friday and I am nervous."
        )
        until_remembered(store, 120.0)
    let_a_week_pass(store)
    with running_server({"CONTINUUM_STATE_DIR": str(tmp_path)}) as server:
        again = one_call(server, tokens, "attic", "person-ada", "What is my interview about?")
        stranger = one_call(server, tokens, "kitchen", None)
    assert "interview" not in (first.greeting or "")
    assert "Ada" in (again.greeting or "")
    assert "How did the job interview go?" in (again.greeting or "")
    assert "interview" not in (stranger.greeting or "")
