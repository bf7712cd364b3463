"""How what was asked in a room is answered: one after the other, each knowing what the ones before it said.

What a persona is going to say is known to those who answer after it as soon as it is composed, before it has been
played, so that they can compose while it speaks. Nobody's memory holds it by then: if it was not heard just so,
because somebody interrupted it or it was never said, what was composed with it is thrown away and composed anew.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from cognition.conversation.floor import Decision
from cognition.conversation.floor_control import Bid
from cognition.conversation.reasons import Silence, Wish
from cognition.events import Answer, Declined, Heard, Read, Said
from cognition.persona.engine import Clause, Mind
from signaling.left_alone import Errand
from signaling.presence import Presence
from signaling.reply import Cause, Reply
from signaling.room_floor import RoomFloor

__all__ = ["Answering", "Ask", "HoldsBack", "Slot"]

DIRECT = frozenset({"addressed", "passed-on", "everyone-asked", "answers-persona", "follow-up", "given-back"})
"""Reasons of answers that are still wanted when somebody else speaks first."""
PATIENCE, DIRECT_PATIENCE = 8.0, 25.0
"""Seconds of people speaking after which an answer is stale."""
ATTEMPTS = 4
"""How often an answer that was not heard is tried."""


class HoldsBack(Protocol):
    """Is told what personas wanted to say and did not; `cognition.persona.life.Life` does."""

    def held_back(self, persona: str, room: str, line: Heard | Read) -> None:
        """A persona would have answered this."""


@dataclass(slots=True)
class Slot:
    """One answer to a line, by one persona."""

    answer: Answer
    presence: Presence
    bid: str
    line: Heard | Read | Said
    """What it answers: the ask's line, or another persona's words."""
    reply: Reply | None = None
    said: Said | None = None
    """What was heard of it."""
    dropped: str = ""
    """Why it is no longer wanted."""
    yielded: bool = False
    """It gave way before anything of it was understood, and is to be said again."""
    ahead: asyncio.Event = field(default_factory=asyncio.Event)
    """Its words are known, and it is its turn to say them."""
    declined: str = ""
    """Why what it says is that it does not answer; empty where it does."""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Whatever became of it."""

    @property
    def direct(self) -> bool:
        """Whether somebody waits for this persona's answer in particular."""
        return self.answer.reason in DIRECT


@dataclass(slots=True)
class Ask:
    """A line and those who answer it, in order."""

    line: Heard | Read | Said
    cause: Cause
    to: frozenset[str] | None
    slots: list[Slot] = field(default_factory=list)
    exchange: bool = False
    task: "asyncio.Task[None] | None" = None


