"""From a click in the page to the ledger and back: feedback, cards, and what is said of tasks."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cognition.conversation.disposition import Disposition
from cognition.events import Event, Feedback, Heard, Said
from cognition.persona.actions import Allowed, Refused
from cognition.persona.due import Due
from cognition.persona.journal import Entry
from cognition.persona.reputation import DAY_S, KNOWN_DAYS
from cognition.persona.rights import Work
from cognition.persona.trust import Trust
from cognition.store.errors import DiskError
from cognition.store.memory_store import MemoryStore
from cognition.store.personas import Change, save
from cognition.store.timeline import Event as Lived
from cognition.store.timeline import Participant, Place, append, open_place
from signaling.bearing import Bearings
from signaling.ipc.jsonrpc import JsonObject
from signaling.judgements import Judgements, _journal_for
from signaling.room_line import RoomLine
from tests.signaling.house import Client, FakeMind, House, house, line_to, mind_of
from tests.signaling.scene import NOVA, ROBIN
from tests.signaling.test_mind_process import mind_process, running, seated

pytestmark = pytest.mark.virtual_time

PERSONAS = {persona.id: persona for persona in (NOVA, ROBIN)}


class FullStore(MemoryStore):
    """A store whose disk may be full."""

    full = False

    def submit(self, work: Any) -> Any:
        if self.full:
            raise DiskError("the disk is full: make room")
        return super().submit(work)


@dataclass
class Office:
    """A room of media, and the ledger behind it."""

    home: House
    mind: FakeMind
    store: FullStore
    trust: Trust
    judgements: Judgements
    bearings: Bearings
    now: list[float]
    lived: list[Event] = field(default_factory=list)

    def person(self, id: str) -> JsonObject:
        seat = self.home.conference.room("lobby")
        return seat.introduction(seat.state.seats[id])

    def persons(self, room: str) -> dict[str, JsonObject]:
        state = self.home.conference.room(room).state
        return {seat.id: self.person(seat.id) for seat in state.persons()}

    async def seat(self, *ids: str) -> None:
        for id in ids:
            await self.mind.ask("persona.join", id=id, name=PERSONAS[id].name)
            self.bearings.seat("lobby", id, RoomLine(self.mind.endpoint, "lobby"))

    async def says(self, persona: str, id: str, text: str, listeners: list[str] | None = None) -> None:
        await self.mind.ask(
            "caption", id=persona, utterance=id, text=text, final=True, record=True, listeners=listeners
        )

    async def card(self, client: Client, persona: str = "nova", **more: Any) -> dict[str, Any]:
        client.send(type="card", id="card", persona=persona, **more)
        return await client.expect("card")

    def pass_days(self, days: float) -> None:
        self.now[0] += days * DAY_S


@asynccontextmanager
async def office(directory: Path) -> AsyncIterator[Office]:
    now = [20_000 * DAY_S]
    store = FullStore()
    trust = await Trust.open(store, clock=lambda: now[0])
    bearings = Bearings(lambda persona: Disposition(), lambda persona: trust.standing(persona).level)
    judgements = Judgements(
        trust,
        store,
        lived=lambda event: open_office.lived.append(event),
        personas=lambda: PERSONAS,
        persons=lambda room: open_office.persons(room),
        lines=lambda room: [
            {"id": line.id, "from": line.sender, "text": line.text}
            for line in open_office.home.conference.room(room).state.history
        ],
        changed=bearings.show,
    )
    handlers = {"feedback": judgements.feedback, "persona.card": judgements.card}
    async with house(directory) as home, line_to(home) as path, mind_of(path, handlers) as mind:
        open_office = Office(home, mind, store, trust, judgements, bearings, now)
        await mind.attach()
        keeping = asyncio.create_task(judgements.run())
        try:
            yield open_office
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def judge(client: Client, value: int, line: str | None = "u1", **more: Any) -> None:
    number = len(client.socket.sent)
    client.send(type="feedback", id=f"f{number}", persona="nova", line=line, value=value, **more)
    await client.expect("ack", id=f"f{number}")


async def test_a_click_is_in_the_ledger_when_it_is_acknowledged_and_on_the_card(tmp_path: Path) -> None:
    async with office(tmp_path) as at:
        ada = await at.home.seated("Ada")
        await at.seat("nova")
        await at.says("nova", "u1", "Jupiter is no star, it is a planet.")
        await judge(ada, 1)
        assert at.trust.standing("nova").praised == 1
        (lived,) = at.lived
        assert isinstance(lived, Feedback)
        assert (lived.persona, lived.value, lived.participant, lived.line) == ("nova", 1, ada.id, "u1")
        card = await at.card(ada)
        assert (card["level"], card["standing"]["praised"], card["standing"]["givers"]) == ("novice", 1, 1)
        assert [one["domain"] for one in card["expertise"]] == ["stars"]
        (event,) = card["history"]
        assert (event["kind"], event["value"], event["mine"], event["line"]) == ("feedback", 1, True, "u1")
        allowed = {one["action"] for one in card["actions"] if one["allowed"]}
        assert {"answer", "rest", "remind"} <= allowed
        assert "interrupt" not in allowed


async def test_who_gave_what_is_told_to_themselves_and_to_others_only_where_they_signed(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as at:
        ada, bob = await at.home.seated("Ada"), await at.home.seated("Bob")
        await at.seat("nova")
        await at.says("nova", "u1", "Well.")
        at.pass_days(0.4)
        await judge(ada, -1)
        (event,) = (await at.card(bob))["history"]
        assert (event["by"], event["mine"], event["line"]) == (None, False, None)
        assert event["at"].endswith("T00:00:00+00:00"), "the day, not the moment"
        (event,) = (await at.card(ada))["history"]
        assert event["mine"]
        assert not event["at"].endswith("T00:00:00+00:00")
        await judge(ada, -1, signed=True)
        (event,) = (await at.card(bob))["history"]
        assert event["by"] == "Ada"
        assert "ada" not in str({**event, "by": None}).lower()


async def test_a_button_pressed_a_hundred_times_moves_the_mood_once_and_the_ledger_once(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as at:
        ada = await at.home.seated("Ada")
        await at.seat("nova")
        await at.says("nova", "u1", "Well.")
        for number in range(15):
            await judge(ada, (1, 0, -1)[number % 3])
            at.pass_days(0.0001)
        assert len({event.id for event in at.lived if isinstance(event, Feedback)}) == 2
        standing = at.trust.standing("nova")
        assert (standing.praised, standing.criticised) == (0, 1)


async def test_the_room_sees_when_a_persona_is_trusted(tmp_path: Path) -> None:
    async with office(tmp_path) as at:
        clients = [await at.home.seated(name) for name in ("Ada", "Bob", "Cleo")]
        await at.seat("nova", "robin")
        told = await clients[0].expect("presence", id="nova")
        assert (told["level"], told["energy"]) == ("novice", 1.0)
        for _ in range(KNOWN_DAYS + 2):
            for client in clients:
                await judge(client, 1, line=None)
            at.pass_days(1)
        for client in clients:
            await client.settled()
            shown = [json.loads(text) for text in client.socket.sent if '"type":"presence"' in text]
            assert [(each["id"], each["level"]) for each in shown if each["id"] == "nova"] == [
                ("nova", "novice"),
                ("nova", "trusted"),
            ]
            assert {each["level"] for each in shown if each["id"] == "robin"} == {"novice"}
        card = await at.card(clients[1])
        levels = [(event["level"], event["value"]) for event in card["history"] if event["kind"] == "level"]
        assert levels == [("trusted", 1)]


async def test_what_cannot_be_kept_is_not_acknowledged_and_can_be_given_again(tmp_path: Path) -> None:
    async with office(tmp_path) as at:
        ada = await at.home.seated("Ada")
        await at.seat("nova")
        at.store.full = True
        ada.send(type="feedback", id="f", persona="nova", value=1)
        assert (await ada.expect("error", id="f"))["code"] == "mind-away"
        assert at.trust.standing("nova").praised == 0
        at.store.full = False
        ada.send(type="feedback", id="f", persona="nova", value=1)
        await ada.expect("ack", id="f")
        assert at.trust.standing("nova").praised == 1


async def test_a_task_is_done_when_it_was_said_and_done_well_when_the_asker_says_so(tmp_path: Path) -> None:
    async with office(tmp_path) as at:
        ada, bob = await at.home.seated("Ada"), await at.home.seated("Bob")
        await at.seat("nova")
        now = datetime.now(UTC)
        talk: list[Event] = [
            Heard("lobby", ada.id, "Ada", "Nova, how many stars are in our galaxy?", now, "q"),
            Said(
                "lobby",
                "nova",
                "Some two hundred billion.",
                now + timedelta(seconds=2),
                id="u1",
                answers=(ada.id, "q"),
            ),
            Heard("lobby", bob.id, "Bob", "That's wrong.", now + timedelta(seconds=4), "b"),
            Heard("lobby", ada.id, "Ada", "Thanks, that's right.", now + timedelta(seconds=6), "a"),
        ]
        for event in talk:
            at.judgements.observe(event)
        await ada.settled()
        for event in talk:
            at.judgements.observe(event)
        card = await at.card(ada)
        standing = card["standing"]
        assert (standing["completed"], standing["succeeded"], standing["failed"]) == (1, 1, 0)
        assert [(event["kind"], event["value"], event["domain"]) for event in card["history"]] == [
            ("task", 1, "stars")
        ]


async def test_a_personas_thanks_count_for_nothing(tmp_path: Path) -> None:
    async with office(tmp_path) as at:
        ada = await at.home.seated("Ada")
        await at.seat("nova", "robin")
        now = datetime.now(UTC)
        at.judgements.observe(
            Heard("lobby", "robin", "Robin", "Nova, how many stars are in our galaxy?", now, "q")
        )
        at.judgements.observe(Said("lobby", "nova", "Some two hundred billion.", now, id="u1"))
        at.judgements.observe(Heard("lobby", "robin", "Robin", "Thanks, that's right.", now, "a"))
        assert (await at.card(ada))["standing"]["completed"] == 0


async def test_a_journal_is_shown_in_the_room_of_which_it_tells_and_in_no_other(tmp_path: Path) -> None:
    async with office(tmp_path) as at:
        ada = await at.home.seated("Ada")
        await at.seat("nova")
        day = datetime(2026, 1, 5, 12, tzinfo=UTC)
        change = Change()
        for room in ("lobby", "attic"):
            work = Work("nova", "Nova", f"A quiet day in the {room}.", day)
            change.entries[room] = Entry(f"j-{room}", room, work)
        await at.store.write(lambda connection: save(connection, 1, change))
        journal = (await at.card(ada))["journal"]
        assert [(entry["id"], entry["text"]) for entry in journal] == [
            ("j-lobby", "A quiet day in the lobby.")
        ]


async def test_a_journal_that_tells_of_what_somebody_missed_is_not_shown_to_them() -> None:
    store, place = MemoryStore(), Place("lobby")
    ada, bob = Participant("s1", "person", "Ada", "ada"), Participant("s2", "person", "Bob", "bob")
    nova = Participant("nova", "persona", "Nova")
    began = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def live(connection: sqlite3.Connection) -> None:
        said = [
            (0, {ada, nova}, None),
            (20, {ada, bob, nova}, None),
            (25, {ada, nova}, frozenset({"s1", "nova"})),
        ]
        for minutes, there, to in said:
            at = began + timedelta(minutes=minutes)
            append(
                connection, Lived(f"e{minutes}", "heard", place, ada, "?", at, frozenset(there | {ada}), to)
            )
        for minutes in (10, 30):
            wrote = (began + timedelta(minutes=minutes)).timestamp()
            connection.execute(
                "INSERT INTO journal VALUES (?, 'nova', 'nova', 'lobby', 'We spoke.', ?)",
                (f"j{minutes}", wrote),
            )

    await store.write(live)

    async def shown(person: str) -> list[str]:
        found = await store.read(lambda connection: _journal_for(connection, "nova", "lobby", person))
        return [entry.id for entry in found]

    assert await shown("ada") == ["j30", "j10"]
    assert await shown("bob") == ["j30"], "he was not there before, and whispers are not written about"
    assert await shown("eve") == []
    await store.write(lambda connection: open_place(connection, place, True))
    assert await shown("eve") == ["j30", "j10"]


async def test_a_long_history_is_read_page_by_page(tmp_path: Path) -> None:
    async with office(tmp_path) as at:
        ada = await at.home.seated("Ada")
        await at.seat("nova")
        for number in range(60):
            await at.says("nova", f"u{number}", "Well.")
            await judge(ada, 1, line=f"u{number}")
            await asyncio.sleep(1)
        first = await at.card(ada)
        second = await at.card(ada, before=first["before"])
        assert (len(first["history"]), len(second["history"]), second["before"]) == (50, 10, None)
        lines = [event["line"] for event in first["history"] + second["history"]]
        assert lines == [f"u{number}" for number in range(59, -1, -1)]
        ada.send(type="card", id="card", persona="nova", before="1")
        assert (await ada.expect("card"))["history"] == []


async def test_what_a_persona_may_not_do_by_itself_yet_it_is_refused_and_that_is_counted(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as at:
        await at.home.seated("Ada")
        propose = Due("p", "nova", "lobby", "propose", "Shall I remind you of it tomorrow?")
        remind = Due("r", "nova", "lobby", "remind", "Call your mother.")
        line = Heard("lobby", "p1", "Ada", "Nova, ask Robin about herons.", datetime.now(UTC), "u")
        talk = Due("t", "nova", "lobby", "talk", "Robin, Ada would like to hear from you.", "robin", line)
        unasked = replace(talk, line=replace(line, participant="robin"))
        allowed = [isinstance(at.judgements.allows(due), Allowed) for due in (propose, remind, talk, unasked)]
        assert allowed == [False, True, True, False]
        assert at.judgements.counts() == {"not trusted: propose": 1, "not trusted: pass-on": 1}


async def test_a_novice_turns_to_another_persona_only_where_a_person_has_named_that_one(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as at:
        ada = await at.home.seated("Ada")
        await at.seat("nova", "robin")
        ada.send(type="chat", id="1", text="Nova, what is a star?")
        await ada.expect("ack", id="1")
        await at.says("nova", "u1", "A ball of gas. Robin, what do you think?")
        refused = at.judgements.may_turn("lobby", "nova", "robin")
        assert refused == Refused("pass-on", "novice", "trusted")
        ada.send(type="chat", id="2", text="Nova, ask Robin about herons.")
        await ada.expect("ack", id="2")
        assert at.judgements.may_turn("lobby", "nova", "robin") == Allowed("pass-on")
        assert at.judgements.counts() == {"not trusted: pass-on": 1}


async def test_the_mind_itself_keeps_feedback_shows_cards_and_tells_how_personas_are(tmp_path: Path) -> None:
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        store = MemoryStore()
        async with running(mind_process(store), path):
            told = await ada.expect("presence", id="nova")
            assert (told["level"], told["energy"] > 0.5) == ("novice", True)
            ada.send(type="feedback", id="f", persona="nova", value=1)
            await ada.expect("ack", id="f")
            ada.send(type="card", id="c", persona="nova")
            assert (await ada.expect("card", id="c"))["standing"]["praised"] == 1
            at_once = await store.read(
                lambda connection: connection.execute("SELECT count(*) FROM reputation").fetchone()
            )
            assert at_once == (1,)
        async with running(mind_process(store), path):
            await seated(ada, "Nova")
            ada.send(type="feedback", id="f", persona="nova", value=1)
            await ada.expect("ack", id="f")
            ada.send(type="card", id="c", persona="nova")
            card = await ada.expect("card", id="c")
            assert (card["standing"]["praised"], [event["mine"] for event in card["history"]]) == (1, [True])


class DeadLedger(Judgements):
    """Takes in what comes of tasks, and dies before it keeps any of it."""

    async def run(self) -> None:
        await asyncio.Event().wait()


async def test_what_was_said_of_a_task_is_kept_once_although_the_mind_died_before_it_could(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        with monkeypatch.context() as dying:
            dying.setattr("signaling.mind_process.Judgements", DeadLedger)
            async with running(mind_process(store), path):
                await seated(ada, "Nova")
                ada.send(type="chat", id="asked", text="Nova, please tell me how many stars there are.")
                while (await ada.expect("chat"))["name"] != "Nova":
                    pass
                ada.send(type="chat", id="thanks", text="Thanks, that helped!")
                await ada.expect("ack", id="thanks")
                await asyncio.sleep(1)
                assert not home.mind.unkept
        for _ in range(2):
            async with running(mind_process(store), path):
                await seated(ada, "Nova")
                await asyncio.sleep(1)
                ada.send(type="card", id="c", persona="nova")
                standing = (await ada.expect("card", id="c"))["standing"]
                assert (standing["completed"], standing["succeeded"]) == (1, 1)
        (rows,) = await store.read(
            lambda connection: connection.execute("SELECT count(*) FROM reputation").fetchone()
        )
        assert rows == 1


async def test_a_verdict_counts_although_the_mind_was_another_when_the_task_was_done(tmp_path: Path) -> None:
    store = MemoryStore()
    async with house(tmp_path) as home, line_to(home) as path:
        ada = await home.seated("Ada")
        async with running(mind_process(store), path):
            await seated(ada, "Nova")
            ada.send(type="chat", id="asked", text="Nova, please tell me how many stars there are.")
            while (await ada.expect("chat"))["name"] != "Nova":
                pass
            await asyncio.sleep(1)
        async with running(mind_process(store), path):
            await seated(ada, "Nova")
            ada.send(type="chat", id="thanks", text="Thanks, that helped!")
            await ada.expect("ack", id="thanks")
            await asyncio.sleep(1)
            ada.send(type="card", id="c", persona="nova")
            standing = (await ada.expect("card", id="c"))["standing"]
            assert (standing["completed"], standing["succeeded"]) == (1, 1)
