"""All rooms as they are alive: seats with their connections, their sound and their pictures.

Everything here runs on one loop and returns at once; what takes time belongs to the sessions.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import structlog

from media.events import (
    DominantChanged,
    GateClosed,
    GateOpened,
    MediaEvent,
    SpeakingChanged,
    VoiceDrained,
    VoiceHeld,
    VoiceStarted,
)
from media.realtime.peer_port import AudioPeer
from media.realtime.plane import Plane
from signaling.ipc.jsonrpc import JsonObject
from signaling.ipc.shared_memory import SharedFile
from signaling.server.client_messages import Chat
from signaling.server.earshot import set_listeners, without_listener
from signaling.server.history import Line
from signaling.server.live import Attendee, LiveRoom, Sound
from signaling.server.metrics import Metrics
from signaling.server.mind_line import MindLine
from signaling.server.ports import Camera, Connection, SessionPeer, Silenced
from signaling.server.rooms import Directory, Seat
from signaling.server.server_messages import ByeCode, CameraWanted, Left, Speaking, Video, serialize
from signaling.server.text import timestamp
from signaling.server.tokens import Claims
from signaling.server.video import assign_slots, choose_cameras, rank_cameras
from signaling.server.voices import pass_voices

__all__ = ["Conference"]

RESUME_WITHIN_S = 10.0
PAUSE_AFTER_S = 2.0
"""Nobody has watched for so long before a camera is paused: to begin again costs a keyframe."""

log = structlog.get_logger()


class Conference:
    """Rooms, live.

    Args:
        directory: seats and history.
        plane: the media plane.
        make_file: makes a file of shared memory of so many bytes.
        mind: the line to the mind.
        metrics: where refusals and latencies are counted.

    Attributes:
        emptied: set when the last room closes; whoever waits for it clears it.
    """

    def __init__(
        self,
        directory: Directory,
        plane: Plane,
        make_file: Callable[[int], SharedFile],
        mind: MindLine,
        metrics: Metrics,
    ) -> None:
        self._directory = directory
        self._plane = plane
        self._make_file = make_file
        self._rooms: dict[str, LiveRoom] = {}
        self.mind = mind
        self.metrics = metrics
        self.emptied = asyncio.Event()
        metrics.rooms.set_function(lambda: len(self._rooms))
        for kind in ("person", "persona"):
            metrics.participants.labels(kind).set_function(partial(self._count, kind))
        metrics.mind_up.set_function(lambda: mind.status == "up")

    def _count(self, kind: str) -> int:
        seats = (seat for room in self._rooms.values() for seat in room.state.seats.values())
        return sum(seat.kind == kind for seat in seats)

    @property
    def rooms(self) -> Mapping[str, LiveRoom]:
        """The open rooms."""
        return self._rooms

    def room(self, id: str) -> LiveRoom:
        """The open room.

        Raises:
            NoSuchRoom: it is not open.
        """
        self._directory.room(id)
        return self._rooms[id]

    def restore(self, room: str, lines: list[Line]) -> None:
        """Brings back what a room had before a restart.

        Raises:
            RoomFull: too many transcripts wait for their people.
        """
        self._directory.restore(room, lines, asyncio.get_running_loop().time())

    def open_up(self, rooms: Iterable[str]) -> None:
        """What is said aloud in these rooms, and in no others, is also for people who were absent."""
        self._directory.open_up(rooms)

    def set_openness(self, room: str, *, is_open: bool) -> None:
        """Lets what is said aloud in a room be for whoever comes, or for those who are there."""
        others = self._directory.opened - {room}
        self._directory.open_up(others | {room} if is_open else others)

    def brief(self, room: LiveRoom) -> None:
        """Tells the mind, which has just been told the room's state, who speaks there and what was written."""
        self.mind.follow(room.id)
        for attendee in room.attendees.values():
            if attendee.gate is not None:
                self._tell_gate("gate.opened", attendee, attendee.gate)
        self.mind.flush(room.id)

    def end(self, code: ByeCode, message: str) -> None:
        """Ends every connection and forgets every seat."""
        for room in list(self._rooms.values()):
            for attendee in list(room.attendees.values()):
                connection, attendee.connection = attendee.connection, None
                if connection is not None:
                    connection.end(code, message)
                self._leave(attendee, "lost")

    # What sessions do

    def enter(self, claims: Claims, name: str, connection: Connection) -> Attendee:
        """Gives a connection its seat, taking it over from an earlier one of the same identity.

        Raises:
            RoomFull: there is no seat.
            SharedFileError: there is no memory for its ears.
        """
        room = self._open(claims.room)
        try:
            seat, new = room.state.take_seat(
                claims.identity, name, claims.can, lambda: secrets.token_urlsafe(9), claims.participant
            )
            try:
                attendee = self._attend(room, seat, claims) if new else room.attendees[seat.id]
            except Exception:
                room.state.give_up(seat.id)
                raise
        finally:
            self._close_if_empty(room)
        attendee.claims = claims
        previous, attendee.connection = attendee.connection, connection
        self._cancel_expiry(attendee)
        if previous is not None:
            self._silence(attendee)
            self.metrics.drop("taken-over")
            previous.end("taken-over", "the seat was taken over by another connection")
        seat.status, attendee.shown, attendee.passed = "connecting", {}, {}
        attendee.pinned, attendee.voices = None, ()
        if seat.id in room.whispers:
            self._set_listeners(room, seat.id, None)
        room.show(seat, but=attendee)
        if previous is not None:
            # Of the connection that was taken over nothing is passed on while it is being closed.
            self._assign_slots(room)
        return attendee

    def _open(self, room_id: str) -> LiveRoom:
        state, new = self._directory.open(room_id, asyncio.get_running_loop().time())
        if new:
            self._rooms[room_id] = LiveRoom(state, self._plane.open(room_id))
            log.info("room.opened", room=room_id)
        return self._rooms[room_id]

    def _attend(self, room: LiveRoom, seat: Seat, claims: Claims) -> Attendee:
        seat.person = claims.giver
        ears = Sound.ears(self._make_file)
        attendee = room.attendees[seat.id] = Attendee(room.id, seat, claims, ears)
        self.mind.tell("participant.joined", room.introduction(seat))
        log.info("participant.joined", room=room.id, id=seat.id)
        return attendee

    def connect(self, attendee: Attendee, connection: Connection, peer: SessionPeer) -> None:
        """The person's media is up: they hear, and are heard if they may speak."""
        if attendee.connection is not connection or attendee.peer is peer:
            return
        self._silence(attendee)
        room, seat = self._rooms[attendee.room], attendee.seat
        attendee.peer = peer
        heard: AudioPeer = peer if "listen" in seat.can else Silenced(peer)
        room.plane.add_person(seat.id, ears=attendee.ears.ring, peer=heard)
        room.plane.mute(seat.id, seat.silent)
        room.plane.suppress(seat.id, seat.noise_suppression)
        room.plane.whisper(seat.id, room.whispers.get(seat.id))
        seat.status = "connected"
        room.show(seat)
        self.mind.tell("participant.connected", {"room": attendee.room, "id": seat.id})
        self._assign_slots(room)

    def disconnect(self, attendee: Attendee, peer: SessionPeer) -> None:
        """The person's media is down: it is taken out at once."""
        if attendee.peer is not peer:
            return
        self._suspend(attendee)

    def _suspend(self, attendee: Attendee) -> None:
        room = self._rooms[attendee.room]
        self._silence(attendee)
        attendee.seat.status, attendee.shown, attendee.passed = "connecting", {}, {}
        room.show(attendee.seat)
        self._assign_slots(room)

    def _silence(self, attendee: Attendee) -> None:
        if attendee.peer is None:
            return
        attendee.peer, attendee.wanted = None, None
        self._cancel_pause(attendee)
        room, seat = self._rooms[attendee.room], attendee.seat
        room.plane.remove(seat.id)
        if attendee.gate is not None:
            attendee.gate = None
            self._tell_gate("gate.closed", attendee, attendee.ears.ring.written)
        if seat.speaking:
            seat.speaking = False
            room.broadcast(Speaking(seat.id, False), to=room.watchers(seat.id))

    def release(self, attendee: Attendee, connection: Connection, reason: str | None) -> None:
        """A connection has ended: its seat is given up for a reason, or without one kept for a resume."""
        if attendee.connection is not connection:
            return
        attendee.connection = None
        if reason is not None:
            self._leave(attendee, reason)
            return
        self._suspend(attendee)
        loop = asyncio.get_running_loop()
        attendee.expiry = loop.call_later(RESUME_WITHIN_S, self._leave, attendee, "lost")

    @staticmethod
    def _cancel_expiry(attendee: Attendee) -> None:
        if attendee.expiry is not None:
            attendee.expiry.cancel()
            attendee.expiry = None

    def _leave(self, attendee: Attendee, reason: str) -> None:
        room, seat = self._rooms[attendee.room], attendee.seat
        self._cancel_expiry(attendee)
        self._silence(attendee)
        room.state.give_up(seat.id)
        del room.attendees[seat.id]
        room.forget(seat.id)
        self.forget_listener(room, seat.id)
        attendee.ears.remove()
        room.broadcast(Left(seat.id, reason))
        self.mind.tell("participant.left", {"room": attendee.room, "id": seat.id, "reason": reason})
        log.info("participant.left", room=attendee.room, id=seat.id, reason=reason)
        self._assign_slots(room)
        self._close_if_empty(room)

    def _close_if_empty(self, room: LiveRoom) -> None:
        if room.attendees:
            return
        for voice in room.voices.values():
            voice.remove()
        self._plane.close(room.id)
        self._directory.close(room.id)
        self.mind.forget(room.id)
        del self._rooms[room.id]
        log.info("room.closed", room=room.id)
        if not self._rooms:
            self.emptied.set()

    def write(self, attendee: Attendee, chat: Chat) -> None:
        """Puts a person's line into the history and tells everybody and the mind; a repeated one, once."""
        room, seat = self._rooms[attendee.room], attendee.seat
        if room.state.has_line(seat.id, chat.id):
            return
        line = Line(chat.id, seat.id, seat.name, "chat", chat.text, timestamp())
        room.publish(line)
        self.mind.write(attendee.room, line, room.state.seats.values())

    def show(self, attendee: Attendee, *, muted: bool | None, camera: bool | None) -> None:
        """Changes what a person shows of themselves; a muted one is neither mixed nor listened to."""
        room, seat = self._rooms[attendee.room], attendee.seat
        before = (seat.muted, seat.camera)
        seat.muted = seat.muted if muted is None else muted
        seat.camera = seat.camera if camera is None else camera
        if (seat.muted, seat.camera) == before:
            return
        if attendee.peer is not None:
            room.plane.mute(seat.id, seat.silent)
        room.show(seat)
        self._assign_slots(room)

    def suppress_noise(self, attendee: Attendee, on: bool) -> None:
        """Takes noise out of a person's sound, or leaves it as it comes, for as long as the seat is theirs."""
        attendee.seat.noise_suppression = on
        if attendee.peer is not None:
            self._rooms[attendee.room].plane.suppress(attendee.seat.id, on)

    def share_microphone(self, attendee: Attendee, shared: bool) -> None:
        """Several people speak at a person's microphone from now on, or one again; the mind tells them apart."""
        attendee.seat.shared = shared
        self._tell_of(attendee, "microphone", {"shared": shared})

    def name_voice(self, attendee: Attendee, voice: str, name: str | None) -> bool:
        """Gives a voice at a person's shared microphone a name, or has it forgotten; False while the mind is away."""
        return self._tell_of(attendee, "voice.named", {"speaker": voice, "name": name})

    def _tell_of(self, attendee: Attendee, method: str, params: JsonObject) -> bool:
        return self.mind.tell(method, {"room": attendee.room, "id": attendee.seat.id, **params})

    def negotiated(self, attendee: Attendee, connection: Connection) -> None:
        """A person's slots or camera may have changed."""
        if attendee.connection is connection:
            self._assign_slots(self._rooms[attendee.room])

    def view(self, attendee: Attendee, sizes: Mapping[str, tuple[int, int]]) -> None:
        """Takes the sizes of a person's tiles; slots that they do not have (any more) are passed over."""
        peer = attendee.peer
        if peer is not None:
            peer.view({slot: size for slot, size in sizes.items() if slot in peer.slots})

    def pin(self, attendee: Attendee, id: str | None) -> None:
        """Shows a person the one whom they pinned, if there is a slot at all."""
        if attendee.pinned != id:
            attendee.pinned = id
            room = self._rooms[attendee.room]
            cameras = _cameras(room)
            self._show_cameras(attendee, cameras, _ranked(room, cameras))

    def ask_voices(self, attendee: Attendee, who: tuple[str, ...]) -> None:
        """Passes voices on to a person unmixed: these, and no others any more."""
        attendee.voices = who
        pass_voices(self._rooms[attendee.room], attendee, tell=True)

    def whisper(self, attendee: Attendee, to: tuple[str, ...]) -> None:
        """Lets only these hear a person from now on; all again when there are none."""
        room = self._rooms[attendee.room]
        self._set_listeners(room, attendee.seat.id, frozenset(to) if to else None)

    def forget_listener(self, room: LiveRoom, gone: str) -> None:
        """Takes one who has left out of all whispers."""
        for speaker in without_listener(room, gone):
            self._tell_listeners(room, speaker)

    def _set_listeners(self, room: LiveRoom, speaker: str, listeners: frozenset[str] | None) -> None:
        set_listeners(room, speaker, listeners)
        self._tell_listeners(room, speaker)

    def _tell_listeners(self, room: LiveRoom, speaker: str) -> None:
        if speaker in room.attendees:
            to = room.whispers.get(speaker)
            listeners = None if to is None else sorted(to)
            self.mind.tell("whisper", {"room": room.id, "id": speaker, "listeners": listeners})

    def _assign_slots(self, room: LiveRoom) -> None:
        self._assign_videos(room)
        for listener in room.attendees.values():
            if listener.voices or listener.passed:
                pass_voices(room, listener)

    def _assign_videos(self, room: LiveRoom) -> None:
        cameras = _cameras(room)
        # Once for all of them: with so many cameras as viewers it would hold the tick up otherwise.
        ranked = _ranked(room, cameras)
        for viewer in room.attendees.values():
            self._show_cameras(viewer, cameras, ranked)
        for id, camera in cameras.items():
            sender = room.attendees[id]
            camera.on_wanted = partial(self._on_wanted, sender)
            if sender.wanted is None:
                self._on_wanted(sender, camera.wanted)

    def _on_wanted(self, sender: Attendee, wanted: tuple[str, ...]) -> None:
        """More is told at once, less in a while."""
        if set(wanted) - set(sender.wanted or ()):
            self._tell_wanted(sender)
        elif sender.pausing is None and wanted != sender.wanted:
            loop = asyncio.get_running_loop()
            sender.pausing = loop.call_later(PAUSE_AFTER_S, self._tell_wanted, sender)

    def _tell_wanted(self, sender: Attendee) -> None:
        self._cancel_pause(sender)
        camera = sender.peer.camera if sender.peer is not None else None
        if camera is None or sender.connection is None or camera.wanted == sender.wanted:
            return
        sender.wanted = camera.wanted
        layers = [rid for rid in camera.wanted if rid]
        sender.connection.put(CameraWanted.type, serialize(CameraWanted(bool(camera.wanted), layers)))

    @staticmethod
    def _cancel_pause(sender: Attendee) -> None:
        if sender.pausing is not None:
            sender.pausing.cancel()
            sender.pausing = None

    @staticmethod
    def _show_cameras(viewer: Attendee, cameras: Mapping[str, Camera], ranked: Sequence[str]) -> None:
        peer = viewer.peer
        if peer is None or "listen" not in viewer.seat.can:
            return
        before = {slot: who for slot, (who, _) in viewer.shown.items()}
        chosen = choose_cameras(ranked, viewer.seat.id, pinned=viewer.pinned, places=len(peer.slots))
        slots = assign_slots(peer.slots, before, chosen)
        shown = {slot: (who, cameras[who]) for slot, who in slots.items()}
        for slot in shown.keys() | viewer.shown.keys():
            if slot not in shown:
                if slot in peer.slots:
                    peer.watch(None, slot)
            elif slot not in viewer.shown or viewer.shown[slot][1] is not shown[slot][1]:
                peer.watch(shown[slot][1], slot)
        viewer.shown = shown
        if slots != before and viewer.connection is not None:
            viewer.connection.put(Video.type, serialize(Video(slots)))

    # What the plane reports

    def on_media_event(self, event: MediaEvent) -> None:
        """Passes on what the plane reported; called outside the tick."""
        room = self._rooms.get(event.room)
        if room is None:
            return
        if isinstance(event, DominantChanged):
            self._assign_videos(room)
            return
        # What was reported in the tick before somebody was taken out would be the last that is told of them.
        if event.participant not in room.state.seats or event.participant not in room.plane:
            return
        match event:
            case SpeakingChanged(_, id, speaking, audience):
                room.state.seats[id].speaking = speaking
                if audience is None:
                    room.murmurs.pop(id, None)
                else:
                    room.murmurs[id] = audience
                watchers = room.watchers(id)
                room.broadcast(Speaking(id, speaking), to=watchers)
                if watchers is None:
                    room.spoken[id] = asyncio.get_running_loop().time()
                    self._assign_videos(room)
            case GateOpened(_, id, sample) if (attendee := room.attendees.get(id)) is not None:
                attendee.gate = sample
                self._tell_gate("gate.opened", attendee, sample)
            case GateClosed(_, id, sample) if (attendee := room.attendees.get(id)) is not None:
                attendee.gate = None
                self._tell_gate("gate.closed", attendee, sample)
            case VoiceStarted(_, id, played, at_ns):
                self._tell_progress(event.room, id, played, at_ns)
            case VoiceDrained(_, id, played):
                self._tell_progress(event.room, id, played, None)
            case VoiceHeld(_, id, by, played, at_ns):
                held = {"room": event.room, "id": id, "by": by, "played": played, "at_ns": at_ns}
                self.mind.tell("voice.held", held)

    def _tell_gate(self, method: str, attendee: Attendee, sample: int) -> None:
        params = {"room": attendee.room, "id": attendee.seat.id, "sample": sample}
        heard = {"heard": attendee.heard} if method == "gate.opened" else {}
        self.mind.tell(method, params | heard)

    def _tell_progress(self, room: str, id: str, played: int, first_packet_ns: int | None) -> None:
        params = {"room": room, "id": id, "played": played, "first_packet_ns": first_packet_ns}
        self.mind.tell("voice.progress", params)


def _cameras(room: LiveRoom) -> dict[str, Camera]:
    """The cameras that are on, by their owners' ids."""
    return {
        id: attendee.peer.camera
        for id, attendee in room.attendees.items()
        if attendee.peer is not None
        and attendee.peer.camera is not None
        and attendee.seat.camera
        and "show" in attendee.seat.can
    }


def _ranked(room: LiveRoom, cameras: Mapping[str, Camera]) -> list[str]:
    return rank_cameras(cameras, dominant=room.plane.dominant, spoken=room.spoken)
