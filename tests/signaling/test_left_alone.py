"""Personas that were asked to talk about something with each other, and whom everybody has left meanwhile."""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from cognition.conversation.dialogue import TURNS
from cognition.conversation.floor import Attendee, never
from cognition.events import Event, Read
from cognition.inference.generator import FakeGenerator, Prompt
from cognition.persona.engine import Mind
from cognition.store.erasure import Traces, erase_lives, erase_words, record
from cognition.store.memory_store import MemoryStore
from cognition.store.recorder import entry_of
from cognition.store.store import Storage
from cognition.store.timeline import Participant, append
from media.speech.end_of_turn import FakeTurnModel
from media.speech.lane import FakeLane
from media.speech.listener import SpeechEngines
from media.speech.shared_microphone import Diarization
from media.speech.transcriber import FakeTranscriber
from media.speech.vad import FakeVoiceActivity, SileroModel
from media.speech.voice import FakeVoice
from media.speech.voiceprint import FakeVoiceprints
from signaling.engines import Engines
from signaling.left_alone import KEPT, PATIENCE, Errand, LeftAlone
from signaling.long_memory import OpenMemory
from signaling.mind_process import MindProcess
from signaling.profiles import Profiles
from signaling.settings import Settings
from tests.signaling.house import Client, house, line_to
from tests.signaling.scene import NOVA, ROBIN
from tests.signaling.test_mind_process import Deaf, Watched, make_voice, running, seated, write

pytestmark = pytest.mark.virtual_time

FRUITFUL = (
    "The lake has shade under old oaks.",
    "The mill has a kitchen for forty guests.",
    "Grills could be rented from the choir.",
    "Rain would flood that lower meadow quickly.",
    "Thanks, I agree with all of you.",
    "Great, I agree as well, thank you.",
    "Never reached.",
)
TASK = "Nova and Robin, discuss with each other where to hold the summer party."


def mind_process(store: Storage, generator: FakeGenerator, memory: OpenMemory | None = None) -> MindProcess:
    engines = Engines(
        generator,
        cast(SileroModel, Deaf()),
        SpeechEngines(FakeTranscriber(lambda _: ""), FakeTurnModel(), FakeLane(), FakeLane()),
        {"nova": FakeVoice(), "robin": FakeVoice()},
        FakeLane(),
        Diarization(FakeVoiceprints(), FakeVoiceActivity, FakeLane()),
        make_voice,
        memory,
    )
    return MindProcess(engines, (NOVA, ROBIN), Settings(), store, Profiles((), Path("unused")))


async def leave(client: Client) -> None:
    client.send(type="leave")
    await client.ended()


def said_by_personas(messages: Sequence[dict[str, object]]) -> list[str]:
    return [
        str(each["text"]) for each in messages if each["type"] == "chat" and each["from"] in ("nova", "robin")
    ]


async def test_they_go_on_in_writing_end_by_themselves_and_tell_it_to_who_asked_once_they_are_back(
    tmp_path: Path,
) -> None:
    store, generator = Watched(), FakeGenerator(FRUITFUL)
    process = mind_process(store, generator)
    async with house(tmp_path) as home, line_to(home) as path, running(process, path):
        ada = home.arrive()
        await ada.join("Ada", person="person-ada")
        await seated(ada, "Robin")
        await write(ada, "m1", TASK)
        await leave(ada)
        entries = await store.until(lambda entries: any("I agree as well" in each.text for each in entries))
        await asyncio.sleep(600)
        assert [each.text for each in entries if each.kind == "said" and each.text in FRUITFUL][
            -1
        ] == FRUITFUL[5]
        assert process._living.life is not None
        assert not process._living.life._present, "the room is empty for them too"
        composed = len(generator.streamed)
        stranger = home.arrive()
        await stranger.join("Bob", person="person-bob")
        await seated(stranger, "Robin")
        await asyncio.sleep(60)
        assert not set(said_by_personas(stranger.unread())) & set(FRUITFUL)
        await leave(stranger)
        ada = home.arrive()
        await ada.join("Ada", "ada-2", person="person-ada")
        await seated(ada, "Robin")
        await asyncio.sleep(60)
        told = [text for text in said_by_personas(ada.unread()) if text in FRUITFUL]
        assert told[-2:] == [FRUITFUL[4], FRUITFUL[5]]
        assert len(told) == len(set(told))
        assert len(generator.streamed) == composed
        await leave(ada)


