"""The directory of rooms: who has a seat where, and what was said and written. State alone."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from signaling.server.history import Line
from signaling.server.server_messages import Kind, Participant
from signaling.server.tokens import Permission

__all__ = ["Directory", "NoSuchRoom", "RoomFull", "RoomState", "Seat", "SeatTaken"]

MAX_HISTORY = 200
DEFAULT_SIZE = 64
MAX_ROOMS = 256
MAX_DEPARTED = 64
RESTORE_WITHIN_S = 60.0


class RoomFull(Exception):
    """There is no free seat in the room, or no room for another room."""


class NoSuchRoom(KeyError):
    """The room is not open."""


class SeatTaken(Exception):
    """The id belongs to a participant of the other kind."""


@dataclass(slots=True)
class Seat:
    """A participant's place in a room; it outlives a lost connection for a while.

    Attributes:
        id: the participant's id, as everybody sees it.
        identity: whose seat it is, as the token said; a persona's is its id.
        person: who it is in every room and on every day, as far as the token knows; else the identity.
        status: a person's is `connecting` or `connected`, a persona's `listening`, `thinking`,
            `wants-to-speak`, `speaking`, `resting` or `away`.
        noise_suppression: whether noise is taken out of a person's sound.
        shared: several people speak at a person's microphone.
    """

    id: str
    identity: str
    name: str
    kind: Kind
    can: frozenset[Permission]
    status: str
    person: str = ""
    muted: bool = False
    camera: bool = False
    speaking: bool = False
    noise_suppression: bool = True
    shared: bool = False

    @property
    def silent(self) -> bool:
        """Whether nothing of them is to be heard, whatever they send."""
        return self.muted or "speak" not in self.can

    def participant(self) -> Participant:
        """The seat as those see it who hear it."""
        return Participant(self.id, self.name, self.kind, self.muted, self.camera, self.speaking, self.status)

    @property
    def known_as(self) -> str:
        """Who it is, the same with each visit, as far as that is known."""
        return self.person or self.identity


@dataclass(slots=True)
class RoomState:
    """One open room of `size` participants at most. `seats` are in the order in which they were taken.

    With `is_open` what is said aloud in it is also for people who were absent, else for those who were there.
    """

    id: str
    size: int = DEFAULT_SIZE
    is_open: bool = False
    seats: dict[str, Seat] = field(default_factory=dict)
    _lines: "OrderedDict[tuple[str, str], Line]" = field(default_factory=OrderedDict)
    _departed: "OrderedDict[str, str]" = field(default_factory=OrderedDict)

    @property
    def history(self) -> list[Line]:
        """The last lines, oldest first."""
        return list(self._lines.values())

    def may_read(self, seat: Seat, line: Line) -> bool:
        """Whether a line of the history is for the person of a seat."""
        return line.readable(seat.id, seat.known_as, is_open=self.is_open)

    def persons(self) -> Iterator[Seat]:
        """The persons' seats."""
        return (seat for seat in self.seats.values() if seat.kind == "person")

    def personas(self) -> Iterator[Seat]:
        """The personas' seats."""
        return (seat for seat in self.seats.values() if seat.kind == "persona")

    def take_seat(
        self,
        identity: str,
        name: str,
        can: Iterable[Permission],
        new_id: Callable[[], str],
        wished_id: str | None = None,
    ) -> tuple[Seat, bool]:
        """Gives a person a seat, or the one that they have.

        Args:
            identity: as the token says.
            name: already cleaned.
            can: what they may do.
            new_id: makes ids that nobody has guessed.
            wished_id: the id of an earlier seat, to be kept if it is free.

        Returns:
            The seat, and whether it is new.

        Raises:
            RoomFull: there is none left.
        """
        for seat in self.persons():
            if seat.identity == identity:
                seat.name, seat.can = name, frozenset(can)
                return seat, False
        self._make_sure_of_a_seat()
        id = wished_id if wished_id is not None and wished_id not in self.seats else new_id()
        seat = Seat(id, identity, name, "person", frozenset(can), "connecting")
        self.seats[id] = seat
        return seat, True

    def take_persona_seat(self, id: str, name: str) -> tuple[Seat, bool]:
        """Gives a persona its seat, or the one that it has.

        Returns:
            The seat, and whether it is new.

        Raises:
            SeatTaken: a person has this id.
            RoomFull: there is none left.
        """
        seat = self.seats.get(id)
        if seat is not None:
            if seat.kind != "persona":
                raise SeatTaken(f"{id} is a person")
            seat.name, seat.status, seat.speaking = name, "listening", False
            return seat, False
        self._make_sure_of_a_seat()
        seat = Seat(id, id, name, "persona", frozenset(), "listening")
        self.seats[id] = seat
        return seat, True

    def _make_sure_of_a_seat(self) -> None:
        if len(self.seats) >= self.size:
            raise RoomFull(f"the room has {self.size} seats, all taken")

    def give_up(self, id: str) -> Seat:
        """Frees a seat. Its name is kept a while, for words that arrive after it.

        Raises:
            KeyError: nobody has it.
        """
        seat = self.seats.pop(id)
        self._departed[id] = seat.name
        while len(self._departed) > MAX_DEPARTED:
            self._departed.popitem(last=False)
        return seat

    def name_of(self, id: str) -> str | None:
        """The name of a participant who is here or left lately; None for anybody else."""
        seat = self.seats.get(id)
        return seat.name if seat is not None else self._departed.get(id)

    def has_line(self, sender: str, id: str) -> bool:
        """Whether the sender's line is in the history."""
        return (sender, id) in self._lines

    def line(self, sender: str, id: str) -> Line | None:
        """The sender's line of that id, while the history has it."""
        return self._lines.get((sender, id))

    def add_line(self, line: Line) -> None:
        """Appends to the history, or replaces the sender's line of the same id; forgets the oldest."""
        self._lines[line.sender, line.id] = line
        while len(self._lines) > MAX_HISTORY:
            self._lines.popitem(last=False)

    def merge(self, lines: Iterable[Line]) -> None:
        """Adds lines from before a restart at their places in time; those that are here already stay."""
        merged = {(line.sender, line.id): line for line in lines} | self._lines
        latest = sorted(merged.items(), key=lambda item: item[1].at)[-MAX_HISTORY:]
        self._lines = OrderedDict(latest)


