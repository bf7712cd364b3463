"""What is measured of each room, peer and track, read in slices so that no tick waits for it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from media.realtime.jitter import JitterBuffer
from media.rtc.forwarder import SlotStatistics
from media.rtc.peer import PeerState
from media.rtc.statistics import PeerStatistics, ReceivedStream
from signaling.server.census import PeerCensus, PeerTotals
from signaling.server.conference import Conference
from signaling.server.live import LiveRoom

__all__ = [
    "MAX_PEERS",
    "BufferMeasure",
    "Measures",
    "PeerMeasure",
    "RoomMeasure",
    "SlotCounts",
    "TrackMeasure",
    "TrackName",
    "gather",
    "measure_peer",
]

MAX_PEERS = 512
"""So many peers are told of one by one; beyond them only sums."""

SLICE = 4
"""Peers that are read in one turn of the loop: some 0.3 ms."""

TrackName = Literal["microphone", "camera", "mix", "cameras", "voices"]


@dataclass(frozen=True, slots=True)
class TrackMeasure:
    """Counts of one kind of track of one peer since it connected.

    Attributes:
        name: `microphone` and `camera` are received from the client; `mix`, `cameras` and `voices` sent to it.
        packets: received or sent.
        octets: of payload.
        lost: on the way, as far as the receiver has told; None before it has, negative with duplicates.
        jitter_ms: interarrival jitter at the receiver (RFC 3550 §6.4.1), None where it is not known.
        active: it comes or goes at present.
    """

    name: TrackName
    packets: int
    octets: int
    lost: int | None
    jitter_ms: float | None
    active: bool


@dataclass(frozen=True, slots=True)
class BufferMeasure:
    """A jitter buffer; see `JitterStatistics`.

    Attributes:
        target_ms: the delay it aims at.
        delay_ms: sum over played packets.
        played: packets.
        late: packets.
        concealed: frames.
    """

    target_ms: float
    delay_ms: float
    played: int
    late: int
    concealed: int


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """How many slots show something, wait for its first packet or keyframe, or are free."""

    showing: int
    waiting: int
    free: int

    @classmethod
    def of(cls, slots: Iterable[SlotStatistics]) -> "SlotCounts":
        """Counts them."""
        showing = waiting = free = 0
        for slot in slots:
            if not slot.watching:
                free += 1
            elif slot.showing:
                showing += 1
            else:
                waiting += 1
        return cls(showing, waiting, free)

    def plus(self, other: "SlotCounts") -> "SlotCounts":
        """The sum."""
        return SlotCounts(self.showing + other.showing, self.waiting + other.waiting, self.free + other.free)


@dataclass(frozen=True, slots=True)
class PeerMeasure:
    """A person's connection.

    Attributes:
        id: the participant's.
        rtt_ms: round trip, None before the client's first report.
        bandwidth: what the client believes that it can receive, in bit/s.
        budget: what its cameras may take of it, in bit/s.
        tracks: those that there were packets of.
        slots: for cameras.
        voices: for single voices.
        switches: from one layer of a camera to another.
        drops: packets dropped, by reason.
    """

    id: str
    speaking: bool
    muted: bool
    rtt_ms: float | None
    bandwidth: int | None
    budget: int
    tracks: tuple[TrackMeasure, ...]
    buffer: BufferMeasure
    slots: SlotCounts
    voices: SlotCounts
    switches: int
    drops: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RoomMeasure:
    """A room; `peers` has those of its persons who are connected, unless there are too many."""

    id: str
    persons: int
    personas: int
    connected: int
    speaking: int
    peers: tuple[PeerMeasure, ...]


@dataclass(frozen=True, slots=True)
class Measures:
    """All rooms, and sums over all peers that are or were.

    Attributes:
        connected: peers that are.
        connecting: peers that are about to be.
        unlisted: connected peers that are not told of one by one.
        slots: of all, for cameras.
        voices: of all, for single voices.
    """

    rooms: tuple[RoomMeasure, ...]
    totals: PeerTotals
    connected: int
    connecting: int
    unlisted: int
    slots: SlotCounts
    voices: SlotCounts


_NO_SLOTS = SlotCounts(0, 0, 0)


def _received(name: TrackName, streams: Iterable[ReceivedStream]) -> TrackMeasure | None:
    """One measure of all streams of a kind: layers are sums, their jitter that of the worst that comes."""
    packets = octets = lost = 0
    jitter_ms: float | None = None
    active = False
    for stream in streams:
        packets += stream.packets
        octets += stream.octets
        lost += stream.lost
        if stream.active:
            active = True
            jitter_ms = max(stream.jitter_ms, jitter_ms or 0.0)
    return TrackMeasure(name, packets, octets, lost, jitter_ms, active) if packets else None


def _forwarded(name: TrackName, slots: Iterable[SlotStatistics]) -> TrackMeasure | None:
    packets = octets = lost = 0
    active = False
    for slot in slots:
        packets += slot.packets
        octets += slot.octets
        lost += slot.lost
        active = active or slot.showing
    return TrackMeasure(name, packets, octets, lost, None, active) if packets else None


def _mix(one: PeerStatistics) -> TrackMeasure | None:
    if not one.mix_packets:
        return None
    return TrackMeasure("mix", one.mix_packets, one.mix_octets, one.remote_lost, one.remote_jitter_ms, True)


def measure_peer(
    id: str, one: PeerStatistics, jitter: JitterBuffer, *, speaking: bool, muted: bool
) -> PeerMeasure:
    """Takes a peer's statistics apart by track."""
    tracks = (
        _received("microphone", (stream for stream in one.received if stream.kind == "audio")),
        _received("camera", (stream for stream in one.received if stream.kind == "video")),
        _mix(one),
        _forwarded("cameras", (*one.slots.values(), one.former_slots)),
        _forwarded("voices", (*one.voices.values(), one.former_voices)),
    )
    held = jitter.statistics
    drops = dict(one.drops)
    for reason, number in held.drops().items():
        if number:
            drops[reason] = drops.get(reason, 0) + number
    return PeerMeasure(
        id=id,
        speaking=speaking,
        muted=muted,
        rtt_ms=one.rtt_ms,
        bandwidth=one.bandwidth,
        budget=one.budget,
        tracks=tuple(track for track in tracks if track is not None),
        buffer=BufferMeasure(jitter.target_ms, held.delay_ms, held.played, held.late, held.concealed),
        slots=SlotCounts.of(one.slots.values()),
        voices=SlotCounts.of(one.voices.values()),
        switches=sum(slot.switches for slot in one.slots.values()) + one.former_slots.switches,
        drops=drops,
    )


