"""A person in a room, as the mind sees them."""

import asyncio
import time
from dataclasses import dataclass, field

from signaling.audience import Audiences
from signaling.ears import Ears
from signaling.shared_voices import SharedVoices

__all__ = ["Attendant"]


@dataclass(slots=True)
class Attendant:
    """A person in the room, as the mind sees them."""

    id: str
    name: str
    listener: Ears
    identity: str = ""
    """Who it is in every room and on every day; empty where that is the id."""
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    speaking: bool = False
    """From the confirmed start of speech to the end of the turn."""
    paused: bool = False
    turn: str = ""
    """The turn begun last; the words of the one before it may still come."""
    shown: set[str] = field(default_factory=set)
    """Turns not yet over of which a caption is on display."""
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    audiences: Audiences = field(default_factory=Audiences)
    began_ns: dict[str, int] = field(default_factory=dict)
    """When the turns that are not over began, `time.monotonic_ns`."""
    entered_ns: int = field(default_factory=time.monotonic_ns)
    """From when on they hear what is said."""
    voices: SharedVoices | None = None
    """Of those who share the person's microphone."""

    @property
    def known_as(self) -> str:
        """Who they are, the same with each visit, as far as that is known."""
        return self.identity or self.id

    def dismiss(self) -> None:
        """Ends what is done for them."""
        for task in self.tasks:
            task.cancel()

    def heard_by(self, turn: str) -> frozenset[str] | None:
        """Who alone hears a turn that is not over, the person too; None for all."""
        listeners = self.audiences.of_turn(self.began_ns.get(turn, 0))
        return None if listeners is None else listeners | {self.id}
