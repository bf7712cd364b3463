"""What is alive of a room: connections, rings of sound, and its place in the media plane."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from media.realtime.ring import AudioRing
from media.room import Room
from media.rtc.source import TrackSource
from signaling.ipc.jsonrpc import JsonObject
from signaling.ipc.shared_memory import SharedFile
from signaling.server.floor import Circle, Floor, Floors
from signaling.server.history import Line
from signaling.server.ports import Camera, Connection, SessionPeer
from signaling.server.rooms import RoomState, Seat
from signaling.server.server_messages import (
    Caption,
    ChatLine,
    FloorChanged,
    Participant,
    ParticipantChanged,
    PersonaPresence,
    ServerMessage,
    serialize,
)
from signaling.server.text import timestamp
from signaling.server.tokens import Claims

__all__ = ["EARS_RATE", "VOICE_RATE", "Attendee", "LiveRoom", "OpenCaption", "Sound"]

EARS_RATE = 16_000
EARS_SAMPLES = 30 * EARS_RATE
VOICE_RATE = 48_000
VOICE_SAMPLES = 20 * VOICE_RATE
MAX_OPEN_CAPTIONS = 256


@dataclass(slots=True)
class Sound:
    """A ring in shared memory."""

    file: SharedFile
    ring: AudioRing

    @classmethod
    def ears(cls, make: Callable[[int], SharedFile]) -> "Sound":
        """A ring for what a person says: the last 30 s."""
        return cls._create(make, EARS_RATE, EARS_SAMPLES)

    @classmethod
    def voice(cls, make: Callable[[int], SharedFile]) -> "Sound":
        """A ring for what a persona is about to say: 20 s at most."""
        return cls._create(make, VOICE_RATE, VOICE_SAMPLES)

    @classmethod
    def _create(cls, make: Callable[[int], SharedFile], rate: int, capacity: int) -> "Sound":
        file = make(AudioRing.nbytes(capacity))
        return cls(file, AudioRing.format(file.buffer, rate=rate, capacity=capacity))

    def remove(self) -> None:
        """Gives the memory back as soon as nobody looks at it."""
        self.file.unlink()
        self.file.close()


@dataclass(slots=True)
class Attendee:
    """A person's seat and what is alive of it.

    Attributes:
        claims: what their token allowed.
        connection: None while it is lost.
        peer: set while its media is up and in the plane.
        gate: position in the ears ring at which the open gate opened.
        heard: position in the ears ring before which a mind has heard all there is.
        shown: slot to participant id and camera, as last told.
        pinned: the participant whom they want to see whatever happens.
        voices: the participants whom they want to hear unmixed.
        passed: slot to participant id and voice, as last told; None for a voice that is silent or not for them.
        wanted: rids of the layers of their camera that are watched, as last told; None before.
        pausing: tells them, in a while, of layers that nobody watches any more.
        expiry: gives the seat up when nobody comes back.
        entered_ns: `time.monotonic_ns()` when the seat was taken.
    """

    room: str
    seat: Seat
    claims: Claims
    ears: Sound
    connection: Connection | None = None
    peer: SessionPeer | None = None
    gate: int | None = None
    heard: int = 0
    shown: dict[str, tuple[str, Camera]] = field(default_factory=dict)
    pinned: str | None = None
    voices: tuple[str, ...] = ()
    passed: dict[str, tuple[str, TrackSource | None]] = field(default_factory=dict)
    wanted: tuple[str, ...] | None = None
    pausing: asyncio.TimerHandle | None = None
    expiry: asyncio.TimerHandle | None = None
    entered_ns: int = field(default_factory=time.monotonic_ns)


@dataclass(frozen=True, slots=True)
class OpenCaption:
    """A caption that is not final, and the identities of the people who were there when its utterance began."""

    caption: Caption
    there: frozenset[str]


@dataclass(slots=True)
class LiveRoom:
    """An open room: its state, its place in the plane, its persons and its personas' voices.

    Attributes:
        captions: the captions that are not final, by speaker and utterance, oldest first.
        whispers: who whispers, and who alone hears them; nobody when all those have left.
        murmurs: who is, or was last, heard by some alone, and by whom; a whisper is over before its last words are.
        spoken: participant id to the instant, on the loop's clock, at which they were heard last.
        floors: who speaks among the personas, and who waits.
        presences: how each persona is, by its id.
        opened_ns: `time.monotonic_ns()` when it opened: where its media time begins.
    """

    state: RoomState
    plane: Room
    attendees: dict[str, Attendee] = field(default_factory=dict)
    voices: dict[str, Sound] = field(default_factory=dict)
    captions: "OrderedDict[tuple[str, str], OpenCaption]" = field(default_factory=OrderedDict)
    whispers: dict[str, frozenset[str]] = field(default_factory=dict)
    murmurs: dict[str, frozenset[str]] = field(default_factory=dict)
    spoken: dict[str, float] = field(default_factory=dict)
    floors: Floors = field(default_factory=Floors)
    presences: dict[str, PersonaPresence] = field(default_factory=dict)
    opened_ns: int = field(default_factory=time.monotonic_ns)

    @property
    def id(self) -> str:
        """Of the room."""
        return self.state.id

    def broadcast(self, message: ServerMessage, *, to: Collection[str] | None = None) -> None:
        """Tells everybody who is connected, or of them only those with these ids."""
        text = serialize(message)
        for id, attendee in self.attendees.items():
            if attendee.connection is not None and (to is None or id in to):
                attendee.connection.put(message.type, text)

    def hearers(self, speaker: str) -> frozenset[str] | None:
        """Who may know what a participant says, themselves too; None for all."""
        to = self.whispers.get(speaker)
        return None if to is None else to | {speaker}

    def watchers(self, speaker: str) -> frozenset[str] | None:
        """Who is shown whether a participant speaks, themselves too; None for all."""
        to, reached = self.whispers.get(speaker), self.murmurs.get(speaker)
        if to is None or reached is None:
            to = reached if to is None else to
        else:
            to &= reached
        return None if to is None else to | {speaker}

    def seen(self, seat: Seat, viewer: str) -> Participant:
        """The seat as a viewer sees it: who whispers to others is not shown as speaking."""
        watchers, participant = self.watchers(seat.id), seat.participant()
        return participant if watchers is None or viewer in watchers else replace(participant, speaking=False)

    def show(self, seat: Seat, *, but: Attendee | None = None) -> None:
        """Tells everybody that a participant has come or changed, as they see them."""
        texts: dict[Participant, str] = {}
        for id, attendee in self.attendees.items():
            if attendee is not but and attendee.connection is not None:
                seen = self.seen(seat, id)
                if seen not in texts:
                    texts[seen] = serialize(ParticipantChanged(seen))
                attendee.connection.put(ParticipantChanged.type, texts[seen])

    def change_floors(self, change: Callable[[Floors], None]) -> None:
        """Changes who speaks and who waits, and tells each person what they now see differently."""
        before = {id: self.floors.seen_by(id) for id in self.attendees}
        change(self.floors)
        texts: dict[tuple[Floor, Circle | None], str] = {}
        for id, attendee in self.attendees.items():
            seen = self.floors.seen_by(id)
            if attendee.connection is not None and seen != before[id]:
                if seen not in texts:
                    texts[seen] = serialize(FloorChanged.of(*seen))
                attendee.connection.put(FloorChanged.type, texts[seen])

    def show_presence(self, presence: PersonaPresence) -> None:
        """Tells everybody how a persona is, when that has changed."""
        if self.presences.get(presence.id) != presence:
            self.presences[presence.id] = presence
            self.broadcast(presence)

    def publish(self, line: Line) -> None:
        """Puts a written line into the history and tells everybody."""
        self.state.add_line(replace(line, there=self.there()))
        self.broadcast(ChatLine(line.id, line.sender, line.name, line.text, line.at))

    def there(self, since_ns: int | None = None) -> frozenset[str]:
        """Identities of the people who are here, and were at an instant of `time.monotonic_ns`."""
        return frozenset(
            attendee.seat.known_as
            for attendee in self.attendees.values()
            if since_ns is None or attendee.entered_ns <= since_ns
        )

    def _shown(self, caption: Caption, there: frozenset[str]) -> set[str]:
        """Ids of the people for whom a caption is: of what began before they came they get no words."""
        return {
            id
            for id, attendee in self.attendees.items()
            if (caption.to is None or id in caption.to)
            and (self.state.is_open or id == caption.id or attendee.seat.known_as in there)
        }

    def show_caption(self, caption: Caption, *, record: bool = True, began_ns: int | None = None) -> None:
        """Tells those who hear it; a final one with a text goes into the history if it is to be recorded.

        From those who were shown it before it turned out to be for others alone it is taken back.

        Args:
            caption: what is being said.
            record: whether it goes into the history.
            began_ns: when its utterance began, `time.monotonic_ns`; with its first caption if that is not known.
        """
        key = (caption.id, caption.utterance)
        before = self.captions.get(key)
        there = self.there(began_ns) if before is None else before.there
        shown = self._shown(caption, there)
        if before is not None:
            self._take_back(before, caption, shown)
        if not caption.final:
            self.captions[key] = OpenCaption(caption, there)
            while len(self.captions) > MAX_OPEN_CAPTIONS:
                self.captions.popitem(last=False)
        else:
            self.captions.pop(key, None)
            name = caption.speaker.label if caption.speaker is not None else self.state.name_of(caption.id)
            if record and caption.text and name is not None:
                self.state.add_line(
                    Line(
                        caption.utterance,
                        caption.id,
                        name,
                        "speech",
                        caption.text,
                        timestamp(),
                        caption.interrupted,
                        caption.to,
                        there,
                    )
                )
        self.broadcast(caption, to=shown)

    def _take_back(self, before: OpenCaption, caption: Caption, shown: set[str]) -> None:
        if caption.to is None or before.caption.to == caption.to:
            return
        gone = self._shown(before.caption, before.there) - shown
        self.broadcast(replace(caption, text="", final=True, to=None), to=gone)

    def end_captions(self, speaker: str) -> None:
        """Ends the speaker's captions that nobody else will end.

        A persona was cut off: what it said so far stays. A person's words are taken back: they may still be heard.
        """
        seat = self.state.seats.get(speaker)
        is_persona = seat is not None and seat.kind == "persona"
        for caption in [each.caption for each in self.captions.values() if each.caption.id == speaker]:
            text = caption.text if is_persona else ""
            self.show_caption(replace(caption, text=text, final=True, interrupted=is_persona))

    def forget(self, id: str) -> None:
        """Lets go of whatever concerns a participant who has left."""
        self.spoken.pop(id, None)
        self.murmurs.pop(id, None)
        self.presences.pop(id, None)
        self.change_floors(lambda floors: floors.forget(id))
        for attendee in self.attendees.values():
            if attendee.pinned == id:
                attendee.pinned = None
            attendee.voices = tuple(who for who in attendee.voices if who != id)

    def introduction(self, seat: Seat) -> JsonObject:
        """A participant as the mind is told of them."""
        params: dict[str, Any] = {"room": self.id, "id": seat.id, "name": seat.name, "kind": seat.kind}
        if seat.kind == "person":
            attendee = self.attendees[seat.id]
            params |= {
                "identity": seat.known_as,
                "opened_ns": self.opened_ns,
                "entered_ns": attendee.entered_ns,
                "ears": str(attendee.ears.file.path),
                "connected": attendee.peer is not None,
            }
            if (listeners := self.whispers.get(seat.id)) is not None:
                params["listeners"] = sorted(listeners)
            if seat.shared:
                params["shared"] = True
        return params
