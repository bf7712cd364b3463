"""Who of all personas is to be serviced now, and when next: one pass over a structured array, without allocation.

A persona that has nothing to do has no timer: the pass says when the next thing of all is due, and that is infinity
in an idle house.
"""

import math
from enum import IntEnum
from typing import cast

import numpy as np
import numpy.typing as npt
from numba import from_dtype, njit, types

from cognition.persona.rights import REST_BELOW, REST_UNTIL
from cognition.persona.state import AROUSAL_S, CHARGE_AWAKE_S, CHARGE_RESTING_S, VALENCE_S

__all__ = ["CADENCES", "MARGIN_S", "ROW", "RULES", "URGENT", "Why", "blank", "cadence", "tick"]

ROW = np.dtype(
    [
        ("energy", "f8"),
        ("valence", "f8"),
        ("arousal", "f8"),
        ("home_valence", "f8"),
        ("home_arousal", "f8"),
        ("at", "f8"),
        ("serviced", "f8"),
        ("intention", "f8"),
        ("reflect", "f8"),
        ("awake_until", "f8"),
        ("priority", "f8"),
        ("waiting", "i4"),
        ("resting", "u1"),
        ("speaking", "u1"),
        ("paused", "u1"),
        ("seated", "u1"),
    ],
    align=True,
)
"""One persona. Instants are seconds since 1970; `inf` is never.

`energy` to `home_arousal` as in `cognition.persona.state.State`, true at `at`; `serviced`: when its inbox was looked
into last; `intention`: when the next one is due; `reflect`: when there is idle time enough to write; `awake_until`: an
operator keeps it from its rest; `waiting`, `priority`: messages in its inbox and the most urgent one's; `seated`: the
row is in use.
"""

CADENCES = (3.0, 5.0, 7.0, 10.0)
"""Seconds between two looks into an inbox, from a rested persona to one that is overwhelmed."""
URGENT = 0.8
"""Priority of a message for which a persona looks sooner."""
RESTED = 0.6
TIRED = 0.35
"""Energies between the cadences."""
CALM = -0.3
"""Arousal below which a persona takes its time."""
CROWDED = 16
"""Messages that overwhelm it."""

MARGIN_S = 1e-3
"""Seconds after it has rested enough at which a persona is looked at: at the very instant rounding decides."""

RULES = np.array(
    [
        REST_BELOW,
        REST_UNTIL,
        CHARGE_AWAKE_S,
        CHARGE_RESTING_S,
        VALENCE_S,
        AROUSAL_S,
        *CADENCES,
        URGENT,
        RESTED,
        TIRED,
        CALM,
        CROWDED,
        MARGIN_S,
    ]
)
"""The constants of the rules, handed to the kernel: what is compiled and kept on disk holds none of them."""


class Why(IntEnum):
    """Why a persona is serviced; the first that holds."""

    REST = 1
    """It has become so tired that it rests from now on."""
    WAKE = 2
    """It has rested enough."""
    INTENTION = 3
    MESSAGE = 4
    REFLECT = 5


def blank(count: int) -> npt.NDArray[np.void]:
    """Rows of personas with nothing to do, not in use."""
    rows = np.zeros(count, ROW)
    rows["energy"] = 1.0
    rows["serviced"] = rows["awake_until"] = -np.inf
    rows["intention"] = rows["reflect"] = np.inf
    return rows


def cadence(energy: float, arousal: float, waiting: int, priority: float) -> float:
    """Seconds between two looks of a persona into its inbox."""
    grade = 0 if energy >= RESTED else 1 if energy >= TIRED else 2
    if arousal < CALM:
        grade += 1
    if waiting >= CROWDED:
        grade = 3
    if priority >= URGENT:
        grade -= 1
    return CADENCES[min(max(grade, 0), 3)]


_FLOATS = types.Array(types.float64, 1, "C", readonly=True)
_SIGNATURE = types.int64(
    types.Array(from_dtype(ROW), 1, "C"),
    types.float64,
    _FLOATS,
    types.Array(types.int32, 1, "C"),
    types.Array(types.uint8, 1, "C"),
    types.Array(types.float64, 1, "C"),
)


@njit(_SIGNATURE, cache=True, error_model="numpy")
def _tick(rows, now, rules, who, why, horizon):  # type: ignore[no-untyped-def]
    found = 0
    soonest = math.inf
    for index in range(rows.size):
        row = rows[index]
        if row.seated == 0:
            continue
        elapsed = now - row.at
        if elapsed > 0.0:
            charge = math.exp(-elapsed / (rules[3] if row.resting else rules[2]))
            row.energy = min(max(1.0 - (1.0 - row.energy) * charge, 0.0), 1.0)
            home = row.home_valence
            row.valence = min(max(home + (row.valence - home) * math.exp(-(elapsed / rules[4])), -1.0), 1.0)
            home = row.home_arousal
            row.arousal = min(max(home + (row.arousal - home) * math.exp(-(elapsed / rules[5])), -1.0), 1.0)
            row.at = now
        if row.paused or row.speaking:
            continue
        reason = 0
        kept_awake = row.awake_until > now
        if row.resting:
            if row.energy >= rules[1] or kept_awake:
                row.resting = 0
                reason = 2
        elif row.energy < rules[0] and not kept_awake:
            row.resting = 1
            reason = 1
        due = math.inf
        if row.resting:
            due = now + rules[3] * math.log((1.0 - row.energy) / (1.0 - rules[1])) + rules[15]
        else:
            if row.energy < rules[0]:
                due = row.awake_until
            if row.intention <= now and reason == 0:
                reason = 3
            else:
                due = min(due, row.intention)
            if row.waiting > 0:
                grade = 0 if row.energy >= rules[11] else 1 if row.energy >= rules[12] else 2
                if row.arousal < rules[13]:
                    grade += 1
                if row.waiting >= rules[14]:
                    grade = 3
                if row.priority >= rules[10]:
                    grade -= 1
                look = row.serviced + rules[6 + min(max(grade, 0), 3)]
                if look <= now and reason == 0:
                    reason = 4
                    row.serviced = now
                else:
                    due = min(due, look)
            if row.reflect <= now and reason == 0:
                reason = 5
            else:
                due = min(due, row.reflect)
        soonest = min(soonest, due)
        if reason:
            who[found] = index
            why[found] = reason
            found += 1
    horizon[0] = soonest
    return found


def tick(
    rows: npt.NDArray[np.void],
    now: float,
    who: npt.NDArray[np.int32],
    why: npt.NDArray[np.uint8],
    horizon: npt.NDArray[np.float64],
    rules: npt.NDArray[np.float64] = RULES,
) -> int:
    """Brings all personas to the present and says who is to be serviced.

    A persona has one reason a pass; what else is due of it is due in the next one, at `horizon`, which may have passed.

    Args:
        rows: (n,) of `ROW`, changed in place.
        now: seconds since 1970.
        who: (n,) receives the indices of those to be serviced.
        why: (n,) receives a `Why` for each.
        horizon: (1,) receives the instant of the next pass, `inf` if there is nothing to wait for.
        rules: constants, as `RULES`.

    Returns:
        How many are to be serviced.
    """
    return cast(int, _tick(rows, now, rules, who, why, horizon))
