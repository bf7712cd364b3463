"""What all personas mean to do: who has which goal, what is next, who takes over from whom."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from cognition.conversation.names import Wording
from cognition.events import Event, Heard, Said
from cognition.persona.intentions import Intention, Scene, Status, after, bounded, offered, postponed
from cognition.store.personas import Change

__all__ = ["Agenda"]

PROMISES = ("remind", "question", "talk", "propose", "greet")
"""Kinds that another persona may take over."""
RESUMED_S = 3.0
"""Seconds after a restart before what was under way is offered again."""


class Agenda:
    """The open intentions by persona.

    Args:
        clock: seconds since 1970.
        change: where it is noted what is different.
        ended: ids of intentions that are over.
        dropped: counts what had to go, by reason.
        withdrawn: told of what was offered, and is no longer to be said.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        change: Change,
        intentions: Iterable[Intention],
        ended: set[str],
        dropped: "Counter[str]",
        withdrawn: Callable[[Intention], None],
    ) -> None:
        self._withdrawn = withdrawn
        self._clock = clock
        self._change = change
        self._ended = ended
        self._dropped = dropped
        self._open: dict[str, dict[str, Intention]] = {}
        for each in intentions:
            if each.attempts and not each.waits:
                # Of what was being said when the process died the room tells, or nothing was heard of it.
                each = replace(each, due=min(each.due, clock() + RESUMED_S))
            self._open.setdefault(each.persona, {})[each.id] = each

    def of(self, persona: str) -> list[Intention]:
        """What a persona means to do, the next first."""
        return sorted(self._open.get(persona, {}).values(), key=lambda each: each.due)

    def intend(self, new: Intention) -> None:
        """A persona means to do something, unless it is under way or over, or too much is."""
        if new.id in self._ended or any(new.id in each for each in self._open.values()):
            return
        mine = self._open.setdefault(new.persona, {})
        least = bounded(mine.values(), new)
        if least is not None:
            self._dropped[f"intention: too many: {least.kind}"] += 1
        if least is new:
            return
        if least is not None:
            self._end(least, "dropped")
        self._set(new)

    def follow(self, event: Event, said: Wording, scene: Scene) -> list[Intention]:
        """Takes an event in; returns what was done by it."""
        to = event.to if isinstance(event, Heard | Said) else None
        done: list[Intention] = []
        for persona in list(self._open):
            if to is not None and persona not in to:
                continue
            for each in [each for each in self._open[persona].values() if each.room == event.room]:
                first, *others = after(each, event, said, scene)
                if first is not each:
                    self._set(first)
                    if first.status == "done":
                        done.append(first)
                for other in others:
                    self.intend(other)
        return done

    def next_due(self, persona: str, scene: Callable[[str], Scene]) -> float:
        """When the next of what a persona can do where people are now is due; `inf` for nothing."""
        now = self._clock()
        for each in self.of(persona):
            if now > each.expires and not each.waits:
                self._end(each, "expired")
        return next((each.due for each in self.of(persona) if scene(each.room).can(each)), float("inf"))

    def offer(self, persona: str, scene: Callable[[str], Scene]) -> Intention | None:
        """The most urgent of what is due, taken to be put to the floor now; None when that was only to be ended."""
        now = self._clock()
        ready = [each for each in self.of(persona) if each.due <= now and scene(each.room).can(each)]
        if not ready:
            return None
        chosen = max(ready, key=lambda each: (each.priority, -each.due))
        put = offered(chosen, now)
        self._set(put)
        return put if put.status == "open" else None

    def refuse(self, persona: str, id: str, reason: str) -> None:
        """The floor did not grant it."""
        each = self._open.get(persona, {}).get(id)
        if each is not None:
            self._set(postponed(each, reason, self._clock()))

    def hand_over(self, persona: str, takers: Callable[[str], Collection[str]], until: float) -> list[str]:
        """Lets others take what a persona that rests or goes has promised for before `until`; returns who took any.

        What was whispered is taken by those alone who heard it.
        """
        took: list[str] = []
        for each in self.of(persona):
            if each.kind not in PROMISES or each.waits or each.due >= until:
                continue
            able = (id for id in takers(each.room) if each.circle is None or id in each.circle)
            other = next((id for id in able if id not in (persona, each.to)), None)
            if other is not None:
                del self._open[persona][each.id]
                if each.attempts:
                    self._withdrawn(each)
                self._set(each.handed_to(other))
                took.append(other)
        return took

    def forget(self, wanted: Callable[[Intention], bool]) -> None:
        """Nobody means to do any more what is to be forgotten."""
        for mine in list(self._open.values()):
            for each in [each for each in mine.values() if wanted(each)]:
                self._end(each, "dropped")

    def _end(self, each: Intention, status: Status) -> None:
        self._set(each.ended(status))

    def _set(self, each: Intention) -> None:
        self._change.intentions[each.id] = each
        mine = self._open.setdefault(each.persona, {})
        if each.status == "open":
            mine[each.id] = each
            return
        mine.pop(each.id, None)
        self._ended.add(each.id)
        if each.attempts:
            self._withdrawn(each)
