"""What operators and Prometheus are told: right, parsable, bounded, and gone with whoever it was about."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from media.realtime.jitter import JitterBuffer
from media.realtime.packet import ReceivedPacket
from media.rtc.forwarder import SlotStatistics
from media.rtc.peer import PeerState
from media.rtc.statistics import PeerStatistics, ReceivedStream
from signaling.server import measures as measures_module
from signaling.server.census import PeerCensus, PeerTotals
from signaling.server.measures import Measures, RoomMeasure, SlotCounts, gather, measure_peer
from signaling.server.metrics import Metrics
from signaling.server.peer_metrics import peer_metrics
from signaling.server.ports import FakeSessionPeer
from tests.signaling.house import house

SLOT = SlotStatistics(
    watching=True,
    showing=True,
    codec="VP8",
    unsupported=False,
    layer=1,
    switches=2,
    packets=500,
    octets=400_000,
    retransmissions=7,
    lost=9,
)
FREE = SlotStatistics(False, False, "", False, None, 0, 0, 0, 0, 0)
WAITING = SlotStatistics(True, False, "VP8", False, None, 0, 0, 0, 0, 0)


def statistics(**changes: Any) -> PeerStatistics:
    one: dict[str, Any] = {
        "packets_in": 1000,
        "bytes_in": 100_000,
        "packets_out": 2000,
        "bytes_out": 500_000,
        "drops": {"srtp-replay": 3},
        "rtt_ms": 25.5,
        "remote_jitter_ms": 4.0,
        "remote_loss": 0.0,
        "remote_lost": 5,
        "bandwidth": 900_000,
        "budget": 800_000,
        "received": (
            ReceivedStream("audio", 1, 2, 3.25, 100, 8_000),
            ReceivedStream("video", 2, 4, 10.0, 50, 40_000),
            ReceivedStream("video", 3, 1, 80.0, 50, 60_000, active=False),
        ),
        "slots": {"2": SLOT, "3": FREE, "4": WAITING},
        "voices": {},
        "mix_packets": 300,
        "mix_octets": 24_000,
        "keyframe_requests": 1,
        "keyframe_wishes": 2,
        "nacks_sent": 11,
        "nacks_received": 12,
        "unrepaired": 1,
    }
    return PeerStatistics(**one | changes)


class MeasuredPeer(FakeSessionPeer):
    """A peer that says what it is told to say."""

    figures = statistics()

    def statistics(self) -> PeerStatistics:
        return self.figures


def listed(figures: PeerStatistics, room: str = "lobby", id: str = "p1") -> Measures:
    peer = measure_peer(id, figures, JitterBuffer(), speaking=False, muted=False)
    totals = PeerTotals()
    totals.add(figures)
    return Measures(
        (RoomMeasure(room, 1, 0, 1, 0, (peer,)),), totals, 1, 0, 0, SlotCounts(1, 1, 1), SlotCounts(0, 0, 0)
    )


def parsed(text: str | bytes) -> dict[str, Metric]:
    """Families by name; each comes once, its samples together."""
    exposition = text.decode() if isinstance(text, bytes) else text
    families = list(text_string_to_metric_families(exposition))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), [name for name, times in Counter(names).items() if times > 1]
    series = Counter(
        (sample.name, *sorted(sample.labels.items())) for family in families for sample in family.samples
    )
    assert [name for name, times in series.items() if times > 1] == []
    return {family.name: family for family in families}


def value(families: Mapping[str, Metric], name: str, **labels: str) -> float:
    found = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    assert len(found) == 1, (name, labels, found)
    return float(found[0])


def samples(families: Iterable[Metric]) -> list[Sample]:
    return [sample for family in families for sample in family.samples]


async def scraped(measures: Measures) -> dict[str, Metric]:
    return parsed(await Metrics().exposition(peer_metrics(measures, {"late": 1})))


def test_a_peer_is_taken_apart_by_track() -> None:
    peer = measure_peer("p1", statistics(), JitterBuffer(), speaking=True, muted=False)
    tracks = {track.name: track for track in peer.tracks}
    assert list(tracks) == ["microphone", "camera", "mix", "cameras"], "no voices: none were sent"
    assert (tracks["microphone"].packets, tracks["microphone"].lost) == (100, 2)
    camera = tracks["camera"]
    assert (camera.packets, camera.octets, camera.lost) == (100, 100_000, 5)
    assert camera.jitter_ms == 10.0, "of the layer that comes, not of the one that is paused"
    assert (tracks["mix"].lost, tracks["mix"].jitter_ms) == (5, 4.0)
    assert (tracks["cameras"].lost, tracks["cameras"].octets) == (9, 400_000)
    assert peer.slots == SlotCounts(showing=1, waiting=1, free=1)


def test_what_the_jitter_buffer_dropped_is_among_a_peers_drops() -> None:
    jitter = JitterBuffer()
    packet = ReceivedPacket(sequence=1, timestamp=0, payload=b"\xf8\xff\xfe", arrival_ns=0, level=None)
    jitter.push(packet)
    jitter.push(packet)
    peer = measure_peer("p1", statistics(), jitter, speaking=False, muted=False)
    assert peer.drops == {"srtp-replay": 3, "duplicate": 1}


async def test_each_track_has_series_in_the_units_of_prometheus() -> None:
    families = await scraped(listed(statistics()))
    microphone = {"room": "lobby", "participant": "p1", "track": "microphone"}
    assert value(families, "continuum_track_packets_total", **microphone) == 100
    assert value(families, "continuum_track_bytes_total", **microphone) == 8_000
    assert value(families, "continuum_track_lost_packets", **microphone) == 2
    assert value(families, "continuum_track_jitter_seconds", **microphone) == 0.00325
    person = {"room": "lobby", "participant": "p1"}
    assert value(families, "continuum_peer_round_trip_seconds", **person) == 0.0255
    assert value(families, "continuum_peer_buffer_delay_seconds_count", **person) == 0
    assert value(families, "continuum_peer_bandwidth_bits_per_second", **person, kind="estimate") == 900_000
    assert value(families, "continuum_peer_slots", **person, state="waiting") == 1
    assert value(families, "continuum_rtc_nacks_received_total") == 12
    assert value(families, "continuum_rtc_layer_switches_total") == 2
    assert value(families, "continuum_media_dropped_total", reason="srtp-replay") == 3
    assert value(families, "continuum_media_dropped_total", reason="late") == 1


async def test_what_is_not_known_has_no_series() -> None:
    figures = statistics(rtt_ms=None, remote_jitter_ms=None, remote_lost=None, bandwidth=None)
    found = samples((await scraped(listed(figures))).values())
    assert not any(sample.name == "continuum_peer_round_trip_seconds" for sample in found)
    assert not any(sample.labels.get("kind") == "estimate" for sample in found)
    assert not any(
        sample.labels.get("track") == "mix" and sample.name.endswith(("jitter_seconds", "lost_packets"))
        for sample in found
    )


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_label_breaks_the_exposition(room: str, participant: str, reason: str) -> None:
    measures = listed(statistics(drops={reason: 1}), room, participant)
    families = asyncio.run(scraped(measures))
    mine = [sample for sample in samples(families.values()) if sample.name == "continuum_track_packets_total"]
    assert {(sample.labels["room"], sample.labels["participant"]) for sample in mine} == {(room, participant)}


async def test_a_family_of_many_samples_is_told_in_one_piece() -> None:
    metrics = Metrics()
    for number in range(150):
        metrics.count_mind(f"reason {number}", number)
        metrics.drop(f"reason {number}")
    text = (await metrics.exposition()).decode()
    families = parsed(text)
    assert value(families, "continuum_mind_events_total", reason="reason 149") == 149
    headings = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(headings) == len(set(headings))


async def test_series_of_a_person_come_and_go_with_them_and_tell_no_name(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.seated("Ada Lovelace")
        await ada.connect()
        text = (await home.overview.exposition()).decode()
        families = parsed(text)
        assert value(families, "continuum_rtc_peers", state="connected") == 1
        assert any(sample.labels.get("participant") == ada.id for sample in samples(families.values()))
        for secret in ("Ada", "Lovelace", "ada lovelace", ada.resume):
            assert secret not in text
            assert secret not in await home.overview.snapshot()
        ada.send(type="leave")
        await ada.ended()
        families = parsed(await home.overview.exposition())
        assert not any("participant" in sample.labels for sample in samples(families.values()))
        assert value(families, "continuum_rtc_peers", state="connected") == 0


async def test_what_the_departed_did_still_counts(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.census = PeerCensus(MeasuredPeer)
        for _ in range(2):
            client = await home.seated("Ada")
            client.send(type="offer", id="o", sdp="v=0\r\n")
            await client.expect("answer", id="o")
            before = (await gather(home.conference, home.census)).totals
            client.send(type="leave")
            await client.ended()
            assert home.census.living == ()
            assert (await gather(home.conference, home.census)).totals == before
        assert before.bytes_in == 200_000
        assert before.drops == {"srtp-replay": 6}
        assert (before.retransmissions, before.switches, before.nacks_sent) == (14, 4, 22)


async def test_a_peer_is_counted_once_however_it_ends() -> None:
    census = PeerCensus(MeasuredPeer)
    states: list[PeerState] = []
    peer = census(states.append)
    assert isinstance(peer, MeasuredPeer)
    peer.enter(PeerState.FAILED)
    peer.enter(PeerState.CLOSED)
    assert states == [PeerState.FAILED, PeerState.CLOSED]
    assert census.departed.packets_in == 1000


async def test_no_sum_falls_when_a_peer_ends_while_it_is_read_and_counts_on(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.census._make = MeasuredPeer
        peers = [home.census(lambda state: None) for _ in range(2 * measures_module.SLICE)]
        reading = asyncio.create_task(gather(home.conference, home.census))
        await asyncio.sleep(0)
        last = peers[-1]
        assert isinstance(last, MeasuredPeer)
        last.enter(PeerState.CLOSED)
        last.figures = statistics(packets_in=1007)
        assert (await reading).totals.packets_in == 1000 * len(peers)
        for peer in peers[:-1]:
            await peer.close()
        assert (await gather(home.conference, home.census)).totals.packets_in == 1000 * len(peers)


def test_slots_that_are_gone_are_in_the_sums_and_in_their_persons_series() -> None:
    without = statistics()
    gone = statistics(former_slots=SLOT, former_voices=SLOT)
    totals, others = PeerTotals(), PeerTotals()
    totals.add(gone)
    others.add(without)
    assert totals.retransmissions == others.retransmissions + 2 * SLOT.retransmissions
    assert totals.switches == others.switches + 2 * SLOT.switches
    tracks = {track.name: track for track in listed(gone).rooms[0].peers[0].tracks}
    before = {track.name: track for track in listed(without).rooms[0].peers[0].tracks}
    assert tracks["cameras"].packets == before["cameras"].packets + SLOT.packets
    assert tracks["voices"].packets == SLOT.packets
    assert listed(gone).slots == listed(without).slots, "and they are no slots any more"


async def test_beyond_a_bound_peers_are_only_summed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures_module, "MAX_PEERS", 2)
    async with house(tmp_path) as home:
        for name in ("Ada", "Bob", "Cyd"):
            await (await home.seated(name)).connect()
        measures = await gather(home.conference, home.census)
        assert (measures.connected, measures.unlisted) == (3, 1)
        assert [room.connected for room in measures.rooms] == [3]
        assert sum(len(room.peers) for room in measures.rooms) == 2
        families = parsed(await home.overview.exposition())
        assert value(families, "continuum_rtc_peers_unlisted") == 1


async def test_a_tick_comes_between_the_slices_of_many_peers(tmp_path: Path) -> None:
    async with house(tmp_path, room_size=64) as home:
        for number in range(40):
            await (await home.seated(f"P{number}")).connect()
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        await home.overview.snapshot()
        assert turns >= 5
        between, turns = turns, 0
        await home.overview.exposition()
        assert turns > between, "each family of metrics is a turn of its own"
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)


async def test_a_snapshot_tells_of_rooms_peers_and_the_plane(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        empty = json.loads(await home.overview.snapshot())
        assert (empty["type"], empty["version"], empty["server"], empty["mind"]) == (
            "snapshot",
            1,
            "1.2.3",
            "starting",
        )
        assert empty["rooms"] == []
        assert len(empty["plane"]["lateness"]["counts"]) == len(empty["plane"]["lateness"]["boundsMs"]) + 1
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        peer = await ada.connect()
        peer.streams = (ReceivedStream("audio", 1, 2, 3.0, 98, 4_000),)
        home.metrics.drop("message-too-fast")
        told = json.loads(await home.overview.snapshot())
        assert told["clockMs"] > empty["clockMs"]
        assert told["started"] == empty["started"]
        assert told["drops"]["signaling"] == {"message-too-fast": 1}
        (room,) = told["rooms"]
        assert (room["id"], room["persons"], room["personas"], room["connected"]) == ("lobby", 2, 0, 1)
        (one,) = room["peers"]
        assert one["id"] == ada.id != bob.id
        assert one["tracks"] == [
            {"name": "microphone", "packets": 98, "bytes": 4000, "lost": 2, "jitterMs": 3.0, "active": True}
        ]
        assert set(one["buffer"]) == {"targetMs", "delayMs", "played", "late", "concealed"}


async def test_every_counter_of_the_jitter_buffers_and_the_cost_of_cleaning_come_out(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        families = parsed(await home.overview.exposition())
        events = {sample.labels["event"] for sample in families["continuum_jitter_buffer_events"].samples}
        assert {"late", "lost", "concealed", "recovered", "shrunk", "expanded", "underruns"} <= events
        for name in (
            "continuum_plane_cleaning_seconds",
            "continuum_plane_frames_cleaned",
            "continuum_plane_encodes",
            "continuum_plane_lateness_seconds",
            "continuum_jitter_buffer_delay_seconds",
        ):
            assert name in families
        assert all(re.fullmatch(r"continuum_[a-z_]+", name) for name in families)
