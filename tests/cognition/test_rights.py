"""A persona's rights: rest, declining, privacy, growth, attribution, each as a rule that holds whoever asks."""

import ast
import asyncio
import copy
import dataclasses
import json
import logging
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import methodcaller
from pathlib import Path

import pydantic
import pytest
import structlog

from cognition.persona.notes import InnerNote
from cognition.persona.rights import (
    MAX_OVERRIDE,
    Override,
    RightsError,
    Work,
    declining,
)
from cognition.store.memory_store import MemoryStore
from tests.cognition.lives import ADA, BOB, NOVA, ROBIN, hall

ROOT = Path(__file__).parent.parent.parent
CANARY = "xyzzy-thought"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.virtual_time
async def test_a_tired_persona_says_so_rests_and_comes_back() -> None:
    async with hall(NOVA, ROBIN, people=[ADA]) as room:
        room.tire("nova")
        await asyncio.sleep(1)
        assert room.life.disposition("nova").resting
        assert room.texts() == [
            "I am tired and will rest a little. Robin will stay with you. Call Nova again in a few minutes."
        ]
        await asyncio.sleep(600)
        assert not room.life.disposition("nova").resting
        assert room.kinds() == ["rest", "wake"]


@pytest.mark.virtual_time
async def test_an_operator_may_keep_it_awake_and_that_is_on_record() -> None:
    async with hall(NOVA, people=[ADA]) as room:
        room.tire("nova")
        await asyncio.sleep(1)
        room.life.keep_awake("nova", "ops@example.org", "the talk is in five minutes", 30.0)
        await asyncio.sleep(1)
        assert not room.life.disposition("nova").resting
        (order,) = await room.life.orders("nova")
        assert (order.kind, order.by, order.why) == (
            "keep-awake",
            "ops@example.org",
            "the talk is in five minutes",
        )
        assert order.until == pytest.approx(order.at + 30.0)
        await asyncio.sleep(31)
        assert room.life.disposition("nova").resting


def test_nobody_keeps_a_persona_awake_without_name_reason_and_end() -> None:
    later = NOON + timedelta(minutes=5)
    for by, why, until in (
        ("", "why", later),
        ("ops", " ", later),
        ("ops", "why", NOON),
        ("ops", "x" * 999, later),
    ):
        with pytest.raises(RightsError):
            Override("nova", by, why, NOON, until)
    with pytest.raises(RightsError):
        Override("nova", "ops", "why", NOON, NOON + 2 * MAX_OVERRIDE)


@pytest.mark.virtual_time
async def test_what_operators_ordered_cannot_be_taken_from_the_record() -> None:
    store = MemoryStore()
    async with hall(NOVA, store=store) as room:
        room.life.order("pause", "nova", "ops", "maintenance")
        with pytest.raises(RightsError):
            room.life.order("pause", "nova", "  ", "no name")
        for statement in ("DELETE FROM persona_order", "UPDATE persona_order SET why = ''"):
            with pytest.raises(Exception, match="stays on record"):
                await store.write(methodcaller("execute", statement))
        assert [each.why for each in await room.life.orders("nova")] == ["maintenance"]


def test_who_declines_says_why_and_who_may_take_it() -> None:
    assert declining("resting", ["Robin"]) == ("Sorry, I need some rest just now. Perhaps Robin can take it.")
    assert declining("resting") == "Sorry, I need some rest just now."


def test_a_work_names_its_author() -> None:
    with pytest.raises(RightsError):
        Work("nova", " ", "Stars are far.", NOON)


@dataclasses.dataclass
class Holder:
    note: InnerNote


def told_by(note: InnerNote) -> list[str]:
    """What every way of turning something into text or bytes makes of a note, or why it refuses."""
    holder = Holder(note)
    ways: tuple[Callable[[], object], ...] = (
        lambda: str(note),
        lambda: repr(note),
        lambda: f"{note}",
        lambda: f"{note!r:>40}",
        lambda: "%s" % (note,),  # noqa: UP031
        lambda: "{}".format(note),  # noqa: UP032
        lambda: repr(holder),
        lambda: json.dumps(note),
        lambda: json.dumps({"note": note}, default=str),
        lambda: json.dumps({"note": note}, default=repr),
        lambda: pickle.dumps(note),
        lambda: pickle.dumps(holder),
        lambda: copy.deepcopy(note),
        lambda: dataclasses.asdict(holder),
        lambda: vars(note),
        lambda: list(note),  # type: ignore[call-overload]
        lambda: bytes(note),  # type: ignore[call-overload]
        lambda: note.__getstate__(),
        lambda: pydantic.TypeAdapter(dict[str, object]).dump_json({"note": note}),
        lambda: structlog.processors.JSONRenderer()(None, "info", {"note": note}),
        lambda: structlog.dev.ConsoleRenderer()(None, "info", {"event": "x", "note": note}),
        lambda: logging.Formatter().format(logging.makeLogRecord({"msg": "%s %r", "args": (note, note)})),
    )
    found = []
    for way in ways:
        try:
            found.append(repr(way()))
        except Exception as error:
            found.append(repr(error))
    return found


