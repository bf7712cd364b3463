"""What happens in a soak: who comes when, over which network, how they go. Pure, and the same for the same seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

from perf.lossy_path import Path
from perf.speech_corpus import SENTENCES

__all__ = ["NETWORKS", "Cycle", "Ending", "Shape", "Visit", "plan"]

NETWORKS: Sequence[Path] = (
    Path("clean"),
    Path("5 % loss", lost=0.05, jitter_ms=10.0),
    Path("reordering and duplicates", lost=0.01, reordered=3, duplicated=0.1, jitter_ms=10.0),
    Path("20 % loss", lost=0.2, jitter_ms=30.0),
)


class Ending(Enum):
    """How a client goes."""

    LEAVE = "leaves"
    """It says so."""
    DIE = "is killed"
    """Its TCP connection is reset by its system, its packets cease."""
    VANISH = "vanishes"
    """Nothing comes any more, and nobody says so: its cable was pulled."""
    ABANDON = "is killed while it connects"
    """It made an offer, and no packet ever came."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One client in one room, from its coming to its going.

    Attributes:
        name: what it is called.
        room: where.
        comes_s: after the beginning of the cycle.
        goes_s: after the beginning of the cycle.
        ending: how it goes.
        network: between it and the server.
        camera: it sends a picture, and may be shown three.
        muted: from its coming on; it is unmuted at the middle of its visit.
        dtx: it sends next to nothing while it is silent.
        asks: what it writes to the personas at the middle of its visit; None for nothing.
        seed: of what it says when.
    """

    name: str
    room: str
    comes_s: float
    goes_s: float
    ending: Ending
    network: Path
    camera: bool
    muted: bool
    dtx: bool
    asks: str | None
    seed: int


@dataclass(frozen=True, slots=True)
class Cycle:
    """Rooms open, fill, empty and close.

    Attributes:
        visits: in order of their coming.
        cut_s: when every client's connections are cut, to be resumed; None for never.
        mind_killed_s: when the mind is killed; None for never.
    """

    visits: tuple[Visit, ...]
    cut_s: float | None
    mind_killed_s: float | None


@dataclass(frozen=True, slots=True)
class Shape:
    """How long and how much.

    Attributes:
        cycles: that there are.
        cycle_s: seconds in which people come and go.
        visits: in a cycle.
        rooms: that they go to.
        warm_up: cycles after which memory is compared.
        vanishing: some vanish without a word, which the server notices after half a minute.
    """

    cycles: int
    cycle_s: float
    visits: int
    rooms: int
    warm_up: int
    vanishing: bool


def plan(seed: int, shape: Shape) -> tuple[Cycle, ...]:
    """All that will happen; every third cycle, and so the second, is a rough one, with kills and cuts.

    The mind is killed in rough cycles of the warm-up and in the last one: in between its memory is compared.
    """
    rough = [number for number in range(shape.cycles) if number % 3 == 1]
    fatal = {number for number in rough if number < shape.warm_up} | set(rough[-1:])
    return tuple(
        _cycle(Random(f"{seed}/{number}"), shape, number, number in rough, number in fatal)
        for number in range(shape.cycles)
    )


def _cycle(random: Random, shape: Shape, number: int, rough: bool, fatal: bool) -> Cycle:
    whole = shape.cycle_s
    visits: list[Visit] = []
    endings = [Ending.DIE, Ending.ABANDON, Ending.VANISH if shape.vanishing else Ending.DIE] if rough else []
    for index in range(shape.visits):
        ending = endings[index] if index < len(endings) else Ending.LEAVE
        # Whom the server has to miss first goes early, so that the room does not wait for it at the end.
        latest = 0.5 if ending is not Ending.LEAVE else 1.0
        comes = random.uniform(0.0, 0.45 * latest) * whole
        stays = random.uniform(0.35 * latest, 0.55 * latest) * whole
        visits.append(
            Visit(
                name=f"Visitor {number}-{index}",
                room=f"room-{random.randrange(shape.rooms)}",
                comes_s=comes,
                goes_s=comes + stays,
                ending=ending,
                network=random.choice(NETWORKS),
                camera=random.random() < 0.4,
                muted=random.random() < 0.2,
                dtx=random.random() < 0.6,
                asks=random.choice(SENTENCES) if random.random() < 0.1 else None,
                seed=random.getrandbits(31),
            )
        )
    return Cycle(
        visits=tuple(sorted(visits, key=lambda visit: visit.comes_s)),
        cut_s=random.uniform(0.5, 0.7) * whole if rough else None,
        mind_killed_s=random.uniform(0.2, 0.4) * whole if fatal else None,
    )
