"""A room as the mind attends it: who is there, who speaks, which persona answers, and when.

Words come from the persons' listeners and from the chat, decisions from the mind, and sound goes out through
the presences. Nothing here knows of packets or of how a persona thinks.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from cognition.conversation.floor import Decision
from cognition.conversation.floor_control import Bid, Yielded
from cognition.conversation.reasons import Silence
from cognition.events import Heard, Read, Said
from cognition.persona.due import Due
from cognition.persona.engine import Clause, Mind
from cognition.persona.life import Life
from media.speech.backchannel import is_backchannel, wants_turn
from media.speech.events import (
    PartialTranscript,
    Speaker,
    SpeechDiscarded,
    SpeechPaused,
    SpeechStarted,
    TurnCommitted,
    TurnProposed,
    TurnWithdrawn,
)
from signaling.answering import Answering
from signaling.attendant import Attendant
from signaling.dues import MEDIA_WAIT, Dues, MayTurn, Witnesses, any_may_turn, nobody
from signaling.errors import NotAttended
from signaling.overlap import HeldVoices
from signaling.presence import Presence, RoomPort
from signaling.reply import Cause, Reply
from signaling.room_floor import RoomFloor
from signaling.thinking_ahead import ThinkingAhead
from signaling.volunteering import Volunteering
from signaling.written_lines import WrittenLines

__all__ = ["Attendance", "Attendant"]

INTERRUPT_AFTER = 1.6
"""Seconds of speech over a persona that stop it whatever is said; before that media holds it, and words decide."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Proposal:
    """A reply composed on a turn that may not be over."""

    persona: str
    text: str
    to: frozenset[str] | None
    reply: Reply


