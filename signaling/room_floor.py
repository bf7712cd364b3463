"""The floor of a room at work: keeps `FloorControl` in time, lets replies sound, and shows who waits and why."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

from cognition.conversation.floor_control import Bid, FloorControl, Granted, Outcome, Refused, Yielded
from cognition.conversation.reasons import Silence
from signaling.presence import RoomPort

__all__ = ["RoomFloor"]

Circle = frozenset[str] | None


class RoomFloor:
    """Who of a room speaks; called from the room's loop, whose clock it goes by.

    Args:
        port: is shown the floor.
        yielded: told that a persona which has the floor is to fall silent at once.
        refused: told that a bid is not let.
    """

    def __init__(
        self,
        port: RoomPort,
        *,
        yielded: Callable[[Yielded], None],
        refused: Callable[[Bid, Silence], None],
    ) -> None:
        self._port = port
        self._yielded = yielded
        self._refused = refused
        self._control = FloorControl()
        self._granted: dict[str, asyncio.Future[bool]] = {}
        self._circles: dict[str, Circle] = {}
        """Who alone hears what is said under a bid, by its id."""
        self._waiting: dict[str, str] = {}
        """Personas that are shown to wait, by their bids."""
        self._silent: dict[Circle, dict[str, Silence]] = {}
        self._shown: dict[Circle, object] = {}
        self._sounding = ""
        """The bid heard last."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._closed = False

    @property
    def holder(self) -> Bid | None:
        """Who has the floor."""
        return self._control.holder

    @property
    def free(self) -> bool:
        """Whether nobody has it and nobody waits."""
        return self._control.holder is None and not self._circles

    def bid(self, bid: Bid, to: Circle = None) -> None:
        """A persona wants to speak, to some alone if they are given."""
        self._circles[bid.id] = to
        self._apply(self._control.bid(bid, self._now()))
        if self._control.holder is not None or bid.after:
            self._wait(bid.id)

    def silence(self, silent: Mapping[str, str], to: Circle = None) -> None:
        """Why others do not speak, as far as they do not wait to."""
        self._silent[to] = cast(dict[str, Silence], dict(silent))
        self._show()

    def stays_silent(self, persona: str, reason: Silence, to: Circle = None) -> None:
        """Why one persona does not speak now."""
        self._silent.setdefault(to, {})[persona] = reason
        self._show()

    @asynccontextmanager
    async def hold(self, bid: str) -> AsyncGenerator[bool]:
        """See `signaling.presence.Floor`; a bid that was refused, or never made, is not let."""
        if bid not in self._circles:
            yield False
            return
        granted = self._granted[bid] = asyncio.get_running_loop().create_future()
        try:
            self._apply(self._control.ready(bid, self._now()))
            if not granted.done():
                self._wait(bid)
            yield await granted
        finally:
            self._granted.pop(bid, None)
            self.over(bid)

    def heard(self, bid: str) -> None:
        """See `signaling.presence.Floor`."""
        if bid != self._sounding:
            self._sounding = bid
            self._apply(self._control.heard(bid, self._now()))

    def over(self, bid: str) -> None:
        """A bid is done with, whatever became of it."""
        if bid in self._circles:
            self._no_longer_waits(bid)
            del self._circles[bid]
            if bid == self._sounding:
                # It may be made again under the same id.
                self._sounding = ""
            self._apply(self._control.over(bid, self._now()))

    def refuse(self, bid: str, reason: Silence) -> None:
        """A bid that waits is no longer to be heard."""
        self._apply(self._control.refuse(bid, reason, self._now()))

    def person_started(self, person: str) -> None:
        """A person speaks."""
        self._apply(self._control.person_started(person, self._now()))

    def person_stopped(self, person: str) -> None:
        """A person has finished."""
        self._apply(self._control.person_stopped(person, self._now()))

    def close(self) -> None:
        """Nothing more happens by itself."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _wait(self, bid: str) -> None:
        """Shows that whoever could speak waits to."""
        persona = next((each.persona for each in self._control.queue(self._now()) if each.id == bid), None)
        if persona is not None and not self._speaks(persona):
            self._waiting[bid] = persona
            self._port.status(persona, "wants-to-speak", _listed(self._circles[bid]))

    def _no_longer_waits(self, bid: str) -> None:
        """Shows that whoever waited does not any more, unless it speaks."""
        persona = self._waiting.pop(bid, None)
        if persona is not None and not self._speaks(persona):
            self._port.status(persona, "listening", _listed(self._circles[bid]))

    def _speaks(self, persona: str) -> bool:
        return self._control.holder is not None and self._control.holder.persona == persona

    def _apply(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            bid = outcome.bid
            match outcome:
                case Granted():
                    self._waiting.pop(bid.id, None)
                    self._answer(bid.id, True)
                case Refused():
                    self._no_longer_waits(bid.id)
                    to = self._circles.pop(bid.id, None)
                    self._silent.setdefault(to, {})[bid.persona] = outcome.reason
                    self._answer(bid.id, False)
                    self._refused(bid, outcome.reason)
                case Yielded():
                    self._yielded(outcome)
        self._schedule()
        self._show()

    def _answer(self, bid: str, granted: bool) -> None:
        waiting = self._granted.get(bid)
        if waiting is not None and not waiting.done():
            waiting.set_result(granted)

    def _schedule(self) -> None:
        """Sets the one timer to when something happens by itself; none where nothing does."""
        due = self._control.due_at(self._now())
        if self._timer is not None and (due is None or due != self._timer_at):
            self._timer.cancel()
            self._timer = None
        if due is not None and self._timer is None and not self._closed:
            self._timer_at = due
            self._timer = asyncio.get_running_loop().call_at(due, self._advance)

    def _advance(self) -> None:
        self._timer = None
        # A loop's timer may fire within its clock's resolution before the instant.
        self._apply(self._control.advance(max(self._now(), self._timer_at)))

    def _show(self) -> None:
        """Shows the floor to each circle for which it is another than was shown last."""
        holder, queue = self._control.holder, self._control.queue(self._now())
        for to in {None, *self._circles.values(), *self._shown, *self._silent}:
            speaks = holder.persona if holder is not None and self._circles.get(holder.id) == to else None
            waiting = [(each.persona, each.reason) for each in queue if self._circles.get(each.id) == to]
            busy = {speaks, *(persona for persona, _ in waiting)}
            silent = [each for each in self._silent.get(to, {}).items() if each[0] not in busy]
            view = speaks, waiting, silent
            if self._shown.get(to, (None, [], [])) != view:
                self._shown[to] = view
                self._port.floor(speaks, waiting, silent, _listed(to))
            if to is not None and speaks is None and not waiting:
                self._shown.pop(to, None)
                self._silent.pop(to, None)


def _listed(to: Circle) -> list[str] | None:
    return None if to is None else sorted(to)
