"""The personas' tick: one compiled pass over rows, against the same rules as a loop over objects."""

import math
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cognition.persona.rights import REST_BELOW, REST_UNTIL
from cognition.persona.scheduler import MARGIN_S, Why, blank, cadence, tick
from cognition.persona.state import State, advanced, time_to_charge
from perf.report import Report, Result, run

__all__ = ["Persona", "crowd", "differences", "loop", "measure", "objects"]

_COUNTS = (14, 100, 1000, 10_000)
_TARGET_AT, _TARGET_MS = 1000, 1.0
_TICKS = 60
_START = 1.8e9


@dataclass(slots=True)
class Persona:
    """One persona of the baseline: what a row holds, as attributes."""

    state: State
    serviced: float
    intention: float
    reflect: float
    awake_until: float
    priority: float
    waiting: int
    speaking: bool
    paused: bool
    seated: bool

    def tick(self, now: float) -> tuple[Why | None, float]:
        """The rules of `cognition.persona.scheduler` for this one: why it is serviced, and when it is next due."""
        self.state = advanced(self.state, now)
        if self.paused or self.speaking:
            return None, math.inf
        why: Why | None = None
        awake = self.awake_until > now
        if self.state.resting:
            if self.state.energy >= REST_UNTIL or awake:
                self._rest(False)
                why = Why.WAKE
        elif self.state.energy < REST_BELOW and not awake:
            self._rest(True)
            why = Why.REST
        if self.state.resting:
            return why, now + time_to_charge(self.state.energy, REST_UNTIL, resting=True) + MARGIN_S
        due = self.awake_until if self.state.energy < REST_BELOW else math.inf
        if self.intention <= now and why is None:
            why = Why.INTENTION
        else:
            due = min(due, self.intention)
        if self.waiting:
            look = self.serviced + cadence(self.state.energy, self.state.arousal, self.waiting, self.priority)
            if look <= now and why is None:
                why, self.serviced = Why.MESSAGE, now
            else:
                due = min(due, look)
        if self.reflect <= now and why is None:
            why = Why.REFLECT
        else:
            due = min(due, self.reflect)
        return why, due

    def _rest(self, on: bool) -> None:
        was = self.state
        self.state = State(
            was.energy, was.valence, was.arousal, was.home_valence, was.home_arousal, was.at, on
        )


def loop(personas: list[Persona], now: float) -> tuple[list[tuple[int, Why]], float]:
    """The tick as a loop over objects: who is serviced and why, and when the next tick is."""
    serviced: list[tuple[int, Why]] = []
    horizon = math.inf
    for index, persona in enumerate(personas):
        if not persona.seated:
            continue
        why, due = persona.tick(now)
        horizon = min(horizon, due)
        if why is not None:
            serviced.append((index, why))
    return serviced, horizon


def crowd(count: int, seed: int = 1) -> npt.NDArray[np.void]:
    """Personas in all sorts of states, from a seed."""
    random = np.random.default_rng(seed)
    rows = blank(count)
    rows["energy"] = random.uniform(0.0, 1.0, count)
    for name in ("valence", "arousal", "home_valence", "home_arousal"):
        rows[name] = random.uniform(-1.0, 1.0, count)
    rows["at"] = _START - random.uniform(0.0, 600.0, count)
    rows["serviced"] = _START - random.uniform(0.0, 10.0, count)
    for name in ("intention", "reflect"):
        planned = random.random(count) < 0.3
        rows[name] = np.where(planned, _START + random.uniform(-5.0, 120.0, count), np.inf)
    kept = random.random(count) < 0.05
    rows["awake_until"] = np.where(kept, _START + random.uniform(0.0, 60.0, count), -np.inf)
    rows["waiting"] = np.where(random.random(count) < 0.5, random.integers(0, 64, count), 0)
    rows["priority"] = np.where(rows["waiting"] > 0, random.uniform(0.0, 1.0, count), 0.0)
    rows["resting"] = (random.random(count) < 0.1) & (rows["energy"] < REST_UNTIL)
    rows["speaking"] = random.random(count) < 0.05
    rows["paused"] = random.random(count) < 0.05
    rows["seated"] = random.random(count) < 0.97
    return rows


