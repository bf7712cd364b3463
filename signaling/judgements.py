"""What people let personas know: their feedback, what they say of tasks, and the cards that show what became of it."""

import asyncio
import math
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import structlog

from cognition.conversation.names import Wording, mentions
from cognition.conversation.transcript import line_of as line_of_wire
from cognition.events import Event, Feedback, Left, Said
from cognition.persona.actions import Action, Allowed, Refused
from cognition.persona.due import Due, DueKind
from cognition.persona.journal import Entry as JournalEntry
from cognition.persona.profile import Persona
from cognition.persona.tasks import ANSWER_WITHIN, VERDICT_WITHIN, Outcome, TaskWatch
from cognition.persona.trust import NotAPerson, Opinion, Trust, day_of, domain_of, giver_key, line_of
from cognition.store.errors import StoreError
from cognition.store.personas import journal_of
from cognition.store.recorder import line_from
from cognition.store.store import Storage
from cognition.store.timeline import Entry, Place, Query, missed_some, page
from signaling.ipc.endpoint import RpcError
from signaling.ipc.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, JsonObject
from signaling.living import event_of
from signaling.persona_card import card_of

__all__ = ["NO_SUCH_PERSONA", "Judgements"]

NO_SUCH_PERSONA = 4
PAGE = 50
"""Entries of a card's history."""
JOURNAL = 20
"""Entries of a card's journal."""
LATELY = ANSWER_WITHIN + VERDICT_WITHIN
"""How far back a verdict and what it is on can lie."""
MAX_LATELY = 1000
"""Lines that are looked at of that time."""
MAX_WAITING = 256
"""Verdicts on tasks that may wait for the disk."""

_ACTIONS: Mapping[DueKind, Action] = {
    "greet": "greet",
    "question": "come-back",
    "held-back": "answer",
    "remind": "remind",
    "propose": "propose",
    "talk": "pass-on",
    "rest": "rest",
    "wake": "rest",
}
"""What a persona does when it says what is due."""
_CURSOR = re.compile(r"[0-9]{1,18}")

_log = structlog.get_logger()


