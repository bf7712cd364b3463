"""All personas of a process: what they live through, how they are, and what they want to do by themselves."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cognition.conversation.disposition import Disposition
from cognition.conversation.floor import Attendee
from cognition.conversation.names import Wording
from cognition.events import Event, Heard, Read, Said
from cognition.persona.appraisal import applied, appraise
from cognition.persona.inbox import Inbox, Message, missed_words
from cognition.persona.profile import Persona
from cognition.persona.rights import resting_words
from cognition.persona.scheduler import Why, blank, tick
from cognition.persona.state import State, advanced

__all__ = ["Due", "DueKind", "Life"]

DueKind = Literal["greet", "question", "remind", "propose", "talk", "rest", "wake"]


@dataclass(frozen=True, slots=True)
class Due:
    """Something a persona wants to say by itself, now: a bid for the floor.

    Attributes:
        id: what comes of it is said under this id (`Said.id`); that ends the intention, and no restart repeats it.
        persona: whose it is.
        room: where.
        kind: what it is; a "rest" may be said although the persona rests by then.
        text: words to say; empty where only the state changes ("wake").
        to: participant id of whom it is for; empty for all.
        line: the line it comes back to, which a reply may be composed to; None for none.
        priority: 0 to 1.
    """

    id: str
    persona: str
    room: str
    kind: DueKind
    text: str = ""
    to: str = ""
    line: Heard | Read | None = None
    priority: float = 0.5


class Life:
    """Every persona that may be seated, alive between the rooms and between two runs.

    `observe` and the other methods are called from one event loop; `run` owns what happens by itself.

    Args:
        personas: who there is.
        clock: seconds since 1970, UTC, which never goes back.
    """

    def __init__(self, personas: Iterable[Persona], *, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or _steady_clock()
        self._personas: dict[str, Persona] = {}
        self._index: dict[str, int] = {}
        self._ids: list[str] = []
        self._inboxes: dict[str, Inbox] = {}
        self._rooms: dict[str, dict[str, Attendee]] = {}
        """Who is there, by room, as it was told last."""
        self._seen: set[tuple[str, str]] = set()
        """Events that had their effect, by room and id."""
        self._rows = blank(0)
        self._changed = asyncio.Event()
        self.counts: Counter[str] = Counter()
        """What was dropped or refused, by reason."""
        for persona in personas:
            self.add(persona)

    @property
    def personas(self) -> Mapping[str, Persona]:
        """Who there is, by id."""
        return self._personas

    def add(self, persona: Persona) -> None:
        """A new persona, or a new profile of one that is there: what it has lived stays."""
        self._personas[persona.id] = persona
        if persona.id in self._index:
            return
        self._index[persona.id] = len(self._ids)
        self._ids.append(persona.id)
        self._inboxes[persona.id] = Inbox()
        self._rows = np.concatenate([self._rows, blank(1)])
        row = self._rows[-1]
        row["seated"], row["at"] = 1, self._clock()
        row["valence"] = row["home_valence"] = 0.2
        self._changed.set()

    def state(self, persona: str) -> State:
        """How a persona is now."""
        row = self._rows[self._index[persona]]
        known = State(
            float(row["energy"]),
            float(row["valence"]),
            float(row["arousal"]),
            float(row["home_valence"]),
            float(row["home_arousal"]),
            float(row["at"]),
            bool(row["resting"]),
        )
        return advanced(known, self._clock())

    def disposition(self, persona: str) -> Disposition:
        """How a persona is disposed to speak now; one that is not known is at its best."""
        if persona not in self._index:
            return Disposition()
        state, row = self.state(persona), self._rows[self._index[persona]]
        return Disposition(state.energy, state.valence, state.arousal, state.resting, bool(row["paused"]))

    def observe(self, event: Event, present: Sequence[Attendee]) -> None:
        """Lets the personas of a room live through an event, once for each id, and keeps what comes of it.

        Args:
            event: what happened; one without an id is taken for new.
            present: everybody in the room, personas too.
        """
        if event.id and (event.room, event.id) in self._seen:
            return
        self._seen.add((event.room, event.id))
        self._rooms[event.room] = {each.id: each for each in present}
        to = event.to if isinstance(event, Heard | Said) else None
        said = Wording.of(event.text if isinstance(event, Heard | Read | Said) else "")
        for id in [each.id for each in present if each.id in self._personas]:
            if to is not None and id not in to:
                continue
            appraisal = appraise(event, said, self._personas[id], present)
            self._set_state(id, applied(self.state(id), appraisal))
            if isinstance(event, Heard | Read | Said):
                self._take_in(id, event, appraisal.priority)
        self._changed.set()

    def held_back(self, persona: str, room: str, line: Heard | Read) -> None:
        """A persona had something to say to a line and did not get the floor: it may come back to it."""

    def refused(self, due: Due, reason: str) -> None:
        """A bid was not granted; the persona gets to know why and may try again."""
        self.counts[f"refused: {reason}"] += 1

    def speaking(self, persona: str, on: bool) -> None:
        """A persona has begun or ended to speak; meanwhile it is not serviced."""
        if persona in self._index:
            self._rows[self._index[persona]]["speaking"] = on
            self._changed.set()

    def missed(self, persona: str, room: str) -> str:
        """What a persona says of what it could not take in; empty when it missed nothing."""
        inbox = self._inboxes.get(persona)
        return missed_words(inbox.missed(room)) if inbox is not None else ""

    async def run(self, due: Callable[[Due], None]) -> None:
        """Serves the personas until cancelled; `due` takes their bids. There is no timer while nothing is due."""
        while True:
            self._changed.clear()
            horizon = self._tick(due)
            delay = horizon - self._clock()
            if delay <= 0.0:
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(delay if delay < np.inf else None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _tick(self, due: Callable[[Due], None]) -> float:
        count = len(self._ids)
        who, why, horizon = np.zeros(count, np.int32), np.zeros(count, np.uint8), np.zeros(1)
        for place in range(tick(self._rows, self._clock(), who, why, horizon)):
            self._serve(self._ids[who[place]], Why(why[place]), due)
        return float(horizon[0])

    def _serve(self, persona: str, why: Why, due: Callable[[Due], None]) -> None:
        match why:
            case Why.REST | Why.WAKE:
                for room in self._rooms_of(persona):
                    due(self._turn_of_rest(persona, room, why))
            case Why.MESSAGE:
                self._inboxes[persona].take()
                self._note_inbox(persona)
            case _:
                pass

    def _turn_of_rest(self, persona: str, room: str, why: Why) -> Due:
        others = [
            self._personas[id].name
            for id in self._rooms[room]
            if id in self._personas and id != persona and not self.disposition(id).resting
        ]
        id = f"{persona}-{why.name.lower()}-{self._clock():.3f}"
        if why is Why.WAKE:
            return Due(id, persona, room, "wake")
        return Due(id, persona, room, "rest", resting_words(self._personas[persona].name, others))

    def _rooms_of(self, persona: str) -> list[str]:
        return [room for room, present in self._rooms.items() if persona in present]

    def _take_in(self, persona: str, event: Heard | Read | Said, priority: float) -> None:
        inbox = self._inboxes[persona]
        if event.participant == persona:
            inbox.take_room(event.room, event.at.timestamp())
        elif priority > 0.0:
            name = event.name if not isinstance(event, Said) else event.participant
            to = None if isinstance(event, Read) else event.to
            message = Message(
                event.id, event.room, event.participant, name, event.text, event.at.timestamp(), priority, to
            )
            inbox.put(message)
        self._note_inbox(persona)

    def _note_inbox(self, persona: str) -> None:
        row, inbox = self._rows[self._index[persona]], self._inboxes[persona]
        row["waiting"], row["priority"] = len(inbox), inbox.priority

    def _set_state(self, persona: str, state: State) -> None:
        row = self._rows[self._index[persona]]
        row["energy"], row["valence"], row["arousal"] = state.energy, state.valence, state.arousal
        row["at"] = state.at


def _steady_clock() -> Callable[[], float]:
    """UTC as it was at the start, going on without the jumps of a clock that is set."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()
