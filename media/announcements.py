"""What a room tells of its participants: open gates, voices that begin and end, who speaks, who leads."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from media.events import (
    DominantChanged,
    GateClosed,
    GateOpened,
    MediaEvent,
    SpeakingChanged,
    VoiceDrained,
    VoiceStarted,
)
from media.participant import Participant, Person, Persona
from media.realtime.decimator import EARS_FRAME
from media.realtime.dominant import DominantSpeaker
from media.realtime.gate import OPEN_FRAMES, PREROLL
from media.realtime.levels import dbov

__all__ = ["Announcements"]

_SILENCE_DBOV = 127


class Announcements:
    """Turns what changes in a room into events, each change told once.

    Args:
        room: the room's identity.
        report: told of each event, synchronously.
        clock: nanoseconds, the one that stamps packets.
    """

    def __init__(self, room: str, report: Callable[[MediaEvent], None], clock: Callable[[], int]) -> None:
        self._room = room
        self._report = report
        self._clock = clock
        self._conversation = DominantSpeaker()
        self._started: list[Persona] = []
        self._drained: list[Persona] = []

    @property
    def dominant(self) -> str | None:
        """Who leads the conversation; the last who did while all are silent."""
        return self._conversation.current

    def forget(self, id: str) -> None:
        """One who has left leads no longer."""
        if self._conversation.forget(id):
            self._report(DominantChanged(self._room, None))

    def follow(self, participants: Iterable[Participant], levels: NDArray[np.float32]) -> None:
        """Finds out who leads the conversation.

        Args:
            participants: who may be heard.
            levels: float32[participants], root mean square of the frames, by row.
        """
        heard = [
            (
                one.id,
                _SILENCE_DBOV if one.muted or one.audience is not None else dbov(float(levels[one.row])),
            )
            for one in participants
        ]
        if self._conversation.hear(heard):
            self._report(DominantChanged(self._room, self._conversation.current))

    def gate(self, person: Person) -> None:
        """A person's gate has opened or closed, as far as her words may be listened to."""
        written = person.ears.written
        if person.listened:
            start = max(0, written - OPEN_FRAMES * EARS_FRAME - PREROLL)
            self._report(GateOpened(self._room, person.id, start))
        else:
            self._report(GateClosed(self._room, person.id, written))

    def speaking(self, participant: Participant, speaking: bool) -> None:
        """Somebody is, or is not, heard."""
        if participant.speaking is not speaking:
            participant.speaking = speaking
            if speaking:
                participant.told = participant.wanted
            # Of the end they are told who were told of the beginning, whoever is spoken to by now.
            self._report(SpeakingChanged(self._room, participant.id, speaking, participant.told))

    def start(self, persona: Persona) -> None:
        """A persona's voice begins; its start is told by `tell_voices`."""
        self._started.append(persona)
        self.speaking(persona, True)

    def drain(self, persona: Persona) -> None:
        """A persona's voice ran dry; its end is told by `tell_voices`."""
        self._drained.append(persona)
        self.speaking(persona, False)

    def tell_voices(self) -> None:
        """Tells which voices began and ran dry in the frame that has just been handed out."""
        if self._started:
            now_ns = self._clock()
            for persona in self._started:
                self._report(VoiceStarted(self._room, persona.id, persona.voice.pulled, now_ns))
            self._started.clear()
        for persona in self._drained:
            self._report(VoiceDrained(self._room, persona.id, persona.voice.pulled))
        self._drained.clear()