async def test_without_an_errand_nothing_is_composed_in_an_empty_room(tmp_path: Path) -> None:
    store, generator = Watched(), FakeGenerator(FRUITFUL)
    async with house(tmp_path) as home, line_to(home) as path, running(mind_process(store, generator), path):
        ada = home.arrive()
        await ada.join("Ada", person="person-ada")
        await seated(ada, "Robin")
        await write(ada, "m1", "Nova, how far is the moon?")
        await leave(ada)
        await asyncio.sleep(600)
        assert len(generator.streamed) <= 1


class Left:
    """Two personas with an errand, without anything around them."""

    def __init__(self, *said: str) -> None:
        self.generator = FakeGenerator(said)
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.events: list[tuple[Event, Sequence[Attendee]]] = []
        self.mind = Mind(
            [NOVA, ROBIN],
            self.generator,
            now=lambda: self.now,
            observe=lambda event, present: self.events.append((event, present)),
        )
        self.store = MemoryStore()
        self.personas = {"nova", "robin"}
        self.quiet = asyncio.Event()
        self.quiet.set()
        self.alone = self.process()
        for persona in (NOVA, ROBIN):
            self.mind.enter("room", persona.id, persona.name, "persona")
        self.line = Read("room", "u1", "Ada", TASK, self.now, "m1", frozenset({"person-ada"}))
        self.mind.enter("room", "u1", "Ada", "person", "person-ada")
        self.mind.record(self.line)
        self.mind.leave("room", "u1")
        self.errand = Errand(self.line, "person-ada", ("robin", "nova"))
        self.returned = asyncio.Event()

    def process(self) -> LeftAlone:
        """What a mind process has of it."""
        return LeftAlone(
            self.mind, self.store, lambda: self.now, personas=self.personas, quiet=self.quiet.wait
        )

    def lived(self, connection: sqlite3.Connection) -> None:
        """The timeline has what was observed."""
        for event, present in self.events:
            there = [Participant(each.id, each.kind, each.name) for each in present]
            append(connection, entry_of(event, there))

    async def go_on(self) -> None:
        await self.alone.go_on("room", self.errand, self.returned)


async def test_each_reads_what_was_said_before_and_the_rule_of_every_exchange_ends_it() -> None:
    left = Left(*FRUITFUL)
    await left.go_on()
    told = left.alone.results("room", frozenset({"person-ada"}))
    assert [each.participant for each in told] == ["robin", "nova"] * 3
    assert [each.text for each in told] == list(FRUITFUL[:6])
    assert "The lake has shade" in left.generator.streamed[1][1].turns[-1].text
    assert left.alone.counts == {"left alone: nothing-new": 1}
    assert left.alone.results("room", frozenset({"person-ada"})) == []


async def test_it_ends_after_so_many_turns_however_much_there_is_to_say() -> None:
    words = [f"{a}{b}{c}" for a in "bdfgkl" for b in "aeiou" for c in "mnrst"]
    left = Left(*(" ".join(words[4 * at : 4 * at + 4]) + "." for at in range(2 * TURNS)))
    await left.go_on()
    assert len(left.generator.streamed) == TURNS
    assert left.alone.counts == {"left alone: conversation-over": 1}


async def test_it_stops_at_once_when_somebody_is_back_and_what_was_said_is_kept() -> None:
    left = Left(*FRUITFUL)
    talking = asyncio.create_task(left.go_on())
    # The fake model tells nobody when it is asked: its virtual clock is looked at.
    while len(left.generator.streamed) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    left.returned.set()
    await talking
    assert len(left.generator.streamed) == 3
    assert [each.text for each in left.alone.results("room", frozenset({"person-ada"}))] == list(FRUITFUL[:2])
    assert left.alone.counts == {"left alone: somebody is back": 1}


async def test_it_is_told_to_nobody_else_and_not_after_half_a_day() -> None:
    left = Left(*FRUITFUL)
    await left.go_on()
    assert left.alone.results("room", frozenset()) == []
    assert left.alone.results("room", frozenset({"person-bob"})) == []
    assert left.alone.results("room", frozenset({"person-ada", "person-bob"})) == []
    assert left.alone.results("attic", frozenset({"person-ada"})) == []
    left.now += KEPT + timedelta(seconds=1)
    assert left.alone.results("room", frozenset({"person-ada"})) == []


