"""What a persona wants to say by itself."""

from dataclasses import dataclass
from typing import Literal

from cognition.events import Heard, Read

__all__ = ["Due", "DueKind"]

DueKind = Literal["greet", "question", "held-back", "remind", "propose", "talk", "rest", "wake"]


@dataclass(frozen=True, slots=True)
class Due:
    """Something a persona wants to say by itself, now: a bid for the floor.

    Attributes:
        id: what comes of it is said under this id (`Said.id`); that ends the intention, and no restart repeats it.
        persona: whose it is.
        room: where.
        kind: what it is; a "rest" may be said although the persona rests by then.
        text: words to say; empty where they are composed ("greet", a reply to `line`).
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

    @property
    def circle(self) -> frozenset[str] | None:
        """Who alone may hear it, the persona too, because they alone heard what it comes from; None for all."""
        return self.line.to if isinstance(self.line, Heard) else None