def objects(rows: npt.NDArray[np.void]) -> list[Persona]:
    """The same personas as objects."""
    return [
        Persona(
            State(
                float(row["energy"]),
                float(row["valence"]),
                float(row["arousal"]),
                float(row["home_valence"]),
                float(row["home_arousal"]),
                float(row["at"]),
                bool(row["resting"]),
            ),
            float(row["serviced"]),
            float(row["intention"]),
            float(row["reflect"]),
            float(row["awake_until"]),
            float(row["priority"]),
            int(row["waiting"]),
            bool(row["speaking"]),
            bool(row["paused"]),
            bool(row["seated"]),
        )
        for row in rows
    ]


def differences(rows: npt.NDArray[np.void], personas: list[Persona], ticks: int) -> list[str]:
    """Where the two disagree over so many ticks, a second apart, in which whoever is serviced has it done."""
    who, why, horizon = np.zeros(len(rows), np.int32), np.zeros(len(rows), np.uint8), np.zeros(1)
    found: list[str] = []
    for second in range(ticks):
        now = _START + second
        count = tick(rows, now, who, why, horizon)
        ours = [(int(who[place]), Why(why[place])) for place in range(count)]
        theirs, due = loop(personas, now)
        if ours != theirs:
            found.append(f"tick {second}: {set(ours) ^ set(theirs)} serviced")
        if not (horizon[0] == due or abs(horizon[0] - due) < 1e-6):
            found.append(f"tick {second}: next at {horizon[0]} and {due}")
        for index, reason in ours:
            if reason in (Why.INTENTION, Why.REFLECT):
                field = "intention" if reason is Why.INTENTION else "reflect"
                rows[index][field] = now + 30.0
                setattr(personas[index], field, now + 30.0)
    for index, persona in enumerate(personas):
        if not persona.seated:
            continue
        row, state = rows[index], persona.state
        values = [
            (row["energy"], state.energy),
            (row["valence"], state.valence),
            (row["arousal"], state.arousal),
        ]
        if any(abs(float(one) - other) > 1e-12 for one, other in values):
            found.append(f"persona {index}: {values}")
    return found


def _times_ms(count: int) -> tuple[float, float]:
    """Medians of a tick of ours and of the loop, taken in turns."""
    rows = crowd(count)
    personas = objects(rows)
    who, why, horizon = np.zeros(count, np.int32), np.zeros(count, np.uint8), np.zeros(1)
    ours: list[float] = []
    theirs: list[float] = []
    for second in range(_TICKS):
        now = _START + second
        start = time.perf_counter()
        tick(rows, now, who, why, horizon)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        loop(personas, now)
        theirs.append(time.perf_counter() - start)
    return 1000 * float(np.median(ours)), 1000 * float(np.median(theirs))


def measure() -> Report:
    """Times a tick at 14 to 10,000 personas, after comparing what both ways decide.

    Raises:
        AssertionError: the two ways disagree, so that a comparison of times would mean nothing.
    """
    results: list[Result] = []
    for count in _COUNTS:
        rows = crowd(count, seed=2)
        wrong = differences(rows, objects(rows), _TICKS)
        assert not wrong, f"{count} personas: {wrong[:3]}"
        ours, theirs = _times_ms(count)
        target = _TARGET_MS if count == _TARGET_AT else None
        results.append(Result(f"tick, {count} personas; loop over objects", "ms", ours, theirs, target))
    notes = (
        f"Median of {_TICKS} ticks a second apart, both ways in turn. Before it, {_TICKS} ticks of each were compared:",
        "who is serviced, why, and when the next tick is due are equal; energy and mood to 1e-12.",
    )
    return Report("tick", results, notes)


if __name__ == "__main__":
    run(measure)