def _measure_room(room: LiveRoom, peers: Iterable[PeerMeasure]) -> RoomMeasure:
    seats = room.state.seats.values()
    return RoomMeasure(
        id=room.id,
        persons=sum(seat.kind == "person" for seat in seats),
        personas=sum(seat.kind == "persona" for seat in seats),
        connected=sum(attendee.peer is not None for attendee in room.attendees.values()),
        speaking=sum(seat.speaking for seat in seats),
        peers=tuple(peers),
    )


async def gather(conference: Conference, census: PeerCensus) -> Measures:
    """Reads all peers, a few in each turn of the loop.

    Who comes or goes meanwhile is in it or not; the sums are right in either case.
    """
    totals, living = census.departed, census.living
    seats = {
        attendee.peer: (room.id, attendee.seat)
        for room in conference.rooms.values()
        for attendee in room.attendees.values()
        if attendee.peer is not None
    }
    peers: dict[str, list[PeerMeasure]] = {}
    slots = voices = _NO_SLOTS
    listed = connected = connecting = 0
    for number, peer in enumerate(living):
        if number and number % SLICE == 0:
            await asyncio.sleep(0)
        one = census.statistics(peer)
        totals.add(one)
        slots = slots.plus(SlotCounts.of(one.slots.values()))
        voices = voices.plus(SlotCounts.of(one.voices.values()))
        connected += peer.state is PeerState.CONNECTED
        connecting += peer.state in (PeerState.NEW, PeerState.CONNECTING)
        found = seats.get(peer)
        if found is None or listed >= MAX_PEERS:
            continue
        listed += 1
        room_id, seat = found
        peers.setdefault(room_id, []).append(
            measure_peer(seat.id, one, peer.jitter, speaking=seat.speaking, muted=seat.muted)
        )
    rooms = []
    for number, room in enumerate(list(conference.rooms.values())):
        if number and number % SLICE == 0:
            await asyncio.sleep(0)
        rooms.append(_measure_room(room, peers.get(room.id, ())))
    return Measures(
        rooms=tuple(rooms),
        totals=totals,
        connected=connected,
        connecting=connecting,
        unlisted=len(seats) - listed,
        slots=slots,
        voices=voices,
    )