class Attendance:
    """One room. `run` owns every task; the other methods are called from the same loop while it runs.

    Args:
        room: the room's id.
        mind: decides and composes.
        port: the room at the media process.
        speculative: whether replies are composed before their turn is committed.
        anticipate: whether the language model is prefilled while people talk.
        life: is told what personas would have said, and what became of what they wanted to say.
        may_turn: whether a persona, by room and id, is trusted with turning to another one.
        witnesses: who perceived a line of the room that it does not have any more.
    """

    def __init__(
        self,
        room: str,
        *,
        mind: Mind,
        port: RoomPort,
        speculative: bool = True,
        anticipate: bool = True,
        life: Life | None = None,
        may_turn: MayTurn = any_may_turn,
        witnesses: Witnesses = nobody,
    ) -> None:
        self.room = room
        self._mind = mind
        self.port = port
        """Of the room; its personas' presences have the same."""
        self._speculative = speculative
        self._persons: dict[str, Attendant] = {}
        self._presences: dict[str, Presence] = {}
        self._proposals: dict[str, _Proposal] = {}
        self._listening: dict[str, frozenset[str]] = {}
        """The people who were there when a persona last began to speak."""
        self._hush = asyncio.Event()
        self._hush.set()
        self._closed = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._life = life
        self._held_voices = HeldVoices(self.spawn, lambda reason: self.dropped.update([reason]))
        self.dropped: Counter[str] = Counter()
        """What was not answered or not said, by reason."""
        self._ahead = ThinkingAhead(
            room,
            mind=mind,
            presences=self._presences,
            spawn=self.spawn,
            hush=self._hush,
            evaluates=anticipate,
            dropped=self.dropped,
        )
        self.floor = RoomFloor(port, yielded=self._yielded, refused=self._refused)
        """Held by the persona that sounds."""
        self.answering = Answering(
            room,
            mind=mind,
            floor=self.floor,
            presences=self._presences,
            spawn=self.spawn,
            hush=self._hush,
            propose=self._propose,
            holds_back=life,
            dropped=self.dropped,
        )
        self._written = WrittenLines(
            mind, self.floor, self.answering, self._hush, self._has_run_its_course, self.dropped
        )
        self._volunteering = Volunteering(room, mind, self.floor, self.answering.free)
        self._dues = Dues(
            room,
            mind=mind,
            port=port,
            persons=self._persons,
            presences=self._presences,
            answering=self.answering,
            volunteering=self._volunteering,
            hush=self._hush,
            spawn=self.spawn,
            said=self.said,
            refusable=life,
            dropped=self.dropped,
            floor=self.floor,
            may_turn=may_turn,
            witnesses=witnesses,
        )

    @property
    def personas(self) -> Collection[str]:
        """Ids of the personas seated."""
        return self._presences.keys()

    @property
    def persons(self) -> Mapping[str, Attendant]:
        """The persons present, by id."""
        return self._persons

    def counts(self) -> Counter[str]:
        """What was not answered, not said or not heard in this room, by reason."""
        heard: Counter[str] = sum((person.listener.discarded for person in self._persons.values()), Counter())
        return self.dropped + heard

    async def run(self, opened: Callable[[], None] | None = None) -> None:
        """Attends the room until `close`; `opened` is called once tasks can be started."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            chat = group.create_task(self._written.run())
            if opened is not None:
                opened()
            await self._closed.wait()
            self._held_voices.close()
            for person in list(self._persons.values()):
                person.dismiss()
            self.answering.close()
            for presence in self._presences.values():
                if presence.reply is not None:
                    presence.withdraw(presence.reply)
                await presence.interrupt()
            self.floor.close()
            self._ahead.stop()
            chat.cancel()
        self._group = None

    def close(self) -> None:
        """Ends `run`."""
        self._closed.set()
        self._dues.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Starts a task owned by the room.

        Raises:
            NotAttended: when it is over, or ending.
        """
        try:
            if self._group is not None:
                return self._group.create_task(work)
        except RuntimeError as error:
            work.close()
            raise NotAttended(f"room {self.room} is ending") from error
        work.close()
        raise NotAttended(f"room {self.room} is not attended")

    def seat(self, presence: Presence, name: str) -> None:
        """Gives a persona its place."""
        self._presences[presence.persona] = presence
        self._mind.enter(self.room, presence.persona, name, "persona")
        self._ahead.take_in()

    async def unseat(self, persona: str) -> None:
        """Takes a persona's place from it; what it says ends, and what it was to say is not said."""
        presence = self._presences.pop(persona, None)
        if presence is None:
            return
        self.answering.unseated(persona)
        if presence.reply is not None:
            presence.withdraw(presence.reply)
        self._proposals = {turn: each for turn, each in self._proposals.items() if each.persona != persona}
        await presence.interrupt()
        self._mind.leave(self.room, persona)

    def enter(self, person: Attendant, *, greet: bool) -> None:
        """A person joined; they are greeted unless they were here before."""
        self._persons[person.id] = person
        self._mind.enter(self.room, person.id, person.name, "person", person.identity)
        person.tasks.append(self.spawn(self._attend(person)))
        if greet and self._presences and self._life is None:
            person.tasks.append(self.spawn(self._greet(person)))
        # What they were absent from is out of the prompts now.
        self._dues.came()
        self._ahead.take_in()

    def leave(self, participant: str) -> None:
        """A person left."""
        if (person := self._persons.pop(participant, None)) is None:
            return
        person.dismiss()
        self.dropped.update(person.listener.discarded)
        self._mind.leave(self.room, participant)
        for presence in self._presences.values():
            presence.left(participant)
        self._withdraw_replies_to(participant)
        self._dues.left()
        self._held_voices.left(participant)
        self._settle(person)

    def share(self, participant: str, shared: bool) -> None:
        """Several people are at a participant's microphone from now on, or one again."""
        self._mind.share(self.room, participant, shared)
        self._ahead.take_in()

    def turn_to(self, participant: str, listeners: frozenset[str] | None) -> None:
        """A person speaks to some alone from now on, or to all again."""
        if (person := self._persons.get(participant)) is None:
            return
        if listeners and listeners <= self._persons.keys():
            # Nothing of that is in the ears: what is, was for whom it was for. To by else, also to a persona
            # that has no presence here, it is.
            return
        person.audiences.turn_to(listeners, time.monotonic_ns())

    def read(self, line: Read, arrived_ns: int) -> None:
        """A written line arrived."""
        decision = self._mind.consider(line)
        self._mind.record(line)
        self.floor.silence(decision.silent)
        if not decision.answers:
            self._decline(decision)
            return
        self._written.put(line, decision, arrived_ns)

    def progressed(self, persona: str, played: int, first_packet_ns: int | None) -> None:
        """News of a persona's voice from media."""
        if (presence := self._presences.get(persona)) is not None:
            presence.progressed(played, first_packet_ns)

    def sounds(self, persona: str, on: bool) -> None:
        """A persona's voice has begun to sound here, or has ended, whatever ended it."""
        if on:
            self._listening[persona] = frozenset(self._persons)
            presence = self._presences.get(persona)
            if presence is not None and presence.reply is not None:
                self.spawn(self._ahead.while_it_sounds(presence.reply))
        if self._life is not None:
            self._life.speaking(persona, self.room, on)

    def voice_held(self, persona: str, by: str | None) -> None:
        """Media holds a persona's voice because somebody speaks over it."""
        presence, person = self._presences.get(persona), self._persons.get(by) if by is not None else None
        if presence is not None and by is not None:
            speaking = person is not None and person.speaking and not person.paused
            self._held_voices.held(persona, presence, by, speaking=speaking)

    def due(self, due: Due) -> None:
        """A persona wants to say something by itself: a bid for the floor as any other, for which a lull is awaited."""
        self._dues.take(due)

    def no_longer_due(self, id: str) -> None:
        """What a persona wanted to say by itself is over, whoever has seen to it."""
        self._dues.take_back(id)

    def said(self, event: Said) -> None:
        """Remembers what was heard of a persona's reply, or what it wrote."""
        if event.kind == "speech":
            event = replace(event, there=self._listening.get(event.participant))
        self._mind.record(event)
        self._dues.was_said(event.id)
        for person in self._persons.values():
            if event.kind == "speech" and (event.to is None or person.id in event.to):
                person.listener.asked(event.text)
        self.answering.said(event)
        self._let_answer(event)
        self._ahead.take_in()

    def _let_answer(self, event: Said) -> None:
        """A persona that another one has asked by name answers it, while that brings something new."""
        if event.interrupted:
            return
        decision = self._mind.consider(event)
        if decision.persona is None or self.answering.waits_for(decision.persona):
            return
        if self._has_run_its_course(decision.persona):
            return
        if not self._dues.may_turn(event, decision.persona):
            return
        if event.kind == "chat":
            self._written.put(event, decision, time.monotonic_ns())
            return
        cause = Cause(event.id, event.participant, time.monotonic_ns())
        self.answering.take(event, decision, cause, None, None)

    def _has_run_its_course(self, persona: str) -> bool:
        """Whether a persona does not go on talking with others, which is counted."""
        reason = self._mind.over(self.room, persona)
        if reason is not None:
            self.dropped[f"exchange: {reason}"] += 1
        return reason is not None

    def _yielded(self, outcome: Yielded) -> None:
        bid = outcome.bid
        if outcome.at_the_start:
            self.answering.yielded(bid.id)
        presence = self._presences.get(bid.persona)
        if presence is not None and presence.reply is not None and presence.reply.bid == bid.id:
            self.spawn(presence.interrupt())

    def _refused(self, bid: Bid, reason: Silence) -> None:
        self.dropped[f"floor: {reason}"] += 1
        self.answering.refused(bid.id, reason)
        presence = self._presences.get(bid.persona)
        reply = None if presence is None else presence.reply
        if presence is not None and reply is not None and reply.bid == bid.id and not reply.written:
            presence.withdraw(reply)

    async def _attend(self, person: Attendant) -> None:
        async for event in person.listener.events():
            self._held_voices.heard(person.id, event)
            match event:
                case SpeechStarted():
                    person.began_ns[event.turn] = event.at_ns
                    self._speech_started(person, event.turn)
                case SpeechPaused():
                    person.paused = True
                case PartialTranscript():
                    self._show(person, event.turn, event.text)
                    self._listen_ahead(person, event)
                case TurnProposed():
                    await self._turn_proposed(person, event)
                case TurnWithdrawn():
                    person.paused = False
                    self._withdraw(event.turn)
                case TurnCommitted():
                    await self._turn_committed(person, event)
                case SpeechDiscarded():
                    self.dropped[f"speech: {event.reason}"] += 1
                    if event.turn in person.shown:
                        self._caption(person, event.turn, "", final=True, record=False)
                    self._withdraw(event.turn)
                    self._turn_over(person, event.turn)

    def _show(self, person: Attendant, turn: str, text: str, speaker: Speaker | None = None) -> None:
        person.shown.add(turn)
        self._caption(person, turn, text, final=False, speaker=speaker)

    def _caption(
        self,
        person: Attendant,
        turn: str,
        text: str,
        *,
        final: bool,
        record: bool = True,
        speaker: Speaker | None = None,
        heard: int | None = None,
    ) -> None:
        heard_by, began = person.heard_by(turn), person.began_ns.get(turn)
        to = None if heard_by is None else sorted(heard_by)
        self.port.caption(
            person.id,
            turn,
            text,
            final=final,
            record=record,
            listeners=to,
            speaker=speaker,
            began_ns=began,
            heard=heard,
        )

    def _speech_started(self, person: Attendant, turn: str) -> None:
        person.speaking, person.paused, person.turn = True, False, turn
        self._hush.clear()
        self.floor.person_started(person.id)
        if self._life is not None:
            self._life.talking(self.room, True)
        if self._sounding:
            person.tasks.append(self.spawn(self._interrupt_unless_brief(person)))

    async def _interrupt_unless_brief(self, person: Attendant) -> None:
        await asyncio.sleep(INTERRUPT_AFTER)
        if person.speaking and not person.paused:
            await self._interrupt(person.heard_by(person.turn))

    @property
    def _sounding(self) -> bool:
        return any(presence.sounding for presence in self._presences.values())

    async def _interrupt(self, heard_by: frozenset[str] | None) -> None:
        """Silences whoever sounds and hears it; goes through even when the person who spoke leaves meanwhile."""
        await asyncio.shield(self.spawn(self._silence(heard_by)))

    async def _silence(self, heard_by: frozenset[str] | None) -> None:
        for presence in self._presences.values():
            if heard_by is None or presence.persona in heard_by:
                await presence.interrupt()

    async def _turn_proposed(self, person: Attendant, event: TurnProposed) -> None:
        self._show(person, event.turn, event.text, event.speaker)
        if _acknowledges(event) and (self._sounding or self._replying_to(person.id)):
            return
        if self._sounding:
            await self._interrupt(person.heard_by(event.turn))
        if not self._speculative or self._mind.is_wish(person.id, event.text):
            # What is done with a memory is not done on a guess that the turn is over.
            return
        heard = self._heard(person, event.turn, event.text, event.speaker)
        decision = self._mind.consider(heard)
        if decision.persona is not None and (presence := self._presences.get(decision.persona)) is not None:
            pending = presence.reply
            if pending is not None and pending.released.is_set() and not _is_to(pending, person.id):
                # Somebody else's answer is about to be heard; a mere guess does not take its place.
                return
            cause = Cause(event.turn, person.id, event.speech_end_ns, event.paused_ns, event.words_ns)
            words = self._mind.reply(self.room, presence.persona, heard)
            reply = self._propose(presence, words, cause, heard.to)
            self._proposals[event.turn] = _Proposal(decision.persona, event.text, heard.to, reply)

    async def _turn_committed(self, person: Attendant, event: TurnCommitted) -> None:
        person.tasks = [task for task in person.tasks if not task.done()]
        heard = self._heard(person, event.turn, event.text, event.speaker)
        self._caption(
            person, event.turn, event.text, final=True, speaker=event.speaker, heard=event.speech_end
        )
        aside = _acknowledges(event) and (self._sounding or self._replying_to(person.id))
        if self._sounding and not aside:
            await self._interrupt(heard.to)
        decision = self._mind.consider(heard)
        self._mind.record(heard)
        proposal = self._proposals.pop(event.turn, None)
        if aside:
            self.dropped["backchannel"] += 1
        else:
            self.answering.overtaken(heard, decision, self._mind.hushed(self.room))
            if decision.persona is None:
                self._decline(decision)
            else:
                cause = Cause(event.turn, person.id, event.speech_end_ns, event.paused_ns, event.words_ns)
                ready = self._fitting(proposal, decision.persona, heard)
                self.answering.take(heard, decision, cause, ready, event.decided_ns)
            self.floor.silence(decision.silent, heard.to)
        if proposal is not None and not proposal.reply.released.is_set():
            self._presences[proposal.persona].withdraw(proposal.reply)
        self._turn_over(person, event.turn)

    def _fitting(self, proposal: _Proposal | None, persona: str, heard: Heard) -> Reply | None:
        """The reply composed ahead, if it is still this persona's, to these words, for the same ears."""
        if proposal is None:
            return None
        if (proposal.persona, proposal.text, proposal.to) != (persona, heard.text, heard.to):
            return None
        return proposal.reply if self._presences[persona].reply is proposal.reply else None

    def _propose(
        self, presence: Presence, words: AsyncGenerator[Clause], cause: Cause, to: frozenset[str] | None
    ) -> Reply:
        self._ahead.stop()
        return presence.propose(words, cause, to)

    def _withdraw(self, turn: str) -> None:
        proposal = self._proposals.pop(turn, None)
        if proposal is not None and not proposal.reply.released.is_set():
            self._presences[proposal.persona].withdraw(proposal.reply)

    def _replying_to(self, participant: str) -> bool:
        """Whether an answer to this person is on its way to be heard."""
        return any(
            presence.reply is not None
            and presence.reply.released.is_set()
            and _is_to(presence.reply, participant)
            for presence in self._presences.values()
        )

    def _withdraw_replies_to(self, participant: str) -> None:
        self.answering.left(participant)
        for presence in self._presences.values():
            if presence.reply is not None and _is_to(presence.reply, participant):
                presence.withdraw(presence.reply)
        self._proposals = {
            turn: each for turn, each in self._proposals.items() if not _is_to(each.reply, participant)
        }

    def _decline(self, decision: Decision) -> None:
        self.dropped[f"declined: {decision.reason}"] += 1
        _log.info("declined", room=self.room, reason=decision.reason)
        self._ahead.take_in()

    def _turn_over(self, person: Attendant, turn: str) -> None:
        person.shown.discard(turn)
        person.began_ns.pop(turn, None)
        if turn == person.turn:
            self._settle(person)

    def _settle(self, person: Attendant) -> None:
        person.speaking = False
        self.floor.person_stopped(person.id)
        if not any(other.speaking for other in self._persons.values()):
            self._hush.set()
            if self._life is not None:
                self._life.talking(self.room, False)

    def _heard(self, person: Attendant, turn: str, text: str, speaker: Speaker | None = None) -> Heard:
        name, voice = (person.name, "") if speaker is None else (speaker.label, speaker.id)
        heard_by, there = person.heard_by(turn), self.there_since(person.began_ns.get(turn, 0))
        return Heard(self.room, person.id, name, text, datetime.now(UTC), turn, heard_by, voice, there)

    def there_since(self, instant_ns: int) -> frozenset[str]:
        """The people who are here and were then."""
        return frozenset(each.id for each in self._persons.values() if each.entered_ns <= instant_ns)

    def _listen_ahead(self, person: Attendant, event: PartialTranscript) -> None:
        if self._sounding and not event.acknowledges and wants_turn(event.text):
            self.spawn(self._silence(person.heard_by(event.turn)))
        self._ahead.foresee(partial(self._heard, person, event.turn, event.text))

    async def _greet(self, person: Attendant) -> None:
        try:
            async with asyncio.timeout(MEDIA_WAIT):
                await person.connected.wait()
        except TimeoutError:
            self.dropped["greeting: no media"] += 1
            return
        persona, presence = next(iter(self._presences.items()))
        words = await self._mind.welcome(self.room, persona, person.id)
        self._mind.greeted(self.room, person.id)
        if not await self._volunteering.greet(presence, words):
            line = f"{persona}-{time.monotonic_ns():x}"
            self.port.post_chat(persona, words, line)
            self.said(Said(self.room, persona, words, datetime.now(UTC), id=line, kind="chat"))


def _is_to(reply: Reply, participant: str) -> bool:
    return reply.cause is not None and reply.cause.to == participant


def _acknowledges(turn: TurnProposed | TurnCommitted) -> bool:
    return turn.acknowledges or is_backchannel(turn.text)