async def test_who_is_forgotten_is_told_nothing() -> None:
    for identity, rooms in (("person-ada", frozenset[str]()), ("person-bob", frozenset({"room"}))):
        left = Left(*FRUITFUL)
        await left.go_on()
        left.alone.forget("person-eve", frozenset({"attic"}))
        left.alone.forget(identity, rooms)
        assert left.alone.results("room", frozenset({"person-ada"})) == []


async def test_a_process_that_is_started_anew_tells_what_the_one_before_did_not() -> None:
    left = Left(*FRUITFUL)
    await left.go_on()
    await left.store.write(left.lived)
    again = left.process()
    await again.open()
    assert again.results("room", frozenset({"person-bob"})) == []
    told = again.results("room", frozenset({"person-ada"}))
    assert [(each.participant, each.text, each.kind) for each in told] == [
        (who, text, "chat") for who, text in zip(["robin", "nova"] * 3, FRUITFUL, strict=False)
    ]
    await again.told("room")
    third = left.process()
    await third.open()
    assert third.results("room", frozenset({"person-ada"})) == []


async def test_a_process_that_is_started_after_half_a_day_tells_nothing_and_erased_words_are_not_told() -> (
    None
):
    left = Left(*FRUITFUL)
    await left.go_on()
    await left.store.write(left.lived)

    def erased(connection: sqlite3.Connection) -> None:
        number = record(connection, at=left.now, by="ada", what="memories", events=1, memories=0)
        rows = connection.execute("SELECT seq FROM event WHERE text = ?", (FRUITFUL[1],)).fetchall()
        erase_words(connection, number, {seq: "" for (seq,) in rows})

    await left.store.write(erased)
    again = left.process()
    await again.open()
    told = [each.text for each in again.results("room", frozenset({"person-ada"}))]
    assert told == [FRUITFUL[0], *FRUITFUL[2:6]]
    left.now += KEPT + timedelta(seconds=1)
    late = left.process()
    await late.open()
    assert late.results("room", frozenset({"person-ada"})) == []


async def test_what_was_said_for_who_is_forgotten_is_not_told_by_a_process_started_anew() -> None:
    for identity, room in (("person-ada", "attic"), ("person-bob", "room"), ("", "room")):
        left = Left(*FRUITFUL)
        await left.go_on()
        await left.store.write(left.lived)
        nobody = frozenset[str]()
        traces = Traces(identity, nobody, nobody, frozenset({room}), nobody, ())
        await left.store.write(lambda c, traces=traces: erase_lives(c, traces, never, never))  # type: ignore[misc]
        again = left.process()
        await again.open()
        assert again.results("room", frozenset({"person-ada"})) == []


async def test_who_is_spoken_with_elsewhere_is_answered_first_but_not_for_ever() -> None:
    left = Left(*FRUITFUL)
    left.quiet.clear()
    talking = asyncio.create_task(left.go_on())
    await asyncio.sleep(PATIENCE / 2)
    assert left.generator.streamed == []
    left.quiet.set()
    await talking
    assert len(left.generator.streamed) == 6
    left = Left(*FRUITFUL)
    left.quiet.clear()
    await left.go_on()
    assert len(left.generator.streamed) == 6
    assert left.alone.counts["left alone: did not wait for those who speak"] == 6


async def test_a_persona_that_is_taken_from_the_server_says_nothing_more() -> None:
    left = Left(*FRUITFUL)
    left.personas.remove("nova")
    await left.go_on()
    assert left.generator.streamed == []
    assert left.alone.counts == {"left alone: nobody to talk to": 1}


async def test_what_they_know_from_others_stays_out_of_it() -> None:
    left = Left(*FRUITFUL)
    bob = replace(left.line, participant="u2", name="Bob", text="Ada's party is a surprise.", id="m0")
    left.mind.enter("room", "u2", "Bob", "person", "person-bob")
    left.mind.record(replace(bob, there=frozenset({"u2"})))
    left.mind.leave("room", "u2")
    await left.go_on()
    assert not any("surprise" in text(prompt) for _, prompt in left.generator.streamed)


def text(prompt: Prompt) -> str:
    return "\n".join(turn.text for turn in prompt.turns)