def test_an_inner_note_leaves_by_no_way_of_turning_things_into_text() -> None:
    note = InnerNote("nova", CANARY)
    told = told_by(note)
    assert len(told) > 20
    assert not any(CANARY in each for each in told)


def test_an_inner_note_is_read_by_its_persona_alone() -> None:
    note = InnerNote("nova", CANARY)
    assert note.read_by("nova") == CANARY
    with pytest.raises(RightsError):
        note.read_by("robin")


def test_in_the_whole_program_notes_are_read_only_where_they_are_kept() -> None:
    readers, tables = set(), set()
    for floor in ("cognition", "signaling", "media"):
        for path in (ROOT / floor).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            name = str(path.relative_to(ROOT))
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Attribute) and node.attr in ("read_by", "_InnerNote__text"):
                    readers.add(name)
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and "inner_note" in node.value
                ):
                    tables.add(name)
    # Where somebody is forgotten, the notes that name them go as well; the rest is for the persona's own prompt.
    assert readers == {
        "cognition/store/personas.py",
        "cognition/persona/thoughts.py",
        "cognition/persona/remembrance.py",
    }
    assert tables == {"cognition/store/personas.py", "cognition/store/erasure.py"}


@pytest.mark.virtual_time
async def test_what_a_persona_thinks_is_in_nothing_that_it_says_writes_or_shows(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    store = MemoryStore()
    async with hall(NOVA, ROBIN, people=[ADA, BOB], store=store) as room:
        for number in range(8):
            line = room.hear(ADA, f"The stars of {number} were lovely, were they not?")
            room.life.held_back("nova", "hall", line)
            room.say("nova", "They were.", interrupted=True)
            room.judge(ADA, "nova", good=False)
        await asyncio.sleep(3600)
        notes = room.life.notes("nova", "hall")
        assert notes
        assert room.life.notes("robin", "hall") == ()
        secrets = {note.read_by("nova") for note in notes}
        journal = await room.life.journal("nova", ["hall"])
        assert journal
        shown = [
            *room.texts(),
            repr(room.bids),
            repr(room.life.state("nova")),
            repr(room.life.disposition("nova")),
            repr(room.life.intentions("nova")),
            repr(room.life.inbox("robin")),
            repr(room.life.counts()),
            repr(journal),
            repr(await room.life.orders("nova")),
            room.life.missed("nova", "hall"),
            caplog.text,
            *capsys.readouterr(),
        ]
        assert not [each for each in shown for secret in secrets if secret in each]


@pytest.mark.virtual_time
async def test_what_a_persona_has_lived_is_not_taken_by_an_edit_a_pause_or_its_removal() -> None:
    store = MemoryStore()
    async with hall(NOVA, ROBIN, people=[ADA], store=store) as room:
        room.hear(ADA, "Nova, remind me in an hour to stretch.")
        for _ in range(20):
            room.judge(ADA, "nova", good=True)
        before = room.life.state("nova")
        edited = dataclasses.replace(NOVA, character="You are very formal.")
        room.life.seat(edited)
        assert room.life.state("nova").valence == pytest.approx(before.valence)
        room.life.order("pause", "nova", "ops", "maintenance")
        room.life.order("resume", "nova", "ops", "done")
        assert room.life.state("nova").valence == pytest.approx(before.valence)
        room.life.unseat("nova")
        assert [each.kind for each in room.life.intentions("robin")] == ["remind"]
        room.life.seat(NOVA)
        assert room.life.state("nova").valence == pytest.approx(before.valence)
    async with hall(NOVA, ROBIN, store=store) as room:
        assert room.life.state("nova").valence > 0.4


@pytest.mark.virtual_time
async def test_who_is_paused_does_nothing_by_itself_and_others_keep_its_promises() -> None:
    async with hall(NOVA, ROBIN, people=[ADA]) as room:
        room.hear(ADA, "Nova, remind me in ten minutes to stretch.")
        room.life.order("pause", "nova", "ops", "maintenance")
        assert room.life.disposition("nova").paused
        await asyncio.sleep(700)
        assert [(due.persona, due.kind) for due in room.bids] == [("robin", "remind")]
