"""How personas are, shown in the rooms where they sit: told when it has changed by what people would notice."""

from collections.abc import Callable

from cognition.conversation.disposition import Disposition
from cognition.persona.reputation import Level
from signaling.presence import RoomPort

__all__ = ["Bearings"]

STEP = 0.05

_Shown = tuple[int, int, int, Level, bool]


class Bearings:
    """Shows energy, mood, level of trust, and who rests.

    Args:
        disposition: how a persona is now, by its id.
        level: how far it is trusted, by its id.
    """

    def __init__(self, disposition: Callable[[str], Disposition], level: Callable[[str], Level]) -> None:
        self._disposition = disposition
        self._level = level
        self._seats: dict[tuple[str, str], RoomPort] = {}
        self._shown: dict[tuple[str, str], _Shown] = {}

    def seat(self, room: str, persona: str, port: RoomPort) -> None:
        """A persona has taken its seat, and is shown there from now on."""
        self._seats[room, persona] = port
        self._shown.pop((room, persona), None)
        self._show(room, persona, port)

    def leave(self, room: str, persona: str | None = None) -> None:
        """A persona has left the room, or the room is attended no longer."""
        for key in [key for key in self._seats if key[0] == room and persona in (None, key[1])]:
            del self._seats[key], self._shown[key]

    def show(self, persona: str | None = None) -> None:
        """Shows in every room how a persona is, or all personas, where that has changed."""
        for (room, id), port in self._seats.items():
            if persona in (None, id):
                self._show(room, id, port)

    def _show(self, room: str, persona: str, port: RoomPort) -> None:
        now = self._disposition(persona)
        level = self._level(persona)
        shown = (
            round(now.energy / STEP),
            round(now.valence / STEP),
            round(now.arousal / STEP),
            level,
            now.resting,
        )
        if self._shown.get((room, persona)) == shown:
            return
        self._shown[room, persona] = shown
        port.presence(
            persona,
            energy=now.energy,
            valence=now.valence,
            arousal=now.arousal,
            level=level,
            resting=now.resting,
        )
