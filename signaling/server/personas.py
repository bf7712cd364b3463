"""What the mind asks of the rooms: seats for its personas, captions, written lines, latency records."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from signaling.ipc.endpoint import Endpoint, Handler, Handlers, RpcError, Then
from signaling.ipc.jsonrpc import INVALID_PARAMS, JsonObject
from signaling.ipc.shared_memory import SharedFile, SharedFileError
from signaling.ipc.transcript import latest
from signaling.server.conference import Conference
from signaling.server.earshot import set_listeners
from signaling.server.floor import Floors, parse_floor
from signaling.server.history import MAX_LINE_CHARACTERS, Line, parse_audience, parse_line
from signaling.server.live import LiveRoom, Sound
from signaling.server.names import MAX_ID_CHARACTERS
from signaling.server.rooms import NoSuchRoom, RoomFull, Seat, SeatTaken
from signaling.server.server_messages import (
    Caption,
    Latency,
    Left,
    ParticipantChanged,
    Speaking,
    Voice,
    parse_latency,
    parse_presence,
    witnessed,
)
from signaling.server.text import clean_line, clean_name, timestamp

__all__ = [
    "BAD_VERSION",
    "NOT_ATTACHED",
    "NO_MEMORY",
    "NO_SUCH_PARTICIPANT",
    "NO_SUCH_ROOM",
    "ROOM_FULL",
    "SEAT_TAKEN",
    "Personas",
]

IPC_VERSION = 1
NOT_ATTACHED = 1
BAD_VERSION = 2
NO_SUCH_ROOM = 3
NO_SUCH_PARTICIPANT = 4
ROOM_FULL = 5
SEAT_TAKEN = 6
NO_MEMORY = 7

MAX_COUNTED = 1 << 53

STATUSES = ("listening", "thinking", "wants-to-speak", "speaking", "resting")

log = structlog.get_logger()


def _text(params: JsonObject, name: str, longest: int = MAX_ID_CHARACTERS) -> str:
    value = params.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise RpcError(INVALID_PARAMS, f"{name} is a text of at most {longest} characters")
    return value


def _flag(params: JsonObject, name: str, otherwise: bool) -> bool:
    value = params.get(name, otherwise)
    if type(value) is not bool:
        raise RpcError(INVALID_PARAMS, f"{name} is true or false")
    return value


def _instant(params: JsonObject, name: str) -> int | None:
    value = params.get(name)
    if value is not None and type(value) is not int:
        raise RpcError(INVALID_PARAMS, f"{name} is an instant in nanoseconds")
    return value


def _position(params: JsonObject, name: str) -> int:
    value = params.get(name, 0)
    if type(value) is not int or value < 0:
        raise RpcError(INVALID_PARAMS, f"{name} is a position in a ring")
    return value


def _audience(params: JsonObject) -> tuple[str, ...] | None:
    """Who alone is to know of it; None for all."""
    try:
        return parse_audience(params.get("listeners"))
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, str(error)) from error


class Personas:
    """Answers the mind's requests (docs/architecture.md, IPC).

    Args:
        conference: the rooms.
        make_file: makes a file of shared memory of so many bytes.
    """

    def __init__(self, conference: Conference, make_file: Callable[[int], SharedFile]) -> None:
        self._conference = conference
        self._make_file = make_file

    def handlers(self, endpoint: Endpoint) -> Handlers:
        """The handlers of one connection; all but `attach` are for the one that has attached last."""
        requests: dict[str, Callable[[JsonObject], JsonObject | Then | None]] = {
            "room.restore": self._restore,
            "room.state": self._state,
            "persona.join": self._join,
            "persona.leave": self._leave,
            "persona.status": self._status,
            "persona.presence": self._presence,
            "floor": self._floor,
            "voice.stop": self._stop_voice,
            "voice.hold": self._hold_voice,
            "voice.resume": self._resume_voice,
            "voice.wake": self._wake_voice,
            "voice.whisper": self._whisper,
            "caption": self._caption,
            "chat.post": self._post,
            "chat.unkept": self._unkept,
            "chat.kept": self._kept,
            "latency": self._latency,
            "counted": self._counted,
        }
        handlers: dict[str, Handler] = {
            method: partial(self._attached, endpoint, request) for method, request in requests.items()
        }
        return handlers | {"attach": partial(self._attach, endpoint)}

    def _attached(
        self,
        endpoint: Endpoint,
        request: Callable[[JsonObject], JsonObject | Then | None],
        params: JsonObject,
    ) -> JsonObject | Then | None:
        if not self._conference.mind.is_held_by(endpoint):
            raise RpcError(NOT_ATTACHED, "attach first")
        try:
            return request(params)
        except NoSuchRoom as error:
            raise RpcError(NO_SUCH_ROOM, f"the room {error} is not open") from error
        except RoomFull as error:
            raise RpcError(ROOM_FULL, str(error)) from error
        except SeatTaken as error:
            raise RpcError(SEAT_TAKEN, str(error)) from error
        except SharedFileError as error:
            raise RpcError(NO_MEMORY, str(error)) from error

    def _attach(self, endpoint: Endpoint, params: JsonObject) -> JsonObject:
        if params.get("version") != IPC_VERSION:
            raise RpcError(BAD_VERSION, f"this is version {IPC_VERSION}")
        opened = params.get("opened", [])
        if not isinstance(opened, list) or not all(isinstance(room, str) for room in opened):
            raise RpcError(INVALID_PARAMS, "opened is a list of rooms")
        self._conference.open_up(opened)
        conference, mind = self._conference, self._conference.mind
        replaced = mind.attach(endpoint, conference.rooms)
        if replaced is not None:
            self._send_away()
            replaced.close("replaced")
        endpoint.on_end = partial(self._ended, endpoint)
        log.info("mind.attached", rooms=len(conference.rooms))
        return {"rooms": list(conference.rooms)}

    def _restore(self, params: JsonObject) -> None:
        self._conference.restore(_text(params, "room"), _lines(params.get("lines")))

    def _state(self, params: JsonObject) -> Then:
        room, mind = self._conference.room(_text(params, "room")), self._conference.mind
        if not mind.awaits(room.id):
            raise NoSuchRoom(f"{room.id} of before")
        waiting = mind.waiting
        # What the mind is told right after this would otherwise reach it twice.
        history = [line for line in room.state.history if (room.id, line.sender, line.id) not in waiting]
        state = {
            "participants": [room.introduction(seat) for seat in room.state.persons()],
            "history": latest([witnessed(line) for line in history]),
        }
        return Then(state, partial(self._conference.brief, room))

    def _ended(self, endpoint: Endpoint) -> None:
        if self._conference.mind.detach(endpoint):
            log.warning("mind.lost", reason=endpoint.reason)
            self._send_away()

    def _send_away(self) -> None:
        for room in self._conference.rooms.values():
            room.change_floors(Floors.clear)
            for speaker in {speaker for speaker, _ in room.captions}:
                room.end_captions(speaker)
            for seat in room.state.personas():
                self._take_voice(room, seat)
                seat.status = "away"
                room.show(seat)

    def _cut_off(self, room: LiveRoom, seat: Seat) -> None:
        room.end_captions(seat.id)
        self._take_voice(room, seat)

    @staticmethod
    def _take_voice(room: LiveRoom, seat: Seat) -> None:
        voice = room.voices.pop(seat.id, None)
        if voice is None:
            return
        room.plane.stop_voice(seat.id)
        room.plane.remove(seat.id)
        voice.remove()
        if seat.speaking:
            seat.speaking = False
            room.broadcast(Speaking(seat.id, False), to=room.watchers(seat.id))
        if seat.id in room.whispers:
            set_listeners(room, seat.id, None)

    def _join(self, params: JsonObject) -> JsonObject:
        room = self._conference.room(_text(params, "room"))
        id, name = _text(params, "id"), clean_name(_text(params, "name"))
        if not id or not name:
            raise RpcError(INVALID_PARAMS, "a persona has an id and a name")
        voice = Sound.voice(self._make_file)
        try:
            seat, _ = room.state.take_persona_seat(id, name)
        except (RoomFull, SeatTaken):
            voice.remove()
            raise
        self._cut_off(room, seat)
        room.voices[id] = voice
        room.plane.add_persona(id, voice=voice.ring)
        room.show(seat)
        return {"voice": str(voice.file.path)}

    def _leave(self, params: JsonObject) -> None:
        room, seat = self._persona(params)
        self._cut_off(room, seat)
        room.state.give_up(seat.id)
        room.forget(seat.id)
        self._conference.forget_listener(room, seat.id)
        room.broadcast(Left(seat.id, "left"))

    def _status(self, params: JsonObject) -> None:
        room, seat = self._persona(params)
        status = _text(params, "status")
        if status not in STATUSES:
            raise RpcError(INVALID_PARAMS, f"status is one of {', '.join(STATUSES)}")
        listeners = _audience(params)
        if listeners is not None:
            # Nobody else is to see that it thinks or speaks; to them it goes on listening.
            room.broadcast(ParticipantChanged(replace(seat.participant(), status=status)), to=listeners)
        elif status != seat.status:
            seat.status = status
            room.show(seat)

    def _presence(self, params: JsonObject) -> None:
        room, _ = self._persona(params)
        try:
            room.show_presence(parse_presence(params))
        except ValueError as error:
            raise RpcError(INVALID_PARAMS, str(error)) from error

    def _floor(self, params: JsonObject) -> None:
        room = self._conference.room(_text(params, "room"))
        seats = room.state.seats
        try:
            floor = parse_floor(params, lambda id: id in seats and seats[id].kind == "persona")
        except ValueError as error:
            raise RpcError(INVALID_PARAMS, str(error)) from error
        audience = _audience(params)
        circle = None if audience is None else frozenset(audience)
        room.change_floors(lambda floors: floors.set(floor, circle))

    def _stop_voice(self, params: JsonObject) -> JsonObject:
        room, seat = self._voiced(params)
        return {"played": room.plane.stop_voice(seat.id)}

    def _hold_voice(self, params: JsonObject) -> JsonObject:
        room, seat = self._voiced(params)
        return {"played": room.plane.hold_voice(seat.id)}

    def _resume_voice(self, params: JsonObject) -> JsonObject:
        room, seat = self._voiced(params)
        position = params.get("position")
        if type(position) is not int:
            raise RpcError(INVALID_PARAMS, "position is an integer")
        return {"position": room.plane.resume_voice(seat.id, position)}

    def _wake_voice(self, params: JsonObject) -> None:
        room, seat = self._voiced(params)
        room.plane.wake(seat.id)

    def _whisper(self, params: JsonObject) -> None:
        room, seat = self._voiced(params)
        listeners = _audience(params)
        # Somebody may have left meanwhile; whoever is named and not here is passed over.
        here = None if listeners is None else room.state.seats.keys() & set(listeners) - {seat.id}
        set_listeners(room, seat.id, None if here is None else frozenset(here))

    def _caption(self, params: JsonObject) -> None:
        room, id = self._conference.room(_text(params, "room")), _text(params, "id")
        if room.state.name_of(id) is None:
            raise RpcError(NO_SUCH_PARTICIPANT, f"there is no {id} in the room")
        utterance, text = _text(params, "utterance"), clean_line(_text(params, "text", MAX_LINE_CHARACTERS))
        final, interrupted = _flag(params, "final", False), _flag(params, "interrupted", False)
        if (attendee := room.attendees.get(id)) is not None:
            # A mind that comes after this one is not to hear, and answer, once more what was heard to its end.
            attendee.heard = max(attendee.heard, _position(params, "heard"))
        room.show_caption(
            Caption(id, utterance, text, final, interrupted, _audience(params), _voice(params)),
            record=_flag(params, "record", True),
            began_ns=_instant(params, "began_ns"),
        )

    def _post(self, params: JsonObject) -> None:
        room, seat = self._persona(params)
        text = clean_line(_text(params, "text", MAX_LINE_CHARACTERS))
        if not text:
            raise RpcError(INVALID_PARAMS, "nothing is written")
        id = _text(params, "message") if "message" in params else ""
        if not id or room.state.has_line(seat.id, id):
            id = secrets.token_urlsafe(9)
        room.publish(Line(id, seat.id, seat.name, "chat", text, timestamp()))

    def _unkept(self, params: JsonObject) -> JsonObject:
        return {"lines": self._conference.mind.unkept.batch()}

    def _kept(self, params: JsonObject) -> None:
        lines = params.get("lines")
        if not isinstance(lines, list) or not all(_is_key(line) for line in lines):
            raise RpcError(INVALID_PARAMS, "lines are lists of room, sender and id")
        self._conference.mind.unkept.kept((room, sender, id) for room, sender, id in lines)

    def _latency(self, params: JsonObject) -> None:
        room = self._conference.room(_text(params, "room"))
        try:
            latency = parse_latency(params)
        except ValueError as error:
            raise RpcError(INVALID_PARAMS, str(error)) from error
        self._observe(latency)
        room.broadcast(latency, to=_audience(params))

    def _counted(self, params: JsonObject) -> None:
        if not all(type(number) is int and 0 <= number <= MAX_COUNTED for number in params.values()):
            raise RpcError(INVALID_PARAMS, f"a count is an integer from 0 to {MAX_COUNTED}")
        for reason, number in params.items():
            # Plain text: a label that UTF-8 cannot say would make every later scrape fail.
            self._conference.metrics.count_mind(clean_name(reason)[:MAX_ID_CHARACTERS], number)

    def _observe(self, latency: Latency) -> None:
        stages = {
            "paused": latency.paused,
            "decided": latency.decided,
            "words": latency.words,
            "first_token": latency.first_token,
            "first_clause": latency.first_clause,
            "first_sound": latency.first_sound,
            "on_wire": latency.on_wire,
        }
        for stage, milliseconds in stages.items():
            if milliseconds is not None:
                self._conference.metrics.turn.labels(stage).observe(milliseconds / 1000)

    def _persona(self, params: JsonObject) -> tuple[LiveRoom, Seat]:
        room, id = self._conference.room(_text(params, "room")), _text(params, "id")
        seat = room.state.seats.get(id)
        if seat is None or seat.kind != "persona":
            raise RpcError(NO_SUCH_PARTICIPANT, f"there is no persona {id} in the room")
        return room, seat

    def _voiced(self, params: JsonObject) -> tuple[LiveRoom, Seat]:
        room, seat = self._persona(params)
        if seat.id not in room.voices:
            raise RpcError(NO_SUCH_PARTICIPANT, f"{seat.id} has no voice")
        return room, seat


def _voice(params: JsonObject) -> Voice | None:
    """Whose voice it is at a microphone that several share; None elsewhere."""
    speaker = params.get("speaker")
    if speaker is None:
        return None
    if not isinstance(speaker, dict):
        raise RpcError(INVALID_PARAMS, "a speaker has an id and a label")
    label = clean_name(_text(speaker, "label"))
    return Voice(_text(speaker, "id"), label) if label else None


def _lines(lines: Any) -> list[Line]:
    if not isinstance(lines, list):
        raise RpcError(INVALID_PARAMS, "lines is a list of lines")
    try:
        return [parse_line(line) for line in lines]
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, f"a line cannot be read: {error}") from error


def _is_key(line: Any) -> bool:
    return isinstance(line, list) and len(line) == 3 and all(isinstance(part, str) for part in line)
