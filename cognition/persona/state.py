"""Energy and mood as numbers: how they return by themselves, and what events do to them. Pure, exact in time.

Energy follows process S of the two-process model of sleep regulation (Borbély 1982, "A two process model of sleep
regulation", Human Neurobiology 1:195-204; time constants in Daan, Beersma and Borbély 1984, Am. J. Physiol.
246:R161-R183): it discharges exponentially while there is work, charges exponentially at rest, faster asleep than
awake, and two thresholds make the switch between both (`cognition.persona.rights`). Process C, the time of day, is left
out: a persona has none. The time constants are those of a call instead of a day; the ratio of waking to sleeping ones
is that of Daan et al., 18.2 h to 4.2 h.

Mood is a point in Russell's circumplex of affect (1980, J. Personality and Social Psychology 39:1161-1178): valence,
from unpleasant to pleasant, and arousal, from calm to excited. Each returns to the persona's home base as the mean of
an Ornstein-Uhlenbeck process does (Kuppens, Oravecz and Tuerlinckx 2010, "Feelings change", J. Personality and
Social Psychology 99:1042-1060). What drives it away from there is not noise but what happens.

Every function here composes: n steps give what one step of their sum gives, so no result depends on a rate of ticks.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

__all__ = [
    "AROUSAL_S",
    "CHARGE_AWAKE_S",
    "CHARGE_RESTING_S",
    "DISCHARGE_SPEAKING_S",
    "DISCHARGE_THINKING_S",
    "IMPULSES",
    "VALENCE_S",
    "Impulse",
    "State",
    "advanced",
    "moved",
    "speaking_seconds",
    "spent",
    "time_to_charge",
]

DISCHARGE_SPEAKING_S = 1200.0
"""Time constant of energy while speaking: after 20 minutes of its own words a persona has 1/e of it left."""
DISCHARGE_THINKING_S = 3600.0
"""The same while composing a reply."""
CHARGE_AWAKE_S = 7200.0
"""Time constant with which energy returns while a persona is awake, its own words included.

With a quarter of it, whoever talked without a pause would never be as tired as to rest.
"""
CHARGE_RESTING_S = DISCHARGE_SPEAKING_S * 4.2 / 18.2
"""The same at rest."""
VALENCE_S = 900.0
"""Time constant of the return of valence."""
AROUSAL_S = 240.0
"""The same of arousal, which is the quicker of the two."""
WORDS_PER_SECOND = 2.5
"""Of speech in conversation, 150 words a minute."""

Impulse = Literal[
    "addressed", "praised", "blamed", "interrupted", "done", "declined", "arrived", "left", "heard"
]

IMPULSES: dict[Impulse, tuple[float, float]] = {
    "addressed": (0.05, 0.25),
    "praised": (0.35, 0.20),
    "blamed": (-0.35, 0.15),
    "interrupted": (-0.15, 0.15),
    "done": (0.15, 0.05),
    "declined": (-0.05, -0.05),
    "arrived": (0.08, 0.15),
    "left": (-0.04, -0.05),
    "heard": (0.0, 0.03),
}
"""What an event does to valence and arousal, as a share of what is left to their bounds."""


@dataclass(frozen=True, slots=True)
class State:
    """How a persona is at one moment.

    Attributes:
        energy: 0 to 1.
        valence: -1, unpleasant, to 1, pleasant.
        arousal: -1, calm, to 1, excited.
        home_valence: where valence returns to.
        home_arousal: where arousal returns to.
        at: seconds since 1970, UTC.
        resting: it sleeps, and charges faster.
    """

    energy: float = 1.0
    valence: float = 0.2
    arousal: float = 0.0
    home_valence: float = 0.2
    home_arousal: float = 0.0
    at: float = 0.0
    resting: bool = False


def advanced(state: State, at: float) -> State:
    """The state at a later moment in which nothing happened; the same one for an earlier moment."""
    elapsed = at - state.at
    if not elapsed > 0.0:
        return state
    charge = math.exp(-elapsed / (CHARGE_RESTING_S if state.resting else CHARGE_AWAKE_S))
    return State(
        _within(1.0 - (1.0 - state.energy) * charge, 0.0),
        _towards(state.valence, state.home_valence, elapsed / VALENCE_S),
        _towards(state.arousal, state.home_arousal, elapsed / AROUSAL_S),
        state.home_valence,
        state.home_arousal,
        at,
        state.resting,
    )


def spent(state: State, *, speaking: float = 0.0, thinking: float = 0.0) -> State:
    """The state after that many seconds of work; no time passes."""
    if not speaking and not thinking:
        return state
    left = math.exp(-speaking / DISCHARGE_SPEAKING_S - thinking / DISCHARGE_THINKING_S)
    return replace(state, energy=_within(state.energy * left, 0.0))


def moved(state: State, impulse: Impulse, weight: float = 1.0) -> State:
    """The state after something happened.

    Args:
        state: before it.
        impulse: what happened.
        weight: of it, 0 to 1.
    """
    valence, arousal = IMPULSES[impulse]
    return State(
        state.energy,
        _pushed(state.valence, weight * valence),
        _pushed(state.arousal, weight * arousal),
        state.home_valence,
        state.home_arousal,
        state.at,
        state.resting,
    )


def speaking_seconds(text: str) -> float:
    """About how long it takes to say something."""
    return len(text.split()) / WORDS_PER_SECOND


def time_to_charge(energy: float, wanted: float, resting: bool) -> float:
    """Seconds until energy has risen to `wanted` (below 1) by itself; 0 when it is there."""
    if energy >= wanted:
        return 0.0
    return (CHARGE_RESTING_S if resting else CHARGE_AWAKE_S) * math.log((1.0 - energy) / (1.0 - wanted))


def _towards(value: float, home: float, time_constants: float) -> float:
    return _within(home + (value - home) * math.exp(-time_constants), -1.0)


def _pushed(value: float, push: float) -> float:
    return _within(value + push * (1.0 - value if push > 0.0 else 1.0 + value), -1.0)


def _within(value: float, least: float) -> float:
    """Rounding alone could lead out of the bounds."""
    return min(max(value, least), 1.0)