@dataclass(frozen=True, slots=True)
class _Kept:
    lines: tuple[Line, ...]
    until: float


class Directory:
    """All open rooms. A room is opened by its first person and closed after its last.

    Args:
        room_size: participants that a room holds, persons and personas.
    """

    def __init__(self, room_size: int = DEFAULT_SIZE) -> None:
        self._size = room_size
        self._rooms: dict[str, RoomState] = {}
        self._kept: dict[str, _Kept] = {}
        self._opened: set[str] = set()

    @property
    def rooms(self) -> Mapping[str, RoomState]:
        """The open rooms by id."""
        return self._rooms

    def open(self, room: str, now: float) -> tuple[RoomState, bool]:
        """The room, opened if it is not, with what was kept for it.

        Args:
            room: its id.
            now: the instant in seconds, on the clock of `restore`.

        Returns:
            The room, and whether it is new.

        Raises:
            RoomFull: too many rooms are open.
        """
        state = self._rooms.get(room)
        if state is not None:
            return state, False
        if len(self._rooms) >= MAX_ROOMS:
            raise RoomFull(f"{MAX_ROOMS} rooms are open already")
        state = self._rooms[room] = RoomState(room, self._size, room in self._opened)
        kept = self._kept.pop(room, None)
        if kept is not None and now < kept.until:
            state.merge(kept.lines)
        return state, True

    def room(self, room: str) -> RoomState:
        """The open room.

        Raises:
            NoSuchRoom: it is not open.
        """
        state = self._rooms.get(room)
        if state is None:
            raise NoSuchRoom(room)
        return state

    def close(self, room: str) -> None:
        """Forgets the room and everything in it."""
        self._rooms.pop(room, None)

    def open_up(self, rooms: Iterable[str]) -> None:
        """What is said aloud in these rooms, and in no others, is also for people who were absent."""
        self._opened = set(rooms)
        for state in self._rooms.values():
            state.is_open = state.id in self._opened

    @property
    def opened(self) -> frozenset[str]:
        """The rooms of which that holds, also those that nobody is in."""
        return frozenset(self._opened)

    def restore(self, room: str, lines: Iterable[Line], now: float) -> None:
        """Brings back what a room had before a restart: at once if it is open, else when it opens soon.

        A transcript waits `RESTORE_WITHIN_S` seconds for its people, not for whoever opens a room of that name
        some other day.

        Raises:
            RoomFull: so many are kept already.
        """
        state = self._rooms.get(room)
        if state is not None:
            state.merge(lines)
            return
        self._kept = {id: kept for id, kept in self._kept.items() if now < kept.until}
        if len(self._kept) >= MAX_ROOMS and room not in self._kept:
            raise RoomFull(f"{MAX_ROOMS} transcripts wait for their people already")
        self._kept[room] = _Kept(tuple(lines)[-MAX_HISTORY:], now + RESTORE_WITHIN_S)
