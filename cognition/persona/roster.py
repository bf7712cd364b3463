"""The personas of a process as rows of one array: how each is, and what the scheduler has to know of it."""

from collections.abc import Callable, Iterator

import numpy as np

from cognition.persona.scheduler import Why, blank, tick
from cognition.persona.state import State, advanced
from cognition.store.personas import Change, Saved

__all__ = ["Roster"]


class Roster:
    """Rows by persona; a persona that has gone keeps its own.

    Args:
        clock: seconds since 1970.
        change: where it is noted whose state is different.
    """

    def __init__(self, clock: Callable[[], float], change: Change) -> None:
        self._clock = clock
        self._change = change
        self._index: dict[str, int] = {}
        self._ids: list[str] = []
        self._rows = blank(0)
        self._who, self._why = np.zeros(0, np.int32), np.zeros(0, np.uint8)
        self._horizon = np.zeros(1)
        self._unsaved: set[str] = set()

    def __contains__(self, persona: str) -> bool:
        return persona in self._index

    def add(self, persona: str, saved: Saved) -> None:
        """A row for a persona, not seated."""
        self._index[persona] = len(self._ids)
        self._ids.append(persona)
        self._rows = np.concatenate([self._rows, blank(1)])
        count = len(self._ids)
        self._who, self._why = np.zeros(count, np.int32), np.zeros(count, np.uint8)
        row, state = self._row(persona), saved.state
        row["energy"], row["valence"], row["arousal"], row["at"] = (
            state.energy,
            state.valence,
            state.arousal,
            state.at,
        )
        # Its mood has returned there while it was not in this process, too.
        row["home_valence"], row["home_arousal"] = state.home_valence, state.home_arousal
        row["resting"], row["paused"] = state.resting, saved.paused
        row["awake_until"], row["serviced"] = saved.awake_until, saved.serviced

    def seat(self, persona: str, home: tuple[float, float] | None) -> None:
        """Takes a persona in with the home base of its mood (valence, arousal), or out with None."""
        row = self._row(persona)
        if home is not None:
            self._settle(persona)
            row["home_valence"], row["home_arousal"] = home
        row["seated"] = home is not None

    def state(self, persona: str) -> State:
        """How a persona is now.

        Raises:
            KeyError: there is no such persona.
        """
        return advanced(_state(self._row(persona)), self._clock())

    def set_state(self, persona: str, state: State) -> None:
        """How a persona is from now on."""
        row = self._row(persona)
        row["energy"], row["valence"], row["arousal"] = state.energy, state.valence, state.arousal
        row["at"], row["resting"] = state.at, state.resting
        self.touch(persona)

    def touch(self, persona: str) -> None:
        """Has a persona saved as it is when it is."""
        self._unsaved.add(persona)

    def save(self) -> None:
        """Has saved how those are who are different since the last time."""
        for persona in self._unsaved:
            row = self._row(persona)
            self._change.states[persona] = Saved(
                _state(row), float(row["awake_until"]), bool(row["paused"]), float(row["serviced"])
            )
        self._unsaved.clear()

    def paused(self, persona: str) -> bool:
        """Whether an operator has paused it."""
        return bool(self._row(persona)["paused"])

    def resting(self, persona: str) -> bool:
        """Whether it rests."""
        return bool(self._row(persona)["resting"])

    def pause(self, persona: str, on: bool) -> None:
        """An operator pauses it, or lets it go on."""
        self._settle(persona)
        self._row(persona)["paused"] = on
        self.touch(persona)

    def keep_awake(self, persona: str, until: float) -> None:
        """An operator keeps it from its rest until an instant."""
        self._settle(persona)
        self._row(persona)["awake_until"] = until
        self.touch(persona)

    def speak(self, persona: str, on: bool) -> None:
        """It speaks, and is not serviced meanwhile, or has ended."""
        self._row(persona)["speaking"] = on

    def expect(
        self,
        persona: str,
        *,
        intention: float | None = None,
        reflect: float | None = None,
        inbox: tuple[int, float] | None = None,
    ) -> None:
        """When it is to be serviced for what; an inbox by how much waits and how urgent it is."""
        row = self._row(persona)
        if intention is not None:
            row["intention"] = intention
        if reflect is not None:
            row["reflect"] = reflect
        if inbox is not None:
            row["waiting"], row["priority"] = inbox

    def due(self) -> Iterator[tuple[str, Why]]:
        """Who is to be serviced now, and why; to be used up before anything else is asked."""
        found = tick(self._rows, self._clock(), self._who, self._why, self._horizon)
        return iter([(self._ids[self._who[place]], Why(self._why[place])) for place in range(found)])

    @property
    def horizon(self) -> float:
        """When `due` is to be asked again, unless something changes; `inf` for never."""
        return float(self._horizon[0])

    def _settle(self, persona: str) -> None:
        self.set_state(persona, self.state(persona))

    def _row(self, persona: str) -> np.void:
        row: np.void = self._rows[self._index[persona]]
        return row


def _state(row: np.void) -> State:
    energy, valence, arousal, home_valence, home_arousal, at, *_, resting, _, _, _ = row.item()
    return State(energy, valence, arousal, home_valence, home_arousal, at, bool(resting))
