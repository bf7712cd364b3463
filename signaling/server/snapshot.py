"""What the server does at one instant, as operators are told of it (docs/protocol.md). Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from media.realtime.jitter import JitterStatistics
from media.realtime.plane import LATENESS_BOUNDS_MS, PlaneStatistics
from signaling.server.census import PeerTotals
from signaling.server.measures import Measures, PeerMeasure, RoomMeasure, SlotCounts, TrackMeasure

__all__ = ["SNAPSHOT_VERSION", "Moment", "snapshot"]

SNAPSHOT_VERSION = 1

Json = dict[str, object]
_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Moment:
    """What a snapshot is made of.

    Attributes:
        at: UTC, RFC 3339.
        clock_ms: steady; counts are divided by its differences.
        started: when the counts began, UTC, RFC 3339; another one tells of a restart.
        version: of the server.
        mind: `up`, `starting` or `down`.
        refused: what HTTP and WebSocket refused, by reason.
        dropped: what media dropped, by reason, that of peers left out.
    """

    at: str
    clock_ms: float
    started: str
    version: str
    mind: str
    plane: PlaneStatistics
    measures: Measures
    refused: Mapping[str, int]
    dropped: Mapping[str, int]


def snapshot(moment: Moment) -> Iterator[str]:
    """The pieces of the JSON text of a snapshot, none of which takes long to make."""
    measures = moment.measures
    head = {
        "type": "snapshot",
        "version": SNAPSHOT_VERSION,
        "at": moment.at,
        "clockMs": round(moment.clock_ms, 3),
        "started": moment.started,
        "server": moment.version,
        "mind": moment.mind,
        "plane": _plane(moment.plane),
        "buffers": _buffers(moment.plane.jitter),
        "network": _network(measures),
        "drops": {
            "media": _sums(moment.dropped, measures.totals.drops),
            "signaling": _sums(moment.refused),
        },
        "unlisted": measures.unlisted,
    }
    yield _text(head)[:-1] + ',"rooms":['
    for number, room in enumerate(measures.rooms):
        yield ("," if number else "") + _text(_room(room))[:-1] + ',"peers":['
        for index, peer in enumerate(room.peers):
            yield ("," if index else "") + _text(_peer(peer))
        yield "]}"
    yield "]}"


def _sums(*counts: Mapping[str, int]) -> dict[str, int]:
    reasons = sorted({reason for some in counts for reason, number in some.items() if number})
    return {reason: sum(some.get(reason, 0) for some in counts) for reason in reasons}


def _plane(plane: PlaneStatistics) -> Json:
    return {
        "active": plane.active,
        "ticks": plane.ticks,
        "late": plane.late,
        "skipped": plane.skipped,
        "faults": plane.faults,
        "lateness": {
            "boundsMs": LATENESS_BOUNDS_MS,
            "counts": plane.lateness,
            "sumMs": round(plane.lateness_sum_ms, 3),
        },
        "encodes": plane.encodes,
        "replays": plane.replays,
        "sent": plane.sent,
        "cleaned": plane.cleaned,
        "cleaningMs": round(plane.cleaning_ms, 3),
    }


def _buffers(jitter: JitterStatistics) -> Json:
    counts = asdict(jitter)
    delay_ms = counts.pop("delay_ms")
    return {**counts, "delayMs": round(delay_ms, 3)}


def _slots(slots: SlotCounts) -> Json:
    return {"showing": slots.showing, "waiting": slots.waiting, "free": slots.free}


def _network(measures: Measures) -> Json:
    totals: PeerTotals = measures.totals
    return {
        "connected": measures.connected,
        "connecting": measures.connecting,
        "packetsIn": totals.packets_in,
        "bytesIn": totals.bytes_in,
        "packetsOut": totals.packets_out,
        "bytesOut": totals.bytes_out,
        "retransmissions": totals.retransmissions,
        "switches": totals.switches,
        "keyframeRequests": totals.keyframe_requests,
        "keyframeWishes": totals.keyframe_wishes,
        "nacksSent": totals.nacks_sent,
        "nacksReceived": totals.nacks_received,
        "unrepaired": totals.unrepaired,
        "slots": _slots(measures.slots),
        "voices": _slots(measures.voices),
    }


def _room(room: RoomMeasure) -> Json:
    return {
        "id": room.id,
        "persons": room.persons,
        "personas": room.personas,
        "connected": room.connected,
        "speaking": room.speaking,
    }


def _peer(peer: PeerMeasure) -> Json:
    return {
        "id": peer.id,
        "speaking": peer.speaking,
        "muted": peer.muted,
        "rttMs": _ms(peer.rtt_ms),
        "bandwidth": peer.bandwidth,
        "budget": peer.budget,
        "slots": _slots(peer.slots),
        "voices": _slots(peer.voices),
        "switches": peer.switches,
        "buffer": {
            "targetMs": round(peer.buffer.target_ms, 1),
            "delayMs": round(peer.buffer.delay_ms, 1),
            "played": peer.buffer.played,
            "late": peer.buffer.late,
            "concealed": peer.buffer.concealed,
        },
        "tracks": [_track(track) for track in peer.tracks],
        "drops": dict(sorted(peer.drops.items())),
    }


def _track(track: TrackMeasure) -> Json:
    return {
        "name": track.name,
        "packets": track.packets,
        "bytes": track.octets,
        "lost": track.lost,
        "jitterMs": _ms(track.jitter_ms),
        "active": track.active,
    }


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
