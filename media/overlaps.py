"""What people's sound does to the voices of personas they speak over: lowers them, and holds them."""

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from media.events import MediaEvent, VoiceHeld
from media.participant import Person, Persona

__all__ = ["DUCKED", "Overlaps"]

DUCKED = 0.25
"""Gain of a persona's voice while a person who hears it speaks: -12 dB."""

_RISE = 0.15
"""By how much the gain comes back in a frame: in 100 ms."""


class Overlaps:
    """Follows who speaks over whom in one room.

    A voice that is held fades out within the frame in which that is decided; what is left in its ring stays
    there, to be resumed or dropped.

    Args:
        room: the room's identity.
        report: told of each voice that is held, synchronously.
        clock: nanoseconds, the one that stamps packets.
    """

    def __init__(self, room: str, report: Callable[[MediaEvent], None], clock: Callable[[], int]) -> None:
        self._room = room
        self._report = report
        self._clock = clock
        self._idle = True
        self._speaking: list[Person] = []

    def follow(
        self,
        persons: Collection[Person],
        personas: Collection[Persona],
        ears: NDArray[np.int16],
        power: NDArray[np.float32],
    ) -> None:
        """Takes a frame of everybody and sets the personas' gains for it.

        Args:
            persons: who sends; their gates have heard the frame.
            personas: whose voices may sound.
            ears: int16[participants, 320], the frame at 16 kHz, by row.
            power: float32[participants], mean square of people's speech as it usually is, by row.
        """
        if not any(persona.speaking or persona.fading or persona.held for persona in personas):
            if not self._idle:
                self._idle = True
                for person in persons:
                    person.overlap.reset()
            for persona in personas:
                persona.gain = 1.0
            return
        self._idle = False
        speaking = self._speaking
        speaking.clear()
        for person in persons:
            if person.muted:
                person.overlap.reset()
            elif person.gate.loud or person.overlap.frames:
                person.overlap.hear(ears[person.row], person.gate, float(power[person.row]))
                if person.overlap.speaking:
                    speaking.append(person)
        for persona in personas:
            if persona.fading:
                persona.gain = 0.0
            elif persona.speaking:
                self._answer(persona)

    def hold(self, persona: Persona) -> None:
        """A voice has faded out in the frame that was mixed: it is held from now on, which is reported."""
        persona.fading, persona.held = False, True
        by, persona.held_by = persona.held_by, None
        self._report(VoiceHeld(self._room, persona.id, by, persona.voice.pulled, self._clock()))

    def _answer(self, persona: Persona) -> None:
        ducked = False
        for person in self._speaking:
            if not _over(person, persona):
                continue
            ducked = True
            if person.overlap.interrupts:
                persona.fading, persona.held_by, persona.gain = True, person.id, 0.0
                return
        persona.gain = DUCKED if ducked else min(1.0, persona.gain + _RISE)


def _over(person: Person, persona: Persona) -> bool:
    """Whether they hear each other."""
    return (person.audience is None or persona.id in person.audience) and (
        persona.audience is None or person.id in persona.audience
    )
