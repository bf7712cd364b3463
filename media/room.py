"""A room: its participants, and the pass over them that the plane's clock makes every 20 ms."""

import time
from collections.abc import Callable, Collection
from itertools import chain

import numpy as np

from media.announcements import Announcements
from media.cleaning import Cleaning
from media.distribution import Distribution
from media.events import MediaEvent
from media.overlaps import Overlaps
from media.participant import Participant, Person, Persona
from media.realtime.decimator import HISTORY, TAPS, decimate
from media.realtime.gain import adapt
from media.realtime.jitter import JitterStatistics
from media.realtime.levels import measure
from media.realtime.mixer import mix_minus
from media.realtime.opus import AudioEncoder, OpusEncoder
from media.realtime.packet import FRAME, FrameKind
from media.realtime.peer_port import AudioPeer
from media.realtime.ring import AudioRing
from media.realtime.speaker import AUDIBLE, choose
from media.realtime.suppression import Suppressor
from media.rows import Rows
from media.whispers import APART_TICKS, Whispers, confides

__all__ = ["Room", "RoomError"]

_IDLE_TICKS = 50


class RoomError(ValueError):
    """Someone is in the room already, or is not."""


class Room:
    """Participants of one call.

    Attributes:
        id: identity.
        cleaning: of people's sound from noise; None when there is none.
    """

    def __init__(
        self,
        id: str,
        *,
        report: Callable[[MediaEvent], None],
        wake: Callable[[], None],
        clock: Callable[[], int] = time.monotonic_ns,
        encoder: Callable[[], AudioEncoder] = OpusEncoder,
        suppressor: Callable[[], Suppressor] | None = None,
        automatic_gain: bool = False,
    ) -> None:
        """An empty room.

        Args:
            id: identity.
            report: told of each event, synchronously.
            wake: called when the room has something to do again after it was idle; cheap, may be called
                often.
            clock: nanoseconds, the one that stamps packets.
            encoder: makes an encoder for a distinct mix.
            suppressor: makes a noise suppressor; None for none.
            automatic_gain: whether people are brought to the same loudness.
        """
        self.id = id
        self.cleaning = Cleaning(suppressor) if suppressor is not None else None
        self._announcements = Announcements(id, report, clock)
        self._wake = wake
        self._automatic_gain = automatic_gain
        self._overlaps = Overlaps(id, report, clock)
        self._whispers = Whispers()
        self._persons: dict[str, Person] = {}
        self._sending: dict[str, Person] = {}
        self._personas: dict[str, Persona] = {}
        self._sounding: dict[str, Persona] = {}
        self._leaving: list[int] = []
        self._apart: list[Person] = []
        self._widening: dict[str, frozenset[str] | None] = {}
        self._ceased: list[Person] = []
        self._hushed: list[Persona] = []
        self._distribution = Distribution(encoder)
        self._departed = JitterStatistics()
        self._total = np.zeros(FRAME, np.float32)
        self._scratch = np.zeros(HISTORY + FRAME, np.float32)
        self._rows = Rows()

    def __contains__(self, id: str) -> bool:
        return id in self._persons or id in self._personas

    def __len__(self) -> int:
        return len(self._persons) + len(self._personas)

    @property
    def idle(self) -> bool:
        """Whether a tick would change nothing until a packet, a participant or a voice comes."""
        if not self._persons:
            return True
        return not (self._sending or self._sounding or self._leaving)

    @property
    def sent(self) -> int:
        """Packets handed to peers so far."""
        return self._distribution.sent

    @property
    def encodes(self) -> int:
        """Frames that were encoded to packets so far."""
        return self._distribution.encodes

    @property
    def replays(self) -> int:
        """How often an encoder took over a stream so far, at three encodes each."""
        return self._distribution.replays

    @property
    def jitter(self) -> JitterStatistics:
        """Sums of the counters of everybody who is or was here."""
        total = JitterStatistics()
        total.add(self._departed)
        for person in self._persons.values():
            total.add(person.peer.jitter.statistics)
        return total

    def add_person(self, id: str, *, ears: AudioRing, peer: AudioPeer) -> None:
        """Lets a person in.

        Args:
            id: identity, unique in the room.
            ears: ring at 16 kHz; written in each tick from the person's first packet on.
            peer: sends what the person hears and holds what the person sends.

        Raises:
            RoomError: somebody of that identity is here.
        """
        person = Person(id=id, row=self._take_row(id), peer=peer, ears=ears)
        self._persons[id] = person
        self._regroup()
        peer.jitter.wake = lambda: self._stir(person)
        self._stir(person)

    def add_persona(self, id: str, *, voice: AudioRing) -> None:
        """Lets a persona in.

        Args:
            id: identity, unique in the room.
            voice: ring at 48 kHz; played as it fills, see `wake`.

        Raises:
            RoomError: somebody of that identity is here.
        """
        self._personas[id] = Persona(id=id, row=self._take_row(id), voice=voice)
        self._regroup()
        self.wake(id)

    def wake(self, id: str) -> None:
        """Looks at a persona's voice ring again, after something was written into it while it was dry.

        A ring is left alone a second after it ran dry; its writer cannot be overlooked who wakes it whenever
        it was dry just before he wrote.

        Raises:
            RoomError: no persona of that identity is here.
        """
        persona = self._persona(id)
        persona.dry = 0
        self._sounding[id] = persona
        self._wake()

    def remove(self, id: str) -> None:
        """Lets a participant go; the rest of the frame is faded so that nobody hears a click.

        Raises:
            RoomError: nobody of that identity is here.
        """
        participant = self._find(id)
        if isinstance(participant, Person):
            del self._persons[id]
            self._sending.pop(id, None)
            self._widening.pop(id, None)
            participant.peer.jitter.wake = None
            self._departed.add(participant.peer.jitter.statistics)
            self._distribution.rejoin(participant)
            if self.cleaning is not None:
                self.cleaning.leave(participant)
        else:
            del self._personas[id]
            self._sounding.pop(id, None)
        self._regroup()
        rows = self._rows
        row = participant.row
        if self._persons and rows.gains_from[row] > 0.0 and participant.audience is None:
            # Played backwards, the last frame goes on where it ended.
            rows.frames[row] = rows.frames[row, ::-1].copy()
            rows.gains_from[row] = 1.0
            self._leaving.append(row)
        else:
            rows.free(row)
        self._announcements.forget(id)

    @property
    def dominant(self) -> str | None:
        """Who leads the conversation; the last who did while all are silent."""
        return self._announcements.dominant

    def suppress(self, id: str, on: bool) -> None:
        """Takes noise out of a person's sound, or leaves it as it comes; on at first.

        Raises:
            RoomError: no person of that identity is here.
        """
        person = self._person(id)
        person.suppressed = on
        if not on and self.cleaning is not None:
            self.cleaning.leave(person)

    def whisper(self, id: str, to: Collection[str] | None) -> None:
        """Lets only some hear a participant from now on, or all again; who is being heard is faded over.

        What is whispered costs one mix more for each circle of people who hear the same, not one a listener. A
        person's words reach no ears ring unless a persona is among those she whispers to.

        Who did not hear a person before hears nothing that had arrived from her by now and waits in her jitter
        buffer, nor what was sent before the newest of it and comes later. Until that is played, at most a
        second or so, those hear her who did and shall. What she sent after the newest packet that has arrived
        counts as said from now on: a client who ends a whisper waits until its last words have arrived.

        Args:
            id: who whispers.
            to: identities of the listeners, of people and personas; None for all.

        Raises:
            RoomError: nobody of that identity is here.
        """
        participant = self._find(id)
        before, wanted = participant.wanted, None if to is None else frozenset(to)
        if id in self._widening and self._widening[id] == wanted:
            return
        self._widening.pop(id, None)
        if isinstance(participant, Person) and before is not None and (wanted is None or wanted - before):
            if participant.peer.jitter.mark():
                self._widening[id] = wanted
                wanted = before if wanted is None else before & wanted
        self._turn(participant, wanted)

    def leave_out(self, id: str, others: Collection[str]) -> None:
        """Leaves some participants out of what a person hears, who is sent their voices in another way.

        It costs one mix more for each circle of people who hear the same, while one of these sounds.

        Args:
            id: who listens.
            others: identities of those she does not hear in the mix; those who are not here are passed over.

        Raises:
            RoomError: no person of that identity is here.
        """
        self._person(id).without = frozenset(others)
        self._regroup()

    def audience(self, id: str) -> frozenset[str] | None:
        """Who alone is to hear a participant; None for all.

        Raises:
            RoomError: nobody of that identity is here.
        """
        wanted = self._find(id).wanted
        return self._widening.get(id, wanted)

    def left_out(self, id: str) -> frozenset[str]:
        """Whom a person does not hear in the mix; nobody for one who is not here."""
        person = self._persons.get(id)
        return person.without if person is not None else frozenset()

    def mute(self, id: str, muted: bool) -> None:
        """A muted participant is neither mixed nor listened to; a muted person's ears hear silence.

        Raises:
            RoomError: nobody of that identity is here.
        """
        participant = self._find(id)
        participant.muted = muted
        self._rows.hangover[participant.row] = 0

    def stop_voice(self, id: str) -> int:
        """Fades a persona's voice out within a frame and forgets the rest of it.

        Returns:
            Position in the voice ring (48 kHz) up to which it is played, the fading frame included.

        Raises:
            RoomError: no persona of that identity is here.
        """
        persona = self._persona(id)
        played = persona.stop()
        self._announcements.speaking(persona, False)
        return played

    def hold_voice(self, id: str) -> int:
        """Fades a persona's voice out in the next frame and keeps what is left of it; `VoiceHeld` is reported.

        Returns:
            Position in the voice ring (48 kHz) up to which it will have been played.

        Raises:
            RoomError: no persona of that identity is here.
        """
        persona = self._persona(id)
        played = persona.hold()
        # Also one that had run dry is held, and that is reported.
        self._sounding[id] = persona
        self._wake()
        return played

    def resume_voice(self, id: str, position: int) -> int:
        """Lets a voice that is held go on; what people say just now holds it no more.

        Args:
            id: the persona.
            position: in the voice ring; 1 s before where it was held at most, and not behind that.

        Returns:
            The position from which it goes on.

        Raises:
            RoomError: no persona of that identity is here.
        """
        persona = self._persona(id)
        for person in self._sending.values():
            person.overlap.forgive()
        at = persona.resume(position)
        self.wake(id)
        return at

    def tick(self, timestamp: int, now_ns: int) -> None:
        """One pass: read every source once, sum once, encode once a distinct mix, hand out.

        Args:
            timestamp: media time of the frame, in samples.
            now_ns: the instant the tick was due.
        """
        rows = self._rows
        count, persons = self._read(now_ns)
        rows.levels, rows.before = rows.before, rows.levels
        if self.cleaning is not None and persons:
            measure(rows.frames, rows.order, persons, rows.raw)
            self.cleaning.clean(self._sending.values(), rows.frames, rows.raw)
        measure(rows.frames, rows.order, count, rows.levels)
        self._listen(persons)
        self._overlaps.follow(self._sending.values(), self._sounding.values(), rows.ears, rows.speech_power)
        if self._automatic_gain:
            adapt(
                rows.levels,
                rows.order,
                persons,
                rows.voiced,
                rows.speech_power,
                rows.speech_weight,
                rows.faders,
            )
        self._announcements.follow(chain(self._sending.values(), self._sounding.values()), rows.levels)
        choose(
            rows.audible,
            rows.order,
            count,
            rows.hangover,
            rows.loudness,
            rows.heard,
        )
        sources, apart = self._weigh()
        mix_minus(
            rows.frames,
            rows.gains_from,
            rows.gains_to,
            rows.sources,
            sources,
            len(apart),
            self._total,
            rows.mixes,
        )
        if self._whispers.circles:
            self._whispers.mix(
                rows.frames,
                rows.gains_from,
                rows.gains_to,
                self._total,
                apart,
                rows.mixes,
            )
        self._distribution.send(
            timestamp & 0xFFFFFFFF, rows.mixes, self._persons.values(), apart, self._whispers.circles
        )
        self._settle(sources)

    def _read(self, now_ns: int) -> tuple[int, int]:
        """Reads every source; tells how many rows hold a frame, and how many of them, first, are persons'."""
        rows = self._rows
        # A tick that failed has left behind what it found.
        self._ceased.clear()
        self._hushed.clear()
        count = 0
        for person in self._sending.values():
            kind = person.peer.jitter.pull(rows.frames[person.row], now_ns)
            person.quiet = person.quiet + 1 if kind is FrameKind.SILENCE else 0
            if person.quiet > _IDLE_TICKS:
                self._ceased.append(person)
            rows.order[count] = person.row
            count += 1
        persons = count
        for persona in self._sounding.values():
            taken = persona.read(rows.frames[persona.row])
            persona.dry = 0 if taken or persona.held else persona.dry + 1
            if persona.dry > _IDLE_TICKS:
                self._hushed.append(persona)
            if taken and not persona.speaking:
                # Whatever its last words were lowered for is over.
                persona.gain = 1.0
                self._announcements.start(persona)
            if persona.speaking and taken < FRAME:
                self._announcements.drain(persona)
            rows.order[count] = persona.row
            count += 1
        return count, persons

    def _listen(self, persons: int) -> None:
        """Writes ears, moves gates, silences the muted."""
        rows = self._rows
        decimate(
            rows.frames,
            rows.order,
            persons,
            TAPS,
            rows.filter,
            self._scratch,
            rows.ears,
        )
        np.copyto(rows.audible, rows.levels)
        for persona in self._sounding.values():
            if persona.muted:
                rows.audible[persona.row] = 0.0
        for person in self._sending.values():
            ears = rows.ears[person.row]
            confiding = confides(person.wanted, self._personas)
            if person.muted or confiding is not person.confiding:
                # What opened it was not for those who hear her now.
                person.confiding = confiding
                person.gate.close()
            if person.muted:
                rows.audible[person.row] = 0.0
            else:
                person.gate.hear(ears.data.cast("B"), float(rows.levels[person.row]))
                if person.audible and person.suppressed and not (person.suppressor or person.gate.opened):
                    rows.audible[person.row] = 0.0
            rows.voiced[person.row] = person.gate.voiced
            if person.muted or confiding:
                ears[:] = 0
            person.ears.write(ears)
            listened = person.gate.opened and not confiding
            if listened is not person.listened:
                person.listened = listened
                self._announcements.gate(person)

    def _weigh(self) -> tuple[int, list[Person]]:
        """Sets the gains of those who are heard.

        Returns:
            How many of `Rows.sources` are mixed, and the persons at its front, who hear a mix of their own.
        """
        rows = self._rows
        apart = self._apart
        apart.clear()
        for person in self._sending.values():
            heard = self._aim(person, float(rows.faders[person.row]))
            if person.audience is not None:
                # Her sound is in no sum that she would have to be taken out of.
                person.apart = 0
            elif heard or rows.gains_from[person.row] > 0.0:
                person.apart = APART_TICKS
            elif person.apart > 0:
                person.apart -= 1
            if person.apart > 0:
                rows.sources[len(apart)] = person.row
                apart.append(person)
                self._distribution.set_apart(person)
            else:
                self._distribution.rejoin(person)
            self._announcements.speaking(person, heard and person.gate.opened)
        count = len(apart)
        for persona in self._sounding.values():
            heard = self._aim(persona, persona.gain)
            if persona.audience is None and (heard or rows.gains_from[persona.row] > 0.0):
                rows.sources[count] = persona.row
                count += 1
        for row in self._leaving:
            rows.gains_to[row] = 0.0
            rows.sources[count] = row
            count += 1
        return count, apart

    def _aim(self, participant: Participant, gain: float) -> bool:
        """Sets where someone's gain goes in this frame; tells whether she is heard."""
        rows = self._rows
        row = participant.row
        heard = bool(rows.heard[row]) and participant.wanted == participant.audience
        rows.gains_to[row] = gain if heard else 0.0
        # An onset out of silence has no edge to soften, and a ramp would take the first consonant away.
        if heard and rows.gains_from[row] == 0.0 and rows.before[row] < AUDIBLE:
            rows.gains_from[row] = gain
        return heard

    def _turn(self, participant: Participant, wanted: frozenset[str] | None) -> None:
        gains_from, row = self._rows.gains_from, participant.row
        participant.wanted = wanted
        if isinstance(participant, Persona):
            if participant.silent:
                # Nothing of it is left to be faded out, and what it says next is not for those who heard it last.
                gains_from[row] = 0.0
            elif gains_from[row] == 0.0:
                # Those for whom it was stopped have heard nothing of it that would have to be faded out.
                participant.tail = 0
        if gains_from[row] == 0.0:
            self._reroute(participant)

    def _reroute(self, participant: Participant) -> None:
        if participant.audience != participant.wanted:
            participant.audience = participant.wanted
        self._regroup()

    def _regroup(self) -> None:
        participants: list[Participant] = [*self._persons.values(), *self._personas.values()]
        self._distribution.give_back(self._whispers.regroup(participants, self._persons))

    def _settle(self, sources: int) -> None:
        for index in range(sources):
            row = self._rows.sources[index]
            self._rows.gains_from[row] = self._rows.gains_to[row]
        for group in (self._sending, self._sounding):
            for one in group.values():
                if one.audience is not None:
                    self._rows.gains_from[one.row] = self._rows.gains_to[one.row]
                if one.wanted != one.audience and self._rows.gains_to[one.row] == 0.0:
                    self._reroute(one)
        if self._widening:
            self._widen()
        for row in self._leaving:
            self._rows.free(row)
        self._leaving.clear()
        self._announcements.tell_voices()
        for persona in self._sounding.values():
            if persona.fading:
                self._announcements.speaking(persona, False)
                self._overlaps.hold(persona)
        for person in self._ceased:
            self._sending.pop(person.id, None)
        self._ceased.clear()
        for persona in self._hushed:
            self._sounding.pop(persona.id, None)
        self._hushed.clear()

    def _widen(self) -> None:
        """Lets more people hear those whose jitter buffers hold nothing more that was not for them."""
        for id in [id for id in self._widening if not self._persons[id].peer.jitter.marked]:
            self._turn(self._persons[id], self._widening.pop(id))

    def _stir(self, person: Person) -> None:
        person.quiet = 0
        self._sending[person.id] = person
        self._wake()

    def _find(self, id: str) -> Participant:
        participant = self._persons.get(id) or self._personas.get(id)
        if participant is None:
            raise RoomError(f"nobody called {id!r} is in room {self.id!r}")
        return participant

    def _person(self, id: str) -> Person:
        person = self._persons.get(id)
        if person is None:
            raise RoomError(f"no person {id!r} is in room {self.id!r}")
        return person

    def _persona(self, id: str) -> Persona:
        persona = self._personas.get(id)
        if persona is None:
            raise RoomError(f"no persona {id!r} is in room {self.id!r}")
        return persona

    def _take_row(self, id: str) -> int:
        if id in self:
            raise RoomError(f"{id!r} is in room {self.id!r} already")
        return self._rows.take()