class Answering:
    """The open questions of one room.

    Args:
        room: the room's id.
        mind: composes.
        floor: of the room.
        presences: those who may answer, by id.
        spawn: starts a task owned by the room.
        hush: set while no person speaks.
        propose: starts composing an answer.
        holds_back: told of answers that were not given.
        dropped: counts what was not answered, by reason.
    """

    def __init__(
        self,
        room: str,
        *,
        mind: Mind,
        floor: RoomFloor,
        presences: Mapping[str, Presence],
        spawn: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
        hush: asyncio.Event,
        propose: Callable[[Presence, AsyncGenerator[Clause], Cause, frozenset[str] | None], Reply],
        holds_back: HoldsBack | None,
        dropped: Counter[str],
    ) -> None:
        self._room = room
        self._mind = mind
        self._floor = floor
        self._presences = presences
        self._spawn = spawn
        self._hush = hush
        self._start = propose
        self._holds_back = holds_back
        self._dropped = dropped
        self._asks: list[Ask] = []
        self._count = itertools.count()
        self._lines = 0
        """Lines of people so far."""

    def take(
        self,
        line: Heard | Read | Said,
        decision: Decision,
        cause: Cause,
        ready: Reply | None,
        decided_ns: int | None,
    ) -> "asyncio.Task[None]":
        """Answers a line: the first at once, the others in their order.

        Args:
            line: what is answered.
            decision: by whom.
            cause: where the answers' latency is counted from.
            ready: the first answer, if it was composed ahead.
            decided_ns: when it was clear that the line is over.

        Returns:
            The task that sees it through.
        """
        ask = Ask(line, cause, None if isinstance(line, Read) else line.to, exchange=decision.exchange)
        self._asks.append(ask)
        for answer in decision.answers:
            self._add(ask, answer, line)
        first = ask.slots[0] if ask.slots else None
        if first is not None and not first.dropped and not self._busy(ask, first, ready):
            reply = self._compose(ask, first, (), ready)
            first.presence.release(reply, decided_ns)
        ask.task = self._spawn(self._see_through(ask))
        return ask.task

    def close(self) -> None:
        """Gives everything up."""
        for ask in self._asks:
            if ask.task is not None:
                ask.task.cancel()

    def overtaken(self, line: Heard | Read, decision: Decision, hushed: frozenset[str]) -> None:
        """Drops what is no longer wanted, now that this was said; to be called before it is answered itself.

        Args:
            line: what was said.
            decision: on it.
            hushed: ids of the personas that are told to be quiet by now.
        """
        self._lines += 1
        chosen = {answer.persona for answer in decision.answers}
        answered = bool(chosen) or decision.reason == "reply-to-person"
        for ask in self._asks:
            if ask.cause.written:
                continue
            own = ask.cause.to == line.participant
            ask.exchange = ask.exchange and hushed.isdisjoint(slot.answer.persona for slot in ask.slots)
            for slot in self._unheard(ask):
                if slot.answer.persona in hushed:
                    self._drop(slot, "quiet-until-addressed", held_back=False)
                elif own and (slot.answer.persona in chosen or (chosen and not slot.direct)):
                    self._drop(slot, "overtaken", held_back=slot.answer.persona not in chosen)
                elif not own and answered and not slot.direct:
                    self._drop(slot, "overtaken", held_back=True)

    def errand(self, participant: str, identity: str) -> Errand | None:
        """What a participant asked personas to talk about with each other, aloud, if they have not come to an end."""
        asks = [ask for ask in self._asks if ask.exchange and ask.to is None and ask.cause.to == participant]
        if not asks or isinstance(asks[-1].line, Said):
            return None
        spoke = {slot.answer.persona: -1 for slot in asks[-1].slots}
        spoke |= {slot.answer.persona: at for at, slot in enumerate(asks[-1].slots) if slot.said is not None}
        return Errand(asks[-1].line, identity, tuple(sorted(spoke, key=lambda persona: spoke[persona])))

    def left(self, participant: str) -> None:
        """Drops what a participant asked."""
        for ask in self._asks:
            if ask.cause.to == participant:
                for slot in self._unheard(ask):
                    self._drop(slot, "away", held_back=False)

    def unseated(self, persona: str) -> None:
        """Drops what a persona that is no longer there was to answer."""
        for slot in [slot for ask in self._asks for slot in self._unheard(ask)]:
            if slot.answer.persona == persona:
                self._drop(slot, "away", held_back=True)

    def unheard(self, line: Read | Said) -> int:
        """How many answers to a written line are still to come."""
        return sum(len(self._unheard(ask)) for ask in self._asks if ask.line is line)

    def sounds(self, line: Read | Said) -> bool:
        """Whether an answer to a written line is being heard."""
        slots = [slot for ask in self._asks if ask.line is line for slot in ask.slots]
        return any(slot.presence.sounding and slot.presence.reply is slot.reply for slot in slots)

    def give_up(self, line: Read | Said) -> None:
        """Drops what is not answered yet of a written line; what is being heard is heard to its end."""
        for ask in [ask for ask in self._asks if ask.line is line]:
            ask.exchange = False
            for slot in self._unheard(ask):
                self._drop(slot, "took-too-long", held_back=True)

    def waits_for(self, persona: str) -> bool:
        """Whether a persona's answer to something is still to come, or will come of itself."""
        return any(
            ask.exchange or any(slot.answer.persona == persona for slot in self._unheard(ask))
            for ask in self._asks
        )

    def answers(self, line: Heard | Read, by: str | None = None) -> bool:
        """Whether an answer to a line, that of one persona or anybody's, is still to come or is being heard."""
        key = line.participant, line.id
        return any(
            not slot.dropped and not slot.done.is_set() and by in (None, slot.answer.persona)
            for ask in self._asks
            for slot in ask.slots
            if (ask.line.participant, ask.line.id) == key
        )

    def said(self, event: Said) -> None:
        """What was heard of a reply."""
        for slot in self._slots():
            if slot.reply is not None and slot.reply.utterance == event.id:
                slot.said = event

    def yielded(self, bid: str) -> None:
        """An answer gave way at its very start; it is to be said again."""
        for slot in self._slots():
            if slot.bid == bid:
                slot.yielded = True

    def refused(self, bid: str, reason: Silence) -> None:
        """An answer did not get the floor in time."""
        for slot in self._slots():
            if slot.bid == bid and not slot.dropped:
                self._drop(slot, reason, held_back=True)

    def direct_to_other(self, reply: Reply, participant: str) -> bool:
        """Whether a reply is an answer that somebody else waits for from this very persona."""
        return any(
            slot.reply is reply and slot.direct and ask.cause.to != participant and not ask.cause.written
            for ask in self._asks
            for slot in ask.slots
        )

    def _add(self, ask: Ask, answer: Answer, line: Heard | Read | Said) -> Slot | None:
        presence = self._presences.get(answer.persona)
        if presence is None:
            self._dropped["no-such-persona"] += 1
            return None
        bid = f"{ask.cause.turn}#{next(self._count)}"
        slot = Slot(answer, presence, bid, line)
        before = ask.slots[-1].bid if ask.slots and not ask.slots[-1].done.is_set() else ""
        ask.slots.append(slot)
        self._bid(ask, slot, before)
        return slot

    def _bid(self, ask: Ask, slot: Slot, after: str = "") -> None:
        answer = slot.answer
        patience = DIRECT_PATIENCE if slot.direct else PATIENCE
        bid = Bid(slot.bid, answer.persona, cast(Wish, answer.reason), answer.urgency, patience, after)
        self._floor.bid(bid, ask.to)

    def _busy(self, ask: Ask, slot: Slot, ready: Reply | None) -> bool:
        """Whether the persona has something else to say first."""
        reply = slot.presence.reply
        if reply is None or reply is ready or _gives_way(reply):
            return False
        if ask.cause.written:
            return True
        asker = slot.line.participant
        return reply.sounding or (reply.released.is_set() and self.direct_to_other(reply, asker))

    def _compose(self, ask: Ask, slot: Slot, planned: tuple[Said, ...], ready: Reply | None = None) -> Reply:
        presence = slot.presence
        reply = ready
        if reply is None:
            words = self._mind.reply(self._room, presence.persona, slot.line, planned)
            reply = self._start(presence, words, ask.cause, ask.to)
        reply.bid, slot.declined = slot.bid, self._mind.declines(presence.persona) or ""
        if not slot.declined and not isinstance(slot.line, Said):
            reply.answers = slot.line.participant, slot.line.id
        slot.reply, slot.said, slot.yielded = reply, None, False
        return reply

    def _release(self, slot: Slot) -> None:
        """Lets an answer be heard that had to wait: its latency is counted from now."""
        reply = slot.reply
        assert reply is not None
        if reply.cause is not None and not reply.written:
            reply.cause = replace(reply.cause, base_ns=time.monotonic_ns())
            reply.marks.clear()
        slot.presence.release(reply)

    async def _see_through(self, ask: Ask) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                before: Slot | None = None
                for slot in ask.slots:
                    group.create_task(self._see_to(ask, slot, before))
                    before = slot
            while ask.exchange and (following := self._next_in_exchange(ask)) is not None:
                await self._see_to(ask, following, None)
        finally:
            self._asks.remove(ask)

    async def _see_to(self, ask: Ask, slot: Slot, before: Slot | None) -> None:
        try:
            if before is not None:
                await self._answer_ahead(ask, slot, before)
            await self._answer(ask, slot)
        finally:
            slot.ahead.set()
            slot.done.set()
            self._floor.over(slot.bid)

    async def _answer_ahead(self, ask: Ask, slot: Slot, before: Slot) -> None:
        """Composes an answer while the one before it is heard; lets it go if that was not heard as expected."""
        await before.ahead.wait()
        presence = slot.presence
        busy = presence.reply
        if before.done.is_set() or before.reply is None or busy is not None or self._dropped_meanwhile(slot):
            await before.done.wait()
            return
        words = " ".join(before.reply.composed)
        planned = Said(self._room, before.answer.persona, words, datetime.now(UTC), to=ask.to)
        lines = self._lines
        reply = self._compose(ask, slot, (replace(planned, id=before.reply.utterance),))
        await before.done.wait()
        if self._dropped_meanwhile(slot) or presence.reply is not reply:
            slot.reply = None
            return
        heard = before.said
        if heard is not None and not heard.interrupted and heard.text == words and lines == self._lines:
            self._release(slot)
        else:
            self._dropped["composed on words not heard"] += 1
            presence.withdraw(reply)
            slot.reply = None

    async def _answer(self, ask: Ask, slot: Slot) -> None:
        """Sees one answer through: composed, released, heard; or dropped."""
        presence = slot.presence
        attempts, again = 0, False
        while attempts < ATTEMPTS:
            if slot.reply is None:
                await self._free_to_answer(presence)
                if self._dropped_meanwhile(slot):
                    return
                if again:
                    self._floor.over(slot.bid)
                    self._bid(ask, slot)
                self._compose(ask, slot, ())
                self._release(slot)
            reply = slot.reply
            assert reply is not None
            assert reply.task is not None
            await reply.complete.wait()
            slot.ahead.set()
            await asyncio.wait([reply.task])
            if slot.declined and slot.said is not None and not isinstance(slot.line, Said):
                # Others may take it.
                persona, asked = slot.answer.persona, slot.line.id
                self._mind.note(Declined(self._room, persona, asked, slot.declined, datetime.now(UTC)))
            again = reply.task.cancelled() and not reply.posted and (slot.yielded or not reply.sounding)
            if not again or self._dropped_meanwhile(slot):
                return
            attempts += not reply.outdated
            slot.reply = None
        self._dropped["answer: not heard"] += 1

    async def free(self, presence: Presence) -> None:
        """Waits until no person speaks and a persona has nothing else to say."""
        while not self._hush.is_set() or presence.reply is not None:
            await self._hush.wait()
            await presence.finished()

    async def _free_to_answer(self, presence: Presence) -> None:
        """Waits as `free` does, but not for what waits for a lull, which comes only once this is answered."""
        while not self._hush.is_set() or (presence.reply is not None and not _gives_way(presence.reply)):
            await self._hush.wait()
            reply = presence.reply
            if reply is not None and reply.task is not None and not _gives_way(reply):
                await asyncio.wait([reply.task])

    def _dropped_meanwhile(self, slot: Slot) -> bool:
        return bool(slot.dropped)

    def _next_in_exchange(self, ask: Ask) -> Slot | None:
        """Who of those who talk with each other goes on, while it brings something new; None where it is over."""
        last = ask.slots[-1]
        if last.said is None or last.said.interrupted or any(slot.dropped for slot in ask.slots):
            return None
        spoke = [slot.answer.persona for slot in ask.slots]
        others = [persona for persona in dict.fromkeys(spoke) if persona != last.answer.persona]
        if not others:
            return None
        following = min(others, key=lambda persona: max(at for at, who in enumerate(spoke) if who == persona))
        if (reason := self._mind.over(self._room, following)) is not None:
            self._dropped[f"exchange: {reason}"] += 1
            return None
        return self._add(ask, Answer(following, "talks-to-persona", 0.5), last.said)

    def _slots(self) -> Iterator[Slot]:
        return (slot for ask in self._asks for slot in ask.slots)

    def _unheard(self, ask: Ask) -> list[Slot]:
        """Its answers of which nothing sounds yet."""
        return [
            slot
            for slot in ask.slots
            if not slot.dropped
            and not slot.done.is_set()
            and slot.said is None
            and not (slot.reply is not None and (slot.reply.sounding or slot.reply.posted))
        ]

    def _drop(self, slot: Slot, reason: str, *, held_back: bool) -> None:
        slot.dropped = reason
        self._dropped[f"answer: {reason}"] += 1
        if slot.reply is not None:
            slot.presence.withdraw(slot.reply)
        self._floor.over(slot.bid)
        if held_back and self._holds_back is not None and not isinstance(slot.line, Said):
            self._holds_back.held_back(slot.answer.persona, self._room, slot.line)


def _gives_way(reply: Reply) -> bool:
    """Whether an answer goes before it: nobody asked for it, and nothing of it is heard yet."""
    return reply.cause is None and not reply.sounding
