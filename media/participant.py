"""Who takes part in a room: a person behind a peer, or a persona behind a voice ring."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from media.realtime.gate import Gate
from media.realtime.outlet import Outlet
from media.realtime.overlap import Overlap
from media.realtime.packet import FRAME
from media.realtime.peer_port import AudioPeer
from media.realtime.ring import AudioRing
from media.realtime.suppression import Suppressor

__all__ = ["REWOUND", "Participant", "Person", "Persona"]

REWOUND = 48_000
"""Samples of a voice that can be heard again after it was held: 1 s; its writer leaves them in the ring."""

_PCM_TO_FLOAT = np.float32(1 / 32768)
_EDGE = 120
_FADE_IN = np.linspace(0.0, 1.0, _EDGE, dtype=np.float32)
_FADE_OUT = np.linspace(1.0, 0.0, FRAME, dtype=np.float32)


@dataclass(slots=True)
class Person:
    """A person: sends and hears.

    Attributes:
        id: identity.
        row: row of the room's arrays.
        peer: the person's end.
        ears: ring of 16 kHz sound, for those who listen to the words.
        gate: the cheap voice-activity gate.
        listened: whether it is open for those who listen to the words, as last reported.
        confiding: whether she whispers, and to no persona.
        muted: contributes nothing and is not listened to.
        speaking: as last reported.
        told: who alone was told when she began to speak; None for all.
        quiet: ticks since the last frame that came from a packet.
        outlet: encoder of the person's own mix; None while the mix is the one all others hear.
        apart: ticks for which an own mix is still made after the person was last heard.
        suppressed: whether noise is to be taken out of the person's sound.
        audible: ticks for which there is sound worth being cleaned.
        suppressor: cleans it; None while nothing is.
        audience: who alone hears her, by identity; None for all.
        wanted: the audience she is to have; it takes its place when she is faded out.
        without: who is left out of what she hears, by identity.
        whispered: whether she is sent the mix of a circle.
        overlap: what she says over a persona's voice.
    """

    id: str
    row: int
    peer: AudioPeer
    ears: AudioRing
    gate: Gate = field(default_factory=Gate)
    listened: bool = False
    confiding: bool = False
    muted: bool = False
    speaking: bool = False
    told: frozenset[str] | None = None
    quiet: int = 0
    outlet: Outlet | None = None
    apart: int = 0
    suppressed: bool = True
    audible: int = 0
    suppressor: Suppressor | None = None
    audience: frozenset[str] | None = None
    wanted: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    whispered: bool = False
    overlap: Overlap = field(default_factory=Overlap)


@dataclass(slots=True)
class Persona:
    """A persona: its voice comes from a ring that the mind fills.

    Attributes:
        id: identity.
        row: row of the room's arrays.
        voice: ring of 48 kHz sound.
        muted: contributes nothing.
        speaking: as last reported; true while the ring has sound.
        told: who alone was told when it began to speak; None for all.
        pcm: int16[960], scratch for what is pulled.
        tail: how many samples of `pcm` are the faded rest of a stopped voice, to be played in the next tick.
        dry: ticks since the ring last had sound.
        audience: who alone hears it, by identity; None for all.
        wanted: the audience it is to have; it takes its place when the voice is faded out.
        gain: of the voice in this frame.
        fading: fades out in this frame, to be held.
        held: the ring is left as it is.
        held_by: whose speech it is that fades it out; None when that was asked for.
        resumed: the next frame is the first after it was held.
    """

    id: str
    row: int
    voice: AudioRing
    muted: bool = False
    speaking: bool = False
    told: frozenset[str] | None = None
    pcm: NDArray[np.int16] = field(default_factory=lambda: np.zeros(FRAME, np.int16))
    tail: int = 0
    dry: int = 0
    audience: frozenset[str] | None = None
    wanted: frozenset[str] | None = None
    gain: float = 1.0
    fading: bool = False
    held: bool = False
    held_by: str | None = None
    resumed: bool = False

    @property
    def silent(self) -> bool:
        """Whether there is nothing to be read."""
        return not self.tail and self.voice.pulled == self.voice.written

    def read(self, out: NDArray[np.float32]) -> int:
        """Takes the next frame of the voice.

        Args:
            out: float32[960]; zeros after the last sample there is.

        Returns:
            How many samples of it are sound from the ring.
        """
        if self.tail:
            np.multiply(self.pcm, _PCM_TO_FLOAT, out=out)
            np.multiply(out, _FADE_OUT, out=out)
            self.tail = 0
            return 0
        count = 0 if self.held else self.voice.pull(self.pcm)
        if count == 0:
            out[:] = 0.0
            return 0
        np.multiply(self.pcm, _PCM_TO_FLOAT, out=out)
        if self.resumed:
            out[:_EDGE] *= _FADE_IN
            self.resumed = False
        if count < FRAME:
            edge = min(count, _EDGE)
            out[count - edge : count] *= _FADE_OUT[-edge:]
        return count

    def stop(self) -> int:
        """Keeps one frame to fade out with and drops the rest; returns the position played up to."""
        if self.speaking and not self.tail and not self.held:
            self.tail = self.voice.pull(self.pcm)
        self.held = self.fading = False
        played = self.voice.pulled
        self.voice.drop()
        return played

    def hold(self) -> int:
        """Fades out in the next frame; returns the position that will then have been played."""
        if not self.held:
            self.fading = True
        return min(self.voice.written, self.voice.pulled + FRAME) if self.fading else self.voice.pulled

    def resume(self, position: int) -> int:
        """Goes on from a position of the ring, of the last second at most; returns the one it goes on from."""
        at = self.voice.pulled
        wanted = min(max(position, at - REWOUND), at)
        if self.held and self.voice.rewind(wanted):
            at, self.resumed, self.gain = wanted, True, 1.0
        self.held = self.fading = False
        return at


Participant = Person | Persona