class Judgements:
    """Takes what people say of personas to the ledger, and shows what it holds.

    Args:
        trust: the ledger.
        store: where the journals are.
        lived: told of praise and blame, which move whom they are about.
        personas: who there is, by id.
        persons: how each person of a room was introduced by media, by id.
        lines: the lines of a room, *line* objects of the room protocol, oldest first.
        changed: told of a persona whose standing may have changed.
    """

    def __init__(
        self,
        trust: Trust,
        store: Storage,
        *,
        lived: Callable[[Event], None],
        personas: Callable[[], Mapping[str, Persona]],
        persons: Callable[[str], Mapping[str, JsonObject]],
        lines: Callable[[str], Sequence[Mapping[str, object]]],
        changed: Callable[[str], None],
    ) -> None:
        self._trust = trust
        self._store = store
        self._lived = lived
        self._personas = personas
        self._persons = persons
        self._lines = lines
        self._changed = changed
        self._watches: dict[str, TaskWatch] = {}
        self._owed: dict[str, Opinion] = {}
        """What came of tasks before the process began, by task: it may not have lived to keep it."""
        self._outcomes: asyncio.Queue[Opinion] = asyncio.Queue(MAX_WAITING)
        self.dropped: Counter[str] = Counter()
        """What was not kept, by reason."""

    def counts(self) -> Counter[str]:
        """What was not kept and what was refused, by reason."""
        refused = {f"not trusted: {action}": number for action, number in self._trust.refused.items()}
        return self.dropped + Counter(refused)

    async def feedback(self, params: JsonObject) -> JsonObject:
        """Answers `feedback` (docs/architecture.md, IPC) once it is durable.

        Raises:
            RpcError: there is no such persona, the giver is none who counts, or it cannot be kept.
        """
        room, persona = str(params["room"]), self._known(params)
        now = self._trust.now()
        line, value = params.get("line"), params["value"]
        subject = day_of(now) if line is None else line_of(room, str(line))
        giver = str(params["giver"])
        opinion = Opinion(
            str(params["message"]),
            persona.id,
            giver,
            subject,
            int(value),
            domain_of(persona.expertise, *self._texts(room, None if line is None else str(line))),
            name=str(params["name"]) if params.get("signed") is True else None,
        )
        if value in (1, -1):
            # On its way to the disk before the voice is: what is acknowledged has had its effect. Once for each
            # person, subject and value, so that nobody is cheered up by a button pressed a hundred times.
            moved: Literal[-1, 1] = 1 if value == 1 else -1
            mark = giver_key(f"{giver}\0{persona.id}\0{subject}\0{value}")
            event = Feedback(
                room, str(params["id"]), persona.id, moved, now, str(line or ""), f"feedback-{mark}"
            )
            self._lived(event)
            # Whoever takes it in only in the next turn of the loop is to be before the ledger, too.
            await asyncio.sleep(0)
        await self._take(opinion)
        return {}

    async def card(self, params: JsonObject) -> JsonObject:
        """Answers `persona.card`.

        Raises:
            RpcError: there is no such persona, `before` is none that a card had, or the store cannot be read.
        """
        room, persona = params.get("room"), self._known(params)
        before = params.get("before")
        if before is not None and not (isinstance(before, str) and _CURSOR.fullmatch(before)):
            raise RpcError(INVALID_PARAMS, "before is that of an earlier card")
        try:
            standing = await self._trust.refresh(persona.id)
            page = await self._trust.history(
                persona.id, before=None if before is None else int(before), limit=PAGE
            )
            giver = str(params["giver"])
            # A journal is shown where that happened of which it tells, and to no operator.
            journal = (
                []
                if room is None
                else await self._store.read(
                    lambda connection: _journal_for(connection, persona.id, str(room), giver)
                )
            )
        except StoreError as error:
            raise RpcError(INTERNAL_ERROR, str(error)) from error
        return card_of(persona.id, standing, page, journal, giver_key(giver))

    def allows(self, due: Due) -> Allowed | Refused:
        """Whether a persona is trusted with what it wants to do by itself; a refusal is counted."""
        asked = due.kind == "talk" and due.line is not None and due.line.participant not in self._personas()
        return self._trust.may(due.persona, _ACTIONS[due.kind], asked=asked)

    def may_turn(self, room: str, persona: str, other: str) -> Allowed | Refused:
        """Whether a persona is trusted with turning to another one; whoever named that one last has asked for it."""
        personas = self._personas()
        last = next((line for line in reversed(self._lines(room)) if line["from"] not in personas), None)
        meant = personas.get(other)
        asked = last is not None and meant is not None and mentions(Wording.of(str(last["text"])), meant.name)
        return self._trust.may(persona, "pass-on", asked=asked)

    async def resume(self) -> None:
        """Takes up what was asked and done lately; `run` keeps what a mind that died had yet to keep of it.

        Raises:
            StoreError: the store cannot be read.
        """
        givers: dict[tuple[str, str], str] = {}
        for entry in await self._store.read(partial(_lately, since=self._trust.now() - LATELY)):
            room, who = entry.place.room, entry.participant
            if entry.kind == "left":
                self._outcome_of(Left(room, who, entry.name, entry.at))
                continue
            if entry.identity:
                givers[room, who] = entry.identity
            said = event_of(room, line_from(entry), who in self._personas())
            if isinstance(said, Said) and (answered := entry.detail.get("answers")) is not None:
                said = replace(said, answers=(str(answered[0]), str(answered[1])))
            outcome = self._outcome_of(said)
            if outcome is not None and (giver := givers.get((room, outcome.asker))) is not None:
                self._owed[outcome.task] = self._opinion(outcome, giver)

    def take_over(self, room: str, history: Iterable[JsonObject]) -> None:
        """Notes what media has of a room and the mind before did not live to note."""
        personas = self._personas()
        for wire in history:
            try:
                line = line_of_wire(wire)
            except (ValueError, AttributeError):
                # The mind counts it.
                continue
            self.observe(event_of(room, line, line.speaker in personas))

    def observe(self, event: Event) -> None:
        """Notes what an event makes of a room's tasks; `run` keeps it."""
        outcome = self._outcome_of(event)
        if outcome is None:
            return
        introduced = self._persons(event.room).get(outcome.asker)
        if introduced is None:
            self.dropped["task: asker has left"] += 1
            return
        try:
            self._outcomes.put_nowait(self._opinion(outcome, str(introduced["identity"])))
        except asyncio.QueueFull:
            self.dropped["task: too many wait"] += 1

    def forget(self, room: str) -> None:
        """The room has closed."""
        self._watches.pop(room, None)

    async def run(self) -> None:
        """Keeps what becomes of tasks, until cancelled."""
        while self._owed:
            await self._take_task(self._owed.pop(next(iter(self._owed))))
        while True:
            await self._take_task(await self._outcomes.get())

    async def _take_task(self, opinion: Opinion) -> None:
        try:
            await self._take(opinion)
        except RpcError as error:
            self.dropped["task: not kept"] += 1
            _log.warning("task not kept", persona=opinion.persona, reason=str(error))

    def _outcome_of(self, event: Event) -> Outcome | None:
        personas = self._personas()
        watch = self._watches.setdefault(event.room, TaskWatch(event.room))
        outcome = watch.observe(event, personas)
        return outcome if outcome is not None and outcome.persona in personas else None

    async def _take(self, opinion: Opinion) -> None:
        before = self._trust.standing(opinion.persona).level
        try:
            standing = await self._trust.take(opinion, self._personas().keys())
        except NotAPerson as error:
            raise RpcError(INVALID_PARAMS, str(error)) from error
        except StoreError as error:
            raise RpcError(INTERNAL_ERROR, str(error)) from error
        if standing.level != before:
            _log.info("trust changed", persona=opinion.persona, level=standing.level, before=before)
        self._changed(opinion.persona)

    def _opinion(self, outcome: Outcome, giver: str) -> Opinion:
        expertise = self._personas()[outcome.persona].expertise
        return Opinion(
            f"{outcome.task}:{outcome.value}",
            outcome.persona,
            giver,
            outcome.task,
            outcome.value,
            domain_of(expertise, *outcome.texts),
            task=True,
        )

    def _known(self, params: JsonObject) -> Persona:
        persona = self._personas().get(str(params["persona"]))
        if persona is None:
            raise RpcError(NO_SUCH_PERSONA, f"there is no persona {str(params['persona'])[:64]!r}")
        return persona

    def _texts(self, room: str, line: str | None) -> tuple[str, ...]:
        """The words of a line and of the one before it, by somebody else."""
        lines = self._lines(room)
        for number in range(len(lines) - 1, -1, -1):
            if lines[number]["id"] == line:
                asked = [one for one in lines[:number] if one["from"] != lines[number]["from"]][-1:]
                return tuple(str(one["text"]) for one in (lines[number], *asked))
        return ()


def _lately(connection: sqlite3.Connection, since: datetime) -> tuple[Entry, ...]:
    """What was said in all rooms since then, and who left, oldest first."""
    query = Query(kinds=frozenset({"heard", "read", "said", "left"}), since=since)
    return page(connection, query, limit=MAX_LATELY, newest_first=True).entries[::-1]


def _journal_for(connection: sqlite3.Connection, persona: str, room: str, person: str) -> list[JournalEntry]:
    """What a persona wrote of a room, without the pieces that tell of a time of which a person missed something."""
    written = journal_of(connection, persona, [room], limit=JOURNAL + 1, before=math.inf)
    began = [*(entry.work.at for entry in written[1:]), datetime.fromtimestamp(0, UTC)]
    shown = [
        entry
        for entry, since in zip(written, began, strict=False)
        if not missed_some(connection, Place(room), person, since, entry.work.at)
    ]
    return shown[:JOURNAL]
